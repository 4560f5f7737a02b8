"""Networks in matrices: MMULT over all samples, a block or a sheet for each step."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from gradbook.cells.formula.address import letters
from tests.audit.material.made import Content, Spot, Table

CLOSE = 1e-5
NUDGE = 1e-5
Array = np.ndarray

ACTIVATIONS = {  # by Excel, its slope by Excel (a is the activation, z the sum), by NumPy
    "sigmoid": ("1/(1+EXP(-{z}))", "{a}*(1-{a})", lambda z: 1 / (1 + np.exp(-z))),
    "tanh": ("TANH({z})", "(1-{a}^2)", np.tanh),
    "relu": ("IF({z}>0,{z},0)", "IF({z}>0,1,0)", lambda z: np.maximum(z, 0)),
}


@dataclass(frozen=True)
class Plan:
    """How a network in matrices is made, and where it stands. Samples are rows."""

    samples: int
    inputs: int
    hidden: int
    outputs: int
    activation: str
    steps: int
    top: int
    left: int
    on_sheets: bool  # a sheet for each step
    words: bool

    @property
    def shapes(self) -> dict[str, tuple[int, int]]:
        n, i, h, o = self.samples, self.inputs, self.hidden, self.outputs
        return {
            "W1": (i, h),
            "b1": (1, h),
            "W2": (h, o),
            "b2": (1, o),
            "Z1": (n, h),
            "A1": (n, h),
            "Z2": (n, o),
            "D2": (n, o),
            "D1": (n, h),
            "dW2": (h, o),
            "db2": (1, o),
            "dW1": (i, h),
            "db1": (1, h),
            "loss": (1, 1),
        }


def drawn(draw: random.Random) -> Plan:
    return Plan(
        draw.randint(3, 5),
        draw.randint(2, 3),
        draw.randint(2, 3),
        draw.randint(1, 2),
        draw.choice(list(ACTIVATIONS)),
        draw.randint(5, 8),
        draw.randint(4, 7),
        draw.randint(1, 3),
        draw.random() < 0.3,
        draw.random() < 0.7,
    )


def formulas(plan: Plan) -> dict[str, str]:
    """The formula of each matrix; {W1<} is the step before's."""
    forward, slope, _ = ACTIVATIONS[plan.activation]
    slope = slope.replace("{z}", "{Z1}").replace("{a}", "{A1}")
    n = plan.samples
    return {
        **{w: f"{{{w}<}}-{{η}}*{{d{w}<}}" for w in ("W1", "b1", "W2", "b2")},
        "Z1": "MMULT({X},{W1})+{b1}",
        "A1": forward.replace("{z}", "{Z1}"),
        "Z2": "MMULT({A1},{W2})+{b2}",
        "D2": f"({{Z2}}-{{Y}})/{n}",
        "D1": f"MMULT({{D2}},TRANSPOSE({{W2}}))*{slope}",
        "dW2": "MMULT(TRANSPOSE({A1}),{D2})",
        "dW1": "MMULT(TRANSPOSE({X}),{D1})",
        "loss": f"SUMSQ({{Z2}}-{{Y}})/2/{n}",
    }


def slips(plan: Plan) -> dict[str, dict[str, str]]:
    """Mistakes in whole matrices."""
    usual = formulas(plan)
    found = {
        "W2's update adds": {"W2": usual["W2"].replace("-", "+", 1)},
        "W1 lacks η": {"W1": "{W1<}-{dW1<}"},
        "b1 never updated": {"b1": "{b1<}"},
        "dW2 by the sums": {"dW2": "MMULT(TRANSPOSE({Z1}),{D2})"},
        "Z1 without its bias": {"Z1": "MMULT({X},{W1})"},
        "db1 lacks a sample": {"db1": "fewer"},
        "D2 with the other sign": {"D2": f"({{Y}}-{{Z2}})/{plan.samples}"},
    }
    if plan.activation != "relu":
        slope = ACTIVATIONS[plan.activation][1]
        wrong = slope.replace("{a}", "{Z1}")
        found["D1 by the slope of the sums"] = {
            "D1": usual["D1"].replace(slope.replace("{a}", "{A1}"), wrong)
        }
    else:
        found["D1 without its mask"] = {"D1": "MMULT({D2},TRANSPOSE({W2}))"}
    if plan.hidden == plan.inputs:
        found["dW1 by the activations"] = {"dW1": "MMULT(TRANSPOSE({A1}),{D1})"}
    return found


class Laid:
    """A book of matrices, and which cells have other formulas."""

    def __init__(self, plan: Plan, draw: random.Random, other: Mapping[str, str]) -> None:
        self.plan, self.other = plan, other
        self.corners = self._corners()
        self.table = Table({})
        self.marked: set[Spot] = set()
        self._typed("X", plan.samples, plan.inputs, draw)
        self._typed("Y", plan.samples, plan.outputs, draw)
        self._put(self._spot("η", 0), 0.3)
        for step in range(plan.steps):
            self._step(step, draw)

    def _corners(self) -> dict[str, tuple[int, int]]:
        """The first cell of each matrix in a block: two bands of matrices side by side."""
        found: dict[str, tuple[int, int]] = {}
        column = 0
        for name, (_, width) in self.plan.shapes.items():
            found[name] = (0, column)
            column += width + 1
        return found

    @property
    def height(self) -> int:
        return max(h for h, _ in self.plan.shapes.values()) + 2

    def _spot(self, name: str, step: int) -> Spot:
        plan = self.plan
        first = "step1" if plan.on_sheets else "Matrices"
        if name in ("X", "Y", "η"):
            column = {"X": 0, "Y": plan.inputs + 1, "η": plan.inputs + plan.outputs + 2}[name]
            return ("Data" if plan.on_sheets else first), 1, plan.left + column
        row, column = self.corners[name]
        if plan.on_sheets:
            return f"step{step + 1}", plan.top + row, plan.left + column
        top = plan.top + plan.samples + step * self.height
        return first, top + row, plan.left + column

    def area(self, name: str, step: int) -> list[Spot]:
        shapes = self.plan.shapes | {
            "X": (self.plan.samples, self.plan.inputs),
            "Y": (self.plan.samples, self.plan.outputs),
            "η": (1, 1),
        }
        (sheet, row, column), (height, width) = self._spot(name, step), shapes[name]
        return [(sheet, row + r, column + c) for r in range(height) for c in range(width)]

    def _typed(self, name: str, height: int, width: int, draw: random.Random) -> None:
        for spot in self.area(name, 0):
            self._put(spot, round(draw.uniform(-1, 1), 2))

    def _step(self, step: int, draw: random.Random) -> None:
        usual = formulas(self.plan)
        for name in self.plan.shapes:
            spots = self.area(name, step)
            if self.plan.words:
                sheet, row, column = spots[0]
                self.table.sheets.setdefault(sheet, {}).setdefault((row - 1, column), name)
            if step == 0 and name in ("W1", "b1", "W2", "b2"):
                for spot in spots:
                    self._put(spot, round(draw.uniform(-0.9, 0.9), 2))
            elif name in ("db1", "db2"):
                self._sums(name, step, spots)
            else:
                self._array(self.other.get(name) or usual[name], step, spots)
                self.marked |= set(spots) if name in self.other else set()

    def _sums(self, name: str, step: int, spots: list[Spot]) -> None:
        """A bias has the sum of its column."""
        delta = self.area("D" + name[-1], step)
        for k, spot in enumerate(spots):
            column = [d for d in delta if d[2] == delta[k][2]]
            is_short = name in self.other and k == len(spots) - 1
            last = column[-2 if is_short else -1]
            self._put(spot, f"=SUM({_named(column[0])}:{_named(last)})")
            self.marked |= {spot} if is_short else set()

    def _array(self, formula: str, step: int, spots: list[Spot]) -> None:
        home = spots[0]
        for name in ("η", "X", "Y", *self.plan.shapes):
            for back in ("<", ""):
                mention = f"{{{name}{back}}}"
                if mention in formula:
                    area = self.area(name, step - bool(back))
                    formula = formula.replace(mention, _area(area, home, name in ("η", "X", "Y")))
        where = f"{_named(spots[0])}:{_named(spots[-1])}"
        self._put(home, f"{{{where}={formula}}}")

    def _put(self, spot: Spot, content: Content) -> None:
        self.table.sheets.setdefault(spot[0], {})[spot[1:]] = content


def _named(spot: Spot) -> str:
    return f"{letters(spot[2])}{spot[1] + 1}"


def _area(spots: list[Spot], home: Spot, is_fixed: bool) -> str:
    ends = [spots[0], spots[-1]] if len(spots) > 1 else spots
    words = [f"${letters(c)}${r + 1}" if is_fixed else f"{letters(c)}{r + 1}" for _, r, c in ends]
    sheet = "" if spots[0][0] == home[0] else f"{spots[0][0]}!"
    return sheet + ":".join(words)


# The witness --------------------------------------------------------------------------


def disagreements(laid: Laid, numbers: Mapping[Spot, float]) -> Iterator[str]:
    """Where NumPy and finite differences say something else than a right book."""
    plan = laid.plan
    activate = ACTIVATIONS[plan.activation][2]

    def matrix(name: str, step: int) -> Array:
        spots = laid.area(name, step)
        found = np.array([numbers.get(spot, np.nan) for spot in spots])
        return found.reshape(len({s[1] for s in spots}), -1)

    x, y = matrix("X", 0), matrix("Y", 0)

    def loss(w: Mapping[str, Array]) -> float:
        out = activate(x @ w["W1"] + w["b1"]) @ w["W2"] + w["b2"]
        return float(((out - y) ** 2).sum() / 2 / plan.samples)

    for step in range(plan.steps):
        weights = {w: matrix(w, step) for w in ("W1", "b1", "W2", "b2")}
        if not np.isclose(loss(weights), matrix("loss", step)[0, 0]):
            yield f"the loss in step {step}"
        for w, values in weights.items():
            slope = np.zeros_like(values)
            for place in np.ndindex(*values.shape):
                nudge = np.zeros_like(values)
                nudge[place] = NUDGE
                two = [loss({**weights, w: values + s * nudge}) for s in (1, -1)]
                slope[place] = (two[0] - two[1]) / (2 * NUDGE)
            claimed = matrix(f"d{w}", step)
            if not np.allclose(slope, claimed, rtol=CLOSE, atol=CLOSE):
                yield f"d{w} in step {step}"
            if step + 1 < plan.steps and not np.allclose(
                matrix(w, step + 1), values - 0.3 * claimed
            ):
                yield f"{w} in step {step + 1}"
