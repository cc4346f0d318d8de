"""Datasets from plain folders."""

from __future__ import annotations

import warnings
from pathlib import Path

import fiftyone as fo

from fiftyone_avs.benchmarks.layouts.folder import files_by_stem
from fiftyone_avs.errors import ConfigurationError, DatasetError, MediaError
from fiftyone_avs.fo.schema.fields import AUDIO, GROUND_TRUTH, MASK_TARGETS
from fiftyone_avs.media import video_info
from fiftyone_avs.media.endings import IMAGES, SOUNDS, VIDEOS


class FolderWarning(UserWarning):
    """A folder lacks files that it was expected to have."""


def dataset_from_folder(root: str | Path, *, name: str | None = None, persistent: bool = False) -> fo.Dataset:
    """Make a dataset of images with sounds: ``img/a.jpg``, ``wav/a.wav`` and, if there, ``gt_seg/a.png``.

    Files belong together when they have the same name but for the ending. An image without a sound is kept,
    with an empty ``audio_path``, and reported in a warning.

    Args:
        root: the folder that holds ``img`` and ``wav``.
        name: the dataset's name; None lets FiftyOne choose.
        persistent: keep the dataset when FiftyOne's database ends.

    Raises:
        DatasetError: if there are no images.
        ConfigurationError: if a dataset of that name exists.
    """
    folder = Path(root).expanduser().absolute()
    pictures = _files(folder / "img", IMAGES)
    if not pictures:
        raise DatasetError(f"{folder / 'img'} holds no images ({', '.join(sorted(IMAGES))})")
    sounds = _files(folder / "wav", SOUNDS)
    masks = _files(folder / "gt_seg", IMAGES)
    samples = []
    for stem, picture in pictures.items():
        sample = fo.Sample(filepath=str(picture))
        sample[AUDIO] = str(sounds[stem]) if stem in sounds else None
        if stem in masks:
            sample[GROUND_TRUTH] = fo.Segmentation(mask_path=str(masks[stem]))
        samples.append(sample)
    dataset = _new_dataset(name, persistent)
    dataset.add_sample_field(AUDIO, fo.StringField)
    dataset.add_samples(samples, progress=False)
    if masks:
        dataset.mask_targets[GROUND_TRUTH] = MASK_TARGETS
        dataset.save()
    _report("sound", [stem for stem in pictures if stem not in sounds])
    if masks:
        _report("ground truth", [stem for stem in pictures if stem not in masks])
    return dataset


def dataset_from_videos(root: str | Path, *, name: str | None = None, persistent: bool = False) -> fo.Dataset:
    """Make a dataset of the videos in a folder or in its ``videos`` folder.

    Metadata comes from the files' headers, so that the App can play them where ffprobe is not installed.
    Videos that cannot be read are added too, without metadata, and reported in a warning.

    Args and errors as in ``dataset_from_folder``.
    """
    folder = Path(root).expanduser().absolute()
    videos = _files(folder / "videos", VIDEOS) or _files(folder, VIDEOS)
    if not videos:
        raise DatasetError(f"{folder} holds no videos ({', '.join(sorted(VIDEOS))})")
    samples = []
    unread = []
    for stem, video in videos.items():
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


def _report(what: str, stems: list[str]) -> None:
    if stems:
        shown = ", ".join(stems[:5]) + (", ..." if len(stems) > 5 else "")
        warnings.warn(f"{len(stems)} files have no {what}: {shown}", FolderWarning, stacklevel=3)
