"""The reader's language: its catalogue, and how it writes numbers.

Knows the languages, but no subject. The code has the English text, which is the key of each
message; `make languages` gathers the messages into `catalogues/` and compiles them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache, partial
from gettext import GNUTranslations, NullTranslations
from pathlib import Path
from typing import TypeVar

from gradbook.errors import UsageError, did_you_mean
from gradbook.system import spoken_language

CATALOGUES = Path(__file__).parent / "catalogues"
Found = TypeVar("Found")


@dataclass(frozen=True)
class Language:
    """A language: its code, the name that its speakers use, and its signs."""

    code: str
    name: str
    decimal_sign: str
    thousands_sign: str = "."  # where the decimal sign is a comma
    percent_sign: str = " %"
    list_sign: str = ", "  # between the items of a list


ENGLISH = Language("en", "English", ".")
LANGUAGES = {
    language.code: language
    for language in (
        ENGLISH,
        Language("de", "Deutsch", ","),
        Language("es", "Español", ","),
        Language("pt", "Português", ",", percent_sign="%"),
        Language("fr", "Français", ",", "\u202f", "\u202f%"),
        Language("zh", "中文", ".", percent_sign="%", list_sign="、"),
        Language("ko", "한국어", ".", percent_sign="%"),
        Language("vi", "Tiếng Việt", ",", percent_sign="%"),
    )
    if language is ENGLISH or (CATALOGUES / f"{language.code}.mo").exists()
}

_now: ContextVar[Language] = ContextVar("language", default=ENGLISH)


# Which language --------------------------------------------------------------


def current_language() -> Language:
    return _now.get()


@contextmanager
def in_language(code: str) -> Iterator[None]:
    """Use this language within the block."""
    token = _now.set(_language(code))
    try:
        yield
    finally:
        _now.reset(token)


def in_same_language(work: Callable[[], Found]) -> Callable[[], Found]:
    """The work, done in the current language in any thread or process, which don't inherit it."""
    return partial(_speaking, _now.get().code, work)


def _speaking(code: str, work: Callable[[], Found]) -> Found:
    with in_language(code):
        return work()


def system_language() -> str:
    """The code of the system's language, or of English if there is no catalogue for it."""
    code = spoken_language()[:2].lower()
    return code if code in LANGUAGES else ENGLISH.code


def _language(code: str) -> Language:
    if code in LANGUAGES:
        return LANGUAGES[code]
    known = ", ".join(LANGUAGES)
    hint = did_you_mean(code, LANGUAGES) or f": it is one of {known}"
    raise UsageError(f"no language '{code}'{hint}")


# Messages --------------------------------------------------------------------


def tr(message: str, **parts: object) -> str:
    """The message in the reader's language, each {name} replaced by its part."""
    translated = _catalogue(_now.get().code).gettext(message)
    return translated.format(**parts) if parts else translated


def tr_count(single: str, several: str, count: int, **parts: object) -> str:
    """The message for so many, in the language's plural form; `{number}` is the
    count with its commas."""
    return plural(single, several, count).format(**{"count": count, "number": f"{count:,}"} | parts)


def plural(single: str, several: str, count: int) -> str:
    """The form of the message for so many, its {names} still to be filled in."""
    return _catalogue(_now.get().code).ngettext(single, several, count)


def mark(message: str) -> str:
    """A message in a table, which `tr` looks up when it is shown."""
    return message


def numeral(written: str) -> str:
    """A number or a share as it was written in English, with the language's signs."""
    spoken = _now.get()
    written = written.replace(" %", spoken.percent_sign)
    if spoken.decimal_sign == ".":
        return written
    signs = str.maketrans(".,", spoken.decimal_sign + spoken.thousands_sign)
    return written.translate(signs)


@cache
def _catalogue(code: str) -> NullTranslations:
    if code == ENGLISH.code:
        return NullTranslations()
    with (CATALOGUES / f"{code}.mo").open("rb") as file:
        return GNUTranslations(file)
