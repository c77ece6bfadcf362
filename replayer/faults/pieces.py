"""The family that acts on one piece: a chunk of a body, or a message of a connection.

The rule: `at` counts from 1, and what is not there cannot be bent: that is told. On a connection `from` says whose
messages are counted; a body has only the server's.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, ClassVar

from replayer.cassette.model import Frame, FrameKind, Sender, header
from replayer.faults.chance import Dice
from replayer.faults.fault import Fault, NotApplied, Rewriting
from replayer.faults.parameter import MS_MAX, choice, integer, number
from replayer.faults.plan import Plan, Send, Step, Wait
from replayer.faults.script import Entry, Heard, Ping, Script, Side, Sliced, corrupted

__all__ = ["FAMILY", "At", "Corrupt", "Drop", "Duplicate", "Insert", "Reorder", "Slice", "Stall", "What"]


@dataclass(frozen=True, slots=True, kw_only=True)
class At(Rewriting):
    """What acts on the piece `at`."""

    at: int = integer(low=1)
    from_: Side = choice(Side, default=Side.SERVER)  # noqa: RUF009 - a field declaration, as dataclasses.field is

    @abstractmethod
    def act(self, pieces: list[Any], place: int, following: int | None, dice: Dice) -> str | None:
        """Change the list in place; `following` is where the next of its kind is. Why not, where it cannot be."""

    def rewrite(self, plan: Plan, dice: Dice) -> Plan | NotApplied:
        if self.from_ is Side.CLIENT:
            return NotApplied(reason="from=client is about connections")
        steps: list[Step] = list(plan.steps)
        places = [at for at, step in enumerate(steps) if isinstance(step, Send)]
        why = self._acted(steps, places, "the answer", "chunks", dice)
        return replace(plan, steps=tuple(steps)) if why is None else NotApplied(reason=why)

    def rescript(self, script: Script, dice: Dice) -> Script | NotApplied:
        entries = list(script.side(self.from_))
        places = [at for at, entry in enumerate(entries) if entry.counts]
        why = self._acted(entries, places, f"the {self.from_}", "messages", dice)
        if why is not None:
            return NotApplied(reason=why)
        return script.with_side(self.from_, tuple(entries))

    def _acted(self, pieces: list[Any], places: list[int], whose: str, unit: str, dice: Dice) -> str | None:
        if self.at > len(places):
            return f"{whose} has {len(places)} {unit}"
        following = places[self.at] if self.at < len(places) else None
        return self.act(pieces, places[self.at - 1], following, dice)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stall(At):
    """Silence before it."""

    name: ClassVar[str] = "stall"

    ms: float = number(high=MS_MAX)

    def act(self, pieces: list[Any], place: int, following: int | None, dice: Dice) -> str | None:
        pieces.insert(place, _like(pieces[place], Wait(self.ms)))
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Drop(At):
    """It never comes."""

    name: ClassVar[str] = "drop"

    def act(self, pieces: list[Any], place: int, following: int | None, dice: Dice) -> str | None:
        del pieces[place]
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Duplicate(At):
    """It comes twice."""

    name: ClassVar[str] = "duplicate"

    def act(self, pieces: list[Any], place: int, following: int | None, dice: Dice) -> str | None:
        pieces.insert(place, pieces[place])
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reorder(At):
    """Its successor comes first."""

    name: ClassVar[str] = "reorder"

    def act(self, pieces: list[Any], place: int, following: int | None, dice: Dice) -> str | None:
        if following is None:
            return "nothing comes after it"
        one, other = pieces[place], pieces[following]
        if isinstance(one, Entry):  # both wait for the turn of the later one
            pieces[place], pieces[following] = other, other._replace(piece=one.piece)
        else:
            pieces[place], pieces[following] = other, one
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Corrupt(At):
    """One byte of it is another."""

    name: ClassVar[str] = "corrupt"

    def act(self, pieces: list[Any], place: int, following: int | None, dice: Dice) -> str | None:
        piece, roll = pieces[place], dice.roll("corrupt")
        if isinstance(piece, Send):
            pieces[place] = Send(corrupted(piece.data, roll, text=False))
        elif isinstance(piece.piece, Frame):
            pieces[place] = piece._replace(piece=_spoiled(piece.piece, roll))
        elif isinstance(piece.piece, Sliced):
            pieces[place] = piece._replace(piece=replace(piece.piece, frame=_spoiled(piece.piece.frame, roll)))
        else:
            pieces[place] = piece._replace(piece=replace(piece.piece, spoiled=roll))
        return None


class What(StrEnum):
    """What is inserted."""

    ERROR = "error"
    PING = "ping"
    COMMENT = "comment"


_ERROR = '{"type":"error","error":{"type":"server_error","message":"Injected by Replayer-Fault"}}'
_EVENTS = {
    What.ERROR: f"event: error\ndata: {_ERROR}\n\n",
    What.PING: 'event: ping\ndata: {"type": "ping"}\n\n',
    What.COMMENT: ": injected by Replayer-Fault\n\n",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Insert(At):
    """Something else comes before it: an event of a stream, a message or a ping of a connection."""

    name: ClassVar[str] = "insert"

    what: What = choice(What)  # noqa: RUF009 - a field declaration, as dataclasses.field is

    def rewrite(self, plan: Plan, dice: Dice) -> Plan | NotApplied:
        if not (header(plan.headers, "content-type") or "").lower().startswith("text/event-stream"):
            return NotApplied(reason="the answer is no stream of events")
        # Named like this because a slotted dataclass has no zero-argument super().
        return At.rewrite(self, plan, dice)

    def act(self, pieces: list[Any], place: int, following: int | None, dice: Dice) -> str | None:
        piece = pieces[place]
        if not isinstance(piece, Entry):
            pieces.insert(place, Send(_EVENTS[self.what].encode()))
            return None
        if isinstance(piece.piece, Heard):
            return "nothing is said in the client's name"
        if self.what is What.COMMENT:
            return "a connection knows no comments"
        error = Frame(at=0.0, sender=Sender.SERVER, kind=FrameKind.TEXT, text=_ERROR)
        pieces.insert(place, piece._replace(piece=Ping() if self.what is What.PING else error))
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice(Rewriting):
    """Everything comes in slices of `bytes`, `ms` apart; a message of a connection in fragments."""

    name: ClassVar[str] = "slice"

    bytes: int = integer(low=1)
    ms: float = number(high=MS_MAX, default=0.0)

    def rewrite(self, plan: Plan, dice: Dice) -> Plan | NotApplied:
        if plan.size == 0:
            return NotApplied(reason="the answer has no body")
        steps: list[Step] = []
        for step in plan.steps:
            if isinstance(step, Wait):
                steps.append(step)
                continue
            for at in range(0, len(step.data), self.bytes):
                steps += ([Wait(self.ms)] if at else []) + [Send(step.data[at : at + self.bytes])]
        return replace(plan, steps=tuple(steps))

    def rescript(self, script: Script, dice: Dice) -> Script | NotApplied:
        sliced = tuple(
            entry._replace(piece=Sliced(entry.piece, self.bytes, self.ms)) if isinstance(entry.piece, Frame) else entry
            for entry in script.server
        )
        return replace(script, server=sliced) if sliced else NotApplied(reason="the server has 0 messages")


def _like(piece: Any, other: Wait) -> Any:
    """A wait beside a step, or at the turn of an entry."""
    return piece._replace(piece=other) if isinstance(piece, Entry) else other


def _spoiled(frame: Frame, place: float) -> Frame:
    if frame.kind is FrameKind.TEXT:
        return replace(frame, text=corrupted(frame.text.encode("utf-8", "replace"), place, text=True).decode())
    return replace(frame, data=corrupted(frame.data, place, text=False))


FAMILY: tuple[type[Fault], ...] = (Corrupt, Drop, Duplicate, Insert, Reorder, Slice, Stall)
