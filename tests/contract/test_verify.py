from __future__ import annotations

import json
from typing import Any

import pytest

from replayer.cassette.model import Cassette, Interaction, Metadata, Origin, Problem, Request, Response
from replayer.contract.registry import bundled
from replayer.contract.verify import Verification, service_of, verify
from replayer.contract.violation import Severity
from replayer.errors import CassetteError, ExitStatus, UnreadableError

CONTRACT = bundled()


def exchange(asked: Any = None, *, uri: str = "https://api.openai.com/v1/chat/completions") -> Interaction:
    body = asked or {"model": "m", "messages": [{"role": "user", "content": "x"}]}
    headers = (("content-type", "application/json"),)
    request = Request(method="POST", uri=uri, headers=headers, body=json.dumps(body).encode())
    return Interaction(
        request=request, response=Response(status=400, headers=headers, body=b'{"error": {"message": "m"}}')
    )


def run(*interactions: Interaction, unread: UnreadableError | None = None, **parts: Any) -> Verification:
    inputs: list[tuple[str, Cassette | UnreadableError]] = [("a.yaml", Cassette(interactions=interactions, **parts))]
    if unread is not None:
        inputs.append(("b.yaml", unread))
    return verify(inputs, CONTRACT)


WRONG = {"model": "m", "messages": [{"role": "user", "content": 3}]}
NEW = {"model": "m", "messages": [{"role": "user", "content": "x"}], "verbosity": "chatty"}


def test_a_good_cassette_holds_and_says_what_was_checked() -> None:
    verification = run(exchange(), exchange(uri="https://other.example/x"))
    assert (verification.checked.requests, verification.checked.responses, verification.checked.uncovered) == (1, 1, 2)
    assert (verification.cassettes, verification.interactions) == (1, 2)
    assert verification.status() is ExitStatus.HELD


def test_the_same_violation_in_many_places_is_one_finding() -> None:
    verification = run(exchange(), *[exchange(WRONG)] * 200)
    (finding,) = verification.findings
    assert finding.count == 200
    assert finding.pointer == "/messages/*/content"
    assert finding.places == tuple(f"a.yaml#{n} request" for n in range(1, 6))
    assert verification.count(Severity.ERROR) == 200


def test_findings_differ_by_what_was_expected() -> None:
    assert len(run(exchange(WRONG), exchange({"model": "m", "messages": [{"role": "user"}]})).findings) == 2


def test_the_worst_finding_comes_first() -> None:
    assert [f.severity for f in run(exchange(NEW), exchange(NEW), exchange(WRONG)).findings] == ["error", "warning"]


@pytest.mark.parametrize(
    ("body", "fail_on", "status"),
    [
        (WRONG, Severity.ERROR, ExitStatus.DID_NOT_HOLD),
        (NEW, Severity.ERROR, ExitStatus.HELD),
        (NEW, Severity.WARNING, ExitStatus.DID_NOT_HOLD),
        (NEW, Severity.INFO, ExitStatus.DID_NOT_HOLD),
    ],
)
def test_severity_decides_the_status(body: Any, fail_on: Severity, status: ExitStatus) -> None:
    assert run(exchange(body)).status(fail_on) is status


def test_a_run_that_checked_nothing_says_so() -> None:
    assert run(exchange(uri="https://other.example/x")).status() is ExitStatus.NOTHING_CHECKED
    assert run().status() is ExitStatus.NOTHING_CHECKED


def test_an_unreadable_input_does_not_hide_the_others() -> None:
    verification = run(exchange(WRONG), unread=CassetteError("b.yaml: half a file"))
    assert verification.status() is ExitStatus.UNREADABLE
    assert [unread.message for unread in verification.unreadable] == ["b.yaml: half a file"]
    assert verification.count(Severity.ERROR) == 1


def test_what_loading_left_out_is_told() -> None:
    problems = (Problem(index=3, message="no request"), Problem(index=None, message="torn"))
    assert [(p.name, p.message) for p in run(exchange(), problems=problems).problems] == [
        ("a.yaml#3", "no request"),
        ("a.yaml", "torn"),
    ]


def test_the_upstreams_name_says_which_service_it_is() -> None:
    upstreams = {"casola": "http://127.0.0.1:9/queue", "other": "http://127.0.0.1:9"}
    metadata = Metadata(origin=Origin.RECORDED, upstreams=upstreams)
    assert service_of(metadata, "ws://127.0.0.1:9/queue/ws") == "casola"
    assert service_of(metadata, "http://127.0.0.1:9/queues") == "other"
    assert service_of(metadata, "http://127.0.0.1:8/queue/ws") is None
    assert service_of(None, "http://127.0.0.1:8/") is None


def test_a_named_service_is_judged_by_its_own_contract() -> None:
    metadata = Metadata(origin=Origin.RECORDED, upstreams={"casola": "http://127.0.0.1:9"})
    verification = run(exchange({"payload": 1}, uri="http://127.0.0.1:9/jobs"), metadata=metadata)
    assert [finding.schema for finding in verification.findings] == [
        "https://replayer.dev/schemas/casola/rest/error.json"
    ]
