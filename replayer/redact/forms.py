"""How a secret value may be written, and what stands in its place where that must stay valid JSON."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from urllib.parse import quote, quote_plus

from replayer.redact.fields import REPLACEMENT

__all__ = ["forms_of", "inside_string", "number_span", "past_escape"]

_ESCAPE_BEFORE = re.compile(rb"(?<!\\)(?:\\\\)*(\\(?:u[0-9a-fA-F]{0,3})?)\Z")
_NUMBER = re.compile(rb"[0-9.eE+-]*+")
_NUMBER_BEFORE = re.compile(rb"[0-9.eE+-]*\Z")
_VALUE_BEFORE = re.compile(rb"(?:[:\[,]|\A)\s*\Z")
_VALUE_AFTER = re.compile(rb"\s*(?:[,\]}]|\Z)")
_NESTED_BEFORE = re.compile(rb'(\\+")\s*:\s*\Z')
_ESCAPED = re.compile(rb"\\.", re.DOTALL)


def forms_of(value: str) -> Iterator[bytes]:
    """Plain; escaped in JSON, and in JSON within JSON; in a URL; in base64 at each of its three offsets."""
    raw = value.encode("utf-8", "surrogateescape")
    yield raw
    for ascii_only in (True, False):
        once = json.dumps(value, ensure_ascii=ascii_only)[1:-1]
        yield once.encode("utf-8", "surrogateescape")
        yield json.dumps(once, ensure_ascii=ascii_only)[1:-1].encode("utf-8", "surrogateescape")
    for written in (quote(raw, safe=""), quote(raw), quote_plus(raw)):
        yield written.encode()
        yield re.sub(r"%[0-9A-F]{2}", lambda match: match[0].lower(), written).encode()
    for offset in range(3):
        # The characters that mix with what stands before or after are left away: the rest is the same everywhere.
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            encoded = encode(b"\0" * offset + raw)
            spare = (0, 3, 2)[(offset + len(raw)) % 3]
            yield encoded[(0, 2, 3)[offset] : len(encoded) - spare]


def past_escape(buffer: bytes, at: int) -> int:
    """The first byte from `at` on that is not part of a JSON escape sequence begun before it."""
    escape = _ESCAPE_BEFORE.search(buffer, max(0, at - 64), at)
    if escape is None:
        return at
    begun = escape.start(1)
    length = 6 if buffer[begun + 1 : begun + 2] == b"u" else 2
    return begun + length


def inside_string(buffer: bytes, at: int, *, begun: bool) -> bool:
    """Whether `at` is inside a JSON string; `begun` says it of the buffer's first byte.

    JSON has no raw line break in a string, so an odd number of quotes since the last one decides.
    """
    line = buffer.rfind(b"\n", 0, at) + 1
    inside = begun and line == 0
    text = buffer[line:at]
    quotes = (_ESCAPED.sub(b"", text) if b"\\" in text else text).count(b'"')
    return inside ^ bool(quotes & 1)


def number_span(buffer: bytes, start: int, end: int, *, inside: bool) -> tuple[int, int, bytes]:
    """Where a secret of digits stands, and its replacement: a JSON number gives way to a JSON string, whole."""
    if inside:
        nested = _NESTED_BEFORE.search(buffer, max(0, start - 64), start)
        return start, end, nested[1] + REPLACEMENT + nested[1] if nested else REPLACEMENT
    before = _NUMBER_BEFORE.search(buffer, max(0, start - 64), start)
    after = _NUMBER.match(buffer, end)
    first, last = before.start() if before else start, after.end() if after else end
    if _VALUE_BEFORE.search(buffer, max(0, first - 64), first) and _VALUE_AFTER.match(buffer, last):
        return first, last, b'"' + REPLACEMENT + b'"'
    return start, end, REPLACEMENT
