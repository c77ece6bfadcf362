"""Which hosts are recorded, passed through or blocked."""

from __future__ import annotations

import re

import pytest

from replayer.errors import UsageError
from replayer.record.hosts import HostRules, Verdict, split


@pytest.mark.parametrize(
    ("rules", "host", "port", "verdict"),
    [
        (HostRules(), "api.openai.com", 443, Verdict.RECORD),
        (HostRules(ignore=("*.telemetry.example",)), "eu.telemetry.example", 443, Verdict.PASS),
        (HostRules(ignore=("*.telemetry.example",)), "telemetry.example", 443, Verdict.RECORD),
        (HostRules(ignore=("API.openai.com",)), "api.OpenAI.com", 443, Verdict.PASS),
        (HostRules(ignore=("api.openai.com",)), "api.openai.com.evil.example", 443, Verdict.RECORD),
        (HostRules(ignore=("apixopenai.com",)), "api.openai.com", 443, Verdict.RECORD),
        (HostRules(ignore=("localhost:8080",)), "localhost", 8080, Verdict.PASS),
        (HostRules(ignore=("localhost:8080",)), "localhost", 8081, Verdict.RECORD),
        (HostRules(ignore=("[::1]",)), "::1", 80, Verdict.PASS),
        (HostRules(ignore=("[::1]:81",)), "::1", 80, Verdict.RECORD),
        (HostRules(allow=("api.openai.com",)), "api.openai.com", 443, Verdict.RECORD),
        (HostRules(allow=("api.openai.com",)), "pypi.org", 443, Verdict.PASS),
        (HostRules(allow=("*.openai.com",), ignore=("api.openai.com",)), "api.openai.com", 443, Verdict.PASS),
        (HostRules(allow=("*",), block=("stats.example",)), "stats.example", 443, Verdict.BLOCK),
        (HostRules(ignore=("*",), block=("stats.example",)), "stats.example", 443, Verdict.BLOCK),
    ],
)
def test_block_goes_over_ignore_over_allow(rules: HostRules, host: str, port: int, verdict: Verdict) -> None:
    assert rules.verdict(host, port) is verdict
    address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    passed = any(re.search(pattern, address, re.IGNORECASE) for pattern in rules.passed_patterns())
    assert passed is (verdict is Verdict.PASS)


def test_patterns_are_separated_by_commas() -> None:
    assert split("--ignore-hosts", ["a.example, *.b.example", "c:80,"]) == ("a.example", "*.b.example", "c:80")


@pytest.mark.parametrize("pattern", ["https://a.example", "a.example/x", "a b", "a:x", ""])
def test_what_is_no_host_says_what_to_write(pattern: str) -> None:
    if not pattern:
        assert split("--allow-hosts", [pattern]) == ()
        return
    with pytest.raises(UsageError, match="that is no host; write a host such as"):
        split("--allow-hosts", [pattern])
