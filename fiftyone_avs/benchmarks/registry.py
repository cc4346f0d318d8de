"""Which benchmarks there are, and what must be known of each to import it and to score on it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from fiftyone_avs.benchmarks.layouts.avsbench import SPLITS as AVSBENCH_SPLITS, read_ms3, read_s4
from fiftyone_avs.benchmarks.layouts.avss import SPLITS as AVSS_SPLITS, read_avss
from fiftyone_avs.benchmarks.layouts.flickr import read_flickr
from fiftyone_avs.benchmarks.layouts.folder import read_folder
from fiftyone_avs.benchmarks.layouts.is3 import read_is3
from fiftyone_avs.benchmarks.layouts.sslalign import read_sslalign
from fiftyone_avs.benchmarks.layouts.vggss import read_vgg_ss
from fiftyone_avs.benchmarks.layouts.vpo import read_vpo_ss
from fiftyone_avs.benchmarks.records import Rows
from fiftyone_avs.errors import ConfigurationError

ALL_SPLITS = "all"
"""Asks for every split of a benchmark at once."""


@dataclass(frozen=True)
class Benchmark:
    """A benchmark.

    Attributes:
        key: names it in calls.
        title: names it to readers.
        read: its reader, ``read(root, split=...)``; see there for the layout in detail.
        layout: what must lie below the root, in a line.
        how_to_get: where its files come from, in a line.
        protocol: the protocol of ``evaluate`` that its numbers are published under.
        splits: the splits that it has.
        default_split: the split that is imported unless another one is asked for; None where there are none.
        paper_split: the split whose numbers the paper prints; None where there are none.
        options: further arguments of the reader.
        pairs: whether pictures with several sounds come once per sound, tied by a pair.
        videos: whether pictures are frames of clips, tied by a video.
        clips: whether the clips themselves can be imported.
        boxes: whether the ground truth is, or can be, boxes.
    """

    key: str
    title: str
    read: Callable[..., Rows]
    layout: str
    how_to_get: str
    protocol: str = "baav"
    splits: tuple[str, ...] = ()
    default_split: str | None = None
    paper_split: str | None = None
    options: tuple[str, ...] = ()
    pairs: bool = False
    videos: bool = False
    clips: bool = False
    boxes: bool = False

    def chosen_split(self, split: str | None) -> str | None:
        """The split that a user asks for, as the reader wants it; None is all of them.

        Args:
            split: one of the benchmark's, "all", or None for the default.

        Raises:
            ConfigurationError: if the benchmark has no such split.
        """
        if split is None:
            return self.default_split
        if split == ALL_SPLITS:
            return None
        if split not in self.splits:
            known = f"it has {', '.join(self.splits)}" if self.splits else "it has none"
            raise ConfigurationError(
                f"{self.title} has no split {split!r}: {known}; {ALL_SPLITS!r} takes all there is"
            )
        return split


_AVSBENCH = "on request from the authors: see the README of the GitHub repository OpenNLPLab/AVSBench"
_SSLALIGN = "the link is in the README of the GitHub repository kaistmm/SSLalignment"
_VGGSOUND = "the clips of VGGSound that its list names, from YouTube; the list is in stoneMo/EZ-VSL on GitHub"

BENCHMARKS: Mapping[str, Benchmark] = {
    one.key: one
    for one in (
        Benchmark(
            key="is3",
            title="IS3",
            read=read_is3,
            layout="IS3_annotation.json, images/, audio_waw/ (or audio_wav/), gt_segmentation/",
            how_to_get=_SSLALIGN,
            pairs=True,
        ),
        Benchmark(
            key="avsbench-s4",
            title="AVSBench-S4",
            read=read_s4,
            layout="Single-source/ with s4_meta_data.csv and s4_data/",
            how_to_get=_AVSBENCH,
            splits=AVSBENCH_SPLITS,
            default_split="test",
            paper_split="test",
            options=("clips",),
            videos=True,
            clips=True,
        ),
        Benchmark(
            key="avsbench-ms3",
            title="AVSBench-MS3",
            read=read_ms3,
            layout="Multi-sources/ with ms3_meta_data.csv and ms3_data/",
            how_to_get=_AVSBENCH,
            protocol="avsbench",
            splits=AVSBENCH_SPLITS,
            default_split="test",
            options=("clips",),
            videos=True,
            clips=True,
        ),
        Benchmark(
            key="avsbench-avss",
            title="AVSBench-semantic",
            read=read_avss,
            layout="metadata.csv, label2idx.json, v1s/, v1m/, v2/",
            how_to_get=_AVSBENCH,
            protocol="avsbench",
            splits=AVSS_SPLITS,
            default_split="test",
            videos=True,
        ),
        Benchmark(
            key="vpo-ss",
            title="VPO-SS",
            read=read_vpo_ss,
            layout="VPO-SS/ with vpo_ss_data_stereo.csv beside VGGSound/, or COCO_AV/ with vpo_ss_seg.json",
            how_to_get="the links are in the README of the GitHub repository cyh-0/CAVP",
            splits=("train", "val"),
            default_split="val",
            paper_split="val",
        ),
        Benchmark(
            key="vgg-ss",
            title="VGG-SS",
            read=read_vgg_ss,
            layout="vggss.json, frames/, audio/",
            how_to_get=_VGGSOUND,
            protocol="boxes",
            splits=("test",),
            default_split="test",
            options=("negatives",),
            boxes=True,
        ),
        Benchmark(
            key="flickr-soundnet",
            title="Flickr-SoundNet",
            read=read_flickr,
            layout="flickr_test.csv, frames/, audio/, Annotations/",
            how_to_get="the links are in the README of the GitHub repository stoneMo/EZ-VSL",
            protocol="boxes",
            splits=("test",),
            default_split="test",
            options=("negatives",),
            boxes=True,
        ),
        Benchmark(
            key="sslalign",
            title="a list of SSLalignment",
            read=read_sslalign,
            layout="a list such as s4_seg.json or synthetic3240_bbox.json, and the files it names",
            how_to_get="the lists are in metadata/ of the GitHub repository kaistmm/SSLalignment",
            splits=("test",),
            default_split="test",
            options=("index",),
            pairs=True,
            videos=True,
            boxes=True,
        ),
        Benchmark(
            key="folder",
            title="plain pictures",
            read=read_folder,
            layout="img/a.jpg, wav/a.wav and, if there, gt_seg/a.png",
            how_to_get="your own files",
        ),
    )
}
"""The benchmarks by key."""

ALIASES = {"s4": "avsbench-s4", "ms3": "avsbench-ms3", "avss": "avsbench-avss"}


def find_benchmark(name: str) -> Benchmark:
    """The benchmark of a key, or of one of the short names "s4", "ms3" and "avss".

    Raises:
        ConfigurationError: if there is none.
    """
    key = ALIASES.get(name, name)
    if key not in BENCHMARKS:
        known = ", ".join([*BENCHMARKS, *ALIASES])
        raise ConfigurationError(f"there is no benchmark {name!r}; there are {known}")
    return BENCHMARKS[key]
