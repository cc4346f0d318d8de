"""Between predictions and FiftyOne's labels."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import fiftyone as fo

from fiftyone_avs.fo.runs.folder import RunFolder
from fiftyone_avs.fo.schema.documents import Make, label
from fiftyone_avs.fo.schema.fields import CAPTION_FIELDS, RunFields, value_of
from fiftyone_avs.media.frame_clips import window_seconds
from fiftyone_avs.media.mask_files import MAP_RANGE
from fiftyone_avs.pipeline import Captions
from fiftyone_avs.types import Caption, Prediction, Trace

Files = tuple[str, str] | None
"""The paths of a prediction's mask and soft map, if it has them."""


def sound_source(settings: Mapping[str, Any]) -> str:
    """Which sound a run with these settings hears, as captions of sounds say it."""
    if settings["media"] == "image":
        return str(settings["audio_field"])
    return f"{window_seconds(settings['fps']):g} s of the video's sound"


def is_caption_of(label: Any, role: str, settings: Mapping[str, Any]) -> bool:
    """Whether a stored caption is the one that a run with these settings made or used.

    Args:
        label: the caption, a ``fo.Classification``.
        role: of the model that captions, "image_captioner" or "audio_captioner".
        settings: the run's.
    """
    model = settings["models"][role]
    wanted = {"model": str(model["card"]), "revision": str(model.get("revision", ""))}
    if role == "audio_captioner":
        wanted["source"] = sound_source(settings)
    return all(value_of(label, name) == value for name, value in wanted.items())


def status_text(prediction: Prediction) -> str:
    """How a prediction ended: "ok", "abstained: reason" or "failed: reason"."""
    return f"{prediction.status}: {prediction.reason}" if prediction.reason else prediction.status


def failed(clip_id: str, reason: str) -> Prediction:
    """The prediction of a clip that could not be read."""
    return Prediction(clip_id, "failed", reason)


def store_files(prediction: Prediction, folder: RunFolder, stem: str) -> Files:
    """Write a prediction's mask and soft map, and return their paths; if it has none, remove an earlier attempt's.

    Needs neither the dataset nor its database, so any thread may do it.

    Raises:
        AVSError: if a file cannot be written.
    """
    if prediction.mask is None or prediction.soft_map is None:
        folder.discard(stem)
        return None
    return folder.write(stem, prediction.mask, prediction.soft_map)


def own_labels(prediction: Prediction, fields: RunFields, files: Files, make: Make = label) -> dict[str, Any]:
    """The values of the run's fields.

    Args:
        prediction: what came out.
        fields: the run's.
        files: the paths of its mask and soft map, which are in place, so that labels never point to missing files.
        make: makes the labels; see ``documents``.
    """
    mask = heatmap = query = None
    if files is not None:
        mask = make(fo.Segmentation, mask_path=files[0])
        heatmap = make(fo.Heatmap, map_path=files[1], range=MAP_RANGE)
    referral = prediction.referral
    trace = Trace() if referral is None else referral.trace
    if referral is not None and referral.text:
        query = make(fo.Classification, label=referral.text, confidence=_number(referral.confidence))
    candidates = [
        make(fo.Classification, label=found.text, confidence=_number(found.score))
        for found in trace.candidates
    ]
    return {
        fields.mask: mask,
        fields.map: heatmap,
        fields.query: query,
        fields.candidates: make(fo.Classifications, classifications=candidates) if candidates else None,
        fields.status: status_text(prediction),
    }


def _number(score: float | None) -> float | None:
    """A score as the database takes it: strategies may give numpy's."""
    return None if score is None else float(score)


class CaptionKeeper:
    """Reads captions that an earlier run left on a sample or frame, and stores new ones.

    A caption is reused only if the same model, with the same settings, made it from the same source. Captions that no
    run made are neither used nor overwritten. The caption of another source (another field's sound) stays, too:
    a sample has one sound of its own, and runs on other sounds are controls.

    Args:
        models: role -> card, revision, ... of this run.
        fields: the caption fields that this run may use.
        source: what was captioned: the field of the sound, or the length of a frame's sound.
    """

    def __init__(self, models: Mapping[str, Mapping[str, Any]], fields: RunFields, source: str) -> None:
        self._origin = {
            name: {
                "model": str(models[role]["card"]),
                "revision": str(models[role].get("revision", "")),
                "settings": json.dumps(models[role].get("settings", {}), sort_keys=True),
                "source": source if role == "audio_captioner" else "picture",
            }
            for role, name in CAPTION_FIELDS.items()
            if name in fields.captions
        }

    def known(self, document: Any) -> Captions:
        """The captions of a sample or frame that this run can use."""
        return Captions(
            image=self._read(document, CAPTION_FIELDS["image_captioner"]),
            audio=self._read(document, CAPTION_FIELDS["audio_captioner"]),
        )

    def labels(
        self, document: Any, prediction: Prediction, fields: RunFields, files: Files, make: Make = label
    ) -> dict[str, Any]:
        """The values of the run's fields and of captions made now, for a sample or frame; see ``own_labels``."""
        return own_labels(prediction, fields, files, make) | self._new_labels(prediction, document, make)

    def _new_labels(self, prediction: Prediction, document: Any, make: Make) -> dict[str, Any]:
        """The values of caption fields to write: captions made now."""
        trace = Trace() if prediction.referral is None else prediction.referral.trace
        captions = {
            CAPTION_FIELDS["image_captioner"]: trace.image_caption,
            CAPTION_FIELDS["audio_captioner"]: trace.audio_caption,
        }
        return {
            name: self._label(name, caption, make)
            for name, caption in captions.items()
            if caption is not None and name in self._origin and self._may_write(document, name)
        }

    def _read(self, document: Any, name: str) -> Caption | None:
        label = value_of(document, name) if name in self._origin else None
        if label is None or any(value_of(label, key) != value for key, value in self._origin[name].items()):
            return None
        return Caption((label.label, *(value_of(label, "alternatives") or ())))

    def _may_write(self, document: Any, name: str) -> bool:
        """Whether the field is empty or holds a caption that another model made from the same source."""
        label = value_of(document, name)
        if label is None:
            return True
        if value_of(label, "model") is None or value_of(label, "source") != self._origin[name]["source"]:
            return False
        return self._read(document, name) is None

    def _label(self, name: str, caption: Caption, make: Make) -> Any:
        return make(
            fo.Classification, label=caption.text, alternatives=list(caption.texts[1:]), **self._origin[name]
        )
