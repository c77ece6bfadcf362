"""A request's spelling: what a client that repeats its recorded request sends again, byte for byte, beside its body.

The rule: a shorter way to the same row, never to another one: two requests of one spelling and one body normalise
alike, whatever the rules. Everything that normalising looks at is part of it.
"""

from __future__ import annotations

from typing import NamedTuple

from replayer.cassette.model import Request

__all__ = ["Spelling", "spelling"]


class Spelling(NamedTuple):
    """A request as it is spelled."""

    method: str
    target: str
    """Path and query; of a connection, the whole URI."""
    content_type: str | None
    content_encoding: str | None
    fields: tuple[tuple[str, str], ...] = ()
    """Those that the rules look at."""


def spelling(request: Request, fields: tuple[str, ...] = ()) -> Spelling:
    """How a request is spelled, recorded (an absolute URI) or asked (a path). `fields` are those that matter."""
    target = request.uri
    if target[:4] == "http":
        authority, _, path = target.partition("://")[2].partition("/")
        # A query or fragment without a path is rare enough to stay as it is.
        target = target if "?" in authority or "#" in authority else "/" + path
    headers = request.headers
    content_type = encoding = None
    # Both fields in one pass, told apart by their length first: this is asked of many requests.
    for name, value in headers:
        length = len(name)
        if length == 12 and content_type is None and name.lower() == "content-type":
            content_type = value
        elif length == 16 and encoding is None and name.lower() == "content-encoding":
            encoding = value
    mattering = tuple((name, value) for name, value in headers if name.lower() in fields) if fields else ()
    return Spelling(request.method, target, content_type, encoding, mattering)
