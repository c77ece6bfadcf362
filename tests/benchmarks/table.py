"""The table that a benchmark prints: what was measured, beside its bar."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Line", "show"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One measurement. `held` is None where there is no bar."""

    what: str
    measured: str
    bar: str = ""
    held: bool | None = None


def show(lines: list[Line]) -> bool:
    """Print the lines; whether every bar was met."""
    rows = [("what", "measured", "bar", "")]
    rows += [
        (line.what, line.measured, line.bar, {None: "", True: "met", False: "NOT MET"}[line.held]) for line in lines
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    for row in rows:
        cells = [row[0].ljust(widths[0]), *(row[column].rjust(widths[column]) for column in range(1, 4))]
        print("  ".join(cells).rstrip())  # noqa: T201 (a command's output)
    return all(line.held is not False for line in lines)
