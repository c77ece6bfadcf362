"""A whole interaction, redacted: what recording does to one as it passes, done to one that is already in a file.

The rule: what holds no secret comes out equal; the chunks of a body keep their number, order and times, and add up to
the redacted body. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from replayer.cassette.model import Chunk, Frame, FrameKind, Headers, Interaction, Metadata, Request, Response, header
from replayer.redact.deep import deep_spans
from replayer.redact.documents import apply
from replayer.redact.find import merged
from replayer.redact.redactor import Redactor

__all__ = ["redacted", "redacted_metadata", "redacted_response"]


def redacted(interaction: Interaction, redactor: Redactor) -> Interaction:
    """The interaction without its secrets."""
    request = interaction.request
    body = request.body
    if body is not None:
        body = _deeper(redactor.body(body, header(request.headers, "content-type")), redactor)
    asked = Request(
        method=request.method,
        uri=redactor.uri(request.uri),
        headers=_headers(request.headers, redactor, before=len(request.body or b""), after=len(body or b"")),
        body=body,
        omitted=request.omitted,
    )
    return Interaction(
        request=asked,
        response=redacted_response(interaction.response, redactor),
        extra=_values(interaction.extra, redactor),
    )


def redacted_response(response: Response, redactor: Redactor) -> Response:
    """The response without its secrets."""
    stream = redactor.stream(header(response.headers, "content-type"))
    sizes = [chunk.size for chunk in response.chunks] or [len(response.body)]
    left = [bytearray() for _ in sizes]
    at = 0
    for number, size in enumerate(sizes):
        for piece in stream.feed(response.body[at : at + size], number):
            left[piece.chunk] += piece.data
        at += size
    for piece in stream.finish():
        left[piece.chunk] += piece.data
    left = [bytearray(_deeper(bytes(data), redactor)) for data in left]
    body = b"".join(left)
    return replace(
        response,
        reason=redactor.text(response.reason),
        headers=_headers(response.headers, redactor, before=len(response.body), after=len(body)),
        body=body,
        chunks=tuple(Chunk(chunk.at, len(data)) for chunk, data in zip(response.chunks, left, strict=False)),
        frames=None if response.frames is None else _frames(response.frames, redactor),
        stub=None if response.stub is None else _values(response.stub, redactor),
        extra=_values(response.extra, redactor),
    )


def redacted_metadata(metadata: Metadata | None, redactor: Redactor) -> Metadata | None:
    """The metadata without secrets: an upstream's URL may hold a password."""
    if metadata is None:
        return None
    upstreams = {name: redactor.uri(url) for name, url in metadata.upstreams.items()}
    return replace(metadata, upstreams=upstreams, extra=_values(metadata.extra, redactor))


def _headers(headers: Headers, redactor: Redactor, *, before: int, after: int) -> Headers:
    """Redacted; a `content-length` that told the body's goes on telling it."""
    return tuple(
        (name, str(after) if name.lower() == "content-length" and value == str(before) != str(after) else value)
        for name, value in redactor.headers(headers)
    )


def _frames(frames: tuple[Frame, ...], redactor: Redactor) -> tuple[Frame, ...]:
    conversation = redactor.conversation()
    spoken = [frame for frame in frames if frame.kind is not FrameKind.CLOSE]
    released = [one for frame in spoken for one in conversation.feed(_payload(frame), by=frame.sender)]
    said = [apply(_payload(spoken[n]), spans) for n, spans in [*released, *conversation.finish()]]
    left = iter([_deeper(data, redactor) for data in said])
    out = []
    for frame in frames:
        if frame.kind is FrameKind.CLOSE:
            out.append(replace(frame, text=redactor.text(frame.text)))
        elif frame.kind is FrameKind.TEXT:
            out.append(replace(frame, text=next(left).decode("utf-8", "surrogatepass")))
        else:
            out.append(replace(frame, data=next(left)))
    return tuple(out)


def _deeper(data: bytes, redactor: Redactor) -> bytes:
    """What is seen only when it is decoded goes, too: here there is time to look."""
    return apply(data, merged(deep_spans(data, redactor.find)))


def _payload(frame: Frame) -> bytes:
    return frame.text.encode("utf-8", "surrogatepass") if frame.kind is FrameKind.TEXT else frame.data


def _values(values: Mapping[str, Any], redactor: Redactor) -> dict[str, Any]:
    return {key: _value(value, redactor) for key, value in values.items()}


def _value(value: Any, redactor: Redactor) -> Any:
    """What another tool put there: its texts are searched, its shape stays."""
    if isinstance(value, str):
        return redactor.text(value)
    if isinstance(value, bytes):
        return redactor.body(value)
    if isinstance(value, Mapping):
        return {key: _value(item, redactor) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_value(item, redactor) for item in value]
    return value
