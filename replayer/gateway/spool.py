"""A spool: a request body too large to be held, in a file that nobody else can read.

The rule: the file has no name (or loses it at once), so that it goes with the last who has it open, however that
ends, a kill included. What it takes in and gives out is in blocks; it is hashed as it comes.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterator

from replayer.cassette.model import Omitted

__all__ = ["BLOCK", "Spool"]

BLOCK = 1024 * 1024
"""Bytes that are written or read at once."""


class Spool:
    """One body. `close` it; nothing of it is there then. Its methods block: call them in a thread."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile(prefix="replayer-", buffering=0)  # noqa: SIM115 (closed by its owner)
        self._hash = hashlib.sha256()
        self._size = 0

    def add(self, block: bytes) -> None:
        """The next bytes. OSError where the disk does not take them."""
        self._hash.update(block)
        self._size += len(block)
        rest = memoryview(block)
        while rest:
            rest = rest[self._file.write(rest) :]

    def __len__(self) -> int:
        return self._size

    @property
    def omitted(self) -> Omitted:
        """What tells this body from any other."""
        return Omitted(bytes=self._size, sha256=self._hash.hexdigest())

    def block(self, at: int) -> bytes:
        """The bytes from a place on, as many as a block has or are left."""
        return os.pread(self._file.fileno(), BLOCK, at)

    def blocks(self) -> Iterator[bytes]:
        """All of it, from the start."""
        return (self.block(at) for at in range(0, self._size, BLOCK))

    def whole(self) -> bytes:
        """All of it at once."""
        return b"".join(self.blocks())

    def close(self) -> None:
        """Let go of it."""
        self._file.close()
