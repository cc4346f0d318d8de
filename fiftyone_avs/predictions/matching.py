"""Which file of other people's predictions belongs to which sample: matching by names, read from their ends.

Names are relative paths without ending, such as ``dog/video/video_1``. Nothing here opens a file or knows FiftyOne.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from fiftyone_avs.errors import ConfigurationError

SHOWN = 3
"""How many names a message lists."""

_NUMBER = re.compile(r"(?:^|(?<=_))\d+$")  # of a frame: the last name, or its end after an underscore


@dataclass(frozen=True)
class Matching:
    """What was found for every target (a sample, or a frame of a video).

    Attributes:
        files: target -> the name of its file.
        reasons: target -> why it has none.
        extra: files that belong to no target, sorted.
    """

    files: Mapping[str, str]
    reasons: Mapping[str, str]
    extra: tuple[str, ...]


def match_names(files: Collection[str], kinds: Sequence[Mapping[str, str]]) -> Matching:
    """Find the file of every target.

    A file fits a target if one name is the end of the other, folder by folder: ``masks/dog/v/v_1`` and
    ``v_1`` both fit ``dog/v/v_1``, and of several the one that agrees in most folders is taken. Where none fits, a
    file whose last name is the target's is taken if that name is unique among all files and all targets. A file
    that fits several targets equally well is given to none of them.

    Args:
        files: names of files.
        kinds: ways to call the targets, the best first: target -> its name. A target without a file by its
            first name is looked for by its next.
    """
    found: dict[str, str] = {}
    reasons: dict[str, str] = {}
    contested: set[str] = set()
    for names in kinds:
        free = set(files) - set(found.values())
        waiting = {target: name for target, name in names.items() if target not in found}
        proposals, doubts = _propose(waiting, names, sorted(free), files)
        for file, targets in proposals.items():
            if len(targets) == 1:
                found[targets[0]] = file
                continue
            contested.add(file)
            shared = f"no prediction file of its own: {file!r} fits {_count(targets, 'sample')} alike"
            doubts |= dict.fromkeys(targets, f"{shared}; say which with name_field")
        for target, name in waiting.items():
            doubt = doubts.get(target)
            if doubt or target not in reasons:
                reasons[target] = doubt or f"no prediction file is called {name!r}"
    reasons = {target: reason for target, reason in reasons.items() if target not in found}
    return Matching(found, reasons, tuple(sorted(set(files) - set(found.values()) - contested)))


def renumber(name: str, shift: int) -> str:
    """The name with a number added to the frame number that it ends in; others stay as they are.

    Zeros in front are kept: ``v_009`` becomes ``v_010``.
    """
    found = _NUMBER.search(name.rpartition("/")[2])
    if found is None:
        return name
    digits = found.group()
    return name[: len(name) - len(digits)] + f"{int(digits) + shift:0{len(digits)}d}"


def frame_number(name: str) -> int | None:
    """The frame number that a name ends in, or None."""
    found = _NUMBER.search(name.rpartition("/")[2])
    return None if found is None else int(found.group())


def check_numbering(files: Collection[str], kinds: Sequence[Mapping[str, str]], matching: Matching) -> None:
    """Raise if the files seem to count a video's frames from 0 and the samples from 1.

    Some programs write ``<video>_0`` to ``<video>_4`` for what the benchmark calls frames 1 to 5. Matched by
    their names, four of five predictions would be scored against the wrong frame, and nothing would tell.

    Raises:
        ConfigurationError: if a file with the number 0 belongs to no sample, and one of its video has number 1.
    """
    zeros = [file for file in matching.extra if frame_number(file) == 0]
    if not zeros:
        return
    shifted = match_names({renumber(file, 1) for file in files}, kinds).files.values()
    suspects = sorted({renumber(file, 1): file for file in zeros}.keys() & set(shifted))
    if not suspects:
        return
    file, name = renumber(suspects[0], -1), suspects[0]
    raise ConfigurationError(
        f"the files seem to count frames from 0 and the samples from 1: {file!r} belongs to no sample, but there is"
        f" one called {name!r} ({_count(suspects, 'video')} of this kind). Pass first_frame=0 (--first-frame 0) if file"
        " 0 is the first frame, as AVSBench's code writes them, or first_frame=1 if the numbers are the samples' own"
    )


def listed(names: Iterable[str]) -> str:
    """The first few of some names, for messages."""
    known = list(names)
    return ", ".join(repr(name) for name in known[:SHOWN]) + (", ..." if len(known) > SHOWN else "")


@dataclass
class _Claims:
    """Who wants a file most."""

    rank: tuple[int, bool] = (0, False)
    targets: list[str] = field(default_factory=list)

    def add(self, target: str, rank: tuple[int, bool]) -> None:
        if rank > self.rank:
            self.rank, self.targets = rank, []
        if rank == self.rank:
            self.targets.append(target)


def _propose(
    waiting: Mapping[str, str], names: Mapping[str, str], free: Sequence[str], files: Collection[str]
) -> tuple[dict[str, list[str]], dict[str, str]]:
    """File -> the targets that it fits best, and what stands in the way of others."""
    by_stem: dict[str, list[str]] = defaultdict(list)
    for file in free:
        by_stem[_stem(file)].append(file)
    alike, called = Counter(map(_stem, names.values())), Counter(map(_stem, files))
    claims: dict[str, _Claims] = defaultdict(_Claims)
    doubts = {}
    for target, name in waiting.items():
        stem = _stem(name)
        ranks = {file: rank for file in by_stem.get(stem, ()) if (rank := _agreement(name, file)) is not None}
        best = max(ranks.values(), default=(0, False))
        fitting = [file for file, rank in ranks.items() if rank == best]
        if not fitting and alike[stem] == called[stem] == 1:
            fitting = by_stem.get(stem, [])
        if len(fitting) > 1:
            doubts[target] = f"no prediction file of its own: {listed(fitting)} fit {name!r} alike"
        elif fitting:
            claims[fitting[0]].add(target, best)
        elif by_stem.get(stem):
            doubts[target] = f"no prediction file fits {name!r}; some only end alike: {listed(by_stem[stem])}"
    return {file: claim.targets for file, claim in claims.items()}, doubts


def _agreement(name: str, file: str) -> tuple[int, bool] | None:
    """In how many folders and names two names agree, and whether they are the same; None if they contradict."""
    own, other = name.split("/"), file.split("/")
    length = min(len(own), len(other))
    return (length, own == other) if own[-length:] == other[-length:] else None


def _stem(name: str) -> str:
    return name.rpartition("/")[2]


def _count(items: Collection[str], what: str) -> str:
    return f"{len(items)} {what}{'' if len(items) == 1 else 's'}"
