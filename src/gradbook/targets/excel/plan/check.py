"""The check of gradients: what nudged weights do to the error, and how near a gradient must be.

A measured slope is exact up to three things: the digits that two nearly equal errors share and
lose, the way the curve bends within the nudge, and a share of the slope itself. The sheet allows
these and no more, so the verdict stays the same whether an error is 1000 or 1E-25.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, reduce
from math import isfinite, prod
from operator import or_

import numpy as np
from xlsxwriter.utility import xl_col_to_name, xl_range_abs

from gradbook.errors import TargetError
from gradbook.graph.node import Array, Node, ancestors
from gradbook.graph.reference import Values, evaluate
from gradbook.language import mark, tr
from gradbook.net import Net
from gradbook.net.step import Step
from gradbook.targets.excel.language import SAYS, quote, sentence
from gradbook.targets.excel.language import digits as typed
from gradbook.targets.excel.plan.columns import forward_values
from gradbook.targets.excel.plan.layout import BASE_SAMPLE, ColumnBlock, RunLayout

# Each weight nudged up and down ----------------------------------------------

NUDGE = 1e-5
BEND = 1e-3  # of the slope: a difference between its two sides that is a corner's, not a curve's
BESIDE = 1e-4  # of that difference: how far from one side's slope a gradient may be
MOST_CELLS, MOST_VALUES = 150_000, 1_000_000  # on the working sheet; computed for it, parts too
MOST_OF_EPOCHS = 30_000  # cells of the passes that check epochs
CORNERS = ("relu", "largest", "choose")
STEPPED = ("level", "stepped")
SQUARES = ("half_square", "square")
BASE_ROW, FIRST_ROW = 4, 8  # of the weights as they are, and of the pass with them


@dataclass(frozen=True)
class Slope:
    """What a nudge down and a nudge up measure, of an error that is `error` without one."""

    error: float
    below: float
    above: float
    size: float  # of the largest value on the way

    @property
    def value(self) -> float:
        return (self.above - self.below) / (2 * NUDGE)

    @property
    def left(self) -> float:
        return (self.error - self.below) / NUDGE

    @property
    def right(self) -> float:
        return (self.above - self.error) / NUDGE


NONE_MEASURED = (
    "a sheet checks gradients by nudging weights, and what has few bits jumps or stays: give one "
    "layer a bias, or weights that are any numbers, behind the last 'quantize'"
)


def measured(step: Step) -> list[Node]:
    """The trained weights whose slopes nudges show: not those of few bits and those that only set
    a scale of theirs, nor those whose values have few bits: these jump or stay."""
    every = ancestors([step.loss])
    few = {*ancestors([x for node in every if node.op.name in STEPPED for x in node.inputs])}
    found = [weight for weight in step.trained if weight not in few]
    if not found:
        raise TargetError(NONE_MEASURED)
    return found


@dataclass(frozen=True)
class Nudges:
    """Two forward passes for each weight that is checked; all weights where they are few.

    A pass has cells for what its weight changes. The rest it takes from the pass with all weights
    as they are.
    """

    step: Step
    sheet: str
    data_row: int
    given: dict[Node, str]

    @cached_property
    def values(self) -> list[Node]:
        return forward_values(self.step)

    @cached_property
    def weights(self) -> list[Node]:
        """Those that are checked, spread evenly where all would be too many."""
        trained = measured(self.step)
        cells = sum(
            self._height(value) * self._changed_by[value].bit_count() for value in self.values
        )
        each = max(1, 2 * cells // max(len(trained), 1))
        computed = 2 * len(ancestors(self.values))
        most = max(1, min(MOST_CELLS // each, MOST_VALUES // computed))
        if len(trained) <= most:
            return trained
        return [trained[round(k * (len(trained) - 1) / max(most - 1, 1))] for k in range(most)]

    @property
    def summaries(self) -> Summaries:
        """What is said of the gradients, or of those of them that are checked."""
        every = len(self.weights) == len(self.step.gradients)
        return OF_ALL if every else OF_CHECKED

    @cached_property
    def has_corners(self) -> bool:
        return any(node.op.name in CORNERS for node in SAYS.complete(ancestors([self.step.loss])))

    @cached_property
    def _changed_by(self) -> dict[Node, int]:
        """The trained weights that a value depends on, a bit for each."""
        found = {weight: 1 << place for place, weight in enumerate(self.step.trained)}
        for node in ancestors(self.values):
            if node not in found:
                found[node] = reduce(or_, (found[source] for source in node.inputs), 0)
        return found

    def is_changed(self, value: Node, nudged: Node) -> bool:
        return bool(self._changed_by[value] & self._changed_by[nudged])

    def _height(self, value: Node) -> int:
        return self.step.samples if value.each else 1

    # Where -------------------------------------------------------------------

    def base(self, weight: Node) -> str:
        """The cell of a weight as it is."""
        place = self.step.weights.index(weight) + 2
        return f"{xl_col_to_name(place)}${BASE_ROW + 1}"

    @cached_property
    def places(self) -> dict[Node, int]:
        """The column of each value: first those that each sample has."""
        order = sorted(self.values, key=lambda value: not value.each)
        return {value: self.first_column + k for k, value in enumerate(order)}

    @property
    def first_column(self) -> int:
        """Behind the weight that is nudged, what it is then, and the sample."""
        return 2 + (self.step.samples > 1)

    @cached_property
    def as_it_is(self) -> RunLayout:
        """The forward pass with all weights as they are."""
        return self._run(self.values, FIRST_ROW, {})

    def run(self, nudged: Node) -> RunLayout:
        """The forward passes; the nudged weight stands in column B."""
        changed = [value for value in self.values if self.is_changed(value, nudged)]
        as_it_is = {
            value: f"{xl_col_to_name(place)}{BASE_SAMPLE if value.each else f'${FIRST_ROW + 1}'}"
            for value, place in self.places.items()
        }
        kept = {value: as_it_is[value] for value in self.values if value not in set(changed)}
        return self._run(changed, FIRST_ROW + self.step.samples, {**kept, nudged: "$B{e}"})

    def _run(self, values: Sequence[Node], row: int, outside: Mapping[Node, str]) -> RunLayout:
        once, every = (
            {value: self.places[value] for value in values if value.each is each}
            for each in (False, True)
        )
        of_step, of_sample = (
            ColumnBlock(self.sheet, own, row, self.step.samples) for own in (once, every)
        )
        weights = {weight: self.base(weight) for weight in self.step.weights}
        found = {**weights, **self.given, **outside}
        return RunLayout(self.step, of_step, of_sample, found, self.data_row, base_row=FIRST_ROW)

    def area(self, weight: Node) -> str:
        """All cells of a weight's two passes."""
        row = FIRST_ROW + self.step.samples * (1 + 2 * self.weights.index(weight))
        return self._area(row, 2)

    @property
    def area_as_it_is(self) -> str:
        return self._area(FIRST_ROW, 1)

    def _area(self, row: int, passes: int) -> str:
        first, last = self.first_column, self.first_column + len(self.values) - 1
        return str(xl_range_abs(row, first, row + passes * self.step.samples - 1, last))

    @property
    def end(self) -> int:
        """The first row below all passes."""
        return FIRST_ROW + (1 + 2 * len(self.weights)) * self.step.samples

    # What --------------------------------------------------------------------

    @cached_property
    def passes(self) -> dict[Node, tuple[Values, Values]]:
        """All values with a weight nudged up, and with it nudged down."""
        return {
            weight: (self._nudged(weight, NUDGE), self._nudged(weight, -NUDGE))
            for weight in self.weights
        }

    def _nudged(self, weight: Node, by: float) -> Values:
        changed = {weight: self.step.start[weight] + by}
        return evaluate(self.values, {**self.step.data, **self.step.start, **changed})

    @cached_property
    def pass_as_it_is(self) -> Values:
        return evaluate(self.values, {**self.step.data, **self.step.start})

    @cached_property
    def slopes(self) -> dict[Node, Slope]:
        loss, known = self.step.loss, self.pass_as_it_is
        return {
            weight: Slope(
                float(known[loss]),
                float(down[loss]),
                float(up[loss]),
                self.size([known, up, down]),
            )
            for weight, (up, down) in self.passes.items()
        }

    def size(self, passes: Sequence[Values]) -> float:
        """Of the largest value in some passes, inputs and targets among them; at least 1."""
        met = [values[node] for values in passes for node in self.values]
        met += [self.step.data[leaf] for leaf in (*self.step.inputs, *self.step.targets)]
        return largest_size(met)


def largest_size(values: Sequence[Array]) -> float:
    return max(1.0, *(float(np.abs(value).max()) for value in values))


# All weights nudged together, in every epoch ---------------------------------

# The slope along a direction is the sum of ∂E/∂w times each weight's part of it, so two forward
# passes an epoch hold all its gradients against one measured number. No two parts are alike, lest
# two gradients that are swapped go unseen; all are positive, so that units which stand at a corner
# open to the same side.

GOLDEN = (np.sqrt(5) - 1) / 2  # its multiples spread evenly over the unit interval


@dataclass(frozen=True)
class EpochNudges:
    """Two forward passes for each epoch; `record` has the weights that each begins with."""

    step: Step
    sheet: str
    epochs: int
    row: int  # of the direction; names and passes stand below it
    data_row: int
    given: Mapping[Node, str]
    record: Mapping[Node, Array]

    @cached_property
    def values(self) -> list[Node]:
        return forward_values(self.step)

    @cached_property
    def chosen(self) -> list[int]:
        """The epochs that are checked, from 0: all, or as many as fit, spread evenly."""
        once = [value for value in self.values if not value.each]
        each = len(self.values) - len(once)
        cells = 2 * (len(self.step.weights) + len(once) + each * self.step.samples)
        most = max(2, MOST_OF_EPOCHS // cells)
        if self.epochs <= most:
            return list(range(self.epochs))
        return [round(k * (self.epochs - 1) / (most - 1)) for k in range(most)]

    @cached_property
    def direction(self) -> dict[Node, float]:
        """Each trained weight's part, of a direction as long as 1; none of those of few bits."""
        moved = set(measured(self.step))
        numbers = np.arange(1, len(self.step.trained) + 1)
        parts = 0.5 + np.mod(GOLDEN * numbers, 1)
        parts *= [weight in moved for weight in self.step.trained]
        parts /= np.linalg.norm(parts)
        return dict(zip(self.step.trained, parts.tolist(), strict=True))

    # Where --------------------------------------------------------------------

    @property
    def first_column(self) -> int:
        """Behind the epoch, the way that is nudged, and the sample where there are several."""
        return 2 + (self.step.samples > 1)

    @property
    def first_row(self) -> int:
        """Of the passes, below the direction and the names."""
        return self.row + 2

    @cached_property
    def run(self) -> RunLayout:
        """The passes: the one up of an epoch, then the one down, each with weights of its own."""
        stride = self.step.samples
        each = [value for value in self.values if value.each]
        once = [value for value in self.values if not value.each]
        fixed = [weight for weight in self.step.weights if weight not in self.direction]
        order = [*self.direction, *fixed, *each, *once]
        places = {node: self.first_column + k for k, node in enumerate(order)}
        of_step = {node: places[node] for node in (*self.step.weights, *once)}
        return RunLayout(
            self.step,
            ColumnBlock(self.sheet, of_step, self.first_row, stride),
            ColumnBlock(self.sheet, {node: places[node] for node in each}, self.first_row, stride),
            self.given,
            self.data_row,
        )

    @property
    def last_column(self) -> int:
        return self.first_column + len(self.step.weights) + len(self.values) - 1

    def part_cell(self, weight: Node) -> str:
        return f"{self.run.of_step.column(weight)}${self.row + 1}"

    def area(self, number: int) -> str:
        """All cells of an epoch's two passes."""
        first, last = (xl_col_to_name(place) for place in (self.first_column, self.last_column))
        top = self.run.of_step.row(2 * number) + 1
        return f"${first}${top}:${last}${top + 2 * self.step.samples - 1}"

    @property
    def parts(self) -> str:
        """The direction's cells, above the trained weights, which come first."""
        first = xl_col_to_name(self.first_column)
        last = xl_col_to_name(self.first_column + len(self.direction) - 1)
        return f"${first}${self.row + 1}:${last}${self.row + 1}"

    # What ---------------------------------------------------------------------

    @cached_property
    def passes(self) -> list[tuple[Values, Values]]:
        """Of each epoch that is checked: all values nudged up, and nudged down."""
        return [(self._pass(epoch, NUDGE), self._pass(epoch, -NUDGE)) for epoch in self.chosen]

    def _pass(self, epoch: int, by: float) -> Values:
        weights: Values = {
            weight: self.record[weight][epoch] + by * self.direction.get(weight, 0.0)
            for weight in self.step.weights
        }
        found = evaluate(self.values, {**self.step.data, **self.step.start, **weights})
        return {**found, **weights}

    def slope(self, number: int) -> Slope:
        up, down = self.passes[number]
        loss = self.step.loss
        met = [values[node] for values in (up, down) for node in self.run.of_step.columns]
        met += [values[node] for values in (up, down) for node in self.run.of_sample.columns]
        met += [self.step.data[leaf] for leaf in (*self.step.inputs, *self.step.targets)]
        error = float(self.record[loss][self.chosen[number]])
        return Slope(error, float(down[loss]), float(up[loss]), largest_size(met))

    def along(self, number: int) -> float:
        """The slope along the direction, by the gradients."""
        epoch = self.chosen[number]
        return float(
            sum(
                part * self.record[self.step.gradients[weight]][epoch]
                for weight, part in self.direction.items()
            )
        )


# How near a gradient must be, as a formula and in numbers --------------------

AGREES, DIFFERS = mark("agrees"), mark("differs")
OPEN, NO_NUMBER = mark("to fill in"), mark("no number")
NEAR = 1e-6  # of the slope
CURVED = 10.0  # of what the curve bends within the nudge
LOST_DIGITS = 64 * 2.0**-52  # of the largest value on the way: what its rounding comes to
MOST_CURVE, MOST_CORNER = 1e4, 1e2  # how far an error may bend: beyond that it is spoilt itself


@dataclass(frozen=True)
class Tolerance:
    """That of one network: how its loss passes on rounding, and whether it has corners."""

    squares: bool
    has_corners: bool
    most_curve: float = MOST_CURVE

    @staticmethod
    def of(net: Net, has_corners: bool) -> Tolerance:
        """Where all that a normalisation is given is equal, it divides by √ε: each output's square
        then bends by up to 1/ε."""
        steepest = max((1 / layer.epsilon for layer in net.layers if layer.epsilon), default=0.0)
        most = max(MOST_CURVE, prod(net.shapes[-1]) * steepest)
        return Tolerance(net.objective.op in SQUARES, has_corners, most)

    # In numbers ---------------------------------------------------------------

    def verdict(self, gradient: float, slope: Slope) -> str:
        """What the sheet's own formula says of a gradient that is filled in."""
        if not isfinite(slope.value):
            return NO_NUMBER
        if not isfinite(gradient):
            return DIFFERS
        if not isfinite(self.allowed(gradient, slope)):
            return NO_NUMBER
        return AGREES if self.agrees(gradient, slope) else DIFFERS

    def agrees(self, gradient: float, slope: Slope) -> bool:
        if _bend(slope) > self.most_bend * slope.size * slope.size:
            return False
        allowed = self.allowed(gradient, slope)
        off = abs(gradient - slope.value)
        if off <= allowed or not self.has_corners:
            return off <= allowed
        left, right = slope.left, slope.right
        apart = abs(right - left)
        curved = CURVED * NUDGE * slope.size
        if apart > max(BEND * max(abs(left), abs(right)), curved):
            beside = min(abs(gradient - left), abs(gradient - right))
            return beside <= BESIDE * apart + allowed
        return off <= apart / 2 + allowed  # the slope itself has a corner, as that of an ELU

    @property
    def most_bend(self) -> float:
        """Of the square of the largest value."""
        return MOST_CORNER * NUDGE if self.has_corners else self.most_curve * NUDGE * NUDGE

    def allowed(self, gradient: float, slope: Slope) -> float:
        pull = 2 * max(slope.above, slope.below, 0.0) ** 0.5 if self.squares else 1.0
        reach = NUDGE * slope.size
        own = (NEAR + reach * reach) * max(abs(gradient), abs(slope.value))
        lost = LOST_DIGITS * slope.size * pull / NUDGE
        return own + CURVED * slope.size * _bend(slope) + lost

    # In a sheet ---------------------------------------------------------------

    def allowed_formula(self, cells: CheckCells) -> str:
        c = cells
        pull = f"2*SQRT(MAX({c.below},{c.above},0))" if self.squares else "1"
        own = f"({typed(NEAR)}+({c.nudge}*{c.size})^2)*MAX(ABS({c.gradient}),ABS({c.slope}))"
        lost = f"{typed(LOST_DIGITS)}*{c.size}*{pull}/{c.nudge}"
        return f"{own}+{typed(CURVED)}*{c.size}*{c.bend}+{lost}"

    def verdict_formula(self, cells: CheckCells) -> str:
        c = cells
        near = f"ABS({c.gradient}-{c.slope})<={c.allowed}"
        if self.has_corners:
            left, right = (
                f"(({c.error}-{c.below})/{c.nudge})",
                f"(({c.above}-{c.error})/{c.nudge})",
            )
            apart = f"ABS({right}-{left})"
            curved = f"{typed(CURVED)}*{c.nudge}*{c.size}"
            bent = f"{apart}>MAX({typed(BEND)}*ABS({left}),{typed(BEND)}*ABS({right}),{curved})"
            nearer = f"MIN(ABS({c.gradient}-{left}),ABS({c.gradient}-{right}))"
            beside = f"{nearer}<={typed(BESIDE)}*{apart}+{c.allowed}"
            between = f"ABS({c.gradient}-{c.slope})<={apart}/2+{c.allowed}"
            near = f"OR({near},IF({bent},{beside},{between}))"
        factor = (
            f"{typed(MOST_CORNER)}" if self.has_corners else f"{typed(self.most_curve)}*{c.nudge}"
        )
        smooth = f"{c.bend}<={factor}*{c.nudge}*{c.size}^2"
        agrees, differs, to_do, no_number = (
            quote(tr(word)) for word in (AGREES, DIFFERS, OPEN, NO_NUMBER)
        )
        return (
            f"IF(NOT(ISNUMBER({c.slope})),{no_number},"
            f"IF(ISNUMBER({c.gradient}),IF(ISNUMBER({c.allowed}),"
            f"IF(AND({smooth},{near}),{agrees},{differs}),{no_number}),"
            f"IF(ISERROR({c.gradient}),{differs},{to_do})))"
        )


@dataclass(frozen=True)
class CheckCells:
    """Where a line of the check has its numbers: in its row, and the others anywhere."""

    row: int
    error: str  # without a nudge
    size: str  # of the largest value on the way
    nudge: str

    @property
    def gradient(self) -> str:
        return f"D{self.row}"

    @property
    def below(self) -> str:
        return f"E{self.row}"

    @property
    def above(self) -> str:
        return f"F{self.row}"

    @property
    def slope(self) -> str:
        return f"G{self.row}"

    @property
    def allowed(self) -> str:
        return f"I{self.row}"

    @property
    def bend(self) -> str:
        return f"ABS({self.above}+{self.below}-2*{self.error})"


def _bend(slope: Slope) -> float:
    """How far the error without a nudge is from the middle of those with one, twice."""
    return abs(slope.above + slope.below - 2 * slope.error)


@dataclass(frozen=True)
class Summaries:
    """What is said of all gradients in one epoch."""

    agree: str
    differ: str
    to_do: str


OF_ALL = Summaries(
    mark("all {total} gradients agree in epoch {epoch}"),
    mark("{count} of {total} gradients differ in epoch {epoch}"),
    mark("{count} of {total} gradients to fill in"),
)
OF_CHECKED = Summaries(
    mark("all {total} checked gradients agree in epoch {epoch}"),
    mark("{count} of {total} checked gradients differ in epoch {epoch}"),
    mark("{count} of {total} checked gradients to fill in"),
)
NONE_THERE = mark("no numbers in epoch {epoch}")
NO_EPOCH = mark("there is no epoch {epoch}: they go from 1 to {last}")
TYPE_ONE = mark("type an epoch")
ONE_DIFFERS = mark("{count} of {total} epochs differs, the first is epoch {first}")
SOME_DIFFER = mark("{count} of {total} epochs differ, the first is epoch {first}")
EPOCHS_TO_DO = mark("{count} of {total} epochs to fill in")
EVERY_AGREES = mark("the gradients agree in all {total} epochs")
CHECKED_AGREE = mark("the gradients agree in {total} of {every} epochs")
OTHERS_NONE = mark("the gradients agree in {count} epochs; the others have no numbers")
SUMMARIES = {
    **dict.fromkeys((OF_ALL.differ, OF_CHECKED.differ, ONE_DIFFERS, SOME_DIFFER), DIFFERS),
    NO_EPOCH: DIFFERS,
    **dict.fromkeys((OF_ALL.to_do, OF_CHECKED.to_do, EPOCHS_TO_DO), OPEN),
    NONE_THERE: NO_NUMBER,
    **dict.fromkeys((OF_ALL.agree, OF_CHECKED.agree), AGREES),
    **dict.fromkeys((EVERY_AGREES, CHECKED_AGREE, OTHERS_NONE), AGREES),
}  # each with the verdict whose colour it has


def summary(verdicts: Sequence[str], said: Summaries, epoch: int) -> str:
    """What the sheet says of all gradients in the epoch that is looked at."""
    total = len(verdicts)
    count = verdicts.count
    if count(AGREES) == total:
        return tr(said.agree, total=total, epoch=epoch)
    if count(DIFFERS):
        return tr(said.differ, count=count(DIFFERS), total=total, epoch=epoch)
    if count(OPEN):
        return tr(said.to_do, count=count(OPEN), total=total)
    return tr(NONE_THERE, epoch=epoch)


def summary_formula(verdicts: str, total: int, said: Summaries, epoch: str, epochs: int) -> str:
    """The same by formula, which also tells an epoch that the table doesn't have."""
    counts = {word: f"COUNTIF({verdicts},{quote(tr(word))})" for word in (AGREES, DIFFERS, OPEN)}
    there = f"AND({epoch}>=1,{epoch}<={epochs},{epoch}=INT({epoch}))"
    agree = sentence(tr(said.agree, total=total, epoch="{epoch}"), epoch=epoch)
    differ = sentence(
        tr(said.differ, total=total, count="{count}", epoch="{epoch}"),
        count=counts[DIFFERS],
        epoch=epoch,
    )
    to_do = sentence(tr(said.to_do, total=total, count="{count}"), count=counts[OPEN])
    none = sentence(tr(NONE_THERE), epoch=epoch)
    unknown = sentence(tr(NO_EPOCH, epoch="{epoch}", last=epochs), epoch=epoch)
    return (
        f"=IF(ISNUMBER({epoch}),IF({there},"
        f"IF({counts[AGREES]}={total},{agree},"
        f"IF({counts[DIFFERS]}>0,{differ},"
        f"IF({counts[OPEN]}>0,{to_do},{none}))),"
        f"{unknown}),{quote(tr(TYPE_ONE))})"
    )


def epochs_summary(verdicts: Sequence[str], epochs: Sequence[int], of: int) -> str:
    """What the sheet says of all epochs together; `epochs` are those that are checked."""
    total, count = len(verdicts), verdicts.count
    if count(DIFFERS):
        first = epochs[list(verdicts).index(DIFFERS)]
        said = ONE_DIFFERS if count(DIFFERS) == 1 else SOME_DIFFER
        return tr(said, count=count(DIFFERS), total=total, first=first)
    if count(OPEN):
        return tr(EPOCHS_TO_DO, count=count(OPEN), total=total)
    if count(AGREES) == total:
        return _agree(total, of)
    return tr(OTHERS_NONE, count=count(AGREES))


def _agree(total: int, of: int) -> str:
    """That all epochs do, or all that are checked."""
    if total == of:
        return tr(EVERY_AGREES, total=total)
    return tr(CHECKED_AGREE, total=total, every=of)


def epochs_formula(verdicts: str, numbers: str, total: int, of: int) -> str:
    """The same by formula: every row of the table counts."""
    counts = {
        word: f"SUMPRODUCT(--({verdicts}={quote(tr(word))}))" for word in (AGREES, DIFFERS, OPEN)
    }
    differ, opened = counts[DIFFERS], counts[OPEN]
    first = f"INDEX({numbers},MATCH({quote(tr(DIFFERS))},{verdicts},0))"
    one, some = (
        sentence(tr(said, total=total, count="{count}", first="{first}"), count=differ, first=first)
        for said in (ONE_DIFFERS, SOME_DIFFER)
    )
    to_do = sentence(tr(EPOCHS_TO_DO, total=total, count="{count}"), count=opened)
    others = sentence(tr(OTHERS_NONE), count=counts[AGREES])
    return (
        f"=IF({differ}>0,IF({differ}=1,{one},{some}),"
        f"IF({opened}>0,{to_do},"
        f"IF({counts[AGREES]}={total},{quote(_agree(total, of))},{others})))"
    )
