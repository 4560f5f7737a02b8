"""The inputs of a result in words: each cell's label, a step of suitable size, and its effect."""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import isfinite

from gradbook.cells.book import Book
from gradbook.cells.evaluate import Evaluation, fill_in
from gradbook.cells.formula.address import ACROSS, DOWN, Address, Axis, column_of, name_of
from gradbook.cells.slopes import Slopes
from gradbook.language import mark, tr
from gradbook.targets.excel.language import quote

LONGEST_LABEL = 60  # characters
MOST_BEFORE = 100  # cells between a heading and its cell
SIGNIFICANT = 3  # digits of an effect
NUDGE, NUDGE_IF_ROUNDED = 1e-4, 1e-2  # relative to the value; a small one shows only the rounding
ALMOST_0 = 1e-12  # whose share would be lost in the result
ROUNDING = re.compile(r"\bM?ROUND(?:UP|DOWN)?\(", re.IGNORECASE)
MOST_NUDGED = 400_000  # cells that formulas use which are computed again for nudges

RISES = mark("If {input} rises by {step}, {result} rises by about {change}")
FALLS = mark("If {input} rises by {step}, {result} falls by about {change}")
STAYS = mark("If {input} rises by {step}, {result} stays as it is")
_NUMBER = "\x00"  # stands for the number in a sentence that a formula completes


@dataclass(frozen=True)
class Sensitivity:
    """How a result depends on an input: a cell, or several that count as one."""

    cell: Address
    name: str  # Model!B6
    label: str  # the words beside it
    value: float  # of the cell; the mean of several
    slope: float  # the derivative of the result
    elasticity: float | None  # % per %; None where the input or the result is 0
    step: float  # of a size that suits the value
    nudged: float | None  # the slope by nudging the input; None if that wasn't computed
    result: str  # its label, or its name
    cells: tuple[Address, ...]  # more than one if they count as one input

    @property
    def title(self) -> str:
        """The input's label and name."""
        named = f"{self.label} ({self.name})" if self.label else self.name
        return tr("each of {cells}", cells=named) if len(self.cells) > 1 else named

    @property
    def sentence(self) -> str:
        """If Volatility (Model!B6) rises by 0.01, Call price rises by about 0.341"""
        change = self.slope * self.step
        message = STAYS if not change else RISES if change > 0 else FALLS
        return self._in_words(message, rounded(abs(change)))

    def formula(self, slope: str) -> str:
        """The sentence as a formula, without its =; `slope` is the cell with the slope.

        The number is rounded and not formatted by TEXT, whose patterns depend on the country.
        """
        size = f"ABS({slope}*{self.step:.10g})"
        number = f"ROUND({size},{SIGNIFICANT - 1}-INT(LOG10({size})))"
        stays, rises, falls = (
            "&".join(
                piece
                for part in self._in_words(message, _NUMBER).partition(_NUMBER)
                for piece in ([number] if part == _NUMBER else _quoted(part))
            )
            for message in (STAYS, RISES, FALLS)
        )
        return f"IF({slope}=0,{stays},IF({slope}>0,{rises},{falls}))"

    def _in_words(self, message: str, change: str) -> str:
        step = f"{self.step:.10g}"
        return tr(message, input=self.title, step=step, result=self.result, change=change)


LONGEST_TEXT = 255  # characters of a text in a formula


def _quoted(text: str) -> list[str]:
    """A text as pieces that a formula may have."""
    ends = range(0, len(text), LONGEST_TEXT)
    return [quote(text[start : start + LONGEST_TEXT]) for start in ends]


def rounded(number: float) -> str:
    """A number with the digits that an effect has."""
    return f"{float(f'{number:.{SIGNIFICANT}g}'):.10g}"


# Labels -----------------------------------------------------------------------


def label(book: Book, cell: Address) -> str:
    """The words beside a cell or, in a table, those of its row and of its column; '' if none.

    A heading counts if no blank cell is between; a block of numbers may have one at its corner.
    """
    beside = _words(book, cell - 1) if column_of(cell) else ""
    if beside:
        return beside
    left, _ = _before(book, cell, ACROSS)
    above, _ = _before(book, cell, DOWN)
    if left and above and left != above:
        return f"{left}, {above}"[:LONGEST_LABEL]
    if left or above:
        return left or above
    _, first = _before(book, cell, ACROSS)
    corner, _ = _before(book, first, DOWN)
    return corner or _tidy(book.label(cell, ACROSS)) or _tidy(book.label(cell, DOWN))


def _before(book: Book, cell: Address, axis: Axis) -> tuple[str, Address]:
    """The text before a run of cells without blanks that ends here, and the run's first cell."""
    for _ in range(min(axis.along(cell), MOST_BEFORE)):
        words = _words(book, cell - axis.step)
        if words or book.is_blank(cell - axis.step) or book.is_text(cell - axis.step):
            return words, cell
        cell -= axis.step
    return "", cell


def _words(book: Book, cell: Address) -> str:
    """A text that may be a label."""
    value = book.values.get(cell) if book.is_text(cell) else None
    return _tidy(value) if isinstance(value, str) and len(value) <= LONGEST_LABEL else ""


def _tidy(words: str) -> str:
    """A label without the signs that lead to the value beside it."""
    return " ".join(words.split()).rstrip(" :=")


def label_or_name(book: Book, cell: Address) -> str:
    return label(book, cell) or book.name_of(cell)


# Sensitivities ----------------------------------------------------------------


def step_of(value: float) -> float:
    """A step of suitable size: 1 for 100, 0.1 for 1.2, but 0.01 for 20 %, and 10,000 for
    2,500,000."""
    if not isfinite(value) or not value:
        return 1.0
    tens = math.floor(math.log10(abs(value)))
    if tens < 1:
        return float(f"1e{max(tens - 1, -300)}")
    return 1.0 if tens < 3 else float(f"1e{tens - 2}")


def sensitivities(
    slopes: Slopes, together: Sequence[Sequence[Address]] = ()
) -> tuple[Sensitivity, ...]:
    """The inputs of a result, most sensitive first; each list of `together` counts as one."""
    book, result = slopes.book, slopes.result
    fill_in(book, slopes.flow)
    grouped = {cell for cells in together for cell in cells}
    inputs = [tuple(cells) for cells in together if cells]
    inputs += [(cell,) for cell in slopes.inputs if cell not in grouped]
    numbers, nudges = slopes.values(), _Nudges(slopes)
    outcome = nudges.base(result)

    def sensitivity(cells: tuple[Address, ...]) -> Sensitivity:
        values = [nudges.base(cell) for cell in cells]
        each = [numbers.get(cell, 0.0) for cell in cells]
        share = sum(a * b for a, b in zip(values, each, strict=True))
        elasticity = share / outcome if share and outcome and isfinite(share / outcome) else None
        first, last = book.name_of(cells[0]), name_of(cells[-1])
        return Sensitivity(
            cell=cells[0],
            name=first if len(cells) == 1 else f"{first}:{last}",  # which count as one
            label=label(book, cells[0]),
            value=sum(values) / len(values),
            slope=sum(each),
            elasticity=elasticity,
            step=step_of(sum(values) / len(values)),
            nudged=None,
            result=label_or_name(book, result),
            cells=cells,
        )

    def size(one: Sensitivity) -> tuple[float, Address]:
        effect = abs(one.slope) * max(abs(one.value), one.step)
        return -effect if isfinite(effect) else math.inf, one.cell

    listed = sorted(map(sensitivity, inputs), key=size)
    return tuple(nudges.checked(listed))


class _Nudges:
    """The result with an input a little larger and smaller, by computing the formulas again."""

    def __init__(self, slopes: Slopes) -> None:
        self.slopes = slopes
        self.cells = Evaluation(slopes.book, slopes.flow)
        self.cells.known.update(
            (cell, value) for cell, value in slopes.book.values.items() if value is not None
        )
        patterns = slopes.book.patterns
        is_rounded = any(ROUNDING.search(patterns[cell].key) for cell in slopes.order)
        self.size, self.size_at_0 = (NUDGE_IF_ROUNDED, 1.0) if is_rounded else (NUDGE, NUDGE)
        self.users: defaultdict[Address, list[Address]] = defaultdict(list)
        for cell in slopes.order:
            for source in dict.fromkeys(slopes.flow.sources(cell)):
                self.users[source].append(cell)

    def base(self, cell: Address) -> float:
        """A cell's value as the book has it."""
        return self.cells.value(cell)

    def checked(self, listed: Sequence[Sensitivity]) -> Iterator[Sensitivity]:
        """The sensitivities with the slopes by nudges, as long as they take little time."""
        left = MOST_NUDGED
        for sensitivity in listed:
            affected = self._affected(sensitivity.cells) if left > 0 else set()
            left -= 2 * sum(len(self.slopes.flow.sources(cell)) for cell in affected)
            if left > 0:
                slope = self.slope(sensitivity.cells, sensitivity.value, affected)
                yield Sensitivity(
                    **{**vars(sensitivity), "nudged": slope if isfinite(slope) else None}
                )
            else:
                yield sensitivity

    def slope(self, cells: Sequence[Address], value: float, affected: set[Address]) -> float:
        step = abs(value) * self.size if abs(value) > ALMOST_0 else self.size_at_0
        rest = {c: v for c, v in self.cells.known.items() if c not in affected}
        ends = []
        for change in (step, -step):
            numbers = {cell: self.base(cell) + change for cell in cells}
            ends.append(self.cells.with_numbers(numbers, rest).value(self.slopes.result))
        return (ends[0] - ends[1]) / (2 * step)

    def _affected(self, cells: Sequence[Address]) -> set[Address]:
        """The formulas on the way that depend on the cells."""
        seen, waiting = set(cells), list(cells)
        while waiting:
            for user in self.users.get(waiting.pop(), ()):
                if user not in seen:
                    seen.add(user)
                    waiting.append(user)
        return seen.difference(cells)
