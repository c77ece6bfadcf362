"""`worker check` finds every misbehaviour of the simulated worker, and none in the well-behaved one."""

from __future__ import annotations

from typing import Any

import pytest

from replayer.errors import UsageError
from replayer.worker.check.catalogue import catalogue, payloads_of
from replayer.worker.check.check import Kind, Verdict
from replayer.worker.misbehave.catalogue import MISBEHAVIOURS, conduct_named

FOUND_BY = {
    "no-register": ["registration"],
    "talks-first": ["registration", "order"],
    "no-capacity": ["registration"],
    "wordy-capacity": ["registration", "frames"],
    "no-base-path": ["base-path"],
    "no-token": ["authorization"],
    "no-compression": ["compression"],
    "no-pong": ["ping"],
    "no-answer": ["transient", "persisted", "task:openai/chat-completion"],
    "answers-twice": ["order"],
    "answers-duplicates": ["duplicate-answered-once"],
    "wrong-job-id": ["transient", "order"],
    "no-fence": ["persisted", "order"],
    "transient-fence": ["transient-fence"],
    "bad-result": ["task:openai/*", "task:fal/text-to-image"],
    "bare-result": ["task:*"],
    "one-at-a-time": ["capacity", "over-capacity"],
    "keeps-to-capacity": ["over-capacity"],
    "silent-errors": ["errors"],
    "empty-errors": ["errors"],
    "wordless-errors": ["errors", "frames"],
    "silent-on-unknown-tasks": ["unknown-task"],
    "dies-of-payloads": ["non-object-payload"],
    "silent-on-payloads": ["non-object-answered"],
    "binary-frames": ["registration", "frames"],
    "unknown-messages": ["frames"],
    "small-messages": ["large-payload"],
    "dies-of-size": ["oversized-message"],
    "no-payload-url": ["payload-url"],
    "payload-url-only": ["payload-url-fails"],
    "false-upload": ["upload", "order"],
    "no-upload": ["upload-used"],
    "no-progress": ["lease"],
    "late-progress": ["order"],
    "impatient": ["slow-delivery", "slow-reader"],
    "no-return": ["reconnect-*", "works-again", "job-outlives-connection"],
    "final-1000": ["reconnect-1000"],
    "final-4000s": ["reconnect-4001"],
    "final-cut": ["reconnect-cut", "reconnect-refused"],
    "new-identity": ["reconnect-*"],
    "forgets-jobs": ["job-outlives-connection"],
    "one-life": ["works-again"],
    "dies-of-duplicates": ["duplicate-delivery"],
    "dies-of-revoke": ["revoke", "revoke-unknown"],
    "dies-of-errors": ["error-message"],
    "dies-of-garbage": ["garbage"],
    "dies-of-unknown": ["unknown-messages"],
    "dies-of-binary": ["binary-frame"],
    "touchy": ["garbage-keeps-connection"],
    "no-drain": ["drain"],
    "drops-on-drain": ["drain-finishes"],
    "abrupt-leave": ["drain-close"],
    "bad-exit": ["drain-exit"],
    "pause-after-drain": ["order"],
}
"""Each misbehaviour with the checks that fail on it; others may too."""

TRAFFIC = {"order": ["transient", "persisted", "drain"], "frames": ["errors"], "lease": ["persisted"]}
"""What has to go on for the checks that only look."""

TIMINGS = {
    # What is awaited in vain here is awaited for as short a time as may be.
    "job": 0.25,
    "reconnect": 0.3,
    "start": 0.3,
    "slow": 0.8,
}
OPTIONS: dict[str, dict[str, Any]] = {"no-progress": {"delay": 0.35}, "impatient": {"delay": 0.4}}


@pytest.mark.parametrize("name", MISBEHAVIOURS)
async def test_the_check_finds(name: str, checked: Any) -> None:
    expected = FOUND_BY[name]
    traffic = [check for wanted in expected for check in TRAFFIC.get(wanted, ())]
    timings = {**TIMINGS, **({"job": 1.0} if name in OPTIONS else {})}
    if name == "false-upload":
        traffic.append("upload")
    run = await checked.run(*traffic, *expected, misbehave=name, timings=timings, **OPTIONS.get(name, {}))
    for pattern in expected:
        below = pattern.removesuffix("*")
        matching = [
            one
            for check, one in run.outcomes.items()
            if check == pattern or (below != pattern and check.startswith(below))
        ]
        assert matching
        for one in matching:
            assert one.verdict is Verdict.FAILED, f"{one.check.name}: {one.verdict} {one.why}"
            assert one.why
    if name == "pause-after-drain":
        assert "after drain" in run.outcomes["order"].why


async def test_the_well_behaved_worker_holds_in_everything(checked: Any) -> None:
    run = await checked.run(renew_every=0.05)
    assert {name: one.why for name, one in run.outcomes.items() if one.verdict is Verdict.FAILED} == {}
    assert {name for name, one in run.outcomes.items() if one.verdict is Verdict.SKIPPED} <= {"lease"}


async def test_a_lease_that_is_renewed_holds(checked: Any) -> None:
    run = await checked.run("persisted", "lease", delay=0.4, renew_every=0.05)
    assert {name: one.verdict for name, one in run.outcomes.items()} == {
        "persisted": Verdict.HELD,
        "lease": Verdict.HELD,
    }


def test_every_misbehaviour_is_found_by_a_check_and_every_check_finds_one() -> None:
    assert FOUND_BY.keys() == MISBEHAVIOURS.keys()
    found = {name for names in FOUND_BY.values() for name in names}
    for check in catalogue(payloads_of((), ()), promised=True):
        family = check.name.startswith(("task:", "reconnect-"))
        assert check.name in found or family, check.name


def test_every_misbehaviour_says_what_it_does() -> None:
    assert all(kind.__doc__ and "\n" not in kind.__doc__ for kind in MISBEHAVIOURS.values())


def test_a_misbehaviour_that_there_is_not_names_the_closest() -> None:
    with pytest.raises(UsageError, match="did you mean 'no-drain'"):
        conduct_named("no-drian")


def test_a_check_is_a_must_with_its_sentence_or_advice() -> None:
    checks = catalogue(payloads_of((), ()), promised=False)
    assert len({check.name for check in checks}) == len(checks)
    assert all(check.rule.endswith((".", ")")) for check in checks)
    assert {check.kind for check in checks} == {Kind.MUST, Kind.ADVICE}
