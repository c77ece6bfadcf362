"""Content codings, undone: a stored body is what the program behind the client saw.

The header is never trusted, the bytes are looked at: real cassettes have `content-encoding: gzip` over bodies that are
gzip and over bodies that were decoded long ago. Decoding is bounded. What cannot be undone for certain stays as it is,
header and all, so that a client gets exactly what was on the wire.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass

__all__ = ["LIMIT", "Content", "undo"]

LIMIT = 256 * 2**20
"""Bytes of one decoded body; a bomb stays packed."""

_GZIP = b"\x1f\x8b"
_ZSTD = b"\x28\xb5\x2f\xfd"


@dataclass(frozen=True, slots=True)
class Content:
    """A body after the attempt. `encoding` is None where the coding could not be undone, and `note` says why."""

    body: bytes
    encoding: str | None
    note: str | None = None


def undo(body: bytes, encoding: str, *, limit: int = LIMIT) -> Content:
    """Undo the coding that a `content-encoding` header names, if the bytes show that it is there."""
    coding = encoding.strip().lower()
    if body.startswith(_GZIP) and coding in ("gzip", "x-gzip"):
        return _inflated(body, encoding, wbits=31, limit=limit)
    if coding == "deflate" and body and _is_zlib(body):
        return _inflated(body, encoding, wbits=15, limit=limit)
    if body.startswith((_GZIP, _ZSTD)) or (coding != "identity" and not _is_text(body)):
        if coding in ("gzip", "x-gzip"):
            return Content(body, encoding)  # decoded before: binary, but not gzip
        return Content(body, None, f"its body is stored in the coding {coding!r} and was left so")
    return Content(body, encoding)


def _inflated(body: bytes, encoding: str, *, wbits: int, limit: int) -> Content:
    pieces: list[bytes] = []
    rest, room = body, limit
    try:
        while rest:
            member = zlib.decompressobj(wbits)
            piece = member.decompress(rest, room + 1)
            room -= len(piece)
            if room < 0:
                return Content(body, None, f"its body decodes to more than {limit} bytes and was left packed")
            if not member.eof:
                return Content(body, None, f"its {encoding} body is cut short and was left packed")
            pieces.append(piece)
            rest = member.unused_data.lstrip(b"\0")
    except zlib.error as error:
        if not pieces:
            return Content(body, None, f"its {encoding} body is damaged ({error}) and was left packed")
        # Bytes after the last member: every decoder ignores them.
    return Content(b"".join(pieces), encoding)


def _is_zlib(body: bytes) -> bool:
    """RFC 1950: method 8, and a checksum over the first two bytes."""
    return len(body) > 2 and body[0] & 15 == 8 and (body[0] * 256 + body[1]) % 31 == 0


def _is_text(body: bytes) -> bool:
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True
