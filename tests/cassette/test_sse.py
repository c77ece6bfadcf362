from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replayer.cassette.sse import event_data, is_whole, split_events


@pytest.mark.parametrize("eol", [b"\n", b"\r\n", b"\r"])
def test_each_line_ending_separates_events(eol: bytes) -> None:
    body = b"data: 1" + eol * 2 + b"event: x" + eol + b"data: 2" + eol * 2
    assert split_events(body) == [b"data: 1" + eol * 2, b"event: x" + eol + b"data: 2" + eol * 2]


def test_a_single_crlf_is_one_line_ending_and_ends_no_event() -> None:
    assert split_events(b"event: x\r\ndata: 2\r\n\r\n") == [b"event: x\r\ndata: 2\r\n\r\n"]


def test_a_cut_stream_leaves_a_piece_that_is_not_whole() -> None:
    first, last = split_events(b'data: 1\n\ndata: {"a')
    assert is_whole(first)
    assert not is_whole(last)
    assert not is_whole(b"data: 1\r\n")


@given(st.lists(st.sampled_from([b"\n", b"\r", b"\r\n", b"data: x", b":", b"event: y"])).map(b"".join))
def test_the_pieces_joined_are_the_body_again(body: bytes) -> None:
    pieces = split_events(body)
    assert b"".join(pieces) == body
    assert all(is_whole(piece) for piece in pieces[:-1])


@pytest.mark.parametrize(
    ("event", "read"),
    [
        (b"data: x\n\n", (None, "x")),
        (b"event: ping\ndata:  two\ndata:three\n\n", ("ping", " two\nthree")),
        (b": a comment\n\n", (None, "")),
        (b"\xef\xbb\xbfdata: x\n\n", (None, "x")),
        (b"event: y\r\ndata\r\n\r\n", ("y", "")),
        (b"data: \xff\n\n", (None, "�")),
    ],
)
def test_an_event_is_read_as_clients_read_it(event: bytes, read: tuple[str | None, str]) -> None:
    assert event_data(event) == read
