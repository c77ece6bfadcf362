"""The load generator: a process of its own, that asks over kept connections as fast as it is answered.

It reads lines `PORT COUNT DISTINCT` and answers each with the seconds that COUNT requests took, the bodies
cycling through DISTINCT ones; `wrong` where an answer was not the recorded one. A fourth word, `any`, is for a peer
that makes its answers itself: then a whole 200 is enough.
"""

from __future__ import annotations

import asyncio
import re
import sys
import time
from collections.abc import Iterator

from tests.benchmarks.traffic import PATH, answered, asked

CONNECTIONS = 16


class Client(asyncio.Protocol):
    """One connection: sends the next request when the answer to the last is whole."""

    def __init__(self, work: Iterator[int], requests: list[bytes], answers: list[bytes], *, exact: bool) -> None:
        self._exact = exact
        self._work = work
        self._requests = requests
        self._answers = answers
        self._received = b""
        self._number = 0
        self.done: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._next()

    def data_received(self, data: bytes) -> None:
        self._received = self._received + data if self._received else data
        if not self._exact:
            self._take_any()
            return
        expected = self._answers[self._number]
        if not self._received.endswith(expected[-3:]):
            return
        head, _, body = self._received.partition(b"\r\n\r\n")
        if len(body) < len(expected):
            return
        if body != expected or not head.startswith(b"HTTP/1.1 200 "):
            self._end(right=False)
            return
        self._received = b""
        self._next()

    def _take_any(self) -> None:
        """Any whole 200, however it is framed."""
        head, found, body = self._received.partition(b"\r\n\r\n")
        if not found:
            return
        length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
        if len(body) < int(length[1]) if length else not body.endswith(b"0\r\n\r\n"):
            return
        if not head.startswith(b"HTTP/1.1 200 "):
            self._end(right=False)
            return
        self._received = b""
        self._next()

    def connection_lost(self, exc: Exception | None) -> None:
        self._end(right=False)

    def _next(self) -> None:
        number = next(self._work, None)
        if number is None:
            self._end(right=True)
            return
        self._number = number
        self._transport.write(self._requests[number])

    def _end(self, *, right: bool) -> None:
        if not self.done.done():
            self.done.set_result(right)
            self._transport.close()


async def run(port: int, count: int, requests: list[bytes], answers: list[bytes], *, exact: bool = True) -> str:
    """The seconds that it took, or `wrong`."""
    work = (number % len(requests) for number in range(count))
    loop = asyncio.get_running_loop()
    began = time.perf_counter()
    made = [
        await loop.create_connection(lambda: Client(work, requests, answers, exact=exact), "127.0.0.1", port)
        for _ in range(CONNECTIONS)
    ]
    right = await asyncio.gather(*(client.done for _, client in made))
    return f"{time.perf_counter() - began:.6f}" if all(right) else "wrong"


def main() -> None:
    kept: dict[int, tuple[list[bytes], list[bytes]]] = {}
    for line in sys.stdin:
        port, count, distinct, *loose = line.split()
        exact = loose != ["any"]
        known = int(distinct)
        if known not in kept:
            kept[known] = ([request_of(n) for n in range(known)], [answered(n) for n in range(known)])
        requests, answers = kept[known]
        seconds = asyncio.run(run(int(port), int(count), requests, answers, exact=exact))
        print(seconds, flush=True)  # noqa: T201 (its protocol)


def request_of(number: int) -> bytes:
    """As the official client sends it, with the header fields that it has."""
    body = asked(number)
    fields = (
        f"POST {PATH} HTTP/1.1",
        "Host: 127.0.0.1",
        "Accept: application/json",
        "Accept-Encoding: gzip, deflate",
        "Connection: keep-alive",
        "User-Agent: OpenAI/Python 2.54.0",
        "Content-Type: application/json",
        "Authorization: Bearer sk-replayer",
        "X-Stainless-Lang: python",
        "X-Stainless-Retry-Count: 0",
        f"Content-Length: {len(body)}",
        "",
        "",
    )
    return "\r\n".join(fields).encode() + body


if __name__ == "__main__":
    main()
