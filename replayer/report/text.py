"""A report for people: each finding with its count and its first places, then what was judged.

Where every result is told (a conformance run), they stand as a table, what did not hold with why below its row.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from replayer.report.report import Listing, Report, Result, Status
from replayer.report.words import one_line

__all__ = ["write"]


def write(report: Report) -> str:
    """The report, lines ended by newlines."""
    lines: list[str] = []
    if report.listing is Listing.ALL:
        lines += _table(report.results)
    else:
        for result in report.results:
            if result.status is not Status.HELD:
                label = result.severity or result.status
                lines += [f"{label}  {one_line(result.name)}", *_told(result)]
    lines += map(one_line, report.summary)
    return "\n".join(lines) + "\n"


def _table(results: Sequence[Result]) -> Iterator[str]:
    """A row a result: what came of it, what it stands under, its name, and how long it took."""
    rows = [(str(result.status), result.group, one_line(result.name), _took(result)) for result in results]
    widths = [max(map(len, column), default=0) for column in zip(*rows, strict=True)]
    for row, result in zip(rows, results, strict=True):
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True) if width]
        yield "  ".join(cells).rstrip()
        yield from _told(result)


def _took(result: Result) -> str:
    return "" if result.seconds is None else f"{result.seconds:7.1f} s"


def _told(result: Result) -> Iterator[str]:
    for line in result.why.splitlines():
        yield f"    {one_line(line)}"
    if result.places:
        yield f"    {one_line(_where(result))}"
    if result.rule:
        yield f"    by {one_line(result.rule)}"


def _where(result: Result) -> str:
    first, *more = result.places
    if result.count == 1:
        return f"at {first}"
    then = f", then {', '.join(more)}" if more else ""
    rest = ", …" if result.count > len(result.places) else ""
    return f"{result.count} times, first at {first}{then}{rest}"
