"""Which recorded request is another one recorded again."""

from __future__ import annotations

import pytest

from replayer.cassette.model import Interaction, Omitted, Request, Response
from replayer.match.again import again

JSON = (("content-type", "application/json"),)


def asked(uri: str = "https://a.example/x?b=1&a=2", method: str = "POST", **more: object) -> bytes:
    request = Request(method=method, uri=uri, **{"headers": JSON, "body": b'{"n": 1}', **more})  # type: ignore[arg-type]
    return again(Interaction(request=request, response=Response(status=200)))


@pytest.mark.parametrize(
    ("uri", "body"),
    [("https://a.example/x?a=2&b=1", b'{"n":1.0}'), ("https://A.example:443//x?b=1&a=2", b'{ "n" : 1 }')],
)
def test_another_spelling_is_the_same_request(uri: str, body: bytes) -> None:
    assert asked(uri, body=body) == asked()


@pytest.mark.parametrize(
    "other",
    [
        asked("https://b.example/x?b=1&a=2"),
        asked("https://a.example/x?b=1"),
        asked("https://a.example/y?b=1&a=2"),
        asked(method="PUT"),
        asked(body=b'{"n": 2}'),
        asked(body=None),
    ],
)
def test_another_request_is_not(other: bytes) -> None:
    assert other != asked()


def test_bodies_that_were_not_stored_are_told_apart_by_their_hash() -> None:
    one, two = (Omitted(bytes=9, sha256=digest) for digest in ("1", "2"))
    assert asked(body=None, omitted=one) == asked(body=None, omitted=one)
    assert asked(body=None, omitted=one) != asked(body=None, omitted=two)
