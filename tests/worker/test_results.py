from __future__ import annotations

import base64
from typing import Any

import pytest

from replayer.worker.results import Context, result

CONTEXT = Context(job_id="J", config_id="c", execution_time=0.5, processed_at="2026-11-20T15:46:04.082992")


def made(task: str, **payload: Any) -> dict[str, Any]:
    return result({"task": task, **payload}, CONTEXT)


def test_a_chat_is_the_pages_transcript() -> None:
    message = {"role": "assistant", "content": "Mock response to: hello..."}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    usage = {"prompt_tokens": 1, "completion_tokens": 10, "total_tokens": 11}
    completion = {"id": "chatcmpl-mock-J", "model": "mock-model", "choices": [choice], "usage": usage}
    head = {"status": "success", "config_id": "c", "task": "openai/chat-completion", "completion": completion}
    whole = {**head, "processed_at": "2026-11-20T15:46:04.082992"}
    assert made("openai/chat-completion", messages=[{"role": "user", "content": "hello"}]) == whole


def test_embeddings_are_counted_up_from_the_texts_digest() -> None:
    output = made("openai/embeddings", input="hello world")
    vector = output["embeddings"][0]["embedding"]
    assert (vector[0], vector[1], vector[-1], len(vector)) == (0.291, 0.292, 0.674, 384)
    assert output["usage"] == {"prompt_tokens": 2, "total_tokens": 2}


def test_speech_is_a_wav_of_2044_bytes_whatever_the_format() -> None:
    output = made("openai/audio-speech", input="four", response_format="mp3", voice="v")
    assert len(base64.b64decode(output["audio_base64"])) == 2044
    assert (output["format"], output["voice"], output["input_length"]) == ("mp3", "v", 4)


def test_images_videos_and_everything_else() -> None:
    urls = [image["url"] for image in made("fal/text-to-image", num_images=2)["images"]]
    assert urls == [f"https://mock-cdn.example.com/images/job-J-img-{index}.png" for index in (0, 1)]
    assert made("fal/image-edit")["images"][0]["url"].endswith("/edited-J-img-0.png")
    video = made("fal/text-to-video")
    assert base64.b64decode(video["video_b64"]) == b"fake-video-t2v-J"
    assert (video["duration"], video["seed_used"]) == (81 / 16, 42)
    assert made("")["message"] == "Job processed successfully by integration test worker"
    assert made("x", result_padding_bytes=3)["_padding"] == "xxx"


@pytest.mark.parametrize(
    ("task", "payload", "message"),
    [
        ("openai/chat-completion", {"messages": [{"content": None}]}, "'NoneType' object is not subscriptable"),
        ("openai/chat-completion", {"messages": [{"content": []}]}, "'list' object has no attribute 'split'"),
        ("fal/text-to-video", {"fps": 0}, "division by zero"),
    ],
)
def test_a_payload_that_cannot_be_used_fails_in_the_originals_words(
    task: str, payload: dict[str, Any], message: str
) -> None:
    with pytest.raises(Exception, match=message):
        made(task, **payload)
