"""The report of a `replay`: its misses and what came nearest, faults that could not apply, violations, what was played.

The rule: what is alike is one result with a count, whichever sessions it came from, so that a run of a suite reads as
its defects and not as its requests. Interactions are results too: played ones held.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from replayer.contract.violation import Severity
from replayer.errors import ExitStatus
from replayer.journal import Entry, Outcome
from replayer.report.missed import asked, differences, told
from replayer.report.report import Excerpt, Report, Result, Status, Total

__all__ = ["Failing", "report_of"]

_PLACES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Failing:
    """What ends this run with 1, as `--fail-on` says."""

    miss: bool
    violation: bool
    unused: bool
    not_applied: bool


@dataclass(slots=True)
class _Group:
    """Entries that say the same."""

    first: Entry
    why: str
    severity: Severity | None = None
    rule: str = ""
    places: list[str] = field(default_factory=list)
    count: int = 0


def report_of(
    entries: Iterable[Entry],
    *,
    interactions: Mapping[str, bool],
    totals: Mapping[str, int],
    summary: Sequence[str],
    failing: Failing,
    status: ExitStatus,
) -> Report:
    """What the journal says at the end. `interactions` are all names, each with whether it was played."""
    return Report(
        command="replay",
        status=status,
        results=tuple(_results(tuple(entries), interactions, failing)),
        totals=tuple(Total(name=name, number=number) for name, number in totals.items()),
        summary=tuple(summary),
    )


def _results(entries: Sequence[Entry], interactions: Mapping[str, bool], failing: Failing) -> Iterator[Result]:
    groups: dict[tuple[str, str, str], _Group] = {}
    for entry in entries:
        if entry.outcome is Outcome.MISS:
            _add(groups, "misses", asked(entry), entry, told(entry))
        for reason in entry.not_applied:
            _add(groups, "faults not applied", reason, entry, f"asked for on {asked(entry)}")
        for violation in entry.violations:
            name = f"{violation['pointer'] or '/'}: expected {violation['expected']}, got {violation['actual']}"
            group = _add(groups, "violations", name, entry, asked(entry))
            group.severity, group.rule = Severity(violation["severity"]), violation["schema"]
    for (kind, name, _), group in groups.items():
        yield _result(kind, name, group, failing)
    for name, played in interactions.items():
        unplayed = Status.FAILED if failing.unused else Status.SKIPPED
        why = "" if played else "it was never played"
        yield Result(name=name, status=Status.HELD if played else unplayed, group="interactions", why=why)


def _add(groups: dict[tuple[str, str, str], _Group], kind: str, name: str, entry: Entry, why: str) -> _Group:
    group = groups.setdefault((kind, name, why), _Group(entry, why))
    group.count += 1
    if len(group.places) < _PLACES:
        group.places.append(f"journal entry {entry.id} (session {entry.session})")
    return group


def _result(kind: str, name: str, group: _Group, failing: Failing) -> Result:
    fails = {
        "misses": failing.miss,
        "faults not applied": failing.not_applied,
        "violations": failing.violation and group.severity is not Severity.INFO,
    }[kind]
    lines = differences(group.first) if kind == "misses" else ()
    return Result(
        name=name,
        status=Status.FAILED if fails else Status.NOTED,
        group=kind,
        severity=group.severity,
        why=group.why,
        rule=group.rule,
        count=group.count,
        places=tuple(group.places),
        excerpt=Excerpt(lines=lines) if lines else None,
    )
