"""Secrets are taken out of headers, URIs, texts and bodies, however they are written and wherever they are cut."""

from __future__ import annotations

import base64
import itertools
import json
from urllib.parse import quote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from replayer.redact.redactor import Redactor
from replayer.redact.rules import DEFAULT

SECRET = "p4ss/word+with=signs"
NUMBER = "480912345678"
TOKENS = [
    "sk-proj-abcdefghijklmnop1234",
    "sk-ant-api03-abcdefghijklmnop_1234",
    "AIzaSyA1234567890abcdefghijklmnopqrstu",
    "ghp_abcdefghijklmnopqrstuvwxyz0123456789",
    "xoxb-123456789012-abcdefghijkl",
    "AKIAIOSFODNN7EXAMPLE",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.c2lnbmF0dXJl",
]


def redactor(*values: str) -> Redactor:
    return Redactor(DEFAULT, values)


def test_a_secret_header_is_replaced_whole() -> None:
    headers = (("Authorization", "Bearer abc"), ("x-api-key", "k"), ("Accept", "*/*"))
    assert redactor().headers(headers) == (("Authorization", "[REDACTED]"), ("x-api-key", "[REDACTED]"), headers[2])


def test_cookies_keep_their_names_and_attributes() -> None:
    assert redactor().headers((("cookie", "sid=1; theme=dark"), ("set-cookie", "sid=1; Path=/; HttpOnly"))) == (
        ("cookie", "sid=[REDACTED]; theme=[REDACTED]"),
        ("set-cookie", "sid=[REDACTED]; Path=/; HttpOnly"),
    )


def test_a_secret_in_an_ordinary_header_is_found() -> None:
    assert redactor(SECRET).headers((("x-note", f"key {SECRET}"),)) == (("x-note", "key [REDACTED]"),)


@pytest.mark.parametrize(
    ("uri", "shown"),
    [
        ("https://h/p?key=abc&alt=sse", "https://h/p?key=[REDACTED]&alt=sse"),
        ("https://me:pw@h:8443/p", "https://h:8443/p"),
        ("/v1/x?api_key=1&b=2#top", "/v1/x?api_key=[REDACTED]&b=2#top"),
        ("//ws/x?access_token=1", "//ws/x?access_token=[REDACTED]"),
        (f"https://h/bot{TOKENS[0]}/send", f"https://h/bot{TOKENS[0]}/send"),
        (f"https://h/bot/{TOKENS[0]}/send", "https://h/bot/[REDACTED]/send"),
        (f"https://h/x?q={quote(SECRET, safe='')}", "https://h/x?q=[REDACTED]"),
        ("wss://h/p?key=", "wss://h/p?key="),
    ],
)
def test_uris_lose_user_information_and_secret_query_values(uri: str, shown: str) -> None:
    assert redactor(SECRET).uri(uri) == shown


@pytest.mark.parametrize("token", TOKENS)
def test_known_token_shapes_are_found_anywhere(token: str) -> None:
    assert redactor().text(f'{{"a": "x {token} y"}}') == '{"a": "x [REDACTED] y"}'


@pytest.mark.parametrize("before", ["\\n", "\\u00e9", "%20", "key=", "\\\\n"])
def test_a_token_behind_an_escape_sequence_is_found(before: str) -> None:
    assert redactor().text(before + TOKENS[0]) == before + "[REDACTED]"


def test_a_token_right_behind_another_secret_is_found() -> None:
    assert "sk-" not in redactor(SECRET).text(SECRET + TOKENS[0])


@pytest.mark.parametrize("text", ["task-force-nine-of-the-northern-sector", "mask-abcdefghijklmnopqrstuv", "sk-short"])
def test_ordinary_words_are_left_alone(text: str) -> None:
    assert redactor().text(text) == text


@pytest.mark.parametrize(
    "written",
    [
        SECRET,
        quote(SECRET, safe=""),
        "p4ss%2fword%2bwith%3dsigns",
        json.dumps('"' + SECRET)[1:-1],
    ],
)
def test_a_value_of_the_environment_is_found_as_it_may_be_written(written: str) -> None:
    shown = redactor(SECRET).text(f"<{written}>")
    assert written not in shown
    assert "[REDACTED]" in shown


@pytest.mark.parametrize("user", ["", "a", "ab", "abc", "abcd"])
def test_a_value_inside_basic_credentials_is_found_at_each_offset(user: str) -> None:
    encoded = base64.b64encode(f"{user}:{SECRET}".encode()).decode()
    shown = redactor(SECRET).text(f"Basic {encoded}")
    assert "[REDACTED]" in shown
    kept = shown.removeprefix("Basic ").replace("[REDACTED]", "")
    assert len(kept) <= 10


@pytest.mark.parametrize("field", ["api_key", "access_token", "clientSecret", "password"])
def test_secret_json_fields_are_replaced_at_any_depth(field: str) -> None:
    document = {"a": [{field: 'x\\"y'}], "token": "kept"}
    shown = json.loads(redactor().body(json.dumps(document).encode()))
    assert shown == {"a": [{field: "[REDACTED]"}], "token": "kept"}


def test_a_number_that_is_secret_leaves_valid_json() -> None:
    shown = redactor(NUMBER).text(f'{{"n": {NUMBER}, "m": {NUMBER}99.5, "s": "{NUMBER}", "t": "id {NUMBER}."}}')
    assert NUMBER not in shown
    assert json.loads(shown)["s"] == "[REDACTED]"


def test_a_secret_that_is_json_itself_leaves_valid_json() -> None:
    key = '{"type":"service_account","id":"x"}'
    shown = redactor(key).text('{"credentials":' + key + ',"text":' + json.dumps(key) + "}")
    assert json.loads(shown) == {"credentials": "[REDACTED]", "text": "[REDACTED]"}


def test_an_escape_sequence_before_a_secret_stays_whole() -> None:
    shown = redactor("nabcdefghijkl", "u00e9abcdefghi").text('{"a":"\\nabcdefghijkl","b":"\\u00e9abcdefghi"}')
    assert json.loads(shown) == {"a": "\n[REDACTED]", "b": "é[REDACTED]"}


def chunkings(body: bytes, cuts: list[int]) -> list[bytes]:
    edges = [0, *sorted(cut % (len(body) + 1) for cut in cuts), len(body)]
    return [body[a:b] for a, b in itertools.pairwise(edges)]


SECRETS = [SECRET, NUMBER, "two words here", "naïve-secret-value", *TOKENS]
PIECES = st.one_of(
    st.sampled_from(SECRETS),
    st.text(max_size=20),
    st.sampled_from(['"', "\\", "\n\n", "data: ", "sk-", "eyJ", ' "api_key": "', "sk-ant-", SECRET[:7], "p4ss/"]),
)
CUTS = st.lists(st.integers(0, 500), max_size=12)


def plain(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


@given(parts=st.lists(PIECES, max_size=12), cuts=CUTS)
def test_no_secret_leaves_a_stream_however_it_is_cut(parts: list[str], cuts: list[int]) -> None:
    body = b" ".join(plain(part) for part in parts)
    chunks = chunkings(body, cuts)
    stream = redactor(SECRET, NUMBER, "two words here", "naïve-secret-value").stream()
    out = [piece for chunk in chunks for piece in stream.feed(chunk)] + stream.finish()
    written = b"".join(piece.data for piece in out)
    for secret in SECRETS:
        assert secret.encode() not in written
    assert [piece.chunk for piece in out] == sorted(piece.chunk for piece in out)
    assert {piece.chunk for piece in out} == set(range(len(chunks)))


@example(parts=[NUMBER, NUMBER], cuts=[len(NUMBER) + 1])
@given(parts=st.lists(PIECES, max_size=8), cuts=CUTS)
def test_what_is_left_does_not_depend_on_the_cuts(parts: list[str], cuts: list[int]) -> None:
    body = b" ".join(plain(part) for part in parts)
    whole = redactor(SECRET, NUMBER).body(body)
    stream = redactor(SECRET, NUMBER).stream()
    out = [piece for chunk in chunkings(body, cuts) for piece in stream.feed(chunk)] + stream.finish()
    assert b"".join(piece.data for piece in out) == whole


# Without "=": `&key=x` is a named value.
@given(parts=st.lists(st.text(st.characters(exclude_characters="=")), max_size=8), cuts=CUTS)
def test_a_body_without_secrets_passes_unchanged_chunk_by_chunk(parts: list[str], cuts: list[int]) -> None:
    body = b"|".join(plain(part) for part in parts)
    chunks = chunkings(body, cuts)
    stream = redactor().stream()
    out = [piece for chunk in chunks for piece in stream.feed(chunk)] + stream.finish()
    again = [b"".join(piece.data for piece in out if piece.chunk == number) for number in range(len(chunks))]
    assert again == chunks


LEAVES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.sampled_from(SECRETS), st.text(max_size=12)
)
JSON = st.recursive(
    st.one_of(LEAVES, st.just(int(NUMBER)), st.builds(" ".join, st.lists(PIECES, max_size=3))),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8) | st.just("api_key"), inner),
    max_leaves=12,
)


@given(document=JSON, cuts=CUTS, ascii_only=st.booleans())
def test_json_stays_json(document: object, cuts: list[int], ascii_only: bool) -> None:
    body = json.dumps(document, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")
    stream = redactor(SECRET, NUMBER, "two words here", "naïve-secret-value").stream()
    out = [piece for chunk in chunkings(body, cuts) for piece in stream.feed(chunk)] + stream.finish()
    written = b"".join(piece.data for piece in out)
    json.loads(written.decode("utf-8", "surrogatepass"))
    for secret in SECRETS:
        assert secret.encode() not in written


@pytest.mark.parametrize("size", [97, 1000])
def test_a_secret_longer_than_what_is_held_back_is_swallowed(size: int) -> None:
    token = b"sk-" + b"a1" * 3000
    field = b'{"private_key": "' + b"k\\n" * 2000 + b'", "n": 1}'
    for body, expected in (
        (b"x " + token + b" y", b"x [REDACTED] y"),
        (field, b'{"private_key": "[REDACTED]", "n": 1}'),
    ):
        stream = redactor().stream()
        out = [piece for at in range(0, len(body), size) for piece in stream.feed(body[at : at + size])]
        assert b"".join(piece.data for piece in [*out, *stream.finish()]) == expected


def test_the_last_event_of_a_stream_is_not_held_back() -> None:
    event = b'data: {"delta": "Hello"}\n\n'
    assert [piece.data for piece in redactor(SECRET).stream().feed(event)] == [event]
