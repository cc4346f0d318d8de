"""Sound clips of the world and their features, made once and kept in the work folder.

Clips are balanced by sound, not by class: a sound-alike pair is one sound and each of its two classes gets
half. Features come from the feature extractors that are saved with the models, so training sees what
inference will see.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from tqdm.auto import tqdm
from transformers import ASTFeatureExtractor, ClapFeatureExtractor, WhisperFeatureExtractor

from fiftyone_avs.tiny.world.sounds import SoundInfo, sound_clip
from fiftyone_avs.tiny.world.vocabulary import (
    CLASSES,
    DURATION,
    PAIRS,
    PARTNER,
    SAMPLE_RATE,
    TRAIN_SEED,
    VALIDATION_SEED,
)

SOUNDS: tuple[tuple[str, ...], ...] = (*PAIRS, *((name,) for name in CLASSES if name not in PARTNER))
"""The classes that share each sound."""

SOUND_OF: dict[str, int] = {name: index for index, names in enumerate(SOUNDS) for name in names}
"""Index in `SOUNDS` of each class."""

MEL_BINS = 64
AUDIO_STREAM = 11
UNSEEN_AUDIO_STREAM = 12
CHUNK_CLIPS = 60


@dataclass(frozen=True)
class Split:
    """A set of clips: how many per sound, seed and stream of the generators, and whether they are unlike
    those of training.
    """

    clips_per_sound: int
    seed: int
    stream: int
    unseen: bool = False


SPLITS: dict[str, Split] = {
    "train": Split(600, TRAIN_SEED, AUDIO_STREAM),
    "validation": Split(40, VALIDATION_SEED, AUDIO_STREAM),
    "unseen": Split(20, VALIDATION_SEED, UNSEEN_AUDIO_STREAM, unseen=True),
}
"""Training clips, validation clips like them, and validation clips with a crowd and more reverberation."""


def make_feature_extractors() -> dict[str, Any]:
    """The feature extractor of each family of models: "ast", "clap" and "whisper"."""
    return {
        "ast": ASTFeatureExtractor(num_mel_bins=MEL_BINS, max_length=200, mean=-6.0, std=4.0),
        "clap": ClapFeatureExtractor(
            feature_size=MEL_BINS,
            sampling_rate=SAMPLE_RATE,
            hop_length=128,
            max_length_s=int(DURATION),
            fft_window_size=512,
            frequency_min=50,
            frequency_max=8000,
            truncation="rand_trunc",
            padding="repeatpad",
        ),
        "whisper": WhisperFeatureExtractor(
            feature_size=MEL_BINS,
            sampling_rate=SAMPLE_RATE,
            hop_length=160,
            chunk_length=int(DURATION),
            n_fft=400,
        ),
    }


def extract_features(
    extractors: dict[str, Any], waveform: NDArray[np.float32]
) -> dict[str, NDArray[np.float16]]:
    """Log-mel features (time, mel) of one clip for each family."""
    options = {"sampling_rate": SAMPLE_RATE, "return_tensors": "np"}
    features = {
        "ast": extractors["ast"](waveform, **options)["input_values"][0],
        "clap": extractors["clap"](waveform, **options)["input_features"][0][0],
        "whisper": extractors["whisper"](waveform, **options)["input_features"][0].T,
    }
    return {family: values.astype(np.float16) for family, values in features.items()}


def to_model_input(family: str, features: NDArray[np.float32]) -> torch.Tensor:
    """Features (batch, time, mel) in the layout the model of `family` takes."""
    batch = torch.from_numpy(np.ascontiguousarray(features, dtype=np.float32))
    if family == "clap":
        return batch.unsqueeze(1)
    return batch.transpose(1, 2) if family == "whisper" else batch


@dataclass(frozen=True)
class AudioSet:
    """Clips of one split for one family of models.

    Attributes:
        family: "ast", "clap" or "whisper".
        names: class of each clip.
        infos: how each clip was made.
        features: float16 (clips, time, mel).
    """

    family: str
    names: tuple[str, ...]
    infos: tuple[SoundInfo, ...]
    features: NDArray[np.float16]

    @property
    def sounds(self) -> NDArray[np.int64]:
        """Index in `SOUNDS` of each clip."""
        return np.array([SOUND_OF[name] for name in self.names])

    def __len__(self) -> int:
        """Number of clips."""
        return len(self.names)

    def draw(self, count: int, rng: np.random.Generator) -> NDArray[np.int64]:
        """Random clip indices."""
        return rng.integers(0, len(self), count)

    def inputs(self, indices: Sequence[int] | NDArray[np.int64] | slice = slice(None)) -> torch.Tensor:
        """Unchanged features of some clips as model input."""
        return to_model_input(self.family, self.features[indices].astype(np.float32))

    def augmented(self, indices: NDArray[np.int64], rng: np.random.Generator) -> torch.Tensor:
        """Features of some clips as model input, varied at random."""
        return to_model_input(
            self.family, augment(self.features[indices].astype(np.float32), self.family, rng)
        )


AUGMENT_UNIT: dict[str, float] = {"ast": 0.35, "clap": 3.0, "whisper": 0.12}
"""About 3 dB in the units of each family's features."""


def augment(features: NDArray[np.float32], family: str, rng: np.random.Generator) -> NDArray[np.float32]:
    """Features (batch, time, mel) rolled in time, louder or softer, noisy, with a time and a mel span blanked."""
    count, times, mels = features.shape
    unit = AUGMENT_UNIT[family]
    shifted = (np.arange(times) - rng.integers(-60, 60, (count, 1))) % times
    varied = features[np.arange(count)[:, None], shifted]
    varied += rng.normal(0, 0.6 * unit, (count, 1, 1)).astype(np.float32)
    varied += (0.4 * unit) * rng.standard_normal(varied.shape, dtype=np.float32)
    blank = _random_spans(count, times, 20, rng)[:, :, None] | _random_spans(count, mels, 6, rng)[:, None, :]
    blanked: NDArray[np.float32] = np.where(blank, varied.mean(axis=(1, 2), keepdims=True), varied)
    return blanked


def _random_spans(count: int, length: int, longest: int, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Boolean (count, length): in 40 % of the rows a span of up to `longest` is set."""
    start = rng.integers(0, length - longest, (count, 1))
    size = rng.integers(longest // 5, longest, (count, 1)) * (rng.random((count, 1)) < 0.4)
    position = np.arange(length)
    return (position >= start) & (position < start + size)


def load_audio(work: Path, family: str, split: str) -> AudioSet:
    """A split that `prepare_audio` made."""
    folder = work / "audio"
    records = json.loads((folder / f"{split}.json").read_text())
    return AudioSet(
        family=family,
        names=tuple(record["name"] for record in records),
        infos=tuple(SoundInfo(record["ambience"], record["snr_db"]) for record in records),
        features=np.load(folder / f"{split}_{family}.npy"),
    )


def prepare_audio(work: Path, seed: int, scale: float = 1.0, processes: int = 2) -> None:
    """Make the clips and features of all splits under `work / "audio"`; splits already there are kept.

    Args:
        work: work folder.
        seed: added to the seeds of the splits.
        scale: share of the clips of a release to make.
        processes: worker processes; the data do not depend on their number.
    """
    folder = work / "audio"
    folder.mkdir(parents=True, exist_ok=True)
    for name, split in SPLITS.items():
        if not (folder / f"{name}.json").exists():
            clips_per_sound = max(8, round(split.clips_per_sound * min(scale, 1.0)))
            _prepare_split(folder, name, split, clips_per_sound, seed, processes)


def _prepare_split(
    folder: Path, name: str, split: Split, clips_per_sound: int, seed: int, processes: int
) -> None:
    clips = clips_per_sound * len(SOUNDS)
    jobs = [
        (split, seed, range(start, min(start + CHUNK_CLIPS, clips))) for start in range(0, clips, CHUNK_CLIPS)
    ]
    records: list[dict[str, Any]] = []
    features: dict[str, list[NDArray[np.float16]]] = {"ast": [], "clap": [], "whisper": []}
    with ProcessPoolExecutor(processes, initializer=torch.set_num_threads, initargs=(1,)) as pool:
        for chunk_records, chunk_features in tqdm(pool.map(_make_chunk, jobs), f"audio {name}", len(jobs)):
            records += chunk_records
            for family, values in chunk_features.items():
                features[family].append(values)
    for family, chunks in features.items():
        np.save(folder / f"{name}_{family}.npy", np.concatenate(chunks))
    (folder / f"{name}.json").write_text(json.dumps(records))


def _make_chunk(job: tuple[Split, int, range]) -> tuple[list[dict[str, Any]], dict[str, NDArray[np.float16]]]:
    """Clips and features of some indices of a split; clip `index` has sound `index % len(SOUNDS)`."""
    split, seed, indices = job
    extractors = make_feature_extractors()
    records = []
    features = []
    for index in indices:
        position, sound = divmod(index, len(SOUNDS))
        name = SOUNDS[sound][position % len(SOUNDS[sound])]
        rng = np.random.default_rng([split.seed + seed, split.stream, index])
        waveform, info = sound_clip(name, rng, split.unseen)
        records.append({"name": name, "ambience": info.ambience, "snr_db": info.snr_db})
        features.append(extract_features(extractors, waveform))
    return records, {family: np.stack([clip[family] for clip in features]) for family in features[0]}
