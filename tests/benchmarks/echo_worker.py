"""Workers that answer at once, many in one process: `PORT COUNT CAPACITY`; says `ready` when all are registered."""

from __future__ import annotations

import asyncio
import re
import sys

import aiohttp
import orjson

from tests.benchmarks.traffic import answered

_NUMBER = re.compile(r"question (\d+):")
_ANSWERS: dict[str, bytes] = {}


def reply(text: str) -> bytes:
    """The job_result for a job, its completion made once a question."""
    job_id = text[text.index('"job_id":"') + 10 :].partition('"')[0]
    found = _NUMBER.search(text)
    assert found is not None
    number = found[1]
    if number not in _ANSWERS:
        _ANSWERS[number] = b'{"status":"success","completion":%b}' % orjson.dumps(orjson.loads(answered(int(number))))
    return b'{"type":"job_result","job_id":"%b","result":%b,"fence_token":0}' % (job_id.encode(), _ANSWERS[number])


async def work(http: aiohttp.ClientSession, port: int, name: int, capacity: int, ready: asyncio.Semaphore) -> None:
    async with http.ws_connect(f"ws://127.0.0.1:{port}/ws", max_msg_size=16 * 1024 * 1024) as socket:
        register = {"type": "register", "worker_id": f"w{name}", "config_id": "default", "capacity": capacity}
        await socket.send_str(orjson.dumps(register).decode())
        ready.release()
        async for message in socket:
            if message.type is aiohttp.WSMsgType.TEXT and '"type":"job"' in message.data:
                await socket.send_frame(reply(message.data), aiohttp.WSMsgType.TEXT)


async def main(port: int, count: int, capacity: int) -> None:
    ready = asyncio.Semaphore(0)
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector) as http, asyncio.TaskGroup() as group:
        for name in range(count):
            group.create_task(work(http, port, name, capacity, ready))
        for _ in range(count):
            await ready.acquire()
        print("ready", flush=True)  # noqa: T201 (its protocol)


if __name__ == "__main__":
    asyncio.run(main(*(int(argument) for argument in sys.argv[1:4])))
