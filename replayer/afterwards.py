"""What was recorded, judged: scanned for secrets and held against the contracts, file by file.

The rule: of a flow file no more than one interaction is in memory while it is scanned; what cannot be read is an error
in the result, never an absence.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from replayer.cassette.model import Cassette
from replayer.cassette.store import iterate
from replayer.contract.registry import load
from replayer.contract.verify import verify
from replayer.contract.violation import Severity
from replayer.errors import UnreadableError
from replayer.redact.redactor import Redactor
from replayer.redact.scan import Certainty, scan
from replayer.redact.tally import Tally

__all__ = ["Judged", "judge", "scan_files"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """Both counts of a recording."""

    secrets: int
    suspicions: int
    violations: int
    """Of severity error."""
    warnings: int

    @property
    def told(self) -> str:
        """In a few words, for the summary."""
        found = f"{self.secrets} secret(s) found" + (f", {self.suspicions} suspicion(s)" if self.suspicions else "")
        return f"scan: {found}; verify: {self.violations} violation(s), {self.warnings} warning(s)"


def scan_files(
    files: Iterable[tuple[str, Path]], redactor: Redactor, *, last: Mapping[str, int] | None = None
) -> Tally:
    """Scan cassettes by name; with `last` only so many interactions at the end of each."""
    tally = Tally()
    for name, path in files:
        try:
            _scan_file(name, path, redactor, tally, None if last is None else last.get(name, 0))
        except UnreadableError as error:
            tally.unreadable.append(str(error))
    return tally


def judge(recorded: Sequence[tuple[Path, int]], redactor: Redactor) -> Judged:
    """Scan and verify the last interactions of files, so many of each."""
    last = {str(path): count for path, count in recorded}
    tally = scan_files([(str(path), path) for path, _ in recorded], redactor, last=last)
    verification = verify(_cassettes(recorded), load(()))
    return Judged(
        secrets=tally.count(Certainty.SECRET),
        suspicions=tally.count(Certainty.SUSPICION),
        violations=verification.count(Severity.ERROR),
        warnings=verification.count(Severity.WARNING),
    )


def _scan_file(name: str, path: Path, redactor: Redactor, tally: Tally, last: int | None) -> None:
    skipped = 0 if last is None else max(0, sum(1 for _ in iterate(path)) - last)
    before = len(tally.finds), sum(find.count for find in tally.finds)
    for index, interaction in enumerate(iterate(path)):
        if index >= skipped:
            tally.add(name, index, scan(interaction, redactor))
    tally.cassettes += 1
    if before == (len(tally.finds), sum(find.count for find in tally.finds)):
        tally.clean.append(name)


def _cassettes(recorded: Sequence[tuple[Path, int]]) -> Iterator[tuple[str, Cassette | UnreadableError]]:
    for path, count in recorded:
        try:
            every = tuple(iterate(path))
        except UnreadableError as error:
            yield str(path), error
            continue
        yield str(path), Cassette(interactions=every[len(every) - count :] if count else ())
