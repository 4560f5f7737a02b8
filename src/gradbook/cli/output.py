"""Prints what the terminal can show, and spells the rest in ASCII."""

from __future__ import annotations

import codecs
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from shutil import get_terminal_size
from time import monotonic
from typing import TYPE_CHECKING, TextIO
from unicodedata import decomposition, name, normalize

from gradbook.amounts import duration
from gradbook.errors import one_line, visible
from gradbook.language import numeral, tr

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from rich.console import Console
    from rich.text import Text

    from gradbook.report.document import Report
    from gradbook.report.styled_text import TextLine


PATIENCE = 1.0  # seconds before progress is shown
LARGE = 2**25  # bytes of a table, which take about two seconds
BLOCKS = "▀▄█"
BAR, PLAIN_BAR = ("━", "─"), ("#", "-")
BAR_WIDTH = 24
WIDEST = 120  # columns; longer lines are hard to read


def width() -> int:
    """The number of columns to fill."""
    return min(get_terminal_size().columns, WIDEST)


def is_terminal() -> bool:
    """Whether the output goes to a terminal; there may be no output at all."""
    return sys.stdout is not None and sys.stdout.isatty()


def can_redraw(stream: TextIO | None) -> bool:
    """Whether lines of the stream can be drawn over; not in files or on plain terminals."""
    return bool(stream and stream.isatty()) and os.environ.get("TERM") not in ("dumb", "unknown")


def can_say(characters: str, stream: TextIO | None = None) -> bool:
    """Whether the stream (by default standard output) can print these characters."""
    try:
        characters.encode(getattr(stream or sys.stdout, "encoding", None) or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def show(lines: Iterable[TextLine]) -> None:
    """Print the lines, with colours on a terminal that has them."""
    if not is_terminal():
        from gradbook.report.styled_text import plain

        for line in lines:
            print(plain([line]), end="")
        return
    console = _console()
    for line in lines:
        console.print(rich_text(line))


def say(text: object, *, flush: bool = False) -> None:
    """Print lines that may contain a stranger's names: what would steer a terminal is escaped."""
    print(visible(str(text)), flush=flush)


def warn(line: str) -> None:
    """Print a remark to standard error."""
    if sys.stderr:
        print(one_line(f"gradbook: {line}"), file=sys.stderr)


def rich_text(line: TextLine) -> Text:
    from rich.text import Text

    return Text.assemble(*((span.text, span.colour) for span in line))


def show_images(pixels: NDArray[np.uint8], captions: Sequence[str]) -> None:
    """Show images side by side, as the terminal can: in colours, blocks or letters."""
    from gradbook.report.images import Means, image_lines

    means = Means.BLOCKS if can_say(BLOCKS) else Means.LETTERS
    if means is Means.BLOCKS and is_terminal():
        console = _console()
        if console.color_system is not None and not console.no_color:
            means = Means.COLOURS
    print()
    show(image_lines(pixels, captions, width(), means))


def print_report(
    report: Report, *, as_json: bool = False, drawn: str = "", columns: int = 0
) -> None:
    """Print a report as JSON, or as text, in ASCII if its characters can't be printed."""
    if as_json:
        from gradbook.report.media import json_of

        print_as_json(json_of(report))
        return
    from gradbook.report.terminal import report_lines

    show(report_lines(report, columns or width(), ascii_only=not can_say(drawn)))


def print_json(content: object) -> None:
    import json

    print_as_json(json.dumps(content, ensure_ascii=False, indent=2) + "\n")


def print_event(event: str, **named: object) -> None:
    """Print a line for a program; numbers that aren't finite can't stand in JSON."""
    import json

    line = json.dumps({"event": event, **named}, ensure_ascii=False, allow_nan=False)
    print_as_json(line + "\n")
    if sys.stdout:
        sys.stdout.flush()


def print_as_json(text: str) -> None:
    """Print JSON exactly; a character that can't be printed or would control the terminal is
    written as its number."""
    plain = can_say(text)
    if not plain or not text.replace("\n", "").isprintable():
        import json

        text = "".join(
            one
            if one == "\n" or (one.isprintable() and (plain or one.isascii()))
            else json.dumps(one)[1:-1]
            for one in text
        )
    print(text, end="")


def write_or_print(text: str | bytes, file: str | None, *, is_json: bool = False) -> int:
    """Write to the file if one is given, otherwise print; returns the exit code."""
    if file is None:
        shown = text if isinstance(text, str) else text.decode("utf-8")
        if is_json:
            print_as_json(shown)
        else:
            print(shown, end="")
        return 0
    from gradbook.files import write_whole

    write_whole(file, text)
    print_written(file)
    return 0


def print_written(file: object, what: str = "") -> None:
    """Say that a file was written, whatever its name contains, and what is in it."""
    say(tr("wrote {file}", file=file) + (f": {what}" if what else ""))


@contextmanager
def counting(words: str, total: int | None = None) -> Iterator[Callable[[int], None]]:
    """A function to report how many are done (of how many, if that is known). Long work is shown
    on standard error and cleared at the end. `words` are such as 'books checked'.
    """
    begun, is_shown = monotonic(), False

    def tell(done: int) -> None:
        nonlocal is_shown
        spent = monotonic() - begun
        if spent > PATIENCE and can_redraw(sys.stderr):
            is_shown = True
            line = progress(done, total, words, spent, pretty=can_say("".join(BAR), sys.stderr))
            shown = line[: max(get_terminal_size().columns - 1, 1)]
            print(f"\r{shown}\033[K", end="", file=sys.stderr, flush=True)

    try:
        yield tell
    finally:
        if is_shown:
            print("\r\033[K", end="", file=sys.stderr, flush=True)


def progress(done: int, total: int | None, words: str, spent: float, *, pretty: bool = True) -> str:
    """━━━━━━━─────────── 213 of 500 books checked, 40.1 s left"""
    counted = numeral(f"{done:,}")
    if total is None:
        return f"{counted} {words} …"
    full, rest = BAR if pretty else PLAIN_BAR
    filled = BAR_WIDTH * done // max(total, 1)
    bar = full * filled + rest * (BAR_WIDTH - filled)
    parts = {"done": counted, "total": numeral(f"{total:,}"), "words": words}
    if not 0 < done < total:
        return f"{bar} {tr('{done} of {total} {words}', **parts)}"
    left = numeral(duration(spent / done * (total - done)))
    return f"{bar} {tr('{done} of {total} {words}, {time} left', **parts, time=left)}"


@contextmanager
def busy(doing: str) -> Iterator[None]:
    """Show on the terminal's standard error that work is under way."""
    if not can_redraw(sys.stderr):
        yield
        return
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        progress.add_task(doing, total=None)
        yield


def busy_reading(file: str) -> AbstractContextManager[None]:
    """The same while a large file is read."""
    is_large = os.path.isfile(file) and os.path.getsize(file) > LARGE
    return busy(tr("reading {file}", file=os.path.basename(file))) if is_large else nullcontext()


def _console() -> Console:
    from rich.console import Console

    return Console(highlight=False, soft_wrap=True)


# Characters that a console can't show: η as eta, ∂ as d ------------------------
#
# Consoles on Windows may have only the characters of Western Europe or of the first PCs. At any
# other character Python would end the command; this error handler replaces it instead.

READABLY = "readably"  # the name of this error handler in Python
SPELLED = {
    "∂": "d", "∇": "grad", "Σ": "sum", "∑": "sum", "√": "sqrt", "∞": "inf",
    "−": "-", "–": "-", "·": "*", "∗": "*", "⋆": "*", "⊙": ".*", "×": "x", "÷": "/", "±": "+/-",
    "≈": "~", "≤": "<=", "≥": ">=", "≠": "!=", "‖": "||", "⟦": "[", "⟧": "]", "⊤": "T",
    "→": "->", "✓": "ok", "✗": "x", "←": "<-", "↑": "^", "↓": "v", "▶": ">", "⁄": "/",
    "′": "'", "’": "'", "‘": "'", "“": "'", "”": "'", "«": "<<", "»": ">>", "…": "...",
    "ƒ": "f", "Ð": "D", "ð": "d", "Þ": "Th", "þ": "th",
    "€": "EUR", "£": "GBP", "¥": "JPY", "₽": "RUB", "₹": "INR", "₺": "TRY", "⋮": ":",
    "ł": "l", "Ł": "L", "ø": "o", "Ø": "O", "đ": "d", "Đ": "D", "ß": "ss",
    "„": "'", "—": "-", "°": "o", "¿": "",
    "█": "#", "▇": "#", "▆": "*", "▅": "+", "▄": "=", "▃": "-", "▂": ".", "▁": "_", "▀": "^",
}  # fmt: skip
UNKNOWN = "?"


def spell_in_ascii(character: str) -> str:
    """A character spelled in ASCII."""
    if character.isascii():
        return character
    if character in SPELLED:
        return SPELLED[character]
    called = name(character, "")
    script, _, letter = called.partition(" LETTER ")
    if script.startswith("GREEK ") and letter.isalpha():
        return letter.capitalize() if "CAPITAL" in script else letter.lower()
    if called.startswith("BOX DRAWINGS "):
        return "+" if " AND " in called else "|" if called.endswith("VERTICAL") else "-"
    # a letter without its accent, a digit without its position; otherwise a question mark
    raised = "^" if decomposition(character).startswith("<super>") else ""
    parts = normalize("NFKD", character)
    plain = "".join(part if part.isascii() else SPELLED.get(part, "") for part in parts)
    return raised + plain if plain else UNKNOWN


def _instead(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    failing = error.object[error.start : error.end]
    return "".join(map(spell_in_ascii, failing)), error.end


codecs.register_error(READABLY, _instead)
