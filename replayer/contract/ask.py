"""Asking an upstream again: recorded requests, sent one after another, and what was answered.

The rule: never faster than asked for, every byte as it came (decoded), and an error of the network is a text beside
its request, not the end of the run. What is asked, and with which credentials, is handed in.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable

import aiohttp

from replayer.cassette.model import Chunk, Request, Response
from replayer.clock import Clock

__all__ = ["ask"]

_NOT_SENT = frozenset(
    {"host", "content-length", "connection", "transfer-encoding", "accept-encoding", "keep-alive", "upgrade", "te"}
)
"""Fields that belong to the recorded connection (RFC 9110, 7.6.1), or that the client says for itself."""
_FRAMING = frozenset({"content-encoding", "transfer-encoding", "content-length", "connection", "keep-alive"})
"""Fields of an answer that are not true of its decoded body."""
_LARGEST = 64 * 1024 * 1024
_TIMEOUT = aiohttp.ClientTimeout(total=600, sock_connect=15, sock_read=120)


async def ask(
    requests: Iterable[tuple[str, Request]], *, rate: float, clock: Clock
) -> AsyncIterator[tuple[str, Request, Response | str]]:
    """Send each request, at most `rate` a second; its place, itself, and its answer or what went wrong."""
    began = clock.ms()
    async with aiohttp.ClientSession(timeout=_TIMEOUT, trust_env=True, raise_for_status=False) as session:
        for number, (where, request) in enumerate(requests):
            due = began + number * 1000 / rate
            await asyncio.sleep(max(0.0, due - clock.ms()) / 1000)
            try:
                answer: Response | str = await _one(session, request, clock, since=began)
            except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
                answer = str(error) or type(error).__name__
            yield where, request, answer


async def _one(session: aiohttp.ClientSession, request: Request, clock: Clock, *, since: float) -> Response:
    headers = [(name, value) for name, value in request.headers if name.lower() not in _NOT_SENT]
    sent = clock.ms()
    async with session.request(
        request.method, request.uri, headers=headers, data=request.body, allow_redirects=False
    ) as answer:
        chunks: list[Chunk] = []
        body = bytearray()
        async for piece in answer.content.iter_any():
            body += piece
            chunks.append(Chunk(round(clock.ms() - sent, 3), len(piece)))
            if len(body) > _LARGEST:
                raise ValueError(f"the answer is larger than {_LARGEST >> 20} MiB")
        return Response(
            status=answer.status,
            reason=answer.reason or "",
            headers=tuple(
                (name.lower(), value) for name, value in answer.headers.items() if name.lower() not in _FRAMING
            ),
            encoding=answer.headers.get("content-encoding"),
            body=bytes(body),
            at=round(sent - since, 3),
            chunks=tuple(chunks),
        )
