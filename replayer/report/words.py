"""Words that several reports need: counts with their nouns, and texts that cannot harm what shows them."""

from __future__ import annotations

__all__ = ["counted", "one_line"]


def counted(number: int, noun: str) -> str:
    """`1 frame`, `1,200 frames`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def one_line(text: str) -> str:
    """One line of a terminal: what came from a cassette can neither break it nor colour it."""
    return "".join(char if char.isprintable() else f"\\u{ord(char):04x}" for char in text)
