"""Events in, an interaction out: nothing false."""

from __future__ import annotations

from replayer.cassette.model import Chunk, End, Frame, FrameKind, Interaction, Omitted, Sender
from replayer.record.assemble import assemble, stored_headers
from replayer.record.events import Ended, Event, RequestChunk, RequestHead, ResponseChunk, ResponseHead

ASKED = RequestHead(at=7.5, method="POST", uri="https://h/x", headers=(("accept", "*/*"),))


def head(status: int = 200, **headers: str) -> ResponseHead:
    fields = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    return ResponseHead(status=status, reason="OK", headers=fields, encoding=None)


def piece(chunk: int, data: bytes, at: float = 0.0) -> ResponseChunk:
    return ResponseChunk(chunk=chunk, at=at, data=data)


def put_together(*events: Event) -> Interaction:
    interaction = assemble(events)
    assert interaction is not None
    return interaction


COMPLETE = Ended(end=End.COMPLETE)


def test_a_request_without_an_answer_is_no_interaction() -> None:
    assert assemble([ASKED, RequestChunk(data=b"x"), COMPLETE]) is None
    assert assemble([]) is None


def test_pieces_of_a_chunk_are_one_chunk() -> None:
    events = (ASKED, head(), piece(0, b"ab", 1.0), piece(0, b"c", 1.0), piece(1, b"d", 2.0), COMPLETE)
    response = put_together(*events).response
    assert response.body == b"abcd"
    assert response.chunks == (Chunk(1.0, 3), Chunk(2.0, 1))
    assert response.at == 7.5


def test_without_an_end_the_exchange_was_lost() -> None:
    assert put_together(ASKED, head(), piece(0, b"ab")).response.end is End.LOST


def test_the_request_has_its_body_or_none() -> None:
    assert put_together(ASKED, RequestChunk(data=b"a"), RequestChunk(data=b"b"), head()).request.body == b"ab"
    assert put_together(ASKED, head()).request.body is None


def test_the_length_tells_the_stored_body_where_it_is_whole() -> None:
    whole = put_together(ASKED, head(content_length="9"), piece(0, b"ab"), COMPLETE).response
    cut = put_together(ASKED, head(content_length="9"), piece(0, b"ab"), Ended(end=End.UPSTREAM_LOST)).response
    assert (whole.headers, cut.headers) == ((("content-length", "2"),), (("content-length", "9"),))


def test_the_length_that_head_speaks_of_stays() -> None:
    asked = RequestHead(at=0, method="HEAD", uri="https://h/x", headers=())
    assert put_together(asked, head(content_length="9"), COMPLETE).response.headers == (("content-length", "9"),)


def test_an_omitted_body_is_not_stored_in_part() -> None:
    ended = Ended(end=End.COMPLETE, omitted=Omitted(bytes=10, sha256="ab"))
    response = put_together(ASKED, head(content_length="10"), piece(0, b"ab"), ended).response
    assert (response.body, response.chunks, response.omitted) == (b"", (), ended.omitted)


def test_a_101_to_a_websocket_has_frames_even_if_none_came() -> None:
    asked = RequestHead(at=0, method="GET", uri="wss://h/ws", headers=())
    frame = Frame(at=1, sender=Sender.CLIENT, kind=FrameKind.TEXT, text="hi")
    assert put_together(asked, head(101)).response.frames == ()
    assert put_together(asked, head(101), frame).response.frames == (frame,)
    assert put_together(asked, head(401), COMPLETE).response.frames is None


def test_headers_of_the_hop_and_ours_are_not_stored() -> None:
    wire = [("Connection", "close"), ("Replayer-Session", "s"), ("X-A", "1"), ("Content-Encoding", "gzip")]
    assert stored_headers(wire) == (("x-a", "1"), ("content-encoding", "gzip"))
    assert stored_headers(wire, encoding="gzip") == (("x-a", "1"),)
