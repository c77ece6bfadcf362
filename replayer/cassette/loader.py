"""YAML, read safely: cassettes are untrusted input.

libyaml's safe loader, with the handful of Python tags that vcrpy wrote in its life, each rebuilt from its plain
content only: no class is looked up, nothing is called. Any other tag is refused. yaml is imported late, because flow
files do without it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from replayer.errors import CassetteError

if TYPE_CHECKING:
    import yaml

__all__ = ["DEPTH_LIMIT", "SIZE_LIMIT", "is_too_deep", "load_yaml"]

DEPTH_LIMIT = 1000
"""libyaml's composer is recursive C: some ten thousand levels overflow its stack and end the process (probed)."""

SIZE_LIMIT = 10_000_000
"""Values, counted as often as aliases repeat them: a small file can mean a very large value, or an endless one."""

_ANCHOR = re.compile(rb"[\s\[{,]&\w")
_ALIAS = re.compile(rb"[\s\[{,]\*\w")
_DELETE = bytes(set(range(256)) - set(b"[]{}"))
_AS_BRACKETS = bytes.maketrans(b"{}", b"[]")
_COMPACT = re.compile(rb"(?:[-?][ \t]+){100}")


def load_yaml(data: bytes, *, name: str) -> Any:
    """The one document in `data` as plain values. Raises `CassetteError` naming line and column."""
    import yaml

    try:
        if is_too_deep(data):
            raise CassetteError(f"{name}: nested deeper than {DEPTH_LIMIT} levels: not a cassette")
        value = yaml.load(data, Loader=_loader())  # the class is a safe loader: see `_loader`
        if _ANCHOR.search(data) and _ALIAS.search(data) and _size(value, {}) > SIZE_LIMIT:
            raise CassetteError(f"{name}: its aliases mean more than {SIZE_LIMIT} values: not a cassette")
        return value
    except yaml.MarkedYAMLError as error:
        raise CassetteError(_explain(error, name)) from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        first = str(error).splitlines()[0]
        raise CassetteError(f"{name}: not a text file in YAML: {first}; give a cassette") from None
    except (ValueError, TypeError, AttributeError, RecursionError, OverflowError) as error:
        # PyYAML's constructors let through what a timestamp, a number or a tag's content does to them.
        raise CassetteError(f"{name}: a value in it cannot be built: {error}; quote it, or record it again") from None


def _size(value: Any, known: dict[int, int]) -> int:
    """How many values this is when written out; each list and mapping is walked once."""
    if not isinstance(value, dict | list):
        return 1
    if id(value) not in known:
        known[id(value)] = SIZE_LIMIT + 1  # for as long as we are inside: a value that holds itself has no end
        items = value.values() if isinstance(value, dict) else value
        known[id(value)] = 1 + sum(_size(item, known) for item in items)
    return known[id(value)]


def _explain(error: yaml.MarkedYAMLError, name: str) -> str:
    mark = error.problem_mark or error.context_mark
    place = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
    what = " ".join(filter(None, (error.context, error.problem)))
    return f"{name}{place}: not YAML: {what}; the file may be cut short: restore it, or record it again"


def is_too_deep(data: bytes) -> bool:
    """Whether libyaml must not compose this: it would end the process. Raises yaml's error for what is no YAML."""
    import yaml

    depth = 0
    for event in yaml.parse(data, Loader=_loader()) if _may_be_deep(data) else ():
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > DEPTH_LIMIT:
                return True
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
    return False


def _may_be_deep(data: bytes) -> bool:
    """A cheap look that lets every ordinary cassette pass: more brackets open than close, or a long run of dashes."""
    brackets = data.translate(_AS_BRACKETS, _DELETE)
    for _ in range(50):
        fewer = brackets.replace(b"[]", b"")
        if len(fewer) == len(brackets):
            break
        brackets = fewer
    return brackets.count(b"[") > DEPTH_LIMIT or b" " * DEPTH_LIMIT in data or _COMPACT.search(data) is not None


@lru_cache(maxsize=1)
def _loader() -> Any:
    """A subclass of libyaml's safe loader, or of PyYAML's where that was built without libyaml."""
    import yaml

    class CassetteLoader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]  # chosen at run time
        """A safe loader that knows vcrpy's tags."""

    tag = "tag:yaml.org,2002:python/"
    constructors: dict[str, Callable[..., Any]] = {
        "str": _string,
        "unicode": _string,
        "tuple": _sequence,
        "object/new:_io.BytesIO": _bytesio,
        "object/apply:builtins.iter": _iterator,
        "object/apply:__builtin__.iter": _iterator,
        # Before 1.0 vcrpy wrote its own objects.
        "object:vcr.request.Request": _mapping,
        "object/apply:__builtin__.frozenset": _frozenset,
        "object/apply:builtins.frozenset": _frozenset,
    }
    for suffix, constructor in constructors.items():
        CassetteLoader.add_constructor(tag + suffix, constructor)
    return CassetteLoader


def _string(loader: Any, node: Any) -> Any:
    return loader.construct_scalar(node)


def _sequence(loader: Any, node: Any) -> list[Any]:
    return list(loader.construct_sequence(node, deep=True))


def _mapping(loader: Any, node: Any) -> dict[Any, Any]:
    return dict(loader.construct_mapping(node, deep=True))


def _bytesio(loader: Any, node: Any) -> Any:
    """A file as request body: its content is the first item of its pickled state."""
    state = loader.construct_mapping(node, deep=True).get("state") or (b"",)
    return state[0] or b""


def _iterator(loader: Any, node: Any) -> bytes:
    """An iterator as request body: the pieces in a row."""
    pieces: Any = (loader.construct_mapping(node, deep=True).get("args") or ([],))[0]
    if isinstance(pieces, bytes | str):
        pieces = [pieces]
    return b"".join(bytes([p]) if isinstance(p, int) else p.encode() if isinstance(p, str) else p for p in pieces)


def _frozenset(loader: Any, node: Any) -> list[Any]:
    """Header pairs: the only thing of which vcrpy made sets."""
    arguments = loader.construct_sequence(node, deep=True)
    return list(arguments[0]) if arguments else []
