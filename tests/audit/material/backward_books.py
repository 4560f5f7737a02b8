"""Networks worked once, forward and back, as people lay them out: in matrices, or in the plane."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from pathlib import Path

from xlsxwriter import Workbook

from gradbook.audit.formula.address import letters

DERIVATIVES = {
    "sigmoid": "{a}*(1-{a})",
    "tanh": "1-{a}^2",
    "relu": "IF({z}>0,1,0)",
    "linear": "1",
}
ACTIVATIONS = {
    "sigmoid": "1/(1+EXP(-{z}))",
    "tanh": "TANH({z})",
    "relu": "IF({z}>0,{z},0)",
    "linear": "{z}",
}
LOSSES = ("half", "sum", "mean", "none")  # of squares; none: no cell holds it
MATRIX_FAULTS = (
    "mask",
    "factor",
    "pre-activation",
    "transposition",
    "target",
    "sign",
    "mask of another layer",
)
PLANE_FAULTS = ("mask", "factor", "weight", "target", "sign", "input", "term")


@dataclass(frozen=True)
class Area:
    """A rectangle of cells, by its first row and column, counted from 0, and its size."""

    row: int
    column: int
    height: int
    width: int

    def cell(self, r: int, c: int, fixed: bool = False) -> str:
        mark = "$" if fixed else ""
        return f"{mark}{letters(self.column + c)}{mark}{self.row + r + 1}"

    @property
    def text(self) -> str:
        return f"{self.cell(0, 0)}:{self.cell(self.height - 1, self.width - 1)}"

    def cells(self) -> set[str]:
        return {self.cell(r, c) for r in range(self.height) for c in range(self.width)}


@dataclass
class WorkedBook:
    """What stands in each cell, and where it is wrong by design."""

    texts: dict[str, str] = field(default_factory=dict)
    numbers: dict[str, float] = field(default_factory=dict)
    formulas: dict[str, str] = field(default_factory=dict)
    arrays: list[tuple[Area, str]] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)
    wrong: set[str] = field(default_factory=set)
    gradients: int = 0  # blocks, or single ones

    def save(self, path: Path) -> Path:
        with Workbook(str(path)) as book:
            sheet = book.add_worksheet("Network")
            for cell, text in self.texts.items():
                sheet.write_string(cell, text)
            for cell, number in self.numbers.items():
                sheet.write_number(cell, number)
            for name, cell in self.names.items():
                book.define_name(name, f"=Network!{cell}")
            for cell, text in self.formulas.items():
                sheet.write_formula(cell, f"={text}")
            for area, text in self.arrays:
                sheet.write_array_formula(area.text, f"{{={text}}}")
        return path


# Matrices ------------------------------------------------------------------------------


@dataclass(frozen=True)
class MatrixPlan:
    """A network in matrices, a column for each sample."""

    sizes: tuple[int, ...]
    samples: int
    activations: tuple[str, ...]  # softmax or a function for each layer
    loss: str
    arrays: bool  # whole matrices at once, or each cell by itself
    mean: bool  # whether gradients are divided by the number of samples
    updates: bool

    @property
    def entropy(self) -> bool:
        return self.activations[-1] == "softmax"


def matrix_plan(draw: random.Random) -> MatrixPlan:
    layers = draw.randint(1, 3)
    sizes = tuple(draw.randint(2, 4) for _ in range(layers + 1))
    inner = tuple(draw.choice(("sigmoid", "tanh", "relu")) for _ in range(layers - 1))
    last = draw.choice(("sigmoid", "softmax", "linear", "tanh"))
    loss = draw.choice(LOSSES)
    return MatrixPlan(
        sizes,
        draw.randint(1, 4),
        (*inner, last),
        loss,
        draw.random() < 0.6,
        loss == "mean",
        draw.random() < 0.3,
    )


class MatrixSheet:
    """Writes a plan, with one fault or none."""

    def __init__(self, plan: MatrixPlan, draw: random.Random, fault: str = "") -> None:
        self.plan = plan
        self.draw = draw
        self.fault = fault
        self.book = WorkedBook()
        self.row = 1
        self.layers = len(plan.activations)
        self.chosen = draw.randrange(self.layers)  # the layer with the fault
        self._write()

    def area(self, name: str, height: int, width: int) -> Area:
        """The next free rectangle, with its name above it."""
        self.book.texts[f"B{self.row}"] = name
        area = Area(self.row, 1, height, width)
        self.row += height + 2
        return area

    def typed(self, name: str, height: int, width: int, low: float = -1) -> Area:
        area = self.area(name, height, width)
        for cell in sorted(area.cells()):
            self.book.numbers[cell] = round(self.draw.uniform(low, 1), 3)
        return area

    def each(self, name: str, shape: Area, template: str, **areas: Area) -> Area:
        """A matrix computed element by element."""
        area = self.area(name, shape.height, shape.width)
        if self.plan.arrays:
            text = template.format(**{k: a.text for k, a in areas.items()})
            self.book.arrays.append((area, text))
            return area
        for r in range(area.height):
            for c in range(area.width):
                given = {k: a.cell(r, c if a.width > 1 else 0) for k, a in areas.items()}
                self.book.formulas[area.cell(r, c)] = template.format(**given)
        return area

    def product(self, name: str, a: str, b: str, height: int, width: int, more: str = "") -> Area:
        area = self.area(name, height, width)
        self.book.arrays.append((area, f"MMULT({a},{b}){more}"))
        return area

    def _write(self) -> None:
        plan = self.plan
        a = self.typed("X", plan.sizes[0], plan.samples)
        inputs, weights, sums, outs = [], [], [], []
        for k, function in enumerate(plan.activations):
            w = self.typed(f"W{k + 1}", plan.sizes[k + 1], plan.sizes[k])
            b = self.typed(f"b{k + 1}", plan.sizes[k + 1], 1)
            size = plan.sizes[k + 1], plan.samples
            z = self.product(f"Z{k + 1}", w.text, a.text, *size, f"+{b.text}")
            inputs.append(a)
            weights.append((w, b))
            a = self._activation(k, function, z)
            sums.append(z)
            outs.append(a)
        target = self._targets(a)
        self._loss(a, target)
        self._back(inputs, weights, sums, outs, target)

    def _activation(self, k: int, function: str, z: Area) -> Area:
        if function != "softmax":
            return self.each(f"A{k + 1}", z, ACTIVATIONS[function], z=z)
        area = self.area(f"A{k + 1}", z.height, z.width)
        for c in range(z.width):
            column = f"{z.cell(0, c)}:{z.cell(z.height - 1, c)}"
            for r in range(z.height):
                text = f"EXP({z.cell(r, c)})/SUMPRODUCT(EXP({column}))"
                self.book.formulas[area.cell(r, c)] = text
        return area

    def _targets(self, out: Area) -> Area:
        target = self.typed("T", out.height, out.width, low=0)
        if self.plan.entropy:
            for c in range(out.width):
                hot = self.draw.randrange(out.height)
                for r in range(out.height):
                    self.book.numbers[target.cell(r, c)] = float(r == hot)
        return target

    def _loss(self, out: Area, target: Area) -> None:
        area = self.area("Loss", 1, 1)
        del self.book.texts[f"B{area.row}"]
        if self.plan.loss == "none":
            return
        self.book.texts[f"B{area.row}"] = "Loss"
        squares = f"SUMXMY2({out.text},{target.text})"
        text = {"half": f"{squares}/2", "sum": squares, "mean": f"{squares}/{self.plan.samples}/2"}
        if self.plan.entropy:
            share = f"/{self.plan.samples}" if self.plan.mean else ""
            log = f"-SUM({target.text}*LN({out.text})){share}"
            self.book.arrays.append((area, log))
        else:
            self.book.formulas[area.cell(0, 0)] = text[self.plan.loss]

    # Back

    def _back(
        self,
        inputs: list[Area],
        weights: list[tuple[Area, Area]],
        sums: list[Area],
        outs: list[Area],
        target: Area,
    ) -> None:
        plan, share = self.plan, f"/{self.plan.samples}" if self.plan.mean else ""
        scale = "2*" if plan.loss == "sum" and not plan.entropy else ""
        error = self.each("A-T", target, scale + "({a}-{t})", a=outs[-1], t=target)
        self._exchange_targets(error, outs[-1], target, scale)
        delta = error
        for k in reversed(range(self.layers)):
            here = self.fault if k == self.chosen else ""
            if k < self.layers - 1 or not plan.entropy:
                delta = self._delta(k, here, delta, sums, outs)
            self._gradients(k, here, delta, inputs[k], sums, weights[k], share)
            if k:
                w = weights[k][0]
                turned = f"TRANSPOSE({w.text})"
                if here == "transposition" and w.height == w.width:
                    turned = w.text
                size = plan.sizes[k], plan.samples
                delta = self.product(f"dA{k}", turned, delta.text, *size)
                if turned == w.text:
                    self.book.wrong = delta.cells()

    def _exchange_targets(self, error: Area, out: Area, target: Area, scale: str) -> None:
        if self.fault != "target" or self.plan.arrays or error.height < 2:
            return
        cell = error.cell(0, 0)
        self.book.formulas[cell] = f"{scale}({out.cell(0, 0)}-{target.cell(1, 0)})"
        self.book.wrong = {cell}

    def _delta(self, k: int, here: str, back: Area, sums: list[Area], outs: list[Area]) -> Area:
        function = self.plan.activations[k]
        template = f"{{d}}*({DERIVATIVES[function]})"
        z, a, wrong = sums[k], outs[k], False
        if function == "linear":
            template = "{d}"
        elif here == "mask" and (k < self.layers - 1 or self.plan.loss != "none"):
            template, wrong = "{d}", True
        elif here == "sign" and k < self.layers - 1:
            template, wrong = f"-{template}", True
        elif here == "mask of another layer":
            other = next((j for j in range(self.layers) if j != k and _fit(sums[j], z)), None)
            if other is not None:
                z, a, wrong = sums[other], outs[other], True
        delta = self.each(f"dZ{k + 1}", z, template, d=back, z=z, a=a)
        if wrong:
            self.book.wrong = delta.cells()
        return delta

    def _gradients(
        self,
        k: int,
        here: str,
        delta: Area,
        given: Area,
        sums: list[Area],
        weights: tuple[Area, Area],
        share: str,
    ) -> None:
        w, b = weights
        before = sums[k - 1] if here == "pre-activation" and k else given
        more = "*2" if here == "factor" else ""
        turned = f"TRANSPOSE({before.text})"
        d_w = self.product(f"dW{k + 1}", delta.text, turned, w.height, w.width, share + more)
        if more or before is not given:
            self.book.wrong = d_w.cells()
        d_b = self.area(f"db{k + 1}", b.height, 1)
        for r in range(b.height):
            row = f"{delta.cell(r, 0)}:{delta.cell(r, delta.width - 1)}"
            self.book.formulas[d_b.cell(r, 0)] = f"SUM({row}){share}"
        self.book.gradients += 2
        if self.plan.updates:
            for name, weight, slope in (("W", w, d_w), ("b", b, d_b)):
                new = self.area(f"{name}{k + 1} new", weight.height, weight.width)
                self.book.arrays.append((new, f"{weight.text}-0.5*{slope.text}"))


def _fit(a: Area, b: Area) -> bool:
    return (a.height, a.width) == (b.height, b.width)


# In the plane --------------------------------------------------------------------------


class PlaneSheet:
    """A network drawn: a column of neurons for each layer, each with its sum, its activation, its
    delta and the weights that lead to it; targets and the rate have names."""

    def __init__(self, draw: random.Random, fault: str = "") -> None:
        self.draw = draw
        self.fault = fault
        self.book = WorkedBook()
        layers = draw.randint(1, 2)
        self.sizes = [draw.randint(2, 3) for _ in range(layers + 1)]
        self.function = draw.choice(("sigmoid", "tanh", "relu"))
        self.switch = draw.random() < 0.5
        self.updates = draw.random() < 0.5
        self.blank = self.updates and draw.random() < 0.3
        self.loss = draw.random() < 0.6
        self.chosen = draw.randrange(layers), draw.randrange(min(self.sizes[1:]))
        self._write()

    def place(self, layer: int, unit: int, row: int, column: int) -> str:
        return f"{letters(3 + layer * 8 + column)}{3 + unit * 9 + row}"

    def number(self, cell: str, low: float = -1) -> str:
        if not self.blank:
            self.book.numbers[cell] = round(self.draw.uniform(low, 1), 3)
        return cell

    def by_switch(self, said: str, other: str) -> str:
        if not self.switch:
            return said
        return f'IF(Activation="{self.function}",{said},{other})'

    def _write(self) -> None:
        book = self.book
        book.texts["A1"] = "Learning rate"
        book.numbers["B1"] = 0.1
        book.names["LearningRate"] = "$B$1"
        if self.switch:
            book.texts |= {"A2": "Activation", "B2": self.function}
            book.names["Activation"] = "$B$2"
        said = [self.number(self.place(0, j, 0, 0)) for j in range(self.sizes[0])]
        units = [said]
        for layer in range(1, len(self.sizes)):
            said = [self._unit(layer, j, said) for j in range(self.sizes[layer])]
            units.append(said)
        deltas: list[str] = []
        for layer in reversed(range(1, len(self.sizes))):
            deltas = [self._delta(layer, j, units, deltas) for j in range(self.sizes[layer])]
            for j, delta in enumerate(deltas):
                self._slopes(layer, j, units[layer - 1], delta)

    def _weight(self, layer: int, j: int, k: int) -> str:
        return self.place(layer, j, k, 0)

    def _bias(self, layer: int, j: int) -> str:
        return self.place(layer, j, self.sizes[layer - 1], 0)

    def _unit(self, layer: int, j: int, said: list[str]) -> str:
        for k in range(len(said)):
            self.book.texts.setdefault(self.place(layer, j, -1, 0), f"weights {layer}.{j}")
            self.number(self._weight(layer, j, k))
        self.number(self._bias(layer, j))
        z, a = self.place(layer, j, 0, 3), self.place(layer, j, 1, 3)
        terms = [f"{self._weight(layer, j, k)}*{x}" for k, x in enumerate(said)]
        self.book.formulas[z] = "+".join([*terms, self._bias(layer, j)])
        value = ACTIVATIONS[self.function].format(z=z)
        self.book.formulas[a] = self.by_switch(value, f"IF({z}<0,0,1)")
        return a

    def _delta(self, layer: int, j: int, units: list[list[str]], after: list[str]) -> str:
        z, a = self.place(layer, j, 0, 3), units[layer][j]
        slope = self.by_switch(f"({DERIVATIVES[self.function]})".format(z=z, a=a), "0")
        here = self.fault if (layer - 1, j) == self.chosen else ""
        cell = self.place(layer, j, 0, 4)
        self.book.texts[self.place(layer, j, -1, 4)] = f"delta {layer}.{j}"
        if after:
            terms = [f"{d}*{self._weight(layer + 1, k, j)}" for k, d in enumerate(after)]
            if here == "weight" and len(self.sizes) > 2:
                terms[0] = f"{after[0]}*{self._weight(layer + 1, 0, (j + 1) % self.sizes[layer])}"
                self.book.wrong = {cell}
            if here == "term" and len(terms) > 1:
                terms.pop()
                self.book.wrong = {cell}
            error = f"({'+'.join(terms)})"
        else:
            error = self._error(j, a, cell, here)
        if here in ("mask", "sign"):
            self.book.wrong = {cell}
        sign = "-" if here == "sign" else ""
        self.book.formulas[cell] = error if here == "mask" else f"{sign}{error}*{slope}"
        return cell

    def _error(self, j: int, a: str, cell: str, here: str) -> str:
        layer = len(self.sizes) - 1
        self.number(self.place(layer + 1, j, 0, 0), low=0)
        row, column = 3 + j * 9, letters(3 + (layer + 1) * 8)
        self.book.names[f"Target{j + 1}"] = f"${column}${row}"
        if self.loss:
            self.book.texts[self.place(layer + 1, j, -1, 1)] = "Error"
            self.book.formulas[self.place(layer + 1, j, 0, 1)] = f"0.5*({a}-Target{j + 1})^2"
        wanted = j
        if here == "target":
            wanted = (j + 1) % self.sizes[-1]
            self.book.wrong = {cell}
        return f"({a}-Target{wanted + 1})"

    def _slopes(self, layer: int, j: int, said: list[str], delta: str) -> None:
        here = self.fault if (layer - 1, j) == self.chosen else ""
        for k, x in enumerate(said):
            slope, is_first = f"{delta}*{x}", k == 0
            cell = self.place(layer, j, k, 1)
            if is_first and here == "input":
                slope = f"{delta}*{said[1]}"
                self.book.wrong = {cell}
            if is_first and here == "factor":
                slope = f"2*{slope}"
                self.book.wrong = {cell}
            self._write_slope(cell, self._weight(layer, j, k), slope)
        cell = self.place(layer, j, len(said), 1)
        self._write_slope(cell, self._bias(layer, j), f"1*{delta}")

    def _write_slope(self, cell: str, weight: str, slope: str) -> None:
        self.book.gradients += 1
        updated = f"{weight}-LearningRate*({slope})"
        self.book.formulas[cell] = updated if self.updates else slope


# Drawn ---------------------------------------------------------------------------------


def matrix_book(seed: int, fault: str = "") -> WorkedBook:
    """A network in matrices; with a fault, unless its plan has no place for it."""
    draw = random.Random(f"matrices {seed}")
    return MatrixSheet(matrix_plan(draw), draw, fault).book


def plane_book(seed: int, fault: str = "") -> WorkedBook:
    """A network drawn in the plane; with a fault, unless it has no place for it."""
    return PlaneSheet(random.Random(f"plane {seed}"), fault).book
