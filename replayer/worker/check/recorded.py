"""A recorded worker connection, turned round: its jobs are given to a live worker, and the results compared.

Each job that was answered in the recording is a check. The comparison is by value, after the ignore rules, or by schema
alone, which the live answer has to fit in either case. Reads no files.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from enum import StrEnum
from typing import Any

import orjson

from replayer.cassette.model import Cassette
from replayer.dispatch.attempts import attempts
from replayer.dispatch.messages import Job, JobError, JobResult
from replayer.errors import UsageError
from replayer.match.jsondiff import ABSENT, diff
from replayer.match.jsonpath import compile_path
from replayer.worker.check.arriving import ARRIVING
from replayer.worker.check.bench import Bench
from replayer.worker.check.check import Broken, Check, Kind
from replayer.worker.check.observed import OBSERVED

__all__ = ["Comparison", "compared", "recorded_checks"]

Reduced = Callable[[Any], Any]

_DIFFERENCES = 10


class Comparison(StrEnum):
    """What has to be as it was."""

    VALUE = "value"
    SCHEMA = "schema"
    """Only whether it was a result or an error; the live answer has to fit its schema."""


def compared(ignore: Sequence[str]) -> Reduced:
    """What is compared of a value: all but what the JSONPaths name. Raises ConfigError for one that is none."""
    paths = [compile_path(path) for path in ignore]

    def reduced(value: Any) -> Any:
        for path in paths:
            value = path.without(value)
        return value

    return reduced


def recorded_checks(
    cassettes: Sequence[tuple[str, Cassette]], comparison: Comparison, reduced: Reduced
) -> tuple[Check, ...]:
    """A check for each recorded job, between those of arriving and of what was seen. UsageError where there is none."""
    checks = tuple(
        _check(f"{attempt.place(name)} job {attempt.number}", attempt.job, attempt.answer, comparison, reduced)
        for name, cassette in cassettes
        for attempt in attempts(cassette.interactions)
        if isinstance(attempt.answer, JobResult | JobError)
    )
    if not checks:
        names = ", ".join(name for name, _ in cassettes)
        raise UsageError(f"{names}: no worker's connection with an answered job: record one with `replayer record`")
    before = tuple(check for check in ARRIVING if check.name == "registration")
    return (*before, *checks, *OBSERVED)


def _check(name: str, recorded: Job, answered: JobResult | JobError, comparison: Comparison, reduced: Reduced) -> Check:
    async def ask(bench: Bench) -> None:
        peer = await bench.worker()
        seen = len(bench.wrong_frames)
        fresh = bench.job()
        taken = recorded.job_id in bench.ledger.given
        job = replace(
            fresh,
            job_id=fresh.job_id if taken else recorded.job_id,
            mode=recorded.mode,
            payload=recorded.payload,
        )
        (given,) = await bench.give(peer, job)
        answer = await bench.answer(given)
        if len(bench.wrong_frames) > seen:
            raise Broken(f"the answer breaks its schema: {bench.wrong_frames[seen]}")
        if type(answer) is not type(answered):
            raise Broken(f"recorded was {_shown(answered)}, answered {_shown(answer)}")
        if comparison is Comparison.VALUE:
            _same(answered, answer, reduced)

    return Check(
        name=name,
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
