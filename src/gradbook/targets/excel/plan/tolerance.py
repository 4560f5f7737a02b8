"""How far a gradient may be from what a nudge measures: said once as a formula and once in numbers.

A measured slope is exact up to three things: the digits that two nearly equal errors share and
lose, the way the curve bends within the nudge, and a share of the slope itself. The sheet allows
these and no more, so the verdict stays the same whether an error is 1000 or 1E-25.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite

from gradbook.net import Loss, Net
from gradbook.targets.excel.language.grammar import digits as typed
from gradbook.targets.excel.plan.nudges import BEND, BESIDE, NUDGE, Slope

AGREES, DIFFERS, OPEN, NO_NUMBER = "agrees", "differs", "to fill in", "no number"
NEAR = 1e-6  # of the slope
CURVED = 10.0  # of what the curve bends within the nudge
LOST_DIGITS = 64 * 2.0**-52  # of the largest value on the way: what its rounding comes to
MOST_CURVE, MOST_CORNER = 1e4, 1e2  # how far an error may bend: beyond that it is spoilt itself


@dataclass(frozen=True)
class Tolerance:
    """That of one network: how its loss passes on rounding, and whether it has corners."""

    squares: bool
    has_corners: bool

    @staticmethod
    def of(net: Net, has_corners: bool) -> Tolerance:
        return Tolerance(net.objective in (Loss.HALF_SQUARED, Loss.SQUARED), has_corners)

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
        if abs(gradient - slope.value) <= allowed:
            return True
        left, right = slope.left, slope.right
        bent = abs(right - left) > BEND * max(abs(left), abs(right))
        beside = min(abs(gradient - left), abs(gradient - right))
        return self.has_corners and bent and beside <= BESIDE * abs(right - left) + allowed

    @property
    def most_bend(self) -> float:
        """Of the square of the largest value."""
        return MOST_CORNER * NUDGE if self.has_corners else MOST_CURVE * NUDGE * NUDGE

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
            bent = f"{apart}>{typed(BEND)}*MAX(ABS({left}),ABS({right}))"
            nearer = f"MIN(ABS({c.gradient}-{left}),ABS({c.gradient}-{right}))"
            beside = f"{nearer}<={typed(BESIDE)}*{apart}+{c.allowed}"
            near = f"OR({near},AND({bent},{beside}))"
        factor = f"{typed(MOST_CORNER)}" if self.has_corners else f"{typed(MOST_CURVE)}*{c.nudge}"
        smooth = f"{c.bend}<={factor}*{c.nudge}*{c.size}^2"
        return (
            f'IF(NOT(ISNUMBER({c.slope})),"{NO_NUMBER}",'
            f"IF(ISNUMBER({c.gradient}),IF(ISNUMBER({c.allowed}),"
            f'IF(AND({smooth},{near}),"{AGREES}","{DIFFERS}"),"{NO_NUMBER}"),'
            f'IF(ISERROR({c.gradient}),"{DIFFERS}","{OPEN}")))'
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


def summary(verdicts: Sequence[str], noun: str, epoch: int) -> str:
    """What the sheet says of all gradients in the epoch that is looked at."""
    total = len(verdicts)
    count = verdicts.count
    if count(AGREES) == total:
        return f"all {total} {noun} agree in epoch {epoch}"
    if count(DIFFERS):
        return f"{count(DIFFERS)} of {total} {noun} differ in epoch {epoch}"
    if count(OPEN):
        return f"{count(OPEN)} of {total} {noun} to fill in"
    return f"no numbers in epoch {epoch}"


def summary_formula(verdicts: str, total: int, noun: str, epoch: str, epochs: int) -> str:
    """The same by formula, which also tells an epoch that the table doesn't have."""
    counts = {word: f'COUNTIF({verdicts},"{word}")' for word in (AGREES, DIFFERS, OPEN)}
    there = f"AND({epoch}>=1,{epoch}<={epochs},{epoch}=INT({epoch}))"
    where = f'" in epoch "&{epoch}'
    opened = f'{counts[OPEN]}&" of {total} {noun} to fill in"'
    return (
        f"=IF(ISNUMBER({epoch}),IF({there},"
        f'IF({counts[AGREES]}={total},"all {total} {noun} agree"&{where},'
        f'IF({counts[DIFFERS]}>0,{counts[DIFFERS]}&" of {total} {noun} differ"&{where},'
        f'IF({counts[OPEN]}>0,{opened},"no numbers"&{where}))),'
        f'"there is no epoch "&{epoch}&": they go from 1 to {epochs}"),"type an epoch")'
    )


def epochs_summary(verdicts: Sequence[str], epochs: Sequence[int], of: int) -> str:
    """What the sheet says of all epochs together; `epochs` are those that are checked."""
    total, count = len(verdicts), verdicts.count
    which = f"all {total} epochs" if total == of else f"{total} of {of} epochs"
    if count(DIFFERS):
        first = epochs[list(verdicts).index(DIFFERS)]
        verb = "differs" if count(DIFFERS) == 1 else "differ"
        return f"{count(DIFFERS)} of {total} epochs {verb}, the first is epoch {first}"
    if count(OPEN):
        return f"{count(OPEN)} of {total} epochs to fill in"
    if count(AGREES) == total:
        return f"the gradients agree in {which}"
    return f"the gradients agree in {count(AGREES)} epochs; the others have no numbers"


def epochs_formula(verdicts: str, numbers: str, total: int, of: int) -> str:
    """The same by formula: every row of the table counts."""
    counts = {word: f'SUMPRODUCT(--({verdicts}="{word}"))' for word in (AGREES, DIFFERS, OPEN)}
    which = f"all {total} epochs" if total == of else f"{total} of {of} epochs"
    differ, opened = counts[DIFFERS], counts[OPEN]
    first = f'INDEX({numbers},MATCH("{DIFFERS}",{verdicts},0))'
    verb = f'IF({differ}=1," differs"," differ")'
    return (
        f'=IF({differ}>0,{differ}&" of {total} epochs"&{verb}&", the first is epoch "&{first},'
        f'IF({opened}>0,{opened}&" of {total} epochs to fill in",'
        f'IF({counts[AGREES]}={total},"the gradients agree in {which}",'
        f'"the gradients agree in "&{counts[AGREES]}&" epochs; the others have no numbers")))'
    )
