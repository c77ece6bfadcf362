"""What the simulated worker answers: the results of the integration worker, task by task. Pure.

The wording is what clients of the original see. A payload that a task cannot use raises, and the exception's text is
the job's error, as it is there: content that is null gives `'NoneType' object is not subscriptable`.
"""

from __future__ import annotations

import base64
import hashlib
import io
import wave
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["Context", "result"]

Payload = Mapping[str, Any]
Output = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What a result says beside its task's output."""

    job_id: str
    config_id: str
    execution_time: float
    """Seconds that the work pretended to take."""
    processed_at: str
    """Local time, ISO 8601 without a zone."""


def result(payload: Payload, context: Context) -> Output:
    """The result of one job."""
    task = payload.get("task", "")
    output: Output = {"status": "success", "config_id": context.config_id, "task": task}
    output |= _TASKS.get(task, _anything)(payload, context)
    output["processed_at"] = context.processed_at
    padding = payload.get("result_padding_bytes", 0)
    if padding > 0:
        output["_padding"] = "x" * padding
    return output


def _chat(payload: Payload, context: Context) -> Output:
    messages = payload.get("messages", [])
    content = messages[-1].get("content", "") if messages else ""
    text = f"Mock response to: {content[:500]}..."
    words = sum(len(message.get("content", "").split()) for message in messages)
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    usage = {"prompt_tokens": words, "completion_tokens": 10, "total_tokens": words + 10}
    completion = {"id": f"chatcmpl-mock-{context.job_id}", "model": "mock-model", "choices": [choice], "usage": usage}
    return {"completion": completion}


def _embeddings(payload: Payload, context: Context) -> Output:
    given = payload.get("input", "")
    texts = [given] if isinstance(given, str) else given
    dimensions = payload.get("dimensions", 384)
    items = [
        {"object": "embedding", "index": index, "embedding": _vector(text, dimensions)}
        for index, text in enumerate(texts)
    ]
    words = sum(len(text.split()) for text in texts)
    return {"embeddings": items, "dimensions": dimensions, "usage": {"prompt_tokens": words, "total_tokens": words}}


def _vector(text: str, dimensions: int) -> list[float]:
    seed = int(hashlib.md5(text.encode(), usedforsecurity=False).hexdigest(), 16)
    return [(seed + index) % 1000 / 1000 for index in range(dimensions)]


def _speech(payload: Payload, context: Context) -> Output:
    sound = io.BytesIO()
    with wave.open(sound, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(44_100)
        file.writeframes(bytes(2000))
    return {
        "audio_base64": base64.b64encode(sound.getvalue()).decode(),
        "format": payload.get("response_format", "mp3"),
        "voice": payload.get("voice", "alloy"),
        "input_length": len(payload.get("input", "")),
    }


def _transcription(payload: Payload, context: Context) -> Output:
    text = f"Mock transcription result for job {context.job_id}. This is a simulated STT output."
    segment = {"start": 0.0, "end": 2.5, "text": text}
    return {"text": text, "language": payload.get("language", "en"), "duration": 2.5, "segments": [segment]}


def _images(payload: Payload, context: Context, *, kind: str = "job") -> Output:
    images = [
        {
            "url": f"https://mock-cdn.example.com/images/{kind}-{context.job_id}-img-{index}.png",
            "width": 1024,
            "height": 1024,
            "content_type": "image/png",
        }
        for index in range(payload.get("num_images", 1))
    ]
    return {
        "images": images,
        "timings": {"inference": context.execution_time},
        "seed": 42,
        "prompt": payload.get("prompt", ""),
        "image_size": payload.get("image_size"),
    }


def _edit(payload: Payload, context: Context) -> Output:
    return _images(payload, context, kind="edited") | {"source_image_url": payload.get("image_url")}


def _video(kind: str, width: int, height: int, fps: int, *sources: str) -> Callable[[Payload, Context], Output]:
    def output(payload: Payload, context: Context) -> Output:
        frames = payload.get("num_frames", 81)
        rate = payload.get("fps", fps)
        video = {
            "video_b64": base64.b64encode(f"fake-video-{kind}-{context.job_id}".encode()).decode(),
            "width": width,
            "height": height,
            "num_frames": frames,
            "fps": rate,
            "duration": frames / rate,
            "inference_time_seconds": context.execution_time,
            "seed_used": 42,
        }
        return video | {f"source_{source}": payload.get(source) for source in sources}

    return output


def _anything(payload: Payload, context: Context) -> Output:
    message = "Job processed successfully by integration test worker"
    return {"execution_time": context.execution_time, "message": message}


_TASKS: Mapping[str, Callable[[Payload, Context], Output]] = {
    "openai/chat-completion": _chat,
    "openai/embeddings": _embeddings,
    "openai/audio-speech": _speech,
    "openai/audio-transcription": _transcription,
    "fal/text-to-image": _images,
    "fal/image-edit": _edit,
    "fal/text-to-video": _video("t2v", 1280, 720, 16),
    "fal/image-to-video": _video("i2v", 1280, 720, 16, "image_url"),
    "fal/speech-to-video": _video("s2v", 1024, 704, 24, "audio_url", "image_url"),
}
