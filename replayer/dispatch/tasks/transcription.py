"""`openai/audio-transcription`: POST /v1/audio/transcriptions, a form. A body that is no form means all defaults."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from replayer.cassette.model import Request, Response
from replayer.dispatch.tasks import reply
from replayer.dispatch.tasks.form import form
from replayer.dispatch.tasks.task import Ask, Payload, Task, Unusable

__all__ = ["TRANSCRIPTION"]


def _read(name: str, request: Request, value: Any) -> Ask | Response:
    fields = form(request)

    def text(key: str, default: str) -> str:
        return fields[key].decode("utf-8", "replace") if key in fields else default

    payload: Payload = {
        "task": name,
        "model": text("model", "whisper-1"),
        "response_format": text("response_format", "json"),
    }
    if language := text("language", ""):
        payload["language"] = language
    if "file" in fields:
        payload["audio_base64"] = base64.b64encode(fields["file"]).decode()
    return Ask(payload=payload)


def _write(payload: Payload, result: Mapping[str, Any], now_s: float) -> Response:
    text = result.get("text", "")
    if not isinstance(text, str):
        raise Unusable("text is not a string")
    return reply.plain(text) if payload["response_format"] == "text" else reply.json(200, {"text": text})


TRANSCRIPTION = Task(name="openai/audio-transcription", read=_read, write=_write)
