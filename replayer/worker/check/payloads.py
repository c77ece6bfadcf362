"""What jobs ask for: a payload for each task that is known, and whether a result is any use to who asked. Pure."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from replayer.cassette.model import Request, Sender
from replayer.contract.validate import Contract
from replayer.contract.violation import Severity, Violation
from replayer.dispatch.tasks.catalogue import task_named
from replayer.errors import UsageError, closest

__all__ = ["TASKS", "payload_for", "trouble"]

_SOUND = base64.b64encode(
    b"RIFF\x24\0\0\0WAVEfmt \x10\0\0\0\1\0\1\0\x40\x1f\0\0\x80\x3e\0\0\2\0\x10\0data\0\0\0\0"
).decode()

TASKS: Mapping[str, Mapping[str, Any]] = {
    "openai/chat-completion": {
        "model": "replayer-check",
        "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Say hello."}],
        "max_tokens": 16,
    },
    "openai/embeddings": {"model": "replayer-check", "input": ["hello world", "good bye"]},
    "openai/audio-speech": {
        "model": "replayer-check",
        "input": "Hello.",
        "voice": "alloy",
        "response_format": "wav",
        "speed": 1.0,
    },
    "openai/audio-transcription": {"model": "whisper-1", "response_format": "json", "audio_base64": _SOUND},
    "fal/text-to-image": {
        "model": "dall-e-3",
        "prompt": "a red square",
        "num_images": 1,
        "image_size": {"width": 512, "height": 512},
    },
    "fal/image-edit": {"prompt": "make it blue", "image_url": "https://example.com/red.png"},
    "fal/text-to-video": {"prompt": "a red square, turning", "num_frames": 16, "fps": 8},
    "fal/image-to-video": {"prompt": "turn it", "image_url": "https://example.com/red.png"},
    "fal/speech-to-video": {
        "prompt": "speak",
        "audio_url": "https://example.com/hello.wav",
        "image_url": "https://example.com/face.png",
    },
}
"""The known tasks, each with a payload as the REST surface would make it."""


def payload_for(task: str) -> dict[str, Any]:
    """The payload for a task by its name. UsageError for one that is not known."""
    if task not in TASKS:
        raise UsageError(
            f"--task {task}: there is no payload for it{closest(task, TASKS)} (there are: {', '.join(TASKS)}; "
            "for a task of your own give --payload FILE)"
        )
    return {"task": task, **TASKS[task]}


def trouble(payload: Mapping[str, Any], result: Any, contract: Contract) -> str | None:
    """Why a result is no use to who asked for it, or None.

    It has to fit the schema of its task's results, and the REST surface has to make an answer from it that clients
    understand.
    """
    task = str(payload.get("task", ""))
    if isinstance(result, dict):
        needed = _NEEDED.get(task, ())
        if needed and "_error" not in result and not any(key in result for key in needed):
            return f"its result has no {' and no '.join(needed)}: the caller of {task} gets nothing"
        frame = {"type": "job_result", "job_id": "x", "result": {**result, "task": task}}
        wrong = contract.frame_value("/ws", Sender.CLIENT, frame, where="", service="casola").violations
        if told := _first(wrong):
            return f"its result breaks the schema of {task}: {told}"
    answer = task_named(task).answer(dict(payload), result, 0.0)
    if answer.status != 200:
        return str(orjson.loads(answer.body)["detail"])
    if task not in _PATHS:
        return None
    asked = Request(method="POST", uri=f"http://casola{_PATHS[task]}")
    told = _first(contract.response(asked, answer, where="", service="casola").violations)
    return f"the caller's answer would break its schema: {told}" if told else None


def _first(violations: Sequence[Violation]) -> str | None:
    errors = (violation for violation in violations if violation.severity is Severity.ERROR)
    violation = next(errors, None)
    if violation is None:
        return None
    return f"{violation.pointer or '/'}: expected {violation.expected}, got {violation.actual} ({violation.schema})"


_NEEDED = {
    "openai/chat-completion": ("completion", "choices"),
    "openai/embeddings": ("embeddings",),
    "openai/audio-speech": ("audio_base64",),
    "openai/audio-transcription": ("text",),
    "fal/text-to-image": ("images",),
    "fal/image-edit": ("images",),
}
"""Of a task's result, the key that the answer is made from, or either of them."""
_PATHS = {
    "openai/chat-completion": "/v1/chat/completions",
    "openai/embeddings": "/v1/embeddings",
    "openai/audio-speech": "/v1/audio/speech",
    "openai/audio-transcription": "/v1/audio/transcriptions",
    "fal/text-to-image": "/v1/images/generations",
}
"""Where the REST surface asks for a task."""
