"""The recorder, killed at random moments under load: no finished interaction may be lost, no file be unreadable.

A finished interaction is one whose `exchange` message the recorder had sent before it was killed. Each round goes on
in the same file, so that recovery, appending and the torn ends of earlier rounds all meet.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import aiohttp
import orjson

from replayer.cassette import store
from replayer.cassette.model import End
from replayer.errors import ReplayerError
from replayer.record.settings import Settings
from replayer.record.upstreams import Upstream
from tests.benchmarks.table import Line, show

TOP = Path(__file__).parent.parent.parent
KILLS = int(os.environ.get("REPLAYER_BENCH_KILLS", "100"))
SECRET = "sk-proj-abcdefghijklmnop1234"


class Tally:
    """What happened over all rounds."""

    def __init__(self) -> None:
        self.kills = 0
        self.finished = 0
        self.lost: set[str] = set()
        self.unreadable = 0
        self.doubled = 0
        self.secrets = 0
        self.cut = 0


async def run() -> Tally:
    chance = random.Random(7)
    tally = Tally()
    done: set[str] = set()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        provider = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.benchmarks.provider", stdout=asyncio.subprocess.PIPE, cwd=TOP
        )
        assert provider.stdout is not None
        port = int((await provider.stdout.readline()).rpartition(b":")[2])
        settings = Settings(
            output=folder / "killed.yaml",
            upstreams=(Upstream(name="x", url=f"http://127.0.0.1:{port}"),),
            confdir=folder / "ca",
        )
        try:
            while tally.kills < KILLS:
                done |= await _round(settings, tally, chance)
                _check(settings.output, done, tally)
            await _recover(settings)
            _check(settings.output, done, tally)
        finally:
            provider.kill()
            await provider.wait()
        tally.finished = len(done)
        if settings.output.exists():
            tally.cut = sum(one.response.end is End.LOST for one in store.iterate(settings.output))
    return tally


async def _round(settings: Settings, tally: Tally, chance: random.Random) -> set[str]:
    """Start the recorder, load it, kill it; the addresses of what it said was finished."""
    process = await _started(settings)
    assert process.stdout is not None
    ready = orjson.loads(await _ready(process))
    base = ready["listeners"][0]
    finished: set[str] = set()
    hearing = asyncio.create_task(_hear(process, finished))
    loading = asyncio.create_task(_load(base, tally.kills))
    await asyncio.sleep(chance.uniform(0.0, 0.8))
    process.send_signal(signal.SIGKILL)
    tally.kills += 1
    await process.wait()
    await hearing
    loading.cancel()
    with suppress(asyncio.CancelledError, aiohttp.ClientError):
        await loading
    return finished


async def _started(settings: Settings) -> asyncio.subprocess.Process:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "replayer.record",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        cwd=TOP,
    )
    assert process.stdin is not None
    process.stdin.write(settings.to_line())
    await process.stdin.drain()
    return process


async def _ready(process: asyncio.subprocess.Process) -> bytes:
    assert process.stdout is not None
    while line := await process.stdout.readline():
        message = orjson.loads(line)
        if message["message"] == "ready":
            return line
        if message["message"] == "failed":
            raise SystemExit(f"the recorder does not start again: {message['text']}")
    raise SystemExit("the recorder ended before it listened")


async def _hear(process: asyncio.subprocess.Process, finished: set[str]) -> None:
    assert process.stdout is not None
    while line := await process.stdout.readline():
        with suppress(orjson.JSONDecodeError):  # the kill may cut the last line
            message = orjson.loads(line)
            if message["message"] == "exchange":
                finished.add(message["uri"])


async def _load(base: str, round_: int) -> None:
    """Answers, streams and connections, several at a time, each with an address of its own."""
    headers = {"authorization": f"Bearer {SECRET}"}
    async with aiohttp.ClientSession(headers=headers) as session:

        async def ask(lane: int) -> None:
            for number in range(1_000_000):
                mark = f"{round_}-{lane}-{number}"
                with suppress(aiohttp.ClientError):
                    if lane == 0:
                        url = f"{base}/talk?frames=200&mark={mark}"
                        async with session.ws_connect(url) as connection:
                            async for _ in connection:
                                pass
                    elif lane == 1:
                        async with session.get(f"{base}/large?bytes=300000&mark={mark}") as answer:
                            await answer.read()
                    else:
                        async with session.get(f"{base}/stream?mark={mark}&q={SECRET}") as answer:
                            await answer.read()
                await asyncio.sleep(0)

        await asyncio.gather(*(ask(lane) for lane in range(5)))


async def _recover(settings: Settings) -> None:
    """One more start, and an end as it should be: what is left in the spool goes to the file."""
    process = await _started(settings)
    await _ready(process)
    assert process.stdin is not None
    process.stdin.close()
    await process.communicate()


def _check(output: Path, done: set[str], tally: Tally) -> None:
    if not output.exists():
        tally.lost |= done
        return
    try:
        addresses = [one.request.uri.split("&q=")[0] for one in store.iterate(output)]
    except ReplayerError:
        tally.unreadable += 1
        return
    known = set(addresses)
    tally.doubled = max(tally.doubled, len(addresses) - len(known))
    tally.lost |= {address for address in (one.split("&q=")[0] for one in done) if address not in known}
    for path in output.parent.rglob("*"):
        if path.is_file() and path.suffix in (".yaml", ".jsonl") and SECRET.encode() in path.read_bytes():
            tally.secrets += 1


def main() -> bool:
    began = time.monotonic()
    tally = asyncio.run(run())
    return show(
        [
            Line(what="kills", measured=f"{tally.kills}", bar="≥ 100", held=tally.kills >= 100),
            Line(what="interactions that were finished", measured=f"{tally.finished}", held=tally.finished > 0),
            Line(what="of these lost", measured=f"{len(tally.lost)}", bar="0", held=not tally.lost),
            Line(
                what="times the file was unreadable", measured=f"{tally.unreadable}", bar="0", held=not tally.unreadable
            ),
            Line(what="interactions written twice", measured=f"{tally.doubled}", bar="0", held=not tally.doubled),
            Line(what="files with a secret in them", measured=f"{tally.secrets}", bar="0", held=not tally.secrets),
            Line(what="recovered from the spool, cut", measured=f"{tally.cut}"),
            Line(what="seconds", measured=f"{time.monotonic() - began:.0f}"),
        ]
    )


if __name__ == "__main__":
    sys.exit(0 if main() else 1)
