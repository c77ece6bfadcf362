"""A recorded worker connection, played to a live worker."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from replayer.cassette.codec import Layout
from replayer.cassette.model import Cassette, Frame, FrameKind, Interaction, Request, Response, Sender
from replayer.cassette.store import write
from replayer.cli.worker import command
from replayer.dispatch.messages import Mode
from replayer.errors import ConfigError, UsageError
from replayer.worker.check.check import Verdict
from replayer.worker.check.recorded import Comparison, compared, recorded_checks
from replayer.worker.results import Context, result

CHAT = {"task": "openai/chat-completion", "messages": [{"role": "user", "content": "hello"}]}
REGISTER = {"type": "register", "worker_id": "w", "config_id": "c", "capacity": 1}


def job(job_id: str = "j1", payload: Any = CHAT, mode: Mode = Mode.TRANSIENT) -> dict[str, Any]:
    return {"type": "job", "job_id": job_id, "mode": mode, "config_id": "c", "payload": payload, "fence_token": 3}


def answer(job_id: str = "j1", **changed: Any) -> dict[str, Any]:
    context = Context(job_id=job_id, config_id="default", execution_time=0.05, processed_at="2026-11-20T15:46:04.08")
    return {"type": "job_result", "job_id": job_id, "result": {**result(CHAT, context), **changed}, "fence_token": 0}


def cassette(*frames: dict[str, Any]) -> Cassette:
    """A connection of these messages; the queue's are jobs and revocations."""
    return Cassette(
        interactions=(
            Interaction(
                request=Request(method="GET", uri="wss://queue.example/ws"),
                response=Response(
                    status=101,
                    frames=tuple(
                        Frame(
                            at=float(at),
                            sender=Sender.SERVER if frame["type"] in ("job", "job_revoked") else Sender.CLIENT,
                            kind=FrameKind.TEXT,
                            text=json.dumps(frame),
                        )
                        for at, frame in enumerate(frames)
                    ),
                ),
            ),
        )
    )


async def played(
    checked: Any, *frames: dict[str, Any], ignore: str = "$.processed_at", by: str = "value", **options: Any
) -> dict[str, str]:
    """Why each recorded job did not hold; empty where it did."""
    checks = recorded_checks([("w.yaml", cassette(REGISTER, *frames))], Comparison(by), compared([ignore]))
    run = await checked.run("w.yaml*", checks=checks, **options)
    return {name: one.why for name, one in run.outcomes.items() if one.verdict is not Verdict.SKIPPED}


async def test_a_worker_that_answers_as_it_was_recorded_holds(checked: Any) -> None:
    frames = [job("j1"), answer("j1"), job("j2", mode=Mode.PERSISTED), {**answer("j2"), "fence_token": 3}]
    assert await played(checked, *frames) == {"w.yaml#0 job 1": "", "w.yaml#0 job 2": ""}


async def test_another_value_is_told_with_its_place(checked: Any) -> None:
    told = await played(checked, job(), answer(status="failure"))
    assert told == {"w.yaml#0 job 1": '/status: recorded "failure", answered "success"'}


async def test_what_is_not_ignored_is_compared(checked: Any) -> None:
    told = await played(checked, job(), answer(), ignore="$.nothing")
    assert told["w.yaml#0 job 1"].startswith('/processed_at: recorded "2026-11-20T15:46:04.08", answered "')


async def test_by_schema_another_value_is_no_matter(checked: Any) -> None:
    assert await played(checked, job(), answer(status="failure"), by="schema") == {"w.yaml#0 job 1": ""}


async def test_by_schema_a_result_that_breaks_it_is_told(checked: Any) -> None:
    told = await played(checked, job(), answer(), by="schema", misbehave="bad-result")
    assert "the answer breaks its schema: " in told["w.yaml#0 job 1"]


async def test_an_error_where_a_result_was_recorded_is_told(checked: Any) -> None:
    told = await played(checked, job(), answer(), error_rate=1.0)
    assert told["w.yaml#0 job 1"] == "recorded was a result, answered job_error (Simulated error (error rate: 1.0))"


async def test_a_recorded_error_is_compared_by_its_text(checked: Any) -> None:
    broken = {**CHAT, "messages": [{"role": "user", "content": None}]}
    error = {"type": "job_error", "job_id": "j1", "error": "'NoneType' object is not subscriptable"}
    assert await played(checked, job(payload=broken), error) == {"w.yaml#0 job 1": ""}
    told = await played(checked, job(payload=broken), {**error, "error": "out of memory"})
    assert told["w.yaml#0 job 1"].startswith('/: recorded "out of memory", answered "')


def test_the_answered_jobs_are_asked_in_the_order_in_which_they_were_handed_out() -> None:
    frames = [job("a"), job("b", payload="text"), job("c"), answer("b"), {"type": "job_error", "job_id": "a"}]
    checks = recorded_checks([("w", cassette(REGISTER, *frames))], Comparison.VALUE, compared([]))
    assert [check.name for check in checks if check.name.startswith("w#")] == ["w#0 job 1", "w#0 job 2"]


@pytest.mark.parametrize("frames", [[REGISTER, job()], [job(), answer()]], ids=["unanswered", "unregistered"])
def test_a_cassette_without_an_answered_job_is_refused(frames: list[dict[str, Any]]) -> None:
    with pytest.raises(UsageError, match="no worker's connection with an answered job"):
        recorded_checks([("w.yaml", cassette(*frames))], Comparison.VALUE, compared([]))


def test_an_ignore_rule_that_is_no_path_is_refused() -> None:
    with pytest.raises(ConfigError, match="is not understood"):
        compared(["$.a[?(@.x)]"])


def test_the_command_lists_the_jobs_of_a_cassette(tmp_path: Path) -> None:
    file = tmp_path / "w.yaml"
    write(file, cassette(REGISTER, job(), answer()), layout=Layout.BLOCK)
    out = CliRunner().invoke(command, ["check", "--cassette", str(file), "--list"]).output
    assert [" ".join(line.split()[1:4]) for line in out.splitlines()][1] == f"{file}#0 job 1"
