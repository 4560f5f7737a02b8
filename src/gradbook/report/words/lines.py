"""Lines of coloured words for a terminal, folded where they are too long."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from textwrap import wrap

TEXT_WIDTH = 80  # columns, where nobody says how many there are
STUCK = "\u00a0"  # a space at which no line breaks


@dataclass(frozen=True)
class Span:
    """Some characters in one colour; '' is the terminal's own."""

    text: str
    colour: str = ""


TextLine = list[Span]


def plain(lines: list[TextLine]) -> str:
    """The lines without their colours."""
    return "".join("".join(span.text for span in line).rstrip() + "\n" for line in lines)


def folded(line: TextLine | str, width: int, first: int = 0, rest: int = 0) -> Iterator[TextLine]:
    """The line in as many as it takes; the first and the rest stand so far from the edge.

    A word that is longer than the width, as a path may be, stays whole, so that it can be copied.
    """
    spans = [Span(line)] if isinstance(line, str) else line
    words = "".join(span.text for span in spans)
    at = 0
    parts = wrap(
        words,
        max(width, 20),
        initial_indent=" " * first,
        subsequent_indent=" " * rest,
        expand_tabs=False,
        replace_whitespace=False,
        break_on_hyphens=False,
        break_long_words=False,
    )
    for k, part in enumerate(parts):
        indent = rest if k else first
        at = words.index(part[indent:], at)
        end = at + len(part) - indent
        yield [Span(" " * indent)] * (indent > 0) + _cut(spans, at, end)
        at = end


def _cut(spans: TextLine, start: int, end: int) -> TextLine:
    """The characters from `start` to `end` in their colours."""
    found: TextLine = []
    for span in spans:
        text = span.text[max(start, 0) : max(end, 0)].replace(STUCK, " ")
        found += [Span(text, span.colour)] * bool(text)
        start, end = start - len(span.text), end - len(span.text)
    return found


def stuck(words: str) -> str:
    """Words that stay in one line."""
    return words.replace(" ", STUCK)
