"""Where secrets stand in a piece of a body, and from where on a secret may still be growing.

Pure, and over bytes: bodies are searched as they are, whatever their type. Literal searches come first, because they
cost nearly nothing; a regular expression runs only where its literal was found. The finder knows nothing of chunks:
`stream.py` feeds it a buffer and holds back what it says may still be growing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from replayer.redact.fields import PRIVATE_KEY, REPLACEMENT, Field, form_fields, json_fields, query_fields
from replayer.redact.forms import forms_of, inside_string, number_span, past_escape
from replayer.redact.rules import Rules

__all__ = ["LONGEST_UNSURE", "REPLACEMENT", "Finder", "Span", "merged", "moved"]

LONGEST_UNSURE = 4096
"""So many bytes at the end of a buffer may be the beginning of a token that is not yet sure."""

_TOKEN_CHARACTERS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.+/=%~"
_TOKEN = re.compile(rb"[A-Za-z0-9_\-.+/=%~]*+")
_NUMBER = re.compile(_TOKEN.pattern + rb"\s*+")
"""What stands behind a number tells whether it is a JSON value: a space does not tell yet."""
_HEAD = 8
"""Bytes by which a form is told apart."""


@dataclass(frozen=True, slots=True)
class Span:
    """A secret at `[start, end)`, what stands in its place, and how it would go on."""

    start: int
    end: int
    replacement: bytes = REPLACEMENT
    grows: re.Pattern[bytes] | None = None
    """What of the bytes that follow would belong to it; None where it is whole."""
    rule: str = ""
    """Which rule found it, in words."""


class Finder:
    """Finds what `rules` and `values` (plain text of secrets) call secret; `form`: in a form in a query's syntax."""

    def __init__(self, rules: Rules, values: Sequence[str], *, form: bool = False) -> None:
        self._shapes = rules.shapes
        forms = {form for value in values for form in forms_of(value) if len(form) >= 3}
        self._values = sorted(forms, key=lambda form: (-len(form), form))
        self._short = frozenset(form[:size] for form in self._values for size in range(1, _HEAD))
        self._heads = frozenset(form[:_HEAD] for form in self._values)
        self._longest_value = max([0, *map(len, self._values)])
        self._spaced = [form for form in self._values if form.strip(_TOKEN_CHARACTERS)]
        self.longest = max(LONGEST_UNSURE, self._longest_value)
        self.has_numbers = any(form.isdigit() for form in self._values)
        self._rules = rules
        self._form = form
        self._names = [name.encode() for name in sorted(rules.json_fields)]
        self._patterns = rules.patterns

    @cached_property
    def _json(self) -> Sequence[Field]:
        """Compiled when a name is first met: a replay starts without."""
        return json_fields(self._rules.json_fields)

    @cached_property
    def _texts(self) -> Sequence[Field]:
        named = self._rules.form | self._rules.query
        queries = query_fields(named if self._form else self._rules.query, form=self._form)
        return [*queries, *form_fields(named), PRIVATE_KEY]

    def spans(self, buffer: bytes, start: int, *, inside: bool = False, behind: bool = False) -> list[Span]:
        """Secrets that begin at `start` or later, apart from each other, in order; bytes before are context.

        `inside` says whether the buffer's first byte is inside a JSON string, `behind` whether another secret ended
        right before `start`.
        """
        found = [span for span in self._all(buffer, start, inside) if span.start >= start]
        if behind:
            found.extend(self._next_to(buffer, start))
        for span in found:  # grows while it is walked: what follows a secret at once may be followed by one, too
            found.extend(self._next_to(buffer, span.end))
        return merged(found)

    def growing_from(self, buffer: bytes, start: int, ends: set[int]) -> int:
        """The first index from `start` on at which a secret may have begun that is not yet to be seen.

        At `ends` other secrets end: a token that follows at once is not part of a word.
        """
        floor = max(start, len(buffer) - self.longest)
        run = floor + len(buffer[floor:].rstrip(_TOKEN_CHARACTERS))
        growing = self._growing_in_run(buffer, run, ends) if run < len(buffer) else len(buffer)
        for form in self._spaced:
            growing = min(growing, _prefix_at_end(buffer, form, max(floor, len(buffer) - len(form))))
        if self._patterns:
            growing = min(growing, max(floor, buffer.rfind(b"\n") + 1))
        return growing

    def _growing_in_run(self, buffer: bytes, run: int, ends: set[int]) -> int:
        """The first index in the word at the end at which a value or a token may have begun."""
        size = len(buffer)
        growing = size
        for at in range(max(run, size - self._longest_value), size):
            head = buffer[at : at + _HEAD]
            if (head in self._short) if size - at < _HEAD else self._is_begun(buffer[at:], head):
                growing = at
                break
        for shape in self._shapes:
            at = buffer.find(shape.literal, run)
            while 0 <= at < growing:
                if shape.begins.match(buffer, at) or at in ends:
                    growing = at
                at = buffer.find(shape.literal, at + 1)
            for length in range(1, len(shape.literal)):
                at = size - length
                if at < run or at >= growing or not buffer.endswith(shape.literal[:length]):
                    continue
                if shape.begins.match(buffer, at) or at in ends:
                    growing = at
        return growing

    def _is_begun(self, tail: bytes, head: bytes) -> bool:
        return head in self._heads and any(form.startswith(tail) for form in self._values)

    def _all(self, buffer: bytes, start: int, inside: bool) -> Iterator[Span]:
        for shape in self._shapes:
            at = buffer.find(shape.literal, start)
            while at >= 0:
                match = shape.pattern.match(buffer, at)
                if match:
                    name = f"the shape of a token ({shape.literal.decode()}…)"
                    yield Span(past_escape(buffer, at), match.end(), grows=_TOKEN, rule=name)
                at = buffer.find(shape.literal, match.end() if match else at + 1)
        for form in self._values:
            at = buffer.find(form, start)
            while at >= 0:
                yield self._of_value(buffer, at, form, inside)
                at = buffer.find(form, at + len(form))
        if b'"' in buffer and any(name in buffer for name in self._names):
            yield from self._of_fields(self._json, buffer, start)
        yield from self._of_fields(self._texts, buffer, start)
        for pattern in self._patterns:
            for match in pattern.finditer(buffer, start):
                if match.end() > match.start():
                    yield Span(*match.span(), rule=f"the pattern {pattern.pattern.decode('utf-8', 'replace')}")

    def _of_fields(self, fields: Sequence[Field], buffer: bytes, start: int) -> Iterator[Span]:
        for field in fields:
            if field.mark not in buffer:
                continue
            for match in field.whole.finditer(buffer):
                begun, end = match.span(1)
                if begun >= start and match[1] != REPLACEMENT:
                    grows = None if field.closed else field.grows
                    yield Span(begun, end, field.replacement, grows, f"the {field.kind}")

    def _of_value(self, buffer: bytes, at: int, form: bytes, inside: bool) -> Span:
        rule = "a value of the environment"
        end = at + len(form)
        if form.isdigit():
            within = inside_string(buffer, at, begun=inside)
            return Span(*number_span(buffer, at, end, inside=within), grows=None if within else _NUMBER, rule=rule)
        if form[:1] in (b"{", b"[") and b'"' in form and b'\\"' not in form:
            # A JSON document that is itself the secret (a service account's key) stands where a value stands.
            return Span(at, end, b'"' + REPLACEMENT + b'"', rule=rule)
        return Span(past_escape(buffer, at), end, rule=rule)

    def _next_to(self, buffer: bytes, at: int) -> Iterator[Span]:
        """Tokens that begin where another secret ends: that one's last letter does not make them part of a word."""
        for shape in self._shapes:
            if buffer.startswith(shape.literal, at):
                match = shape.pattern.match(buffer[at:])
                if match:
                    yield Span(at, at + match.end(), grows=_TOKEN, rule="the shape of a token")


def merged(found: list[Span]) -> list[Span]:
    """The same, in order, with those that overlap made one."""
    apart: list[Span] = []
    for span in sorted(found, key=lambda span: (span.start, -span.end)):
        if apart and span.start < apart[-1].end:
            last = apart[-1]
            if span.end > last.end:
                apart[-1] = Span(last.start, span.end, last.replacement, span.grows, last.rule)
        else:
            apart.append(span)
    return apart


def moved(span: Span, by: int) -> Span:
    """The same secret in a buffer whose beginning is `by` bytes before."""
    return Span(span.start + by, span.end + by, span.replacement, span.grows, span.rule)


def _prefix_at_end(buffer: bytes, form: bytes, floor: int) -> int:
    at = buffer.find(form[:1], floor)
    while at >= 0:
        if form.startswith(buffer[at:]):
            return at
        at = buffer.find(form[:1], at + 1)
    return len(buffer)
