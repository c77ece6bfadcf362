"""One interaction in full: for people as text, for programs as JSON.

The rule: it shows what is in the file and nothing of its own making; a stream event by event, a connection frame by
frame, each with the time at which it came.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

import orjson

from replayer.cassette.model import Frame, FrameKind, Headers, Interaction, Sender, header
from replayer.cassette.sse import split_events

__all__ = ["as_json", "kind_of", "told"]


def kind_of(interaction: Interaction) -> str:
    """`websocket`, `sse`, or the content type, shortened; `-` where there is none."""
    if interaction.is_websocket:
        return "websocket"
    content_type = (header(interaction.response.headers, "content-type") or "").partition(";")[0].strip().lower()
    return "sse" if content_type == "text/event-stream" else content_type.removeprefix("application/") or "-"


def told(interaction: Interaction, number: int) -> Iterator[str]:
    """Line by line."""
    request, response = interaction.request, interaction.response
    yield f"#{number} {request.method} {request.uri}"
    yield from _fields(request.headers)
    if request.body:
        yield from ("", _pretty(request.body))
    yield ""
    encoding = f", {response.encoding} on the wire" if response.encoding else ""
    yield f"{response.status} {response.reason}".rstrip() + f"  ({response.end}{encoding})"
    yield from _fields(response.headers)
    yield ""
    if response.frames is not None:
        yield from (_frame(frame) for frame in response.frames)
    elif response.omitted is not None:
        yield f"[body of {response.omitted.bytes} bytes not stored, sha256 {response.omitted.sha256}]"
    elif kind_of(interaction) == "sse":
        yield from _events(interaction)
    else:
        yield _pretty(response.body)


def _fields(headers: Headers) -> Iterator[str]:
    return (f"{name}: {value}" for name, value in headers)


def _events(interaction: Interaction) -> Iterator[str]:
    """Events, each with the time at which its last byte came."""
    response = interaction.response
    ends: list[tuple[int, float]] = []
    size = 0
    for chunk in response.chunks:
        size += chunk.size
        ends.append((size, chunk.at))
    place = 0
    for event in split_events(response.body):
        place += len(event)
        at = next((at for end, at in ends if end >= place), None)
        time = "         " if at is None else f"{at:7.1f}ms"
        for line in event.decode("utf-8", "backslashreplace").splitlines():
            yield f"{time}  {line}" if line else ""
            time = "         "


def _frame(frame: Frame) -> str:
    arrow = "→" if frame.sender is Sender.CLIENT else "←"
    if frame.kind is FrameKind.CLOSE:
        payload = f"close {frame.code} {frame.text}".rstrip()
    elif frame.kind is FrameKind.BINARY:
        payload = f"{len(frame.data)} bytes: {frame.data[:24].hex(' ')}{' …' if len(frame.data) > 24 else ''}"
    else:
        payload = frame.text
    return f"{frame.at:8.1f}ms {arrow} {payload}"


def _pretty(body: bytes) -> str:
    """JSON indented, text as it is, anything else counted."""
    try:
        return orjson.dumps(orjson.loads(body), option=orjson.OPT_INDENT_2).decode()
    except orjson.JSONDecodeError:
        pass
    try:
        return body.decode()
    except UnicodeDecodeError:
        return f"[{len(body)} bytes: {body[:24].hex(' ')}{' …' if len(body) > 24 else ''}]"


def as_json(interaction: Interaction) -> dict[str, Any]:
    """Request and response with everything that was recorded."""
    request, response = interaction.request, interaction.response
    return {
        "request": {"uri": request.uri, "headers": request.headers, "body": _body(request.body or b"")},
        "response": {
            "reason": response.reason,
            "headers": response.headers,
            "body": _body(response.body),
            "chunks": [{"at": chunk.at, "size": chunk.size} for chunk in response.chunks],
            "frames": None if response.frames is None else [_frame_as_json(frame) for frame in response.frames],
        },
    }


def _body(body: bytes) -> dict[str, str]:
    try:
        return {"text": body.decode()}
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(body).decode()}


def _frame_as_json(frame: Frame) -> dict[str, Any]:
    told: dict[str, Any] = {"at": frame.at, "from": frame.sender.value}
    if frame.kind is FrameKind.CLOSE:
        return {**told, "close": frame.code, "reason": frame.text}
    if frame.kind is FrameKind.BINARY:
        return {**told, "base64": base64.b64encode(frame.data).decode()}
    return {**told, "text": frame.text}
