"""Media: images, masks, sounds and videos from files, read defensively and within bounds.

Whatever is wrong with a file ends in a `MediaError` that names it and says what to do. Nothing here imports
FiftyOne.
"""

from __future__ import annotations

from fiftyone_avs.media.clips import ClipFiles, Unread, bytes_of, read_clips
from fiftyone_avs.media.images import picture_size, read_grey_mask, read_image, read_mask
from fiftyone_avs.media.sound import (
    Fit,
    fit_window,
    is_silent,
    read_sound,
    resample,
    rms_dbfs,
    sound_window,
)
from fiftyone_avs.media.video import VideoInfo, read_frames, read_frames_at, read_video_sound, video_info

__all__ = [
    "ClipFiles",
    "Fit",
    "Unread",
    "VideoInfo",
    "bytes_of",
    "fit_window",
    "is_silent",
    "picture_size",
    "read_clips",
    "read_frames",
    "read_frames_at",
    "read_image",
    "read_grey_mask",
    "read_mask",
    "read_sound",
    "read_video_sound",
    "resample",
    "rms_dbfs",
    "sound_window",
    "video_info",
]
