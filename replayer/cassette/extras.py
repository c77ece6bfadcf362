"""What vcrpy has no place for: `response.replayer`, with times, boundaries, frames and how the exchange ended.

Written only where it is set, `end` always. A wrong value is never taken for a right one: chunks that do not add up to
the body are ignored and said; anything else that is wrong raises `BadExtras`, naming the key.
"""

from __future__ import annotations

import binascii
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from replayer.cassette.model import Chunk, End, Frame, FrameKind, Omitted, Response, Sender

__all__ = ["RESPONSE_KEYS", "BadExtras", "Extras", "extras_of", "extras_to_plain", "frame_to_plain"]

RESPONSE_KEYS = frozenset({"status", "headers", "body", "replayer"})
"""What the format knows inside `response`."""

_KEYS = frozenset({"at", "chunks", "encoding", "end", "omitted", "request_omitted", "frames", "stub"})


class BadExtras(ValueError):
    """Something under `response.replayer` that cannot be; says where and what."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Extras:
    """The fields of a `Response` that stand under `response.replayer`."""

    at: float | None = None
    chunks: tuple[Chunk, ...] = ()
    encoding: str | None = None
    end: End = End.COMPLETE
    omitted: Omitted | None = None
    request_omitted: Omitted | None = None
    """Of the request: vcrpy takes no key of ours there."""
    frames: tuple[Frame, ...] | None = None
    stub: Mapping[str, Any] | None = None
    unknown: Mapping[str, Any] = field(default_factory=dict)
    """Keys of a newer version of ours, kept as they were."""


def extras_of(plain: Any, *, body: bytes) -> tuple[Extras, list[str]]:
    """Read the mapping `response.replayer`, and say what in it was ignored. Raises `BadExtras`."""
    if not isinstance(plain, dict):
        raise BadExtras("response.replayer is not a mapping")
    notes: list[str] = []
    at, frames, stub, encoding = plain.get("at"), plain.get("frames"), plain.get("stub"), plain.get("encoding")
    if stub is not None and not isinstance(stub, dict):
        raise BadExtras("response.replayer.stub is not a mapping")
    if encoding is not None and not isinstance(encoding, str):
        raise BadExtras("response.replayer.encoding is not a string")
    if frames is not None and not isinstance(frames, list):
        raise BadExtras("response.replayer.frames is not a list")
    extras = Extras(
        at=None if at is None else _ms(at, "at"),
        chunks=_chunks(plain.get("chunks"), body, notes),
        encoding=encoding,
        end=_end(plain.get("end")),
        omitted=_omitted(plain, "omitted"),
        request_omitted=_omitted(plain, "request_omitted"),
        frames=None if frames is None else tuple(_frame(frame, n) for n, frame in enumerate(frames)),
        stub=stub,
        unknown={key: value for key, value in plain.items() if key not in _KEYS},
    )
    return extras, notes


def extras_to_plain(response: Response, *, trusted: bool, request_omitted: Omitted | None = None) -> dict[str, Any]:
    """The mapping `response.replayer`, or an empty one where there is nothing to say.

    `trusted` is False where a reader would look into the body for a compression that is not there, or is wanted:
    then the mapping stands, and with it our word that the body is as it should be.
    """
    plain: dict[str, Any] = dict(response.extra.get("replayer", {}))
    if response.at is not None:
        plain["at"] = response.at
    if response.chunks:
        plain["chunks"] = [[at, size] for at, size in response.chunks]
    if response.encoding is not None:
        plain["encoding"] = response.encoding
    if plain or response.end is not End.COMPLETE or response.frames is not None or not trusted:
        plain["end"] = str(response.end)
    if response.omitted is not None:
        plain |= {"end": str(response.end), "omitted": _omitted_to_plain(response.omitted)}
    if request_omitted is not None:
        plain |= {"end": str(response.end), "request_omitted": _omitted_to_plain(request_omitted)}
    if response.frames is not None:
        plain["frames"] = [frame_to_plain(frame) for frame in response.frames]
    if response.stub is not None:
        plain |= {"end": str(response.end), "stub": dict(response.stub)}
    return plain


def _ms(value: Any, where: str) -> float:
    if type(value) is float or type(value) is int:
        return value
    raise BadExtras(f"response.replayer.{where} is {value!r}, not a number of milliseconds")


def _chunks(plain: Any, body: bytes, notes: list[str]) -> tuple[Chunk, ...]:
    if plain is None:
        return ()
    try:
        chunks = tuple([Chunk(_ms(at, "chunks"), size) for at, size in plain])
        total = sum(size for _, size in chunks)
        if any(type(size) is not int or size < 0 for _, size in chunks):
            raise ValueError
    except (TypeError, ValueError):
        raise BadExtras("response.replayer.chunks is not a list of [milliseconds, bytes]") from None
    if total != len(body):
        notes.append(f"its chunks add up to {total} bytes and its body has {len(body)}: the chunks were ignored")
        return ()
    return chunks


def _end(plain: Any) -> End:
    if plain is None:
        return End.COMPLETE
    try:
        return End(plain)
    except ValueError:
        raise BadExtras(f"response.replayer.end is {plain!r}, not one of {', '.join(End)}") from None


def _omitted(replayer: Mapping[str, Any], key: str) -> Omitted | None:
    plain = replayer.get(key)
    if plain is None:
        return None
    if isinstance(plain, dict) and type(plain.get("bytes")) is int and isinstance(plain.get("sha256"), str):
        return Omitted(bytes=plain["bytes"], sha256=plain["sha256"])
    raise BadExtras(f"response.replayer.{key} is not a mapping of bytes and sha256")


def _omitted_to_plain(omitted: Omitted) -> dict[str, Any]:
    return {"bytes": omitted.bytes, "sha256": omitted.sha256}


def _frame(plain: Any, index: int) -> Frame:
    where = f"frames[{index}]"
    if not isinstance(plain, dict):
        raise BadExtras(f"response.replayer.{where} is not a mapping")
    at = _ms(plain.get("at", 0), f"{where}.at")
    try:
        sender = Sender(plain["from"])
    except (KeyError, ValueError):
        raise BadExtras(f"response.replayer.{where}.from is {plain.get('from')!r}, not client or server") from None
    match plain:
        case {"text": str(text)}:
            return Frame(at=at, sender=sender, kind=FrameKind.TEXT, text=text)
        case {"base64": str(encoded)}:
            try:
                return Frame(at=at, sender=sender, kind=FrameKind.BINARY, data=b64decode(encoded, validate=True))
            except binascii.Error as error:
                raise BadExtras(f"response.replayer.{where}.base64: {error}") from None
        case {"close": int(code)}:
            reason = plain.get("reason", "")
            if isinstance(reason, str):
                return Frame(at=at, sender=sender, kind=FrameKind.CLOSE, code=code, text=reason)
    raise BadExtras(f"response.replayer.{where} has no text, no base64 and no close")


def frame_to_plain(frame: Frame) -> dict[str, Any]:
    """One item of `frames`."""
    plain: dict[str, Any] = {"at": frame.at, "from": str(frame.sender)}
    match frame.kind:
        case FrameKind.TEXT:
            plain["text"] = frame.text
        case FrameKind.BINARY:
            plain["base64"] = b64encode(frame.data).decode()
        case FrameKind.CLOSE:
            plain |= {"close": frame.code, "reason": frame.text}
    return plain
