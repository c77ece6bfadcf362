"""A worker that shares nothing with ours: threads, the `websockets` library, urllib; written from the protocol's page.

It does what the public SDK is measured to do, its weak points included: a thread a job whatever the capacity; a lease
thread for the whole transport; a fence only for persisted jobs that it still tracks; no answer to a payload that is no
object; what no message is, raised in the receive loop, ends the connection; a job that ends while no connection is open
is lost. Run as a program; reads CASOLA_* from its environment, and FIRST_BACKOFF, to wait less than the SDK does.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import random
import signal
import threading
import time
import urllib.request
from typing import Any

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

_OFFLOAD = 262_144


class Worker:
    def __init__(self) -> None:
        environment = os.environ
        self.url = environment["CASOLA_WS_URL"].rstrip("/") + "/ws"
        self.ids = {"worker_id": environment["CASOLA_INSTANCE_ID"], "config_id": environment["CASOLA_CONFIG_ID"]}
        self.capacity = int(environment.get("CASOLA_CAPACITY", "1"))
        self.token = environment.get("CASOLA_API_TOKEN")
        self.seconds = float(environment.get("CASOLA_SIMULATED_EXECUTION_TIME", "2"))
        self.backoff = float(environment.get("FIRST_BACKOFF", "1"))
        self.lock = threading.Lock()
        self.socket: ClientConnection | None = None
        self.tracked: dict[str, dict[str, Any]] = {}
        self.running: set[str] = set()
        self.draining = self.stopped = False

    def serve(self) -> None:
        threading.Thread(target=self._renew, daemon=True).start()
        backoff = self.backoff
        while not self.stopped:
            try:
                headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
                with connect(self.url, additional_headers=headers, ping_interval=30, ping_timeout=10) as socket:
                    socket.send(json.dumps({"type": "register", **self.ids, "capacity": self.capacity}))
                    self.socket = socket  # not before: a job that ends just now would speak first
                    backoff = self.backoff
                    for raw in socket:
                        self._hear(raw)
            except Exception as error:
                logging.warning("connection: %r", error)
            self.socket = None
            if not self.stopped:
                time.sleep(backoff + random.uniform(0, 0.3 * backoff))
                backoff = min(backoff * 2, 60.0)

    def _hear(self, raw: str | bytes) -> None:
        try:
            message = json.loads(raw)
        except json.JSONDecodeError:
            return
        kind = message.get("type")  # of a list or a number there is none: the connection ends, and is made anew
        if kind == "job" and not self.draining:
            if message["mode"] == "persisted":
                tracked = {"fence": message["fence_token"], "url": message.get("result_upload_url")}
                with self.lock:
                    self.tracked[message["job_id"]] = tracked
            threading.Thread(target=self._work, args=(message, self._payload(message)), daemon=True).start()
        elif kind == "job_revoked":
            with self.lock:
                self.tracked.pop(message.get("job_id", ""), None)

    def _payload(self, message: dict[str, Any]) -> Any:
        if message.get("payload_url"):
            try:
                with urllib.request.urlopen(message["payload_url"], timeout=30) as answer:
                    return json.loads(answer.read())
            except Exception as error:
                logging.warning("payload_url: %r", error)
        return message["payload"]

    def _work(self, message: dict[str, Any], payload: Any) -> None:
        job = message["job_id"]
        task = payload.get("task", "")
        self.running.add(job)
        try:
            time.sleep(self.seconds)
            result = self._result(task, payload, job)
        except Exception as error:
            self._say({"type": "job_error", "job_id": job, "error": str(error), "fence_token": self._pop(job)["fence"]})
        else:
            self._done(job, result)
        finally:
            self.running.discard(job)

    def _result(self, task: str, payload: dict[str, Any], job: str) -> dict[str, Any]:
        result: dict[str, Any] = {"status": "success", "task": task}
        if task == "openai/chat-completion":
            text = f"You said: {payload['messages'][-1]['content'][:100]}"
            choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
            usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
            result["completion"] = {"id": job, "model": "m", "choices": [choice], "usage": usage}
        if payload.get("result_padding_bytes"):
            result["_padding"] = "x" * payload["result_padding_bytes"]
        return result

    def _done(self, job: str, result: dict[str, Any]) -> None:
        tracked = self._pop(job)
        data = json.dumps(result).encode()
        if tracked["url"] and len(data) > _OFFLOAD and self._put(tracked["url"], data):
            self._say({"type": "job_result_ref", "job_id": job, "fence_token": tracked["fence"]})
        else:
            self._say({"type": "job_result", "job_id": job, "result": result, "fence_token": tracked["fence"]})

    def _put(self, url: str, data: bytes) -> bool:
        put = urllib.request.Request(url, data=data, method="PUT")
        put.add_header("Content-Type", "application/json")
        try:
            urllib.request.urlopen(put, timeout=60).close()
        except Exception as error:
            logging.warning("result_upload_url: %r", error)
            return False
        return True

    def _pop(self, job: str) -> dict[str, Any]:
        with self.lock:
            return self.tracked.pop(job, {"fence": 0, "url": None})

    def _renew(self) -> None:
        while True:
            time.sleep(30)
            with self.lock:
                tracked = dict(self.tracked)
            for job, known in tracked.items():
                self._say({"type": "job_progress", "job_id": job, "fence_token": known["fence"]})

    def _say(self, message: dict[str, Any]) -> None:
        socket = self.socket
        if socket is not None:
            with contextlib.suppress(ConnectionClosed):  # what is said into a lost connection is lost
                socket.send(json.dumps(message))

    def leave(self) -> None:
        self.draining = self.stopped = True
        self._say({"type": "drain"})
        end = time.monotonic() + 5
        while self.running and time.monotonic() < end:
            time.sleep(0.02)
        if self.socket is not None:
            self.socket.close()


if __name__ == "__main__":
    worker = Worker()
    told_to_end = threading.Event()
    # The handler takes no lock: the main thread, which it interrupts, must not hold one that it needs.
    signal.signal(signal.SIGTERM, lambda number, frame: told_to_end.set())
    threading.Thread(target=worker.serve, daemon=True).start()
    told_to_end.wait()
    worker.leave()
