"""The form for inference gives the numbers of the network as its authors wrote it."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn
from transformers import GPT2Config

from fiftyone_avs.nets.asda import ASDA
from fiftyone_avs.nets.asda_head import EnlargingBlock
from fiftyone_avs.nets.cris import CRIS
from fiftyone_avs.nets.etris import ETRIS
from fiftyone_avs.nets.htsat import HTSATConfig
from fiftyone_avs.nets.inference import SubPixelBlock, for_inference
from fiftyone_avs.nets.msclap import MSCLAP
from fiftyone_avs.nets.winograd import Winograd

TEXT = {"text_width": 64, "vocabulary": 100}
RESNET = {"blocks": (1, 2, 1, 1), "image_width": 16, "embed_dim": 32, "hidden": 64, **TEXT}
NETWORKS = {
    # 17 x 17 patches: no multiple of a tile's side, and large enough for the short way
    "asda": lambda: ASDA(layers=8, image_width=128, hidden=64, input_size=272, **{**TEXT, "text_width": 128}),
    "cris": lambda: CRIS(text_layers=2, input_size=96, **RESNET),
    "etris_resnet": lambda: ETRIS.resnet(text_layers=3, input_size=96, **RESNET),
    "etris_vit": lambda: ETRIS.vit(
        image_width=64, image_layers=3, embed_dim=32, text_layers=3, hidden=64, input_size=96, **TEXT
    ),
}
PLACES = torch.tensor([1, 0, 1, 1])
SIZES = (16, 16), (17, 23), (31, 18), (52, 20)


def scatter_norms(network: nn.Module) -> nn.Module:
    """Batch norms as training leaves them: nothing about them is 0 or 1."""
    torch.manual_seed(0)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            module.running_mean.normal_(std=0.2)
            module.running_var.uniform_(0.5, 1.5)
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias, std=0.2)
    return network.eval()


@pytest.fixture(scope="module", params=NETWORKS)
def network(request):
    torch.manual_seed(0)
    return scatter_norms(NETWORKS[request.param]())


@pytest.fixture(scope="module")
def ids():
    words = torch.randint(1, 98, (len(PLACES), 17), generator=torch.Generator().manual_seed(2))
    for row, length in zip(words, (3, 15, 1, 6), strict=True):
        row[0], row[length + 1], row[length + 2 :] = 98, 99, 0
    return words


@pytest.fixture(scope="module")
def pixels(network):
    side = network.input_size
    return torch.randn(2, 3, side, side, generator=torch.Generator().manual_seed(1))


@torch.inference_mode()
def test_logits_and_sentences_are_the_plain_networks(network, pixels, ids):
    fast = for_inference(copy.deepcopy(network))
    plain = network(pixels[PLACES], ids)
    close = {"rtol": 0, "atol": 1e-4 * plain.std().item()}
    torch.testing.assert_close(fast(pixels, ids, None, PLACES), plain, **close)
    torch.testing.assert_close(fast.encode_text(ids), network.encode_text(ids), rtol=1e-4, atol=1e-5)
    norms = [module for module in fast.modules() if isinstance(module, nn.BatchNorm2d)]
    assert len(norms) <= 2  # those behind a product with the sentence


@torch.inference_mode()
def test_texts_of_a_picture_share_what_depends_on_it_alone(network, pixels, ids):
    seen = []
    first = next(module for module in network.modules() if isinstance(module, nn.Conv2d))
    hook = first.register_forward_hook(lambda _module, inputs, _output: seen.append(len(inputs[0])))
    try:
        shared = network(pixels, ids, None, PLACES)
        alone = network(pixels[PLACES], ids)
    finally:
        hook.remove()
    assert seen == [2, 4]
    torch.testing.assert_close(shared, alone, rtol=1e-4, atol=1e-5 * alone.std().item())
    apart = (shared - network(pixels.flip(0), ids, None, PLACES)).abs().amax((1, 2, 3))
    assert (apart > 10 * (shared - alone).abs().max()).all()  # places matter


def test_gradients_of_token_vectors_are_the_plain_ones(network, ids):
    fast, found = for_inference(copy.deepcopy(network)), []
    for one in (network, fast):
        vectors = one.token_embedding(ids).detach().clone().requires_grad_()
        one.encode_text(ids, vectors)[:, :5].sum().backward()
        found.append(vectors.grad)
    torch.testing.assert_close(found[0], found[1], rtol=1e-3, atol=1e-5)
    assert found[0].abs().max() > 0


def test_the_form_for_inference_runs_under_bfloat16_autocast(network, pixels, ids):
    fast = for_inference(copy.deepcopy(network))
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
        logits = fast(pixels, ids, None, PLACES).float()
    assert logits.isfinite().all() and logits.std() > 0


@pytest.mark.parametrize("size", SIZES)
@torch.inference_mode()
def test_the_short_way_of_a_convolution_gives_its_result(size, monkeypatch):
    monkeypatch.setattr("fiftyone_avs.nets.winograd.TILES", 60)  # several images at once, and not all
    plain = nn.Conv2d(64, 72, 3, padding=1)
    x = torch.randn(5, 64, *size)
    found, expected = Winograd(plain)(x), plain(x)
    assert 0 < (found - expected).abs().max() < 2e-5


def test_a_convolution_goes_the_short_way_in_float32_on_a_cpu_only():
    plain = nn.Conv2d(64, 64, 3, padding=1)
    short, x = Winograd(plain), torch.randn(1, 64, 16, 16)
    assert torch.equal(short(x), plain(x))  # with gradients
    with torch.inference_mode():
        assert not torch.equal(short(x), plain(x))
        assert torch.equal(short(x[..., :9]), plain(x[..., :9]))  # too small to gain anything
        with torch.autocast("cpu", torch.bfloat16):
            assert torch.equal(short(x), plain(x))
        moved = short.double()  # the weights have changed since it was used
        assert torch.equal(moved(x.double()), plain(x.double()))


def test_weights_that_are_converted_after_use_are_used():
    short, x = Winograd(nn.Conv2d(64, 64, 3, padding=1)), torch.randn(1, 64, 16, 16)
    with torch.inference_mode():
        short(x)
        short.plain.weight.mul_(2)
        short.float()
        torch.testing.assert_close(short(x), short.plain(x), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    "layer",
    [
        nn.Conv2d(64, 64, 3),
        nn.Conv2d(64, 64, 3, padding=1, stride=2),
        nn.Conv2d(64, 64, 3, padding=1, groups=2),
        nn.Conv2d(64, 64, 3, padding=1, padding_mode="reflect"),
        nn.Conv2d(64, 64, 5, padding=2),
        nn.Conv2d(3, 64, 3, padding=1),
        nn.Linear(64, 64),
    ],
)
def test_other_layers_have_no_short_way(layer):
    assert not Winograd.suits(layer)


@pytest.mark.parametrize("size", [(1, 1), (2, 5), (17, 16)])
@torch.inference_mode()
def test_a_block_behind_an_enlargement_works_on_the_small_map(size):
    block = scatter_norms(EnlargingBlock(6, 5))
    x = torch.randn(2, 6, *size)
    expected = block(x)
    fast = for_inference(nn.Sequential(block))
    assert isinstance(fast[0], SubPixelBlock)
    torch.testing.assert_close(fast(x), expected, rtol=1e-4, atol=1e-5)


@torch.inference_mode()
def test_gpt2s_activation_is_torchs_own():
    torch.manual_seed(0)
    ears = HTSATConfig(width=8, depths=(2, 1, 1, 1))
    network = MSCLAP(ears, GPT2Config(n_embd=32, n_layer=2, n_head=2), joint=16).eval()
    fast = for_inference(copy.deepcopy(network))
    assert not any("NewGELU" in type(module).__name__ for module in fast.modules())
    ids = torch.randint(1, 500, (3, 9))
    mask = torch.ones_like(ids)
    torch.testing.assert_close(fast.embed_text(ids, mask), network.embed_text(ids, mask))
