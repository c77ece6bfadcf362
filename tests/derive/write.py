"""Schema files, written: one that a person can read, short values on one line."""

from __future__ import annotations

import json
from typing import Any

__all__ = ["layout", "patched"]

_WIDTH = 116


def layout(value: Any, indent: int = 0) -> str:
    """JSON with what fits on a line on one line."""
    flat = json.dumps(value, ensure_ascii=False)
    if len(flat) + indent <= _WIDTH and not (isinstance(value, dict) and indent == 0):
        return flat
    pad = " " * (indent + 2)
    if isinstance(value, dict) and value:
        inner = ",\n".join(f"{pad}{json.dumps(key)}: {layout(below, indent + 2)}" for key, below in value.items())
        return "{\n" + inner + "\n" + " " * indent + "}"
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return _texts(value, indent)
    if isinstance(value, list) and value:
        inner = ",\n".join(pad + layout(below, indent + 2) for below in value)
        return "[\n" + inner + "\n" + " " * indent + "]"
    return flat


def _texts(value: list[str], indent: int) -> str:
    pad = " " * (indent + 2)
    lines = [""]
    for text in value:
        told = json.dumps(text, ensure_ascii=False) + ", "
        if lines[-1] and len(pad) + len(lines[-1]) + len(told) > _WIDTH:
            lines.append("")
        lines[-1] += told
    return "[\n" + "\n".join(pad + line.rstrip() for line in lines)[:-1] + "\n" + " " * indent + "]"


def patched(document: dict[str, Any], patches: dict[str, Any]) -> dict[str, Any]:
    """The document with values replaced, added or (None) removed. Raises KeyError where a pointer leads nowhere.

    `/allOf/@name` is the rule of the variant of that name.
    """
    for pointer, value in patches.items():
        *path, last = pointer.split("/")[1:]
        here: Any = document
        for step in path:
            here = _variant(here, step[1:]) if step.startswith("@") else here[step]
        if value is None and isinstance(here, list):
            here.remove(last)  # `/required/usage` is the name, not its index
        elif value is None:
            del here[last]
        elif isinstance(here, list):
            here.append(value)
        else:
            here[last] = value
    return document


def _variant(rules: list[Any], name: str) -> Any:
    for rule in rules:
        if any(told.get("const") == name for told in rule["if"].get("properties", {}).values()):
            return rule
    raise KeyError(name)
