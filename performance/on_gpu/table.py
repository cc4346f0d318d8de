"""The table at the end: measures, values, goals, and whether they are reached."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from textwrap import shorten
from typing import Any

WIDTHS = (48, 28, 10, 10)
NOT_MEASURED = "not measured"

IOU_GOAL, SPEED_GOAL, BOUND_GOAL = 0.99, 10, 0.2
"""Lowest IoU of masks beside float32's; times the loop's samples per second; share of the device's arithmetic."""


@dataclass(frozen=True)
class Measure:
    """A line of the table.

    Attributes:
        section: whose result it is.
        label: for people, without the preset.
        path: keys that lead to the value in the section's results.
        goal: the least value that is wanted, or None.
        show: writes value and goal.
    """

    section: str
    label: str
    path: tuple[str, ...]
    goal: float | bool | None = None
    show: Callable[[Any], str] = str


def _number(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, int | float) else str(value)


def _percent(value: Any) -> str:
    return f"{value:.1%}"


def _yes(value: Any) -> str:
    return "yes" if value else "no"


def _sizes(value: Any) -> str:
    return " ".join(map(str, value))


def measures(stages: Sequence[str], cuda: bool) -> list[Measure]:
    """All lines of a preset.

    Args:
        stages: the names of its stages.
        cuda: whether a GPU is measured.
    """
    precisions = ("tf32", "bf16", "fp16") if cuda else ("bf16", "fp16")
    maps = [name for name in ("segmenter", "SAM 2, float32's boxes", "CLIPSeg") if name in stages]
    lines = []
    for precision in precisions:
        for name in maps:
            path = (f"{name}, {precision}", "mask_iou_lowest")
            lines.append(Measure("parity", f"{name}, {precision}: lowest IoU", path, IOU_GOAL, _number))
        whole = f"whole pipeline, {precision}"
        lines += [
            Measure("parity", f"{whole}: lowest IoU", (whole, "all", "mask_iou_lowest"), IOU_GOAL, _number),
            Measure("parity", f"{whole}: equal texts", (whole, "equal_expressions"), None, _percent),
        ]
    for precision in ("float32", "bf16"):
        path = ("times_the_loop", precision)
        lines.append(Measure("speed", f"engine, {precision}: times the loop", path, SPEED_GOAL, _number))
    for name in ("loop", "float32", "bf16"):
        path = ("samples_per_second", name)
        lines.append(Measure("speed", f"samples per second, {name}", path, None, _number))
    for name in (name for name in stages if name != "SAM 2, float32's boxes"):
        goal = BOUND_GOAL if name in maps else None
        for precision in ("float32", "bf16"):
            path = (f"{name}, {precision}", "share_of_bound")
            lines.append(Measure("bound", f"{name}, {precision}: of the bound", path, goal, _percent))
    for stage in ("image captioner", "strategy vcap_acls", "segmenter"):
        path = ("sizes, vcap_acls", stage, "found")
        lines.append(Measure("batches", f"batch size found, {stage}", path))
    lines += [
        Measure("pressure", "out of memory: batch sizes", ("sizes",), None, _sizes),
        Measure("pressure", "out of memory: all samples ok", ("all_ok",), True, _yes),
        Measure("pressure", "out of memory: lowest IoU", ("masks", "mask_iou_lowest"), IOU_GOAL, _number),
        Measure("pressure", "out of memory: free again", ("memory_is_free_again",), True, _yes),
    ]
    peak = "peak_mb" if cuda else "process_peak_mb"
    for precision in ("float32", "bf16", "fp16") if cuda else ("float32", "bf16"):
        lines.append(Measure("memory", f"peak memory, {precision}, MB", (precision, peak)))
    return lines


def rows(record: Mapping[str, Any]) -> list[dict[str, str]]:
    """The table of a record: for each measure its value, its goal, and whether that is reached."""
    found = []
    for preset in record["presets"]:
        for measure in measures(record["stages"][preset], record["cuda"]):
            part = record["sections"].get(measure.section, {}).get(preset)
            if part is not None:
                found.append({"measure": f"{preset}: {measure.label}", **_cells(measure, part)})
    return found


def _cells(measure: Measure, part: Mapping[str, Any]) -> dict[str, str]:
    value: Any = part["results"]
    for key in measure.path:
        value = value.get(key) if isinstance(value, Mapping) else None
    goal = "" if measure.goal is None else measure.show(measure.goal)
    goal = f">= {goal}" if goal and not isinstance(measure.goal, bool) else goal
    if value is None:
        status = "nothing was found" if part["status"] == "ok" else part["status"]
        return {"value": status, "goal": goal, "reached": NOT_MEASURED}
    reached = "" if measure.goal is None else _yes(value >= measure.goal)
    return {"value": measure.show(value), "goal": goal, "reached": reached}


def text_of(record: Mapping[str, Any]) -> str:
    """The table for people, at most 100 columns wide."""
    names = ("measure", "value", "goal", "reached")
    lines = [dict(zip(names, names, strict=True)), *record["table"]]
    return "\n".join(
        " ".join(
            shorten(line[name], width, placeholder="...").ljust(width)
            for name, width in zip(names, WIDTHS, strict=True)
        ).rstrip()
        for line in lines
    )
