"""The networks that hear: official keys at full size, behaviour in small, spectrograms against transformers."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import BartConfig, ClapFeatureExtractor, ClapTextConfig, GPT2Config
from transformers.audio_utils import mel_filter_bank, spectrogram, window_function

from fiftyone_avs.models.audioset import display_names
from fiftyone_avs.nets.beats import BEATs, BEATsConfig, bucket, coarser
from fiftyone_avs.nets.clapcap import STOP, ClapCap
from fiftyone_avs.nets.htsat import HTSAT, HTSATConfig
from fiftyone_avs.nets.laion import LaionCLAP
from fiftyone_avs.nets.msclap import MSCLAP
from fiftyone_avs.nets.spectrogram import kaldi_fbank, log_mel, repeat_pad, through_int16
from fiftyone_avs.nets.wavcaps import WavCaps
from tests.parity import fill

CASES = Path(__file__).parents[1] / "parity" / "cases"
KEYS = {path.parent.name: json.loads(path.read_text()) for path in CASES.glob("*/keys.json")}
CFG = KEYS["beats_small"]["checkpoint"]["cfg"]

FULL = {
    "beats_as2m": lambda: BEATs.from_checkpoint(KEYS["beats_as2m"]["checkpoint"]["cfg"]),
    "beats_small": lambda: BEATs.from_checkpoint(CFG),
    "wavcaps_htsat_bart": WavCaps,
    "msclap2023": MSCLAP,
    "clapcap2023": ClapCap,
    "laion_clap_tiny": LaionCLAP.tiny,
    "laion_clap_base": LaionCLAP.base,
}
OLD_KEYS = {
    "msclap2023": ("caption_encoder.base.h.0.attn.bias", "caption_encoder.base.h.11.attn.masked_bias"),
    "clapcap2023": ("gpt.transformer.h.0.attn.bias", "gpt.transformer.h.11.attn.masked_bias"),
    "laion_clap_tiny": ("text_branch.embeddings.position_ids",),
    "laion_clap_base": ("text_branch.embeddings.position_ids",),
}
"""Keys that checkpoints written with older versions of transformers have besides those of keys.json."""

EARS = {"width": 8, "depths": (2, 1, 1, 1)}
GPT2 = GPT2Config(
    vocab_size=300, n_embd=32, n_layer=2, n_head=2, n_positions=128, bos_token_id=1, eos_token_id=1
)
BART = {"vocab_size": 60, "d_model": 32, "encoder_layers": 1, "decoder_layers": 1}
BART |= {"encoder_attention_heads": 2, "decoder_attention_heads": 2}
BART |= {"encoder_ffn_dim": 64, "decoder_ffn_dim": 64, "max_position_embeddings": 1024}
ROBERTA = {"vocab_size": 100, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
ROBERTA |= {"intermediate_size": 64, "max_position_embeddings": 90, "layer_norm_eps": 1e-5}
SMALL = {
    "beats": FULL["beats_small"],
    "wavcaps": lambda: WavCaps(HTSATConfig(**EARS), BartConfig(**BART)),
    "msclap": lambda: MSCLAP(HTSATConfig(**EARS), GPT2, joint=16),
    "clapcap": lambda: ClapCap(HTSATConfig(**EARS), GPT2, joint=16, prefix=4, layers=2, heads=4),
    "laion": lambda: LaionCLAP(
        HTSATConfig(**EARS, bank_rate=48000, hop=480), ClapTextConfig(**ROBERTA), joint=16
    ),
}
HEAR = {
    "beats": lambda network, waves: network.classify(waves, torch.tensor([16000, 12345, 8000])[: len(waves)]),
    "wavcaps": lambda network, waves: network.embed(network.hear(waves)),
    "msclap": lambda network, waves: network.embed_audio(waves),
    "clapcap": lambda network, waves: network.prefix(network.embed_audio(waves)),
    "laion": lambda network, waves: network.embed_audio(waves),
}


def small(name):
    return fill.fill_(SMALL[name]()).eval().requires_grad_(False)


def official(name):
    """The state dict of a real file without its numbers: constants and tables are there, too."""
    state = {
        row["key"]: torch.empty(row["shape"], dtype=getattr(torch, row["dtype"]), device="meta")
        for row in KEYS[name]["tensors"]
    }
    return state | {key: torch.empty(1, device="meta") for key in OLD_KEYS.get(name, ())}


def load(name, state):
    with torch.device("meta"):
        network = FULL[name]()
    network.load_state_dict(network.own_state(state), strict=True, assign=True)
    return network


@pytest.fixture(scope="module", params=SMALL)
def network(request):
    built = small(request.param)
    built.name = request.param
    return built


@pytest.fixture(scope="module")
def waves():
    """Three different sounds of 1 s at 16 kHz, in [-1, 1]; the networks take them for their own rate."""
    rows = [fill.wave_i16(f"test/{index}", 16000) for index in range(3)]
    return torch.from_numpy(np.stack(rows).astype(np.float32) / 32768)


# ------------------------------------------------------------------- keys


@pytest.mark.parametrize("name", FULL)
def test_a_real_file_loads_strictly(name):
    network = load(name, official(name))
    for row in KEYS[name]["tensors"]:
        if "alias_of" in row:
            assert network.get_parameter(row["key"]) is network.get_parameter(row["alias_of"])
    if name.startswith("beats"):
        assert list(network.state_dict()) == [row["key"] for row in KEYS[name]["tensors"]]


@pytest.mark.parametrize("name", FULL)
def test_a_state_without_constants_loads_strictly(name):
    constant = {row["key"] for row in KEYS[name]["tensors"] if row.get("constant")}
    load(name, {key: tensor for key, tensor in official(name).items() if key not in constant})


@pytest.mark.parametrize("name", FULL)
def test_an_unknown_or_a_missing_key_is_reported(name):
    state = official(name)
    inside = next(key for key in state if key.endswith((".norm1.weight", ".fc1.weight")))
    for key in ("something.weight", inside.replace("norm1", "norm9").replace("fc1", "fc9")):
        with pytest.raises(RuntimeError, match=r"Unexpected key.*(something|norm9|fc9)"):
            load(name, state | {key: torch.empty(1, device="meta")})
    del state[inside]
    with pytest.raises(RuntimeError, match="Missing key"):
        load(name, state)


def test_the_tables_of_htsat_are_the_official_ones():
    """What own_state puts in place of tables it leaves out is what transformers computes itself."""
    network = HTSAT(HTSATConfig(**EARS))
    state = {"layers.0.blocks.0.attn.relative_position_bias_table": torch.zeros(225, 4)}
    own = HTSAT.own_state(state)
    (key,) = (key for key in own if key.endswith("relative_position_index"))
    assert torch.equal(own[key], network.state_dict()[key])


# ----------------------------------------------------------- spectrograms


@pytest.mark.filterwarnings("ignore:At least one mel filter")
def test_kaldi_fbank_is_that_of_transformers(waves):
    bank = mel_filter_bank(257, 128, 20, 8000, 16000, None, "kaldi", triangularize_in_mel_space=True)
    wanted = spectrogram(
        waves[0].double().numpy() * 2**15,
        window_function(400, "povey", periodic=False),
        frame_length=400,
        hop_length=160,
        fft_length=512,
        power=2.0,
        center=False,
        preemphasis=0.97,
        mel_filters=bank,
        mel_floor=1.192092955078125e-07,
        log_mel="log",
        remove_dc_offset=True,
    )
    found = kaldi_fbank(waves)
    assert found.shape == (3, 98, 128)
    torch.testing.assert_close(found[0], torch.from_numpy(wanted.T).float(), rtol=0, atol=1e-3)


def test_log_mel_and_repeat_pad_are_those_of_clap():
    sound = fill.wave_i16("test/clap", 144000).astype(np.float32) / 32768  # 3 s
    extractor = ClapFeatureExtractor(frequency_min=50, frequency_max=14000, truncation="rand_trunc")
    wanted = extractor(sound, sampling_rate=48000, padding="repeatpad", return_tensors="pt").input_features
    found = log_mel(repeat_pad(torch.from_numpy(sound), 480000)[None], 48000, 480)
    assert found.shape == (1, 1, 1001, 64)
    torch.testing.assert_close(found, wanted.float(), rtol=0, atol=1e-3)


@pytest.mark.parametrize("compute", [kaldi_fbank, lambda waves: log_mel(waves, 32000, 320)])
def test_spectrograms_are_float32_whatever_the_precision(waves, compute):
    wanted = compute(waves)
    with torch.autocast("cpu", torch.bfloat16):
        found = compute(waves)
    assert found.dtype == torch.float32
    assert torch.equal(found, wanted)
    for index in range(len(waves)):
        torch.testing.assert_close(compute(waves[index : index + 1])[0], wanted[index])


def test_silence_has_the_floor_as_its_level():
    silence = torch.zeros(1, 16000)
    assert torch.equal(kaldi_fbank(silence).unique(), torch.tensor([2.0**-23]).log())
    assert torch.equal(log_mel(silence, 32000, 320).unique(), torch.tensor([-100.0]))


def test_too_short_sounds_are_refused():
    with pytest.raises(ValueError, match="less than one frame"):
        kaldi_fbank(torch.zeros(1, 399))
    with pytest.raises(ValueError, match="less than one patch"):
        small("beats").classify(torch.zeros(1, 2799))
    assert small("beats").classify(torch.zeros(1, 2800)).shape == (1, 11)


def test_repeat_pad_repeats_whole_sounds_only():
    sound = torch.tensor([1.0, 2, 3])
    assert repeat_pad(sound, 8).tolist() == [1, 2, 3, 1, 2, 3, 0, 0]
    assert repeat_pad(sound, 6).tolist() == [1, 2, 3, 1, 2, 3]
    assert repeat_pad(sound, 5).tolist() == [1, 2, 3, 0, 0]
    assert repeat_pad(sound, 2).tolist() == [1, 2]
    assert repeat_pad(torch.stack([sound, -sound]), 7)[1].tolist() == [-1, -2, -3, -1, -2, -3, 0]


def test_through_int16_goes_towards_zero():
    steps = torch.tensor([0.4, 1.0, 1.9, -1.9, -0.4, 40000, -40000]) / 32767
    found = through_int16(steps) * 32767
    torch.testing.assert_close(found, torch.tensor([0.0, 1, 1, -1, 0, 32767, -32767]))


# ------------------------------------------------------ all networks, small


def test_a_sound_does_not_hear_the_others(network, waves):
    hear = HEAR[network.name]
    together = hear(network, waves)
    assert together.std() > 0.01
    torch.testing.assert_close(hear(network, waves[:1]), together[:1], rtol=1e-4, atol=1e-5)
    swapped = waves.clone()
    swapped[1] = waves[2]
    others = hear(network, swapped)
    torch.testing.assert_close(others[0], together[0], rtol=1e-4, atol=1e-5)
    assert not torch.allclose(others[1], together[1], atol=1e-3)


def test_bfloat16_autocast_changes_little(network, waves):
    wanted = HEAR[network.name](network, waves)
    with torch.autocast("cpu", torch.bfloat16):
        found = HEAR[network.name](network, waves).float()
    assert found.isfinite().all()
    assert torch.corrcoef(torch.stack([found.flatten(), wanted.flatten()]))[0, 1] > 0.99


def test_nothing_but_the_weights_matters(network, waves):
    """Built without memory or initialisation, then loaded: the outputs are the same."""
    with torch.device("meta"):
        built = SMALL[network.name]()
    built.load_state_dict(network.state_dict(), strict=True, assign=True)
    assert not any(tensor.is_meta for tensor in (*built.parameters(), *built.buffers()))
    with torch.no_grad():
        assert torch.equal(HEAR[network.name](built.eval(), waves), HEAR[network.name](network, waves))


# ------------------------------------------------------------------- BEATs


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"layer_norm_first": True}, "layer_norm_first=True"),
        ({"deep_norm": False}, "deep_norm=False"),
        ({"activation_fn": "relu"}, "activation_fn='relu'"),
        ({"gru_rel_pos": False}, "gru_rel_pos"),
        ({"relative_position_embedding": False}, "relative_position_embedding"),
        ({"finetuned_model": False}, "finetuned_model=False"),
        ({"encoder_layers": 0}, "encoder_layers must be a positive whole number"),
        ({"encoder_layers": True}, "encoder_layers must be a positive whole number"),
        ({"encoder_layers": 2.0}, "encoder_layers must be a positive whole number"),
        ({"conv_bias": 1}, "conv_bias must be True or False"),
        ({"encoder_attention_heads": 5}, "no multiple of encoder_attention_heads=5"),
        ({"conv_pos_groups": 7}, "no multiple of conv_pos_groups=7"),
        ({"embed_dim": 48}, "embed_dim equal to encoder_embed_dim"),
        ({"input_patch_size": 129}, "input_patch_size=129"),
        ({"num_buckets": 30}, "num_buckets=30"),
        ({"max_distance": 8}, "max_distance=8"),
    ],
    ids=str,
)
def test_beats_refuses_what_it_cannot_be(change, complaint):
    with pytest.raises(ValueError, match=complaint):
        BEATsConfig.from_checkpoint(CFG | change)


def test_beats_names_what_its_configuration_lacks():
    with pytest.raises(ValueError, match="cfg lacks deep_norm, num_buckets"):
        BEATsConfig.from_checkpoint({k: v for k, v in CFG.items() if k not in ("deep_norm", "num_buckets")})


def test_beats_leaves_training_entries_alone():
    changed = CFG | {"dropout": 0.5, "encoder_layerdrop": 0.9, "something": "else"}
    assert BEATsConfig.from_checkpoint(changed) == BEATsConfig.from_checkpoint(CFG)


def test_buckets_are_near_exact_and_far_logarithmic():
    offsets = torch.tensor([0, -1, -79, -80, 1, 79, 80, -799, -800, -5000, 800])
    wanted = torch.tensor([0, 1, 79, 80, 161, 239, 240, 159, 159, 159, 319])
    assert torch.equal(bucket(offsets, 320, 800), wanted)
    # the geometric mean of 80 and 800, 252.98, begins the second half of the far ones
    assert bucket(torch.tensor([-252, -253]), 320, 800).tolist() == [80 + 39, 80 + 40]


def test_padding_is_what_holds_no_sound_at_all():
    padding = torch.arange(11)[None] >= 5
    assert coarser(padding, 5).tolist() == [[False, False, False, True, True]]
    assert coarser(padding, 3).tolist() == [[False, False, True]]
    with pytest.raises(ValueError, match="too short"):
        coarser(padding, 12)


def test_beats_does_not_see_padding(waves):
    network = small("beats")
    clip = torch.nn.functional.pad(waves[:1], (0, 16000))
    noisy = clip.clone()
    noisy[:, 20000:] = waves[1, :12000]  # beyond the tokens at the edge
    lengths = torch.tensor([16000])
    torch.testing.assert_close(network.classify(noisy, lengths), network.classify(clip, lengths))
    more = torch.nn.functional.pad(clip, (0, 16000))
    torch.testing.assert_close(network.classify(more, lengths), network.classify(clip, lengths))
    assert not torch.allclose(network.classify(noisy), network.classify(clip), atol=1e-3)
    assert not torch.allclose(network.classify(clip, lengths), network.classify(clip), atol=1e-3)


def test_beats_takes_a_mask_of_nothing_for_none(waves):
    network = small("beats")
    fbank = network.features(waves)
    unmasked = network.probabilities(*network(fbank))
    for length in (16000, 10000, 98):
        masked = network(fbank, torch.zeros(3, length, dtype=torch.bool))
        torch.testing.assert_close(network.probabilities(*masked), unmasked)


def test_beats_refuses_a_clip_of_padding(waves):
    with pytest.raises(ValueError, match="only padding"):
        small("beats").classify(waves, torch.tensor([16000, 0, 16000]))


# ---------------------------------------------------------- texts and captions


@pytest.mark.parametrize(("name", "pad"), [("msclap", 0), ("laion", 1)])
def test_a_text_does_not_see_its_padding(name, pad):
    network = small(name)
    texts = torch.randint(2, 100, (2, 12), generator=torch.Generator().manual_seed(0))
    texts[0, 5:] = pad
    mask = (texts != pad).long()
    together = network.embed_text(texts, mask)
    assert together.dtype == torch.float32
    torch.testing.assert_close(network.embed_text(texts[:1, :5], mask[:1, :5]), together[:1])
    torch.testing.assert_close(network.embed_text(texts[1:], mask[1:]), together[1:])
    assert not torch.allclose(network.embed_text(texts[:1, :4], mask[:1, :4]), together[:1], atol=1e-3)


def test_laion_embeddings_have_length_1(waves):
    network = small("laion")
    torch.testing.assert_close(network.embed_audio(waves).norm(dim=-1), torch.ones(3))
    ids = torch.tensor([[0, 5, 2]])
    torch.testing.assert_close(network.embed_text(ids, torch.ones_like(ids)).norm(dim=-1), torch.ones(1))


def test_msclap_similarities_are_scaled_cosines():
    network = small("msclap")
    audio, text = torch.randn(2, 16), torch.randn(3, 16)
    cosines = torch.cosine_similarity(audio[:, None], text[None], dim=-1)
    torch.testing.assert_close(network.similarity(audio, text), cosines / 0.07)
    with torch.autocast("cpu", torch.bfloat16):
        torch.testing.assert_close(network.similarity(audio, text), cosines / 0.07)


def test_wavcaps_captions_of_a_batch_are_those_of_single_sounds(waves):
    network = small("wavcaps")
    together = network.caption(waves, beams=3)[:, 0]
    assert together.shape[0] == 3 and together.shape[1] <= 30
    assert (together[:, :2] == torch.tensor([2, 0])).all()
    for index in range(3):
        alone = network.caption(waves[index : index + 1], beams=3)[0, 0]
        assert torch.equal(alone, together[index, : len(alone)])
        assert (together[index, len(alone) :] == 1).all()


def test_wavcaps_rules_and_sequences(waves):
    network = small("wavcaps")
    rows = network.caption(waves, beams=3, sequences=2)
    assert rows.shape[:2] == (3, 2)
    for row in rows.flatten(0, 1).tolist():
        trigrams = [tuple(row[i : i + 3]) for i in range(len(row) - 2) if 1 not in row[i : i + 3]]
        assert len(set(trigrams)) == len(trigrams)
    best = network.caption(waves, beams=3)
    assert torch.equal(rows[:, :1, : best.shape[-1]], best)
    assert not torch.equal(rows[:, 1], rows[:, 0])


def simple_search(network, prefix, beams, steps):
    """The search of one sound, written down plainly: every beginning is read anew at every step."""
    found = [([], 0.0, 0)]
    for _ in range(steps):
        options = []
        for tokens, score, length in found:
            if tokens and STOP in tokens:
                options.append((score / length, tokens, score, length))
                continue
            embeddings = torch.cat([prefix, network.gpt.transformer.wte(torch.tensor(tokens).long())])
            log_probs = network.gpt(inputs_embeds=embeddings[None]).logits[0, -1].log_softmax(-1)
            for token, value in enumerate(log_probs.tolist()):
                total = score + value
                options.append((total / (length + 1), [*tokens, token], total, length + 1))
        options.sort(key=lambda option: -option[0])
        found = [(tokens, score, length) for _, tokens, score, length in options[:beams]]
    return [tokens for tokens, _, _ in found]


@pytest.fixture(scope="module")
def talker():
    """A small ClapCap whose captions end at different lengths."""
    network = fill.fill_(SMALL["clapcap"](), seed=1).eval().requires_grad_(False)
    network.gpt.transformer.wte.weight[STOP] *= -2.5
    return network


@pytest.mark.parametrize("beams", [1, 3])
def test_clapcap_searches_as_written_down(talker, beams):
    prefixes = torch.randn(6, 4, 32, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        found = talker.search(prefixes, beams, 8).captions()
    ends = []
    for rows, prefix in zip(found.tolist(), prefixes, strict=True):
        wanted = simple_search(talker, prefix, beams, 8)
        assert rows == [row + [STOP] * (found.shape[-1] - len(row)) for row in wanted]
        ends.append(tuple(len(row) for row in wanted))
    assert len(set(ends)) > 2  # of different lengths, and in different orders


def test_clapcap_stops_when_all_captions_have_ended(talker, waves):
    network = small("clapcap")
    network.gpt.transformer.wte.weight.zero_()  # nothing is likelier than anything else
    network.gpt.transformer.wte.weight[STOP] = network.gpt.transformer.ln_f.bias * 100
    network.gpt.transformer.ln_f.weight.zero_()
    assert network.caption(waves, beams=1).tolist() == [[[STOP]]] * 3


# ------------------------------------------------------------------- names


def test_audioset_has_527_names():
    names = display_names()
    assert len(names) == len(set(names.values())) == 527
    first, *_, last = names.items()
    assert (first, last) == (("/m/09x0r", "Speech"), ("/m/07hvw1", "Field recording"))
    assert list(names)[72] == "/m/0jbk" and names["/m/0bt9lr"] == "Dog"
    assert all(mid[:3] in ("/m/", "/t/", "/g/") and name == name.strip() for mid, name in names.items())
