from __future__ import annotations

from typing import Any

import orjson
import pytest

from replayer.cassette.model import Request
from replayer.faults.chance import Dice, FaultState
from replayer.faults.decision import Decision, Rewritten, decide
from replayer.faults.grammar import parse
from replayer.faults.plan import Ending, Plan, Send, Wait
from replayer.faults.provider_errors import Provider, error_body, provider_of

REQUEST = Request(method="POST", uri="/v1/chat/completions")
STREAM = Plan(status=200, steps=(Send(b"aaaa"), Wait(5), Send(b"bb"), Wait(5), Send(b"cccc")), streamed=True)
WHOLE = Plan(status=200, steps=(Send(b"0123456789"),))
EMPTY = Plan(status=204)


def decided(text: str, *, state: FaultState | None = None, **words: str) -> Decision:
    words = {"seed": "s", "session": "default", "rule": "header", **words}
    return decide(parse(text), state=state or FaultState(), **words)


def rewritten(text: str, plan: Plan) -> Rewritten:
    return decided(text).rewrite(plan)


def test_without_faults_nothing_happens() -> None:
    assert decided("none").rewrite(STREAM) == Rewritten(plan=STREAM, applied=(), not_applied=())
    assert decided("none").answer(REQUEST, Provider.OPENAI) is None


def test_a_fault_that_answers_replaces_the_source_and_what_stands_before_it_applies_to_its_answer() -> None:
    decision = decided("delay;ms=500, status;code=429;retry-after=2;retry-after-ms=1500")
    plan = decision.answer(REQUEST, Provider.OPENAI)
    assert plan is not None
    result = decision.rewrite(plan)
    assert result.applied == ("delay", "status")
    assert result.plan.before == (Wait(500),)
    assert (result.plan.status, result.plan.reason) == (429, "Too Many Requests")
    assert ("retry-after", "2") in result.plan.headers
    assert ("retry-after-ms", "1500") in result.plan.headers


def test_the_first_that_answers_ends_the_list() -> None:
    decision = decided("status;code=500;skip=1, status;code=503;first=1, reset")
    plan = decision.answer(REQUEST, Provider.OPENAI)
    assert plan is not None
    assert plan.status == 503
    assert decision.rewrite(plan).applied == ("status",)


def test_reset_sends_no_head() -> None:
    plan = decided("reset").answer(REQUEST, Provider.OPENAI)
    assert plan == Plan(status=0, ending=Ending.RESET)


@pytest.mark.parametrize(("method", "code"), [("HEAD", 429), ("GET", 204), ("GET", 304)])
def test_an_answer_that_has_no_body_gets_none(method: str, code: int) -> None:
    plan = decided(f"status;code={code};retry-after=1").answer(Request(method=method, uri="/"), Provider.OPENAI)
    assert plan is not None
    assert (plan.size, plan.headers) == (0, (("retry-after", "1"),))


def test_an_abrupt_cut_of_one_body_still_promises_all_of_it() -> None:
    cut = rewritten("truncate;bytes=4;end=abrupt", WHOLE).plan
    assert (cut.size, cut.promised, cut.ending, cut.streamed) == (4, 10, Ending.EOF, False)
    cut = rewritten("truncate;bytes=10;end=abrupt", WHOLE).plan
    assert (cut.size, cut.promised, cut.ending, cut.streamed) == (10, None, Ending.EOF, True)


@pytest.mark.parametrize(
    ("text", "kept", "ending"),
    [
        ("truncate;bytes=5", [b"aaaa", b"b"], Ending.COMPLETE),
        ("truncate;bytes=0", [], Ending.COMPLETE),
        ("truncate;chunks=2", [b"aaaa", b"bb"], Ending.COMPLETE),
        ("truncate;chunks=0;end=abrupt", [], Ending.EOF),
        ("truncate;chunks=3;end=abrupt", [b"aaaa", b"bb", b"cccc"], Ending.EOF),
        ("truncate;fraction=0.25;end=abrupt", [b"aa"], Ending.EOF),
    ],
)
def test_truncate_keeps_the_first_part(text: str, kept: list[bytes], ending: Ending) -> None:
    result = rewritten(text, STREAM)
    assert [step.data for step in result.plan.steps if isinstance(step, Send)] == kept
    assert (result.plan.ending, result.plan.streamed) == (ending, True)
    assert (result.applied, result.not_applied) == (("truncate",), ())


@pytest.mark.parametrize(
    ("text", "plan", "reason"),
    [
        ("truncate;chunks=9", STREAM, "truncate: the answer has 3 chunks, so that nothing comes after 9"),
        ("truncate;chunks=3", STREAM, "truncate: the answer has 3 chunks, so that nothing comes after 3"),
        ("truncate;bytes=11;end=abrupt", WHOLE, "truncate: the answer has 10 bytes, so that nothing comes after 11"),
        ("truncate;bytes=0", EMPTY, "truncate: the answer has no body"),
        ("throttle;rate=5", EMPTY, "throttle: the answer has no body"),
        ("truncate;bytes=1", Plan(status=0, ending=Ending.RESET), "truncate: the answer has no body"),
    ],
)
def test_what_cannot_apply_says_why_and_changes_nothing(text: str, plan: Plan, reason: str) -> None:
    assert rewritten(text, plan) == Rewritten(plan=plan, applied=(), not_applied=(reason,))


def test_throttle_sends_every_byte_at_its_rate() -> None:
    plan = rewritten("throttle;rate=100", WHOLE).plan
    assert b"".join(step.data for step in plan.steps if isinstance(step, Send)) == b"0123456789"
    assert sum(step.ms for step in plan.steps if isinstance(step, Wait)) == pytest.approx(100)


def test_jitter_stays_within_its_bounds_and_never_below_zero() -> None:
    state = FaultState()
    waits = [decided("delay;ms=10;jitter=30", state=state).rewrite(WHOLE).plan.before[0].ms for _ in range(200)]
    assert min(waits) == 0
    assert 30 < max(waits) <= 40
    assert len(set(waits)) > 100


def hits(text: str, count: int, **words: Any) -> list[bool]:
    state = FaultState()
    return [bool(decided(text, state=state, **words).drawn) for _ in range(count)]


def test_first_and_skip_count_the_requests_that_match() -> None:
    assert hits("reset;first=2", 4) == [True, True, False, False]
    assert hits("reset;skip=1", 3) == [False, True, True]
    assert hits("reset;skip=1;first=1", 4) == [False, True, False, False]


def test_sessions_count_for_themselves() -> None:
    one, two = FaultState(), FaultState()
    assert [bool(decided("reset;first=1", state=state).drawn) for state in (one, two, one)] == [True, True, False]


def test_chance_is_repeatable_and_depends_on_seed_session_and_rule() -> None:
    once = hits("reset;p=0.3", 1000)
    assert once == hits("reset;p=0.3", 1000)
    assert 230 < sum(once) < 370
    for other in ({"seed": "t"}, {"session": "x"}, {"rule": "y"}):
        assert once != hits("reset;p=0.3", 1000, **other)


def test_p_0_never_happens_and_p_1_always() -> None:
    assert not any(hits("reset;p=0", 200))
    assert all(hits("reset;p=1", 200))


def test_another_rule_between_changes_no_draw() -> None:
    state, mixed = FaultState(), []
    for _ in range(100):
        mixed.append(bool(decided("reset;p=0.5", state=state).drawn))
        decided("reset;p=0.5", state=state, rule="another")
    assert mixed == hits("reset;p=0.5", 100)


def test_words_do_not_run_together_in_a_draw() -> None:
    assert Dice(seed="a", session="bc", rule="r", count=1).roll("p") != Dice(
        seed="ab", session="c", rule="r", count=1
    ).roll("p")


@pytest.mark.parametrize(
    ("provider", "where", "value"),
    [
        (Provider.OPENAI, ("error", "code"), "rate_limit_exceeded"),
        (Provider.ANTHROPIC, ("error", "type"), "rate_limit_error"),
        (Provider.GEMINI, ("error", "status"), "RESOURCE_EXHAUSTED"),
    ],
)
def test_errors_have_the_shape_of_their_provider(provider: Provider, where: tuple[str, str], value: str) -> None:
    body = orjson.loads(error_body(provider, 429, "slow down"))
    assert body[where[0]][where[1]] == value
    assert body["error"]["message"] == "slow down"
    assert orjson.loads(error_body(provider, 418, "x"))


@pytest.mark.parametrize(
    ("uri", "headers", "host", "provider"),
    [
        ("/v1/chat/completions", (), None, Provider.OPENAI),
        ("/v1/messages", (), None, Provider.ANTHROPIC),
        ("/v1/models", (("Anthropic-Version", "x"),), None, Provider.ANTHROPIC),
        ("/v1beta/models/g:generateContent", (), None, Provider.GEMINI),
        ("/v1/models?alt=sse&key=x", (), None, Provider.GEMINI),
        ("/v1/models", (("x-goog-api-key", "x"),), None, Provider.GEMINI),
        ("/v1/models", (("x-api-key", "x"),), None, Provider.ANTHROPIC),
        ("/v1/messages", (), "api.openai.com", Provider.OPENAI),
        ("/v1/models", (), "generativelanguage.googleapis.com", Provider.GEMINI),
    ],
)
def test_the_provider_is_told_by_host_then_headers_then_path(
    uri: str, headers: tuple[tuple[str, str], ...], host: str | None, provider: Provider
) -> None:
    assert provider_of(Request(method="POST", uri=uri, headers=headers), host=host) is provider
