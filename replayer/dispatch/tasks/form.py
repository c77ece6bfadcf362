"""The fields of a form: `multipart/form-data` (RFC 7578) and `application/x-www-form-urlencoded`.

Bytes in, bytes out; of a field that comes twice the last one counts. A body that is neither, or that has no boundary,
has no fields. Knows no task.
"""

from __future__ import annotations

import re
from urllib.parse import parse_qsl

from replayer.cassette.model import Request, header

__all__ = ["form"]

_BOUNDARY = re.compile(r'boundary="?([^";]+)"?', re.IGNORECASE)
_NAME = re.compile(rb'(?<![\w*])name="((?:[^"\\]|\\.)*)"|(?<![\w*])name=([^;\s]+)', re.IGNORECASE)


def form(request: Request) -> dict[str, bytes]:
    """The fields of the request's body by name."""
    kind = header(request.headers, "content-type") or ""
    body = request.body or b""
    if kind.lower().startswith("application/x-www-form-urlencoded"):
        pairs = parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True)
        return {name: value.encode() for name, value in pairs}
    found = _BOUNDARY.search(kind)
    if not kind.lower().startswith("multipart/form-data") or found is None:
        return {}
    fields: dict[str, bytes] = {}
    for part in (b"\r\n" + body).split(b"\r\n--" + found[1].strip().encode())[1:]:
        if part.startswith(b"--"):
            break
        head, blank, content = part.partition(b"\r\n\r\n")
        name = _NAME.search(head)
        if blank and name is not None:
            fields[(name[1] or name[2]).decode("utf-8", "replace")] = content
    return fields
