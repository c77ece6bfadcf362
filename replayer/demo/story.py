"""The five steps of the demo. Each does what a user would do with the same commands, and says what held.

Nothing is taken on trust: a step is a list of checks, and the demo holds only if every one of them does.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path

from replayer.demo.client import CHAT, SECRET, STREAM, Seen, answers, post
from replayer.demo.process import Child, run, started
from replayer.demo.provider import NAME, StandInProvider

__all__ = ["Check", "Step", "tell"]

QUEUE = "stand-in-queue"
WORKER_SAYS = "Mock response to: What does replayer do?..."


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One claim, and whether it held."""

    claim: str
    held: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step as it came out: what was done, its checks, and output of a command worth showing."""

    title: str
    checks: tuple[Check, ...]
    output: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Live:
    """What the clients saw while everything was alive: the measure for the replay."""

    chat: Seen
    stream: Seen
    job: Seen


async def tell(folder: Path) -> AsyncGenerator[Step, None]:
    """Run the demo; its cassettes go to `folder`. Yields each step as it ends; ReplayerError where one cannot run."""
    provider_file, worker_file = folder / "provider.yaml", folder / "worker.yaml"
    provider = StandInProvider()
    await provider.start()
    try:
        step, live = await _record(provider, provider_file, worker_file)
        yield step
    finally:
        await provider.stop()
    yield await _show(provider_file, worker_file)
    yield await _verify(folder)
    async with started("replay", "casola", str(folder), "--port", "0") as gateway:
        yield await _replay(gateway, provider, live)
        yield await _inject(gateway, live)


async def _record(provider: StandInProvider, provider_file: Path, worker_file: Path) -> tuple[Step, Live]:
    async with (
        started(*_recorder(NAME, provider.url, provider_file)) as recorder,
        started("replay", "casola", "--port", "0") as queue,
        started(*_recorder(QUEUE, queue.url, worker_file)) as worker_recorder,
        started(*_worker(worker_recorder), listens=False) as worker,
    ):
        chat = await post(recorder.url, CHAT)
        stream = await post(recorder.url, STREAM)
        connected = await answers(f"{queue.url}/health", until=b'"worker_connected":true')
        job = await post(queue.url, CHAT)
        stops = [await child.stop() for child in (worker, worker_recorder, recorder, queue)]
    checks = (
        Check(claim=f"a chat completion through the recorder: {_summary(chat)}", held=chat.status == 200),
        Check(
            claim=f"a streamed one, as it came: {_summary(stream)} in {stream.chunks} chunks",
            held=stream.status == 200 and stream.chunks > 1 and stream.body.endswith(b"data: [DONE]\n\n"),
        ),
        Check(claim="a worker registered with the queue, through the recorder", held=connected),
        Check(claim=f"it was dispatched a job and answered: {_summary(job)}", held=_is_the_workers(job)),
        Check(
            claim="recorders, queue and worker ended as asked, status 0",
            held=all(stop.status == 0 for stop in stops),
        ),
    )
    failed = "\n".join(stop.stderr for stop in stops if stop.status)
    title = "Record through mitmproxy: a stand-in provider on loopback, and a worker's connection to a queue"
    return Step(title=title, checks=checks, output=failed), Live(chat=chat, stream=stream, job=job)


async def _show(*files: Path) -> Step:
    shown = await run("show", *map(str, files))
    written = b"".join(file.read_bytes() for file in files if file.exists())
    checks = (
        Check(claim="`replayer show` lists what was recorded", held=shown.status == 0 and "/ws" in shown.stdout),
        Check(
            claim="the key that the client sent is in no cassette: it was redacted before it was written",
            held=SECRET.encode() not in written and b"[REDACTED]" in written,
        ),
    )
    return Step(title="Look at the cassettes", checks=checks, output=shown.stdout or shown.stderr)


async def _verify(folder: Path) -> Step:
    verified = await run("verify", str(folder))
    checks = (Check(claim="every recorded exchange and frame keeps its contract", held=verified.status == 0),)
    title = "Verify them against the bundled contracts (OpenAPI, AsyncAPI, JSON Schema)"
    return Step(title=title, checks=checks, output=verified.stdout + verified.stderr)


async def _replay(gateway: Child, provider: StandInProvider, live: Live) -> Step:
    gone = await post(provider.url, CHAT)
    base = f"{gateway.url}/{NAME}"
    chat, stream = await post(base, CHAT), await post(base, STREAM)
    asked_otherwise = await post(base, {**CHAT, "model": "another"})
    async with started(*_worker(gateway), listens=False) as worker:
        connected = await answers(f"{gateway.url}/health", until=b'"worker_connected":true')
        job = await post(gateway.url, CHAT)
        stopped = await worker.stop()
    checks = (
        Check(claim="the provider is gone: connection refused", held=gone.status == 0),
        Check(claim=f"the same call gets the same {len(chat.body)} bytes", held=_same(chat, live.chat)),
        Check(
            claim=f"the same stream, byte for byte, with its {stream.chunks} chunk boundaries",
            held=_same(stream, live.stream) and stream.chunks == live.stream.chunks,
        ),
        Check(
            claim="another model was never recorded: 424 with the nearest interaction and the difference",
            held=asked_otherwise.status == 424 and b"/model" in asked_otherwise.body,
        ),
        Check(
            claim="a live worker on /ws of the same gateway answers through REST",
            held=connected and _is_the_workers(job) and job.headers.get("Replayer-Outcome") == "dispatched",
        ),
        Check(claim="the worker drained and left with status 0", held=stopped.status == 0),
    )
    return Step(title="Replay with the provider and the queue stopped, and dispatch to a live worker", checks=checks)


async def _inject(gateway: Child, live: Live) -> Step:
    base = f"{gateway.url}/{NAME}"
    limited = await post(base, CHAT, headers={"Replayer-Fault": "status;code=429;retry-after=1"})
    cut = await post(base, STREAM, headers={"Replayer-Fault": "truncate;chunks=2;end=abrupt"})
    wrong = await post(base, CHAT, headers={"Replayer-Fault": "statsu;code=429"})
    stopped = await gateway.stop()
    checks = (
        Check(
            claim=f"Replayer-Fault: status;code=429;retry-after=1 → {_summary(limited)}, "
            f"retry-after {limited.headers.get('retry-after')}",
            held=limited.status == 429 and limited.headers.get("retry-after") == "1" and b'"error"' in limited.body,
        ),
        Check(
            claim=f"Replayer-Fault: truncate;chunks=2;end=abrupt → {_summary(cut)}, then {cut.broke}",
            held=cut.broke != ""
            and 0 < len(cut.body) < len(live.stream.body)
            and live.stream.body.startswith(cut.body),
        ),
        Check(
            claim=f"a mistyped fault is refused, not ignored: {wrong.status}",
            held=wrong.status == 400 and b"did you mean" in wrong.body,
        ),
        Check(claim="the gateway ended as asked, status 0", held=stopped.status == 0),
    )
    title = "Inject faults by request header"
    return Step(title=title, checks=checks, output=stopped.stderr)


def _recorder(name: str, url: str, file: Path) -> tuple[str, ...]:
    return ("record", "--upstream", f"{name}={url}", "-o", str(file), "--record-mode", "all", "--port", "0")


def _worker(queue: Child) -> tuple[str, ...]:
    return ("worker", "simulate", "--url", queue.url.replace("http", "ws", 1), "--delay", "0")


def _same(replayed: Seen, live: Seen) -> bool:
    return (replayed.status, replayed.body, replayed.broke) == (live.status, live.body, live.broke)


def _is_the_workers(job: Seen) -> bool:
    return job.status == 200 and job.text == WORKER_SAYS


def _summary(seen: Seen) -> str:
    return f"{seen.status}, {len(seen.body)} bytes" if seen.status else seen.broke
