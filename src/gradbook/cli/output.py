"""What the terminal can show, and showing it; what it lacks is spelled in ASCII."""

from __future__ import annotations

import codecs
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from shutil import get_terminal_size
from time import monotonic
from typing import TYPE_CHECKING, TextIO
from unicodedata import decomposition, name, normalize

from gradbook.amounts import duration
from gradbook.errors import one_line
from gradbook.language import numeral, tr

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from rich.console import Console
    from rich.text import Text

    from gradbook.report.document import Report
    from gradbook.report.words import TextLine


PATIENCE = 1.0  # seconds before there is word of progress
BLOCKS = "▀▄█"
BAR, PLAIN_BAR = ("━", "─"), ("#", "-")
BAR_WIDTH = 24
WIDEST = 120  # columns; longer lines are hard to read


def width() -> int:
    """The columns to fill."""
    return min(get_terminal_size().columns, WIDEST)


def is_terminal() -> bool:
    """Whether what is printed is looked at on one; there may be no output at all."""
    return sys.stdout is not None and sys.stdout.isatty()


def can_say(characters: str, stream: TextIO | None = None) -> bool:
    """Whether these characters can be printed at all, on standard output where none is named."""
    try:
        characters.encode(getattr(stream or sys.stdout, "encoding", None) or "ascii")
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
        from gradbook.report.words import plain

        for line in lines:
            print(plain([line]), end="")
        return
    console = _console()
    for line in lines:
        console.print(rich_text(line))


def warn(line: str) -> None:
    """A remark beside what is printed, for those who look."""
    if sys.stderr:
        print(one_line(f"gradbook: {line}"), file=sys.stderr)


def rich_text(line: TextLine) -> Text:
    from rich.text import Text

    return Text.assemble(*((span.text, span.colour) for span in line))


def show_images(pixels: NDArray[np.uint8], captions: Sequence[str]) -> None:
    """Images side by side, by what the terminal can do: colours, blocks or letters."""
    from gradbook.report.images import Means, image_lines

    means = Means.COLOURS if has_colours() else Means.BLOCKS
    print()
    show(image_lines(pixels, captions, width(), means if can_say(BLOCKS) else Means.LETTERS))


def print_report(
    report: Report, *, as_json: bool = False, drawn: str = "", columns: int = 0
) -> None:
    """A report for whoever looks, in ASCII where these characters can't be drawn; or as JSON."""
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
    """A line for a program that listens; what is no number has no place in JSON."""
    import json

    told = json.dumps({"event": event, **named}, ensure_ascii=False, allow_nan=False)
    print_as_json(told + "\n")
    if sys.stdout:
        sys.stdout.flush()


def print_as_json(text: str) -> None:
    """Text that is JSON, exactly: what can't be printed as it is, or would steer the terminal,
    stands there by its number."""
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
    """Into the file if one is named, else here; the exit code."""
    if file is None:
        shown = text if isinstance(text, str) else text.decode("utf-8")
        if is_json:
            print_as_json(shown)
        else:
            print(shown, end="")
        return 0
    from gradbook.files import write_whole

    write_whole(file, text)
    print(tr("wrote {file}", file=file))
    return 0


@contextmanager
def counting(words: str, total: int | None = None) -> Iterator[Callable[[int], None]]:
    """A function to tell how many are done, of so many where that is known: what takes long shows
    it on the error stream, and takes it away in the end. `words` are such as 'books checked'.
    """
    begun, said = monotonic(), False

    def tell(done: int) -> None:
        nonlocal said
        spent = monotonic() - begun
        if spent > PATIENCE and sys.stderr and sys.stderr.isatty():
            said = True
            line = progress(done, total, words, spent, pretty=can_say("".join(BAR), sys.stderr))
            shown = line[: max(get_terminal_size().columns - 1, 1)]
            print(f"\r{shown}\033[K", end="", file=sys.stderr, flush=True)

    try:
        yield tell
    finally:
        if said:
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


# Characters that a console hasn't: η as eta, ∂ as d ---------------------------
#
# Consoles on Windows may have no more than Western Europe's characters, or those of the first PCs.
# Where a character isn't there Python would end the command; it asks here instead.

READABLY = "readably"  # what Python calls this way to deal with errors
SPELLED = {
    "∂": "d", "∇": "grad", "Σ": "sum", "∑": "sum", "√": "sqrt", "∞": "inf",
    "−": "-", "–": "-", "·": "*", "∗": "*", "⋆": "*", "⊙": ".*", "×": "x", "±": "+/-",
    "≈": "~", "≤": "<=", "≥": ">=", "≠": "!=", "‖": "||", "⟦": "[", "⟧": "]", "⊤": "T",
    "→": "->", "←": "<-", "↑": "^", "↓": "v", "▶": ">", "⁄": "/",
    "′": "'", "’": "'", "‘": "'", "“": "'", "”": "'", "«": "<<", "»": ">>", "…": "...",
    "€": "EUR", "£": "GBP", "¥": "JPY", "₽": "RUB", "₹": "INR", "₺": "TRY", "⋮": ":",
    "ł": "l", "Ł": "L", "ø": "o", "Ø": "O", "đ": "d", "Đ": "D", "ß": "ss",
    "„": "'", "—": "-", "°": "o", "¿": "",
    "█": "#", "▇": "#", "▆": "*", "▅": "+", "▄": "=", "▃": "-", "▂": ".", "▁": "_", "▀": "^",
}  # fmt: skip
UNKNOWN = "?"


def spell_in_ascii(character: str) -> str:
    """In ASCII, whatever it is."""
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
    return _taken_apart(character)


def _taken_apart(character: str) -> str:
    """A letter without its accent, a digit without its height; a question mark if there is none."""
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
