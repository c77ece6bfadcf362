from __future__ import annotations

from typing import Any

import pytest

from replayer.contract.registry import bundled
from replayer.errors import UsageError
from replayer.worker.check.payloads import TASKS, payload_for, trouble
from replayer.worker.results import Context, result

CONTEXT = Context(job_id="j", config_id="c", execution_time=0.0, processed_at="2026-11-20T15:46:04")


@pytest.mark.parametrize("task", TASKS)
def test_what_the_integration_worker_answers_is_of_use(task: str) -> None:
    payload = payload_for(task)
    assert trouble(payload, result(payload, CONTEXT), bundled()) is None


@pytest.mark.parametrize(
    ("task", "answer", "why"),
    [
        (
            "openai/chat-completion",
            {"completion": {"id": 1}},
            "its result breaks the schema of openai/chat-completion: ",
        ),
        ("openai/chat-completion", {"choices": 5}, "the caller's answer would break its schema: "),
        ("openai/chat-completion", "hello", "The worker's result for openai/chat-completion is a string"),
        ("openai/chat-completion", {"_error": "out of memory"}, "out of memory"),
        ("openai/embeddings", {"embeddings": "x"}, "its result breaks the schema of openai/embeddings: "),
        ("openai/audio-speech", {"audio_base64": 7}, "its result breaks the schema of openai/audio-speech: "),
        ("openai/chat-completion", {"text": "x"}, "its result has no completion and no choices: the caller of "),
        ("openai/embeddings", {}, "its result has no embeddings: the caller of openai/embeddings gets nothing"),
        ("mine/own", None, "The worker's result for mine/own is null"),
    ],
)
def test_a_result_that_is_of_no_use_says_why(task: str, answer: Any, why: str) -> None:
    told = trouble({**TASKS.get(task, {}), "task": task}, answer, bundled())
    assert told is not None
    assert told.startswith(why)


def test_any_object_is_a_result_of_a_task_of_ones_own() -> None:
    assert trouble({"task": "mine/own"}, {}, bundled()) is None


def test_a_task_without_a_payload_names_the_closest() -> None:
    with pytest.raises(UsageError, match=r"did you mean 'openai/embeddings'\? \(there are: .*give --payload FILE"):
        payload_for("openai/embedding")
