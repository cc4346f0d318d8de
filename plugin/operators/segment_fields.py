"""The fields of the form of ``fiftyone_avs.segment``, some of which other forms have, too."""

from __future__ import annotations

from typing import Any

import fiftyone as fo
from fiftyone.operators import types

import fiftyone_avs as avs
from fiftyone_avs.fo import DEMO_MARK, PRESETS, ROLES, list_run_keys, name_runs, run_info

from ..forms import default_of, dropdown, mask_fields, names, problem, remark

WHAT_THEY_DO = {
    "vcap_acls": "image caption, its nouns, and CLAP picks the one that sounds (best in the paper)",
    "acap_vcls": "sound caption, its nouns, and CLIP picks the one in the picture",
    "classification": "an audio classifier names the sound",
    "captioning": "a sound caption is the query itself",
    "inversion": "token embeddings fitted to the sound",
}
RUNNERS = {"local": "local: in this process", "ray": "ray: on a Ray cluster, or on all cores of this machine"}
WORKERS = "Empty takes one per GPU, or without GPUs as many as there are CPUs for"
CPUS = "Empty takes those that there are per GPU, or 4 without GPUs"


def strategy_fields(ctx: Any, inputs: types.Object) -> list[str]:
    """Strategies and preset; returns the strategies that are chosen."""
    known = avs.list_strategies()
    labels = {name: f"{name}: {WHAT_THEY_DO[name]}" if name in WHAT_THEY_DO else name for name in known}
    dropdown(
        inputs,
        "strategies",
        labels,
        label="Strategies",
        default=["vcap_acls"],
        description="Each makes a run of its own, all in one pass, so that they can be compared",
        multiple=True,
    )
    dropdown(
        inputs,
        "preset",
        {name: f"{name}: {preset.summary}" for name, preset in PRESETS.items()},
        label="Models",
        default=default_preset(ctx.dataset),
    )
    return list(ctx.params.get("strategies", ["vcap_acls"]) or [])


def data_fields(ctx: Any, inputs: types.Object) -> None:
    """Where the sound is."""
    if ctx.dataset.media_type == "video":
        inputs.float("fps", label="Frames per second to label", default=1.0, min=0.01)
        dropdown(
            inputs,
            "frames_of",
            names(name.removeprefix("frames.") for name in mask_fields(ctx.dataset)),
            label="Or only the frames that have",
            description="Labels the frames of a sparse ground truth, so that it can be evaluated",
        )
        return
    fields = [name for name in ctx.dataset.get_field_schema(ftype=fo.StringField) if name != "filepath"]
    fields = [name for name in fields if not name.endswith("_status")]
    dropdown(
        inputs,
        "audio_field",
        names(fields),
        label="Field with the path of the sound",
        default=default_of(fields, "audio_path", "audio", "sound"),
    )


def run_key_fields(ctx: Any, inputs: types.Object, strategies: list[str]) -> None:
    """The run key, and what to do with results that are there."""
    several = len(strategies) > 1
    inputs.str(
        "run",
        label="Prefix of the run keys" if several else "Run key",
        description="The keys will be " + ", ".join(name_runs(strategies, ctx.params.get("run")))
        if several
        else "Names the fields of the results; by default the strategy's name",
        required=False,
    )
    overwrite_fields(ctx, inputs, name_runs(strategies, ctx.params.get("run")))


def overwrite_fields(ctx: Any, inputs: types.Object, runs: list[str]) -> None:
    """Whether results that are there are made anew: those of the samples chosen, or the whole run."""
    inputs.bool(
        "overwrite",
        label="Overwrite",
        description="Make the samples chosen anew; otherwise a run goes on where it stopped",
        default=False,
    )
    there = [run for run in runs if run in list_run_keys(ctx.dataset)]
    if not (ctx.params.get("overwrite") and there):
        return
    masks = sum(run_info(ctx.dataset, run).masks for run in there)
    inputs.bool(
        "overwrite_run",
        label=f"Delete the whole run first: {masks} masks",
        description=f"All that {', '.join(there)} has, also of samples that are not chosen",
        default=False,
    )


def typed_overwrite(params: dict[str, Any]) -> Any:
    """What the form says of old results, as ``segment`` and ``import_predictions`` take it."""
    if params.get("overwrite") and params.get("overwrite_run"):
        return "run"
    return bool(params.get("overwrite"))


def model_fields(inputs: types.Object, strategies: list[str]) -> None:
    """Another model for some of the roles that the strategies need."""
    needs = {role for name in strategies for role in avs.get_strategy(name).needs} | {"segmenter"}
    known = avs.list_models()
    for role in [role for role in ROLES if role in needs]:
        view = types.AutocompleteView()
        for status in known:
            name = status.card.name
            if status.card.role == role:
                view.add_choice(name, label=name if status.ready else f"{name} (not on this machine)")
        inputs.str(
            f"model_{role}",
            label=role.replace("_", " ").capitalize(),
            description="A model, <model>:<path>, a folder or a hub id; empty takes the preset's",
            view=view,
            required=False,
        )


def how_fields(inputs: types.Object) -> None:
    """Device, precision, batch size and the like."""
    dropdown(inputs, "device", _devices(), label="Device", default="")
    dropdown(inputs, "precision", names(["float32", "bf16", "fp16"]), label="Precision", default="float32")
    inputs.bool(
        "compile",
        label="Compile networks",
        description="Takes minutes at the start; for long runs on a GPU",
        default=False,
    )
    inputs.int(
        "batch_size",
        label="Batch size",
        description="Clips per batch; empty finds a size for every model while it runs",
        required=False,
        min=1,
    )
    inputs.int("max_samples", label="At most so many samples now", required=False, min=1)
    inputs.float("threshold", label="Mask threshold", required=False, min=0, max=1)
    dropdown(
        inputs,
        "silence",
        {"abstain": "abstain: no mask where nothing is heard", "run": "run: treat it as any other sound"},
        label="Silent sounds",
        default="abstain",
    )
    inputs.bool("retry_failed", label="Do failed samples again", default=False)
    inputs.str(
        "output_dir",
        label="Folder for masks and maps",
        description="On the machine where FiftyOne runs; by default one beside FiftyOne's datasets",
        required=False,
    )


def where_fields(params: dict[str, Any], inputs: types.Object) -> None:
    """This process or a Ray cluster, and the workers there."""
    dropdown(inputs, "runner", RUNNERS, label="Where to run", default="local")
    if params.get("runner") != "ray":
        return
    inputs.int("ray_workers", label="Workers", description=WORKERS, required=False, min=1)
    inputs.int("ray_cpus", label="CPUs per worker", description=CPUS, required=False, min=1)
    inputs.float("ray_gpus", label="GPUs per worker", required=False, min=0)
    inputs.str(
        "ray_address",
        label="Address of the cluster",
        description="Empty joins the one that this machine belongs to, or starts one of this machine alone",
        required=False,
    )


def ray_arguments(params: dict[str, Any]) -> dict[str, Any] | None:
    """What was said of the workers, or None if there are to be none."""
    if params.get("runner") != "ray":
        return None
    given = {name: params.get(f"ray_{name}") for name in ("workers", "cpus", "gpus", "address")}
    return {name: value for name, value in given.items() if value not in (None, "")}


def default_preset(dataset: fo.Dataset) -> str:
    """The demo's models for the demo's datasets, else the default."""
    return "tiny" if dataset.info.get(DEMO_MARK) else "open"


def _devices() -> dict[str, str]:
    import torch

    gpus = {f"cuda:{index}": f"GPU {index}" for index in range(torch.cuda.device_count())}
    return {"": "a GPU if there is one", "cpu": "CPU", **gpus}


def download_remark(inputs: types.Object, strategies: list[str], checked: dict[str, Any]) -> None:
    """What is downloaded before the first sample is done."""
    try:
        plan = avs.plan_download(
            checked["preset"], strategies=strategies, models=checked.get("models"), ask_hub=False
        )
    except avs.AVSError:
        return  # the form says already what is wrong
    if plan.items:
        (remark if plan.fits else problem)(inputs, "download", str(plan), label="What is downloaded first")
