"""Checks of what a worker has to endure: a queue that repeats, revokes, talks nonsense, and a network that crawls."""

from __future__ import annotations

import asyncio

from replayer.dispatch.messages import Error, JobRevoked, Mode
from replayer.worker.check.bench import Bench
from replayer.worker.check.check import Broken, Check, Kind

__all__ = ["ENDURING"]

_GARBAGE = (
    b"",
    b"no JSON",
    b'{"type":"job"',
    b"[]",
    b"null",
    b"7",
    b"{}",
    b'{"type":null}',
    b'{"type":["job"]}',
    b'{"type":"job_revoked"}',
    b'{"type":"error"}',
)
"""Nothing that could be taken for a job: an answer to that would be nobody's fault."""
_UNKNOWN = (b'{"type":"replayer_no_such_type","job_id":"x"}', b'{"type":"job_result_ref","job_id":"x"}')


async def _duplicate(bench: Bench) -> None:
    peer = await bench.worker()
    job = bench.job(mode=Mode.PERSISTED)
    (given, _) = await bench.give(peer, job, job)
    await bench.answer(given)
    await bench.still_works("a job that was delivered twice")


async def _duplicate_once(bench: Bench) -> None:
    peer = await bench.worker()
    job = bench.job(mode=Mode.PERSISTED)
    (given, _) = await bench.give(peer, job, job)
    await bench.answer(given)
    await bench.ask()  # as long as a job takes: what began before it has ended by then
    await bench.quiet()
    if len(given.answers) > 1:
        raise Broken(f"the same job, delivered twice, was answered {len(given.answers)} times")


async def _revoke(bench: Bench) -> None:
    peer = await bench.worker()
    (given,) = await bench.give(peer, bench.job(mode=Mode.PERSISTED))
    given.revoked = True
    await peer.say(JobRevoked(job_id=given.job.job_id, reason="replayer worker check"))
    await asyncio.sleep(bench.pace)
    await bench.still_works("job_revoked for a running job")


async def _revoke_unknown(bench: Bench) -> None:
    peer = await bench.worker()
    await peer.say(JobRevoked(job_id=bench.job().job_id, reason="replayer worker check"))
    await bench.still_works("job_revoked for a job that it never had")


async def _slow_delivery(bench: Bench) -> None:
    peer = await bench.worker()
    job = bench.job()
    given = bench.note(job)
    await peer.dribble(job, bench.timings.slow)
    await bench.answer(given)


async def _slow_reader(bench: Bench) -> None:
    peer = await bench.worker()
    given = await bench.give(peer, *(bench.job() for _ in range(2)))
    await peer.starve(bench.timings.slow)
    for one in given:
        await bench.answer(one)
    await bench.quiet()
    if not peer.is_open:
        raise Broken(f"it gave its connection up because the queue read nothing for {bench.timings.slow:g} s")


async def _nonsense(bench: Bench, *texts: bytes) -> None:
    """Say it all, over as many connections as it takes; then the worker has to work."""
    ended: list[str] = []
    for text in texts:
        shown = text.decode() or "an empty message"
        try:
            peer = await bench.worker()
        except Broken as broken:
            raise Broken(f"after {ended[-1]} from the server: {broken}" if ended else str(broken)) from broken
        await peer.text(text)
        if await bench.until(lambda peer=peer: peer.close_code, bench.timings.quiet / 3):  # type: ignore[misc]  # mypy reads no default into a lambda
            ended.append(shown)
    lost = f" (the connection ended after {', '.join(ended)})" if ended else ""
    await bench.still_works(f"what is no message of the protocol{lost}")


async def _garbage(bench: Bench) -> None:
    await _nonsense(bench, *_GARBAGE)


async def _unknown(bench: Bench) -> None:
    await _nonsense(bench, *_UNKNOWN)


async def _binary(bench: Bench) -> None:
    peer = await bench.worker()
    await peer.binary(b"\x00\xff\xfe")
    await bench.quiet()
    await bench.still_works("a binary frame")


async def _error(bench: Bench) -> None:
    peer = await bench.worker()
    await peer.say(Error(message="Unknown message type: replayer worker check"))
    await bench.quiet()
    await bench.still_works("an error message")


async def _unmoved(bench: Bench) -> None:
    peer = await bench.worker()
    for text in (*_GARBAGE, *_UNKNOWN):
        await peer.text(text)
    # A job after all that: when it is answered, all that has been taken in.
    (given,) = await bench.give(peer, bench.job())
    await bench.until(lambda: given.answers or peer.close_code, bench.timings.job)
    if not peer.is_open:
        raise Broken(f"its connection ended with {peer.close_code}: everything that ran there is at risk")
    if not given.answers:
        raise Broken(f"a job after it was not answered in {bench.timings.job:g} s")


ENDURING = (
    Check(
        name="duplicate-delivery",
        kind=Kind.MUST,
        rule="A job that comes twice, as it may after a lost lease, is answered at least once, and does no harm.",
        ask=_duplicate,
    ),
    Check(
        name="duplicate-answered-once",
        kind=Kind.ADVICE,
        rule="A job that comes twice with the same fence is answered once. (The public SDK answers it twice.)",
        ask=_duplicate_once,
    ),
    Check(
        name="revoke",
        kind=Kind.MUST,
        rule="job_revoked ends the worker's claim on a job; it may still be answered, with fence 0 or its own.",
        ask=_revoke,
    ),
    Check(
        name="revoke-unknown",
        kind=Kind.MUST,
        rule="job_revoked for a job that the worker does not have changes nothing.",
        ask=_revoke_unknown,
    ),
    Check(
        name="slow-delivery",
        kind=Kind.MUST,
        rule="A message is whole when its last byte is there, however slowly that comes.",
        ask=_slow_delivery,
    ),
    Check(
        name="slow-reader",
        kind=Kind.MUST,
        rule="A queue that reads late gets the answers late, and gets all of them.",
        ask=_slow_reader,
    ),
    Check(
        name="garbage",
        kind=Kind.MUST,
        rule="What is no message of the protocol does not end the worker: it works on, here or on its next connection.",
        ask=_garbage,
    ),
    Check(
        name="unknown-messages",
        kind=Kind.MUST,
        rule="A message of a type that the worker does not know is ignored.",
        ask=_unknown,
    ),
    Check(
        name="binary-frame",
        kind=Kind.MUST,
        rule="A binary frame is no message, and does not end the worker.",
        ask=_binary,
    ),
    Check(
        name="error-message",
        kind=Kind.MUST,
        rule="error from the queue is for the log: the worker works on.",
        ask=_error,
    ),
    Check(
        name="garbage-keeps-connection",
        kind=Kind.ADVICE,
        rule="What is no message of the protocol is dropped, and the connection stays.",
        ask=_unmoved,
    ),
)
