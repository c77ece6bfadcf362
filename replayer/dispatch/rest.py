"""The bodies of the queue's own routes: jobs, models, health. Pure; the shapes are the original server's.

A finished job's payload and result go out as the bytes that they are kept in.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import orjson

from replayer.cassette.model import Request, Response
from replayer.dispatch.job import Job
from replayer.dispatch.tasks import reply
from replayer.dispatch.tasks.fields import Fields, json_body
from replayer.dispatch.worker import Worker

__all__ = ["health", "job_body", "models", "read_job"]


def job_body(job: Job) -> Response:
    """A persisted job as it stands."""
    body = {
        "id": job.id,
        "config_id": job.config_id,
        "status": job.status,
        "payload": orjson.Fragment(job.payload),
        "result": None if job.result is None else orjson.Fragment(job.result),
        "error": job.error,
        "fence_token": job.fence,
        "created_at": job.created_at,
    }
    return reply.json(200, body)


def read_job(request: Request) -> Any | Response:
    """The payload of POST /jobs, any JSON, `{}` where it is missing; or the 422 that refuses the body."""
    errors: list[dict[str, Any]] = []
    body = json_body(request, errors)
    if errors:
        return reply.unprocessable(errors)
    fields = Fields(body, errors)
    if errors:
        return reply.unprocessable(errors)
    return fields.raw("payload") if fields.has("payload") else {}


def models(workers: Iterable[Worker]) -> Response:
    """What GET /v1/models lists: a model for each configuration that a worker serves."""
    names = dict.fromkeys(worker.config_id for worker in workers)
    data = [{"id": name, "object": "model", "owned_by": "replayer"} for name in names]
    return reply.json(200, {"object": "list", "data": data})


def health(workers: Iterable[Worker], waiting: int) -> Response:
    """What GET /health says: a paused or draining worker is connected too."""
    connected = any(True for _ in workers)
    return reply.json(200, {"status": "ok", "worker_connected": connected, "pending_jobs": waiting})
