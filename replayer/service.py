"""The wiring: builds the parts of one run, and hands each what it needs.

The rule: rooms do not know each other; here, and only here, they meet. A `Service` is one run of the gateway: it is
built, started, stopped, and can say at any time how it stands.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

from replayer.clock import Clock
from replayer.contract.registry import load as contracts
from replayer.contract.validate import Contract
from replayer.control.api import Control
from replayer.control.guard import Guard, is_loopback
from replayer.dispatch.server import DispatchServer
from replayer.errors import UsageError
from replayer.gateway.app import Gateway
from replayer.gateway.exchange import Parts
from replayer.gateway.intake import Intake
from replayer.gateway.judge import Judge, Policy
from replayer.gateway.relay import Relay, Through
from replayer.gateway.session import Sessions
from replayer.gateway.upstreams import Keeping, Naming, Reach, Upstreams
from replayer.inputs import Loaded
from replayer.journal import Journal
from replayer.listening import Doors, Listeners
from replayer.live import live_workers
from replayer.match.player import Player, Repeat
from replayer.record.settings import Pace
from replayer.record.upstreams import Way
from replayer.redact.configured import redactor_of
from replayer.run import Address, Run
from replayer.source import Mode, Source
from replayer.steering import Steering
from replayer.stock import Reloaded, Stock, stock_of

if TYPE_CHECKING:
    from replayer.episodes import Episodes
    from replayer.record.messages import Message, Summary

__all__ = ["Contracts", "Options", "Service", "build"]


class Contracts(StrEnum):
    """Whether requests and answers are held against contracts."""

    ON = "on"
    OFF = "off"


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the command line says; None leaves it to the configuration."""

    host: str = "127.0.0.1"
    port: int | None = None
    repeat: str | None = None
    pace: str | None = None
    seed: int
    token: str | None = None
    """Of control; needed where `host` is not loopback."""
    contracts: Contracts = Contracts.ON
    source: Source = field(default_factory=Source)
    doors: Doors = field(default_factory=Doors)
    documents: tuple[Path, ...] = ()
    """The user's own contracts, beside those that the configuration names."""
    policy: str | None = None
    job_store: str | None = None
    """SQLite file of the persisted jobs."""
    job_timeout_s: float | None = None
    max_upload: int | None = None
    """Bytes of the largest request body that is taken."""


class Service:
    """One run of the gateway. `run` says how it stands."""

    def __init__(
        self,
        *,
        run: Run,
        parts: Parts,
        gateway: Gateway,
        listeners: Listeners,
        clock: Clock,
        episodes: Episodes | None,
        stocked: Callable[[Loaded], Stock],
        live: DispatchServer | None,
    ) -> None:
        self.run = run
        self.live = live
        """The queue in front of live workers, where this run has one."""
        self.lost = asyncio.Event() if episodes is None else episodes.lost
        """Set where the recorder behind the gateway ended on its own: `stop` raises why."""
        self.shutdown = asyncio.Event()
        """Set where control asked for the end."""
        self._parts = parts
        self._gateway = gateway
        self._listeners = listeners
        self._clock = clock
        self._episodes = episodes
        self._stocked = stocked
        self._loads: Callable[[], Loaded] | None = None

    def hears(self, hear: Callable[[Message], None]) -> None:
        """Who hears what the recorder has to say."""
        if self._episodes is not None:
            self._episodes.hears(hear)

    def bases(self) -> Sequence[tuple[str, str]]:
        """Each upstream that may be asked, and the base URL by which clients mean it."""
        relay = self._parts.relay
        named = relay is not None and relay.upstreams.naming is Naming.UPSTREAMS
        names = tuple(relay.upstreams.reaches) if relay is not None and named else ()
        first = self.run.addresses[0].url if self.run.addresses else ""
        return [(name, f"{first}/{name}" if len(names) > 1 else first) for name in names]

    def reloads(self, loads: Callable[[], Loaded]) -> None:
        """From now on `reload` reads everything anew in this way."""
        self._loads = loads

    async def start(self) -> tuple[Address, ...]:
        """Listen; the addresses as they came to be. UsageError where one cannot be had, RecorderError likewise."""
        if self._parts.live is not None:
            await self._parts.live.start()  # the jobs of before are there when the first worker comes
        try:
            if self._episodes is not None and self._parts.relay is not None:
                entrance = await self._episodes.start()
                proxy = None if entrance.proxy is None else _through(entrance.proxy, entrance.authority)
                self._parts.relay.through(entrance.names, proxy)
            addresses = await self._listeners.open()
        except BaseException:
            await self.stop()
            raise
        self.run.began(addresses, self._clock.now())
        return addresses

    async def stop(self, pace: Pace = Pace.WHOLE) -> Summary | None:
        """Let workers go, end what is under way, listen no more; within a second or two.

        What the recorder says at its end, where there is one. Raises the error that it ended with.
        """
        if self._parts.live is not None:
            await self._parts.live.stop()
        try:
            # The recorder first: what is under way is recorded as open, not as left by its client.
            return None if self._episodes is None else await self._episodes.stop(pace)
        finally:
            await self._listeners.close()
            if self._parts.relay is not None:
                await self._parts.relay.close()

    async def reload(self) -> Reloaded:
        """Read everything anew and play that from here on: all of it, or where something is wrong, none.

        Requests under way end as they began. What sessions have played stays played where it is still the same.
        Raises UsageError where this run cannot reload, and whatever is wrong with what was read.
        """
        if self._loads is None or self._episodes is not None:
            raise UsageError("this run records: what it plays is changed by its recorder alone, and cannot be reloaded")
        loads, stocked = self._loads, self._stocked
        loaded, stock = await asyncio.to_thread(lambda: (found := loads(), stocked(found)))
        parts = self._parts
        reloaded = Reloaded.of(parts.player, stock.player)
        parts.sessions.carry(reloaded.same)
        parts.player, parts.routes, parts.miss_status = stock.player, stock.routes, loaded.config.miss_status
        parts.cassettes, parts.recorded_paths = stock.names, stock.paths
        self._gateway.replaced()
        self.run.replaced(stock.player, loaded.cassettes)
        return reloaded


def build(loaded: Loaded, options: Options, *, clock: Clock, environment: Mapping[str, str]) -> Service:
    """The parts of one run, put together. Raises ConfigError and UsageError for what cannot be."""
    if not is_loopback(options.host) and not options.token:
        raise UsageError(
            f"--host {options.host} is open to other machines: control then needs a token, set REPLAYER_TOKEN "
            "(playing needs none)"
        )
    config = loaded.config
    contract = _contract(loaded, options)
    redactor = redactor_of(config.redact, environment)
    journal, sessions = Journal(clock), Sessions(clock)
    source = options.source.checked()
    stocked = partial(
        stock_of, repeat=_repeat(options), pace=options.pace, upstreams=source.upstreams, redactor=redactor
    )
    stock = stocked(loaded)
    live = live_workers(
        loaded,
        contract,
        clock=clock,
        journal=journal,
        show=redactor.text,
        job_store=options.job_store,
        job_timeout_s=options.job_timeout_s,
    )
    episodes = _episodes(loaded, source, stock.player, environment)
    judge = Judge(contract, Policy(options.policy or config.policy), show=redactor.text)
    run = Run(
        player=stock.player,
        sessions=sessions,
        journal=journal,
        cassettes=loaded.cassettes,
        live=live,
        seed=options.seed,
        redact=redactor.uri,
    )
    token = None if is_loopback(options.host) else options.token
    steering = Steering(run, sessions)
    parts = Parts(
        player=stock.player,
        routes=stock.routes,
        sessions=sessions,
        journal=journal,
        control=Control(steering, Guard(host=options.host, token=token)),
        cassettes=stock.names,
        live=live,
        relay=_relay(source, episodes, judge, loaded),
        judge=judge,
        intake=Intake(max_upload=config.max_upload if options.max_upload is None else options.max_upload),
        redact=lru_cache(maxsize=4096)(redactor.uri),
        redact_text=redactor.text,
        recorded_paths=stock.paths,
        miss_status=config.miss_status,
        seed=options.seed,
    )
    port = config.port if options.port is None else options.port
    gateway = Gateway(parts)
    service = Service(
        run=run,
        parts=parts,
        gateway=gateway,
        listeners=Listeners(gateway, host=options.host, port=port, doors=options.doors),
        clock=clock,
        episodes=episodes,
        stocked=stocked,
        live=live,
    )
    steering.serves(service)
    return service


def _repeat(options: Options) -> Repeat | None:
    """As in vcrpy, what was played is played once while a run records: asked again, it is a new episode."""
    if options.repeat is not None:
        return Repeat(options.repeat)
    return Repeat.NONE if options.source.records else None


def _contract(loaded: Loaded, options: Options) -> Contract | None:
    """The user's contracts before the bundled ones, the command line's before the configuration's."""
    if options.contracts is Contracts.OFF:
        if options.documents or options.policy == Policy.REJECT:
            raise UsageError("--contracts off: then there is nothing for --contract and --policy reject to check")
        return None
    return contracts((*options.documents, *(loaded.folder / name for name in loaded.config.contract)))


def _episodes(loaded: Loaded, source: Source, player: Player, environment: Mapping[str, str]) -> Episodes | None:
    """The recorder behind the gateway, where this run has one."""
    taping = source.taping
    if taping is None or not source.writes(held=loaded.holds(taping.output)):
        return None
    # Imported late: most runs never record.
    from replayer.episodes import Episodes

    return Episodes.of(source, taping, player, name=loaded.name_of(taping.output), environment=environment)


def _relay(source: Source, episodes: Episodes | None, judge: Judge, loaded: Loaded) -> Relay | None:
    """Who asks upstream, where anything goes there."""
    keeps = episodes is not None
    if source.mode is Mode.NONE or (source.records and not keeps):
        return None
    upstreams = Upstreams(
        asking=source.asking,
        keeping=Keeping.RECORDED if keeps else Keeping.NOTHING,
        reaches={
            one.name: Reach(name=one.name, url=_http(one.url), through=_http(one.url)) for one in source.upstreams
        },
        naming=Naming.CLIENTS if source.way is Way.FORWARD else Naming.UPSTREAMS,
    )
    return Relay(upstreams, recorder=episodes, judge=judge, faults=source.faults)


def _through(url: str, authority: Path) -> Through:
    import ssl  # most runs never record

    return Through(url=url, trust=ssl.create_default_context(cafile=str(authority)))


def _http(url: str) -> str:
    """`wss:` is `https:` until it is upgraded."""
    return f"http{url[2:]}" if url.startswith("ws") else url
