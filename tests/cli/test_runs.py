"""The commands on datasets, runs and the plugin: what they do, print and exit with."""

from __future__ import annotations

from pathlib import Path

import fiftyone as fo
import pytest
from fiftyone.core.evaluation import EvaluationMethod

from fiftyone_avs import evaluate, segment
from fiftyone_avs.cli import EXIT_ERROR, EXIT_OK, EXIT_SOME_FAILED, EXIT_USAGE, main
from fiftyone_avs.fo import benchmark_of, list_run_keys
from fiftyone_avs.fo.app.plugin_install import FOLDER, plugin_source
from fiftyone_avs.models import fake
from tests.fo.samples import write_picture, write_tone


@pytest.fixture
def segmented(make_images, output):
    """Three images with the run vcap_acls."""
    dataset = make_images(3)
    segment(dataset, models=fake.fake_models(), output_dir=output, progress=False)
    return dataset


@pytest.fixture
def plugins(tmp_path, monkeypatch):
    """A plugins folder of this test's own."""
    monkeypatch.setattr(fo.config, "plugins_dir", str(tmp_path / "plugins"))
    return tmp_path / "plugins"


@pytest.fixture
def folder(tmp_path):
    """Two pictures, of which one has a sound."""
    for name in ("img", "wav"):
        (tmp_path / name).mkdir()
    for stem in ("a", "b"):
        write_picture(tmp_path / "img" / f"{stem}.png")
    write_tone(tmp_path / "wav" / "a.wav")
    return tmp_path


@pytest.mark.filterwarnings("ignore:preset 'tiny' knows the drawn demo world only")
def test_several_strategies_are_run_in_one_pass(make_images, output, capsys):
    dataset = make_images(2)
    command = ["segment", dataset.name, "--preset", "tiny", "--output-dir", str(output)]
    assert main([*command, "--strategy", "captioning", "classification", "--run", "first"]) == EXIT_OK
    lines = capsys.readouterr().out.splitlines()
    keys = ["first_captioning", "first_classification"]
    assert [line.split(":")[0] for line in lines if line.startswith("run ")] == [
        f"run {key!r}" for key in keys
    ]
    assert sorted(list_run_keys(dataset)) == keys
    assert None not in dataset.values("first_captioning_status") + dataset.values(
        "first_classification_status"
    )
    assert main([*command, "--strategy", "captioning", "captioning"]) == EXIT_USAGE
    assert "names a strategy twice" in capsys.readouterr().err
    two = ["--strategy", "captioning", "vcap_acls"]
    assert main([*command, *two, "--option", "prompt=the {c}"]) == EXIT_USAGE
    assert "one by one" in capsys.readouterr().err
    assert sorted(list_run_keys(dataset)) == keys


def test_runs_are_renamed(segmented, capsys):
    evaluate(segmented, "vcap_acls", progress=False)
    assert main(["runs", segmented.name, "--rename", "vcap_acls", "first_try"]) == EXIT_OK
    assert "run 'vcap_acls' is 'first_try' now" in capsys.readouterr().out
    assert list_run_keys(segmented) == ["first_try"]
    assert segmented.get_evaluation_info("first_try_eval").config.pred_field == "first_try"
    assert main(["runs", segmented.name]) == EXIT_OK
    printed = capsys.readouterr().out
    assert printed.startswith("first_try: 3 ok, 0 abstained, 0 failed") and "\n  first_try_eval: " in printed


def test_runs_are_deleted_with_their_evaluations_or_without(segmented, output, capsys):
    evaluate(segmented, "vcap_acls", progress=False)
    assert main(["runs", segmented.name, "--delete", "vcap_acls", "--keep-evaluations"]) == EXIT_OK
    assert segmented.list_evaluations() == ["vcap_acls_eval"]
    assert main(["runs", segmented.name]) == EXIT_OK
    assert "vcap_acls_eval: STALE: its run 'vcap_acls' was deleted" in capsys.readouterr().out
    segmented.delete_evaluation("vcap_acls_eval")
    segment(segmented, models=fake.fake_models(), output_dir=output, progress=False)
    evaluate(segmented, "vcap_acls", progress=False)
    assert main(["runs", segmented.name, "--delete", "vcap_acls"]) == EXIT_OK
    assert segmented.list_evaluations() == [] and list_run_keys(segmented) == []


def test_runs_are_not_renamed_and_deleted_in_one_call(segmented, capsys):
    before = segmented.list_runs()
    assert main(["runs", segmented.name, "--delete", before[0], "--rename", before[0], "other"]) != 0
    assert "one at a time" in capsys.readouterr().err
    assert segmented.list_runs() == before


def test_runs_are_checked_and_mended(segmented, capsys):
    lost = segmented.last()
    Path(lost["vcap_acls"].mask_path).unlink()
    assert main(["runs", segmented.name, "--check"]) == EXIT_SOME_FAILED
    printed = capsys.readouterr().out
    assert "1 with lost or damaged files" in printed and f"  {lost.id}: " in printed
    assert segmented.count("vcap_acls_status") == 3
    assert main(["runs", segmented.name, "--check", "--mend"]) == EXIT_OK
    assert segmented.reload() is None and segmented.count("vcap_acls_status") == 2
    assert main(["runs", segmented.name, "--check"]) == EXIT_OK
    assert "2 results, all whole" in capsys.readouterr().out
    assert main(["runs", segmented.name, "--mend"]) == EXIT_USAGE
    assert main(["runs"]) == EXIT_USAGE


def test_a_rename_that_cannot_be_says_why(segmented, capsys):
    assert main(["runs", segmented.name, "--rename", "vcap_acls", "ground_truth"]) == EXIT_USAGE
    assert "'ground_truth'" in capsys.readouterr().err
    assert main(["runs", segmented.name, "--rename", "vcap_acls", "not a key"]) == EXIT_USAGE
    assert main(["runs", segmented.name, "--rename", "nothing", "first_try"]) == EXIT_ERROR
    assert "its runs: vcap_acls" in capsys.readouterr().err
    with pytest.raises(SystemExit) as end:
        main(["runs", segmented.name, "--rename", "vcap_acls"])
    assert end.value.code == EXIT_USAGE
    assert list_run_keys(segmented) == ["vcap_acls"]


def test_the_class_field_is_kept_with_the_evaluation(segmented, capsys):
    segmented.set_values("kind", ["dog", "cat", "dog"])
    assert main(["evaluate", segmented.name, "vcap_acls", "--class-field", "kind"]) == EXIT_OK
    assert "over 3: 3 ok" in capsys.readouterr().out
    assert segmented.get_evaluation_info("vcap_acls_eval").config.class_field == "kind"
    assert main(["evaluate", segmented.name, "vcap_acls", "--class-field", "genre"]) == EXIT_ERROR
    assert "'genre'" in capsys.readouterr().err


def test_an_import_says_what_is_missing_and_which_benchmark_it_is(folder, capsys):
    name = "fiftyone-avs-cli-import"
    assert main(["import", str(folder), "--name", name, "--benchmark", "avsbench-s4"]) == EXIT_OK
    printed = capsys.readouterr()
    try:
        assert f"dataset {name!r}: 2 samples. Next: fiftyone-avs segment {name}" in printed.out
        assert "note: 1 files have no sound: b" in printed.err
        assert benchmark_of(fo.load_dataset(name)) == "avsbench-s4"
        assert main(["import", str(folder), "--name", name]) == EXIT_USAGE
        assert "exists already" in capsys.readouterr().err
    finally:
        fo.delete_dataset(name)


def test_imports_that_cannot_be(folder, capsys):
    assert main(["import", str(folder / "nowhere")]) == EXIT_USAGE
    assert "there is no folder" in capsys.readouterr().err
    with pytest.raises(SystemExit) as end:
        main(["import", str(folder), "--benchmark", "imagenet"])
    assert end.value.code == EXIT_USAGE and "avsbench-s4" in capsys.readouterr().err


def test_the_plugin_is_installed_copied_and_removed(plugins, capsys):
    target = plugins / FOLDER
    assert main(["install-plugin"]) == EXIT_OK
    assert target.resolve() == plugin_source()
    printed = capsys.readouterr().out
    assert f"the plugin is at {target}\n" in printed and "fiftyone app launch" in printed
    assert main(["install-plugin", "--copy"]) == EXIT_OK
    assert not target.is_symlink() and f"{target} (a copy)" in capsys.readouterr().out
    assert main(["uninstall-plugin"]) == EXIT_OK
    assert not target.exists() and capsys.readouterr().out == "the plugin is removed\n"
    assert main(["uninstall-plugin"]) == EXIT_OK
    assert capsys.readouterr().out == "the plugin was not installed\n"


def test_another_plugin_at_its_place_is_a_usage_error(plugins, capsys):
    (plugins / FOLDER).mkdir(parents=True)
    assert main(["install-plugin"]) == EXIT_USAGE
    assert "is not this plugin; move it away first" in capsys.readouterr().err


def test_a_run_is_stopped_and_resumed_from_the_command_line(make_images, output, monkeypatch, capsys):
    dataset = make_images(3)
    monkeypatch.setattr("fiftyone_avs.planning.load_models", lambda preset, **_: fake.fake_models())
    monkeypatch.setattr("fiftyone_avs.fo.runs.calls.OFTEN", 0.0)

    def from_another_terminal(done, total):
        if done == 1:
            assert main(["stop", dataset.name]) == EXIT_OK

    segment(dataset, "captioning", output_dir=output, batch_size=1, progress=from_another_terminal)
    assert f"fiftyone-avs resume {dataset.name} captioning" in capsys.readouterr().out
    assert main(["runs", dataset.name]) == EXIT_OK
    assert "captioning: stopped; 2 of 3 samples done, 1 left" in capsys.readouterr().out
    assert main(["resume", dataset.name]) == EXIT_OK
    shown = capsys.readouterr()
    assert "run 'captioning': 1 ok, 0 abstained, 0 failed, 2 done already" in shown.out
    assert "1 sample to do, 2 done already" in shown.err
    assert main(["resume", dataset.name]) == EXIT_ERROR and "no run is unfinished" in capsys.readouterr().err
    assert main(["stop", dataset.name]) == EXIT_ERROR


def test_an_interrupted_run_says_what_is_left_and_how_to_go_on(make_images, output, monkeypatch, capsys):
    dataset = make_images(3)
    monkeypatch.setattr("fiftyone_avs.planning.load_models", lambda preset, **_: fake.fake_models())

    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("fiftyone_avs.fo.segment.loop.predict_together", interrupted)
    assert main(["segment", dataset.name, "--output-dir", str(output)]) == 130
    said = capsys.readouterr().err
    assert "vcap_acls: interrupted; 0 of 3 samples done, 3 left" in said
    assert f"fiftyone-avs resume {dataset.name} vcap_acls" in said


def test_an_interrupted_evaluation_is_not_compared(segmented, capsys):
    evaluate(segmented, "vcap_acls", progress=False)
    EvaluationMethod.save_run_results(segmented, "vcap_acls_eval", None)
    segmented.clear_cache()
    assert main(["runs", segmented.name]) == EXIT_OK
    assert "STALE: it was interrupted before it was complete" in capsys.readouterr().out
    assert main(["compare", segmented.name, "vcap_acls_eval"]) != EXIT_OK
    assert "is unfinished: it was interrupted" in capsys.readouterr().err
