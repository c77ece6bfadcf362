"""The environment of a wrapped program: where its clients find us. Pure.

The rule: what the user set is left alone and told, or goes on to serve its purpose (options are added to, lists of
certificates hold the user's too, a proxy becomes the one behind ours). What the command line asks for with `--env`
stands over everything.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from replayer.errors import UsageError, closest

__all__ = ["KNOWN", "PROXIES", "Assignment", "Base", "Environment", "Known", "assignment", "known"]

PROXIES = ("HTTPS_PROXY", "HTTP_PROXY", "https_proxy", "http_proxy")
DUMMY_KEY = "replayer-needs-no-key"
LOOPBACK = ("127.0.0.1", "localhost")


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A service whose clients read their base URL from the environment (shared facts of their documentation)."""

    variable: str
    host: str
    path: str = ""
    """What the variable's value ends with."""
    scheme: str = "http"
    keys: tuple[str, ...] = ()
    """One of them has to be set, or the client refuses to start."""


KNOWN = {
    "openai": Known(variable="OPENAI_BASE_URL", host="api.openai.com", path="/v1", keys=("OPENAI_API_KEY",)),
    "anthropic": Known(
        variable="ANTHROPIC_BASE_URL", host="api.anthropic.com", keys=("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN")
    ),
    "gemini": Known(
        variable="GOOGLE_GEMINI_BASE_URL",
        host="generativelanguage.googleapis.com",
        keys=("GEMINI_API_KEY", "GOOGLE_API_KEY"),
    ),
    "casola": Known(variable="CASOLA_WS_URL", host="", scheme="ws"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """Where an upstream is reached here, and what it is."""

    here: str
    """`http://127.0.0.1:PORT`, perhaps with a prefix; no trailing slash."""
    url: str = ""
    """The upstream's own URL; empty where nobody knows."""

    @property
    def path(self) -> str:
        """What the upstream's own URL contains already, and clients must not say again."""
        return urlsplit(self.url).path.rstrip("/")


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """`--env VARIABLE=NAME[/PATH]`."""

    variable: str
    name: str
    path: str


def assignment(text: str, names: Iterable[str]) -> Assignment:
    """Parse the value of `--env`. UsageError for what it cannot mean."""
    variable, equals, target = text.partition("=")
    name, slash, path = target.partition("/")
    if not equals or not variable.isidentifier() or not name:
        raise UsageError(f"--env {text}: write VARIABLE=NAME, such as MY_BASE_URL=openai, or NAME/PATH")
    if name not in (every := list(names)):
        raise UsageError(
            f"--env {text}: there is no upstream {name!r}{closest(name, every)} "
            f"(there are: {', '.join(every) or 'none'})"
        )
    return Assignment(variable=variable, name=name, path=slash + path)


def known(bases: Mapping[str, Base]) -> dict[str, Base]:
    """Of the upstreams by name, those that are known services: by their name, else by their host."""
    found = {}
    for service, facts in KNOWN.items():
        by_host = (base for base in bases.values() if facts.host and urlsplit(base.url).hostname == facts.host)
        base = bases.get(service) or next(by_host, None)
        if base is not None:
            found[service] = base
    return found


class Environment:
    """Made from the user's; `variables` is the program's. `left` are those of the user's that stand in our way."""

    def __init__(self, user: Mapping[str, str]) -> None:
        self._user = user
        self.variables = dict(user)
        self.left: list[str] = []

    def point(self, bases: Mapping[str, Base]) -> None:
        """Base URLs of the known services among `bases`, upstreams by name."""
        for service, base in known(bases).items():
            facts = KNOWN[service]
            path = "" if facts.path and base.path.endswith(facts.path) else facts.path
            self._set(facts.variable, _with_scheme(base.here, facts.scheme) + path)
        self._reach_us_directly()

    def assign(self, bases: Mapping[str, Base], assignments: Sequence[Assignment]) -> None:
        """Base URLs that were asked for."""
        for one in assignments:
            base = bases[one.name]
            scheme = "ws" if urlsplit(base.url).scheme in ("ws", "wss") else "http"
            self.variables[one.variable] = _with_scheme(base.here, scheme) + one.path
            if one.variable in self.left:
                self.left.remove(one.variable)

    def unlock(self) -> None:
        """A key for each known client that refuses to start without one."""
        for facts in KNOWN.values():
            if facts.keys and not any(self._user.get(key) for key in facts.keys):
                self.variables[facts.keys[0]] = DUMMY_KEY

    def trust(self, *, bundle: str, ca: str) -> None:
        """Our CA, which is in `bundle` with all others, and in `ca` for Node, which has its own others."""
        for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "AWS_CA_BUNDLE"):
            self.variables[name] = bundle
        self.variables["NODE_EXTRA_CA_CERTS"] = ca

    def forward(self, proxy: str, *, preload: str) -> None:
        """Everything through `proxy`. The user's own has to be the one behind it: see `own_proxy`."""
        for name in PROXIES:
            self.variables[name] = proxy
        # Node's fetch does not read proxy variables.
        options = [self._user.get("NODE_OPTIONS", ""), f'--require "{_escaped(preload)}"']
        self.variables["NODE_OPTIONS"] = " ".join(filter(None, options))

    @property
    def own_proxy(self) -> str | None:
        """The proxy through which the user's programs reach the world."""
        return next((value for name in PROXIES if (value := self._user.get(name))), None)

    def _set(self, variable: str, value: str) -> None:
        if self._user.get(variable):
            self.left.append(variable)
        else:
            self.variables[variable] = value

    def _reach_us_directly(self) -> None:
        """A proxy of the user's cannot reach our loopback address."""
        if not any(self._user.get(name) for name in (*PROXIES, "ALL_PROXY", "all_proxy")):
            return
        for name in ("NO_PROXY", "no_proxy"):
            listed = [part.strip() for part in self._user.get(name, "").split(",") if part.strip()]
            self.variables[name] = ",".join([*listed, *(host for host in LOOPBACK if host not in listed)])


def _with_scheme(url: str, scheme: str) -> str:
    """`http` or `ws` in front, secure where `url` is."""
    found = urlsplit(url).scheme
    return f"{scheme}{'s' if found == 'https' else ''}{url[len(found) :]}"


def _escaped(path: str) -> str:
    """As it stands between quotes in NODE_OPTIONS."""
    return path.replace("\\", "\\\\").replace('"', '\\"')
