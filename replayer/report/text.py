"""A report for people: each finding with its count and its first places, then what was judged."""

from __future__ import annotations

from replayer.report.report import Listing, Report, Result, Status
from replayer.report.words import one_line

__all__ = ["write"]


def write(report: Report) -> str:
    """The report, lines ended by newlines."""
    lines: list[str] = []
    for result in report.results:
        if result.status is not Status.HELD or report.listing is Listing.ALL:
            lines += _result(result)
    lines += map(one_line, report.summary)
    return "\n".join(lines) + "\n"


def _result(result: Result) -> list[str]:
    label = result.severity or result.status
    lines = [f"{label}  {one_line(result.name)}"]
    lines += [f"    {one_line(line)}" for line in result.why.splitlines()]
    if result.places:
        lines.append(f"    {one_line(_where(result))}")
    if result.rule:
        lines.append(f"    by {one_line(result.rule)}")
    return lines


def _where(result: Result) -> str:
    first, *more = result.places
    if result.count == 1:
        return f"at {first}"
    then = f", then {', '.join(more)}" if more else ""
    rest = ", …" if result.count > len(result.places) else ""
    return f"{result.count} times, first at {first}{then}{rest}"
