"""Real traffic keeps the bundled contracts, all of it; the same traffic broken in every known place does not."""

from __future__ import annotations

from collections import Counter

import pytest

from replayer.contract.verify import Verification, verify
from replayer.contract.violation import Severity
from replayer.errors import ExitStatus
from tests import needs
from tests.contract import corpus
from tests.contract.corpus import cassettes, interactions
from tests.contract.mutations import CONTRACT

pytestmark = needs.corpus

UNCOVERED = {
    "bedrock-runtime.us-east-1.amazonaws.com": "no contract of Bedrock",
    "localhost": "Logfire's own queries, and OpAMP",
    "httpbin.org": "no provider",
    "moz.com": "no provider",
    "seomoz.org": "no provider",
    "www.google.com": "no provider",
    "raw.githubusercontent.com": "a price list",
    "static.simonwillison.net": "an image",
}
"""Hosts in the corpus that no contract speaks of, and why."""

EXPLAINED: dict[tuple[str, str], str] = {}
"""Violations in real traffic by schema and pointer, and why they are right: none, at any severity."""


def test_real_traffic_keeps_the_contracts_and_the_counts_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    verification: Verification = verify(cassettes(), CONTRACT)
    checked = verification.checked
    unexplained = [each for each in verification.findings if (each.schema, each.pointer) not in EXPLAINED]
    with capsys.disabled():
        told = f"{checked.requests} requests, {checked.responses} answers, {checked.events} events"
        print(f"\ncorpus: {told}; {checked.uncovered} uncovered; {len(verification.findings)} findings")  # noqa: T201
    assert unexplained == []
    assert verification.status(Severity.WARNING) is ExitStatus.HELD
    assert (checked.requests, checked.responses, checked.events) >= (226, 226, 1602)


def test_what_has_no_contract_is_known() -> None:
    hosts: Counter[str] = Counter()
    for where, each in interactions():
        if CONTRACT.interaction(each, where=where).count == 0:
            hosts[each.request.uri.split("/")[2].partition(":")[0]] += 1
    assert set(hosts) <= set(UNCOVERED), hosts


def test_real_answers_and_streams_that_are_broken_are_found() -> None:
    found, moved = corpus.retyped(), corpus.moved()
    assert found.unexplained + moved.unexplained == []
    assert (found.made.total() > 200, moved.made.total() > 50) == (True, True)
