from __future__ import annotations

import json
from typing import Any

import pytest

from replayer.cassette.model import Frame, FrameKind, Headers, Interaction, Request, Response, Sender
from replayer.contract.drift import Drift, Named, drift
from replayer.contract.violation import Severity
from replayer.errors import ExitStatus

JSON: Headers = (("content-type", "application/json"),)
SSE: Headers = (("content-type", "text/event-stream"),)


def exchange(answer: Any, *, path: str = "/v1/things", status: int = 200, headers: Headers = JSON) -> Interaction:
    body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
    request = Request(method="GET", uri=f"https://a.example{path}")
    return Interaction(request=request, response=Response(status=status, headers=headers, body=body))


def stream(*kinds: str) -> Interaction:
    body = "".join(f'event: {kind}\ndata: {{"type":"{kind}"}}\n\n' for kind in kinds)
    return exchange(body.encode(), headers=SSE)


def named(*interactions: Interaction) -> list[Named]:
    return [(f"c#{number}", found) for number, found in enumerate(interactions)]


def told(found: Drift) -> list[str]:
    return [f"{change.severity} {change.message}: {change.pointer} {change.kind}" for change in found.changes]


def test_answers_are_compared_operation_by_operation_and_status_by_status() -> None:
    old = named(exchange({"a": 1}), exchange({"b": 1}, path="/v1/others"), exchange({"error": "x"}, status=400))
    new = named(exchange({"a": "1"}), exchange({"b": 1}, path="/v1/others"), exchange({"error": "x"}, status=400))
    found = drift(old, new)
    assert told(found) == ["error GET /v1/things 200: /a type changed"]
    assert found.changes[0].places == ("c#0", "c#2")
    assert found.compared == ("GET /v1/things", "GET /v1/others")


def test_a_status_is_compared_between_equal_requests() -> None:
    found = drift(named(exchange({}), exchange({})), named(exchange({}, status=500), exchange({}, status=500)))
    assert told(found) == ["error GET /v1/things: status changed".replace(": ", ":  ")]
    assert (found.changes[0].old, found.changes[0].new, found.changes[0].count) == ("200", "500", 2)


def test_equal_requests_are_paired_in_their_order() -> None:
    both = named(exchange({}, status=500), exchange({}))
    assert drift(both, both).changes == ()


def test_another_content_type_is_an_error() -> None:
    found = drift(named(exchange({})), named(exchange(b"<p>", headers=(("content-type", "text/html"),))))
    assert told(found) == ["error GET /v1/things 200:  content type changed"]


@pytest.mark.parametrize(
    ("new", "change"),
    [
        (("start", "delta", "delta", "delta", "stop"), None),
        (("start", "delta", "stop", "bye"), "info GET /v1/things 200 stream:  event type added"),
        (("start", "delta"), "warning GET /v1/things 200 stream:  event type removed"),
        (("delta", "start", "stop"), "error GET /v1/things 200 stream:  order of events changed"),
    ],
)
def test_streams_are_compared_by_the_sequence_of_their_kinds(new: tuple[str, ...], change: str | None) -> None:
    found = drift(named(stream("start", "delta", "delta", "stop")), named(stream(*new)))
    assert told(found) == ([] if change is None else [change])


def test_blocks_that_repeat_are_no_other_order() -> None:
    block = ("begin", "delta", "end")
    assert drift(named(stream(*block, *block)), named(stream(*block, *block, *block))).changes == ()


def test_the_messages_of_a_connection_are_compared_from_the_server_s_side() -> None:
    def connection(client: Any, server: Any) -> Interaction:
        said = ((Sender.CLIENT, client), (Sender.SERVER, server))
        frames = tuple(Frame(at=0, sender=who, kind=FrameKind.TEXT, text=json.dumps(what)) for who, what in said)
        return Interaction(
            request=Request(method="GET", uri="wss://a.example/ws"), response=Response(status=101, frames=frames)
        )

    old = named(connection({"type": "hello", "x": 1}, {"type": "welcome", "n": 1}))
    new = named(connection({"type": "hello"}, {"type": "welcome", "n": "1"}))
    assert told(drift(old, new)) == ["error WEBSOCKET /ws frame welcome: /n type changed"]


def test_another_host_is_the_same_service_where_only_one_has_the_path() -> None:
    new = exchange({"a": "1"})
    moved = Interaction(request=Request(method="GET", uri="http://127.0.0.1:9/v1/things"), response=new.response)
    assert told(drift(named(exchange({"a": 1})), named(moved))) == ["error GET /v1/things 200: /a type changed"]


def test_what_is_on_one_side_only_is_named_and_nothing_compared_is_not_called_holding() -> None:
    found = drift(named(exchange({}, path="/old")), named(exchange({}, path="/new")))
    assert (found.missing, found.extra) == (("GET /old",), ("GET /new",))
    assert found.status() is ExitStatus.NOTHING_CHECKED


def test_a_run_fails_from_the_severity_that_was_asked_for() -> None:
    found = drift(named(exchange({"a": 1})), named(exchange({})))
    assert found.status() is ExitStatus.HELD
    assert found.status(Severity.WARNING) is ExitStatus.DID_NOT_HOLD
