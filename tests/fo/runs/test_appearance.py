"""What the App shows of a dataset when it is opened, and that users' own choices stay."""

from __future__ import annotations

import fiftyone as fo

from fiftyone_avs import delete_run, evaluate, rename_run
from fiftyone_avs.drawing.palette import TRUTH, run_colour
from fiftyone_avs.fo.schema.private import ActiveFields
from fiftyone_avs.fo.schema.shown import field_colours
from tests.fo.samples import segment_with_fakes


def active(dataset):
    dataset.reload()
    return dataset.app_config.active_fields.paths


def test_a_run_shows_its_mask_and_words_beside_the_truth_in_another_colour(make_images, output):
    dataset = make_images(2)
    dataset.add_sample_field("label", fo.EmbeddedDocumentField, embedded_doc_type=fo.Classification)
    segment_with_fakes(dataset, output)
    assert active(dataset) == ["ground_truth", "vcap_acls", "vcap_acls_query", "label"], "and no captions"
    segment_with_fakes(dataset, output, "captioning")
    assert active(dataset) == ["ground_truth", "captioning", "captioning_query", "label"]
    colours = field_colours(dataset)
    assert colours["ground_truth"] == TRUTH
    assert (colours["vcap_acls"], colours["captioning"]) == (run_colour(0), run_colour(1))
    entry = next(one for one in dataset.app_config.color_scheme.fields if one["path"] == "ground_truth")
    assert entry["maskTargetsColors"] == [{"intTarget": 255, "color": TRUTH}], "coloured by value, too"
    evaluate(dataset, "vcap_acls", progress=False)
    assert active(dataset)[1] == "captioning", "an evaluation brings nothing else to the front"


def test_what_a_user_chose_stays(make_images, output):
    dataset = make_images(1)
    dataset.app_config.active_fields = ActiveFields(paths=["ground_truth"], exclude=False)
    dataset.app_config.color_scheme = fo.ColorScheme(
        color_by="value", fields=[{"path": "ground_truth", "fieldColor": "#123456"}]
    )
    dataset.save()
    segment_with_fakes(dataset, output)
    assert active(dataset) == ["ground_truth"]
    assert field_colours(dataset)["ground_truth"] == "#123456" and "vcap_acls" in field_colours(dataset)
    assert dataset.app_config.color_scheme.color_by == "value"


def test_a_choice_made_later_stays_too(make_images, output):
    dataset = make_images(1)
    segment_with_fakes(dataset, output)
    dataset.app_config.active_fields = ActiveFields(paths=["vcap_acls_map"], exclude=False)
    dataset.save()
    segment_with_fakes(dataset, output, "captioning")
    assert active(dataset) == ["vcap_acls_map"]


def test_colours_follow_a_run_to_its_new_name_and_go_with_it(make_images, output):
    dataset = make_images(1)
    segment_with_fakes(dataset, output)
    rename_run(dataset, "vcap_acls", "mine")
    assert field_colours(dataset)["mine"] == run_colour(0) and "vcap_acls" not in field_colours(dataset)
    segment_with_fakes(dataset, output, "captioning")
    assert "captioning" in active(dataset), "a rename is no choice of a user's"
    delete_run(dataset, "mine")
    assert not [path for path in field_colours(dataset) if path.startswith("mine")]
    segment_with_fakes(dataset, output, "classification")
    assert field_colours(dataset)["classification"] == run_colour(0), "the colour is free again"


def test_frames_of_videos(segmented_videos):
    assert active(segmented_videos) == ["frames.vcap_acls", "frames.vcap_acls_query"]
    assert field_colours(segmented_videos)["frames.vcap_acls"] == run_colour(0)
