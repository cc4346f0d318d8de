"""What other people's predictions can belong to: samples, or the frames of videos, and how they are called."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import fiftyone as fo

from fiftyone_avs.errors import ConfigurationError, DatasetError
from fiftyone_avs.fo.evaluate.evaluation import mask_field
from fiftyone_avs.fo.importing.benchmarks.samples import NAME
from fiftyone_avs.fo.schema.fields import AUDIO, FRAMES, string_fields
from fiftyone_avs.media import video_info
from fiftyone_avs.media.endings import IMAGES, SOUNDS, VIDEOS
from fiftyone_avs.predictions.files import ENDINGS, PredictionFiles
from fiftyone_avs.predictions.matching import Matching, check_numbering, frame_number, match_names, renumber

MEDIA = frozenset({*IMAGES, *SOUNDS, *VIDEOS, *ENDINGS})


@dataclass(frozen=True)
class Targets:
    """What files can belong to.

    Attributes:
        kinds: ways to call the targets, the best first: target -> name. A target is a sample's id, or
            "<sample id>/<frame number>".
        frames: videos: sample id -> the numbers of its frames with a ground truth.
        fps: videos: how many frames per second have a ground truth, as far as one video tells.
    """

    kinds: tuple[Mapping[str, str], ...]
    frames: Mapping[str, Sequence[int]]
    fps: float | None

    @property
    def count(self) -> int:
        """How many samples or frames there are."""
        return len({target for names in self.kinds for target in names})


def find_targets(dataset: fo.Dataset, name_field: str | None, gt: str | None, on_frames: bool) -> Targets:
    """The samples of a dataset, or the labelled frames of its videos, and how they are called.

    Args:
        dataset: all of it, so that a name is known to be unique whatever view is imported.
        name_field: the only names that count, if given.
        gt: videos: the ground truth whose frames the files number.
        on_frames: whether the samples are videos.

    Raises:
        DatasetError: if a field is not there.
        ConfigurationError: if the samples are videos and no ground truth is named.
    """
    names = _names(dataset, name_field)
    if not on_frames:
        return Targets(tuple(names), {}, None)
    if gt is None:
        raise ConfigurationError(
            "for videos, name the field of the ground truth with gt=... (--gt): the k-th file of a video is the"
            " prediction of the k-th frame that has one"
        )
    frames = _labelled_frames(dataset, mask_field(dataset, gt, on_frames))
    kinds = [
        {
            f"{sample_id}/{number}": f"{name}{mark}{k}"
            for sample_id, name in called.items()
            for k, number in enumerate(frames[sample_id], start=1)
        }
        for called in names
        for mark in ("_", "/")
    ]
    return Targets(tuple(kinds), frames, _rate(dataset, frames))


def match_targets(found: PredictionFiles, targets: Targets, first_frame: int | None) -> Matching:
    """Find the file of every target.

    Args:
        found: the files.
        targets: what they can belong to.
        first_frame: the number that the files give to a video's first frame; None takes numbers as they are.

    Raises:
        ConfigurationError: if none is given and the files seem to count otherwise than the samples.
    """
    kinds = targets.kinds
    if first_frame is None:
        matching = match_names(found.files, kinds)
        check_numbering(found.files, kinds, matching)
        return matching
    first = 0 if any(frame_number(name) == 0 for name in kinds[0].values()) else 1
    numbers = {name: frame_number(name) for name in found.files}
    early = [name for name, number in numbers.items() if number is not None and number < first_frame]
    real = {renumber(name, first - first_frame): name for name in found.files if name not in early}
    matching = match_names(real, kinds)
    return Matching(
        {target: real[name] for target, name in matching.files.items()},
        matching.reasons,
        tuple(sorted([*early, *(real[name] for name in matching.extra)])),
    )


def _names(dataset: fo.Dataset, name_field: str | None) -> list[dict[str, str]]:
    """Ways to call the samples, the best first: id -> name, without ending."""
    if name_field is not None and not isinstance(dataset.get_field(name_field), fo.StringField):
        others = ", ".join(repr(name) for name in string_fields(dataset)) or "none"
        raise DatasetError(
            f"field {name_field!r} of dataset {dataset.name!r} does not hold text; its text fields: {others}"
        )
    if name_field is not None:
        return [_texts(dataset, name_field)]
    kinds = [_texts(dataset, NAME), _texts(dataset, "filepath"), _texts(dataset, AUDIO)]
    return [names for names in kinds if names]


def _texts(dataset: fo.Dataset, field: str) -> dict[str, str]:
    """The texts in a field without the endings of media files, by sample id; empty if there is no such field."""
    if not isinstance(dataset.get_field(field), fo.StringField):
        return {}
    values = zip(*dataset.values(["id", field]), strict=True)
    return {sample_id: _without_ending(value) for sample_id, value in values if value}


def _without_ending(text: str) -> str:
    path = Path(text)
    return (path.with_suffix("") if path.suffix.lower() in MEDIA else path).as_posix()


def _labelled_frames(dataset: fo.Dataset, gt_field: str) -> dict[str, list[int]]:
    """The numbers of the frames with a ground truth, by sample id."""
    ids, numbers, truths = dataset.values(["id", f"{FRAMES}frame_number", f"{gt_field}.id"])
    return {
        sample_id: sorted(
            number for number, truth in zip(frames or (), marks or (), strict=True) if truth is not None
        )
        for sample_id, frames, marks in zip(ids, numbers, truths, strict=True)
    }


def _rate(dataset: fo.Dataset, frames: Mapping[str, Sequence[int]]) -> float:
    """Frames per second with a ground truth, from the first video that has two of them; else 1."""
    for path, numbers in zip(dataset.values("filepath"), frames.values(), strict=True):
        if len(numbers) > 1:
            return round((video_info(path).fps or 1.0) / (numbers[1] - numbers[0]), 3)
    return 1.0
