"""What a call of ``segment`` or ``segment_all`` did, in numbers and as text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class RunSummary:
    """What a call of ``segment`` did.

    Attributes:
        run: the run key.
        ok: how many samples have a mask now that had none.
        abstained: how many samples the strategy declined.
        failed: how many samples failed.
        skipped: how many samples were done already.
        reasons: why samples abstained or failed, by sample id.
        lost: how many of those done now had been done already, but their files were lost.
        left: how many samples of the call are still to be done, because it was stopped or limited.
        stopped: whether somebody stopped it with ``stop_run``.
        note: what must be known of the results, such as that the models know the demo world only.
    """

    run: str
    ok: int
    abstained: int
    failed: int
    skipped: int
    reasons: Mapping[str, str] = field(default_factory=dict, repr=False)
    lost: int = 0
    left: int = 0
    stopped: bool = False
    note: str = ""

    def __str__(self) -> str:
        text = f"run {self.run!r}: {self.ok} ok, {self.abstained} abstained, {self.failed} failed"
        text += f", {self.skipped} done already" if self.skipped else ""
        text += f", {'stopped with ' if self.stopped else ''}{self.left} left" if self.left else ""
        text += f"; {self.lost} of them done again, because their files were lost" if self.lost else ""
        return text + (f"; {self.note}" if self.note else "")


class RunSummaries(list[RunSummary]):
    """What a call of ``segment_all`` did: a list with a summary per run, which prints as a table.

    Example:
        >>> print(avs.segment_all(dataset, ["vcap_acls", "classification"]))
        run             ok  abstained  failed  done already  left
        vcap_acls       58          2       0             0     0
        classification  60          0       0             0     0
    """

    def __str__(self) -> str:
        header = ["run", "ok", "abstained", "failed", "done already", "left"]
        rows = [[one.run, one.ok, one.abstained, one.failed, one.skipped, one.left] for one in self]
        table = [header, *([str(cell) for cell in row] for row in rows)]
        widths = [max(len(line[column]) for line in table) for column in range(len(header))]
        lines = [
            "  ".join(
                cell.rjust(width) if column else cell.ljust(width)
                for column, (cell, width) in enumerate(pairs)
            )
            for pairs in (list(zip(line, widths, strict=True)) for line in table)
        ]
        stopped = [one.run for one in self if one.stopped]
        if stopped:
            lines.append(
                f"stopped: {', '.join(stopped)}; call resume_run(dataset) to go on with the same settings"
            )
        return "\n".join([*lines, *dict.fromkeys(one.note for one in self if one.note)])
