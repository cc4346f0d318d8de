"""Which pictures, sounds and ground truths of a plain folder belong together, by their names; nothing is opened."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from fiftyone_avs.benchmarks.layouts.folder import PICTURES, SOUND_FILES, TRUTHS, files_by_stem
from fiftyone_avs.media.endings import IMAGES, SOUNDS

SHOWN = 5
"""So many names are told of a kind."""


@dataclass(frozen=True)
class Pair:
    """A picture and what goes with it.

    Attributes:
        name: the picture's path below the folder, without ending.
        picture: its path, absolute.
        sound: its sound's, or None.
        mask: its ground truth's, or None.
    """

    name: str
    picture: Path
    sound: Path | None
    mask: Path | None


@dataclass(frozen=True)
class FolderPairs:
    """The pictures of a folder with their sounds and ground truths.

    Attributes:
        layout: how the files lie: "in img/, wav/ and gt_seg/" or "side by side".
        pairs: one per picture.
        sounds_alone: sounds without a picture, below the folder.
        left_out: files that differ from another one in nothing but the ending; that one is taken.
    """

    layout: str
    pairs: tuple[Pair, ...]
    sounds_alone: tuple[str, ...]
    left_out: tuple[str, ...]

    @property
    def without_sound(self) -> list[str]:
        """Names of the pictures without a sound."""
        return [pair.name for pair in self.pairs if pair.sound is None]

    @property
    def without_mask(self) -> list[str]:
        """Names of the pictures without a ground truth; empty if none has one."""
        lacking = [pair.name for pair in self.pairs if pair.mask is None]
        return [] if len(lacking) == len(self.pairs) else lacking

    def __str__(self) -> str:
        paired = [pair for pair in self.pairs if pair.sound is not None]
        truths = sum(pair.mask is not None for pair in self.pairs)
        examples = [
            f"{pair.name}: {pair.picture.name} + {pair.sound.name}" for pair in paired[:2] if pair.sound
        ]
        lines = [
            f"{len(self.pairs)} pictures {self.layout}, {len(paired)} with a sound, {truths} with a ground truth",
            *([f"such as {'; '.join(examples)}"] if examples else []),
        ]
        for what, names in (
            ("pictures without a sound", self.without_sound),
            ("pictures without a ground truth", self.without_mask),
            ("sounds without a picture, not imported", self.sounds_alone),
            ("files left out, because another one has the same name but for the ending", self.left_out),
        ):
            if names:
                lines.append(f"{len(names)} {what}: {few_of(names)}")
        return "\n".join(lines)


def find_pairs(root: Path) -> FolderPairs:
    """Pair the files of a folder: ``img/a.jpg`` with ``wav/a.wav``, or ``dog.jpg`` with the ``dog.wav`` beside it.

    If there is a folder ``img``, sounds are those in ``wav`` and ground truths those in ``gt_seg``. Otherwise pictures
    and sounds lie side by side, in the folder or in folders below it, and ground truths in a folder ``gt_seg`` beside
    their pictures. Links to folders are not followed, and what begins with a dot is passed over.

    Args:
        root: the folder.

    Returns:
        All pictures in the order of their paths; none if there are none.
    """
    if (root / PICTURES).is_dir():
        places = [(root / PICTURES, root / SOUND_FILES, root / TRUTHS)]
        layout = f"in {PICTURES}/, {SOUND_FILES}/ and {TRUTHS}/"
    else:
        places = [(folder, folder, folder / TRUTHS) for folder in _folders(root)]
        layout = "side by side"
    pairs: list[Pair] = []
    alone: list[str] = []
    left_out: list[str] = []
    for folder, beside, truths in places:
        pictures, sounds, masks = (
            files_by_stem(place, endings)
            for place, endings in ((folder, IMAGES), (beside, SOUNDS), (truths, IMAGES))
        )
        for files in (*pictures.values(), *sounds.values(), *masks.values()):
            left_out += [str(path.relative_to(root)) for path in files[1:]]
        for stem, (picture, *_) in pictures.items():
            name = picture.relative_to(root if layout == "side by side" else folder).with_suffix("")
            sound, mask = (found[stem][0] if stem in found else None for found in (sounds, masks))
            pairs.append(Pair(str(name), picture, sound, mask))
        alone += [str(files[0].relative_to(root)) for stem, files in sounds.items() if stem not in pictures]
    return FolderPairs(layout, tuple(pairs), tuple(alone), tuple(left_out))


def few_of(names: Sequence[str]) -> str:
    """The first few names, and whether there are more."""
    return ", ".join(names[:SHOWN]) + (", ..." if len(names) > SHOWN else "")


def _folders(root: Path) -> Iterator[Path]:
    """A folder and all below it, but for those of ground truths."""
    for place, below, _ in os.walk(root):
        below[:] = sorted(name for name in below if name != TRUTHS and not name.startswith("."))
        yield Path(place)
