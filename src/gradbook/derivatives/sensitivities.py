"""The inputs of a result, most sensitive first: how much each matters, and a sentence about it.

Every slope is confirmed in a second way, by computing the formulas again with the input a little
larger and smaller; what isn't confirmed says so.
"""

from __future__ import annotations

import math
import random
import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from math import isfinite, nan

from gradbook.cells.evaluate import fill_in
from gradbook.cells.formula.address import Address, name_of
from gradbook.cells.formula.syntax import quote
from gradbook.cells.slopes import Slopes
from gradbook.derivatives.labels import Known, counted, label, label_or_name
from gradbook.language import mark, numeral, tr

SIGNIFICANT = 3  # digits of an effect
STRENGTHS = (0.01, 0.1, 1.0)  # % per %, from which a cell is coloured slightly … strongly
NUDGES = 1e-4, 1e-6  # relative to the value
NUDGES_IF_ROUNDED = 1e-2, 1e-1  # a small one shows only the rounding
CLOSE, CLOSE_IF_ROUNDED = 1e-3, 2e-2  # relative: that far a nudge may be from a slope
MOST_ALONE, MOST_TOGETHER = 40, 500  # inputs that are nudged alone, and usually at once
CLOSE_TOGETHER = 1e-6  # relative to the sum of their effects
NOISE = 1e-12  # of a result, relative
ALMOST_0 = 1e-12  # whose share would be lost in the result
ROUNDING = re.compile(r"\bM?ROUND(?:UP|DOWN)?\(", re.IGNORECASE)
MOST_NUDGED = 5_000_000  # cells that formulas use which are computed again for nudges

RISES = mark("If {input} rises by {step}, {result} rises by about {change}")
FALLS = mark("If {input} rises by {step}, {result} falls by about {change}")
STAYS = mark("If {input} rises by {step}, {result} stays as it is")
NOWHERE = mark("{result} has no derivative by {input} at these numbers")
HEADER = mark("{input} counts from {first} to {last}: a header, not an amount to change")
_NUMBER = "\x00"  # stands for the number in a sentence that a formula completes


@dataclass(frozen=True)
class Sensitivity:
    """How a result depends on an input: a cell, or several that count as one."""

    cell: Address
    name: str  # Model!B6
    label: str  # the words beside it
    value: float  # of the cell; the mean of several
    slope: float  # the derivative of the result, or its change by a step of one
    elasticity: float | None  # % per %; None where the input or the result is 0
    step: float  # of a size that suits the value
    nudged: float | None  # the slope by nudging the input; None if that wasn't computed
    result: str  # its label, or its name
    cells: tuple[Address, ...]  # more than one if they count as one input
    is_confirmed: bool = False  # by the nudge
    by_one: bool = False  # it is a whole number, as FACT needs: the slope is that of a step of one
    header: tuple[float, float] | None = None  # the first and last number of Year 1, 2, 3 …

    @property
    def title(self) -> str:
        """The input's label and name."""
        named = f"{self.label} ({self.name})" if self.label else self.name
        return tr("each of {cells}", cells=named) if len(self.cells) > 1 else named

    @property
    def sentence(self) -> str:
        """If Volatility (Model!B6) rises by 0.01, Call price rises by about 0.341"""
        if self.header is not None:
            first, last = (f"{end:.10g}" for end in self.header)
            return tr(HEADER, input=self.title, first=first, last=last)
        change = self.slope * self.step
        if math.isnan(change):
            return tr(NOWHERE, input=self.title, result=self.result)
        message = STAYS if not change else RISES if change > 0 else FALLS
        return self._in_words(message, rounded(abs(change)))

    @property
    def is_live(self) -> bool:
        """Whether a formula can follow its input."""
        return not self.by_one and self.header is None and not math.isnan(self.slope)

    @property
    def remark(self) -> str:
        """What a reader has to know of the slope; '' if a nudge has confirmed it."""
        if self.is_confirmed:
            return tr("a whole number: by a step of one") if self.by_one else ""
        if self.nudged is None:
            return tr("not confirmed")
        return tr("not confirmed: a nudge gives {number}", number=numeral(f"{self.nudged:.5g}"))

    @property
    def note(self) -> str:
        """The remark, and whether it is a header."""
        if self.header is None:
            return self.remark
        first, last = (f"{end:.10g}" for end in self.header)
        header = tr("a header: {first} to {last}", first=first, last=last)
        return f"{header}; {self.remark}" if self.remark else header

    @property
    def full_sentence(self) -> str:
        """The sentence with the remark."""
        remark = self.remark
        return f"{self.sentence} ({remark})" if remark else self.sentence

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
    """The inputs of a result, most sensitive first and headers last; each list of `together` counts
    as one."""
    book, result = slopes.book, slopes.result
    fill_in(book, slopes.flow)
    grouped = {cell for cells in together for cell in cells}
    inputs = [tuple(cells) for cells in together if cells]
    inputs += [(cell,) for cell in slopes.inputs if cell not in grouped]
    numbers, nudges = slopes.values(), _Nudges(slopes)
    outcome, called = nudges.base(result), label_or_name(book, result)
    labels: Known = {}

    def sensitivity(cells: tuple[Address, ...]) -> Sensitivity:
        values = [nudges.base(cell) for cell in cells]
        by_cell = [numbers.get(cell, 0.0) for cell in cells]
        if cells[0] in slopes.counts and len(cells) == 1:
            return nudges.by_one(combined(cells, values, by_cell))
        return combined(cells, values, by_cell)

    def combined(
        cells: tuple[Address, ...], values: Sequence[float], by_cell: Sequence[float]
    ) -> Sensitivity:
        share = sum(a * b for a, b in zip(values, by_cell, strict=True))
        elasticity = share / outcome if share and outcome and isfinite(share / outcome) else None
        first, last = book.name_of(cells[0]), name_of(cells[-1])
        return Sensitivity(
            cell=cells[0],
            name=first if len(cells) == 1 else f"{first}:{last}",  # which count as one
            label=label(book, cells[0], labels),
            value=sum(values) / len(values),
            slope=sum(by_cell),
            elasticity=elasticity,
            step=step_of(sum(values) / len(values)),
            nudged=None,
            result=called,
            cells=cells,
            header=counted(book, slopes.flow, cells[0]) if len(cells) == 1 else None,
        )

    def size(entry: Sensitivity) -> tuple[bool, float, Address]:
        effect = abs(entry.slope) * max(abs(entry.value), entry.step)
        return entry.header is not None, -effect if isfinite(effect) else math.inf, entry.cell

    listed = sorted(map(sensitivity, inputs), key=size)
    return tuple(nudges.checked(listed))


class _Nudges:
    """The result with an input a little larger and smaller, by computing the formulas again."""

    def __init__(self, slopes: Slopes) -> None:
        self.slopes, self.cells = slopes, slopes.cells
        for cell in (*slopes.inputs, *slopes.order):
            self.cells.of(cell)
        patterns = slopes.book.patterns
        is_rounded = any(ROUNDING.search(patterns[cell].key) for cell in slopes.order)
        self.sizes, self.close = (
            (NUDGES_IF_ROUNDED, CLOSE_IF_ROUNDED) if is_rounded else (NUDGES, CLOSE)
        )
        self.left = MOST_NUDGED
        self.users: defaultdict[Address, list[Address]] = defaultdict(list)
        for cell in slopes.flow.in_order([slopes.result])[0]:
            for source in dict.fromkeys(slopes.flow.sources(cell)):
                self.users[source].append(cell)

    def base(self, cell: Address) -> float:
        """A cell's value as the book has it."""
        return self.cells.value(cell)

    def checked(self, listed: Sequence[Sensitivity]) -> Iterator[Sensitivity]:
        """The sensitivities, the first with the slopes by nudges of their own, the others checked
        many at a time."""
        waiting = [entry for entry in listed if not entry.by_one]
        checked: dict[Address, Sensitivity] = {}
        half = self.left // 2
        for entry in waiting[:MOST_ALONE]:
            if self.left > half:
                checked[entry.cell] = self._checked(entry)
        rest = [entry for entry in waiting if entry.cell not in checked]
        once = 2 * sum(len(self.slopes.flow.sources(cell)) for cell in self.slopes.order)
        groups = max(self.left // max(once, 1), 1)
        size = max(MOST_TOGETHER, -(-len(rest) // groups))
        for start in range(0, len(rest), size):
            group = rest[start : start + size]
            if self._agree_together(group):
                checked |= {entry.cell: replace(entry, is_confirmed=True) for entry in group}
            else:
                checked |= {entry.cell: self._checked(entry) for entry in group}
        return (checked.get(entry.cell, entry) for entry in listed)

    def _agree_together(self, group: Sequence[Sensitivity]) -> bool:
        """Whether a nudge of many inputs at once has the effect that their slopes add up to.

        Each is nudged so far that all effects have the same size, and up or down by chance, so that
        one wrong slope isn't lost among the others.
        """
        draw = random.Random(len(group))
        steps: dict[Address, float] = {}
        most = self.sizes[0]
        effects = [abs(entry.slope) * max(abs(entry.value), most) * most for entry in group]
        least = min(filter(None, effects), default=0.0)
        expected = together = 0.0
        for entry, effect in zip(group, effects, strict=True):
            step = max(abs(entry.value), most) * most * (least / effect if effect else 1.0)
            step *= draw.choice((1, -1))
            steps |= dict.fromkeys(entry.cells, step)
            expected += entry.slope * step
            together += abs(entry.slope * step)
        ends = [
            self._after({c: self.base(c) + sign * step for c, step in steps.items()}, affected)
            for affected in [self._affected(list(steps))]
            for sign in (1, -1)
        ]
        apart = abs((ends[0] - ends[1]) / 2 - expected)
        noise = NOISE * abs(self.base(self.slopes.result))
        return isfinite(apart) and apart <= CLOSE_TOGETHER * together + noise

    def _checked(self, entry: Sensitivity) -> Sensitivity:
        affected = self._affected(entry.cells)
        nudged = None
        for size in self.sizes:
            step = abs(entry.value) * size if abs(entry.value) > ALMOST_0 else size
            slope = self._slope(entry.cells, step, affected)
            if not isfinite(slope):
                break
            nudged = slope if nudged is None else nudged
            if self._agrees(entry.slope, slope, step):
                return replace(entry, nudged=slope, is_confirmed=True)
        return replace(entry, nudged=nudged)

    def _agrees(self, slope: float, nudged: float, step: float) -> bool:
        noise = NOISE * abs(self.base(self.slopes.result)) / step
        return abs(slope - nudged) <= self.close * max(abs(slope), abs(nudged)) + noise

    def by_one(self, entry: Sensitivity) -> Sensitivity:
        """How much the result changes if a whole number rises by one."""
        after = self._after({entry.cell: entry.value + 1}, self._affected(entry.cells))
        change = after - self.base(self.slopes.result)
        known = change if isfinite(change) else None
        return replace(
            entry,
            slope=nan if known is None else known,
            nudged=known,
            elasticity=None,
            step=1.0,
            is_confirmed=known is not None,
            by_one=True,
        )

    def _slope(self, cells: Sequence[Address], step: float, affected: Collection[Address]) -> float:
        ends = [
            self._after({cell: self.base(cell) + change for cell in cells}, affected)
            for change in (step, -step)
        ]
        return (ends[0] - ends[1]) / (2 * step)

    def _after(self, numbers: dict[Address, float], affected: Collection[Address]) -> float:
        """The result with other numbers in some cells; NaN if that would take too long."""
        self.left -= sum(len(self.slopes.flow.sources(cell)) for cell in affected)
        if self.left < 0:
            return nan
        return self.cells.value_after(self.slopes.result, numbers, affected)

    def _affected(self, cells: Sequence[Address]) -> set[Address]:
        """The formulas on the way that depend on the cells."""
        if self.left < 0:
            return set()
        seen, waiting = set(cells), list(cells)
        while waiting:
            for user in self.users.get(waiting.pop(), ()):
                if user not in seen:
                    seen.add(user)
                    waiting.append(user)
        return seen.difference(cells)
