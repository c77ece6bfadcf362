"""The spool's codec: every event survives a line, a torn line is seen."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from replayer.cassette.model import End, Frame, FrameKind, Omitted, Sender
from replayer.record.events import Ended, Event, RequestChunk, RequestHead, ResponseChunk, ResponseHead
from replayer.record.lines import decode_line, encode_line

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
HEADERS = st.lists(st.tuples(TEXT, TEXT), max_size=3).map(tuple)
TIMES = st.floats(0, 1e9)
OMITTED = st.none() | st.builds(Omitted, bytes=st.integers(0, 2**40), sha256=TEXT)
EVENTS: st.SearchStrategy[Event] = st.one_of(
    st.builds(RequestHead, at=TIMES, method=TEXT, uri=TEXT, headers=HEADERS),
    st.builds(RequestChunk, data=st.binary()),
    st.builds(
        ResponseHead, status=st.integers(100, 599), reason=TEXT, headers=HEADERS, encoding=st.none() | st.just("br")
    ),
    st.builds(ResponseChunk, chunk=st.integers(0), at=TIMES, data=st.binary() | TEXT.map(str.encode)),
    st.builds(
        Frame,
        at=TIMES,
        sender=st.sampled_from(Sender),
        kind=st.sampled_from(FrameKind),
        text=TEXT,
        data=st.binary(),
        code=st.integers(0, 4999),
    ),
    st.builds(Ended, end=st.sampled_from(End), omitted=OMITTED),
)


@given(event=EVENTS.filter(lambda event: getattr(event, "chunk", 0) < 2**63))
def test_an_event_survives_its_line(event: Event) -> None:
    line = encode_line(event)
    assert line.count(b"\n") == 1
    assert decode_line(line) == event


@given(event=EVENTS.filter(lambda event: getattr(event, "chunk", 0) < 2**63), data=st.data())
def test_a_torn_line_is_none(event: Event, data: st.DataObject) -> None:
    line = encode_line(event)
    assert decode_line(line[: data.draw(st.integers(0, len(line) - 1))]) is None


def test_a_line_that_is_none_of_ours_is_none() -> None:
    assert decode_line(b'{"e":"other"}\n') is None
    assert decode_line(b"[]\n") is None
