"""The one writer of one file while a recording runs.

An interaction is one line and one write, so that a kill at any moment costs at most the line being written, which the
next open drops. Only flow files that we wrote are appended to; every other file is first rewritten whole as flow. The
file is untouched until the first interaction arrives. No fsync a line: a kill needs none, and it would cost more than
the recording; `close` syncs.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from enum import StrEnum
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Self

from replayer.cassette import atomic
from replayer.cassette.codec import Layout, decode, encode, encode_line, encode_pieces, encode_preamble
from replayer.cassette.lines import begins_as_flow, flow_lines
from replayer.cassette.long import LongInteraction, line_pieces
from replayer.cassette.model import Cassette, Interaction, Metadata, Origin, Problem
from replayer.errors import CassetteError, WriteError

if TYPE_CHECKING:
    from filelock import FileLock

__all__ = ["BLOCK_BELOW", "Again", "AppendMode", "Appender"]

BLOCK_BELOW = 1000
"""Interactions from which a finished file stays in flow."""
BLOCK_BELOW_BYTES = 16 * 2**20
"""Bytes from which it does: nobody reads so much, and block loads slowly."""

_LONG_LINE = 2 * 2**20
"""Bytes of an interaction that alone takes too long to be laid out where there is little time."""


class AppendMode(StrEnum):
    """What becomes of interactions that the file already holds."""

    CONTINUE = "continue"
    REWRITE = "rewrite"
    """They go when the first new one arrives, and stay if none does."""
    RENEW = "renew"
    """They stay, but for those that were recorded again: these go when the file is closed."""


Again = Callable[[Interaction], bytes]
"""A key that two interactions share if one is the other recorded again."""


class Appender:
    """Open it with `Appender.open`, give it interactions, close it; it holds the file's lock all that time."""

    def __init__(self, path: Path, held: FileLock) -> None:
        self.path = path
        self.problems: tuple[Problem, ...] = ()
        """What was left out or mended when the file was opened."""
        self.count = 0
        """Interactions in the file; with `REWRITE`, the new ones."""
        self.latest: float | None = None
        """The latest `at` of those that were there before and stay."""
        self._held = held
        self._begin: bytes | None = None
        """What stands before the first new line, until that line is written; None where the file is ready."""
        self._size: int | None = None
        """Bytes of the file that are whole lines; None where it is written anew."""
        self._file: int | None = None
        self._longest = 0
        self._kept_whole = True
        self._dirty = False
        self._before = 0
        """Interactions that were there when the file was opened."""
        self._again: Again | None = None
        self._renewed: set[bytes] = set()

    @classmethod
    def open(
        cls,
        path: Path,
        *,
        metadata: Metadata,
        mode: AppendMode = AppendMode.CONTINUE,
        again: Again | None = None,
    ) -> Self:
        """Take the lock and look at the file. `again` tells what is renewed, where the mode is `RENEW`.

        Raises `LockedError` while another writes it, and `CassetteError` where it holds what we cannot read or could
        not keep; the file is untouched then, as it is until the first `append`.
        """
        path = Path(os.path.realpath(path))
        appender = cls(path, atomic.lock(path))
        try:
            appender._look(metadata, mode)
            appender._before = appender.count
            appender._again = again if mode is AppendMode.RENEW and appender.count else None
        except BaseException:
            atomic.release(appender._held)
            raise
        return appender

    def append(self, interaction: Interaction | LongInteraction) -> None:
        """Write one interaction. Raises `WriteError` if the disk refuses; the file then holds what it held before."""
        self._write(
            line_pieces(interaction) if isinstance(interaction, LongInteraction) else [encode_line(interaction)]
        )
        self.count += 1
        self._dirty = True
        if self._again is not None:
            self._renewed.add(
                self._again(interaction.outline if isinstance(interaction, LongInteraction) else interaction)
            )

    def close(self, *, layout: Layout | None = None, late: Callable[[], bool] | None = None) -> bool:
        """Rewrite the file in the wanted layout if anything was recorded, and let others write.

        Without `layout`: block below 1,000 interactions and 16 MiB, else flow. With `late`, which says when time is
        up, a file that takes longer stays in flow, whole: False then.
        """
        laid_out = True
        try:
            if self._file is not None:
                with atomic.writing(self.path):
                    os.fsync(self._file)
                os.close(self._file)
                self._file = None
            small = self.count < BLOCK_BELOW and (self._size or 0) < BLOCK_BELOW_BYTES
            wanted = layout or (Layout.BLOCK if small else Layout.FLOW)
            if self._dirty and self._kept_whole and (wanted is not Layout.FLOW or self._renewed):
                laid_out = self._lay_out(wanted, late)
                if not laid_out and self._renewed:  # what was recorded again would play after what it replaces
                    self._lay_out(Layout.FLOW, None)
        finally:
            self.abandon()
        return laid_out

    def _staying(self, lines: Iterable[Interaction]) -> Iterator[Interaction]:
        for index, one in enumerate(lines):
            if index >= self._before or self._again is None or self._again(one) not in self._renewed:
                yield one

    def abandon(self) -> None:
        """Let go of the file as it stands: every appended interaction is in it, in flow."""
        if self._file is not None:
            os.close(self._file)
            self._file = None
        if self._held.is_locked:
            atomic.release(self._held)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self.close()
        else:
            self.abandon()

    def _lay_out(self, wanted: Layout, late: Callable[[], bool] | None) -> bool:
        if late is not None and self._longest > _LONG_LINE:
            return False
        try:
            with flow_lines(self.path) as lines:
                pieces = encode_pieces(lines.metadata, self._staying(lines), wanted)
                atomic.replace(self.path, pieces if late is None else _in_time(pieces, late))
        except _TooLateError:
            return False
        return True

    def _look(self, metadata: Metadata, mode: AppendMode) -> None:
        """Read what is there, and decide what stands before the first new line."""
        try:
            if begins_as_flow(self.path) and self._walked(metadata, mode):
                return
            data = self.path.read_bytes()
        except FileNotFoundError:
            data = b""
        except OSError as error:
            raise CassetteError(f"{self.path}: cannot be read: {error.strerror}; nothing was changed") from None
        old = decode(data, name=str(self.path)) if data.strip() else Cassette()
        if mode is AppendMode.REWRITE or not (old.interactions or old.problems):
            self._begin = encode_preamble(metadata)
            return
        self.latest = max((one.response.at or 0.0 for one in old.interactions), default=None)
        merged = _merged(old, metadata)
        self.problems, self.count = old.problems, len(old.interactions)
        lost = [problem for problem in old.problems if problem.lost]
        if lost:
            raise CassetteError(
                f"{self.path}: its entry {lost[0].index} is not one that we could keep ({lost[0].message}), and "
                f"appending would rewrite the file; record into another one. Nothing was changed"
            )
        self._begin = encode(replace(old, metadata=merged), Layout.FLOW)

    def _walked(self, metadata: Metadata, mode: AppendMode) -> bool:
        """Look at a flow file line by line; False where it has to be read and written anew as a whole."""
        with flow_lines(self.path) as lines:
            for one in lines:
                self.count += 1
                self.latest = max(self.latest or 0.0, one.response.at or 0.0)
        if mode is AppendMode.REWRITE or not lines.entries:
            self.count, self.latest = 0, None
            self._begin = encode_preamble(metadata)
            return True
        old = Cassette(interactions=(), metadata=lines.metadata)
        if _merged(old, metadata) != lines.metadata:
            self.count, self.latest = 0, None
            return False
        self.problems, self._size, self._longest = tuple(lines.problems), lines.size, lines.longest
        self._kept_whole = not any(problem.lost for problem in lines.problems)
        return True

    def _write(self, pieces: Iterable[bytes]) -> None:
        if self._file is None:
            if self._begin is not None:
                begin = self._begin
                atomic.replace(self.path, chain([begin], pieces))
                self._size, self._begin = self.path.stat().st_size, None
                self._longest = max(self._size - len(begin), *map(len, begin.split(b"\n")))
                self._file = self._open_end()
                return
            self._file = self._open_end()
        size = self._size or 0
        length = 0
        try:
            for piece in pieces:
                written = 0
                while written < len(piece):
                    written += os.write(self._file, piece[written:])
                length += written
        except OSError as error:
            os.ftruncate(self._file, size)
            raise WriteError(
                f"{self.path}: interaction {self.count} cannot be written: {error.strerror}; "
                f"the {self.count} before it are in the file"
            ) from None
        self._size = size + length
        self._longest = max(self._longest, length)

    def _open_end(self) -> int:
        """The file, ready to be written to behind its last whole line."""
        with atomic.writing(self.path):
            descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
            try:
                os.ftruncate(descriptor, self._size or 0)
            except OSError:
                os.close(descriptor)
                raise
            return descriptor


class _TooLateError(Exception):
    """Time is up."""


def _in_time(pieces: Iterable[bytes], late: Callable[[], bool]) -> Iterator[bytes]:
    for piece in pieces:
        if late():
            raise _TooLateError
        yield piece


def _merged(old: Cassette, new: Metadata) -> Metadata:
    """The file's own word about itself stays; upstreams that are new to it are added."""
    if old.metadata is None:
        return new if not old.interactions else replace(new, origin=Origin.IMPORTED)
    return replace(old.metadata, upstreams={**new.upstreams, **old.metadata.upstreams})
