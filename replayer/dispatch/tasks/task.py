"""A task: how a request becomes a job's payload, and how the job's result becomes the answer.

The payload is all that is kept between the two. A result that cannot become an answer raises `Unusable`, and the caller
gets a 502 that says why: never a bare 500.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from replayer.cassette.model import Request, Response
from replayer.contract.message import UNREAD, Spoken
from replayer.dispatch.tasks import reply
from replayer.value import value

__all__ = ["Ask", "Payload", "Task", "Unusable"]

Payload = dict[str, Any]
"""What a job asks for: `task`, and the keys of that task."""


class Unusable(Exception):
    """The worker's result cannot be turned into an answer; the text says why."""


@value(frozen=True, slots=True, kw_only=True)
class Ask:
    """What a request asks for."""

    payload: Payload
    wants_stream: bool = False
    """It asked for a stream; it is answered whole, as in production."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One task by its name. `read` gives the payload, or a response that refuses the request."""

    name: str
    read: Callable[[str, Request, Any], Ask | Response]
    """Name, request, and the JSON value of its body or `UNREAD`."""
    write: Callable[[Payload, Mapping[str, Any], float], Any]
    """Payload, result, and now (seconds of the Unix epoch). The JSON of a 200, or a whole response."""

    def ask(self, request: Request, value: Any = UNREAD) -> Ask | Response:
        """The payload for this request, or the 422 that refuses it.

        Whoever has parsed the body already hands the `value` over that `orjson.loads` gave, which saves a second
        parse and changes nothing else; of a body that is no JSON there is none to hand over.
        """
        return self.read(self.name, request, value)

    def answer(self, payload: Payload, result: Any, now_s: float, spoken: Spoken | None = None) -> Response:
        """The answer that this result (any JSON) is; a 502 where it is none. `spoken` is told its JSON."""
        if not isinstance(result, dict):
            kinds = {type(None): "null", bool: "a boolean", str: "a string", list: "a list"}
            kind = kinds.get(type(result), "a number")
            return reply.detail(502, f"The worker's result for {self.name} is {kind}, not an object")
        if "_error" in result:
            return reply.detail(502, str(result["_error"]))
        try:
            made = self.write(payload, result, now_s)
            if isinstance(made, Response):
                return made
            response = reply.json(200, made)
        except Unusable as error:
            return reply.detail(502, f"The worker's result for {self.name} cannot be used: {error}")
        except TypeError:  # orjson's word for nesting beyond what it writes; `write` raises no other
            return reply.detail(502, f"The worker's result for {self.name} nests too deeply")
        if spoken is not None:
            spoken.answered = made
        return response
