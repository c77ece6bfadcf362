"""Secrets that are in an interaction: where each stands, by which rule, never the secret itself.

The rule: everything that redaction would take out is a leak; and scanning looks deeper than redaction can while bytes
pass: into base64, percent-encoding, escaped JSON strings and packed bodies. A value under a name that announces a
secret, random enough to be one, is a suspicion. Masks of other tools (`FILTERED`, `DUMMY`, `***`) are no secrets. Pure.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import parse_qsl, urlsplit

import orjson

from replayer.cassette.content import undo
from replayer.cassette.model import FrameKind, Headers, Interaction, header
from replayer.match.jsondiff import pointer
from replayer.redact.deep import deep_spans
from replayer.redact.documents import values
from replayer.redact.environment import looks_secret
from replayer.redact.find import Span
from replayer.redact.redactor import PLACEHOLDER, Redactor

__all__ = ["Certainty", "Leak", "scan"]

_MASK = re.compile(
    r"(?i)redacted|filtered|dummy|masked|\bfake|example|placeholder|your[-_ ]|sanitized|omitted|<[^>]+>|\*{3,}|x{4,}"
)
_HARMLESS = ("signature", "pagetoken", "token_id", "sec-websocket-key", "idempotency-key")
"""Names of random values that every answer of a provider has."""
_IN_A_URL = re.compile(rb"://[^\s:/?#\[\]@\"'\\<>{}$]{1,200}+:([^\s:/?#\[\]@\"'\\<>{}$]{4,200}+)@")
_SUSPICIOUS_BITS = 3.5
_SUSPICIOUS_LENGTH = 20
_RANDOM = re.compile(r"[A-Za-z0-9_\-+/=.]+\Z")


class Certainty(StrEnum):
    """How sure a find is."""

    SECRET = "secret"  # noqa: S105, RUF100 (a grade, not a credential)
    """Redaction would take it out, or would if it could look so deep."""
    SUSPICION = "suspicion"
    """Its name and its looks speak for a secret."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Leak:
    """One find."""

    place: str
    """In the interaction: `request.headers.authorization`, `response.body/choices/0/text`, `response.frames[3]`."""
    rule: str
    length: int
    """Characters of the secret: enough to find it, and nothing of it."""
    certainty: Certainty = Certainty.SECRET


def scan(interaction: Interaction, redactor: Redactor) -> list[Leak]:
    """Every leak of an interaction, each place and rule once."""
    found: dict[tuple[str, str], Leak] = {}
    for leak in _all(interaction, redactor):
        found.setdefault((leak.place, leak.rule), leak)
    certain = {leak.place for leak in found.values() if leak.certainty is Certainty.SECRET}
    return [one for one in found.values() if one.certainty is Certainty.SECRET or one.place not in certain]


def _all(interaction: Interaction, redactor: Redactor) -> Iterator[Leak]:
    request, response = interaction.request, interaction.response
    yield from _uri(request.uri, redactor)
    yield from _headers(request.headers, "request.headers", redactor)
    yield from _body(request.body or b"", request.headers, "request.body", redactor)
    yield from _headers(response.headers, "response.headers", redactor)
    yield from _body(response.body, response.headers, "response.body", redactor)
    conversation = redactor.conversation()
    spoken = [n for n, frame in enumerate(response.frames or ()) if frame.kind is not FrameKind.CLOSE]
    released = []
    for number, frame in enumerate(response.frames or ()):
        data = frame.text.encode("utf-8", "surrogatepass") or frame.data
        yield from _deeper(data, f"response.frames[{number}]", redactor)
        if frame.kind is not FrameKind.CLOSE:
            released += conversation.feed(data, by=frame.sender)
    for number, spans in [*released, *conversation.finish()]:
        yield from (_of_span(span, f"response.frames[{spoken[number]}]") for span in spans if span.start < span.end)
    for name, extra in (("", interaction.extra), ("response.", response.extra), ("response.stub", response.stub or {})):
        data = str(extra).encode("utf-8", "surrogatepass") if extra else b""
        yield from (_of_span(span, f"{name}{'' if name.endswith('stub') else 'extra'}") for span in redactor.find(data))


def _uri(uri: str, redactor: Redactor) -> Iterator[Leak]:
    if redactor.uri(uri) != uri:
        try:
            parts = urlsplit(uri)
        except ValueError:
            parts = urlsplit("")
        if "@" in parts.netloc:
            yield Leak(
                place="request.uri", rule="user information in the URI", length=len(parts.netloc.rpartition("@")[0])
            )
        for name, value in parse_qsl(parts.query):
            if redactor.is_secret_query(name) and not _is_masked(value):
                yield Leak(place=f"request.uri?{name}", rule=f"the query key {name}", length=len(value))
    shown = redactor.uri(uri) if "?" in uri else uri
    rest = uri.partition("?")[0] if shown != uri else uri
    yield from (_of_span(span, "request.uri") for span in redactor.find(rest.encode("utf-8", "surrogatepass")))


def _headers(headers: Headers, place: str, redactor: Redactor) -> Iterator[Leak]:
    for name, value in headers:
        where = f"{place}.{name.lower()}"
        after = redactor.headers(((name, value),))[0][1]
        if after != value and not _is_masked(value):
            rule = f"the header {name.lower()}" if after == PLACEHOLDER or "cookie" in name.lower() else "its content"
            yield Leak(place=where, rule=rule, length=len(value))
        elif after == value and looks_secret(name) and not where.endswith(_HARMLESS) and _looks_random(value):
            yield Leak(place=where, rule="its name and looks", length=len(value), certainty=Certainty.SUSPICION)
        yield from _deeper(value.encode("utf-8", "surrogatepass"), where, redactor)


def _body(body: bytes, headers: Headers, place: str, redactor: Redactor) -> Iterator[Leak]:
    if body[:2] == b"\x1f\x8b":
        unpacked = undo(body, header(headers, "content-encoding") or "gzip")
        body = unpacked.body
    if not body:
        return
    spans = redactor.find(body, header(headers, "content-type"))
    leaves = _leaves(body)
    for span in spans:
        if not _is_masked(body[span.start : span.end].decode("utf-8", "replace")):
            yield _of_span(span, place + _pointer(leaves, span))
    for at, start, end in leaves:
        name = next((step for step in reversed(at) if isinstance(step, str)), "")
        text = body[start + 1 : end - 1].decode("utf-8", "replace") if body[start] == 0x22 else ""
        if (
            text
            and looks_secret(name)
            and _looks_random(text)
            and not any(s.start < end and start < s.end for s in spans)
        ):
            where = place + pointer(*at)
            yield Leak(place=where, rule="its name and looks", length=len(text), certainty=Certainty.SUSPICION)
    yield from _deeper(body, place, redactor)


def _deeper(data: bytes, place: str, redactor: Redactor) -> Iterator[Leak]:
    """What is seen only when the text is decoded."""
    for span in deep_spans(data, redactor.find):
        yield _of_span(span, place)
    for match in _IN_A_URL.finditer(data) if b"://" in data else ():
        text = match[1].decode("utf-8", "replace")
        if not _is_masked(text):
            rule = "user information in a URL"  # documentation is full of such, with passwords that are none
            yield Leak(place=place, rule=rule, length=len(text), certainty=Certainty.SUSPICION)


def _leaves(body: bytes) -> list[tuple[tuple[str | int, ...], int, int]]:
    if body.lstrip()[:1] not in (b"{", b"["):
        return []
    try:
        orjson.loads(body)
    except orjson.JSONDecodeError:
        return []
    return [(leaf.place, leaf.start, leaf.end) for leaf in values(body) if body[leaf.start] not in b"{["]


def _pointer(leaves: Iterable[tuple[tuple[str | int, ...], int, int]], span: Span) -> str:
    return next((pointer(*place) for place, start, end in leaves if start <= span.start < end), "")


def _of_span(span: Span, place: str) -> Leak:
    return Leak(place=place, rule=span.rule, length=span.end - span.start)


def _is_masked(text: str) -> bool:
    return _MASK.search(text) is not None or len(set(text)) <= 2


def _looks_random(text: str) -> bool:
    if len(text) < _SUSPICIOUS_LENGTH or not _RANDOM.match(text) or _is_masked(text):
        return False
    counts = Counter(text)
    bits = -sum(n / len(text) * math.log2(n / len(text)) for n in counts.values())
    return bits >= _SUSPICIOUS_BITS and any(char.isdigit() for char in text)
