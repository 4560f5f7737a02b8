"""C as text: the pieces in runtime/ and their placeholders, tables, comments, switches.

A line that ends in `//: mark` is written only if the mark is set, one that ends in `//: no mark`
only if it isn't; of several marks, all must hold. Sections begin with `//: name`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from textwrap import wrap

import numpy as np
from numpy.typing import NDArray

WIDTH = 100
WORD = re.compile(r"\bNAME(?=_)|\b[A-Z][A-Z_]*\b")
SECTION = re.compile(r"^//: (\w+)\n(.*?)(?=\n//: |\Z)", re.DOTALL | re.MULTILINE)
DEFINED = re.compile(r"^(?:#define |\w[\w ]*[ *])(\w+)\(", re.MULTILINE)
CALLED = re.compile(r"\b(\w+)\(")
BYTES = {"int8_t": 1, "uint8_t": 1, "int16_t": 2, "uint16_t": 2, "int32_t": 4, "float": 4}
Numbers = NDArray[np.float32 | np.int64]


@cache
def piece(name: str) -> str:
    """Read a piece of C that all networks share; a name without an ending gets .c."""
    path = files("gradbook.targets.portable") / "runtime" / (name if "." in name else f"{name}.c")
    return path.read_text("utf-8")


def sections(name: str) -> dict[str, str]:
    """Split a piece into its sections, by name."""
    return {section: text.strip("\n") for section, text in SECTION.findall(piece(name))}


def fill(text: str, words: Mapping[str, object] | None = None, **marks: bool) -> str:
    """Replace these words in capitals, and keep the lines whose marks hold."""
    lines = []
    for line in text.splitlines():
        code, _, marks_of_line = line.partition(" //: ")
        own_marks = [
            mark for mark in marks_of_line.split(", ") if mark.removeprefix("no ") in marks
        ]
        if all(marks[mark.removeprefix("no ")] is not mark.startswith("no ") for mark in own_marks):
            lines.append(code if own_marks else line)
    replaced = words or {}
    return WORD.sub(lambda word: str(replaced.get(word[0], word[0])), "\n".join(lines))


def linked(callers: Iterable[str], library: Mapping[str, str]) -> list[str]:
    """Return the sections of a library that define what these texts call, directly or indirectly,
    in the library's order."""
    defined = {name: key for key, text in library.items() for name in DEFINED.findall(text)}
    needed, waiting = set[str](), list(callers)
    while waiting:
        sections_called = {
            defined[name] for name in CALLED.findall(waiting.pop()) if name in defined
        }
        waiting += [library[key] for key in sections_called - needed]
        needed |= sections_called
    return [text for key, text in library.items() if key in needed]


def switch(over: str, cases: Mapping[str, str], otherwise: str) -> str:
    """Write a switch over a number."""
    lines = "".join(f"    case {number}:{body}\n" for number, body in cases.items())
    return f"    switch ({over}) {{\n{lines}    default:\n        {otherwise}\n    }}\n"


def comment(text: str) -> str:
    """Write a comment, in as many lines as needed."""
    lines = [
        line
        for paragraph in text.split("\n")
        for line in (wrap(paragraph, WIDTH - 3, break_long_words=False) or [""])
    ]
    safe = (line.replace("*/", "* /") for line in lines)
    return "/* " + "\n".join(f"   {line}".rstrip() for line in safe).lstrip() + " */"


@dataclass(frozen=True, eq=False)
class ConstantArray:
    """A named array of numbers in flash."""

    kind: str  # C's type
    name: str
    numbers: Numbers

    @property
    def bytes(self) -> int:
        return BYTES[self.kind] * self.numbers.size

    def __str__(self) -> str:
        constants = ", ".join(map(spelt, self.numbers.tolist()))
        lines = wrap(constants, WIDTH - 4, break_long_words=False, break_on_hyphens=False)
        body = "\n".join(f"    {line}" for line in lines)
        head = f"static const {self.kind} {self.name}[{self.numbers.size}] IN_FLASH"
        return f"{head} = {{\n{body}\n}};"


def spelt(number: float) -> str:
    """Write a constant in C."""
    if isinstance(number, int):
        return str(number)
    short = str(np.float32(number))
    return f"{short}f" if {".", "e"} & set(short) else f"{short}.0f"


def smallest(most: int) -> str:
    """The smallest unsigned type for numbers up to this one."""
    return next(f"uint{bits}_t" for bits in (8, 16, 32) if most < 1 << bits)
