"""Datasets from plain folders."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path

import fiftyone as fo

from fiftyone_avs.benchmarks.layouts.folder import files_by_stem
from fiftyone_avs.benchmarks.pairing import Pair, few_of, find_pairs
from fiftyone_avs.errors import ConfigurationError, DatasetError, MediaError
from fiftyone_avs.fo.runs.appearance import show_truth
from fiftyone_avs.fo.schema.fields import AUDIO, GROUND_TRUTH, MASK_TARGETS
from fiftyone_avs.media import video_info
from fiftyone_avs.media.endings import IMAGES, VIDEOS
from fiftyone_avs.progress import Progress, track


class FolderWarning(UserWarning):
    """A folder lacks files that it was expected to have."""


def dataset_from_folder(
    root: str | Path, *, name: str | None = None, persistent: bool = False, progress: Progress = False
) -> fo.Dataset:
    """Make a dataset of images with sounds: ``img/a.jpg`` with ``wav/a.wav``, or ``a.jpg`` with ``a.wav`` beside it.

    Files belong together when they have the same name but for the ending. If there is no folder ``img``, images and
    sounds lie side by side, in the folder or in folders below it. Ground truths, if there are any, are
    ``gt_seg/a.png``. An image without a sound is kept, with an empty ``audio_path``, and reported in a warning.

    Args:
        root: the folder.
        name: the dataset's name; None lets FiftyOne choose.
        persistent: keep the dataset when FiftyOne's database ends.
        progress: show a progress bar, or a function called with (images done, images to do).

    Raises:
        DatasetError: if there are no images.
        ConfigurationError: if a dataset of that name exists.
    """
    folder = Path(root).expanduser().absolute()
    found = find_pairs(folder)
    if not found.pairs:
        place = folder / "img" if (folder / "img").is_dir() else folder
        raise DatasetError(f"{place} holds no images ({', '.join(sorted(IMAGES))})")
    dataset = _new_dataset(name, persistent)
    dataset.add_sample_field(AUDIO, fo.StringField)
    pairs = track(found.pairs, len(found.pairs), progress, "importing")
    dataset.add_samples((_sample(pair) for pair in pairs), num_samples=len(found.pairs), progress=False)
    _report("name of their own but for the ending, and are left out", found.left_out)
    _report("sound", found.without_sound)
    _report("picture, and are left out", found.sounds_alone)
    if dataset.has_field(GROUND_TRUTH):
        dataset.mask_targets[GROUND_TRUTH] = MASK_TARGETS
        _report("ground truth", found.without_mask)
    show_truth(dataset, [GROUND_TRUTH])
    return dataset


def _sample(pair: Pair) -> fo.Sample:
    sample = fo.Sample(filepath=str(pair.picture))
    sample[AUDIO] = None if pair.sound is None else str(pair.sound)
    if pair.mask is not None:
        sample[GROUND_TRUTH] = fo.Segmentation(mask_path=str(pair.mask))
    return sample


def dataset_from_videos(
    root: str | Path, *, name: str | None = None, persistent: bool = False, progress: Progress = False
) -> fo.Dataset:
    """Make a dataset of the videos in a folder or in its ``videos`` folder.

    Metadata comes from the files' headers, so that the App can play them where ffprobe is not installed.
    Videos that cannot be read are added too, without metadata, and reported in a warning.

    Args and errors as in ``dataset_from_folder``.
    """
    folder = Path(root).expanduser().absolute()
    videos = video_files(folder)
    if not videos:
        raise DatasetError(f"{folder} holds no videos ({', '.join(sorted(VIDEOS))})")
    samples = []
    unread = []
    for stem, video in track(videos.items(), len(videos), progress, "importing"):
        sample = fo.Sample(filepath=str(video))
        try:
            sample.metadata = video_metadata(video)
        except MediaError:
            unread.append(stem)
        samples.append(sample)
    dataset = _new_dataset(name, persistent)
    dataset.add_samples(samples, progress=False)
    _report("readable video header", unread)
    return dataset


def video_files(folder: Path) -> dict[str, Path]:
    """The videos in a folder's ``videos``, or else in the folder, by name without ending."""
    return _files(folder / "videos", VIDEOS) or _files(folder, VIDEOS)


def video_metadata(path: str | Path) -> fo.VideoMetadata:
    """What the App must know of a video to play it, read without ffprobe.

    Raises:
        MediaError: if the video cannot be read.
    """
    info = video_info(path)
    return fo.VideoMetadata(
        size_bytes=Path(path).stat().st_size,
        frame_width=info.width,
        frame_height=info.height,
        frame_rate=info.fps,
        total_frame_count=info.n_frames,
        duration=info.duration,
    )


def _files(folder: Path, endings: tuple[str, ...]) -> dict[str, Path]:
    """The file of each name without ending; of files that differ in their ending only, the others are reported."""
    found = files_by_stem(folder, endings)
    _report(
        "name of their own but for the ending, and are left out",
        [path.name for paths in found.values() for path in paths[1:]],
    )
    return {stem: paths[0] for stem, paths in found.items()}


def _new_dataset(name: str | None, persistent: bool) -> fo.Dataset:
    if name is not None and fo.dataset_exists(name):
        raise ConfigurationError(f"a dataset named {name!r} exists already; choose another name or delete it")
    return fo.Dataset(name, persistent=persistent)


def _report(what: str, names: Sequence[str]) -> None:
    if names:
        warnings.warn(f"{len(names)} files have no {what}: {few_of(names)}", FolderWarning, stacklevel=3)
