"""The routes of persisted jobs, below `/jobs`: made, listed, waited for, followed, cancelled.

The first two are the original server's; the rest is what users of such a queue look for.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from typing import Any
from urllib.parse import urlsplit

from replayer.cassette.model import Request, Response
from replayer.dispatch import rest
from replayer.dispatch.desk import Desk
from replayer.dispatch.job import Job
from replayer.dispatch.messages import Mode
from replayer.dispatch.tasks import reply
from replayer.errors import WriteError

__all__ = ["EVENTS", "JobRoutes", "NewJobOf"]

NewJobOf = Callable[[Mode, Any, str | None], Job | Response]
"""Makes a job of a payload (any JSON) for a configuration, or the answer that refuses it."""
_NOT_FOUND = "Job not found"
EVENTS = "/events"
_CANCEL = "/cancel"


class JobRoutes:
    """Answers what is asked of jobs."""

    def __init__(self, new_job: NewJobOf) -> None:
        self._new_job = new_job

    async def answer(self, request: Request, path: str, desk: Desk) -> Response:
        """The whole answer."""
        query = urlsplit(request.uri).query
        if path == "/jobs":
            if request.method == "POST":
                return self._keep(request, desk)
            if request.method == "GET":
                listing = rest.read_list(query)
                return listing if isinstance(listing, Response) else rest.job_list(desk.queue.jobs, listing)
            return reply.not_allowed("GET, POST")
        name = path.removeprefix("/jobs/")
        wanted = "POST" if name.endswith(_CANCEL) else "GET"
        if request.method != wanted:
            return reply.not_allowed(wanted)
        job = _job(desk, name.removesuffix(_CANCEL))
        if job is None:
            return reply.detail(404, _NOT_FOUND)
        if wanted == "POST":
            return _cancel(job, desk)
        seconds = rest.read_wait(query)
        if isinstance(seconds, Response):
            return seconds
        if seconds:
            await desk.watch.end_of(job, seconds)
        return rest.job_body(job)

    def follow(self, request: Request, path: str, desk: Desk) -> AsyncGenerator[bytes, None] | None:
        """The events that are asked for: of one job, or of all; None where the request is for none, or its job is
        not there."""
        if request.method != "GET" or not path.startswith("/jobs/") or not path.endswith(EVENTS):
            return None
        if path == "/jobs/events":
            return desk.watch.follow(None)
        job = _job(desk, path.removeprefix("/jobs/").removesuffix(EVENTS))
        return None if job is None else desk.watch.follow(job)

    def _keep(self, request: Request, desk: Desk) -> Response:
        asked = rest.read_job(request)
        if isinstance(asked, Response):
            return asked
        job = self._new_job(Mode.PERSISTED, asked.payload, asked.config_id)
        if isinstance(job, Response):
            return job
        try:
            desk.keep(job)
        except WriteError as error:
            return reply.detail(507, f"The job cannot be written to the job store: {error}")
        return rest.job_body(job)


def _job(desk: Desk, job_id: str) -> Job | None:
    job = desk.queue.jobs.get(job_id)
    return None if job is None or job.mode is not Mode.PERSISTED else job


def _cancel(job: Job, desk: Desk) -> Response:
    if job.has_ended:
        return reply.detail(409, f"Job {job.id} has already {job.status}")
    desk.cancel(job.id)
    return rest.job_body(job)
