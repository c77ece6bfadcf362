"""vcrpy itself and our player give the same answers in the same order, on the same cassettes, under vcrpy's rules.

Its rules: method, scheme, host, port, path, query and body, and each answer once. Both are asked everything that a
cassette holds, twice over and in several orders; where one of them has no answer, the other has none.
"""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
from vcr.cassette import Cassette as Theirs  # type: ignore[import-untyped]  # it ships no types
from vcr.errors import UnhandledHTTPRequestError  # type: ignore[import-untyped]  # it ships no types
from vcr.matchers import body, host, method, path, port, query, scheme  # type: ignore[import-untyped]  # no types
from vcr.persisters.filesystem import FilesystemPersister  # type: ignore[import-untyped]  # it ships no types
from vcr.record_mode import RecordMode  # type: ignore[import-untyped]  # it ships no types
from vcr.request import Request as TheirRequest  # type: ignore[import-untyped]  # it ships no types
from vcr.serializers import jsonserializer, yamlserializer  # type: ignore[import-untyped]  # it ships no types

from replayer.cassette.content import undo
from replayer.cassette.model import Request
from replayer.cassette.store import read
from replayer.match.player import Hit, Player, PlayState, Repeat
from tests import needs
from tests.needs import BEFORE_VCRPY, CORPUS, FILES

ORDERS = 3

Answer = tuple[int, bytes] | None

REPEATED = """
interactions:
- request: {method: GET, uri: 'https://a.test/x?b=2&a=1', headers: {}, body: null}
  response: {status: {code: 200, message: OK}, headers: {}, body: {string: first}}
- request: {method: POST, uri: 'https://a.test/x', headers: {content-type: [application/json]}, body: '{"a":1,"b":2}'}
  response: {status: {code: 200, message: OK}, headers: {}, body: {string: one}}
- request: {method: GET, uri: 'https://a.test/x?a=1&b=2', headers: {}, body: null}
  response: {status: {code: 429, message: OK}, headers: {}, body: {string: second}}
- request: {method: POST, uri: 'https://a.test/x', headers: {content-type: [application/json]}, body: '{"b":2, "a":1}'}
  response: {status: {code: 200, message: OK}, headers: {}, body: {string: two}}
- request: {method: GET, uri: 'https://b.test/x?a=1&b=2', headers: {}, body: null}
  response: {status: {code: 200, message: OK}, headers: {}, body: {string: other host}}
"""


class Vcrpy:
    """vcrpy's own cassette, asked without its patches."""

    def __init__(self, file: Path) -> None:
        self.cassette = Theirs.load(
            path=str(file),
            serializer=jsonserializer if file.suffix == ".json" else yamlserializer,
            persister=FilesystemPersister,
            record_mode=RecordMode.NONE,
            match_on=(method, scheme, host, port, path, query, body),
        )

    def answer(self, request: Request) -> Answer:
        headers: dict[str, Any] = dict(request.headers)
        try:
            found = self.cassette.play_response(TheirRequest(request.method, request.uri, request.body, headers))
        except UnhandledHTTPRequestError:
            return None
        return found["status"]["code"], undo(found["body"]["string"] or b"", "gzip").body


class Ours:
    """The player, under the same rules: each answer once, of the host that was asked."""

    def __init__(self, file: Path) -> None:
        self.player = Player([(file.name, read(file))], repeat=Repeat.NONE)
        self.state = PlayState()

    def answer(self, request: Request) -> Answer:
        found = self.player.answer(request, state=self.state, entry=1, host=request.uri)
        return (found.interaction.response.status, found.interaction.response.body) if isinstance(found, Hit) else None


def compare(file: Path) -> int:
    """Ask both everything twice over, in several orders; how many answers there were."""
    requests = [one.request for one in read(file).interactions] * 2
    chance = random.Random(file.name)
    answered = 0
    for _ in range(ORDERS):
        theirs, ours = Vcrpy(file), Ours(file)
        for request in requests:
            answer = theirs.answer(request)
            assert ours.answer(request) == answer, (file, request.method, request.uri)
            answered += answer is not None
        chance.shuffle(requests)
    return answered


@needs.corpus
@pytest.mark.parametrize("folder", sorted({path.relative_to(CORPUS).parts[0] for path in FILES}))
def test_the_player_answers_the_corpus_as_vcrpy_does(folder: str) -> None:
    files = [file for file in FILES if file.is_relative_to(CORPUS / folder) and file.name not in BEFORE_VCRPY]
    for file in files:
        assert compare(file) >= ORDERS * len(read(file).interactions), file


def test_equal_requests_play_in_the_same_order_as_under_vcrpy(tmp_path: Path) -> None:
    file = tmp_path / "repeated.yaml"
    file.write_text(REPEATED, encoding="utf-8")
    assert compare(file) == ORDERS * 5
