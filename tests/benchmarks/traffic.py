"""What is asked and answered in the benchmarks: chat completions, each its own, always the same for one number."""

from __future__ import annotations

import json
from pathlib import Path

from replayer.cassette.codec import Layout, encode
from replayer.cassette.model import Cassette, Interaction, Metadata, Origin, Request, Response

__all__ = ["PATH", "answered", "asked", "cassette", "write_cassette"]

PATH = "/v1/chat/completions"
_WORDS = "the quick brown fox jumps over the lazy dog and records what it sees for the next run of the suite "
_JSON = (("content-type", "application/json"),)


def asked(number: int) -> bytes:
    """The body of request `number`: about 1 KB."""
    messages = [
        {"role": "system", "content": _WORDS * 4},
        {"role": "user", "content": f"question {number}: {_WORDS * 5}"},
    ]
    return json.dumps({"model": "gpt-4o-mini", "temperature": 0.5, "messages": messages}).encode()


def answered(number: int) -> bytes:
    """The body of its answer: about 3.5 KB."""
    message = {"role": "assistant", "content": f"answer {number}: {_WORDS * 34}"}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
    usage = {"prompt_tokens": 200, "completion_tokens": 700, "total_tokens": 900}
    answer = {"id": f"chatcmpl-{number}", "object": "chat.completion", "created": 1, "model": "gpt-4o-mini"}
    return json.dumps({**answer, "choices": [choice], "usage": usage}).encode()


def cassette(count: int) -> Cassette:
    """`count` interactions."""
    interactions = tuple(
        Interaction(
            request=Request(method="POST", uri=f"https://api.openai.com{PATH}", headers=_JSON, body=asked(number)),
            response=Response(status=200, reason="OK", headers=_JSON, body=answered(number), at=float(number)),
        )
        for number in range(count)
    )
    return Cassette(interactions=interactions, metadata=Metadata(origin=Origin.STUB))


def write_cassette(path: Path, count: int) -> None:
    """A flow cassette of `count` interactions."""
    path.write_bytes(encode(cassette(count), Layout.FLOW))
