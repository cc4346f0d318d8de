"""A strategy beside controls that cannot hear, and how much of its score the sound earns."""

from __future__ import annotations

from fiftyone_avs.integrations.controls.report import ControlReport
from fiftyone_avs.integrations.controls.running import ABOUT, CONTROLS, check_controls, run_controls

__all__ = ["ABOUT", "CONTROLS", "ControlReport", "check_controls", "run_controls"]
