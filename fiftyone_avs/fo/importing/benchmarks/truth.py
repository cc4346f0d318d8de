"""The ground truth of benchmarks as FiftyOne labels; masks that FiftyOne cannot read as they are become PNG files."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

import fiftyone as fo
import numpy as np
import numpy.typing as npt
from PIL import Image

from fiftyone_avs.benchmarks.masks import decode_mask
from fiftyone_avs.benchmarks.records import Box, Record
from fiftyone_avs.media import picture_size
from fiftyone_avs.media.mask_files import SOUNDING
from fiftyone_avs.media.writing import placed, write_png

_NOT_IN_NAMES = re.compile(r'[%/\\:*?"<>|\x00-\x1f]')

OBJECT = "sounding object"
"""The label of a box that no class is known of."""

Pixels = npt.NDArray[np.uint8]


def default_masks_dir(benchmark: str, root: Path) -> Path:
    """Where the masks that are written for a benchmark go: a folder of its own for every root."""
    mark = hashlib.sha256(str(root.resolve()).encode()).hexdigest()[:10]
    return Path(fo.config.default_dataset_dir) / "avs" / "ground-truth" / f"{benchmark}-{mark}"


@dataclass(frozen=True)
class TruthFiles:
    """Makes labels of records, and the mask files that they need.

    A file is named after its record, so that another import overwrites it with the same.

    Attributes:
        folder: where mask files are written; made when it is needed.
    """

    folder: Path

    def mask(self, record: Record, size: tuple[int, int] | None = None) -> fo.Segmentation | None:
        """The mask of a record, 0 and 255: its own file if that can be used where it is, or else a new one.

        Boxes are drawn: a pixel belongs to the object if it is in any of them.

        Args:
            record: the record.
            size: the height and width that the mask must have; None takes the mask's own. Masks are resized without
                mixing pixels.

        Returns:
            None if the record has no ground truth.

        Raises:
            MediaError: if the record's files cannot be read.
            AVSError: if the file cannot be written.
        """
        if record.mask is None and record.boxes is None:
            return None
        if record.mask is None:
            pixels = draw_box_mask(record.boxes or (), size or picture_size(record.image))
        elif record.mask.kind == "grey" and size in (None, picture_size(record.mask.path)):
            return fo.Segmentation(mask_path=str(record.mask.path))
        else:
            pixels = decode_mask(record.mask).object
        return self._written(record, pixels, size)

    def ignored(self, record: Record) -> fo.Segmentation | None:
        """The pixels of a record that do not count, as 255; None if there are none. Errors as for ``mask``."""
        pixels = None if record.mask is None else decode_mask(record.mask).ignored
        return None if pixels is None else self._written(record, pixels, None, "_ignored")

    def _written(
        self, record: Record, pixels: Pixels, size: tuple[int, int] | None, ending: str = ""
    ) -> fo.Segmentation:
        if size is not None and pixels.shape != size:
            height, width = size
            pixels = np.asarray(Image.fromarray(pixels).resize((width, height), Image.Resampling.NEAREST))
            ending += f"_{width}x{height}"
        target = self.folder / (record.split or "all") / f"{_file_name(record.name)}{ending}.png"
        with placed(target) as temporary:
            write_png(pixels, temporary)
        return fo.Segmentation(mask_path=str(target))


def _file_name(name: str) -> str:
    """A name that can be a file's on any system; another one for every name."""
    return _NOT_IN_NAMES.sub(lambda found: f"%{ord(found[0]):02X}", name)


def detections_of(record: Record) -> fo.Detections | None:
    """The boxes of a record, each with its annotator; None if its ground truth is no boxes."""
    if record.boxes is None:
        return None
    return fo.Detections(
        detections=[
            fo.Detection(
                label=record.label or OBJECT,
                bounding_box=[box.x0, box.y0, box.x1 - box.x0, box.y1 - box.y0],
                annotator=box.annotator,
            )
            for box in record.boxes
        ]
    )


def draw_box_mask(boxes: tuple[Box, ...], size: tuple[int, int]) -> Pixels:
    """Boxes as a mask: uint8, shape (H, W), 255 in any of them. Each has a pixel at least."""
    height, width = size
    mask = np.zeros(size, np.uint8)
    for box in boxes:
        left, top = min(round(box.x0 * width), width - 1), min(round(box.y0 * height), height - 1)
        right, bottom = max(round(box.x1 * width), left + 1), max(round(box.y1 * height), top + 1)
        mask[top:bottom, left:right] = SOUNDING
    return mask
