"""The shape of a message, as an official client's types say it, on its way to being a schema.

A shape is lenient where types are alternatives: of objects that nothing tells apart, a field is required only where
all require it. Alternatives that one constant field tells apart stay apart, as variants. Knows no schemas and no files.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import reduce

__all__ = ["TAGS", "Shape", "either"]

TAGS = ("type", "role", "mode")
"""Fields that tell alternatives apart, in this order."""


@dataclass(slots=True)
class Shape:
    """What a value may be; everything at once where several types are possible."""

    types: list[str] = field(default_factory=list)
    """JSON Schema's; empty: anything."""
    known: list[str] | None = None
    """The texts that are known; None: any text."""
    numbers: list[int] = field(default_factory=list)
    """The numbers that are known; empty: any number."""
    encoded: bool = False
    """Whether the text is base64."""
    constant: bool = False
    """Whether another text is a mistake, and not just new."""
    items: Shape | None = None
    fields: dict[str, Shape] | None = None
    required: list[str] = field(default_factory=list)
    values: Shape | None = None
    """Of an object with free keys."""
    tag: str = ""
    variants: dict[str, Shape] = field(default_factory=dict)
    untagged: tuple[str, ...] = ()
    """The variants that may come without their tag, or with null in its place."""
    file: str | None = None
    """The schema that says the object part."""
    name: str = ""
    """For the definition that says it, where it is said twice."""
    least: int | None = None
    """Items of a list."""

    @property
    def anything(self) -> bool:
        return not self.types

    @property
    def is_object(self) -> bool:
        return "object" in self.types


def either(shapes: Iterable[Shape]) -> Shape:
    """One of several."""
    several = list(shapes)
    if any(shape.anything for shape in several):
        return Shape()
    objects = [shape for shape in several if shape.is_object]
    if len({shape.file for shape in objects}) == 1 and objects[0].file is not None:
        return reduce(_both, several)
    told = _told_apart(objects) if len(objects) > 1 else None
    if told is None:
        return reduce(_both, several)
    rest = [shape for shape in several if not shape.is_object]
    # What else an alternative may be (a text, a null) is kept beside the variants.
    rest += [_without_object(shape) for shape in objects if len(shape.types) > 1]
    return reduce(_both, [told, *rest])


def _without_object(shape: Shape) -> Shape:
    types = [name for name in shape.types if name != "object"]
    return Shape(types=types, known=shape.known, items=shape.items, constant=shape.constant)


def _told_apart(objects: list[Shape]) -> Shape | None:
    """The objects as variants of one, or None where no field tells them apart."""
    flat: list[Shape] = []
    for shape in objects:
        flat.extend(shape.variants.values() if shape.variants else [shape])
    for tag in TAGS:
        if not all(shape.fields and tag in shape.fields and shape.fields[tag].known for shape in flat):
            continue
        variants: dict[str, Shape] = {}
        untagged: list[str] = []
        for shape in flat:
            known = (shape.fields or {})[tag].known or []
            for name in known:
                variants[name] = _objects(variants[name], shape) if name in variants else shape
            if tag not in shape.required or "null" in (shape.fields or {})[tag].types:
                untagged += known
        if len(variants) > 1:
            return Shape(types=["object"], tag=tag, variants=variants, untagged=tuple(untagged))
    return None


def _both(one: Shape, other: Shape) -> Shape:
    if one.anything or other.anything:
        return Shape()
    merged = Shape(types=list(dict.fromkeys([*one.types, *other.types])))
    texts = [shape for shape in (one, other) if "string" in shape.types]
    if texts and all(shape.known is not None for shape in texts):
        merged.known = list(dict.fromkeys(text for shape in texts for text in shape.known or ()))
        merged.constant = all(shape.constant for shape in texts) and len(merged.known) == 1
    merged.encoded = bool(texts) and all(shape.encoded for shape in texts)
    counts = [shape for shape in (one, other) if {"integer", "number"} & set(shape.types)]
    if all(shape.numbers for shape in counts):
        merged.numbers = list(dict.fromkeys(number for shape in counts for number in shape.numbers))
    lists = [shape for shape in (one, other) if "array" in shape.types]
    if lists and all(shape.items is not None for shape in lists):
        merged.items = either(shape.items for shape in lists if shape.items is not None)
    if lists:
        least = [shape.least for shape in lists if shape.least is not None]
        merged.least = min(least) if len(least) == len(lists) else None
    objects = [shape for shape in (one, other) if shape.is_object]
    if len(objects) == 2:
        _take_object(merged, _objects(objects[0], objects[1]))
    elif objects:
        _take_object(merged, objects[0])
    return merged


def _take_object(into: Shape, shape: Shape) -> None:
    into.fields, into.required, into.values = shape.fields, shape.required, shape.values
    into.tag, into.variants, into.untagged = shape.tag, shape.variants, shape.untagged
    into.file, into.name = shape.file, shape.name


def _objects(one: Shape, other: Shape) -> Shape:
    """Two objects that nothing tells apart, as one that both are."""
    if one.file is not None and one.file == other.file:
        return one
    told = _told_apart([one, other]) if one.variants and other.variants else None
    if told is not None:
        return told
    if one.fields is None or other.fields is None:
        return Shape(
            types=["object"], values=either([one.values, other.values]) if one.values and other.values else None
        )
    fields = dict(one.fields)
    for name, shape in other.fields.items():
        fields[name] = either([fields[name], shape]) if name in fields else shape
    required = [name for name in one.required if name in other.required]
    return Shape(types=["object"], fields=fields, required=required, name=one.name or other.name)
