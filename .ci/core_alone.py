"""Run the installed core as a user would: replay with a live worker for the official client, verify a cassette.

Usage: python core_alone.py EMPTY-FOLDER, with the interpreter of the environment under test.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

from openai import OpenAI

REPLAYER = (sys.executable, "-m", "replayer")
ANSWER = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1,
    "model": "stub-1",
    "choices": [
        {"index": 0, "message": {"role": "assistant", "content": "From the cassette."}, "finish_reason": "stop"}
    ],
}
ASKED = {"messages": [{"role": "user", "content": "hello"}], "model": "stub-1"}


def stub(folder: Path) -> Path:
    """A cassette written by hand, and marked as such."""
    request = {
        "method": "POST",
        "uri": "https://api.openai.com/v1/chat/completions",
        "body": json.dumps(ASKED),
        "headers": {"content-type": ["application/json"]},
    }
    response = {
        "status": {"code": 200, "message": "OK"},
        "headers": {"content-type": ["application/json"]},
        "body": {"string": json.dumps(ANSWER)},
    }
    path = folder / "stub.yaml"
    metadata = {"replayer": {"format": 1, "origin": "stub"}}
    cassette = {"version": 1, "metadata": metadata, "interactions": [{"request": request, "response": response}]}
    path.write_text(json.dumps(cassette))
    return path


def wait_for_worker(base: str) -> None:
    """Until the gateway's health says that a worker is connected."""
    for _ in range(200):
        with urllib.request.urlopen(f"{base}/health") as answer:
            if json.load(answer)["worker_connected"]:
                return
        time.sleep(0.05)
    raise SystemExit("no worker connected within 10 s")


def say_hello(base_url: str) -> str | None:
    """One chat completion through the official client."""
    client = OpenAI(base_url=base_url, api_key="none", max_retries=0)
    completion = client.chat.completions.create(model="stub-1", messages=[{"role": "user", "content": "hello"}])
    return completion.choices[0].message.content


def main() -> None:
    cassette = stub(Path(sys.argv[1]))
    subprocess.run([*REPLAYER, "verify", str(cassette)], check=True)
    with (
        subprocess.Popen([*REPLAYER, "replay", str(cassette), "--port", "0"], stdout=subprocess.PIPE) as player,
        subprocess.Popen([*REPLAYER, "replay", "casola", "--port", "0"], stdout=subprocess.PIPE) as queue,
    ):
        try:
            assert player.stdout is not None
            assert queue.stdout is not None
            played, queued = (process.stdout.readline().decode().split()[-1] for process in (player, queue))
            assert say_hello(f"{played}/v1") == "From the cassette."
            with subprocess.Popen(
                [*REPLAYER, "worker", "simulate", "--url", queued.replace("http", "ws", 1), "--delay", "0"]
            ) as worker:
                try:
                    wait_for_worker(queued)
                    assert say_hello(f"{queued}/v1") == "Mock response to: hello..."
                finally:
                    worker.terminate()
            assert worker.returncode == 0, worker.returncode
        finally:
            player.terminate()
            queue.terminate()
    assert (player.returncode, queue.returncode) == (0, 0), (player.returncode, queue.returncode)
    print("the core alone replays, verifies and dispatches")  # noqa: T201 (CI reads it)


if __name__ == "__main__":
    main()
