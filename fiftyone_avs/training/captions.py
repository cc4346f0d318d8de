"""Sounds with captions from a table: what a bridge is trained on."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from fiftyone_avs.errors import ConfigurationError, DatasetError

AUDIO_COLUMNS = ("audio", "audio_path", "file_name", "filename", "file", "path")
CAPTION_PREFIX = "caption"


@dataclass(frozen=True)
class CaptionedSound:
    """A sound file and a text that describes it.

    Attributes:
        path: the sound file.
        caption: what it sounds like, in words.
    """

    path: Path
    caption: str


@dataclass(frozen=True)
class CaptionTable:
    """What a table of captions holds.

    Attributes:
        pairs: sounds with captions; a sound with several captions comes several times.
        skipped: what could not be used, each with its place and the reason.
    """

    pairs: Sequence[CaptionedSound]
    skipped: Sequence[str]


def read_captions(
    table: str | Path,
    *,
    audio_dir: str | Path | None = None,
    audio_column: str | None = None,
    caption_columns: Sequence[str] | None = None,
) -> CaptionTable:
    """Read a CSV of sounds with captions (AudioCaps, Clotho and the like).

    Args:
        table: a CSV file with a header, UTF-8.
        audio_dir: where the sounds are; None takes the table's own folder. Every path in the table must
            lead to a file inside it.
        audio_column: the column of the sounds' paths; None takes the first of "audio", "audio_path",
            "file_name", "filename", "file", "path" that is there.
        caption_columns: the columns of the captions; None takes all whose names begin with "caption".

    Returns:
        The pairs, and every row that could not be used with the reason.

    Raises:
        DatasetError: if the file cannot be read, or not one row can be used.
        ConfigurationError: if a column is not there.
    """
    path = Path(table).expanduser()
    root = (Path(audio_dir).expanduser() if audio_dir is not None else path.parent).resolve()
    pairs: list[CaptionedSound] = []
    skipped: list[str] = []
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            names = list(reader.fieldnames or [])
            audio, captions = _columns(path, names, audio_column, caption_columns)
            for number, row in enumerate(reader, start=2):
                for found in _read_row(row, audio, captions, root):
                    if isinstance(found, str):
                        skipped.append(f"row {number}: {found}")
                    else:
                        pairs.append(found)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DatasetError(f"cannot read the table {path}: {error}") from error
    if not pairs:
        reasons = f", for example {skipped[0]}" if skipped else ": it has no rows"
        raise DatasetError(f"{path} holds not one sound with a caption that can be used{reasons}")
    return CaptionTable(pairs, skipped)


def _columns(
    path: Path, names: Sequence[str], audio: str | None, captions: Sequence[str] | None
) -> tuple[str, Sequence[str]]:
    """The columns of the sounds and of the captions."""
    wanted = [*([audio] if audio else []), *(captions or [])]
    absent = [name for name in wanted if name not in names]
    audio = audio or next((name for name in AUDIO_COLUMNS if name in names), None)
    captions = captions or [name for name in names if name.lower().startswith(CAPTION_PREFIX)]
    if absent or audio is None or not captions:
        lacking = ", ".join(absent) or ("a column of sounds" if audio is None else "a column of captions")
        raise ConfigurationError(
            f"{path} lacks {lacking}; its columns are {', '.join(names) or 'none'}. Name yours with"
            " audio_column=... and caption_columns=[...]"
        )
    return audio, captions


def _read_row(
    row: Mapping[str, str | None], audio: str, captions: Sequence[str], root: Path
) -> Iterator[CaptionedSound | str]:
    """The pairs of a row, or why there are none."""
    name = (row.get(audio) or "").strip()
    texts = [text for column in captions if (text := (row.get(column) or "").strip())]
    if not name or not texts:
        yield f"no {'sound' if not name else 'caption'}"
        return
    path = (root / name).resolve()
    if not path.is_relative_to(root):
        yield f"{name} leads out of {root}"
    elif not path.is_file():
        yield f"{path} does not exist"
    else:
        yield from (CaptionedSound(path, text) for text in texts)
