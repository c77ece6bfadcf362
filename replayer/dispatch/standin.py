"""Recorded workers: what they answered, by what they were asked. Pure.

An answer that was not recorded (an upload elsewhere, a connection that was lost) answers nobody.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from replayer.cassette.model import Cassette
from replayer.dispatch.attempts import attempts
from replayer.dispatch.messages import JobError, JobResult
from replayer.match.canonical import canonical
from replayer.match.canonical import parse as parse_value

__all__ = ["RecordedAnswer", "RecordedWorkers"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedAnswer:
    """How one job was answered when it was recorded."""

    place: str
    """`<cassette>#<n>` of the connection where it was handed out."""
    answer: JobResult | JobError


class RecordedWorkers:
    """What recorded workers answered, by the job's payload: JSON by value."""

    def __init__(self, cassettes: Iterable[tuple[str, Cassette]]) -> None:
        self._answers: dict[bytes, list[RecordedAnswer]] = {}
        for name, cassette in cassettes:
            for attempt in attempts(cassette.interactions):
                if isinstance(attempt.answer, JobResult | JobError):
                    recorded = RecordedAnswer(place=attempt.place(name), answer=attempt.answer)
                    self._answers.setdefault(_key(attempt.job.payload), []).append(recorded)

    def __len__(self) -> int:
        """Jobs with an answer."""
        return sum(len(answers) for answers in self._answers.values())

    def answer(self, payload: bytes, played: dict[bytes, int]) -> RecordedAnswer | None:
        """The recorded answer to this job (encoded JSON), None where no worker was asked it. Equal jobs are answered
        in their order, the last one again and again; `played` counts for one session."""
        key = _key(payload)
        answers = self._answers.get(key)
        if answers is None:
            return None
        count = played.get(key, 0)
        played[key] = count + 1
        return answers[min(count, len(answers) - 1)]


def _key(payload: bytes) -> bytes:
    try:
        value: Any = parse_value(payload)
    except ValueError:
        return payload
    return canonical(value)
