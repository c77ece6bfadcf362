from __future__ import annotations

import pytest

from replayer.contract.media import choose, is_json, media_type


@pytest.mark.parametrize(
    ("headers", "body", "media"),
    [
        ((("Content-Type", "Application/JSON; charset=utf-8"),), b"", "application/json"),
        ((), b' {"a": 1}', "application/json"),
        ((), b"[1]", "application/json"),
        ((), b"\ndata: x", "text/event-stream"),
        ((), b": ping", "text/event-stream"),
        ((), b"text", None),
        ((), b"", None),
    ],
)
def test_a_body_has_the_type_that_is_said_or_seen(
    headers: tuple[tuple[str, str], ...], body: bytes, media: str | None
) -> None:
    assert media_type(headers, body) == media


def test_the_most_exact_range_is_chosen() -> None:
    contents = {"*/*": 1, "application/*": 2, "application/json": 3}
    assert [choose(contents, media) for media in ("application/json", "application/xml", "text/plain")] == [3, 2, 1]
    assert choose({"text/plain": 1}, "text/html") is None


@pytest.mark.parametrize(
    ("media", "json"), [("application/json", True), ("application/problem+json", True), ("text/plain", False)]
)
def test_json_is_known_by_its_type(media: str, json: bool) -> None:
    assert is_json(media) is json
