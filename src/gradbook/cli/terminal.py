"""What the terminal can show, and showing it."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from shutil import get_terminal_size
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

    from gradbook.report.curve_text import Line

WIDEST = 120  # columns; longer lines are hard to read


def width() -> int:
    """The columns to fill."""
    return min(get_terminal_size().columns, WIDEST)


def can_say(characters: str) -> bool:
    """Whether these characters can be printed at all."""
    try:
        characters.encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def has_colours() -> bool:
    """Whether what is printed is looked at on a terminal with colours."""
    if not sys.stdout.isatty():
        return False
    console = _console()
    return console.color_system is not None and not console.no_color


def show(lines: Iterable[Line]) -> None:
    """Print the lines, in their colours where they are looked at."""
    if not sys.stdout.isatty():
        from gradbook.report.curve_text import plain

        print(plain(list(lines)), end="")
        return
    from rich.text import Text

    console = _console()
    for line in lines:
        console.print(Text.assemble(*((piece.text, piece.colour) for piece in line)))


def _console() -> Console:
    from rich.console import Console

    return Console(highlight=False, soft_wrap=True)
