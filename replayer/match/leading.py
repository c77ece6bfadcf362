"""Header fields that lead a client on: where a redirect goes, and where the rest of an upload is sent. Pure.

The rule: a client that came to us by a base URL of ours stays with us. What leads back to the upstream that answered
leads through us; what leads anywhere else, and every other field, is left as it is. What is recorded is never changed.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from replayer.cassette.model import Headers
from replayer.match.target import host_of

__all__ = ["leads", "led"]

_LEADING = frozenset(
    # RFC 9110, 10.2.2; Google's resumable uploads; Azure's long-running operations.
    ("location", "x-goog-upload-url", "x-goog-upload-control-url", "operation-location")
)


def leads(headers: Headers) -> bool:
    """Whether one of the fields leads to an absolute address."""
    return any(name.lower() in _LEADING and "://" in value for name, value in headers)


def led(headers: Headers, *, base: str, here: str) -> Headers:
    """The same fields, where what leads below `base` (the upstream's base URL) leads below `here` instead."""
    return tuple((name, _led(value, base, here) if name.lower() in _LEADING else value) for name, value in headers)


def _led(value: str, base: str, here: str) -> str:
    try:
        found, wanted = urlsplit(value), urlsplit(base)
    except ValueError:
        return value
    if found.scheme.lower() != wanted.scheme or host_of(value) != host_of(base):
        return value
    root = wanted.path.rstrip("/")
    path = found.path or "/"
    if not path.startswith(root + "/") and path != root:
        return value
    rest = value.partition("://")[2].partition("#")[0]
    tail = rest[len(found.netloc) :] or "/"
    fragment = f"#{found.fragment}" if found.fragment else ""
    return f"{here.rstrip('/')}{tail[len(root) :]}{fragment}"
