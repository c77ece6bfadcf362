"""A request's body as it was before compression: gzip, deflate, br, zstd, and several of them in a row.

The rule: bounded, and never guessed. What is broken, a bomb, or in a coding that cannot be undone here stays as it
came and is compared so. br and zstd are undone where their libraries are installed (`brotli`, `zstandard`): most
clients never send them, so they are no dependency.
"""

from __future__ import annotations

import importlib
import io
import zlib
from collections.abc import Callable, Iterator
from typing import Any

__all__ = ["MAX_INFLATED", "inflated"]

MAX_INFLATED = 64 * 1024 * 1024
"""Bytes that a compressed request body may grow to; a larger one is compared as it came."""
_GZIP = b"\x1f\x8b"
_PIECE = 1024 * 1024
"""Bytes of brotli that come out at once, where its library can be told so (from 1.2 on)."""
_LONGEST_OLD = 1024 * 1024
"""Bytes of brotli that an older library is given: byte by byte, because each of them can hold megabytes."""


class _Stays(Exception):
    """The body cannot be undone."""


def inflated(data: bytes, encoding: str) -> bytes:
    """The body without the codings that the content-encoding header names, listed as they were applied.

    gzip is told by its bytes as well: some clients forget the header. `data` itself where one cannot be undone.
    """
    codings = [coding for part in encoding.lower().split(",") if (coding := part.strip()) not in ("", "identity")]
    undone = data
    try:
        for coding in reversed(codings):
            undo = _CODINGS.get(coding)
            if undo is not None:
                undone = undo(undone)
        # Once more: a gzip body without a header, or under a wrong one.
        return _zlib(undone) if undone.startswith(_GZIP) else undone
    except _Stays:
        return data


def _zlib(data: bytes) -> bytes:
    """gzip or zlib by their own header, else the bare deflate that some clients call "deflate"."""
    for window in (47, -15):
        pieces: list[bytes] = []
        rest, room = data, MAX_INFLATED
        try:
            while rest:
                stream = zlib.decompressobj(window)
                pieces.append(stream.decompress(rest, room + 1))
                room -= len(pieces[-1])
                if room < 0 or not stream.eof:
                    raise _Stays
                # A gzip body may have several members (RFC 1952, 2.2).
                rest = stream.unused_data if stream.unused_data.startswith(_GZIP) else b""
        except zlib.error:
            continue
        return b"".join(pieces)
    raise _Stays


def _gzip(data: bytes) -> bytes:
    """Under the header but not gzip: undone by somebody before."""
    return _zlib(data) if data.startswith(_GZIP) else data


def _brotli(data: bytes) -> bytes:
    stream = _library("brotli").Decompressor()
    out = io.BytesIO()
    try:
        for piece in _brotli_pieces(stream, data):
            if out.write(piece) and out.tell() > MAX_INFLATED:
                raise _Stays
    except _Stays:
        raise
    except Exception as error:  # the library's own class, which only the library knows
        raise _Stays from error
    if not stream.is_finished():
        raise _Stays
    return out.getvalue()


def _brotli_pieces(stream: Any, data: bytes) -> Iterator[bytes]:
    if hasattr(stream, "can_accept_more_data"):
        piece = stream.process(data, output_buffer_limit=_PIECE)
        while piece:
            yield piece
            piece = stream.process(b"", output_buffer_limit=_PIECE)
        return
    if len(data) > _LONGEST_OLD:
        raise _Stays
    for at in range(len(data)):
        yield stream.process(data[at : at + 1])


def _zstd(data: bytes) -> bytes:
    library = _library("zstandard")
    try:
        with library.ZstdDecompressor().stream_reader(data, read_across_frames=True) as stream:
            whole: bytes = stream.read(MAX_INFLATED + 1)
    except library.ZstdError as error:
        raise _Stays from error
    if len(whole) > MAX_INFLATED:
        raise _Stays
    return whole


def _library(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise _Stays from error


_CODINGS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": _gzip,
    "x-gzip": _gzip,
    "deflate": _zlib,
    "br": _brotli,
    "zstd": _zstd,
}
