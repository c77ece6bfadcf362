"""The wiring: builds the parts of one run, and hands each what it needs.

The rule: rooms do not know each other; here, and only here, they meet. A `Service` is one run of the gateway: it is
built, started, stopped, and can say at any time how it stands.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import lru_cache
from pathlib import Path

from replayer.cassette.model import Request, header
from replayer.clock import Clock
from replayer.contract.registry import load as contracts
from replayer.contract.validate import Contract
from replayer.control.api import Control
from replayer.control.guard import Guard, is_loopback
from replayer.dispatch.server import DispatchServer
from replayer.errors import UsageError
from replayer.gateway.app import Gateway
from replayer.gateway.exchange import Parts
from replayer.gateway.judge import Judge, Policy
from replayer.gateway.listener import Listener
from replayer.gateway.routes import Routes
from replayer.gateway.session import Sessions
from replayer.inputs import Loaded
from replayer.journal import Journal
from replayer.live import live_workers
from replayer.match.nearmiss import as_text, shorten
from replayer.match.player import Player, Repeat
from replayer.match.target import host_of, split_target
from replayer.redact.configured import redactor_of
from replayer.redact.redactor import Redactor
from replayer.run import Address, Run

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
    documents: tuple[Path, ...] = ()
    """The user's own contracts, beside those that the configuration names."""
    policy: str | None = None
    job_store: str | None = None
    """SQLite file of the persisted jobs."""
    job_timeout_s: float | None = None


class Service:
    """One run of the gateway. `run` says how it stands."""

    def __init__(
        self, *, run: Run, gateway: Gateway, live: DispatchServer | None, host: str, port: int, clock: Clock
    ) -> None:
        self.run = run
        self._live = live
        self._host = host
        self._port = port
        self._clock = clock
        self._listener = Listener(gateway.handle)

    async def start(self) -> tuple[Address, ...]:
        """Listen; the addresses as they came to be. UsageError where one cannot be had."""
        if self._live is not None:
            await self._live.start()  # the jobs of before are there when the first worker comes
        try:
            addresses = (Address(*await self._listener.open(self._host, self._port)),)
        except BaseException:
            await self.stop()
            raise
        self.run.began(addresses, self._clock.now())
        return addresses

    async def stop(self) -> None:
        """Let workers go, end what is under way, listen no more; within a second or two."""
        if self._live is not None:
            await self._live.stop()
        await self._listener.close()


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
    journal, sessions = Journal(clock), Sessions()
    player = Player(
        loaded.cassettes,
        repeat=Repeat(options.repeat or config.repeat),
        show=lambda value: shorten(redactor.text(as_text(value))),
        redact=lambda request: _veiled(redactor, request),
    )
    live = live_workers(
        loaded,
        contract,
        clock=clock,
        journal=journal,
        job_store=options.job_store,
        job_timeout_s=options.job_timeout_s,
    )
    routes = _routes(loaded, options)
    for rules in routes.rules():
        player.prepare(rules)
    run = Run(
        player=player, sessions=sessions, journal=journal, cassettes=loaded.cassettes, live=live, seed=options.seed
    )
    token = None if is_loopback(options.host) else options.token
    parts = Parts(
        player=player,
        routes=routes,
        sessions=sessions,
        journal=journal,
        control=Control(run, Guard(host=options.host, token=token)),
        cassettes=frozenset(name for name, _ in loaded.cassettes),
        live=live,
        judge=Judge(contract, Policy(options.policy or config.policy), show=redactor.text),
        redact=lru_cache(maxsize=4096)(redactor.uri),
        redact_text=redactor.text,
        recorded_paths=frozenset(split_target(uri).path for uri in _uris(loaded)),
        miss_status=config.miss_status,
        seed=options.seed,
    )
    port = config.port if options.port is None else options.port
    return Service(run=run, gateway=Gateway(parts), live=live, host=options.host, port=port, clock=clock)


def _contract(loaded: Loaded, options: Options) -> Contract | None:
    """The user's contracts before the bundled ones, the command line's before the configuration's."""
    if options.contracts is Contracts.OFF:
        if options.documents or options.policy == Policy.REJECT:
            raise UsageError("--contracts off: then there is nothing for --contract and --policy reject to check")
        return None
    return contracts((*options.documents, *(loaded.folder / name for name in loaded.config.contract)))


def _uris(loaded: Loaded) -> Iterator[str]:
    return (found.request.uri for _, cassette in loaded.cassettes for found in cassette.interactions)


def _routes(loaded: Loaded, options: Options) -> Routes:
    config = loaded.config if options.pace is None else replace(loaded.config, pace=options.pace)
    upstreams: dict[str, str] = {}
    for name, cassette in loaded.cassettes:
        for upstream, base in cassette.metadata.upstreams.items() if cassette.metadata else ():
            if upstreams.setdefault(upstream, base) != base:
                raise UsageError(
                    f"{name}: the upstream {upstream!r} is {base} here and {upstreams[upstream]} in another cassette: "
                    "replay them one after the other, or rename it in one of them"
                )
    return Routes(config, upstreams=upstreams, hosts={host_of(uri) for uri in _uris(loaded)})


def _veiled(redactor: Redactor, request: Request) -> Request:
    """A request as it may be shown."""
    body = None if request.body is None else redactor.body(request.body, header(request.headers, "content-type"))
    return replace(request, uri=redactor.uri(request.uri), headers=redactor.headers(request.headers), body=body)
