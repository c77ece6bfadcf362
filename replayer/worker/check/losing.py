"""Checks of what follows a lost connection: no close code is final, and nobody comes back as somebody else."""

from __future__ import annotations

import asyncio

from replayer.dispatch.messages import Mode
from replayer.worker.check.bench import Bench
from replayer.worker.check.check import Broken, Check, Kind, Skipped
from replayer.worker.check.peer import Peer

__all__ = ["CODES", "LOSING"]

CODES = (1000, 1001, 1008, 1011, 1012, 1013, 4001)
"""The close codes after which a worker is expected back; beside them, a connection that is cut."""
_PARTS = (0.25, 0.25, 0.1)
"""Of a job's time, after which its connection is cut, tried one after the other: a busy machine is late."""


async def _comes_back(bench: Bench, lost: Peer, how: str) -> Peer:
    """The next registered connection, of the same worker. Raises Broken."""
    try:
        peer = await bench.until(
            lambda: bench.exit_status if bench.exit_status is not None else _registered_after(bench, lost),
            bench.timings.reconnect,
        )
    finally:
        bench.refusals = 0
    if bench.exit_status is not None:
        raise Broken(f"after {how} the worker ended with status {bench.exit_status}")
    if not isinstance(peer, Peer):
        raise Broken(f"after {how} it did not connect and register again in {bench.timings.reconnect:g} s")
    old, new = lost.registered, peer.registered
    if old is not None and new is not None and (old.worker_id, old.config_id) != (new.worker_id, new.config_id):
        was, now = f"{old.worker_id} ({old.config_id})", f"{new.worker_id} ({new.config_id})"
        raise Broken(f"after {how} it registered as {now}, no longer as {was}: the queue takes it for another worker")
    return peer


def _registered_after(bench: Bench, lost: Peer) -> Peer | None:
    newer = (peer for peer in bench.peers if peer.number > lost.number and peer.is_open and peer.registered)
    return next(newer, None)


def _closing(code: int) -> Check:
    async def ask(bench: Bench) -> None:
        peer = await bench.worker()
        await peer.close(code, "replayer worker check")
        await _comes_back(bench, peer, f"close {code}")

    return Check(
        name=f"reconnect-{code}",
        kind=Kind.MUST,
        rule="No close code is final: the worker connects again and registers with the same ids.",
        ask=ask,
    )


async def _cut(bench: Bench) -> None:
    peer = await bench.worker()
    peer.abort()
    await _comes_back(bench, peer, "a cut connection")


async def _refused(bench: Bench) -> None:
    peer = await bench.worker()
    before = bench.refused
    bench.refusals = 1
    peer.abort()
    await _comes_back(bench, peer, "a cut connection and a handshake answered with 503")
    if bench.refused == before:
        raise Skipped("it came back without a new handshake")


async def _works_again(bench: Bench) -> None:
    peer = await bench.worker()
    peer.abort()
    await _comes_back(bench, peer, "a cut connection")
    for mode in Mode:
        await bench.ask(mode=mode)


async def _outlives(bench: Bench) -> None:
    for part in _PARTS:
        peer = await bench.worker()
        (given,) = await bench.give(peer, bench.job(mode=Mode.PERSISTED))
        await asyncio.sleep(bench.pace * part)
        if not given.answers:
            break
    else:
        raise Skipped("jobs take too short a time for the connection to be lost in the middle of one")
    peer.abort()
    await _comes_back(bench, peer, "a connection that was cut in the middle of a job")
    try:
        await bench.answer(given, min(bench.timings.job, max(2.0, 2 * bench.pace)))
    except Broken as broken:
        if bench.exit_status is not None:
            raise
        raise Broken("a job that ran while its connection was lost was not answered: the work is lost") from broken


LOSING = (
    *(_closing(code) for code in CODES),
    Check(
        name="reconnect-cut",
        kind=Kind.MUST,
        rule="A connection that ends without a close frame is made anew, with the same ids.",
        ask=_cut,
    ),
    Check(
        name="reconnect-refused",
        kind=Kind.MUST,
        rule="A handshake that is refused is tried again, after 1, 2, 4, … at most 60 seconds.",
        ask=_refused,
    ),
    Check(
        name="works-again",
        kind=Kind.MUST,
        rule="After a lost connection the worker answers new jobs of both modes.",
        ask=_works_again,
    ),
    Check(
        name="job-outlives-connection",
        kind=Kind.ADVICE,
        rule="A job that ran while its connection was lost is answered over the next one, with its fence. "
        "(The public SDK does so only where the job ends after that is made.)",
        ask=_outlives,
    ),
)
