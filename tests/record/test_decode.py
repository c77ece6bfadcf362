"""Content encodings are undone while a body passes, however it is cut."""

from __future__ import annotations

import gzip
import importlib
import zlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replayer.record.decode import DecodeError, decoder

BODY = b"data: something that repeats, data: something that repeats\n\n" * 3


def raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


CODINGS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "x-gzip": lambda data: gzip.compress(data[:5]) + gzip.compress(data[5:]),
    "deflate": zlib.compress,
    "Deflate": raw_deflate,
    "gzip, deflate": lambda data: zlib.compress(gzip.compress(data)),
    "identity": bytes,
}


@given(coding=st.sampled_from(sorted(CODINGS)), size=st.integers(1, 40))
def test_every_coding_is_undone_in_pieces_of_any_size(coding: str, size: int) -> None:
    packed = CODINGS[coding](BODY)
    one = decoder(coding)
    assert b"".join(one.feed(packed[at : at + size]) for at in range(0, len(packed), size)) == BODY


@pytest.mark.parametrize(("coding", "library"), [("br", "brotli"), ("zstd", "zstandard")])
def test_codings_of_other_libraries_are_undone(coding: str, library: str) -> None:
    packed = pytest.importorskip(library).compress(BODY)
    one = decoder(coding)
    assert b"".join(one.feed(packed[at : at + 7]) for at in range(0, len(packed), 7)) == BODY


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
def test_what_is_flushed_comes_out_with_its_chunk(coding: str) -> None:
    packer = zlib.compressobj(wbits=31 if coding == "gzip" else 15)
    one = decoder(coding)
    for event in (b"data: 1\n\n", b"data: 2\n\n"):
        assert one.feed(packer.compress(event) + packer.flush(zlib.Z_SYNC_FLUSH)) == event


def test_garbage_is_an_error() -> None:
    for coding in ("gzip", "deflate"):
        with pytest.raises(DecodeError):
            decoder(coding).feed(b"\xff\xff this is not packed")


def test_an_unknown_coding_is_an_error_that_names_it() -> None:
    with pytest.raises(DecodeError, match="'rot13'"):
        decoder("rot13")


def test_a_library_that_is_not_there_is_an_error_of_that_body(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> object:
        raise ImportError(name)

    monkeypatch.setattr(importlib, "import_module", missing)
    with pytest.raises(DecodeError, match="brotli is not installed"):
        decoder("br")
