"""Control: what it shows, whom it answers, and how it refuses."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from replayer.cassette.model import Headers, Request, Response
from replayer.control.api import Control
from replayer.control.guard import Guard, is_loopback
from replayer.journal import Entry, Outcome

LOCAL = (("Host", "127.0.0.1:8788"),)


class Standing:
    """A run with three entries."""

    def status(self) -> Mapping[str, Any]:
        return {"requests": 3}

    def entries(self) -> Iterable[Entry]:
        moment = datetime(2026, 11, 20, tzinfo=UTC)
        yield Entry(id=1, moment=moment, kind="http", session="default", outcome=Outcome.HIT, duration_ms=1.0)
        yield Entry(id=2, moment=moment, kind="http", session="one", outcome=Outcome.MISS, duration_ms=1.0)
        yield Entry(id=3, moment=moment, kind="http", session="one", target="/v1/x")

    def workers(self) -> Sequence[Mapping[str, Any]]:
        return [{"session": "default", "worker_id": "a"}, {"session": "one", "worker_id": "b"}]

    def jobs(self) -> Sequence[Mapping[str, Any]]:
        states = (("default", "pending"), ("one", "running"), ("one", "failed"))
        return [{"session": session, "id": state, "status": state} for session, state in states]


def ask(
    uri: str,
    *,
    method: str = "GET",
    headers: Headers = LOCAL,
    session: str | None = None,
    host: str = "127.0.0.1",
    token: str | None = None,
) -> Response:
    control = Control(Standing(), Guard(host=host, token=token))
    return control.answer(Request(method=method, uri=uri, headers=headers), session=session)


def told(response: Response) -> Any:
    return orjson.loads(response.body)


def ids(response: Response) -> list[int]:
    return [entry["id"] for entry in told(response)["entries"]]


def test_status_is_the_runs() -> None:
    assert told(ask("/__replayer/status")) == {"requests": 3}


def test_the_journal_is_filtered_by_session_outcome_and_limit() -> None:
    assert ids(ask("/__replayer/journal")) == [1, 2, 3]
    assert ids(ask("/__replayer/journal?session=one")) == [2, 3]
    assert ids(ask("/__replayer/journal?outcome=hit,miss")) == [1, 2]
    assert ids(ask("/__replayer/journal?limit=1")) == [3]
    assert ids(ask("/__replayer/journal", session="one")) == [2, 3]


def test_workers_and_jobs_are_shown_by_session_and_status() -> None:
    assert [worker["worker_id"] for worker in told(ask("/__replayer/workers"))["workers"]] == ["a", "b"]
    assert [worker["worker_id"] for worker in told(ask("/__replayer/workers", session="one"))["workers"]] == ["b"]
    assert told(ask("/__replayer/jobs"))["total"] == 3
    found = told(ask("/__replayer/jobs?session=one&status=running,pending"))
    assert [job["id"] for job in found["jobs"]] == ["running"]
    assert [job["id"] for job in told(ask("/__replayer/jobs?limit=1"))["jobs"]] == ["failed"]
    assert "no filter 'sesion'; did you mean 'session'?" in told(ask("/__replayer/jobs?sesion=one"))["detail"]


def test_what_is_under_way_is_visible() -> None:
    entry = told(ask("/__replayer/journal?limit=1"))["entries"][0]
    assert entry["under_way"] is True
    assert entry["target"] == "/v1/x"
    assert entry["at"] == "2026-11-20T00:00:00Z"


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("sesion=a", "did you mean 'session'?"),
        ("outcome=mis", "did you mean 'miss'?"),
        ("limit=0", "limit=0 is no count"),
        ("limit=many", "limit=many is no count"),
    ],
)
def test_a_filter_that_cannot_be_is_refused(query: str, message: str) -> None:
    answer = ask(f"/__replayer/journal?{query}")
    assert answer.status == 400
    assert message in told(answer)["detail"]


def test_an_unknown_route_names_the_routes() -> None:
    answer = ask("/__replayer/jurnal")
    assert answer.status == 404
    assert "did you mean 'journal'?" in told(answer)["detail"]
    assert "/__replayer/status" in told(answer)["routes"]


def test_a_wrong_method_says_the_right_ones() -> None:
    answer = ask("/__replayer/status", method="POST")
    assert answer.status == 405
    assert ("allow", "GET, HEAD") in answer.headers


@pytest.mark.parametrize("host", ["localhost:1", "127.0.0.1", "[::1]:8788", "10.0.0.7:8788", "LOCALHOST"])
def test_addresses_and_loopback_names_are_answered(host: str) -> None:
    assert ask("/__replayer/health", headers=(("host", host),)).status == 200


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8788", "127.0.0.1.evil.example", ""])
def test_a_name_that_somebody_else_owns_is_not(host: str) -> None:
    assert ask("/__replayer/health", headers=(("host", host),)).status == 403


def test_a_change_from_another_site_is_refused_before_anything_else() -> None:
    origin = (("origin", "https://evil.example"),)
    assert ask("/__replayer/status", method="POST", headers=LOCAL + origin).status == 403
    own = (("origin", "http://127.0.0.1:8788"),)
    assert ask("/__replayer/status", method="POST", headers=LOCAL + own).status == 405


def test_beyond_loopback_control_needs_its_token() -> None:
    def status(*fields: tuple[str, str]) -> int:
        return ask("/__replayer/status", headers=LOCAL + fields, host="0.0.0.0", token="the-token").status

    assert status() == 401
    assert status(("authorization", "Bearer another")) == 401
    assert status(("authorization", "Basic the-token")) == 401
    assert status(("authorization", "Bearer the-token")) == 200


@pytest.mark.parametrize(
    ("host", "own"),
    [("127.0.0.1", True), ("127.8.8.8", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("box", False)],
)
def test_loopback_is_told_from_the_world(host: str, own: bool) -> None:
    assert is_loopback(host) is own
