"""The errors that users see.

    GradbookError           anything wrong with the input, rather than with gradbook
    ├── UsageError          a wrong flag or argument
    ├── NetTextError        a network's text form, with line and column
    ├── ShapeError          layers, weights or samples that don't fit each other
    ├── DataError           a file of samples or weights, with file and row
    ├── TargetError         something that a target can't write
    ├── LimitError          more than a sheet, a page or a memory holds
    └── FileError           a file that can't be read or written
        └── KeptFileError   a file that exists and may not be replaced

A ShapeError and a DataError are ValueErrors, too, as users of NumPy expect.
An `Assumption` is a warning: the work goes on.

A message says what is wrong, where, and what to do about it, and is always one line: unprintable
characters in it, those of hostile input included, are escaped.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable

LONGEST_MESSAGE = 600
CLOSE_ENOUGH = 0.6
KEPT = "\n\t"  # unprintable characters that aren't escaped
FIXED_SPACES = "\u00a0\u202f"  # used before punctuation in French
STEERING = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠", "|", "%")


class GradbookError(Exception):
    """Something that the user can correct, in one line: what, where and what to do.

    Every function here raises it, or a subclass, for wrong input: a text, a file,
    an option.

    >>> import gradbook as gb
    >>> try:
    ...     gb.builtin("wroked")
    ... except gb.GradbookError as error:
    ...     print(error)
    no built-in network 'wroked': did you mean 'worked'?
    """

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message

    def where(self) -> str:
        """The place, as written before the message; '' if there is none."""
        return ""

    def __str__(self) -> str:
        place = self.where()
        return one_line(f"{place}: {self.message}" if place else self.message)


class UsageError(GradbookError):
    """A wrong flag or argument."""


class NetTextError(GradbookError):
    """A mistake in a network's text form. Lines and columns count from 1."""

    def __init__(
        self,
        message: str,
        *,
        line: int | None = None,
        column: int | None = None,
        source: str | None = None,
        text: str | None = None,
    ) -> None:
        super().__init__(message)
        self.line = line
        self.column = column
        self.source = source
        self.text = text

    def where(self) -> str:
        return _place(self.source, line=self.line, column=self.column)


class ShapeError(GradbookError, ValueError):
    """Layers, weights or samples that don't fit each other."""


class DataError(GradbookError, ValueError):
    """A mistake in a file of samples or weights. Rows count from 1."""

    def __init__(
        self,
        message: str,
        *,
        file: str | os.PathLike[str] | None = None,
        row: int | None = None,
        column: str | int | None = None,
    ) -> None:
        super().__init__(message)
        self.file = None if file is None else os.fspath(file)
        self.row = row
        self.column = column

    def where(self) -> str:
        return _place(self.file, row=self.row, column=self.column)


class TargetError(GradbookError):
    """Something that a target can't write; the message names both and the remedy."""


def not_installed(task: str, package: str, extra: str) -> TargetError:
    """An error for a task that needs a package of one of gradbook's extras."""
    remedy = f"pip install 'gradbook[{extra}]'"
    return TargetError(f"{task} needs {package}, which isn't installed: {remedy}")


class LimitError(GradbookError):
    """More than a sheet, a page or a memory holds."""


class FileError(GradbookError):
    """A file that can't be read or written."""


class KeptFileError(FileError):
    """A file that exists and may not be replaced."""


class Assumption(UserWarning):
    """A warning: what gradbook assumes of a model or a data frame that doesn't say it.

    The message names the argument that decides it. After
    `warnings.simplefilter("error", gb.Assumption)` nothing is assumed.

    >>> import gradbook as gb, warnings
    >>> from sklearn.linear_model import LinearRegression
    >>> model = gb.from_sklearn(LinearRegression().fit([[0, 1], [1, 0], [1, 1]], [1, 2, 3]))
    >>> with warnings.catch_warnings(record=True) as caught:
    ...     warnings.simplefilter("always")
    ...     numbers = model.predict({"x1": [1.0], "x2": [2.0], "price": [3.0]})
    >>> [str(each.message) for each in caught if each.category is gb.Assumption]
    ["the model doesn't use price"]
    """


def assume(what: str) -> None:
    """Warn of an assumption, at the line of whoever called gradbook."""
    warn_caller(what, Assumption)


def warn_caller(what: str, category: type[Warning]) -> None:
    """Warn at the line of whoever called gradbook."""
    import sys
    import warnings

    level, frame = 1, sys._getframe()
    while frame.f_back and frame.f_globals.get("__name__", "").startswith("gradbook."):
        level, frame = level + 1, frame.f_back
    warnings.warn(category(one_line(what)), stacklevel=level)


def _place(source: str | None, **positions: str | int | None) -> str:
    named = (f"{name} {value}" for name, value in positions.items() if value is not None)
    return ", ".join(part for part in (source, *named) if part)


def one_line(text: str) -> str:
    """The text with unprintable characters escaped, and its middle left out if it is long."""
    return _shortened("".join(map(_escaped, _shortened(text))))


def visible(text: str) -> str:
    """The text with invisible characters escaped, such as controls; line breaks are kept."""
    if text.isprintable():
        return text
    return "".join(c if c in KEPT else _escaped(c) for c in text)


def _escaped(character: str) -> str:
    if character.isprintable() or character in FIXED_SPACES:
        return character
    return character.encode("unicode_escape").decode("ascii")


def steers(words: str) -> bool:
    """Whether the text contains characters that control a terminal or the direction of writing."""
    return STEERING.search(words) is not None


def as_cell(words: str) -> str:
    """Words for a table: in one line, and so that no spreadsheet takes them for a formula."""
    plain = "".join(map(_escaped, words))
    return f"'{plain}" if plain.lstrip().startswith(FORMULA_SIGNS) else plain


def _shortened(text: str) -> str:
    if len(text) <= LONGEST_MESSAGE:
        return text
    half = LONGEST_MESSAGE // 2 - 2
    return f"{text[:half]} … {text[-half:]}"


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """': did you mean 'sigmoid'?' for the closest known word, '' if none is close."""
    from difflib import get_close_matches

    spellings = {name.lower(): name for name in known}
    closest = get_close_matches(word[:80].lower(), spellings, n=1, cutoff=CLOSE_ENOUGH)
    return f": did you mean '{spellings[closest[0]]}'?" if closest else ""
