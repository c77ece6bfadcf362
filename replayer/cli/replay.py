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
from collections.abc import Iterable
from pathlib import Path

import click

from replayer.cli.around import recorded_upstreams, run
from replayer.cli.verdict import end, read_conditions, shortened, telling
from replayer.cli.wrapping import WrappingCommand
from replayer.clock import SystemClock
from replayer.errors import ExitStatus, UsageError
from replayer.inputs import Loaded, load
from replayer.report.target import parse
from replayer.service import Contracts, Options, Service, build
from replayer.wrap.program import Program

__all__ = ["command"]

_COLLECTED = (20_000, 50, 100)
"""What the garbage collector waits for. A request leaves a hundred objects in the journal and no cycles: at Python's
own 700 it would walk the journal again and again (measured: one part in twelve of the time)."""
FAIL_ON, FAIL_ON_WRAPPED = "fault-not-applied", "miss,fault-not-applied"


@click.command("replay", cls=WrappingCommand)
@click.argument("paths", nargs=-1, required=True, metavar="PATH|NAME…")
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
    documents: tuple[Path, ...],
    policy: str | None,
    job_store: str | None,
    job_timeout: float | None,
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
    loaded = load(paths)
    program = Program.of(wrapped, assignments, recorded_upstreams(loaded))
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
        documents=documents,
        policy=policy,
        job_store=job_store,
        job_timeout_s=job_timeout,
    )
    service = build(loaded, options, clock=SystemClock(), environment=os.environ)
    service.run.watch(telling(_tell))
    _tell(_problems(loaded))
    # What is loaded stays for the whole run: the garbage collector need not walk it again and again.
    gc.freeze()
    gc.set_threshold(*_COLLECTED)
    status = asyncio.run(_serve(service) if program is None else _serve_program(service, program, loaded))
    held = end(service.run, conditions, targets=targets, tell=_tell, show=_say_report)
    sys.exit(status or held)


async def _serve_program(service: Service, program: Program, loaded: Loaded) -> int:
    """Serve for as long as the program runs; its exit status."""
    address, *_ = await service.start()
    _tell([f"listening on {address.url}"])
    try:
        return await run(program, address.url, loaded, _tell)
    finally:
        await service.stop()


async def _serve(service: Service) -> int:
    """Serve until somebody asks for the end."""
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopping.set)
    for address in await service.start():
        _say(f"listening on {address.url}")
    await stopping.wait()
    await service.stop()
    return ExitStatus.HELD


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
