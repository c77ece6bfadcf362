"""What recordings are made of in these tests: servers on loopback, under TLS too, and a recorder between."""

from __future__ import annotations

import asyncio
import datetime
import ipaddress
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from replayer.cassette import store
from replayer.cassette.model import Interaction
from replayer.record.launch import Recorder, recorder
from replayer.record.messages import Message, Notice
from replayer.record.settings import Settings
from replayer.record.upstreams import Upstream

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Authority:
    """A throwaway CA, and certificates for loopback that it signed. `pem` is the file to trust."""

    def __init__(self, folder: Path) -> None:
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric import ec

        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._plain = (
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        self._issued = 0
        self.pem = folder / "throwaway-ca.pem"
        self.pem.write_bytes(self._signed("throwaway CA", self._key, days=2))

    def context(self, *protocols: str, days: int = 2) -> ssl.SSLContext:
        """For a server on 127.0.0.1 and localhost; with negative `days` its certificate has expired."""
        from cryptography.hazmat.primitives.asymmetric import ec

        key = ec.generate_private_key(ec.SECP256R1())
        self._issued += 1
        file = self._folder / f"server-{self._issued}.pem"
        file.write_bytes(self._signed("localhost", key, days=days) + key.private_bytes(*self._plain))
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(file)
        if protocols:
            context.set_alpn_protocols(list(protocols))
        return context

    def _signed(self, name: str, key: Any, *, days: int) -> bytes:
        from cryptography import x509
        from cryptography.hazmat.primitives import hashes, serialization
        from cryptography.x509.oid import NameOID

        def named(text: str) -> x509.Name:
            return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])

        now = datetime.datetime.now(datetime.UTC)
        is_ca = key is self._key
        # Python 3.13 refuses a CA that does not say so.
        usage = x509.KeyUsage(
            digital_signature=True,
            key_cert_sign=is_ca,
            crl_sign=is_ca,
            content_commitment=False,
            key_encipherment=False,
            data_encipherment=False,
            key_agreement=False,
            encipher_only=False,
            decipher_only=False,
        )
        local = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
        certificate = (
            x509.CertificateBuilder()
            .subject_name(named(name))
            .issuer_name(named("throwaway CA"))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=10))
            .not_valid_after(now + datetime.timedelta(days=days))
            .add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True)
            .add_extension(x509.SubjectAlternativeName(local), critical=False)
            .add_extension(usage, critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        return certificate.public_bytes(serialization.Encoding.PEM)


class Recorded:
    """A recorder that runs, and what it has said."""

    def __init__(self, running: Recorder, heard: list[Message], output: Path) -> None:
        self.running = running
        self.heard = heard
        self.url = running.listeners[0]
        self.names = running.names
        self._output = output

    async def stop(self) -> Any:
        """End the recording; its summary."""
        self.running.stop()
        return await self.running.wait()

    @property
    def notices(self) -> list[str]:
        return [message.text for message in self.heard if isinstance(message, Notice)]

    def interactions(self) -> tuple[Interaction, ...]:
        return store.read(self._output).interactions


class Stage:
    """Servers and recorders of one test. `authority` signs the servers' certificates, and recorders trust it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.output = folder / "recorded.yaml"
        self._authority: Authority | None = None

    @property
    def authority(self) -> Authority:
        if self._authority is None:
            self._authority = Authority(self.folder)
        return self._authority

    @asynccontextmanager
    async def upstream(self, handler: Handler, context: ssl.SSLContext | None = None) -> AsyncIterator[str]:
        """A server whose every request goes to `handler`; its base URL."""
        application = web.Application(client_max_size=1 << 30)
        application.router.add_route("*", "/{path:.*}", handler)
        runner = web.AppRunner(application, handler_cancellation=True, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
        try:
            yield f"http{'s' if context else ''}://127.0.0.1:{runner.addresses[0][1]}"
        finally:
            await runner.cleanup()

    @asynccontextmanager
    async def raw(
        self,
        serve: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
        context: ssl.SSLContext | None = None,
    ) -> AsyncIterator[str]:
        """A server that does what it likes with its sockets."""

        async def served(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                await serve(reader, writer)
            except (ConnectionError, asyncio.IncompleteReadError):
                return
            finally:
                writer.close()

        server = await asyncio.start_server(served, "127.0.0.1", 0, ssl=context)
        try:
            yield f"http{'s' if context else ''}://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        finally:
            server.close()

    @asynccontextmanager
    async def recording(self, upstreams: dict[str, str] | None = None, **more: Any) -> AsyncIterator[Recorded]:
        """A recorder for as long as the block lasts."""
        heard: list[Message] = []
        settings = Settings(
            output=self.output,
            upstreams=tuple(Upstream(name=name, url=url) for name, url in (upstreams or {}).items()),
            confdir=self.folder / "ca",
            trusted_ca=str(self._authority.pem) if self._authority else None,
            **more,
        )
        async with recorder(settings, hear=heard.append) as running:
            yield Recorded(running, heard, self.output)


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path)
