"""From the rows of an index to records, one after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias, TypeVar

from fiftyone_avs.benchmarks.checks import check_media
from fiftyone_avs.benchmarks.paths import OutsideRoot
from fiftyone_avs.benchmarks.records import Problem, Record, Rows

Entry = TypeVar("Entry")

Reading: TypeAlias = tuple[Record, Sequence[str]]
"""A record, and what is wrong with its row without leaving it out."""


class BadRow(Exception):
    """Why a row cannot be a record."""


def read_rows(entries: Sequence[tuple[str, Entry]], read: Callable[[Entry], Reading]) -> Rows:
    """Records and problems of an index, one entry after the other.

    Args:
        entries: how messages name each row, and what the row says.
        read: makes a record of an entry; it raises ``BadRow`` or ``OutsideRoot`` if it cannot.

    Returns:
        Every entry yields its record, or a problem that leaves it out: if it cannot be read, if its name is that
        of an earlier record, or if its files cannot be used.
    """
    return Rows(total=len(entries), items=_items(entries, read))


def _items(
    entries: Sequence[tuple[str, Entry]], read: Callable[[Entry], Reading]
) -> Iterator[Record | Problem]:
    seen: dict[str, str] = {}
    for row, entry in entries:
        try:
            record, notes = read(entry)
        except (BadRow, OutsideRoot, OSError) as error:
            yield Problem(row, str(error))
            continue
        if record.name in seen:
            yield Problem(row, f"the name {record.name!r} is that of {seen[record.name]}, too")
            continue
        reason = check_media(record)
        if reason is not None:
            yield Problem(row, reason)
            continue
        seen[record.name] = row
        yield from (Problem(row, note, left_out=False) for note in notes)
        yield record


def text_of(entry: object, key: str) -> str:
    """A text of a JSON object that must be there.

    Raises:
        BadRow: if it is not.
    """
    value = entry.get(key) if isinstance(entry, dict) else None
    if not isinstance(value, str) or not value:
        raise BadRow(f"the entry has no text {key!r}")
    return value
