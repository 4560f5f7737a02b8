"""Lines of coloured words for a terminal, folded where they are too long."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from textwrap import wrap

TEXT_WIDTH = 80  # columns, where nobody says how many there are
STUCK = "\u00a0"  # a space at which no line breaks


@dataclass(frozen=True)
class Piece:
    """Some characters in one colour; '' is the terminal's own."""

    text: str
    colour: str = ""


TextLine = list[Piece]


def plain(lines: list[TextLine]) -> str:
    """The lines without their colours."""
    return "".join("".join(piece.text for piece in line).rstrip() + "\n" for line in lines)


def folded(line: TextLine | str, width: int, first: int = 0, rest: int = 0) -> Iterator[TextLine]:
    """The line in as many as it takes; the first and the rest stand so far from the edge.

    A word that is longer than the width, as a path may be, stays whole, so that it can be copied.
    """
    pieces = [Piece(line)] if isinstance(line, str) else line
    words = "".join(piece.text for piece in pieces)
    at = 0
    for k, part in enumerate(_wrapped(words, max(width, 20), first, rest)):
        indent = rest if k else first
        at = words.index(part[indent:], at)
        end = at + len(part) - indent
        yield [Piece(" " * indent)] * (indent > 0) + _cut(pieces, at, end)
        at = end


def _wrapped(words: str, width: int, first: int, rest: int) -> list[str]:
    return wrap(
        words,
        width,
        initial_indent=" " * first,
        subsequent_indent=" " * rest,
        expand_tabs=False,
        replace_whitespace=False,
        break_on_hyphens=False,
        break_long_words=False,
    )


def _cut(pieces: TextLine, start: int, end: int) -> TextLine:
    """The characters from `start` to `end` in their colours."""
    found: TextLine = []
    for piece in pieces:
        text = piece.text[max(start, 0) : max(end, 0)].replace(STUCK, " ")
        found += [Piece(text, piece.colour)] * bool(text)
        start, end = start - len(piece.text), end - len(piece.text)
    return found


def stuck(words: str) -> str:
    """Words that stay in one line."""
    return words.replace(" ", STUCK)
