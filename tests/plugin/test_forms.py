"""What forms show before anything is sent: every problem, below its field, and what will be deleted."""

from __future__ import annotations

from pathlib import Path

import fiftyone.operators as foo
import pytest
from fiftyone.operators.executor import ExecutionContext, ExecutionError, Executor

import fiftyone_avs as avs
from fiftyone_avs.fo.app.plugin_install import PLUGIN
from tests.fo.samples import files_of


def form(name, dataset, view=None, /, **params):
    """A form's properties by name, in their order, as they stand once this is typed."""
    operator = foo.get_operator(f"{PLUGIN}/{name}")
    request = {"dataset_name": dataset.name, "params": params}
    if view is not None:
        request["view"] = view._serialize()
        params["view_target"] = "CURRENT_VIEW"
    found = operator.resolve_input(ExecutionContext(request, operator_uri=operator.uri))
    return found.type.properties


def shown(properties, below):
    """The labels and texts of problems and remarks that stand right below a field; None asks for the top."""
    names = list(properties)
    start = 0 if below is None else names.index(below) + 1
    texts = []
    for name in names[start:]:
        if not name.endswith(("_problem", "_remark")):
            break
        texts.append(f"{properties[name].view.label}: {properties[name].view.description}")
    return texts


@pytest.fixture
def segmented(images, tmp_path):
    """The world with the run mine."""
    options = {"preset": "tiny", "output_dir": tmp_path / "out", "progress": False}
    avs.segment(images, "classification", run="mine", **options)
    return images


def segment_form(dataset, view=None, **params):
    return form("segment_sounding_objects", dataset, view, strategies=["classification"], **params)


def test_every_problem_stands_below_its_field(images):
    properties = segment_form(
        images, run="not a key", audio_field="label", advanced=True, fps=-1, silence="loud"
    )
    (run,) = shown(properties, "run")
    assert run.startswith("Run key: this cannot work yet: 'not a key' cannot be a run key")
    assert "does not hold text" in shown(properties, "audio_field")[0]
    assert "silence must be" in shown(properties, "silence")[0]
    assert "fps must be positive" in shown(properties, None)[0]  # the form of images has no such field
    assert sum(one.invalid for one in properties.values()) == 4


def test_other_settings_are_told_before_the_run_is_refused(segmented):
    assert "samples that have no result yet are done" in shown(segment_form(segmented, run="mine"), "run")[0]
    (text,) = shown(segment_form(segmented, run="mine", threshold=0.1), "run")
    assert "this cannot work yet" in text and "exists with other settings (threshold" in text
    with pytest.raises(ExecutionError, match="exists with other settings"):
        foo.execute_operator(
            f"{PLUGIN}/segment_sounding_objects",
            {"dataset": segmented},
            params={"strategies": ["classification"], "run": "mine", "threshold": 0.1},
        )


def test_the_form_asks_for_the_whole_run_with_its_number_of_masks(segmented, tmp_path):
    count, view = len(segmented), segmented.limit(2)
    assert "overwrite_run" not in segment_form(segmented, run="mine")
    properties = segment_form(segmented, view, run="mine", overwrite=True)
    assert properties["overwrite_run"].view.label == f"Delete the whole run first: {count} masks"
    assert f"2 of the {count} masks of run 'mine' will be made anew" in shown(properties, "overwrite")[0]
    properties = segment_form(segmented, view, run="mine", overwrite=True, overwrite_run=True)
    assert f"the whole run 'mine' will be deleted first: {count} masks" in shown(properties, "overwrite")[0]
    call = foo.get_operator(f"{PLUGIN}/segment_sounding_objects")
    call(view, strategies=["classification"], run="mine", overwrite=True)
    segmented.reload()
    assert segmented.count("mine_status") == count
    call(view, strategies=["classification"], run="mine", overwrite=True, overwrite_run=True)
    segmented.reload()
    assert segmented.count("mine_status") == 2


def test_delete_says_how_many_masks_go_and_evaluations_are_asked_for(segmented):
    properties = form("delete_avs_run", segmented, run="mine")
    assert f"{len(segmented)} masks (" in properties["run_remark"].view.description
    assert properties["evaluations"].default is True


@pytest.mark.parametrize(
    ("operator", "params", "field", "text"),
    [
        ("browse_by_iou", {"eval_key": "mine_eval", "low": 0.9, "high": 0.1}, "low", "no IoU lies between"),
        ("make_avs_sheet", {"runs": ["mine"], "out": "sheet.gif"}, "out", "a sheet is written as"),
        ("export_avs_run", {"run": "mine", "out": "{tmp}"}, "out", "is not empty"),
        ("rename_avs_run", {"run": "mine", "new_run": "not a key"}, "new_run", "cannot be a run key"),
        ("evaluate_avs", {"preds": ["mine"], "eval_key": "not a key"}, "eval_key", "cannot be an eval key"),
        ("import_avs_dataset", {"folder": "{tmp}/nowhere"}, "folder", "there is no folder"),
        ("reproduce_avs_table", {"data": "{tmp}/nowhere"}, "data", "there is no folder"),
        ("run_avs_controls", {"controls": []}, "controls", "no control to compare with"),
        ("import_avs_predictions", {"folder": "{tmp}/nowhere", "run": "x"}, "folder", "there is no folder"),
    ],
)
def test_the_other_forms_do_so_too(segmented, tmp_path, operator, params, field, text):
    avs.evaluate(segmented, "mine", progress=False)
    params = {
        name: value.replace("{tmp}", str(tmp_path)) if isinstance(value, str) else value
        for name, value in params.items()
    }
    found = shown(form(operator, segmented, **params), field)
    assert any(text in one for one in found), found


def test_runs_are_checked_and_mended(segmented, tmp_path):
    lost = Path(segmented.first()["mine"].mask_path)
    lost.unlink()
    call = foo.get_operator(f"{PLUGIN}/check_avs_runs")
    call(segmented)
    assert segmented.count("mine_status") == len(segmented)
    call(segmented, mend=True)
    segmented.reload()
    assert segmented.count("mine_status") == len(segmented) - 1
    assert len(files_of(tmp_path / "out" / "mine")) == 2 * (len(segmented) - 1)


def test_an_error_while_it_works_is_shown(monkeypatch):
    """Of an error in an operator that shows progress, the App itself says nothing."""
    operator = foo.get_operator(f"{PLUGIN}/export_avs_run")

    def failing(ctx):
        yield "progress"
        raise avs.MediaError("the disk is full")

    monkeypatch.setattr(operator, "steps", failing)
    context, told = ExecutionContext({"params": {}}, executor=Executor(), operator_uri=operator.uri), []
    with pytest.raises(avs.MediaError):
        told.extend(operator.execute(context))
    assert told[0] == "progress" and len(told) == 3
    assert "the disk is full" in str(told[1].to_json()) and "it did not work" in str(told[2].to_json())
