"""A body's content encoding, undone while the body passes: gzip, deflate, br, zstd, and several of them in a row.

The rule: what a chunk on the wire makes decodable comes out with that chunk, so that boundaries keep their times. br
and zstd need libraries that come with mitmproxy; a coding that nobody here knows is an error when it is asked for.
"""

from __future__ import annotations

import importlib
import zlib
from collections.abc import Callable
from typing import Any, Protocol

__all__ = ["DecodeError", "Decoder", "decoder"]


class DecodeError(Exception):
    """The bytes are not what their content-encoding says, or nobody here knows that encoding."""


class Decoder(Protocol):
    """Undoes one body's encoding."""

    def feed(self, data: bytes) -> bytes:
        """What `data` makes decodable. Raises `DecodeError`."""


class _Gzip:
    """RFC 1952: one member or several; what follows the last one is ignored, as clients do."""

    def __init__(self) -> None:
        self._member = zlib.decompressobj(wbits=31)
        self._members = 0

    def feed(self, data: bytes) -> bytes:
        out = []
        while data:
            try:
                out.append(self._member.decompress(data))
            except zlib.error as error:
                if self._members:
                    break
                raise DecodeError(str(error)) from None
            if not self._member.eof:
                break
            data = self._member.unused_data
            self._members += 1
            self._member = zlib.decompressobj(wbits=31)
        return b"".join(out)


class _Deflate:
    """RFC 1950, and the raw RFC 1951 that some servers send in its place: the first two bytes tell them apart."""

    def __init__(self) -> None:
        self._stream: Any = None
        self._head = b""

    def feed(self, data: bytes) -> bytes:
        if self._stream is None:
            self._head += data
            if len(self._head) < 2:
                return b""
            data = self._head
            wrapped = data[0] & 15 == 8 and int.from_bytes(data[:2]) % 31 == 0
            self._stream = zlib.decompressobj(wbits=15 if wrapped else -15)
        try:
            out: bytes = self._stream.decompress(data)
        except zlib.error as error:
            raise DecodeError(str(error)) from None
        return out


class _Foreign:
    """A decompressor of another library, whose errors are its own."""

    def __init__(self, decompress: Callable[[bytes], bytes]) -> None:
        self._decompress = decompress

    def feed(self, data: bytes) -> bytes:
        try:
            return self._decompress(data)
        except Exception as error:
            raise DecodeError(str(error)) from None


class _Chain:
    def __init__(self, decoders: list[Decoder]) -> None:
        self._decoders = decoders

    def feed(self, data: bytes) -> bytes:
        for one in self._decoders:
            data = one.feed(data)
        return data


def decoder(encoding: str) -> Decoder:
    """For the value of a content-encoding header (RFC 9110, 8.4). Raises `DecodeError` for an unknown coding."""
    codings = [coding for part in encoding.split(",") if (coding := part.strip().lower()) not in ("", "identity")]
    # Codings are listed in the order in which they were applied.
    return _Chain([_one(coding) for coding in reversed(codings)])


def _one(coding: str) -> Decoder:
    match coding:
        case "gzip" | "x-gzip":
            return _Gzip()
        case "deflate":
            return _Deflate()
        case "br":
            return _Foreign(_library("brotli").Decompressor().process)
        case "zstd":
            return _Foreign(_library("zstandard").ZstdDecompressor().decompressobj().decompress)
    raise DecodeError(f"nobody here knows the content-encoding {coding!r}")


def _library(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError:
        raise DecodeError(f"the library {name} is not installed") from None
