"""Watching jobs: whoever waits for a job's end, or follows what becomes of jobs as server-sent events.

A follower that does not read is cut off rather than kept in memory for ever. Knows jobs, no queue.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterable

import orjson

from replayer.dispatch.job import Job
from replayer.dispatch.rest import shown

__all__ = ["Watch"]

_MOST_EVENTS = 10_000
"""Events that wait for one follower."""
_SILENCE_S = 15.0
"""Seconds without an event, after which a comment keeps the connection open."""


class _Follower:
    """One who follows: a single job, or all of them."""

    def __init__(self, job_id: str | None) -> None:
        self.job_id = job_id
        self.events: asyncio.Queue[bytes | None] = asyncio.Queue()

    def tell(self, event: bytes | None) -> None:
        """`None` ends it."""
        if self.events.qsize() > _MOST_EVENTS:
            event = None
        self.events.put_nowait(event)


class Watch:
    """The watchers of one session's jobs."""

    def __init__(self) -> None:
        self._awaited: dict[str, list[asyncio.Event]] = {}
        self._followers: set[_Follower] = set()

    def changed(self, jobs: Iterable[Job]) -> None:
        """These jobs are no longer as they were: tell whoever watches."""
        for job in jobs:
            if self._followers:
                self._tell(job)
            if job.has_ended:
                for event in self._awaited.pop(job.id, ()):
                    event.set()

    def close(self) -> None:
        """Nothing more will change: let everybody go."""
        for events in self._awaited.values():
            for event in events:
                event.set()
        self._awaited.clear()
        for follower in self._followers:
            follower.tell(None)

    async def end_of(self, job: Job, seconds: float) -> None:
        """Return when the job has ended, or the time is up."""
        if job.has_ended:
            return
        event = asyncio.Event()
        self._awaited.setdefault(job.id, []).append(event)
        try:
            async with asyncio.timeout(seconds):
                await event.wait()
        except TimeoutError:
            return
        finally:
            waiting = self._awaited.get(job.id, [])
            if event in waiting:
                waiting.remove(event)
            if not waiting:
                self._awaited.pop(job.id, None)

    async def follow(self, job: Job | None) -> AsyncGenerator[bytes, None]:
        """Events of this job, first as it stands, until it has ended; or of all jobs without end."""
        follower = _Follower(job.id if job is not None else None)
        self._followers.add(follower)
        try:
            if job is not None:
                yield _event(job)
                if job.has_ended:
                    return
            while True:
                try:
                    async with asyncio.timeout(_SILENCE_S):
                        event = await follower.events.get()
                except TimeoutError:
                    yield b": still here\n\n"
                    continue
                if event is None:
                    return
                yield event
        finally:
            self._followers.discard(follower)

    def _tell(self, job: Job) -> None:
        event = _event(job)
        for follower in self._followers:
            if follower.job_id in (None, job.id):
                follower.tell(event)
                if job.has_ended and follower.job_id is not None:
                    follower.tell(None)


def _event(job: Job) -> bytes:
    """`job` with the body of GET /jobs/{id}, without the payload, which may be large, and with how far it is."""
    fields = {**shown(job), "progress": job.progress, "status_message": job.status_message}
    del fields["payload"]
    body = orjson.dumps(fields)
    return b"event: job\ndata: " + body + b"\n\n"
