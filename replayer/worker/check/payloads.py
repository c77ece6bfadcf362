"""What jobs ask for: a payload for each task that is known, and whether a result is any use to who asked. Pure."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

import orjson

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


def trouble(payload: Mapping[str, Any], result: Any) -> str | None:
    """Why a result is no use to who asked for it, or None: the REST surface could not make an answer from it."""
    task = str(payload.get("task", ""))
    answer = task_named(task).answer(dict(payload), result, 0.0)
    if answer.status == 200:
        return None
    return str(orjson.loads(answer.body)["detail"])
