"""A request's body by its kind: JSON by value, a form by field, multipart by part, else bytes.

The rule: the content type decides, but what looks like JSON is tried as JSON whatever it is called, on both sides. A
compressed body is undone first, within a bound. No body and an empty one are the same. A body that is too large for
that is told by the digest of its bytes.
"""

from __future__ import annotations

from enum import StrEnum
from hashlib import blake2b, sha256
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

from replayer.cassette.model import Omitted, Request, header
from replayer.match.canonical import canonical, parse
from replayer.match.inflate import inflated
from replayer.match.multipart import split_parts
from replayer.match.rules import Rules

__all__ = ["LARGE", "Body", "BodyKind", "fingerprint", "read_body"]

LARGE = 64 * 1024 * 1024
"""Bytes from which on a body is not taken apart: the recorder's own default for what it stores."""


class BodyKind(StrEnum):
    """How a body is compared."""

    EMPTY = "empty"
    JSON = "json"
    FORM = "form"
    MULTIPART = "multipart"
    BYTES = "bytes"
    OMITTED = "omitted"
    """Too large to be stored, or to be taken apart: known by its size and digest."""


class Body(NamedTuple):
    """A body, read. `value` is by kind: None, a JSON value, sorted pairs of text, parts, bytes, or `Omitted`."""

    kind: BodyKind
    value: Any


_EMPTY = Body(BodyKind.EMPTY, None)


def read_body(request: Request, rules: Rules) -> Body:
    """Read what a request carries, without the places that the rules ignore."""
    data = request.body
    if request.omitted is not None:
        return Body(BodyKind.OMITTED, request.omitted)
    if not data:
        return _EMPTY
    if len(data) > LARGE:
        return Body(BodyKind.OMITTED, Omitted(bytes=len(data), sha256=sha256(data).hexdigest()))
    if data[:2] == b"\x1f\x8b" or header(request.headers, "content-encoding") is not None:
        data = inflated(data, header(request.headers, "content-encoding") or "")
    content_type = header(request.headers, "content-type") or ""
    kind = content_type.lower()
    if kind.startswith("application/x-www-form-urlencoded"):
        return Body(BodyKind.FORM, _form(data))
    if kind.startswith("multipart/"):
        parts = split_parts(data, content_type)
        return Body(BodyKind.BYTES, data) if parts is None else Body(BodyKind.MULTIPART, parts)
    if "json" in kind or data.lstrip()[:1] in (b"{", b"["):
        try:
            value = parse(data)
        except ValueError:
            return Body(BodyKind.BYTES, data)
        for path in rules.ignore:
            value = path.without(value)
        return Body(BodyKind.JSON, value)
    return Body(BodyKind.BYTES, data)


def fingerprint(body: Body) -> bytes:
    """16 bytes, or none for no body: equal bodies have equal ones, and no others do."""
    kind, value = body
    if kind is BodyKind.EMPTY:
        return b""
    if kind is BodyKind.JSON:
        data = canonical(value)
    elif kind is BodyKind.BYTES:
        data = value
    else:
        data = repr(value).encode("utf-8", "surrogateescape")
    return blake2b(data, digest_size=16, person=kind.encode()).digest()


def _form(data: bytes) -> tuple[tuple[str, str], ...]:
    """Fields sorted by name; the values of one name keep their order."""
    text = data.decode("utf-8", "surrogateescape")
    pairs = parse_qsl(text, keep_blank_values=True, errors="surrogateescape")
    return tuple(sorted(pairs, key=lambda pair: pair[0]))
