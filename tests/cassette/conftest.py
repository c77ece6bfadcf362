"""Random cassettes: any bytes, any text without surrogates, any headers, times, chunks and frames."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import strategies as st

from replayer.cassette.model import (
    Cassette,
    Chunk,
    End,
    Frame,
    FrameKind,
    Headers,
    Interaction,
    Metadata,
    Omitted,
    Origin,
    Request,
    Response,
    Sender,
)

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
# What tends to break writers of YAML: breaks and blanks in odd places, syntax, other types' spellings, care of JSON.
AWKWARD = st.lists(
    st.sampled_from(["a", "yes", "1.0", "é", "😀", "---", "...", "\r\n", "data: x\n\n"])
    | st.sampled_from("-:#'\"\\|>~{],&*!%@?\n\r\t \x00\x7f\x85\u2028\ufeff\ufffe")
    | st.sampled_from(["- ", ": ", " #", '!!binary "', '":!!binary "aGk='])
    | st.just('!!binary "aGk="'),
    max_size=8,
).map("".join)
ANY_TEXT = TEXT | AWKWARD
BODY = st.binary(max_size=40) | ANY_TEXT.map(str.encode)
MS = st.floats(min_value=0, allow_nan=False, allow_infinity=False) | st.floats(0, 1e6).map(lambda ms: round(ms, 3))


def _grouped(fields: dict[str, list[str]]) -> Headers:
    return tuple((name, value) for name, values in fields.items() for value in values)


HEADERS = st.dictionaries(
    (st.text(max_size=12) | AWKWARD | st.just("x-" + "long" * 300)).filter(lambda n: n.lower() != "content-encoding"),
    st.lists(ANY_TEXT, min_size=1, max_size=3),
    max_size=4,
).map(_grouped)
VALUE: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | ANY_TEXT | st.binary(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ANY_TEXT, inner, max_size=3),
    max_leaves=6,
)


@st.composite
def _frames(draw: Callable[..., Any]) -> Frame:
    at, sender, kind = draw(MS), draw(st.sampled_from(Sender)), draw(st.sampled_from(FrameKind))
    match kind:
        case FrameKind.TEXT:
            return Frame(at=at, sender=sender, kind=kind, text=draw(ANY_TEXT))
        case FrameKind.BINARY:
            return Frame(at=at, sender=sender, kind=kind, data=draw(st.binary(max_size=20)))
    return Frame(at=at, sender=sender, kind=kind, code=draw(st.integers(1000, 4999)), text=draw(ANY_TEXT))


REQUESTS = st.builds(
    Request,
    method=st.sampled_from(["GET", "POST", "M-SEARCH"]),
    uri=st.sampled_from(["https://api.example", "wss://q.example:8443"]).flatmap(
        lambda base: ANY_TEXT.map(lambda path: f"{base}/{path}")
    ),
    headers=HEADERS,
    body=st.none() | BODY,
)
EXTRA = st.dictionaries(ANY_TEXT.map(lambda key: "x-" + key), VALUE, max_size=2)


@st.composite
def _responses(draw: Callable[..., Any]) -> Response:
    pieces = draw(st.lists(BODY, max_size=5))
    measured = draw(st.booleans())
    return Response(
        status=draw(st.integers(100, 599)),
        reason=draw(ANY_TEXT),
        headers=draw(HEADERS),
        body=b"".join(pieces),
        at=draw(st.none() | MS),
        chunks=tuple(Chunk(draw(MS), len(piece)) for piece in pieces) if measured else (),
        encoding=draw(st.none() | st.just("gzip")),
        end=draw(st.sampled_from(End)),
        omitted=draw(st.none() | st.builds(Omitted, bytes=st.integers(0, 2**40), sha256=TEXT)),
        frames=draw(st.none() | st.lists(_frames(), max_size=4).map(tuple)),
        stub=draw(st.none() | st.dictionaries(ANY_TEXT, VALUE, max_size=2)),
        extra=draw(EXTRA),
    )


METADATA = st.builds(
    Metadata,
    origin=st.sampled_from(Origin),
    recorded_at=st.none() | ANY_TEXT,
    tool=st.none() | ANY_TEXT,
    upstreams=st.dictionaries(ANY_TEXT, ANY_TEXT, max_size=2),
    extra=EXTRA,
)
CASSETTES = st.builds(
    Cassette,
    interactions=st.lists(st.builds(Interaction, request=REQUESTS, response=_responses(), extra=EXTRA), max_size=3).map(
        tuple
    ),
    metadata=st.none() | METADATA,
)


@pytest.fixture(scope="session")
def cassettes() -> st.SearchStrategy[Cassette]:
    """For `data.draw`: the factory of random cassettes."""
    return CASSETTES
