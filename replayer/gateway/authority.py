"""A certificate authority of our own, for clients that insist on TLS: made for tests, and worth nothing elsewhere.

The rule: its key never leaves the folder that it was made in (readable by its owner only), and every name that a client
asks for (SNI) gets a certificate when it is asked for. The authority is kept between runs, so that a client's trust in
`ca.pem` holds; the certificates of hosts are not.
"""

from __future__ import annotations

import ipaddress
import os
import ssl
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from replayer.errors import UnreadableError, WriteError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from cryptography.x509 import Certificate

__all__ = ["CA", "Authority"]

CA = "ca.pem"
"""The file that clients have to trust."""
_KEY = "ca-key.pem"
_DAYS = 825
"""The longest that every client accepts of a host's certificate."""
_CA_DAYS = 3650
_MAX_NAMES = 10_000


class Authority:
    """Certificates for whatever name is asked for. `open` it."""

    def __init__(self, folder: Path, certificate: Certificate, key: EllipticCurvePrivateKey) -> None:
        self.file = folder / CA
        self._certificate = certificate
        self._key = key
        self._contexts: dict[str, ssl.SSLContext] = {}

    @classmethod
    def open(cls, folder: Path) -> Authority:
        """The authority in a folder, made where there is none.

        Raises WriteError where it cannot be made, UnreadableError where what is there cannot be read.
        """
        from cryptography import x509
        from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
        from cryptography.hazmat.primitives.serialization import load_pem_private_key

        if not (folder / CA).exists() or not (folder / _KEY).exists():
            _make(folder)
        try:
            certificate = x509.load_pem_x509_certificate((folder / CA).read_bytes())
            key = load_pem_private_key((folder / _KEY).read_bytes(), password=None)
        except (OSError, ValueError) as error:
            raise UnreadableError(f"{folder}: the authority in it cannot be read: {error}; remove {CA}") from None
        if not isinstance(key, EllipticCurvePrivateKey) or certificate.not_valid_after_utc < datetime.now(UTC):
            _make(folder)
            return cls.open(folder)
        return cls(folder, certificate, key)

    def context(self, name: str = "localhost") -> ssl.SSLContext:
        """How to serve TLS: with a certificate for the name that the client asks for, else for `name`."""
        context = self._of(name)

        def asked(connection: ssl.SSLObject | ssl.SSLSocket, wanted: str | None, _: ssl.SSLContext) -> None:
            if wanted and wanted != name:
                connection.context = self._of(wanted)

        context.sni_callback = asked
        return context

    def _of(self, name: str) -> ssl.SSLContext:
        known = self._contexts.get(name)
        if known is None:
            if len(self._contexts) >= _MAX_NAMES:
                self._contexts.clear()
            known = self._contexts[name] = self._issue(name)
        return known

    def _issue(self, name: str) -> ssl.SSLContext:
        from cryptography.hazmat.primitives.asymmetric import ec
        from cryptography.hazmat.primitives.serialization import Encoding

        key = ec.generate_private_key(ec.SECP256R1())
        certificate = _leaf(name, key, self._certificate, self._key)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.set_alpn_protocols(["http/1.1"])
        # The ssl module reads files only.
        descriptor, path = tempfile.mkstemp(prefix="replayer-", suffix=".pem")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(certificate.public_bytes(Encoding.PEM) + self._certificate.public_bytes(Encoding.PEM))
                file.write(_pem(key))
            context.load_cert_chain(path)
        finally:
            os.unlink(path)
        return context


def _leaf(
    name: str, key: EllipticCurvePrivateKey, issuer: Certificate, issuers: EllipticCurvePrivateKey
) -> Certificate:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    names: list[x509.GeneralName]
    if name == "localhost":  # whatever this machine is called
        names = [x509.DNSName(name), *(x509.IPAddress(ipaddress.ip_address(ip)) for ip in ("127.0.0.1", "::1"))]
    else:
        try:
            names = [x509.IPAddress(ipaddress.ip_address(name))]
        except ValueError:
            names = [x509.DNSName(name)]
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:64])]))
        .issuer_name(issuer.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(min(now + timedelta(days=_DAYS), issuer.not_valid_after_utc))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuers.public_key()), critical=False)
        .sign(issuers, hashes.SHA256())
    )


def _make(folder: Path) -> None:
    """A new authority in a folder."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import Encoding
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "replayer: for tests on this machine only")])
    now = datetime.now(UTC)
    uses = dict.fromkeys(("content_commitment", "key_encipherment", "data_encipherment", "key_agreement"), False) | {
        "encipher_only": False,
        "decipher_only": False,
    }
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=_CA_DAYS))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.KeyUsage(digital_signature=True, key_cert_sign=True, crl_sign=True, **uses), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        private = os.open(folder / _KEY, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(private, "wb") as file:
            file.write(_pem(key))
        (folder / CA).write_bytes(certificate.public_bytes(Encoding.PEM))
    except OSError as error:
        raise WriteError(f"{folder}: no certificate authority can be made there: {error.strerror or error}") from None


def _pem(key: EllipticCurvePrivateKey) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
