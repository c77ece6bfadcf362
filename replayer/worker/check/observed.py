"""Checks that ask nothing: what was seen in the course of all the others."""

from __future__ import annotations

from replayer.dispatch.messages import Mode
from replayer.worker.check.bench import Bench
from replayer.worker.check.check import Broken, Check, Kind, Skipped

__all__ = ["OBSERVED"]

_SHOWN = 5


async def _lease(bench: Bench) -> None:
    lease = bench.timings.lease
    jobs = [given for given in bench.ledger.given.values() if given.job.mode is Mode.PERSISTED and not given.revoked]
    long = [given for given in jobs if given.answered_at is not None and given.answered_at - given.at > lease * 1000]
    if not long:
        raise Skipped(f"no persisted job ran longer than a lease, {lease:g} s (--lease)")
    mute = [given for given in long if not given.progress]
    if mute:
        took = (mute[0].answered_at or 0) - mute[0].at
        raise Broken(
            f"a persisted job of {took / 1000:.1f} s had no job_progress: its lease of {lease:g} s was lost, and "
            "the queue gave it to another worker"
        )


async def _order(bench: Bench) -> None:
    await bench.quiet()
    _none(bench.wrong_order)


async def _frames(bench: Bench) -> None:
    if not any(peer.said for peer in bench.peers):
        raise Skipped("nothing was said")
    _none(bench.wrong_frames)


def _none(found: list[str]) -> None:
    if found:
        different = list(dict.fromkeys(found))
        more = f"\n… {len(different) - _SHOWN} more" if len(different) > _SHOWN else ""
        raise Broken("\n".join(different[:_SHOWN]) + more)


OBSERVED = (
    Check(
        name="lease",
        kind=Kind.MUST,
        rule="job_progress for every running persisted job every 30 s; without one for 120 s its lease is lost.",
        ask=_lease,
    ),
    Check(
        name="order",
        kind=Kind.MUST,
        rule="register first; answers and progress only for running jobs, one answer a job, with its fence; "
        "nothing after drain but answers.",
        ask=_order,
    ),
    Check(
        name="frames",
        kind=Kind.MUST,
        rule="Every frame is a JSON text message that fits the schema of its type.",
        ask=_frames,
    ),
)
