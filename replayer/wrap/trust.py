"""Whom a wrapped program trusts: the recorder's CA, and everybody whom it trusted before."""

from __future__ import annotations

import importlib.util
import ssl
from collections.abc import Iterable, Mapping
from pathlib import Path

from replayer.errors import UnreadableError

__all__ = ["bundle", "extra"]


def bundle(environment: Mapping[str, str], ca: Path, folder: Path) -> Path:
    """A file in `folder` for SSL_CERT_FILE and its like: our CA and those that everybody trusts.

    "Everybody" is what the user's own variables name, else the system's file, else certifi's if that is installed.
    Raises UnreadableError.
    """
    named = [environment[name] for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE") if environment.get(name)]
    usual = [path for path in (ssl.get_default_verify_paths().cafile, _certifi()) if path][:1]
    return _joined(folder / "ca-bundle.pem", [*map(Path, named or usual), ca])


def extra(environment: Mapping[str, str], ca: Path, folder: Path) -> Path:
    """A file in `folder` for NODE_EXTRA_CA_CERTS, which adds to Node's own: our CA and the user's. UnreadableError."""
    named = environment.get("NODE_EXTRA_CA_CERTS")
    return _joined(folder / "node-extra-ca.pem", [*([Path(named)] if named else []), ca])


def _joined(target: Path, sources: Iterable[Path]) -> Path:
    every = []
    for source in dict.fromkeys(sources):
        try:
            every.append(source.read_bytes().rstrip() + b"\n")
        except OSError as error:
            raise UnreadableError(f"{source}: certificates cannot be read: {error.strerror}") from None
    target.write_bytes(b"".join(every))
    return target


def _certifi() -> str | None:
    """Its bundle, found without importing it."""
    spec = importlib.util.find_spec("certifi")
    path = Path(spec.origin).with_name("cacert.pem") if spec and spec.origin else None
    return str(path) if path and path.is_file() else None
