"""The ways in: through a forward proxy, and around a program, with hosts chosen."""

from __future__ import annotations

import asyncio
import json
import os
import pty
import shutil
import signal
import ssl
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from replayer.cassette import store
from replayer.record.hosts import HostRules
from replayer.record.upstreams import Way
from tests import needs

pytestmark = needs.mitmproxy
TOP = Path(__file__).parents[2]


async def hello(request: web.Request) -> web.StreamResponse:
    if request.headers.get("upgrade", "").lower() == "websocket":
        connection = web.WebSocketResponse()
        await connection.prepare(request)
        async for message in connection:
            await connection.send_str(f"echo {message.data}")
        return connection
    return web.json_response({"hello": request.path, "got": (await request.read()).decode()})


def trusting(stage: Any) -> ssl.SSLContext:
    """What a client of the forward proxy trusts."""
    return ssl.create_default_context(cafile=str(stage.folder / "ca" / "mitmproxy-ca-cert.pem"))


async def test_a_forward_proxy_records_what_is_said_under_tls_and_in_plain(stage: Any) -> None:
    async with (
        stage.upstream(hello, stage.authority.context()) as secure,
        stage.upstream(hello) as plain,
        stage.recording({"mine": secure}, way=Way.FORWARD) as recorder,
        aiohttp.ClientSession() as session,
    ):
        through: dict[str, Any] = {"proxy": recorder.url, "ssl": trusting(stage)}
        async with session.post(secure + "/a?key=secret", data=b"x", **through) as answer:
            assert await answer.json() == {"hello": "/a", "got": "x"}
        async with session.get(plain + "/b", proxy=recorder.url) as answer:
            assert (await answer.json())["hello"] == "/b"
        async with session.ws_connect(secure + "/ws", **through) as connection:
            await connection.send_str("hi")
            assert await connection.receive_str() == "echo hi"
        await recorder.stop()
    assert [one.request.uri for one in recorder.interactions()] == [
        f"{secure}/a?key=[REDACTED]",
        f"{plain}/b",
        f"{secure.replace('https', 'wss')}/ws",
    ]
    metadata = store.read(stage.output).metadata
    assert metadata is not None
    assert metadata.upstreams == {"mine": secure}


async def test_hosts_are_passed_through_untouched_or_refused(stage: Any) -> None:
    rules = HostRules(ignore=("localhost",), block=("blocked.example",))
    async with (
        stage.upstream(hello, stage.authority.context()) as url,
        stage.recording(way=Way.FORWARD, hosts=rules) as recorder,
        aiohttp.ClientSession() as session,
    ):
        # Not even decrypted: the client sees the upstream's own certificate.
        own = ssl.create_default_context(cafile=str(stage.authority.pem))
        async with session.get(url.replace("127.0.0.1", "localhost"), proxy=recorder.url, ssl=own) as answer:
            assert answer.status == 200
        with pytest.raises(aiohttp.ClientHttpProxyError, match="403"):
            await session.get("https://blocked.example/", proxy=recorder.url)
        async with session.get("http://blocked.example/", proxy=recorder.url) as answer:
            assert (answer.status, answer.headers["x-should-retry"]) == (403, "false")
            assert "blocked.example is blocked while recording" in await answer.text()
        async with session.get(url + "/kept", proxy=recorder.url, ssl=trusting(stage)) as answer:
            assert answer.status == 200
        summary = await recorder.stop()
    assert [one.request.uri for one in recorder.interactions()] == [f"{url}/kept"]
    assert (summary.exchanges, summary.passed, summary.blocked) == (1, 1, 2)
    assert len([text for text in recorder.notices if "as --block-hosts says" in text]) == 1


async def test_only_allowed_hosts_are_recorded(stage: Any) -> None:
    async with (
        stage.upstream(hello) as url,
        stage.recording(way=Way.FORWARD, hosts=HostRules(allow=("127.0.0.1",))) as recorder,
        aiohttp.ClientSession() as session,
    ):
        for base in (url, url.replace("127.0.0.1", "localhost")):
            async with session.post(base + "/x", data=b"y" * 100_000, proxy=recorder.url) as answer:
                assert len(await answer.read()) > 100_000
        summary = await recorder.stop()
    assert [one.request.uri for one in recorder.interactions()] == [f"{url}/x"]
    assert (summary.exchanges, summary.passed) == (1, 1)


async def test_a_client_that_does_not_trust_us_is_told_of(stage: Any) -> None:
    async with (
        stage.upstream(hello, stage.authority.context()) as url,
        stage.recording(way=Way.FORWARD) as recorder,
        aiohttp.ClientSession() as session,
    ):
        with pytest.raises(aiohttp.ClientError):
            await session.get(url, proxy=recorder.url)
        await recorder.stop()
    assert [text for text in recorder.notices if "did not accept the recorder's certificate" in text]


# Around a program


async def replayer(
    *arguments: str, data: Path, more: Mapping[str, str] | None = None, **streams: Any
) -> asyncio.subprocess.Process:
    dropped = ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS")
    environment = {name: value for name, value in os.environ.items() if name not in dropped}
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "replayer", *arguments),
        **{"stdout": asyncio.subprocess.PIPE, "stderr": asyncio.subprocess.PIPE, **streams},
        cwd=TOP,
        env={**environment, "XDG_DATA_HOME": str(data), "REPLAYER_TEST": "1", **(more or {})},
    )


ASK = """
import os, sys, urllib.request
print("out of the program")
print(urllib.request.urlopen(os.environ[sys.argv[1]] + "/x").status)
raise SystemExit(int(sys.argv[2]))
"""


async def test_a_program_is_recorded_and_its_status_passes_through(stage: Any) -> None:
    for status in ("0", "5"):
        async with stage.upstream(hello) as url:
            program = (sys.executable, "-c", ASK, "MY_BASE", status)
            process = await replayer(
                *("record", "--upstream", f"mine={url}", "-o", str(stage.output), "--env", "MY_BASE=mine/v1"),
                *("--record-mode", "rewrite", "--", *program),
                data=stage.folder,
            )
            out, err = await process.communicate()
        assert process.returncode == int(status), err.decode()
        assert out == b"out of the program\n200\n"
        assert b"recorded 1 exchange(s)" in err
        assert [one.request.uri for one in store.read(stage.output).interactions] == [f"{url}/v1/x"]


async def test_a_program_that_asks_for_nothing_is_3(stage: Any) -> None:
    process = await replayer(
        "record", "--upstream", "a=http://127.0.0.1:9", "-o", str(stage.output), "--", "true", data=stage.folder
    )
    _, err = await process.communicate()
    assert process.returncode == 3
    assert b"no request came" in err


async def test_a_program_that_is_not_there_is_2(stage: Any) -> None:
    process = await replayer(
        "record", "--upstream", "a=http://127.0.0.1:9", "-o", str(stage.output), "--", "no-such", data=stage.folder
    )
    _, err = await process.communicate()
    assert process.returncode == 2
    assert b"-- no-such: cannot be run" in err
    assert b"Traceback" not in err


CURL = "curl -sS -o /dev/null -w '%{http_code}' \"$0/secure\" && curl -sS -o /dev/null -w '%{http_code}' \"$1/plain\""


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
async def test_curl_is_recorded_through_the_forward_proxy_with_its_environment_alone(stage: Any) -> None:
    async with stage.upstream(hello, stage.authority.context()) as secure, stage.upstream(hello) as plain:
        process = await replayer(
            *("record", "--forward", "-o", str(stage.output), "--", "sh", "-c", CURL, secure, plain),
            data=stage.folder,
            more={"SSL_CERT_FILE": str(stage.authority.pem)},
        )
        out, err = await process.communicate()
    assert (process.returncode, out) == (0, b"200200"), err.decode()
    assert [one.request.uri for one in store.read(stage.output).interactions] == [f"{secure}/secure", f"{plain}/plain"]


async def test_ctrl_c_reaches_the_program_and_ends_with_a_summary(stage: Any) -> None:
    program = (
        "import os, sys, time, urllib.request\n"
        "urllib.request.urlopen(os.environ['OPENAI_BASE_URL'] + '/x').read()\n"
        "print('asked', flush=True)\n"
        "try:\n"
        "    time.sleep(60)\n"
        "except KeyboardInterrupt:\n"
        "    sys.exit(130)\n"
    )
    async with stage.upstream(hello) as url:
        process = await replayer(
            *("record", "--upstream", f"openai={url}", "-o", str(stage.output), "--", sys.executable, "-c", program),
            data=stage.folder,
            stdin=asyncio.subprocess.DEVNULL,
        )
        assert process.stdout is not None
        assert await process.stdout.readline() == b"asked\n"
        process.send_signal(signal.SIGINT)
        _, err = await process.communicate()
    assert process.returncode == 130
    assert b"recorded 1 exchange(s)" in err


COUNT = """
import os, signal, time, urllib.request
got = []
signal.signal(signal.SIGINT, lambda *_: got.append(1))
urllib.request.urlopen(os.environ["OPENAI_BASE_URL"] + "/x").read()
print("ready", flush=True)
while not got:
    time.sleep(0.01)
time.sleep(0.3)  # a second one would come at once
print(len(got), "interrupts", flush=True)
"""


async def test_ctrl_c_on_a_terminal_reaches_the_program_once(stage: Any) -> None:
    master, terminal = pty.openpty()
    name = os.ttyname(terminal)
    async with stage.upstream(hello) as url:
        recorder = (sys.executable, "-m", "replayer", "record", "--upstream", f"openai={url}", "-o", str(stage.output))
        program = (*recorder, "--", sys.executable, "-c", COUNT)
        # The first terminal that a new session opens is its own.
        process = await asyncio.create_subprocess_exec(
            *("sh", "-c", f'exec "$@" <{name} 2>{name}', "sh", *program),
            stdout=asyncio.subprocess.PIPE,
            start_new_session=True,
            cwd=TOP,
            env={**os.environ, "XDG_DATA_HOME": str(stage.folder)},
        )
        assert process.stdout is not None
        assert await process.stdout.readline() == b"ready\n"
        os.write(master, b"\x03")
        assert await process.stdout.readline() == b"1 interrupts\n"
        assert await process.wait() == 0
    os.close(terminal)
    os.close(master)
    assert len(store.read(stage.output).interactions) == 1


# Seeing it


async def test_a_terminal_sees_a_line_an_exchange_and_a_file_does_not(stage: Any) -> None:
    master, terminal = pty.openpty()
    program = (sys.executable, "-c", ASK, "OPENAI_BASE_URL", "0")
    async with stage.upstream(hello) as url:
        arguments = ("record", "--record-mode", "all", "--upstream", f"openai={url}", "-o", str(stage.output))
        process = await replayer(*arguments, "--", *program, data=stage.folder, stderr=terminal)
        os.close(terminal)
        await process.communicate()
        seen = b""
        while True:
            try:
                seen += os.read(master, 65536)
            except OSError:  # the other end is closed
                break
        os.close(master)
        quiet = await replayer(*arguments, "--", *program, data=stage.folder)
        _, err = await quiet.communicate()
    lines = [line for line in seen.decode().splitlines() if "/v1/x" in line]
    assert len(lines) == 1
    assert lines[0].startswith(f"GET    {url.removeprefix('http://')}/v1/x  ")
    assert "200" in lines[0]
    assert lines[0].endswith("B  new")
    assert b"/v1/x" not in err
    assert b"recorded 1 exchange(s)" in err


async def test_json_lines_say_everything(stage: Any) -> None:
    program = (sys.executable, "-c", ASK, "OPENAI_BASE_URL", "0")
    async with stage.upstream(hello) as url:
        process = await replayer(
            *("record", "--log-format", "json", "--upstream", f"openai={url}", "-o", str(stage.output)),
            *("--", *program),
            data=stage.folder,
        )
        _, err = await process.communicate()
    lines = [json.loads(line) for line in err.splitlines()]
    assert [line["message"] for line in lines][:2] == ["exchange", "summary"]
    assert (lines[0]["method"], lines[0]["uri"], lines[0]["status"]) == ("GET", f"{url}/v1/x", 200)
    assert lines[1]["exchanges"] == 1
