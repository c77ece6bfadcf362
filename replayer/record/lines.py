"""One event as one line of JSON: the codec of the spool. Nothing past it sees a bare dict."""

from __future__ import annotations

import base64
from typing import Any

import orjson

from replayer.cassette.model import End, Frame, FrameKind, Headers, Omitted, Sender
from replayer.record.events import Ended, Event, RequestChunk, RequestHead, ResponseChunk, ResponseHead

__all__ = ["decode_line", "encode_line"]


def encode_line(event: Event) -> bytes:
    """One line, with its newline."""
    return orjson.dumps(_plain(event), option=orjson.OPT_APPEND_NEWLINE)


def decode_line(line: bytes) -> Event | None:
    """The event of a line, or None for a line that was torn."""
    if not line.endswith(b"\n"):
        return None
    try:
        return _event(orjson.loads(line))
    except (ValueError, KeyError, TypeError):
        return None


def _plain(event: Event) -> dict[str, Any]:
    match event:
        case RequestHead():
            return {
                "e": "request",
                "at": event.at,
                "method": event.method,
                "uri": _text(event.uri),
                "headers": _headers(event.headers),
                "session": event.session,
            }
        case RequestChunk():
            return {"e": "sent", **_data(event.data)}
        case ResponseHead():
            return {
                "e": "response",
                "status": event.status,
                "reason": _text(event.reason),
                "headers": _headers(event.headers),
                "encoding": event.encoding,
            }
        case ResponseChunk():
            return {"e": "received", "chunk": event.chunk, "at": event.at, **_data(event.data)}
        case Frame():
            kind = {"sender": event.sender, "kind": event.kind, "code": event.code, "reason": event.text}
            return {"e": "frame", "at": event.at, **kind, **_data(event.data)}
        case Ended():
            omitted = {"omitted": _omitted(event.omitted), "request_omitted": _omitted(event.request_omitted)}
            return {"e": "end", "end": event.end, **omitted}


def _event(line: dict[str, Any]) -> Event:
    match line["e"]:
        case "request":
            return RequestHead(
                at=line["at"],
                method=line["method"],
                uri=line["uri"],
                headers=_pairs(line["headers"]),
                session=line.get("session", ""),
            )
        case "sent":
            return RequestChunk(data=_bytes(line))
        case "response":
            return ResponseHead(
                status=line["status"],
                reason=line["reason"],
                headers=_pairs(line["headers"]),
                encoding=line["encoding"],
            )
        case "received":
            return ResponseChunk(chunk=line["chunk"], at=line["at"], data=_bytes(line))
        case "frame":
            return Frame(
                at=line["at"],
                sender=Sender(line["sender"]),
                kind=FrameKind(line["kind"]),
                text=line["reason"],
                data=_bytes(line),
                code=line["code"],
            )
        case "end":
            asked, answered = line.get("request_omitted"), line["omitted"]
            return Ended(
                end=End(line["end"]),
                omitted=Omitted(**answered) if answered else None,
                request_omitted=Omitted(**asked) if asked else None,
            )
    raise ValueError(line["e"])


def _omitted(omitted: Omitted | None) -> dict[str, Any] | None:
    return None if omitted is None else {"bytes": omitted.bytes, "sha256": omitted.sha256}


def _text(text: str) -> str:
    """JSON cannot hold lone surrogates, which stand for bytes that are not UTF-8."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _headers(headers: Headers) -> list[list[str]]:
    return [[name, _text(value)] for name, value in headers]


def _pairs(headers: list[list[str]]) -> Headers:
    return tuple((name, value) for name, value in headers)


def _data(data: bytes) -> dict[str, str]:
    try:
        return {"text": data.decode()}
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(data).decode()}


def _bytes(line: dict[str, Any]) -> bytes:
    return line["text"].encode() if "text" in line else base64.b64decode(line["base64"])
