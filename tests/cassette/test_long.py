"""An interaction that is written piece by piece is the one that would be written at once."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from replayer.cassette.codec import decode, encode_line, encode_preamble
from replayer.cassette.long import LongInteraction, line_pieces
from replayer.cassette.model import Cassette, Interaction, Request, Response


def taken_apart(whole: Interaction, size: int) -> LongInteraction:
    request, response = whole.request, whole.response

    def pieces(body: bytes) -> list[bytes]:
        return [body[at : at + size] for at in range(0, len(body), size)]

    sent, received, frames = request.body, response.body, response.frames
    return LongInteraction(
        outline=replace(
            whole,
            request=replace(request, body=None),
            response=replace(response, body=b"", frames=None if frames is None else ()),
        ),
        sent=None if sent is None else lambda: pieces(sent),
        received=(lambda: pieces(received)) if received else None,
        frames=None if frames is None else lambda: frames,
    )


@given(data=st.data(), size=st.integers(1, 9))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_what_is_read_back_is_the_same(data: st.DataObject, size: int, cassettes: st.SearchStrategy[Cassette]) -> None:
    for whole in data.draw(cassettes).interactions:
        flow = encode_preamble(None) + b"".join(line_pieces(taken_apart(whole, size)))
        assert decode(flow, name="x").interactions == (whole,)


@pytest.mark.parametrize(
    "body", [b'\0000:sent and "\\u00000:received"', "é\u2028😀\x85".encode(), b"\xff\x00" * 5, b"\xc3"]
)
def test_marks_breaks_and_bytes_in_bodies_are_kept(body: bytes) -> None:
    request = Request(method="POST", uri="http://a/\0000:frames", body=body)
    whole = Interaction(request=request, response=Response(status=200, body=body, frames=()))
    for size in range(1, 6):
        assert b"".join(line_pieces(taken_apart(whole, size))) == encode_line(whole)
