"""Where secrets stand in a piece of a body, and from where on a secret may still be growing.

Pure, and over bytes: bodies are searched as they are, whatever their type. Literal searches come first, because they
cost nearly nothing; a regular expression runs only where its literal was found. The finder knows nothing of chunks:
`stream.py` feeds it a buffer and holds back what it says may still be growing.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import quote, quote_plus

from replayer.redact.rules import Rules

__all__ = ["LONGEST_UNSURE", "REPLACEMENT", "Finder", "Growth", "Span", "string_bytes", "token_bytes"]

REPLACEMENT = b"[REDACTED]"

LONGEST_UNSURE = 4096
"""So many bytes at the end of a buffer may be the beginning of a token that is not yet sure."""

_TOKEN_CHARACTERS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.+/=%~"
_TOKEN_BYTES = re.compile(rb"[A-Za-z0-9_\-.+/=%~]*")
_STRING_BYTES = re.compile(rb'(?:[^"\\]|\\.)*', re.DOTALL)
_ESCAPE_BEFORE = re.compile(rb"(?<!\\)(?:\\\\)*(\\(?:u[0-9a-fA-F]{0,3})?)\Z")
_WORD = frozenset(b'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-+/="%\\')


class Growth(StrEnum):
    """What a span may still take in when more bytes come."""

    NONE = "none"
    TOKEN = "token"  # noqa: S105, RUF100 (a kind of growth, not a credential)
    STRING = "string"


@dataclass(frozen=True, slots=True)
class Span:
    """A secret at `[start, end)`, what stands in its place, and how it would go on."""

    start: int
    end: int
    replacement: bytes = REPLACEMENT
    growth: Growth = Growth.NONE


class Finder:
    """Finds what `rules` and `values` (plain text of secrets, at least 12 characters each) call secret."""

    def __init__(self, rules: Rules, values: Sequence[str]) -> None:
        self._shapes = rules.shapes
        self._values = sorted({form for value in values for form in _forms(value)}, key=lambda form: (-len(form), form))
        # Forms made only of token bytes are covered by holding back the run of such bytes.
        self._spaced = [form for form in self._values if form.strip(_TOKEN_CHARACTERS)]
        self.longest = max([LONGEST_UNSURE, *(len(form) for form in self._values)])
        names = b"|".join(re.escape(name.encode()) for name in sorted(rules.json_fields, key=lambda n: (-len(n), n)))
        self._fields = [f'"{name}"'.encode() for name in sorted(rules.json_fields)]
        self._field = re.compile(rb'(?<=")(?:' + names + rb')"\s*:\s*"((?:[^"\\]|\\.)+)"', re.DOTALL)
        self._open_field = re.compile(
            rb'"(?:' + names + rb')"(?:\s*|\s*:\s*|\s*:\s*"((?:[^"\\]|\\.)*\\?))\Z', re.DOTALL
        )

    def spans(self, buffer: bytes, start: int) -> list[Span]:
        """Secrets that begin at `start` or later, apart from each other, in order; bytes before are context."""
        found = list(self._all(buffer, start))
        for span in found:  # grows while it is walked: what follows a secret at once may be followed by one, too
            found.extend(self._next_to(buffer, span.end))
        found.sort(key=lambda span: (span.start, -span.end))
        merged: list[Span] = []
        for span in found:
            if merged and span.start < merged[-1].end:
                last = merged[-1]
                if span.end > last.end:
                    merged[-1] = Span(last.start, span.end, last.replacement, span.growth)
            else:
                merged.append(span)
        return merged

    def growing_from(self, buffer: bytes, start: int) -> int:
        """The first index from `start` on at which a secret may have begun that is not yet to be seen."""
        floor = max(start, len(buffer) - self.longest)
        growing = floor + len(buffer[floor:].rstrip(_TOKEN_CHARACTERS))
        for form in self._spaced:
            growing = min(growing, _prefix_at_end(buffer, form, max(floor, len(buffer) - len(form))))
        return min(growing, self._open_string(buffer, start))

    def _open_string(self, buffer: bytes, start: int) -> int:
        """Where the value of a secret JSON field, or what leads to it, is open at the end of the buffer."""
        if b'"' not in buffer:
            return len(buffer)
        for name in self._fields:
            at = buffer.rfind(name, max(start - 1, 0))
            if at >= 0 and self._open_field.match(buffer, at):
                return at + 1
        return len(buffer)

    def open_value(self, buffer: bytes, start: int) -> int | None:
        """Where the text of a secret JSON field begins that has no end yet, if one is open."""
        for name in self._fields:
            at = buffer.rfind(name, max(start - 1, 0))
            match = self._open_field.match(buffer, at) if at >= 0 else None
            if match and match.start(1) >= 0:
                return match.start(1)
        return None

    def _all(self, buffer: bytes, start: int) -> Iterator[Span]:
        for shape in self._shapes:
            at = buffer.find(shape.literal, start)
            while at >= 0:
                match = shape.pattern.match(buffer, at)
                if match:
                    yield Span(_past_escape(buffer, at), match.end(), growth=Growth.TOKEN)
                at = buffer.find(shape.literal, match.end() if match else at + 1)
        for form in self._values:
            at = buffer.find(form, start)
            while at >= 0:
                yield _of_value(buffer, at, form)
                at = buffer.find(form, at + len(form))
        for name in self._fields if b'"' in buffer else ():
            if name in buffer:
                yield from (Span(*match.span(1)) for match in self._field.finditer(buffer, start))
                return

    def _next_to(self, buffer: bytes, at: int) -> Iterator[Span]:
        """Tokens that begin where another secret ends: that one's last letter does not make them part of a word."""
        for shape in self._shapes:
            if buffer.startswith(shape.literal, at):
                match = shape.pattern.match(buffer[at:])
                if match:
                    yield Span(at, at + match.end(), growth=Growth.TOKEN)


def _forms(value: str) -> Iterator[bytes]:
    """How a secret may be written: plain, escaped in JSON, in a URL, in base64 at each of its three offsets."""
    raw = value.encode("utf-8", "surrogateescape")
    yield raw
    yield json.dumps(value)[1:-1].encode()
    yield json.dumps(value, ensure_ascii=False)[1:-1].encode("utf-8", "surrogateescape")
    for written in (quote(raw, safe=""), quote(raw), quote_plus(raw)):
        yield written.encode()
        yield re.sub(r"%[0-9A-F]{2}", lambda match: match[0].lower(), written).encode()
    for offset in range(3):
        # The characters that mix with what stands before or after are left away: the rest is the same everywhere.
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            encoded = encode(b"\0" * offset + raw)
            spare = (0, 3, 2)[(offset + len(raw)) % 3]
            yield encoded[(0, 2, 3)[offset] : len(encoded) - spare]


def _of_value(buffer: bytes, at: int, form: bytes) -> Span:
    end = at + len(form)
    if form.isdigit():
        # It may be a JSON number, where words would break the document: nines are valid in a number and in a string.
        beside = {buffer[at - 1] if at else 0, buffer[end] if end < len(buffer) else 0}
        digit = b"9" if form.strip(b"9") else b"1"
        return Span(at, end, REPLACEMENT if beside & _NOT_A_NUMBER else digit * len(form))
    if form[:1] in (b"{", b"[") and b'"' in form and b'\\"' not in form:
        # A JSON document that is itself the secret (a service account's key) stands where a value stands.
        return Span(at, end, b'"' + REPLACEMENT + b'"')
    return Span(_past_escape(buffer, at), end)


_NOT_A_NUMBER = _WORD - frozenset(b"0123456789-+eE.")


def _past_escape(buffer: bytes, at: int) -> int:
    """The first byte from `at` on that is not part of a JSON escape sequence begun before it."""
    escape = _ESCAPE_BEFORE.search(buffer, max(0, at - 64), at)
    if escape is None:
        return at
    begun = escape.start(1)
    length = 6 if buffer[begun + 1 : begun + 2] == b"u" else 2
    return begun + length


def _prefix_at_end(buffer: bytes, form: bytes, floor: int) -> int:
    at = buffer.find(form[:1], floor)
    while at >= 0:
        if form.startswith(buffer[at:]):
            return at
        at = buffer.find(form[:1], at + 1)
    return len(buffer)


def token_bytes(data: bytes) -> int:
    """How many bytes at the beginning of `data` may go on a token."""
    match = _TOKEN_BYTES.match(data)
    return match.end() if match else 0


def string_bytes(data: bytes) -> int:
    """How many bytes at the beginning of `data` may go on the text of a JSON string; an escape counts whole."""
    match = _STRING_BYTES.match(data)
    return match.end() if match else 0
