"""Secrets that no message holds alone: written letter by letter into a stream, or cut by the border of two frames."""

from __future__ import annotations

import itertools
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replayer.redact.conversation import HOLD, Conversation
from replayer.redact.documents import apply
from replayer.redact.redactor import Redactor
from replayer.redact.rules import DEFAULT

VALUE = "correct-horse/battery"
TOKEN = "sk-proj-abcdefghijklmnop1234"
REDACTOR = Redactor(DEFAULT, [VALUE])
CUTS = st.lists(st.integers(0, 200), max_size=10)


def cut(text: str, cuts: list[int]) -> list[str]:
    edges = [0, *sorted(at % (len(text) + 1) for at in cuts), len(text)]
    return [text[a:b] for a, b in itertools.pairwise(edges)]


def said(conversation: Conversation, messages: list[bytes], by: str = "server") -> list[bytes]:
    released = [one for message in messages for one in conversation.feed(message, by=by)] + conversation.finish()
    assert [one.number for one in released] == list(range(len(messages)))
    return [apply(messages[number], spans) for number, spans in released]


def event(text: str, index: int = 0) -> bytes:
    return b"data: " + json.dumps({"choices": [{"index": index, "delta": {"content": text}}]}).encode() + b"\n\n"


def texts(stream: bytes, index: int = 0) -> str:
    events = [json.loads(line[6:]) for line in stream.split(b"\n\n") if line.startswith(b"data: {")]
    choices = [choice for one in events for choice in one["choices"] if choice["index"] == index]
    return "".join(choice["delta"]["content"] for choice in choices)


@given(secret=st.sampled_from([VALUE, TOKEN]), before=st.text("ab -/", max_size=8), cuts=CUTS, bytewise=st.booleans())
def test_a_secret_across_the_events_of_a_stream(secret: str, before: str, cuts: list[int], bytewise: bool) -> None:
    pieces = cut(f"{before} {secret} end", cuts)
    body = b"".join(map(event, pieces)) + b"data: [DONE]\n\n"
    stream = REDACTOR.stream("text/event-stream")
    chunks = [body[at : at + 1] for at in range(len(body))] if bytewise else [event(p) for p in pieces]
    if not bytewise:
        chunks.append(b"data: [DONE]\n\n")
    out = [piece for chunk in chunks for piece in stream.feed(chunk)] + stream.finish()
    assert {piece.chunk for piece in out} == set(range(len(chunks)))
    written = b"".join(piece.data for piece in out)
    assert texts(written) == f"{before} [REDACTED] end"
    assert written.endswith(b"data: [DONE]\n\n")


def test_choices_that_take_turns_are_texts_of_their_own() -> None:
    pairs = itertools.zip_longest(cut(TOKEN, [4, 9, 15]), cut("nothing secret", [3, 6, 9]))
    body = b"".join(event(a or "", 0) + event(b or "", 1) for a, b in pairs) + event(".", 0)
    written = REDACTOR.body(body, "text/event-stream")
    assert (texts(written, 0), texts(written, 1)) == ("[REDACTED].", "nothing secret")


def test_an_event_without_a_secret_goes_on_at_once_and_unchanged() -> None:
    stream = REDACTOR.stream("text/event-stream; charset=utf-8")
    for number, text in enumerate(["Hello", " world", ": not", "hing, he", "re."]):
        assert [(piece.chunk, piece.data) for piece in stream.feed(event(text))] == [(number, event(text))]


def test_what_may_grow_is_held_for_so_many_events_at_most() -> None:
    stream = REDACTOR.stream("text/event-stream")
    assert stream.feed(event("my key: sk")) == []
    other = [piece for n in range(HOLD + 16) for piece in stream.feed(event(f"{n} ", index=1))]
    assert other[0].data == event("my key: sk")


@pytest.mark.parametrize("secret", [VALUE, TOKEN])
def test_a_secret_at_the_border_of_two_frames(secret: str) -> None:
    for at in range(1, len(secret)):
        frames = [f"first {secret[:at]}".encode(), f"{secret[at:]} last".encode()]
        assert said(REDACTOR.conversation(), frames) == [b"first [REDACTED]", b" last"]


def test_both_sides_of_a_connection_are_texts_of_their_own() -> None:
    conversation = REDACTOR.conversation()
    released = []
    for by, text in (("client", "it is corr"), ("server", "ect "), ("client", "ect-horse/battery!")):
        released += conversation.feed(text.encode(), by=by)
    released += conversation.finish()
    assert [bool(one.spans) for one in released] == [True, False, True]


@given(frames=st.lists(st.binary(max_size=30), max_size=12))
def test_frames_without_a_secret_are_unchanged_and_in_order(frames: list[bytes]) -> None:
    assert said(REDACTOR.conversation(), frames) == frames


def test_realtime_deltas_are_searched_as_one_text() -> None:
    frames = [
        json.dumps({"type": "response.text.delta", "item_id": "i", "delta": part}).encode()
        for part in cut(TOKEN, [5, 9])
    ]
    out = said(REDACTOR.conversation(), frames)
    assert "".join(json.loads(one)["delta"] for one in out) == "[REDACTED]"
