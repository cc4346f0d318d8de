"""The hub in small, on loopback: its addresses and answers, and repositories as it has had them since 2022.

Networks are of the real architectures and small; their tensors have the names that the hub's files have, their
settings are as old as there, and weights are pickled where the hub has them so only.
"""

from __future__ import annotations

import hashlib
import json
import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlparse

import torch
from huggingface_hub import constants
from huggingface_hub.utils import close_session
from safetensors.torch import load_file, save_file

from fiftyone_avs.models.revisions import REVISIONS
from tests.models import builders, small_official

SAFETENSORS_PR = "c" * 40
"""The commit of the pull request with which a bot offers safetensors where there are none."""

AST = "MIT/ast-finetuned-audioset-10-10-0.4593"
BLIP = "Salesforce/blip-image-captioning-base"
CLAP = "laion/clap-htsat-unfused"
CLIP = "openai/clip-vit-base-patch16"
CLIPSEG = "CIDAS/clipseg-rd64-refined"
DINO = "IDEA-Research/grounding-dino-base"
GPT2 = "openai-community/gpt2"
MSCLAP = "microsoft/msclap"
SAM2 = "facebook/sam2.1-hiera-large"


@dataclass
class FakeHub:
    """What is served, how, and what was asked for.

    Attributes:
        root: a folder per repository: ``<owner>/<name>/<file>``.
        address: of the server.
        asked: a line per request: method, path and the first byte that was wanted.
        served: bytes of files that went out, by path.
        cut_after: so many bytes of a file go out, then the line breaks; None lets all through.
        gated: repositories that ask for a form.
        answer: the status of every answer; None is as it should be.
        silent: whether requests are taken and never answered.
        mirror: whether it gives commits of its own for those that are asked for.
    """

    root: Path
    address: str = ""
    asked: list[str] = field(default_factory=list)
    served: dict[str, int] = field(default_factory=dict)
    cut_after: int | None = None
    gated: set[str] = field(default_factory=set)
    answer: int | None = None
    silent: bool = False
    mirror: bool = False

    def commit(self, repository: str) -> str:
        """A mirror has copies at commits of its own."""
        return hashlib.sha1(repository.encode()).hexdigest() if self.mirror else commit_of(repository)

    def files(self, repository: str) -> dict[str, Path]:
        return {path.name: path for path in sorted((self.root / repository).iterdir())}

    def forget(self) -> None:
        self.asked.clear()
        self.served.clear()


@contextmanager
def serving(root: Path) -> Iterator[FakeHub]:
    """Serve a folder of repositories on a free port."""
    hub = FakeHub(root)
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"hub": hub}))
    server.daemon_threads = True
    hub.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()


def use(monkeypatch, address: str, cache: Path) -> None:
    """Let huggingface_hub, which read its settings when it was imported, ask another address."""
    monkeypatch.setattr(constants, "ENDPOINT", address)
    template = address + "/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(cache))
    leave()


def leave() -> None:
    """Let connections go, and what they remember of being offline or not."""
    close_session()


def nowhere() -> str:
    """An address at which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}"


def commit_of(repository: str) -> str:
    return REVISIONS.get(repository, hashlib.sha1(repository.encode()).hexdigest())


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: FakeHub

    def log_message(self, *_) -> None:
        pass

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        address = urlparse(self.path)
        path = unquote(address.path)
        wanted = re.match(r"bytes=(\d+)-", self.headers.get("Range", ""))
        start = int(wanted[1]) if wanted else 0
        self.hub.asked.append(f"{self.command} {path} {start}")
        if self.hub.silent:
            threading.Event().wait(30)
        if self.hub.answer is not None:
            return self._refuse(self.hub.answer, "")
        api = re.fullmatch(r"/api/models/([^/]+/[^/]+)(?:/revision/([^/]+))?", path)
        if api:
            return self._info(api[1], api[2] or "main", "blobs" in parse_qs(address.query))
        file = re.fullmatch(r"/([^/]+/[^/]+)/resolve/([^/]+|refs/pr/1)/([^/]+)", path)
        if file:
            return self._file(file[1], file[2], file[3], start if wanted else None)
        pr = re.fullmatch(r"/api/models/([^/]+/[^/]+)/discussions", path)
        if pr:
            return self._json(
                {"discussions": [_SAFETENSORS_OFFER | {"repo": {"name": pr[1], "type": "model"}}]}
            )
        return self._refuse(404, "EntryNotFound")

    def _info(self, repository: str, revision: str, sizes: bool) -> None:
        if not (self.hub.root / repository).is_dir():
            return self._refuse(404, "RepoNotFound")
        if revision not in ("main", commit_of(repository)):
            return self._refuse(404, "RevisionNotFound")
        sizes = sizes and not self.hub.mirror
        siblings = [
            {"rfilename": name} | ({"size": path.stat().st_size} if sizes else {})
            for name, path in self.hub.files(repository).items()
        ]
        return self._json({"id": repository, "sha": self.hub.commit(repository), "siblings": siblings})

    def _file(self, repository: str, revision: str, name: str, start: int | None) -> None:
        path = self.hub.root / repository / name
        if revision in (SAFETENSORS_PR, "refs/pr/1"):
            path = path.with_name("pytorch_model.bin")  # whatever: that it is fetched is the fault
        elif revision not in ("main", self.hub.commit(repository)):
            return self._refuse(404, "RevisionNotFound")
        if repository in self.hub.gated:
            return self._refuse(403, "GatedRepo")
        if not path.is_file():
            return self._refuse(404, "EntryNotFound", self.hub.commit(repository))
        content = path.read_bytes()
        self.send_response(200 if start is None else 206)
        self.send_header("X-Repo-Commit", self.hub.commit(repository))
        self.send_header("ETag", f'"{hashlib.sha256(content).hexdigest()}"')
        self.send_header("X-Linked-Size", str(len(content)))
        if start is not None:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        content = content[start or 0 :]
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command == "HEAD":
            return None
        if self.hub.cut_after is not None and len(content) > self.hub.cut_after:
            content, self.close_connection = content[: self.hub.cut_after], True
        key = f"{repository}/{name}"
        self.hub.served[key] = self.hub.served.get(key, 0) + len(content)
        self.wfile.write(content)
        return None

    def _json(self, data: object) -> None:
        body = json.dumps(data).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _refuse(self, status: int, code: str, commit: str = "") -> None:
        self.send_response(status)
        for name, value in (("X-Error-Code", code), ("X-Error-Message", code), ("X-Repo-Commit", commit)):
            if value:
                self.send_header(name, value)
        self.send_header("Content-Length", "0")
        self.end_headers()


_SAFETENSORS_OFFER = {
    "num": 1,
    "title": "Adding `safetensors` variant of this model",
    "status": "open",
    "isPullRequest": True,
    "author": {"name": "SFconvertbot"},
    "createdAt": "2023-01-01T00:00:00.000Z",
}


def write_open(root: Path) -> Path:
    """Write every repository that preset ``open`` names, with files that nobody needs beside those that are."""
    makers: dict[str, Callable[[Path], object]] = {
        AST: _write_ast,
        BLIP: lambda folder: _pickled(builders.build_blip(folder)),
        CLAP: lambda folder: _pickled(builders.build_clap(folder)),
        CLIP: lambda folder: _legacy_clip(_pickled(builders.build_clip(folder))),
        CLIPSEG: _write_clipseg,
        DINO: _write_dino,
        GPT2: _write_gpt2,
        MSCLAP: _write_clapcap,
        SAM2: builders.build_sam2,
    }
    for repository, write in makers.items():
        folder = root / repository
        folder.mkdir(parents=True)
        write(folder)
        _age(folder / "config.json")
        for name in ("tf_model.h5", "flax_model.msgpack", "README.md"):
            (folder / name).write_bytes(b"nobody needs this" * 100)
    return root


def _write_ast(folder: Path) -> None:
    """AST's tensors as transformers 4 named them, and no word of several classes."""
    builders.build_ast(folder)
    _rename(folder, _ast_name, "encoder.layer.0.attention.attention.query.weight")


def _write_clipseg(folder: Path) -> None:
    builders.build_clipseg(folder)
    settings = {"feature_extractor_type": "ViTFeatureExtractor", "size": 48, "resample": 2, "do_resize": True}
    _settings(
        folder,
        do_normalize=True,
        image_mean=[0.485, 0.456, 0.406],
        image_std=[0.229, 0.224, 0.225],
        **settings,
    )


def _write_dino(folder: Path) -> None:
    """Grounding DINO's Swin as transformers 4 named it, and what was written about it then."""
    builders.build_grounding_dino(folder)
    _rename(folder, _swin_name, "blocks.0.attention.self.query.weight")


def _write_gpt2(folder: Path) -> None:
    """A tokenizer, beside weights of several GB that nobody asked for."""
    small_official.gpt2_tokenizer().save_pretrained(folder)
    (folder / "tokenizer_config.json").write_text('{"model_max_length": 1024}')
    (folder / "config.json").write_text('{"model_type": "gpt2", "architectures": ["GPT2LMHeadModel"]}')
    for name in ("model.safetensors", "pytorch_model.bin"):
        (folder / name).write_bytes(b"0" * 100_000)


def _write_clapcap(folder: Path) -> None:
    """Both of MS-CLAP's checkpoints, of which a captioner needs one."""
    small_official.write(folder, "clapcap-2023")
    (folder / "official.pth").rename(folder / "clapcap_weights_2023.pth")
    for path in (folder / "tokenizer").iterdir():
        path.unlink()
    (folder / "tokenizer").rmdir()
    (folder / "CLAP_weights_2022.pth").write_bytes(b"0" * 100_000)


def _pickled(folder: Path) -> Path:
    """Weights as the hub has them of some models: pickled only, with buffers that newer networks compute."""
    state = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    torch.save(
        {**state, "text_model.embeddings.position_ids": torch.arange(40)[None]}, folder / "pytorch_model.bin"
    )
    return folder


def _legacy_clip(folder: Path) -> None:
    _settings(
        folder,
        feature_extractor_type="CLIPFeatureExtractor",
        crop_size=48,
        do_center_crop=True,
        do_normalize=True,
        do_resize=True,
        image_mean=[0.48145466, 0.4578275, 0.40821073],
        image_std=[0.26862954, 0.26130258, 0.27577711],
        resample=3,
        size=48,
    )


def _settings(folder: Path, **settings: object) -> None:
    for name in ("preprocessor_config.json", "processor_config.json"):
        (folder / name).unlink(missing_ok=True)
    (folder / "preprocessor_config.json").write_text(json.dumps(settings))


def _age(config: Path) -> None:
    """A config as it was written then."""
    if not config.is_file():
        return
    settings = json.loads(config.read_text())
    settings.pop("dtype", None)
    settings.pop("problem_type", None)
    config.write_text(
        json.dumps({**settings, "torch_dtype": "float32", "transformers_version": "4.27.0.dev0"})
    )


def _rename(folder: Path, name_of: Callable[[str], str], proof: str) -> None:
    """Give tensors their old names, whichever ones transformers wrote; one of them is the proof."""
    state = load_file(folder / "model.safetensors")
    renamed = {name_of(key): value for key, value in state.items()}
    assert len(renamed) == len(state) and any(proof in key for key in renamed), list(renamed)[:50]
    save_file(renamed, folder / "model.safetensors", {"format": "pt"})


def _ast_name(key: str) -> str:
    key = re.sub(r"(audio_spectrogram_transformer)\.layers\.(\d+)\.", r"\1.encoder.layer.\2.", key)
    return _renamed(
        key, {"q_proj": "attention.query", "k_proj": "attention.key", "v_proj": "attention.value"}
    )


def _swin_name(key: str) -> str:
    place = "model.backbone.conv_encoder.model."
    if not key.startswith(f"{place}swin."):
        return key
    key = key.replace(f"{place}swin.", place)
    key = re.sub(r"attention\.relative_position_bias\.(relative_position)", r"attention.self.\1", key)
    return _renamed(key, {"q_proj": "self.query", "k_proj": "self.key", "v_proj": "self.value"})


def _renamed(key: str, attention: dict[str, str]) -> str:
    for new, old in attention.items():
        key = key.replace(f"attention.{new}", f"attention.{old}")
    for new, old in (("attention.o_proj", "attention.output.dense"), ("mlp.fc1", "intermediate.dense")):
        key = key.replace(new, old)
    return key.replace("mlp.fc2", "output.dense")
