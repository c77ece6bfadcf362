"""The short way for a request that is spelled as it was recorded: the same row as the long way."""

from __future__ import annotations

import pytest

from replayer.cassette.model import Cassette, Interaction, Request, Response
from replayer.match.player import Hit, Miss, Player, PlayState
from replayer.match.verbatim import spelling

JSON = (("content-type", "application/json"),)


def recorded(uri: str = "https://h/v1/x?a=1", body: bytes = b'{"a":1}', answer: bytes = b"") -> Interaction:
    request = Request(method="POST", uri=uri, headers=JSON, body=body)
    return Interaction(request=request, response=Response(status=200, body=answer))


def asked(target: str = "/v1/x?a=1", body: bytes = b'{"a":1}') -> Request:
    return Request(method="POST", uri=target, headers=(("Content-Type", "application/json"), ("Host", "h")), body=body)


def test_a_recorded_request_and_its_repetition_are_spelled_alike() -> None:
    assert spelling(recorded().request) == spelling(asked())


@pytest.mark.parametrize("uri", ["https://h", "https://h/", "http://h:80/"])
def test_a_root_is_spelled_as_a_root(uri: str) -> None:
    assert spelling(recorded(uri).request).target == "/"


def test_a_query_without_a_path_is_not_taken_for_none() -> None:
    assert spelling(recorded("https://h?a=1").request).target != "/"


def test_one_row_answers_both_spellings_in_their_order() -> None:
    player = Player(
        [("a", Cassette(interactions=(recorded(answer=b"1"), recorded(body=b'{ "a": 1.0 }', answer=b"2"))))]
    )
    state = PlayState()
    found = [player.answer(asked(body=body), state=state, entry=1) for body in (b'{ "a": 1.0 }', b'{"a":1}')]
    assert [hit.interaction.response.body for hit in found if isinstance(hit, Hit)] == [b"1", b"2"]


def test_what_was_not_recorded_is_missed_again_and_again() -> None:
    player = Player([("a", Cassette(interactions=(recorded(),)))])
    for _ in range(2):
        assert isinstance(player.answer(asked(body=b'{"a":2}'), state=PlayState(), entry=1), Miss)
