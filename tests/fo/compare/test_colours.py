from __future__ import annotations

from dataclasses import replace

from fiftyone_avs import evaluate, list_evaluations
from fiftyone_avs.drawing.palette import TRUTH
from fiftyone_avs.fo import evaluation_colours
from fiftyone_avs.fo.schema.shown import field_colours
from tests.fo.samples import segment_with_fakes


def test_evaluations_have_their_runs_colours_and_beyond_nine_still_differ(make_images, output):
    dataset = make_images(1)
    for strategy in ("vcap_acls", "captioning"):
        segment_with_fakes(dataset, output, strategy)
    evaluate(dataset, "captioning", progress=False)
    evaluate(dataset, "vcap_acls", progress=False)
    infos = list_evaluations(dataset)
    colours = evaluation_colours(dataset, infos)
    fields = field_colours(dataset)
    assert colours == {"captioning_eval": fields["captioning"], "vcap_acls_eval": fields["vcap_acls"]}
    many = [replace(infos[0], key=f"eval{number}") for number in range(24)]
    found = evaluation_colours(dataset, many)
    assert len(set(found.values())) == 24 and TRUTH not in found.values()
    assert found["eval0"] == fields["captioning"]
