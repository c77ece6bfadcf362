"""What a recorder process is told, as one line of JSON on its stdin."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any

import orjson

from replayer.config import RedactConfig
from replayer.record.hosts import HostRules
from replayer.record.upstreams import Upstream, Way

__all__ = ["ASK", "CA", "MAX_BODY", "SOON", "Pace", "Settings"]

CA = "mitmproxy-ca-cert.pem"
"""The certificate of mitmproxy's authority, in `confdir`."""

MAX_BODY = 64 * 1024 * 1024
SOON = b"soon\n"
"""What a recorder is told on its stdin before that ends, where somebody waits for its summary."""
ASK = b"ask "
"""Begins the line by which it is asked how a relayed exchange stands; what the gateway calls that one follows."""


class Pace(Enum):
    """How a recording ends."""

    WHOLE = "whole"
    """With all that is done at its end, however long that takes."""
    SOON = "soon"
    """Somebody waits: what takes long and can be done later is left."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """One recording."""

    output: Path
    upstreams: tuple[Upstream, ...]
    confdir: Path
    """Where mitmproxy keeps its CA."""
    way: Way = Way.REVERSE
    hosts: HostRules = field(default_factory=HostRules)
    via: str | None = None
    """`http://HOST:PORT` of the proxy through which upstreams are reached; None: directly."""
    host: str = "127.0.0.1"
    port: int = 0
    """Of the shared listener; 0 means any free one."""
    rewrite: bool = False
    """What the file holds already goes when the first new interaction arrives."""
    renew: bool = False
    """What the file holds already goes, at the end, where it was recorded again."""
    layout: str | None = None
    """`block`, `flow` or `json`; None leaves it to the file's size."""
    max_body: int = MAX_BODY
    """Bytes of a response's body that are stored; above, it is passed through and `omitted`."""
    split: str | None = None
    """`host`, `path` or `session`: then the output is a folder."""
    redact: RedactConfig = field(default_factory=RedactConfig)
    """What is secret beside the defaults."""
    trusted_ca: str | None = None
    """PEM file of the CAs that upstreams are held against; None: those that everybody trusts."""

    def to_line(self) -> bytes:
        """One line, with its newline."""
        upstreams = [{"name": u.name, "url": u.url, "port": u.port} for u in self.upstreams]
        fields: dict[str, Any] = {name: getattr(self, name) for name in self.__slots__}
        fields["redact"] = asdict(self.redact)
        hosts = {name: getattr(self.hosts, name) for name in ("allow", "ignore", "block")}
        fields.update(output=str(self.output), confdir=str(self.confdir), upstreams=upstreams, hosts=hosts)
        return orjson.dumps(fields, option=orjson.OPT_APPEND_NEWLINE)

    @classmethod
    def from_line(cls, line: bytes) -> Settings:
        """Raises ValueError for what is no settings line of the same version."""
        try:
            fields: dict[str, Any] = orjson.loads(line)
            upstreams = tuple(Upstream(**upstream) for upstream in fields.pop("upstreams"))
            fields["redact"] = RedactConfig(**{kind: tuple(names) for kind, names in fields["redact"].items()})
            output, confdir = Path(fields.pop("output")), Path(fields.pop("confdir"))
            hosts = HostRules(**{name: tuple(patterns) for name, patterns in fields.pop("hosts").items()})
            way = Way(fields.pop("way"))
            return cls(output=output, confdir=confdir, upstreams=upstreams, hosts=hosts, way=way, **fields)
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"the recorder was not told what it needs: {error}") from None
