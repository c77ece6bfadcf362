"""The index against the slow and obvious way: every recorded interaction, in order, by the matchers."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import urlencode

import orjson
from hypothesis import given
from hypothesis import strategies as st

from replayer.cassette.model import Cassette, Interaction, Request, Response
from replayer.match.matchers import compare
from replayer.match.normalize import normalize
from replayer.match.player import Hit, Miss, Player, PlayState, Repeat
from replayer.match.rules import Rules

ANSWER = Response(status=200)
HIDDEN = "[REDACTED]"
words = st.sampled_from(["a", "b", "Bearer a", "Bearer b"])
recorded_words = words | st.sampled_from([HIDDEN, f"Bearer {HIDDEN}"])


def requests(values: st.SearchStrategy[str]) -> st.SearchStrategy[Request]:
    """Few different ones, so that many meet."""
    return st.builds(
        lambda path, key, body: Request(
            method="POST",
            uri=f"https://h{path}?{urlencode({'k': key})}",
            headers=(("content-type", "application/json"),),
            body=orjson.dumps(body),
        ),
        path=st.sampled_from(["/p", "//p"]),
        key=st.sampled_from(["a", HIDDEN]) if values is recorded_words else st.just("a"),
        body=values | st.fixed_dictionaries({"x": values}),
    )


class Slow:
    """One session, played by scanning."""

    def __init__(self, recorded: list[Request], repeat: Repeat) -> None:
        self.recorded = [normalize(request, Rules())._replace(host="") for request in recorded]
        self.repeat = repeat
        self.played: list[int] = []

    def fitting(self, request: Request) -> list[int]:
        asked = normalize(request, Rules())._replace(host="")
        return [n for n, recorded in enumerate(self.recorded) if not compare(recorded, asked).differed]

    def answer(self, request: Request) -> int | None:
        fitting = self.fitting(request)
        left = [n for n in fitting if n not in self.played]
        if left:
            self.played.append(left[0])
            return left[0]
        return fitting[-1] if fitting and self.repeat is Repeat.LAST else None


@given(
    st.lists(requests(recorded_words), max_size=8),
    st.lists(requests(words), max_size=12),
    st.sampled_from([Repeat.LAST, Repeat.NONE]),
)
def test_the_index_plays_what_a_scan_by_the_matchers_would(
    recorded: list[Request], asked: list[Request], repeat: Repeat
) -> None:
    took = tuple(Interaction(request=request, response=Response(status=200)) for request in recorded)
    fast, slow = Player([("a", Cassette(interactions=took))], repeat=repeat), Slow(recorded, repeat)
    state = PlayState()
    for entry, request in enumerate([*asked, *recorded, *asked]):
        answer = fast.answer(request, state=state, entry=entry)
        assert (answer.number if isinstance(answer, Hit) else None) == slow.answer(request)
        if isinstance(answer, Miss):
            assert [near.index for near in answer.used_up] == slow.fitting(request)[-5:]
            assert all(near.differed or near.used_up for near in answer.nearest)


@given(
    st.lists(st.tuples(requests(recorded_words), st.sampled_from(["h", "i"]), st.sampled_from("ab")), max_size=8),
    st.lists(requests(words), min_size=1, max_size=4),
    st.sampled_from([None, "h", "i"]),
    st.sampled_from([None, frozenset("a"), frozenset("b")]),
)
def test_what_was_learned_is_played_as_what_was_there_from_the_start(
    recorded: list[tuple[Request, str, str]], asked: list[Request], host: str | None, names: frozenset[str] | None
) -> None:
    took = [
        (name, Interaction(request=replace(request, uri=request.uri.replace("//h", f"//{at}", 1)), response=ANSWER))
        for request, at, name in sorted(recorded, key=lambda one: one[2])  # cassette by cassette, as they are played
    ]
    grown = Player([], repeat=Repeat.NONE)
    for name, interaction in took:
        grown.learn(name, interaction)
        for request in asked:  # parts of rows are made while they grow
            grown.answer(request, state=PlayState(), entry=0, host=host, cassettes=names)
    built = Player(
        [(name, Cassette(interactions=tuple(one for other, one in took if other == name))) for name in "ab"],
        repeat=Repeat.NONE,
    )
    one, other = PlayState(), PlayState()
    for entry, request in enumerate([*asked, *asked, *asked]):
        answers = [
            player.answer(request, state=state, entry=entry, host=host, cassettes=names)
            for player, state in ((grown, one), (built, other))
        ]
        played = [(found.cassette, found.number) if isinstance(found, Hit) else None for found in answers]
        assert played[0] == played[1]
