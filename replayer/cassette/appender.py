"""The one writer of one file while a recording runs.

An interaction is one line and one write, so that a kill at any moment costs at most the line being written, which the
next open drops. Only flow files that we wrote are appended to; every other file is first rewritten whole as flow. The
file is untouched until the first interaction arrives. No fsync a line: a kill needs none, and it would cost more than
the recording; `close` syncs.
"""

from __future__ import annotations

import os
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import Self

from replayer.cassette import atomic
from replayer.cassette.codec import Layout, decode, encode, encode_line, encode_preamble, layout_of
from replayer.cassette.model import Cassette, Interaction, Metadata, Origin, Problem
from replayer.errors import CassetteError, WriteError

__all__ = ["BLOCK_BELOW", "AppendMode", "Appender"]

BLOCK_BELOW = 1000
"""Interactions from which a finished file stays in flow."""


class AppendMode(StrEnum):
    """What becomes of interactions that the file already holds."""

    CONTINUE = "continue"
    REWRITE = "rewrite"
    """They go when the first new one arrives, and stay if none does."""


class Appender:
    """Open it with `Appender.open`, give it interactions, close it; it holds the file's lock all that time."""

    def __init__(self, path: Path, held: atomic.FileLock) -> None:
        self.path = path
        self.problems: tuple[Problem, ...] = ()
        """What was left out or mended when the file was opened."""
        self.count = 0
        """Interactions in the file; with `REWRITE`, the new ones."""
        self._held = held
        self._begin: bytes | None = None
        """What stands before the first new line, until that line is written; None where the file is ready."""
        self._size: int | None = None
        """Bytes of the file that are whole lines; None where it is written anew."""
        self._file: int | None = None
        self._kept_whole = True
        self._dirty = False

    @classmethod
    def open(cls, path: Path, *, metadata: Metadata, mode: AppendMode = AppendMode.CONTINUE) -> Self:
        """Take the lock and look at the file.

        Raises `LockedError` while another writes it, and `CassetteError` where it holds what we cannot read or could
        not keep; the file is untouched then, as it is until the first `append`.
        """
        path = Path(os.path.realpath(path))
        appender = cls(path, atomic.lock(path))
        try:
            appender._look(metadata, mode)
        except BaseException:
            atomic.release(appender._held)
            raise
        return appender

    def append(self, interaction: Interaction) -> None:
        """Write one interaction. Raises `WriteError` if the disk refuses; the file then holds what it held before."""
        self._write(encode_line(interaction))
        self.count += 1
        self._dirty = True

    def close(self, *, layout: Layout | None = None) -> None:
        """Rewrite the file in the wanted layout if anything was recorded, and let others write.

        Without `layout`: block below 1,000 interactions, else flow.
        """
        try:
            if self._file is not None:
                with atomic.writing(self.path):
                    os.fsync(self._file)
                os.close(self._file)
                self._file = None
            wanted = layout or (Layout.BLOCK if self.count < BLOCK_BELOW else Layout.FLOW)
            if self._dirty and wanted is not Layout.FLOW and self._kept_whole:
                atomic.replace(self.path, encode(decode(self.path.read_bytes(), name=str(self.path)), wanted))
        finally:
            self.abandon()

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

    def _look(self, metadata: Metadata, mode: AppendMode) -> None:
        """Read what is there, and decide what stands before the first new line."""
        try:
            data = self.path.read_bytes()
        except FileNotFoundError:
            data = b""
        except OSError as error:
            raise CassetteError(f"{self.path}: cannot be read: {error.strerror}; nothing was changed") from None
        old = decode(data, name=str(self.path)) if data.strip() else Cassette()
        if mode is AppendMode.REWRITE or not (old.interactions or old.problems):
            self._begin = encode_preamble(metadata)
            return
        merged = _merged(old, metadata)
        self.problems, self.count = old.problems, len(old.interactions)
        lost = [problem for problem in old.problems if problem.lost]
        if layout_of(data) is Layout.FLOW and merged == old.metadata:
            self._size = data.rfind(b"\n") + 1
            self._kept_whole = not lost
        elif lost:
            raise CassetteError(
                f"{self.path}: its entry {lost[0].index} is not one that we could keep ({lost[0].message}), and "
                f"appending would rewrite the file; record into another one. Nothing was changed"
            )
        else:
            self._begin = encode(replace(old, metadata=merged), Layout.FLOW)

    def _write(self, line: bytes) -> None:
        if self._file is None:
            if self._begin is not None:
                atomic.replace(self.path, self._begin + line)
                self._size, self._begin = len(self._begin) + len(line), None
                self._file = self._open_end()
                return
            self._file = self._open_end()
        size = self._size or 0
        try:
            written = os.write(self._file, line)
            while written < len(line):
                written += os.write(self._file, line[written:])
        except OSError as error:
            os.ftruncate(self._file, size)
            raise WriteError(
                f"{self.path}: interaction {self.count} cannot be written: {error.strerror}; "
                f"the {self.count} before it are in the file"
            ) from None
        self._size = size + len(line)

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


def _merged(old: Cassette, new: Metadata) -> Metadata:
    """The file's own word about itself stays; upstreams that are new to it are added."""
    if old.metadata is None:
        return new if not old.interactions else replace(new, origin=Origin.IMPORTED)
    return replace(old.metadata, upstreams={**new.upstreams, **old.metadata.upstreams})
