"""An exchange: one request under way, with its session and its journal entry.

The rule: whoever answers it says so in the entry before a byte goes out, so that the journal is never behind the
client.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Collection
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aiohttp import web

from replayer.cassette.model import End, Response
from replayer.faults.pacing import plan_of
from replayer.faults.plan import Plan
from replayer.gateway.head import Head
from replayer.gateway.http import Delivered, deliver, deliver_events, deliver_whole
from replayer.gateway.intake import Intake
from replayer.gateway.judge import Judge
from replayer.gateway.ports import Control, Live
from replayer.gateway.prepared import Prepared, field_value, prepare, whole_head
from replayer.gateway.routes import Routes
from replayer.gateway.session import Session, Sessions
from replayer.gateway.spool import Spool
from replayer.journal import Entry, Journal, Outcome
from replayer.match.player import Player

if TYPE_CHECKING:  # a relay answers exchanges, and is one of the parts that they know
    from replayer.gateway.relay import Relay

__all__ = ["Exchange", "Parts"]

# Before Python 3.12, naming a member through its enum takes five times as long: these are asked of every answer.
_COMPLETE = End.COMPLETE


@dataclass(slots=True, kw_only=True)
class Parts:
    """What a gateway is made of. A reload replaces what is played, all of it between two requests."""

    player: Player
    routes: Routes
    sessions: Sessions
    journal: Journal
    control: Control
    cassettes: Collection[str]
    """Names that `Replayer-Cassette` may narrow to."""
    live: Live | None
    relay: Relay | None
    """Who asks upstream; None where nothing ever goes there."""
    judge: Judge
    intake: Intake
    redact: Callable[[str], str]
    """Takes the secrets out of a request target."""
    redact_text: Callable[[str], str]
    """Takes them out of a message."""
    recorded_paths: Collection[str]
    """Of what is loaded: where control answers at the root, it answers none of these."""
    miss_status: int
    seed: int


@dataclass(slots=True, kw_only=True)
class Exchange:
    """One request under way."""

    raw: web.BaseRequest
    head: Head
    session: Session
    entry: Entry
    judged: bool
    """Whether contracts are checked: then the answer says how many violations there were."""
    arrived: float
    """When its head was read: a time of the loop. Recorded times count from there."""
    begun: bool = False
    """Whether an answer has begun to go out: then there cannot be another."""
    spool: Spool | None = None
    """The request's body, where it is too large to be held."""

    def here(self, recorded: str, base: str) -> str | None:
        """The base URL by which the client means the upstream; None of a client that takes us for a proxy.

        `recorded` is the target as it is recorded, `base` the path that all of the upstream's begin with.
        """
        own = recorded.removeprefix(base)
        if self.head.ours.host is not None or not self.raw.raw_path.endswith(own):
            return None
        host = self.raw.headers.get("Host", "")
        return f"{self.raw.scheme}://{host}{self.raw.raw_path.removesuffix(own)}" if host else None

    def refuse(self, response: Response) -> Awaitable[Delivered]:
        """Answer with an error of ours."""
        return self.answer(response, Outcome.REFUSED)

    def reject(self, response: Response, *, known: int = 0) -> Awaitable[Delivered]:
        """Answer with an error in place of an answer that breaks its contract; the entry still names that one."""
        self.entry.outcome = Outcome.REFUSED
        return self.deliver(plan_of(response), known=known)

    def fail(self, response: Response) -> Awaitable[Delivered]:
        """Say that we failed, or where an answer has begun, end it where it is."""
        return Delivered(keep_alive=False) if self.begun else self.refuse(response)

    def answer(self, response: Response, outcome: Outcome) -> Awaitable[Delivered]:
        """Answer at once and whole."""
        self.entry.outcome = outcome
        return self.deliver(plan_of(response))

    def whole(self, response: Response) -> Awaitable[Delivered]:
        """Send a live answer: as `deliver` would its plan, and nearly always without making one."""
        head = whole_head(response.status, response.reason, response.headers)
        torn = response.end is not _COMPLETE
        if head is None or not response.body or response.chunks or torn or self.head.method == "HEAD":
            return self.deliver(plan_of(response))
        self.entry.status = response.status
        self.begun = True
        return deliver_whole(head, response.body, self.raw, ours=self._outcome() + self.noted())

    def deliver(self, plan: Plan, *, known: int = 0, since: float | None = None) -> Awaitable[Delivered]:
        """Send what a plan says; the entry's outcome, faults and violations go along."""
        self.entry.status = plan.status or None
        return self.send(prepare(plan), self._outcome(), known=known, since=since)

    def send(
        self, prepared: Prepared, ours: bytes = b"", *, known: int = 0, since: float | None = None
    ) -> Awaitable[Delivered]:
        """Send what is ready. `known` violations are in what was recorded, and stand in an earlier entry."""
        ours += self.noted(known)
        self.begun = True
        return deliver(prepared, self.raw, ours=ours, since=since)

    async def follow(self, events: AsyncGenerator[bytes, None]) -> Delivered:
        """Send server-sent events as they come, until they end or the client leaves."""
        self.entry.status = 200
        self.begun = True
        async with aclosing(events):
            return await deliver_events(events, self.raw, ours=self._outcome() + self.noted())

    def _outcome(self) -> bytes:
        """The fields of ours that say where the answer came from."""
        entry = self.entry
        ours = b"" if entry.outcome is None else b"replayer-outcome: %b\r\n" % entry.outcome.encode()
        if entry.interaction is not None:
            ours += b"replayer-interaction: %b\r\n" % field_value(entry.interaction)
        return ours

    def noted(self, known: int = 0) -> bytes:
        """The fields of ours that change from request to request."""
        entry = self.entry
        fields = b"replayer-violations: %d\r\n" % (len(entry.violations) + known) if self.judged else b""
        if entry.faults:
            fields += b"replayer-faults: %b\r\n" % ", ".join(entry.faults).encode("latin-1", "replace")
        return fields
