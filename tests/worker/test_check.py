"""`replayer worker check`: the command, with workers as programs."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner

from replayer.cli.worker import command
from replayer.errors import ReplayerError, UnreadableError, UsageError

TOP = Path(__file__).parents[2]
SIMULATE = [sys.executable, "-m", "replayer", "worker", "simulate", "--delay", "0.05"]
THREADED = [sys.executable, str(Path(__file__).parent / "threaded_worker.py")]


async def check(*arguments: str, worker: list[str] | None = None, **environment: str) -> tuple[int | None, str, str]:
    """Status, stdout and stderr of the command."""
    line = [sys.executable, "-m", "replayer", "worker", "check", *arguments, *(["--", *worker] if worker else [])]
    process = await asyncio.create_subprocess_exec(
        *line,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(TOP), **environment},
    )
    out, errors = await process.communicate()
    return process.returncode, out.decode(), errors.decode()


def refused(*arguments: str) -> ReplayerError:
    """The error that the command ends with before anything runs."""
    error = CliRunner().invoke(command, ["check", *arguments]).exception
    assert isinstance(error, ReplayerError), error
    return error


async def test_a_worker_that_shares_no_code_with_us_keeps_to_the_protocol(tmp_path: Path) -> None:
    """It does what the public SDK does: that may not be as advised, and is never against the protocol."""
    report = tmp_path / "report.json"
    status, out, errors = await check(
        "--task",
        "openai/chat-completion",
        "--report",
        f"json={report}",
        worker=THREADED,
        CASOLA_SIMULATED_EXECUTION_TIME="0.1",
        FIRST_BACKOFF="0.05",
    )
    assert status == 0, out + errors
    results = json.loads(report.read_text("utf-8"))["results"]
    by_status: dict[str, set[str]] = {}
    for result in results:
        by_status.setdefault(result["status"], set()).add(result["name"])
    assert by_status.keys() <= {"held", "noted", "skipped"}
    assert {"lease"} <= by_status["skipped"] <= {"lease", "job-outlives-connection"}
    advised = {"non-object-answered", "duplicate-answered-once", "garbage-keeps-connection"}
    assert advised <= by_status["noted"] <= {*advised, "job-outlives-connection"}
    assert "connection: " in errors  # what the worker prints is not in the report


async def test_what_is_against_the_protocol_ends_with_1_and_says_why(tmp_path: Path) -> None:
    report = tmp_path / "report.xml"
    status, out, _ = await check(
        "--only", "persisted", "--only", "drain", "--report", f"junit={report}",
        worker=[*SIMULATE, "--misbehave", "no-fence"],
    )  # fmt: skip
    assert status == 1
    assert "was answered with fence 0: the queue refuses that" in out
    assert "by The answer to a persisted job carries the job's fence_token." in out
    (failure,) = ElementTree.parse(report).getroot().iter("failure")
    assert "was answered with fence 0" in (failure.get("message") or "")


async def test_what_is_not_as_advised_ends_with_0() -> None:
    status, out, _ = await check("--only", "comp*", worker=[*SIMULATE, "--misbehave", "no-compression"])
    assert status == 0
    assert out.splitlines()[0].startswith("noted  advice  compression")


async def test_a_worker_that_never_comes_fails_registration_alone() -> None:
    status, out, errors = await check("--wait", "0.2", "--only", "registration", "--only", "ping")
    assert status == 1
    assert "waiting for a worker: start it with CASOLA_WS_URL=ws://127.0.0.1:" in errors
    assert "the worker did not connect in 0.2 s" in out
    assert "no worker ever connected" in out


async def test_a_program_that_ends_is_told_with_its_status() -> None:
    status, out, _ = await check("--only", "registration", worker=[sys.executable, "-c", "raise SystemExit(3)"])
    assert status == 1
    assert "the worker ended with status 3" in out


async def test_a_task_that_the_worker_is_not_said_to_do_may_be_refused() -> None:
    refusing = [*SIMULATE, "--error-rate", "1"]
    status, out, _ = await check("--only", "task:openai/chat*", worker=refusing)
    assert (status, "the worker does not do it: Simulated error" in out) == (3, True)
    status, out, _ = await check("--task", "openai/chat-completion", "--only", "task:*", worker=refusing)
    assert (status, "the answer was no result but job_error" in out) == (1, True)


async def test_a_payload_of_ones_own_is_a_task(tmp_path: Path) -> None:
    payload = tmp_path / "mine.json"
    payload.write_text('{"task": "mine/own", "x": 1}', encoding="utf-8")
    status, out, _ = await check("--payload", str(payload), "--only", "task:*", worker=SIMULATE)
    assert status == 0
    assert out.splitlines()[0].split()[:3] == ["held", "must", "task:mine/own"]


def test_the_list_says_each_check_with_its_sentence() -> None:
    out = CliRunner().invoke(command, ["check", "--list"]).output.splitlines()
    assert "advice  compression" in " ".join(out)
    assert any(line.startswith("must    drain ") and "SIGTERM" in line for line in out)


def test_the_manual_names_every_check_and_where_the_misbehaviours_are() -> None:
    readme = (TOP / "README.md").read_text("utf-8")
    for line in CliRunner().invoke(command, ["check", "--list"]).output.splitlines():
        name = line.split()[1]
        if not name.startswith(("task:", "reconnect-1", "reconnect-4")):
            assert f"`{name}`" in readme, name
    assert "no-drain" in CliRunner().invoke(command, ["simulate", "--help"]).output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--only", "drian"], "did you mean 'drain'"),
        (["--skip", "nothing-like-it"], "there is no such check"),
        (["--task", "openai/chat"], "did you mean 'openai/chat-completion'"),
        (["--only", "drain", "--", "/no/such/program"], "cannot start '/no/such/program'"),
        (["--report", "pdf"], "there is no such report"),
    ],
)
def test_a_wrong_use_is_said_before_anything_runs(arguments: list[str], message: str) -> None:
    error = refused(*arguments)
    assert isinstance(error, UsageError)
    assert message in str(error)


@pytest.mark.parametrize("content", [None, "{", "[]"])
def test_a_payload_that_cannot_be_read_is_named(tmp_path: Path, content: str | None) -> None:
    file = tmp_path / "payload.json"
    if content is not None:
        file.write_text(content, encoding="utf-8")
    error = refused("--payload", str(file))
    assert isinstance(error, UnreadableError)
    assert str(file) in str(error)


def test_a_port_that_is_taken_is_said() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        assert "in use" in str(refused("--port", str(taken.getsockname()[1])))


async def test_a_worker_that_somebody_else_started_and_that_dies_is_not_waited_for_again(checked: Any) -> None:
    run = await checked.run(
        "revoke", "ping", "order", misbehave="dies-of-revoke", external=True, timings={"reconnect": 0.3}
    )
    assert {name: (str(one.verdict), one.why[:23]) for name, one in run.outcomes.items()} == {
        "ping": ("held", ""),
        "revoke": ("failed", "after job_revoked for a"),
        "order": ("held", ""),
    }


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_run_that_is_ended_leaves_no_worker_behind(number: signal.Signals) -> None:
    program = "import os, time; print('worker', os.getpid(), flush=True); time.sleep(60)"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "replayer", "worker", "check", "--", sys.executable, "-c", program,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(TOP)},
    )  # fmt: skip
    assert process.stderr is not None
    line = await process.stderr.readline()
    process.send_signal(number)
    assert await process.wait() == 128 + number
    with pytest.raises(ProcessLookupError):
        os.kill(int(line.split()[1]), 0)
    await process.communicate()


async def test_the_page_shows_what_both_sides_said(tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    status, _, _ = await check("--only", "revoke", "--report", f"html={page}", worker=SIMULATE)
    assert status == 0
    shown = page.read_text("utf-8")
    assert all(said in shown for said in ("register", "job_revoked", "job_result", "replayer worker check"))
