"""The text of the worker protocol: its one reader and its one writer.

Everything is JSON in text frames. What the worker says is read by `parse`, what the server says by `parse_server` (the
bundled worker reads it); either gives a message, or a `Malformed` whose `why` is the text of the error frame. Whoever
needs the JSON value too takes the two steps of `parse` himself: `decode`, `message_of`. Keys that a message does not
have are no matter here: the contract judges them. Nothing here knows connections or queues.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import orjson

from replayer.dispatch.messages import (
    Drain,
    Error,
    Job,
    JobError,
    JobProgress,
    JobResult,
    JobResultRef,
    JobRevoked,
    Malformed,
    Mode,
    Pause,
    Register,
    Resume,
    ServerMessage,
    WorkerMessage,
)

__all__ = ["decode", "encode", "message_of", "parse", "parse_server", "value_of"]

Keys = Mapping[str, Any]
Message = TypeVar("Message")

_EXCERPT = 80
"""Characters of what was said that an error repeats."""


def decode(text: str | bytes) -> Any | Malformed:
    """The JSON value of a frame."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return Malformed(what="frame", why="Invalid JSON")  # word for word the original server's


def message_of(value: Any | Malformed) -> WorkerMessage | Malformed:
    """The worker's message that this JSON value is."""
    return _message_of(value, _WORKER)


def parse(text: str | bytes) -> WorkerMessage | Malformed:
    """Read a worker's text frame."""
    return _message_of(decode(text), _WORKER)


def parse_server(text: str | bytes) -> ServerMessage | Malformed:
    """Read a server's text frame."""
    return _message_of(decode(text), _SERVER)


def encode(message: ServerMessage | WorkerMessage) -> bytes:
    """Write a message as the text of a frame: compact, its keys in the order of the protocol's page.

    Raises TypeError where a result nests deeper than orjson writes (254 levels).
    """
    if isinstance(message, Job):
        return orjson.dumps(_keys_of_job(message, orjson.Fragment(message.payload)))
    keys: dict[str, Any] = {"type": message.type}
    for name in message.__slots__:
        value = getattr(message, name)
        if value is not None or name == "result":
            keys[name] = value
    return orjson.dumps(keys)


def value_of(message: ServerMessage, frame: bytes) -> Any:
    """The JSON value of a message that `encode` has made `frame` of: what whoever receives it will parse."""
    if not isinstance(message, Job) or message.value is None:
        return orjson.loads(frame)
    keys = _keys_of_job(message, message.value)
    keys["mode"] = message.mode.value
    return keys


def _keys_of_job(job: Job, payload: Any) -> dict[str, Any]:
    keys: dict[str, Any] = {
        "type": job.type,
        "job_id": job.job_id,
        "mode": job.mode,
        "config_id": job.config_id,
        "payload": payload,
        "fence_token": job.fence_token,
    }
    if job.payload_url is not None:
        keys["payload_url"] = job.payload_url
    if job.result_upload_url is not None:
        keys["result_upload_url"] = job.result_upload_url
    return keys


class _Wrong(ValueError):
    """A key of a message is missing or of the wrong kind."""

    def __init__(self, key: str, why: str) -> None:
        super().__init__(why)
        self.key = key


def _message_of(keys: Any | Malformed, readers: Mapping[str, Callable[[Keys], Message]]) -> Message | Malformed:
    if not isinstance(keys, dict):
        return keys if isinstance(keys, Malformed) else Malformed(what="frame", why="A message is a JSON object")
    kind = keys.get("type")
    reader = readers.get(kind) if isinstance(kind, str) else None
    if reader is None:
        return Malformed(what="frame", why=f"Unknown message type: {str(kind)[:_EXCERPT]}", pointer="/type")
    try:
        return reader(keys)
    except _Wrong as wrong:
        return Malformed(what=str(kind), why=f"{kind}: {wrong}", pointer=f"/{wrong.key}")


def _text(keys: Keys, key: str, default: str | None = None) -> str:
    value = keys.get(key, default)
    if isinstance(value, str):
        return value
    raise _Wrong(key, _complaint(keys, key, "a string"))


def _optional_text(keys: Keys, key: str) -> str | None:
    return None if keys.get(key) is None else _text(keys, key)


def _whole(keys: Keys, key: str, default: int) -> int:
    value = keys.get(key, default)
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise _Wrong(key, _complaint(keys, key, "an integer"))


def _number(keys: Keys, key: str) -> float | None:
    value = keys.get(key)
    if value is None or (isinstance(value, int | float) and not isinstance(value, bool)):
        return value
    raise _Wrong(key, _complaint(keys, key, "a number"))


def _complaint(keys: Keys, key: str, wanted: str) -> str:
    if key not in keys:
        return f"{key} is required"
    return f"{key} has to be {wanted}, not {repr(keys[key])[:_EXCERPT]}"


def _capacity(keys: Keys) -> int:
    value = _whole(keys, "capacity", 1)
    if value < 0:
        raise _Wrong("capacity", f"capacity has to be 0 or more, not {value}")
    return value


def _register(keys: Keys) -> WorkerMessage:
    return Register(worker_id=_text(keys, "worker_id"), config_id=_text(keys, "config_id"), capacity=_capacity(keys))


def _job_result(keys: Keys) -> WorkerMessage:
    job_id, fence = keys.get("job_id"), keys.get("fence_token", 0)
    if type(job_id) is not str or type(fence) is not int:  # one of these says what is wrong
        job_id, fence = _text(keys, "job_id"), _whole(keys, "fence_token", 0)
    return JobResult(job_id=job_id, result=keys.get("result", {}), fence_token=fence)


def _job_error(keys: Keys) -> WorkerMessage:
    return JobError(
        job_id=_text(keys, "job_id"),
        error=_text(keys, "error", "Unknown error"),
        fence_token=_whole(keys, "fence_token", 0),
    )


def _job_progress(keys: Keys) -> WorkerMessage:
    return JobProgress(
        job_id=_text(keys, "job_id"),
        fence_token=_whole(keys, "fence_token", 0),
        progress=_number(keys, "progress"),
        status_message=_optional_text(keys, "status_message"),
    )


def _job_result_ref(keys: Keys) -> JobResultRef:
    return JobResultRef(job_id=_text(keys, "job_id"), fence_token=_whole(keys, "fence_token", 0))


def _job(keys: Keys) -> ServerMessage:
    mode = _text(keys, "mode")
    if mode not in set(Mode):
        raise _Wrong("mode", _complaint(keys, "mode", "transient or persisted"))
    if "payload" not in keys:
        raise _Wrong("payload", "payload is required")
    try:
        payload = orjson.dumps(keys["payload"])
    except TypeError:
        raise _Wrong("payload", "payload nests too deeply") from None
    return Job(
        job_id=_text(keys, "job_id"),
        mode=Mode(mode),
        config_id=_text(keys, "config_id"),
        payload=payload,
        fence_token=_whole(keys, "fence_token", 0),
        payload_url=_optional_text(keys, "payload_url"),
        result_upload_url=_optional_text(keys, "result_upload_url"),
    )


_WORKER: Mapping[str, Callable[[Keys], WorkerMessage]] = {
    "register": _register,
    "job_result": _job_result,
    "job_error": _job_error,
    "job_progress": _job_progress,
    "job_result_ref": _job_result_ref,
    "drain": lambda _: Drain(),
    "pause": lambda _: Pause(),
    "resume": lambda _: Resume(),
}
_SERVER: Mapping[str, Callable[[Keys], ServerMessage]] = {
    "job": _job,
    "job_revoked": lambda keys: JobRevoked(job_id=_text(keys, "job_id"), reason=_text(keys, "reason", "")),
    "job_result_ref": _job_result_ref,
    "error": lambda keys: Error(message=_text(keys, "message", "")),
}
