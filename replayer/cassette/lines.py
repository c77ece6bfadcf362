"""A flow file on disk, line by line: as long as it may be, no more than one interaction of it is in memory.

The rule: a last line without its newline is torn and no line. What the lines mean is the codec's.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from replayer.cassette.codec import decode_lines
from replayer.cassette.flow import FLOW_MARK, is_flow
from replayer.cassette.model import Interaction, Metadata, Problem

__all__ = ["FlowLines", "begins_as_flow", "count_lines", "flow_lines"]

_ENTRY = b"- "


@dataclass(slots=True)
class FlowLines:
    """One walk through a file: iterate once, then ask for what was seen."""

    metadata: Metadata | None = None
    problems: list[Problem] = field(default_factory=list)
    size: int = 0
    """Bytes that are whole lines."""
    longest: int = 0
    """Bytes of the longest of them."""
    torn: bool = False
    entries: int = 0
    _walk: Iterator[tuple[int, Interaction | None, list[Problem]]] = field(default_factory=lambda: iter(()))

    def __iter__(self) -> Iterator[Interaction]:
        for index, interaction, problems in self._walk:
            self.entries = index + 1
            self.problems += problems
            if interaction is not None:
                yield interaction
        if self.torn:
            message = "its last line has no newline: it was torn while it was written, and was dropped"
            self.problems.append(Problem(index=self.entries, message=message))


def begins_as_flow(path: Path) -> bool:
    """Whether the file is in flow. Raises OSError."""
    with path.open("rb") as file:
        return is_flow(file.read(len(FLOW_MARK) + 1))


def count_lines(path: Path) -> int:
    """How many interactions stand in a flow file, those that cannot be used among them. Raises OSError."""
    with path.open("rb") as file:
        return sum(line.startswith(_ENTRY) and line.endswith(b"\n") for line in file)


@contextmanager
def flow_lines(path: Path, *, skip: int = 0) -> Iterator[FlowLines]:
    """A walk through the file at `path`, past its first `skip` interactions, which are not looked at.

    Raises `CassetteError`, also while it is walked, and OSError.
    """
    with path.open("rb") as file:
        seen = FlowLines()

        def whole() -> Iterator[bytes]:
            left = skip
            for line in file:
                if not line.endswith(b"\n"):
                    seen.torn = True
                    return
                seen.size += len(line)
                seen.longest = max(seen.longest, len(line))
                if left and line.startswith(_ENTRY):
                    left -= 1
                    continue
                yield line[:-1]

        seen.metadata, seen._walk = decode_lines(whole(), name=str(path))
        yield seen
