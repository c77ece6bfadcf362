"""Secrets that take a closer look: in percent-encoding, escapes of JSON, base64; tokens that begin with no word.

Too slow and too eager for bodies as they pass; for a file that is scanned or cleaned it is right. What hides a secret
is taken out as a whole run, so that the text around it stays valid. Pure.
"""

from __future__ import annotations

import binascii
import re
from base64 import b64decode
from collections.abc import Callable, Iterator, Sequence
from urllib.parse import unquote_to_bytes

from replayer.redact.find import REPLACEMENT, Span

__all__ = ["deep_spans"]

Find = Callable[[bytes], Sequence[Span]]

_BASE64 = re.compile(rb"[A-Za-z0-9+/_-]{24,65536}={0,2}")
_STANDARD = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="
_WORD = rb"[A-Za-z0-9_.+=~:@/-]"
_PERCENT = re.compile(_WORD + rb"{0,4096}%[0-9A-Fa-f]{2}(?:" + _WORD + rb"|%[0-9A-Fa-f]{2}){0,4096}")
_ESCAPED = re.compile(_WORD + rb"{0,4096}\\u[0-9a-fA-F]{4}(?:" + _WORD + rb"|\\u[0-9a-fA-F]{4}|\\/){0,4096}")
_ESCAPE = re.compile(rb"\\(?:u([0-9a-fA-F]{4})|/)")
_SHAPES = tuple(
    re.compile(rb"(?<![A-Za-z0-9_.\-])(?:" + shape + rb")(?![A-Za-z0-9_\-])")
    for shape in (
        rb"[MNO][A-Za-z0-9_\-]{23,25}\.[A-Za-z0-9_\-]{6}\.[A-Za-z0-9_\-]{27}",  # Discord
        rb"[0-9a-f]{32}-us[0-9]{1,2}",  # Mailchimp
        rb"[0-9]{8,10}:[A-Za-z0-9_\-]{35}",  # Telegram
        rb"(?:AC|SK)[0-9a-z]{32}",  # Twilio
        rb"A3T[A-Z0-9]{17}",  # AWS
    )
)
_KEY_FILE = re.compile(
    rb"(?:BEGIN SSH2 ENCRYPTED PRIVATE KEY|PuTTY-User-Key-File-[23])(?:(?!END SSH2|Private-MAC|\\?\").)*+",
    re.DOTALL,
)
"""Formats of private keys beside RFC 7468's; to the end of the text, or of the key."""


def deep_spans(data: bytes, find: Find) -> list[Span]:
    """The runs of `data` that hide something which `find` finds in them decoded, in order; they may overlap."""
    found = [
        Span(*match.span(), REPLACEMENT, None, "a token's shape")
        for shape in (*_SHAPES, _KEY_FILE)
        for match in shape.finditer(data)
        if not find(match[0])
    ]
    for how, start, end, plain in _runs(data):
        inner = find(plain)
        if inner and not find(data[start:end]):
            found.append(Span(start, end, REPLACEMENT, None, f"{inner[0].rule}, {how}"))
    return sorted(found, key=lambda span: span.start)


def _runs(data: bytes) -> Iterator[tuple[str, int, int, bytes]]:
    if b"%" in data:
        for match in _PERCENT.finditer(data):
            yield "percent-encoded", *match.span(), unquote_to_bytes(match[0])
    if b"\\u" in data:
        for match in _ESCAPED.finditer(data):
            yield "escaped", *match.span(), _ESCAPE.sub(_unescaped, match[0])
    for match in _BASE64.finditer(data):
        text = match[0].rstrip(b"=")
        try:
            plain = b64decode(text + b"=" * (-len(text) % 4), altchars=b"-_" if text.strip(_STANDARD) else None)
        except (binascii.Error, ValueError):
            continue
        if sum(32 <= byte < 127 for byte in plain) > len(plain) * 0.9:
            yield "in base64", *match.span(), plain


def _unescaped(match: re.Match[bytes]) -> bytes:
    return chr(int(match[1], 16)).encode("utf-8", "surrogatepass") if match[1] else b"/"
