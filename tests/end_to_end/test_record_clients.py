"""Unmodified official clients, in Python and Node, recorded against stand-ins under TLS and replayed without them."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import os
import shutil
import sys
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from replayer.cassette import store
from replayer.cassette.model import header
from tests import needs

pytestmark = needs.mitmproxy
TOP = Path(__file__).parents[2]
CLIENTS = Path(__file__).parent / "clients"
NODE_MODULES = Path(os.environ.get("REPLAYER_NODE_MODULES") or TOP / "node_modules")
SERVICES = {"openai": "/v1", "anthropic": "", "gemini": ""}
VARIABLES = {"openai": "OPENAI_BASE_URL", "anthropic": "ANTHROPIC_BASE_URL", "gemini": "GOOGLE_GEMINI_BASE_URL"}
KEYS = {
    "OPENAI_API_KEY": "sk-proj-abcdefghijklmnopqrstuvwx",
    "ANTHROPIC_API_KEY": "sk-ant-api03-abcdefghijklmnopqrstuvwx",
    "GEMINI_API_KEY": "AIzaSyA-abcdefghijklmnopqrstuvwxyz01234",
}
DROPPED = ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS", *KEYS)
UPLOAD_URL = "x-goog-upload-url"


# The stand-ins


async def stand_in(request: web.Request) -> web.StreamResponse:
    """Answers as the three providers do."""
    if request.headers.get("upgrade", "").lower() == "websocket":
        return await (realtime if "realtime" in request.path else live)(request)
    if request.path.endswith("/files"):
        return await files(request)
    body = await request.read()
    path = request.path
    if path.endswith("/chat/completions"):
        return await (sse(request, chat_chunks()) if b'"stream"' in body else answer(chat()))
    if path.endswith("/messages"):
        return await (sse(request, message_events()) if b'"stream"' in body else answer(message()))
    if path.endswith(":streamGenerateContent"):
        return await sse(request, [(None, content(word)) for word in ("Hel", "lo")])
    if path.endswith(":generateContent"):
        return await answer(content("Hello"))
    return web.json_response({"error": {"message": f"no {path}"}}, status=404)


async def answer(value: Any) -> web.Response:
    return web.json_response(value)


async def sse(request: web.Request, events: list[tuple[str | None, Any]]) -> web.StreamResponse:
    response = web.StreamResponse(headers={"content-type": "text/event-stream"})
    await response.prepare(request)
    for name, value in events:
        data = value if isinstance(value, str) else json.dumps(value)
        await response.write((f"event: {name}\n" if name else "").encode() + f"data: {data}\n\n".encode())
    await response.write_eof()
    return response


def chat() -> Any:
    choice = {"index": 0, "message": {"role": "assistant", "content": "Hello"}, "finish_reason": "stop"}
    return {"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice]}


def chat_chunks() -> list[tuple[str | None, Any]]:
    chunks = [
        {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}
        for choice in (
            {"index": 0, "delta": {"role": "assistant", "content": "Hel"}, "finish_reason": None},
            {"index": 0, "delta": {"content": "lo"}, "finish_reason": None},
            {"index": 0, "delta": {}, "finish_reason": "stop"},
        )
    ]
    return [*((None, chunk) for chunk in chunks), (None, "[DONE]")]


def message(**more: Any) -> Any:
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "m",
        "content": [{"type": "text", "text": "Hello"}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": 1, "output_tokens": 1},
        **more,
    }


def message_events() -> list[tuple[str | None, Any]]:
    events: list[Any] = [
        {"type": "message_start", "message": message(content=[], stop_reason=None)},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        *(
            {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}}
            for text in ("Hel", "lo")
        ),
        {"type": "content_block_stop", "index": 0},
        {
            "type": "message_delta",
            "delta": {"stop_reason": "end_turn", "stop_sequence": None},
            "usage": {"output_tokens": 2},
        },
        {"type": "message_stop"},
    ]
    return [(event["type"], event) for event in events]


def content(text: str) -> Any:
    return {
        "candidates": [{"content": {"parts": [{"text": text}], "role": "model"}, "finishReason": "STOP", "index": 0}],
        "modelVersion": "m",
    }


async def files(request: web.Request) -> web.Response:
    sizes = {}
    async for part in await request.multipart():
        assert isinstance(part, aiohttp.BodyPartReader)
        sizes[part.name] = len(await part.read())
    if "anthropic-version" in request.headers:
        known = {"id": "file_1", "type": "file", "filename": "a.txt", "mime_type": "text/plain"}
        return web.json_response({**known, "size_bytes": sizes["file"], "created_at": "2026-01-01T00:00:00Z"})
    known = {"id": "file-1", "object": "file", "filename": "a.txt", "purpose": "assistants", "status": "processed"}
    return web.json_response({**known, "bytes": sizes["file"], "created_at": 1})


class Uploads:
    """Google's resumable upload: a start that answers with an address, then the pieces, the last one finalizing."""

    def __init__(self) -> None:
        self.sizes: dict[str, int] = {}

    async def answer(self, request: web.Request) -> web.Response:
        command = request.headers["x-goog-upload-command"]
        if command == "start":
            upload = f"upload-{len(self.sizes)}"
            self.sizes[upload] = 0
            url = f"https://{request.host}{request.path}?upload_id={upload}&upload_protocol=resumable"
            return web.json_response({}, headers={"x-goog-upload-status": "active", UPLOAD_URL: url})
        upload = request.query["upload_id"]
        assert int(request.headers["x-goog-upload-offset"]) == self.sizes[upload]
        self.sizes[upload] += len(await request.read())
        if "finalize" not in command:
            return web.json_response({}, headers={"x-goog-upload-status": "active"})
        size = str(self.sizes[upload])
        known = {"name": f"files/{upload}", "mimeType": "text/plain", "sizeBytes": size, "state": "ACTIVE"}
        return web.json_response({"file": known}, headers={"x-goog-upload-status": "final"})


async def realtime(request: web.Request) -> web.WebSocketResponse:
    connection = web.WebSocketResponse(protocols=("realtime",))
    await connection.prepare(request)
    await connection.send_json({"type": "session.created", "event_id": "e0", "session": {"type": "realtime"}})
    async for one in connection:
        asked = json.loads(one.data)
        done = {"object": "realtime.response", "id": "r", "status": "completed", "output": []}
        await connection.send_json({"type": "response.done", "event_id": f"to {asked['event_id']}", "response": done})
    return connection


async def live(request: web.Request) -> web.WebSocketResponse:
    connection = web.WebSocketResponse()
    await connection.prepare(request)
    async for one in connection:
        asked = json.loads(one.data)
        if "setup" in asked:
            await connection.send_bytes(b'{"setupComplete": {}}')
            continue
        text = asked["client_content" if "client_content" in asked else "clientContent"]["turns"][0]["parts"][0]["text"]
        turn = {"modelTurn": {"parts": [{"text": f"you said {text}"}], "role": "model"}}
        await connection.send_bytes(json.dumps({"serverContent": turn}).encode())
        await connection.send_bytes(b'{"serverContent": {"turnComplete": true}}')
    return connection


# The run


async def replayer(*arguments: str, data: Path, **more: str) -> Any:
    environment = {name: value for name, value in os.environ.items() if name not in DROPPED}
    here = os.pathsep.join([str(TOP), *filter(None, [environment.get("PYTHONPATH")])])
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "replayer", *arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=TOP,
        env={**environment, "XDG_DATA_HOME": str(data), "PYTHONPATH": here, **more},
    )
    out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    return json.loads(out)


def python(*asked: str) -> list[str]:
    return [sys.executable, "-W", "ignore", str(CLIENTS / "ask.py"), *asked]


def node(stage: Any, *asked: str) -> list[str]:
    script = stage.folder / "ask.cjs"
    if not script.exists():
        shutil.copy(CLIENTS / "ask.cjs", script)
        (stage.folder / "node_modules").symlink_to(NODE_MODULES)
    return ["node", str(script), *asked]


def need(language: str) -> None:
    """Skip where the clients are not installed; CI installs them."""
    if language == "python":
        missing = [name for name in ("openai", "anthropic", "google.genai") if _absent(name)]
    else:
        packages = ("openai", "@anthropic-ai/sdk", "@google/genai", "ws")
        missing = [name for name in packages if not (NODE_MODULES / name).is_dir()]
        missing += [] if shutil.which("node") else ["node"]
    if missing and not os.environ.get("CI"):
        pytest.skip(f"not installed: {', '.join(missing)} (REPLAYER_NODE_MODULES names a folder of Node's)")
    assert not missing


def _absent(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is None
    except ModuleNotFoundError:
        return True


ASKED = {
    "python": ("openai", "openai_realtime", "anthropic", "gemini"),
    "node": ("openai", "anthropic", "gemini", "gemini_live"),
}
"""What a plain listener can replay: the others insist on `wss:`."""
WAYS = [("reverse", "new_episodes"), ("forward", "new_episodes"), ("reverse", "all"), ("forward", "all")]


@pytest.mark.parametrize(("way", "mode"), WAYS)
@pytest.mark.parametrize("language", ["python", "node"])
async def test_official_clients_record_and_replay_with_equal_results(
    stage: Any, language: str, way: str, mode: str
) -> None:
    need(language)
    program = python(*ASKED["python"]) if language == "python" else node(stage, *ASKED["node"])
    async with AsyncExitStack() as stack:
        urls = {
            name: await stack.enter_async_context(stage.upstream(stand_in, stage.authority.context()))
            for name in SERVICES
        }
        recording = ["--record-mode", mode]
        for name, url in urls.items():
            recording += ["--upstream", f"{name}={url}"]
        more = {**KEYS, "SSL_CERT_FILE": str(stage.authority.pem)}
        hosts = {VARIABLES[name]: url + SERVICES[name] for name, url in urls.items()} if way == "forward" else {}
        if way == "forward":
            recording.append("--forward")
        recorded = await replayer(
            "record", *recording, "-o", str(stage.output), "--", *program, data=stage.folder, **more, **hosts
        )
    assert sorted(recorded) == sorted(ASKED[language])
    assert recorded["openai"]["upload"]["bytes"] == 150_000
    text = stage.output.read_text()
    assert not [key for key in KEYS.values() if key in text]
    assert {one.response.status for one in store.read(stage.output).interactions} == {200, 101}

    playing = ["replay", str(stage.output), "--port", "0"]
    if way == "forward":
        playing += ["--tls", str(stage.folder / "authority"), "--proxy"]
    replayed = await replayer(*playing, "--", *program, data=stage.folder, **hosts)
    assert replayed == recorded


@pytest.mark.parametrize(("language", "asked"), [("python", "gemini_live"), ("node", "openai_realtime")])
@pytest.mark.parametrize(("way", "mode"), WAYS)
async def test_clients_that_insist_on_tls_record_and_replay_too(
    stage: Any, language: str, asked: str, way: str, mode: str
) -> None:
    need(language)
    program = python(asked) if language == "python" else node(stage, asked)
    name = asked.partition("_")[0]
    async with stage.upstream(stand_in, stage.authority.context()) as url:
        more = {**KEYS, "SSL_CERT_FILE": str(stage.authority.pem)}
        recording = ["--upstream", f"{name}={url}", "--record-mode", mode]
        hosts = {VARIABLES[name]: url + SERVICES[name]} if way == "forward" else {}
        if way == "forward":
            recording.append("--forward")
        heard = await replayer(
            "record", *recording, "-o", str(stage.output), "--", *program, data=stage.folder, **more, **hosts
        )
    assert len(heard[asked]) >= 2
    (one,) = store.read(stage.output).interactions
    assert one.request.uri.startswith(url.replace("https", "wss"))
    playing = ["replay", str(stage.output), "--port", "0", "--tls", str(stage.folder / "authority")]
    if way == "forward":
        playing.append("--proxy")
    assert await replayer(*playing, "--", *program, data=stage.folder, **hosts) == heard


@pytest.mark.parametrize("mode", ["new_episodes", "all"])
@pytest.mark.parametrize("language", ["python", "node"])
async def test_a_resumable_upload_records_and_replays_with_equal_results(stage: Any, language: str, mode: str) -> None:
    need(language)
    program = python("gemini_upload") if language == "python" else node(stage, "gemini_upload")
    async with (
        stage.upstream(Uploads().answer, stage.authority.context()) as url,
        stage.upstream(stand_in) as other,
    ):
        more = {**KEYS, "SSL_CERT_FILE": str(stage.authority.pem)}
        # Two upstreams: the address in the answer has to lead back below the prefix of the first.
        recording = ["--upstream", f"gemini={url}", "--upstream", f"openai={other}", "--record-mode", mode]
        recorded = await replayer(
            "record", *recording, "-o", str(stage.output), "--", *program, data=stage.folder, **more
        )
    assert [one["size"] for one in recorded["gemini_upload"]] == [15, 8 * 1024 * 1024 + 15]
    starts = [one for one in store.read(stage.output).interactions if header(one.response.headers, UPLOAD_URL)]
    # What was recorded is what the upstream said.
    assert [str(header(one.response.headers, UPLOAD_URL)).startswith(f"{url}/upload/") for one in starts] == [True] * 2
    assert len(store.read(stage.output).interactions) == 5
    assert await replayer("replay", str(stage.output), "--port", "0", "--", *program, data=stage.folder) == recorded


@pytest.mark.parametrize("mode", ["new_episodes", "all"])
async def test_a_redirect_stays_with_us_recorded_and_replayed(stage: Any, mode: str) -> None:
    async def redirecting(request: web.Request) -> web.Response:
        if request.path == "/v1/old":
            raise web.HTTPFound(f"http://{request.host}/v1/new")
        return web.json_response({"here": request.path})

    follow = (
        "import json, os, urllib.request\n"
        "answer = urllib.request.urlopen(os.environ['OPENAI_BASE_URL'] + '/old')\n"
        "print(json.dumps([answer.url == os.environ['OPENAI_BASE_URL'] + '/new', json.load(answer)]))\n"
    )
    program = (sys.executable, "-c", follow)
    async with stage.upstream(redirecting) as url:
        recording = ("--upstream", f"openai={url}", "--record-mode", mode, "-o", str(stage.output))
        recorded = await replayer("record", *recording, "--", *program, data=stage.folder)
    assert recorded == [True, {"here": "/v1/new"}]
    assert len(store.read(stage.output).interactions) == 2
    assert await replayer("replay", str(stage.output), "--port", "0", "--", *program, data=stage.folder) == recorded
