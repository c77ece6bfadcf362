"""Payloads and results beside the connection: the URLs name the host that the worker dialled, whatever door it took."""

from __future__ import annotations

import io
import json
import re
import ssl
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from replayer.clock import SystemClock
from replayer.inputs import load
from replayer.listening import Doors
from replayer.service import Options, build

LARGE = "x" * 1_200_000


@pytest.mark.parametrize(
    ("scheme", "host", "base"),
    [
        pytest.param("http", "127.0.0.1", "", id="address"),
        pytest.param("http", "localhost", "", id="name"),
        pytest.param("http", "localhost", "/__replayer/s/mine", id="session"),
        pytest.param("http", "localhost", "/some/base", id="base-path"),
        pytest.param("https", "localhost", "", id="tls"),
    ],
)
async def test_the_urls_name_the_door_that_the_worker_took_and_need_no_token(
    tmp_path: Path, scheme: str, host: str, base: str
) -> None:
    options = Options(port=0, seed=1, token="of-control", doors=Doors(tls=tmp_path))
    service = build(load(["casola"]), options, clock=SystemClock(), environment={})
    port = next(address.port for address in await service.start() if address.scheme == scheme)
    trusting = ssl.create_default_context(cafile=str(tmp_path / "ca.pem"))
    connector = aiohttp.TCPConnector(ssl=trusting)
    try:
        async with aiohttp.ClientSession(connector=connector) as http:
            root = f"{scheme}://{host}:{port}"
            jobs = f"{root}{base if 'replayer' in base else ''}/jobs"
            async with http.ws_connect(f"{root}{base}/ws", max_msg_size=1_048_576) as worker:
                await worker.send_json({"type": "register", "worker_id": "w", "config_id": "c"})
                made = await answered(http, "POST", jobs, {"payload": {"text": LARGE}})
                job = await worker.receive_json(timeout=5)
                urls = [job["payload_url"], job["result_upload_url"]]
                assert all(re.fullmatch(rf"{root}/offload/[0-9a-f]{{32}}", url) for url in urls)
                payload = await answered(http, "GET", urls[0])
                assert payload == {"text": LARGE}
                await answered(http, "PUT", urls[1], {"given": payload})
                reference = {"job_id": job["job_id"], "fence_token": job["fence_token"]}
                await worker.send_json({"type": "job_result_ref", **reference})
                done = await answered(http, "GET", f"{jobs}/{made['id']}?wait=5")
            assert (done["status"], done["result"]) == ("completed", {"given": {"text": LARGE}})
        assert [violation for entry in service.run.entries() for violation in entry.violations] == []
    finally:
        await service.stop()


async def answered(http: aiohttp.ClientSession, method: str, url: str, body: Any = None) -> Any:
    """The JSON of an answer that is a 200."""
    data = None if body is None else io.BytesIO(json.dumps(body).encode())
    async with http.request(method, url, data=data, headers={"content-type": "application/json"}) as answer:
        text = await answer.text()
        assert answer.status == 200, text
        return json.loads(text) if text else None
