"""The rules of the public worker SDK, sentence by sentence, played against the whole gateway over real sockets.

RULES has the sentences of the protocol's page, each with the tests that play it. The worker of `sdk.py` keeps them;
`tests/worker/threaded_worker.py`, which is a program of its own, is held to them by `replayer worker check`.
"""

from __future__ import annotations

import asyncio
import re
import threading
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.end_to_end.sdk import LIMIT, HandTime, Sdk, asked, chat, content, echo, playing, posted, until

_CHECKED = "tests/worker/test_check.py::test_a_worker_that_shares_no_code_with_us_keeps_to_the_protocol"
RULES = {
    "Connects to the URL without its slash and with /ws; a base path is kept": [
        "test_a_base_path_and_a_session_are_kept_in_the_url"
    ],
    "Authorization: Bearer only when the token is set": ["test_a_token_is_taken_and_told_nobody"],
    "Offers permessage-deflate": ["test_deflate_is_taken", "tests/dispatch/test_sockets.py::test_deflate"],
    "register at once, no acknowledgement; the backlog first": [
        "test_who_registers_hears_the_backlog_and_nothing_else"
    ],
    "Reconnects after 1, 2, 4 … 60 s and up to 0.3 of it more; reset after register": [
        "test_the_waits_double_up_to_a_minute_and_begin_anew_after_register"
    ],
    "No close code is final; it registers again with the same ids": [
        "test_after_whatever_ended_its_connection_it_is_back_with_its_id",
        _CHECKED,
    ],
    "Each job in a thread of its own": ["test_each_job_has_a_thread_so_that_two_run_together"],
    "The capacity is not the worker's to keep": ["test_a_worker_is_never_given_more_than_its_capacity"],
    "job_progress every 30 s for every tracked persisted job": [
        "test_leases_are_renewed_every_30_seconds_and_end_without_that"
    ],
    "A persisted result over 262,144 bytes is put, then job_result_ref": [
        "test_a_large_payload_is_fetched_and_a_large_result_put"
    ],
    "A failed PUT: an inline job_result": ["test_an_upload_that_fails_is_answered_inline"],
    "A small or transient result is inline": ["test_what_is_small_or_transient_is_answered_inline"],
    "payload_url by GET": ["test_a_large_payload_is_fetched_and_a_large_result_put"],
    "A failed GET: the inline payload": ["test_a_payload_that_was_not_fetched_answers_nobody"],
    "A message over 1,048,576 bytes: 1009, and it reconnects": [
        "test_no_message_is_over_the_limit",
        "test_after_whatever_ended_its_connection_it_is_back_with_its_id",
    ],
    "A transient answer carries fence 0, a persisted one its own": [
        "test_a_transient_answer_with_fence_0_counts",
        "test_what_is_small_or_transient_is_answered_inline",
    ],
    "A job revoked in flight is finished, with fence 0": ["test_a_revoked_job_is_reported_with_fence_0"],
    "A failed job: job_error with the exception's text": ["test_an_exception_is_the_callers_502"],
    "A payload that is no object has no reply": ["test_a_job_that_nobody_answers_can_be_cancelled"],
    "Draining, a new job is dropped without a word": ["test_what_a_draining_worker_dropped_goes_to_the_next"],
    "SIGTERM: drain, the results, close 1000, exit 0": ["test_drain_finishes_what_runs_and_closes_with_1000", _CHECKED],
    "Pings every 30 s and gives up after 10; the queue's every 20 s": ["tests/dispatch/test_sockets.py::test_pings"],
}


def test_each_rule_is_played() -> None:
    top = Path(__file__).parents[2]
    for rule, tests in RULES.items():
        for test in tests:
            file, _, name = test.rpartition("::")
            source = (top / (file or Path(__file__))).read_text("utf-8")
            assert re.search(rf"^(?:async )?def {name}", source, re.MULTILINE), f"{rule}: there is no {test}"


async def test_a_transient_answer_with_fence_0_counts() -> None:
    async with playing(echo) as (gateway, _, http):
        status, body = await chat(http, "hello")
        assert (status, content(body)) == (200, "5 characters")
        assert gateway.violations() == []


async def test_a_base_path_and_a_session_are_kept_in_the_url() -> None:
    async with playing(echo, base="/__replayer/s/mine") as (gateway, _, http):
        assert (await chat(http, "hello"))[0] == 200
        async with aiohttp.ClientSession(gateway.url) as other:
            assert (await chat(other, "hello"))[0] == 503
    async with playing(echo) as (gateway, _, http):
        based = Sdk(gateway.url + "/some/base/", echo)
        working = asyncio.create_task(based.start())
        await based.registered.wait()
        await until(lambda: len(gateway.frames("register")) == 2)
        assert (await chat(http, "hello"))[0] == 200
        assert [frame["type"] for frame in based.heard] == ["job"]
        await based.stop()
        await working


async def test_each_job_has_a_thread_so_that_two_run_together() -> None:
    together = threading.Barrier(2, timeout=5)

    def meet(payload: Any) -> Any:
        together.wait()
        return echo(payload)

    async with playing(meet, capacity=2) as (_, _, http):
        answers = await asyncio.gather(chat(http, "one"), chat(http, "three"))
        assert [(status, content(body)) for status, body in answers] == [(200, "3 characters"), (200, "5 characters")]


async def test_a_large_payload_is_fetched_and_a_large_result_put() -> None:
    large = "x" * 1_300_000
    async with playing(lambda payload: payload) as (gateway, sdk, http):
        status, made = await posted(http, "jobs", {"payload": {"text": large}})
        assert status == 200
        done = await asked(http, f"jobs/{made['id']}?wait=10")
        assert (done["status"], done["result"]) == ("completed", {"text": large})
        await until(lambda: len(sdk.heard) == 2)
        assert [frame["type"] for frame in sdk.heard] == ["job", "job_result_ref"]
        assert [len(gateway.frames(kind)) for kind in ("job_result_ref", "job_result")] == [2, 0]
        assert gateway.violations() == []
    async with playing(echo) as (gateway, _, http):
        assert content((await chat(http, large))[1]) == "1300000 characters"
        assert gateway.violations() == []


async def test_leases_are_renewed_every_30_seconds_and_end_without_that() -> None:
    clock = HandTime()
    may_end = threading.Event()

    def slow(payload: Any) -> Any:
        may_end.wait(5)
        return {"x": 1}

    async with playing(slow, clock=clock) as (gateway, sdk, http):
        _, made = await posted(http, "jobs", {"payload": {"n": 1}})
        await until(lambda: bool(sdk.heard))
        for _ in range(7):
            before = len(gateway.frames("job_progress"))
            clock.passed += 30_000
            await sdk.renew()
            await until(partial(lambda before: len(gateway.frames("job_progress")) > before, before))
            gateway.tick()
        assert gateway.frames("job_revoked") == []
        clock.passed += 120_001
        gateway.tick()
        await until(lambda: len(sdk.heard) >= 3)
        assert [frame["type"] for frame in sdk.heard] == ["job", "job_revoked", "job"]
        may_end.set()
        done = await asked(http, f"jobs/{made['id']}?wait=5")
        assert (done["status"], done["fence_token"]) == ("completed", sdk.heard[2]["fence_token"])
        await until(lambda: len(gateway.frames("job_result")) == 2)
        # The thread of the revoked attempt and that of the new one share one entry, so one reports with fence 0.
        assert {violation["severity"] for violation in gateway.violations()} <= {"info"}


async def test_the_worker_comes_back_after_a_restart_and_finishes_what_was_accepted(tmp_path: Path) -> None:
    waiting = threading.Event()

    def slow(payload: Any) -> Any:
        waiting.wait(0 if payload["n"] else 5)
        return {"n": payload["n"]}

    async with playing(slow, store=tmp_path / "jobs.db") as (gateway, sdk, http):
        ids = [(await posted(http, "jobs", {"payload": {"n": number}}))[1]["id"] for number in range(3)]
        await until(lambda: bool(sdk.heard))
        await gateway.stop()
        await gateway.start()
        await sdk.registered.wait()
        waiting.set()
        done = [await asked(http, f"jobs/{job_id}?wait=5") for job_id in ids]
        assert [(one["status"], one["result"]) for one in done] == [("completed", {"n": n}) for n in range(3)]
        assert len(sdk.sleeps) >= 1
        assert all(1.0 * 2**n <= sleep <= 1.3 * 2**n for n, sleep in enumerate(sdk.sleeps))
        assert {violation["severity"] for violation in gateway.violations()} <= {"info", "warning"}


async def test_drain_finishes_what_runs_and_closes_with_1000() -> None:
    may_end = threading.Event()

    def slow(payload: Any) -> Any:
        may_end.wait(5)
        return echo(payload)

    async with playing(slow) as (gateway, sdk, http):
        asking = asyncio.create_task(chat(http, "hello"))
        await until(lambda: bool(sdk.heard))
        stopping = asyncio.create_task(sdk.stop())
        await until(lambda: bool(gateway.frames("drain")))
        assert (await chat(http, "late"))[0] == 503
        may_end.set()
        assert (await asking)[0] == 200
        await stopping
        while (await asked(http, "health"))["worker_connected"]:
            continue
        left = [entry for entry in gateway.service.run.entries() if entry.details.get("event") == "worker-left"]
        assert left[0].details["code"] == 1000


class Cut(Sdk):
    """Its URLs lead nowhere."""

    def reached(self, url: str) -> str:
        return "http://127.0.0.1:1/"


async def test_a_token_is_taken_and_told_nobody() -> None:
    token = "casola-worker-token-of-the-day"
    async with playing(echo, token=token) as (gateway, _, http):
        assert (await chat(http, "hello"))[0] == 200
        assert token not in repr(list(gateway.service.run.entries()))


async def test_deflate_is_taken() -> None:
    async with playing(echo) as (_, sdk, http):
        text = "a text that deflates well " * 20_000
        assert content((await chat(http, text))[1]) == f"{len(text)} characters"
        assert sdk.compressed == [15]


async def test_who_registers_hears_the_backlog_and_nothing_else() -> None:
    async with playing(echo) as (gateway, sdk, http):
        await sdk.stop()
        await until(lambda: len(sdk.closed) == 1)
        while (await asked(http, "health"))["worker_connected"]:
            continue
        ids = [(await posted(http, "jobs", {"payload": {"n": n}}))[1]["id"] for n in range(3)]
        successor = Sdk(gateway.url, lambda payload: payload, capacity=2)
        working = asyncio.create_task(successor.start())
        for job_id in ids:
            assert (await asked(http, f"jobs/{job_id}?wait=5"))["status"] == "completed"
        assert [(said["type"], said["job_id"]) for said in successor.heard] == [("job", job_id) for job_id in ids]
        await successor.stop()
        await working


async def test_the_waits_double_up_to_a_minute_and_begin_anew_after_register() -> None:
    async with playing(echo) as (gateway, sdk, http):
        await gateway.stop()
        await until(lambda: len(sdk.sleeps) >= 9)
        await gateway.start()
        await sdk.registered.wait()
        before = len(sdk.sleeps)
        sdk.cut()
        await until(lambda: len(sdk.sleeps) > before and sdk.registered.is_set())
        assert (await chat(http, "hello"))[0] == 200
        bases = [min(2.0**n, 60.0) for n in range(before)] + [1.0]
        assert all(base <= wait <= 1.3 * base for base, wait in zip(bases, sdk.sleeps[: before + 1], strict=True))


async def test_after_whatever_ended_its_connection_it_is_back_with_its_id() -> None:
    async with playing(echo) as (gateway, sdk, http):

        async def back(how: str) -> None:
            await until(lambda: sdk.closed[-1:] != [] and sdk.registered.is_set() and len(sdk.closed) == len(ends))
            while not (await asked(http, "health"))["worker_connected"]:
                continue
            assert (await chat(http, "hello"))[0] == 200, how
            assert {entry.details["worker"] for entry in gateway.frames("job_result")} == {"sdk"}

        ends: list[str] = ["the gateway was stopped"]
        await gateway.stop()
        await gateway.start()
        await back(ends[-1])
        ends.append("the network was cut")
        sdk.cut()
        await back(ends[-1])
        ends.append("its message was over the queue's limit")
        await sdk.say(type="job_result", job_id="x", result="x" * (16 * 1024 * 1024))
        await back(ends[-1])
        assert (sdk.closed[0], sdk.closed[2]) == (1012, 1009)


async def test_a_worker_is_never_given_more_than_its_capacity() -> None:
    may_end, running = threading.Event(), []

    def slow(payload: Any) -> Any:
        running.append(payload)
        may_end.wait(5)
        return {"n": payload["n"]}

    async with playing(slow, capacity=2) as (gateway, _, http):
        ids = [(await posted(http, "jobs", {"payload": {"n": n}}))[1]["id"] for n in range(4)]
        assert (await chat(http, "no slot"))[0] == 503
        await until(lambda: len(running) == 2)
        assert (await asked(http, "health"))["pending_jobs"] == 2
        assert gateway.service.run.workers()[0]["running"] == tuple(ids[:2])
        may_end.set()
        for job_id in ids:
            assert (await asked(http, f"jobs/{job_id}?wait=5"))["status"] == "completed"


async def test_an_upload_that_fails_is_answered_inline() -> None:
    async with playing(lambda payload: {"x": "y" * 300_000}, kind=Cut) as (gateway, _, http):
        _, made = await posted(http, "jobs", {"payload": {}})
        done = await asked(http, f"jobs/{made['id']}?wait=5")
        assert (done["status"], len(done["result"]["x"])) == ("completed", 300_000)
        assert gateway.violations() == []


async def test_a_payload_that_was_not_fetched_answers_nobody() -> None:
    """The worker goes on with the payload of the message, which is empty: its result is of nothing that was asked."""
    large = "x" * 1_300_000
    async with playing(lambda payload: {"n": len(payload)}, kind=Cut) as (gateway, sdk, http):
        why = "The worker answered without having fetched payload_url"
        assert await chat(http, large) == (502, {"detail": why})
        _, made = await posted(http, "jobs", {"payload": {"text": large}})
        done = await asked(http, f"jobs/{made['id']}?wait=5")
        assert (done["status"], done["error"]) == ("failed", why)
        assert [said["payload"] for said in sdk.heard] == [{}, {}]
        assert {violation["schema"] for violation in gateway.violations()} == {"casola:payload-url"}


async def test_what_is_small_or_transient_is_answered_inline() -> None:
    large = {"completion": {"choices": [], "x": "y" * 300_000}}
    async with playing(lambda payload: large if "messages" in payload else {}) as (gateway, sdk, http):
        assert len((await chat(http, "hello"))[1]["x"]) == 300_000
        _, made = await posted(http, "jobs", {"payload": {}})
        assert (await asked(http, f"jobs/{made['id']}?wait=5"))["status"] == "completed"
        assert ["result_upload_url" in said for said in sdk.heard] == [False, True]
        assert len(gateway.frames("job_result")) == 2
        assert [v for v in gateway.violations() if v["schema"].startswith("casola:")] == []


async def test_no_message_is_over_the_limit() -> None:
    async with playing(lambda payload: {"n": len(payload["text"])}) as (gateway, sdk, http):
        _, made = await posted(http, "jobs", {"payload": {"text": ""}})
        await asked(http, f"jobs/{made['id']}?wait=5")
        around = LIMIT - sdk.sizes[0]
        for size in range(around - 2, around + 3):
            _, made = await posted(http, "jobs", {"payload": {"text": "x" * size}})
            assert (await asked(http, f"jobs/{made['id']}?wait=5"))["result"] == {"n": size}
        await until(lambda: len(sdk.heard) == 6)
        assert ["payload_url" in said for said in sdk.heard] == [False] * 4 + [True] * 2
        assert max(sdk.sizes) == LIMIT
        assert sdk.closed == []
        assert gateway.violations() == []


async def test_a_revoked_job_is_reported_with_fence_0() -> None:
    may_end = threading.Event()

    def slow(payload: Any) -> Any:
        may_end.wait(5)
        return {"x": 1}

    async with playing(slow) as (gateway, sdk, http):
        _, made = await posted(http, "jobs", {"payload": {}})
        await until(lambda: bool(sdk.heard))
        await posted(http, f"jobs/{made['id']}/cancel", {})
        await until(lambda: sdk.heard[-1]["type"] == "job_revoked" and not sdk.tracked)
        may_end.set()
        await until(lambda: len(gateway.frames("job_result")) == 1)
        done = await asked(http, f"jobs/{made['id']}")
        assert (done["status"], done["error"], done["result"]) == ("failed", "Cancelled", None)
        assert [violation["severity"] for violation in gateway.violations()] == ["info"]


async def test_an_exception_is_the_callers_502() -> None:
    def failing(payload: Any) -> Any:
        raise RuntimeError("Simulated GPU OOM")

    async with playing(failing) as (_, __, http):
        assert await chat(http, "hello") == (502, {"detail": "Simulated GPU OOM"})


@pytest.mark.parametrize("payload", ["text", 7, None, ["a"]])
async def test_a_job_that_nobody_answers_can_be_cancelled(payload: Any) -> None:
    """The worker renews its lease for ever: nothing but a word from outside ends it."""
    async with playing(echo) as (_, sdk, http):
        _, made = await posted(http, "jobs", {"payload": payload})
        await until(lambda: len(sdk.heard) == 1)
        assert (await chat(http, "no slot"))[0] == 503
        assert (await posted(http, f"jobs/{made['id']}/cancel", {}))[1]["status"] == "failed"
        assert (await chat(http, "hello"))[0] == 200


async def test_what_a_draining_worker_dropped_goes_to_the_next() -> None:
    async with playing(lambda payload: payload) as (gateway, sdk, http):
        sdk.draining = True  # the signal has come, the gateway has not heard of it
        _, made = await posted(http, "jobs", {"payload": {"n": 1}})
        await until(lambda: len(sdk.heard) == 1)
        await sdk.stop()
        successor = Sdk(gateway.url, lambda payload: payload)
        working = asyncio.create_task(successor.start())
        done = await asked(http, f"jobs/{made['id']}?wait=5")
        assert (done["status"], done["result"]) == ("completed", {"n": 1})
        await successor.stop()
        await working
