"""Small models of the real architectures, with seeded random weights, saved as the hub saves them.

The weights are wide enough that pictures, sounds and texts matter: with the libraries' own initialisation,
outputs of so small a network hardly depend on its input, and tests of them could not fail.
"""

from __future__ import annotations

import atexit
import math
import shutil
import tempfile
from functools import cache
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import (
    ASTConfig,
    ASTFeatureExtractor,
    ASTForAudioClassification,
    BertConfig,
    BlipConfig,
    BlipForConditionalGeneration,
    BlipImageProcessorPil,
    ClapConfig,
    ClapFeatureExtractor,
    ClapModel,
    CLIPConfig,
    CLIPImageProcessorPil,
    CLIPModel,
    CLIPSegConfig,
    CLIPSegForImageSegmentation,
    CLIPTextConfig,
    GroundingDinoConfig,
    GroundingDinoForObjectDetection,
    GroundingDinoImageProcessorPil,
    PreTrainedTokenizerFast,
    Sam2Config,
    Sam2HieraDetConfig,
    Sam2MaskDecoderConfig,
    Sam2Model,
    Sam2PromptEncoderConfig,
    Sam2VisionConfig,
    Sam3Config,
    Sam3Model,
    Sam3VisionConfig,
    Sam3ViTConfig,
    SwinConfig,
    ViTImageProcessorPil,
)

from fiftyone_avs.models.audioset import display_names
from fiftyone_avs.training.tiny.tokenizers import make_tokenizer
from fiftyone_avs.types import Sound

SAM2_SIZE, SAM3_SIZE = 64, 56
TEXT = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2}
VISION = {**TEXT, "num_hidden_layers": 3, "image_size": 48, "patch_size": 8}


def build(kind: type, config: object, seed: int) -> torch.nn.Module:
    """A network with seeded random weights that keep the size of what passes through them."""
    torch.manual_seed(seed)  # some random tensors are no parameters (SAM 2's positions)
    network = kind(config)
    generator = torch.Generator().manual_seed(seed)
    norms = tuple(
        kind for kind in vars(torch.nn).values() if isinstance(kind, type) and "Norm" in kind.__name__
    )
    scales = {
        id(module.weight)
        for module in network.modules()
        if isinstance(module, norms) and getattr(module, "weight", None) is not None
    }
    tables = {id(module.weight) for module in network.modules() if isinstance(module, torch.nn.Embedding)}
    for parameter in network.parameters():
        noise = torch.randn(parameter.shape, generator=generator)
        if id(parameter) in scales:
            noise = 1 + 0.1 * noise
        elif parameter.ndim < 2:
            noise = 0.1 * noise
        elif id(parameter) not in tables:
            noise = noise / math.sqrt(parameter[0].numel())
        parameter.data.copy_(noise)
    return network.eval()


def save(folder: Path, network: torch.nn.Module, *others: object) -> Path:
    """Save a network and what belongs to it into one folder."""
    for thing in (network, *others):
        thing.save_pretrained(folder)
    return folder


def bert_tokenizer() -> PreTrainedTokenizerFast:
    """A word-level tokenizer with BERT's ids for the marks that Grounding DINO knows by number.

    It knows small letters only, and does not make them itself.
    """
    vocabulary = {"[PAD]": 0, "[UNK]": 100, "[CLS]": 101, "[SEP]": 102, ".": 1012, "?": 1029}
    words = [
        "a",
        "photo",
        "of",
        "the",
        "dog",
        "cat",
        "violin",
        "red",
        "small",
        "man",
        "playing",
        "guitar",
        "and",
        "picture",
        "rain",
        "roof",
        "on",
        "tin",
    ]
    vocabulary |= {word: 1030 + index for index, word in enumerate(words)}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 101), ("[SEP]", 102)]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        model_max_length=64,
    )


def text_config(kind: str) -> dict[str, int]:
    """Sizes and special ids of a text model that reads one of the tiny world's tokenizers."""
    tokenizer = make_tokenizer(kind)
    ids = {"pad_token_id": tokenizer.pad_token_id, "bos_token_id": tokenizer.bos_token_id}
    end = tokenizer.eos_token_id if tokenizer.eos_token_id is not None else tokenizer.sep_token_id
    return {**TEXT, **ids, "eos_token_id": end, "vocab_size": len(tokenizer), "max_position_embeddings": 40}


def build_clip(folder: Path) -> Path:
    config = CLIPConfig(
        text_config={**text_config("clip"), "projection_dim": 24},
        vision_config={**VISION, "projection_dim": 24},
        projection_dim=24,
    )
    processor = CLIPImageProcessorPil(size={"shortest_edge": 48}, crop_size={"height": 48, "width": 48})
    return save(folder, build(CLIPModel, config, 1), processor, make_tokenizer("clip"))


def build_clipseg(folder: Path) -> Path:
    config = CLIPSegConfig(
        text_config={**text_config("clip"), "projection_dim": 24},
        vision_config={**VISION, "projection_dim": 24},
        projection_dim=24,
        extract_layers=[0, 1, 2],
        reduce_dim=24,
        decoder_num_attention_heads=2,
        decoder_intermediate_size=48,
    )
    processor = ViTImageProcessorPil(size={"height": 48, "width": 48}, resample=3)
    return save(folder, build(CLIPSegForImageSegmentation, config, 2), processor, make_tokenizer("clip"))


def build_blip(folder: Path) -> Path:
    text = text_config("bert")
    config = BlipConfig(
        text_config={**text, "sep_token_id": text["eos_token_id"], "encoder_hidden_size": 32},
        vision_config=VISION,
        projection_dim=24,
        image_text_hidden_size=24,
    )
    processor = BlipImageProcessorPil(size={"height": 48, "width": 48})
    return save(folder, build(BlipForConditionalGeneration, config, 3), processor, make_tokenizer("bert"))


def build_ast(folder: Path) -> Path:
    """AudioSet's classes, and no word of what they are trained for, as in the hub's file."""
    names = list(display_names().values())
    config = ASTConfig(
        **TEXT,
        num_mel_bins=32,
        max_length=128,
        id2label=dict(enumerate(names)),
        label2id={name: index for index, name in enumerate(names)},
    )
    assert config.problem_type is None
    extractor = ASTFeatureExtractor(num_mel_bins=32, max_length=128)
    return save(folder, build(ASTForAudioClassification, config, 4), extractor)


def build_clap(folder: Path, *, fusion: bool = False) -> Path:
    audio = {
        "enable_fusion": fusion,
        "fusion_type": "aff_2d" if fusion else None,
        "spec_size": 64,
        "num_mel_bins": 16,
        "patch_size": 4,
        "window_size": 4,
        "patch_embeds_hidden_size": 8,
        "hidden_size": 16,
        "depths": [1, 1],
        "num_hidden_layers": 2,
        "num_attention_heads": [1, 2],
    }
    config = ClapConfig(
        text_config={**text_config("clap"), "type_vocab_size": 1, "layer_norm_eps": 1e-3},
        audio_config=audio,
        projection_dim=24,
    )
    extractor = ClapFeatureExtractor(
        feature_size=16,
        sampling_rate=16000,
        hop_length=128,
        max_length_s=2,
        fft_window_size=512,
        frequency_max=8000,
        truncation="fusion" if fusion else "rand_trunc",
    )
    return save(folder, build(ClapModel, config, 5), extractor, make_tokenizer("clap"))


def build_grounding_dino(folder: Path) -> Path:
    swin = SwinConfig(
        image_size=64,
        embed_dim=16,
        depths=[1, 1, 1, 1],
        num_heads=[1, 2, 2, 4],
        window_size=4,
        out_features=["stage2", "stage3", "stage4"],
    )
    layer = {"layers": 2, "ffn_dim": 64, "attention_heads": 4}
    config = GroundingDinoConfig(
        backbone_config=swin,
        text_config=BertConfig(vocab_size=1060, max_position_embeddings=64, **TEXT),
        num_queries=12,
        d_model=64,
        max_text_len=32,
        **{f"encoder_{name}": value for name, value in layer.items()},
        **{f"decoder_{name}": value for name, value in layer.items()},
    )
    processor = GroundingDinoImageProcessorPil(size={"shortest_edge": 96, "longest_edge": 160})
    return save(folder, build(GroundingDinoForObjectDetection, config, 6), processor, bert_tokenizer())


def sam2_config() -> Sam2Config:
    size = SAM2_SIZE
    backbone = Sam2HieraDetConfig(
        hidden_size=8,
        image_size=[size, size],
        blocks_per_stage=[1, 1, 2, 1],
        embed_dim_per_stage=[8, 16, 32, 64],
        num_attention_heads_per_stage=[1, 1, 2, 2],
        window_size_per_stage=[4, 4, 4, 2],
        global_attention_blocks=[3],
        window_positional_embedding_background_size=[4, 4],
    )
    vision = Sam2VisionConfig(
        backbone_config=backbone,
        backbone_channel_list=[64, 32, 16, 8],
        backbone_feature_sizes=[[size // 4] * 2, [size // 8] * 2, [size // 16] * 2],
        fpn_hidden_size=32,
    )
    return Sam2Config(
        vision_config=vision,
        prompt_encoder_config=Sam2PromptEncoderConfig(hidden_size=32, image_size=size),
        mask_decoder_config=Sam2MaskDecoderConfig(
            hidden_size=32, mlp_dim=64, num_attention_heads=2, iou_head_hidden_dim=32
        ),
    )


def build_sam2(folder: Path) -> Path:
    processor = ViTImageProcessorPil(image_mean=[0.4, 0.5, 0.6], image_std=[0.2, 0.25, 0.3])
    return save(folder, build(Sam2Model, sam2_config(), 7), processor)


def build_grounded(folder: Path) -> Path:
    """Grounding DINO at the top of the folder, SAM 2 in the part's own folder."""
    build_sam2(folder / "masks")
    return build_grounding_dino(folder)


def sam3_config() -> Sam3Config:
    sizes = {"hidden_size": 32, "num_attention_heads": 2}
    layers = {**sizes, "intermediate_size": 64, "num_layers": 1}
    backbone = Sam3ViTConfig(
        **sizes,
        intermediate_size=64,
        num_hidden_layers=2,
        image_size=SAM3_SIZE,
        window_size=2,
        global_attn_indexes=[1],
        pretrain_image_size=28,
    )
    return Sam3Config(
        vision_config=Sam3VisionConfig(
            backbone_config=backbone, fpn_hidden_size=32, backbone_feature_sizes=[[16, 16], [8, 8], [4, 4]]
        ),
        text_config=CLIPTextConfig(
            **{**text_config("clip"), "max_position_embeddings": 32}, projection_dim=16
        ),
        geometry_encoder_config=layers,
        detr_encoder_config=layers,
        detr_decoder_config={**layers, "num_layers": 2, "num_queries": 7},
        mask_decoder_config=sizes,
    )


def build_sam3(folder: Path) -> Path:
    return save(folder, build(Sam3Model, sam3_config(), 8), make_tokenizer("clip"))


@cache
def weights(name: str) -> Path:
    """The folder of a small model, built when it is first asked for, and the same in all tests."""
    folder = Path(tempfile.mkdtemp(prefix=f"small-{name}-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return globals()[f"build_{name}"](folder)


def pictures(*sizes: tuple[int, int], seed: int = 0) -> list[np.ndarray]:
    """Pictures of the given heights and widths: a few coloured patches and some noise."""
    rng = np.random.default_rng(seed)
    made = []
    for height, width in sizes:
        coarse = rng.integers(0, 255, (4, 5, 3))
        smooth = coarse[np.arange(height) * 4 // height][:, np.arange(width) * 5 // width]
        noise = rng.integers(-20, 20, (height, width, 3))
        made.append((smooth + noise).clip(0, 255).astype(np.uint8))
    return made


def sounds(*kinds: tuple[float, int], seed: int = 0) -> list[Sound]:
    """Sounds of the given seconds and sample rates: three tones of their own and some noise."""
    rng = np.random.default_rng(seed)
    made = []
    for seconds, rate in kinds:
        time = np.arange(round(seconds * rate)) / rate
        wave = sum(np.sin(2 * np.pi * hertz * time) for hertz in rng.uniform(80, 3500, 3)) / 5
        made.append(Sound((wave + 0.05 * rng.standard_normal(len(time))).astype(np.float32), rate))
    return made
