from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest

from replayer.cassette.model import Cassette, Frame, FrameKind, Headers, Interaction, Request, Response, Sender
from replayer.cassette.store import read
from replayer.cli.verify import cassettes
from replayer.contract.infer import infer_asyncapi, infer_openapi
from replayer.contract.registry import of_documents
from replayer.contract.samples import Samples
from replayer.contract.verify import Verification, verify
from tests import needs
from tests.needs import CORPUS

JSON: Headers = (("content-type", "application/json"),)
SSE: Headers = (("content-type", "text/event-stream"),)


def exchange(
    answer: Any,
    asked: Any = None,
    *,
    uri: str = "https://a.example/v1/things",
    status: int = 200,
    headers: Headers = JSON,
) -> Interaction:
    body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
    sent = None if asked is None else json.dumps(asked).encode()
    request = Request(method="GET" if asked is None else "POST", uri=uri, headers=JSON if sent else (), body=sent)
    return Interaction(request=request, response=Response(status=status, headers=headers, body=body))


def connection(*messages: tuple[Sender, Any]) -> Interaction:
    frames = tuple(
        Frame(at=0, sender=sender, kind=FrameKind.TEXT, text=json.dumps(message)) for sender, message in messages
    )
    request = Request(method="GET", uri="wss://a.example/ws")
    return Interaction(request=request, response=Response(status=101, frames=frames))


def learned(*interactions: Interaction) -> list[Any]:
    samples = Samples().learn((f"#{number}", found) for number, found in enumerate(interactions))
    documents = [infer_openapi(samples, title="t"), infer_asyncapi(samples, title="t")]
    return [document for document in documents if document is not None]


def judged(documents: list[Any], *interactions: Interaction) -> Verification:
    return verify([("c", Cassette(interactions=interactions))], of_documents(documents))


def test_what_is_inferred_holds_for_its_sources_and_covers_them() -> None:
    sources = (
        exchange({"id": "a", "tags": ["x"]}, {"q": 1}),
        exchange({"error": {"message": "m"}}, {"q": 2}, status=400),
        exchange(b'event: a\ndata: {"n":1}\n\ndata: [DONE]\n\n', {"q": 1, "stream": True}, headers=SSE),
        connection((Sender.CLIENT, {"type": "hello"}), (Sender.SERVER, {"type": "welcome", "n": 1})),
    )
    verification = judged(learned(*sources), *sources)
    assert verification.findings == ()
    checked = verification.checked
    assert (checked.requests, checked.responses, checked.events, checked.frames) == (3, 3, 2, 2)


@pytest.mark.parametrize(
    ("changed", "pointer"),
    [
        ({"tags": ["x"]}, ""),
        ({"id": 3, "tags": ["x"]}, "/id"),
        ({"id": "a", "tags": [3]}, "/tags/*"),
        ({"id": None, "tags": []}, "/id"),
        ([], ""),
    ],
)
def test_a_mutated_answer_does_not_pass(changed: Any, pointer: str) -> None:
    documents = learned(exchange({"id": "a", "tags": ["x"]}))
    assert pointer in [finding.pointer for finding in judged(documents, exchange(changed)).findings]


def test_a_mutated_event_and_a_mutated_frame_do_not_pass() -> None:
    stream = b'event: a\ndata: {"n":1}\n\n'
    greeting = (Sender.SERVER, {"type": "welcome", "n": 1})
    documents = learned(exchange(stream, headers=SSE), connection((Sender.CLIENT, {"type": "hello"}), greeting))
    wrong = exchange(stream.replace(b"1", b'"1"'), headers=SSE)
    assert [finding.pointer for finding in judged(documents, wrong).findings] == ["/n"]
    for message, pointer in (({"type": "welcome"}, ""), ({"type": "bye", "n": 1}, "/type")):
        odd = connection((Sender.CLIENT, {"type": "hello"}), (Sender.SERVER, message))
        assert [finding.pointer for finding in judged(documents, odd).findings] == [pointer]


def test_paths_with_ids_are_one_path_with_a_variable() -> None:
    (document,) = learned(
        exchange({}, uri="https://a.example/jobs/1?verbose=1"), exchange({}, uri="https://a.example/jobs/2")
    )
    (path,) = document["paths"]
    assert path == "/jobs/{job_id}"
    assert document["paths"][path]["get"]["parameters"] == [
        {"name": "job_id", "in": "path", "required": True, "schema": {"type": "string"}},
        {"name": "verbose", "in": "query", "required": False, "schema": {"type": "string"}},
    ]


def test_a_path_that_two_hosts_have_is_described_once_for_both() -> None:
    sources = (exchange({"a": 1}), exchange({"a": "x"}, uri="https://b.example/v1/things"))
    (document,) = learned(*sources)
    servers = document["paths"]["/v1/things"]["servers"]
    assert servers == [{"url": "https://a.example"}, {"url": "https://b.example"}]
    assert judged([document], *sources).findings == ()


def test_messages_that_nothing_tells_apart_are_one_message_a_direction() -> None:
    sources = connection((Sender.CLIENT, {"setup": {}}), (Sender.CLIENT, {"ask": 1}), (Sender.SERVER, {"done": True}))
    (document,) = learned(sources)
    (channel,) = document["channels"].values()
    assert list(channel["messages"]) == ["client.message", "server.message"]
    assert judged([document], sources).findings == ()


def test_a_stub_s_template_teaches_nothing() -> None:
    stub = exchange({})
    response = Response(status=200, headers=JSON, body=b"{{ x }}", stub={"template": True})
    assert learned(Interaction(request=stub.request, response=response)) == []


def _mutations(value: Any, at: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    if isinstance(value, dict):
        for name, below in value.items():
            yield (*at, name)
            yield from _mutations(below, (*at, name))


@needs.corpus
def test_what_is_inferred_from_real_traffic_holds_for_it_and_finds_what_is_retyped() -> None:
    found = [pair for pair in cassettes([CORPUS], read) if isinstance(pair[1], Cassette)]
    tried = missed = 0
    for name, cassette in found:
        assert isinstance(cassette, Cassette)
        sources = cassette.interactions
        samples = Samples().learn((name, source) for source in sources)
        document = infer_openapi(samples, title=name)
        if document is None:
            continue
        contract = of_documents([document])
        assert verify([(name, cassette)], contract).findings == (), name
        for source in sources[:2]:
            if not source.response.body.startswith(b"{") or source.response.stub is not None:
                continue
            paths = list(_mutations(json.loads(source.response.body)))
            for path in paths[:: len(paths) // 8 + 1]:
                tried += 1
                missed += not _finds(contract, source, path)
    assert tried > 300
    # Optional fields of maps, and what was redacted, may be anything.
    assert missed < tried / 50, (missed, tried)


def _finds(contract: Any, source: Interaction, path: tuple[str | int, ...]) -> bool:
    """Whether an answer is refused in which one field has another type."""
    value = copy.deepcopy(json.loads(source.response.body))
    holder = value
    for step in path[:-1]:
        holder = holder[step]
    before = holder[path[-1]]
    holder[path[-1]] = [{"odd": 1}] if not isinstance(before, list) else {"odd": 1}
    headers = source.response.headers
    changed = Response(status=source.response.status, headers=headers, body=json.dumps(value).encode())
    checked = contract.response(source.request, changed, where="x")
    return bool(checked.violations) or not checked.count
