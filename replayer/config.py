"""What one run of the gateway is: read from `replayer.toml`, or `[tool.replayer]` in pyproject.toml.

A directory is a service: the file beside the cassettes says how they are played. It is untrusted input and is held
against its JSON Schema (`schemas/replayer/config.json`) before anything is built from it; a mistake is a ConfigError
that names the file, the place and the closest key that there is.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

import jsonschema_rs

from replayer.bundled import cassettes_folder, schemas_folder
from replayer.errors import ConfigError, UsageError, closest

__all__ = [
    "REDACT_KINDS",
    "Config",
    "DispatchConfig",
    "DispatchedRoute",
    "PlayedRoute",
    "RedactConfig",
    "WhenNoWorker",
    "Workers",
    "bundled_directory",
    "load_above",
    "load_directory",
    "parse",
]

NAME = "replayer.toml"
DEFAULT_PORT = 8788
MAX_UPLOAD = 2 * 1024**3


class Workers(StrEnum):
    """How many workers serve one session."""

    ONE = "one"
    """A worker that registers replaces its predecessor."""
    MANY = "many"
    """They serve side by side, by free capacity; one with a known `worker_id` replaces its namesake."""


class WhenNoWorker(StrEnum):
    """What becomes of a transient request that no worker is free for."""

    UNAVAILABLE = "503"
    QUEUE = "queue"
    """It waits for a slot, as persisted jobs do, until the job timeout."""
    CASSETTE = "cassette"
    """It is answered as a recorded worker answered the same job."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlayedRoute:
    """Requests below `prefix` are answered from cassettes."""

    prefix: str
    upstream: str | None = None
    """Name of the recorded host in the cassettes' metadata, or the host itself."""
    ignore: tuple[str, ...] = ()
    """JSONPath rules: fields of JSON bodies that matching leaves out."""
    ignore_query: tuple[str, ...] = ()
    match_headers: tuple[str, ...] = ()
    """Request headers that matching looks at; by default none."""
    pace: str | None = None
    gate: str = "order"
    """Of recorded connections: whether client frames come in `order`, or `loose`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DispatchedRoute:
    """POST requests to `path` are jobs for a live worker."""

    path: str
    task: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DispatchConfig:
    """The queue in front of the workers. Times in seconds."""

    path: str = "/ws"
    workers: Workers = Workers.ONE
    when_no_worker: WhenNoWorker = WhenNoWorker.UNAVAILABLE
    job_timeout: float = 120.0
    lease: float = 120.0
    max_attempts: int = 3
    policy: str = "report"
    """`report`, or `reject`: what becomes of frames that break their contract."""
    offload: str = "on"
    """`off` for workers that know no payload_url and no result_upload_url."""
    keep_finished: int = 10_000
    """Persisted jobs that have ended and can still be asked for, of one session."""
    job_store: str | None = None
    """SQLite file that keeps the persisted jobs; None keeps them in memory."""


REDACT_KINDS = ("header", "query", "json", "form", "pattern", "env")
"""What a user can call secret, beside the defaults."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RedactConfig:
    """What is secret here. All of it is added to the defaults, except `keep`."""

    header: tuple[str, ...] = ()
    query: tuple[str, ...] = ()
    json: tuple[str, ...] = ()
    """JSONPaths."""
    form: tuple[str, ...] = ()
    pattern: tuple[str, ...] = ()
    """Regular expressions, over single lines."""
    env: tuple[str, ...] = ()
    """Variables whose value is secret whatever their name."""
    keep: tuple[str, ...] = ()
    """`KIND:NAME` of defaults that are no secrets here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """One gateway. `played` and `dispatched` keep the order of the file: the longest prefix wins, then the first."""

    port: int = DEFAULT_PORT
    pace: str = "instant"
    repeat: str = "last"
    miss_status: int = 424
    max_upload: int = MAX_UPLOAD
    """Bytes of the largest request body that is taken."""
    contract: tuple[str, ...] = ()
    """Files of the user's own contracts, relative to the directory of the configuration."""
    policy: str = "report"
    """`report`, or `reject`: what becomes of requests and answers that break their contract."""
    played: tuple[PlayedRoute, ...] = ()
    dispatched: tuple[DispatchedRoute, ...] = ()
    dispatch: DispatchConfig | None = None
    """None where nothing is dispatched: no `/ws`, no jobs."""
    redact: RedactConfig = RedactConfig()


def bundled_directory(name: str) -> Path:
    """The bundled service directory `name`; UsageError names those that there are."""
    folder = cassettes_folder()
    known = sorted(path.parent.name for path in folder.glob(f"*/{NAME}"))
    if name not in known:
        raise UsageError(
            f"{name}: no such file, and no bundled directory has that name"
            f"{closest(name, known)} (bundled: {', '.join(known)})"
        )
    return folder / name


def load_directory(folder: Path) -> Config | None:
    """The configuration in `folder`, or None where it has none. Raises ConfigError."""
    config = _config_of(folder)
    if config is None or config.dispatch is None or config.dispatch.job_store is None:
        return config
    # A file that a directory names is beside it, wherever the command runs.
    return replace(config, dispatch=replace(config.dispatch, job_store=str(folder / config.dispatch.job_store)))


def _config_of(folder: Path) -> Config | None:
    own = folder / NAME
    if own.is_file():
        return parse(_toml(own), where=str(own))
    project = folder / "pyproject.toml"
    if project.is_file():
        table = _toml(project).get("tool", {}).get("replayer")
        if table is not None:
            return parse(table, where=f"{project} [tool.replayer]")
    return None


def load_above(file: Path) -> Config:
    """The configuration of the nearest folder at or above that of `file`; the default where none has one."""
    for folder in file.absolute().parents:
        config = load_directory(folder)
        if config is not None:
            return config
    return Config()


def parse(table: Mapping[str, Any], *, where: str) -> Config:
    """The Config that `table` (parsed TOML) describes; `where` is the file for messages. Raises ConfigError."""
    _check(dict(table), where)
    routes = table.get("route", [])
    dispatched = tuple(DispatchedRoute(path=r["path"], task=r["task"]) for r in routes if "task" in r)
    dispatch = table.get("dispatch")
    return Config(
        port=table.get("port", DEFAULT_PORT),
        pace=str(table.get("pace", "instant")),
        repeat=table.get("repeat", "last"),
        miss_status=table.get("miss_status", 424),
        max_upload=table.get("max_upload", MAX_UPLOAD),
        contract=tuple(table.get("contract", ())),
        policy=table.get("policy", "report"),
        played=tuple(_played(route) for route in routes if "prefix" in route),
        dispatched=dispatched,
        dispatch=_dispatch(dispatch or {}) if dispatched or dispatch is not None else None,
        redact=RedactConfig(**{key: tuple(names) for key, names in table.get("redact", {}).items()}),
    )


def _played(route: Mapping[str, Any]) -> PlayedRoute:
    return PlayedRoute(
        prefix=route["prefix"],
        upstream=route.get("upstream"),
        ignore=tuple(route.get("ignore", ())),
        ignore_query=tuple(route.get("ignore_query", ())),
        match_headers=tuple(route.get("match_headers", ())),
        pace=str(route["pace"]) if "pace" in route else None,
        gate=route.get("gate", "order"),
    )


def _dispatch(table: Mapping[str, Any]) -> DispatchConfig:
    default = DispatchConfig()
    return DispatchConfig(
        path=table.get("path", default.path),
        workers=Workers(table.get("workers", default.workers)),
        when_no_worker=WhenNoWorker(table.get("when_no_worker", default.when_no_worker)),
        job_timeout=float(table.get("job_timeout", default.job_timeout)),
        lease=float(table.get("lease", default.lease)),
        max_attempts=table.get("max_attempts", default.max_attempts),
        policy=table.get("policy", default.policy),
        offload=table.get("offload", default.offload),
        keep_finished=table.get("keep_finished", default.keep_finished),
        job_store=table.get("job_store", default.job_store),
    )


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path}: is not TOML: {error}") from error


def _check(table: dict[str, Any], where: str) -> None:
    schema = json.loads((schemas_folder() / "replayer" / "config.json").read_bytes())
    errors = list(jsonschema_rs.validator_for(schema).iter_errors(table))
    if errors:
        raise ConfigError("\n".join(f"{where}: {_explain(error, schema)}" for error in errors))


def _explain(error: jsonschema_rs.ValidationError, schema: Mapping[str, Any]) -> str:
    place = ".".join(f"[{part}]" if isinstance(part, int) else part for part in error.instance_path).replace(".[", "[")
    at = f"{place}: " if place else ""
    kind = error.kind
    if isinstance(kind, jsonschema_rs.ValidationErrorKind.AdditionalProperties):
        known = _properties(schema, list(error.schema_path)[:-1])
        names = "; ".join(f"unknown key {name!r}{closest(name, known)}" for name in kind.unexpected)
        return f"{at}{names} (known: {', '.join(sorted(known))})"
    if isinstance(kind, jsonschema_rs.ValidationErrorKind.OneOfNotValid) and place.startswith("route"):
        return f"{at}{_explain_route(error, schema)}"
    return f"{at}{error.message}"


def _explain_route(error: jsonschema_rs.ValidationError, schema: Mapping[str, Any]) -> str:
    """A route is played or dispatched: judge it as the one it looks like."""
    route = error.instance
    if not isinstance(route, dict):
        return "a route is a table: write [[route]]"
    kind = "dispatched" if "task" in route or ("path" in route and "prefix" not in route) else "played"
    own = {"$ref": f"#/$defs/{kind}", "$defs": schema["$defs"]}
    return "; ".join(_explain(inner, own) for inner in jsonschema_rs.validator_for(own).iter_errors(route))


def _properties(schema: Any, path: list[str | int]) -> list[str]:
    """The keys that the schema at `path` (of schema keywords, `$ref` followed) knows."""

    def follow(node: Any) -> Any:
        return schema["$defs"][node["$ref"].rpartition("/")[2]] if "$ref" in node else node

    node = schema
    for part in path:
        node = follow(node) if part == "$ref" else node[part]
    node = follow(node)
    return list(node.get("properties", {}))
