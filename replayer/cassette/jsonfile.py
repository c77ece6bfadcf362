"""The JSON layout, for vcrpy's JSON serializer: indented as vcrpy indents it, written entry by entry.

JSON has no bytes. A body that is no text stands as `{"base64_string": …}`, the spelling of vcrpy's own past, so that
the file is read back without loss; vcrpy loads the file, and refuses to play that one body.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from replayer.errors import UsageError

__all__ = ["json_pieces"]


def json_pieces(head: Mapping[str, Any], entries: Iterable[dict[str, Any]]) -> Iterator[bytes]:
    """A whole file. Raises `UsageError` for a value of another tool's that JSON does not have."""
    top = _dumped(head, "the metadata", "").removesuffix("\n}")
    yield f'{top},\n    "interactions": ['.encode()
    comma = ""
    for index, entry in enumerate(entries):
        yield f"{comma}\n        {_dumped(_speakable(entry), f'interaction {index}', '        ')}".encode()
        comma = ","
    yield b"\n    ]\n}\n" if comma else b"]\n}\n"


def _dumped(value: Any, what: str, indent: str) -> str:
    try:
        text = json.dumps(value, indent=4)
    except (TypeError, ValueError) as error:
        raise UsageError(
            f"{what} holds what JSON cannot ({error}): another tool put it there; use the layout block or flow"
        ) from None
    # No string of JSON has a raw line break, so every one is between values.
    return text.replace("\n", "\n" + indent)


def _speakable(entry: dict[str, Any]) -> dict[str, Any]:
    request, response = entry["request"], entry["response"]
    if isinstance(request["body"], bytes):
        request = {**request, "body": _base64(request["body"])}
    if isinstance(response["body"]["string"], bytes):
        response = {**response, "body": _base64(response["body"]["string"])}
    return {**entry, "request": request, "response": response}


def _base64(body: bytes) -> dict[str, str]:
    return {"base64_string": b64encode(body).decode()}
