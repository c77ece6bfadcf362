from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replayer.errors import FaultError
from replayer.faults.answer import Delay, Reset, Status
from replayer.faults.grammar import KNOWN, from_headers, parse
from replayer.faults.stream import Cut, Throttle, Truncate


def test_a_list_is_read_from_left_to_right_with_its_parameters() -> None:
    assert parse("delay;ms=500;jitter=100, status;code=429;retry-after=2;retry-after-ms=1.5;p=0.3;first=2;skip=1") == (
        Delay(ms=500, jitter=100),
        Status(code=429, retry_after=2, retry_after_ms=1.5, p=0.3, first=2, skip=1),
    )
    assert parse(" reset ") == (Reset(),)
    assert parse('truncate;fraction=0.5;end=abrupt, truncate;bytes=0;end="clean"') == (
        Truncate(fraction=0.5, end=Cut.ABRUPT),
        Truncate(bytes=0),
    )


def test_none_switches_off() -> None:
    assert parse("none") == ()


MISTAKES = {
    "": "empty",
    "   ": "empty",
    "dealy;ms=5": "no fault 'dealy'; did you mean 'delay'",
    "Delay;ms=5": "did you mean 'delay'",
    '"delay";ms=5': "without quotes",
    "5": "a fault is a word",
    "(delay);ms=5": "in parentheses",
    "delay": "needs its parameter 'ms'",
    "delay;ms": "'ms' of fault 'delay' has no value",
    "delay;ms=-1": "is -1: it takes a number from 0 to 8.64e+07",
    "delay;ms=99999999999": "is 99999999999",
    "delay;ms=abc": "is abc: it takes a number",
    'delay;ms="5"': "is '5'",
    "delay;ms=?1": "has no value",
    "delay;ms=5;ms=6": "'ms' is given twice",
    "delay;ms=5;jiter=6": "no parameter 'jiter'; did you mean 'jitter'",
    "delay;ms=5;p=1.5": "'p' of fault 'delay' is 1.5: it takes a number from 0 to 1",
    "delay;ms=5;p=-0.1": "'p' of fault 'delay' is -0.1",
    "delay;ms=5;first=0": "'first'",
    "delay;ms=5;first=1.5": "a whole number",
    "delay;ms=5;skip=-1": "'skip'",
    "status;code=99": "from 200 to 599",
    "status;code=429.5": "a whole number",
    "truncate": "none of them",
    "truncate;bytes=1;chunks=1": "bytes and chunks",
    "truncate;fraction=1": "cuts nothing off",
    "truncate;bytes=1;end=sudden": "it takes clean or abrupt",
    "none, reset": "stands alone",
    "none;p=0.5": "stands alone",
    "reset, delay;ms=5": "'delay' can never take effect: 'reset' before it always answers",
    "delay;ms=5,": "not a list of faults",
    "delay ms=5": "not a list of faults",
    "delay;;": "not a list of faults",
    "dêlay": "not a list of faults",
}


@pytest.mark.parametrize("text", MISTAKES)
def test_a_mistake_is_named_and_the_known_faults_are_listed(text: str) -> None:
    with pytest.raises(FaultError) as refused:
        parse(text)
    assert MISTAKES[text] in str(refused.value)
    assert "delay;ms;jitter;p;first;skip" in str(refused.value)
    assert all(name in str(refused.value) for name in KNOWN)


def test_what_answers_sometimes_may_be_followed_by_another() -> None:
    assert len(parse("status;code=429;p=0.5, status;code=500;first=1, reset;skip=3, truncate;bytes=1")) == 4


@given(st.text(max_size=60) | st.from_regex(r"(delay|status|reset|truncate)(;[a-z]{1,5}=[-0-9.a-z]{0,6}){0,3}"))
def test_any_text_is_faults_or_a_fault_error(text: str) -> None:
    try:
        faults = parse(text)
    except FaultError:
        return
    assert all(type(fault) is KNOWN[fault.name] for fault in faults)


@given(
    ms=st.integers(0, 86_400_000),
    p=st.integers(0, 1000).map(lambda n: n / 1000),
    first=st.integers(1, 10**6),
    skip=st.integers(0, 10**6),
)
def test_values_within_bounds_arrive_as_they_were_written(ms: int, p: float, first: int, skip: int) -> None:
    assert parse(f"delay;ms={ms};p={p};first={first};skip={skip}") == (Delay(ms=ms, p=p, first=first, skip=skip),)


def test_headers_without_a_fault_ask_for_none() -> None:
    assert from_headers((("accept", "*/*"),)) is None
    assert from_headers((("Replayer-Fault", "none"),)) == ()


def test_a_repeated_header_is_one_list() -> None:
    assert from_headers((("replayer-fault", "delay;ms=1"), ("Replayer-Fault", "reset"))) == (Delay(ms=1), Reset())


def test_envoys_headers_are_aliases() -> None:
    asked = (
        ("X-Envoy-Fault-Abort-Request", "503"),
        ("x-envoy-fault-abort-request-percentage", "25"),
        ("x-envoy-fault-delay-request", "200"),
        ("x-envoy-fault-throughput-response", "2"),
    )
    assert from_headers(asked) == (Delay(ms=200), Throttle(rate=2048), Status(code=503, p=0.25))


@pytest.mark.parametrize(
    ("headers", "message"),
    [
        ({"x-envoy-fault-abort-request": "abc"}, "x-envoy-fault-abort-request is 'abc'"),
        ({"x-envoy-fault-abort-request": "-5"}, "it takes a whole number"),
        ({"x-envoy-fault-abort-request": "99"}, "from 200 to 599"),
        ({"x-envoy-fault-delay-request": "5", "x-envoy-fault-delay-request-percentage": "101"}, "from 0 to 100"),
        ({"x-envoy-fault-delay-request-percentage": "50"}, "alone is no fault"),
        ({"x-envoy-fault-delay": "50"}, "x-envoy-fault-delay alone"),
        ({"x-envoy-fault-delay-request": "5", "replayer-fault": "reset"}, "say it in one of them"),
    ],
)
def test_a_mistaken_alias_is_refused(headers: dict[str, str], message: str) -> None:
    with pytest.raises(FaultError, match=message):
        from_headers(tuple(headers.items()))
