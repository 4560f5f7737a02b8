"""The lowest value of a function of some numbers that has slopes, within bounds of each: L-BFGS.

A function may fail (NaN) at a point: shorter steps are tried then. This knows nothing of cells.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import compress
from math import inf, isfinite, sqrt
from operator import mul, sub

MEMORY = 40  # steps from which the curvature is known
ENOUGH, STEEP = 1e-4, 0.9  # of the slope: what a step has to gain, and what may be left of it
MOST_TRIALS = 30  # of one step
ROUNDING = 1e-15  # relative: what a value's last digits are worth
CLOSE = 1e-9  # slopes that count as none, relative to the values
NOISE = 1e-12  # relative: below this, slopes are better known than values
IN_A_ROW = 3  # steps that gain nothing but rounding errors
FAR = 1e30  # values below this, negative, end a descent

Numbers = list[float]


class DescentEnd(Enum):
    """Why a search ended."""

    LEVEL = "no slope is left"
    STUCK = "no step is lower"
    UNBOUNDED = "no lowest value"
    LIMIT = "too many steps"
    STOPPED = "stopped"


@dataclass(frozen=True)
class SlopedPoint:
    """A point with the value and the slopes there."""

    at: Numbers
    value: float
    slopes: Numbers


Function = Callable[[Numbers], SlopedPoint]


@dataclass(frozen=True)
class NumberBounds:
    """The bounds of each number; infinite where there are none."""

    low: Sequence[float]
    high: Sequence[float]

    def clip(self, at: Sequence[float]) -> Numbers:
        return [min(max(x, a), b) for x, a, b in zip(at, self.low, self.high, strict=True)]

    def free(self, place: SlopedPoint) -> list[bool]:
        """Which numbers aren't held by a bound against which the slope presses."""
        return [
            a < b and not ((x <= a and slope > 0) or (x >= b and slope < 0))
            for x, slope, a, b in zip(place.at, place.slopes, self.low, self.high, strict=True)
        ]

    def longest(self, at: Sequence[float], way: Sequence[float]) -> float:
        """How many times a way can be gone within the bounds."""
        ends = (
            ((b if w > 0 else a) - x) / w
            for x, w, a, b in zip(at, way, self.low, self.high, strict=True)
            if w
        )
        return min(ends, default=inf)


def dot(a: Sequence[float], b: Sequence[float]) -> float:
    product: float = sum(map(mul, a, b))
    return product


def left_over(place: SlopedPoint, box: NumberBounds) -> float:
    """The largest slope that no bound stops."""
    free = box.free(place)
    return max(
        (abs(g) for g, is_free in zip(place.slopes, free, strict=True) if is_free), default=0.0
    )


@dataclass(frozen=True)
class Curvature:
    """What one step says of the curvature: the step, and how the slopes changed."""

    step: Numbers
    change: Numbers
    product: float

    def among(self, free: Sequence[bool]) -> Curvature:
        """The same for some of the numbers."""
        step, change = list(compress(self.step, free)), list(compress(self.change, free))
        return Curvature(step, change, dot(step, change))


def descend(
    function: Function,
    start: SlopedPoint,
    box: NumberBounds,
    most: int = 10_000,
    close: float = CLOSE,
) -> tuple[SlopedPoint, DescentEnd]:
    """Go down from a place until no slope is left, at most so many steps."""
    here, memory, first = start, list[Curvature](), start.value
    idle = 0
    for _ in range(most):
        scale = max(abs(here.value), 1e-3 * abs(first - here.value), 1e-250)
        if left_over(here, box) <= close * scale:
            return here, DescentEnd.LEVEL
        if here.value < -FAR:
            return here, DescentEnd.UNBOUNDED
        way = _way(here, box, memory)
        if memory and -dot(way, here.slopes) <= ROUNDING * abs(here.value):
            return here, DescentEnd.STUCK  # what a step would gain can't be seen
        there = _step(function, here, box, way, is_first=not memory)
        if there is None and memory:
            memory.clear()
            way = _way(here, box, memory)
            there = _step(function, here, box, way, is_first=True)
        if there is None:
            return here, DescentEnd.STUCK
        _remember(memory, here, there)
        idle = idle + 1 if here.value - there.value <= ROUNDING * abs(here.value) else 0
        here = there
        if idle >= IN_A_ROW:
            return here, DescentEnd.STUCK
    return here, DescentEnd.LIMIT


def _remember(memory: list[Curvature], here: SlopedPoint, there: SlopedPoint) -> None:
    step = list(map(sub, there.at, here.at))
    change = list(map(sub, there.slopes, here.slopes))
    product = dot(step, change)
    if product > 1e-14 * sqrt(dot(step, step) * dot(change, change)):
        memory.append(Curvature(step, change, product))
        del memory[:-MEMORY]


def _way(here: SlopedPoint, box: NumberBounds, memory: Sequence[Curvature]) -> Numbers:
    """The way down from a place, 0 for numbers that bounds hold."""
    free = box.free(here)
    slopes = [g if is_free else 0.0 for g, is_free in zip(here.slopes, free, strict=True)]
    way = _downhill(slopes, free, memory)
    return way if dot(way, slopes) < 0 else [-g for g in slopes]


def _step(
    function: Function, here: SlopedPoint, box: NumberBounds, way: Numbers, *, is_first: bool
) -> SlopedPoint | None:
    """The end of one step down, or None if no step is lower. Nothing says how long the first
    should be."""
    along = dot(way, here.slopes)
    first = min(1.0, 1.0 / sqrt(-along)) if is_first else 1.0
    longest = box.longest(here.at, way)
    if longest <= first:
        bent = _bent_step(function, here, box, way, first)
        if bent is not None:
            return bent
    return _Line(function, here, way, along, longest, box).search(min(first, longest))


def _downhill(slopes: Numbers, free: Sequence[bool], memory: Sequence[Curvature]) -> Numbers:
    """The way to the lowest point of what is known of the curvature, among the free numbers."""
    if not all(free):
        among = [entry.among(free) for entry in memory]
        memory = [entry for entry in among if entry.product > 0]
    way, shares = list(compress(slopes, free)), []
    for entry in reversed(memory):
        share = dot(entry.step, way) / entry.product
        shares.append(share)
        way = [x - share * y for x, y in zip(way, entry.change, strict=True)]
    if memory:
        last = memory[-1]
        factor = last.product / dot(last.change, last.change)
        way = [factor * x for x in way]
    for entry, share in zip(memory, reversed(shares), strict=True):
        back = share - dot(entry.change, way) / entry.product
        way = [x + back * y for x, y in zip(way, entry.step, strict=True)]
    parts = iter(way)
    return [-next(parts) if is_free else 0.0 for is_free in free]


def _bent_step(
    function: Function, here: SlopedPoint, box: NumberBounds, way: Numbers, length: float
) -> SlopedPoint | None:
    """A step that goes along the bounds where it meets them."""
    for _ in range(MOST_TRIALS):
        at = box.clip([x + length * w for x, w in zip(here.at, way, strict=True)])
        moved = list(map(sub, at, here.at))
        if not any(moved):
            return None
        there = function(at)
        if there.value <= here.value + ENOUGH * dot(here.slopes, moved):
            return there
        length /= 4
    return None


class _Line:
    """The search along one way for a step that gains enough and leaves little of the slope."""

    def __init__(
        self,
        function: Function,
        here: SlopedPoint,
        way: Numbers,
        along: float,
        longest: float,
        box: NumberBounds,
    ) -> None:
        self.function, self.here, self.way, self.along = function, here, way, along
        self.longest, self.box = longest, box
        self.noise = NOISE * abs(here.value)

    def search(self, length: float) -> SlopedPoint | None:
        low = 0.0, self.here, self.along
        for _ in range(MOST_TRIALS):
            place, along = self._at(length)
            if self._is_good(place, along, length):
                return place
            if self._is_above(place, length, low[1]):
                return self._between(low, (length, place, along))
            if along >= 0:
                return self._between((length, place, along), low)
            if length >= self.longest:
                return place
            low = length, place, along
            length = min(4 * length, self.longest)
        return low[1] if low[1] is not self.here else None

    def _at(self, length: float) -> tuple[SlopedPoint, float]:
        at = [x + length * w for x, w in zip(self.here.at, self.way, strict=True)]
        place = self.function(self.box.clip(at))
        if not (isfinite(place.value) and all(map(isfinite, place.slopes))):
            return SlopedPoint(place.at, inf, place.slopes), inf
        return place, dot(place.slopes, self.way)

    def _is_lower(self, place: SlopedPoint, length: float) -> bool:
        return place.value <= self.here.value + ENOUGH * length * self.along

    def _is_above(self, place: SlopedPoint, length: float, low: SlopedPoint) -> bool:
        """Whether a place is too high, by more than the noise of values: then slopes decide."""
        is_lower = self._is_lower(place, length) or place.value <= self.here.value + self.noise
        return not is_lower or place.value > low.value + self.noise

    def _is_good(self, place: SlopedPoint, along: float, length: float) -> bool:
        if self._is_lower(place, length) and abs(along) <= -STEEP * self.along:
            return True
        is_noise = place.value <= self.here.value + self.noise  # the slopes are better known then
        return is_noise and (2 * ENOUGH - 1) * self.along >= along >= STEEP * self.along

    def _between(
        self, low: tuple[float, SlopedPoint, float], high: tuple[float, SlopedPoint, float]
    ) -> SlopedPoint | None:
        """A good step between one that is lower and one that goes too far."""
        for _ in range(MOST_TRIALS):
            if not abs(high[0] - low[0]) > 1e-16 * max(low[0], high[0]):
                break
            length = _lowest_between(low, high)
            place, along = self._at(length)
            if self._is_good(place, along, length):
                return place
            if self._is_above(place, length, low[1]):
                high = length, place, along
            else:
                if along * (high[0] - low[0]) >= 0:
                    high = low
                low = length, place, along
        return low[1] if low[1] is not self.here else None


def _lowest_between(
    low: tuple[float, SlopedPoint, float], high: tuple[float, SlopedPoint, float]
) -> float:
    """Where a cubic through both ends is lowest, well between them."""
    (a, first, slope_a), (b, last, slope_b) = low, high
    width = b - a
    middle = a + width / 2
    if not (isfinite(last.value) and isfinite(slope_b)):
        return a + width / 10
    d = slope_a + slope_b - 3 * (last.value - first.value) / width
    inside = d * d - slope_a * slope_b
    if inside < 0:
        return middle
    root = sqrt(inside) if width > 0 else -sqrt(inside)
    below = slope_b - slope_a + 2 * root
    if not below:
        return middle
    place = b - width * (slope_b + root - d) / below
    edge = 0.05 * width
    return min(max(place, min(a + edge, b - edge)), max(a + edge, b - edge))
