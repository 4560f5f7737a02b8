"""Finds numbers for some cells of a workbook at which another is lowest, highest or as wanted.

Bounds are kept, and other cells keep their limits.
The slopes are exact, so that few evaluations are needed. What is found is a place around which no
better one is near; there may be better ones far away.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from math import inf, isfinite

from gradbook.cells.book import Book, show_value
from gradbook.cells.budget import BudgetSpent, spend_exactly
from gradbook.cells.compiled_cells import CompiledCells, moving_cells
from gradbook.cells.constrained_descent import (
    KEPT,
    ConstrainedPoint,
    Kept,
    descend_within,
)
from gradbook.cells.descent import (
    DescentEnd,
    NumberBounds,
    Numbers,
    SlopedPoint,
    descend,
    dot,
    left_over,
)
from gradbook.cells.flow import Flow
from gradbook.cells.formula.address import Address
from gradbook.cells.formula.formula_values import LeadsBack, TooMuch
from gradbook.cells.recomputation import Disagreement, recomputed
from gradbook.cells.slopes import disagreement, is_unclear, settled_flow
from gradbook.errors import UsageError
from gradbook.language.message import Message

MOST_INPUTS, MOST_LIMITS = 5_000, 200
MOST_EVALUATIONS = 6_000
REACHED = 1e-9  # relative: how near a value has to come to the one that it should reach
NEAR = 1e-3  # relative: how far cells are moved to see whether a place is what it seems
NEARER = (1e-5, 1e-7, 1e-9)
FAR = 1e15  # times the value before: it has no end there
NOISE = 1e-13  # relative: what the last digits of a value are worth
TINY = 1e-17  # … of the value before
SEEN = 100  # times the noise: what a slope has to change to count
TURNED = 0.1  # of a slope, that it has on the other side of a corner
SLOPES_TOO = 3  # times what the values cost
MOST_TRIED = 40  # cells that are moved one by one
GOLDEN = 0.6180339887498949
AGAIN = 5  # descents that go on from a lower place beside the last one


class SolverGoal(Enum):
    """What the result should be."""

    SMALLEST = "min"
    LARGEST = "max"
    REACHED = "to"


class Relation(Enum):
    """How a cell should compare with its limit."""

    AT_MOST = "<="
    AT_LEAST = ">="
    EQUAL = "="
    WHOLE = "whole"


@dataclass(frozen=True)
class CellLimit:
    """What a cell has to keep: a number, or what another cell shows."""

    cell: Address
    relation: Relation
    bound: float | Address = 0.0
    of_cell: bool = False  # whether the bound is a cell


@dataclass(frozen=True)
class SolverProgress:
    """How far a search has come."""

    evaluations: int
    value: float
    violation: float  # of the limits, relative to their sizes


class SolutionKind(Enum):
    """What kind of place was found."""

    SLOPELESS = "slopeless"  # no slope is left: the value is smallest or largest around it
    LIMITED = "limited"  # … but for those that bounds and limits stop
    REACHED = "reached"
    MISSED = "missed"  # the value can't be reached near here
    CORNER = "corner"  # it rises on all sides, with slopes
    JUMP = "jump"  # the value jumps beside it
    FLAT = "flat"  # the value doesn't change around it
    ENDLESS = "endless"  # the value has no end
    BROKEN = "broken"  # the limits can't all be kept near here
    UNFINISHED = "unfinished"
    STOPPED = "stopped"


@dataclass(frozen=True)
class Solution:
    """The numbers that were found, and how good they are."""

    kind: SolutionKind
    goal: SolverGoal
    numbers: Mapping[Address, float]
    value: float
    start: float  # the value before
    slope: float  # the largest that neither bounds nor limits stop
    steepest: Address | None  # the cell by which it is
    broken: tuple[tuple[CellLimit, float], ...]  # limits that aren't kept, and by how much
    evaluations: int

    @property
    def is_good(self) -> bool:
        """Whether the goal is reached, as far as slopes can say."""
        return self.kind in (*SMOOTH, SolutionKind.REACHED, SolutionKind.CORNER)


SMOOTH = (SolutionKind.SLOPELESS, SolutionKind.LIMITED)


class _Stopped(Exception):
    """The caller has stopped the search."""


class _TooLong(Exception):
    """A search took too many evaluations."""


Watch = Callable[[SolverProgress], bool]


def solve(
    book: Book,
    result: Address,
    inputs: Sequence[Address],
    goal: SolverGoal = SolverGoal.SMALLEST,
    *,
    to: float = 0.0,
    limits: Sequence[CellLimit] = (),
    watch: Watch = lambda progress: True,
    flow: Flow | None = None,
) -> Solution:
    """Numbers for the inputs at which the result is smallest, largest, or `to`.

    Limits of inputs are their bounds. To reach a value, the inputs change as little as possible.
    `watch` is called after each evaluation, and says whether to go on.

    Raises:
        UsageError: The cells can't be solved for; the message says why.
    """
    return _SolverSearch(book, result, inputs, goal, to, limits, watch, flow).run()


class _SolverSearch:
    """One result that is solved for."""

    def __init__(
        self,
        book: Book,
        result: Address,
        inputs: Sequence[Address],
        goal: SolverGoal,
        to: float,
        limits: Sequence[CellLimit],
        watch: Watch,
        flow: Flow | None,
    ) -> None:
        self.book, self.result, self.goal, self.to = book, result, goal, to
        self.inputs = tuple(dict.fromkeys(inputs))
        self.watch, self.evaluations = watch, 0
        self._refuse_inputs()
        self._refuse_whole(limits)
        moving = set(self.inputs)
        bounds = [x for x in limits if x.cell in moving and not x.of_cell]
        self.limits = [x for x in limits if x not in bounds]
        self._require_few()
        self.cells = self._compiled(settled_flow(book, flow))
        start = [self.cells.value(cell) for cell in self.inputs]
        self.low, self.high = low, high = self._bounds(bounds)
        self.sizes = [
            abs(x) or (b - a if isfinite(b - a) else 1.0)
            for x, a, b in zip(start, low, high, strict=True)
        ]
        scaled = zip(low, high, self.sizes, strict=True)
        ends = [(a / size, b / size) for a, b, size in scaled]
        self.box = NumberBounds([a for a, _ in ends], [b for _, b in ends])
        self.start = self.box.clip([x / size for x, size in zip(start, self.sizes, strict=True)])
        self.cells.move_to(start)
        self.before = self.cells.value(result)
        self.weights = [1.0] * len(self.limits)
        self.best: ConstrainedPoint | None = None

    # What is refused

    def _refuse_inputs(self) -> None:
        book, called = self.book, self.book.name_of
        if self.result not in book.patterns:
            raise UsageError(
                Message("{cell} has no formula: solve for one that has", cell=called(self.result))
            )
        if not self.inputs:
            raise UsageError(Message("name the cells that may change"))
        for cell in self.inputs:
            if cell in book.patterns:
                what = Message("{cell} has a formula: name typed numbers", cell=called(cell))
                raise UsageError(what)
            if isinstance(book.values.get(cell), str):
                raise UsageError(Message("{cell} is a text: name numbers", cell=called(cell)))

    def _refuse_whole(self, limits: Sequence[CellLimit]) -> None:
        for limit in limits:
            if limit.relation is Relation.WHOLE:
                what = Message(
                    "{cell} should be a whole number, which slopes can't find: leave this out, and "
                    "round the solution",
                    cell=self.book.name_of(limit.cell),
                )
                raise UsageError(what)

    def _require_few(self) -> None:
        if len(self.inputs) > MOST_INPUTS or len(self.limits) > MOST_LIMITS:
            raise UsageError(
                Message(
                    "at most {inputs} cells can change, and {limits} limits be kept",
                    inputs=f"{MOST_INPUTS:,}",
                    limits=MOST_LIMITS,
                )
            )

    def _compiled(self, flow: Flow) -> CompiledCells:
        book, called = self.book, self.book.name_of
        bounds = [x.bound for x in self.limits if x.of_cell and isinstance(x.bound, int)]
        results = (self.result, *[x.cell for x in self.limits], *bounds)
        try:
            order = moving_cells(flow, self.inputs, results)
            behind = {self.result, *flow.behind([self.result])}
            if behind.isdisjoint(self.inputs):
                what = Message("{cell} doesn't depend on these cells", cell=called(self.result))
                raise UsageError(what)
            for cell in behind:
                if cell in book.patterns and is_unclear(book.patterns[cell]):
                    raise UsageError(
                        Message("{cell}: its formula isn't understood", cell=called(cell))
                    )
            cells = CompiledCells(recomputed(book, flow, order), self.inputs, results)
        except LeadsBack as error:
            what = Message(
                "{cell} depends on itself: solve without circles", cell=called(error.cell)
            )
            raise UsageError(what) from error
        except TooMuch as error:
            raise UsageError(str(error)) from error
        except Disagreement as error:
            raise UsageError(f"{called(error.cell)}: {disagreement(error)}") from error
        for cell, problem in cells.not_understood.items():
            raise UsageError(f"{called(cell)}: {problem}")
        return cells

    def _bounds(self, bounds: Sequence[CellLimit]) -> tuple[Numbers, Numbers]:
        """The lowest and the highest number of each input."""
        low = dict.fromkeys(self.inputs, -inf)
        high = dict.fromkeys(self.inputs, inf)
        for limit in bounds:
            bound = float(limit.bound)
            if limit.relation is not Relation.AT_MOST:
                low[limit.cell] = max(low[limit.cell], bound)
            if limit.relation is not Relation.AT_LEAST:
                high[limit.cell] = min(high[limit.cell], bound)
            if low[limit.cell] > high[limit.cell]:
                raise UsageError(
                    Message(
                        "no number of {cell} is at least {low} and at most {high}",
                        cell=self.book.name_of(limit.cell),
                        low=show_value(low[limit.cell]),
                        high=show_value(high[limit.cell]),
                    )
                )
        return list(low.values()), list(high.values())

    # Functions of scaled numbers

    def _measured(self, at: Numbers) -> ConstrainedPoint:
        """The result as it is made smaller, and the limits."""
        if self.evaluations >= MOST_EVALUATIONS:
            raise _TooLong
        self.evaluations += 1
        spend_exactly(SLOPES_TOO * self.cells.size)
        self.cells.move_to(x * size for x, size in zip(at, self.sizes, strict=True))
        sign = -1.0 if self.goal is SolverGoal.LARGEST else 1.0
        place = SlopedPoint(
            at, sign * self.cells.value(self.result), self._slopes({self.result: sign})
        )
        kept = tuple(map(self._kept, self.limits, self.weights))
        there = ConstrainedPoint(place, kept)
        self._note(there)
        return there

    def _slopes(self, seeds: Mapping[Address, float]) -> Numbers:
        gradient = self.cells.gradient(seeds)
        return [g * size for g, size in zip(gradient, self.sizes, strict=True)]

    def _kept(self, limit: CellLimit, weight: float) -> Kept:
        sign = -weight if limit.relation is Relation.AT_MOST else weight
        value = self.cells.value(limit.cell)
        seeds = {limit.cell: sign}
        if limit.of_cell and isinstance(limit.bound, int):
            value -= self.cells.value(limit.bound)
            seeds[limit.bound] = seeds.get(limit.bound, 0.0) - sign
        else:
            value -= limit.bound
        return Kept(sign * value, self._slopes(seeds), limit.relation is Relation.EQUAL)

    def _note(self, there: ConstrainedPoint) -> None:
        """Keep the best place, and ask whether to go on."""
        if there.is_finite and (self.best is None or self._is_better(there, self.best)):
            self.best = there
        best = self.best or there
        sign = -1.0 if self.goal is SolverGoal.LARGEST else 1.0
        progress = SolverProgress(self.evaluations, sign * best.place.value, best.violation)
        if not self.watch(progress) and self.best is not None:
            raise _Stopped

    def _is_better(self, there: ConstrainedPoint, best: ConstrainedPoint) -> bool:
        if max(there.violation, best.violation) > KEPT:
            return there.violation < best.violation
        return self._distance(there) < self._distance(best)

    def _distance(self, there: ConstrainedPoint) -> float:
        value = there.place.value
        return abs(value - self.to) if self.goal is SolverGoal.REACHED else value

    # The search

    def run(self) -> Solution:
        try:
            first = self._first()
            return self._reach(first) if self.goal is SolverGoal.REACHED else self._lowest(first)
        except (_Stopped, _TooLong, BudgetSpent) as end:
            if self.best is None:
                raise
            is_stopped = isinstance(end, _Stopped)
            kind = SolutionKind.STOPPED if is_stopped else SolutionKind.UNFINISHED
            return self._solution(self.best, kind)

    def _first(self) -> ConstrainedPoint:
        """The start, with the limits' sizes made alike."""
        first = self._measured(self.start)
        if not first.is_finite:
            what = Message(
                "{cell} or its slopes show an error at the start: type other numbers",
                cell=self.book.name_of(self.result),
            )
            raise UsageError(what)
        steepest = [max(map(abs, kept.slopes)) for kept in first.constraints]
        self.weights = [1 / slope if slope else 1.0 for slope in steepest]
        kept = tuple(map(self._kept, self.limits, self.weights))
        self.best = ConstrainedPoint(first.place, kept)
        return self.best

    def _lowest(self, here: ConstrainedPoint) -> Solution:
        kind, slopes = SolutionKind.UNFINISHED, Numbers()
        for _ in range(AGAIN):
            here, ending, slopes = self._descend(here)
            kind = self._kind(here, ending, slopes)
            lower = None
            if kind is not SolutionKind.ENDLESS and here.violation <= KEPT:
                lower = self._lower_beside(here, with_care=kind not in SMOOTH)
            if lower is None:
                break
            here = lower
        if kind in SMOOTH and self._is_flat(here):
            kind = SolutionKind.FLAT
        return self._solution(here, kind, slopes)

    def _descend(self, here: ConstrainedPoint) -> tuple[ConstrainedPoint, DescentEnd, Numbers]:
        if self.limits:
            return descend_within(self._measured, here, self.box)
        place, ending = descend(lambda at: self._measured(at).place, here.place, self.box)
        return ConstrainedPoint(place, ()), ending, place.slopes

    def _reach(self, first: ConstrainedPoint) -> Solution:
        """The smallest change, relative to the start, at which the result is what it should be."""
        weight = 1 / (max(map(abs, first.place.slopes)) or 1.0)

        def apart(at: Numbers) -> ConstrainedPoint:
            there = self._measured(at)
            moved = [x - start for x, start in zip(at, self.start, strict=True)]
            slopes = [weight * g for g in there.place.slopes]
            wanted = Kept(weight * (there.place.value - self.to), slopes, is_equal=True)
            place = SlopedPoint(at, sum(x * x for x in moved) / 2, moved)
            return ConstrainedPoint(place, (wanted, *there.constraints))

        there, _, _ = descend_within(apart, apart(self.start), self.box)
        if not self._has_reached(there.place.at):
            self._come_near(first)
        best = self.best or first
        if self._has_reached(there.place.at):
            best = self._measured(there.place.at)
        is_reached = self._has_reached(best.place.at)
        kind = SolutionKind.REACHED if is_reached else SolutionKind.MISSED
        return self._solution(best, kind if best.violation <= KEPT else SolutionKind.BROKEN)

    def _come_near(self, first: ConstrainedPoint) -> None:
        """Make the square of what is missing as small as possible."""

        def squared(at: Numbers) -> ConstrainedPoint:
            there = self._measured(at)
            missing = there.place.value - self.to
            slopes = [2 * missing * g for g in there.place.slopes]
            return ConstrainedPoint(SlopedPoint(at, missing * missing, slopes), there.constraints)

        start = squared((self.best or first).place.at)
        if self.limits:
            descend_within(squared, start, self.box)
        else:
            descend(lambda at: squared(at).place, start.place, self.box)

    def _has_reached(self, at: Numbers) -> bool:
        self._move_to(at)
        missing = abs(self.cells.value(self.result) - self.to)
        return missing <= REACHED * max(abs(self.to), abs(self.before - self.to), 1e-300)

    # What was found

    def _kind(self, here: ConstrainedPoint, ending: DescentEnd, slopes: Numbers) -> SolutionKind:
        is_far = -here.place.value > FAR * max(abs(self.before), 1.0)
        if ending is DescentEnd.UNBOUNDED or is_far:
            return SolutionKind.ENDLESS
        if here.violation > KEPT:
            return SolutionKind.BROKEN
        if ending is DescentEnd.LIMIT:
            return SolutionKind.UNFINISHED
        free = self.box.free(here.place)
        active = any(kept.is_equal or kept.value <= KEPT for kept in here.constraints)
        level = SolutionKind.LIMITED if active or not all(free) else SolutionKind.SLOPELESS
        if ending is DescentEnd.LEVEL:
            return level
        return self._stuck(here, slopes) or level

    def _stuck(self, here: ConstrainedPoint, slopes: Numbers) -> SolutionKind | None:
        """A corner or a jump where slopes are left, but no lower place is near; None if only the
        last digits are in the way."""
        place = SlopedPoint(here.place.at, here.place.value, slopes)
        free = self.box.free(place)
        steepest = left_over(place, self.box)
        if not steepest:
            return None
        way = [-g / steepest if f else 0.0 for g, f in zip(slopes, free, strict=True)]
        near = []
        for size in NEARER:
            at = self.box.clip([x + size * w for x, w in zip(place.at, way, strict=True)])
            near.append(self._measured(at).place)
        changes = [there.value - place.value for there in near]
        noise = NOISE * abs(place.value) + TINY * abs(self.before)
        if NEARER[0] * steepest < SEEN * noise:
            return None
        if abs(changes[-1]) > max(abs(changes[0]) / 2, noise):
            return SolutionKind.JUMP
        before = -dot(here.place.slopes, way)
        further, beside = (dot(there.slopes, way) for there in near[-2:])
        is_corner = beside > TURNED * max(before, further)  # a curve's slope grows on the way
        return SolutionKind.CORNER if is_corner else None

    def _lower_beside(self, here: ConstrainedPoint, *, with_care: bool) -> ConstrainedPoint | None:
        """A lower place beside one that seems lowest: one or two are tried or, with care, many."""
        place, count = here.place, len(here.place.at)
        ways = [[(-1.0) ** k * (0.5 + (k * GOLDEN) % 0.5) for k in range(count)]]
        sizes: tuple[float, ...] = (NEAR,)
        if (with_care and count <= MOST_TRIED) or not any(place.slopes):
            ways += [[float(j == k) for j in range(count)] for k in range(min(count, MOST_TRIED))]
            sizes = (NEAR, *NEARER[:1]) if any(place.slopes) else (NEAR, 0.1, 1.0)
        least = place.value - 1e-9 * abs(place.value) - 1e-300
        for size in sizes:
            for way in ways:
                for sign in (size, -size):
                    at = [x + sign * w for x, w in zip(place.at, way, strict=True)]
                    there = self._measured(self.box.clip(at))
                    if there.is_finite and there.violation <= KEPT and there.place.value < least:
                        return there
        return None

    def _is_flat(self, here: ConstrainedPoint) -> bool:
        """Whether the value stays the same all around."""
        place = here.place
        if any(place.slopes):
            return False
        ways = [(-1.0) ** k * (0.5 + (k * GOLDEN) % 0.5) for k in range(len(place.at))]
        for size in (NEAR, -NEAR):
            at = self.box.clip([x + size * w for x, w in zip(place.at, ways, strict=True)])
            if self._measured(at).place.value != place.value:
                return False
        return True

    def _move_to(self, at: Numbers) -> Numbers:
        """Move the cells; returns their numbers, which bounds hold exactly."""
        numbers = [x * size for x, size in zip(at, self.sizes, strict=True)]
        numbers = NumberBounds(self.low, self.high).clip(numbers)
        self.cells.move_to(numbers)
        return numbers

    def _solution(
        self, there: ConstrainedPoint, kind: SolutionKind, slopes: Sequence[float] | None = None
    ) -> Solution:
        numbers = self._move_to(there.place.at)
        place = SlopedPoint(there.place.at, there.place.value, list(slopes or there.place.slopes))
        free = self.box.free(place)
        left = [
            abs(g / size) if is_free else 0.0
            for g, size, is_free in zip(place.slopes, self.sizes, free, strict=True)
        ]
        steepest = max(range(len(left)), key=left.__getitem__)
        broken = []
        for limit, kept, weight in zip(self.limits, there.constraints, self.weights, strict=True):
            if kept.violation > KEPT:
                broken.append((limit, kept.violation / weight))
        return Solution(
            kind,
            self.goal,
            dict(zip(self.inputs, numbers, strict=True)),
            self.cells.value(self.result),
            self.before,
            left[steepest],
            self.inputs[steepest] if left[steepest] else None,
            tuple(broken),
            self.evaluations,
        )
