"""Whether the files of a record can be used."""

from __future__ import annotations

from fiftyone_avs.benchmarks.masks import decode_mask
from fiftyone_avs.benchmarks.records import Record
from fiftyone_avs.errors import MediaError
from fiftyone_avs.media import picture_size
from fiftyone_avs.media.files import check_file


def check_media(record: Record) -> str | None:
    """Why a record's files cannot be used, or None if they can.

    Pictures are looked at (their headers are read), masks are read whole, and of a sound it is only asked whether
    it is there and holds something.

    Returns:
        The reason, with the file's path: a picture, sound or mask that is missing, empty or damaged, or a mask of
        another size than its picture.
    """
    try:
        size = picture_size(record.image)
        if record.sound is not None:
            check_file(record.sound)
        if record.mask is None:
            return None
        found = decode_mask(record.mask).object.shape
    except MediaError as error:
        return str(error)
    if found == size:
        return None
    return (
        f"{record.mask.path}: the mask has {found[1]} x {found[0]} pixels, its picture"
        f" {size[1]} x {size[0]}; give both the same size"
    )
