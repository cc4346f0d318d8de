from __future__ import annotations

import fiftyone as fo
import pytest

from fiftyone_avs.errors import ConfigurationError, DatasetError
from fiftyone_avs.fo.review.verdicts import VERDICTS, next_sample, set_verdict, verdict_of


@pytest.fixture
def samples(dataset):
    """Five samples; the fourth has a verdict, the second another tag."""
    tags = [[], ["mine"], [], ["mine", "good"], []]
    dataset.add_samples([fo.Sample(filepath=f"/{n}.jpg", tags=tags[n]) for n in range(5)], progress=False)
    return dataset


def test_a_sample_has_one_verdict_at_most_and_keeps_other_tags(samples):
    sample_id = samples.values("id")[1]
    for verdict in VERDICTS:
        set_verdict(samples, sample_id, verdict)
        assert samples[sample_id].tags == ["mine", verdict]
        assert verdict_of(samples[sample_id].tags) == verdict
    set_verdict(samples, sample_id, "good")
    set_verdict(samples, sample_id, "good")
    assert samples[sample_id].tags == ["mine", "good"]
    set_verdict(samples.match_tags("mine"), sample_id, None)
    set_verdict(samples, sample_id, None)
    assert samples[sample_id].tags == ["mine"] and verdict_of(["mine"]) is None
    assert samples.count_sample_tags() == {"mine": 2, "good": 1}


def test_several_verdicts_that_came_otherwise_are_replaced(samples):
    sample = samples.first()
    sample.tags = list(VERDICTS)
    sample.save()
    set_verdict(samples, sample.id, "bad mask")
    assert samples[sample.id].tags == ["bad mask"]


def test_what_cannot_be_judged(samples):
    sample_id = samples.first().id
    with pytest.raises(ConfigurationError, match=r"'fine'.*good, wrong object, bad mask, not audible"):
        set_verdict(samples, sample_id, "fine")
    assert samples[sample_id].tags == []
    samples.delete_samples(sample_id)
    for gone in (sample_id, "no id"):
        with pytest.raises(DatasetError, match=f"no sample '{gone}'"):
            set_verdict(samples, gone, "good")


def test_the_next_sample_follows_the_order_of_the_collection(samples):
    ids = samples.values("id")
    assert [next_sample(samples, one) for one in ids] == [*ids[1:], None]
    view = samples.sort_by("filepath", reverse=True)
    assert [next_sample(view, one) for one in ids] == [None, *ids[:-1]]
    assert next_sample(samples[1:3], ids[2]) is None


def test_the_next_sample_without_a_verdict(samples):
    ids = samples.values("id")
    assert next_sample(samples, ids[2], without_verdict=True) == ids[4]
    assert next_sample(samples, ids[4], without_verdict=True) is None
    set_verdict(samples, ids[4], "not audible")
    assert next_sample(samples, ids[2], without_verdict=True) is None
    assert next_sample(samples, ids[2]) == ids[3]


def test_a_sample_that_left_the_view_is_followed_by_the_first_one(samples):
    ids = samples.values("id")
    unjudged = samples.match_tags(list(VERDICTS), bool=False)
    set_verdict(samples, ids[0], "good")
    assert next_sample(unjudged, ids[0], without_verdict=True) == ids[1]
    assert next_sample(samples.limit(0), ids[0]) is None
