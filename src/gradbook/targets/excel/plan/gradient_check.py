"""The check of gradients: how nudged weights change the error, and how near a gradient must be.

A measured slope is exact except for three things: the leading digits that two nearly equal errors
share, the curvature within the nudge, and a small fraction of the slope itself. The sheet allows
for these and no more, so the verdict stays the same whether an error is 1000 or 1E-25.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, reduce
from math import prod
from operator import or_

import numpy as np
from xlsxwriter.utility import xl_col_to_name, xl_range_abs

from gradbook.cells.formula.syntax import Reference
from gradbook.errors import TargetError
from gradbook.graph.node import Array, Node, ancestors
from gradbook.graph.reference import Values, evaluate
from gradbook.language import mark, tr
from gradbook.net import Net
from gradbook.net.formulas import Formulas
from gradbook.net.step import Step
from gradbook.targets.excel.live import LiveValue, call, message_with, same, when
from gradbook.targets.excel.plan.cell_layout import BASE_SAMPLE, ColumnBlock, RunLayout
from gradbook.targets.excel.plan.column_order import forward_values, gradients
from gradbook.targets.excel.spellings import SAYS

NUDGE_NAME, EPOCH_NAME = "nudge", "checked_epoch"
NUDGE = 1e-5
BEND = 1e-3  # of the slope: if its two sides differ by more, it is a corner rather than a curve
BESIDE = 1e-4  # of that difference: the most a gradient may be away from one side's slope
MOST_CELLS, MOST_VALUES = 150_000, 1_000_000  # on the working sheet; computed, inner values too
MOST_OF_EPOCHS = 30_000  # cells for the passes that check epochs
CORNERS = ("relu", "largest", "choose")
STEPPED = ("level", "stepped")
SQUARES = ("half_square", "square")
BASE_ROW, FIRST_ROW = 4, 8  # of the weights without a nudge, and of the pass with them
GIVEN_SIZE = "$B$3"  # on the working sheet: the largest input or target
SIZE_AS_IT_IS = "$D$3"  # the largest value in the pass without a nudge

NONE_MEASURED = (
    "a sheet checks gradients by nudging weights, and rounded values jump or don't change at all: "
    "give one layer behind the last 'quantize' a bias or weights that aren't rounded"
)


def measured(step: Step) -> list[Node]:
    """The trained weights whose slopes a nudge can measure: no rounding follows them, neither of
    themselves nor of a value or a scale that they affect, since rounded values jump or stay."""
    every = ancestors([step.loss])
    few = {*ancestors([x for node in every if node.op.name in STEPPED for x in node.inputs])}
    smooth = [weight for weight in step.trained if weight not in few]
    if not smooth:
        raise TargetError(NONE_MEASURED)
    return smooth


@dataclass(frozen=True)
class ForwardPasses:
    """What all passes with nudged weights have in common: columns of a working sheet."""

    step: Step
    sheet: str
    data_row: int
    references: Mapping[Node, str]

    @cached_property
    def values(self) -> list[Node]:
        return forward_values(self.step)

    @property
    def first_column(self) -> int:
        """After the nudged weight, its value and, with several samples, the sample's number."""
        return 2 + (self.step.samples > 1)

    def tables(self, places: Mapping[Node, int], row: int) -> tuple[ColumnBlock, ColumnBlock]:
        """The cells of values per step, and of values per sample."""
        once, each = (
            ColumnBlock(
                self.sheet,
                {node: place for node, place in places.items() if node.each is is_each},
                row,
                self.step.samples,
            )
            for is_each in (False, True)
        )
        return once, each

    def computed(self, weights: Mapping[Node, Array]) -> Values:
        """A forward pass with these weights in place of the start weights."""
        values = evaluate(self.values, {**self.step.data, **self.step.start, **weights})
        return {**values, **weights}


@dataclass(frozen=True)
class Nudges(ForwardPasses):
    """Two forward passes for each checked weight; all weights are checked if there are few.

    A pass has cells for the values that its weight changes. Its formulas refer to the pass
    without a nudge for all others.
    """

    @cached_property
    def weights(self) -> list[Node]:
        """The weights to check, evenly spread if checking all would take too many cells."""
        trained = measured(self.step)
        cells = sum(
            (self.step.samples if value.each else 1) * self._changed_by[value].bit_count()
            for value in self.values
        )
        each = max(1, 2 * cells // max(len(trained), 1))
        computed = 2 * len(ancestors(self.values))
        most = max(1, min(MOST_CELLS // each, MOST_VALUES // computed))
        if len(trained) <= most:
            return trained
        return [trained[round(k * (len(trained) - 1) / max(most - 1, 1))] for k in range(most)]

    @cached_property
    def has_corners(self) -> bool:
        return any(node.op.name in CORNERS for node in SAYS.complete(ancestors([self.step.loss])))

    @cached_property
    def _changed_by(self) -> dict[Node, int]:
        """The trained weights that a value depends on, as a bit mask."""
        weights_of = {weight: 1 << place for place, weight in enumerate(self.step.trained)}
        for node in ancestors(self.values):
            if node not in weights_of:
                weights_of[node] = reduce(or_, (weights_of[source] for source in node.inputs), 0)
        return weights_of

    # Places ------------------------------------------------------------------

    def base(self, weight: Node) -> str:
        """The cell of a weight without a nudge."""
        place = self.step.weights.index(weight) + 2
        return f"{xl_col_to_name(place)}${BASE_ROW + 1}"

    @cached_property
    def places(self) -> dict[Node, int]:
        """The column of each value: first the values per sample."""
        order = sorted(self.values, key=lambda value: not value.each)
        return {value: self.first_column + k for k, value in enumerate(order)}

    @cached_property
    def as_it_is(self) -> RunLayout:
        """The forward pass without a nudge."""
        return self._run(self.values, FIRST_ROW, {})

    def run(self, nudged: Node) -> RunLayout:
        """The forward passes of a nudged weight, whose value is in column B."""
        bit = self._changed_by[nudged]
        changed = [value for value in self.values if self._changed_by[value] & bit]
        kept = {
            value: f"{xl_col_to_name(place)}{BASE_SAMPLE if value.each else f'${FIRST_ROW + 1}'}"
            for value, place in self.places.items()
            if not self._changed_by[value] & bit
        }
        return self._run(changed, FIRST_ROW + self.step.samples, {**kept, nudged: "$B{e}"})

    def _run(self, values: Sequence[Node], row: int, outside: Mapping[Node, str]) -> RunLayout:
        tables = self.tables({value: self.places[value] for value in values}, row)
        weights = {weight: self.base(weight) for weight in self.step.weights}
        elsewhere = {**weights, **self.references, **outside}
        return RunLayout(self.step, *tables, elsewhere, self.data_row, base_row=FIRST_ROW)

    def area(self, weight: Node | None = None) -> str:
        """All cells of a weight's two passes, or of the pass without a nudge."""
        number = 0 if weight is None else 1 + 2 * self.weights.index(weight)
        row, passes = FIRST_ROW + self.step.samples * number, 1 if weight is None else 2
        first, last = self.first_column, self.first_column + len(self.values) - 1
        return str(xl_range_abs(row, first, row + passes * self.step.samples - 1, last))

    @property
    def end(self) -> int:
        """The first row below all passes."""
        return FIRST_ROW + (1 + 2 * len(self.weights)) * self.step.samples

    # Values ------------------------------------------------------------------

    @cached_property
    def passes(self) -> dict[Node, tuple[Values, Values]]:
        """All values with a weight nudged up, and with it nudged down."""

        def nudged(weight: Node, by: float) -> Values:
            return self.computed({weight: self.step.start[weight] + by})

        return {weight: (nudged(weight, NUDGE), nudged(weight, -NUDGE)) for weight in self.weights}

    @cached_property
    def pass_as_it_is(self) -> Values:
        return self.computed({})

    @property
    def data_size(self) -> float:
        """The magnitude of the largest input or target, at least 1."""
        leaves = (*self.step.inputs, *self.step.targets)
        return max([1.0, *(float(np.abs(self.step.data[leaf]).max()) for leaf in leaves)])

    @property
    def size_as_it_is(self) -> LiveValue:
        """The magnitude of the largest value in the pass without a nudge."""
        typed = LiveValue.at(GIVEN_SIZE, self.data_size)
        area = LiveValue.at(self.area(), _every(self.values, [self.pass_as_it_is]))
        return _largest(typed, area)


def _every(nodes: Sequence[Node], passes: Sequence[Values]) -> Array:
    return np.concatenate([np.ravel(values[node]) for values in passes for node in nodes])


def _largest(known: LiveValue, area: LiveValue) -> LiveValue:
    """The largest magnitude among a known one and the values of an area."""
    return call("MAX", known, call("MAX", area), -call("MIN", area))


# All weights nudged together, in every epoch ---------------------------------

# The slope along a direction is the sum of ∂E/∂w times the direction's components, so two forward
# passes per epoch compare all its gradients with one measured number. No two components are equal,
# or swapping two gradients would go unnoticed; all are positive, so that all units at a corner are
# pushed to the same side.

GOLDEN = (np.sqrt(5) - 1) / 2  # its multiples modulo 1 are evenly spread


@dataclass(frozen=True)
class EpochNudges(ForwardPasses):
    """Two forward passes for each epoch; `record` contains the weights that each starts with."""

    epochs: int
    row: int  # of the direction; names and passes are below it
    record: Mapping[Node, Array]

    @cached_property
    def chosen(self) -> list[int]:
        """The epochs to check, from 0: all, or as many as fit, evenly spread."""
        once = [value for value in self.values if not value.each]
        each = len(self.values) - len(once)
        cells = 2 * (len(self.step.weights) + len(once) + each * self.step.samples)
        most = max(2, MOST_OF_EPOCHS // cells)
        if self.epochs <= most:
            return list(range(self.epochs))
        return [round(k * (self.epochs - 1) / (most - 1)) for k in range(most)]

    @cached_property
    def direction(self) -> dict[Node, float]:
        """Each trained weight's component of a unit vector; 0 if it can't be measured."""
        moved = set(measured(self.step))
        numbers = np.arange(1, len(self.step.trained) + 1)
        parts = 0.5 + np.mod(GOLDEN * numbers, 1)
        parts *= [weight in moved for weight in self.step.trained]
        parts /= np.linalg.norm(parts)
        return dict(zip(self.step.trained, parts.tolist(), strict=True))

    @cached_property
    def run(self) -> RunLayout:
        """The passes: an epoch's pass up, then its pass down, each with its own weights."""
        fixed = [weight for weight in self.step.weights if weight not in self.direction]
        values = sorted(self.values, key=lambda value: not value.each)
        order = [*self.direction, *fixed, *values]
        places = {node: self.first_column + k for k, node in enumerate(order)}
        once, each = self.tables(places, self.row + 2)
        return RunLayout(self.step, once, each, self.references, self.data_row)

    @property
    def last_column(self) -> int:
        return self.first_column + len(self.step.weights) + len(self.values) - 1

    def area(self, number: int) -> str:
        """All cells of an epoch's two passes."""
        top = self.run.of_step.row(2 * number)
        bottom = top + 2 * self.step.samples - 1
        return str(xl_range_abs(top, self.first_column, bottom, self.last_column))

    @property
    def parts(self) -> str:
        """The cells of the direction's components, above the trained weights, which come first."""
        last = self.first_column + len(self.direction) - 1
        return str(xl_range_abs(self.row, self.first_column, self.row, last))

    @cached_property
    def passes(self) -> list[tuple[Values, Values]]:
        """For each checked epoch: all values nudged up, and nudged down."""

        def nudged(epoch: int, by: float) -> Values:
            parts = {it: by * self.direction.get(it, 0.0) for it in self.step.weights}
            return self.computed({it: self.record[it][epoch] + part for it, part in parts.items()})

        return [(nudged(epoch, NUDGE), nudged(epoch, -NUDGE)) for epoch in self.chosen]

    def along(self, epoch: int) -> float:
        """The slope along the direction, computed from the gradients."""
        slopes = self.step.gradients
        terms = (part * self.record[slopes[it]][epoch] for it, part in self.direction.items())
        return float(sum(terms))


# The tolerance of a gradient -------------------------------------------------

AGREES, DIFFERS = mark("agrees"), mark("differs")
OPEN, NO_NUMBER = mark("to fill in"), mark("no number")
NEAR = 1e-6  # of the slope
CURVED = 10.0  # times the curvature within the nudge
LOST_DIGITS = 64 * 2.0**-52  # of the largest value on the path: the effect of rounding it
MOST_CURVE, MOST_CORNER = 1e4, 1e2  # the most an error may bend; more means that it is wrong
NUDGED = LiveValue.at(NUDGE_NAME, NUDGE)


@dataclass(frozen=True)
class CheckLine:
    """The contents of a line's cells, from the gradient on."""

    gradient: LiveValue
    below: LiveValue
    above: LiveValue
    slope: LiveValue
    apart: LiveValue
    allowed: LiveValue
    verdict: LiveValue

    @property
    def cells(self) -> tuple[LiveValue, ...]:
        return tuple(vars(self).values())


@dataclass(frozen=True)
class Tolerance:
    """One network's tolerance: how its loss passes on rounding, and whether it has corners."""

    squares: bool
    has_corners: bool
    most_curve: float = MOST_CURVE

    @staticmethod
    def of(net: Net | Formulas, has_corners: bool) -> Tolerance:
        """If all inputs of a normalisation are equal, it divides by √ε: the square of each output
        then has a second derivative of up to 1/ε."""
        if isinstance(net, Formulas):
            return Tolerance(False, has_corners)
        steepest = max((1 / layer.epsilon for layer in net.layers if layer.epsilon), default=0.0)
        most = max(MOST_CURVE, prod(net.shapes[-1]) * steepest)
        return Tolerance(net.objective.op in SQUARES, has_corners, most)

    def line(
        self,
        row: int,
        gradient: LiveValue,
        nudged: tuple[LiveValue, LiveValue],
        error: LiveValue,
        size: LiveValue,
    ) -> CheckLine:
        """The slope measured from an error nudged down and up, the gradient's distance from it,
        and the distance allowed. `size` is the largest magnitude on the path."""

        def cell(column: str, held: LiveValue) -> LiveValue:
            return LiveValue(Reference(f"{column}{row}"), held.value)

        by_formula, below, above = map(cell, "DEF", (gradient, *nudged))
        slope = (above - below) / (2 * NUDGED)
        measured = cell("G", slope)
        off, bend = _absolute(by_formula - measured), _absolute(above + below - 2 * error)
        pull = 2 * call("SQRT", call("MAX", below, above, 0)) if self.squares else 1
        of_slope = (NEAR + (NUDGED * size) ** 2) * call(
            "MAX", _absolute(by_formula), _absolute(measured)
        )
        allowed = of_slope + CURVED * size * bend + LOST_DIGITS * size * pull / NUDGED
        is_blank = same(by_formula, "")
        most = cell("I", when(is_blank, "", allowed))
        near = off <= most
        if self.has_corners:
            near = call(
                "OR", near, self._near_a_corner(by_formula, (below, above), error, size, most, off)
            )
        factor = MOST_CORNER * NUDGED if self.has_corners else self.most_curve * NUDGED * NUDGED
        agrees = call("AND", bend <= factor * size**2, near)
        verdict = when(
            call("NOT", call("ISNUMBER", measured)),
            tr(NO_NUMBER),
            when(
                call("ISNUMBER", by_formula),
                when(call("ISNUMBER", most), when(agrees, tr(AGREES), tr(DIFFERS)), tr(NO_NUMBER)),
                when(call("ISERROR", by_formula), tr(DIFFERS), tr(OPEN)),
            ),
        )
        blank = when(is_blank, "", off)
        return CheckLine(gradient, *nudged, slope, blank, when(is_blank, "", allowed), verdict)

    def _near_a_corner(
        self,
        gradient: LiveValue,
        nudged: tuple[LiveValue, LiveValue],
        error: LiveValue,
        size: LiveValue,
        most: LiveValue,
        off: LiveValue,
    ) -> LiveValue:
        """Whether the gradient is the slope on one side, or lies between both slopes if the slope
        itself has a corner, as an ELU's does."""
        left, right = (error - nudged[0]) / NUDGED, (nudged[1] - error) / NUDGED
        apart = _absolute(right - left)
        steepest = (BEND * _absolute(side) for side in (left, right))
        bent = apart > call("MAX", *steepest, CURVED * NUDGED * size)
        nearer = call("MIN", *(_absolute(gradient - side) for side in (left, right)))
        return when(bent, nearer <= BESIDE * apart + most, off <= apart / 2 + most)


def _absolute(part: LiveValue) -> LiveValue:
    return call("ABS", part)


# The summary -----------------------------------------------------------------


@dataclass(frozen=True)
class Summaries:
    """The sentences about all gradients in one epoch."""

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
NO_EPOCH = mark("there is no epoch {epoch}: type a number from 1 to {last}")
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
}  # each with the verdict that decides its colour


def _say(message: str, total: int, **parts: LiveValue | int) -> LiveValue:
    """A sentence that contains the values of cells, in the reader's language."""
    cells = {name: part for name, part in parts.items() if isinstance(part, LiveValue)}
    numbers = {name: part for name, part in parts.items() if not isinstance(part, LiveValue)}
    return message_with(
        tr(message, total=total, **numbers, **{it: f"{{{it}}}" for it in cells}), **cells
    )


def summary(verdicts: LiveValue, messages: Summaries, epoch: LiveValue, epochs: int) -> LiveValue:
    """The sentence about all gradients in the chosen epoch, or that the epoch doesn't exist."""
    total = len(verdicts.value)
    agree, differ, to_do = (call("COUNTIF", verdicts, tr(it)) for it in (AGREES, DIFFERS, OPEN))
    is_one = call("AND", epoch >= 1, epoch <= epochs, same(epoch, call("INT", epoch)))
    verdict = when(
        same(agree, total),
        _say(messages.agree, total, epoch=epoch),
        when(
            differ > 0,
            _say(messages.differ, total, count=differ, epoch=epoch),
            when(
                to_do > 0,
                _say(messages.to_do, total, count=to_do),
                _say(NONE_THERE, total, epoch=epoch),
            ),
        ),
    )
    unknown = _say(NO_EPOCH, total, epoch=epoch, last=epochs)
    return when(call("ISNUMBER", epoch), when(is_one, verdict, unknown), tr(TYPE_ONE))


def epochs_summary(verdicts: LiveValue, numbers: LiveValue, every: int) -> LiveValue:
    """The sentence about all epochs together, if only some of them are checked, too."""
    total = len(verdicts.value)
    agree, differ, to_do = (call("COUNTIF", verdicts, tr(it)) for it in (AGREES, DIFFERS, OPEN))
    first = call("INDEX", numbers, call("MATCH", tr(DIFFERS), verdicts, 0))
    single, several = (
        _say(it, total, count=differ, first=first) for it in (ONE_DIFFERS, SOME_DIFFER)
    )
    agrees = _say(EVERY_AGREES if total == every else CHECKED_AGREE, total, every=every)
    others = when(same(agree, total), agrees, _say(OTHERS_NONE, total, count=agree))
    open_or_not = when(to_do > 0, _say(EPOCHS_TO_DO, total, count=to_do), others)
    return when(differ > 0, when(same(differ, 1), single, several), open_or_not)


# The sheet Check, line by line -----------------------------------------------

TOP = 7  # the first row with a weight


@dataclass(frozen=True)
class GradientCheck:
    """The lines of the sheet: one for each weight in one epoch, and one for each epoch."""

    nudges: Nudges
    epoch_nudges: EpochNudges
    training: RunLayout
    record: Mapping[Node, Array]
    blank: Collection[Node]

    @property
    def step(self) -> Step:
        return self.nudges.step

    @cached_property
    def tolerance(self) -> Tolerance:
        return Tolerance.of(self.step.source, self.nudges.has_corners)

    @property
    def epochs(self) -> int:
        return self.epoch_nudges.epochs

    def in_chosen_epoch(self, node: Node) -> LiveValue:
        cells = self.training.of_step.over_epochs(node, self.epochs)
        value = "" if node in self.blank else self.record[node][0]
        return LiveValue.at(f"INDEX({cells},{EPOCH_NAME})", value)

    def work(self, cells: str, value: object) -> LiveValue:
        """Cells of the working sheet."""
        return LiveValue.at(f"'{self.nudges.sheet}'!{cells}", value)

    @cached_property
    def weight_lines(self) -> list[CheckLine]:
        """A line for each checked weight."""
        plan, loss = self.nudges, self.step.loss
        known = self.work(SIZE_AS_IT_IS, plan.size_as_it_is.value)
        lines = []
        for number, weight in enumerate(plan.weights):
            passes, table = plan.passes[weight], plan.run(weight).of_step
            if loss not in table.columns:  # the weight affects no output
                table = replace(plan.as_it_is.of_step, stride=0)
            up, down = (
                LiveValue.at(table.cell(loss, 2 * number + side), float(values[loss]))
                for side, values in enumerate(passes)
            )
            gradient = self.in_chosen_epoch(self.step.gradients[weight])
            gradient = when(same(gradient, ""), "", gradient)
            size = _largest(known, self.work(plan.area(weight), _every(plan.values, passes)))
            row, error = TOP + 1 + number, self.in_chosen_epoch(loss)
            lines.append(self.tolerance.line(row, gradient, (down, up), error, size))
        return lines

    @property
    def epochs_row(self) -> int:
        """The first epoch's row."""
        return TOP + len(self.nudges.weights) + 5

    @cached_property
    def epoch_lines(self) -> list[CheckLine]:
        """A line for each checked epoch."""
        plan, loss = self.epoch_nudges, self.step.loss
        table, known = plan.run.of_step, self.work(GIVEN_SIZE, self.nudges.data_size)
        nodes = [*plan.run.of_step.columns, *plan.run.of_sample.columns]
        lines = []
        for number, epoch in enumerate(plan.chosen):
            row, passes = self.epochs_row + number + 1, plan.passes[number]
            up, down = (
                LiveValue.at(table.cell(loss, 2 * number + side), float(values[loss]))
                for side, values in enumerate(passes)
            )
            size = _largest(known, self.work(plan.area(number), _every(nodes, passes)))
            error = LiveValue.at(f"C{row}", self.record[loss][epoch])
            lines.append(self.tolerance.line(row, self._along(epoch), (down, up), error, size))
        return lines

    def _along(self, epoch: int) -> LiveValue:
        """The sum of an epoch's gradients times their components; empty while one is blank."""
        nodes, table, plan = gradients(self.step), self.training.of_step, self.epoch_nudges
        last = table.cell(nodes[-1], epoch).rpartition("!")[2]
        cells = f"{table.cell(nodes[0], epoch)}:{last}".replace("$", "")
        parts = f"'{plan.sheet}'!{plan.parts}"
        product = f'IF(COUNT({cells})={len(nodes)},SUMPRODUCT({cells},{parts}),"")'
        value = "" if set(self.blank).intersection(nodes) else plan.along(epoch)
        return LiveValue.at(f"IF(ISERROR(SUM({cells})),SUM({cells}),{product})", value)

    def column(self, letter: str, row: int, values: Sequence[object]) -> LiveValue:
        """Cells below each other, beginning at this row."""
        return LiveValue.at(f"${letter}${row + 1}:${letter}${row + len(values)}", values)

    @cached_property
    def summary(self) -> LiveValue:
        verdicts = self.column("J", TOP, [line.verdict.value for line in self.weight_lines])
        every = len(self.nudges.weights) == len(self.step.gradients)
        messages, epoch = OF_ALL if every else OF_CHECKED, LiveValue.at(EPOCH_NAME, 1)
        return summary(verdicts, messages, epoch, self.epochs)

    @cached_property
    def epochs_summary(self) -> LiveValue:
        verdicts = self.column("J", self.epochs_row, [it.verdict.value for it in self.epoch_lines])
        numbers = [epoch + 1 for epoch in self.epoch_nudges.chosen]
        return epochs_summary(verdicts, self.column("B", self.epochs_row, numbers), self.epochs)
