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
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from replayer.cli.around import Front, bases_of, front_of, run
from replayer.cli.console import Console, LogFormat, told
from replayer.cli.known import telling_known
from replayer.cli.sources import Asked, door_options, doors, source_of, source_options
from replayer.cli.verdict import end, read_conditions, shortened, telling
from replayer.cli.wrapping import WrappingCommand
from replayer.clock import SystemClock
from replayer.errors import ExitStatus, UsageError
from replayer.gateway.authority import CA
from replayer.inputs import Loaded
from replayer.listening import Front as Every
from replayer.record.settings import Pace
from replayer.record.upstreams import Way
from replayer.report.target import parse
from replayer.run import Address, Run
from replayer.service import Contracts, Options, Service, build
from replayer.source import Mode
from replayer.watch import watch
from replayer.wrap.program import Program

if TYPE_CHECKING:
    from replayer.record.messages import Summary as Recorded

__all__ = ["Played", "command", "play"]

Tell = Callable[[Iterable[str]], None]

_COLLECTED = (20_000, 50, 100)
"""What the garbage collector waits for. A request leaves a hundred objects in the journal and no cycles: at Python's
own 700 it would walk the journal again and again (measured: one part in twelve of the time)."""
FAIL_ON, FAIL_ON_WRAPPED = "fault-not-applied", "miss,fault-not-applied"


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
    help="What ends the run with 1: miss, violation, unused, fault-not-applied, request-drift, or none; separated by "
    "commas.  "
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
@click.option(
    "--contract",
    "documents",
    metavar="FILE",
    multiple=True,
    type=click.Path(path_type=Path),
    help="An OpenAPI, AsyncAPI or JSON Schema document of your own; may be given again.",
)
@click.option(
    "--policy",
    type=click.Choice(["report", "reject"]),
    help="What breaks its contract is reported, or answered with 400 (a request) or 502 (an answer).  "
    "[default: configured, report]",
)
@click.option(
    "--job-store", metavar="FILE", default=None, help="Keep persisted jobs in this SQLite file, across restarts."
)
@click.option(
    "--job-timeout",
    type=click.FloatRange(min=0, min_open=True),
    metavar="SECONDS",
    default=None,
    help="How long a request waits for its live worker: then 504.  [default: configured, 120]",
)
@click.option(
    "--max-upload",
    type=click.IntRange(min=1),
    metavar="BYTES",
    default=None,
    help="The largest request body that is taken; a larger one is a 413.  [default: configured, 2 GiB]",
)
@click.option(
    "--report",
    "reports",
    multiple=True,
    metavar="FORMAT[=FILE]",
    help="What was missed, violated, not applied and not played, as text, json or junit; may be given again.",
)
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
    documents: tuple[Path, ...],
    policy: str | None,
    job_store: str | None,
    job_timeout: float | None,
    max_upload: int | None,
    reports: tuple[str, ...],
    wrapped: tuple[str, ...] | None,
) -> None:
    """Answer requests from cassettes, and dispatch to live workers where the directory says so.

    A PATH is a cassette or a directory (its replayer.toml and every cassette below it); a NAME is a bundled
    directory. Ends with Ctrl-C: 0; 1 if --fail-on is met; 3 if no request came.

    Behind -- stands a program to run: it gets the environment that its clients need, also keys where none is set; the
    run ends with it, and with its exit status if that is not 0.
    """
    targets = [parse(report) for report in reports]
    if wrapped is not None and any(target.file is None for target in targets):
        raise UsageError("--report with -- COMMAND: stdout is the command's, name a file (--report junit=FILE)")
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
    # Through the proxy a program meets the real hosts: there is no base URL that a variable could say.
    program = Program.of(wrapped, assignments, () if proxy else bases_of(loaded, source.upstreams))
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
        documents=documents,
        policy=policy,
        job_store=job_store,
        job_timeout_s=job_timeout,
        max_upload=max_upload,
    )
    played = play(asked, loaded, options, program=program, watched=asked.paths if watched else ())
    held = end(played.run, conditions, targets=targets, tell=_tell, show=_say_report)
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
    asked_at: float | None
    """When somebody asked for the end (ms of the clock), and waits; None where the program ended of its own."""


class _Ended(NamedTuple):
    status: int
    recorded: Recorded | None
    asked_at: float | None


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
    tell = _tell if console is None else console.say_all
    console = console or Console(LogFormat.TEXT)
    service.run.watch(telling(tell))
    if options.source.taping is None:
        service.reloads(asked.load)
    service.hears(console.hear)
    if options.source.records and console.watched:
        service.run.listen(telling_known(service.run, console.hear))
    tell(_problems(loaded))
    # What is loaded stays for the whole run: the garbage collector need not walk it again and again.
    gc.freeze()
    gc.set_threshold(*_COLLECTED)
    serving = (
        _serve(service, watched, options, tell)
        if program is None
        else _serve_program(service, program, loaded, options, tell)
    )
    ended = asyncio.run(serving)
    return Played(run=service.run, status=ended.status, recorded=ended.recorded, asked_at=ended.asked_at)


async def _serve_program(service: Service, program: Program, loaded: Loaded, options: Options, tell: Tell) -> _Ended:
    """Serve for as long as the program runs."""
    addresses = await service.start()
    if tell is _tell:
        _tell([f"listening on {address.url}" for address in addresses])
    pace, asked_at = Pace.SOON, None
    try:
        front = _front(addresses, options)
        ended = await run(program, front, loaded, tell, upstreams=options.source.upstreams, lost=service.lost)
        if ended.told_to:
            asked_at = SystemClock().ms()
        else:
            pace = Pace.WHOLE
    finally:
        recorded = await service.stop(pace)
    return _Ended(ended.status, recorded, asked_at)


def _front(addresses: Sequence[Address], options: Options) -> Front:
    """What a program sees of a run: one address for everything, or one for each purpose."""
    authority = None if options.doors.tls is None else options.doors.tls / CA
    if options.doors.front is not Every.EVERY:
        return front_of(addresses, authority)
    url = addresses[0].url
    return Front(url=url, proxy=url if options.source.way is Way.FORWARD else None, authority=authority)


async def _serve(service: Service, watched: Sequence[str], options: Options, tell: Tell) -> _Ended:
    """Until somebody asks for the end, or the recorder behind it is lost: then `stop` raises why."""
    stopping = service.shutdown
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopping.set)
    for address in await service.start():
        _say(f"listening on {address.url}{f' ({address.note})' if address.note else ''}")
    tell(f"{name}: {base}" for name, base in service.bases())
    if options.source.way is Way.FORWARD:
        front = _front(service.run.addresses, options)
        tell([f"clients come in by HTTPS_PROXY={front.proxy} and trust {front.authority}"])
    waiting: list[asyncio.Task[Any]] = [asyncio.create_task(event.wait()) for event in (stopping, service.lost)]
    if watched:
        waiting.append(asyncio.create_task(watch(service, watched, lambda line: tell([line]))))
    try:
        ended, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        for task in ended:
            task.result()
    finally:
        asked_at = SystemClock().ms()
        for task in waiting:
            task.cancel()
        recorded = await service.stop(Pace.SOON)
    return _Ended(ExitStatus.HELD, recorded, asked_at)


def _say(line: str) -> None:
    """To stdout, at once; nobody has to listen."""
    try:
        click.echo(line)
        sys.stdout.flush()
    except OSError:
        # Closed on the other side. Python would complain once more when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def _say_report(text: str) -> None:
    _say(text.removesuffix("\n"))


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
    return shortened(found)
