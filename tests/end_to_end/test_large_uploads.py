"""Uploads larger than anybody's memory, against the program itself."""

from __future__ import annotations

import hashlib
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from replayer.cassette import store
from replayer.cassette.codec import Layout
from replayer.cassette.model import Cassette, Interaction, Omitted, Request, Response
from tests import needs

pytestmark = needs.linux

MiB = 1024 * 1024
BLOCK = bytes(range(256)) * 4096


def digest(blocks: int) -> Omitted:
    hashed = hashlib.sha256()
    for _ in range(blocks):
        hashed.update(BLOCK)
    return Omitted(bytes=blocks * MiB, sha256=hashed.hexdigest())


@contextmanager
def replaying(file: Path, *options: str) -> Iterator[tuple[int, int]]:
    """The program: its process id and port."""
    command = [sys.executable, "-m", "replayer", "replay", str(file), "--port", "0", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.pid, int(process.stdout.readline().rpartition(":")[2])
        finally:
            process.terminate()


def most_memory(pid: int) -> int:
    """Bytes that a process has had at most."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert found is not None
    return int(found[1]) * 1024


def upload(port: int, blocks: int, last: bytes = b"") -> bytes:
    with socket.create_connection(("127.0.0.1", port)) as connection:
        head = f"POST /v1/files HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: {blocks * MiB}\r\n\r\n"
        connection.sendall(head.encode())
        for number in range(blocks):
            connection.sendall(BLOCK if not last or number < blocks - 1 else BLOCK[: -len(last)] + last)
        answer = b""
        while piece := connection.recv(65_536):
            answer += piece
    return answer


def test_an_upload_of_a_gigabyte_is_a_hit_or_a_miss_in_little_memory(tmp_path: Path) -> None:
    blocks = 1024
    request = Request(method="POST", uri="https://api.openai.com/v1/files", omitted=digest(blocks))
    recorded = Interaction(request=request, response=Response(status=200, body=b'{"id": "file-1"}'))
    store.write(tmp_path / "a.yaml", Cassette(interactions=(recorded,)), layout=Layout.BLOCK)
    with replaying(tmp_path / "a.yaml") as (pid, port):
        before = most_memory(pid)
        assert upload(port, blocks).endswith(b'{"id": "file-1"}')
        assert upload(port, 65, last=b"!").startswith(b"HTTP/1.1 424 ")
        assert most_memory(pid) - before < 32 * MiB
