"""Workbooks that learn by the perceptron rule, as people lay them out, drawn by chance."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import product

from gradbook.cells.formula.address import letters
from tests.audit.material.made import Cells, Spot, Table

Place = tuple[int, int]
Role = str
TITLE = "Perceptron"

GATES: dict[str, Callable[[tuple[int, ...]], bool]] = {
    "and": all,
    "or": any,
    "nand": lambda x: not all(x),
    "nor": lambda x: not any(x),
    "most": lambda x: 2 * sum(x) > len(x),
    "first": lambda x: bool(x[0]),
}
HEADINGS = {
    "en": {
        "x": "x",
        "w": "w",
        "t": "Target",
        "y": "Output",
        "e": "Error",
        "net": "Sum",
        "r": "Rate",
    },
    "de": {"x": "E", "w": "Gewicht", "t": "Soll", "y": "Ist", "e": "Fehler", "net": "Netz"},
    "es": {"x": "Entrada", "w": "Peso", "t": "Deseado", "y": "Salida", "e": "Error", "net": "Suma"},
    "id": {"x": "X", "w": "Bobot", "t": "Target", "y": "Hasil", "e": "Galat", "net": "Jumlah"},
    "none": {},
}
# What makes a step of a sum s, by the two values of the target
STEPS = {
    (0, 1): [
        "IF({s}>{θ},1,0)",
        "IF({s}>={θ},1,0)",
        "IF({s}<{θ},0,1)",
        "IF({s}<={θ},0,1)",
        "({s}>{θ})*1",
        "--({s}>={θ})",
        "N({s}>{θ})",
        "INT({s}>={θ})",
        "(SIGN({s}-{θ})+1)/2",
        "IF(({s}-{θ})>0,1,0)",
        "ROUND(1/(1+EXP(-({s}-{θ}))),0)",
        "1*({s}>={θ})",
    ],
    (-1, 1): [
        "IF({s}>{θ},1,-1)",
        "IF({s}>={θ},1,-1)",
        "IF({s}<{θ},-1,1)",
        "SIGN({s}-{θ})",
        "2*({s}>{θ})-1",
        "IF({s}>{θ},1,IF({s}<{θ},-1,0))",
        "IF({s}>{m},1,IF({s}<-{m},-1,0))",
    ],
}


@dataclass(frozen=True)
class PerceptronStyle:
    """How a book is laid out."""

    inputs: int
    gate: str
    levels: tuple[int, int]
    carry: str  # row, after, two, down, right
    bias: str  # none, bare, one, threshold
    rate: str  # cell, typed, column, none
    deltas: str  # none, error, columns, all
    update: str  # plain, equal, differs, inside
    net: str  # cell, product, inline
    step: str
    flipped: bool  # y − t, subtracted
    repeated: bool  # samples by reference
    gap: int  # rows between epochs
    epochs: int
    across: bool
    words: str
    top: int
    left: int
    last: bool  # whether a last row of weights stands alone
    sums: bool  # whether errors are counted


def drawn_style(draw: random.Random) -> PerceptronStyle:
    levels = draw.choice([(0, 1), (0, 1), (-1, 1)])
    carry = draw.choice(["row", "row", "row", "after", "after", "two", "down", "right"])
    rows = carry in ("row", "after", "two")
    deltas = draw.choice(["none", "error", "error", "columns", "all", "all"])
    bias = draw.choice(["none", "bare", "bare", "one", "one", "threshold"])
    steps = [step for step in STEPS[levels] if bias != "threshold" or "{m}" not in step]
    return PerceptronStyle(
        inputs=draw.choice([2, 2, 2, 3, 4]),
        gate=draw.choice(list(GATES)),
        levels=levels,
        carry=carry,
        bias=bias,
        rate=draw.choice(["cell", "cell", "cell", "typed", "none", *["column"] * rows]),
        deltas=deltas,
        update=draw.choice(["plain"] * 4 + ["equal", "differs", "inside"]),
        net=draw.choice(["cell", "cell", "cell", *["product"] * rows, "inline"]),
        step=draw.choice(steps),
        flipped=draw.random() < 0.15,
        repeated=rows and draw.random() < 0.3,
        gap=draw.choice([0, 0, 0, 1, 2]) if rows else 0,
        epochs=draw.choice([1, 2, 3, 5]),
        across=draw.random() < 0.12,
        words=draw.choice(list(HEADINGS)),
        top=draw.choice([0, 1, 3]),
        left=draw.choice([0, 1, 2]),
        last=draw.random() < 0.5,
        sums=draw.random() < 0.4,
    )


@dataclass(frozen=True)
class RuleWeight:
    """One weight, what it is multiplied with, and how its update is signed."""

    role: Role
    x: Role | None
    sign: int = 1


@dataclass
class PerceptronBook:
    """A book cell by cell, and where each role stands in each step."""

    style: PerceptronStyle
    number: int
    cells: Cells = field(default_factory=dict)
    places: dict[tuple[Role, int], Place] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.draw = random.Random(self.number)
        self.weights = self._weights()
        self.samples = self._samples()
        self.steps = len(self.samples) * self.style.epochs
        self._place()
        self._fill()

    def table(self) -> Table:
        return Table({TITLE: self.cells})

    def spots(self) -> list[Spot]:
        """The cells that have formulas."""
        formulas = (place for place, content in self.cells.items() if str(content)[:1] == "=")
        return [(TITLE, *place) for place in formulas]

    def updates(self) -> list[Spot]:
        """The cells that have the weights after each step."""
        after = (self.places[self.after(w, k)] for w in self.weights for k in range(self.steps))
        return [(TITLE, *place) for place in after if place in self.cells]

    # What it learns with

    def start(self, weight: RuleWeight) -> float:
        after = self.style.carry == "after"
        content = self.cells[self.places[f"n{weight.role}" if after else weight.role, -after]]
        assert isinstance(content, float)
        return content

    @property
    def rate(self) -> float:
        typed = {"typed": 0.1, "column": 0.1, "none": 1.0}
        return typed.get(self.style.rate) or float(self.cells[self.rate_place])

    # What there is

    def _weights(self) -> list[RuleWeight]:
        style = self.style
        found = [RuleWeight(f"w{k}", f"x{k}") for k in range(1, style.inputs + 1)]
        if style.bias == "bare":
            found.append(RuleWeight("b", None))
        elif style.bias == "one":
            found.insert(0, RuleWeight("w0", "x0"))
        elif style.bias == "threshold":
            found.append(RuleWeight("th", None, -1))
        return found

    @property
    def inputs(self) -> list[Role]:
        return [weight.x for weight in self.weights if weight.x]

    def _samples(self) -> list[dict[Role, float]]:
        low, high = self.style.levels
        binary = self.draw.random() < 0.7
        points = list(product((0, 1), repeat=self.style.inputs))
        self.draw.shuffle(points)
        found = []
        for point in points[:8]:
            sample: dict[Role, float] = {f"x{k}": float(v) for k, v in enumerate(point, 1)}
            if not binary:
                sample = {x: v + round(self.draw.uniform(-0.4, 0.4), 2) for x, v in sample.items()}
            sample["x0"] = 1.0
            sample["t"] = float(high if GATES[self.style.gate](point) else low)
            found.append(sample)
        return found

    # Where it stands

    def _roles(self) -> list[Role]:
        style = self.style
        changes = [f"d{w.role}" for w in self.weights] if style.deltas in ("columns", "all") else []
        error = ["e"] if style.deltas in ("error", "all") else []
        weights = [w.role for w in self.weights]
        after = [f"n{w.role}" for w in self.weights] if style.carry in ("after", "two") else []
        before = weights if style.carry != "after" else []
        rate = ["r"] if style.rate == "column" else []
        net = ["net"] if style.net != "inline" else []
        data = [*self.inputs, "t"]
        results = [*net, "y", *error]
        orders = [
            [*data, *before, *net, "y", *error, *rate, *changes, *after],
            [*data[:-1], *before, *net, "y", "t", *error, *changes, *rate, *after],
            [*data, *results, *before, *rate, *changes, *after],
        ]
        return self.draw.choice(orders)

    def _place(self) -> None:
        style, roles = self.style, self._roles()
        if style.carry in ("down", "right"):
            self._place_blocks(roles)
        else:
            for k in range(-1, self.steps + 1):
                row = self.first + k + style.gap * (max(k, 0) // len(self.samples))
                if style.carry != "after" and k == self.steps:
                    row = self.first + k + style.gap * ((k - 1) // len(self.samples))
                for column, role in enumerate(roles):
                    self.places[role, k] = self._turned(row, style.left + column)
        self.rate_place = self._rate_place(roles)

    @property
    def first(self) -> int:
        return self.style.top + 2

    def _turned(self, row: int, column: int) -> Place:
        return (column, row) if self.style.across else (row, column)

    def _place_blocks(self, roles: list[Role]) -> None:
        """A block for each step: weights one below the other, with their inputs beside them."""
        style, tall = self.style, len(self.weights) + 4
        for k in range(self.steps + 1):
            top, left = self.first, style.left + 1
            if style.carry == "down":
                top += k * tall
            else:
                left += k * 6
            for row, weight in enumerate(self.weights):
                self.places[weight.role, k] = self._turned(top + row, left + 1)
                self.places[f"d{weight.role}", k] = self._turned(top + row, left + 2)
                if weight.x:
                    self.places[weight.x, k] = self._turned(top + row, left)
            for column, role in enumerate(("t", "net", "y", "e")):
                self.places[role, k] = self._turned(top + len(self.weights) + 1, left + column)

    def _rate_place(self, roles: list[Role]) -> Place:
        if self.style.carry in ("down", "right"):
            return self._turned(self.style.top, self.style.left + 3)
        if self.draw.random() < 0.5 and not self.style.sums:
            return self._turned(self.first, self.style.left + len(roles))
        return self._turned(self.style.top, self.style.left + 1)

    # What stands there

    def ref(self, role: Role, k: int) -> str:
        row, column = self.places[role, k]
        return f"{letters(column)}{row + 1}"

    def fixed(self, place: Place) -> str:
        return f"${letters(place[1])}${place[0] + 1}"

    @property
    def rate_text(self) -> str:
        return {"cell": self.fixed(self.rate_place), "typed": "0.1"}.get(self.style.rate, "")

    def _rate(self, k: int) -> str:
        return self.ref("r", k) if self.style.rate == "column" else self.rate_text

    def before(self, weight: RuleWeight, k: int) -> str:
        """The weight that a step uses."""
        if self.style.carry == "after":
            return self.ref(f"n{weight.role}", k - 1)
        return self.ref(weight.role, k)

    def after(self, weight: RuleWeight, k: int) -> tuple[Role, int]:
        """Where the weight stands that a step leaves."""
        if self.style.carry in ("after", "two"):
            return f"n{weight.role}", k
        return weight.role, k + 1

    def net(self, k: int) -> str:
        plain = [w for w in self.weights if w.sign > 0]
        paired = [w for w in plain if w.x]
        if self.style.net == "product":
            xs, ws = [self.ref(w.x, k) for w in paired], [self.before(w, k) for w in paired]
            found = f"SUMPRODUCT({xs[0]}:{xs[-1]},{ws[0]}:{ws[-1]})"
        else:
            found = "+".join(f"{self.before(w, k)}*{self.ref(w.x, k)}" for w in paired)
        return "+".join([found, *(self.before(w, k) for w in plain if not w.x)])

    def activation(self, k: int) -> str:
        threshold = next((w for w in self.weights if w.sign < 0), None)
        bound = self.before(threshold, k) if threshold else "0"
        s = self.ref("net", k) if self.style.net != "inline" else f"({self.net(k)})"
        return "=" + self.style.step.format(s=s, θ=bound, m="0.2")

    def error(self, k: int) -> str:
        t, y = self.ref("t", k), self.ref("y", k)
        return f"{y}-{t}" if self.style.flipped else f"{t}-{y}"

    def change(self, weight: RuleWeight, k: int) -> str:
        """What the rule adds, without its sign."""
        has_error = self.style.deltas in ("error", "all")
        e = self.ref("e", k) if has_error else f"({self.error(k)})"
        return "*".join(filter(None, [self._rate(k), e, self.ref(weight.x, k) if weight.x else ""]))

    def update(self, weight: RuleWeight, k: int) -> str:
        base = self.before(weight, k)
        sign = "-" if self.style.flipped != (weight.sign < 0) else "+"
        has_change = self.style.deltas in ("columns", "all")
        change = self.ref(f"d{weight.role}", k) if has_change else self.change(weight, k)
        t, y = self.ref("t", k), self.ref("y", k)
        return {
            "plain": f"={base}{sign}{change}",
            "equal": f"=IF({y}={t},{base},{base}{sign}{change})",
            "differs": f"=IF({t}<>{y},{base}{sign}{change},{base})",
            "inside": f"={base}{sign}IF({t}={y},0,{change})",
        }[self.style.update]

    def put(self, role: Role, k: int, content: float | str) -> None:
        self.cells[self.places[role, k]] = content

    def _fill(self) -> None:
        style = self.style
        for weight in self.weights:
            start = -1 if style.carry == "after" else 0
            role = f"n{weight.role}" if style.carry == "after" else weight.role
            self.put(role, start, float(self.draw.choice([0, 0, 1, 0.5, -0.5, 0.3, 0.2])))
        for k in range(self.steps):
            self._fill_step(k)
        if style.rate == "cell":
            self.cells[self.rate_place] = self.draw.choice([0.1, 0.5, 1.0, 0.2])
        self._write_headings()

    def _fill_step(self, k: int) -> None:
        style, sample = self.style, self.samples[k % len(self.samples)]
        for role in (*self.inputs, "t"):
            earlier = k - len(self.samples)
            again = style.repeated and earlier >= 0
            self.put(role, k, f"={self.ref(role, earlier)}" if again else sample[role])
        if style.rate == "column":
            self.put("r", k, 0.1)
        if style.net != "inline":
            self.put("net", k, f"={self.net(k)}")
        self.put("y", k, self.activation(k))
        if style.deltas in ("error", "all"):
            self.put("e", k, f"={self.error(k)}")
        for weight in self.weights:
            if style.deltas in ("columns", "all"):
                self.put(f"d{weight.role}", k, f"={self.change(weight, k)}")
            role, at = self.after(weight, k)
            if at < self.steps or style.last:
                self.put(role, at, self.update(weight, k))
            if style.carry == "two" and k:
                self.put(weight.role, k, f"={self.ref(f'n{weight.role}', k - 1)}")

    def _write_headings(self) -> None:
        words = HEADINGS[self.style.words]
        if not words or self.style.carry in ("down", "right"):
            return
        for (role, k), place in list(self.places.items()):
            if k != 0:
                continue
            row, column = place
            above = (row, column - 1) if self.style.across else (row - 1, column)
            if self.style.carry == "after":
                above = (row, column - 2) if self.style.across else (row - 2, column)
            stem = role.rstrip("0123456789")
            number = role[len(stem) :]
            changed = stem.removeprefix("d").removeprefix("n")
            said = "θ" if role.endswith("th") else words.get(stem) or words.get(changed[:1]) or role
            prefix = {"d": "Δ", "n": "new "}.get(stem[0], "") if len(stem) > 1 else ""
            if min(above) >= 0:
                self.cells.setdefault(above, f"{prefix}{said}{number}")


def perceptron_book(number: int) -> PerceptronBook:
    draw = random.Random(number)
    return PerceptronBook(drawn_style(draw), number)
