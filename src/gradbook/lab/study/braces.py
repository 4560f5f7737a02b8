"""Recipes with braces: the parts of a text that vary, and the text after all are chosen."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from math import isfinite
from typing import NoReturn

from gradbook.errors import NetTextError
from gradbook.net.text import Statement, digits, statements

BRACES_GRAMMAR = """\
  {6..12}                  a whole number, 6 to 12
  {0.1..1}  {0.1..1 log}   any number between; with 'log', equal ratios are equally likely
  {64|128|256}             one of these words, or phrases
  {batchnorm|}             this, or nothing: an empty line is removed
  {width: 6..12}  {width}  the same value wherever the name appears
"""

BRACES = re.compile(r"\{([^{}]*)\}")
RANGE = re.compile(r"(?P<low>[^\s.]\S*?|[^\s.])\.\.(?P<high>\S+)(?P<log>\s+log)?")
WHOLE = re.compile(r"-?[0-9]{1,9}")
NAMED = re.compile(r"\s*([a-z][a-z0-9_-]*)\s*(?::\s*(.*))?", re.DOTALL | re.IGNORECASE)
SHOWN = 4  # digits of a random number

Value = int | float | str


@dataclass(frozen=True)
class Range:
    """Any number in a range, uniform or by its logarithm."""

    low: float
    high: float
    whole: bool
    log: bool

    def spell(self, value: Value) -> str:
        return str(value) if self.whole else digits(shorten(float(value)))


@dataclass(frozen=True)
class Options:
    """One of some phrases, which may be empty."""

    phrases: tuple[str, ...]

    def spell(self, value: Value) -> str:
        return str(value)


Domain = Range | Options
Choose = Callable[[str, Domain], Value]  # by the name of the hole


def shorten(value: float) -> float:
    """A number as it is written into a recipe; more digits would be of no use."""
    return float(f"{value:.{SHOWN}g}")


@dataclass(frozen=True)
class Hole:
    """A place in a line that varies."""

    name: str
    domain: Domain
    is_named: bool = False  # by the text: the same value wherever the name appears


@dataclass(frozen=True)
class Line:
    """A line of fixed and varying parts."""

    parts: tuple[str | Hole, ...]
    text: str  # as written, with its braces


@dataclass(frozen=True)
class Template:
    """A text with braces."""

    lines: tuple[Line, ...]

    def __str__(self) -> str:
        """The text that reads back as this template."""
        return "".join(f"{line.text}\n" for line in self.lines)

    def write(self, choose: Choose) -> str:
        """The text with the chosen value for each name."""
        chosen = {
            hole.name: hole.domain.spell(choose(hole.name, hole.domain)) for hole in self.holes
        }
        lines = (
            "".join(chosen[part.name] if isinstance(part, Hole) else part for part in line.parts)
            for line in self.lines
        )
        return "".join(f"{line.strip()}\n" for line in lines if line.strip())

    @property
    def holes(self) -> tuple[Hole, ...]:
        """Everything that varies, in the order of the text, each name once."""
        return tuple({hole.name: hole for hole in _holes(self.lines)}.values())


def _holes(lines: Iterable[Line]) -> Iterator[Hole]:
    for line in lines:
        yield from (part for part in line.parts if isinstance(part, Hole))


# Reading.


def template(text: str, source: str | None = None) -> Template:
    """The template in a text; every mistake in it is reported with its place."""
    return template_of(statements(text, source))


def template_of(lines: Iterable[Statement]) -> Template:
    named: dict[str, Domain] = {}
    read = [Line(tuple(_parts(line, named)), line.text) for line in lines]
    return Template(_numbered(read, named))


def _parts(line: Statement, named: dict[str, Domain]) -> Iterator[str | Hole]:
    text, start = line.text, 0
    for match in BRACES.finditer(text):
        yield _plain(line, start, match.start())
        yield _hole(line, match, text[start : match.start()], named)
        start = match.end()
    yield _plain(line, start, len(text))


def _plain(line: Statement, start: int, end: int) -> str:
    for place in range(start, end):
        if line.text[place] in "{}":
            wrong = "doesn't end on its line" if line.text[place] == "{" else "has no beginning"
            _fail(line, place, f"this brace {wrong}: write {{6..12}} or {{a|b}}")
    return line.text[start:end]


def _hole(line: Statement, match: re.Match[str], before: str, named: dict[str, Domain]) -> Hole:
    inside, place = match[1], match.start()
    known = NAMED.fullmatch(inside)
    if known and known[2] is None and "|" not in inside and ".." not in inside:
        name = known[1]
        if name not in named:
            hint = f"write {{{name}: 6..12}} where it first stands"
            _fail(line, place, f"no braces above are named {name!r}: {hint}")
        return Hole(name, named[name], is_named=True)
    if known and known[2] is not None:
        name = known[1]
        if name in named:
            again = f"write {{{name}}} where it is used again"
            _fail(line, place, f"{name!r} is defined twice: {again}")
        named[name] = _domain(line, place, known[2])
        return Hole(name, named[name], is_named=True)
    domain = _domain(line, place, inside)
    return Hole(_name_of(before, domain, line), domain)


def _domain(line: Statement, place: int, inside: str) -> Domain:
    if "|" in inside:
        phrases = tuple(" ".join(phrase.split()) for phrase in inside.split("|"))
        if len(set(phrases)) < len(phrases):
            _fail(line, place, "these braces have the same choice twice: remove one")
        return Options(phrases)
    match = RANGE.fullmatch(inside.strip())
    if not match:
        _fail(line, place, f"{{{inside}}} varies nothing: write {{6..12}} or {{a|b}}")
    return _range(line, place, match)


def _range(line: Statement, place: int, match: re.Match[str]) -> Range:
    low, high, log = match["low"], match["high"], bool(match["log"])
    ends = []
    for word in (low, high):
        try:
            ends.append(float(word))
        except ValueError:
            _fail(line, place, f"{word!r} isn't a number: write {{6..12}} or {{0.1..1 log}}")
    if not all(map(isfinite, ends)):
        _fail(line, place, "these numbers are too large")
    if ends[0] >= ends[1]:
        _fail(line, place, f"{low}..{high} goes down: write the lower one first")
    if log and ends[0] <= 0:
        _fail(line, place, "a logarithmic range begins above 0")
    return Range(ends[0], ends[1], all(map(WHOLE.fullmatch, (low, high))), log)


def _fail(line: Statement, place: int, message: str) -> NoReturn:
    column = line.column + line.words[0].start() + place
    raise NetTextError(message, line=line.number, column=column, source=line.source)


def _name_of(before: str, domain: Domain, line: Statement) -> str:
    """The name of a hole: the word before it, or else the first of its phrases."""
    words = before.split()
    if words:
        return words[-1]
    if isinstance(domain, Options):
        return next((phrase.split()[0] for phrase in domain.phrases if phrase), "nothing")
    return line.words[0].group()


def _numbered(lines: Iterable[Line], named: Iterable[str]) -> tuple[Line, ...]:
    """The lines with numbers for equal names: conv 1, conv 2."""
    counts = Counter(hole.name for hole in _holes(lines) if not hole.is_named)
    several = {name for name, count in counts.items() if count > 1} | set(named)
    numbers: Counter[str] = Counter()

    def number(part: str | Hole) -> str | Hole:
        if isinstance(part, str) or part.is_named or part.name not in several:
            return part
        numbers[part.name] += 1
        return replace(part, name=f"{part.name} {numbers[part.name]}")

    return tuple(replace(line, parts=tuple(map(number, line.parts))) for line in lines)
