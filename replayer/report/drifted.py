"""The report of `drift`: the changes, each with both sides, and what was compared."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from replayer.contract.change import Change, ChangeKind
from replayer.contract.drift import Drift
from replayer.contract.violation import Severity
from replayer.errors import ExitStatus
from replayer.report.report import Excerpt, Report, Result, Sides, Status, Total
from replayer.report.words import counted

__all__ = ["report_of"]


def report_of(drift: Drift, fail_on: Severity = Severity.ERROR, *, left_out: Sequence[tuple[str, str]] = ()) -> Report:
    """What `drift` found; `left_out` are places that could not be compared, and why."""
    changed = {change.message for change in drift.changes}
    results = [_result(change, fail_on) for change in drift.changes]
    results += [Result(name=where, status=Status.SKIPPED, group="left out", why=why) for where, why in left_out]
    results += [
        Result(name=name, status=Status.HELD, group="operations")
        for name in drift.compared
        if not any(message.startswith(name) for message in changed)
    ]
    return Report(
        command="drift",
        status=drift.status(fail_on),
        results=tuple(results),
        totals=tuple(Total(name=name, number=number) for name, number in _totals(drift).items()),
        summary=tuple(_summary(drift)),
    )


def _result(change: Change, fail_on: Severity) -> Result:
    place = f"{change.pointer}: " if change.pointer else ""
    return Result(
        name=f"{change.message}: {place}{change.kind}: {change.old} → {change.new}",
        status=Status.FAILED if change.severity.reaches(fail_on) else Status.NOTED,
        group=change.message,
        severity=change.severity,
        count=change.count,
        places=change.places,
        sides=_sides(change),
    )


def _sides(change: Change) -> Sides:
    if not change.old_outline and not change.new_outline:
        whole = frozenset({0})
        sides = (Excerpt(lines=(change.old,), marked=whole), Excerpt(lines=(change.new,), marked=whole))
    else:
        name = change.pointer.removesuffix("/*").rpartition("/")[2].replace("~1", "/").replace("~0", "~")
        said = (change.old, change.new) if change.kind in (ChangeKind.ENUM, ChangeKind.WORD) else ("", "")
        sides = (_excerpt(change.old_outline, name, said[0]), _excerpt(change.new_outline, name, said[1]))
    return Sides(old=sides[0], new=sides[1], old_title="recorded", new_title="now")


def _excerpt(lines: tuple[str, ...], name: str, said: str) -> Excerpt:
    """The outline of an object with the line of one field marked; `said` are the words that it was seen to hold."""
    marked = {number for number, line in enumerate(lines) if line.partition(":")[0].removesuffix("?") == name}
    told = (f"{line} ({said})" if said and number in marked else line for number, line in enumerate(lines))
    return Excerpt(lines=tuple(told), marked=frozenset(marked))


def _totals(drift: Drift) -> dict[str, int]:
    totals = {"old": drift.old, "new": drift.new, "compared": len(drift.compared), "missing": len(drift.missing)}
    totals |= {"extra": len(drift.extra)}
    totals |= {f"{severity}s": drift.count(severity) for severity in (Severity.ERROR, Severity.WARNING)}
    totals |= {"notes": drift.count(Severity.INFO)}
    return totals | {str(kind): number for kind in ChangeKind if (number := _number(drift, kind))}


def _number(drift: Drift, kind: ChangeKind) -> int:
    return sum(change.kind is kind for change in drift.changes)


def _summary(drift: Drift) -> Iterator[str]:
    yield (
        f"compared {counted(len(drift.compared), 'operation')}: {counted(drift.old, 'recorded interaction')} "
        f"against {counted(drift.new, 'new one')}"
    )
    for names, word in ((drift.missing, "not met again"), (drift.extra, "not recorded before")):
        if names:
            yield f"{word}: {', '.join(names[:10])}{', …' if len(names) > 10 else ''}"
    found = [
        counted(drift.count(severity), word)
        for severity, word in ((Severity.ERROR, "error"), (Severity.WARNING, "warning"), (Severity.INFO, "note"))
        if drift.count(severity)
    ]
    if drift.status() is ExitStatus.NOTHING_CHECKED:
        found.append("nothing could be compared")
    yield ", ".join(found) if found else "no drift"
