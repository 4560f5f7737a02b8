"""A recipe that is there already, with lines that vary put in place of its own."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence

from gradbook.lab.recipes.builtin import recipe as recipe_of
from gradbook.lab.recipes.text import READERS
from gradbook.lab.study.braces import BRACES, Template, template_of
from gradbook.net.text import Statement, ours, statements
from gradbook.net.text.settings import GIVEN, TRAINING

TITLES = ("recipe", "about", "name")  # which another recipe has no right to


def varied(base: str, lines: Iterable[Statement], folder: str = "") -> Template:
    """The recipe of that name or file with these lines: a setting stands for its own, a layer for
    each of its layers that begins like it."""
    recipe = recipe_of(_place(base, folder))
    rows = [row for row in statements(str(recipe), None) if row.next not in TITLES]
    for line in lines:
        rows = _with(rows, line)
    return template_of(rows)


def _place(base: str, folder: str) -> str:
    """A file beside the study, if there is one."""
    beside = os.path.join(folder, base)
    return beside if folder and os.path.isfile(beside) else base


def _with(rows: Sequence[Statement], line: Statement) -> list[Statement]:
    word = ours(line.next)
    if word in READERS or word in GIVEN or word in TRAINING:
        same = [k for k, row in enumerate(rows) if ours(row.words[0].group()) == word]
        if same:
            return [*rows[: same[0]], line, *rows[same[0] + 1 :]]
        return [line, *rows] if word in READERS else [*rows, line]
    pattern = _like(line.text)
    found = [pattern.match(row.text) for row in rows]
    if not any(found):
        known = ", ".join(dict.fromkeys(row.text for row in rows if row.next == line.next))
        line.fail(
            f"the recipe has no layer like '{line.text}'" + (f": it has {known}" if known else ""),
            at=0,
        )
    return [
        line.saying(line.text + row.text[match.end() :]) if match else row
        for row, match in zip(rows, found, strict=True)
    ]


def _like(text: str) -> re.Pattern[str]:
    """What begins with these words, something in place of the braces."""
    parts: list[str] = []
    start = 0
    for brace in BRACES.finditer(text):
        phrases = [re.escape(phrase.strip()) for phrase in brace[1].split("|") if phrase.strip()]
        words = "|".join([*phrases, r"\S+?"])
        parts += [_spaced(text[start : brace.start()]), f"(?:{words})"]
        start = brace.end()
    return re.compile("".join([*parts, _spaced(text[start:])]) + r"(?=\s|$)")


def _spaced(text: str) -> str:
    return r"\s+".join(map(re.escape, re.split(r"\s+", text)))
