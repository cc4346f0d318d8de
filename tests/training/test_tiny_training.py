"""The training of the tiny models: the loop resumes exactly, the data is right, and every stage runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from transformers import AutoTokenizer, BlipForConditionalGeneration, CLIPModel, CLIPSegForImageSegmentation

from fiftyone_avs.errors import ConfigurationError
from fiftyone_avs.tiny.world.vocabulary import CLASSES, INDEX, NAMES, PARTNER, TRAIN_BACKGROUNDS, TRAIN_STYLES
from fiftyone_avs.training.tiny.common import read_done, save_model, train_loop
from fiftyone_avs.training.tiny.image_captioner import copy_tower, make_captioner, named_classes
from fiftyone_avs.training.tiny.optimizer import MixedOptimizer, cosine
from fiftyone_avs.training.tiny.picture_augment import Batch, augmented_batch, plain_batch
from fiftyone_avs.training.tiny.picture_data import PictureSet, draw_objects, load_pictures, prepare_pictures
from fiftyone_avs.training.tiny.picture_labels import class_map, class_shares, to_patches, visible_objects
from fiftyone_avs.training.tiny.run import train_tiny
from fiftyone_avs.training.tiny.segmenter import draw_prompts, mask_losses
from fiftyone_avs.training.tiny.segmenter_figures import top_share_iou
from fiftyone_avs.training.tiny.segmenter_network import make_segmenter
from fiftyone_avs.training.tiny.stem import sincos_positions
from fiftyone_avs.training.tiny.tokenizers import make_tokenizer


class Killed(Exception):
    """Stands for a kill in the middle of a training."""


def small_model() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(6, 16), nn.LayerNorm(16), nn.Linear(16, 1))


def train_small(work: Path, steps: int = 12, kill_at: int | None = None) -> tuple[nn.Module, list[float]]:
    """Train a small model; with ``kill_at`` the loop dies when it asks for that many batches."""
    model = small_model()
    drawn: list[float] = []

    def loss(rng: np.random.Generator) -> dict[str, Tensor]:
        if len(drawn) == kill_at:
            raise Killed
        inputs = torch.from_numpy(rng.normal(size=(8, 6)).astype(np.float32))
        drawn.append(inputs.sum().item())
        return {"square": (model(inputs) - inputs.sum(1, keepdim=True)).square().mean()}

    train_loop(
        "small",
        model,
        loss,
        lambda average: {"weight": next(average.parameters()).sum().item()},
        steps=steps,
        lr=1e-2,
        work_dir=work,
        eval_every=4,
        warmup=2,
        seed=3,
    )
    return model, drawn


def test_killed_training_continues_where_it_was(tmp_path: Path) -> None:
    whole, batches = train_small(tmp_path / "whole")
    with pytest.raises(Killed):
        train_small(tmp_path / "killed", kill_at=6)
    assert read_done(tmp_path / "killed" / "small") is None

    resumed, rest = train_small(tmp_path / "killed")

    assert rest == batches[4:], "it goes on after the last checkpoint, with the batches of an unbroken run"
    for expected, actual in zip(whole.parameters(), resumed.parameters(), strict=True):
        torch.testing.assert_close(actual, expected)
    log = [json.loads(line) for line in (tmp_path / "killed/small/log.jsonl").read_text().splitlines()]
    assert [line["step"] for line in log] == [4, 8, 12]


def test_finished_training_is_not_repeated_but_can_be_extended(tmp_path: Path) -> None:
    first, _ = train_small(tmp_path)
    again, drawn = train_small(tmp_path)
    assert drawn == []
    for expected, actual in zip(first.parameters(), again.parameters(), strict=True):
        torch.testing.assert_close(actual, expected)

    _, more = train_small(tmp_path, steps=16)
    assert len(more) == 4
    done = read_done(tmp_path / "small")
    assert done is not None
    assert done["steps"] == 16


def test_mixed_optimizer_gives_hidden_matrices_to_muon() -> None:
    hidden, head = nn.Linear(8, 8), nn.Linear(8, 2)
    model = nn.ModuleDict({"hidden": hidden, "head": head})
    optimizer = MixedOptimizer(model.named_parameters(), lr=1e-2)
    state = optimizer.state_dict()
    assert [len(group["params"]) for group in state["muon"]["param_groups"]] == [1]
    assert sum(len(group["params"]) for group in state["adamw"]["param_groups"]) == 3
    before = hidden.weight.detach().clone()
    optimizer.step(head(hidden(torch.ones(1, 8))).sum(), 1.0)
    assert not torch.equal(before, hidden.weight)
    with pytest.raises(ValueError, match="no parameter"):
        MixedOptimizer([], lr=1e-2)


def test_cosine_warms_up_and_comes_down() -> None:
    factors = [cosine(step, 100, 10) for step in range(101)]
    assert factors[0] == pytest.approx(0.101)
    assert max(factors) <= 1.01
    assert factors[-1] == pytest.approx(0.01)
    assert factors[10:] == sorted(factors[10:], reverse=True)


def test_save_model_replaces_a_folder_whole(tmp_path: Path) -> None:
    tokenizer = make_tokenizer("clip")
    target = tmp_path / "clipseg"
    target.mkdir()
    (target / "stale.txt").write_text("old")
    model = make_segmenter(tokenizer)
    save_model(model, tokenizer, None, target)
    assert not (target / "stale.txt").exists()
    assert next(model.parameters()).dtype == torch.float32
    assert next(CLIPSegForImageSegmentation.from_pretrained(target).parameters()).dtype == torch.float16
    assert len(AutoTokenizer.from_pretrained(target)) == len(tokenizer)
    assert [path.name for path in tmp_path.iterdir()] == ["clipseg"]


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A work folder with a few pictures."""
    folder = tmp_path_factory.mktemp("training")
    prepare_pictures(folder, seed=0, scale=0.001, processes=1)
    return folder


@pytest.fixture(scope="module")
def pictures(work: Path) -> PictureSet:
    return load_pictures(work, "training")


def test_pictures_keep_to_what_training_may_see(pictures: PictureSet) -> None:
    assert pictures.pixels.shape == (len(pictures), 80, 80, 3)
    assert set(pictures.styles) <= set(TRAIN_STYLES)
    assert set(pictures.backgrounds) <= set(TRAIN_BACKGROUNDS)
    for index in range(len(pictures)):
        count = len(pictures.names(index))
        assert 1 <= count <= 3
        assert pictures.labels[index].max() <= count


def test_drawn_objects_are_few_and_different() -> None:
    rng = np.random.default_rng(0)
    for _ in range(200):
        names = draw_objects(rng)
        assert 1 <= len(names) == len(set(names)) <= 3
        assert set(names) & set(CLASSES)


def test_augmentation_keeps_ranges_and_depends_on_the_generator_alone(pictures: PictureSet) -> None:
    indices = np.arange(8)
    batch = augmented_batch(pictures, indices, np.random.default_rng(5))
    again = augmented_batch(pictures, indices, np.random.default_rng(5))
    other = augmented_batch(pictures, indices, np.random.default_rng(6))
    assert torch.equal(batch.pixels, again.pixels)
    assert torch.equal(batch.labels, again.labels)
    assert not torch.equal(batch.pixels, other.pixels)
    assert batch.pixels.shape == (8, 3, 80, 80)
    assert batch.pixels.abs().max() <= 2
    assert set(batch.labels.flatten().tolist()) <= {0, 1, 2, 3}


def test_patches_and_shares(pictures: PictureSet) -> None:
    batch = plain_batch(pictures, np.arange(4))
    classes = class_map(batch)
    patches = to_patches(classes)
    assert torch.equal(patches[2, 13].view(8, 8), classes[2, 8:16, 24:32])
    shares = class_shares(patches)
    assert shares.shape == (4, 100, len(NAMES) + 1)
    torch.testing.assert_close(shares.sum(-1), torch.ones(4, 100))
    assert shares[1, 7, 0] == (patches[1, 7] == 0).float().mean()


def batch_of(names: tuple[str, ...]) -> Batch:
    """One empty picture in which objects with these names are squares."""
    labels = torch.zeros(1, 80, 80, dtype=torch.long)
    objects = torch.zeros(1, 4, dtype=torch.long)
    for position, name in enumerate(names, start=1):
        labels[0, :20, 20 * position : 20 * position + 18] = position
        objects[0, position] = INDEX[name] + 1
    return Batch(torch.zeros(1, 3, 80, 80), labels, objects, np.arange(1))


@pytest.mark.parametrize("names", [("bee",), ("bee", "electric shaver"), ("mug", "cat", "phone")])
def test_prompts_name_what_their_masks_show(names: tuple[str, ...]) -> None:
    batch = batch_of(names)
    seen = visible_objects(batch)[0]
    assert set(seen) == {INDEX[name] for name in names}
    for seed in range(60):
        texts, rows, masks = draw_prompts(batch, np.random.default_rng(seed))
        assert rows.tolist() == [0, 0]
        for text, mask in zip(texts, masks, strict=True):
            named = {name for name in names if name in text}
            if mask.any():
                shown = names[int(batch.labels[0][mask > 0].max()) - 1]
                assert named == {shown}
            else:
                assert not named or any(PARTNER.get(name, "-") in text for name in named)


def test_no_dice_for_absent_objects() -> None:
    masks = torch.zeros(2, 8, 8)
    masks[0, :4] = 1
    empty_wrong = mask_losses(torch.stack([20 * masks[0] - 10, torch.full((8, 8), 10.0)]), masks)
    empty_right = mask_losses(20 * masks - 10, masks)
    assert empty_wrong["dice"] == pytest.approx(empty_right["dice"].item())
    assert empty_wrong["mask"] > empty_right["mask"]


def test_top_share_iou() -> None:
    masks = torch.zeros(1, 4, 4)
    masks[0, 0] = 1
    assert top_share_iou(masks, masks).item() == 1
    assert top_share_iou(-masks, masks).item() == 0


def test_positions_differ_everywhere() -> None:
    positions = sincos_positions(10, 128)
    assert positions.shape == (100, 128)
    distances = torch.cdist(positions, positions) + torch.eye(100)
    assert distances.min() > 0.1


def test_copied_tower_sees_what_the_source_sees() -> None:
    torch.manual_seed(0)
    source: Any = make_segmenter(make_tokenizer("clip")).clip.vision_model.eval()
    target: Any = make_captioner(make_tokenizer("bert"))
    target = target.vision_model.eval()
    pixels = torch.randn(16, 3, 80, 80)
    with torch.no_grad():
        expected = source.post_layernorm(source(pixel_values=pixels).last_hidden_state).flatten(1)
        before = target(pixel_values=pixels).last_hidden_state.flatten(1)
        copy_tower(source, target, pixels)
        after = target(pixel_values=pixels).last_hidden_state.flatten(1)
    assert torch.cosine_similarity(after, expected).mean() > 0.9
    assert torch.cosine_similarity(before, expected).mean() < 0.5


def test_named_classes_are_whole_words() -> None:
    assert named_classes("a cat next to an electric shaver and a mug") == {"cat", "electric shaver"}
    assert named_classes("cattle on a street") == set()


def test_unknown_stage_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="unknown stages painter"):
        train_tiny(tmp_path, tmp_path, only=["painter"])


def test_vision_stages_run_and_export(work: Path, tmp_path: Path) -> None:
    stages = ["segmenter", "image_captioner", "report"]
    figures = train_tiny(work, tmp_path, scale=0.0002, only=stages)
    assert list(figures) == stages
    segmenter = CLIPSegForImageSegmentation.from_pretrained(tmp_path / "clipseg", dtype=torch.float32)
    scorer = CLIPModel.from_pretrained(tmp_path / "clip", dtype=torch.float32)
    shared = segmenter.clip.state_dict()
    assert all(torch.equal(value, shared[key]) for key, value in scorer.state_dict().items())
    BlipForConditionalGeneration.from_pretrained(tmp_path / "blip")
    report = json.loads((tmp_path / "report.json").read_text())
    assert 0 <= report["masks"]["miou"] <= 1
    assert set(report["masks"]["miou_by_class"]) == set(CLASSES)
