"""The YAML loader: vcrpy's own tags, nothing that runs, nothing that ends the process."""

from __future__ import annotations

import pytest

from replayer.cassette.loader import DEPTH_LIMIT, load_yaml
from replayer.errors import CassetteError


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("!!python/str abc", "abc"),
        ("!!python/unicode 'é'", "é"),
        ("!!python/tuple [a, 1]", ["a", 1]),
        ("!!python/object/new:_io.BytesIO {state: !!python/tuple [!!binary YWJj, 0, null]}", b"abc"),
        ("!!python/object/apply:builtins.iter {args: !!python/tuple [[!!binary YQ==, b]]}", b"ab"),
        ("!!binary YWJj", b"abc"),
    ],
)
def test_the_tags_of_vcrpy_are_built_from_their_content(text: str, value: object) -> None:
    assert load_yaml(text.encode(), name="x") == value


@pytest.mark.parametrize(
    "text",
    [
        "!!python/object/apply:os.system [x]",
        "!!python/object/new:os.system [x]",
        "!!python/name:os.system",
        "!!python/module:os",
        "!!python/object:os.system {}",
    ],
)
def test_no_other_tag_is(text: str) -> None:
    with pytest.raises(CassetteError, match="x, line 1, column 1: not YAML"):
        load_yaml(text.encode(), name="x")


@pytest.mark.parametrize(
    "data",
    [
        b"[" * 50_000,
        b"{a: " * 50_000,
        b"[[],{a: " * 50_000,
        b"- " * 50_000 + b"a",
        b"[" * 30_000 + b"]" * 30_000,
        b"\n".join(b" " * n + b"a:" for n in range(2 * DEPTH_LIMIT)),
        b"? " * 50_000,
    ],
)
def test_a_document_that_would_overflow_the_stack_is_refused(data: bytes) -> None:
    with pytest.raises(CassetteError, match=r"nested deeper than|not YAML"):
        load_yaml(data, name="x")


def test_brackets_in_texts_are_not_depth() -> None:
    assert load_yaml(b"'" + b"[" * 50_000 + b"'", name="x") == "[" * 50_000


def test_aliases_that_mean_a_huge_or_an_endless_value_are_refused() -> None:
    levels = "".join(f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 10)}]\n" for n in range(1, 10))
    for text in (f"l0: &l0 [lol]\n{levels}", "a: &a [*a]\n", "a: &a {b: {c: *a}}\n"):
        with pytest.raises(CassetteError, match="its aliases mean more than"):
            load_yaml(text.encode(), name="x")


def test_ordinary_aliases_are_read() -> None:
    assert load_yaml(b"a: &id001 {b: 1}\nc: [*id001, *id001]\n", name="x") == {"a": {"b": 1}, "c": [{"b": 1}] * 2}
