"""Splits a text into statements of words, and locates every mistake in them."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from math import isinf
from typing import Any, NoReturn

from gradbook.errors import NetTextError

BYTE_ORDER_MARK = "\ufeff"
LINE_END = re.compile(r"\r\n|\r|\n")
WORD = re.compile(r"\S+")
WHOLE = re.compile(r"[0-9]{1,9}")
NUMBER = re.compile(r"[-+−]?([0-9]+(?:\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]+)?")
SIZES = re.compile(r"[1-9][0-9]{0,8}(x[1-9][0-9]{0,8})*")
WHOLES = re.compile(r"[0-9]{1,9}(x[0-9]{1,9})*")

# Messages about a wrong word; a page has the same for a text that is typed on it.
NO_WHOLE = "{what} is missing: write a whole number here"
NOT_WHOLE = "{what} is a whole number of at most 9 digits, not {word!r}"
NO_NUMBER = "{what} is missing: write a number here"
NOT_NUMBER = "{what} is a number such as 0.15, not {word!r}"
COMMAS = "{what} is a number such as 0.15, with a point and spaces between numbers, not {word!r}"
TOO_LARGE = "{what} is too large, use less than 1e308: {word}"
NO_SIZES = "{what} is missing: write it like {example}"
NOT_SIZES = "{what} is written like {example}, not {word!r}"
TWICE = "{word!r} is given twice: write it once"
NOT_EXPECTED = "unexpected {word!r} after {before!r}: remove it or begin a new line"


@dataclass
class Statement:
    """The words of one statement, taken one after the other."""

    words: list[re.Match[str]]
    number: int  # of the line; the first is 1
    column: int  # of the statement's first character
    source: str | None
    used: int = 0

    def __getstate__(self) -> dict[str, Any]:
        """What a pickle keeps: instead of each match, how it is found again."""
        places = [(word.re.pattern, word.string, word.start()) for word in self.words]
        return {**vars(self), "words": places}

    def __setstate__(self, state: dict[str, Any]) -> None:
        matches = (re.compile(p).match(text, start) for p, text, start in state["words"])
        vars(self).update(state, words=[match for match in matches if match])

    @property
    def next(self) -> str:
        return self.words[self.used].group() if self.used < len(self.words) else ""

    @property
    def text(self) -> str:
        """The whole statement, unchanged."""
        return self.words[0].string.strip()

    def saying(self, text: str) -> Statement:
        """Other words at the same place."""
        return Statement(list(WORD.finditer(text)), self.number, self.column, self.source)

    def take(self) -> str:
        self.used += 1
        return self.words[self.used - 1].group()

    def rest(self, *until: str) -> str:
        """All remaining words, or those before one of the words `until`, as one phrase."""
        left = [word.group() for word in self.words[self.used :]]
        taken = next((k for k, word in enumerate(left) if word in until), len(left))
        self.used += taken
        return " ".join(left[:taken])

    def fail(self, message: str, at: int | None = None) -> NoReturn:
        """Raise an error at the word with that number, or at the next one."""
        place = self.used if at is None else at
        start = self.words[place].start() if place < len(self.words) else self.words[-1].end()
        self.fail_at(message, start)

    def fail_at(self, message: str, offset: int) -> NoReturn:
        """Raise an error at so many characters from the beginning."""
        raise NetTextError(
            message, line=self.number, column=self.column + offset, source=self.source
        )

    def whole(self, what: str) -> int:
        if not self.next:
            self.fail(NO_WHOLE.format(what=what))
        if not WHOLE.fullmatch(self.next):
            self.fail(NOT_WHOLE.format(what=what, word=self.next))
        return int(self.take())

    def value(self, what: str) -> float:
        word = self.next
        if not word:
            self.fail(NO_NUMBER.format(what=what))
        if not NUMBER.fullmatch(word):
            self.fail((COMMAS if "," in word else NOT_NUMBER).format(what=what, word=word))
        value = float(word.replace("−", "-"))
        if isinf(value):
            self.fail(TOO_LARGE.format(what=what, word=word))
        self.used += 1
        return value

    def values(self, what: str, until: str = "") -> tuple[float, ...]:
        """One number or more, up to the end or the word `until`."""
        numbers = [self.value(what)]
        for word in self.words[self.used :]:
            if word.group() == until:
                break
            numbers.append(self.value(what))
        return tuple(numbers)

    def sizes(self, what: str, most: int, example: str) -> tuple[int, ...]:
        """Up to `most` sizes with an x between them."""
        if not self.next:
            self.fail(NO_SIZES.format(what=what, example=example))
        if not SIZES.fullmatch(self.next) or self.next.count("x") >= most:
            self.fail(NOT_SIZES.format(what=what, example=example, word=self.next))
        return tuple(map(int, self.take().split("x")))

    def wholes(self, what: str, counts: Collection[int], examples: str) -> tuple[int, ...]:
        """One whole number, or several with an x between them, as many as `counts` allows."""
        if "x" not in self.next:
            return (self.whole(what),)
        if not WHOLES.fullmatch(self.next) or self.next.count("x") + 1 not in counts:
            self.fail(NOT_SIZES.format(what=what, example=examples, word=self.next))
        return tuple(map(int, self.take().split("x")))

    def option(self, word: str) -> bool:
        """Whether the next word is this one, in any capitals; if so, it is taken."""
        is_there = self.next.lower() == word
        self.used += is_there
        return is_there

    def end(self) -> None:
        if self.next:
            before = self.words[self.used - 1].group()
            self.fail(NOT_EXPECTED.format(word=self.next, before=before))


def statements(text: str, source: str | None) -> Iterator[Statement]:
    """The statements of a text, split at lines and semicolons, without comments."""
    for number, row in enumerate(LINE_END.split(text.removeprefix(BYTE_ORDER_MARK)), 1):
        column = 1
        for statement in row.partition("#")[0].split(";"):
            words = list(WORD.finditer(statement))
            if words:
                yield Statement(words, number, column, source)
            column += len(statement) + 1


def digits(value: float) -> str:
    """The shortest digits that read back as the same number: 1, 0.15, 1e-08."""
    return repr(value).removesuffix(".0")
