"""One run of the recorder: which exchanges are under way, what is written, what is told.

The rule: an interaction is in the cassette before its spool goes, and never twice. What an earlier run left in the
spool is written first, by `recover`. It knows nothing of mitmproxy; `addon.py` calls it. The cassette's writer is
handed in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Protocol

from replayer.cassette.long import LongInteraction
from replayer.cassette.model import End, Headers, Interaction
from replayer.clock import Clock
from replayer.record.assemble import assemble_long
from replayer.record.events import Event, RequestHead
from replayer.record.exchange import Exchange
from replayer.record.messages import Exchanged, Message, Notice, Summary
from replayer.record.spool import Spool
from replayer.redact.redactor import Redactor

__all__ = ["Recording", "Writer", "recover"]

UNSPOOLED_MS = 100.0
"""An exchange that has lasted so long is in the spool, whatever it is waiting for."""


class Writer(Protocol):
    """What a recording asks of the cassette."""

    def append(self, interaction: Interaction | LongInteraction, session: str = "") -> None:
        """Write one interaction, at once. Raises `WriteError`."""


def recover(path: Path, writer: Writer, known: Callable[[], Iterable[Interaction]]) -> int:
    """Write what a killed run left in the spool of `path`, and clear it; how many interactions that were.

    `known` gives what the cassette holds already; it is asked only where something was left.
    """
    spool = Spool(path)
    left = spool.leftovers()
    written = {_key(one) for one in known()} if left else set()
    recovered = 0
    for file, events in left:
        interaction = assemble_long(events)
        # A kill between the writing and the removing leaves both.
        if interaction is not None and _key(interaction.outline) not in written:
            writer.append(interaction, _session(events()))
            recovered += 1
        file.unlink(missing_ok=True)
    spool.close()
    return recovered


class Recording:
    """The exchanges of one run. `tell` gets a message for the user; times continue behind `latest` (ms)."""

    def __init__(
        self,
        *,
        path: Path,
        writer: Writer,
        latest: float | None,
        redactor: Redactor,
        clock: Clock,
        tell: Callable[[Message], None],
        max_body: int,
    ) -> None:
        self._path = path
        self._writer = writer
        self._redactor = redactor
        self._clock = clock
        self._tell = tell
        self._max_body = max_body
        self._spool = Spool(path)
        self._open: dict[Exchange, None] = {}  # in their order
        self._over = False
        self._first: float | None = None
        counted = ("exchanges", "connections", "frames", "bytes", "redacted", "requests", "passed", "blocked")
        self._counts = dict.fromkeys(counted, 0)
        self._blocked: set[str] = set()
        self._offset = 0.0 if latest is None else latest + 1.0

    def begin(self, upstream: str, method: str, uri: str, headers: Headers) -> Exchange:
        """A request's head has come. `uri` is the upstream's own."""
        now = self._clock.ms()
        if self._first is None:
            self._first = now
        self._counts["requests"] += 1
        exchange = Exchange(
            upstream=upstream,
            method=method,
            uri=uri,
            headers=headers,
            at=self._offset + now - self._first,
            clock=self._clock,
            redactor=self._redactor,
            log=self._spool.log(),
            max_body=self._max_body,
        )
        self._open[exchange] = None
        return exchange

    def finish(self, exchange: Exchange, end: End) -> None:
        """An exchange is over: write it and tell of it. Once is enough; later calls do nothing."""
        if exchange not in self._open:
            return
        del self._open[exchange]
        interaction = exchange.finish(end)
        if interaction is not None:
            self._writer.append(interaction, exchange.session)
            self._count(exchange)
        exchange.discard()
        if exchange.broken:
            self.notice(exchange.upstream, f"{exchange.method} {exchange.uri}: {exchange.broken}")
        if interaction is not None:
            self._tell(_exchanged(exchange, interaction))

    def under_way(self, relay: str) -> bool:
        """Whether the exchange that the gateway in front calls so is not over."""
        return any(exchange.relay == relay for exchange in self._open)

    def drop(self, exchange: Exchange) -> None:
        """What passed cannot be told truly: nothing of it is kept."""
        if exchange in self._open:
            del self._open[exchange]
            exchange.discard()

    def passed(self) -> None:
        """A request goes to a host that is not recorded."""
        self._counts["passed"] += 1

    def blocked(self, host: str) -> None:
        """A request was refused for its host: told once a host."""
        self._counts["blocked"] += 1
        if host not in self._blocked:
            self._blocked.add(host)
            self.notice(host, "requests to it are refused, as --block-hosts says")

    def notice(self, upstream: str, text: str) -> None:
        """Something about an upstream that the user should know."""
        self._tell(Notice(text=self._redactor.text(f"{upstream}: {text}")))

    def tick(self) -> None:
        """Time has passed: what has lasted a moment goes to the spool."""
        for exchange in self._open:
            if exchange.duration >= UNSPOOLED_MS:
                exchange.spill()

    def close(self) -> Summary:
        """Recording stops: what is still open is written with what there was."""
        for exchange in list(self._open):
            self.finish(exchange, End.OPEN)
        self._spool.close()
        file = str(self._path) if self._counts["exchanges"] else ""
        return Summary(recovered=0, file=file, files=(), left_in_flow=(), **self._counts)

    def _count(self, exchange: Exchange) -> None:
        self._counts["exchanges"] += 1
        self._counts["connections"] += exchange.is_websocket
        self._counts["frames"] += exchange.frames
        self._counts["bytes"] += exchange.bytes
        self._counts["redacted"] += exchange.redacted


def _key(interaction: Interaction) -> tuple[str, str, float | None]:
    return (interaction.request.method, interaction.request.uri, interaction.response.at)


def _session(events: Iterable[Event]) -> str:
    return next((event.session for event in events if isinstance(event, RequestHead)), "")


def _exchanged(exchange: Exchange, interaction: Interaction | LongInteraction) -> Exchanged:
    if isinstance(interaction, LongInteraction):
        interaction = interaction.outline
    return Exchanged(
        upstream=exchange.upstream,
        method=exchange.method,
        uri=exchange.uri,
        status=interaction.response.status,
        ms=round(exchange.duration, 1),
        bytes=exchange.bytes,
        frames=exchange.frames,
        end=interaction.response.end,
        relay=exchange.relay,
    )
