"""The benchmarks of whole runs do what they say: on a few scenes, without looking at how long it takes."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType, ModuleType
from typing import Any

import fiftyone as fo
import numpy as np
import pymongo
import pytest
from PIL import Image

import fiftyone_avs as avs

SCRIPTS = Path(__file__).parents[2] / "performance"
ROLES = {"image_captioner", "noun_extractor", "audio_text_scorer", "segmenter"}


@pytest.fixture(scope="module")
def script() -> Iterator[Callable[[str], ModuleType]]:
    """Import a script by name, as Python finds it when a script beside it is run."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(SCRIPTS))
        yield importlib.import_module


@pytest.fixture
def run(script, tmp_path) -> Iterator[Callable[..., dict[str, Any]]]:
    """Run a script on the embedded models; it must return what it writes, and leave nothing else behind."""
    before, work = set(fo.list_datasets()), tmp_path / "work"
    work.mkdir()

    def call(name: str, *arguments: object) -> dict[str, Any]:
        out = tmp_path / f"{name}.json"
        record = script(name).main([*map(str, arguments), "--folder", str(work), "--out", str(out)])
        assert json.loads(out.read_text()) == record
        return record

    yield call
    assert set(fo.list_datasets()) == before
    assert not list(work.iterdir())


def test_throughput_compares_the_engine_with_the_loop(run):
    record = run("throughput", "--samples", 4, "--rounds", 1, "--warm-up", 2, "--no-memory")

    assert set(record["media"]) == {"distinct", "is3"}
    for found in record["media"].values():
        same = found["agreement"]
        assert same["samples"] == 4
        assert same["mask_iou_lowest"] >= 0.99
        assert same["equal_expressions"] == 1
        assert 0.01 < same["share_of_pixels_in_masks"] < 0.5  # neither empty nor full masks agree by chance
        assert found["ratio"] > 0
        for side in ("loop", "engine"):
            shares = found["stage_shares"][side]
            assert set(shares) >= ROLES
            assert min(shares[role] for role in ROLES) > 0
            assert sum(shares.values()) == pytest.approx(1, abs=0.01)
            assert found["samples_per_second"][side] > 0
    assert record["with_fiftyone"] and record["peak_memory"] is None
    assert record["segmenter"]["gflop_per_sample"] > 0.1
    assert "--device cuda" in record["segmenter"]["share_of_peak"]


def test_throughput_without_fiftyone(run):
    record = run(
        "throughput",
        "--samples",
        3,
        "--rounds",
        1,
        "--warm-up",
        2,
        "--media",
        "is3",
        "--no-memory",
        "--no-fiftyone",
    )

    assert list(record["media"]) == ["is3"] and not record["with_fiftyone"]
    assert record["media"]["is3"]["agreement"]["mask_iou_lowest"] >= 0.99
    assert record["media"]["is3"]["agreement"]["equal_expressions"] == 1


def test_memory_of_one_side_alone(script, capsys):
    for side in ("loop", "engine"):
        record = script("throughput").main(["--samples", "1", "--alone", side])
        assert json.loads(capsys.readouterr().out.splitlines()[-1]) == record
        assert record["process_mb"] > 100


def test_agreement_sees_differences(script, tmp_path):
    reference_loop, throughput = script("reference_loop"), script("throughput")
    soft_map = np.linspace(0, 1, 200, dtype=np.float32).reshape(10, 20)
    ours = reference_loop.write(tmp_path / "ours", "a photo of dog.", soft_map, 0.5)
    other = reference_loop.write(tmp_path / "other", "a photo of cat.", np.roll(soft_map, 5, 0), 0.5)

    same = throughput.agreement([ours], [ours])
    different = throughput.agreement([ours, ours], [ours, other])
    assert (same["mask_iou_lowest"], same["equal_expressions"]) == (1, 1)
    assert (different["mask_iou_lowest"], different["equal_expressions"]) == (0, 0.5)
    assert same["soft_map_largest_difference"] == 0 < different["soft_map_largest_difference"]


def test_full_masks_are_compared_at_the_median(script, tmp_path):
    """Those of random networks are full, and would agree whatever happens."""
    reference_loop, throughput = script("reference_loop"), script("throughput")
    soft_map = np.linspace(0.4, 0.5, 200, dtype=np.float32).reshape(10, 20)
    ours = reference_loop.write(tmp_path / "ours", "a dog", soft_map, 0.35)
    near = reference_loop.write(tmp_path / "near", "a dog", soft_map + np.float32(1e-5), 0.35)
    other = reference_loop.write(tmp_path / "other", "a dog", soft_map[::-1], 0.35)

    same, different = throughput.agreement([ours], [near]), throughput.agreement([ours], [other])
    assert (same["compared_at_the_median"], same["share_of_pixels_in_masks"]) == (1, 0.5)
    assert same["mask_iou_lowest"] >= 0.99
    assert different["mask_iou_lowest"] == 0


def test_files_of_the_loop_are_those_of_a_run(script, tmp_path):
    from fiftyone_avs.fo.runs.folder import RunFolder

    soft_map = np.linspace(0, 1, 200, dtype=np.float32).reshape(10, 20)
    found = script("reference_loop").write(tmp_path / "loop", "a dog", soft_map, 0.35)
    folder = RunFolder(tmp_path / "run", "0" * 24, "run")
    folder.path.mkdir()
    for ours, theirs in zip(
        (found.mask, found.soft_map), folder.write("x", soft_map > 0.35, soft_map), strict=True
    ):
        assert ours.read_bytes() == Path(theirs).read_bytes()


def test_second_strategy(run):
    record = run("second_strategy", "--samples", 2, "--rounds", 1, "--warm-up", 1)

    assert len(record["cases"]) == 3
    for found in record["cases"].values():
        assert set(found) == {"first", "both", "later", "alone", "second_in_one_pass", "second_later"}
        assert min(found[name] for name in ("first", "both", "later", "alone")) > 0


def test_second_strategy_refuses_captions_that_are_not_shared(script, tmp_path, monkeypatch):
    second_strategy, measuring, media = map(script, ("second_strategy", "measuring", "media"))
    pairs = media.write_pairs(tmp_path / "media", 2, layout="distinct", filmed=False, seed=3)

    def forgetful(dataset, models, options, runs, folder):
        measuring.segment_all(dataset, models, options, runs, folder)
        dataset.set_values("image_caption.label", [" ".join(runs)] * len(dataset))

    monkeypatch.setattr(second_strategy, "segment_all", forgetful)
    options = second_strategy.parse(["--samples", "2"])
    case = "vcap_acls, then vcap_acls"
    with pytest.raises(RuntimeError, match="changed the captions"):
        second_strategy.measure(options, avs.load_models("tiny"), pairs, case, tmp_path / "out")


def test_fiftyone_overhead(run):
    record = run("fiftyone_overhead", "--samples", 8, "--scenes", 4, "--rounds", 1, "--warm-up", 1)

    assert 0 < record["share"] < 1
    assert record["share"] == pytest.approx(
        record["share_in_fiftyone"] + record["share_in_mongodb"], abs=1e-3
    )
    assert min(record["looks"]) > 0
    assert {side: len(seconds) for side, seconds in record["seconds"].items()} == {
        "segment": 1,
        "without_fiftyone": 1,
    }


def test_moments_belong_to_whoever_is_at_work(script):
    overhead = script("fiftyone_overhead")
    run, fiftyone, mongodb = (Path(module.__file__).parent for module in (avs, fo, pymongo))
    library, lock = Path(np.__file__).parent, Path(sys.modules["threading"].__file__).parent

    def stack(*files: Path) -> FrameType:
        """The frame of a call from the first file to the next, and so on to the last."""
        call = sys._getframe
        for file in reversed(files):
            names = {"call": call}
            exec(compile("def inner():\n    return call()", str(file), "exec"), names)
            call = names["inner"]
        found = call()
        while found.f_code.co_filename != str(files[-1]):
            found = found.f_back
        return found

    computing = stack(run / "a.py", library / "b.py")
    storing = stack(run / "a.py", fiftyone / "b.py", library / "c.py")
    asking = stack(run / "a.py", fiftyone / "b.py", mongodb / "c.py")
    waiting = stack(run / "a.py", lock / "threading.py")
    watching_the_server = stack(mongodb / "a.py", lock / "threading.py")

    assert overhead.owners(computing, [watching_the_server]) == ["run"]
    assert overhead.owners(storing, [computing]) == ["fiftyone"]
    assert overhead.owners(asking, []) == ["mongodb"]
    assert overhead.owners(computing, [storing]) == ["run", "beside"]
    assert overhead.owners(waiting, [storing, watching_the_server]) == ["fiftyone"]
    assert overhead.owners(waiting, [storing, computing]) == ["run", "beside"]
    assert overhead.owners(waiting, [waiting, watching_the_server]) == ["run"]


def test_memory(run, tmp_path):
    record = run("memory", "--samples", 25, "--every", 10, "--scenes", 4)

    assert [row["done"] for row in record["series"]] == [10, 20, 25]
    assert all(row["resident_mb"] > 100 for row in record["series"])
    assert record["last_relative_to_first"] == pytest.approx(record["last_mb"] / record["first_mb"], abs=1e-4)
    assert record["within_tolerance"] == (record["last_relative_to_first"] <= 1.1)
    with Image.open(tmp_path / "memory.png") as picture:
        assert picture.width > 500


def test_layouts(script, tmp_path):
    media = script("media")
    alone = media.write_pairs(tmp_path / "a", 7, layout="distinct", filmed=False, seed=1)
    two = media.write_pairs(tmp_path / "b", 6, layout="is3", filmed=True, seed=1)

    assert len({pair.picture for pair in alone}) == len({pair.sound for pair in alone}) == 7
    assert [pair.picture for pair in two[::2]] == [pair.picture for pair in two[1::2]]
    assert len({pair.picture for pair in two}) == 3 and len({pair.sound for pair in two}) == 6
    assert Image.open(two[0].picture).size == (640, 480)
    linked = list(media.link_pairs(tmp_path / "c", alone[:2], 5))
    assert len({pair.picture for pair in linked}) == len({pair.name for pair in linked}) == 5
    assert linked[4].picture.read_bytes() == alone[0].picture.read_bytes()


def test_random_tokenizers_have_the_real_marks(script):
    random_models = script("random_models")
    clip = random_models.make_tokenizer(random_models.CLIP)
    ids = clip("a photo of dog12.")["input_ids"]
    assert (len(clip), ids[0], ids[-1], max(ids), len(ids)) == (49408, 49406, 49407, 49407, 7)
    assert clip.decode(ids, skip_special_tokens=True) == "a photo of dog12 ."
    gpt2 = random_models.make_tokenizer(random_models.GPT2)
    assert gpt2(" <|endoftext|>")["input_ids"] == [50256]
    assert 0 not in gpt2("dog7 and a word that it does not know")["input_ids"]
