"""The hub's cache with every repository that preset ``open`` names, at real size: 5.6 GB of the real architectures.

Weights are drawn (see ``paper_files``), files of settings are as old as the hub's.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from transformers.initialization import no_init_weights

from tests.clip_tokenizer import clip_tokenizer
from tests.models import fake_hub
from tests.models.paper_files import CASES, bert_tokenizer, gpt2_tokenizer, values
from tests.models.small_official import roberta_tokenizer
from tests.parity import fill

GIGABYTES = 6.0
"""What it takes on a disk, with some to spare."""

CLIP_MEAN, CLIP_STD = [0.48145466, 0.4578275, 0.40821073], [0.26862954, 0.26130258, 0.27577711]
MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
CLIP_TEXT = {"bos_token_id": 0, "eos_token_id": 2, "pad_token_id": 1}


def write_real_open(cache: Path) -> None:
    """Write all repositories into the folder of a hub's cache."""
    makers: dict[str, Callable[[Path], None]] = {
        fake_hub.AST: _ast,
        fake_hub.BLIP: _blip,
        fake_hub.CLAP: _clap,
        fake_hub.CLIP: _clip,
        fake_hub.CLIPSEG: _clipseg,
        fake_hub.DINO: _dino,
        fake_hub.GPT2: _gpt2,
        fake_hub.MSCLAP: _clapcap,
        fake_hub.SAM2: _sam2,
    }
    for repository, make in makers.items():
        base = cache / f"models--{repository.replace('/', '--')}"
        snapshot = base / "snapshots" / fake_hub.commit_of(repository)
        snapshot.mkdir(parents=True)
        (base / "refs").mkdir()
        (base / "refs" / "main").write_text(snapshot.name)
        make(snapshot)


def _write(
    folder: Path,
    kind: Any,
    config: Any,
    settings: dict[str, Any],
    *,
    pickled: bool = False,
    rename: Callable[[str], str] = str,
    drop: str = r"(?!)",
) -> None:
    with no_init_weights():
        network = kind(config)
    network.tie_weights()
    state = fill.fill_(network.eval(), values=values).state_dict()
    kept = {
        rename(key): value.clone().contiguous() for key, value in state.items() if not re.match(drop, key)
    }
    if pickled:
        torch.save(kept, folder / "pytorch_model.bin")
    else:
        save_file(kept, folder / "model.safetensors", {"format": "pt"})
    facts = {key: value for key, value in config.to_dict().items() if key not in ("dtype", "problem_type")}
    facts |= {
        "architectures": [kind.__name__],
        "torch_dtype": "float32",
        "transformers_version": "4.27.0.dev0",
    }
    for part in ("text_config",) if kind.__name__.startswith("CLIP") else ():
        facts[part] |= CLIP_TEXT  # as OpenAI's files have it
    (folder / "config.json").write_text(json.dumps(facts))
    (folder / "preprocessor_config.json").write_text(json.dumps(settings))


def _pictures(mean: list[float], std: list[float], **more: Any) -> dict[str, Any]:
    return {"do_normalize": True, "do_resize": True, "image_mean": mean, "image_std": std, **more}


def _ast(folder: Path) -> None:
    from transformers import ASTConfig, ASTForAudioClassification

    from fiftyone_avs.models.audioset import display_names

    names = list(display_names().values())
    labels = {"id2label": dict(enumerate(names)), "label2id": {name: n for n, name in enumerate(names)}}
    settings = {"feature_extractor_type": "ASTFeatureExtractor", "max_length": 1024, "num_mel_bins": 128}
    settings |= {"do_normalize": True, "mean": -4.2677393, "std": 4.5689974, "sampling_rate": 16000}
    _write(folder, ASTForAudioClassification, ASTConfig(**labels), settings, rename=fake_hub._ast_name)


def _blip(folder: Path) -> None:
    from transformers import BlipConfig, BlipForConditionalGeneration

    size = {"height": 384, "width": 384}
    settings = _pictures(CLIP_MEAN, CLIP_STD, image_processor_type="BlipImageProcessor", size=size)
    config = BlipConfig(vision_config={"image_size": 384})
    _write(folder, BlipForConditionalGeneration, config, settings, pickled=True)
    bert_tokenizer().save_pretrained(folder)


def _clap(folder: Path) -> None:
    from transformers import ClapConfig, ClapFeatureExtractor, ClapModel

    settings = ClapFeatureExtractor(frequency_min=50, truncation="rand_trunc").to_dict()
    _write(folder, ClapModel, ClapConfig(), settings, pickled=True)
    roberta_tokenizer().save_pretrained(folder)


def _clip(folder: Path) -> None:
    from transformers import CLIPConfig, CLIPModel

    kind = {"feature_extractor_type": "CLIPFeatureExtractor", "do_center_crop": True, "resample": 3}
    settings = _pictures(CLIP_MEAN, CLIP_STD, crop_size=224, size=224, **kind)
    _write(folder, CLIPModel, CLIPConfig(vision_config={"patch_size": 16}), settings, pickled=True)
    clip_tokenizer().save_pretrained(folder)


def _clipseg(folder: Path) -> None:
    from transformers import CLIPSegConfig, CLIPSegForImageSegmentation

    config = CLIPSegConfig(vision_config={"patch_size": 16}, use_complex_transposed_convolution=True)
    settings = _pictures(MEAN, STD, feature_extractor_type="ViTFeatureExtractor", size=352, resample=2)
    _write(folder, CLIPSegForImageSegmentation, config, settings)
    clip_tokenizer().save_pretrained(folder)


def _dino(folder: Path) -> None:
    """Boxes of all layers but the first are the first's, and Swin's last norm is not in the file."""
    from transformers import GroundingDinoConfig, GroundingDinoForObjectDetection, SwinConfig

    sizes = {"embed_dim": 128, "depths": [2, 2, 18, 2], "num_heads": [4, 8, 16, 32], "window_size": 12}
    config = GroundingDinoConfig(backbone_config=SwinConfig(image_size=384, out_indices=[2, 3, 4], **sizes))
    settings = _pictures(
        MEAN, STD, image_processor_type="GroundingDinoImageProcessor", do_pad=True, do_rescale=True
    )
    settings |= {"format": "coco_detection", "size": {"longest_edge": 1333, "shortest_edge": 800}}
    same = r"model\.decoder\.bbox_embed\.|bbox_embed\.[1-9]|model\.backbone\.conv_encoder\.model\.(swin\.)?layernorm\."
    _write(folder, GroundingDinoForObjectDetection, config, settings, rename=fake_hub._swin_name, drop=same)
    bert_tokenizer().save_pretrained(folder)


def _gpt2(folder: Path) -> None:
    gpt2_tokenizer().save_pretrained(folder)
    (folder / "config.json").write_text('{"model_type": "gpt2"}')


def _clapcap(folder: Path) -> None:
    keys = json.loads((CASES / "clapcap2023" / "keys.json").read_text())
    state = fill.state_dict_from_keys(keys, values=values)
    torch.save({"model": state, "epoch": 3}, folder / "clapcap_weights_2023.pth")


def _sam2(folder: Path) -> None:
    """As its authors publish it: with the tracker for videos."""
    from transformers import Sam2HieraDetConfig, Sam2VideoConfig, Sam2VideoModel, Sam2VisionConfig

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
    _write(folder, Sam2VideoModel, Sam2VideoConfig(vision_config=vision), _pictures(MEAN, STD))
