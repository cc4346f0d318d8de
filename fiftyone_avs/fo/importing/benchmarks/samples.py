"""From the records of a benchmark to FiftyOne samples, one after the other, with a tally of what is left out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path

import fiftyone as fo

from fiftyone_avs.benchmarks.layouts.avsbench import labelled_frame
from fiftyone_avs.benchmarks.masks import decode_mask
from fiftyone_avs.benchmarks.records import Problem, Record
from fiftyone_avs.errors import MediaError
from fiftyone_avs.fo.importing.benchmarks.truth import TruthFiles, detections_of
from fiftyone_avs.fo.importing.folders import video_metadata
from fiftyone_avs.fo.schema.fields import AUDIO, GROUND_TRUTH

NAME = "sample_name"
"""The field with the name that the benchmark's own files give a sample; predictions of others are matched by it."""

LABEL = "label"
BOXES = "ground_truth_boxes"
SEMANTIC = "ground_truth_semantic"
CLASSES = "classes"
IGNORED = "ignored"
PAIR, VIDEO, TIME = "pair_id", "video_id", "t"


@dataclass
class Tally:
    """What became of the rows of an index so far.

    Attributes:
        rows: how many rows the index has.
        imported: how many of them became samples, or labels of frames.
        problems: of rows that were left out, and of rows that were not.
        fields: the fields that any sample had.
    """

    rows: int
    imported: int = 0
    problems: list[Problem] = field(default_factory=list)
    fields: set[str] = field(default_factory=set)


def records_only(items: Iterable[Record | Problem], tally: Tally) -> Iterator[Record | None]:
    """The record of each row, or None if it is left out; problems go to the tally."""
    for item in items:
        if isinstance(item, Record):
            yield item
            continue
        tally.problems.append(item)
        if item.left_out:
            yield None


def image_samples(
    records: Iterable[Record], truth: TruthFiles, class_names: Mapping[int, str], tally: Tally
) -> Iterator[fo.Sample]:
    """A sample for every record; records whose files cannot be used are left out.

    Args:
        records: the records.
        truth: makes the labels.
        class_names: names of the classes of palette masks, by number.
        tally: told what became of every record.
    """
    for record in records:
        try:
            sample = _image_sample(record, truth, class_names)
        except MediaError as error:
            tally.problems.append(Problem(record.name, str(error)))
            continue
        tally.imported += 1
        tally.fields.update(sample.field_names)
        yield sample


def video_samples(records: Iterable[Record], truth: TruthFiles, tally: Tally) -> Iterator[fo.Sample]:
    """A sample for every clip, whose frames hold the ground truth of the clip's records.

    Args:
        records: those of a clip one after the other.
        truth: makes the labels.
        tally: told what became of every record.
    """
    for _, group in groupby(records, key=lambda record: (record.split, record.video)):
        of_clip = list(group)
        try:
            clip = of_clip[0].clip or Path(of_clip[0].video or "")
            sample = fo.Sample(filepath=str(clip), metadata=video_metadata(clip))
        except MediaError as error:
            tally.problems += [Problem(record.name, str(error)) for record in of_clip]
            continue
        labelled = sum(_label_frame(sample, record, truth, tally) for record in of_clip)
        if not labelled:
            continue
        _describe(sample, of_clip[0], of_clip[0].video or clip.stem)
        tally.imported += labelled
        tally.fields.update(sample.field_names)
        yield sample


def _image_sample(record: Record, truth: TruthFiles, class_names: Mapping[int, str]) -> fo.Sample:
    sample = fo.Sample(filepath=str(record.image))
    values = {
        AUDIO: None if record.sound is None else str(record.sound),
        GROUND_TRUTH: truth.mask(record),
        BOXES: detections_of(record),
        IGNORED: truth.ignored(record),
        PAIR: record.pair,
        TIME: record.t,
    }
    if record.mask is not None and record.mask.kind == "palette":
        values[SEMANTIC] = fo.Segmentation(mask_path=str(record.mask.path))
        found = [class_names.get(number, str(number)) for number in decode_mask(record.mask).classes]
        values[CLASSES] = fo.Classifications(
            classifications=[fo.Classification(label=label) for label in found]
        )
    for name, value in values.items():
        if value is not None:
            sample[name] = value
    _describe(sample, record, record.name)
    return sample


def _describe(sample: fo.Sample, record: Record, name: str) -> None:
    """What pictures and videos have in common."""
    sample.tags = [tag for tag in (record.split, *record.tags) if tag]
    sample[NAME] = name
    if record.label is not None:
        sample[LABEL] = fo.Classification(label=record.label)
    if record.video is not None:
        sample[VIDEO] = record.video


def _label_frame(sample: fo.Sample, record: Record, truth: TruthFiles, tally: Tally) -> bool:
    """Put a record's ground truth on its frame; False if it is left out."""
    facts = sample.metadata
    number = labelled_frame(record.t or 1, facts.frame_rate, facts.total_frame_count) + 1
    try:
        if number < 1:
            raise MediaError("the header tells no frame rate or no frames", path=sample.filepath)
        if number in sample.frames:
            raise MediaError(
                f"the clip ends before: frame {number} has a label already", path=sample.filepath
            )
        label = truth.mask(record, (facts.frame_height, facts.frame_width))
    except MediaError as error:
        tally.problems.append(Problem(record.name, str(error)))
        return False
    sample.frames[number] = fo.Frame(**{GROUND_TRUTH: label})
    return True
