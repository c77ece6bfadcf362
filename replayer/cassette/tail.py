"""The end of a file that another process appends to: its newly written interactions, one by one.

The rule: it reads whole lines of a flow file, each once, and holds nothing; the writer's first line may replace the
file, so it is opened when the first one is asked for.
"""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

from replayer.cassette.codec import decode, decode_entry
from replayer.cassette.flow import is_flow
from replayer.cassette.lines import begins_as_flow, count_lines
from replayer.cassette.model import Interaction

__all__ = ["Tail", "entries"]


def entries(path: Path) -> int:
    """How many interactions stand in a file before it is appended to; 0 where there is none. Raises CassetteError."""
    try:
        if begins_as_flow(path):
            return count_lines(path)
        data = path.read_bytes()
    except FileNotFoundError:
        return 0
    return len(decode(data, name=str(path)).interactions) if data.strip() else 0


class Tail:
    """What comes after the first `known` interactions of the file at `path`. Close it."""

    def __init__(self, path: Path, *, known: int) -> None:
        self._path = path
        self._known = known
        self._file: BinaryIO | None = None

    def next(self) -> Interaction | None:
        """The next new interaction, None where no whole line of one is there. Raises CassetteError."""
        if self._file is None and not self._open():
            return None
        line = self._entry()
        if line is None:
            return None
        # Alone: the head of the file, which is YAML, is not read again with each line.
        return decode_entry(line, name=str(self._path))

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _open(self) -> bool:
        try:
            self._file = self._path.open("rb")
        except FileNotFoundError:
            return False
        if not is_flow(self._file.readline()):  # its writer has finished and laid it out already
            self.close()
            return False
        for _ in range(self._known):
            self._entry()
        return True

    def _entry(self) -> bytes | None:
        """The next line that holds an interaction."""
        if self._file is None:
            return None
        while True:
            start = self._file.tell()
            line = self._file.readline()
            if not line.endswith(b"\n"):
                self._file.seek(start)
                return None
            if line.startswith(b"- "):
                return line
