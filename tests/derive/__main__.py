"""`python -m tests.derive [openai|anthropic|gemini]`: bundled schemas from the types of the installed clients.

For a new version of a client: run it, read the difference, and run the tests, which hold the result against real
traffic and against the clients themselves. Only facts are taken (names, types, what is required, known values),
never a description. Bindings, chat completions and everything of our own are written by hand.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from typing import Any

from replayer.bundled import schemas_folder
from tests.derive.files import Files
from tests.derive.schema import document
from tests.derive.shape import either
from tests.derive.types import Reader
from tests.derive.write import layout, patched


def main(names: list[str]) -> None:
    for name in names or ["openai", "anthropic", "gemini"]:
        files: Files = getattr(importlib.import_module(f"tests.derive.{name}_files"), name.upper())
        for path, text in derived(files):
            file = schemas_folder() / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text + "\n", encoding="utf-8")


def derived(files: Files) -> Iterator[tuple[str, str]]:
    """Each file of a provider, by its path below `schemas/`."""
    table = {f"{files.folder}/{file.path}": file.types for file in files.files}
    reader = Reader(table, opaque=files.opaque, numbered=files.numbered, left_out=files.left_out)
    for file in files.files:
        if not file.title:
            continue
        path = f"{files.folder}/{file.path}"
        yield path, _text(path, document(path, file.title, reader.root(path)), files)
    for events in files.events:
        found = events.by_type()
        if events.order is not None:
            yield f"{files.folder}/{events.folder}.json", layout(events.item_schema(list(found)))
        for type_, members in found.items():
            path = f"{files.folder}/{events.folder}/{type_}.json"
            shape = either(reader.shape(member) for member in members)
            yield path, _text(path, document(path, type_, shape), files)


def _text(path: str, contents: dict[str, Any], files: Files) -> str:
    return layout(patched(contents, files.patches.get(path.removeprefix(files.folder + "/"), {})))


if __name__ == "__main__":
    main(sys.argv[1:])
