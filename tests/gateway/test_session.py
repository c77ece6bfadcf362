"""Sessions: their names, and the base URL that carries one."""

from __future__ import annotations

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


def test_a_session_is_made_when_it_is_named_and_then_kept() -> None:
    sessions = Sessions()
    assert sessions.get("a") is sessions.get("a")
    assert sessions.get(None) is sessions.get("default")
    assert [session.name for session in sessions] == ["default", "a"]


@pytest.mark.parametrize("name", ["a\nb", "\x00", "x" * 257])
def test_a_name_that_nobody_could_read_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="printable"):
        Sessions().get(name)
