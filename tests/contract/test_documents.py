from __future__ import annotations

from typing import Any

import pytest

from replayer.contract.documents import Place, place
from replayer.errors import ContractError

DOCUMENTS: dict[str, Any] = {
    "file:///d/a.json": {
        "here": {"$ref": "#/there~1is/0"},
        "there/is": [{"$ref": "b.json#/x"}],
        "round": {"$ref": "#/round"},
        "gone": {"$ref": "b.json#/y"},
        "number": 3,
    },
    "file:///d/b.json": {"x": {"$ref": "../d/a.json#/number"}},
}


def whole() -> Place:
    return place("file:///d/a.json", DOCUMENTS.__getitem__)


def test_references_are_followed_through_documents() -> None:
    found = whole().get("here")
    assert found is not None
    assert (found.value, found.uri) == (3, "file:///d/a.json#/number")


def test_a_raw_place_is_left_as_it_is_written() -> None:
    raw = whole().raw("here")
    assert raw is not None
    assert raw.value == {"$ref": "#/there~1is/0"}
    assert raw.uri == "file:///d/a.json#/here"


def test_what_is_not_there_is_none() -> None:
    assert whole().get("nothing") is None


@pytest.mark.parametrize(
    ("key", "complaint"),
    [("round", r"^/d/a.json: /round: \$ref '#/round' leads in a circle$"), ("gone", "/gone: .* leads nowhere$")],
)
def test_a_reference_that_leads_nowhere_names_its_own_place(key: str, complaint: str) -> None:
    with pytest.raises(ContractError, match=complaint):
        whole().get(key)


def test_a_text_of_another_type_is_refused_with_its_place() -> None:
    with pytest.raises(ContractError, match=r"^/d/a.json: /number: a text belongs here$"):
        whole().text("number")


def test_path_templates_are_escaped_in_uris() -> None:
    document = {"/jobs/{id}": 1}
    found = place("file:///x.json", lambda _: document).get("/jobs/{id}")
    assert found is not None
    assert found.uri == "file:///x.json#/~1jobs~1%7Bid%7D"
    assert place("file:///x.json", lambda _: document).at(found.uri).value == 1
