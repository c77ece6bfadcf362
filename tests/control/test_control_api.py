"""Control: what it shows, whom it answers, and how it refuses."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from replayer.cassette.model import Headers, Request, Response
from replayer.control.api import Control
from replayer.control.guard import Guard, is_loopback
from replayer.errors import CassetteError, UsageError
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

    def cassettes(self) -> Sequence[Mapping[str, Any]]:
        return [{"name": "a.yaml", "interactions": 2}]

    def interactions(self, *, session: str | None, cassette: str | None) -> Iterable[Mapping[str, Any]]:
        if cassette not in (None, "a.yaml"):
            raise UsageError(f"no cassette {cassette!r} is loaded")
        yield {"name": "a.yaml#0", "played": 1, "of": session}
        yield {"name": "a.yaml#1", "played": 0, "of": session}

    def sessions(self) -> Iterable[Mapping[str, Any]]:
        return [{"name": "default"}]

    def create(self, name: str, cassettes: Sequence[str] | None) -> Mapping[str, Any]:
        return {"name": name, "cassettes": cassettes}

    def end(self, name: str) -> None:
        if name != "mine":
            raise UsageError(f"there is no session {name!r}")

    def reset(self, name: str | None) -> int:
        return 2 if name is None else 1

    async def reload(self) -> Mapping[str, Any]:
        raise CassetteError("a.yaml, line 3: not YAML")

    def shut_down(self) -> None:
        return None

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
    body: bytes | None = None,
) -> Response:
    control = Control(Standing(), Guard(host=host, token=token))
    request = Request(method=method, uri=uri, headers=headers, body=body)
    return asyncio.run(control.answer(request, session=session))


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


def test_interactions_are_filtered_by_session_cassette_and_whether_they_were_played() -> None:
    assert told(ask("/__replayer/interactions"))["total"] == 2
    played = told(ask("/__replayer/interactions?played=true&session=one"))["interactions"]
    assert played == [{"name": "a.yaml#0", "played": 1, "of": "one"}]
    assert told(ask("/__replayer/interactions?played=false"))["interactions"][0]["name"] == "a.yaml#1"
    assert ask("/__replayer/interactions?played=perhaps").status == 400
    assert ask("/__replayer/interactions?cassette=b.yaml").status == 409


def test_misses_are_the_journals() -> None:
    assert ids(ask("/__replayer/misses")) == [2]
    assert ids(ask("/__replayer/misses?session=default")) == []


def test_a_session_is_made_with_its_cassettes_and_ended() -> None:
    body = orjson.dumps({"name": "mine", "cassettes": ["a.yaml"]})
    made = told(ask("/__replayer/sessions", method="POST", body=body))
    assert made["session"] == {"name": "mine", "cassettes": ["a.yaml"]}
    assert told(ask("/__replayer/sessions/mine", method="DELETE")) == {"ended": "mine"}
    assert ask("/__replayer/sessions/theirs", method="DELETE").status == 409


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"name": 1}', b'{"name": "a", "cassettes": []}', b'{"nam": 1}'])
def test_a_session_that_is_not_described_is_refused(body: bytes) -> None:
    assert ask("/__replayer/sessions", method="POST", body=body).status == 400


def test_reset_is_for_all_sessions_or_for_one() -> None:
    assert told(ask("/__replayer/reset", method="POST")) == {"reset": 2}
    assert told(ask("/__replayer/reset?session=one", method="POST")) == {"reset": 1}
    assert told(ask("/__replayer/reset", method="POST", session="one")) == {"reset": 1}
    assert ask("/__replayer/reset").status == 405


def test_a_reload_that_fails_says_why_and_that_nothing_has_changed() -> None:
    answer = ask("/__replayer/cassettes", method="POST")
    assert answer.status == 409
    assert "line 3" in told(answer)["detail"]
    assert "nothing has changed" in told(answer)["title"]
