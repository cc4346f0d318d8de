"""The networks of transformers at the size of their cards' hub models, and small ones for a trial on a CPU.

Each function gives a network, not yet filled, and what its folder holds besides. The sizes are those of the
default cards of the presets.
"""

from __future__ import annotations

from typing import Any

from random_models import BART, BERT, CLIP, Vocabulary, make_tokenizer
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
    GroundingDinoConfig,
    GroundingDinoForObjectDetection,
    GroundingDinoImageProcessorPil,
    Sam2Config,
    Sam2HieraDetConfig,
    Sam2MaskDecoderConfig,
    Sam2Model,
    Sam2PromptEncoderConfig,
    Sam2VisionConfig,
    SwinConfig,
    ViTImageProcessorPil,
)

from fiftyone_avs.models.audioset import display_names

Parts = tuple[Any, ...]
"""A network, and what is saved beside it."""

SIZES = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2}
VISION = {**SIZES, "num_hidden_layers": 3, "image_size": 48, "patch_size": 8}
JOINT = {"text_config": {**SIZES, "projection_dim": 24}, "projection_dim": 24}
"""Small sizes: of any transformer, of one that looks at pictures, and of CLIP's text side."""

SQUARE = {"height": 48, "width": 48}

DETECTOR_WORDS = Vocabulary(BERT.size, {**BERT.marks, 1012: ".", 1029: "?"}, BERT.padding, BERT.frame)
"""Grounding DINO knows the dot and the question mark by number: they part phrases."""

IMAGENET = {"image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225]}
SAM2_SMALL = 64


def blip(small: bool) -> Parts:
    """BLIP base."""
    if not small:
        config = BlipConfig(vision_config={"image_size": 384})
        return BlipForConditionalGeneration(config), BlipImageProcessorPil(), make_tokenizer(BERT)
    text = {**SIZES, "encoder_hidden_size": 32}
    config = BlipConfig(text_config=text, vision_config=VISION, projection_dim=24, image_text_hidden_size=24)
    return BlipForConditionalGeneration(config), BlipImageProcessorPil(size=SQUARE), make_tokenizer(BERT)


def clip(small: bool) -> Parts:
    """CLIP ViT-B/16."""
    if not small:
        config = CLIPConfig(vision_config={"patch_size": 16})
        return CLIPModel(config), CLIPImageProcessorPil(), make_tokenizer(CLIP)
    config = CLIPConfig(**JOINT, vision_config={**VISION, "projection_dim": 24})
    processor = CLIPImageProcessorPil(size={"shortest_edge": 48}, crop_size=SQUARE)
    return CLIPModel(config), processor, make_tokenizer(CLIP)


def clipseg(small: bool) -> Parts:
    """CLIPSeg rd64 refined."""
    if not small:
        config = CLIPSegConfig(vision_config={"patch_size": 16}, use_complex_transposed_convolution=True)
        processor = ViTImageProcessorPil(size={"height": 352, "width": 352}, **IMAGENET)
        return CLIPSegForImageSegmentation(config), processor, make_tokenizer(CLIP)
    config = CLIPSegConfig(
        **JOINT,
        vision_config={**VISION, "projection_dim": 24},
        extract_layers=[0, 1, 2],
        reduce_dim=24,
        decoder_num_attention_heads=2,
        decoder_intermediate_size=48,
    )
    processor = ViTImageProcessorPil(size=SQUARE, **IMAGENET)
    return CLIPSegForImageSegmentation(config), processor, make_tokenizer(CLIP)


def ast(small: bool) -> Parts:
    """AST for AudioSet's classes."""
    names = list(display_names().values())
    labels = {
        "id2label": dict(enumerate(names)),
        "label2id": {name: index for index, name in enumerate(names)},
        "problem_type": "multi_label_classification",
    }
    if not small:
        return ASTForAudioClassification(ASTConfig(**labels)), ASTFeatureExtractor()
    config = ASTConfig(**SIZES, num_mel_bins=32, max_length=128, **labels)
    return ASTForAudioClassification(config), ASTFeatureExtractor(num_mel_bins=32, max_length=128)


def clap(small: bool) -> Parts:
    """LAION-CLAP without fusion; the constants that its card corrects are right from the start."""
    hearing = {"truncation": "rand_trunc", "frequency_min": 50}
    tokenizer = make_tokenizer(BART)  # RoBERTa's marks and size are BART's
    if not small:
        config = ClapConfig(text_config={"layer_norm_eps": 1e-5})
        return ClapModel(config), ClapFeatureExtractor(**hearing), tokenizer
    audio = {
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
    config = ClapConfig(text_config={**SIZES, "layer_norm_eps": 1e-5}, audio_config=audio, projection_dim=24)
    extractor = ClapFeatureExtractor(
        feature_size=16, max_length_s=2, fft_window_size=512, frequency_max=8000, **hearing
    )
    return ClapModel(config), extractor, tokenizer


def grounding_dino(small: bool) -> Parts:
    """Grounding DINO base."""
    tokenizer = make_tokenizer(DETECTOR_WORDS)
    if not small:
        swin = SwinConfig(
            window_size=12,
            image_size=384,
            embed_dim=128,
            depths=[2, 2, 18, 2],
            num_heads=[4, 8, 16, 32],
            out_indices=[2, 3, 4],
        )
        config = GroundingDinoConfig(backbone_config=swin)
        return GroundingDinoForObjectDetection(config), GroundingDinoImageProcessorPil(), tokenizer
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
        text_config=BertConfig(**SIZES, max_position_embeddings=64),
        num_queries=12,
        d_model=64,
        max_text_len=32,
        **{f"encoder_{name}": value for name, value in layer.items()},
        **{f"decoder_{name}": value for name, value in layer.items()},
    )
    processor = GroundingDinoImageProcessorPil(size={"shortest_edge": 96, "longest_edge": 160})
    return GroundingDinoForObjectDetection(config), processor, tokenizer


def sam2(small: bool) -> Parts:
    """SAM 2.1 Hiera large."""
    if not small:
        backbone = Sam2HieraDetConfig(
            hidden_size=144,
            num_attention_heads=2,
            blocks_per_stage=[2, 6, 36, 4],
            embed_dim_per_stage=[144, 288, 576, 1152],
            num_attention_heads_per_stage=[2, 4, 8, 16],
            window_size_per_stage=[8, 4, 16, 8],
            global_attention_blocks=[23, 33, 43],
        )
        vision = Sam2VisionConfig(backbone_config=backbone, backbone_channel_list=[1152, 576, 288, 144])
        return Sam2Model(Sam2Config(vision_config=vision)), ViTImageProcessorPil(**IMAGENET)
    size = SAM2_SMALL
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
    config = Sam2Config(
        vision_config=vision,
        prompt_encoder_config=Sam2PromptEncoderConfig(hidden_size=32, image_size=size),
        mask_decoder_config=Sam2MaskDecoderConfig(
            hidden_size=32, mlp_dim=64, num_attention_heads=2, iou_head_hidden_dim=32
        ),
    )
    return Sam2Model(config), ViTImageProcessorPil(**IMAGENET)
