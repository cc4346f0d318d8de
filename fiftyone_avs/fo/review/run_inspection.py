"""What a run left on one sample or frame, from the captions to the scores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from fiftyone_avs.errors import MediaError
from fiftyone_avs.fo.evaluate.listing import EvaluationInfo
from fiftyone_avs.fo.runs.labels import is_caption_of
from fiftyone_avs.fo.runs.records import AVSRunConfig
from fiftyone_avs.fo.schema.fields import CAPTION_FIELDS, FRAMES, value_of
from fiftyone_avs.media import read_mask
from fiftyone_avs.types import Candidate, Caption, Image, Mask


@dataclass(frozen=True)
class InspectedScores:
    """The scores of one evaluation on one sample or frame, in [0, 1]; None where undefined or left out.

    Attributes:
        eval_key: the evaluation.
        gt_field: the ground truth it compared with, without ``frames.``.
        iou: IoU of the mask.
        f: F of the mask.
        iou_adaptive: adaptive IoU; None, too, where the protocol has none.
        f_adaptive: adaptive F, likewise.
    """

    eval_key: str
    gt_field: str
    iou: float | None
    f: float | None
    iou_adaptive: float | None
    f_adaptive: float | None


@dataclass(frozen=True, eq=False)
class RunInspection:
    """What a run left on a sample or frame.

    Attributes:
        run: the run key.
        strategy: the strategy's name.
        status: "ok", "abstained", "failed" or "missing" (the run did not come to it).
        reason: why it is not ok; "" if it is.
        image_caption: the caption of the picture, if the run used one.
        audio_caption: the caption of the sound, likewise.
        caption_note: what is to be known of a caption that is not shown, or "".
        candidates: every noun phrase or class with its score, best first.
        query: the referring expression; "" without one.
        confidence: its score; None where the strategy gives none.
        scores: of the run's evaluations, the newest first.
        mask: bool, shape (H, W); None without one.
        problem: what is wrong with the mask's file, or "".
    """

    run: str
    strategy: str
    status: str
    reason: str
    image_caption: Caption | None
    audio_caption: Caption | None
    caption_note: str
    candidates: tuple[Candidate, ...]
    query: str
    confidence: float | None
    scores: tuple[InspectedScores, ...]
    mask: Mask | None
    problem: str


@dataclass(frozen=True)
class RunInspector:
    """A run that is to be inspected.

    Attributes:
        run: the run key.
        config: its record.
        evaluations: of its masks, the newest first.
    """

    run: str
    config: AVSRunConfig
    evaluations: Sequence[EvaluationInfo]

    @property
    def names(self) -> list[str]:
        """The fields to load of a sample or frame."""
        own = [self.run, *(f"{self.run}_{end}" for end in ("query", "candidates", "status"))]
        scores = [name for info in self.evaluations for name in info.fields.by_score.values()]
        return [*own, *self.config.captions, *scores]

    def inspect(self, document: Any, video: Any, picture: Image | None) -> RunInspection:
        """Read what the run left.

        Args:
            document: the sample or frame.
            video: the sample that a frame belongs to; None for images.
            picture: uint8 RGB, shape (H, W, 3), to compare the mask's size with; None if it cannot be read.
        """
        status, reason = self._status(document, video)
        label = value_of(document, self.run)
        mask, problem = read_shown_mask(label, picture)
        if label is None and status == "ok":
            problem = "there is no mask, though the run found one; its field may have been edited"
        captions, notes = self._captions(document)
        query = value_of(document, f"{self.run}_query")
        candidates = value_of(document, f"{self.run}_candidates")
        return RunInspection(
            run=self.run,
            strategy=self.config.settings["strategy"],
            status=status,
            reason=reason,
            image_caption=captions.get(CAPTION_FIELDS["image_captioner"]),
            audio_caption=captions.get(CAPTION_FIELDS["audio_captioner"]),
            caption_note="; ".join(notes),
            candidates=() if candidates is None else _candidates(candidates),
            query="" if query is None else query.label or "",
            confidence=None if query is None else query.confidence,
            scores=tuple(_scores(document, info) for info in self.evaluations),
            mask=mask,
            problem=problem,
        )

    def _status(self, document: Any, video: Any) -> tuple[str, str]:
        """Status and reason; a frame without them takes part in its video's."""
        text = value_of(document, f"{self.run}_status")
        if text is None and video is not None:
            whole = value_of(video, f"{self.run}_status")
            if whole is not None and not whole.startswith("failed"):
                return "missing", "the run does not label this frame (see its fps)"
            text = whole
        if text is None:
            return "missing", "the run has not come to this sample"
        status, _, reason = text.partition(": ")
        return status, reason

    def _captions(self, document: Any) -> tuple[dict[str, Caption], list[str]]:
        """The captions that the run used by field, and notes on those that are not kept."""
        captions, notes = {}, []
        for role, name in CAPTION_FIELDS.items():
            label = value_of(document, name) if name in self.config.captions else None
            if label is None:
                continue
            if is_caption_of(label, role, self.config.settings):
                captions[name] = Caption((label.label, *(value_of(label, "alternatives") or ())))
            else:
                notes.append(f"{name} holds a caption of another source than this run's, which is not kept")
        return captions, notes


def read_shown_mask(label: Any, picture: Image | None) -> tuple[Mask | None, str]:
    """The mask of a ``fo.Segmentation``, and what is wrong with it: unreadable, or of another size.

    A mask of another size than the picture is given all the same. Without a label there is no mask, and
    nothing wrong.
    """
    source = None if label is None else label.mask_path if label.mask is None else label.mask
    if source is None:
        return None, ""
    try:
        mask = read_mask(source)
    except (MediaError, ValueError) as error:
        return None, str(error)
    if picture is not None and mask.shape != picture.shape[:2]:
        return mask, f"{_size(mask.shape)}, stretched to {_size(picture.shape)}"
    return mask, ""


def _size(shape: tuple[int, ...]) -> str:
    return f"{shape[1]} x {shape[0]}"


def _candidates(label: Any) -> tuple[Candidate, ...]:
    return tuple(Candidate(found.label, found.confidence) for found in label.classifications)


def _scores(document: Any, info: EvaluationInfo) -> InspectedScores:
    fields = info.fields
    names = (fields.iou, fields.f, fields.iou_adaptive, fields.f_adaptive)
    values = [None if name is None else value_of(document, name) for name in names]
    return InspectedScores(info.key, info.gt_field.removeprefix(FRAMES), *values)
