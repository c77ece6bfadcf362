"""Files that are no cassettes: which tool they come from, so that the refusal can say what to do."""

from __future__ import annotations

import re
from typing import Any

__all__ = ["foreign_bytes", "foreign_document"]

_FLOW_DUMP = re.compile(rb"\d{1,12}:\d{1,9}:[a-z_]+[;,]")  # a tnetstring of mitmproxy's `-w FILE`
_MAGIC = (
    (b"\x1f\x8b", "a gzip file; unpack it first"),
    (b"PK\x03\x04", "a zip archive; unpack it first"),
    (b"SQLite format 3\0", "an SQLite database"),
    (b"%PDF", "a PDF document"),
    (b"\x89PNG", "an image"),
)


def foreign_bytes(data: bytes) -> str | None:
    """What a file is that is no text, or None."""
    if _FLOW_DUMP.match(data):
        return "a flow dump of mitmproxy, not a cassette; record again with `replayer record`, or export it as HAR"
    for magic, what in _MAGIC:
        if data.startswith(magic):
            return f"{what}, not a cassette"
    # A text in UTF-16 has its byte order mark, and YAML reads it.
    if b"\0" in data and not data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "binary data, not a cassette"
    return None


def foreign_document(document: Any) -> str:
    """What a document is that has no interactions."""
    if not isinstance(document, dict):
        kind = "text" if isinstance(document, str) else type(document).__name__
        return f"a single {kind}, not a cassette; a cassette is a mapping with `interactions`"
    log = document.get("log")
    if isinstance(log, dict) and "entries" in log:
        return "a HAR file, not a cassette; record again with `replayer record`"
    if "http_interactions" in document:
        return "a cassette of Betamax or of VCR for Ruby, whose format is another; record again with `replayer record`"
    if "mappings" in document or {"request", "response"} <= document.keys():
        return "a WireMock mapping, not a cassette; write it as a stub"
    if {"consumer", "provider"} <= document.keys():
        return "a Pact contract, not a cassette"
    if "openapi" in document or "swagger" in document or "asyncapi" in document:
        return "an API description, not a cassette; give it to `--contract`"
    known = ", ".join(sorted(repr(key) for key in list(document)[:5]))
    return f"a mapping without `interactions`{f' (it has {known})' if known else ''}, not a cassette"
