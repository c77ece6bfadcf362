"""Recording in the modes that play too: every kind of client at one address, and what is told of new and known."""

from __future__ import annotations

import asyncio
import json
import os
import pty
import shutil
import signal
import socket
import ssl
import sys
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from replayer.cassette import store
from replayer.cassette.model import Sender
from tests import needs

pytestmark = needs.mitmproxy
TOP = Path(__file__).parents[2]
DROPPED = ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS")
ASK = """
import os, sys, urllib.request
from tests import needs
for path in sys.argv[2:]:
    print(urllib.request.urlopen(os.environ[sys.argv[1]] + path).read().decode())
"""
NODE = """
(async () => {
  for (const url of process.argv.slice(1)) {
    console.log(await (await fetch(url)).text());
    await new Promise((done) => require(new URL(url).protocol.slice(0, -1)).get(url, (answer) => {
      answer.on('data', (data) => console.log(String(data))).on('end', done);
    }));
  }
})();
"""


class Provider:
    """Says what it is asked, and for the how manieth time."""

    def __init__(self) -> None:
        self.seen: Counter[str] = Counter()

    async def answer(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("upgrade", "").lower() == "websocket":
            connection = web.WebSocketResponse()
            await connection.prepare(request)
            async for message in connection:
                await connection.send_str(f"echo {message.data}")
            return connection
        self.seen[request.path_qs] += 1
        return web.Response(text=f"{request.path_qs} {self.seen[request.path_qs]}")


def upstream(stage: Any, context: ssl.SSLContext | None = None) -> AbstractAsyncContextManager[str]:
    found: AbstractAsyncContextManager[str] = stage.upstream(Provider().answer, context)
    return found


async def started(
    *arguments: str, data: Path, more: Mapping[str, str] | None = None, **streams: Any
) -> asyncio.subprocess.Process:
    environment = {name: value for name, value in os.environ.items() if name not in DROPPED}
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "replayer", *arguments),
        **{"stdout": asyncio.subprocess.PIPE, "stderr": asyncio.subprocess.PIPE, **streams},
        cwd=TOP,
        env={**environment, "XDG_DATA_HOME": str(data), **(more or {})},
    )


async def ran(*arguments: str, data: Path, more: Mapping[str, str] | None = None) -> tuple[int, str, str]:
    process = await started(*arguments, data=data, more=more)
    out, err = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


def asking(*paths: str) -> tuple[str, ...]:
    return (sys.executable, "-c", ASK, "OPENAI_BASE_URL", *paths)


# New and known


async def test_json_lines_tell_new_from_known(stage: Any) -> None:
    told = []
    async with upstream(stage) as url:
        for paths in (("/a",), ("/a", "/b")):
            status, out, err = await ran(
                *("record", "--log-format", "json", "--upstream", f"openai={url}", "-o", str(stage.output)),
                *("--", *asking(*paths)),
                data=stage.folder,
            )
            assert status == 0, err
            lines = [json.loads(line) for line in err.splitlines()]
            told += [line for line in lines if line["message"] == "exchange"]
    assert out == "/v1/a 1\n/v1/b 1\n"
    assert [(one["uri"].removeprefix(url), one["known"]) for one in told] == [
        ("/v1/a", False),
        ("/v1/a", True),
        ("/v1/b", False),
    ]
    assert {(one["method"], one["status"], one["bytes"]) for one in told} == {("GET", 200, 7)}


async def test_a_terminal_sees_what_is_new_and_what_is_known(stage: Any) -> None:
    master, terminal = pty.openpty()
    async with upstream(stage) as url:
        recording = ("record", "--upstream", f"openai={url}", "-o", str(stage.output), "--")
        await ran(*recording, *asking("/a"), data=stage.folder)
        process = await started(*recording, *asking("/a", "/b"), data=stage.folder, stderr=terminal)
        os.close(terminal)
        await process.communicate()
    seen = b""
    while True:
        try:
            seen += os.read(master, 65536)
        except OSError:  # the other end is closed
            break
    os.close(master)
    lines = [line for line in seen.decode().splitlines() if line.startswith("GET")]
    host = url.removeprefix("http://")
    assert [line.split()[1] for line in lines] == [f"{host}/v1/a", f"{host}/v1/b"]
    assert [line.rsplit(maxsplit=3)[1:] for line in lines] == [["7", "B", "known"], ["7", "B", "new"]]
    assert "2 request(s), of which 1 hit" in seen.decode()


@pytest.mark.parametrize("where", [(), ("--split", "path")])
async def test_all_renews_what_is_recorded_again_and_keeps_the_rest(stage: Any, where: tuple[str, ...]) -> None:
    output = stage.folder / "split" if where else stage.output
    async with upstream(stage) as url:
        for paths in (("/a", "/b", "/b"), ("/b", "/c")):
            status, _, err = await ran(
                *("record", "--record-mode", "all", "--upstream", f"openai={url}", "-o", str(output), *where),
                *("--", *asking(*paths)),
                data=stage.folder,
            )
            assert status == 0, err
    files = sorted(output.rglob("*.yaml")) if where else [output]
    bodies = [one.response.body for file in files for one in store.read(file).interactions]
    assert bodies == [b"/v1/a 1", b"/v1/b 3", b"/v1/c 1"]


# One address for every client


@asynccontextmanager
async def recording(stage: Any, *arguments: str) -> AsyncIterator[str]:
    """A recorder in the foreground; its address."""
    more = {"SSL_CERT_FILE": str(stage.authority.pem)}
    process = await started("record", "-o", str(stage.output), *arguments, data=stage.folder, more=more)
    assert process.stdout is not None
    try:
        yield (await process.stdout.readline()).decode().split()[2]
    finally:
        process.send_signal(signal.SIGINT)
        _, err = await process.communicate()
    assert process.returncode == 0, err.decode()


def trusting(stage: Any) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(stage.folder / "replayer" / "ca" / "ca.pem"))


@pytest.mark.parametrize("mode", ["new_episodes", "once"])
async def test_a_forward_proxy_records_once_and_then_plays_without_the_network(stage: Any, mode: str) -> None:
    heard: list[list[str]] = []

    async def converse(secure: str, plain: str, proxy: str) -> None:
        said = []
        ways: dict[str, Any] = {"proxy": proxy, "ssl": trusting(stage)}
        async with aiohttp.ClientSession() as client:
            for url in (f"{secure}/a?x=1", f"{plain}/b"):
                async with client.get(url, **ways) as answer:
                    said.append(await answer.text())
            for url in (f"{secure}/ws", f"{plain}/ws"):
                async with client.ws_connect(url, **ways) as connection:
                    await connection.send_str("hello")
                    said.append(await connection.receive_str())
        heard.append(said)

    arguments = ("--forward", "--record-mode", mode)
    async with (
        upstream(stage, stage.authority.context()) as secure,
        upstream(stage) as plain,
        recording(stage, *arguments) as proxy,
    ):
        await converse(secure, plain, proxy)
    async with recording(stage, *arguments) as proxy:
        await converse(secure, plain, proxy)
    assert heard == [["/a?x=1 1", "/b 1", "echo hello", "echo hello"]] * 2
    interactions = store.read(stage.output).interactions
    assert [one.request.uri for one in interactions] == [
        f"{secure}/a?x=1",
        f"{plain}/b",
        f"{secure.replace('https', 'wss')}/ws",
        f"{plain.replace('http', 'ws')}/ws",
    ]
    assert [frame.text for frame in interactions[3].response.frames or () if frame.sender is Sender.SERVER][:1] == [
        "echo hello"
    ]


async def test_a_request_that_did_not_come_through_the_proxy_is_told_so(stage: Any) -> None:
    async with (
        recording(stage, "--forward") as proxy,
        aiohttp.ClientSession() as client,
        client.get(f"{proxy}/a") as answer,
    ):
        assert answer.status == 424
        assert "did not come through the proxy" in (await answer.json())["detail"]


async def test_plain_and_tls_are_spoken_at_one_port(stage: Any) -> None:
    async with (
        upstream(stage, stage.authority.context()) as url,
        aiohttp.ClientSession() as client,
        recording(stage, "--upstream", f"one={url}") as here,
    ):
        secure = here.replace("http://127.0.0.1", "https://localhost")
        async with client.get(f"{here}/a") as first, client.get(f"{secure}/b", ssl=trusting(stage)) as second:
            assert (await first.text(), await second.text()) == ("/a 1", "/b 1")
        ws = secure.replace("https", "wss")
        async with client.ws_connect(f"{ws}/ws", ssl=trusting(stage)) as connection:
            await connection.send_str("hi")
            assert await connection.receive_str() == "echo hi"
    assert len(store.read(stage.output).interactions) == 3


async def test_a_port_of_its_own_means_its_upstream(stage: Any) -> None:
    async with upstream(stage) as one, upstream(stage) as two, aiohttp.ClientSession() as client:
        with_port = f"two={two}@{free_port()}"
        async with recording(stage, "--upstream", f"one={one}", "--upstream", with_port) as here:
            own = f"http://127.0.0.1:{with_port.rpartition('@')[2]}"
            for url in (f"{here}/one/a", f"{own}/a"):
                async with client.get(url) as answer:
                    assert await answer.text() == "/a 1"
    assert [one.request.uri for one in store.read(stage.output).interactions] == [f"{one}/a", f"{two}/a"]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as held:
        return int(held.getsockname()[1])


@pytest.mark.skipif(shutil.which("node") is None, reason="Node is not installed")
async def test_node_is_recorded_and_replayed_through_the_proxy_with_its_environment_alone(stage: Any) -> None:
    more = {"SSL_CERT_FILE": str(stage.authority.pem), "NODE_OPTIONS": "--no-deprecation"}
    async with upstream(stage, stage.authority.context()) as secure, upstream(stage) as plain:
        program = ("node", "-e", NODE, f"{secure}/a", f"{plain}/b")
        recorded = await ran(
            "record", "--forward", "-o", str(stage.output), "--", *program, data=stage.folder, more=more
        )
    assert recorded[:2] == (0, "/a 1\n/a 2\n/b 1\n/b 2\n"), recorded[2]
    replaying = ("replay", str(stage.output), "--port", "0", "--tls", str(stage.folder / "tls"), "--proxy", "--")
    replayed = await ran(*replaying, *program, data=stage.folder)
    assert replayed[:2] == recorded[:2], replayed[2]


CURL = 'for url in "$@"; do curl -sS "$url"; done'


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
async def test_curl_is_recorded_and_replayed_through_the_proxy_with_its_environment_alone(stage: Any) -> None:
    more = {"SSL_CERT_FILE": str(stage.authority.pem)}
    async with upstream(stage, stage.authority.context()) as secure, upstream(stage) as plain:
        program = ("sh", "-c", CURL, "sh", f"{secure}/a", f"{plain}/b")
        recorded = await ran(
            "record", "--forward", "-o", str(stage.output), "--", *program, data=stage.folder, more=more
        )
    assert recorded[:2] == (0, "/a 1/b 1"), recorded[2]
    replaying = ("replay", str(stage.output), "--port", "0", "--tls", str(stage.folder / "tls"), "--proxy", "--")
    replayed = await ran(*replaying, *program, data=stage.folder)
    assert replayed[:2] == recorded[:2], replayed[2]


async def test_around_a_program_tls_is_in_the_base_urls_and_what_the_user_set_stays(stage: Any) -> None:
    async with upstream(stage) as url:
        await ran(
            *("record", "--upstream", f"openai={url}", "-o", str(stage.output), "--", *asking("/a")), data=stage.folder
        )
    show = "import json, os; print(json.dumps(dict(os.environ)))\nprint(open(os.environ['SSL_CERT_FILE']).read())"
    program = (sys.executable, "-c", ASK.replace("for path", f"{show}\nfor path"), "OPENAI_BASE_URL", "/a")
    mine = {
        "SSL_CERT_FILE": str(stage.authority.pem),
        "ANTHROPIC_BASE_URL": "https://mine.example",
        "GEMINI_API_KEY": "my own key",
    }
    replaying = ("replay", str(stage.output), "--port", "0", "--tls", str(stage.folder / "tls"), "--")
    status, out, err = await ran(*replaying, *program, data=stage.folder, more=mine)
    assert status == 0, err
    seen = json.loads(out.splitlines()[0])
    assert out.endswith("/v1/a 1\n")
    assert seen["OPENAI_BASE_URL"].startswith("https://127.0.0.1:")
    assert (seen["ANTHROPIC_BASE_URL"], seen["GEMINI_API_KEY"]) == ("https://mine.example", "my own key")
    assert "ANTHROPIC_BASE_URL is set by you and left alone" in err
    # Our authority and the user's: both are trusted.
    assert stage.authority.pem.read_text().strip() in out
    assert (stage.folder / "tls" / "ca.pem").read_text().strip() in out
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        assert seen[name] == seen["SSL_CERT_FILE"]
    assert seen["NODE_EXTRA_CA_CERTS"]


async def test_a_variable_cannot_name_an_upstream_where_everything_goes_through_the_proxy(stage: Any) -> None:
    async with upstream(stage) as url:
        await ran(
            *("record", "--upstream", f"openai={url}", "-o", str(stage.output), "--", *asking("/a")), data=stage.folder
        )
    replaying = ("replay", str(stage.output), "--tls", str(stage.folder / "tls"), "--proxy", "--env", "X=openai")
    status, _, err = await ran(*replaying, "--", "true", data=stage.folder)
    assert status == 2
    assert "--env X=openai" in err


# Ends


async def test_a_signal_reaches_the_program_and_its_status_passes_through(stage: Any) -> None:
    async with upstream(stage) as url:
        await ran(
            *("record", "--upstream", f"openai={url}", "-o", str(stage.output), "--", *asking("/a")), data=stage.folder
        )
    program = (
        "import os, signal, sys, time, urllib.request\n"
        "signal.signal(signal.SIGTERM, lambda *_: sys.exit(17))\n"
        "urllib.request.urlopen(os.environ['OPENAI_BASE_URL'] + '/a').read()\n"
        "print('asked', flush=True)\n"
        "signal.pause()\n"
    )
    process = await started(
        *("replay", str(stage.output), "--port", "0", "--tls", str(stage.folder / "tls")),
        *("--", sys.executable, "-c", program),
        data=stage.folder,
    )
    assert process.stdout is not None
    assert await process.stdout.readline() == b"asked\n"
    process.send_signal(signal.SIGTERM)
    _, err = await process.communicate()
    assert process.returncode == 17, err.decode()
    assert b"1 of 1 interactions played" in err


def recorder_of(parent: str) -> int:
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    (found,) = [one for one in children if b"replayer.record" in Path(f"/proc/{one}/cmdline").read_bytes()]
    return int(found)


@needs.linux
async def test_a_recorder_that_is_lost_ends_the_program_too(stage: Any) -> None:
    program = "import os, signal\nprint(os.getppid(), flush=True)\nsignal.pause()\n"
    async with upstream(stage) as url:
        process = await started(
            *("record", "--upstream", f"openai={url}", "-o", str(stage.output)),
            *("--", sys.executable, "-c", program),
            data=stage.folder,
        )
        assert process.stdout is not None
        parent = (await process.stdout.readline()).decode().strip()
        os.kill(recorder_of(parent), signal.SIGKILL)
        _, err = await process.communicate()
    assert process.returncode == 2
    assert b"the recorder process was killed by signal 9" in err
    assert b"Traceback" not in err
