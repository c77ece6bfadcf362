"""Fields that lead a client on."""

from __future__ import annotations

import pytest

from replayer.match.leading import leads, led

BASE, HERE = "https://api.example/base", "http://127.0.0.1:9/one"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("https://api.example/base/x?y=1#z", f"{HERE}/x?y=1#z"),
        ("https://API.example:443/base", HERE),
        ("https://api.example/base?y=1", f"{HERE}?y=1"),
        ("https://api.example/based/x", None),
        ("https://api.example/x", None),
        ("http://api.example/base/x", None),
        ("https://other.example/base/x", None),
        ("https://api.example.evil.example/base/x", None),
        ("/base/x", None),
        ("https://[not a host/", None),
    ],
)
def test_what_leads_below_the_upstream_leads_through_us_and_nothing_else_does(value: str, expected: str | None) -> None:
    assert led((("Location", value),), base=BASE, here=HERE) == (("Location", expected or value),)


def test_an_upstream_without_a_path_of_its_own() -> None:
    headers = (("x-goog-upload-url", "https://g.example/upload?upload_id=1"), ("link", "https://g.example/other"))
    assert led(headers, base="https://g.example", here="http://127.0.0.1:9/") == (
        ("x-goog-upload-url", "http://127.0.0.1:9/upload?upload_id=1"),
        ("link", "https://g.example/other"),
    )


def test_only_absolute_addresses_in_leading_fields_lead() -> None:
    assert leads((("Location", "https://a.example/"),))
    assert not leads((("Location", "/a"), ("link", "https://a.example/")))
