"""The request headers that are ours."""

from __future__ import annotations

import pytest

from replayer.errors import UsageError
from replayer.gateway.headers import Ours, cassette_names, split_headers


def test_a_request_without_ours_is_left_as_it_is() -> None:
    headers = (("Host", "h"), ("X-Request-Id", "1"), ("Referer", "r"))
    assert split_headers(headers) == (headers, Ours(), ())


def test_those_that_change_what_is_asked_are_told_apart() -> None:
    headers = (("Host", "h"), ("Anthropic-Version", "1"), ("x-ms-api-version", "2"), ("X-Stainless-Lang", "python"))
    assert split_headers(headers) == (headers, Ours(), headers[1:3])


def test_ours_are_taken_out_whatever_their_case() -> None:
    headers = (("Host", "h"), ("REPLAYER-Session", "s"), ("replayer-upstream", "u"), ("Replayer-Outcome", "hit"))
    theirs, ours, _ = split_headers(headers)
    assert theirs == (("Host", "h"),)
    assert (ours.session, ours.upstream) == ("s", "u")


def test_faults_are_kept_for_their_grammar_and_envoys_with_them() -> None:
    _, ours, _ = split_headers((("Replayer-Fault", "reset"), ("X-Envoy-Fault-Delay-Request", "5")))
    assert ours.faults == (("replayer-fault", "reset"), ("x-envoy-fault-delay-request", "5"))


def test_a_list_may_be_spread_over_fields() -> None:
    _, ours, _ = split_headers((("Replayer-Cassette", '"a"'), ("Replayer-Cassette", '"b"')))
    assert ours.cassette is not None
    assert cassette_names(ours.cassette) == ("a", "b")


def test_one_that_there_is_not_names_the_closest() -> None:
    with pytest.raises(UsageError, match="did you mean 'replayer-session'"):
        split_headers((("Replayer-Sesion", "a"),))


@pytest.mark.parametrize("value", ["a.yaml", '"a', "", '("a" "b")', "1", '"é"'])
def test_what_is_no_list_of_strings_is_refused(value: str) -> None:
    with pytest.raises(UsageError, match="is not a list of strings"):
        cassette_names(value)
