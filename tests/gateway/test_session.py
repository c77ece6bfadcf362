"""Sessions: their names, and the base URL that carries one."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from replayer.errors import UsageError
from replayer.gateway.session import Sessions, split_session


@pytest.mark.parametrize(
    ("target", "split"),
    [
        ("/v1/models", (None, "/v1/models")),
        ("/__replayer/s/a/v1/models?x=1", ("a", "/v1/models?x=1")),
        ("/__replayer/s/tests%2Fa.py%3A%3Atest_x%5B1%5D/v1", ("tests/a.py::test_x[1]", "/v1")),
        ("/__replayer/s/a", ("a", "/")),
        ("/__replayer/s/a?x=1", ("a", "/?x=1")),
        ("/__replayer/s/a/__replayer/journal", ("a", "/__replayer/journal")),
        ("/__replayer/status", (None, "/__replayer/status")),
    ],
)
def test_a_base_url_carries_a_session(target: str, split: tuple[str | None, str]) -> None:
    assert split_session(target) == split


@pytest.mark.parametrize("target", ["/__replayer/s/", "/__replayer/s//v1"])
def test_a_base_url_without_a_name_is_refused(target: str) -> None:
    with pytest.raises(UsageError, match="needs the name of a session"):
        split_session(target)


class Still:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.at = 0.0

    def now(self) -> datetime:
        return datetime(2026, 11, 20, tzinfo=UTC)

    def ms(self) -> float:
        return self.at


def test_a_session_that_nobody_names_for_an_hour_is_let_go_and_still_counts() -> None:
    clock = Still()
    sessions = Sessions(clock)
    idle, busy = sessions.get("idle"), sessions.get("busy")
    idle.requests, busy.under_way = 3, 1
    idle.play.note(7, entry=1)
    clock.at = 3_600_001.0
    sessions.get("new")
    assert [session.name for session in sessions] == ["default", "busy", "new"]
    assert sessions.requests == 3
    assert sessions.played == {7}


def test_a_session_that_is_named_within_the_hour_stays() -> None:
    clock = Still()
    sessions = Sessions(clock)
    kept = sessions.get("kept")
    clock.at = 3_000_000.0
    sessions.get("kept")
    clock.at = 6_000_000.0
    sessions.sweep()
    assert sessions.find("kept") is kept


def test_a_session_is_not_idle_while_a_connection_of_it_is_open_nor_for_an_hour_after() -> None:
    clock = Still()
    sessions = Sessions(clock)
    session = sessions.get("connected")
    session.under_way += 1
    clock.at = 10_000_000.0
    sessions.sweep()
    session.under_way -= 1
    sessions.left(session)
    clock.at += 3_600_000.0
    sessions.sweep()
    assert sessions.find("connected") is session
    clock.at += 1
    sessions.sweep()
    assert sessions.find("connected") is None


def test_what_was_played_is_carried_to_another_player_where_it_is_the_same() -> None:
    sessions = Sessions(Still())
    session = sessions.get("a")
    session.play.note(0, entry=1)
    session.play.note(1, entry=2)
    sessions.carry({1: 5})
    assert session.play.used_by == {5: 2}
    assert sessions.played == {5}


def test_a_session_is_made_when_it_is_named_and_then_kept() -> None:
    sessions = Sessions(Still())
    assert sessions.get("a") is sessions.get("a")
    assert sessions.get(None) is sessions.get("default")
    assert [session.name for session in sessions] == ["default", "a"]


@pytest.mark.parametrize("name", ["a\nb", "\x00", "x" * 257])
def test_a_name_that_nobody_could_read_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="printable"):
        Sessions(Still()).get(name)
