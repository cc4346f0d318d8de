"""Trains the bridge that text inversion needs and nobody has published: from sounds to a text encoder.

The audio-text model and the segmenter's text encoder stay as they are. All sounds and captions are embedded
once; then a small head is fitted between the two.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import torch

from fiftyone_avs.errors import ConfigurationError, DatasetError, ModelError
from fiftyone_avs.models import Models, load_models
from fiftyone_avs.models.bridge import CARD_FILE, BridgeHead, SoundEmbedder, save_bridge
from fiftyone_avs.models.text_tower import TextTower
from fiftyone_avs.training.bridge_fit import FitPlan, History, Pairs, fit_head, retrieval_scores
from fiftyone_avs.training.captions import CaptionedSound, CaptionTable, read_captions
from fiftyone_avs.training.embedding import embed_sounds, embed_texts

FEWEST_SOUNDS = 20
HELD_OUT = 0.1
"""The share of sounds for the score that stops the training, and the same again for the score reported."""
MOST_HELD_OUT = 2000
"""At most so many sounds for each of the two: all of their similarities are in memory at once."""

PLOT_FILE = "training.png"


@dataclass(frozen=True)
class BridgeReport:
    """What a training of a bridge gave.

    Attributes:
        folder: holds the bridge; use it as ``text_inverter=<folder>``.
        sounds: how many sounds were used.
        pairs: how many pairs of a sound and a caption.
        epochs: passes over the data.
        best_epoch: the pass whose head was kept.
        held_out: how many sounds the scores are of; none of them was trained on or chosen by.
        scores: R@1/5/10 both ways and what R@1 chance has, in [0, 1], and the mean cosine of sounds with their
            captions.
        skipped: what could not be used, with the reason.
    """

    folder: Path
    sounds: int
    pairs: int
    epochs: int
    best_epoch: int
    held_out: int
    scores: Mapping[str, float]
    skipped: Sequence[str] = field(default_factory=tuple, repr=False)

    def __str__(self) -> str:
        ways = []
        for way in ("audio to text", "text to audio"):
            recalls = ", ".join(f"R@{k} {100 * self.scores[f'{way} R@{k}']:.1f}" for k in (1, 5, 10))
            ways.append(f"{way} {recalls}")
        return (
            f"bridge {self.folder}: {self.sounds} sounds, {self.pairs} pairs, {len(self.skipped)} skipped;"
            f" epoch {self.best_epoch} of {self.epochs}; {self.held_out} held-out sounds: {'; '.join(ways)}"
            f" (chance R@1 {100 * self.scores['chance R@1']:.1f})"
        )


def train_bridge(
    data: str | Path | CaptionTable | Sequence[CaptionedSound],
    out: str | Path,
    *,
    preset: str = "open",
    models: Mapping[str, str] | None = None,
    device: str | None = None,
    batch_size: int = 16,
    epochs: int = 100,
    patience: int = 10,
    learning_rate: float = 1e-3,
    hidden: int = 1024,
    seed: int = 0,
    overwrite: bool = False,
    progress: bool = True,
    **roles: str,
) -> BridgeReport:
    """Train a bridge from sounds to the text encoder of a segmenter, for the strategy ``inversion``.

    Sounds are parted at random into those to train on (80 % or more), to stop by (10 %, at most 2,000) and to
    report (as many).
    Embeddings are kept in ``<out>/embeddings``, so that a training that was stopped goes on.

    Args:
        data: a CSV file (see `read_captions`), or sounds with captions.
        out: folder for the bridge.
        preset: names the audio-text model and the segmenter, as for the strategy ``inversion``.
        models: another "audio_text_scorer" or "segmenter", by role (card, ``<card>:<path>``, folder or hub
            id).
        device: "cpu", "cuda", ...; None takes a GPU if there is one.
        batch_size: sounds that are embedded at once.
        epochs: passes over the data at most.
        patience: passes without a better score after which training ends.
        learning_rate: AdamW's.
        hidden: width of the head's hidden layer.
        seed: of the parting, the head's first weights and the order.
        overwrite: replace a bridge that is there.
        progress: show progress bars.
        **roles: the same as ``models={...}``, as in ``segmenter="cris-r101"``.

    Returns:
        The scores on held-out sounds, and what was skipped. ``out`` holds ``model.safetensors``,
        ``bridge.json`` and ``training.png``.

    Raises:
        ConfigurationError: if an argument cannot work, or a bridge is there already.
        DatasetError: if there are too few sounds that can be used.
        ModelError: if a model cannot be loaded or used for this.
    """
    folder = Path(out).expanduser()
    plan = FitPlan(epochs, patience, learning_rate=learning_rate, hidden=hidden, seed=seed)
    _check(folder, plan, batch_size, overwrite)
    table = _table(data)
    chosen = load_models(preset, strategy="inversion", overrides={**(models or {}), **roles}, device=device)
    tower = _tower(chosen)
    pairs, skipped = _embed(table, chosen, tower, folder / "embeddings", batch_size, progress)
    train, validation, test = _part(pairs, seed)
    head, history = fit_head(train, validation, plan, chosen.device, progress)
    report = BridgeReport(
        folder,
        sounds=len(pairs.sounds),
        pairs=len(pairs.sound_of),
        epochs=len(history.score),
        best_epoch=history.best,
        held_out=len(test.sound_of.unique()),
        scores=retrieval_scores(head, test),
        skipped=skipped,
    )
    _save(folder, head, tower, chosen, plan, report)
    _plot(folder / PLOT_FILE, history)
    return report


def _check(folder: Path, plan: FitPlan, batch_size: int, overwrite: bool) -> None:
    for name, value in {**asdict(plan), "batch_size": batch_size}.items():
        if name != "seed" and not value > 0:
            raise ConfigurationError(f"{name} must be positive, not {value!r}")
    if (folder / CARD_FILE).exists() and not overwrite:
        raise ConfigurationError(f"{folder} holds a bridge already; choose another folder, or overwrite it")


def _table(data: str | Path | CaptionTable | Sequence[CaptionedSound]) -> CaptionTable:
    if isinstance(data, str | Path):
        return read_captions(data)
    return data if isinstance(data, CaptionTable) else CaptionTable(list(data), [])


def _tower(models: Models) -> TextTower:
    """The text encoder that the bridge is to lead to."""
    tower = getattr(models.segmenter, "text_tower", None)
    if not isinstance(tower, TextTower):
        raise ModelError(f"segmenter {models.cards['segmenter'].name!r} has no CLIP text encoder to lead to")
    return tower


def _embed(
    table: CaptionTable, models: Models, tower: TextTower, keep: Path, batch_size: int, progress: bool
) -> tuple[Pairs, list[str]]:
    """Embeddings of all sounds and captions that can be used, and why others cannot."""
    scorer: Any = models.audio_text_scorer
    origin = models.describe(["audio_text_scorer"])["audio_text_scorer"]
    if not hasattr(scorer, "embed_sounds"):
        raise ModelError(f"audio-text model {origin['card']!r} gives scores only, no embeddings")
    identity = "|".join(str(origin[key]) for key in ("card", "source", "revision"))
    paths = list(dict.fromkeys(pair.path for pair in table.pairs))
    heard = embed_sounds(paths, scorer, keep, identity, batch_size=batch_size, progress=progress)
    skipped = [*table.skipped, *heard.failed.values()]
    if len(heard.rows) < FEWEST_SOUNDS:
        raise DatasetError(
            f"{len(heard.rows)} sounds can be used, and a bridge needs {FEWEST_SOUNDS} at least"
            + (f"; skipped, for example: {skipped[0]}" if skipped else "")
        )
    usable = [pair for pair in table.pairs if pair.path in heard.rows]
    rows = {text: row for row, text in enumerate(dict.fromkeys(pair.caption for pair in usable))}
    pairs = Pairs(
        heard.vectors,
        embed_texts(list(rows), tower, progress=progress),
        torch.tensor([heard.rows[pair.path] for pair in usable]),
        torch.tensor([rows[pair.caption] for pair in usable]),
    )
    return pairs, skipped


def _part(pairs: Pairs, seed: int) -> tuple[Pairs, Pairs, Pairs]:
    """Part by sound, so that no sound is on two sides with different captions."""
    order = torch.randperm(len(pairs.sounds), generator=torch.Generator().manual_seed(seed))
    held = min(round(HELD_OUT * len(order)), MOST_HELD_OUT)
    return (
        pairs.of_sounds(order[2 * held :]),
        pairs.of_sounds(order[:held]),
        pairs.of_sounds(order[held : 2 * held]),
    )


def _save(
    folder: Path, head: BridgeHead, tower: TextTower, models: Models, plan: FitPlan, report: BridgeReport
) -> None:
    """Write the bridge with what is to be known of it."""
    from fiftyone_avs._version import __version__

    sizes = {"inputs": head.linear.in_features, "outputs": head.linear.out_features, "hidden": plan.hidden}
    record = {
        **models.describe(["audio_text_scorer", "segmenter"]),
        "head": sizes,
        "plan": asdict(plan),
        "sounds": report.sounds,
        "pairs": report.pairs,
        "skipped": len(report.skipped),
        "held_out": report.held_out,
        "scores": dict(report.scores),
        "best_epoch": report.best_epoch,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "package_version": __version__,
    }
    save_bridge(folder, head, cast(SoundEmbedder, models.audio_text_scorer), tower, record)


def _plot(path: Path, history: History) -> None:
    """Draw the loss and the score that training was stopped by."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 3.5), layout="constrained")
    axes = figure.subplots()
    epochs = range(1, len(history.loss) + 1)
    axes.plot(epochs, history.loss, color="tab:blue", label="training loss")
    axes.set(xlabel="epoch", ylabel="training loss")
    right = axes.twinx()
    right.plot(epochs, history.score, color="tab:orange", label="score on validation sounds")
    right.set(ylabel="mean recall (R@1, 5, 10) + cosine / 10", ylim=(0, 1.15))
    right.axvline(history.best, color="grey", linestyle=":", label=f"kept: epoch {history.best}")
    lines = [*axes.get_lines(), *right.get_lines()]
    axes.legend(lines, [str(line.get_label()) for line in lines], loc="center right")
    figure.savefig(path, dpi=120)
