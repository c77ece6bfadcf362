"""A recording that was redacted plays for who has other secrets, byte for byte what redaction left."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
from aiohttp import web

from replayer.redact.redactor import Redactor
from tests import needs

pytestmark = needs.mitmproxy

TOKEN = "sk-proj-abcdefghijklmnopqrstuvwx"
VALUE = "correct-horse/battery+staple"
ENVIRONMENT = {**os.environ, "MY_API_KEY": VALUE}
REDACTOR = Redactor.default({"MY_API_KEY": VALUE})


async def answer(request: web.Request) -> web.StreamResponse:
    """Says back what it was told, as JSON, as a stream of single letters, or over a WebSocket."""
    if request.path == "/ws":
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for message in socket:
            await socket.send_str(f"you said {message.data}")
        return socket
    told = (await request.read()).decode()
    if request.path == "/plain":
        return web.json_response({"told": told})
    stream = web.StreamResponse(headers={"content-type": "text/event-stream"})
    await stream.prepare(request)
    for letter in json.loads(told)["say"]:
        await stream.write(b"data: " + json.dumps({"delta": letter}).encode() + b"\n\n")
    await stream.write_eof()
    return stream


@asynccontextmanager
async def upstream() -> AsyncIterator[str]:
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def replayer(*arguments: str, status: int = 0, said: list[str] | None = None) -> AsyncIterator[str]:
    """The command while the block lasts; what it says on stderr goes to `said`."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "replayer",
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=ENVIRONMENT,
        cwd=Path(__file__).parent.parent.parent,
    )
    try:
        assert process.stdout is not None
        yield (await process.stdout.readline()).decode().split()[-1]
        process.send_signal(signal.SIGINT)
        _, stderr = await process.communicate()
        if said is not None:
            said += stderr.decode().splitlines()
        assert process.returncode == status, stderr.decode()
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()


async def asked(base: str, key: str, secret: str) -> list[bytes]:
    """The same conversation with any secrets: an answer, a stream, a connection."""
    headers = {"authorization": f"Bearer {key}"}
    async with aiohttp.ClientSession(headers=headers) as session:
        got = []
        for path in ("/plain", "/stream"):
            body = {"say": f"the secret is {secret}!", "api_key": key, "n": 1}
            async with session.post(f"{base}{path}?key={key}&alt=sse", json=body) as response:
                assert response.status == 200, await response.text()
                got.append(await response.read())
        async with session.ws_connect(f"{base}/ws") as socket:
            await socket.send_str(json.dumps({"key": secret, "api_key": key}))
            got.append((await socket.receive_str()).encode())
        return got


async def test_what_was_recorded_with_one_key_plays_for_another(tmp_path: Path) -> None:
    folder, said = tmp_path / "cassettes", list[str]()
    async with upstream() as url:
        recording = replayer("record", "--upstream", f"up={url}", "-o", str(folder), "--split", "host", said=said)
        async with recording as base:
            live = await asked(base, TOKEN, VALUE)
    assert any("scan: 0 secret(s) found; verify: 0 violation(s)" in line for line in said), said
    (file,) = folder.glob("*.yaml")
    assert file.name == url.removeprefix("http://").replace(":", "-") + ".yaml"
    assert VALUE in live[0].decode()
    for secret in (TOKEN, VALUE):
        assert secret not in file.read_text()
    async with replayer("replay", str(folder), "--port", "0") as base:
        played = await asked(base, "another-key", "another secret")
    kinds = ("application/json", "text/event-stream", None)
    assert played == [REDACTOR.body(body, kind) for body, kind in zip(live, kinds, strict=True)]
    spoken = "".join(json.loads(event[6:])["delta"] for event in played[1].split(b"\n\n") if event)
    assert spoken == "the secret is [REDACTED]!"


async def test_two_recorders_of_one_folder_are_refused(tmp_path: Path) -> None:
    async with upstream() as url:
        arguments = ("record", "--upstream", f"up={url}", "-o", str(tmp_path / "c"), "--split", "path")
        async with replayer(*arguments, status=3):
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "replayer", *arguments, stderr=asyncio.subprocess.PIPE, env=ENVIRONMENT
            )
            _, stderr = await process.communicate()
    assert process.returncode == 2
    assert b"another recorder writes" in stderr
