"""Checks of how a worker answers jobs: each task, both modes, several at once, and what goes wrong."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from replayer.dispatch.messages import JobError, JobResult, Mode
from replayer.worker.check.bench import Bench
from replayer.worker.check.check import Broken, Check, Kind, Skipped
from replayer.worker.check.payloads import trouble

__all__ = ["ANSWERING", "task_check"]


def task_check(payload: Mapping[str, Any], *, promised: bool) -> Check:
    """The check of one task. One that the worker is said to do must have a result; any other may be refused."""
    task = str(payload.get("task", "")) or "none"

    async def ask(bench: Bench) -> None:
        given = await bench.ask(payload)
        (answer, *_) = given.answers
        if isinstance(answer, JobError) and not promised:
            raise Skipped(f"the worker does not do it: {answer.error}")
        if not isinstance(answer, JobResult):
            why = f"job_error: {answer.error}" if isinstance(answer, JobError) else answer.type
            raise Broken(f"the answer was no result but {why}")
        useless = trouble(payload, answer.result, bench.contract)
        if useless is not None:
            raise Broken(useless)

    return Check(
        name=f"task:{task}",
        kind=Kind.MUST,
        rule="A job is answered with a job_result from which the caller's answer can be made.",
        ask=ask,
    )


async def _transient(bench: Bench) -> None:
    await bench.ask()


async def _transient_fence(bench: Bench) -> None:
    given = await bench.ask()
    fence = given.answers[0].fence_token
    if fence not in (0, given.job.fence_token):
        raise Broken(f"a transient job with fence {given.job.fence_token} was answered with fence {fence}")


async def _persisted(bench: Bench) -> None:
    given = await bench.ask(mode=Mode.PERSISTED)
    fence, wanted = given.answers[0].fence_token, given.job.fence_token
    if fence != wanted:
        raise Broken(f"a persisted job with fence {wanted} was answered with fence {fence}: the queue refuses that")


async def _capacity(bench: Bench) -> None:
    peer = await bench.worker()
    assert peer.registered is not None
    capacity = min(peer.registered.capacity, 32)
    if capacity < 2:
        raise Skipped("its capacity is 1 (CASOLA_CAPACITY): nothing runs side by side")
    given = await bench.give(peer, *(bench.job(mode=_alternating(number)) for number in range(capacity)))
    for one in given:
        await bench.answer(one, bench.timings.job * capacity)


async def _over_capacity(bench: Bench) -> None:
    peer = await bench.worker()
    assert peer.registered is not None
    number = min(peer.registered.capacity, 32) + 1
    given = await bench.give(peer, *(bench.job() for _ in range(number)))
    for one in given:
        await bench.answer(one, bench.timings.job * number)


def _alternating(number: int) -> Mode:
    return Mode.PERSISTED if number % 2 else Mode.TRANSIENT


async def _errors(bench: Bench) -> None:
    payload = {**bench.payloads[0], "messages": [{"role": "user", "content": None}], "input": None}
    given = await bench.ask(payload)
    _explained(given.answers[0])


async def _unknown_task(bench: Bench) -> None:
    given = await bench.ask({"task": "replayer/no-such-task"})
    _explained(given.answers[0])


def _explained(answer: object) -> None:
    if isinstance(answer, JobError) and not answer.error.strip():
        raise Broken("its job_error has an empty error: the caller is told nothing")


async def _non_object(bench: Bench) -> None:
    peer = await bench.worker()
    odd = [bench.job(payload) for payload in ("text", 7, ["a", "list"])]
    await bench.give(peer, *odd, replace(bench.job(), payload=b"null"))
    await bench.quiet()
    await bench.still_works("payloads that are no objects")


async def _non_object_answered(bench: Bench) -> None:
    (given,) = await bench.give(await bench.worker(), bench.job("text"))
    try:
        await bench.answer(given, min(bench.timings.job, max(2.0, 4 * bench.pace)))
    except Broken:
        raise Broken("it had no answer: its slot is lost, and its caller waits until the job times out") from None


ANSWERING = (
    Check(
        name="transient",
        kind=Kind.MUST,
        rule="A transient job is answered with job_result or job_error.",
        ask=_transient,
    ),
    Check(
        name="transient-fence",
        kind=Kind.ADVICE,
        rule="The answer to a transient job carries fence_token 0.",
        ask=_transient_fence,
    ),
    Check(
        name="persisted",
        kind=Kind.MUST,
        rule="The answer to a persisted job carries the job's fence_token.",
        ask=_persisted,
    ),
    Check(
        name="capacity",
        kind=Kind.MUST,
        rule="As many jobs at once as the registered capacity says are all answered.",
        ask=_capacity,
    ),
    Check(
        name="over-capacity",
        kind=Kind.ADVICE,
        rule="One job more than the capacity is answered too: a slot can count as free before the worker thinks so.",
        ask=_over_capacity,
    ),
    Check(
        name="errors",
        kind=Kind.MUST,
        rule="A job that cannot be done is answered with job_error and its reason.",
        ask=_errors,
    ),
    Check(
        name="unknown-task",
        kind=Kind.MUST,
        rule="A job for a task that the worker does not know is answered.",
        ask=_unknown_task,
    ),
    Check(
        name="non-object-payload",
        kind=Kind.MUST,
        rule="A payload is any JSON: the worker works on after one that is no object.",
        ask=_non_object,
    ),
    Check(
        name="non-object-answered",
        kind=Kind.ADVICE,
        rule="A payload that is no object is answered with job_error. (The public SDK leaves it without an answer.)",
        ask=_non_object_answered,
    ),
)
