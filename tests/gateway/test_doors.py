"""TLS with an authority of our own, the forward proxy's front, more ports, and a Unix socket: with real clients."""

from __future__ import annotations

import asyncio
import socket
import ssl
import stat
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import requests

from replayer.cassette.model import Frame, FrameKind, Interaction, Request, Response, Sender
from replayer.errors import UsageError
from replayer.gateway.authority import Authority
from replayer.listening import Doors, Port

OPENAI = "https://api.openai.com"


def port_of(running: Any, scheme: str, note: str = "") -> int:
    found = [one for one in running.service.run.addresses if one.scheme == scheme and one.note.startswith(note)]
    return int(found[-1].port)


def trusting(folder: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(folder / "ca.pem"))


async def test_tls_is_answered_under_every_name(kit: Any, tmp_path: Path) -> None:
    async with kit.serve(kit.interaction(answer=b"safe"), doors=Doors(tls=tmp_path)) as running:
        port = port_of(running, "https")
        for name in ("localhost", "127.0.0.1", "api.openai.com"):
            reader, writer = await asyncio.open_connection(
                "127.0.0.1", port, ssl=trusting(tmp_path), server_hostname=name
            )
            writer.write(b"GET /v1/models HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            assert (await reader.read()).endswith(b"safe")
            writer.close()
            await writer.wait_closed()
    assert stat.S_IMODE((tmp_path / "ca-key.pem").stat().st_mode) == 0o600


async def test_a_websocket_over_tls(kit: Any, tmp_path: Path) -> None:
    frames = (
        Frame(at=0, sender=Sender.CLIENT, kind=FrameKind.TEXT, text="hello"),
        Frame(at=1, sender=Sender.SERVER, kind=FrameKind.TEXT, text="world"),
        Frame(at=2, sender=Sender.SERVER, kind=FrameKind.CLOSE, code=1000),
    )
    async with kit.serve(kit.connection(*frames), doors=Doors(tls=tmp_path)) as running:
        url = f"wss://localhost:{port_of(running, 'https')}/v1/realtime"
        async with aiohttp.ClientSession() as client, client.ws_connect(url, ssl=trusting(tmp_path)) as connection:
            await connection.send_str("hello")
            assert await connection.receive_str() == "world"


def test_an_authority_is_kept_and_made_anew_only_where_it_is_gone(tmp_path: Path) -> None:
    Authority.open(tmp_path)
    first = (tmp_path / "ca.pem").read_bytes()
    Authority.open(tmp_path)
    assert (tmp_path / "ca.pem").read_bytes() == first
    (tmp_path / "ca-key.pem").unlink()
    Authority.open(tmp_path)
    assert (tmp_path / "ca.pem").read_bytes() != first


def through(proxy: int, ca: Path, url: str) -> requests.Response:
    address = f"http://127.0.0.1:{proxy}"
    with requests.Session() as session:
        session.trust_env = False
        return session.get(url, proxies={"http": address, "https": address}, verify=str(ca / "ca.pem"), timeout=10)


async def test_an_unmodified_client_with_a_proxy_meets_what_was_recorded_of_each_host(kit: Any, tmp_path: Path) -> None:
    interactions = (
        kit.interaction(answer=b"one", host="api.one.com"),
        kit.interaction(answer=b"two", host="api.two.com"),
        Interaction(
            request=Request(method="GET", uri="http://plain.example:8080/v1/models"),
            response=Response(status=200, body=b"plain"),
        ),
    )
    async with kit.serve(*interactions, doors=Doors(tls=tmp_path, proxy_port=0)) as running:
        proxy = port_of(running, "http", "proxy")

        async def get(url: str) -> requests.Response:
            return await asyncio.to_thread(through, proxy, tmp_path, url)

        assert (await get("https://api.two.com/v1/models")).text == "two"
        assert (await get("https://api.one.com/v1/models")).text == "one"
        assert (await get("http://plain.example:8080/v1/models")).text == "plain"
        missed = await get("https://api.three.com/v1/models")
        assert missed.status_code == 424
        assert "differs in host" in missed.json()["detail"]
        assert (await get("http://api.three.com/v1/models")).status_code == 424


async def test_a_client_that_does_not_trust_the_authority_stands_in_the_journal(kit: Any, tmp_path: Path) -> None:
    async with kit.serve(kit.interaction(), doors=Doors(tls=tmp_path, proxy_port=0)) as running:
        proxy = f"http://127.0.0.1:{port_of(running, 'http', 'proxy')}"
        async with aiohttp.ClientSession() as client:
            with pytest.raises(aiohttp.ClientError):
                await client.get(f"{OPENAI}/v1/models", proxy=proxy)
            async with asyncio.timeout(5):
                while not running.journal():  # noqa: ASYNC110 (the server hears of it later, and tells nobody)
                    await asyncio.sleep(0.01)
    (entry,) = running.journal()
    assert "ca.pem" in entry.details["unreadable"]


@pytest.mark.parametrize("request_line", [b"CONNECT / HTTP/1.1", b"CONNECT a:b HTTP/1.1", b"CONNECT a HTTP/1.1"])
async def test_a_tunnel_to_nowhere_is_refused(kit: Any, tmp_path: Path, request_line: bytes) -> None:
    async with kit.serve(kit.interaction(), doors=Doors(tls=tmp_path, proxy_port=0)) as running:
        reader, writer = await asyncio.open_connection("127.0.0.1", port_of(running, "http", "proxy"))
        writer.write(request_line + b"\r\nHost: a\r\n\r\n")
        assert (await reader.read()).startswith(b"HTTP/1.1 400 ")
        writer.close()
        await writer.wait_closed()
        assert [entry.status for entry in running.journal()] == [400]


def test_a_proxy_without_an_authority_is_refused() -> None:
    with pytest.raises(UsageError, match="--tls DIR"):
        Doors(proxy_port=0).checked()


async def test_a_port_of_an_upstream_plays_what_was_recorded_from_it(kit: Any) -> None:
    interactions = (kit.interaction(answer=b"one", host="api.one.com"), kit.interaction(answer=b"two", host="b.com"))
    upstreams = {"one": "https://api.one.com", "two": "https://b.com"}
    doors = Doors(ports=(Port(number=0, upstream="two"),))
    async with (
        kit.serve(*interactions, upstreams=upstreams, doors=doors) as running,
        aiohttp.ClientSession() as client,
        client.get(f"http://127.0.0.1:{port_of(running, 'http', 'two')}/v1/models") as answer,
    ):
        assert await answer.text() == "two"


async def test_a_unix_socket_is_answered_replaced_where_nobody_listens_and_removed(kit: Any, tmp_path: Path) -> None:
    path = tmp_path / "s"
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))
    async with kit.serve(kit.interaction(answer=b"near"), doors=Doors(socket=path)):
        async with (
            aiohttp.ClientSession(connector=aiohttp.UnixConnector(str(path))) as client,
            client.get("http://localhost/v1/models") as answer,
        ):
            assert await answer.text() == "near"
        with pytest.raises(UsageError, match="somebody listens"):
            async with kit.serve(kit.interaction(), doors=Doors(socket=path)):
                pass
    assert not path.exists()


async def test_a_file_is_not_taken_for_a_socket(kit: Any, tmp_path: Path) -> None:
    path = tmp_path / "precious"
    path.write_text("keep me")
    with pytest.raises(UsageError, match="is no socket"):
        async with kit.serve(kit.interaction(), doors=Doors(socket=path)):
            pass
    assert path.read_text() == "keep me"
