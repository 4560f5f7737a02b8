"""A language for tests: every message is spelled in accented letters, every number with a comma.

Whatever then still stands in plain letters was never asked of the catalogue.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from gettext import NullTranslations
from string import Formatter, ascii_letters
from unittest.mock import patch

from gradbook import language
from gradbook.language.message import Message, translate

ACCENTED = str.maketrans(ascii_letters, "àƀćđéƒĝĥíĵķļḿńóṕɋŕśťúṽŵẋýžÀƁĆĐÉƑĜĤÍĴĶĻḾŃÓṔɊŔŚŤÚṼŴẊÝŽ")
PLAIN_WORD = re.compile(r"[A-Za-z]{3,}")


def spelled(message: str) -> str:
    """The message in accented letters, its {names} as they are."""
    return "".join(
        words.translate(ACCENTED) + ("" if name is None else f"{{{name}}}")
        for words, name, _, _ in Formatter().parse(message)
    )


class _Pseudo(NullTranslations):
    def gettext(self, message: str) -> str:
        return spelled(message)

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        return spelled(msgid1 if n == 1 else msgid2)


@contextmanager
def pseudo_language() -> Iterator[None]:
    real = language._catalogue
    known = {**language.LANGUAGES, "xx": language.Language("xx", "Pseudo", ",")}
    with (
        patch.object(language, "LANGUAGES", known),
        patch.object(
            language, "_catalogue", lambda code: _Pseudo() if code == "xx" else real(code)
        ),
        language.in_language("xx"),
    ):
        yield


def plain_words(text: str, *expected: str) -> list[str]:
    """The words in plain letters, but for the names that are expected."""
    return [word for word in PLAIN_WORD.findall(text) if word not in expected]


def words_of_its_own(message: str) -> list[str]:
    """The plain words that a message says by itself, without those of its parts: of a text that is
    no message, all."""
    if not isinstance(message, Message):
        return plain_words(message)
    with pseudo_language():
        return plain_words(translate(message.with_parts(lambda part: "")))
