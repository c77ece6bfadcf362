"""Names of files are stable, readable and safe."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replayer.cassette.model import Interaction, Request, Response
from replayer.record.naming import Split, file_name


def name(uri: str, split: Split = Split.PATH, session: str = "") -> str:
    return file_name(split, Interaction(request=Request(method="GET", uri=uri), response=Response(status=200)), session)


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("https://api.openai.com/v1/chat/completions?x=1", "api.openai.com/v1/chat/completions.yaml"),
        ("https://me:pw@API.example:8443/", "api.example-8443/index.yaml"),
        ("wss://h//ws", "h/ws.yaml"),
        ("https://h/models/gpt-4o:gen", "h/models/gpt-4o-gen-0f1b67d1.yaml"),
    ],
)
def test_a_path_is_a_path(uri: str, expected: str) -> None:
    got = name(uri)
    assert got.rpartition("-")[0] == expected.rpartition("-")[0] if "gen-" in expected else got == expected


def test_hosts_and_sessions() -> None:
    assert name("https://api.openai.com/v1", Split.HOST) == "api.openai.com.yaml"
    assert name("https://h/x", Split.SESSION) == "default.yaml"
    assert name("https://h/x", Split.SESSION, "tests/a[x]").startswith("tests-a-x-")


SEGMENTS = st.lists(st.text(min_size=1, max_size=120), min_size=1, max_size=12)


@given(session=st.text(max_size=300))
def test_no_session_leaves_the_folder(session: str) -> None:
    got = name("https://h/", Split.SESSION, session)
    assert "/" not in got
    assert not got.startswith(".")
    assert len(got) < 120


@given(one=st.text(min_size=1, max_size=200), two=st.text(min_size=1, max_size=200))
def test_two_sessions_never_share_a_file(one: str, two: str) -> None:
    assert (name("https://h/", Split.SESSION, one) == name("https://h/", Split.SESSION, two)) == (one == two)


@pytest.mark.parametrize("path", ["/../../etc/passwd", "/a/./b", "/con", "/" + "x" * 300, "/" + "a/" * 50, "/%2e%2e/x"])
def test_no_path_leaves_the_folder(path: str) -> None:
    got = name(f"https://h{path}")
    assert not {"", ".", ".."} & set(got.split("/"))
    assert all(len(part) < 120 for part in got.split("/"))
    assert len(got.split("/")) <= 10
