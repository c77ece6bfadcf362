"""A recorded worker connection, turned round: its jobs are given to a live worker, and the results compared.

Each job that was answered in the recording is a check. The comparison is by value, after the ignore rules, or by schema
alone, which the live answer has to fit in either case. Reads no files.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

import orjson

from replayer.cassette.model import Cassette, FrameKind, Interaction, Sender
from replayer.dispatch.messages import Job, JobError, JobResult, Register
from replayer.dispatch.wire import parse, parse_server
from replayer.errors import UsageError
from replayer.match.jsondiff import ABSENT, diff
from replayer.match.jsonpath import compile_path
from replayer.worker.check.arriving import ARRIVING
from replayer.worker.check.bench import Bench
from replayer.worker.check.check import Broken, Check, Kind
from replayer.worker.check.observed import OBSERVED

__all__ = ["Answered", "Comparison", "answered_jobs", "compared", "recorded_checks"]

Reduced = Callable[[Any], Any]

_DIFFERENCES = 10


class Comparison(StrEnum):
    """What has to be as it was."""

    VALUE = "value"
    SCHEMA = "schema"
    """Only whether it was a result or an error; the live answer has to fit its schema."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """One job of a recording and its answer. (`dispatch.recorded` tells what became of every job.)"""

    place: str
    """`<cassette>#<n> job <m>`."""
    job: Job
    answer: JobResult | JobError


def compared(ignore: Sequence[str]) -> Reduced:
    """What is compared of a value: all but what the JSONPaths name. Raises ConfigError for one that is none."""
    paths = [compile_path(path) for path in ignore]

    def reduced(value: Any) -> Any:
        for path in paths:
            value = path.without(value)
        return value

    return reduced


def answered_jobs(name: str, cassette: Cassette) -> Iterable[Answered]:
    """The answered jobs of every worker connection in a cassette, in their order."""
    for index, interaction in enumerate(cassette.interactions):
        yield from _of_connection(f"{name}#{index}", interaction)


def _of_connection(place: str, interaction: Interaction) -> Iterable[Answered]:
    jobs: dict[str, tuple[int, Job]] = {}
    numbers = itertools.count(1)
    registered = False
    for frame in interaction.response.frames or ():
        if frame.kind is not FrameKind.TEXT:
            continue
        if frame.sender is Sender.SERVER:
            sent = parse_server(frame.text)
            if registered and isinstance(sent, Job):
                jobs[sent.job_id] = (next(numbers), sent)
            continue
        said = parse(frame.text)
        registered = registered or isinstance(said, Register)
        if isinstance(said, JobResult | JobError) and said.job_id in jobs:
            number, job = jobs.pop(said.job_id)
            yield Answered(place=f"{place} job {number}", job=job, answer=said)


def recorded_checks(
    cassettes: Sequence[tuple[str, Cassette]], comparison: Comparison, reduced: Reduced
) -> tuple[Check, ...]:
    """A check for each recorded job, between those of arriving and of what was seen. UsageError where there is none."""
    jobs = [job for name, cassette in cassettes for job in answered_jobs(name, cassette)]
    if not jobs:
        names = ", ".join(name for name, _ in cassettes)
        raise UsageError(f"{names}: no worker's connection with an answered job: record one with `replayer record`")
    before = tuple(check for check in ARRIVING if check.name == "registration")
    return (*before, *(_check(job, comparison, reduced) for job in jobs), *OBSERVED)


def _check(recorded: Answered, comparison: Comparison, reduced: Reduced) -> Check:
    async def ask(bench: Bench) -> None:
        peer = await bench.worker()
        seen = len(bench.wrong_frames)
        fresh = bench.job()
        taken = recorded.job.job_id in bench.ledger.given
        job = replace(
            fresh,
            job_id=fresh.job_id if taken else recorded.job.job_id,
            mode=recorded.job.mode,
            payload=recorded.job.payload,
        )
        (given,) = await bench.give(peer, job)
        answer = await bench.answer(given)
        if len(bench.wrong_frames) > seen:
            raise Broken(f"the answer breaks its schema: {bench.wrong_frames[seen]}")
        if type(answer) is not type(recorded.answer):
            raise Broken(f"recorded was {_shown(recorded.answer)}, answered {_shown(answer)}")
        if comparison is Comparison.VALUE:
            _same(recorded.answer, answer, reduced)

    return Check(
        name=recorded.place,
        kind=Kind.MUST,
        rule=f"A recorded job is answered as it was recorded, compared by {comparison}.",
        ask=ask,
    )


def _same(recorded: JobResult | JobError, answer: object, reduced: Reduced) -> None:
    changes = diff(reduced(_value(recorded)), reduced(_value(answer)), limit=_DIFFERENCES)
    if changes:
        raise Broken(
            "\n".join(f"{at or '/'}: recorded {_json(was)}, answered {_json(now)}" for at, was, now in changes)
        )


def _value(answer: object) -> Any:
    if isinstance(answer, JobResult):
        return orjson.loads(orjson.dumps(answer.result))
    return getattr(answer, "error", None)


def _json(value: Any) -> str:
    if value is ABSENT:
        return "nothing"
    text = orjson.dumps(value).decode()
    return text if len(text) <= 120 else text[:120] + "…"


def _shown(answer: object) -> str:
    if isinstance(answer, JobError):
        return f"job_error ({answer.error[:120]})"
    return "a result"
