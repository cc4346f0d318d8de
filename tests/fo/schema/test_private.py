"""Canaries: FiftyOne may change what it does not document, and then the test of that thing says what it was.

When one fails on a new version of FiftyOne, mend the function of ``fo/schema/private.py`` that it is named after, and
put the version into ``TESTED`` once all pass.
"""

from __future__ import annotations

import ast
import inspect

import fiftyone as fo
import pytest
from bson import ObjectId
from fiftyone.core.evaluation import EvaluationMethod
from packaging.version import Version
from pymongo import UpdateOne

from fiftyone_avs import evaluate, segment
from fiftyone_avs.errors import AVSError, ConfigurationError, DatasetError
from fiftyone_avs.fo.evaluate.backend import AVSEvaluation, AVSEvaluationConfig
from fiftyone_avs.fo.evaluate.results import AVSResults
from fiftyone_avs.fo.schema import private
from fiftyone_avs.models import fake
from tests.imports import PACKAGE, ROOT, imports_of


@pytest.fixture
def images(make_images) -> fo.Dataset:
    """Three images with ground truths."""
    return make_images(3)


OWN = ("self", "cls", "super()", "_fo", "_above")
"""What may be asked for attributes with an underscore; the last two are our own faces."""


def parameters(function) -> list[str]:
    """The names of a function's parameters, bound to its object or not."""
    return [name for name in inspect.signature(function).parameters if name != "self"]


def add_boxes(dataset: fo.Dataset) -> None:
    """Give every sample a box, in the field ``boxes``."""
    boxes = [fo.Detections(detections=[fo.Detection(bounding_box=[0, 0, 1, 1])]) for _ in dataset]
    dataset.set_values("boxes", boxes)


def groups(dataset: fo.Dataset) -> dict[str, list[str]]:
    """The groups of the App's sidebar as they are stored."""
    return {
        group.name: list(group.paths) for group in fo.load_dataset(dataset.name).app_config.sidebar_groups
    }


def test_root_of(images):
    assert private.root_of(images) is images
    assert private.root_of(images.limit(2)) is images
    add_boxes(images)
    assert private.root_of(images.to_patches("boxes")) is images


def test_what_is_no_collection_is_told(images):
    with pytest.raises(DatasetError, match="a dataset or a view is needed, not Sample"):
        private.root_of(images.first())


def test_own_dataset(images):
    assert private.own_dataset(images) is images
    assert private.own_dataset(images.limit(2)) is images
    add_boxes(images)
    assert private.own_dataset(images.to_patches("boxes")) is not images


def test_is_of_own_samples(images, videos):
    assert private.is_of_own_samples(images)
    assert private.is_of_own_samples(images.limit(1))
    add_boxes(images)
    assert not private.is_of_own_samples(images.to_patches("boxes"))
    parts = [fo.TemporalDetections(detections=[fo.TemporalDetection(support=[1, 2])]) for _ in videos]
    videos.set_values("part", parts)
    assert not private.is_of_own_samples(videos.to_clips("part"))


def test_is_of_frames(images, videos):
    assert not private.is_of_frames(images, "ground_truth")
    assert private.is_of_frames(videos, "frames.anything")
    assert not private.is_of_frames(videos, "filepath")


def test_aggregate_documents(images, videos):
    stages = [{"$facet": {"all": [{"$count": "n"}], "one": [{"$limit": 1}, {"$count": "n"}]}}]
    (found,) = private.aggregate_documents(images.limit(2), stages, frames=False)
    assert found == {"all": [{"n": 2}], "one": [{"n": 1}]}
    sample = videos.first()
    sample.frames[3] = fo.Frame()
    sample.save()
    found = private.aggregate_documents(videos.limit(1), [{"$unwind": "$frames"}], frames=True)
    assert [document["frames"]["frame_number"] for document in found] == [3]


def test_write_documents(images):
    in_memory = images.first()
    write = UpdateOne({"_id": ObjectId(in_memory.id)}, {"$set": {"tags": ["written"]}})
    private.write_documents(images, [write], [in_memory.id])
    assert in_memory.tags == ["written"], "a sample in memory is not told of a bulk write any more"
    assert fo.load_dataset(images.name).count_sample_tags() == {"written": 1}


def test_add_fields(images, videos):
    text, mask = {"ftype": fo.StringField}, {"ftype": fo.EmbeddedDocumentField}
    mask["embedded_doc_type"] = fo.Segmentation
    wanted = [("new_text", text), ("new_mask", mask), ("new_mask.note", text)]
    assert private.add_fields(images, wanted, on_frames=False) is True
    assert private.add_fields(images, wanted, on_frames=False) is False, (
        "fields that are there are added again"
    )
    assert private.add_fields(videos, wanted[:1], on_frames=True) is True
    private.refresh(videos)
    assert "new_text" in videos.get_frame_field_schema() and "new_text" not in videos.get_field_schema()


def test_refresh(images):
    private.add_fields(images, [("new_text", {"ftype": fo.StringField})], on_frames=False)
    private.refresh(images)
    assert isinstance(images.get_field("new_text"), fo.StringField)
    images.first()["new_text"] = "it can be read and written"


def test_add_to_sidebar(images):
    images.add_sample_field("one", fo.StringField)
    private.add_to_sidebar(images, ["one"], "of mine")
    assert groups(images)["of mine"] == ["one"]
    private.add_to_sidebar(images, ["one"], "of mine")
    assert groups(images)["of mine"] == ["one"]


def test_rename_in_sidebar(images):
    images.add_sample_field("one", fo.StringField)
    private.add_to_sidebar(images, ["one"], "of mine")
    private.rename_in_sidebar(images, "of mine", "of yours")
    images.save()
    assert groups(images)["of yours"] == ["one"] and "of mine" not in groups(images)


def test_drop_from_sidebar(images):
    images.add_sample_field("one", fo.StringField)
    private.add_to_sidebar(images, ["one"], "of mine")
    private.drop_from_sidebar(images, "of mine")
    images.save()
    assert "of mine" in groups(images), "a group that has fields is deleted"
    images.delete_sample_field("one")
    private.drop_from_sidebar(images, "of mine")
    images.save()
    assert "of mine" not in groups(images)


def test_dataset_id(images):
    before = private.dataset_id(images)
    clone = images.clone()
    assert private.dataset_id(clone) != before
    clone.delete()
    images.name += "-renamed"
    assert private.dataset_id(images) == before


def test_update_evaluation_config(images, output):
    segment(images, models=fake.fake_models(), output_dir=output, progress=False)
    evaluate(images, "vcap_acls", progress=False)
    config = images.get_evaluation_info("vcap_acls_eval").config
    config.class_field = "changed"
    private.update_evaluation_config(images, "vcap_acls_eval", config)
    assert images.get_evaluation_info("vcap_acls_eval").config.class_field == "changed"
    assert images.load_evaluation_results("vcap_acls_eval").config.class_field == "changed"
    assert parameters(EvaluationMethod.update_run_config)[-3:] == ["samples", "key", "config"]


def test_has_results(images, output):
    segment(images, models=fake.fake_models(), output_dir=output, progress=False)
    evaluate(images, "vcap_acls", progress=False)
    assert private.has_results(images, "vcap_acls_eval")
    EvaluationMethod.save_run_results(images, "vcap_acls_eval", None)
    assert not private.has_results(images, "vcap_acls_eval")


def test_check_dataset_name(images):
    private.check_dataset_name(images.name + " of another kind")
    with pytest.raises(ConfigurationError, match="choose another name"):
        private.check_dataset_name("")


def test_check_view_name(images):
    images.save_view("my view", images.limit(1))
    private.check_view_name(images, "another view")
    for name in ("", "!!!", "My-View"):
        with pytest.raises(ConfigurationError, match="cannot name a saved view"):
            private.check_view_name(images, name)
    assert images.list_saved_views() == ["my view"]


def test_view_of_stages(images):
    view = images.limit(2)
    assert private.view_of_stages(images, private.serialized_view(view)) == view


def test_serialized_view(images):
    assert private.serialized_view(images.limit(2)) == private.serialized_view(images.limit(2))
    assert private.serialized_view(images.limit(2)) != private.serialized_view(images.limit(1))


def test_database_address(images):
    host, port = private.database_address()
    assert fo.config.database_uri == f"mongodb://{host}:{port}"


def test_active_fields_are_stored(images):
    images.app_config.active_fields = private.ActiveFields(paths=["ground_truth"], exclude=False)
    images.save()
    assert fo.load_dataset(images.name).app_config.active_fields.paths == ["ground_truth"]


def test_runs_are_cleaned_up_and_renamed_by_their_class():
    """FiftyOne finds ``AVSRun`` by the name of its config and calls these with just these arguments."""
    assert parameters(private.Run.get_fields)[:2] == ["samples", "key"]
    assert parameters(private.Run.cleanup) == ["samples", "key"]
    assert parameters(private.Run.rename) == ["samples", "key", "new_key"]
    assert private.RunConfig(method="x").method == "x"


def test_evaluations_are_made_by_their_class():
    """FiftyOne calls these of ours with just these arguments."""
    base = AVSEvaluation.__mro__[1]
    assert parameters(base.register_samples) == parameters(AVSEvaluation.register_samples)
    assert set(parameters(base.evaluate_samples)) == set(parameters(AVSEvaluation.evaluate_samples))
    assert set(parameters(base.get_fields)) == set(parameters(AVSEvaluation.get_fields))
    assert parameters(base.cleanup) == parameters(AVSEvaluation.cleanup)
    assert AVSEvaluationConfig("a", "b").build().__class__ is AVSEvaluation
    assert parameters(AVSResults.__mro__[1]._from_dict)[:4] == ["d", "samples", "config", "eval_key"]


def test_a_thing_that_is_gone_is_told_with_the_tested_versions(images, monkeypatch):
    monkeypatch.delattr(fo.Dataset, "_bulk_write")
    with pytest.raises(AVSError, match=rf"has no Dataset._bulk_write, which .* {private.TESTED[0]} to"):
        private.write_documents(images, [], [])


def test_this_version_is_one_of_those_tested():
    first, last = map(Version, private.TESTED)
    assert first <= Version(fo.__version__) <= last, (
        f"FiftyOne {fo.__version__} is new: if all else passes here, write it into TESTED"
    )


def test_every_function_has_a_canary():
    functions = {name for name, value in vars(private).items() if inspect.isfunction(value)} - {"_of"}
    own = {name for name in functions if vars(private)[name].__module__ == private.__name__}
    assert own and {f"test_{name}" for name in own} <= set(globals())


def test_nothing_else_opens_another_door():
    """No attribute with an underscore but one's own, nothing of ``fiftyone.core`` but the type of collections."""
    here = PACKAGE / "fo" / "schema" / "private.py"
    for path in [*PACKAGE.rglob("*.py"), *(ROOT / "plugin").rglob("*.py")]:
        if path == here or not any(
            name.startswith(("fiftyone.", "fiftyone_avs.fo")) for name in imports_of(path)
        ):
            continue
        allowed = "fiftyone.core.collections.SampleCollection"
        core = {name for name in imports_of(path) if name.startswith("fiftyone.core") and name != allowed}
        assert not core, path
        for node in ast.walk(ast.parse(path.read_text())):
            if (
                isinstance(node, ast.Attribute)
                and node.attr.startswith("_")
                and not node.attr.startswith("__")
            ):
                owner = ast.unparse(node.value)
                assert owner in (*OWN, "argparse"), f"{path}: {ast.unparse(node)}"
