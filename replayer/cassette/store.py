"""Cassettes on disk. A file that cannot be read is never taken for absent, and never overwritten.

The codec says what bytes mean; this says when they are read and written. Appending is `Appender`'s.
"""

from __future__ import annotations

import os
from pathlib import Path

from replayer.cassette import atomic
from replayer.cassette.appender import Appender, AppendMode
from replayer.cassette.codec import Layout, decode, encode
from replayer.cassette.model import Cassette
from replayer.errors import CassetteError

__all__ = ["AppendMode", "Appender", "read", "write"]


def read(path: Path) -> Cassette:
    """The cassette in a file. Raises `CassetteError` where there is none, or it cannot be read."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise CassetteError(f"{path}: there is no such file") from None
    except OSError as error:
        raise CassetteError(f"{path}: cannot be read: {error.strerror or error}") from None
    return decode(data, name=str(path))


def write(path: Path, cassette: Cassette, *, layout: Layout) -> None:
    """Put a cassette in a file, whole or not at all. Raises `LockedError` while a recorder writes it."""
    path = Path(os.path.realpath(path))  # through a link, or the rename would replace the link
    data = encode(cassette, layout)
    held = atomic.lock(path)
    try:
        atomic.replace(path, data)
    finally:
        atomic.release(held)
