"""How a run of the gateway ends: what `--fail-on` names, the summary, the reports, and the exit status.

The rule: what was missed is told while the run goes on, the first few times, so that nobody has to read; everything
is told once at the end, what is alike together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from enum import StrEnum

from replayer.errors import ExitStatus, UsageError, closest
from replayer.journal import Entry, Outcome
from replayer.report.missed import asked, told
from replayer.report.target import Target, deliver
from replayer.report.words import counted
from replayer.run import Run, Summary

__all__ = ["Condition", "end", "read_conditions", "shortened", "telling"]

_TOLD = 20
"""Lines of a list that are told."""


class Condition(StrEnum):
    """What `--fail-on` can name."""

    MISS = "miss"
    VIOLATION = "violation"
    UNUSED = "unused"
    FAULT_NOT_APPLIED = "fault-not-applied"
    REQUEST_DRIFT = "request-drift"


def read_conditions(text: str) -> frozenset[Condition]:
    """The conditions in a `--fail-on` list. UsageError for one that there is not."""
    names = [name.strip() for name in text.split(",") if name.strip()]
    known = [condition.value for condition in Condition]
    if names == ["none"]:
        return frozenset()
    for name in names:
        if name not in known:
            raise UsageError(
                f"--fail-on {name}: no such condition{closest(name, known)} (there are: {', '.join(known)})"
            )
    return frozenset(Condition(name) for name in names)


def telling(tell: Callable[[Iterable[str]], None]) -> Callable[[Entry], None]:
    """Tells of misses and of faults that could not apply as they happen: the first few, then no more."""
    left = _TOLD

    def heard(entry: Entry) -> None:
        nonlocal left
        for line in _lines(entry):
            if left >= 0:
                tell([line] if left else ["… more is told at the end"])
            left -= 1

    return heard


def _lines(entry: Entry) -> list[str]:
    lines = [f"fault not applied: {reason} ({asked(entry)})" for reason in entry.not_applied]
    if entry.outcome is Outcome.MISS:
        lines.append(f"miss: {asked(entry)}: {told(entry)}")
    return lines


def end(
    run: Run,
    conditions: frozenset[Condition],
    *,
    targets: Sequence[Target],
    tell: Callable[[list[str]], None],
    show: Callable[[str], None],
) -> ExitStatus:
    """Tell how the run was and write its reports; the status that it ends with."""
    summary = run.summary()
    entries = tuple(run.entries())
    met = [condition for condition in Condition if condition in conditions and _is_met(condition, summary)]
    held = ExitStatus.HELD if summary.requests or summary.workers else ExitStatus.NOTHING_CHECKED
    status = ExitStatus.DID_NOT_HOLD if met else held
    lines = _summary(summary, conditions)
    verdict = [f"did not hold: {', '.join(met)}"] if met else []
    tell([*lines, *_misses(entries), *verdict])
    if targets:
        _report(run, entries, conditions, targets, [*lines, *verdict], status, show)
    return status


def shortened(lines: list[str]) -> list[str]:
    """A list, or its beginning and how much was left out."""
    return lines if len(lines) <= _TOLD else [*lines[:_TOLD], f"… and {len(lines) - _TOLD} more"]


def _report(
    run: Run,
    entries: Iterable[Entry],
    conditions: frozenset[Condition],
    targets: Sequence[Target],
    lines: Sequence[str],
    status: ExitStatus,
    show: Callable[[str], None],
) -> None:
    from replayer.report.replayed import Failing, report_of

    summary = run.summary()
    report = report_of(
        entries,
        interactions=run.played(),
        totals={
            "requests": summary.requests,
            **({"worker connections": summary.workers} if summary.workers else {}),
            **{outcome.value: count for outcome, count in summary.outcomes.items()},
            "faulted": summary.faulted,
            "faults not applied": summary.not_applied,
            "violations": summary.violations,
            "unchecked": sum(summary.unchecked.values()),
            "request drift": summary.request_drift,
            "interactions": summary.interactions,
            "never played": len(summary.unplayed),
        },
        summary=lines,
        failing=Failing(
            miss=Condition.MISS in conditions,
            violation=Condition.VIOLATION in conditions,
            unused=Condition.UNUSED in conditions,
            not_applied=Condition.FAULT_NOT_APPLIED in conditions,
        ),
        status=status,
    )
    # The summary is told on stderr; stdout has a report only where one was asked for.
    on_stdout = any(target.file is None for target in targets)
    deliver(report, targets, show if on_stdout else lambda _: None)


def _is_met(condition: Condition, summary: Summary) -> bool:
    return {
        Condition.MISS: summary.misses,
        Condition.VIOLATION: summary.violations,
        Condition.UNUSED: len(summary.unplayed),
        Condition.FAULT_NOT_APPLIED: summary.not_applied,
        Condition.REQUEST_DRIFT: summary.request_drift,
    }[condition] > 0


def _summary(summary: Summary, conditions: frozenset[Condition]) -> list[str]:
    outcomes = ", ".join(f"{count} {outcome}" for outcome, count in summary.outcomes.items())
    lines = [f"{summary.requests} requests{f': {outcomes}' if outcomes else ''}"]
    if summary.workers:
        lines.append(counted(summary.workers, "worker connection"))
    if summary.faulted or summary.not_applied:
        lines.append(f"{summary.faulted} with faults, {summary.not_applied} faults not applied (seed {summary.seed})")
    lines.append(f"{summary.violations} violations")
    lines += [f"not held against a contract: {what} ({count} times)" for what, count in summary.unchecked.items()]
    if summary.request_drift:
        lines.append(f"{summary.request_drift} requests match by loose rules only, and ask for something else")
    if summary.interactions:
        played = summary.interactions - len(summary.unplayed)
        lines.append(f"{played} of {summary.interactions} interactions played")
    if Condition.UNUSED in conditions:
        lines += shortened([f"never played: {name}" for name in summary.unplayed])
    return lines


def _misses(entries: Iterable[Entry]) -> list[str]:
    """What was missed, as far back as the journal reaches; what is alike once."""
    counts: dict[str, int] = {}
    for entry in entries:
        if entry.outcome is Outcome.MISS:
            line = f"missed: {asked(entry)}: {told(entry)}"
            counts[line] = counts.get(line, 0) + 1
    return shortened([line if count == 1 else f"{line} ({count} times)" for line, count in counts.items()])
