"""Compressed request bodies, undone within a bound; what cannot be undone stays as it came."""

from __future__ import annotations

import gzip
import importlib
import zlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replayer.match import inflate
from replayer.match.inflate import inflated

BODY = b'{"model":"m","messages":[]}' * 50


def library(name: str) -> Any:
    return pytest.importorskip(name, reason=f"{name} is not installed: its coding stays as it came")


def bare(data: bytes) -> bytes:
    stream = zlib.compressobj(wbits=-15)
    return stream.compress(data) + stream.flush()


@pytest.mark.parametrize(
    ("data", "encoding"),
    [
        (gzip.compress(BODY), "gzip"),
        (gzip.compress(BODY), "GZIP"),
        (gzip.compress(BODY), ""),
        (gzip.compress(BODY[:10]) + gzip.compress(BODY[10:]), "x-gzip"),
        (zlib.compress(BODY), "deflate"),
        (bare(BODY), "deflate"),
        (gzip.compress(zlib.compress(BODY)), "deflate, gzip"),
        (BODY, "gzip"),
        (BODY, "identity"),
    ],
)
def test_codings_are_undone(data: bytes, encoding: str) -> None:
    assert inflated(data, encoding) == BODY


def test_brotli_is_undone_where_its_library_is() -> None:
    assert inflated(library("brotli").compress(BODY), "br") == BODY


def test_zstd_is_undone_where_its_library_is() -> None:
    assert inflated(library("zstandard").compress(BODY), "zstd") == BODY


@pytest.mark.parametrize("encoding", ["br", "zstd"])
def test_without_its_library_a_body_stays(encoding: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> Any:
        raise ModuleNotFoundError(name)

    monkeypatch.setattr(importlib, "import_module", absent)
    assert inflated(b"\x00\x01", encoding) == b"\x00\x01"


def test_bombs_stay_packed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inflate, "MAX_INFLATED", 1000)
    bomb = bytes(100_000)
    packed = {
        "gzip": gzip.compress(bomb),
        "deflate": zlib.compress(bomb),
        "gzip, deflate": zlib.compress(gzip.compress(bomb)),
    }
    packed |= {"br": library("brotli").compress(bomb), "zstd": library("zstandard").compress(bomb)}
    for encoding, data in packed.items():
        assert inflated(data, encoding) == data, encoding


@given(data=st.binary(max_size=60), encoding=st.sampled_from(["gzip", "deflate", "br", "zstd", "br, gzip", "x"]))
def test_anything_at_all_is_read_or_stays(data: bytes, encoding: str) -> None:
    inflated(data, encoding)
    inflated(b"\x1f\x8b" + data, encoding)
