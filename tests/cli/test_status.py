"""`replayer status`: asks a running gateway."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest

from replayer.clock import SystemClock
from replayer.inputs import load
from replayer.service import Options, build


@asynccontextmanager
async def casola() -> AsyncIterator[str]:
    service = build(load(["casola"]), Options(port=0, seed=1), clock=SystemClock(), environment={})
    (address,) = await service.start()
    try:
        yield address.url
    finally:
        await service.stop()


async def status(*arguments: str) -> tuple[int, str, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "replayer", "status", *arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    out, err = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


async def test_workers_slots_and_jobs_are_shown() -> None:
    register = {"type": "register", "worker_id": "gpu-1", "config_id": "c", "capacity": 2}
    async with casola() as url, aiohttp.ClientSession(url) as http, http.ws_connect("/ws") as worker:
        await worker.send_json(register)
        async with http.post("/jobs", json={"payload": 1}) as made:
            job = (await made.json())["id"]
        await worker.receive_json()
        code, out, _ = await status("--url", url)
        assert code == 0
        assert "1 worker, 2 slots; jobs: 1 running, 0 waiting, 0 completed, 0 failed" in out
        assert f"  gpu-1: active, 1/2 slots, config c\n    running {job}" in out
        code, out, _ = await status("--url", url, "--json")
        assert json.loads(out)["dispatch"]["workers"][0]["running"] == [job]


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "nonsense", "http://127.0.0.1:notaport"])
async def test_where_nothing_answers_it_says_so_and_ends_with_4(url: str) -> None:
    code, out, err = await status("--url", url)
    assert (code, out) == (4, "")
    assert f"no gateway answers at {url}" in err
