from __future__ import annotations

from typing import Any

import pytest

from replayer.errors import ConfigError
from replayer.match.jsonpath import compile_path


@pytest.mark.parametrize(
    ("path", "rest"),
    [
        ("$.a", {"b": [{"id": 1, "c": 2}, {"id": 3}], "id": 9}),
        ("$.b", {"a": {"id": 4}, "id": 9}),
        ("$.b[*].id", {"a": {"id": 4}, "b": [{"c": 2}, {}], "id": 9}),
        ("$.b[0]", {"a": {"id": 4}, "b": [{"id": 3}], "id": 9}),
        ("$.b[-1].id", {"a": {"id": 4}, "b": [{"id": 1, "c": 2}, {}], "id": 9}),
        ("$..id", {"a": {}, "b": [{"c": 2}, {}]}),
        ("$.b..id", {"a": {"id": 4}, "b": [{"c": 2}, {}], "id": 9}),
        ("$['a']['id']", {"a": {}, "b": [{"id": 1, "c": 2}, {"id": 3}], "id": 9}),
        ('$["id"]', {"a": {"id": 4}, "b": [{"id": 1, "c": 2}, {"id": 3}]}),
        ("$.*", {}),
        ("$", None),
        ("$.absent.deeper[3]", {"a": {"id": 4}, "b": [{"id": 1, "c": 2}, {"id": 3}], "id": 9}),
    ],
)
def test_a_path_takes_out_what_it_names(path: str, rest: Any) -> None:
    value = {"a": {"id": 4}, "b": [{"id": 1, "c": 2}, {"id": 3}], "id": 9}
    assert compile_path(path).without(value) == rest


@pytest.mark.parametrize(
    "path", ["a.b", "", "$a", "$.", "$.a[", "$.a[?(@.b)]", "$.a[1:2]", "$.a['b','c']", "$..", "$.a b"]
)
def test_what_is_not_understood_is_refused_with_its_place(path: str) -> None:
    with pytest.raises(ConfigError, match="JSONPath"):
        compile_path(path)
