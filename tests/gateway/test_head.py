"""The head of a request: worked out once for all that are equal, and for no other."""

from __future__ import annotations

from typing import Any

import pytest
from aiohttp.test_utils import make_mocked_request
from multidict import CIMultiDict

from replayer.errors import UsageError
from replayer.gateway.door import FRONT, Door
from replayer.gateway.head import Head, Heads


def raw(target: str = "/v1/models", *fields: tuple[str, str], method: str = "GET") -> Any:
    return make_mocked_request(method, target, headers=CIMultiDict(fields))


def read(target: str = "/v1/models", *fields: tuple[str, str], door: Door = FRONT) -> Head:
    return Heads(str).of(raw(target, *fields), door)


def test_equal_heads_are_one() -> None:
    heads = Heads(str)
    assert heads.of(raw("/a", ("X-A", "1")), FRONT) is heads.of(raw("/a", ("X-A", "1")), FRONT)


@pytest.mark.parametrize(
    "other",
    [
        raw("/b", ("X-A", "1")),
        raw("/a", ("X-A", "2")),
        raw("/a", ("x-a", "1")),
        raw("/a", ("X-A", "1"), ("X-B", "1")),
        raw("/a", ("X-A", "1"), method="POST"),
    ],
    ids=["target", "value", "spelling", "one more", "method"],
)
def test_heads_that_differ_are_two(other: Any) -> None:
    heads = Heads(str)
    first = heads.of(raw("/a", ("X-A", "1")), FRONT)
    second = heads.of(other, FRONT)
    assert first is not second
    assert (second.method, second.target, second.headers) == (
        other.method,
        other.raw_path,
        tuple(other.headers.items()),
    )


def test_a_door_has_a_say() -> None:
    heads = Heads(str)
    front, other = (heads.of(raw(), door) for door in (FRONT, Door(upstream="openai")))
    assert (front.ours.upstream, other.ours.upstream) == (None, "openai")


def test_a_proxy_is_asked_for_the_host_that_a_whole_url_names() -> None:
    head = read("http://api.openai.com/v1/models?a=1", door=Door(proxied=True, host="elsewhere"))
    assert (head.target, head.ours.host) == ("/v1/models?a=1", "api.openai.com")


def test_a_session_is_taken_off_the_target_and_a_header_goes_before_it() -> None:
    assert (read("/__replayer/s/a/v1/models").session, read("/__replayer/s/a/v1/models").target) == ("a", "/v1/models")
    assert read("/__replayer/s/a/v1/models", ("Replayer-Session", "b")).session == "b"


def test_control_is_told_apart() -> None:
    assert read("/__replayer/journal").control
    assert not read("/__replayer/s/a/v1/models").control
    assert read("/__replayer/s/a/__replayer/journal").control


def test_what_cannot_be_understood_is_refused_each_time() -> None:
    heads = Heads(str)
    for _ in range(2):
        with pytest.raises(UsageError, match="Replayer-Sesion"):
            heads.of(raw("/a", ("Replayer-Sesion", "a")), FRONT)


def test_what_is_shown_has_no_secret() -> None:
    heads = Heads(lambda target: target.replace("hush", "[REDACTED]"))
    assert heads.of(raw("/a?key=hush"), FRONT).shown == "/a?key=[REDACTED]"
    assert heads.unread(raw("/a?key=hush")).shown == "/a?key=[REDACTED]"


def test_they_are_bounded_and_make_room_for_others_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("replayer.gateway.head._KEPT", 3)
    monkeypatch.setattr("replayer.gateway.head._PASSED", 5)
    heads = Heads(str)
    first = heads.of(raw("/0"), FRONT)
    for number in range(1, 9):
        assert heads.of(raw("/0"), FRONT) is first
        heads.of(raw(f"/{number}"), FRONT)
        assert len(heads._kept) <= 3
    assert heads.of(raw("/0"), FRONT) is not first
    again = heads.of(raw("/9"), FRONT)
    assert heads.of(raw("/9"), FRONT) is again


def test_a_long_head_is_not_kept() -> None:
    heads = Heads(str)
    heads.of(raw("/a", ("X-A", "1" * 10_000)), FRONT)
    assert not heads._kept


@pytest.mark.parametrize("fields", [(("X-A", "1"), ("Content-Length", "7")), (("content-length", "8"), ("X-A", "1"))])
def test_how_long_a_body_is_makes_no_other_head(fields: tuple[tuple[str, str], ...]) -> None:
    heads = Heads(str)
    first = heads.of(raw("/a", ("X-A", "1"), ("Content-Length", "5")), FRONT)
    assert first.headers == (("X-A", "1"),)
    assert heads.of(raw("/a", *fields), FRONT) is first


def test_where_somebody_matches_by_it_it_does() -> None:
    heads = Heads(str, lengths=True)
    short, long = (heads.of(raw("/a", ("Content-Length", size)), FRONT) for size in ("5", "6"))
    assert (short.headers, long.headers) == ((("Content-Length", "5"),), (("Content-Length", "6"),))
