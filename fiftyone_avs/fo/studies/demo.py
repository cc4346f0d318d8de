"""The demo: five strategies, their floors and their ceiling on scenes that no model has seen.

It does what a user would do with data of their own: make a dataset, segment it, evaluate, compare. Only
the data (the drawn world) and the models (the preset "tiny", trained on that world) are the demo's own.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import fiftyone as fo
from PIL import Image as PILImage

from fiftyone_avs.drawing.contact_sheet import CELL
from fiftyone_avs.errors import ConfigurationError
from fiftyone_avs.fo.compare.comparison import compare
from fiftyone_avs.fo.evaluate.evaluation import evaluate
from fiftyone_avs.fo.exporting.sheets import make_sheet
from fiftyone_avs.fo.importing.folders import video_metadata
from fiftyone_avs.fo.review.inspection import SampleInspection
from fiftyone_avs.fo.runs.appearance import show_runs
from fiftyone_avs.fo.schema.fields import GROUND_TRUTH, MASK_TARGETS
from fiftyone_avs.fo.segment.demo_models import DEMO_MARK
from fiftyone_avs.fo.segment.segmentation import segment, segment_all
from fiftyone_avs.models import Models, load_models
from fiftyone_avs.tiny.clips import make_video
from fiftyone_avs.tiny.scenes import make_scenes, write_scenes
from fiftyone_avs.tiny.trial import STRATEGIES, SceneRow, plan_trial, score_rows

IMAGES = "fiftyone-avs-demo"
VIDEOS = "fiftyone-avs-demo-videos"
PROTOCOL: Literal["baav"] = "baav"
VIDEO_FPS = 5.0
SHEET_ROWS = 10


@dataclass(frozen=True)
class DemoReport:
    """What the demo found.

    Attributes:
        seed: of the scenes.
        rows: one per name and subset, as in the JSON file: scores in 0..1 and counts.
        table: the comparison over all scenes, as text.
        video_line: how the short clips went, as text.
        sheet: the contact sheet's file.
        dataset: the name of the FiftyOne dataset with all runs.
    """

    seed: int
    rows: list[dict[str, Any]]
    table: str
    video_line: str
    sheet: Path
    dataset: str

    def to_json(self) -> str:
        """The report as JSON: ``{"seed", "protocol", "rows"}``."""
        return json.dumps({"seed": self.seed, "protocol": PROTOCOL, "rows": self.rows}, indent=1) + "\n"


def run_demo(
    out: Path,
    *,
    seed: int = 7,
    samples: int = 60,
    videos: int = 3,
    device: str | None = None,
    say: Callable[[str], None] = print,
) -> DemoReport:
    """Make the world of a seed, run everything on it, and leave the datasets for the App.

    Args:
        out: folder for pictures, sounds, masks and the contact sheet; an earlier demo in it is replaced.
        seed: of the scenes; scenes of any seed differ from all training data.
        samples: number of (picture, sound) scenes, at least 1.
        videos: number of two-second clips; 0 leaves them out.
        device: "cpu", "cuda", ...; None takes a GPU if there is one.
        say: told about each step.

    Raises:
        ConfigurationError: if there is nothing to do.
    """
    if samples < 1 or seed < 0 or videos < 0:
        raise ConfigurationError(
            "the demo needs at least one sample, a seed and a number of videos of 0 or more"
        )
    return _run(out, seed, samples, videos, load_models("tiny", device=device), say)


def _run(
    out: Path, seed: int, samples: int, videos: int, models: Models, say: Callable[[str], None]
) -> DemoReport:
    """The steps of the demo, one after the other."""
    world = out / "world"
    for folder in ("world", "runs", "videos", "video-runs"):
        shutil.rmtree(out / folder, ignore_errors=True)
    say(
        f"drawing {samples} scenes of seed {seed}, half of them in styles and on backgrounds never trained on"
    )
    scenes = write_scenes(world, make_scenes(seed, samples))
    dataset = _image_dataset(world, scenes)
    labels = {row["id"]: row["label"] for row in scenes}
    results = _run_everything(dataset, models, labels, out / "runs", say)
    show_runs(dataset, ["vcap_acls"])  # the best strategy in red
    rows = _report_rows(dataset, scenes, results)
    comparison = compare(list(results.values()), names=list(results))
    sheet = _write_sheet(dataset, scenes, out / "contact-sheet.png")
    video_line = _run_videos(out, models, seed, videos, say) if videos else ""
    return DemoReport(seed, rows, comparison.to_text(), video_line, sheet, dataset.name)


def _image_dataset(world: Path, scenes: Sequence[SceneRow]) -> fo.Dataset:
    """The scenes as a persistent FiftyOne dataset, in place of an earlier demo's."""
    dataset = fo.Dataset(IMAGES, persistent=True, overwrite=True)
    dataset.info[DEMO_MARK] = True
    dataset.mask_targets[GROUND_TRUTH] = MASK_TARGETS
    dataset.save()
    dataset.add_samples([_image_sample(world, row) for row in scenes], progress=False)
    dataset.compute_metadata(num_workers=1, progress=False)
    return dataset


def _image_sample(world: Path, row: SceneRow) -> fo.Sample:
    tags = [row["kind"]]
    tags += ["sound_alike"] if row["sound_alike"] else []
    tags += ["unseen_style"] if row["unseen"] else []
    return fo.Sample(
        filepath=str((world / "img" / f"{row['id']}.png").resolve()),
        audio_path=str((world / "wav" / f"{row['id']}.wav").resolve()),
        ground_truth=fo.Segmentation(mask_path=str((world / "gt_seg" / f"{row['id']}.png").resolve())),
        label=fo.Classification(label=row["label"]),
        scene=row["id"],
        tags=tags,
    )


def _run_everything(
    dataset: fo.Dataset,
    models: Models,
    labels: Mapping[str, str],
    output_dir: Path,
    say: Callable[[str], None],
) -> dict[str, Any]:
    """Segment and evaluate with every strategy and control; the results by name."""
    ids, names = dataset.values(["id", "scene"])
    known = {sample_id: labels[name] for sample_id, name in zip(ids, names, strict=True)}
    plan = plan_trial(models, known)
    for players in {id(players): players for _, players in plan.values()}.values():
        sharing = {name: strategy for name, (strategy, own) in plan.items() if own is players}
        for summary in segment_all(
            dataset, sharing, preset=players.preset, models=players, output_dir=output_dir
        ):
            say(str(summary))
    return {
        name: evaluate(dataset, name, eval_key=f"{name}_eval", protocol=PROTOCOL, progress=False)
        for name in plan
    }


def _report_rows(
    dataset: fo.Dataset, scenes: Sequence[SceneRow], results: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """One row per name and subset."""
    by_scene = {row["id"]: row for row in scenes}
    ids, names = dataset.values(["id", "scene"])
    members = [by_scene[name] for name in names]
    rows = []
    for name, result in results.items():
        by_id = dict(zip((row[0] for row in result.rows), result.scores, strict=True))
        statuses = dataset.values(f"{name}_status")
        rows += score_rows(name, members, [by_id[sample_id] for sample_id in ids], statuses)
    return rows


def make_videos(out: Path, models: Models, *, seed: int, count: int) -> Any:
    """Short clips with sound as a persistent dataset, with a run and its evaluation; returns the results.

    Frames are labelled, the sound is the clip's own.
    """
    folder = out / "videos"
    folder.mkdir(parents=True)
    dataset = fo.Dataset(VIDEOS, persistent=True, overwrite=True)
    dataset.info[DEMO_MARK] = True
    dataset.save()
    for index in range(count):
        path = folder / f"clip-{index:02d}.mp4"
        video = make_video(path, seed, index)
        sample = fo.Sample(filepath=str(path.resolve()), label=fo.Classification(label=video.label))
        sample.metadata = video_metadata(path)
        for number, mask in enumerate(video.masks, start=1):
            mask_path = folder / f"{path.stem}-{number:03d}.png"
            PILImage.fromarray(mask).save(mask_path)
            sample.frames[number] = fo.Frame(ground_truth=fo.Segmentation(mask_path=str(mask_path.resolve())))
        dataset.add_sample(sample)
    segment(
        dataset,
        "vcap_acls",
        preset="tiny",
        models=models,
        fps=VIDEO_FPS,
        output_dir=out / "video-runs",
        progress=False,
    )
    return evaluate(
        dataset, "frames.vcap_acls", "frames.ground_truth", eval_key="vcap_acls_eval", progress=False
    )


def _run_videos(out: Path, models: Models, seed: int, videos: int, say: Callable[[str], None]) -> str:
    """How the clips went, in a line."""
    say(f"filming {videos} clips of two seconds with sound")
    summary = make_videos(out, models, seed=seed, count=videos).summary
    return (
        f"videos: vcap_acls on {summary.n} frames of {videos} clips:"
        f" cIoU {100 * summary.ciou:.1f}, mIoU {100 * summary.miou:.1f}, J {100 * summary.j:.1f}"
    )


def _write_sheet(dataset: fo.Dataset, scenes: Sequence[SceneRow], path: Path) -> Path:
    """A contact sheet of the first scenes with every strategy's mask, text and IoU."""
    by_scene = {row["id"]: row for row in scenes}

    def describe(seen: SampleInspection) -> str:
        scene = by_scene[Path(seen.filepath).stem]
        unseen = ", unseen style" if scene["unseen"] else ""
        caption = next((run.image_caption.text for run in seen.runs if run.image_caption), "")
        return f"sound: {scene['label']}{unseen} | {caption}"

    make_sheet(dataset, STRATEGIES, path, describe=describe, max_rows=SHEET_ROWS, cell=CELL)
    return path
