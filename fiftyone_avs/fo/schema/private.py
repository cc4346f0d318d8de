"""The one door to what FiftyOne does not document: each thing that we need of it, and why no public way will do.

Nothing else in the package touches an attribute of FiftyOne that begins with an underscore, or imports from
``fiftyone.core`` (but for the type of collections). ``tests/fo/schema/test_private.py`` tries every function here, so
that a release of FiftyOne that changes one of them is found out by name, and users of such a release are told.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import fiftyone as fo
from bson import json_util
from fiftyone.core.collections import SampleCollection
from fiftyone.core.dataset import _validate_dataset_name
from fiftyone.core.evaluation import EvaluationMethod
from fiftyone.core.odm import ActiveFields, get_db_conn
from fiftyone.core.runs import Run, RunConfig

from fiftyone_avs.errors import AVSError, ConfigurationError, DatasetError

__all__ = [
    "ActiveFields",
    "Run",
    "RunConfig",
    "TESTED",
    "add_fields",
    "add_to_sidebar",
    "aggregate_documents",
    "check_dataset_name",
    "check_view_name",
    "database_address",
    "dataset_id",
    "drop_from_sidebar",
    "has_results",
    "is_of_frames",
    "is_of_own_samples",
    "own_dataset",
    "refresh",
    "rename_in_sidebar",
    "root_of",
    "serialized_view",
    "update_evaluation_config",
    "view_of_stages",
    "write_documents",
]

TESTED = ("1.17.0", "1.22.1")
"""The oldest and the newest version of FiftyOne that all of this was tried with."""


def _of(owner: Any, name: str) -> Any:
    """An attribute that is not documented.

    Raises:
        AVSError: if FiftyOne has it no more.
    """
    try:
        return getattr(owner, name)
    except AttributeError as error:
        kind = owner if isinstance(owner, type) else type(owner)
        raise AVSError(
            f"FiftyOne {fo.__version__} has no {kind.__name__}.{name}, which fiftyone-avs needs. It was tested with"
            f" FiftyOne {TESTED[0]} to {TESTED[1]}: install one of these, or a newer fiftyone-avs"
        ) from error


def root_of(samples: SampleCollection) -> fo.Dataset:
    """The dataset behind a collection, for views of patches, frames and clips, too.

    Raises:
        DatasetError: if it is no collection.
    """
    if not isinstance(samples, SampleCollection):
        raise DatasetError(f"a dataset or a view is needed, not {type(samples).__name__}")
    return _of(samples, "_root_dataset")


def own_dataset(samples: SampleCollection) -> fo.Dataset:
    """The dataset that holds a collection's documents: the root, or one that FiftyOne generated for a view."""
    return _of(samples, "_dataset")


def is_of_own_samples(samples: SampleCollection) -> bool:
    """Whether a collection's samples are those of its dataset, not patches, frames or clips made from them."""
    return not (_of(samples, "_is_generated") or _of(samples, "_is_clips"))


def is_of_frames(samples: SampleCollection, path: str) -> bool:
    """Whether a path, such as ``frames.mask``, leads to a field of frames."""
    return bool(_of(samples, "_is_frame_field")(path))


def aggregate_documents(
    samples: SampleCollection, stages: Sequence[Mapping[str, Any]], *, frames: bool
) -> list[dict[str, Any]]:
    """Run stages of a MongoDB aggregation after those of a collection. Public aggregations have no ``$facet``.

    Args:
        samples: a dataset or view.
        stages: what follows; they meet one document per sample.
        frames: give each document its list of frames, as ``frames``.
    """
    return list(_of(samples, "_aggregate")(attach_frames=frames, post_pipeline=list(stages)))


def write_documents(dataset: fo.Dataset, writes: Sequence[Any], ids: Sequence[str]) -> None:
    """Write to the documents of samples at once, and let samples in memory know. Public ways take a column or a sample.

    Args:
        dataset: of the samples.
        writes: operations of PyMongo, such as ``UpdateOne``.
        ids: of the samples that they change.
    """
    _of(dataset, "_bulk_write")(list(writes), ids=list(ids))


def add_fields(
    dataset: fo.Dataset, fields: Sequence[tuple[str, Mapping[str, Any]]], *, on_frames: bool
) -> bool:
    """Add fields to the schema; those that are there stay. The public way reads the dataset anew after each one.

    Args:
        dataset: the dataset.
        fields: names or paths with the arguments of ``add_sample_field``.
        on_frames: add them to frames.

    Returns:
        Whether one was added; call ``refresh`` then.
    """
    documents = _of(dataset, "_frame_doc_cls" if on_frames else "_sample_doc_cls")
    added = [_of(documents, "add_field")(name, **arguments) for name, arguments in fields]
    return any(added)


def refresh(dataset: fo.Dataset) -> None:
    """Read the dataset's schema anew after ``add_fields``."""
    _of(dataset, "_reload")()


def add_to_sidebar(dataset: fo.Dataset, paths: Sequence[str], group: str) -> None:
    """Show fields in a group of the App's sidebar. There is no public way that keeps what users arranged."""
    _of(dataset, "_add_paths_to_sidebar_group")(list(paths), group)


def drop_from_sidebar(samples: SampleCollection, group: str) -> None:
    """Remove a group of the App's sidebar if no field is left in it."""
    _of(samples, "_delete_empty_sidebar_group")(group)


def rename_in_sidebar(dataset: fo.Dataset, group: str, new: str) -> None:
    """Rename a group of the App's sidebar."""
    _of(dataset, "_rename_sidebar_group")(group, new)


def dataset_id(dataset: fo.Dataset) -> str:
    """The dataset's id, which survives renaming and differs between clones."""
    return str(_of(_of(dataset, "_doc"), "id"))


def update_evaluation_config(dataset: fo.Dataset, key: str, config: Any) -> None:
    """Store another config of an evaluation, and let go of results that were loaded with the old one."""
    _of(EvaluationMethod, "update_run_config")(dataset, key, config)
    _of(dataset, "_evaluation_cache").pop(key, None)


def has_results(dataset: fo.Dataset, key: str) -> bool:
    """Whether the results of an evaluation were stored: FiftyOne notes an evaluation first, and stores them last."""
    return bool(_of(_of(EvaluationMethod, "_get_run_doc")(dataset, key), "results"))


def check_dataset_name(name: str) -> None:
    """Raise ConfigurationError if FiftyOne would not take a name for a new dataset.

    To FiftyOne, "my data" and "my-data" are the same name.
    """
    try:
        _validate_dataset_name(name)
    except ValueError as error:
        raise ConfigurationError(f"{error}; choose another name") from error


def check_view_name(dataset: fo.Dataset, name: str) -> None:
    """Raise ConfigurationError if FiftyOne would not save a new view of a dataset under a name.

    A name needs a plain letter or digit, and to FiftyOne "my view" and "My-View" are the same.
    """
    try:
        _of(dataset, "_validate_saved_view_name")(name)
    except ValueError as error:
        raise ConfigurationError(f"{name!r} cannot name a saved view: {error}") from error


def serialized_view(view: fo.DatasetView) -> Iterable[Any]:
    """The stages of a view as the App stores them, as JSON would give them: equal for views that are made alike."""
    return list(json.loads(json_util.dumps(_of(view, "_serialize")(include_uuids=False))))


def view_of_stages(dataset: fo.Dataset, stages: Sequence[Any]) -> fo.DatasetView:
    """The view that ``serialized_view`` gave the stages of."""
    view: fo.DatasetView = _of(fo.DatasetView, "_build")(dataset, list(stages))
    return view


def database_address() -> tuple[str, int]:
    """Host and port of the database that this process uses."""
    host, port = get_db_conn().client.address
    return str(host), int(port)
