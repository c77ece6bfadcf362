"""Requests into payloads, results into answers: the mappings and error bodies of the original server."""

from __future__ import annotations

import json
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from replayer.cassette.model import Request, Response
from replayer.contract.message import UNREAD, Spoken
from replayer.dispatch.tasks import chat
from replayer.dispatch.tasks.catalogue import task_named
from replayer.dispatch.tasks.task import Ask

CHAT = "openai/chat-completion"
EMBEDDINGS = "openai/embeddings"
SPEECH = "openai/audio-speech"
TRANSCRIPTION = "openai/audio-transcription"
IMAGES = "fal/text-to-image"
USER = {"role": "user", "content": "hi"}


def post(body: Any, content_type: str = "application/json") -> Request:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Request(method="POST", uri="http://h/v1/x", headers=(("Content-Type", content_type),), body=data)


def payload(task: str, request: Request) -> dict[str, Any]:
    ask = task_named(task).ask(request)
    assert isinstance(ask, Ask), ask
    return ask.payload


def refusal(task: str, request: Request) -> list[dict[str, Any]]:
    response = task_named(task).ask(request)
    assert isinstance(response, Response)
    assert response.status == 422
    errors: list[dict[str, Any]] = json.loads(response.body)["detail"]
    return errors


def answer(task: str, asked: dict[str, Any], result: Any) -> Response:
    return task_named(task).answer(asked, result, 1_700_000_000.9)


def test_a_chat_forwards_what_the_worker_knows_and_drops_the_rest() -> None:
    message = {**USER, "name": "x"}
    body = {"model": "m", "messages": [message], "temperature": 1, "stop": ["a"], "top_p": None, "tools": [], "n": 2}
    asked = {"task": CHAT, "model": "m", "messages": [USER], "temperature": 1.0, "stop": ["a"]}
    assert payload(CHAT, post(body)) == asked
    assert payload(CHAT, post({"model": "m", "messages": [{"role": "user"}]}))["messages"][0]["content"] is None


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        ({"messages": []}, [("missing", ["body", "model"], "Field required")]),
        ({"model": 5, "messages": {}}, [
            ("string_type", ["body", "model"], "Input should be a valid string"),
            ("list_type", ["body", "messages"], "Input should be a valid list"),
        ]),
        ({"model": "m", "messages": [{"content": []}]}, [
            ("missing", ["body", "messages", 0, "role"], "Field required"),
            ("string_type", ["body", "messages", 0, "content"], "Input should be a valid string"),
        ]),
        ({"model": "m", "messages": [1]}, [
            ("model_attributes_type", ["body", "messages", 0],
             "Input should be a valid dictionary or object to extract fields from"),
        ]),
        ({"model": "m", "messages": [], "temperature": "hot", "max_tokens": 1.5}, [
            ("float_parsing", ["body", "temperature"],
             "Input should be a valid number, unable to parse string as a number"),
            ("int_from_float", ["body", "max_tokens"],
             "Input should be a valid integer, got a number with a fractional part"),
        ]),
        ({"model": "m", "messages": [], "stop": ["a", 1]}, [
            ("string_type", ["body", "stop", "str"], "Input should be a valid string"),
            ("string_type", ["body", "stop", "list[str]", 1], "Input should be a valid string"),
        ]),
        ([], [("model_attributes_type", ["body"],
               "Input should be a valid dictionary or object to extract fields from")]),
    ],
)  # fmt: skip
def test_a_wrong_chat_is_refused_with_every_mistake(body: Any, errors: list[tuple[str, list[Any], str]]) -> None:
    assert [(one["type"], one["loc"], one["msg"]) for one in refusal(CHAT, post(body))][: len(errors)] == errors


def test_a_body_that_is_no_json_is_refused() -> None:
    assert [one["type"] for one in refusal(CHAT, post(b"{"))] == ["json_invalid"]
    assert [one["type"] for one in refusal(CHAT, post(b""))] == ["missing"]
    assert refusal(CHAT, post(b"a=b", "application/x-www-form-urlencoded"))[0]["input"] == "a=b"


def test_a_refusal_of_something_very_deep_is_still_a_refusal() -> None:
    deep = b'{"model":' + b"[" * 300 + b"]" * 300 + b',"messages":[]}'
    assert refusal(CHAT, post(deep))[0]["loc"] == ["body", "model"]


def test_a_chats_answer_is_the_completion_or_else_the_whole_result() -> None:
    assert answer(CHAT, {}, {"completion": {"id": 1}}).body == b'{"id":1}'
    assert answer(CHAT, {}, {"completion": None, "x": 1}).body == b'{"completion":null,"x":1}'


@pytest.mark.parametrize(
    ("result", "kind"),
    [(None, "null"), ("x", "a string"), ([], "a list"), (1, "a number"), (True, "a boolean")],
)
def test_a_result_that_is_no_object_is_a_502_that_says_so(result: Any, kind: str) -> None:
    response = answer(CHAT, {}, result)
    detail = f"The worker's result for {CHAT} is {kind}, not an object"
    assert (response.status, json.loads(response.body)) == (502, {"detail": detail})


@pytest.mark.parametrize(
    ("task", "result", "status", "detail"),
    [
        (CHAT, {"_error": "boom"}, 502, "boom"),
        (CHAT, json.loads('{"a":' + "[" * 300 + "]" * 300 + "}"), 502, "nests too deeply"),
        (EMBEDDINGS, {"embeddings": "x"}, 502, "embeddings is not a list"),
        (EMBEDDINGS, {"embeddings": [1]}, 502, "embeddings[0] is neither"),
        (SPEECH, {"audio_base64": "a"}, 502, "audio_base64 is not base64"),
        (SPEECH, {"audio_base64": 5}, 502, "audio_base64 is not base64"),
        (TRANSCRIPTION, {"text": 5}, 502, "text is not a string"),
        (IMAGES, {"images": [1]}, 502, "images is not a list of objects"),
    ],
)
def test_a_result_that_cannot_be_used_is_a_502_that_says_why(task: str, result: Any, status: int, detail: str) -> None:
    response = answer(task, {"model": "m", "response_format": "json", "prompt": "p"}, result)
    assert response.status == status
    assert detail in json.loads(response.body)["detail"]


ODD = st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | st.sampled_from(["", "5", "0.5"])
VALUES = ODD | st.lists(ODD, max_size=2) | st.dictionaries(st.sampled_from(["role", "content"]), ODD)
SAID = st.fixed_dictionaries({"role": st.text(max_size=3) | ODD}, optional={"content": st.text(max_size=3) | ODD})
BODIES = ODD | st.fixed_dictionaries(
    {},
    optional={
        "model": st.just("m") | VALUES,
        "messages": st.lists(SAID, max_size=3) | st.lists(VALUES, max_size=2) | VALUES,
        "stream": ODD,
        "stop": st.lists(st.text(max_size=3)) | VALUES,
        **dict.fromkeys(["temperature", "max_tokens", "top_p", "input", "prompt", "voice", "size", "n"], VALUES),
    },
)
BODIES_OF_THEIR_OWN = (
    b'{"model":"a","model":"m","messages":[],"messages":[{"role":"user","role":"system"}]}',
    b'{"model":"m","messages":[],"temperature":123456789012345678901234567890,"max_tokens":18446744073709551616}',
    b" [1e300]",
    b"\n{}",
)
"""Keys that come twice, numbers beyond 64 bits, white space."""


@given(BODIES)
def test_a_plain_chat_is_what_the_careful_reading_makes_of_it(body: Any) -> None:
    plain = chat._plain(CHAT, body)
    errors: list[dict[str, Any]] = []
    careful = chat._careful(CHAT, body, errors)
    assert plain is None or (repr(plain), errors) == (repr(careful), [])


def test_the_chat_of_an_official_client_is_plain() -> None:
    body = {"model": "m", "messages": [USER], "temperature": 0, "top_p": 0.5, "max_tokens": 9, "stop": "a", "n": 1}
    assert chat._plain(CHAT, body) == payload(CHAT, post(body))
    assert str(payload(CHAT, post(body))["temperature"]) == "0.0"


def test_null_is_a_value_that_can_be_handed_over() -> None:
    assert task_named(CHAT).ask(post(b"null"), None) == task_named(CHAT).ask(post(b"null"))


@pytest.mark.parametrize("task", [CHAT, EMBEDDINGS, SPEECH, TRANSCRIPTION, IMAGES, "acme/rerank"])
@pytest.mark.parametrize("kind", ["application/json", "application/x+json; charset=utf-8", "text/plain"])
@settings(max_examples=30)  # of each of eighteen
@given(body=BODIES.map(orjson.dumps) | st.sampled_from(BODIES_OF_THEIR_OWN))
def test_a_value_that_is_handed_over_changes_nothing(task: str, kind: str, body: bytes) -> None:
    request = post(body, kind)
    assert task_named(task).ask(request, orjson.loads(body)) == task_named(task).ask(request)


def test_embeddings() -> None:
    asked = payload(EMBEDDINGS, post({"model": "m", "input": ["a", "b"], "dimensions": 3, "encoding_format": None}))
    assert asked == {"task": EMBEDDINGS, "model": "m", "input": ["a", "b"], "dimensions": 3}
    item = {"object": "embedding", "index": 0, "embedding": [0.5]}
    whole = {"object": "list", "data": [item], "model": "m", "usage": {"prompt_tokens": 0, "total_tokens": 0}}
    assert json.loads(answer(EMBEDDINGS, asked, {"embeddings": [{"embedding": [0.5]}]}).body) == whole
    assert json.loads(answer(EMBEDDINGS, asked, {}).body)["data"] == []


def test_speech_is_answered_with_its_bytes() -> None:
    asked = payload(SPEECH, post({"model": "m", "input": "i", "voice": "v"}))
    whole = {"task": SPEECH, "model": "m", "input": "i", "voice": "v", "response_format": "mp3", "speed": 1.0}
    assert asked == whole
    null = payload(SPEECH, post({"model": "m", "input": "i", "voice": "v", "speed": None, "response_format": None}))
    assert "speed" not in null
    assert "response_format" not in null
    response = answer(SPEECH, asked, {"audio_base64": "aGk=", "format": "wav"})
    assert (response.headers, response.body) == ((("content-type", "audio/wav"),), b"hi")
    assert answer(SPEECH, asked, {"audio_base64": "aGk="}).headers == (("content-type", "audio/mpeg"),)
    assert answer(SPEECH, asked, {"url": "u"}).body == b'{"url":"u"}'


def test_a_transcription_is_a_form() -> None:
    parts = [
        b'--B\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\n\x00\r\n--\xff\r\n',
        b'--B\r\nContent-Disposition: form-data; name="language"\r\n\r\nde\r\n',
        b"--B\r\nContent-Disposition: form-data; name=response_format\r\n\r\ntext\r\n--B--\r\n",
    ]
    asked = payload(TRANSCRIPTION, post(b"".join(parts), "multipart/form-data; boundary=B"))
    assert asked == {
        "task": TRANSCRIPTION,
        "model": "whisper-1",
        "response_format": "text",
        "language": "de",
        "audio_base64": "AA0KLS3/",
    }
    response = answer(TRANSCRIPTION, asked, {"text": "hallo"})
    assert (response.headers[0][1], response.body) == ("text/plain; charset=utf-8", b"hallo")


@pytest.mark.parametrize("body", [b"", b"--", b"--B\r\n", b"{}"])
def test_a_transcription_without_a_form_has_its_defaults(body: bytes) -> None:
    for kind in ("multipart/form-data", "multipart/form-data; boundary=B", "application/json"):
        asked = payload(TRANSCRIPTION, post(body, kind))
        assert asked == {"task": TRANSCRIPTION, "model": "whisper-1", "response_format": "json"}
    assert answer(TRANSCRIPTION, asked, {"text": "x"}).body == b'{"text":"x"}'


@pytest.mark.parametrize(("size", "width"), [("256x512", 256), ("auto", 1024), (None, 1024)])
def test_images(size: str | None, width: int) -> None:
    asked = payload(IMAGES, post({"prompt": "p", "n": 0, "size": size}))
    assert (asked["num_images"], asked["image_size"]["width"], asked["model"]) == (1, width, "dall-e-3")
    whole = {
        "created": 1_700_000_000,
        "data": [{"url": "u", "revised_prompt": "p"}, {"url": "", "revised_prompt": "p"}],
    }
    assert json.loads(answer(IMAGES, asked, {"images": [{"url": "u"}, {}]}).body) == whole


def test_a_size_that_is_none_is_refused() -> None:
    assert refusal(IMAGES, post({"prompt": "p", "size": "axb"}))[0]["loc"] == ["body", "size"]


def test_an_unknown_task_passes_everything_through() -> None:
    assert payload("acme/rerank", post({"q": 1, "task": "forged"})) == {"q": 1, "task": "acme/rerank"}
    assert answer("acme/rerank", {}, {"order": [2, 1]}).body == b'{"order":[2,1]}'


@pytest.mark.parametrize(
    ("task", "result"),
    [
        ("openai/chat-completion", {"completion": {"id": "c"}}),
        ("openai/chat-completion", {"id": "c"}),
        ("openai/embeddings", {"embeddings": [[0.5]]}),
        ("fal/text-to-image", {"images": [{"url": "u"}]}),
        ("own/task", {"any": [1, None]}),
    ],
)
def test_whoever_judges_an_answer_is_told_its_json(task: str, result: dict[str, Any]) -> None:
    spoken = Spoken()
    made = task_named(task).answer({"model": "m", "prompt": "p"}, result, 1_700_000_000.9, spoken)
    assert json.loads(made.body) == spoken.answered


@pytest.mark.parametrize("result", ["text", {"_error": "no"}, {"deep": json.loads("[" * 300 + "]" * 300)}])
def test_an_answer_that_is_no_result_tells_none(result: Any) -> None:
    spoken = Spoken()
    assert task_named("own/task").answer({}, result, 0.0, spoken).status == 502
    assert spoken.answered is UNREAD
