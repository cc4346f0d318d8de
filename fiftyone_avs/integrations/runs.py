"""An address that stored records name; the classes are in ``fiftyone_avs.fo.runs.records``."""

from fiftyone_avs.fo.runs.records import AVSRun, AVSRunConfig

__all__ = ["AVSRun", "AVSRunConfig"]
