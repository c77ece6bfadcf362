"""The official OpenAI client against `replayer replay`, over real sockets."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import openai
import orjson
import pytest

from replayer.cassette.codec import Layout
from replayer.cassette.model import Cassette, Chunk, Interaction, Request, Response
from replayer.cassette.store import write

JSON = (("content-type", "application/json"),)
SSE = (("content-type", "text/event-stream"),)


def chat(question: str, answer: str, *, at: float) -> Interaction:
    body = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": question}]}
    message = {"role": "assistant", "content": answer}
    completion = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "gpt-4o-mini",
        "choices": [{"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}],
    }
    return recorded(body, JSON, orjson.dumps(completion), at=at)


def streamed(question: str, *words: str, at: float) -> Interaction:
    body = {"model": "gpt-4o-mini", "stream": True, "messages": [{"role": "user", "content": question}]}
    pieces = [event(word) for word in words] + [b"data: [DONE]\n\n"]
    chunks = tuple(Chunk(float(number), len(piece)) for number, piece in enumerate(pieces))
    return recorded(body, SSE, b"".join(pieces), at=at, chunks=chunks)


def event(word: str) -> bytes:
    delta = {"index": 0, "delta": {"content": word}, "finish_reason": None}
    chunk = {"id": "chatcmpl-2", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [delta]}
    return b"data: " + orjson.dumps(chunk) + b"\n\n"


def recorded(
    body: dict[str, Any], headers: Any, answer: bytes, *, at: float, chunks: tuple[Chunk, ...] = ()
) -> Interaction:
    return Interaction(
        request=Request(
            method="POST", uri="https://api.openai.com/v1/chat/completions", headers=JSON, body=orjson.dumps(body)
        ),
        response=Response(status=200, reason="OK", headers=headers, body=answer, at=at, chunks=chunks),
    )


@contextmanager
def replaying(folder: Path, *interactions: Interaction) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """The URL of a gateway that plays these, and its process."""
    path = folder / "suite.yaml"
    write(path, Cassette(interactions=interactions), layout=Layout.BLOCK)
    command = [sys.executable, "-m", "replayer", "replay", str(path), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().split()[-1], process
        finally:
            process.kill()


def client_of(url: str, *, fault: str | None = None, retries: int = 0) -> openai.OpenAI:
    """The official client, pointed at a gateway."""
    headers = {} if fault is None else {"Replayer-Fault": fault}
    return openai.OpenAI(base_url=f"{url}/v1", api_key="none", max_retries=retries, default_headers=headers)


def ask(client: openai.OpenAI, question: str) -> str | None:
    messages: Any = [{"role": "user", "content": question}]
    return client.chat.completions.create(model="gpt-4o-mini", messages=messages).choices[0].message.content


def test_plain_and_streamed_answers_are_the_recorded_ones(tmp_path: Path) -> None:
    cassette = (chat("hi", "hello", at=0), streamed("count", "one ", "two", at=1))
    with replaying(tmp_path, *cassette) as (url, _), client_of(url) as client:
        assert ask(client, "hi") == "hello"
        messages: Any = [{"role": "user", "content": "count"}]
        with client.chat.completions.create(model="gpt-4o-mini", messages=messages, stream=True) as stream:
            words = [chunk.choices[0].delta.content for chunk in stream]
    assert words == ["one ", "two"]


def test_a_session_in_the_base_url_plays_from_the_first_answer(tmp_path: Path) -> None:
    with (
        replaying(tmp_path, chat("hi", "first", at=0), chat("hi", "second", at=1)) as (url, _),
        client_of(url) as everyone,
        client_of(f"{url}/__replayer/s/mine") as mine,
    ):
        assert [ask(everyone, "hi"), ask(mine, "hi"), ask(everyone, "hi"), ask(mine, "hi")] == [
            "first",
            "first",
            "second",
            "second",
        ]


def test_a_miss_is_asked_once(tmp_path: Path) -> None:
    with replaying(tmp_path, chat("hi", "hello", at=0)) as (url, process):
        with client_of(url, retries=2) as client, pytest.raises(openai.APIStatusError) as caught:
            ask(client, "what?")
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=10)
    assert caught.value.status_code == 424
    assert "/messages/0/content" in str(caught.value)
    assert "1 requests: 1 miss" in said


def test_an_injected_429_is_the_clients_own_error(tmp_path: Path) -> None:
    with (
        replaying(tmp_path, chat("hi", "hello", at=0)) as (url, _),
        client_of(url, fault="status;code=429") as client,
        pytest.raises(openai.RateLimitError),
    ):
        ask(client, "hi")


def test_a_fault_that_passes_is_survived_by_the_clients_retry(tmp_path: Path) -> None:
    with (
        replaying(tmp_path, chat("hi", "hello", at=0)) as (url, _),
        client_of(url, fault="status;code=503;retry-after-ms=1;first=2", retries=2) as client,
    ):
        assert ask(client, "hi") == "hello"


def test_an_abrupt_cut_breaks_the_stream(tmp_path: Path) -> None:
    messages: Any = [{"role": "user", "content": "count"}]
    with (
        replaying(tmp_path, streamed("count", "one ", "two", at=0)) as (url, _),
        client_of(url, fault="truncate;chunks=1;end=abrupt") as client,
        client.chat.completions.create(model="gpt-4o-mini", messages=messages, stream=True) as stream,
    ):
        assert next(stream).choices[0].delta.content == "one "
        with pytest.raises(Exception, match=r"peer closed|incomplete|Connection error"):
            next(stream)
