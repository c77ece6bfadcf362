"""Findings for people: the worst first, each with its count and its first place, then what was checked."""

from __future__ import annotations

from replayer.contract.validate import Checked
from replayer.contract.verify import Finding, Verification
from replayer.contract.violation import Severity

__all__ = ["write"]


def write(verification: Verification) -> str:
    """The report, lines ended by newlines."""
    lines: list[str] = []
    for unread in verification.unreadable:
        lines.append(f"unreadable  {_line(unread.message)}")
    for problem in verification.problems:
        lines.append(f"left out  {problem.name}: {_line(problem.message)}")
    for finding in verification.findings:
        lines += _finding(finding)
    lines += _summary(verification)
    return "\n".join(lines) + "\n"


def _finding(finding: Finding) -> list[str]:
    pointer = finding.pointer or "/"
    head = f"{finding.severity}  {pointer}: expected {finding.expected}, got {finding.actual}"
    if finding.count == 1:
        where = f"    at {finding.places[0]}"
    else:
        more = f", then {', '.join(finding.places[1:])}" if len(finding.places) > 1 else ""
        rest = ", …" if finding.count > len(finding.places) else ""
        where = f"    {finding.count} times, first at {finding.places[0]}{more}{rest}"
    return [_line(head), _line(where), f"    by {finding.schema}"]


def _summary(verification: Verification) -> list[str]:
    checked = verification.checked
    where = f"{_count(verification.interactions, 'interaction')} of {_count(verification.cassettes, 'cassette')}"
    lines = [f"checked {_kinds(checked)} in {where}"]
    if checked.uncovered:
        have = "has" if checked.uncovered == 1 else "have"
        lines.append(f"{_count(checked.uncovered, 'message')} {have} no contract, or could not be judged")
    found = [
        _count(verification.count(severity), word)
        for severity, word in ((Severity.ERROR, "error"), (Severity.WARNING, "warning"), (Severity.INFO, "note"))
        if verification.count(severity)
    ]
    if verification.unreadable:
        found.append(f"{_count(len(verification.unreadable), 'input')} unreadable")
    if not checked.count:
        found.append("nothing was checked")
    lines.append(", ".join(found) if found else "everything that was checked holds")
    return lines


def _kinds(checked: Checked) -> str:
    counts = [
        _count(checked.requests, "request"),
        _count(checked.responses, "response"),
        _count(checked.events, "stream event"),
        _count(checked.frames, "frame"),
    ]
    return ", ".join(counts[:-1]) + " and " + counts[-1]


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _line(text: str) -> str:
    """One line of a terminal: what came from a cassette can neither break it nor colour it."""
    return "".join(char if char.isprintable() else f"\\u{ord(char):04x}" for char in text)
