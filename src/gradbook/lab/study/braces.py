"""Recipes with braces: the parts of a text that vary, and the text after all are chosen."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from math import inf, isfinite
from typing import NoReturn, TypeVar

from gradbook.errors import NetTextError
from gradbook.net.text import Statement, digits, statements

BRACES_GRAMMAR = """\
  {6..12}                  a whole number, 6 to 12
  {0.1..1}  {0.1..1 log}   any number between; with 'log', equal ratios are equally likely
  {64|128|256}             one of these words, or phrases
  {batchnorm|}             this, or nothing: an empty line is removed
  {width: 6..12}  {width}  the same value wherever the name appears
  repeat {1..4}            repeats the lines down to 'end', with new values each time, except
  …                        for what has a name
  end
"""

BRACES = re.compile(r"\{([^{}]*)\}")
RANGE = re.compile(r"(?P<low>[^\s.]\S*?|[^\s.])\.\.(?P<high>\S+)(?P<log>\s+log)?")
WHOLE = re.compile(r"-?[0-9]{1,9}")
NAMED = re.compile(r"\s*([a-z][a-z0-9_-]*)\s*(?::\s*(.*))?", re.DOTALL | re.IGNORECASE)
SHOWN = 4  # digits of a random number
MOST_REPEATS, MOST_WITHIN = 100, 10  # repetitions, and nested repeats
LONGEST_DRAWN = 20_000  # lines, including empty ones

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


Part = TypeVar("Part", "str | Hole", "Hole | int")


@dataclass(frozen=True)
class Line:
    """A line of fixed and varying parts."""

    parts: tuple[str | Hole, ...]
    text: str  # as written, with its braces

    def write(self, choose: Choose, turn: str) -> str:
        def said(part: str | Hole) -> str:
            if isinstance(part, str):
                return part
            name = part.name if part.is_named else f"{part.name}{turn}"
            return part.domain.spell(choose(name, part.domain))

        return "".join(map(said, self.parts)).strip()


@dataclass(frozen=True)
class Repeat:
    """Lines that are repeated."""

    times: Hole | int
    body: tuple[Piece, ...]
    text: str  # of its first line

    @property
    def lines(self) -> Iterator[str]:
        yield self.text
        yield from (f"  {line}" for line in _lines(self.body))
        yield "end"


Piece = Line | Repeat


@dataclass(frozen=True)
class Template:
    """A text with braces."""

    pieces: tuple[Piece, ...]

    def __str__(self) -> str:
        """The text that reads back as this template."""
        return "\n".join(_lines(self.pieces)) + "\n"

    def write(self, choose: Choose) -> str:
        """The text with the chosen value for each name."""
        chosen: dict[str, Value] = {}

        def once(name: str, domain: Domain) -> Value:
            if name not in chosen:
                chosen[name] = choose(name, domain)
            return chosen[name]

        lines = list(islice(_written(self.pieces, once, ""), LONGEST_DRAWN + 1))
        if len(lines) > LONGEST_DRAWN:
            raise NetTextError(f"repeated to more than {LONGEST_DRAWN:,} lines: use fewer repeats")
        return "\n".join(filter(None, lines)) + "\n"

    @property
    def holes(self) -> tuple[Hole, ...]:
        """Everything that varies, in the order of the text, each name once."""
        return tuple({hole.name: hole for hole in _holes(self.pieces)}.values())


def _lines(pieces: Iterable[Piece]) -> Iterator[str]:
    for piece in pieces:
        yield from piece.lines if isinstance(piece, Repeat) else [piece.text]


def _written(pieces: Iterable[Piece], choose: Choose, turn: str) -> Iterator[str]:
    for piece in pieces:
        if isinstance(piece, Line):
            yield piece.write(choose, turn)
            continue
        times = piece.times
        if isinstance(times, Hole):
            name = times.name if times.is_named else f"{times.name}{turn}"
            times = int(choose(name, times.domain))
        for k in range(times):
            yield ""  # even if nothing is repeated
            yield from _written(piece.body, choose, f"{turn}/{k + 1}")


def _holes(pieces: Iterable[Piece]) -> Iterator[Hole]:
    for piece in pieces:
        if isinstance(piece, Repeat):
            yield from [piece.times] if isinstance(piece.times, Hole) else []
            yield from _holes(piece.body)
        else:
            yield from (part for part in piece.parts if isinstance(part, Hole))


# Reading.


def template(text: str, source: str | None = None) -> Template:
    """The template in a text; every mistake in it is reported with its place."""
    return template_of(statements(text, source))


def template_of(lines: Iterable[Statement]) -> Template:
    reading = _BraceReader()
    for line in lines:
        reading.add(line)
    return Template(reading.finished())


class _BraceReader:
    """Reads line by line; `open` contains the repeats that haven't ended, outermost first."""

    def __init__(self) -> None:
        self.named: dict[str, Domain] = {}
        self.top: list[Piece] = []
        self.open: list[tuple[Statement, Hole | int, list[Piece]]] = []

    def add(self, line: Statement) -> None:
        pieces = self.open[-1][2] if self.open else self.top
        if line.next == "repeat":
            if len(self.open) == MOST_WITHIN:
                line.fail(f"at most {MOST_WITHIN} repeats can be nested", at=0)
            self.open.append((line, self._times(line), []))
        elif line.next == "end" and len(line.words) == 1:
            if not self.open:
                line.fail("nothing is repeated here: remove 'end'", at=0)
            began, times, body = self.open.pop()
            (self.open[-1][2] if self.open else self.top).append(
                Repeat(times, tuple(body), began.words[0].string.strip())
            )
        else:
            pieces.append(Line(tuple(self._parts(line)), line.text))

    def finished(self) -> tuple[Piece, ...]:
        if self.open:
            self.open[-1][0].fail("the repeated lines don't end: write 'end' below them", at=0)
        counts = Counter(hole.name for hole in _holes(self.top) if not hole.is_named)
        several = {name for name, count in counts.items() if count > 1} | self.named.keys()
        return _numbered(self.top, several, Counter())

    def _times(self, line: Statement) -> Hole | int:
        parts = list(self._parts(line))
        _, *words = "".join(part for part in parts if isinstance(part, str)).split()
        holes = [part for part in parts if isinstance(part, Hole)]
        if len(holes) == 1 and not words:
            domain = holes[0].domain
            if isinstance(domain, Range) and domain.whole and domain.low >= 0:
                self._require_few(line, domain.high)
                return holes[0]
        if not holes and len(words) == 1 and WHOLE.fullmatch(words[0]):
            self._require_few(line, int(words[0]))
            return int(words[0])
        line.fail("how many times? write 'repeat {1..4}'", at=0)

    def _require_few(self, line: Statement, times: float) -> None:
        if not 0 <= times <= MOST_REPEATS:
            line.fail(f"repeated at most {MOST_REPEATS} times", at=0)

    def _parts(self, line: Statement) -> Iterator[str | Hole]:
        text, start = line.text, 0
        for match in BRACES.finditer(text):
            yield self._plain(line, text, start, match.start())
            yield self._hole(line, match, text[start : match.start()])
            start = match.end()
        yield self._plain(line, text, start, len(text))

    def _plain(self, line: Statement, text: str, start: int, end: int) -> str:
        for place in range(start, end):
            if text[place] in "{}":
                wrong = "doesn't end on its line" if text[place] == "{" else "has no beginning"
                self._fail(line, place, f"this brace {wrong}: write {{6..12}} or {{a|b}}")
        return text[start:end]

    def _hole(self, line: Statement, match: re.Match[str], before: str) -> Hole:
        inside, place = match[1], match.start()
        known = NAMED.fullmatch(inside)
        if known and known[2] is None and "|" not in inside and ".." not in inside:
            name = known[1]
            if name not in self.named:
                hint = f"write {{{name}: 6..12}} where it first stands"
                self._fail(line, place, f"no braces above are named {name!r}: {hint}")
            return Hole(name, self.named[name], is_named=True)
        if known and known[2] is not None:
            name = known[1]
            if name in self.named:
                self._fail(
                    line,
                    place,
                    f"{name!r} is defined twice: write {{{name}}} where it is used again",
                )
            self.named[name] = self._domain(line, place, known[2])
            return Hole(name, self.named[name], is_named=True)
        domain = self._domain(line, place, inside)
        return Hole(_name_of(before, domain, line), domain)

    def _domain(self, line: Statement, place: int, inside: str) -> Domain:
        if "|" in inside:
            phrases = tuple(" ".join(phrase.split()) for phrase in inside.split("|"))
            if len(set(phrases)) < len(phrases):
                self._fail(line, place, "these braces have the same choice twice: remove one")
            return Options(phrases)
        match = RANGE.fullmatch(inside.strip())
        if not match:
            self._fail(line, place, f"{{{inside}}} varies nothing: write {{6..12}} or {{a|b}}")
        return self._numbers(line, place, match)

    def _numbers(self, line: Statement, place: int, match: re.Match[str]) -> Range:
        low, high, log = match["low"], match["high"], bool(match["log"])
        ends = []
        for word in (low, high):
            try:
                ends.append(float(word))
            except ValueError:
                remedy = "write {6..12} or {0.1..1 log}"
                self._fail(line, place, f"{word!r} isn't a number: {remedy}")
        whole = all(map(WHOLE.fullmatch, (low, high)))
        if not all(map(isfinite, ends)):
            self._fail(line, place, "these numbers are too large")
        if ends[0] >= ends[1]:
            self._fail(line, place, f"{low}..{high} goes down: write the lower one first")
        if log and ends[0] <= 0:
            self._fail(line, place, "a logarithmic range begins above 0")
        return Range(ends[0], ends[1], whole, log)

    def _fail(self, line: Statement, place: int, message: str) -> NoReturn:
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


def _numbered(
    pieces: Iterable[Piece], several: set[str], counts: Counter[str]
) -> tuple[Piece, ...]:
    """The pieces with numbers for equal names: conv 1, conv 2."""

    def number(part: Part) -> Part:
        if not isinstance(part, Hole) or part.is_named or part.name not in several:
            return part
        counts[part.name] += 1
        return replace(part, name=f"{part.name} {counts[part.name]}")

    numbered: list[Piece] = []
    for piece in pieces:
        if isinstance(piece, Line):
            numbered.append(replace(piece, parts=tuple(map(number, piece.parts))))
        else:
            times = number(piece.times)
            body = _numbered(piece.body, several, counts)
            numbered.append(replace(piece, times=times, body=body))
    return tuple(numbered)


def size(domain: Domain) -> float:
    """The number of values to choose from."""
    if isinstance(domain, Options):
        return len(domain.phrases)
    return domain.high - domain.low + 1 if domain.whole else inf
