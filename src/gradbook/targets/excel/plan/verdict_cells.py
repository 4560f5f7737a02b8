"""The cells behind the verdicts on learning rates: one for each measure and each condition.

The criteria of `gradbook.rates.criteria` are written as formulas. Each rate has a row with its
measures, its conditions and its verdict, and a block of columns with values computed from its run.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from xlsxwriter.utility import quote_sheetname, xl_col_to_name, xl_range_abs, xl_rowcol_to_cell

from gradbook.cells.formula.syntax import Expression, Infix, Reference, Text, number, write
from gradbook.cells.formula.syntax import digits as typed
from gradbook.graph.names import gradient_name
from gradbook.language import mark, tr
from gradbook.net.step import Step
from gradbook.rates import criteria as c
from gradbook.rates.criteria import (
    Bound,
    Condition,
    Either,
    Every,
    Inequality,
    Logic,
    Measure,
    Multiple,
    Negated,
    last_part,
)
from gradbook.rates.trial import LayerGate, layer_gates
from gradbook.targets.excel.spellings import call

# The share of the gradient that passes through each layer's activations ------


class GateColumns(LayerGate):
    """A layer's activations, with columns for their slopes and the gradients after and before."""

    @property
    def share_heading(self) -> str:
        """The heading of the share of the arriving gradient that the layer passes on."""
        return tr("share of the gradient that {layer} passes on", layer=self.name)

    @property
    def slope_heading(self) -> str:
        return tr("steepest slope of {layer}", layer=self.name)

    @property
    def headings(self) -> tuple[str, ...]:
        slopes = [f"∂{output.name}/∂{given.name}" for given, output in self.units]
        arriving = [str(gradient_name(output.name)) for _, output in self.units]
        passing = [str(gradient_name(given.name)) for given, _ in self.units]
        return (*(slopes if self.slopes else ()), *arriving, *passing)

    def cells(self, first: int, top: int, samples: int, sheet: str) -> tuple[str, str, str]:
        """The cells of slopes, arriving and passed gradients, if they begin at this column."""
        areas = []
        for kind in (self.slopes, self.arriving, self.passing):
            last = first + max(len(kind), 1) - 1
            area = xl_range_abs(top, first, top + samples - 1, last)
            areas.append(f"{quote_sheetname(sheet)}!{area}")
            first += len(kind)
        slopes, arriving, passing = areas
        return slopes, arriving, passing


def gates_of(step: Step) -> tuple[GateColumns, ...]:
    """One for each layer with activations, from the inputs to the outputs."""
    return tuple(GateColumns(**vars(gate)) for gate in layer_gates(step))


# Cells -------------------------------------------------------------------------


@dataclass(frozen=True)
class EpochCells:
    """A column with a cell for each epoch; its first row is counted from 1."""

    sheet: str
    column: str
    top: int
    count: int

    def at(self, epoch: int) -> str:
        """The cell of an epoch, counted from 0, or from the end if negative."""
        return f"{self._prefix}{self._place(epoch)}"

    def relative_at(self, epoch: int) -> str:
        """The same cell as a relative reference: formulas below each other are then alike."""
        return f"{self._prefix}{self.column}{self.top + epoch % self.count}"

    def between(self, first: int, last: int) -> str:
        return f"{self._prefix}{self._place(first)}:{self._place(last)}"

    @property
    def all(self) -> str:
        return self.between(0, -1)

    @property
    def later(self) -> str:
        """All cells but the first, to pair with `earlier`, which has all but the last."""
        return self.between(1, -1)

    @property
    def earlier(self) -> str:
        return self.between(0, -2)

    def last(self, share: float) -> str:
        return self.between(-last_part(self.count, share), -1)

    def _place(self, epoch: int) -> str:
        return f"${self.column}${self.top + epoch % self.count}"

    @property
    def _prefix(self) -> str:
        return f"{quote_sheetname(self.sheet)}!" if self.sheet else ""


EXCESS, GRADIENT, TURN, ON_THE_WAY, RISING, EXTREME = range(6)  # computed from each rate's run
FOLLOWING = (
    mark("excess"),
    mark("size of ∂E/∂w"),
    mark("direction change"),
    mark("on the way down"),
    mark("rising"),
    mark("last minimum or maximum"),
)
HEAD, FACTS, LEAST_ROW, LOWEST_ROW, ATTAINED_ROW = 7, 8, 3, 4, 5  # rows, from 0
LEAST_CELL, LOWEST_CELL, ATTAINED_CELL = (
    f"$B${row + 1}" for row in (LEAST_ROW, LOWEST_ROW, ATTAINED_ROW)
)
MEASURES = tuple(found for found in vars(c).values() if isinstance(found, Measure))
CONDITIONS = tuple(found for found in vars(c).values() if isinstance(found, Condition))
SOUND_LOW, RESTS_ON, VERDICT = mark("lowest loss"), mark("settles at"), mark("verdict")


@dataclass(frozen=True)
class VerdictCells:
    """The place of everything on the working sheet."""

    epochs: int
    rates: int
    gates: tuple[GateColumns, ...]

    @cached_property
    def headings(self) -> tuple[str, ...]:
        """The headings of the rates' rows, from the left."""
        shares = [gate.share_heading for gate in self.gates]
        slopes = [gate.slope_heading for gate in self.steep]
        further = (SOUND_LOW, RESTS_ON, VERDICT)
        measures = [measure.name for measure in MEASURES]
        conditions = [condition.name for condition in CONDITIONS]
        return (*measures, *shares, *slopes, *conditions, *further)

    def shown(self, heading: str) -> str:
        """The heading in the reader's language; those of layers are already translated."""
        of_gates = {
            title for gate in self.gates for title in (gate.share_heading, gate.slope_heading)
        }
        return heading if heading in of_gates else tr(heading)

    @property
    def steep(self) -> tuple[GateColumns, ...]:
        """The hidden layers whose slopes are known."""
        return tuple(gate for gate in self.gates if gate.is_hidden and gate.slopes)

    @property
    def epochs_row(self) -> int:
        """The first epoch's row, from 0, below the rows of the rates."""
        return FACTS + self.rates + 4

    def place(self, heading: str) -> int:
        return self.headings.index(heading)

    def cell(self, heading: str, rate: int) -> str:
        return str(xl_rowcol_to_cell(FACTS + rate, self.place(heading), col_abs=True))

    def over_rates(self, heading: str) -> str:
        column, last = xl_col_to_name(self.place(heading)), FACTS + self.rates
        return f"${column}${FACTS + 1}:${column}${last}"

    def following(self, rate: int, kind: int, sheet: str = "") -> EpochCells:
        """The cells of one kind that are computed from a rate's run."""
        column = xl_col_to_name(1 + rate * len(FOLLOWING) + kind)
        return EpochCells(sheet, column, self.epochs_row + 1, self.epochs)


def size_of_verdicts(step: Step, epochs: int) -> int:
    """The number of cells that a rate's verdict takes."""
    slopes = sum(len(gate.nodes) for gate in gates_of(step)) * step.samples
    return epochs * len(FOLLOWING) + slopes + len(MEASURES) + len(CONDITIONS)


# Formulas computed from a run --------------------------------------------------


def following_formulas(
    losses: EpochCells, gradients: Sequence[str], cells: VerdictCells, rate: int
) -> Iterator[tuple[int, int, str]]:
    """The kind, the epoch and the formula of each cell that is computed from a run.

    `gradients` has one range per epoch, with the cells of all its gradients.
    """
    kinds = range(len(FOLLOWING))
    excess, _, _, way, rising, extreme = (cells.following(rate, kind) for kind in kinds)
    first = excess.at(0)
    for epoch in range(losses.count):
        yield EXCESS, epoch, f"=MAX({losses.relative_at(epoch)}-{LEAST_CELL},0)"
        yield GRADIENT, epoch, f"=SQRT(SUMSQ({gradients[epoch]}))"
        now = excess.relative_at(epoch)
        if not epoch:
            yield from ((kind, 0, text) for kind, text in ((ON_THE_WAY, "=1"), (RISING, "=0")))
            yield EXTREME, 0, f"={now}"
            continue
        before, was, last = (x.relative_at(epoch - 1) for x in (excess, rising, extreme))
        yield TURN, epoch, f"=SUMPRODUCT({gradients[epoch]},{gradients[epoch - 1]})"
        on = f"AND({way.relative_at(epoch - 1)}=1,{before}>{typed(c.BOTTOM)}*{first})"
        yield ON_THE_WAY, epoch, f"=IF({on},1,0)"
        up = f"IF({now}>{c.RISE}*MIN({last},{now}),1,0)"
        down = f"IF({c.RISE}*{now}<MAX({last},{now}),0,1)"
        yield RISING, epoch, f"=IF({was}=0,{up},{down})"
        on_and_on = f"IF({was}=0,MIN({last},{now}),MAX({last},{now}))"
        yield EXTREME, epoch, f"=IF({rising.relative_at(epoch)}<>{was},{now},{on_and_on})"


# The formulas of a rate's row ----------------------------------------------------


@dataclass(frozen=True)
class RateRow:
    """The formulas of one rate; `gate_cells` has each gate's slopes and gradients."""

    cells: VerdictCells
    number: int
    rate: str
    losses: EpochCells
    gate_cells: dict[str, tuple[str, str, str]]

    def formula(self, heading: str) -> str:
        return f"={self._formulas[heading]}"

    @cached_property
    def _formulas(self) -> dict[str, str]:
        measures = self._measures()
        formulas = {measure.name: self._guarded(measures[measure], '""') for measure in MEASURES}
        formulas[c.NO_NUMBERS.name] = measures[c.NO_NUMBERS]
        for gate in self.cells.gates:
            formulas[gate.share_heading] = self._guarded(self._share(gate), '""')
        for gate in self.cells.steep:
            slopes = self.gate_cells[gate.name][0]
            steepest = f"MAX(MAX({slopes}),-MIN({slopes}))"
            formulas[gate.slope_heading] = self._guarded(steepest, '""')
        for condition in CONDITIONS:
            condition_text = write(self._spelled(condition.meaning))
            formulas[condition.name] = self._guarded(condition_text, "FALSE")
        formulas[c.BROKEN.name] = write(self._spelled(c.BROKEN.meaning))
        return formulas | self._ends()

    def _measures(self) -> dict[Measure, str]:
        loss = self.losses
        excess, gradient, turn, way, rising, _ = (
            self.cells.following(self.number, kind) for kind in range(len(FOLLOWING))
        )
        late, quarter = excess.last(c.LATE), last_part(loss.count, c.LATE)
        up = f"{loss.between(1 - quarter, -1)}>{loss.between(-quarter, -2)}"
        start, goal = loss.at(0), ATTAINED_CELL
        left = f"MAX({loss.at(-1)}-{goal},0)/({start}-{goal})"
        return {
            c.RATE: self.rate,
            c.NO_NUMBERS: f"{loss.count}-SUMPRODUCT(--ISNUMBER({loss.all}),"
            f"--ISNUMBER({gradient.all}))",
            c.START: start,
            c.START_SIZE: f"ABS({start})",
            c.END: loss.at(-1),
            c.SPAN: f"MAX({loss.all})-MIN({loss.all})",
            c.LATEST_HIGH: f"MAX({loss.last(c.LATEST)})",
            c.FIRST: excess.at(0),
            c.LAST: excess.at(-1),
            c.HIGHEST: f"MAX({excess.all})",
            c.LATE_LOW: f"MIN({late})",
            c.MOVEMENT: f"IF(MAX({late})=0,0,(MAX({late})-MIN({late}))/MAX({late}))",
            c.LATE_STEPS: str(quarter - 1),
            c.LATE_RISES: f"SUMPRODUCT(--({up}))",
            c.LEAST: LEAST_CELL,
            c.LEFT: f"IF({start}>{goal},{left},0)",
            c.FIRST_GRADIENT: gradient.at(0),
            c.FADING: f"IF(MAX({gradient.all})=0,0,{gradient.at(-1)}/MAX({gradient.all}))",
            c.TURNS: f"SUMPRODUCT(--({turn.later}<0),{way.later})",
            c.STEPS: f"SUM({way.later})",
            c.RISES: f"SUMPRODUCT(--({rising.later}>{rising.earlier}),{way.later})",
            c.SHARE: self._least(gate.share_heading for gate in self.cells.gates),
            c.SHARE_OF_ALL: self._least(g.share_heading for g in self.cells.gates if g.covers),
            c.STEEPEST: self._least(gate.slope_heading for gate in self.cells.steep),
        }

    def _share(self, gate: GateColumns) -> str:
        _, arriving, passing = self.gate_cells[gate.name]
        arrives = f"SUMPRODUCT(ABS({arriving}))"
        return f"IF({arrives}=0,1,SUMPRODUCT(ABS({passing}))/{arrives})"

    def _least(self, headings: Iterable[str]) -> str:
        cells_of = [self.cells.cell(heading, self.number) for heading in headings]
        return f"MIN({','.join(cells_of)})" if cells_of else "1"

    def _guarded(self, formula: str, otherwise: str) -> str:
        """The formula, unless the run breaks: then all other results are left out."""
        return f"IF({self._cell(c.NO_NUMBERS)}>0,{otherwise},{formula})"

    def _ends(self) -> dict[str, str]:
        """The formulas of the lowest known losses, and of the verdict."""
        out = f"OR({self._cell(c.BROKEN)},{self._cell(c.IS_SATURATED)})"
        rests = f"AND({self._cell(c.SETTLED)},NOT({self._cell(c.FROZEN)}))"
        way = f"{typed(c.AS_LOW)}*({self.losses.at(0)}-{LOWEST_CELL})"
        low = f"IF({self.losses.at(-1)}-{LOWEST_CELL}<={way},{self.losses.at(-1)},"
        verdict: Expression = Text(tr(c.OTHERWISE))
        for condition, word in reversed(c.DECISIONS):
            verdict = call("IF", self._spelled(condition), Text(tr(word)), verdict)
        return {
            SOUND_LOW: f'IF({out},"",MIN({self.losses.all}))',
            RESTS_ON: f'IF({rests},{low}""),"")',
            VERDICT: write(verdict),
        }

    def _cell(self, fact: Measure | Condition) -> str:
        return self.cells.cell(fact.name, self.number)

    def _spelled(self, condition: Logic) -> Expression:
        match condition:
            case Condition():
                return Reference(self._cell(condition))
            case Negated(part):
                return call("NOT", self._spelled(part))
            case Every(parts):
                return call("AND", *map(self._spelled, parts))
            case Either(parts):
                return call("OR", *map(self._spelled, parts))
            case Inequality(left, sign, right):
                return Infix(sign, Reference(self._cell(left)), self._bound(right))
        raise AssertionError(f"no condition: {condition}")

    def _bound(self, bound: Bound) -> Expression:
        match bound:
            case Measure():
                return Reference(self._cell(bound))
            case Multiple(factor, measure):
                return Infix("*", number(factor), Reference(self._cell(measure)))
            case _:
                return number(bound)


# Shared by all rates -------------------------------------------------------------


def lowest_formula(cells: VerdictCells) -> str:
    """The lowest loss among the rates that train or come to rest, or the lowest possible."""
    lows = cells.over_rates(SOUND_LOW)
    return f"=IF(COUNT({lows})=0,{LEAST_CELL},MIN({lows}))"


def attained_formula(cells: VerdictCells, start: str) -> str:
    """The loss at which the best rate came to rest, if it is above the lowest possible."""
    lows = cells.over_rates(RESTS_ON)
    way = f"{typed(c.AS_LOW)}*({start}-{LOWEST_CELL})"
    return (
        f"=IF(COUNT({lows})=0,{LEAST_CELL},"
        f"IF(MIN({lows})-{LEAST_CELL}>{way},MIN({lows}),{LEAST_CELL}))"
    )


def least_formula(step: Step, targets: str, outputs: int) -> str:
    """The loss of perfect outputs: the entropy of the targets, or 0."""
    entropy = "SUMPRODUCT({0},LN({0}+({0}<=0)))"
    loss = step.net.objective
    if not loss.is_entropy:
        return "=0"
    if loss.of_all:
        return f"=-{entropy.format(targets)}/{step.samples}"
    both = f"{entropy.format(targets)}+{entropy.format(f'(1-{targets})')}"
    return f"=-({both})/{step.samples * outputs}"
