"""What was recorded, judged: scanned for secrets and held against the contracts, file by file.

The rule: of a flow file no more than one interaction is in memory while it is looked at; what cannot be read is an
error in the result, never an absence, and what there was no time for is said.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import orjson

from replayer.bounded import last_told
from replayer.cassette.model import Cassette, Interaction, Metadata
from replayer.cassette.store import iterate, last
from replayer.clock import Clock
from replayer.contract.registry import load
from replayer.contract.validate import Contract
from replayer.contract.verify import verify
from replayer.contract.violation import Severity
from replayer.errors import UnreadableError
from replayer.redact.redactor import Redactor
from replayer.redact.scan import Certainty, scan
from replayer.redact.tally import Tally

__all__ = ["Judged", "judge", "judge_within", "judging", "scan_files"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """Both counts of a recording, as far as it was looked at."""

    recorded: int
    """Interactions."""
    checked: int = 0
    secrets: int = 0
    suspicions: int = 0
    violations: int = 0
    """Of severity error."""
    warnings: int = 0
    unreadable: tuple[str, ...] = ()
    """Why a file could not be read back."""

    @property
    def unchecked(self) -> int:
        """Interactions that nobody has looked at."""
        return self.recorded - self.checked

    @property
    def told(self) -> str:
        """In a few words, for the summary."""
        found = f"{self.secrets} secret(s) found" + (f", {self.suspicions} suspicion(s)" if self.suspicions else "")
        counts = f"scan: {found}; verify: {self.violations} violation(s), {self.warnings} warning(s)"
        unread = "".join(f"; it cannot be read back: {text}" for text in self.unreadable)
        if self.unreadable or not self.unchecked:
            return counts + unread
        if not self.checked:
            return f"scan and verify had no time for any of the {self.recorded:,} interaction(s)"
        return f"{counts}, in the first {self.checked:,} of {self.recorded:,} interactions; for the rest was no time"


def scan_files(files: Iterable[tuple[str, Path]], redactor: Redactor) -> Tally:
    """Scan cassettes by name."""
    tally = Tally()
    for name, path in files:
        try:
            _scan_file(name, path, redactor, tally)
        except UnreadableError as error:
            tally.unreadable.append(str(error))
    return tally


def judging(recorded: Sequence[tuple[Path, int]], redactor: Redactor) -> Iterator[Judged]:
    """Scan and verify the last interactions of files, so many of each: the counts after each, and at the end."""
    contract = load(())
    judged = Judged(recorded=sum(count for _, count in recorded))
    for path, count in recorded:
        try:
            for metadata, interaction in last(path, count):
                judged = _counted(judged, metadata, interaction, redactor, contract)
                yield judged
        except UnreadableError as error:
            judged = replace(judged, unreadable=(*judged.unreadable, str(error)))
    yield judged


def judge(recorded: Sequence[tuple[Path, int]], redactor: Redactor) -> Judged:
    """All of it, however long that takes."""
    *_, judged = deque(judging(recorded, redactor), maxlen=1)
    return judged


def judge_within(recorded: Sequence[tuple[Path, int]], redactor: Redactor, *, clock: Clock, within_ms: float) -> Judged:
    """As much of it as there is time for; the first interactions first."""
    told = last_told(
        lambda: (orjson.dumps(asdict(judged)) for judged in judging(recorded, redactor)),
        clock=clock,
        within_ms=within_ms,
    )
    if told is None:
        return Judged(recorded=sum(count for _, count in recorded))
    counts: dict[str, Any] = orjson.loads(told)
    return Judged(**{**counts, "unreadable": tuple(counts["unreadable"])})


def _counted(
    judged: Judged, metadata: Metadata | None, interaction: Interaction, redactor: Redactor, contract: Contract
) -> Judged:
    certainties = [leak.certainty for leak in scan(interaction, redactor)]
    alone = Cassette(interactions=(interaction,), metadata=metadata)
    verification = verify([("", alone)], contract)
    return replace(
        judged,
        checked=judged.checked + 1,
        secrets=judged.secrets + certainties.count(Certainty.SECRET),
        suspicions=judged.suspicions + certainties.count(Certainty.SUSPICION),
        violations=judged.violations + verification.count(Severity.ERROR),
        warnings=judged.warnings + verification.count(Severity.WARNING),
    )


def _scan_file(name: str, path: Path, redactor: Redactor, tally: Tally) -> None:
    before = len(tally.finds), sum(find.count for find in tally.finds)
    for index, interaction in enumerate(iterate(path)):
        tally.add(name, index, scan(interaction, redactor))
    tally.cassettes += 1
    if before == (len(tally.finds), sum(find.count for find in tally.finds)):
        tally.clean.append(name)
