"""The tasks by name. One that is not known passes the request's object through, and the whole result back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from replayer.cassette.model import Request, Response
from replayer.dispatch.tasks import reply
from replayer.dispatch.tasks.chat import CHAT
from replayer.dispatch.tasks.embeddings import EMBEDDINGS
from replayer.dispatch.tasks.fields import Fields, json_body
from replayer.dispatch.tasks.images import IMAGES
from replayer.dispatch.tasks.speech import SPEECH
from replayer.dispatch.tasks.task import Ask, Payload, Task
from replayer.dispatch.tasks.transcription import TRANSCRIPTION

__all__ = ["task_named"]

_KNOWN = {task.name: task for task in (CHAT, EMBEDDINGS, SPEECH, TRANSCRIPTION, IMAGES)}


def task_named(name: str) -> Task:
    """The task of this name; one that passes everything through where the name is a worker's own."""
    return _KNOWN.get(name) or Task(name=name, read=_read, write=_write)


def _read(name: str, request: Request, value: Any) -> Ask | Response:
    errors: list[dict[str, Any]] = []
    body = json_body(request, errors, value)
    if not errors:
        Fields(body, errors)
    if errors:
        return reply.unprocessable(errors)
    return Ask(payload={**body, "task": name}, wants_stream=body.get("stream") is True)


def _write(payload: Payload, result: Mapping[str, Any], now_s: float) -> Any:
    return result
