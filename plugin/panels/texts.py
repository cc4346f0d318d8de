"""How a run came to its referring expression, as Markdown."""

from __future__ import annotations

from fiftyone_avs.fo import RunInspection, SampleInspection

from ..forms import plain

MOST_CANDIDATES = 6


def chains(found: SampleInspection) -> str:
    """One paragraph per run: its captions, its candidates with scores, its referring expression, its scores."""
    title = "" if found.frame_number is None else f"**Frame {found.frame_number}**\n\n"
    if not found.runs:
        return title + "No run on this dataset yet: **AVS: segment sounding objects** makes one."
    return title + "\n\n".join(_chain(run) for run in found.runs)


def _chain(run: RunInspection) -> str:
    lines = [f"**{plain(run.run)}** · {plain(run.status)}{_scores(run)}"]
    if run.reason:
        lines.append(f"why: {plain(run.reason)}")
    for source, caption in (("picture", run.image_caption), ("sound", run.audio_caption)):
        if caption is not None:
            lines.append(f"{source} caption: *{plain(caption.text)}*")
    if run.caption_note:
        lines.append(plain(run.caption_note))
    if run.candidates:
        lines.append(f"candidates: {_candidates(run)}")
    if run.query:
        confidence = "" if run.confidence is None else f" ({run.confidence:.2f})"
        lines.append(f"referring expression: **{plain(run.query)}**{confidence}")
    return "\n".join(f"{'' if index == 0 else '- '}{line}" for index, line in enumerate(lines))


def _candidates(run: RunInspection) -> str:
    shown = [f"{plain(found.text)} {found.score:.2f}" for found in run.candidates[:MOST_CANDIDATES]]
    more = len(run.candidates) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")


def _scores(run: RunInspection) -> str:
    if not run.scores:
        return ""
    newest = run.scores[0]
    values = {"IoU": newest.iou, "F": newest.f, "adaptive IoU": newest.iou_adaptive}
    shown = [f"{name} {value:.2f}" for name, value in values.items() if value is not None]
    return f" · {', '.join(shown)}" if shown else ""
