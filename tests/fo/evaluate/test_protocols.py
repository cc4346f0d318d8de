"""`evaluate` under AVSBench's protocol, over boxes and over pairs, against the same computed from the files."""

from __future__ import annotations

import csv
from dataclasses import asdict

import fiftyone as fo
import numpy as np
import pytest
import torch
from fiftyone import ViewField as F
from PIL import Image

from fiftyone_avs import compare, evaluate, segment
from fiftyone_avs.errors import ConfigurationError, DatasetError
from fiftyone_avs.fo import check_evaluate, metric_of
from fiftyone_avs.fo.compare.standings import class_standings, standings
from fiftyone_avs.fo.evaluate.choices import offered_protocols
from fiftyone_avs.fo.evaluate.listing import list_evaluations
from fiftyone_avs.metrics import METRICS, SampleScores, pair_scores, score_boxes, score_sample, summarize
from fiftyone_avs.models import fake
from tests.fo.judged import write_scores
from tests.fo.samples import SIZE, add_images, write_tone
from tests.metrics.test_protocols import slow_average_precision, slow_best_f1, slow_f_curve

VIDEOS = ("a", "a", "b", "b", "b", "c", None, "a")
PAIRS = (1, 1, 2, 2, 3, 3, 4, None)
BOXES = (
    [(0.5, 0, 0.5, 1)],
    [(0.25, 0.25, 0.5, 0.5), (0.6, 0.1, 0.3, 0.9)],
    [],
    [(0.1, 0.2, 0.3, 0.4)],
    None,
    [],
)


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    """Eight images of the run vcap_acls: the first abstained, the second failed, the fourth has nothing to find.

    Their ground truths are columns of different widths, one of them grey; they name their videos and pairs. They
    are not to be changed.
    """
    folder = tmp_path_factory.mktemp("images")
    dataset = fo.Dataset()
    add_images(dataset, folder, 8)
    write_tone(folder / "0.wav", level=0)
    (folder / "1.wav").write_bytes(b"")
    for index, sample in enumerate(dataset):
        truth = np.zeros(SIZE, np.uint8)
        truth[:, 60 - 7 * index :] = 255
        if index == 3:
            truth[:] = 0
        if index == 5:
            truth[10:, :20] = 150
        Image.fromarray(truth).save(sample["ground_truth"].mask_path)
    dataset.set_values("video_id", VIDEOS)
    dataset.set_values("pair_id", PAIRS)
    segment(dataset, models=fake.fake_models(), output_dir=folder / "out", progress=False)
    yield dataset
    dataset.delete()


@pytest.fixture
def images(original):
    """The same, to be changed."""
    clone = original.clone()
    yield clone
    clone.delete()


@pytest.fixture
def boxed(images):
    """The same with boxes of one person on six of them, two of which are empty."""
    images.set_values("ground_truth_boxes", [as_boxes(boxes) for boxes in (*BOXES, BOXES[1], BOXES[3])])
    return images


def as_boxes(boxes, annotators=None):
    if boxes is None:
        return None
    annotators = annotators or [0] * len(boxes)
    return fo.Detections(
        detections=[
            fo.Detection(label="dog", bounding_box=list(box), annotator=annotator)
            for box, annotator in zip(boxes, annotators, strict=True)
        ]
    )


def soft_map_of(sample):
    return np.asarray(Image.open(sample.filepath).convert("RGB")).mean(axis=-1).astype(np.float32) / 255


def at_224(soft_map):
    tensor = torch.from_numpy(soft_map)[None, None]
    return torch.nn.functional.interpolate(tensor, size=(224, 224), mode="bilinear")[0, 0].numpy()


def dithered(path):
    picture = Image.open(path).convert("1")
    grey = Image.fromarray(np.asarray(picture).astype(np.uint8) * 255)
    return np.asarray(grey.resize((224, 224))) >= 128


def slow_frame(soft_map, truth):
    """IoU and curve of a frame, from the definition; None for a missing map."""
    chosen = np.zeros(truth.shape, bool) if soft_map is None else soft_map > 0.5
    if not truth.any():
        return np.mean(~chosen), None
    curve = torch.zeros(255) if soft_map is None else slow_f_curve(soft_map, truth)
    return np.sum(chosen & truth) / np.sum(chosen | truth), curve


def slow_f(curves):
    kept = [curve for curve in curves if curve is not None]
    return float((sum(kept) / len(kept)).max()) if kept else 0.0


def test_avsbench_on_images_is_what_the_files_say(images):
    results = evaluate(images, "vcap_acls", protocol="avsbench", video_field="video_id", progress=False)
    frames = []
    for index, sample in enumerate(images):
        soft_map = None if index < 2 else at_224(soft_map_of(sample))
        frames.append(slow_frame(soft_map, dithered(sample["ground_truth"].mask_path)))
    ious, curves = zip(*frames, strict=True)
    groups = {}
    for sample_id, video, curve in zip(images.values("id"), VIDEOS, curves, strict=True):
        groups.setdefault(video or sample_id, []).append(curve)
    by_group = {name: slow_f(members) for name, members in groups.items()}
    found = results.summary
    assert found.j == pytest.approx(np.mean(ious), abs=1e-6)
    assert found.f_videos == pytest.approx(np.mean(list(by_group.values())), abs=1e-6)
    assert found.f_whole == pytest.approx(slow_f(curves), abs=1e-6)
    assert (found.n, found.n_videos) == (8, 4)
    assert images.values("vcap_acls_eval_iou") == pytest.approx(ious, abs=1e-6)
    expected = [by_group[video or key] for key, video in zip(images.values("id"), VIDEOS, strict=True)]
    assert images.values("vcap_acls_eval_f") == pytest.approx(expected, abs=1e-6)
    written = [name for name in images.get_field_schema() if name.startswith("vcap_acls_eval")]
    assert written == ["vcap_acls_eval_iou", "vcap_acls_eval_f"]  # no adaptive ones, which the protocol lacks
    assert len(images.match(F("vcap_acls_eval_iou") < 0.5)) == sum(iou < 0.5 for iou in ious)
    ok = results.ok_summary
    assert ok.n == 6 and ok.j == pytest.approx(np.mean(ious[2:]), abs=1e-6)
    assert ok.f_whole == pytest.approx(slow_f(curves[2:]), abs=1e-6)
    assert ok.f_videos != found.f_videos  # video a has an abstained and a failed frame
    text = results.to_text()
    assert "protocol avsbench, threshold 0.5" in text and "F (whole set)" in text and "cIoU" not in text
    assert "F over 4 groups of frames" in text and "every sample is" not in text


def test_avsbench_results_load_with_the_same_numbers(images):
    results = evaluate(images, "vcap_acls", protocol="avsbench", video_field="video_id", progress=False)
    loaded = images.load_evaluation_results("vcap_acls_eval", cache=False)
    assert loaded is not results and loaded.config.video_field == "video_id"
    assert (loaded.summary, loaded.ok_summary) == (results.summary, results.ok_summary)
    assert loaded.metrics()["f_whole"] == results.summary.f_whole


def test_results_over_boxes_and_pairs_load_with_the_same_numbers(boxed):
    results = evaluate(boxed, "vcap_acls", protocol="boxes", pair_field="pair_id", progress=False)
    loaded = boxed.load_evaluation_results("vcap_acls_eval", cache=False)
    assert loaded is not results and loaded.to_text() == results.to_text()
    assert (loaded.summary, loaded.ok_summary) == (results.summary, results.ok_summary)
    assert loaded.summary.n_pairs > 0 and loaded.summary.n_negative == 2


def test_the_field_of_the_videos_comes_from_the_dataset_or_every_image_is_one(images):
    alone = evaluate(images, "vcap_acls", protocol="avsbench", progress=False)
    assert alone.summary.n_videos == 8 and alone.config.video_field is None
    assert "every sample is a group of its own" in alone.to_text()
    images.info["fiftyone_avs_video_field"] = "video_id"
    told = evaluate(images, "vcap_acls", protocol="avsbench", progress=False)
    assert told.config.video_field == "video_id" and told.summary.n_videos == 4
    assert told.summary.f_whole == alone.summary.f_whole and told.summary.f_videos != alone.summary.f_videos
    hidden = evaluate(images.exclude_fields("video_id"), "vcap_acls", protocol="avsbench", progress=False)
    assert hidden.summary == told.summary


def test_avsbench_on_videos_takes_each_video_as_a_group(videos, output):
    segment(videos, run="plain", models=fake.fake_models(), output_dir=output, progress=False)
    truth = np.zeros(SIZE, np.uint8)
    truth[:, SIZE[1] // 2 :] = 255
    for sample in videos:
        for number in (1, 11, 21):
            mask = truth if number < 21 else np.zeros_like(truth)
            sample.frames[number]["ground_truth"] = fo.Segmentation(mask=mask)
        sample.save()
    results = evaluate(videos, "plain", protocol="avsbench", progress=False)
    found = results.summary
    assert (found.n, found.n_videos) == (9, 3)
    ids = videos.values("id")
    by_video = [
        [score.f for row, score in zip(results.rows, results.scores, strict=True) if key in row[0]]
        for key in ids
    ]
    assert all(len(set(members)) == 1 and len(members) == 3 for members in by_video)
    assert found.f_videos == pytest.approx(np.mean([members[0] for members in by_video]))
    assert by_video[0][0] > 0.5 and by_video[1][0] == by_video[2][0] == 0  # heard, mute, broken
    assert found.j == pytest.approx(np.mean([score.iou for score in results.scores]))
    silent = [
        score.iou for row, score in zip(results.rows, results.scores, strict=True) if row[0].endswith("/21")
    ]
    assert silent[1:] == pytest.approx([1, 1])  # nothing was predicted where nothing is
    first = videos.first()
    assert first["plain_eval_f"] == pytest.approx(by_video[0][0])
    frames = [first.frames[number]["plain_eval_iou"] for number in (1, 11, 21)]
    assert first["plain_eval_iou"] == pytest.approx(np.mean(frames))
    (standing,) = standings(videos, list_evaluations(videos))
    check(standing, found, blank={"f_whole"})
    with pytest.raises(ConfigurationError, match="group images only"):
        evaluate(videos, "plain", protocol="avsbench", video_field="filepath", progress=False)


def check(standing, summary, blank):
    """What the database counts is what the results say, but for what only they can know."""
    expected = {name: value for name, value in asdict(summary).items() if name not in blank}
    found = {name: value for name, value in asdict(standing.summary).items() if name not in blank}
    assert found == pytest.approx(expected, abs=1e-12, rel=0, nan_ok=True)
    assert {name for name, value in standing.scores.items() if value is None} == blank & set(standing.scores)


def test_standings_follow_the_protocol(boxed):
    evaluate(
        boxed, "vcap_acls", eval_key="frames", protocol="avsbench", video_field="video_id", progress=False
    )
    evaluate(boxed, "vcap_acls", eval_key="boxes", protocol="boxes", pair_field="pair_id", progress=False)
    evaluate(boxed, "vcap_acls", eval_key="paper", pair_field="pair_id", progress=False)
    blank = {"frames": {"f_whole"}, "boxes": {"ap", "max_f1", "n_negative"}, "paper": set()}
    infos = list_evaluations(boxed)
    assert len({info.group for info in infos}) == len({info.group_label for info in infos}) == 3
    for standing in standings(boxed, infos):
        key = standing.evaluation.key
        results = boxed.load_evaluation_results(key)
        check(standing, results.summary, blank[key])
        assert standing.counts == results.counts
        assert list(standing.scores) == list(results.metrics_shown)
    view = boxed.match(F("video_id") == "b")
    for standing in standings(view, infos):
        results = boxed.load_evaluation_results(standing.evaluation.key)
        inside = [score for row, score in zip(results.rows, results.scores, strict=True) if row[0] in view]
        if standing.evaluation.key == "frames":
            assert standing.summary.f_videos == inside[0].f and standing.summary.n_videos == 1
            assert standing.summary.j == pytest.approx(np.mean([score.iou for score in inside]))
        else:
            assert standing.summary.miou == pytest.approx(summarize(inside).miou, abs=1e-12)
    by_class = class_standings(boxed, infos, "audio_path")
    assert by_class[0].n.keys() == {"frames", "boxes", "paper"}


def test_fields_that_are_gone_leave_blanks(images):
    evaluate(
        images, "vcap_acls", eval_key="frames", protocol="avsbench", video_field="video_id", progress=False
    )
    evaluate(images, "vcap_acls", eval_key="paper", pair_field="pair_id", progress=False)
    images.delete_sample_fields(["video_id", "pair_id"])
    frames, paper = standings(images, list_evaluations(images))
    assert frames.scores["f_videos"] is None and frames.scores["j"] > 0
    assert paper.scores["iiou"] is None and paper.scores["miou"] > 0


@pytest.mark.parametrize("rule", ["official", "half"])
def test_boxes_are_what_the_files_say(boxed, rule):
    results = evaluate(boxed, "vcap_acls", protocol="boxes", adaptive_rule=rule, progress=False)
    scores, confidences, negatives = [], [], []
    for index, sample in enumerate(boxed):
        label = sample["ground_truth_boxes"]
        if label is None:
            continue
        soft_map = np.zeros((224, 224), np.float32) if index < 2 else at_224(soft_map_of(sample))
        confidence = float(np.sort(soft_map, axis=None)[-224 * 224 // 4 :].mean())
        if not label.detections:
            negatives.append(confidence)
            continue
        truth = np.zeros((224, 224), bool)
        for left, top, width, height in (box.bounding_box for box in label.detections):
            rows = slice(int(top * 224), int((top + height) * 224 + 1e-6))
            truth[rows, int(left * 224) : int((left + width) * 224 + 1e-6)] = True
        confidences.append(confidence)
        scores.append(score_sample(None if index < 2 else soft_map, truth, threshold=0.5, adaptive_rule=rule))
    found = results.summary
    ious = [*(score.iou_adaptive for score in scores), *(None for _ in negatives)]
    every = [*confidences, *negatives]
    assert found.ap == pytest.approx(slow_average_precision(ious, every), abs=1e-6)
    assert found.max_f1 == pytest.approx(slow_best_f1(ious, every), abs=1e-6)
    expected = summarize(scores)
    for name in METRICS:
        assert getattr(found, name) == pytest.approx(getattr(expected, name), abs=1e-9)
    assert (found.n, found.n_negative) == (5, 2)
    assert [value is None for value in boxed.values("vcap_acls_eval_iou")] == [
        False, False, True, False, True, True, False, False,
    ]  # fmt: skip
    text = results.to_text()
    assert "against ground_truth_boxes: protocol boxes" in text and "2 without boxes count in AP@0.5" in text
    assert "no boxes" in results.excluded[boxed.values("id")[4]] and "AP@0.5" in text
    ok = results.ok_summary
    assert (ok.n, ok.n_negative) == (3, 2) and ok.miou > found.miou


def test_several_people_s_boxes_are_a_consensus_even_where_one_drew(boxed):
    alone = evaluate(boxed, "vcap_acls", protocol="boxes", progress=False).summary
    boxed.set_values("voted", boxed.values("ground_truth_boxes"))
    sample = boxed.last()
    sample["voted"] = as_boxes([BOXES[3][0], (0.2, 0.2, 0.3, 0.4)], [0, 1])
    sample.save()
    results = evaluate(boxed, "vcap_acls", protocol="boxes", boxes_field="voted", progress=False)
    weights = np.zeros((224, 224), np.float32)
    for left in (22, 44):
        weights[44:134, left : left + (89 - 22 if left == 22 else 112 - 44)] += 0.5
    expected = score_boxes(soft_map_of(sample), weights).scores
    assert results.scores[-1].iou_adaptive == pytest.approx(expected.iou_adaptive)
    assert results.scores[-2].iou_adaptive < 1 and results.summary.miou != alone.miou
    with pytest.raises(ConfigurationError, match=r"differ in ground truth \(ground_truth_boxes, voted\)"):
        compare([evaluate(boxed, "vcap_acls", eval_key="b", protocol="boxes", progress=False), results])


def test_boxes_on_frames_are_scored_too(videos, output):
    segment(videos, run="plain", models=fake.fake_models(), output_dir=output, progress=False)
    for sample in videos:
        for number in (1, 11, 21):
            frame = sample.frames[number]
            frame["ground_truth"] = fo.Segmentation(mask=np.zeros(SIZE, np.uint8))
            frame["ground_truth_boxes"] = as_boxes([(0.5, 0, 0.5, 1)] if number < 21 else [])
        sample.save()
    results = evaluate(videos, "frames.plain", "frames.ground_truth", protocol="boxes", progress=False)
    assert results.config.boxes_field == "frames.ground_truth_boxes"
    assert (results.summary.n, results.summary.n_negative) == (6, 3)
    assert videos.first()["plain_eval_iou"] > 0.5 and videos.last()["plain_eval_iou"] == 0
    assert videos.first().frames[21]["plain_eval_iou"] is None
    (standing,) = standings(videos, list_evaluations(videos))
    check(standing, results.summary, {"ap", "max_f1", "n_negative"})


def test_pairs_count_as_their_worst_image(images):
    plain = evaluate(images, "vcap_acls", progress=False)
    results = evaluate(images, "vcap_acls", pair_field="pair_id", progress=False)
    assert results.rows == plain.rows and plain.pairs == [] and "IIoU" not in plain.to_text()
    found = results.summary
    defined = [row for row in results.rows if row[2] is not None]
    pairs = dict(zip(images.values("id"), PAIRS, strict=True))
    expected = pair_scores([row[2] for row in defined], [str(pairs[row[0]] or row[0]) for row in defined])
    assert (found.iiou, found.iauc, found.n_pairs, found.n_incomplete) == tuple(expected)
    assert expected.n == 5 and expected.n_incomplete == 2 and 0 < expected.iauc < found.auc
    assert "IIoU and IAUC over 5 pairs, 2 of them incomplete" in results.to_text()
    images.info["fiftyone_avs_pair_field"] = "pair_id"
    assert evaluate(images, "vcap_acls", progress=False).summary == found
    assert evaluate(images, "vcap_acls", protocol="avsbench", progress=False).config.pair_field is None


def test_model_evaluation_shows_the_protocol_s_numbers(boxed):
    frames = evaluate(boxed, "vcap_acls", protocol="avsbench", progress=False)
    assert set(frames.custom_metrics) == {"avs/j", "avs/f_videos", "avs/f_whole"}
    assert frames.custom_metrics["avs/f_whole"]["value"] == frames.summary.f_whole
    assert metric_of(boxed, frames, "ciou") is None
    boxes = evaluate(boxed, "vcap_acls", protocol="boxes", pair_field="pair_id", progress=False)
    assert {"avs/ap", "avs/max_f1", "avs/iiou", "avs/ciou"} < set(boxes.custom_metrics)
    assert metric_of(boxed, boxes, "ciou") == boxes.summary.ciou


def test_comparisons_follow_the_protocol_and_never_mix_them(boxed, tmp_path):
    one = evaluate(
        boxed, "vcap_acls", eval_key="one", protocol="avsbench", video_field="video_id", progress=False
    )
    two = evaluate(
        boxed[2:], "vcap_acls", eval_key="two", protocol="avsbench", video_field="video_id", progress=False
    )
    comparison = compare([one, two])
    lines = str(comparison).splitlines()
    assert lines[0].startswith("Protocol avsbench, ground truth ground_truth;")
    assert (
        "J" in lines[1].split() and "cIoU" not in lines[1] and "Other protocols' J and F" in str(comparison)
    )
    comparison.to_csv(tmp_path / "table.csv")
    rows = list(csv.DictReader((tmp_path / "table.csv").open()))
    assert float(rows[1]["f_whole"]) == two.summary.f_whole and rows[0]["n_videos"] == "4"
    assert rows[0]["protocol"] == "avsbench" and "ciou" not in rows[0]
    comparison.plot(tmp_path / "figure.png")
    assert (tmp_path / "figure.png").stat().st_size > 10_000
    paper = evaluate(boxed, "vcap_acls", eval_key="paper", progress=False)
    boxes = evaluate(boxed, "vcap_acls", eval_key="boxes", protocol="boxes", progress=False)
    alone = evaluate(boxed, "vcap_acls", eval_key="alone", protocol="avsbench", progress=False)
    for others, what in (
        ((one, paper), "protocol"),
        ((paper, boxes), "protocol"),
        ((one, alone), "video_field"),
    ):
        with pytest.raises(ConfigurationError, match=f"differ in {what}"):
            compare(others)


def test_columns_of_pairs_are_there_where_all_pairs_agree(images):
    plain = evaluate(images, "vcap_acls", eval_key="plain", progress=False)
    paired = evaluate(images, "vcap_acls", eval_key="paired", pair_field="pair_id", progress=False)
    other = evaluate(images, "vcap_acls", eval_key="other", pair_field="video_id", progress=False)
    assert "IIoU" not in str(compare([plain])) and "IIoU" not in str(compare([plain, paired, other]))
    line = str(compare([plain, paired])).splitlines()
    assert "IIoU" in line[1] and "-" in line[2].split() and "-" not in line[3].split()


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"protocol": "avsbench", "threshold": 0.35}, ConfigurationError, "threshold of its own, 0.5"),
        ({"protocol": "avsbench", "adaptive_rule": "topk"}, ConfigurationError, "no adaptive scores"),
        ({"protocol": "avsbench", "pair_field": "pair_id"}, ConfigurationError, "no IIoU"),
        ({"protocol": "avsbench", "video_field": "clip"}, DatasetError, "'clip' does not exist"),
        ({"protocol": "avsbench", "video_field": "ground_truth"}, DatasetError, "neither text nor whole"),
        ({"video_field": "video_id"}, ConfigurationError, "for the protocol avsbench, not baav"),
        ({"boxes_field": "ground_truth_boxes"}, ConfigurationError, "for the protocol boxes, not baav"),
        ({"pair_field": "pair"}, DatasetError, "'pair' does not exist"),
        ({"protocol": "boxes"}, DatasetError, "'ground_truth_boxes'.*does not exist.*boxes: none"),
        ({"protocol": "boxes", "boxes_field": "video_id"}, DatasetError, "does not hold boxes"),
    ],
)
def test_what_does_not_fit_the_protocol_is_refused_before_and_by_the_call(images, options, error, message):
    with pytest.raises(error, match=message) as raised:
        evaluate(images, "vcap_acls", progress=False, **options)
    (found,) = check_evaluate(images, "vcap_acls", **options)
    assert found.blocks and found.message == str(raised.value)
    assert images.list_evaluations() == []


def test_a_threshold_that_is_the_protocol_s_own_is_no_error(images):
    assert check_evaluate(images, "vcap_acls", protocol="avsbench", threshold=0.5) == []
    results = evaluate(images, "vcap_acls", protocol="avsbench", threshold=0.5, progress=False)
    assert results.config.threshold == 0.5 and results.config.adaptive_rule == "none"


def test_a_field_that_the_dataset_names_must_be_there(images):
    images.info["fiftyone_avs_pair_field"] = "gone"
    with pytest.raises(DatasetError, match=r"'gone', which dataset.info\['fiftyone_avs_pair_field'\] names"):
        evaluate(images, "vcap_acls", progress=False)


def test_masks_are_not_warned_about_where_no_adaptive_rule_meets_them(images, recwarn):
    images.set_values("sam", [fo.Segmentation(mask=np.ones(SIZE, np.uint8))] * len(images))
    evaluate(images, "sam", protocol="avsbench", progress=False)
    assert not [one for one in recwarn if "soft maps" in str(one.message)]


def test_forms_offer_boxes_where_there_are_some(images):
    assert list(offered_protocols(images, "ground_truth")) == ["baav", "native", "avsbench"]
    images.set_values("marks", [as_boxes(BOXES[1])] * len(images))
    assert "boxes" in offered_protocols(images, "ground_truth")


def test_records_and_results_of_older_versions_load(images):
    results = evaluate(images, "vcap_acls", progress=False)
    record = images._doc.evaluations["vcap_acls_eval"]
    for name in ("pair_field", "video_field", "boxes_field"):
        del record.config[name]
    record.save()
    stored = results.serialize()
    older = {
        name: value
        for name, value in stored.items()
        if name not in ("pairs", "confidences", "negatives", "frames")
    }
    config = images.get_evaluation_info("vcap_acls_eval").config
    loaded = type(results)._from_dict(older, images, config, "vcap_acls_eval")
    assert config.pair_field is None and loaded.summary == results.summary
    assert loaded.to_text() == results.to_text() and loaded.ok_summary == results.ok_summary
    (info,) = list_evaluations(images)
    assert info.boxes_field is None and list(info.metrics) == list(METRICS)
    assert asdict(standings(images, [info])[0].summary)["miou"] == pytest.approx(results.summary.miou)
    again = evaluate(images, "vcap_acls", eval_key="again", progress=False)
    assert [row.summary for row in compare([loaded, again]).rows] == [again.summary] * 2


def test_random_pairs_are_counted_exactly(dataset):
    rng = np.random.default_rng(2)
    dataset.add_samples([fo.Sample(f"{index}.png") for index in range(80)], progress=False)
    pairs = [int(value) if value < 30 else None for value in rng.integers(0, 33, 80)]
    dataset.set_values("pair", pairs)
    scores = [[None if rng.random() < 0.1 else float(rng.random()), 0.1, 0.2, 0.3] for _ in range(80)]
    info = write_scores(dataset, "one", scores, pair_field="pair")
    for view, part in ((dataset, slice(None)), (dataset[20:50], slice(20, 50))):
        rows = [SampleScores(np.nan if row[0] is None else row[0], *row[1:]) for row in scores[part]]
        names = [
            str(pair) if pair is not None else f"alone {index}" for index, pair in enumerate(pairs[part])
        ]
        (standing,) = standings(view, [info])
        check(standing, summarize(rows, names), set())
