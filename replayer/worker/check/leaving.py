"""Checks of how a worker leaves: SIGTERM in the middle of a job. Only a worker that was started here can be told to."""

from __future__ import annotations

import asyncio

from replayer.dispatch.messages import Mode
from replayer.worker.check.bench import Bench
from replayer.worker.check.check import Broken, Check, Kind, Skipped
from replayer.worker.check.ledger import Given
from replayer.worker.check.peer import Peer

__all__ = ["LEAVING"]

_GRACE = 5.0
"""Seconds that the public SDK gives its running jobs (CASOLA_SHUTDOWN_GRACE_PERIOD)."""


_TRIES = (0.5, 0.7, 0.9)
"""Parts of a job's time after which it is sure to have begun, each surer than the one before."""


async def _leave(bench: Bench, part: float = _TRIES[0]) -> tuple[Peer, Given]:
    """The worker has been told to end in the middle of a job, after a part of its time, and its connection is over."""
    if not bench.starts_worker:
        raise Skipped("only a worker that is started here (-- COMMAND) can be told to end")
    await bench.ask()  # so that it is known how long a job takes
    peer = await bench.worker()
    (given,) = await bench.give(peer, bench.job(mode=Mode.PERSISTED))
    await asyncio.sleep(bench.pace * part)
    bench.terminate()
    limit = _GRACE + bench.timings.job
    over = await bench.until(lambda: peer.close_code, limit)
    if over is None:
        raise Broken(f"its connection was still open {limit:g} s after SIGTERM")
    return peer, given


async def _drain(bench: Bench) -> None:
    peer, _ = await _leave(bench)
    if peer.drained_at is None:
        raise Broken("it left on SIGTERM without drain: the queue would go on giving it jobs that are lost")


async def _finish(bench: Bench) -> None:
    for part in _TRIES:
        peer, given = await _leave(bench, part)
        if given.answers:
            return
        # The signal may have been quicker than the job, which a draining worker drops: again, before it is said.
        await bench.ready()
    if bench.pace > _GRACE:
        raise Skipped(f"a job takes {bench.pace:.1f} s, longer than the grace of {_GRACE:g} s")
    how = f"its connection ended with {peer.close_code}"
    raise Broken(f"the job that ran when SIGTERM came was not answered; {how}")


async def _goodbye(bench: Bench) -> None:
    peer, _ = await _leave(bench)
    if peer.close_code != 1000:
        code = "without a close frame" if peer.close_code == 1006 else f"with {peer.close_code}"
        raise Broken(f"after SIGTERM its connection ended {code}, not with 1000")


async def _exit(bench: Bench) -> None:
    await _leave(bench)
    status = await bench.until(lambda: bench.exit_status, _GRACE + bench.timings.quiet)
    if status is None:
        raise Broken(f"it still ran {_GRACE:g} s after its connection had ended")
    if status != 0:
        raise Broken(f"after SIGTERM it ended with status {status}")


LEAVING = (
    Check(
        name="drain",
        kind=Kind.MUST,
        rule="On SIGTERM the worker says drain, so that the queue gives it no new jobs.",
        ask=_drain,
    ),
    Check(
        name="drain-finishes",
        kind=Kind.MUST,
        rule="A job that runs when SIGTERM comes is answered within the grace period.",
        ask=_finish,
    ),
    Check(
        name="drain-close",
        kind=Kind.MUST,
        rule="After drain and the last answer the worker closes with 1000.",
        ask=_goodbye,
    ),
    Check(
        name="drain-exit",
        kind=Kind.MUST,
        rule="A worker that was told to end ends, with status 0.",
        ask=_exit,
    ),
)
