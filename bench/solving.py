"""The solver of workbooks beside SciPy's, on 30 sheets: values, evaluations, seconds.

    python bench/solving.py [NAME …] [--calc SECONDS] [--write bench/solving.md]

Ten functions of textbooks, ten fits, six networks that only compute forward, and four tasks with
constraints. SciPy gets the value of the same compiled sheet, and takes its slopes by differences,
as it does without help: L-BFGS-B, SLSQP and trust-constr from the same start, with their own limits
of accuracy. Each value of the sheet counts as one evaluation, on both sides. With --calc, Calc's
SwarmSolver stands beside it instead, which gets so many seconds for each sheet.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import warnings
from argparse import ArgumentParser
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import cos, exp, inf, isfinite, nan, sin
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import numpy as np
from scipy import optimize

sys.path.insert(0, str(Path(__file__).parents[1]))

from gradbook.cells.compiled_cells import CompiledCells
from gradbook.cells.evaluate import Evaluation
from gradbook.cells.solving import CellLimit, Relation, SolverGoal, solve
from tests.audit.material.made import Content
from tests.audit.material.small import at, saved, small

CLOSE = 1e-6  # relative: as good as another
NEAR = 1e-7  # a scaled constraint that counts as kept
METHODS = ("L-BFGS-B", "SLSQP", "trust-constr")
SIGNS = {Relation.AT_MOST: -1.0, Relation.AT_LEAST: 1.0, Relation.EQUAL: 1.0}
LESS, MORE, SAME = Relation.AT_MOST, Relation.AT_LEAST, Relation.EQUAL
Limits = Sequence[tuple[str, Relation, float]]


@dataclass(frozen=True)
class SheetProblem:
    """A sheet, the cells that may change, the result, and what has to hold."""

    family: str
    cells: Mapping[str, Content]
    inputs: Sequence[str]
    result: str
    goal: SolverGoal = SolverGoal.SMALLEST
    limits: Limits = ()
    known: float | None = None  # the lowest value, of textbook functions
    is_smooth: bool = True


@dataclass
class Attempt:
    """What one solver came to."""

    value: float = nan
    evaluations: int = 0
    seconds: float = nan
    numbers: list[float] = field(default_factory=list)


# Solvers ------------------------------------------------------------------------


def by_gradbook(problem: SheetProblem) -> Attempt:
    book, _ = small(problem.cells)
    limits = [CellLimit(at(cell), how, bound) for cell, how, bound in problem.limits]
    inputs = [at(cell) for cell in problem.inputs]
    start = perf_counter()
    solution = solve(book, at(problem.result), inputs, problem.goal, limits=limits)
    seconds = perf_counter() - start
    numbers = list(solution.numbers.values())
    value = nan if solution.broken else solution.value
    return Attempt(value, solution.evaluations, seconds, numbers)


class Counted:
    """A sheet's value and its limits as functions of numbers, counted."""

    def __init__(self, problem: SheetProblem) -> None:
        book, flow = small(problem.cells)
        self.problem = problem
        inputs = [at(cell) for cell in problem.inputs]
        moving = set(problem.inputs)
        self.kept = [x for x in problem.limits if x[0] not in moving]
        results = [at(problem.result), *[at(cell) for cell, _, _ in self.kept]]
        self.cells = CompiledCells(Evaluation(book, flow), inputs, results)
        self.start = np.array([float(book.values.get(cell) or 0.0) for cell in inputs])
        self.evaluations = 0
        self.last: bytes = b""
        low, high = (dict.fromkeys(problem.inputs, end) for end in (-inf, inf))
        for cell, how, bound in problem.limits:
            if cell in moving:
                if how is not LESS:
                    low[cell] = max(low[cell], bound)
                if how is not MORE:
                    high[cell] = min(high[cell], bound)
        self.bounds = list(zip(low.values(), high.values(), strict=True))

    def _go(self, x: np.ndarray) -> None:
        if x.tobytes() != self.last:
            self.evaluations += 1
            self.cells.move_to(map(float, x))
            self.last = x.tobytes()

    def value(self, x: np.ndarray) -> float:
        self._go(x)
        value = self.cells.value(at(self.problem.result))
        return value if isfinite(value) else 1e300

    def wanted(self, x: np.ndarray) -> float:
        """What is made as low as possible: to reach a value, the change of the cells."""
        if self.problem.goal is SolverGoal.REACHED:
            return float(np.sum(((x - self.start) / self.start) ** 2))
        value = self.value(x)
        return -value if self.problem.goal is SolverGoal.LARGEST else value

    def apart(self, x: np.ndarray, k: int) -> float:
        self._go(x)
        cell, how, bound = self.kept[k]
        return SIGNS[how] * (self.cells.value(at(cell)) - bound)

    @property
    def constraints(self) -> list[dict[str, object]]:
        made: list[dict[str, object]] = [
            {
                "type": "eq" if how is SAME else "ineq",
                "fun": lambda x, k=k: self.apart(x, k),
            }
            for k, (_, how, _) in enumerate(self.kept)
        ]
        if self.problem.goal is SolverGoal.REACHED:
            made.append({"type": "eq", "fun": self.value})
        return made

    def is_kept(self, x: np.ndarray) -> bool:
        sizes = [max(1.0, abs(bound)) for _, _, bound in self.kept]
        apart = [self.apart(x, k) / size for k, size in enumerate(sizes)]
        equal = [how is SAME for _, how, _ in self.kept]
        return all(abs(a) <= NEAR if e else a >= -NEAR for a, e in zip(apart, equal, strict=True))


def by_scipy(problem: SheetProblem, method: str) -> Attempt | None:
    """None where the method takes no such constraints."""
    counted = Counted(problem)
    constraints = counted.constraints
    if method == "L-BFGS-B" and constraints:
        return None
    options = {"maxiter": 3000}
    if method == "L-BFGS-B":
        options["maxfun"] = 200_000
    start = perf_counter()
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        found = optimize.minimize(
            counted.wanted,
            counted.start,
            method=method,
            bounds=counted.bounds if any(map(isfinite, np.ravel(counted.bounds))) else None,
            constraints=constraints,
            options=options,
        )
    attempt = Attempt(nan, counted.evaluations, perf_counter() - start, list(found.x))
    kept = counted.is_kept(found.x)
    if problem.goal is SolverGoal.REACHED:
        kept = kept and abs(counted.value(found.x)) <= 1e-4
        attempt.value = counted.wanted(found.x)
    else:
        attempt.value = counted.value(found.x)
    if not kept:
        attempt.value = nan
    return attempt


# Functions of textbooks -----------------------------------------------------------


def function(formula: str, *start: float, known: float | None = None) -> SheetProblem:
    """One formula of A1, A2 …"""
    names = [f"A{k}" for k in range(1, len(start) + 1)]
    cells = {**dict(zip(names, start, strict=True)), "C1": formula}
    return SheetProblem("functions", cells, names, "C1", known=known)


def chain(length: int) -> SheetProblem:
    names = [f"A{k}" for k in range(1, length + 1)]
    cells: dict[str, Content] = {name: -1.2 if k % 2 == 0 else 1.0 for k, name in enumerate(names)}
    cells[f"B1:B{length - 1}"] = "=100*(A2-A1^2)^2+(1-A1)^2"
    cells["C1"] = f"=SUM(B1:B{length - 1})"
    return SheetProblem("functions", cells, names, "C1", known=None)


WOOD = (
    "=100*(A2-A1^2)^2+(1-A1)^2+90*(A4-A3^2)^2+(1-A3)^2+10.1*((A2-1)^2+(A4-1)^2)+19.8*(A2-1)*(A4-1)"
)
GOLDSTEIN = (
    "=(1+(A1+A2+1)^2*(19-14*A1+3*A1^2-14*A2+6*A1*A2+3*A2^2))"
    "*(30+(2*A1-3*A2)^2*(18-32*A1+12*A1^2+48*A2-36*A1*A2+27*A2^2))"
)
FUNCTIONS = {
    "Rosenbrock": function("=(1-A1)^2+100*(A2-A1^2)^2", -1.2, 1.0, known=0.0),
    "Rosenbrock, 10 numbers": chain(10),
    "Beale": function(
        "=(1.5-A1+A1*A2)^2+(2.25-A1+A1*A2^2)^2+(2.625-A1+A1*A2^3)^2", 1.0, 1.0, known=0.0
    ),
    "Himmelblau": function("=(A1^2+A2-11)^2+(A1+A2^2-7)^2", 0.5, 0.5, known=0.0),
    "Powell": function(
        "=(A1+10*A2)^2+5*(A3-A4)^2+(A2-2*A3)^4+10*(A1-A4)^4", 3.0, -1.0, 0.5, 1.0, known=0.0
    ),
    "Wood": function(WOOD, -3.0, -1.0, -3.0, -1.0, known=0.0),
    "Goldstein and Price": function(GOLDSTEIN, 0.5, -0.5, known=3.0),
    "six-hump camel": function(
        "=(4-2.1*A1^2+A1^4/3)*A1^2+A1*A2+(4*A2^2-4)*A2^2", 0.5, 1.0, known=-1.0316284534898774
    ),
    "Zakharov": function(
        "=SUMSQ(A1:A4)+(A1/2+A2+1.5*A3+2*A4)^2+(A1/2+A2+1.5*A3+2*A4)^4",
        *(2.0, -1.0, 3.0, 1.0),
        known=0.0,
    ),
    "Trid": function(
        "=SUMXMY2(A1:A6,{1;1;1;1;1;1})-SUMPRODUCT(A2:A6,A1:A5)", *([0.5] * 6), known=-50.0
    ),
}


# Fits ---------------------------------------------------------------------------


def fit(
    formula: str, start: Sequence[float], xs: Sequence[float], ys: Sequence[float]
) -> SheetProblem:
    """Parameters in F1, F2 …; x and y in A and B; the model in C, squares in D."""
    names = [f"F{k}" for k in range(1, len(start) + 1)]
    last = len(xs)
    cells: dict[str, Content] = dict(zip(names, start, strict=True))
    cells |= {f"A{k}": x for k, x in enumerate(xs, 1)}
    cells |= {f"B{k}": y for k, y in enumerate(ys, 1)}
    cells |= {f"C1:C{last}": formula, f"D1:D{last}": "=(C1-B1)^2", "H1": f"=SUM(D1:D{last})"}
    return SheetProblem("fits", cells, names, "H1")


def noisy(seed: int, values: Sequence[float], size: float) -> list[float]:
    chance = random.Random(seed)
    return [y + chance.gauss(0, size) for y in values]


def steps(first: float, last: float, count: int) -> list[float]:
    return [first + (last - first) * k / (count - 1) for k in range(count)]


def fits() -> dict[str, SheetProblem]:
    x, long = steps(0.2, 6, 30), steps(0, 10, 40)
    dose = [0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0, 1.5, 2.0, 3.0, 5.0]
    warm = steps(280, 340, 25)
    return {
        "exponential": fit(
            "=$F$1*EXP(-$F$2*A1)+$F$3",
            [1, 1, 0],
            x,
            noisy(1, [3 * exp(-0.7 * a) + 0.5 for a in x], 0.02),
        ),
        "logistic": fit(
            "=$F$1/(1+EXP(-$F$2*(A1-$F$3)))",
            [5, 1, 3],
            long,
            noisy(2, [12 / (1 + exp(-1.3 * (a - 4.5))) for a in long], 0.1),
        ),
        "Gaussian": fit(
            "=$F$1*EXP(-((A1-$F$2)^2)/(2*$F$3^2))+$F$4",
            [1, 4, 2, 0],
            long,
            noisy(3, [4 * exp(-((a - 5.5) ** 2) / 2) + 0.3 for a in long], 0.05),
        ),
        "Michaelis and Menten": fit(
            "=$F$1*A1/($F$2+A1)",
            [100, 1],
            dose,
            noisy(4, [212 * a / (0.064 + a) for a in dose], 3),
        ),
        "sine": fit(
            "=$F$1*SIN($F$2*A1+$F$3)+$F$4",
            [1, 1.2, 0, 0],
            long,
            noisy(5, [2 * sin(1.3 * a + 0.5) + 1 for a in long], 0.1),
        ),
        "two compartments": fit(
            "=$F$1*EXP(-$F$2*A1)+$F$3*EXP(-$F$4*A1)",
            [5, 2, 2, 0.2],
            x,
            noisy(6, [8 * exp(-1.5 * a) + 3 * exp(-0.15 * a) for a in x], 0.03),
        ),
        "power law": fit("=$F$1*A1^$F$2", [1, 1], x, noisy(7, [2.5 * a**1.6 for a in x], 0.3)),
        "Arrhenius": fit(
            "=$F$1*EXP(-$F$2*(1000/A1-1000/300))",
            [1, 1],
            warm,
            noisy(8, [0.8 * exp(-6.2 * (1000 / a - 1000 / 300)) for a in warm], 0.05),
        ),
        "Gompertz": fit(
            "=$F$1*EXP(-$F$2*EXP(-$F$3*A1))",
            [8, 3, 0.5],
            long,
            noisy(9, [10 * exp(-5 * exp(-0.6 * a)) for a in long], 0.1),
        ),
        "damped oscillation": fit(
            "=$F$1*EXP(-$F$2*A1)*COS($F$3*A1+$F$4)",
            [2, 0.1, 1.9, 0],
            long,
            noisy(10, [3 * exp(-0.25 * a) * cos(2 * a + 0.4) for a in long], 0.05),
        ),
    }


# Networks that only compute forward -----------------------------------------------


def network(
    inputs: Sequence[Sequence[float]],
    targets: Sequence[float],
    hidden: int,
    seed: int,
    *,
    end: str = "=1/(1+EXP(-({})))",
    loss: str = "=({a}-{t})^2/2",
    bound: float | None = 10.0,
) -> SheetProblem:
    """Inputs from column C, the target after them, tanh units, an output and its loss; weights in
    A."""
    width, rows = len(inputs[0]), len(inputs)
    letter = "CDEFGHIJKLMNOPQRSTUVWXYZ"
    units = letter[width + 1 : width + 1 + hidden]
    target, out, lost = letter[width], letter[width + 1 + hidden], letter[width + 2 + hidden]
    chance = random.Random(seed)
    count = hidden * (width + 1) + hidden + 1
    names = [f"A{k}" for k in range(1, count + 1)]
    cells: dict[str, Content] = {name: chance.uniform(-1, 1) for name in names}
    for row, (xs, t) in enumerate(zip(inputs, targets, strict=True), 1):
        cells |= {f"{letter[k]}{row}": float(x) for k, x in enumerate(xs)}
        cells[f"{target}{row}"] = float(t)
    weights = iter(range(1, count + 1))
    for unit in units:
        terms = [f"$A${next(weights)}*{letter[k]}1" for k in range(width)]
        cells[f"{unit}1:{unit}{rows}"] = f"=TANH({'+'.join(terms)}+$A${next(weights)})"
    total = "+".join(f"$A${next(weights)}*{unit}1" for unit in units)
    cells[f"{out}1:{out}{rows}"] = end.format(f"{total}+$A${next(weights)}")
    cells[f"{lost}1:{lost}{rows}"] = loss.format(a=f"{out}1", t=f"{target}1")
    cells["B1"] = f"=SUM({lost}1:{lost}{rows})"
    limits = (
        []
        if bound is None
        else [(name, how, sign * bound) for name in names for how, sign in ((MORE, -1), (LESS, 1))]
    )
    return SheetProblem("networks", cells, names, "B1", limits=limits)


def networks() -> dict[str, SheetProblem]:
    bits = [(a, b) for a in (0, 1) for b in (0, 1)]
    three = [(a, b, c) for a in (0, 1) for b in (0, 1) for c in (0, 1)]
    chance = random.Random(5)
    points = [(chance.uniform(-1, 1), chance.uniform(-1, 1)) for _ in range(60)]
    line = [(x,) for x in steps(-3, 3, 31)]
    entropy = "=-({t}*LN({a}+1E-12)+(1-{t})*LN(1-{a}+1E-12))"
    return {
        "XOR, squares": network(bits, [a ^ b for a, b in bits], 2, 3),
        "XOR, cross-entropy": network(bits, [a ^ b for a, b in bits], 3, 1, loss=entropy),
        "circle, 25 weights, 60 points": network(
            points, [a * a + b * b < 0.5 for a, b in points], 6, 5
        ),
        "a sine, 16 weights": network(line, [sin(x[0]) for x in line], 5, 2, end="={}", bound=None),
        "parity of 3 bits": network(three, [sum(x) % 2 for x in three], 4, 4),
        "a bell, 13 weights": network(
            line, [exp(-x[0] * x[0]) for x in line], 4, 6, end="={}", bound=None
        ),
    }


# Tasks with constraints -----------------------------------------------------------

PORTFOLIO = SheetProblem(
    "constraints",
    {
        **{f"A{k}": 0.25 for k in range(1, 5)},
        **{f"B{k}": mean for k, mean in enumerate((0.05, 0.08, 0.12, 0.1), 1)},
        **dict(zip(["D1", "E1", "F1", "G1"], (0.010, 0.002, 0.001, 0.003), strict=True)),
        **dict(zip(["D2", "E2", "F2", "G2"], (0.002, 0.030, 0.010, 0.008), strict=True)),
        **dict(zip(["D3", "E3", "F3", "G3"], (0.001, 0.010, 0.090, 0.020), strict=True)),
        **dict(zip(["D4", "E4", "F4", "G4"], (0.003, 0.008, 0.020, 0.050), strict=True)),
        "C1": "=SUM(MMULT(D1:G4,A1:A4)*A1:A4)",
        "C2": "=SUM(A1:A4)",
        "C3": "=SUMPRODUCT(A1:A4,B1:B4)",
    },
    ["A1", "A2", "A3", "A4"],
    "C1",
    limits=[("C2", SAME, 1.0), ("C3", MORE, 0.09), *[(f"A{k}", MORE, 0.0) for k in range(1, 5)]],
)
DIET = SheetProblem(
    "constraints",
    {
        **{f"A{k}": 1.0 for k in range(1, 6)},
        **{f"B{k}": price for k, price in enumerate((0.6, 0.35, 0.9, 2.1, 0.25), 1)},
        **{f"D{k}": energy for k, energy in enumerate((400, 350, 150, 250, 90), 1)},
        **{f"E{k}": protein for k, protein in enumerate((12, 7, 10, 26, 2), 1)},
        **{f"F{k}": fat for k, fat in enumerate((4, 1, 8, 15, 0.2), 1)},
        "C1": "=SUMPRODUCT(A1:A5,B1:B5)",
        **{f"C{k}": f"=SUMPRODUCT($A$1:$A$5,{x}1:{x}5)" for k, x in enumerate("DEF", 2)},
    },
    [f"A{k}" for k in range(1, 6)],
    "C1",
    limits=[
        *[("C2", MORE, 2000.0), ("C3", MORE, 70.0), ("C4", LESS, 60.0)],
        *[(f"A{k}", MORE, 0.0) for k in range(1, 6)],
        *[(f"A{k}", LESS, 5.0) for k in range(1, 6)],
    ],
)
TRUSS = SheetProblem(  # three bars that carry two loads: weight, by the bars' areas
    "constraints",
    {
        "A1": 1.0,
        "A2": 1.0,
        "B1": 2.0,
        "B2": 1.0,
        "B3": "=SQRT(2)*A1^2+2*A1*A2",
        "B4": "=B1*(A2+SQRT(2)*A1)/B3",
        "B5": "=B1*SQRT(2)*A1/B3",
        "B6": "=B1*A2/B3",
        "C1": "=(2*SQRT(2)*A1+A2)*100",
    },
    ["A1", "A2"],
    "C1",
    limits=[
        *[("B4", LESS, 2.0), ("B5", LESS, 2.0), ("B6", LESS, 2.0)],
        *[("A1", MORE, 0.01), ("A2", MORE, 0.01), ("A1", LESS, 5.0), ("A2", LESS, 5.0)],
    ],
)
BREAK_EVEN = SheetProblem(  # the smallest change of price, cost and rent with which nothing is lost
    "constraints",
    {
        "A1": 1.2,
        "A2": 0.9,
        "A3": 60.0,
        "B1": "=150*EXP(-0.6*A1)",
        "C1": "=B1*(A1-A2)-A3",
    },
    ["A1", "A2", "A3"],
    "C1",
    SolverGoal.REACHED,
)
CONSTRAINED = {
    "portfolio": PORTFOLIO,
    "diet": DIET,
    "truss": TRUSS,
    "break-even": BREAK_EVEN,
}


# The table ----------------------------------------------------------------------


def main() -> None:
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="default: all")
    parser.add_argument("--write", metavar="FILE", help="put the table after its mark there")
    parser.add_argument("--calc", metavar="SECONDS", type=float, help="Calc's solver, not SciPy's")
    options = parser.parse_args()
    every = {**FUNCTIONS, **fits(), **networks(), **CONSTRAINED}
    if options.calc:
        text = beside_calc(every, options.names, options.calc)
        print(text)
        if options.write:
            put(Path(options.write), text, CALC_MARK)
        return
    lines = [
        "| sheet | cells | value | evaluations | seconds "
        "| SciPy's best | by | evaluations | seconds |",
        "|---|--:|--:|--:|--:|--:|---|--:|--:|",
    ]
    worse, slower, missed = [], [], []
    for name, problem in every.items():
        if options.names and name not in options.names:
            continue
        ours, others = by_gradbook(problem), dict[str, Attempt]()
        for method in METHODS:
            if (attempt := by_scipy(problem, method)) is not None:
                others[method] = attempt
        if problem.goal is SolverGoal.REACHED and isfinite(ours.value):
            counted = Counted(problem)
            ours.value = counted.wanted(np.array(ours.numbers))
        line, is_worse, is_slower = compare(name, problem, ours, others)
        print(line, file=sys.stderr, flush=True)
        lines.append(line)
        worse += [name] * is_worse
        slower += [name] * (is_slower and problem.is_smooth)
        is_missed = problem.known is not None and not as_good(ours.value, problem.known)
        missed += [name] * is_missed
    totals = [
        f"Worse than SciPy's best by more than 1e-6: {', '.join(worse) or 'none'}.",
        f"More evaluations than the method of SciPy that needs fewest for as good a value: "
        f"{', '.join(slower) or 'none'}.",
        f"Known lowest values that were missed: {', '.join(missed) or 'none'}.",
    ]
    text = "\n".join([*lines, "", *totals])
    print(text)
    if options.write:
        put(Path(options.write), text)


def as_good(value: float, best: float) -> bool:
    """To a millionth; of values that are nearly 0, to 1e-12."""
    return value <= best + CLOSE * max(abs(best), CLOSE)


def compare(
    name: str, problem: SheetProblem, ours: Attempt, others: Mapping[str, Attempt]
) -> tuple[str, bool, bool]:
    """The line of a table; whether ours is worse, and whether it takes more evaluations."""
    sign = -1.0 if problem.goal is SolverGoal.LARGEST else 1.0
    finite = {m: a for m, a in others.items() if isfinite(a.value)}
    best = min((sign * a.value for a in finite.values()), default=inf)
    is_worse = not as_good(sign * ours.value, best) if isfinite(ours.value) else True
    lowest = min(best, sign * ours.value)
    reaching = {m: a for m, a in finite.items() if as_good(sign * a.value, lowest)}
    method = min(reaching, key=lambda m: reaching[m].evaluations, default="")
    if not reaching and finite:
        method = min(finite, key=lambda m: sign * finite[m].value)
    cost = f"{ours.evaluations:,} | {ours.seconds:.2f}"
    shown = f"{name} | {len(problem.inputs)} | {ours.value:.7g} | {cost}"
    if not method:
        return f"| {shown} | – | none | | |", is_worse, False
    other = finite[method]
    is_slower = bool(reaching) and ours.evaluations >= other.evaluations
    called = method if reaching else f"{method}, not as low"
    return (
        f"| {shown} | {other.value:.7g} | {called} | {other.evaluations:,} | {other.seconds:.2f} |",
        is_worse,
        is_slower,
    )


MARK = "<!-- the table, by bench/solving.py -->"
CALC_MARK = "<!-- the table, by bench/solving.py --calc -->"


def put(path: Path, text: str, mark: str = MARK) -> None:
    """Write the text after a mark of a file, up to the next heading."""
    before, _, after = path.read_text(encoding="utf-8").partition(mark)
    heading = after.partition("\n## ")
    rest = f"\n## {heading[2]}" if heading[1] else ""
    path.write_text(f"{before}{mark}\n\n{text}\n{rest}", encoding="utf-8")


# Calc's solver --------------------------------------------------------------------

OFFICE_PYTHON = "/usr/bin/python3"  # that knows uno
FAR = {"fits": 1000.0}  # bounds for cells without any: the swarm needs some
USUAL_BOUND = 10.0


def beside_calc(every: Mapping[str, SheetProblem], names: Sequence[str], seconds: float) -> str:
    """A table of what Calc's SwarmSolver comes to, within bounds."""
    lines = [
        "| sheet | gradbook | seconds | SwarmSolver | seconds | reached |",
        "|---|--:|--:|--:|--:|---|",
    ]
    with TemporaryDirectory() as folder:
        tasks = [
            task_for_calc(name, problem, Path(folder, f"{k}.xlsx"), seconds)
            for k, (name, problem) in enumerate(every.items())
            if (not names or name in names) and problem.goal is not SolverGoal.REACHED
        ]
        listed = Path(folder, "tasks.json")
        listed.write_text(json.dumps(tasks), encoding="utf-8")
        command = [OFFICE_PYTHON, str(Path(__file__).with_name("solving_in_calc.py")), str(listed)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert process.stdout
        for line in process.stdout:
            swarm = json.loads(line)
            problem = every[swarm["name"]]
            ours = by_gradbook(problem)
            value, broken = swarm["value"], any(is_broken(*apart) for apart in swarm["apart"])
            verdict = "yes" if value is not None and as_good(value, ours.value) else "no"
            verdict = "no: a limit is broken" if broken else verdict
            name, shown = swarm["name"], "an error" if value is None else f"{value:.7g}"
            lines.append(
                f"| {name} | {ours.value:.7g} | {ours.seconds:.2f} | {shown} "
                f"| {swarm['seconds']:.1f} | {verdict} |"
            )
            print(lines[-1], file=sys.stderr, flush=True)
    return "\n".join(lines)


def is_broken(apart: float, sign: str) -> bool:
    return {"<=": apart, ">=": -apart, "=": abs(apart)}[sign] > CLOSE


def task_for_calc(
    name: str, problem: SheetProblem, path: Path, seconds: float
) -> dict[str, object]:
    bound = FAR.get(problem.family, USUAL_BOUND)
    limits: list[list[object]] = [[cell, how.value, end] for cell, how, end in problem.limits]
    bounded = {cell for cell, _, _ in problem.limits}
    for cell in problem.inputs:
        if cell not in bounded:
            limits += [[cell, ">=", -bound], [cell, "<=", bound]]
    return {
        "name": name,
        "file": str(saved(path, problem.cells)),
        "result": problem.result,
        "inputs": list(problem.inputs),
        "limits": limits,
        "seconds": seconds,
    }


if __name__ == "__main__":
    main()
