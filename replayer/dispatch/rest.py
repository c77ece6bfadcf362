"""The queue's own routes, as values: what is asked of jobs, and the bodies of jobs, models and health. Pure.

The shapes are the original server's, and for what it did not have, those that its clients know from elsewhere: a list
as OpenAI's API pages it, mistakes as FastAPI reports them.

A finished job's payload and result go out as the bytes that they are kept in.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

import orjson

from replayer.cassette.model import Request, Response
from replayer.dispatch.job import Job, Status
from replayer.dispatch.messages import Mode
from replayer.dispatch.tasks import reply
from replayer.dispatch.tasks.fields import Fields, json_value
from replayer.dispatch.worker import Worker

__all__ = [
    "Listing",
    "NewJob",
    "health",
    "job_body",
    "job_list",
    "models",
    "read_job",
    "read_list",
    "read_wait",
    "shown",
]

_MOST = 1000
"""Jobs of one page."""
_LONGEST_WAIT_S = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class NewJob:
    """What POST /jobs asks for."""

    payload: Any
    """Any JSON."""
    config_id: str | None
    """Whose workers alone may have it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """Which jobs GET /jobs asks for."""

    statuses: frozenset[Status]
    """Empty: every one."""
    config_id: str | None
    limit: int
    after: str | None
    """The last id of the page before."""
    oldest_first: bool


def shown(job: Job) -> dict[str, Any]:
    """A persisted job as it stands, for orjson."""
    return {
        "id": job.id,
        "config_id": job.config_id,
        "status": job.status,
        "payload": orjson.Fragment(job.payload),
        "result": None if job.result is None else orjson.Fragment(job.result),
        "error": job.error,
        "fence_token": job.fence,
        "created_at": job.created_at,
    }


def job_body(job: Job) -> Response:
    """The answer that a persisted job is."""
    return reply.json(200, shown(job))


def job_list(jobs: Mapping[str, Job], listing: Listing) -> Response:
    """A page of the persisted jobs, the newest first unless asked otherwise."""
    if listing.after is not None and listing.after not in jobs:
        return reply.unprocessable([_wrong("after", "Input should be the id of a job that there is", listing.after)])
    found: list[Job] = []
    skipping = listing.after is not None
    for job_id in jobs if listing.oldest_first else reversed(tuple(jobs)):
        job = jobs[job_id]
        if skipping:
            skipping = job.id != listing.after
        elif _is_asked_for(job, listing):
            found.append(job)
            if len(found) > listing.limit:
                break
    page = found[: listing.limit]
    body = {
        "object": "list",
        "data": [shown(job) for job in page],
        "first_id": page[0].id if page else None,
        "last_id": page[-1].id if page else None,
        "has_more": len(found) > len(page),
    }
    return reply.json(200, body)


def _is_asked_for(job: Job, listing: Listing) -> bool:
    if job.mode is not Mode.PERSISTED or (listing.statuses and job.status not in listing.statuses):
        return False
    return listing.config_id is None or job.config_id == listing.config_id


def read_list(query: str) -> Listing | Response:
    """The query of GET /jobs, or the 422 that refuses it."""
    errors: list[dict[str, Any]] = []
    asked = dict(parse_qsl(query, keep_blank_values=True))
    known = ("status", "config_id", "limit", "after", "order")
    errors += [_wrong(name, f"There are: {', '.join(known)}", asked[name]) for name in asked if name not in known]
    statuses = [name for name in asked.get("status", "").split(",") if name]
    if not set(statuses) <= set(Status):
        errors.append(_wrong("status", f"Input should be of {', '.join(Status)}", asked["status"]))
    limit = asked.get("limit", "50")
    if not (limit.isascii() and limit.isdigit() and 1 <= int(limit[:9]) <= _MOST):
        errors.append(_wrong("limit", f"Input should be an integer from 1 to {_MOST}", limit))
    order = asked.get("order", "desc")
    if order not in ("asc", "desc"):
        errors.append(_wrong("order", "Input should be asc or desc", order))
    if errors:
        return reply.unprocessable(errors)
    return Listing(
        statuses=frozenset(Status(name) for name in statuses),
        config_id=asked.get("config_id"),
        limit=int(limit),
        after=asked.get("after"),
        oldest_first=order == "asc",
    )


def read_wait(query: str) -> float | Response:
    """The seconds that GET /jobs/{id} waits for the job's end, 0 where it does not; or the 422 that refuses them."""
    asked = dict(parse_qsl(query, keep_blank_values=True)).get("wait", "0")
    try:
        seconds = float(asked)
    except ValueError:
        seconds = math.nan
    if 0 <= seconds <= _LONGEST_WAIT_S:
        return seconds
    return reply.unprocessable([_wrong("wait", f"Input should be seconds from 0 to {_LONGEST_WAIT_S:g}", asked)])


def _wrong(name: str, message: str, value: str) -> dict[str, Any]:
    return {"type": "value_error", "loc": ["query", name], "msg": message, "input": value}


def read_job(request: Request) -> NewJob | Response:
    """What POST /jobs asks for, its payload `{}` where it is missing; or the 422 that refuses the body."""
    errors: list[dict[str, Any]] = []
    body = json_value(request.body or b"", errors)  # the original looks at no content type here
    if errors:
        return reply.unprocessable(errors)
    fields = Fields(body, errors)
    config_id = fields.optional("config_id", fields.text)
    if errors:
        return reply.unprocessable(errors)
    return NewJob(payload=fields.raw("payload") if fields.has("payload") else {}, config_id=config_id)


def models(workers: Iterable[Worker]) -> Response:
    """What GET /v1/models lists: a model for each configuration that a worker serves."""
    names = dict.fromkeys(worker.config_id for worker in workers)
    data = [{"id": name, "object": "model", "owned_by": "replayer"} for name in names]
    return reply.json(200, {"object": "list", "data": data})


def health(workers: Iterable[Worker], waiting: int) -> Response:
    """What GET /health says: a paused or draining worker is connected too."""
    connected = any(True for _ in workers)
    return reply.json(200, {"status": "ok", "worker_connected": connected, "pending_jobs": waiting})
