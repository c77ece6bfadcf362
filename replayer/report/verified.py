"""The report of `verify`: the findings, the cassettes in which nothing was found, and how much was checked."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from replayer.cassette.model import Frame, FrameKind
from replayer.contract.checked import Checked
from replayer.contract.verify import Connection, Finding, Verification
from replayer.contract.violation import Severity
from replayer.report.report import Excerpt, Moment, Report, Result, Status, Timeline, Total
from replayer.report.words import counted

__all__ = ["report_of"]


_MOMENTS = 500
"""Of one connection that a page shows."""


def report_of(
    verification: Verification, fail_on: Severity = Severity.ERROR, *, show: Callable[[str], str] = str
) -> Report:
    """What `verify` found; `fail_on` is the mildest violation that fails, `show` takes the secrets out of a text."""
    return Report(
        command="verify",
        status=verification.status(fail_on),
        results=tuple(_results(verification, fail_on, show)),
        totals=tuple(Total(name=name, number=number) for name, number in _totals(verification).items()),
        summary=tuple(_summary(verification)),
        timelines=tuple(_timeline(connection, show) for connection in verification.connections),
    )


def _results(verification: Verification, fail_on: Severity, show: Callable[[str], str]) -> Iterator[Result]:
    for unread in verification.unreadable:
        yield Result(name=unread.message, status=Status.UNREADABLE, group="inputs")
    for problem in verification.problems:
        yield Result(name=problem.name, status=Status.SKIPPED, group="inputs", why=problem.message)
    for finding in verification.findings:
        yield _finding(finding, fail_on, show)
    for name in verification.held:
        yield Result(name=name, status=Status.HELD, group="cassettes")


def _finding(finding: Finding, fail_on: Severity, show: Callable[[str], str]) -> Result:
    around = finding.excerpt
    return Result(
        name=f"{finding.pointer or '/'}: expected {finding.expected}, got {show(finding.actual)}",
        status=Status.FAILED if finding.severity.reaches(fail_on) else Status.NOTED,
        group=finding.schema,
        severity=finding.severity,
        rule=finding.schema,
        count=finding.count,
        places=finding.places,
        excerpt=Excerpt(lines=tuple(map(show, around.lines)), marked=around.marked) if around else None,
    )


def _timeline(connection: Connection, show: Callable[[str], str]) -> Timeline:
    return Timeline(
        title=connection.name,
        moments=tuple(
            Moment(
                at=frame.at,
                sender=str(frame.sender),
                kind=str(frame.kind),
                text=show(_told(frame)),
                severity=connection.severities.get(number),
            )
            for number, frame in enumerate(connection.frames[:_MOMENTS])
        ),
        left_out=max(0, len(connection.frames) - _MOMENTS),
    )


def _told(frame: Frame) -> str:
    if frame.kind is FrameKind.CLOSE:
        return f"{frame.code} {frame.text}".strip()
    return frame.text[:2000] if frame.kind is FrameKind.TEXT else f"{len(frame.data):,} bytes"


def _totals(verification: Verification) -> dict[str, int]:
    checked = verification.checked
    return {
        "cassettes": verification.cassettes,
        "interactions": verification.interactions,
        "requests": checked.requests,
        "responses": checked.responses,
        "events": checked.events,
        "frames": checked.frames,
        "uncovered": checked.uncovered,
        "errors": verification.count(Severity.ERROR),
        "warnings": verification.count(Severity.WARNING),
        "notes": verification.count(Severity.INFO),
        "unreadable": len(verification.unreadable),
    }


def _summary(verification: Verification) -> list[str]:
    checked = verification.checked
    where = f"{counted(verification.interactions, 'interaction')} of {counted(verification.cassettes, 'cassette')}"
    lines = [f"checked {_kinds(checked)} in {where}"]
    if checked.uncovered:
        have = "has" if checked.uncovered == 1 else "have"
        lines.append(f"{counted(checked.uncovered, 'message')} {have} no contract, or could not be judged")
    found = [
        counted(verification.count(severity), word)
        for severity, word in ((Severity.ERROR, "error"), (Severity.WARNING, "warning"), (Severity.INFO, "note"))
        if verification.count(severity)
    ]
    if verification.unreadable:
        found.append(f"{counted(len(verification.unreadable), 'input')} unreadable")
    if not checked.count:
        found.append("nothing was checked")
    lines.append(", ".join(found) if found else "everything that was checked holds")
    return lines


def _kinds(checked: Checked) -> str:
    counts = [
        counted(checked.requests, "request"),
        counted(checked.responses, "response"),
        counted(checked.events, "stream event"),
        counted(checked.frames, "frame"),
    ]
    return ", ".join(counts[:-1]) + " and " + counts[-1]
