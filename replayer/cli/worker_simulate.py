"""`replayer worker simulate`: a small worker to try a queue with, or a check of workers."""

from __future__ import annotations

import asyncio
import os
import random
import signal

import click

__all__ = ["simulate"]


class _Listing(click.Command):
    """Its help ends with the misbehaviours, which are looked up only for that."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        from replayer.worker.misbehave.catalogue import MISBEHAVIOURS

        with formatter.section("Misbehaviours"):
            formatter.write_dl([(name, kind.__doc__ or "") for name, kind in MISBEHAVIOURS.items()])


@click.command("simulate", cls=_Listing)
@click.option(
    "--url",
    envvar="CASOLA_WS_URL",
    default="ws://127.0.0.1:8788",
    show_default=True,
    show_envvar=True,
    help="The queue's base URL; /ws is added to it.",
)
@click.option("--worker-id", envvar="CASOLA_INSTANCE_ID", show_envvar=True, help="Default: simulated-<process id>.")
@click.option("--config-id", envvar="CASOLA_CONFIG_ID", default="default", show_default=True, show_envvar=True)
@click.option(
    "--capacity",
    envvar="CASOLA_CAPACITY",
    type=click.IntRange(min=0),
    default=1,
    show_default=True,
    show_envvar=True,
    help="Jobs at a time.",
)
@click.option(
    "--delay",
    envvar="CASOLA_SIMULATED_EXECUTION_TIME",
    type=click.FloatRange(min=0),
    default=0.0,
    show_default=True,
    show_envvar=True,
    help="Seconds that a job takes.",
)
@click.option(
    "--error-rate",
    envvar="CASOLA_SIMULATED_ERROR_RATE",
    type=click.FloatRange(min=0, max=1),
    default=0.0,
    show_default=True,
    show_envvar=True,
    help="The share of jobs that fail.",
)
@click.option("--seed", type=int, default=0, show_default=True, help="Of the chance that --error-rate draws from.")
@click.option(
    "--renew-every", type=click.FloatRange(min=0.01), default=30.0, show_default=True, help="Seconds between progress."
)
@click.option("--misbehave", metavar="NAME", help="Break one rule of the protocol; see below.")
@click.option("--once", is_flag=True, help="End where the connection fails or is lost, rather than try again.")
def simulate(
    url: str,
    worker_id: str | None,
    config_id: str,
    capacity: int,
    delay: float,
    error_rate: float,
    seed: int,
    renew_every: float,
    misbehave: str | None,
    once: bool,
) -> None:
    """Run a small worker that answers every task with a mock result.

    Each job is a line on stderr. SIGINT or SIGTERM drains it: running jobs are finished, then it ends with 0; a second
    signal ends it at once. With CASOLA_API_TOKEN set, the token is sent as Bearer.
    """
    from replayer.worker.misbehave.catalogue import conduct_named
    from replayer.worker.options import Options, Reconnect

    conduct = conduct_named(misbehave) if misbehave else None

    options = Options(
        url=url,
        worker_id=worker_id or f"simulated-{os.getpid()}",
        config_id=config_id,
        capacity=capacity,
        delay=delay,
        error_rate=error_rate,
        token=os.environ.get("CASOLA_API_TOKEN") or None,
        renew_every=renew_every,
        reconnect=Reconnect.NEVER if once else Reconnect.ALWAYS,
    )
    from replayer.clock import SystemClock
    from replayer.worker.simulate import SimulatedWorker

    async def run() -> int:
        worker = SimulatedWorker(
            options, clock=SystemClock(), random=random.Random(seed), report=_report, conduct=conduct
        )
        loop = asyncio.get_running_loop()
        running = asyncio.current_task()
        assert running is not None

        def stop(number: signal.Signals) -> None:
            loop.add_signal_handler(number, running.cancel)
            worker.stop()

        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop, number)
        return await worker.run()

    try:
        status = asyncio.run(run())
    except asyncio.CancelledError:
        raise SystemExit(128 + signal.SIGINT) from None
    raise SystemExit(status)


def _report(line: str) -> None:
    click.echo(f"worker: {line}", err=True)
