"""The referring segmentation networks: official keys at full size, behaviour in small."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import pytest
import torch

from fiftyone_avs.nets.asda import ASDA
from fiftyone_avs.nets.cris import CRIS
from fiftyone_avs.nets.etris import ETRIS
from fiftyone_avs.nets.ris_layers import grid_codes, sine_code

CASES = Path(__file__).parents[1] / "parity" / "cases"

FULL = {
    "asda": ASDA,
    "cris_r50": CRIS.r50,
    "cris_r101": CRIS.r101,
    "etris_r50": ETRIS.r50,
    "etris_r101": ETRIS.r101,
    "etris_vitb16": ETRIS.vitb16,
}

TEXT = {"text_width": 64, "vocabulary": 100, "input_size": 64}
RESNET = {"blocks": (1, 1, 1, 1), "image_width": 8, "embed_dim": 32, "hidden": 64, **TEXT}
SMALL = {
    "asda": lambda: ASDA(layers=8, image_width=128, hidden=64, **TEXT),
    "cris": lambda: CRIS(text_layers=2, **RESNET),
    "etris_resnet": lambda: ETRIS.resnet(text_layers=3, **RESNET),
    "etris_vit": lambda: ETRIS.vit(
        image_width=64, image_layers=3, embed_dim=32, text_layers=3, hidden=64, **TEXT
    ),
}
STRIDE = {"asda": 2, "cris": 4, "etris_resnet": 4, "etris_vit": 4}

START, END = 98, 99  # the end token has the largest id, as in CLIP's vocabulary
LENGTHS = (1, 5, 15, 2, 9, 3)  # words between start and end; the third text fills the context


@pytest.fixture(scope="module", params=SMALL)
def network(request):
    torch.manual_seed(0)
    built = SMALL[request.param]()
    for module in built.modules():  # running statistics that are not those of a fresh batch norm
        if isinstance(module, torch.nn.BatchNorm1d | torch.nn.BatchNorm2d):
            module.running_mean.normal_(std=0.05)
            module.running_var.uniform_(0.5, 1.5)
    built.name = request.param
    return built.eval()


@pytest.fixture(scope="module")
def pixels():
    return torch.randn(len(LENGTHS), 3, 64, 64, generator=torch.Generator().manual_seed(1))


@pytest.fixture(scope="module")
def ids():
    words = torch.randint(1, START, (len(LENGTHS), 17), generator=torch.Generator().manual_seed(2))
    for row, length in zip(words, LENGTHS, strict=True):
        row[0], row[length + 1] = START, END
        row[length + 2 :] = 0
    return words


@pytest.mark.parametrize("name", FULL)
def test_keys_and_shapes_are_those_of_the_official_checkpoint(name):
    rows = json.loads((CASES / name / "keys.json").read_text())["tensors"]
    with torch.device("meta"):
        built = FULL[name]()
    found = [(key, list(t.shape), str(t.dtype)) for key, t in built.state_dict().items()]
    assert found == [(row["key"], row["shape"], f"torch.{row['dtype']}") for row in rows]
    for row in rows:
        if "alias_of" in row:
            assert built.get_parameter(row["key"]) is built.get_parameter(row["alias_of"])
    assert (built.input_size, built.context_length) == (416, 17)
    assert built.token_embedding.weight.shape == (49408, 512)


def test_shapes(network, pixels, ids):
    with torch.no_grad():
        logits, sentences = network(pixels, ids), network.encode_text(ids)
    side = 64 // STRIDE[network.name]
    assert logits.shape == (6, 1, side, side)
    assert sentences.shape == (6, 64 if network.name == "asda" else 32)
    assert logits.std() > 0


def test_embeddings_stand_in_for_the_embedding_layer(network, pixels, ids):
    embeddings = network.token_embedding(ids)
    with torch.no_grad():
        assert torch.equal(network(pixels, ids, embeddings), network(pixels, ids))
        assert torch.equal(network.encode_text(ids, embeddings), network.encode_text(ids))
        embeddings = embeddings.clone()
        embeddings[:, 1] += torch.randn(64)  # the first word, in all texts before the end
        moved = (network(pixels, ids, embeddings) - network(pixels, ids)).abs().amax((1, 2, 3))
        told = (network.encode_text(ids, embeddings) - network.encode_text(ids)).abs().amax(1)
    assert (moved > 0).all()
    assert (told > 0).all()


def test_a_sample_does_not_see_the_others(network, pixels, ids):
    with torch.no_grad():
        together, sentences = network(pixels, ids), network.encode_text(ids)
        for index in range(len(ids)):
            alone = slice(index, index + 1)
            same = {"rtol": 1e-4, "atol": 1e-5 * together.std().item()}
            torch.testing.assert_close(network(pixels[alone], ids[alone]), together[alone], **same)
            torch.testing.assert_close(network.encode_text(ids[alone]), sentences[alone])
        swapped = network(pixels.flip(0), ids)
    assert not torch.allclose(swapped[0], together[0])


def test_the_sentence_vector_ends_at_the_end_token(network, ids):
    """Nothing behind the end token reaches it, everything before does."""
    embeddings = network.token_embedding(ids).detach().requires_grad_()
    network.encode_text(ids, embeddings).square().sum().backward()
    for gradient, length in zip(embeddings.grad.abs().sum(-1), LENGTHS, strict=True):
        assert (gradient[: length + 2] > 0).all()
        assert (gradient[length + 2 :] == 0).all()


def test_gradients_reach_the_embeddings_through_the_mask(network, pixels, ids):
    embeddings = network.token_embedding(ids).detach().requires_grad_()
    network(pixels, ids, embeddings).square().sum().backward()
    assert embeddings.grad.isfinite().all()
    for gradient, length in zip(embeddings.grad.abs().sum(-1), LENGTHS, strict=True):
        assert (gradient[: length + 2] > 0).all()


def test_who_looks_at_the_padding(network, pixels, ids):
    """CRIS hides it from the decoder. ASDA and ETRIS' bridge look at it, as the official code does."""
    embeddings = network.token_embedding(ids).clone()
    embeddings[ids == 0] += torch.randn(64)
    with torch.no_grad():
        moved = (network(pixels, ids, embeddings) - network(pixels, ids)).abs().amax((1, 2, 3))
    padded = torch.tensor([length < 15 for length in LENGTHS])
    assert (moved[~padded] == 0).all()
    assert ((moved[padded] > 0) == (network.name != "cris")).all()


def test_only_the_bridge_carries_the_picture_into_the_text(network, pixels, ids):
    if network.name == "asda":
        pytest.skip("its text tower is the one of encode_text")
    with torch.no_grad():
        _, _, sentence = network.encode(pixels, ids, None)
        moved = (sentence - network.encode_text(ids)).abs().amax(1)
    assert ((moved > 0) == (network.name != "cris")).all()


def test_asda_chooses_the_states_that_score_highest(pixels, ids):
    torch.manual_seed(0)
    network = SMALL["asda"]().eval()
    with torch.no_grad():
        before = network(pixels, ids)
        network.feature_selector_l.bias.add_(1)  # the same for all: changes no choice
        assert torch.equal(network(pixels, ids), before)
        network.feature_selector_l.weight.neg_()  # of two states the other one
        low = network(pixels, ids)
        network.feature_selector_l.weight.neg_()
        network.feature_selector_m.weight.neg_()
        middle = network(pixels, ids)
    for changed in (low, middle, low - middle + before):
        assert ((changed - before).abs().amax((1, 2, 3)) > 0).all()


def test_nothing_but_the_weights_matters(network, pixels, ids):
    """Built without memory or initialisation, then loaded: the outputs are the same."""
    with torch.device("meta"):
        built = SMALL[network.name]()
    built.load_state_dict(copy.deepcopy(network.state_dict()), strict=True, assign=True)
    assert not any(buffer.is_meta for buffer in built.buffers())
    with torch.no_grad():
        assert torch.equal(built.eval()(pixels, ids), network(pixels, ids))


def test_runs_under_bfloat16_autocast(network, pixels, ids):
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        logits, sentences = network(pixels, ids).float(), network.encode_text(ids).float()
    assert logits.isfinite().all()
    with torch.no_grad():
        exact, exact_sentences = network(pixels, ids), network.encode_text(ids)
    assert torch.corrcoef(torch.stack([sentences.flatten(), exact_sentences.flatten()]))[0, 1] > 0.99
    if network.name != "asda":  # a rounding may change its choice of states
        assert torch.corrcoef(torch.stack([logits.flatten(), exact.flatten()]))[0, 1] > 0.99


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_runs_in_the_precision_of_its_weights(network, pixels, ids, dtype):
    converted = copy.deepcopy(network).to(dtype)
    with torch.no_grad():
        logits = converted(pixels.to(dtype), ids)
    assert logits.dtype == dtype
    assert logits.isfinite().all()


def test_position_codes():
    rows, columns = grid_codes(2, 3, 4, first=1, like=torch.zeros(()))
    assert torch.equal(rows, sine_code(torch.tensor([1, 1, 1, 2, 2, 2]), 4))
    assert torch.equal(columns, sine_code(torch.tensor([1, 2, 3, 1, 2, 3]), 4))
    expected = torch.tensor([2.0, 2.0, 0.02, 0.02]) + torch.tensor([0, torch.pi / 2] * 2)
    torch.testing.assert_close(rows[3], expected.sin())
