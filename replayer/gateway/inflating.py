"""A compressed stream, undone piece by piece while it passes: gzip, and what goes by the name of deflate.

The rule: bounded. A piece that grows to more than an event may have, or that is no gzip at all, ends it.
"""

from __future__ import annotations

import zlib

__all__ = ["CODINGS", "Inflating"]

CODINGS = frozenset({"gzip", "x-gzip", "deflate"})
"""Those that are undone, by their names in content-encoding. br and zstd are in no library that is always here."""
_BY_ITS_HEADER = 47
"""A window size by which zlib takes gzip and zlib alike."""


class Inflating:
    """One stream as far as it has come. `most` bytes may come of one piece."""

    def __init__(self, *, most: int) -> None:
        self._most = most
        self._undo = zlib.decompressobj(_BY_ITS_HEADER)

    def feed(self, piece: bytes) -> bytes:
        """What the next piece says. Raises ValueError for one that cannot be undone."""
        plain = bytearray()
        try:
            while piece:
                plain += self._undo.decompress(piece, self._most + 1 - len(plain))
                if len(plain) > self._most:
                    raise ValueError("it grows too large")
                piece = self._undo.unused_data
                if piece:
                    self._undo = zlib.decompressobj(_BY_ITS_HEADER)
        except zlib.error as error:
            raise ValueError(str(error)) from error
        return bytes(plain)
