"""A script: what goes over a played connection, message by message, decided before its handshake is answered.

A recorded conversation yields a script; faults rewrite it; the playing of the connection carries it out. Pure: a
`Wait` says how long, who plays waits. Messages that the client has yet to send stand in it as `Heard`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import NamedTuple

from replayer.cassette.model import Frame, FrameKind, Sender
from replayer.faults.plan import Wait

__all__ = [
    "Entry",
    "Heard",
    "Leave",
    "Piece",
    "Ping",
    "Script",
    "Side",
    "Sliced",
    "corrupted",
    "message_size",
    "script_of",
]


class Side(StrEnum):
    """Whose messages a fault is about."""

    SERVER = "server"
    CLIENT = "client"


class Leave(StrEnum):
    """The connection ends here."""

    CLEAN = "clean"
    """Close 1000."""
    ABRUPT = "abrupt"
    """No close frame."""


@dataclass(frozen=True, slots=True)
class Ping:
    """A ping goes out."""


@dataclass(frozen=True, slots=True)
class Sliced:
    """A message in fragments of so many bytes, with a pause between them."""

    frame: Frame
    bytes: int
    ms: float


@dataclass(frozen=True, slots=True)
class Heard:
    """A message of the client's takes effect; `spoiled` (0 to 1) is the place of a byte that is another then."""

    number: int
    spoiled: float | None = None


Piece = Wait | Frame | Ping | Sliced | Heard | Leave


class Entry(NamedTuple):
    """One piece, and when its turn is."""

    turn: int
    """The recorded frame whose turn it is; of the client's, how many messages it sent before."""
    piece: Piece

    @property
    def counts(self) -> bool:
        """Whether it is a message, which faults count."""
        return isinstance(self.piece, Frame | Sliced | Heard)


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """Both sides' messages."""

    server: tuple[Entry, ...] = ()
    client: tuple[Entry, ...] = ()
    before: tuple[Wait, ...] = ()
    """Before the handshake is answered."""

    def side(self, side: Side) -> tuple[Entry, ...]:
        """One side's."""
        return self.server if side is Side.SERVER else self.client

    def with_side(self, side: Side, entries: tuple[Entry, ...]) -> Script:
        """The same with other messages of one side."""
        return replace(self, server=entries) if side is Side.SERVER else replace(self, client=entries)


def script_of(frames: Sequence[Frame]) -> Script:
    """What was recorded, unchanged. Closes are not in it: they come as they were."""
    messages = [(n, frame) for n, frame in enumerate(frames) if frame.kind is not FrameKind.CLOSE]
    sent = [frame for _, frame in messages if frame.sender is Sender.CLIENT]
    return Script(
        server=tuple(Entry(n, frame) for n, frame in messages if frame.sender is Sender.SERVER),
        client=tuple(Entry(n, Heard(n)) for n in range(len(sent))),
    )


def corrupted(data: bytes, place: float, *, text: bool) -> bytes:
    """The bytes with one of them another; a text stays UTF-8, so that it comes over a connection at all."""
    places = [at for at, byte in enumerate(data) if not text or byte < 0xC0]
    if not places:
        return data
    at = places[min(int(place * len(places)), len(places) - 1)]
    # The last bit: of ASCII and of a continuation byte that makes another character, never a broken one.
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


def message_size(piece: Piece) -> int:
    """Bytes of a message's payload; none of what is no message, or has yet to come."""
    frame = piece.frame if isinstance(piece, Sliced) else piece
    if not isinstance(frame, Frame):
        return 0
    return len(frame.text.encode("utf-8", "replace")) if frame.kind is FrameKind.TEXT else len(frame.data)
