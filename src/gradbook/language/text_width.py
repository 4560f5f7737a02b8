"""How many columns text takes on a terminal, and where its lines break.

Chinese and Korean letters are two columns wide, and Chinese breaks between any two letters."""

from __future__ import annotations

import re
from textwrap import TextWrapper
from typing import Any
from unicodedata import east_asian_width

FILLER = "\uf8ff"  # after a wide letter, so that a text has as many characters as columns
OPENING = "（「『《【“‘"  # no line ends with these
CLOSING = "，。、：；！？）」』》】”’"  # and none begins with these


def text_width(text: str) -> int:
    """The width of a text in columns."""
    return len(text) if text.isascii() else len(text) + sum(map(_is_wide, text))


def pad(text: str, columns: int, right: bool = False) -> str:
    """The text padded to so many columns, aligned to the right or to the left."""
    room = " " * (columns - text_width(text))
    return room + text if right else text + room


def wrap(text: str, columns: int, **options: Any) -> list[str]:
    """The lines of a text, as `textwrap` breaks it."""
    if text_width(text) == len(text):
        return TextWrapper(columns, **options).wrap(text)
    filled = "".join(letter + FILLER * _is_wide(letter) for letter in text)
    return [line.replace(FILLER, "") for line in _WideWrapper(columns, **options).wrap(filled)]


class _WideWrapper(TextWrapper):
    def _split(self, text: str) -> list[str]:
        chunks = super()._split(text)
        return [piece for chunk in chunks for piece in _pieces(chunk)]


def _pieces(chunk: str) -> list[str]:
    """The pieces of a chunk that stay on one line."""
    pieces: list[str] = []
    for letter in re.findall(f".{FILLER}?", chunk):
        before = pieces[-1].rstrip(FILLER)[-1] if pieces else ""
        breaks = _is_ideograph(letter[0]) or (before and _is_ideograph(before))
        if pieces and (not breaks or letter[0] in CLOSING or before in OPENING):
            pieces[-1] += letter
        else:
            pieces.append(letter)
    return pieces


def _is_ideograph(letter: str) -> bool:
    """Whether a line may break beside a letter; Korean breaks only at spaces."""
    return _is_wide(letter) and not "\uac00" <= letter <= "\ud7a3"


def _is_wide(letter: str) -> bool:
    return east_asian_width(letter) in "WF"
