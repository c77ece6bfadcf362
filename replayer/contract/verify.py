"""Cassettes held against a contract, one after another: what was checked, and what did not hold, grouped.

The same violation in 200 places is one finding with its count and its first places, so that a report stays readable
and memory does not grow with the mistakes. Reads no files: an iterable of cassettes, or of the errors that reading
them ended with, is handed in.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from replayer.cassette.model import Cassette, Frame, Interaction, Metadata
from replayer.contract.excerpt import Lines, lines_around, message_of
from replayer.contract.uri import parts_of
from replayer.contract.validate import Checked, Contract
from replayer.contract.violation import Severity, Violation
from replayer.errors import ExitStatus, UnreadableError

__all__ = ["Connection", "Finding", "Unread", "Verification", "service_of", "verify"]

_PLACES = 5
"""Of one finding, told in full."""

_RANK = {Severity.INFO: 0, Severity.WARNING: 1, Severity.ERROR: 2}
_CONNECTIONS = 10
"""Whose frames a report shows."""

_FRAME = re.compile(r" frame (\d+)")
_INDEX = re.compile(r"/[0-9]+(?=/|\Z)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One kind of violation, and where it was met."""

    severity: Severity
    schema: str
    pointer: str
    """With `*` for every index."""
    expected: str
    actual: str
    """Of the first place."""
    count: int
    places: tuple[str, ...]
    """The first few, in order."""
    excerpt: Lines | None = None
    """Of the first place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """The frames of one connection, and what is wrong with which."""

    name: str
    frames: tuple[Frame, ...]
    severities: Mapping[int, Severity]
    """By the number of the frame."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unread:
    """What could not be read: a whole cassette, or one interaction of it."""

    name: str
    """The cassette, or `<cassette>#<n>`."""
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """The outcome of one run."""

    cassettes: int
    """That could be read."""
    interactions: int
    checked: Checked
    """Counts only: its violations are in `findings`."""
    findings: tuple[Finding, ...]
    """The worst first, then the most frequent."""
    unreadable: tuple[Unread, ...] = ()
    problems: tuple[Unread, ...] = ()
    """What loading left out or mended."""
    held: tuple[str, ...] = ()
    """The cassettes in which something was checked and nothing was found."""
    connections: tuple[Connection, ...] = ()
    """The first few, those with violations before the others."""

    def count(self, severity: Severity) -> int:
        """Violations of this severity, in all places."""
        return sum(finding.count for finding in self.findings if finding.severity is severity)

    def status(self, fail_on: Severity = Severity.ERROR) -> ExitStatus:
        """What the run says to CI. An input that could not be read outweighs what was found in the others."""
        if self.unreadable:
            return ExitStatus.UNREADABLE
        if any(finding.severity.reaches(fail_on) for finding in self.findings):
            return ExitStatus.DID_NOT_HOLD
        return ExitStatus.HELD if self.checked.count else ExitStatus.NOTHING_CHECKED


def verify(cassettes: Iterable[tuple[str, Cassette | UnreadableError]], contract: Contract) -> Verification:
    """Check every request, answer, stream event and frame of every cassette, by the name that reports shall use."""
    tally = _Tally()
    for name, cassette in cassettes:
        if isinstance(cassette, UnreadableError):
            tally.unreadable.append(Unread(name=name, message=str(cassette)))
            continue
        tally.cassettes += 1
        for problem in cassette.problems:
            place = name if problem.index is None else f"{name}#{problem.index}"
            tally.problems.append(Unread(name=place, message=problem.message))
        before = tally.checked.count, tally.found
        for index, interaction in enumerate(cassette.interactions):
            service = service_of(cassette.metadata, interaction.request.uri)
            tally.take(
                contract.interaction(interaction, where=f"{name}#{index}", service=service),
                interaction,
                f"{name}#{index}",
            )
        if tally.checked.count > before[0] and tally.found == before[1]:
            tally.held.append(name)
    return tally.done()


def service_of(metadata: Metadata | None, uri: str) -> str | None:
    """The name under which the upstream of `uri` was recorded, or None. The longest base URL wins."""
    upstreams: Mapping[str, str] = metadata.upstreams if metadata is not None else {}
    target = parts_of(uri)
    best: tuple[int, str] | None = None
    for name, url in upstreams.items():
        base = parts_of(url)
        path = base.path.rstrip("/")
        inside = target.path == path or target.path.startswith(path + "/")
        if base.netloc == target.netloc and inside and (best is None or len(path) > best[0]):
            best = (len(path), name)
    return best[1] if best is not None else None


@dataclass(slots=True)
class _Group:
    first: Violation
    pointer: str
    excerpt: Lines | None
    count: int = 0
    places: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Tally:
    """What a run adds up, in place."""

    cassettes: int = 0
    interactions: int = 0
    checked: Checked = field(default_factory=Checked)
    groups: dict[tuple[str, ...], _Group] = field(default_factory=dict)
    unreadable: list[Unread] = field(default_factory=list)
    problems: list[Unread] = field(default_factory=list)
    held: list[str] = field(default_factory=list)
    broken: list[Connection] = field(default_factory=list)
    sound: list[Connection] = field(default_factory=list)
    found: int = 0
    """Violations."""

    def take(self, checked: Checked, interaction: Interaction, name: str) -> None:
        self.interactions += 1
        self.found += len(checked.violations)
        for violation in checked.violations:
            pointer = _INDEX.sub("/*", violation.pointer)
            key = (violation.severity, violation.schema, pointer, violation.expected)
            group = self.groups.get(key)
            if group is None:
                message = message_of(interaction, violation.where)
                around = None if message is None else lines_around(message, violation.pointer)
                group = self.groups[key] = _Group(violation, pointer, around)
            group.count += 1
            if len(group.places) < _PLACES and violation.where not in group.places:
                group.places.append(violation.where)
        self.checked += checked.counts()
        if interaction.response.frames is not None:
            self._keep(interaction.response.frames, checked, name)

    def _keep(self, frames: tuple[Frame, ...], checked: Checked, name: str) -> None:
        severities: dict[int, Severity] = {}
        for violation in checked.violations:
            told = _FRAME.search(violation.where)
            number = int(told[1]) if told else 0
            if violation.severity.reaches(severities.get(number, Severity.INFO)):
                severities[number] = violation.severity
        kept = self.broken if severities else self.sound
        if len(kept) < _CONNECTIONS:
            kept.append(Connection(name=name, frames=frames, severities=severities))

    def done(self) -> Verification:
        findings = [
            Finding(
                severity=group.first.severity,
                schema=group.first.schema,
                pointer=group.pointer,
                expected=group.first.expected,
                actual=group.first.actual,
                count=group.count,
                places=tuple(group.places),
                excerpt=group.excerpt,
            )
            for group in self.groups.values()
        ]
        findings.sort(key=lambda finding: (-_RANK[finding.severity], -finding.count))
        return Verification(
            cassettes=self.cassettes,
            interactions=self.interactions,
            checked=self.checked,
            findings=tuple(findings),
            unreadable=tuple(self.unreadable),
            problems=tuple(self.problems),
            held=tuple(self.held),
            connections=tuple((self.broken + self.sound)[:_CONNECTIONS]),
        )
