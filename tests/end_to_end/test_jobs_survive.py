"""`kill -9` of the gateway at any moment: every accepted persisted job ends exactly once."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any

JOBS = 60
KILLS = 4


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def running(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "replayer", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


class Gateway:
    """A gateway process that is killed and started again on its port."""

    def __init__(self, port: int, store: Path) -> None:
        self._arguments = [sys.executable, "-m", "replayer", "replay", "casola", "--port", str(port)]
        self._arguments += ["--job-store", str(store)]
        self.start()

    def start(self) -> None:
        self._process = subprocess.Popen(self._arguments, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        assert self._process.stdout is not None
        assert self._process.stdout.readline().startswith("listening on")

    def kill(self, number: signal.Signals = signal.SIGKILL) -> None:
        os.kill(self._process.pid, number)
        self._process.communicate()


def call(url: str, body: Any = None) -> Any:
    """The JSON of an answer; OSError while nobody listens."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data=data, headers={"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)


class Client:
    """Submits jobs; a job is accepted when its id was told."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.accepted: list[str] = []
        self.ends: dict[str, Any] = {}
        """How each job was seen to have ended, the first time."""
        self.done = threading.Event()

    def submit(self) -> None:
        while len(self.accepted) < JOBS:
            try:
                self.accepted.append(
                    call(f"{self.url}/jobs", {"payload": {"task": "t", "n": len(self.accepted)}})["id"]
                )
                self.look(self.accepted[-5:])
            except (OSError, ValueError):  # killed: nobody was told of a job
                time.sleep(0.02)
        self.done.set()

    def look(self, job_ids: list[str]) -> None:
        for job_id in job_ids:
            job = call(f"{self.url}/jobs/{job_id}")
            if job["status"] in ("completed", "failed"):
                end = (job["status"], job["result"], job["error"], job["fence_token"])
                assert self.ends.setdefault(job_id, end) == end, "it ended twice"


def test_every_accepted_job_ends_exactly_once(tmp_path: Path) -> None:
    port = free_port()
    gateway = Gateway(port, tmp_path / "jobs.db")
    client = Client(f"http://127.0.0.1:{port}")
    chance = Random(5)
    worker = ["worker", "simulate", "--url", f"ws://127.0.0.1:{port}", "--capacity", "3", "--delay", "0.01"]
    try:
        with running(*worker):
            submitting = threading.Thread(target=client.submit, daemon=True)
            submitting.start()
            for _ in range(KILLS):
                client.done.wait(0.1 + chance.random() / 4)
                gateway.kill()
                gateway.start()
            submitting.join(60)
            assert len(client.accepted) == JOBS
            for job_id in client.accepted:
                assert call(f"{client.url}/jobs/{job_id}?wait=60")["status"] == "completed"
            client.look(client.accepted)
        listed = call(f"{client.url}/jobs?limit=1000")["data"]
        assert {job["status"] for job in listed} == {"completed"}
        assert set(client.accepted) <= {job["id"] for job in listed}
    finally:
        gateway.kill(signal.SIGTERM)
