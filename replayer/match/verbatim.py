"""A request's spelling: what a client that repeats its recorded request sends again, byte for byte.

The rule: a shorter way to the same row, never to another one: two requests of one spelling normalise alike, whatever
the rules. Everything that normalising looks at is part of it.
"""

from __future__ import annotations

from typing import NamedTuple

from replayer.cassette.model import Request, header

__all__ = ["Spelling", "spelling"]


class Spelling(NamedTuple):
    """A request as it is spelled."""

    method: str
    target: str
    """Path and query; of a connection, the whole URI."""
    content_type: str | None
    content_encoding: str | None
    body: bytes | None


def spelling(request: Request) -> Spelling:
    """How a request is spelled, recorded (an absolute URI) or asked (a path)."""
    target = request.uri
    if target[:4] == "http":
        authority, _, path = target.partition("://")[2].partition("/")
        # A query or fragment without a path is rare enough to stay as it is.
        target = target if "?" in authority or "#" in authority else "/" + path
    headers = request.headers
    return Spelling(
        request.method, target, header(headers, "content-type"), header(headers, "content-encoding"), request.body
    )
