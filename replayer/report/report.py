"""What a command that judges has to say: one value for every such command, and for every way of writing it.

`verify`, `drift`, `worker check` and the end of a `replay` each turn their outcome into a `Report`; text, JSON, JUnit
and HTML are written from that. A result is one thing that was judged: a check that held or failed, a violation with
all its places, a change. Knows no command and no format.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from replayer.contract.violation import Severity
from replayer.errors import ExitStatus

__all__ = ["Excerpt", "Listing", "Moment", "Report", "Result", "Sides", "Status", "Timeline", "Total"]


class Status(StrEnum):
    """What became of one thing that was judged."""

    HELD = "held"
    FAILED = "failed"
    """It ends the run with 1."""
    NOTED = "noted"
    """It did not hold, and this run does not fail on it."""
    SKIPPED = "skipped"
    UNREADABLE = "unreadable"


class Listing(StrEnum):
    """Which results the text tells one by one."""

    FINDINGS = "findings"
    """Not those that held: they are counted."""
    ALL = "all"


@dataclass(frozen=True, slots=True, kw_only=True)
class Excerpt:
    """Lines around what does not fit; `marked` are the indices of those that are it."""

    lines: tuple[str, ...]
    marked: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Sides:
    """Two things to be read side by side."""

    old: Excerpt
    new: Excerpt
    old_title: str = "old"
    new_title: str = "new"


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One thing that was judged. All texts are redacted already."""

    name: str
    """One line. With `group` it names the same thing in the next run, too."""
    status: Status
    group: str = ""
    """What it stands under: a cassette, an operation, `must`."""
    severity: Severity | None = None
    why: str = ""
    """What was found, or what to do; a line or more."""
    rule: str = ""
    """The `$id` of a schema, or the sentence of a protocol."""
    count: int = 1
    places: tuple[str, ...] = ()
    """The first few, in order."""
    excerpt: Excerpt | None = None
    sides: Sides | None = None
    seconds: float | None = None
    """How long it took, where that was measured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """One message on a timeline."""

    at: float
    """Milliseconds from the beginning of the connection."""
    sender: str
    """`client` or `server`."""
    text: str
    kind: str = "text"
    """`text`, `binary`, `close`, or `event` of a stream."""
    severity: Severity | None = None
    """Of what is wrong with it, if anything is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """The messages of one connection or stream."""

    title: str
    moments: tuple[Moment, ...]
    left_out: int = 0
    """Moments beyond those that a page can hold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Total:
    """A count, by its name."""

    name: str
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The outcome of one run of one command."""

    command: str
    """`verify`, `drift`, `worker check`, `replay`."""
    status: ExitStatus
    results: tuple[Result, ...]
    totals: tuple[Total, ...] = ()
    summary: tuple[str, ...] = ()
    """The last lines of the text: what was judged, and the verdict."""
    timelines: tuple[Timeline, ...] = ()
    listing: Listing = Listing.FINDINGS
