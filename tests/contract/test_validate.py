from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from replayer.cassette.model import End, Frame, FrameKind, Interaction, Omitted, Request, Response, Sender
from replayer.contract.message import UNREAD, Spoken
from replayer.contract.registry import bundled
from replayer.contract.validate import Checked
from replayer.contract.violation import Severity

CONTRACT = bundled()
JSON = (("Content-Type", "application/json; charset=utf-8"),)
STREAM = (("content-type", "text/event-stream"),)
CHUNK = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": []}
ANSWER = {
    "id": "c",
    "object": "chat.completion",
    "created": 1,
    "model": "m",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "hi"}, "finish_reason": "stop"}],
}


def request(body: Any = None, *, uri: str = "https://api.openai.com/v1/chat/completions", **other: Any) -> Request:
    if body is None:
        body = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Request(**{"method": "POST", "uri": uri, "headers": JSON, "body": data, **other})


def answer(body: Any, *, status: int = 200, **other: Any) -> Response:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Response(**{"status": status, "headers": JSON, "body": data, **other})


def asked(body: Any = None, **other: Any) -> Checked:
    return CONTRACT.request(request(body, **other), where="r")


def answered(body: Any, **other: Any) -> Checked:
    return CONTRACT.response(request(), answer(body, **other), where="r")


def sse(*events: Any) -> bytes:
    return b"".join(b"data: " + (e if isinstance(e, bytes) else json.dumps(e).encode()) + b"\n\n" for e in events)


def connection(*frames: Frame, path: str = "/ws") -> Interaction:
    return Interaction(
        request=Request(method="GET", uri=f"ws://queue.example{path}"), response=Response(status=101, frames=frames)
    )


def says(sender: Sender, value: Any) -> Frame:
    return Frame(at=0, sender=sender, kind=FrameKind.TEXT, text=value if isinstance(value, str) else json.dumps(value))


REGISTER = {"type": "register", "worker_id": "w", "config_id": "c", "capacity": 1}


def pointers(checked: Checked) -> list[str]:
    return [violation.pointer for violation in checked.violations]


def test_a_good_request_is_checked_and_holds() -> None:
    assert asked() == Checked(requests=1)


@pytest.mark.parametrize(
    "uri",
    [
        "https://openrouter.ai/api/v1/chat/completions",
        "https://x.openai.azure.com/openai/deployments/d/chat/completions?api-version=1",
        "http://127.0.0.1:8788//v1/chat/completions",
    ],
)
def test_a_chat_completion_is_judged_at_any_base_url(uri: str) -> None:
    assert pointers(asked({"model": 1, "messages": []}, uri=uri)) == ["/model", "/messages"]


@pytest.mark.parametrize(
    ("method", "uri"),
    [
        ("GET", "https://api.openai.com/v1/chat/completions"),
        ("POST", "https://api.openai.com/v1/other"),
        ("GET", "https://somewhere.example/v1/models"),
        ("GET", "https://somewhere.example/health"),
        ("POST", "https://somewhere.example/jobs"),
    ],
)
def test_what_no_document_speaks_of_is_uncovered(method: str, uri: str) -> None:
    assert CONTRACT.request(request({}, uri=uri, method=method), where="r") == Checked(uncovered=1)
    assert CONTRACT.response(request({}, uri=uri, method=method), answer({}), where="r") == Checked(uncovered=1)


def test_a_named_service_is_judged_by_its_own_document_wherever_it_lives() -> None:
    jobs = request({"payload": {}}, uri="http://127.0.0.1:1/base/jobs")
    assert CONTRACT.request(jobs, where="r").uncovered == 1
    assert CONTRACT.request(jobs, where="r", service="casola") == Checked(requests=1)
    bare = {key: value for key, value in ANSWER.items() if key not in ("object", "created")}
    assert CONTRACT.response(request(), answer(bare), where="r", service="casola").violations == ()
    assert len(CONTRACT.response(request(), answer(bare), where="r", service="openai").violations) == 2


def test_a_missing_body_is_a_violation() -> None:
    (violation,) = CONTRACT.request(request(body=b""), where="r").violations
    assert (violation.expected, violation.actual) == ("a body", "none")


def test_a_request_body_that_was_not_stored_is_not_judged() -> None:
    unstored = replace(request(), body=None, omitted=Omitted(bytes=1, sha256="0"))
    assert CONTRACT.request(unstored, where="r") == Checked(uncovered=1)


def test_a_body_that_is_no_json_is_a_violation() -> None:
    (violation,) = asked(b'{"model": NaN}').violations
    assert violation.schema == "replayer:json"


@pytest.mark.parametrize("body", [b"[REDACTED]", b'"[REDACTED]"', b'{"model": [REDACTED]}'])
def test_a_redacted_body_is_not_judged(body: bytes) -> None:
    assert asked(body) == Checked(uncovered=1)
    assert answered(body) == Checked(uncovered=1)


def test_a_good_answer_holds_and_a_bad_one_says_where() -> None:
    assert answered(ANSWER) == Checked(responses=1)
    bad = {**ANSWER, "choices": [{**ANSWER["choices"][0], "finish_reason": "tired", "index": "0"}]}  # type: ignore[index]  # a literal of mixed values
    checked = answered(bad)
    assert sorted((v.pointer, v.severity) for v in checked.violations) == [
        ("/choices/0/finish_reason", Severity.WARNING),
        ("/choices/0/index", Severity.ERROR),
    ]


def test_an_error_answer_has_a_contract_of_its_own() -> None:
    assert answered({"error": {"message": "no", "code": 429}}, status=429) == Checked(responses=1)
    assert pointers(answered(ANSWER, status=500)) == [""]


def test_an_answer_of_a_wrong_media_type_breaks_clients_and_an_error_page_does_not() -> None:
    page = {"headers": (("content-type", "text/html"),)}
    assert [v.severity for v in answered(b"<html>", **page).violations] == [Severity.ERROR]
    assert [v.severity for v in answered(b"<html>", status=502, **page).violations] == [Severity.WARNING]


def test_the_media_type_is_seen_in_the_body_where_no_header_says_it() -> None:
    assert answered(ANSWER, headers=()) == Checked(responses=1)
    assert answered(sse(CHUNK), headers=()) == Checked(responses=1, events=1)
    assert len(answered(b"", headers=()).violations) == 1


def test_a_body_that_is_not_there_is_not_judged() -> None:
    assert answered(b"", omitted=Omitted(bytes=1, sha256="0")) == Checked(uncovered=1)
    assert answered(b'{"id": "c', end=End.UPSTREAM_LOST) == Checked(uncovered=1)
    assert answered(b"", headers=(), end=End.LOST) == Checked(uncovered=1)


def test_every_event_of_a_stream_is_judged() -> None:
    body = sse(CHUNK, {**CHUNK, "model": 3}, b"[DONE]") + b": ping\n\n"
    checked = answered(body, headers=STREAM)
    assert (checked.responses, checked.events) == (1, 3)
    (violation,) = checked.violations
    assert (violation.where, violation.pointer) == ("r event 1", "/model")


def test_an_error_in_a_stream_is_an_error_and_no_chunk() -> None:
    assert answered(sse({"error": {"message": "m"}}), headers=STREAM) == Checked(responses=1, events=1)


def test_the_torn_event_of_a_cut_stream_is_not_judged() -> None:
    torn = sse(CHUNK) + b'data: {"id": "c'
    assert answered(torn, headers=STREAM, end=End.UPSTREAM_LOST) == Checked(responses=1, events=1)
    assert len(answered(torn, headers=STREAM).violations) == 1


def test_a_live_stream_is_judged_event_by_event() -> None:
    passing = CONTRACT.stream(request(), 200, where="e")
    assert passing is not None
    assert (passing.hear(sse(CHUNK)), passing.hear(b": ping\n\n"), passing.count) == ((), (), 1)
    assert {violation.where for violation in passing.hear(sse({}))} == {"e event 2"}
    assert CONTRACT.stream(request(uri="http://x.example/"), 200, where="e") is None


def test_a_live_stream_is_judged_by_the_order_of_its_events() -> None:
    passing = CONTRACT.stream(request(uri="https://api.anthropic.com/v1/messages"), 200, where="e")
    assert passing is not None
    (violation,) = passing.hear(b'event: message_stop\ndata: {"type": "message_stop"}\n\n')
    assert violation.expected == "message_start first"
    assert passing.end() == ()


@pytest.mark.parametrize(
    ("sender", "message"),
    [
        (Sender.CLIENT, REGISTER),
        (Sender.CLIENT, {**REGISTER, "capacity": 0}),
        (Sender.CLIENT, {"type": "register", "worker_id": "w", "config_id": "c"}),
        (Sender.CLIENT, {"type": "job_result", "job_id": "j", "result": {"a": 1}, "fence_token": 0}),
        (Sender.CLIENT, {"type": "job_result", "job_id": "j"}),
        (Sender.CLIENT, {"type": "job_error", "job_id": "j", "error": "e", "fence_token": 0}),
        (Sender.CLIENT, {"type": "job_progress", "job_id": "j", "fence_token": 78, "status_message": "processing"}),
        (Sender.CLIENT, {"type": "job_progress", "job_id": "j", "progress": 0.5}),
        (Sender.CLIENT, {"type": "job_result_ref", "job_id": "j6", "fence_token": 7}),
        (Sender.CLIENT, {"type": "drain"}),
        (Sender.CLIENT, {"type": "pause"}),
        (Sender.CLIENT, {"type": "resume"}),
        (
            Sender.SERVER,
            {
                "type": "job",
                "job_id": "j",
                "mode": "transient",
                "config_id": "default",
                "payload": {
                    "task": "openai/chat-completion",
                    "model": "t",
                    "messages": [{"role": "user", "content": None}],
                },
                "fence_token": 3,
            },
        ),
        (Sender.SERVER, {"type": "error", "message": "Invalid JSON"}),
        (Sender.SERVER, {"type": "job_revoked", "job_id": "j", "reason": "r"}),
        (Sender.SERVER, {"type": "job_result_ref", "job_id": "j"}),
    ],
)
def test_every_message_of_the_worker_protocol_is_known(sender: Sender, message: dict[str, Any]) -> None:
    assert CONTRACT.frame("/base/ws", sender, json.dumps(message), where="f") == Checked(frames=1)
    assert CONTRACT.frame_value("/ws", sender, message, where="f") == Checked(frames=1)


@pytest.mark.parametrize("capacity", ["2", None, 2.5, -1])
def test_a_capacity_that_broke_the_original_server_is_a_violation(capacity: Any) -> None:
    assert pointers(CONTRACT.frame_value("/ws", Sender.CLIENT, {**REGISTER, "capacity": capacity}, where="f")) == [
        "/capacity"
    ]


def test_a_payload_is_judged_by_its_task() -> None:
    job = {"type": "job", "job_id": "j", "mode": "persisted", "config_id": "c", "fence_token": 1}
    good = {"task": "openai/embeddings", "model": "m", "input": ["a"]}
    assert CONTRACT.frame_value("/ws", Sender.SERVER, {**job, "payload": good}, where="f").violations == ()
    bad = {**good, "input": 3}
    assert pointers(CONTRACT.frame_value("/ws", Sender.SERVER, {**job, "payload": bad}, where="f")) == [
        "/payload/input"
    ]
    assert (
        CONTRACT.frame_value("/ws", Sender.SERVER, {**job, "payload": {"task": "own/task"}}, where="f").violations == ()
    )


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        ('{"type": "regsiter"}', "did you mean 'register'?"),
        ('{"type": "job"}', "one of register, "),
        ('{"job_id": "j"}', "one of register, "),
        ('{"type": {"a": 1}}', "one of register, "),
        ("[]", 'an object with "type"'),
        ("not json", "JSON ("),
        ("", "JSON ("),
        ('{"type": "drain", "a": NaN}', "JSON ("),
        ('{"type": "drain", "a": "\\ud800"}', "JSON ("),
        ('{"type": "drain", "a": ' + "[" * 2000 + "]" * 2000 + "}", "JSON ("),
        (b'{"type": "drain"}', "a text frame with JSON"),
    ],
)
def test_a_message_that_nobody_can_place_is_a_violation_and_no_exception(payload: str | bytes, expected: str) -> None:
    checked = CONTRACT.frame("/ws", Sender.CLIENT, payload, where="f")
    (violation,) = checked.violations
    assert checked.frames == 1
    assert expected in violation.expected


@pytest.mark.parametrize("value", [{"type": "register\ud800"}, {"type": "drain", 3: 4}])
def test_a_value_that_no_parser_made_is_a_violation_and_no_exception(value: Any) -> None:
    assert len(CONTRACT.frame_value("/ws", Sender.CLIENT, value, where="f").violations) == 1


def test_a_connection_is_judged_frame_by_frame() -> None:
    checked = CONTRACT.interaction(
        connection(
            says(Sender.CLIENT, REGISTER),
            says(Sender.SERVER, {"type": "error"}),
            Frame(at=1, sender=Sender.CLIENT, kind=FrameKind.BINARY, data=b"\x00"),
            Frame(at=2, sender=Sender.CLIENT, kind=FrameKind.CLOSE, code=1000),
        ),
        where="c#0",
    )
    assert checked.frames == 3
    assert [v.where for v in checked.violations] == ["c#0 frame 1 (server)", "c#0 frame 2 (client)"]


def test_a_connection_that_speaks_otherwise_is_not_judged_by_this_protocol() -> None:
    other = connection(says(Sender.CLIENT, {"type": "subscribe"}), says(Sender.SERVER, {"type": "job"}))
    assert CONTRACT.interaction(other, where="c#0") == Checked(uncovered=2)
    assert CONTRACT.interaction(connection(says(Sender.SERVER, {"type": "job"})), where="c#0") == Checked(uncovered=1)
    named = CONTRACT.interaction(other, where="c#0", service="casola")
    assert (named.frames, len(named.violations)) == (2, 6)


def test_a_connection_to_another_path_is_uncovered() -> None:
    assert CONTRACT.frame("/wsx", Sender.CLIENT, "{}", where="f") == Checked(uncovered=1)
    assert CONTRACT.interaction(connection(says(Sender.CLIENT, REGISTER), path="/other"), where="c") == Checked(
        uncovered=1
    )


def test_of_two_documents_that_fit_as_closely_the_one_that_says_more_of_the_path_holds() -> None:
    gateway = "http://127.0.0.1:8765/api/oagw/v1/proxy/openai/v1/chat/completions"
    refused = answer({"error": "NO_UPSTREAM", "message": "m"}, status=404)
    assert CONTRACT.response(request(uri=gateway), refused, where="r") == Checked(responses=1)


def test_an_exchange_is_both_its_messages() -> None:
    whole = Interaction(request=request({}), response=answer({}))
    assert {v.where for v in CONTRACT.interaction(whole, where="c#1").violations} == {"c#1 request", "c#1 response"}


def test_a_stubs_request_is_a_pattern_and_its_template_is_no_answer_yet() -> None:
    plain = Interaction(request=request({}), response=answer({}, stub={"path": "/x"}))
    checked = CONTRACT.interaction(plain, where="c#1")
    assert {v.where for v in checked.violations} == {"c#1 response"}
    assert (checked.responses, checked.uncovered) == (1, 1)
    template = Interaction(request=request({}), response=answer({}, stub={"template": True}))
    assert CONTRACT.interaction(template, where="c#1") == Checked(uncovered=2)


def test_a_value_is_held_against_one_schema_by_its_id() -> None:
    schema = "https://replayer.dev/schemas/casola/tasks/embeddings-payload.json"
    assert CONTRACT.against(schema, {"task": "openai/embeddings", "model": "m", "input": "x"}, where="p") == ()
    (violation,) = CONTRACT.against(schema, {"task": "openai/embeddings", "model": "m"}, where="p")
    assert violation.schema == schema


def test_looking_up_many_paths_keeps_the_memory_bounded() -> None:
    contract = bundled()
    for n in range(10_000):
        contract.request(Request(method="GET", uri=f"https://x.example/{n}"), where="r")
    assert len(contract._found) <= 4096


def test_violations_of_one_message_are_bounded() -> None:
    many: dict[str, Any] = {"object": "list", "model": "m", "usage": {"prompt_tokens": 1, "total_tokens": 1}}
    many["data"] = [{"object": "embedding", "index": 0, "embedding": ["x"] * 10_000}]
    ask = request({"model": "m", "input": "x"}, uri="https://api.openai.com/v1/embeddings")
    assert len(CONTRACT.response(ask, answer(many), where="r").violations) == 100


def test_what_is_no_uri_has_no_contract_and_breaks_nothing() -> None:
    assert asked(uri="http://[x/v1/nothing") == Checked(uncovered=1)
    assert asked(uri="//x]/v1") == Checked(uncovered=1)


def test_the_json_of_a_request_is_told_where_it_was_parsed_and_is_some() -> None:
    def told(body: bytes, uri: str = "https://api.openai.com/v1/chat/completions") -> Any:
        spoken = Spoken()
        request = Request(method="POST", uri=uri, headers=JSON, body=body)
        CONTRACT.request(request, where="r", spoken=spoken)
        return spoken.asked

    assert told(b'{"model": 1}') == {"model": 1}
    assert told(b"{") is UNREAD
    assert told(b"{}", "https://elsewhere.example/v1/x") is UNREAD


def test_an_answer_whose_json_is_known_is_judged_by_it() -> None:
    request = Request(method="POST", uri="https://api.openai.com/v1/chat/completions", headers=JSON)
    response = Response(status=200, headers=JSON, body=b"what stands here was made of the value")
    assert CONTRACT.response(request, response, where="r", value=ANSWER) == Checked(responses=1)
    assert len(CONTRACT.response(request, response, where="r", value={**ANSWER, "id": 1}).violations) == 1
