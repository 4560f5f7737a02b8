"""What the terminal can show, and showing it."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from shutil import get_terminal_size
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

    from gradbook.report.words.lines import TextLine

WIDEST = 120  # columns; longer lines are hard to read


def width() -> int:
    """The columns to fill."""
    return min(get_terminal_size().columns, WIDEST)


def is_terminal() -> bool:
    """Whether what is printed is looked at on one; there may be no output at all."""
    return sys.stdout is not None and sys.stdout.isatty()


def can_say(characters: str) -> bool:
    """Whether these characters can be printed at all."""
    try:
        characters.encode(getattr(sys.stdout, "encoding", None) or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def has_colours() -> bool:
    """Whether what is printed is looked at on a terminal with colours."""
    if not is_terminal():
        return False
    console = _console()
    return console.color_system is not None and not console.no_color


def show(lines: Iterable[TextLine]) -> None:
    """Print the lines, in their colours where they are looked at."""
    if not is_terminal():
        from gradbook.report.words.lines import plain

        print(plain(list(lines)), end="")
        return
    from rich.text import Text

    console = _console()
    for line in lines:
        console.print(Text.assemble(*((piece.text, piece.colour) for piece in line)))


@contextmanager
def busy(doing: str) -> Iterator[None]:
    """A sign of life on the terminal's error stream while something takes its time."""
    if not (sys.stderr and sys.stderr.isatty()):
        yield
        return
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        progress.add_task(doing, total=None)
        yield


def _console() -> Console:
    from rich.console import Console

    return Console(highlight=False, soft_wrap=True)
