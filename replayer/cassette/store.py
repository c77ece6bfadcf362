"""Cassettes on disk. A file that cannot be read is never taken for absent, and never overwritten.

The codec says what bytes mean; this says when they are read and written. Appending is `Appender`'s.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from replayer.cassette import atomic
from replayer.cassette.appender import Appender, AppendMode
from replayer.cassette.codec import Layout, decode, encode_pieces
from replayer.cassette.lines import begins_as_flow, count_lines, flow_lines
from replayer.cassette.model import Cassette, Interaction, Metadata
from replayer.errors import CassetteError

__all__ = ["AppendMode", "Appender", "iterate", "last", "read", "write", "write_each"]


def read(path: Path) -> Cassette:
    """The cassette in a file. Raises `CassetteError` where there is none, or it cannot be read."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise CassetteError(f"{path}: there is no such file") from None
    except OSError as error:
        raise CassetteError(f"{path}: cannot be read: {error.strerror or error}") from None
    return decode(data, name=str(path))


def iterate(path: Path) -> Iterator[Interaction]:
    """The interactions in a file, one after the other; of a flow file no more than one is in memory.

    Raises `CassetteError`, also on the way.
    """
    return (interaction for _, interaction in _walk(path, None))


def last(path: Path, count: int) -> Iterator[tuple[Metadata | None, Interaction]]:
    """The last `count` interactions in a file, each with what the file says about itself; as `iterate`."""
    return _walk(path, count)


def _walk(path: Path, count: int | None) -> Iterator[tuple[Metadata | None, Interaction]]:
    try:
        if not begins_as_flow(path):
            cassette = read(path)
            start = 0 if count is None else max(0, len(cassette.interactions) - count)
            yield from ((cassette.metadata, interaction) for interaction in cassette.interactions[start:])
            return
        with flow_lines(path, skip=0 if count is None else max(0, count_lines(path) - count)) as lines:
            yield from ((lines.metadata, interaction) for interaction in lines)
    except FileNotFoundError:
        raise CassetteError(f"{path}: there is no such file") from None
    except OSError as error:
        raise CassetteError(f"{path}: cannot be read: {error.strerror or error}") from None


def write(path: Path, cassette: Cassette, *, layout: Layout) -> None:
    """Put a cassette in a file, whole or not at all. Raises `LockedError` while a recorder writes it."""
    write_each(path, cassette.metadata, cassette.interactions, layout=layout)


def write_each(path: Path, metadata: Metadata | None, interactions: Iterable[Interaction], *, layout: Layout) -> None:
    """The same, interaction by interaction; what `interactions` raise leaves the file as it was."""
    path = Path(os.path.realpath(path))  # through a link, or the rename would replace the link
    held = atomic.lock(path)
    try:
        atomic.replace(path, encode_pieces(metadata, interactions, layout))
    finally:
        atomic.release(held)
