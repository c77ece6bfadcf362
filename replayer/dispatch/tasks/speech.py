"""`openai/audio-speech`: POST /v1/audio/speech. The answer is the sound itself."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any

from replayer.cassette.model import Request, Response
from replayer.dispatch.tasks import reply
from replayer.dispatch.tasks.fields import Fields, json_body
from replayer.dispatch.tasks.task import Ask, Payload, Task, Unusable

__all__ = ["SPEECH"]

_TYPES = {
    "mp3": "audio/mpeg",
    "opus": "audio/opus",
    "aac": "audio/aac",
    "flac": "audio/flac",
    "wav": "audio/wav",
}


def _read(name: str, request: Request, value: Any) -> Ask | Response:
    errors: list[dict[str, Any]] = []
    body = json_body(request, errors, value)
    if errors:
        return reply.unprocessable(errors)
    fields = Fields(body, errors)
    payload: Payload = {"task": name}
    for key in ("model", "input", "voice"):
        payload[key] = fields.required(key, fields.text)
    response_format = fields.optional("response_format", fields.text, "mp3")
    speed = fields.optional("speed", fields.number, 1.0)
    if response_format is not None:
        payload["response_format"] = response_format
    if speed is not None:
        payload["speed"] = speed
    return reply.unprocessable(errors) if errors else Ask(payload=payload)


def _write(payload: Payload, result: Mapping[str, Any], now_s: float) -> Response:
    sound = result.get("audio_base64")
    if not sound:
        return reply.json(200, result)
    try:
        body = base64.b64decode(sound)
    except (binascii.Error, TypeError, ValueError):
        raise Unusable("audio_base64 is not base64") from None
    kind = result.get("format") or payload.get("response_format")
    media_type = _TYPES.get(kind, "application/octet-stream") if isinstance(kind, str) else "application/octet-stream"
    return Response(status=200, headers=(("content-type", media_type),), body=body)


SPEECH = Task(name="openai/audio-speech", read=_read, write=_write)
