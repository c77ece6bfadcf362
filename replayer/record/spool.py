"""What is in flight, beside the cassette: `<cassette>.spool/`, a file an exchange, a JSON line an event.

The rule: what happened is in the spool before anybody could miss it, redacted, readable by its owner only, and is gone
once the interaction is in the cassette. Small and quick exchanges stay in memory and cost no file. A spool that a
killed run left is read back by `leftovers`; a line that the kill tore is dropped.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path

from replayer.errors import WriteError
from replayer.record.events import Event
from replayer.record.lines import decode_line, encode_line

__all__ = ["EventLog", "Spool"]

IN_MEMORY = 64 * 1024
"""Bytes of one exchange that may wait in memory."""
EVENT = 128
"""Bytes that an event takes beside what it holds, about."""
LONG = 1024 * 1024
"""Bytes of one exchange from which it is never in memory as a whole."""


class EventLog:
    """The events of one exchange, in memory until `spill`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._memory: list[Event] = []
        self._size = 0
        self._staying = (0, 0)
        self._file: int | None = None
        self._over = False

    @property
    def spilled(self) -> bool:
        return self._file is not None

    @property
    def is_long(self) -> bool:
        """Whether its events should be gone through rather than held."""
        return self._file is not None and self._size > LONG

    def add(self, event: Event, size: int = 0) -> None:
        """Keep one event that holds about `size` bytes. Raises `WriteError`."""
        if self._over:
            return
        self._size += size + EVENT
        if self._file is not None:
            self._write(self._file, [event])
            return
        self._memory.append(event)
        if self._size > IN_MEMORY:
            self.spill()

    def stay(self) -> None:
        """What there is now stays when something is forgotten."""
        here = len(self._memory) if self._file is None else os.lseek(self._file, 0, os.SEEK_END)
        self._staying = (here, self._size)

    def forget(self) -> None:
        """What came since `stay` goes."""
        here, self._size = self._staying
        if self._file is None:
            del self._memory[here:]
        else:
            os.ftruncate(self._file, here)

    def spill(self) -> None:
        """From now on everything of this exchange is on disk. Raises `WriteError`."""
        if self._file is not None or self._over:
            return
        try:
            self._path.parent.mkdir(mode=0o700, exist_ok=True)
            self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise WriteError(f"{self._path}: the spool cannot be made: {error.strerror}") from None
        here, size = self._staying
        self._write(self._file, self._memory[:here])
        self._staying = (os.lseek(self._file, 0, os.SEEK_END), size)
        self._write(self._file, self._memory[here:])
        self._memory = []

    def events(self) -> Iterator[Event]:
        """All of it, from the beginning."""
        return iter(self._memory) if self._file is None else _read(self._path)

    def discard(self) -> None:
        """The interaction is in the cassette, or is not wanted; what still passes leaves nothing behind."""
        self._memory, self._over = [], True
        if self._file is not None:
            os.close(self._file)
            self._file = None
            self._path.unlink(missing_ok=True)

    def _write(self, file: int, events: Iterable[Event]) -> None:
        data = b"".join(encode_line(event) for event in events)
        try:
            while data:
                data = data[os.write(file, data) :]
        except OSError as error:
            raise WriteError(f"{self._path}: cannot be written: {error.strerror}") from None


class Spool:
    """The folder of one cassette's exchanges in flight. Only who holds the cassette's lock may use it."""

    def __init__(self, cassette: Path) -> None:
        real = Path(os.path.realpath(cassette))
        self.folder = real.with_name(real.name + ".spool")
        self._next = 0

    def log(self) -> EventLog:
        """For a new exchange."""
        self._next += 1
        return EventLog(self.folder / f"{os.getpid()}-{self._next:06}.jsonl")

    def leftovers(self) -> list[tuple[Path, Callable[[], Iterator[Event]]]]:
        """What a killed run left, file by file, each to be gone through as often as is asked."""
        return [(path, partial(_read, path)) for path in sorted(self.folder.glob("*.jsonl"))]

    def close(self) -> None:
        """Remove the folder if nothing is in it."""
        try:
            self.folder.rmdir()
        except OSError:
            return  # absent, or somebody's file is in it


def _read(path: Path) -> Iterator[Event]:
    with path.open("rb") as lines:
        for line in lines:
            event = decode_line(line)
            if event is None:
                return  # torn by the kill: nothing can follow it
            yield event
