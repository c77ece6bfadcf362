"""Leaks are found in any cassette, also hidden ones, and are gone after cleaning; a report never shows them."""

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from replayer.cassette.model import (
    Chunk,
    Frame,
    FrameKind,
    Headers,
    Interaction,
    Metadata,
    Origin,
    Request,
    Response,
    Sender,
)
from replayer.redact.interactions import redacted, redacted_metadata
from replayer.redact.redactor import Redactor
from replayer.redact.rules import DEFAULT
from replayer.redact.scan import Certainty, scan
from replayer.redact.tally import Tally

VALUE = "correct-horse/battery"
TOKEN = "sk-proj-abcdefghijklmnop1234"
REDACTOR = Redactor(DEFAULT, [VALUE])
JSON: Headers = (("content-type", "application/json"),)


def interaction(
    *,
    uri: str = "https://h/p",
    headers: Headers = JSON,
    sent: bytes = b"",
    received: bytes = b"",
    said: tuple[str, ...] = (),
) -> Interaction:
    frames = tuple(Frame(at=n, sender=Sender.SERVER, kind=FrameKind.TEXT, text=text) for n, text in enumerate(said))
    return Interaction(
        request=Request(method="POST", uri=uri, headers=headers, body=sent),
        response=Response(status=200, headers=headers, body=received, frames=frames or None),
    )


LEAKS = [
    (interaction(uri="https://me:pw@h/p"), "request.uri"),
    (interaction(uri="https://h/p?key=abcdef"), "request.uri?key"),
    (interaction(uri=f"https://h/{TOKEN}"), "request.uri"),
    (interaction(headers=(("Authorization", "Bearer abcdef"),)), "request.headers.authorization"),
    (interaction(headers=(("x-note", f"{VALUE} it is"),)), "request.headers.x-note"),
    (interaction(headers=(("set-cookie", "sid=abcdef; Path=/"),)), "response.headers.set-cookie"),
    (interaction(sent=b'{"a": [{"api_key": "abcdef"}]}'), "request.body/a/0/api_key"),
    (interaction(received=json.dumps({"t": f"say {TOKEN}"}).encode()), "response.body/t"),
    (interaction(received=b'{"t": "\\u0073k-proj-abcdefghijklmnop1234"}'), "response.body"),
    (interaction(received=b'{"t": "' + base64.b64encode(f"key: {TOKEN}".encode()) + b'"}'), "response.body"),
    (interaction(received=b'{"t": "q=sk%2Dproj%2Dabcdefghijklmnop1234"}'), "response.body"),
    (interaction(said=("hello", f'{{"text": "{TOKEN}"}}')), "response.frames[1]"),
    (interaction(said=(f"it is {TOKEN[:9]}", f"{TOKEN[9:]} there")), "response.frames[0]"),
]


@pytest.mark.parametrize(("leaky", "place"), LEAKS, ids=[place for _, place in LEAKS])
def test_a_leak_is_found_where_it_stands_and_cleaning_takes_it_out(leaky: Interaction, place: str) -> None:
    leaks = scan(leaky, REDACTOR)
    assert place in [leak.place for leak in leaks]
    assert all(leak.certainty is Certainty.SECRET for leak in leaks)
    assert TOKEN not in str(leaks)
    assert VALUE not in str(leaks)
    clean = redacted(leaky, REDACTOR)
    assert clean != leaky
    assert scan(clean, REDACTOR) == []
    assert redacted(clean, REDACTOR) == clean


@pytest.mark.parametrize("mask", ["[REDACTED]", "FILTERED", "<API_KEY>", "***", "dummy-key", "Bearer XXXXXXXX"])
def test_the_mask_of_another_tool_is_no_secret(mask: str) -> None:
    masked = interaction(headers=(("authorization", mask),), sent=json.dumps({"api_key": mask}).encode())
    assert scan(masked, REDACTOR) == []


def test_a_random_value_under_a_telling_name_is_a_suspicion() -> None:
    (leak,) = scan(interaction(received=b'{"sessionSecret": "q8Zr4TnX0vLk2Wc9Yb7Mh5"}'), REDACTOR)
    assert (leak.place, leak.certainty) == ("response.body/sessionSecret", Certainty.SUSPICION)
    assert scan(interaction(received=b'{"secretary": "q8Zr4TnX0vLk2Wc9Yb7Mh5", "token": "hello"}'), REDACTOR) == []


def test_cleaning_keeps_chunks_and_their_times_and_the_length() -> None:
    body = f"one {TOKEN} two".encode()
    headers = (("content-length", str(len(body))),)
    dirty = Interaction(
        request=Request(method="GET", uri="https://h/p"),
        response=Response(
            status=200, headers=headers, body=body, chunks=(Chunk(1.0, 8), Chunk(2.0, 10), Chunk(3.0, len(body) - 18))
        ),
    )
    clean = redacted(dirty, REDACTOR).response
    assert clean.body == b"one [REDACTED] two"
    assert [chunk.at for chunk in clean.chunks] == [1.0, 2.0, 3.0]
    assert sum(chunk.size for chunk in clean.chunks) == len(clean.body)
    assert clean.headers == (("content-length", "18"),)


def test_the_password_of_an_upstream_goes_out_of_the_metadata() -> None:
    clean = redacted_metadata(Metadata(origin=Origin.RECORDED, upstreams={"a": "https://me:pw@h"}), REDACTOR)
    assert clean is not None
    assert clean.upstreams == {"a": "https://h"}


def test_alike_leaks_are_one_find() -> None:
    tally = Tally()
    for index in range(7):
        tally.add("a.yaml", index, scan(interaction(sent=b'{"l": [1, {"api_key": "abcdef"}]}'), REDACTOR))
    (find,) = tally.finds
    assert (find.kind, find.count) == ("request.body/l/*/api_key", 7)
    assert find.places[0] == "a.yaml#0 request.body/l/1/api_key"


@given(data=st.data())
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_any_planted_secret_is_found_and_cleaned(data: st.DataObject) -> None:
    secret = data.draw(st.sampled_from([VALUE, TOKEN]))
    # Letters on either side would make a token part of a word, which is no token.
    around = st.text("é .,:\n\"'{}", max_size=10)
    text = f"{data.draw(around)}{secret}{data.draw(around)}"
    leaky = interaction(sent=json.dumps({"m": text}).encode(), received=text.encode(), said=(text, json.dumps([text])))
    assert {leak.place for leak in scan(leaky, REDACTOR)} >= {"request.body/m", "response.body", "response.frames[0]"}
    clean = redacted(leaky, REDACTOR)
    assert secret not in str(clean)
    assert scan(clean, REDACTOR) == []
