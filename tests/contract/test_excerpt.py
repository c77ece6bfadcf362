from __future__ import annotations

import json
from typing import Any

import pytest

from replayer.cassette.model import Frame, FrameKind, Interaction, Request, Response, Sender
from replayer.contract.excerpt import lines_around, message_of


def around(value: Any, pointer: str) -> list[str]:
    found = lines_around(json.dumps(value).encode(), pointer)
    assert found is not None
    return [f"{'>' if number in found.marked else ' '}{line}" for number, line in enumerate(found.lines)]


def test_the_place_is_marked_and_what_is_beside_the_way_is_folded() -> None:
    value = {"a": {"deep": ["x" * 200]}, "b": [1, {"c": 12, "d": None}]}
    assert around(value, "/b/1/c") == [
        " {",
        '   "a": {…},',
        '   "b": [',
        "     1,",
        "     {",
        '>      "c": 12,',
        '       "d": null',
        "     }",
        "   ]",
        " }",
    ]


def test_an_object_that_lacks_something_is_marked_whole() -> None:
    assert around({"a": {"b": 1}}, "/a") == [" {", '>  "a": {', '>    "b": 1', ">  }", " }"]


def test_an_excerpt_of_a_huge_message_is_short() -> None:
    lines = around([{"n": number} for number in range(10_000)], "/5000/n")
    assert len(lines) < 40
    assert '>    "n": 5000' in lines
    assert lines.count("   …") == 2


def test_what_is_no_json_has_no_excerpt() -> None:
    assert lines_around(b"<html>", "") is None


EVENTS = b'event: a\ndata: {"n":1}\n\ndata: {"n":2}\n\n'
FRAMES = (
    Frame(at=0, sender=Sender.CLIENT, kind=FrameKind.TEXT, text="{}"),
    Frame(at=1, sender=Sender.SERVER, kind=FrameKind.BINARY, data=b"x"),
)


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ("c.yaml#3 request", b"asked"),
        ("c.yaml#3 response", EVENTS),
        ("c.yaml#3 response event 1", b'{"n":2}'),
        ("odd # name#3 frame 0 (client)", b"{}"),
        ("c.yaml#3 frame 1 (server)", None),
        ("c.yaml#3 frame 9 (server)", None),
        ("c.yaml", None),
    ],
)
def test_a_place_names_its_message(where: str, message: bytes | None) -> None:
    request = Request(method="POST", uri="https://a.example/", body=b"asked")
    response = Response(status=200, body=EVENTS, frames=FRAMES)
    assert message_of(Interaction(request=request, response=response), where) == message
