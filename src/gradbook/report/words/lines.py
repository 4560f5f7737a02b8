"""Lines of coloured words for a terminal."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Piece:
    """Some characters in one colour; '' is the terminal's own."""

    text: str
    colour: str = ""


TextLine = list[Piece]


def plain(lines: list[TextLine]) -> str:
    """The lines without their colours."""
    return "".join("".join(piece.text for piece in line).rstrip() + "\n" for line in lines)
