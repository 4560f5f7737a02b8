"""The lowest value of a function where others are kept at 0 or above it: by quadratic steps.

Each step goes to the lowest point of a quadratic model with the constraints' tangents, which an
active-set method (Goldfarb and Idnani) finds. What doesn't succeed that way is tried by penalties
that grow with what is violated. This knows nothing of cells.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import inf, isfinite, sqrt

from gradbook.cells.descent import DescentEnd, NumberBounds, Numbers, SlopedPoint, descend, dot

KEPT = 1e-9  # by how much a scaled constraint may be violated
DONE = 1e-12  # relative: what a further step would gain
NOISE = 1e-14  # relative: what a value's last digits are worth
IN_A_ROW = 5  # steps that gain nothing more
LEAST = 1e-4  # curvature, relative to slopes
SMALL = 1e-13  # in the quadratic model
MOST_STEPS, MOST_TRIALS = 300, 25
MOST_DENSE = 150  # numbers of a quadratic model; more are found by penalties
PENALTIES = 12  # rounds in which the penalties grow
LOOSENED = (1.0, 0.5, 0.1, 0.01)  # shares of a violation that a step is to remove

Matrix = list[Numbers]


@dataclass(frozen=True)
class Kept:
    """What has to stay at 0, or else not below it."""

    value: float
    slopes: Numbers
    is_equal: bool

    @property
    def violation(self) -> float:
        return abs(self.value) if self.is_equal else max(-self.value, 0.0)


@dataclass(frozen=True)
class ConstrainedPoint:
    """A point with the value and the slopes there, and the constraints with theirs."""

    place: SlopedPoint
    constraints: tuple[Kept, ...]

    @property
    def violation(self) -> float:
        return max((kept.violation for kept in self.constraints), default=0.0)

    @property
    def is_finite(self) -> bool:
        values = (self.place.value, *(kept.value for kept in self.constraints))
        slopes = (self.place.slopes, *(kept.slopes for kept in self.constraints))
        return all(map(isfinite, values)) and all(isfinite(x) for row in slopes for x in row)


ConstrainedFunction = Callable[[Numbers], ConstrainedPoint]


def descend_within(
    function: ConstrainedFunction, start: ConstrainedPoint, box: NumberBounds
) -> tuple[ConstrainedPoint, DescentEnd, Numbers]:
    """Go down from a place as far as the constraints allow; with the slopes that they don't
    stop."""
    if len(start.place.at) > MOST_DENSE:
        there, weights = _by_penalties(function, start, [0.0] * len(start.constraints), box)
        ending = DescentEnd.LEVEL if there.violation <= KEPT else DescentEnd.STUCK
        return there, ending, slopes_left(there, weights)
    search = _Sequence(function, start, box)
    ending = search.run()
    if ending is DescentEnd.STUCK and not search.is_done:
        there, _ = _by_penalties(function, search.here, search.weights, box)
        better = there.violation <= KEPT < search.here.violation
        if better or (there.violation <= KEPT and there.place.value < search.here.place.value):
            search = _Sequence(function, there, box)
            ending = search.run()
    return search.here, ending, slopes_left(search.here, search.weights)


def slopes_left(point: ConstrainedPoint, weights: Sequence[float]) -> Numbers:
    """The slopes less what the constraints hold, by their weights."""
    slopes = list(point.place.slopes)
    for weight, kept in zip(weights, point.constraints, strict=True):
        if weight:
            slopes = [g - weight * a for g, a in zip(slopes, kept.slopes, strict=True)]
    return slopes


class _Sequence:
    """Quadratic steps, one after the other."""

    def __init__(
        self, function: ConstrainedFunction, start: ConstrainedPoint, box: NumberBounds
    ) -> None:
        self.function, self.here, self.box = function, start, box
        count = len(start.place.at)
        self.curvature = [[float(i == j) for j in range(count)] for i in range(count)]
        self.penalties = [0.0] * len(start.constraints)
        self.weights = [0.0] * len(start.constraints)  # what each constraint costs
        self.is_scaled = self.is_done = False
        self.idle = 0

    def run(self) -> DescentEnd:
        for _ in range(MOST_STEPS):
            step, share = self._model_step()
            if step is None:
                return DescentEnd.STUCK
            self.is_done = self._is_small(step)
            if self.is_done:
                return DescentEnd.LEVEL if self.here.violation <= KEPT else DescentEnd.STUCK
            there = self._go(step, share)
            if self._is_idle(there):
                self.is_done = True
                return DescentEnd.LEVEL if self.here.violation <= KEPT else DescentEnd.STUCK
            if there is None:
                if not self.is_scaled:
                    return DescentEnd.STUCK
                self._forget()
                continue
            self._learn(there)
            self.here = there
        return DescentEnd.LIMIT

    def _is_small(self, step: Numbers) -> bool:
        place = self.here.place
        gain = abs(dot(place.slopes, step)) + sum(
            abs(w * kept.value) for w, kept in zip(self.weights, self.here.constraints, strict=True)
        )
        moved = max(map(abs, step))
        at = max(1.0, *map(abs, place.at))
        return (gain <= DONE * max(abs(place.value), 1e-8) and moved <= 1e-6 * at) or (
            moved <= 1e-15 * at
        )

    def _is_idle(self, there: ConstrainedPoint | None) -> bool:
        """Whether several steps in a row have gained only rounding errors."""
        gained = inf if there is None else self._merit(self.here) - self._merit(there)
        self.idle = self.idle + 1 if gained <= NOISE * abs(self.here.place.value) else 0
        return self.idle >= IN_A_ROW

    def _forget(self) -> None:
        count = len(self.curvature)
        self.curvature = [[float(i == j) for j in range(count)] for i in range(count)]
        self.is_scaled = False

    def _model_step(self) -> tuple[Numbers | None, float]:
        """The step to the lowest point of the model, and the share of violations it removes."""
        place, box = self.here.place, self.box
        for share in LOOSENED:
            normals, offsets = [], []
            equal = 0
            for kept in sorted(self.here.constraints, key=lambda kept: not kept.is_equal):
                normals.append(kept.slopes)
                offsets.append(-kept.value * (share if kept.value < 0 or kept.is_equal else 1.0))
                equal += kept.is_equal
            for k, (x, a, b) in enumerate(zip(place.at, box.low, box.high, strict=True)):
                for sign, end in ((1.0, a), (-1.0, b)):
                    if isfinite(end):
                        normals.append([sign * (j == k) for j in range(len(place.at))])
                        offsets.append(sign * (end - x))
            solved = lowest_of_model(self.curvature, place.slopes, normals, offsets, equal)
            if solved is not None:
                step, weights = solved
                order = sorted(
                    range(len(self.weights)), key=lambda k: not self.here.constraints[k].is_equal
                )
                for place_in_order, k in enumerate(order):
                    self.weights[k] = weights[place_in_order]
                return step, share
        return None, 0.0

    def _merit(self, place: ConstrainedPoint) -> float:
        if not place.is_finite:
            return inf
        pairs = zip(self.penalties, place.constraints, strict=True)
        return place.place.value + sum(p * kept.violation for p, kept in pairs)

    def _go(self, step: Numbers, share: float) -> ConstrainedPoint | None:
        """The end of a step, shortened until it is worth it."""
        here = self.here
        self.penalties = [
            max(abs(w), (p + abs(w)) / 2) for p, w in zip(self.penalties, self.weights, strict=True)
        ]
        now = self._merit(here)
        along = dot(here.place.slopes, step) - share * sum(
            p * kept.violation for p, kept in zip(self.penalties, here.constraints, strict=True)
        )
        noise = NOISE * max(abs(now), abs(here.place.value))
        length = 1.0
        for _ in range(MOST_TRIALS):
            at = self.box.clip([x + length * d for x, d in zip(here.place.at, step, strict=True)])
            there = self.function(at)
            after = self._merit(there)
            if after <= now + 1e-4 * length * min(along, 0.0) + noise:
                return there
            bend = 2 * (after - now - length * along)
            ideal = -along * length * length / bend if isfinite(bend) and bend > 0 else 0.0
            length = min(max(ideal, 0.1 * length), 0.5 * length)
        return None

    def _learn(self, there: ConstrainedPoint) -> None:
        """Take the change of the slopes into the curvature (BFGS, damped by Powell's rule)."""
        step = list(map(float.__sub__, there.place.at, self.here.place.at))
        before, after = (slopes_left(point, self.weights) for point in (self.here, there))
        change = list(map(float.__sub__, after, before))
        product = dot(step, change)
        least = self._least_curvature()
        if not self.is_scaled and product > 0:
            factor = max(dot(change, change) / product, least)
            self.curvature = [[factor * x for x in row] for row in self.curvature]
        self.is_scaled = True
        pressed = [dot(row, step) for row in self.curvature]
        bent = dot(step, pressed)
        if not bent > 0:
            return
        if product < 0.2 * bent:
            if bent <= least * dot(step, step):
                return
            share = 0.8 * bent / (bent - product)
            change = [share * y + (1 - share) * p for y, p in zip(change, pressed, strict=True)]
            product = dot(step, change)
        for row, y, p in zip(self.curvature, change, pressed, strict=True):
            a, b = y / product, p / bent
            row[:] = [x + a * c - b * q for x, c, q in zip(row, change, pressed, strict=True)]

    def _least_curvature(self) -> float:
        """One with which the model's lowest point isn't too far away to be computed."""
        place = self.here.place
        return LEAST * max(map(abs, place.slopes)) / max(1.0, *map(abs, place.at))


# A quadratic model with linear constraints ----------------------------------------


@dataclass
class _Active:
    """The constraints at which a point is held, and what each costs."""

    rows: list[int] = field(default_factory=list)
    signs: list[float] = field(default_factory=list)
    weights: Numbers = field(default_factory=list)

    def drop(self, k: int) -> None:
        for listed in (self.rows, self.signs, self.weights):
            del listed[k]


def lowest_of_model(
    curvature: Matrix,
    slopes: Numbers,
    normals: Sequence[Numbers],
    offsets: Sequence[float],
    equal: int,
) -> tuple[Numbers, Numbers] | None:
    """The lowest point of ½x·C·x + g·x where n·x ≥ b for each normal and offset, = for the first
    ones, and each constraint's weight; None if no point keeps them all."""
    lower = _cholesky(curvature)
    if lower is None:
        return None
    at = [-x for x in _solved(lower, slopes)]
    active = _Active()
    sizes = [max(sqrt(dot(n, n)), 1e-300) for n in normals]
    for _ in range(20 * (len(normals) + len(at)) + 20):
        row, sign = _most_violated(at, normals, offsets, sizes, equal, active)
        if row is None:
            weights = [0.0] * len(normals)
            for k, one_sign, weight in zip(active.rows, active.signs, active.weights, strict=True):
                weights[k] = one_sign * weight
            return at, weights
        if not _take_in(lower, at, normals, offsets, equal, active, row, sign):
            return None
    return None


def _most_violated(
    at: Numbers,
    normals: Sequence[Numbers],
    offsets: Sequence[float],
    sizes: Sequence[float],
    equal: int,
    active: _Active,
) -> tuple[int | None, float]:
    worst, violated, sign = -SMALL * max(1.0, *map(abs, at)), None, 1.0
    for k, (normal, offset) in enumerate(zip(normals, offsets, strict=True)):
        if k in active.rows:
            continue
        apart = (dot(normal, at) - offset) / sizes[k]
        if k < equal:
            return k, -1.0 if apart > 0 else 1.0
        if apart < worst * max(1.0, abs(offset / sizes[k])):
            worst, violated, sign = apart, k, 1.0
    return violated, sign


def _take_in(
    lower: Matrix,
    at: Numbers,
    normals: Sequence[Numbers],
    offsets: Sequence[float],
    equal: int,
    active: _Active,
    row: int,
    sign: float,
) -> bool:
    """Move to where one more constraint is kept; False if none of the points keeps it."""
    normal, offset = [sign * x for x in normals[row]], sign * offsets[row]
    weight = 0.0
    pressed = _solved(lower, normal)
    for _ in range(2 * len(normals) + 2):
        held = [[s * x for x in normals[k]] for k, s in zip(active.rows, active.signs, strict=True)]
        spread = [_solved(lower, n) for n in held]
        way, costs = pressed, Numbers()
        if held:
            grid = [[dot(a, b) for b in spread] for a in held]
            inner = _cholesky(grid)
            if inner is None:
                return False
            costs = _solved(inner, [dot(n, pressed) for n in held])
            for cost, column in zip(costs, spread, strict=True):
                way = [x - cost * c for x, c in zip(way, column, strict=True)]
        bend = dot(way, normal)
        is_stopped = bend <= 1e-12 * max(dot(pressed, normal), 1e-300)
        full = inf if is_stopped else max((offset - dot(normal, at)) / bend, 0.0)
        ends = [
            (w / cost, k)
            for k, (w, cost) in enumerate(zip(active.weights, costs, strict=True))
            if cost > 1e-14 and active.rows[k] >= equal
        ]
        partial, leaving = min(ends, default=(inf, -1))
        length = min(full, partial)
        if length == inf:
            return False
        active.weights = [w - length * cost for w, cost in zip(active.weights, costs, strict=True)]
        weight += length
        if full < inf:
            at[:] = [x + length * d for x, d in zip(at, way, strict=True)]
        if full <= partial:
            active.rows.append(row)
            active.signs.append(sign)
            active.weights.append(weight)
            return True
        active.drop(leaving)
    return False


def _cholesky(matrix: Matrix) -> Matrix | None:
    """The lower triangle whose square is the matrix; None if it isn't positive."""
    lower: Matrix = []
    for i, row in enumerate(matrix):
        line = Numbers()
        for j in range(i):
            line.append((row[j] - dot(line, lower[j][:j])) / lower[j][j])
        rest = row[i] - dot(line, line)
        if not rest > 1e-15 * abs(row[i]):
            return None
        lower.append([*line, sqrt(rest)])
    return lower


def _solved(lower: Matrix, right: Numbers) -> Numbers:
    """The solution of a system of equations whose matrix is the square of a lower triangle."""
    forward = Numbers()
    for row, x in zip(lower, right, strict=True):
        forward.append((x - dot(row[:-1], forward)) / row[-1])
    for i in range(len(lower) - 1, -1, -1):
        forward[i] /= lower[i][i]
        for j in range(i):
            forward[j] -= lower[i][j] * forward[i]
    return forward


# Penalties ------------------------------------------------------------------------


def _by_penalties(
    function: ConstrainedFunction,
    start: ConstrainedPoint,
    weights: Sequence[float],
    box: NumberBounds,
) -> tuple[ConstrainedPoint, Numbers]:
    """The end of descents whose penalties grow (an augmented Lagrangian), and each constraint's
    weight."""
    here, penalty = start, 10.0 * max(1.0, abs(start.place.value))
    weights = list(weights)
    for _ in range(PENALTIES):
        last: list[ConstrainedPoint] = []

        def mixed(
            at: Numbers,
            weights: list[float] = weights,
            penalty: float = penalty,
            last: list[ConstrainedPoint] = last,
        ) -> SlopedPoint:
            there = function(at)
            last[:] = [there]
            value, slopes = there.place.value, there.place.slopes
            for weight, kept in zip(weights, there.constraints, strict=True):
                if kept.is_equal or kept.value < weight / penalty:
                    value += kept.value * (penalty * kept.value / 2 - weight)
                    pull = penalty * kept.value - weight
                    slopes = [g + pull * a for g, a in zip(slopes, kept.slopes, strict=True)]
                else:
                    value -= weight * weight / (2 * penalty)
            return SlopedPoint(at, value, slopes)

        place, _ = descend(mixed, mixed(here.place.at), box, 500, 1e-9)
        before, here = here.violation, function(place.at)
        weights = [
            w - penalty * kept.value if kept.is_equal else max(w - penalty * kept.value, 0.0)
            for w, kept in zip(weights, here.constraints, strict=True)
        ]
        if here.violation <= KEPT / 10:
            break
        if here.violation > before / 4:
            penalty *= 10
    return here, weights
