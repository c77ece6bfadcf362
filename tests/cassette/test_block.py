"""The block layout reads well: what stands where in a diff."""

from __future__ import annotations

import yaml

from replayer.cassette.block import block_text
from replayer.cassette.codec import Layout, encode
from replayer.cassette.model import Cassette, Chunk, Frame, FrameKind, Interaction, Request, Response, Sender


def test_a_stream_of_events_is_lines_of_the_file() -> None:
    body = 'data: {"text": "Grüße 😀"}\n\ndata: [DONE]\n\n'.encode()
    response = Response(
        status=200,
        reason="OK",
        headers=(("content-type", "text/event-stream"),),
        body=body,
        at=12.5,
        chunks=(Chunk(312.4, 30), Chunk(331.0, len(body) - 30)),
    )
    request = Request(
        method="POST", uri="https://api.example/v1/x", headers=(("a", "[REDACTED]"),), body=b'{"a":"it\'s"}'
    )
    text = encode(Cassette(interactions=(Interaction(request=request, response=response),)), Layout.BLOCK).decode()
    assert text == (
        "version: 1\n"
        "interactions:\n"
        "- request:\n"
        "    method: POST\n"
        "    uri: https://api.example/v1/x\n"
        """    body: '{"a":"it''s"}'\n"""
        "    headers:\n"
        "      a: ['[REDACTED]']\n"
        "  response:\n"
        "    status: {code: 200, message: OK}\n"
        "    headers:\n"
        "      content-type: [text/event-stream]\n"
        "    body:\n"
        "      string: |+\n"
        '        data: {"text": "Grüße 😀"}\n'
        "\n"
        "        data: [DONE]\n"
        "\n"
        "    replayer:\n"
        "      at: 12.5\n"
        "      chunks: [[312.4, 30], [331.0, 16]]\n"
        "      end: complete\n"
    )


def test_a_frame_is_a_line() -> None:
    frame = Frame(at=1.2, sender=Sender.CLIENT, kind=FrameKind.TEXT, text='{"type":"register"}')
    response = Response(status=101, reason="Switching Protocols", frames=(frame,) * 2)
    one = Interaction(request=Request(method="GET", uri="wss://q.example/ws"), response=response)
    text = encode(Cassette(interactions=(one,)), Layout.BLOCK).decode()
    assert text.count("""      - {at: 1.2, from: client, text: '{"type":"register"}'}\n""") == 2


def test_other_types_spellings_stay_texts() -> None:
    texts = ["yes", "No", "null", "~", "1", "1.5", "0x1f", "2026-01-01", "1e3", ".inf", "=", "<<", "", " ", "y", "off"]
    assert yaml.safe_load(block_text({"a": texts, **{text: text for text in texts}})) == {
        "a": texts,
        **{text: text for text in texts},
    }


def test_many_chunks_stand_one_a_line() -> None:
    chunks = [[float(n), n] for n in range(200)]
    text = block_text({"chunks": chunks})
    assert text.count("\n") == 201
    assert yaml.safe_load(text) == {"chunks": chunks}


def test_what_is_empty_stays_beside_its_key_however_long_that_is() -> None:
    deep: object = []
    for _ in range(80):
        deep = [deep, {}]
    document = {"k" * 130: [], "n" * 130: {}, "deep": deep}
    assert yaml.safe_load(block_text(document)) == document
