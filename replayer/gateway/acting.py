"""A script being acted: which pieces are to be carried out when a frame's turn comes, and when a client's message does.

The rule: nothing is decided here; a message of the client's that the script knows nothing of is heard as it came.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

from aiohttp import WSMessage

from replayer.cassette.model import FrameKind
from replayer.faults.plan import Wait
from replayer.faults.script import Entry, Heard, Leave, Piece, Script, Sliced, corrupted

__all__ = ["Acting", "fragments"]

_TEXT, _BINARY, _CONTINUED = 1, 2, 0
_LAST = 0x80


class Acting:
    """One connection's script, and how far the client is in it."""

    def __init__(self, script: Script) -> None:
        self.before = script.before
        self._server = _by_turn(script.server)
        self._client = _by_turn(script.client)
        self._last = max(self._client, default=-1)
        self._came: dict[int, WSMessage] = {}
        self._count = 0

    def said(self, turn: int) -> Iterable[Piece]:
        """What the server has to say when the turn of a recorded frame is there."""
        return self._server.get(turn, ())

    def heard(self, message: WSMessage) -> Iterator[WSMessage | Wait | Leave]:
        """What a client's message comes to: it may be none, several, another, or the end."""
        number = self._count
        self._count += 1
        self._came[number] = message
        self._came.pop(number - 2, None)  # a message is held back by one at most
        pieces: Iterable[Piece] = (Heard(number),) if number > self._last else self._client.get(number, ())
        for piece in pieces:
            if isinstance(piece, Heard):
                yield _spoiled(self._came[piece.number], piece.spoiled)
            elif isinstance(piece, Wait | Leave):
                yield piece


def fragments(sliced: Sliced) -> Iterator[bytes]:
    """A message in frames (RFC 6455, 5.4), as a server sends them: nothing is masked."""
    frame = sliced.frame
    text = frame.kind is FrameKind.TEXT
    data = frame.text.encode("utf-8", "replace") if text else frame.data
    starts = range(0, len(data), sliced.bytes) if data else range(1)
    for at in starts:
        piece = data[at : at + sliced.bytes]
        opcode = _CONTINUED if at else _TEXT if text else _BINARY
        last = _LAST if at == starts[-1] else 0
        if len(piece) < 126:
            length = bytes([len(piece)])
        elif len(piece) < 65_536:
            length = b"\x7e" + len(piece).to_bytes(2, "big")
        else:
            length = b"\x7f" + len(piece).to_bytes(8, "big")
        yield bytes([last | opcode]) + length + piece


def _by_turn(entries: Iterable[Entry]) -> dict[int, list[Piece]]:
    pieces: dict[int, list[Piece]] = defaultdict(list)
    for entry in entries:
        pieces[entry.turn].append(entry.piece)
    return dict(pieces)


def _spoiled(message: WSMessage, place: float | None) -> WSMessage:
    if place is None:
        return message
    if isinstance(message.data, str):
        data: str | bytes = corrupted(message.data.encode("utf-8", "replace"), place, text=True).decode()
    else:
        data = corrupted(message.data, place, text=False)
    return message._replace(data=data)
