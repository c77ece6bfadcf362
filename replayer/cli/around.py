"""A program run around a gateway: its clients are pointed at it, and its end is the gateway's."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from replayer.inputs import Loaded
from replayer.record.upstreams import Upstream
from replayer.run import Address
from replayer.wrap import process
from replayer.wrap.environment import KNOWN, Base, Environment
from replayer.wrap.equip import equip
from replayer.wrap.program import Program

__all__ = ["Front", "bases_of", "front_of", "run"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Front:
    """What a program sees of a gateway."""

    url: str
    """For base URLs: under TLS where the gateway was asked to speak it."""
    proxy: str | None = None
    """Where everything goes through it."""
    authority: Path | None = None
    """The certificate to trust; None where there is no TLS."""


def front_of(addresses: Sequence[Address], authority: Path | None) -> Front:
    """By the addresses of a replay: TLS before plain, and the proxy where there is one."""
    proxy = next((one.url for one in addresses if one.note == "proxy"), None)
    secure = next((one.url for one in addresses if one.scheme == "https"), None)
    return Front(url=secure or addresses[0].url, proxy=proxy, authority=authority)


def bases_of(loaded: Loaded, upstreams: Iterable[Upstream] = ()) -> dict[str, str]:
    """Names and base URLs of what the cassettes were recorded from, and of the `upstreams` that may be asked."""
    found: dict[str, str] = {upstream.name: upstream.url for upstream in upstreams}
    for _, cassette in loaded.cassettes:
        if cassette.metadata is not None:
            found.update(cassette.metadata.upstreams)
    return found


async def run(
    program: Program,
    front: Front,
    loaded: Loaded,
    say: Callable[[Iterable[str]], None],
    *,
    upstreams: Sequence[Upstream] = (),
    lost: asyncio.Event,
) -> process.Ended:
    """Run the program while a gateway answers; how it ended. UsageError where it cannot be run.

    Where `lost` is set before, the program is ended: nobody answers it any more.
    """
    environment = Environment(os.environ)
    bases = bases_of(loaded, upstreams)
    with ExitStack() as stack:
        equip(environment, stack, authority=front.authority, proxy=front.proxy)
        if front.proxy is None:
            environment.point(_pointed(front.url, loaded, bases, {upstream.name for upstream in upstreams}))
        elif loaded.config.dispatch is not None:
            environment.point({"casola": Base(here=front.url)})  # no host of its own to be reached at
        several = len(bases) > 1
        asked = {
            name: Base(here=f"{front.url}/{name}" if several else front.url, url=url) for name, url in bases.items()
        }
        environment.assign(asked, program.assignments)
        environment.unlock()
        say(f"{name} is set by you and left alone, so its client does not come here" for name in environment.left)
        started = await process.started(program.command, environment.variables)
        with started.signalled():
            return await _until(started, lost)


def _pointed(url: str, loaded: Loaded, bases: Mapping[str, str], asking: set[str]) -> dict[str, Base]:
    """Base URLs of every known service; `asking` are the upstreams that may really be asked."""
    several = len(bases) > 1
    known = {service: Base(here=url) for service in KNOWN}
    for name, upstream in bases.items():
        # Paths and the providers' own headers tell who is meant; a base path does not tell itself.
        # Who may really be asked must be named, whatever the path.
        named = urlsplit(upstream).path.rstrip("/") or name in asking
        here = f"{url}/{name}" if several and named else url
        known[_service(name, upstream)] = Base(here=here, url=upstream)
    if loaded.config.dispatch is not None:
        known["casola"] = Base(here=url)
    return known


async def _until(started: process.Process, lost: asyncio.Event) -> process.Ended:
    ending, losing = asyncio.create_task(started.ended()), asyncio.create_task(lost.wait())
    try:
        await asyncio.wait({ending, losing}, return_when=asyncio.FIRST_COMPLETED)
        if not ending.done():
            await started.end()
        return await ending
    finally:
        losing.cancel()


def _service(name: str, upstream: str) -> str:
    """The known service that an upstream is, or its own name."""
    host = urlsplit(upstream).hostname
    return next(
        (service for service, facts in KNOWN.items() if name == service or (facts.host and facts.host == host)), name
    )
