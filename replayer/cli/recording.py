"""A recording from its first line to its summary: until a signal ends it, or the program that it is made for."""

from __future__ import annotations

import asyncio
import dataclasses
import os
import signal
import sys
from contextlib import ExitStack
from typing import NamedTuple

import click

from replayer.cli.console import Console
from replayer.clock import SystemClock
from replayer.record.launch import Recorder, recorder
from replayer.record.messages import Summary
from replayer.record.settings import CA, Pace, Settings
from replayer.record.upstreams import Way, proxy_address
from replayer.wrap import process
from replayer.wrap.environment import Base, Environment
from replayer.wrap.equip import equip
from replayer.wrap.program import Program

__all__ = ["Recorded", "record", "through_own_proxy"]


class Recorded(NamedTuple):
    """A recording that is over."""

    summary: Summary
    status: int
    """Of the program that it was made for; 0 without one."""
    asked_at: float | None
    """When somebody asked for the end (ms of the clock), and waits; None where the program ended of its own."""


async def record(settings: Settings, console: Console, program: Program | None) -> Recorded:
    """Record. Raises the recorder's errors."""
    if program is not None:
        return await _around(settings, console, program)
    asked = _Asked()  # before anything is printed: whoever reads the address may send a signal at once
    async with recorder(settings, hear=console.hear) as running:
        for listener in running.listeners:
            click.echo(f"listening on {listener}")
        sys.stdout.flush()
        _say_ways(settings, running, console)
        asked.of(running)
        return Recorded(await running.wait(), 0, asked.at)


def _say_ways(settings: Settings, running: Recorder, console: Console) -> None:
    """How clients come in, for who starts them by hand."""
    if settings.way is Way.FORWARD:
        console.say(f"clients come in by HTTPS_PROXY={running.listeners[0]} and trust {settings.confdir / CA}")
        return
    for name, base in running.names.items():
        console.say(f"{name}: {base}")


def through_own_proxy(settings: Settings, console: Console) -> Settings:
    """Where a program gets our proxy for the user's own, that one is the one behind it."""
    own = Environment(os.environ).own_proxy
    if settings.way is not Way.FORWARD or settings.via is not None or not own:
        return settings
    settings = dataclasses.replace(settings, via=proxy_address(own, "HTTPS_PROXY"))
    console.say(f"upstreams are reached through the proxy of your environment, {settings.via}")
    return settings


async def _around(settings: Settings, console: Console, program: Program) -> Recorded:
    """Record what a program does."""
    settings = through_own_proxy(settings, console)
    environment = Environment(os.environ)
    with ExitStack() as stack:
        async with recorder(settings, hear=console.hear) as running:
            _prepare(environment, settings, running, program, stack, console)
            started = await process.started(program.command, environment.variables)
            with started.signalled():
                return await _both(running, started)


async def _both(running: Recorder, started: process.Process) -> Recorded:
    """Wait for the program; a recorder that is lost before it ends it too."""
    hearing = asyncio.create_task(running.wait())
    ending = asyncio.create_task(started.ended())
    await asyncio.wait({hearing, ending}, return_when=asyncio.FIRST_COMPLETED)
    if not ending.done():
        await started.end()
        await ending
        await hearing  # raises what the recorder ended with
    ended = ending.result()
    asked_at = SystemClock().ms() if ended.told_to else None
    running.stop(Pace.SOON if ended.told_to else Pace.WHOLE)
    return Recorded(await hearing, ended.status, asked_at)


def _prepare(
    environment: Environment,
    settings: Settings,
    running: Recorder,
    program: Program,
    stack: ExitStack,
    console: Console,
) -> None:
    """Point the program's clients at the recorder."""
    # Also in reverse: there are clients that insist on TLS, and our listeners speak it too.
    proxy = running.listeners[0] if settings.way is Way.FORWARD else None
    equip(environment, stack, authority=settings.confdir / CA, proxy=proxy)
    if proxy is not None:
        return
    urls = {upstream.name: upstream.url for upstream in settings.upstreams}
    bases = {name: Base(here=here, url=urls[name]) for name, here in running.names.items()}
    environment.point(bases)
    environment.assign(bases, program.assignments)
    for name in environment.left:
        console.say(
            f"{name} is set by you and left alone, so its client does not come here (--env {name}=NAME sets it)"
        )


class _Asked:
    """SIGINT and SIGTERM: the first one ends the recording, a second one at once. Needs the running loop."""

    def __init__(self) -> None:
        self._times = 0
        self.at: float | None = None
        """When it was first asked for (ms of the clock)."""
        self._running: Recorder | None = None
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._ask)

    def of(self, running: Recorder) -> None:
        """From now on there is a recorder to end; perhaps it was asked for already."""
        self._running = running
        if self._times:
            running.stop(Pace.SOON)

    def _ask(self) -> None:
        self._times += 1
        if self.at is None:
            self.at = SystemClock().ms()
        if self._running is None:
            return
        if self._times == 1:
            self._running.stop(Pace.SOON)
        else:
            self._running.kill()
