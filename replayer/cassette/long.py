"""An interaction that is too long to be held in memory: its bodies and frames are read piece by piece while its line of
a flow file is written. Knows no files: who hands in the pieces does.
"""

from __future__ import annotations

import codecs
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

from replayer.cassette.extras import frame_to_plain
from replayer.cassette.flow import flow_line
from replayer.cassette.model import Frame, Interaction
from replayer.cassette.plain import to_plain
from replayer.cassette.scalars import json_bytes, json_line

__all__ = ["LongInteraction", "line_pieces"]

_BATCH = 256
"""Frames encoded at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LongInteraction:
    """`outline` is the interaction without what the functions give, each of them as often as it is called."""

    outline: Interaction
    """Its chunks add up to the response's body as it will be."""
    sent: Callable[[], Iterable[bytes]] | None = None
    """The request's body; None where there is none."""
    received: Callable[[], Iterable[bytes]] | None = None
    """The response's body; None where it is empty."""
    frames: Callable[[], Iterable[Frame]] | None = None
    """The messages; None where the outline has them."""


def line_pieces(long: LongInteraction) -> Iterator[bytes]:
    """The line that `codec.encode_line` would write, in pieces, with its newline."""
    line, holes = _holed(long)
    for hole, pieces in holes:
        before, line = line.split(hole, 1)
        yield before
        yield from pieces
    yield line


def _holed(long: LongInteraction) -> tuple[bytes, list[tuple[bytes, Iterator[bytes]]]]:
    """The outline's line with a mark where each long value belongs, and the marks in their order."""
    request, response = long.outline.request, long.outline.response
    for number in range(1000):
        marks = [f"\0{number}:{name}" for name in ("sent", "received", "frames")]
        holes: list[tuple[bytes, Iterator[bytes]]] = []
        entry = to_plain(
            replace(long.outline, response=replace(response, frames=() if long.frames else response.frames))
        )
        if long.sent is not None:
            entry["request"]["body"] = marks[0]
            holes.append((json_line(marks[0]), _string(long.sent)))
        if long.received is not None:
            entry["response"]["body"]["string"] = marks[1]
            holes.append((json_line(marks[1]), _string(long.received)))
        if long.frames is not None:
            entry["response"]["replayer"]["frames"] = marks[2]
            holes.append((json_line(marks[2]), _list(long.frames)))
        line = flow_line(entry)
        if all(line.count(hole) == 1 for hole, _ in holes):
            return line, holes
    raise ValueError(f"{request.uri}: a thousand marks stand in this interaction already")


def _string(pieces: Callable[[], Iterable[bytes]]) -> Iterator[bytes]:
    if not _is_text(pieces()):
        yield b'!!binary "'
        spare = b""
        for piece in pieces():
            data = spare + piece
            whole = len(data) - len(data) % 3
            spare = data[whole:]
            yield b64encode(data[:whole])
        yield b64encode(spare) + b'"'
        return
    yield b'"'
    decoder = codecs.getincrementaldecoder("utf-8")()
    for piece in pieces():
        yield json_bytes(decoder.decode(piece))[1:-1]
    yield b'"'


def _is_text(pieces: Iterable[bytes]) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        for piece in pieces:
            if not piece.isascii() or decoder.getstate()[0]:
                decoder.decode(piece)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _list(frames: Callable[[], Iterable[Frame]]) -> Iterator[bytes]:
    yield b"["
    batch: list[bytes] = []
    comma = b""
    for frame in frames():
        batch.append(json_line(frame_to_plain(frame)))
        if len(batch) == _BATCH:
            yield comma + b",".join(batch)
            batch, comma = [], b","
    yield (comma + b",".join(batch) if batch else b"") + b"]"
