"""Checks of large payloads and results: in the message, beside it, and too large for it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import orjson

from replayer.dispatch.messages import JobResultRef, Mode
from replayer.dispatch.wire import encode
from replayer.worker.check.bench import Bench
from replayer.worker.check.check import Broken, Check, Kind
from replayer.worker.check.ledger import Given

__all__ = ["SIZES"]

_LARGE = 600_000
"""Characters of padding: a message well below the limit of 1,048,576 bytes."""
_TOO_LARGE = 1_200_000
_RESULT = 300_000
"""Characters of result asked for: above the 262,144 bytes from which a result is uploaded."""


def _padded(bench: Bench, size: int) -> dict[str, Any]:
    return {**bench.payloads[0], "user": "x" * size}


async def _large_payload(bench: Bench) -> None:
    await bench.ask(_padded(bench, _LARGE))


async def _oversized(bench: Bench) -> None:
    peer = await bench.worker()
    (given,) = await bench.give(peer, bench.job(_padded(bench, _TOO_LARGE)))
    await bench.until(lambda: peer.close_code or given.answers, min(5.0, bench.timings.job))
    await bench.still_works(f"a message of {_TOO_LARGE:,} bytes")


async def _payload_url(bench: Bench) -> None:
    given = await _elsewhere(bench, orjson.dumps(bench.payloads[0]))
    if not given.fetched:
        raise Broken("it answered without having asked for payload_url: it worked on something else")


async def _payload_url_fails(bench: Bench) -> None:
    await _elsewhere(bench, None)


async def _elsewhere(bench: Bench, payload: bytes | None) -> Given:
    peer = await bench.worker()
    inline = b'{"task":"replayer/payload-is-elsewhere"}' if payload is not None else orjson.dumps(bench.payloads[0])
    job = replace(bench.offered(bench.job(mode=Mode.PERSISTED), peer, payload), payload=inline)
    (given,) = await bench.give(peer, job)
    await bench.answer(given)
    return given


async def _upload(bench: Bench) -> None:
    peer = await bench.worker()
    payload = {**bench.payloads[0], "result_padding_bytes": _RESULT}
    job = bench.uploadable(bench.job(payload, mode=Mode.PERSISTED), peer)
    (given,) = await bench.give(peer, job)
    answer = await bench.answer(given)
    if not isinstance(answer, JobResultRef):
        return
    if given.uploaded is None:
        raise Broken("it said job_result_ref, and nothing was put at result_upload_url: the result is lost")
    try:
        orjson.loads(given.uploaded)
    except orjson.JSONDecodeError:
        raise Broken(f"what it put at result_upload_url is no JSON: {given.uploaded[:60]!r}") from None


async def _upload_used(bench: Bench) -> None:
    peer = await bench.worker()
    payload = {**bench.payloads[0], "result_padding_bytes": _RESULT}
    job = bench.uploadable(bench.job(payload, mode=Mode.PERSISTED), peer)
    (given,) = await bench.give(peer, job)
    answer = await bench.answer(given)
    size = len(encode(answer))
    if not isinstance(answer, JobResultRef) and size > _RESULT:
        raise Broken(f"a result of {size:,} bytes came in a message, though result_upload_url was offered")


SIZES = (
    Check(
        name="large-payload",
        kind=Kind.MUST,
        rule="Messages have up to 1,048,576 bytes: a job of 600 KB is answered.",
        ask=_large_payload,
    ),
    Check(
        name="oversized-message",
        kind=Kind.MUST,
        rule="A message over its limit may close the connection (1009); the worker comes back and works on.",
        ask=_oversized,
    ),
    Check(
        name="payload-url",
        kind=Kind.MUST,
        rule="Where a job has a payload_url, its payload is what a GET of that gives.",
        ask=_payload_url,
    ),
    Check(
        name="payload-url-fails",
        kind=Kind.MUST,
        rule="Where payload_url cannot be had, the payload of the message counts.",
        ask=_payload_url_fails,
    ),
    Check(
        name="upload",
        kind=Kind.MUST,
        rule="job_result_ref says that the result was put, as JSON, at result_upload_url.",
        ask=_upload,
    ),
    Check(
        name="upload-used",
        kind=Kind.ADVICE,
        rule="A persisted job's result of more than 262,144 bytes goes to result_upload_url where one is offered.",
        ask=_upload_used,
    ),
)
