"""The family that acts on a body under way: cut short, or slowed down."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import ClassVar

from replayer.faults.chance import Dice
from replayer.faults.fault import Fault, NotApplied, Rewriting
from replayer.faults.parameter import choice, integer, number
from replayer.faults.plan import Ending, Plan, Send, Step, Wait
from replayer.faults.script import Entry, Leave, Piece, Script, Side, message_size

__all__ = ["FAMILY", "Cut", "Throttle", "Truncate"]

_TICK_MS = 50
"""How often a throttled body goes on."""


class Cut(StrEnum):
    """How a truncated answer ends."""

    CLEAN = "clean"
    """As HTTP says, so that only the content is too short."""
    ABRUPT = "abrupt"
    """FIN where more was promised."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Truncate(Rewriting):
    """The body ends after so many bytes, chunks, or such a part of its bytes."""

    name: ClassVar[str] = "truncate"

    bytes: int | None = integer(default=None)
    chunks: int | None = integer(default=None)
    fraction: float | None = number(high=1, default=None)
    end: Cut = choice(Cut, default=Cut.CLEAN)  # noqa: RUF009 - a field declaration, as dataclasses.field is
    from_: Side = choice(Side, default=Side.SERVER)  # noqa: RUF009

    def check(self) -> None:
        given = [name for name in ("bytes", "chunks", "fraction") if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(f"takes one of bytes, chunks and fraction, not {' and '.join(given) or 'none of them'}")
        if self.fraction == 1 and self.end is Cut.CLEAN:
            raise ValueError("cuts nothing off with fraction=1")

    def rewrite(self, plan: Plan, dice: Dice) -> Plan | NotApplied:
        if self.from_ is Side.CLIENT:
            return NotApplied(reason="from=client is about connections")
        size, sends = plan.size, plan.sends
        if size == 0:
            return NotApplied(reason="the answer has no body")
        if self.chunks is not None:
            wanted, there, unit, steps = self.chunks, sends, "chunks", _first_chunks(plan.steps, self.chunks)
        else:
            wanted = self.bytes if self.bytes is not None else int(size * (self.fraction or 0))
            there, unit, steps = size, "bytes", _first_bytes(plan.steps, wanted)
        if wanted > there or (wanted == there and self.end is Cut.CLEAN):
            return NotApplied(reason=f"the answer has {there} {unit}, so that nothing comes after {wanted}")
        if self.end is Cut.CLEAN:
            return replace(plan, steps=steps, promised=None, ending=Ending.COMPLETE)
        if plan.streamed or wanted < there:
            promised = None if plan.streamed else max(size, plan.promised or 0)
            return replace(plan, steps=steps, promised=promised, ending=Ending.EOF)
        # All of it goes out, so only a missing terminator can say that there was more.
        return replace(plan, steps=steps, streamed=True, promised=None, ending=Ending.EOF)

    def rescript(self, script: Script, dice: Dice) -> Script | NotApplied:
        """After so many messages the connection ends; messages are never cut."""
        entries = script.side(self.from_)
        places = [at for at, entry in enumerate(entries) if entry.counts]
        if self.chunks is None and self.from_ is Side.CLIENT:
            return NotApplied(reason="how long the client's messages will be nobody knows: use chunks")
        kept = self.chunks if self.chunks is not None else self._fitting([entries[at].piece for at in places])
        if kept >= len(places):
            return NotApplied(reason=f"the {self.from_} has {len(places)} messages, and nothing comes after them")
        place = places[kept]
        leave = Entry(entries[place].turn, Leave.CLEAN if self.end is Cut.CLEAN else Leave.ABRUPT)
        return script.with_side(self.from_, (*entries[:place], leave))

    def _fitting(self, pieces: list[Piece]) -> int:
        """How many whole messages are within the bytes."""
        sizes = [message_size(piece) for piece in pieces]
        room = self.bytes if self.bytes is not None else int(sum(sizes) * (self.fraction or 0))
        for count, size in enumerate(sizes):
            room -= size
            if room < 0:
                return count
        return len(sizes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Throttle(Rewriting):
    """The body goes out at `rate` bytes a second."""

    name: ClassVar[str] = "throttle"

    rate: int = integer(low=1)

    def rewrite(self, plan: Plan, dice: Dice) -> Plan | NotApplied:
        if plan.size == 0:
            return NotApplied(reason="the answer has no body")
        piece = max(1, self.rate * _TICK_MS // 1000)
        steps: list[Step] = []
        for step in plan.steps:
            if isinstance(step, Wait):
                steps.append(step)
                continue
            for at in range(0, len(step.data), piece):
                data = step.data[at : at + piece]
                steps += (Wait(1000 * len(data) / self.rate), Send(data))
        return replace(plan, steps=tuple(steps))

    def rescript(self, script: Script, dice: Dice) -> Script | NotApplied:
        """Each message comes when its bytes would have."""
        if not any(entry.counts for entry in script.server):
            return NotApplied(reason="the server has 0 messages")
        paced: list[Entry] = []
        for entry in script.server:
            if entry.counts:
                paced.append(entry._replace(piece=Wait(1000 * message_size(entry.piece) / self.rate)))
            paced.append(entry)
        return replace(script, server=tuple(paced))


def _first_chunks(steps: tuple[Step, ...], count: int) -> tuple[Step, ...]:
    kept: list[Step] = []
    for step in steps:
        if count == 0:
            break
        kept.append(step)
        count -= isinstance(step, Send)
    return tuple(kept)


def _first_bytes(steps: tuple[Step, ...], count: int) -> tuple[Step, ...]:
    kept: list[Step] = []
    for step in steps:
        if count == 0:
            break
        if isinstance(step, Send):
            step = Send(step.data[:count])
            count -= len(step.data)
        kept.append(step)
    return tuple(kept)


FAMILY: tuple[type[Fault], ...] = (Throttle, Truncate)
