"""Every ``check_X`` beside its ``X``: what it finds first is what the call raises, and it names arguments of the call.

The table has a row for every check there is, and the calls here fail, so that nothing is loaded or made.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, NamedTuple

import fiftyone as fo
import pytest

import fiftyone_avs.fo
from fiftyone_avs import (
    evaluate,
    export_run,
    import_predictions,
    make_clips,
    make_sheet,
    rename_run,
    reproduce,
    segment,
)
from fiftyone_avs.errors import AVSError
from fiftyone_avs.fo import (
    DEMO_MARK,
    browse_by_iou,
    check_browse,
    check_controls,
    check_data,
    check_evaluate,
    check_import,
    check_output,
    check_predictions,
    check_rename,
    check_reproduce,
    check_segment,
    check_sheet,
    import_data,
    import_folder,
    run_controls,
    segment_all,
)
from tests.fo.samples import add_images, write_truth

NO_CHECKS_OF_CALLS = {"check_runs", "check_place", "check_resume"}
"""Are asked for their own sake, are part of other checks, or need a call that was stopped (see test_stopping)."""


class Pair(NamedTuple):
    """A check and a call that it is of.

    Attributes:
        check: the check.
        call: the call.
        arguments: with which both work; a "{tmp}" in texts is a folder of the test's own.
        wrong: arguments with which both do not, each with the one that is told.
    """

    check: Callable[..., Any]
    call: Callable[..., Any]
    arguments: dict[str, Any]
    wrong: list[tuple[dict[str, Any], str]]


RUN = [
    ({"preset": "huge"}, "preset"),
    ({"device": "toaster"}, "device"),
    ({"precision": "int3"}, "precision"),
    ({"preset": ["tiny"]}, "preset"),
    ({"audio_field": ["audio_path"]}, "audio_field"),
    ({"batch_size": 0}, "batch_size"),
    ({"batch_size": 1.5}, "batch_size"),
    ({"audio_field": "sound"}, "audio_field"),
    ({"models": {"segmenter": "asda"}}, "models"),
    ({"models": {"drummer": "asda"}}, "models"),
    ({"strategy_options": {"pitch": 1}}, "strategy_options"),
]


def check_one_segment(samples: Any, strategy: str = "classification", **options: Any) -> Any:
    """``check_segment`` with the arguments of ``segment``."""
    run = options.pop("run", strategy)
    given = options.pop("strategy_options", None)
    runner = options.pop("runner", None)
    if given is not None:
        options["strategy_options"] = {run: given}
    return check_segment(
        samples, [strategy], runs=[run], ray=None if runner is None else vars(runner), **options
    )


PAIRS = {
    "check_segment": Pair(
        check_one_segment,
        segment,
        {"strategy": "classification", "preset": "tiny"},
        [
            *RUN,
            ({"strategy": "vcap"}, "strategies"),
            ({"run": "not a key"}, "run"),
            ({"run": "ground_truth"}, "run"),
            ({"threshold": 1.5}, "threshold"),
            ({"silence": "loud"}, "silence"),
            ({"fps": 0}, "fps"),
            ({"frames_of": "ground_truth"}, "frames_of"),
            ({"max_samples": -1}, "max_samples"),
            ({"max_samples": 1.5}, "max_samples"),
            ({"preset": None}, "preset"),
            ({"max_samples": "3"}, "max_samples"),
            ({"workers": 1.5}, "workers"),
            ({"threshold": "0.5"}, "threshold"),
            ({"fps": "1"}, "fps"),
            ({"audio_field": None}, "audio_field"),
            ({"run": "k" * 101}, "run"),
            ({"output_dir": "{tmp}/" + "d" * 300}, "output_dir"),
            ({"output_dir": "{tmp}/a\0b"}, "output_dir"),
            ({"output_dir": "~nobody-of-this-name/y"}, "output_dir"),
            ({"workers": -1}, "workers"),
            ({"run": "mine", "threshold": 0.9}, "run"),
            ({"run": "mine", "silence": "run"}, "run"),
            ({"run": "mine", "overwrite": "yes"}, "overwrite"),
            ({"run": "mine", "output_dir": "{tmp}"}, "output_dir"),
            ({"output_dir": "{tmp}/file"}, "output_dir"),
            ({"strategy": "captioning", "run": "mine"}, "run"),
        ],
    ),
    "check_evaluate": Pair(
        check_evaluate,
        evaluate,
        {"pred": "mine"},
        [
            ({"pred": "nothing"}, "pred"),
            ({"gt": "audio_path"}, "gt"),
            ({"eval_key": "not a key"}, "eval_key"),
            ({"eval_key": "taken"}, "eval_key"),
            ({"eval_key": "_x"}, "eval_key"),
            ({"eval_key": "class"}, "eval_key"),
            ({"threshold": "0.5"}, "threshold"),
            ({"protocol": ["baav"]}, "protocol"),
            ({"protocol": None}, "protocol"),
            ({"pred": None}, "pred"),
            ({"class_field": "genre"}, "class_field"),
            ({"protocol": "best"}, "protocol"),
            ({"threshold": 2.0}, "threshold"),
            ({"adaptive_rule": "none"}, "adaptive_rule"),
            ({"pair_field": "nothing"}, "pair_field"),
            ({"protocol": "avsbench", "video_field": "nothing"}, "video_field"),
            ({"protocol": "avsbench", "threshold": 0.4}, "threshold"),
            ({"protocol": "boxes"}, "boxes_field"),
            ({"boxes_field": "ground_truth"}, "boxes_field"),
        ],
    ),
    "check_predictions": Pair(
        check_predictions,
        import_predictions,
        {"folder": "{tmp}/theirs", "run": "theirs"},
        [
            ({"folder": "{tmp}/nowhere"}, "folder"),
            ({"folder": "{tmp}/empty"}, "folder"),
            ({"run": "not a key"}, "run"),
            ({"run": "mine"}, "run"),
            ({"run": "imported", "threshold": 0.1}, "run"),
            ({"run": "imported", "activation": "minmax"}, "run"),
            ({"run": "imported", "output_dir": "{tmp}"}, "output_dir"),
            ({"run": "imported", "folder": "{tmp}/out/imported", "overwrite": True}, "folder"),
            ({"run": "imported", "folder": "{tmp}/out/../out/imported", "overwrite": "run"}, "folder"),
            ({"activation": "tanh"}, "activation"),
            ({"threshold": 7}, "threshold"),
            ({"first_frame": -1}, "first_frame"),
            ({"name_field": "ground_truth"}, "name_field"),
        ],
    ),
    "check_controls": Pair(
        check_controls,
        run_controls,
        {"strategy": "classification", "preset": "tiny", "controls": ["centre"]},
        [
            *RUN,
            ({"controls": []}, "controls"),
            ({"controls": ["deaf"]}, "controls"),
            ({"protocol": "avsbench"}, "protocol"),
            ({"gt": "nothing"}, "gt"),
            ({"run": "not a key"}, "run"),
            ({"run": "mine", "strategy": "captioning"}, "run"),
            ({"controls": ["noise"], "run": "taken"}, "seed"),
        ],
    ),
    "check_rename": Pair(
        check_rename,
        rename_run,
        {"run": "mine", "new_run": "yours"},
        [
            ({"run": "nothing"}, "run"),
            ({"run": "broken"}, "run"),
            ({"new_run": "not a key"}, "new_run"),
            ({"new_run": "imported"}, "new_run"),
            ({"new_run": "ground_truth"}, "new_run"),
        ],
    ),
    "check_browse": Pair(
        check_browse,
        browse_by_iou,
        {"eval_key": "mine_eval"},
        [
            ({"eval_key": "nothing"}, "eval_key"),
            ({"order": "middle"}, "order"),
            ({"low": 2}, "low"),
            ({"low": 0.5, "high": 0.4}, "low"),
            ({"limit": 0}, "limit"),
            ({"name": "a view"}, "name"),
            ({"name": "A-View"}, "name"),
            ({"name": "A-View", "overwrite": True}, "name"),
            ({"name": ""}, "name"),
            ({"name": "ü"}, "name"),
            ({"name": "!!!"}, "name"),
            ({"low": "0.5"}, "low"),
            ({"limit": 1.5}, "limit"),
        ],
    ),
    "check_sheet": Pair(
        check_sheet,
        make_sheet,
        {"runs": ["mine"], "path": "{tmp}/sheet.png"},
        [
            ({"path": "{tmp}/sheet.gif"}, "path"),
            ({"runs": []}, "runs"),
            ({"max_rows": 0}, "max_rows"),
            ({"cell": 1}, "cell"),
            ({"path": "{tmp}/0.png"}, "path"),
            ({"path": "{tmp}/out/../0.png"}, "path"),
        ],
    ),
    "check_output": Pair(
        check_output,
        export_run,
        {"run": "mine", "out": "{tmp}/new"},
        [
            ({"out": "{tmp}/theirs"}, "out"),
            ({"out": "{tmp}/file"}, "out"),
            ({"out": "{tmp}/" + "d" * 300}, "out"),
        ],
    ),
    "check_output of clips": Pair(
        check_output, make_clips, {"run": "mine", "out": "{tmp}/new"}, [({"out": "{tmp}/theirs"}, "out")]
    ),
    "check_import": Pair(
        check_import,
        import_folder,
        {"folder": "{tmp}/theirs", "name": "not-there-yet"},
        [
            ({"folder": "{tmp}/nowhere"}, "folder"),
            ({"name": "?!"}, "name"),
            ({"name": "checked"}, "name"),
            ({"kind": "sounds"}, "kind"),
            ({"benchmark": "imagenet"}, "benchmark"),
        ],
    ),
    "check_data": Pair(
        check_data,
        import_data,
        {"folder": "{tmp}/theirs", "name": "not-there-yet"},
        [
            ({"folder": "{tmp}/nowhere"}, "folder"),
            ({"name": "checked"}, "name"),
            ({"kind": "sounds"}, "kind"),
            ({"limit": 3}, "limit"),
            ({"benchmark": "imagenet"}, "benchmark"),
            ({"benchmark": "s4", "split": "exam"}, "split"),
            ({"benchmark": "s4", "limit": 0}, "limit"),
            ({"benchmark": "vgg-ss", "kind": "videos"}, "kind"),
            ({"benchmark": "s4", "name": "checked"}, "name"),
        ],
    ),
    "check_reproduce": Pair(
        check_reproduce,
        reproduce,
        {"table": 1, "data": "{tmp}/theirs", "benchmark": "is3"},
        [
            ({"table": 9}, "table"),
            ({"data": "{tmp}/nowhere"}, "data"),
            ({"benchmark": "imagenet"}, "benchmark"),
            ({"preset": "huge"}, "preset"),
            ({"name": "checked"}, "name"),
            ({"limit": 0}, "limit"),
            ({"predictions": {"LVS": "{tmp}"}}, "predictions"),
            ({"table": 2, "predictions": {"LVS": "{tmp}/nowhere"}}, "predictions"),
            ({"strategies": ["vcap"]}, "strategies"),
            ({"segmenters": {"ours": "clipseg"}}, "segmenters"),
        ],
    ),
}

OF_SAMPLES = {"samples", "dataset"}

STOPS_NOTHING = {
    *("progress", "say", "retry_failed", "source", "label_field", "prediction_options"),
    *("runner",),  # the check takes the runner's arguments
    *("device", "precision", "batch_size", "out"),  # reproduce: rows say themselves why they cannot be
}
"""Arguments of calls that stop none before it works."""


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """Three images with a run, an import, a broken run, an evaluation, a saved view, and fields in the way."""
    folder = tmp_path_factory.mktemp("checks")
    dataset = fo.Dataset("checked")
    add_images(dataset, folder, 3)
    dataset.info[DEMO_MARK] = True
    (folder / "theirs").mkdir()
    (folder / "empty").mkdir()
    (folder / "file").write_text("no folder")
    for index in range(3):
        write_truth(folder / "theirs" / f"{index}.png")
    for run in ("mine", "broken"):
        segment(dataset, "classification", run=run, preset="tiny", output_dir=folder / "out", progress=False)
    import_predictions(dataset, folder / "theirs", "imported", output_dir=folder / "out", progress=False)
    dataset.delete_sample_field("broken_query")
    evaluate(dataset, "mine", progress=False)
    dataset.save_view("a view", dataset.limit(1))
    dataset.add_sample_field("taken_iou", fo.FloatField)
    dataset.add_sample_field("audio_noise", fo.StringField)
    yield dataset, folder
    dataset.delete()


def filled(value: Any, folder: Any) -> Any:
    """Arguments with the test's own folder in them."""
    if isinstance(value, str):
        return value.replace("{tmp}", str(folder))
    if isinstance(value, dict):
        return {name: filled(one, folder) for name, one in value.items()}
    return value


def first_of(pair: Pair) -> list[str]:
    """The first parameter of a call if it is the samples."""
    name = next(iter(inspect.signature(pair.call).parameters))
    return [name] if name in OF_SAMPLES else []


def asked(pair: Pair, dataset: fo.Dataset, arguments: dict[str, Any]) -> list[Any]:
    """What a check finds, given what it has parameters for."""
    parameters = inspect.signature(pair.check).parameters
    takes_all = any(one.kind is one.VAR_KEYWORD for one in parameters.values())
    given = {name: value for name, value in arguments.items() if takes_all or name in parameters}
    if parameters.get("samples") is not None and next(iter(parameters)) != "samples":
        given["samples"] = dataset
    if next(iter(parameters)) in OF_SAMPLES:
        return pair.check(dataset, **given)
    return pair.check(**given)


def test_every_check_has_a_row():
    checks = {name for name in fiftyone_avs.fo.__all__ if name.startswith("check_")}
    assert checks - NO_CHECKS_OF_CALLS == {name.partition(" ")[0] for name in PAIRS}


@pytest.mark.parametrize("name", PAIRS)
def test_arguments_that_work_are_let_through(world, name):
    dataset, folder = world
    pair = PAIRS[name]
    assert not [one for one in asked(pair, dataset, filled(pair.arguments, folder)) if one.blocks]


@pytest.mark.parametrize(
    ("name", "wrong", "argument"),
    [(name, *row) for name, pair in PAIRS.items() for row in pair.wrong],
    ids=lambda value: str(value)[:60],
)
def test_the_first_thing_found_is_what_the_call_raises(world, name, wrong, argument):
    dataset, folder = world
    pair = PAIRS[name]
    arguments = filled({**pair.arguments, **wrong}, folder)
    before = (
        dataset.list_runs(),
        dataset.list_evaluations(),
        set(dataset.get_field_schema()),
        fo.list_datasets(),
    )
    found = [one for one in asked(pair, dataset, arguments) if one.blocks]
    assert found and found[0].argument == argument
    quiet = {"progress": False} if "progress" in inspect.signature(pair.call).parameters else {}
    with pytest.raises(AVSError) as raised:
        pair.call(*[dataset for _ in first_of(pair)], **{**arguments, **quiet})
    assert str(raised.value) == found[0].message
    after = (
        dataset.list_runs(),
        dataset.list_evaluations(),
        set(dataset.get_field_schema()),
        fo.list_datasets(),
    )
    assert before == after


@pytest.mark.parametrize(
    ("check", "call"),
    [
        (check_segment, segment_all),
        (check_evaluate, evaluate),
        (check_predictions, import_predictions),
        (check_controls, run_controls),
        (check_rename, rename_run),
        (check_browse, browse_by_iou),
        (check_import, import_folder),
        (check_reproduce, reproduce),
    ],
)
def test_a_check_takes_all_that_can_stop_its_call(check, call):
    lacking = {*inspect.signature(call).parameters} - {*inspect.signature(check).parameters}
    assert lacking <= STOPS_NOTHING


@pytest.mark.parametrize("name", [name for name in PAIRS if name not in ("check_sheet", "check_output")])
def test_findings_name_arguments_of_the_call(name):
    pair = PAIRS[name]
    known = {*inspect.signature(pair.call).parameters, "strategies"}  # of segment_all and the form
    options = {"folder", "name", "benchmark", "kind", "split", "limit"} if name == "check_data" else set()
    assert {argument for _, argument in pair.wrong} <= known | options


def test_several_problems_are_all_told(world):
    dataset, _ = world
    found = check_segment(
        dataset,
        ["classification"],
        preset="huge",
        runs=["not a key"],
        audio_field="nothing",
        fps=-1,
        max_samples=-1,
        device="toaster",
    )
    assert {one.argument for one in found} == {"preset", "run", "audio_field", "fps", "max_samples", "device"}
    found = check_evaluate(
        dataset,
        "nothing",
        class_field="genre",
        threshold=3,
        adaptive_rule="none",
        boxes_field="x",
        pair_field="y",
    )
    wrong = {"pred", "class_field", "threshold", "adaptive_rule", "boxes_field", "pair_field"}
    assert {one.argument for one in found} == wrong
