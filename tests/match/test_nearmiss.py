from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

from replayer.cassette.model import Cassette, Interaction, Request, Response
from replayer.match.nearmiss import shorten
from replayer.match.player import Miss, Player, PlayState, Repeat

CHAT = "https://api.openai.com/v1/chat/completions"


def ask(body: Any = None, *, uri: str = CHAT, method: str = "POST") -> Request:
    data = None if body is None else json.dumps(body).encode()
    return Request(method=method, uri=uri, headers=(("content-type", "application/json"),), body=data)


def player(*requests: Request, **options: Any) -> Player:
    took = (Interaction(request=request, response=Response(status=200)) for request in requests)
    return Player([("a.yaml", Cassette(interactions=tuple(took)))], **options)


def miss(player: Player, request: Request, state: PlayState | None = None, **narrow: Any) -> Miss:
    answer = player.answer(request, state=state or PlayState(), entry=99, **narrow)
    assert isinstance(answer, Miss)
    return answer


def test_the_nearest_is_named_with_what_matched_and_what_differed() -> None:
    found = miss(player(ask({"n": 1, "m": "x"}), ask({"n": 1}, uri="https://h/v1/other")), ask({"n": 2, "m": "x"}))
    near = found.nearest[0]
    assert (near.cassette, near.index, near.used_by, near.used_up) == ("a.yaml", 0, None, False)
    assert near.matched == ("method", "host", "path", "query")
    [difference] = near.differed
    assert (difference.matcher, difference.pointer, difference.recorded, difference.asked) == ("body", "/n", "1", "2")


def test_pointers_are_escaped_and_what_is_missing_says_so() -> None:
    [near] = miss(player(ask({"a/b~": [1]})), ask({"a/b~": [1, 2]})).nearest
    [difference] = near.differed
    assert (difference.pointer, difference.recorded, difference.asked) == ("/a~1b~0/1", "(absent)", "2")


def test_fewer_differences_rank_before_more_and_the_same_path_before_all() -> None:
    found = miss(
        player(ask({"a": 1, "b": 1, "c": 0}), ask({"a": 1, "b": 2, "c": 3}), ask({"a": 1, "b": 2}, method="PUT")),
        ask({"a": 1, "b": 2, "c": 4}),
    )
    assert [near.index for near in found.nearest] == [1, 0, 2]


def test_a_used_up_interaction_is_reported_as_used_up_with_the_entry_that_used_it() -> None:
    one, state = player(ask(1), ask(2), repeat=Repeat.NONE), PlayState()
    one.answer(ask(1), state=state, entry=7)
    found = miss(one, ask(1), state)
    assert [(near.index, near.used_by) for near in found.used_up] == [(0, 7)]
    assert found.nearest[0].differed == ()
    assert [near.index for near in found.nearest] == [0, 1]


def test_a_path_nobody_recorded_finds_those_that_end_alike() -> None:
    found = miss(player(ask(1, uri="https://h/v2/models"), ask(1)), ask(1, uri="/v1/chat/chat/completions"))
    assert [near.index for near in found.nearest] == [1]
    assert [difference.matcher for difference in found.nearest[0].differed] == ["path"]


def test_a_demanded_host_is_what_differs() -> None:
    [near] = miss(player(ask(1)), ask(1), host="api.other.com").nearest
    assert [(d.matcher, d.recorded, d.asked) for d in near.differed] == [("host", "api.openai.com", "api.other.com")]


def test_only_the_cassettes_of_the_request_are_named() -> None:
    assert miss(player(ask(1)), ask(2), cassettes=frozenset({"b.yaml"})).nearest == ()


def test_the_right_one_is_found_among_many_of_one_path() -> None:
    many = player(*(ask({"n": n, "text": "x" * n}) for n in range(400)))
    [near, *_] = miss(many, ask({"n": 0, "text": "x" * 300})).nearest
    assert near.index == 300
    assert [difference.pointer for difference in near.differed] == ["/n"]


def test_long_texts_are_shown_from_where_they_part() -> None:
    [near] = miss(player(ask("x" * 500 + "recorded")), ask("x" * 500 + "asked")).nearest
    [difference] = near.differed
    assert difference.recorded.endswith("recorded")
    assert difference.asked.endswith("asked")
    assert max(len(difference.recorded), len(difference.asked)) <= 80


def test_values_are_shortened() -> None:
    assert len(shorten("x" * 1000)) == 80
    assert shorten(b"\xff") == "\\xff"
    assert shorten({"a": 1}) == '{"a":1}'


def test_neither_side_shows_what_redaction_takes_out() -> None:
    def redact(request: Request) -> Request:
        body = (request.body or b"").replace(b"sk-secret", b"[REDACTED]")
        return replace(request, body=body, uri=request.uri.replace("sk-secret", "[REDACTED]"))

    recorded = ask({"n": 1, "old": "sk-secret"}, uri=CHAT + "?key=sk-secret&v=1")
    asked = ask({"n": 2, "new": "sk-secret"}, uri=CHAT + "?key=sk-secret&v=2")
    found = miss(player(recorded, redact=redact), asked)
    assert found.nearest[0].differed
    assert "sk-secret" not in repr(found)


def test_a_difference_in_nothing_but_a_secret_is_told_by_its_place() -> None:
    def redact(request: Request) -> Request:
        return replace(request, body=re.sub(rb"sk-[a-z]+", b"[REDACTED]", request.body or b""))

    [near] = miss(player(ask({"key": "sk-ours"}), redact=redact), ask({"key": "sk-theirs"})).nearest
    [difference] = near.differed
    assert (difference.pointer, difference.recorded, difference.asked) == ("/key", "[REDACTED]", "[REDACTED]")


def test_a_deep_body_is_explained_too_by_value_while_it_can_be_read() -> None:
    for depth, pointer in ((200, "/a" * 200), (900, "")):
        deep = Request(method="POST", uri=CHAT, body=b'{"a":' * depth + b"1" + b"}" * depth)
        [near] = miss(player(deep), replace(deep, body=(deep.body or b"").replace(b"1", b"2"))).nearest
        assert near.differed[0].pointer == pointer


def test_what_is_no_text_can_still_be_told() -> None:
    odd = Request(method="POST", uri=CHAT + "?q=%ff", body=b'{"\\ud800": "\\ud801"}')
    [near] = miss(player(odd), replace(odd, uri=CHAT + "?q=%fe", body=b'{"\\ud800": "\\ud802"}')).nearest
    assert [difference.pointer for difference in near.differed] == ["/q", "/\\ud800"]
    assert repr(near).encode()
    assert all(difference.recorded.encode() for difference in near.differed)
