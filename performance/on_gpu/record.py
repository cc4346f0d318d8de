"""What was found, in a file that is complete at any time, so that a run which is killed leaves what it has."""

from __future__ import annotations

import json
import threading
import traceback
from pathlib import Path
from typing import Any

from .table import rows

NO_TIME = "not measured: no time left"
FAILED = "failed"


class Record:
    """The JSON file. Two threads use it: the one that measures, and the one that ends the run in time.

    Args:
        path: of the file.
        content: what is known before anything is measured.
        plan: the sections with the presets of each, in order.
    """

    def __init__(self, path: Path, content: dict[str, Any], plan: list[tuple[str, str]]) -> None:
        self.path = path
        self.content = {**content, "sections": {}, "table": []}
        self._lock = threading.RLock()
        for section, preset in plan:
            parts = self.content["sections"].setdefault(section, {})
            parts[preset] = {"status": NO_TIME, "results": {}}

    def part(self, section: str, preset: str) -> dict[str, Any]:
        """What is known of a section for a preset."""
        part: dict[str, Any] = self.content["sections"][section][preset]
        return part

    def found(self, section: str, preset: str, name: str, value: Any) -> None:
        """Note a result, and write the file."""
        with self._lock:
            self.part(section, preset)["results"][name] = value
            self.write()

    def ended(self, section: str, preset: str, status: str, seconds: float) -> None:
        """Note how a section ended, and write the file."""
        with self._lock:
            self.part(section, preset).update(status=status, seconds=round(seconds, 1))
            self.write()

    def failed(self, section: str, preset: str, error: Exception) -> str:
        """Note what went wrong in a section; return its status."""
        frames = traceback.extract_tb(error.__traceback__)
        with self._lock:
            self.part(section, preset).update(
                error=f"{type(error).__name__}: {error}",
                where=[f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames],
            )
        return FAILED

    def finish(self, seconds: float) -> None:
        """Note how long all took, and write the file."""
        with self._lock:
            self.content["seconds"] = round(seconds, 1)
            self.write()

    def errors(self) -> list[str]:
        """What went wrong, in a line per section."""
        return [
            f"{section}, {preset}: {part['error']}"
            for section, preset, part in self._parts()
            if "error" in part
        ]

    @property
    def status(self) -> int:
        """The exit status of the program: 1 if a section failed."""
        return int(any(part["status"] == FAILED for _, _, part in self._parts()))

    def _parts(self) -> list[tuple[str, str, dict[str, Any]]]:
        sections = self.content["sections"].items()
        return [(section, preset, part) for section, parts in sections for preset, part in parts.items()]

    def write(self) -> None:
        """Write the file in one go."""
        with self._lock:
            self.content["table"] = rows(self.content)
            self.path.parent.mkdir(parents=True, exist_ok=True)
            unfinished = self.path.with_name(f"{self.path.name}.unfinished")
            unfinished.write_text(json.dumps(self.content, indent=2) + "\n")
            unfinished.replace(self.path)
