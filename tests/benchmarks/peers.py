"""Other programs that answer recorded requests, each asked the same as replay: how many times as quick replay is.

They search their stubs one after the other, so they are given few. Each compares the request's body, as replay does.
Node's programs come from the folder that REPLAYER_BENCH_NODE names (default: `node_modules` of the repository).
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from tests.benchmarks.server import TOP, Server, free_port, run
from tests.benchmarks.table import Line
from tests.benchmarks.traffic import PATH, answered, asked, write_cassette

__all__ = ["lines"]

NODE = Path(os.environ.get("REPLAYER_BENCH_NODE") or TOP / "node_modules")
REQUESTS = 1_000
JSON = {"content-type": "application/json"}

MOCKTTP = """
const { readFileSync } = require("fs");
(async () => {
  const server = require("mockttp").getLocal();
  await server.start(Number(process.argv[1]));
  for (const { path, asked, answered } of JSON.parse(readFileSync(process.argv[2])))
    await server.forPost(path).withJsonBody(JSON.parse(asked)).always()
      .thenReply(200, answered, { "content-type": "application/json", "content-length": `${answered.length}` });
})();
"""
AIMOCK = """
const { readFileSync } = require("fs");
(async () => {
  const { LLMock } = require("@copilotkit/aimock");
  const mock = new LLMock({ port: Number(process.argv[1]), logLevel: "silent" });
  for (const { asked, answered } of JSON.parse(readFileSync(process.argv[2])))
    mock.onMessage(
      JSON.parse(asked).messages.at(-1).content,
      { content: JSON.parse(answered).choices[0].message.content },
    );
  await mock.start();
})();
"""


class Absent(Exception):
    """The peer is not installed; its text says what is missing."""


class Stage:
    """Where the peers are started."""

    def __init__(self, stack: ExitStack, folder: Path, count: int) -> None:
        self.stack = stack
        self.folder = folder
        self.count = count

    def start(self, name: str, command: list[str], port: int | None = None, *, exact: bool = True) -> Server:
        where = NODE.parent if command[0] == "node" else TOP
        return Server(
            self.stack,
            name,
            command,
            distinct=self.count,
            count=REQUESTS,
            port=port,
            exact=exact,
            folder=where,
        )

    def write(self, name: str, value: Any) -> str:
        file = self.folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(value), encoding="utf-8")
        return str(file)

    def traffic(self) -> list[dict[str, str]]:
        return [{"path": PATH, "asked": asked(n).decode(), "answered": answered(n).decode()} for n in range(self.count)]


def lines(count: int) -> list[Line]:
    """A row a peer."""
    with ExitStack() as stack:
        stage = Stage(stack, Path(stack.enter_context(tempfile.TemporaryDirectory())), count)
        ours = _replay(stage)
        found: list[tuple[Server, float]] = []
        absent: list[Line] = []
        for name, (start, bar) in PEERS.items():
            try:
                found.append((start(stage), bar))
            except Absent as missing:
                absent.append(Line(what=f"replay against {name}", measured=f"absent: {missing}", bar=f"≥ {bar}"))
        run([ours, *(peer for peer, _ in found)])
        rows = [(peer.name, ours.ratio(peer), bar) for peer, bar in found]
        return [
            *(
                Line(
                    what=f"replay against {name}, {count} interactions",
                    measured=f"{ratio:.1f} times",
                    bar=f"≥ {bar}",
                    held=ratio >= bar,
                )
                for name, ratio, bar in rows
            ),
            *absent,
        ]


def _replay(stage: Stage) -> Server:
    file = stage.folder / "ours.yaml"
    write_cassette(file, stage.count)
    return stage.start("replay", [sys.executable, "-m", "replayer", "replay", str(file), "--port", "0"])


def _wiremock(stage: Stage) -> Server:
    jar = next(iter(sorted(NODE.glob("wiremock/build/wiremock-standalone-*.jar"))), None)
    if jar is None or shutil.which("java") is None:
        raise Absent("npm wiremock and Java")
    mappings = [
        {
            "request": {"method": "POST", "urlPath": PATH, "bodyPatterns": [{"equalToJson": one["asked"]}]},
            "response": {"status": 200, "body": one["answered"], "headers": JSON},
        }
        for one in stage.traffic()
    ]
    stage.write("wiremock/mappings/all.json", {"mappings": mappings})
    port = free_port()
    root = str(stage.folder / "wiremock")
    options = ["--root-dir", root, "--port", str(port), "--no-request-journal", "--disable-banner"]
    # The bytes that it was given, in one piece, as everybody else.
    options += ["--disable-gzip", "--use-chunked-encoding", "never"]
    return stage.start("WireMock", ["java", "-jar", str(jar), *options], port)


def _mountebank(stage: Stage) -> Server:
    program = _node_program("mountebank", ".bin/mb")
    port = free_port()
    stubs = [
        {
            "predicates": [{"deepEquals": {"method": "POST", "path": PATH, "body": json.loads(one["asked"])}}],
            "responses": [{"is": {"statusCode": 200, "headers": JSON, "body": one["answered"]}}],
        }
        for one in stage.traffic()
    ]
    imposter = {"protocol": "http", "port": port, "defaultResponse": {"headers": {"connection": "keep-alive"}}}
    for stub in stubs:
        answer = stub["responses"][0]["is"]
        answer["headers"] = {**JSON, "connection": "keep-alive", "content-length": str(len(answer["body"]))}
    file = stage.write("mountebank.json", {"imposters": [{**imposter, "stubs": stubs}]})
    control = ["--port", str(free_port()), "--loglevel", "error", "--nologfile"]
    pid = str(stage.folder / "mb.pid")
    return stage.start("mountebank", ["node", program, "start", "--configfile", file, "--pidfile", pid, *control], port)


def _mockttp(stage: Stage) -> Server:
    _node_program("mockttp", "mockttp")
    port = free_port()
    return stage.start(
        "mockttp", ["node", "-e", MOCKTTP, str(port), stage.write("mockttp.json", stage.traffic())], port
    )


def _aimock(stage: Stage) -> Server:
    _node_program("@copilotkit/aimock", "@copilotkit/aimock")
    port = free_port()
    command = ["node", "-e", AIMOCK, str(port), stage.write("aimock.json", stage.traffic())]
    return stage.start("aimock", command, port, exact=False)


def _mitmdump(stage: Stage) -> Server:
    try:
        from mitmproxy import http, io
        from mitmproxy.test import tflow
    except ImportError:
        raise Absent("mitmproxy") from None
    file = stage.folder / "flows"
    fields = http.Headers([(name.encode(), value.encode()) for name, value in JSON.items()])
    with file.open("wb") as stream:
        writer = io.FlowWriter(stream)  # type: ignore[no-untyped-call]  # mitmproxy leaves it so
        for number in range(stage.count):
            flow = tflow.tflow()
            flow.request = http.Request.make("POST", f"http://127.0.0.1{PATH}", asked(number), fields)
            flow.response = http.Response.make(200, answered(number), fields)
            writer.add(flow)
    port = free_port()
    options = [
        "connection_strategy=lazy",
        "server_replay_reuse=true",
        "server_replay_extra=kill",
        "server_replay_ignore_port=true",
    ]
    sets = [word for option in options for word in ("--set", option)]
    mode = ["--mode", "reverse:http://127.0.0.1", "--listen-host", "127.0.0.1", "-p", str(port), "-q"]
    run_it = "from mitmproxy.tools.main import mitmdump; mitmdump()"
    command = [sys.executable, "-c", run_it, *mode, "--server-replay", str(file), *sets]
    return stage.start("mitmdump's server replay", command, port)


def _node_program(package: str, path: str) -> str:
    program = NODE / path
    if shutil.which("node") is None or not program.exists():
        raise Absent(f"npm {package}")
    return str(program)


PEERS: dict[str, tuple[Callable[[Stage], Server], float]] = {
    "WireMock": (_wiremock, 2.5),
    "mountebank": (_mountebank, 3.5),
    "mockttp": (_mockttp, 4.0),
    "aimock": (_aimock, 1.6),
    "mitmdump's server replay": (_mitmdump, 12.0),
}
