"""The codec: every layout gives back what it was given, and refuses what is no cassette."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from replayer.cassette.codec import Layout, decode, encode, encode_line, encode_preamble, layout_of
from replayer.cassette.model import Cassette, Interaction, Metadata, Origin, Request, Response
from replayer.errors import CassetteError, UsageError

thorough = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


def interaction(uri: str = "https://api.example/a", body: bytes = b"hello") -> Interaction:
    return Interaction(request=Request(method="GET", uri=uri), response=Response(status=200, reason="OK", body=body))


@pytest.mark.parametrize("layout", [Layout.BLOCK, Layout.FLOW])
@given(data=st.data())
@thorough
def test_any_cassette_comes_back(layout: Layout, data: st.DataObject, cassettes: st.SearchStrategy[Cassette]) -> None:
    cassette = data.draw(cassettes)
    assert decode(encode(cassette, layout), name="x") == cassette


@given(data=st.data())
@thorough
def test_flow_is_one_line_an_interaction(data: st.DataObject, cassettes: st.SearchStrategy[Cassette]) -> None:
    for one in data.draw(cassettes).interactions:
        line = encode_line(one)
        assert line.startswith(b"- ")
        assert line.index(b"\n") == len(line) - 1


def test_json_comes_back_where_every_body_is_text() -> None:
    cassette = Cassette(interactions=(interaction(body="né\n".encode()),), metadata=Metadata(origin=Origin.STUB))
    assert decode(encode(cassette, Layout.JSON), name="x.json") == cassette


def test_json_keeps_a_binary_body_as_base64() -> None:
    asked = replace(interaction().request, body=b"\xfe")
    cassette = Cassette(interactions=(interaction(), replace(interaction(body=b"\xff"), request=asked)))
    document = json.loads(encode(cassette, Layout.JSON))
    assert document["interactions"][1]["request"]["body"] == {"base64_string": "/g=="}
    assert document["interactions"][1]["response"]["body"] == {"base64_string": "/w=="}
    assert decode(encode(cassette, Layout.JSON), name="x.json") == cassette


def test_json_refuses_what_another_tool_put_there_and_json_has_not() -> None:
    cassette = Cassette(interactions=(interaction(), replace(interaction(), extra={"when": date(2026, 1, 2)})))
    with pytest.raises(UsageError, match="interaction 1 holds what JSON cannot"):
        encode(cassette, Layout.JSON)


def test_each_layout_is_known_by_its_first_bytes() -> None:
    for layout in Layout:
        assert layout_of(encode(Cassette(interactions=(interaction(),)), layout)) is layout


def test_an_empty_file_is_an_empty_cassette_with_a_word() -> None:
    cassette = decode(b" \n", name="x")
    assert cassette.interactions == ()
    assert "empty" in cassette.problems[0].message


def test_a_cassette_without_interactions_comes_back_in_every_layout() -> None:
    for layout in Layout:
        assert decode(encode(Cassette(), layout), name="x") == Cassette()


def test_a_flow_file_without_a_line_yet_has_no_interactions() -> None:
    assert decode(encode_preamble(Metadata(origin=Origin.RECORDED)), name="x").interactions == ()


def test_an_entry_without_request_is_reported_and_the_rest_loads() -> None:
    document = json.loads(encode(Cassette(interactions=(interaction(), interaction())), Layout.JSON))
    document["interactions"].insert(1, {"kind": "websocket", "direction": "in", "data": "x"})
    cassette = decode(json.dumps(document).encode(), name="x")
    assert len(cassette.interactions) == 2
    (problem,) = cassette.problems
    assert problem.index == 1
    assert problem.lost
    assert "no request" in problem.message
    assert "'websocket'" in problem.message


def test_chunks_that_do_not_add_up_are_ignored_with_a_warning() -> None:
    data = encode(Cassette(interactions=(interaction(),)), Layout.FLOW)
    edited = data.replace(b'"body":{"string":"hello"}', b'"body":{"string":"hello"},"replayer":{"chunks":[[1,4]]}')
    cassette = decode(edited, name="x")
    assert cassette.interactions[0].response.chunks == ()
    assert "add up to 4 bytes and its body has 5" in cassette.problems[0].message
    assert not cassette.problems[0].lost


def test_wrong_values_of_ours_are_reported_by_index_and_key() -> None:
    data = encode(Cassette(interactions=(interaction(), interaction())), Layout.FLOW)
    edited = data.replace(b'"body":{"string":"hello"}', b'"body":{"string":"hello"},"replayer":{"end":"so"}', 1)
    cassette = decode(edited, name="x")
    assert len(cassette.interactions) == 1
    assert cassette.problems[0].index == 0
    assert "replayer.end is 'so'" in cassette.problems[0].message


def test_a_torn_line_is_dropped_with_a_warning() -> None:
    whole = encode(Cassette(interactions=(interaction(), interaction())), Layout.FLOW)
    for cut in (1, 10, 100):
        cassette = decode(whole[:-cut], name="x")
        assert len(cassette.interactions) == 1
        assert "torn" in cassette.problems[0].message


def test_a_flow_file_cut_anywhere_holds_every_whole_line() -> None:
    lines = [encode_line(interaction(f"https://api.example/{n}", bytes([n, 255]))) for n in range(4)]
    head = encode_preamble(Metadata(origin=Origin.RECORDED))
    whole = head + b"".join(lines)
    for size in range(len(head), len(whole)):
        expected = whole[len(head) : size].count(b"\n")
        assert len(decode(whole[:size], name="x").interactions) == expected


def test_a_block_file_cut_at_a_line_is_an_error_or_still_holds_what_it_says() -> None:
    whole = encode(Cassette(interactions=(interaction(), interaction(body=b"a\nb\n"))), Layout.BLOCK)
    cut = whole[: whole.rindex(b"    body:")]
    with pytest.raises(CassetteError, match=r"x\.yaml: interaction 1, the last one, is not whole"):
        decode(cut, name="x.yaml")


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"interactions:\n- request: {method: 'GET\n", "line 3, column 1: not YAML"),
        (b'{"version": 1, "interactions": [{"req', "not YAML|not JSON"),
        (b"a: [1, 2\nb: 3\n", "line 2"),
        (b"just words", "a single text"),
        (b"- 1\n- 2\n", "list without requests"),
        (b"version: 1\n", "without `interactions`"),
        (b"version: 2\ninteractions: []\n", "version 2 is not vcrpy's"),
        (b"metadata: {replayer: {format: 2, origin: stub}}\ninteractions: []\n", "newer than this version knows"),
        (b"metadata: {replayer: {format: 1, origin: guess}}\ninteractions: []\n", "'guess', not one of recorded"),
        (b"metadata: 1\ninteractions: []\n", "`metadata` is not a mapping"),
        (b"interactions: {a: 1}\n", "`interactions` is not a list"),
        (b'{"log": {"version": "1.2", "entries": []}}', "a HAR file"),
        (b"http_interactions: []\nrecorded_with: VCR 6\n", "VCR for Ruby"),
        (b"2364:9:websocket;0:~8:response;", "flow dump of mitmproxy"),
        (b"\x1f\x8b\x08\x00", "gzip"),
        (b"\x00\x01\x02\xff", "binary data"),
        (b"caf\xe9: 1\n", "not YAML|not a text file"),
        (b"a: !!python/object/apply:os.system ['true']\n", "could not determine a constructor"),
        (b"a: !!python/name:os.system\n", "could not determine a constructor"),
        (b"a: 2001-99-99\n", "cannot be built"),
        (b"# replayer flow 1\nversion: 1\ninteractions:\n- {bro{ken}\n", "line 4: this line is neither JSON nor YAML"),
        (b"# replayer flow 1\nversion: 1\ninteractions:\n  more\n", "line 4: a flow file has one interaction a line"),
        (b"# replayer flow 1\n- 1\n", "preamble is not a mapping"),
    ],
)
def test_what_is_no_cassette_says_which_and_where(data: bytes, says: str) -> None:
    with pytest.raises(CassetteError, match=says) as caught:
        decode(data, name="dir/x.yaml")
    assert str(caught.value).startswith("dir/x.yaml")


def refusal(data: bytes) -> str | None:
    """What the codec says of a file that it refuses; any other exception fails the test."""
    try:
        decode(data, name="x.json")
    except CassetteError as error:
        return str(error)
    return None


@given(data=st.binary(max_size=200))
@settings(max_examples=300, deadline=None)
def test_no_bytes_raise_anything_but_our_error(data: bytes) -> None:
    for prefix in (b"", b"interactions:\n- ", b"# replayer flow 1\nversion: 1\ninteractions:\n- ", b"{"):
        assert (refusal(prefix + data) or "x.json").startswith("x.json")


@given(cut=st.integers(0, 10_000), noise=st.binary(min_size=1, max_size=3), data=st.data())
@thorough
def test_a_damaged_cassette_loads_or_is_our_error(
    cut: int, noise: bytes, data: st.DataObject, cassettes: st.SearchStrategy[Cassette]
) -> None:
    whole = encode(data.draw(cassettes), data.draw(st.sampled_from([Layout.BLOCK, Layout.FLOW])))
    at = cut % len(whole)
    for damaged in (whole[:at], whole[:at] + noise + whole[at:]):
        assert (refusal(damaged) or "x.json").startswith("x.json")
