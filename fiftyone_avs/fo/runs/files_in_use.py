"""Which files of a folder labels refer to, whoever made them: clones and copied fields share the files of runs."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

import fiftyone as fo

from fiftyone_avs.fo.schema.fields import FRAMES, RunFields
from fiftyone_avs.fo.schema.private import dataset_id

_KINDS = ((fo.Segmentation, "mask_path"), (fo.Heatmap, "map_path"))


def names_in_use(folder: Path, *, but: tuple[fo.Dataset, RunFields] | None = None) -> set[str]:
    """The names of the files in a folder that a mask or map of any dataset refers to.

    Args:
        folder: the folder. It is compared as the file system has it: a folder can have several names.
        but: a dataset and a run of it whose labels do not count.
    """
    home = os.path.realpath(folder)
    real = cache(os.path.realpath)
    own = set() if but is None else {(dataset_id(but[0]), path) for path in but[1].paths}
    found: set[str] = set()
    for name in fo.list_datasets():
        dataset = fo.load_dataset(name)
        for path, attribute in _paths(dataset):
            if (dataset_id(dataset), path) in own:
                continue
            for file in dataset.values(f"{path}.{attribute}", unwind=True):
                home_of_file, _, file_name = (file or "").rpartition(os.sep)  # a Path per file takes too long
                if home_of_file and real(home_of_file) == home:
                    found.add(file_name)
    return found


def _paths(dataset: fo.Dataset) -> list[tuple[str, str]]:
    """The fields of masks and maps of a dataset, and the attribute that names their files."""
    found = []
    for kind, attribute in _KINDS:
        wanted = {"ftype": fo.EmbeddedDocumentField, "embedded_doc_type": kind}
        found += [(path, attribute) for path in dataset.get_field_schema(**wanted)]
        found += [(FRAMES + path, attribute) for path in dataset.get_frame_field_schema(**wanted) or ()]
    return found
