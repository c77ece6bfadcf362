"""A recording that is looked at: both counts, of what is new in it, and as far as there was time."""

from __future__ import annotations

from pathlib import Path

import pytest

from replayer.afterwards import Judged, judge, judge_within, judging
from replayer.cassette import store
from replayer.cassette.codec import Layout
from replayer.cassette.model import Cassette, Interaction, Metadata, Origin, Request, Response
from replayer.clock import SystemClock
from replayer.redact.redactor import Redactor

REDACTOR = Redactor.default({})
AMPLE = 60_000.0
BASE = "http://127.0.0.1:9"
METADATA = Metadata(origin=Origin.RECORDED, upstreams={"openai": BASE})


def asked(text: str, *, answer: bytes = b'{"id":1}') -> Interaction:
    """An answer that no chat completion is, where its upstream is known."""
    headers = (("content-type", "application/json"),)
    request = Request(
        method="POST",
        uri=f"{BASE}/v1/chat/completions",
        headers=headers,
        body=b'{"model":"m","messages":[{"role":"user","content":"%b"}]}' % text.encode(),
    )
    return Interaction(request=request, response=Response(status=200, headers=headers, body=answer))


def cassette(path: Path, *interactions: Interaction, layout: Layout = Layout.FLOW) -> Path:
    store.write(path, Cassette(interactions=interactions, metadata=METADATA), layout=layout)
    return path


SECRET = asked("sk-proj-abcdefghijklmnop1234")


@pytest.mark.parametrize("layout", list(Layout))
def test_what_is_new_is_scanned_and_verified(tmp_path: Path, layout: Layout) -> None:
    path = cassette(tmp_path / "x.yaml", SECRET, asked("a"), SECRET, layout=layout)
    judged = judge([(path, 2)], REDACTOR)
    assert (judged.recorded, judged.checked, judged.secrets) == (2, 2, 1)
    assert judged.violations == judge([(path, 3)], REDACTOR).violations * 2 / 3 > 0
    assert judge([(path, 1)], REDACTOR).secrets == 1


def test_the_counts_stand_after_each_interaction(tmp_path: Path) -> None:
    path = cassette(tmp_path / "x.yaml", asked("a"), SECRET, SECRET)
    told = [(judged.checked, judged.secrets) for judged in judging([(path, 3)], REDACTOR)]
    assert told == [(1, 0), (2, 1), (3, 2), (3, 2)]


def test_with_time_enough_all_of_it_is_looked_at(tmp_path: Path) -> None:
    recorded = [(cassette(tmp_path / "x.yaml", SECRET), 1), (cassette(tmp_path / "y.yaml", asked("a"), SECRET), 2)]
    whole = judge(recorded, REDACTOR)
    assert judge_within(recorded, REDACTOR, clock=SystemClock(), within_ms=AMPLE) == whole
    assert (whole.checked, whole.unchecked) == (3, 0)


def test_without_time_it_is_said_that_nothing_was_looked_at(tmp_path: Path) -> None:
    path = cassette(tmp_path / "x.yaml", SECRET)
    judged = judge_within([(path, 1)], REDACTOR, clock=SystemClock(), within_ms=0)
    assert judged == Judged(recorded=1)
    assert judged.told == "scan and verify had no time for any of the 1 interaction(s)"


def test_a_file_that_cannot_be_read_back_is_said_and_the_others_are_looked_at(tmp_path: Path) -> None:
    broken = tmp_path / "broken.yaml"
    broken.write_text("interactions: [")
    recorded = [(broken, 1), (cassette(tmp_path / "x.yaml", SECRET), 1)]
    for judged in (
        judge(recorded, REDACTOR),
        judge_within(recorded, REDACTOR, clock=SystemClock(), within_ms=AMPLE),
    ):
        assert (judged.checked, judged.secrets, len(judged.unreadable)) == (1, 1, 1)
        assert f"it cannot be read back: {broken}" in judged.told


def test_half_of_it_is_said_to_be_half() -> None:
    judged = Judged(recorded=100_000, checked=1234, secrets=1)
    assert judged.told == (
        "scan: 1 secret(s) found; verify: 0 violation(s), 0 warning(s), "
        "in the first 1,234 of 100,000 interactions; for the rest was no time"
    )
