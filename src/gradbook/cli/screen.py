"""Lines at the foot of the terminal that are redrawn below the lines that stay."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterable
from io import StringIO
from shutil import get_terminal_size
from threading import Event, RLock, Thread, current_thread, main_thread
from typing import TYPE_CHECKING

from gradbook.cli.output import WIDEST, rich_text
from gradbook.system import suspending

if TYPE_CHECKING:
    from typing import TextIO

    from rich.text import Text

    from gradbook.report.styled_text import TextLine

Draw = Callable[[int, int], "list[TextLine]"]  # (columns, rows) → the lines of the foot

# Why not rich.Live: it erases each line before writing it again, which flickers; after the terminal
# became narrower it moves up by the number of lines before they wrapped, and leaves the others
# behind; Ctrl-Z leaves the cursor hidden; and on a terminal that was closed its next drawing raises
# OSError, which would end the training.

PERIOD = 0.1  # seconds between drawings
UP, ERASE_LINE, ERASE_BELOW, HIDE, SHOW = "\033[{}A", "\033[K", "\033[J", "\033[?25l", "\033[?25h"


class Screen:
    """While it is open, a thread redraws the foot; `say` prints lines above it.

    Lines are overwritten without being erased first, and each drawing is one write, so that
    nothing flickers. When the terminal becomes narrower, its lines wrap and the foot is higher.
    """

    def __init__(self, draw: Draw, stream: TextIO | None = None) -> None:
        self._draw = draw
        self._stream = stream or sys.stdout
        self._paint = _painter(self._stream)
        self._drawn: list[int] = []  # the width of each line of the foot, in columns
        self._lock = RLock()
        self._leaving = Event()
        self._thread = Thread(target=self._keep_drawing, daemon=True)

    def __enter__(self) -> Screen:
        self._write(HIDE)
        self._on_suspension(self._suspend)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Remove the foot and keep the lines above it."""
        self._leaving.set()
        self._thread.join()
        self._on_suspension(signal.SIG_DFL)
        self._clear(SHOW)

    def say(self, lines: Iterable[TextLine]) -> None:
        """Print lines above the foot."""
        self._show(list(lines))

    def _on_suspension(self, handler: Callable[..., None] | signal.Handlers) -> None:
        """Set the handler of Ctrl-Z."""
        number = suspending()
        if number and current_thread() is main_thread():
            signal.signal(number, handler)

    def _suspend(self, number: int, _: object) -> None:
        """Restore the terminal, wait, and begin a new foot at the cursor."""
        with self._lock:
            self._clear(SHOW)
            self._on_suspension(signal.SIG_DFL)
            signal.raise_signal(number)  # returns when the process continues
            self._on_suspension(self._suspend)
            self._write(HIDE)

    def _clear(self, after: str) -> None:
        with self._lock:
            self._write(self._to_top() + ERASE_BELOW + after)
            self._drawn = []

    def _keep_drawing(self) -> None:
        while not self._leaving.wait(PERIOD):
            self._show([])

    def _show(self, staying: list[TextLine]) -> None:
        with self._lock:
            columns, rows = get_terminal_size()
            foot = [rich_text(line) for line in self._draw(min(columns - 1, WIDEST), rows - 1)]
            for text in foot:  # a full line would leave the cursor in the next
                text.truncate(max(columns - 1, 1))
            above = "".join(self._paint(rich_text(line)) + ERASE_LINE + "\n" for line in staying)
            below = (ERASE_LINE + "\n").join(map(self._paint, foot))
            self._write(self._to_top() + above + below + ERASE_BELOW)
            self._drawn = [text.cell_len for text in foot]

    def _to_top(self) -> str:
        """The codes that move the cursor to the beginning of the foot."""
        columns = max(get_terminal_size().columns, 1)
        rows = sum(max(1, -(-width // columns)) for width in self._drawn)
        return "\r" + (UP.format(rows - 1) if rows > 1 else "")

    def _write(self, characters: str) -> None:
        try:
            self._stream.write(characters)
            self._stream.flush()
        except OSError:  # the terminal was closed; the work continues without it
            self._leaving.set()


def _painter(stream: TextIO) -> Callable[[Text], str]:
    """A function that writes text with this stream's codes for colours."""
    from rich.console import Console

    shown = Console(file=stream)
    console = Console(
        file=StringIO(),
        force_terminal=True,
        color_system=shown.color_system,  # type: ignore[arg-type]  # one of rich's names
        no_color=shown.no_color,
        highlight=False,
        soft_wrap=True,
    )

    def paint(text: Text) -> str:
        with console.capture() as captured:
            console.print(text, end="")
        return captured.get()

    return paint
