"""A run in a process of its own that can be killed half-way; see test_resume.py."""

from __future__ import annotations

import time

import fiftyone as fo

from fiftyone_avs import segment
from fiftyone_avs.models import fake


class SlowSegmenter(fake.FakeSegmenter):
    """Takes its time, so that the run is killed while files and fields are being written."""

    def segment(self, images, expressions):
        time.sleep(0.15)
        return super().segment(images, expressions)


def models():
    """Fakes with the same settings in every process."""
    return fake.fake_models(segmenter=SlowSegmenter())


def main(name, output):
    """Run on a dataset, printing how many samples are done."""
    segment(
        fo.load_dataset(name),
        models=models(),
        output_dir=output,
        batch_size=2,
        progress=lambda done, total: print(done, flush=True),
    )
