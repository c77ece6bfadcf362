"""A request whose recorded body was not stored: held against the recorded digests, over the bytes as they came.

The rule: what is compared is what the recorder hashed: the body without its compression. A multipart body is hashed
as if it had been written with the recorded boundary, and only where its length would be the recorded one then.
"""

from __future__ import annotations

import asyncio
import hashlib
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from dataclasses import replace

from replayer.cassette.model import Omitted, Request, header
from replayer.gateway.spool import BLOCK, Spool
from replayer.match.inflate import inflated
from replayer.match.multipart import boundary_of

__all__ = ["as_recorded", "digest"]

Known = Mapping[bytes | None, Set[Omitted]]
"""The digests of recorded bodies, by the boundary that each was written with."""


async def as_recorded(request: Request, body: bytes | Spool, known: Known) -> Request:
    """The request, with the digest of a recorded body in its body's place if that is what its body is."""
    if not known or not body:
        return request
    if len(body) <= BLOCK:
        found = _found(request, body, known)
    else:
        found = await asyncio.to_thread(_found, request, body, known)
    return request if found is None else replace(request, body=None, omitted=found)


def _found(request: Request, body: bytes | Spool, known: Known) -> Omitted | None:
    encoding = (header(request.headers, "content-encoding") or "").strip().lower()
    blocks: Callable[[], Iterator[bytes]]
    if isinstance(body, bytes):
        plain = inflated(body, encoding)
        blocks = lambda: (plain[at : at + BLOCK] for at in range(0, len(plain), BLOCK))  # noqa: E731 (a choice of two)
    elif encoding in ("gzip", "x-gzip", "deflate"):
        largest = max(one.bytes for bodies in known.values() for one in bodies)
        blocks = lambda: _unzipped(body.blocks(), largest)  # noqa: E731
    else:
        blocks = body.blocks
    try:
        # A spool was hashed as it came.
        own = body.omitted if isinstance(body, Spool) and blocks == body.blocks else digest(blocks())
        return _among(own, blocks, boundary_of(header(request.headers, "content-type") or ""), known)
    except zlib.error:
        return None


def _among(own: Omitted, blocks: Callable[[], Iterator[bytes]], boundary: bytes | None, known: Known) -> Omitted | None:
    if any(own in bodies for bodies in known.values()):
        return own
    if boundary is None:
        return None
    mark = b"--" + boundary
    times = sum(block.count(mark) for block in _overlapping(blocks(), len(mark) - 1))
    for other, bodies in known.items():
        if other is None or other == boundary:
            continue
        size = own.bytes + times * (len(other) - len(boundary))
        if any(one.bytes == size for one in bodies):
            found = digest(_replaced(blocks(), mark, b"--" + other))
            if found in bodies:
                return found
    return None


def digest(blocks: Iterable[bytes]) -> Omitted:
    """What tells a body from any other."""
    hashed, size = hashlib.sha256(), 0
    for block in blocks:
        hashed.update(block)
        size += len(block)
    return Omitted(bytes=size, sha256=hashed.hexdigest())


def _overlapping(blocks: Iterator[bytes], over: int) -> Iterator[bytes]:
    """Each block behind the last bytes of the one before: what lies across a border is whole in one of them, once."""
    tail = b""
    for block in blocks:
        yield tail + block
        tail = (tail + block)[-over:]


def _replaced(blocks: Iterator[bytes], old: bytes, new: bytes) -> Iterator[bytes]:
    held = b""
    for block in blocks:
        *before, held = (held + block).split(old)
        for piece in before:
            yield piece + new
        if len(held) >= len(old):  # its end may be the beginning of the next
            yield held[: 1 - len(old)]
            held = held[1 - len(old) :]
    yield held


def _unzipped(blocks: Iterator[bytes], most: int) -> Iterator[bytes]:
    """What gzip or zlib has packed, until that is more than any recorded body has. zlib.error where it is neither."""
    stream = zlib.decompressobj(47)
    for block in blocks:
        while block:
            out = stream.decompress(block, BLOCK)
            most -= len(out)
            if most < 0:
                raise zlib.error("more than was recorded")
            yield out
            block = stream.unused_data if stream.eof else stream.unconsumed_tail
            if stream.eof:
                stream = zlib.decompressobj(47)
