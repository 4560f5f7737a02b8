"""How options are read: argparse's parser with our errors, and the kinds of value they take."""

from __future__ import annotations

import math
import re
import shlex
from argparse import (
    ArgumentParser,
    ArgumentTypeError,
    Namespace,
    RawDescriptionHelpFormatter,
)
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from gradbook.errors import UsageError, did_you_mean

WHOLE = re.compile(r"-?([0-9]{1,18}|[0-9]{1,3}([,_][0-9]{3}){1,5})")  # thousands may be marked


class Parser(ArgumentParser):
    """A parser whose complaints are one line with a remedy, and whose words aren't shortened."""

    def __init__(self, **named: Any) -> None:
        super().__init__(formatter_class=RawDescriptionHelpFormatter, allow_abbrev=False, **named)

    def error(self, message: str) -> NoReturn:
        plain = message.removeprefix("argument ")
        raise UsageError(f"{plain} (see {self.prog} --help)")

    def read(self, words: Sequence[str]) -> Namespace:
        """The options that the words give, and as `typed` the command to be typed again."""
        options, left_over = self.parse_known_args(words)
        if left_over:
            self._refuse(left_over[0])
        for action in self._actions:
            if action.option_strings and getattr(options, action.dest, None) == "":
                self.error(f"{'/'.join(action.option_strings)}: nothing is given")
        options.typed = shlex.join([*self.prog.split(), *words])
        return options

    def _refuse(self, word: str) -> NoReturn:
        if not word.startswith("-"):
            self.error(f"one argument too many: '{word}'")
        flag = word.partition("=")[0]
        known = [name for action in self._actions for name in action.option_strings]
        self.error(f"unknown option '{flag}'{did_you_mean(flag, known)}")


def one_of(*choices: str) -> Callable[[str], str]:
    """A word out of a few."""

    def read(word: str) -> str:
        if word in choices:
            return word
        hint = did_you_mean(word, choices) or f": it is one of {', '.join(choices)}"
        raise ArgumentTypeError(f"unknown '{word}'{hint}")

    return read


def whole_number(low: int = 0, high: int | None = None) -> Callable[[str], int]:
    """A whole number from `low` to `high`."""

    def read(word: str) -> int:
        number = _integer(word)
        if number is None:
            raise ArgumentTypeError(f"'{word}' isn't a whole number")
        if number < low or (high is not None and number > high):
            most = "" if high is None else f" and at most {high:,}"
            raise ArgumentTypeError(f"{word} won't do: at least {low:,}{most}")
        return number

    return read


def _integer(word: str) -> int | None:
    if not WHOLE.fullmatch(word):
        return None
    return int(word.replace(",", "").replace("_", ""))


def number(word: str) -> float:
    """A finite number."""
    try:
        value = float(word)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ArgumentTypeError(f"'{word}' isn't a number")
    return value


def positive(word: str) -> float:
    """A finite number above zero."""
    value = number(word)
    if value <= 0:
        raise ArgumentTypeError(f"{word} won't do: it must be above 0")
    return value


def positives(words: str) -> tuple[float, ...]:
    """Numbers above zero with commas between them."""
    return tuple(positive(word.strip()) for word in words.split(","))
