"""New episodes: the recorder behind a gateway, and what it has just written, made known to the player.

The rule: the recorder is the only writer, and it tells of one written interaction after the other; each is read from
the file's end when it is told, and known before the answer that it came from has ended. What it was asked about, is not
at work on and has not told of was not kept; nor was anything that a recorder which died had not told of.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path

from replayer.cassette.tail import Tail, entries
from replayer.config import load_above
from replayer.errors import ReplayerError
from replayer.match.player import Player
from replayer.match.playstate import PlayState
from replayer.record.environment import confdir
from replayer.record.launch import Recorder, recorder
from replayer.record.messages import Exchanged, Message, Notice, Standing, Summary
from replayer.record.settings import CA, Pace, Settings
from replayer.record.upstreams import Way
from replayer.source import Mode, Source, Taping

__all__ = ["Entrance", "Episodes"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entrance:
    """How the recorder is reached."""

    names: Mapping[str, str]
    """Each upstream's name, and the base URL at which the recorder relays to it."""
    proxy: str | None
    """The URL of its forward proxy, where it is one: then names have no base URLs."""
    authority: Path
    """The certificate to trust there."""


class _Kept:
    """One exchange that the recorder is to keep."""

    def __init__(self, id: str, state: PlayState, entry: int, ask: Callable[[str], None]) -> None:
        self.id = id
        self.state = state
        self.entry = entry
        self._ask = ask
        self._named: asyncio.Future[str | None] = asyncio.get_running_loop().create_future()
        self._answered = asyncio.Event()

    def settle(self, name: str | None) -> None:
        """It is known now; `None`: it never will be."""
        if not self._named.done():
            self._named.set_result(name)
        self._answered.set()

    def stands(self) -> None:
        """The recorder says that it is under way."""
        self._answered.set()

    async def name(self) -> str | None:
        """`<cassette>#<n>`, once it is known."""
        return await asyncio.shield(self._named)

    async def under_way(self) -> bool:
        """Ask the recorder whether it is."""
        if not self._named.done():
            self._answered.clear()
            self._ask(self.id)
            await self._answered.wait()
        return not self._named.done()


class Episodes:
    """The recorder of one run. `start` it, `stop` it; `lost` is set where it ends on its own."""

    def __init__(self, settings: Settings, player: Player, *, name: str, environment: Mapping[str, str]) -> None:
        """`name` is what the recorded cassette goes by."""
        self._settings = settings
        self._player = player
        self._name = name
        self._environment = environment
        self._say: Callable[[Message], None] = lambda _: None
        self._ids = count(1)
        self._expected: dict[str, _Kept] = {}
        self._stack = AsyncExitStack()
        self._running: Recorder | None = None
        self._listening: asyncio.Task[Summary] | None = None
        self._tail: Tail | None = None
        self._fresh = True
        self.lost = asyncio.Event()

    @classmethod
    def of(
        cls, source: Source, taping: Taping, player: Player, *, name: str, environment: Mapping[str, str]
    ) -> Episodes:
        """The recorder that a source asks for: behind the gateway all upstreams share one listener on loopback."""
        given = taping.settings or Settings(
            output=taping.output.absolute(),
            upstreams=(),
            confdir=confdir(environment),
            redact=load_above(taping.output).redact,
            trusted_ca=environment.get("SSL_CERT_FILE") or None,
        )
        settings = replace(
            given,
            upstreams=tuple(replace(upstream, port=None) for upstream in source.upstreams),
            way=source.way,
            host="127.0.0.1",
            port=0,
            rewrite=source.mode is Mode.REWRITE,
            renew=source.mode is Mode.ALL,
        )
        return cls(settings, player, name=name, environment=environment)

    def hears(self, hear: Callable[[Message], None]) -> None:
        """From now on `hear` gets what the recorder tells: its exchanges and what the user should know."""
        self._say = hear

    async def start(self) -> Entrance:
        """Start the recorder: how it is reached.

        Raises RecorderError, and what else keeps a recorder from starting.
        """
        self._running = await self._stack.enter_async_context(
            recorder(self._settings, environment=self._environment, hear=self._hear)
        )
        held = 0 if self._settings.rewrite else entries(self._settings.output)
        self._recovered(held)
        # As in vcrpy: what is recorded into an empty cassette is not played to whoever it was recorded from.
        self._fresh = held == 0
        self._tail = Tail(self._settings.output, known=held)
        self._listening = asyncio.create_task(self._listen(self._running))
        forward = self._settings.way is Way.FORWARD
        return Entrance(
            names=self._running.names,
            proxy=self._running.listeners[0] if forward else None,
            authority=self._settings.confdir / CA,
        )

    def expect(self, state: PlayState, *, entry: int) -> _Kept:
        """An exchange is about to be relayed for the journal's `entry`, in the session of `state`."""
        kept = _Kept(f"{next(self._ids)}", state, entry, self._ask)
        if self.lost.is_set():
            kept.settle(None)
        else:
            self._expected[kept.id] = kept
        return kept

    async def stop(self, pace: Pace) -> Summary | None:
        """Let the recorder finish: its summary. Raises the error that it ended with."""
        if self._listening is None or self._running is None:
            return None
        self._running.stop(pace)
        try:
            async with self._stack:
                return await self._listening
        finally:
            if self._tail is not None:
                self._tail.close()

    def _ask(self, relay: str) -> None:
        if self._running is not None:
            self._running.ask(relay)

    async def _listen(self, running: Recorder) -> Summary:
        try:
            return await running.wait()
        finally:
            self.lost.set()
            for kept in self._expected.values():
                kept.settle(None)

    def _recovered(self, held: int) -> None:
        """What the recorder found of an interrupted run is known from the start."""
        known = sum(name == self._name for name, _, _ in self._player.interactions())
        tail = Tail(self._settings.output, known=known)
        for _ in range(held - known):
            interaction = tail.next()
            if interaction is not None:
                self._player.learn(self._name, interaction)
        tail.close()

    def _hear(self, message: Message) -> None:
        if isinstance(message, Standing):
            self._stands(message)
            return
        self._say(message)
        if isinstance(message, Exchanged):
            self._learn(message)

    def _stands(self, told: Standing) -> None:
        """The answer to what was asked."""
        if told.relay not in self._expected:
            return  # told of already
        if told.under_way:
            self._expected[told.relay].stands()
        else:
            self._expected.pop(told.relay).settle(None)

    def _learn(self, told: Exchanged) -> None:
        """One more interaction stands in the file."""
        kept = self._expected.pop(told.relay, None)
        name = None
        try:
            interaction = None if self._tail is None else self._tail.next()
        except ReplayerError as error:
            self._say(Notice(text=f"what was recorded cannot be read back: {error}"))
            interaction = None
        if interaction is not None:
            ordinal = self._player.learn(self._name, interaction)
            name = f"{self._name}#{self._player.place(ordinal)}"
            if kept is not None and self._fresh:
                kept.state.note(ordinal, entry=kept.entry)
        if kept is not None:
            kept.settle(name)
