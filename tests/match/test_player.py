from __future__ import annotations

import json
from typing import Any

from replayer.cassette.model import Cassette, Frame, FrameKind, Interaction, Request, Response, Sender
from replayer.match.player import Hit, Miss, Player, PlayState, Repeat
from replayer.match.rules import Rules

CHAT = "https://api.openai.com/v1/chat/completions"


def ask(body: Any = None, *, uri: str = CHAT, method: str = "POST", **headers: str) -> Request:
    fields = [("Content-Type", "application/json")] + [(n.replace("_", "-"), v) for n, v in headers.items()]
    data = None if body is None else json.dumps(body).encode()
    return Request(method=method, uri=uri, headers=tuple(fields), body=data)


def took(request: Request, answer: str, *, at: float | None = None) -> Interaction:
    return Interaction(request=request, response=Response(status=200, body=answer.encode(), at=at))


def player(*interactions: Interaction, **options: Any) -> Player:
    return Player([("a.yaml", Cassette(interactions=interactions))], **options)


def said(answer: Hit | Miss) -> str | None:
    return answer.interaction.response.body.decode() if isinstance(answer, Hit) else None


def play(player: Player, *requests: Request, state: PlayState | None = None, **narrow: Any) -> list[str | None]:
    state = state or PlayState()
    return [said(player.answer(request, state=state, entry=n, **narrow)) for n, request in enumerate(requests, 1)]


def test_equal_requests_play_in_the_order_in_which_they_were_asked() -> None:
    answers = player(took(ask(1), "late", at=9.0), took(ask(1), "early", at=2.0), took(ask(2), "other", at=1.0))
    assert play(answers, ask(1), ask(2), ask(1)) == ["early", "other", "late"]


def test_without_times_the_order_of_the_file_counts() -> None:
    assert play(player(took(ask(1), "one"), took(ask(1), "two")), ask(1), ask(1)) == ["one", "two"]


def test_repeat_says_what_comes_after_the_last() -> None:
    asked = [ask(1)] * 5
    recorded = (took(ask(1), "one"), took(ask(1), "two"))
    assert play(player(*recorded, repeat=Repeat.LAST), *asked) == ["one", "two", "two", "two", "two"]
    assert play(player(*recorded, repeat=Repeat.NONE), *asked) == ["one", "two", None, None, None]
    assert play(player(*recorded, repeat=Repeat.CYCLE), *asked) == ["one", "two", "one", "two", "one"]


def test_a_hit_says_how_often_it_was_played() -> None:
    state, one = PlayState(), player(took(ask(1), "one"))
    hits = [one.answer(ask(1), state=state, entry=n) for n in range(3)]
    assert [hit.played for hit in hits if isinstance(hit, Hit)] == [1, 2, 3]


def test_sessions_do_not_see_each_other() -> None:
    answers = player(took(ask(1), "one"), took(ask(1), "two"))
    assert [play(answers, ask(1)), play(answers, ask(1), ask(1))] == [["one"], ["one", "two"]]


def test_a_request_narrowed_to_a_cassette_has_its_own_position() -> None:
    answers = Player(
        [
            ("a.yaml", Cassette(interactions=(took(ask(1), "a1"), took(ask(1), "a2")))),
            ("b.yaml", Cassette(interactions=(took(ask(1), "b1"),))),
        ],
        repeat=Repeat.NONE,
    )
    state = PlayState()
    assert play(answers, ask(1), state=state, cassettes=frozenset({"b.yaml"})) == ["b1"]
    assert play(answers, ask(1), state=state, cassettes=frozenset({"a.yaml"})) == ["a1"]
    assert play(answers, ask(1), ask(1), state=state) == ["a2", None]


def test_a_host_is_a_demand_and_without_one_any_host_answers() -> None:
    answers = player(took(ask(1), "openai"), took(ask(1, uri=CHAT.replace("openai", "other")), "other"))
    assert play(answers, ask(1, uri="http://127.0.0.1:1/v1/chat/completions")) == ["openai"]
    assert play(answers, ask(1), host="api.other.com:443") == ["other"]
    assert play(answers, ask(1), host="https://api.other.com/v1") == ["other"]
    assert play(answers, ask(1), host="nowhere.example") == [None]


def test_the_providers_own_headers_choose_among_several_hosts() -> None:
    hosts = ("generativelanguage.googleapis.com", "api.anthropic.com", "api.openai.com")
    answers = player(*(took(ask(uri=f"https://{host}/v1/models", method="GET"), host) for host in hosts))
    asked = "http://127.0.0.1:1/v1/models"
    assert play(answers, ask(uri=asked, method="GET", anthropic_version="1")) == ["api.anthropic.com"]
    assert play(answers, ask(uri=asked, method="GET", authorization="Bearer x")) == ["api.openai.com"]
    assert play(answers, ask(uri=asked, method="GET", x_goog_api_key="x")) == [hosts[0]]
    assert play(answers, ask(uri=asked, method="GET")) == [hosts[0]]


def test_a_gemini_key_in_the_query_matches_the_placeholder() -> None:
    recorded = took(ask(1, uri="https://g.example/v1/m:generateContent?key=%5BREDACTED%5D&alt=sse"), "ok")
    answers = player(recorded, repeat=Repeat.LAST)
    assert play(answers, ask(1, uri="/v1/m:generateContent?alt=sse&key=secret")) == ["ok"]
    assert play(answers, ask(1, uri="/v1/m%3AgenerateContent?alt=sse&key=")) == ["ok"]
    assert play(answers, ask(1, uri="/v1/m:generateContent?alt=sse")) == [None]
    assert play(answers, ask(2, uri="/v1/m:generateContent?alt=sse&key=secret")) == [None]


def test_a_placeholder_in_a_body_matches_anything_at_its_place_and_nothing_else() -> None:
    answers = player(took(ask({"user": "[REDACTED]", "tools": [{"auth": "Bearer [REDACTED] end"}]}), "ok"))
    assert play(answers, ask({"user": 7, "tools": [{"auth": "Bearer xyz end"}]})) == ["ok"]
    assert play(answers, ask({"user": {"a": []}, "tools": [{"auth": "Bearer  end"}]})) == ["ok"]
    assert play(answers, ask({"user": 7, "tools": [{"auth": "Basic xyz end"}]})) == [None]
    assert play(answers, ask({"user": 7, "tools": [{"auth": 3}]})) == [None]
    assert play(answers, ask({"user": 7, "tools": []})) == [None]
    assert play(answers, ask({"user": 7, "tools": "x"})) == [None]
    assert play(answers, ask([1])) == [None]


def test_a_placeholder_in_a_path_a_form_or_plain_bytes_matches_too() -> None:
    form = (("content-type", "application/x-www-form-urlencoded"),)
    answers = player(
        took(ask(uri="https://h/bot[REDACTED]/send"), "path"),
        took(Request(method="POST", uri="https://h/form", headers=form, body=b"a=1&token=[REDACTED]"), "form"),
        took(Request(method="POST", uri="https://h/text", body=b"say [REDACTED]!"), "text"),
    )
    assert play(answers, ask(uri="/bot123:abc/send"), ask(uri="/but123/send")) == ["path", None]
    asked = Request(method="POST", uri="/form", headers=form, body=b"token=x&a=1")
    assert play(answers, asked, Request(method="POST", uri="/form", headers=form, body=b"token=x&a=2")) == [
        "form",
        None,
    ]
    assert play(answers, Request(method="POST", uri="/text", body=b"say hey!")) == ["text"]
    assert play(answers, Request(method="POST", uri="/text", body=b"say hey")) == [None]


def test_an_exact_recording_and_one_with_a_placeholder_play_in_their_order() -> None:
    answers = player(
        took(ask({"k": "[REDACTED]"}), "any 1", at=1),
        took(ask({"k": "x"}), "x", at=2),
        took(ask({"k": "[REDACTED]"}), "any 2", at=3),
        repeat=Repeat.NONE,
    )
    assert play(answers, *[ask({"k": "x"})] * 4) == ["any 1", "x", "any 2", None]
    assert play(answers, ask({"k": "y"}), ask({"k": "x"}), ask({"k": "y"})) == ["any 1", "x", "any 2"]


def test_a_websocket_and_a_plain_get_are_not_each_others_answer() -> None:
    frame = Frame(at=1, sender=Sender.SERVER, kind=FrameKind.TEXT, text="x")
    socket = Interaction(
        request=Request(method="GET", uri="https://h/ws"), response=Response(status=101, frames=(frame,))
    )
    answers = player(socket, took(Request(method="GET", uri="https://h/ws"), "plain"))
    assert play(answers, Request(method="GET", uri="http://127.0.0.1/ws")) == ["plain"]
    hit = answers.answer(Request(method="GET", uri="ws://127.0.0.1//ws"), state=PlayState(), entry=1)
    assert isinstance(hit, Hit)
    assert hit.interaction is socket


def test_rules_of_a_route_stand_in_for_the_players_own() -> None:
    answers = player(took(ask({"a": 1, "metadata": 1}), "ok"))
    assert play(answers, ask({"a": 1, "metadata": 2})) == [None]
    assert play(answers, ask({"a": 1, "metadata": 2}), rules=Rules.of(ignore=["$.metadata"])) == ["ok"]


def test_what_was_never_played_is_known() -> None:
    answers, state = player(took(ask(1), "one"), took(ask(2), "two")), PlayState()
    play(answers, ask(2), state=state)
    assert [(name, index) for name, index, _ in answers.unplayed(state)] == [("a.yaml", 0)]
    assert [index for _, index, _ in answers.interactions()] == [0, 1]


def test_a_body_too_large_to_remember_is_found_too() -> None:
    assert play(player(took(ask("x" * 20_000), "big")), ask("x" * 20_000)) == ["big"]


def test_a_player_without_interactions_misses() -> None:
    miss = player().answer(ask(1), state=PlayState(), entry=1)
    assert isinstance(miss, Miss)
    assert miss.nearest == ()


def test_what_comes_nearest_is_looked_for_once_and_only_where_it_is_asked_for() -> None:
    shown: list[object] = []

    def show(value: object) -> str:
        shown.append(value)
        return str(value)

    answer = player(took(ask(1), "one"), show=show).answer(ask(2), state=PlayState(), entry=1)
    assert isinstance(answer, Miss)
    assert not shown
    assert [near.index for near in answer.nearest] == [0]
    looked = len(shown)
    assert looked
    assert answer.nearest is answer.nearest
    assert len(shown) == looked
