"""Two learned shapes held against each other: what was added, removed and retyped. Structure, not values.

A field that was not always there may stay away, and a kind of object that does not occur proves nothing; what every
old sample had is missed. Where one side knows nothing (redacted, never met), nothing is said.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from replayer.contract.change import Change, ChangeKind
from replayer.contract.shape import Fields, Shape
from replayer.contract.words import names_a_kind

__all__ = ["compare", "outline", "type_name"]

_LINES = 60


def compare(old: Shape, new: Shape, pointer: str = "") -> Iterator[Change]:
    """The changes from `old` to `new`, in the order of the old fields."""
    if old.unknown or new.unknown or not old.types or not new.types:
        return
    yield from _types(old, new, pointer)
    if old.texts != {} and new.texts != {}:
        yield from _texts(old, new, pointer)
    if old.items is not None and new.items is not None:
        yield from compare(old.items, new.items, f"{pointer}/*")
    if old.kinds and new.kinds:
        yield from _objects(old, new, pointer)


def type_name(shape: Shape) -> str:
    """`string`, `integer or null`, `one of length, stop`."""
    if shape.closed:
        return "one of " + ", ".join(sorted(shape.texts or {}))
    return " or ".join(sorted(shape.named(), key=lambda name: name == "null")) or "anything"


def outline(fields: Fields) -> tuple[str, ...]:
    """An object's fields with their types, a line each."""
    lines = [
        f"{name}{'' if fields.always(name) else '?'}: {type_name(shape)}" for name, shape in fields.properties.items()
    ]
    return tuple(lines[:_LINES]) + (("…",) if len(lines) > _LINES else ())


def _types(old: Shape, new: Shape, pointer: str) -> Iterator[Change]:
    before, after = set(old.named()), set(new.named())
    gained = after - before - ({"integer"} if "number" in before else set())
    if not gained:
        return
    kind = ChangeKind.TYPE
    if before == {"null"}:
        kind = ChangeKind.FILLED
    elif gained == {"number"} and "integer" in before:
        kind = ChangeKind.FRACTION
    yield Change(kind=kind, pointer=pointer, old=type_name(old), new=type_name(new))


def _texts(old: Shape, new: Shape, pointer: str) -> Iterator[Change]:
    named = names_a_kind(pointer.rpartition("/")[2])
    if old.texts is not None and (old.closed or named):
        surplus = None if new.texts is None else sorted(set(new.texts) - set(old.texts))
        if surplus is None or surplus:
            told = "other texts" if surplus is None else ", ".join(surplus)
            kind = ChangeKind.ENUM if old.closed else ChangeKind.WORD
            yield Change(kind=kind, pointer=pointer, old=", ".join(sorted(old.texts)), new=told)
        return
    if old.formats and new.formats is not None and not old.formats & new.formats:
        yield Change(kind=ChangeKind.FORMAT, pointer=pointer, old=" or ".join(sorted(old.formats)), new="other texts")


def _objects(old: Shape, new: Shape, pointer: str) -> Iterator[Change]:
    told = old.discriminator
    if told is None or new.discriminator != told or None in old.kinds or None in new.kinds:
        yield from _fields(old.fields, new.fields, pointer)
        return
    surplus = [kind for kind in new.kinds if kind not in old.kinds]
    gone = [kind for kind in old.kinds if kind not in new.kinds]
    for kind, fields in old.kinds.items():
        if kind in new.kinds:
            yield from _fields(fields, new.kinds[kind], pointer, told=told)
    if surplus:
        yield Change(
            kind=ChangeKind.ENUM,
            pointer=f"{pointer}/{told}",
            old=", ".join(filter(None, old.kinds)),
            new=", ".join(filter(None, surplus)),
        )
    if surplus and gone:
        # Renamed, as it seems: what else changed is seen when the two are held against each other.
        yield from _fields(_together(old, gone), _together(new, surplus), pointer, told=told)


def _together(shape: Shape, kinds: list[str | None]) -> Fields:
    whole = Fields()
    for kind in kinds:
        whole = whole.merged(shape.kinds[kind])
    return whole


def _fields(old: Fields, new: Fields, pointer: str, *, told: str | None = None) -> Iterator[Change]:
    if old.is_map or new.is_map:
        yield from compare(_values(old), _values(new), f"{pointer}/*")
        return
    ours, theirs = outline(old), outline(new)
    for change in _properties(old, new, pointer, told):
        # What is deeper has its own surroundings already.
        yield change if change.old_outline else replace(change, old_outline=ours, new_outline=theirs)


def _properties(old: Fields, new: Fields, pointer: str, told: str | None) -> Iterator[Change]:
    for name, before in old.properties.items():
        place = f"{pointer}/{name.replace('~', '~0').replace('/', '~1')}"
        after = new.properties.get(name)
        if after is None:
            if old.always(name):
                yield Change(kind=ChangeKind.REMOVED, pointer=place, old=type_name(before), new="nothing")
            continue
        if old.always(name) and not new.always(name):
            yield Change(kind=ChangeKind.OPTIONAL, pointer=place, old="always there", new="optional")
        if name != told:
            yield from compare(before, after, place)
    for name, after in new.properties.items():
        if name not in old.properties:
            place = f"{pointer}/{name.replace('~', '~0').replace('/', '~1')}"
            yield Change(kind=ChangeKind.ADDED, pointer=place, old="nothing", new=type_name(after))


def _values(fields: Fields) -> Shape:
    whole = Shape()
    for shape in fields.properties.values():
        whole = whole.merged(shape)
    return whole
