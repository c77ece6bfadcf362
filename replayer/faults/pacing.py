"""Pacing: from a recorded response to its delivery plan, with the recorded boundaries, and waits by the pace.

The rule: the bytes are the recorded ones, all of them and no others. An SSE body that nobody timed is cut after its
events; what was cut short while it was recorded replays cut short. Framing is delivery's: the fields of it are left
out.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from replayer.cassette.model import Chunk, End, Headers, Response, header
from replayer.cassette.sse import split_events
from replayer.errors import ConfigError
from replayer.faults.plan import Ending, Plan, Send, Step, Wait

__all__ = ["Pace", "end_to_end", "plan_of"]

_FRAMING = frozenset(
    (
        # Hop-by-hop (RFC 9110, section 7.6.1), and what delivery computes anew.
        *("connection", "keep-alive", "proxy-connection", "proxy-authenticate", "proxy-authorization"),
        *("te", "trailer", "transfer-encoding", "upgrade", "content-length", "content-encoding"),
    )
)
_BODILESS = (204, 205, 304)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How long a replayed answer takes: the recorded waits times `factor`."""

    factor: float
    """0 is at once, 1 as recorded, 0.5 in half the time."""

    @classmethod
    def parse(cls, text: str) -> Pace:
        """Read `instant`, `recorded`, or a factor from 0. ConfigError for anything else."""
        if text in ("instant", "recorded"):
            return cls(factor=1.0 if text == "recorded" else 0.0)
        try:
            factor = float(text)
        except ValueError:
            factor = math.nan
        if not 0 <= factor <= 1000:
            raise ConfigError(f"pace {text!r}: it takes instant, recorded, or a factor from 0 to 1000 of the time")
        return cls(factor=factor)


INSTANT = Pace(factor=0.0)


def plan_of(response: Response, *, pace: Pace = INSTANT, method: str = "GET") -> Plan:
    """The plan that replays a recorded HTTP response to a request of this method."""
    headers = end_to_end(response.headers)
    if method.upper() == "HEAD":
        # The length of what a GET would bring is all that a HEAD can say of it.
        promised = _length(response.headers)
        return Plan(status=response.status, reason=response.reason, headers=headers, promised=promised)
    if response.status in _BODILESS:
        return Plan(status=response.status, reason=response.reason, headers=headers)
    sse = _is_sse(header(response.headers, "content-type"))
    if not sse and not response.chunks and response.end is End.COMPLETE:
        # Whole, as live answers are: made anew for each request.
        whole = (Send(response.body),) if response.body else ()
        return Plan(status=response.status, reason=response.reason, headers=headers, steps=whole)
    before, steps = _timed(response, pace) if response.chunks else ((), _untimed(response.body, sse=sse))
    streamed = sse or len(response.chunks) > 1
    promised = None
    if response.end is not End.COMPLETE and not streamed:
        promised = _length(response.headers)
        if response.encoding is not None or promised is None or promised <= len(response.body):
            # Nothing was promised that is still known: only a missing terminator can say that there was more.
            promised, streamed = None, True
    return Plan(
        status=response.status,
        reason=response.reason,
        headers=headers,
        before=before,
        steps=steps,
        streamed=streamed,
        promised=promised,
        ending=Ending.COMPLETE if response.end is End.COMPLETE else Ending.EOF,
    )


def end_to_end(headers: Headers) -> Headers:
    """The fields that are about the content, without hop-by-hop fields, those that `Connection` names, and framing."""
    connection = header(headers, "connection")
    dropped = _FRAMING
    if connection is not None:
        said = ",".join(value for name, value in headers if name.lower() == "connection")
        dropped = _FRAMING.union(word.strip().lower() for word in said.split(","))
    return tuple([field for field in headers if field[0].lower() not in dropped])


@lru_cache(maxsize=256)
def _is_sse(content_type: str | None) -> bool:
    return content_type is not None and content_type.lower().startswith("text/event-stream")


def _length(headers: Headers) -> int | None:
    value = header(headers, "content-length")
    return int(value) if value is not None and value.isascii() and value.isdigit() and len(value) < 16 else None


def _timed(response: Response, pace: Pace) -> tuple[tuple[Wait, ...], tuple[Step, ...]]:
    """The first wait comes before the head: nobody recorded when that arrived."""
    before: tuple[Wait, ...] = ()
    steps: list[Step] = []
    for wait, data in _pieces(response.body, response.chunks):
        pause = round(wait * pace.factor, 3)
        if pause > 0:
            if steps:
                steps.append(Wait(pause))
            else:
                before = (*before, Wait(pause))
        if data:
            steps.append(Send(data))
    return before, tuple(steps)


def _pieces(body: bytes, chunks: tuple[Chunk, ...]) -> Iterator[tuple[float, bytes]]:
    """Each chunk's bytes, with the milliseconds since the one before; a body that is longer ends with its rest."""
    start, last = 0, 0.0
    for at, size in chunks:
        yield max(0.0, at - last), body[start : start + size]
        start, last = start + size, max(last, at)
    if start < len(body):
        yield 0.0, body[start:]


def _untimed(body: bytes, *, sse: bool) -> tuple[Step, ...]:
    if not body:
        return ()
    return tuple(map(Send, split_events(body))) if sse else (Send(body),)
