"""Benchmarks on disk: which there are, how their files lie, and what each row of them says.

Nothing here knows FiftyOne. ``fo.importing`` turns records into samples.
"""

from __future__ import annotations

from fiftyone_avs.benchmarks.records import Box, MaskFile, MaskKind, Problem, Record, Rows

__all__ = ["Box", "MaskFile", "MaskKind", "Problem", "Record", "Rows"]
