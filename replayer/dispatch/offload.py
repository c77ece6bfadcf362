"""Offload: what is too large for a worker's frame goes over HTTP, at URLs that only that worker was told.

A URL names the host that the worker dialled, and a token of 128 random bits that is its whole permission: it needs no
other, serves one attempt of one job, and is gone when that attempt is. Knows no sockets: requests in, answers out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum

import orjson

from replayer.cassette.model import Request, Response
from replayer.dispatch.messages import Job, Mode
from replayer.dispatch.tasks import reply

__all__ = ["PREFIX", "Offload"]

PREFIX = "/offload/"
"""Below it are the payloads and uploads; the tokens behind it are not to be shown."""


class _Way(StrEnum):
    """What a token is good for; the value is the method."""

    PAYLOAD = "GET"
    UPLOAD = "PUT"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Permit:
    way: _Way
    job_id: str
    fence: int
    payload: bytes


Uploaded = Callable[[str, int, bytes], bool]
"""Hands a result (job, fence, encoded JSON) to the queue; whether it was wanted."""


class Offload:
    """The open URLs of one session. `random` gives bytes that nobody can guess."""

    def __init__(self, *, limit: int, random: Callable[[int], bytes], uploaded: Uploaded) -> None:
        """`limit`: the largest frame (bytes) that a worker takes."""
        self._limit = limit
        self._random = random
        self._uploaded = uploaded
        self._permits: dict[str, _Permit] = {}
        self._tokens: dict[str, list[str]] = {}
        self._unread: set[str] = set()

    def offer(self, job: Job, base: str, frame_size: int) -> Job:
        """The dispatch as this worker gets it: a persisted job may put its result, a large payload is to be fetched.

        `base` is the root URL that the worker dialled; `frame_size` the bytes of the message as it stands.
        """
        self.forget(job.job_id)
        if job.mode is Mode.PERSISTED:
            url = self._permit(base, job, _Way.UPLOAD)
            job = replace(job, result_upload_url=url)
            frame_size += len(f',"result_upload_url":"{url}"')
        if frame_size > self._limit:
            job = replace(job, payload_url=self._permit(base, job, _Way.PAYLOAD), payload=b"{}", value=None)
            self._unread.add(job.job_id)
        return job

    def forget(self, job_id: str) -> None:
        """Nothing more is fetched or put for this job."""
        for token in self._tokens.pop(job_id, ()):
            del self._permits[token]
        self._unread.discard(job_id)

    def is_unread(self, job_id: str) -> bool:
        """Whether this job's payload was offered by URL, and nobody has asked for it."""
        return job_id in self._unread

    def knows(self, token: str) -> bool:
        """Whether this token is one of this session's."""
        return token in self._permits

    def answer(self, token: str, request: Request) -> Response:
        """The answer to a request for a token that `knows` has claimed."""
        permit = self._permits[token]
        if request.method != permit.way:
            return reply.not_allowed(permit.way.value)
        if permit.way is _Way.PAYLOAD:
            self._unread.discard(permit.job_id)
            return Response(status=200, headers=(("content-type", "application/json"),), body=permit.payload)
        body = request.body or b""
        try:
            orjson.loads(body)
        except orjson.JSONDecodeError as error:
            return reply.detail(400, f"The result is not JSON: {error.msg} at character {error.pos}")
        if not self._uploaded(permit.job_id, permit.fence, body):
            return reply.detail(409, f"Job {permit.job_id} is no longer this worker's")
        return Response(status=200)

    def _permit(self, base: str, job: Job, way: _Way) -> str:
        token = self._random(16).hex()
        payload = job.payload if way is _Way.PAYLOAD else b""
        self._permits[token] = _Permit(way=way, job_id=job.job_id, fence=job.fence_token, payload=payload)
        self._tokens.setdefault(job.job_id, []).append(token)
        return f"{base}{PREFIX}{token}"
