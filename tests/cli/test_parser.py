"""The command line: help that teaches, errors that can be read, exit codes that can be relied on."""

from __future__ import annotations

import pytest

from fiftyone_avs.cli import build_parser, main
from fiftyone_avs.cli.common import pairs, typed_pairs
from fiftyone_avs.errors import ConfigurationError

COMMANDS = [
    "install-plugin",
    "uninstall-plugin",
    "browse",
    "export",
    "clips",
    "demo",
    "import",
    "segment",
    "evaluate",
    "compare",
    "runs",
    "models",
    "train-bridge",
    "train-tiny",
]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself_with_an_example(name, capsys):
    with pytest.raises(SystemExit) as end:
        main([name, "--help"])
    assert end.value.code == 0
    text = capsys.readouterr().out
    assert len(text) > 400
    assert "example" in text or "img/<stem>" in text


def test_help_lists_all_commands_and_exit_codes(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    text = capsys.readouterr().out
    assert all(name in text for name in COMMANDS)
    assert "exit codes" in text


def test_a_wrong_command_is_a_usage_error():
    with pytest.raises(SystemExit) as end:
        main(["segmnt"])
    assert end.value.code == 2


def test_an_unknown_dataset_is_named(capsys):
    assert main(["segment", "no-such-dataset", "--preset", "tiny"]) == 1
    assert "no-such-dataset" in capsys.readouterr().err


def test_a_demo_without_samples_is_a_usage_error(capsys, tmp_path):
    assert main(["demo", "--samples", "0", "--out", str(tmp_path)]) == 2
    assert "at least one sample" in capsys.readouterr().err


def test_pairs_are_read_and_checked():
    assert pairs(["a=1", "b=x=y"], "--option") == {"a": "1", "b": "x=y"}
    assert typed_pairs(["a=0.5", "b=None", "c=text", "d=True"], "--option") == {
        "a": 0.5,
        "b": None,
        "c": "text",
        "d": True,
    }
    with pytest.raises(ConfigurationError, match="--models takes name=value"):
        pairs(["segmenter"], "--models")


def test_the_parser_knows_the_defaults_of_the_functions():
    options = build_parser().parse_args(["segment", "data"])
    assert (options.strategy, options.preset, options.batch_size, options.silence) == (
        ["vcap_acls"],
        "open",
        None,
        "abstain",
    )


def test_ray_is_chosen_and_configured_on_the_command_line():
    import fiftyone_avs as avs
    from fiftyone_avs.cli.segmenting import _runner

    def runner(*arguments):
        return _runner(build_parser().parse_args(["segment", "data", *arguments]))

    assert runner() == "local"
    assert runner("--runner", "ray") == avs.RayRunner()
    wanted = avs.RayRunner(workers=2, gpus=0.5, address="head:6379")
    assert runner("--runner", "ray", "--ray", "workers=2", "gpus=0.5", "address=head:6379") == wanted
    with pytest.raises(ConfigurationError, match="add --runner ray"):
        runner("--ray", "workers=2")
    with pytest.raises(ConfigurationError, match="--ray knows no wrokers"):
        runner("--runner", "ray", "--ray", "wrokers=2")
