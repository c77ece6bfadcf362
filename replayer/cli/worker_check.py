"""`replayer worker check`: a conformance run against a worker, in one command."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from replayer.errors import UsageError

if TYPE_CHECKING:
    from replayer.worker.check.bench import Bench
    from replayer.worker.check.check import Check, Outcome

__all__ = ["check"]


@click.command("check", context_settings={"ignore_unknown_options": False})
@click.argument("command", nargs=-1, type=click.UNPROCESSED, metavar="[-- COMMAND...]")
@click.option("--task", "tasks", metavar="TASK", multiple=True, help="A task that the worker does.  [default: try all]")
@click.option(
    "--payload",
    "payloads",
    metavar="FILE",
    multiple=True,
    type=click.Path(path_type=Path),
    help="A job's payload, as JSON, that the worker can do; may be given again.",
)
@click.option("--only", metavar="NAME", multiple=True, help="Make these checks alone; * stands for anything.")
@click.option("--skip", metavar="NAME", multiple=True, help="Leave these checks out.")
@click.option("--list", "listing", is_flag=True, help="Say which checks there are, and end.")
@click.option(
    "--cassette",
    "cassettes",
    metavar="FILE",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Play the jobs of a recorded worker connection, and compare the results.",
)
@click.option("--compare", type=click.Choice(["value", "schema"]), default="value", show_default=True)
@click.option("--ignore", metavar="JSONPATH", multiple=True, help="Leave this out of the comparison of results.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on, for a worker elsewhere.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=0,
    show_default=True,
    help="For a worker that is started elsewhere.",
)
@click.option(
    "--timeout",
    type=click.FloatRange(min=0.1),
    default=30.0,
    show_default=True,
    help="Seconds for the answer to a job.",
)
@click.option(
    "--wait", type=click.FloatRange(min=0.1), default=30.0, show_default=True, help="Seconds for the first connection."
)
@click.option(
    "--lease", type=click.FloatRange(min=0.1), default=120.0, show_default=True, help="Seconds that a lease lasts."
)
@click.option(
    "--report",
    "reports",
    metavar="text|json|junit|html[=FILE]",
    multiple=True,
    help="How to report, and into which file; may be given again.  [default: text]",
)
@click.pass_context
def check(
    context: click.Context,
    command: tuple[str, ...],
    tasks: tuple[str, ...],
    payloads: tuple[Path, ...],
    only: tuple[str, ...],
    skip: tuple[str, ...],
    listing: bool,
    cassettes: tuple[Path, ...],
    compare: str,
    ignore: tuple[str, ...],
    host: str,
    port: int,
    timeout: float,
    wait: float,
    lease: float,
    reports: tuple[str, ...],
) -> None:
    """Hold a worker to the protocol of its queue.

    COMMAND is the worker: it is started with CASOLA_WS_URL, CASOLA_API_TOKEN, CASOLA_CONFIG_ID and the like set, and is
    ended at the end. Without one, start the worker yourself with the CASOLA_WS_URL that is told.

    A check is a must, and names the sentence of the protocol that it holds the worker to; or advice.

    Exit status: 0 every must held; 1 one did not; 2 wrong use; 3 nothing was checked; 4 an input could not be read.
    """
    from replayer.worker.check.catalogue import catalogue, choose, payloads_of
    from replayer.worker.check.recorded import Comparison, compared, recorded_checks

    asked = payloads_of(tasks, [_payload(path) for path in payloads])
    if cassettes:
        from replayer.cassette.store import read

        comparison = Comparison(compare)
        checks = recorded_checks([(str(path), read(path)) for path in cassettes], comparison, compared(ignore))
    else:
        checks = catalogue(asked, promised=bool(tasks or payloads))
    checks = choose(checks, only=only, skip=skip)
    if listing:
        for one in checks:
            click.echo(f"{one.kind:<7} {one.name:<28} {one.rule}")
        return
    context.exit(_run(checks, asked, command, (host, port), (timeout, wait, lease), reports))


def _run(
    checks: tuple[Check, ...],
    asked: tuple[Any, ...],
    command: tuple[str, ...],
    address: tuple[str, int],
    seconds: tuple[float, float, float],
    reports: tuple[str, ...],
) -> int:
    from replayer.clock import SystemClock
    from replayer.contract.registry import bundled
    from replayer.redact.redactor import Redactor
    from replayer.report.target import deliver, parse
    from replayer.worker.check.bench import Bench, Timings
    from replayer.worker.check.program import CommandLaunch
    from replayer.worker.check.report import report_of

    targets = [parse(report) for report in reports]
    launch = CommandLaunch(command, os.environ) if command else None
    timeout, wait, lease = seconds
    bench = Bench(
        clock=SystemClock(),
        contract=bundled(),
        timings=Timings(start=wait, job=timeout, lease=lease),
        launch=launch,
        payloads=asked,
        token=launch.token if launch else None,
    )
    try:
        outcomes = asyncio.run(_checked(bench, checks, *address))
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    except asyncio.CancelledError:
        return 128 + signal.SIGTERM
    report = report_of(outcomes, bench.peers, Redactor.default(os.environ).text)
    deliver(report, targets, lambda text: click.echo(text, nl=False))
    return int(report.status)


async def _checked(bench: Bench, checks: tuple[Check, ...], host: str, port: int) -> tuple[Outcome, ...]:
    from replayer.worker.check.run import run

    running = asyncio.current_task()
    assert running is not None
    # Whoever ends this run does not leave the worker behind.
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, running.cancel)
    try:
        await bench.open(port, host)
    except OSError as error:
        raise UsageError(f"--host {host} --port {port}: {error.strerror or error}") from error
    try:
        if not bench.starts_worker:
            click.echo(f"waiting for a worker: start it with CASOLA_WS_URL={bench.url}", err=True)
        return await run(bench, checks, _tell)
    finally:
        await bench.close()


def _tell(outcome: Outcome) -> None:
    click.echo(f"check: {outcome.verdict:<8} {outcome.check.name} ({outcome.seconds:.1f} s)", err=True)


def _payload(path: Path) -> dict[str, Any]:
    """A payload of the user's own. Raises UnreadableError."""
    import orjson

    from replayer.errors import UnreadableError

    try:
        payload = orjson.loads(path.read_bytes())
    except OSError as error:
        raise UnreadableError(f"{path}: {error.strerror or error}") from error
    except orjson.JSONDecodeError as error:
        raise UnreadableError(f"{path}: no JSON: {error}") from error
    if not isinstance(payload, dict):
        raise UnreadableError(f"{path}: a payload to check with is a JSON object, with its task")
    return payload
