"""`replayer replay`: a gateway in the foreground, until it is told to stop.

The rule: one line on stdout, the address; everything else on stderr, and nothing that grows with the requests, so that
nobody has to read either. What the run was is said once, at its end. Around a program (`-- COMMAND`) stdout is the
program's, and the run ends with it.
"""

from __future__ import annotations

import asyncio
import gc
import os
import random
import signal
import sys
from collections.abc import Iterable, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from replayer.cli.around import bases_of, run
from replayer.cli.console import Console, LogFormat, told
from replayer.cli.sources import Asked, door_options, doors, source_of, source_options
from replayer.cli.wrapping import WrappingCommand
from replayer.clock import SystemClock
from replayer.errors import ExitStatus, UsageError, closest
from replayer.inputs import Loaded
from replayer.run import Run, Summary
from replayer.service import Contracts, Options, Service, build
from replayer.source import Mode
from replayer.watch import watch
from replayer.wrap.program import Program

if TYPE_CHECKING:
    from replayer.record.messages import Summary as Recorded

__all__ = ["Condition", "Played", "command", "play"]

_COLLECTED = (20_000, 50, 100)
"""What the garbage collector waits for. A request leaves a hundred objects in the journal and no cycles: at Python's
own 700 it would walk the journal again and again (measured: one part in twelve of the time)."""
FAIL_ON, FAIL_ON_WRAPPED = "fault-not-applied", "miss,fault-not-applied"
_TOLD = 20
"""Lines of a list that are told."""


class Condition(StrEnum):
    """What `--fail-on` can name."""

    MISS = "miss"
    VIOLATION = "violation"
    UNUSED = "unused"
    FAULT_NOT_APPLIED = "fault-not-applied"


@click.command("replay", cls=WrappingCommand)
@click.argument("paths", nargs=-1, metavar="PATH|NAME…")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=None, help="Port; 0 takes a free one.  [default: configured, 8788]"
)
@click.option("--repeat", type=click.Choice(["last", "none", "cycle"]), help="After the last of equal requests.")
@click.option(
    "--pace", metavar="instant|recorded|FACTOR", help="How long streams take.  [default: configured, instant]"
)
@click.option(
    "--fail-on",
    default=None,
    metavar="LIST",
    help="What ends the run with 1: miss, violation, unused, fault-not-applied, or none; separated by commas.  "
    "[default: fault-not-applied; with -- COMMAND also miss]",
)
@click.option("--env", "assignments", multiple=True, metavar="VAR=NAME", help="Of COMMAND: VAR is NAME's base URL.")
@click.option("--seed", type=int, default=None, help="Of the chance in faults.  [default: random, told at the end]")
@click.option(
    "--contracts",
    type=click.Choice([choice.value for choice in Contracts]),
    default=Contracts.ON.value,
    show_default=True,
    help="Hold requests, answers and frames against the contracts.",
)
@click.option("--watch", "watched", is_flag=True, help="Read the cassettes anew when their files change.")
@source_options
@door_options
def command(
    paths: tuple[str, ...],
    host: str,
    port: int | None,
    repeat: str | None,
    pace: str | None,
    fail_on: str | None,
    assignments: tuple[str, ...],
    seed: int | None,
    contracts: str,
    watched: bool,
    record_mode: str,
    spy: bool,
    passthrough: bool,
    upstreams: tuple[str, ...],
    output: Path | None,
    allow_faults: bool,
    also: tuple[str, ...],
    tls: Path | None,
    tls_port: int,
    proxy: bool,
    proxy_port: int,
    socket: Path | None,
    wrapped: tuple[str, ...] | None,
) -> None:
    """Answer requests from cassettes, and dispatch to live workers where the directory says so.

    A PATH is a cassette or a directory (its replayer.toml and every cassette below it); a NAME is a bundled
    directory. Ends with Ctrl-C: 0; 1 if --fail-on is met; 3 if no request came.

    Behind -- stands a program to run: it gets the environment that its clients need, also keys where none is set; the
    run ends with it, and with its exit status if that is not 0.
    """
    conditions = read_conditions(fail_on or (FAIL_ON if wrapped is None else FAIL_ON_WRAPPED))
    asked = source_of(
        paths,
        mode=record_mode,
        spy=spy,
        passthrough=passthrough,
        upstreams=upstreams,
        output=output,
        allow_faults=allow_faults,
    )
    source = asked.source
    if not asked.paths and source.mode is Mode.NONE:
        raise UsageError("say what to replay: a cassette, a directory, or the name of a bundled one")
    if watched and source.taping is not None:
        raise UsageError("--watch: a run that records changes its cassette itself; leave --watch out")
    loaded = asked.load()
    program = Program.of(wrapped, assignments, bases_of(loaded, source.upstreams))
    if program is not None and repeat is None:
        repeat = "none"
    options = Options(
        host=host,
        port=port,
        repeat=repeat,
        pace=pace,
        seed=random.SystemRandom().getrandbits(32) if seed is None else seed,
        token=os.environ.get("REPLAYER_TOKEN") or None,
        contracts=Contracts(contracts),
        source=source,
        doors=doors(
            also=also,
            upstreams=source.upstreams,
            tls=tls,
            tls_port=tls_port,
            proxy=proxy,
            proxy_port=proxy_port,
            socket=socket,
        ),
    )
    played = play(asked, loaded, options, program=program, watched=asked.paths if watched else ())
    held = _end(played.run, conditions)
    if played.recorded is not None:
        _tell([told(played.recorded)])
    sys.exit(played.status or held)


class Played(NamedTuple):
    """A run that is over."""

    run: Run
    status: int
    """Of the program that it was made for; 0 without one."""
    recorded: Recorded | None
    """What its recorder wrote; None where there was none."""


def play(
    asked: Asked,
    loaded: Loaded,
    options: Options,
    *,
    program: Program | None = None,
    watched: Sequence[str] = (),
    console: Console | None = None,
) -> Played:
    """One run, until it is over. `console` hears the recorder. Raises whatever keeps it from starting, or ends it."""
    service = build(loaded, options, clock=SystemClock(), environment=os.environ)
    if options.source.taping is None:
        service.reloads(asked.load)
    service.hears((console or Console(LogFormat.TEXT)).hear)
    _tell(_problems(loaded))
    # What is loaded stays for the whole run: the garbage collector need not walk it again and again.
    gc.freeze()
    gc.set_threshold(*_COLLECTED)
    serving = (
        _serve(service, watched) if program is None else _serve_program(service, program, loaded, options, console)
    )
    status, recorded = asyncio.run(serving)
    return Played(run=service.run, status=status, recorded=recorded)


def read_conditions(text: str) -> frozenset[Condition]:
    """The conditions in a `--fail-on` list. UsageError for one that there is not."""
    names = [name.strip() for name in text.split(",") if name.strip()]
    known = [condition.value for condition in Condition]
    if names == ["none"]:
        return frozenset()
    for name in names:
        if name not in known:
            raise UsageError(
                f"--fail-on {name}: no such condition{closest(name, known)} (there are: {', '.join(known)})"
            )
    return frozenset(Condition(name) for name in names)


async def _serve_program(
    service: Service, program: Program, loaded: Loaded, options: Options, console: Console | None
) -> tuple[int, Recorded | None]:
    """Serve for as long as the program runs; its exit status, and what was recorded."""
    address, *_ = await service.start()
    if console is None:
        _tell([f"listening on {address.url}"])
    try:
        status = await run(program, address.url, loaded, _tell, upstreams=options.source.upstreams)
    finally:
        recorded = await service.stop()
    return status, recorded


async def _serve(service: Service, watched: Sequence[str]) -> tuple[int, Recorded | None]:
    """Until somebody asks for the end, or the recorder behind it is lost: then `stop` raises why."""
    stopping = service.shutdown
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopping.set)
    for address in await service.start():
        _say(f"listening on {address.url}{f' ({address.note})' if address.note else ''}")
    for name, base in service.bases():
        _tell([f"{name}: {base}"])
    waiting: list[asyncio.Task[Any]] = [asyncio.create_task(event.wait()) for event in (stopping, service.lost)]
    if watched:
        waiting.append(asyncio.create_task(watch(service, watched, lambda line: _tell([line]))))
    try:
        ended, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        for task in ended:
            task.result()
    finally:
        for task in waiting:
            task.cancel()
        recorded = await service.stop()
    return ExitStatus.HELD, recorded


def _say(line: str) -> None:
    """To stdout, at once; nobody has to listen."""
    try:
        click.echo(line)
        sys.stdout.flush()
    except OSError:
        # Closed on the other side. Python would complain once more when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def _tell(lines: Iterable[str]) -> None:
    for line in lines:
        try:
            click.echo(line, err=True)
        except OSError:
            return


def _problems(loaded: Loaded) -> list[str]:
    """What was left out or mended while loading, the first few."""
    found = [
        f"warning: {name}{'' if problem.index is None else f'#{problem.index}'}: {problem.message}"
        for name, cassette in loaded.cassettes
        for problem in cassette.problems
    ]
    return _shortened(found)


def _shortened(lines: list[str]) -> list[str]:
    return lines if len(lines) <= _TOLD else [*lines[:_TOLD], f"… and {len(lines) - _TOLD} more"]


def _end(run: Run, conditions: frozenset[Condition]) -> ExitStatus:
    summary = run.summary()
    met = [condition for condition in Condition if condition in conditions and _is_met(condition, summary)]
    _tell(_summary(summary, conditions))
    if met:
        _tell([f"did not hold: {', '.join(met)}"])
        return ExitStatus.DID_NOT_HOLD
    return ExitStatus.HELD if summary.requests else ExitStatus.NOTHING_CHECKED


def _is_met(condition: Condition, summary: Summary) -> bool:
    return {
        Condition.MISS: summary.misses,
        Condition.VIOLATION: summary.violations,
        Condition.UNUSED: len(summary.unplayed),
        Condition.FAULT_NOT_APPLIED: summary.not_applied,
    }[condition] > 0


def _summary(summary: Summary, conditions: frozenset[Condition]) -> list[str]:
    outcomes = ", ".join(f"{count} {outcome}" for outcome, count in summary.outcomes.items())
    lines = [f"{summary.requests} requests{f': {outcomes}' if outcomes else ''}"]
    if summary.faulted or summary.not_applied:
        lines.append(f"{summary.faulted} with faults, {summary.not_applied} faults not applied (seed {summary.seed})")
    lines.append(f"{summary.violations} violations")
    if summary.interactions:
        played = summary.interactions - len(summary.unplayed)
        lines.append(f"{played} of {summary.interactions} interactions played")
    if Condition.UNUSED in conditions:
        lines += _shortened([f"never played: {name}" for name in summary.unplayed])
    return lines
