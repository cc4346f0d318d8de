"""Several strategies in one pass: the same runs as one after the other, and nothing is computed twice."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import fiftyone as fo
import numpy as np
import pytest

from fiftyone_avs import segment
from fiftyone_avs.errors import ConfigurationError, DatasetError, ModelError, RunConflictError
from fiftyone_avs.fo import list_run_keys, segment_all
from fiftyone_avs.fo.schema.documents import document, label
from fiftyone_avs.models import Models, fake
from fiftyone_avs.strategies import get_strategy
from fiftyone_avs.types import Referral
from tests.fo.samples import files_of, write_picture, write_video
from tests.fo.segment.test_cluster import assert_same_pictures, texts_of, tiny_dataset

BOTH = ("captioning", "acap_vcls")


@dataclass(frozen=True)
class Choosy:
    """Names a cat, but cannot bear some samples."""

    bad: ClassVar[set[str]] = set()
    name = "choosy"
    needs = ()

    def refer(self, evidence, models):
        if any(item.id in self.bad for item in evidence):
            raise RuntimeError("not this one")
        return [Referral("a cat", None) for _ in evidence]


@pytest.fixture
def images(make_images, tmp_path):
    """Four images, no two alike."""
    dataset = make_images(4)
    for index, path in enumerate(dataset.values("filepath")):
        write_picture(Path(path), shift=8 * index)
    return dataset


def run(samples, strategies, output, **options):
    options = {"models": fake.fake_models(), "output_dir": output, "progress": False, **options}
    return segment_all(samples, strategies, **options)


@pytest.mark.usefixtures("no_datasets_stay")
def test_one_pass_finds_what_single_runs_find(tmp_path, output):
    dataset = tiny_dataset(tmp_path / "world", 6)
    Path(dataset.last().filepath).unlink()
    twin = dataset.clone()
    strategies = ("vcap_acls", "captioning", "acap_vcls")
    together = segment_all(dataset, strategies, preset="tiny", output_dir=output / "together", progress=False)
    alone = [
        segment(twin, name, preset="tiny", output_dir=output / "alone", progress=False) for name in strategies
    ]
    assert [(s.run, s.ok, s.abstained, s.failed) for s in together] == [
        (s.run, s.ok, s.abstained, s.failed) for s in alone
    ]
    for summary in together:
        assert summary.ok + summary.abstained + summary.failed == 6 and summary.failed >= 1
        assert texts_of(dataset, summary.run) == texts_of(twin, summary.run)
        for sample, same in zip(dataset, twin, strict=True):
            if sample[f"{summary.run}_status"] == "ok":
                assert_same_pictures(sample, same, summary.run)


def test_a_caption_is_asked_for_once_and_equal_expressions_are_segmented_once(images, output):
    models = fake.fake_models()
    strategies = {
        "first": "vcap_acls",
        "captioning": "captioning",
        "acap_vcls": "acap_vcls",
        "again": "vcap_acls",
    }
    summaries = run(images, strategies, output, models=models)
    assert [summary.ok for summary in summaries] == [4] * 4
    assert models.image_captioner.calls == models.audio_captioner.calls == 4
    # Of the four expressions for a picture, three are "a photo of dog.".
    assert sorted(models.segmenter.expressions) == ["a dog is barking"] * 4 + ["a photo of dog."] * 4
    assert images.values("first_query.label") == images.values("again_query.label") == ["a photo of dog."] * 4
    for key in strategies:
        assert len(files_of(output / key)) == 8


def test_every_run_does_what_it_lacks(images, output):
    models = fake.fake_models()
    segment(images[:2], "captioning", models=models, output_dir=output, progress=False)
    seen = []
    captioning, acap = run(
        images, BOTH, output, models=models, progress=lambda done, total: seen.append((done, total))
    )
    assert (captioning.ok, captioning.skipped) == (2, 2)
    assert (acap.ok, acap.skipped) == (4, 0)
    assert models.audio_captioner.calls == 4  # two captions were on the samples already
    assert seen == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert [summary.skipped for summary in run(images, BOTH, output, models=models)] == [4, 4]


def test_max_samples_limits_the_samples_not_the_runs(images, output):
    assert [summary.ok for summary in run(images, BOTH, output, max_samples=3)] == [3, 3]
    assert images.values("captioning_status") == images.values("acap_vcls_status") == ["ok"] * 3 + [None]


def test_what_fails_in_one_run_is_done_in_the_other(images, output):
    bad = images.skip(1).first().id
    Choosy.bad.add(bad)
    strategies = {"choosy": Choosy(), "captioning": "captioning"}
    choosy, captioning = run(images, strategies, output)
    assert (choosy.ok, choosy.failed, captioning.ok) == (3, 1, 4)
    assert choosy.reasons == {bad: "strategy choosy: not this one"}
    assert len(files_of(output / "choosy")) == 6 and len(files_of(output / "captioning")) == 8
    Choosy.bad.clear()
    again = run(images, strategies, output, retry_failed=True)
    assert [(s.ok, s.skipped) for s in again] == [(1, 3), (0, 4)]


def test_an_image_that_cannot_be_read_fails_in_all_runs(images, output):
    Path(images.first().filepath).write_text("no picture")
    for summary in run(images, BOTH, output):
        assert (summary.ok, summary.failed) == (3, 1)
        assert "0.png" in summary.reasons[images.first().id]


def test_nothing_is_written_if_one_of_the_runs_cannot_be(images, output):
    segment(
        images, "captioning", models=fake.fake_models(), threshold=0.25, output_dir=output, progress=False
    )
    with pytest.raises(RunConflictError, match="threshold"):
        run(images, {"new": "classification", "captioning": "captioning"}, output)
    assert list_run_keys(images) == ["captioning"] and not images.has_field("new_status")
    with pytest.raises(ModelError, match="image_captioner"):
        segment_all(
            images,
            ["vcap_acls", "classification"],
            models=Models({"segmenter": fake.fake_models().cards["segmenter"]}),
            output_dir=output,
        )
    assert list_run_keys(images) == ["captioning"]


@pytest.mark.parametrize(
    ("strategies", "options", "reason"),
    [
        ("vcap_acls", {}, r"strategies must be several, as in \['vcap_acls'\]"),
        ([], {}, "there is no strategy"),
        (["captioning", get_strategy("captioning")], {}, "give them run keys"),
        ({"not a key": "captioning"}, {}, "cannot be a run key"),
        ({"mine": "captioning", "mine_map": "captioning"}, {}, "would both write the field 'mine_map'"),
        ({"mine": "captioning"}, {"strategy_options": {"captioning": {}}}, "there is no run 'captioning'"),
    ],
)
def test_strategies_that_make_no_runs_are_refused(images, output, strategies, options, reason):
    with pytest.raises(ConfigurationError, match=reason):
        run(images, strategies, output, **options)
    assert list_run_keys(images) == []


def test_options_belong_to_runs(images, output):
    run(
        images,
        {"plain": "vcap_acls", "other": "vcap_acls"},
        output,
        strategy_options={"other": {"prompt": "the {c} that can be heard"}},
    )
    assert images.first().plain_query.label == "a photo of dog."
    assert images.first().other_query.label == "the dog that can be heard"


def test_videos_are_read_once_and_labelled_by_all(dataset, tmp_path, output):
    write_video(tmp_path / "v.mp4")
    dataset.add_sample(fo.Sample(filepath=str(tmp_path / "v.mp4")))
    models = fake.fake_models()
    summaries = run(dataset, BOTH, output, models=models, fps=2.0)
    assert [summary.ok for summary in summaries] == [1, 1]
    frames = dataset.count("frames.captioning")
    assert frames == dataset.count("frames.acap_vcls") == models.audio_captioner.calls > 0
    assert dataset.first().captioning_status == dataset.first().acap_vcls_status == "ok"
    assert [summary.skipped for summary in run(dataset, BOTH, output, fps=2.0)] == [1, 1]


@pytest.mark.parametrize(
    ("kind", "attributes"),
    [
        (fo.Classification, {"label": "dog", "confidence": 0.25}),
        (fo.Classification, {"label": "dog", "confidence": None}),
        (fo.Classification, {"label": "a dog", "alternatives": ["dogs"], "model": "m", "source": "picture"}),
        (fo.Segmentation, {"mask_path": "/x/mask.png"}),
        (fo.Heatmap, {"map_path": "/x/map.png", "range": [0.0, 65535.0]}),
    ],
)
def test_documents_are_what_fiftyone_makes_of_labels(kind, attributes):
    made, same = document(kind, **attributes), dict(label(kind, **attributes).to_dict())
    first, second = made.pop("_id"), document(kind, **attributes)["_id"]
    assert first != second and type(first) is type(same.pop("_id"))
    assert made == same


def test_stored_labels_can_be_edited_and_queried(images, output):
    run(images, BOTH, output)
    assert images.count("acap_vcls_candidates.classifications") >= 4
    ids = images.values("acap_vcls_candidates.classifications.id", unwind=True)
    assert len(set(ids)) == len(ids)
    sample = images.first()
    before = sample.last_modified_at
    sample["captioning_query"].label = "a bell"
    sample.save()
    images.reload()
    assert images.first()["captioning_query"].label == "a bell"
    assert images.first().last_modified_at > before >= images.first().created_at


def test_samples_in_memory_see_what_a_run_stores(images, output):
    sample = images.first()
    run(images, BOTH, output)
    assert sample["captioning_status"] == "ok" and sample["captioning_query"].label == "a dog is barking"
    assert np.asarray(sample["captioning"].get_mask()).any()


@pytest.mark.parametrize("what", ["deleted", "read-only"])
def test_fields_that_cannot_be_written_end_the_run_and_leave_no_files(images, output, what):
    @dataclass(frozen=True)
    class Spoiler:
        name = "spoiler"
        needs = ()

        def refer(self, evidence, models):
            if what == "deleted":
                images.delete_sample_fields(["spoiler", "spoiler_map"])
            else:
                field = images.get_field("spoiler_status")
                field.read_only = True
                field.save()
            return [Referral("a cat", None) for _ in evidence]

    with pytest.raises(DatasetError, match="'spoiler'"):
        run(images, [Spoiler()], output)
    assert not files_of(output / "spoiler")
    assert [sample.id for sample in images]  # the dataset can still be read
