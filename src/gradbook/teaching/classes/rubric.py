"""A teacher's rubric as a file: what each column is worth, what mistakes and late days cost."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from gradbook.audit.classes.scoring import Rubric
from gradbook.audit.findings import KINDS
from gradbook.errors import DataError, did_you_mean
from gradbook.files import InnerPath
from gradbook.language.message import Message
from gradbook.targets.excel.plan.column_order import KINDS as ASKED
from gradbook.teaching.classes.folder import read_toml, shorten_value
from gradbook.teaching.classes.marks_file import MOST_POINTS

RUBRIC_TEXT = """\
# How the books of this class are marked. Change what you like and run 'gradbook class mark' again.
# A line that begins with # is a suggestion: take the # away.

out_of = 20            # points for a book with everything right

[points]               # what a column counts, by its kind or its name; 1 if not listed
# gradients = 1
# "∂E/∂w1" = 2

[mistakes]             # each costs one column; what is computed from it loses nothing more
repeated = 1           # columns that one costs at most if it is in several; 100: all of them
accept_elsewhere = false  # whether right formulas beside the blanks or on another sheet count
typed = 0              # what right numbers earn where formulas belong: 0 nothing, 1 everything

[deductions]           # points off, once per book, by the kind of mistake (gradbook help findings)
# "pasted value" = 1

[late]
# due = 2026-12-01T23:59:00
# per_day = 2          # points off for each day that has begun
# at_most = 6
"""
TOPS = ("out_of", "points", "mistakes", "deductions", "late")
OLD = "follow_through"  # a section of rubrics in 1.0; now every rubric works like this
EARLIEST, LATEST = 1971, 2999  # years that every system converts to seconds


def read_rubric(path: Path | InnerPath) -> Rubric:
    """The rubric in a file; an error names the wrong key."""
    if not path.is_file():
        return Rubric()
    reader = _Reader(read_toml(path), str(path))
    reader.known("", (*TOPS, OLD))
    names = {**dict.fromkeys(ASKED), **dict.fromkeys(KINDS)}
    points, deductions = reader.part("points"), reader.part("deductions")
    for kind in deductions:
        if kind not in KINDS:
            raise reader.error(f"{kind!r} in [deductions] isn't a kind of mistake", kind, names)
    rules, late = reader.part("mistakes"), reader.part("late")
    reader.known("mistakes", ("repeated", "accept_elsewhere", "typed"))
    reader.known("late", ("due", "per_day", "at_most"))
    accept = rules.get("accept_elsewhere", False)
    if not isinstance(accept, bool):
        raise reader.error("accept_elsewhere must be true or false")
    typed = reader.number("mistakes", "typed", rules.get("typed", 0))
    if typed > 1:
        raise reader.error("typed must be from 0 to 1")
    due = late.get("due")
    if due is not None and not isinstance(due, datetime):
        raise reader.error("due must be a date and a time such as 2026-12-01T23:59:00")
    if due is not None and not EARLIEST <= due.year <= LATEST:
        raise reader.error(f"due must be in a year from {EARLIEST} to {LATEST}")
    top = reader.values.get("out_of")
    most = late.get("at_most")
    return Rubric(
        out_of=None if top is None else reader.number("", "out_of", top),
        points={name: reader.number("points", name, value) for name, value in points.items()},
        repeated=reader.number("mistakes", "repeated", rules.get("repeated", 1)),
        accept_elsewhere=accept,
        typed=typed,
        deductions={k: reader.number("deductions", k, value) for k, value in deductions.items()},
        due=due,
        per_day=reader.number("late", "per_day", late.get("per_day", 0)),
        at_most=None if most is None else reader.number("late", "at_most", most),
    )


def outdated_parts(path: Path | InnerPath) -> Iterator[str]:
    """A remark on a section of older rubrics that no longer counts."""
    if path.is_file() and OLD in read_toml(path):
        yield Message(
            "{file}: [{part}] no longer counts, for every mistake costs once and what follows from "
            "it is right: delete the section",
            file=path.name,
            part=OLD,
        )


@dataclass(frozen=True)
class _Reader:
    """A file's values, and errors that name the file."""

    values: Mapping[str, Any]
    file: str

    def error(self, words: str, word: str = "", known: Any = ()) -> DataError:
        return DataError(words + (did_you_mean(word, known) if word else ""), file=self.file)

    def part(self, name: str) -> Mapping[str, Any]:
        part = self.values.get(name, {})
        if not isinstance(part, dict):
            raise self.error(f"{name} is a section: write [{name}]")
        return part

    def known(self, part: str, keys: tuple[str, ...]) -> None:
        for key in self.part(part) if part else self.values:
            if key not in keys:
                where = f"[{part}] has" if part else "it has"
                raise self.error(f"{where} no key called {key!r}", key, keys)

    def number(self, part: str, key: str, value: object) -> float:
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not is_number or not 0 <= value <= MOST_POINTS:  # type: ignore[operator]
            where = f"[{part}] " if part else ""
            raise self.error(
                f"{where}{key} must be a number from 0 to {MOST_POINTS:,}, "
                f"not {shorten_value(value)}"
            )
        return float(value)  # type: ignore[arg-type]
