"""Persisted jobs in a storm: none lost, none ended twice.

50 workers with random losses, pauses and errors; a gateway that is killed (SIGKILL) or stopped (SIGTERM) and started
again on its job store; 10,000 jobs; somebody who follows the jobs' events all the while and counts their ends.
REPLAYER_BENCH_COUNT gives another number of jobs.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import aiohttp
import orjson

from tests.benchmarks.table import Line, show

TOP = Path(__file__).parent.parent.parent
COUNT = int(os.environ.get("REPLAYER_BENCH_COUNT", "10000"))
WORKERS = 50
RESTARTS = 6
SUBMITTERS = 8
SEED = 7
CONFIG = """
[dispatch]
workers = "many"
max_attempts = 1000
keep_finished = 1000000
"""


class Gateway:
    """A gateway process on one port and one store."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        (folder / "replayer.toml").write_text(CONFIG)
        self._arguments = [sys.executable, "-m", "replayer", "replay", str(folder), "--port", str(self.port)]
        self._arguments += ["--job-store", str(folder / "jobs.db")]
        self.url = f"http://127.0.0.1:{self.port}"
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        self._process = await asyncio.create_subprocess_exec(
            *self._arguments, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=TOP
        )
        assert self._process.stdout is not None
        assert (await self._process.stdout.readline()).startswith(b"listening")

    async def end(self, number: signal.Signals) -> None:
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(number)
            await self._process.wait()


class Storm:
    """The workers and clients, and what they saw."""

    def __init__(self, gateway: Gateway, http: aiohttp.ClientSession) -> None:
        self._gateway = gateway
        self._http = http
        self._chance = random.Random(SEED)
        self.seen: Counter[str] = Counter()
        self.accepted: list[str] = []
        self.submitted = 0
        self.ends: Counter[str] = Counter()
        """How often each job was told to have ended."""

    async def work(self, name: int) -> None:
        """One worker: registers, works, and now and then pauses, leaves without a word, or answers twice."""
        while True:
            with contextlib.suppress(aiohttp.ClientError, ConnectionError):
                async with self._http.ws_connect(self._gateway.url + "/ws", max_msg_size=0) as worker:
                    await worker.send_json(
                        {"type": "register", "worker_id": f"w{name}", "config_id": "default", "capacity": 2}
                    )
                    await self._serve(worker)
            await asyncio.sleep(0.05)

    async def _serve(self, worker: aiohttp.ClientWebSocketResponse) -> None:
        async for message in worker:
            if message.type is not aiohttp.WSMsgType.TEXT:
                return
            job = orjson.loads(message.data)
            if job["type"] != "job":
                continue
            draw = self._chance.random()
            if draw < 0.01:
                self.seen["losses"] += 1
                return  # the connection is closed with the job in hand
            if draw < 0.02:
                self.seen["pauses"] += 1
                await worker.send_json({"type": "pause"})
                await asyncio.sleep(0.02)
                await worker.send_json({"type": "resume"})
            result = {"job_id": job["job_id"], "fence_token": job["fence_token"]}
            if draw > 0.95:
                await worker.send_json({"type": "job_error", "error": "no luck", **result})
            else:
                await worker.send_json({"type": "job_result", "result": {"fence": job["fence_token"]}, **result})
            if draw > 0.99:
                self.seen["second answers"] += 1
                await worker.send_json({"type": "job_result", "result": "twice", **result})

    async def follow(self) -> None:
        """Hear of every job that ends, over all of the gateway's lives."""
        while True:
            with contextlib.suppress(aiohttp.ClientError, ConnectionError):
                timeout = aiohttp.ClientTimeout(total=None)
                async with self._http.get(self._gateway.url + "/jobs/events", timeout=timeout) as events:
                    async for line in events.content:
                        if line.startswith(b"data: ") and orjson.loads(line[6:])["status"] in ("completed", "failed"):
                            self.ends[orjson.loads(line[6:])["id"]] += 1
            await asyncio.sleep(0.02)

    async def submit(self) -> None:
        """Jobs until there are enough; one is accepted when its id was told."""
        while self.submitted < COUNT:
            self.submitted += 1
            while True:
                try:
                    async with self._http.post(self._gateway.url + "/jobs", json={"payload": self.submitted}) as made:
                        if made.status == 200:
                            self.accepted.append((await made.json())["id"])
                            break
                except (aiohttp.ClientError, ConnectionError):
                    pass
                await asyncio.sleep(0.02)  # it is down, or about to be (503)

    async def interrupt(self) -> None:
        """Kill the gateway now and then while jobs are submitted, and every third time stop it."""
        for step in range(1, RESTARTS + 1):
            while len(self.accepted) < COUNT * step / (RESTARTS + 1):  # noqa: ASYNC110 - a look now and then will do
                await asyncio.sleep(0.005)
            how = signal.SIGKILL if step % 3 else signal.SIGTERM
            await self._gateway.end(how)
            await self._gateway.start()
            self.seen[f"gateway restarts by {how.name}"] += 1

    async def listed(self) -> list[dict[str, Any]]:
        """Every job of the gateway."""
        found: list[dict[str, Any]] = []
        after = ""
        while True:
            async with self._http.get(f"{self._gateway.url}/jobs?order=asc&limit=1000{after}") as answer:
                page = await answer.json()
            found += page["data"]
            if not page["has_more"]:
                return found
            after = f"&after={page['last_id']}"

    async def settle(self) -> list[dict[str, Any]]:
        """The jobs when none is open any more, or after two minutes as they are."""
        async with asyncio.timeout(120):
            while True:
                async with self._http.get(self._gateway.url + "/jobs?status=pending,running&limit=1") as answer:
                    if not (await answer.json())["data"]:
                        return await self.listed()
                await asyncio.sleep(0.1)


async def run(folder: Path) -> bool:
    gateway = Gateway(folder)
    try:
        return await _storm(gateway)
    finally:
        await gateway.end(signal.SIGKILL)


async def _storm(gateway: Gateway) -> bool:
    await gateway.start()
    began = time.perf_counter()
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http:
        storm = Storm(gateway, http)
        working = [asyncio.create_task(storm.work(name)) for name in range(WORKERS)]
        working.append(asyncio.create_task(storm.follow()))
        async with asyncio.TaskGroup() as group:
            group.create_task(storm.interrupt())
            for _ in range(SUBMITTERS):
                group.create_task(storm.submit())
        first = await storm.settle()
        seconds = time.perf_counter() - began
        for task in working:
            task.cancel()
        await asyncio.gather(*working, return_exceptions=True)
        await gateway.end(signal.SIGTERM)
        await gateway.start()
        second = await storm.listed()  # what is written down says the same
        await gateway.end(signal.SIGTERM)
    return _show(storm, first, second, seconds)


def _show(storm: Storm, first: list[dict[str, Any]], second: list[dict[str, Any]], seconds: float) -> bool:
    ends = {job["id"]: job for job in first}
    statuses = Counter(job["status"] for job in first)
    lost = [job_id for job_id in storm.accepted if ends.get(job_id, {}).get("status") not in ("completed", "failed")]
    changed = [job["id"] for job in second if job != ends.get(job["id"])] + [
        *(ends.keys() - {job["id"] for job in second})
    ]
    # A result names the fence of the attempt that gave it: any other came from an attempt that was over.
    wrong = [
        job["id"] for job in first if job["status"] == "completed" and job["result"] != {"fence": job["fence_token"]}
    ]
    twice = [job_id for job_id, ends in storm.ends.items() if ends > 1]
    doubled = len(twice) + len(changed) + len(wrong) + len(storm.accepted) - len(set(storm.accepted))
    return show(
        [
            Line(
                what="jobs accepted; in the store (of some a kill left nobody told), by their ends",
                measured=f"{len(storm.accepted)}; {len(first)}: {dict(statuses)}",
            ),
            Line(what="ends that were heard while they happened", measured=str(len(storm.ends))),
            Line(what="what happened meanwhile", measured=", ".join(f"{n} {what}" for what, n in storm.seen.items())),
            Line(what="jobs a second, all included", measured=f"{len(storm.accepted) / seconds:.0f}"),
            Line(what="accepted jobs lost", measured=str(len(lost)), bar="0", held=not lost),
            Line(what="jobs ended twice", measured=str(doubled), bar="0", held=doubled == 0),
        ]
    )


def main() -> bool:
    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(run(Path(folder)))
