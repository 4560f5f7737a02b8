"""Networks worked once in matrices, at random: forward, back, perhaps one update."""

from __future__ import annotations

import random
from dataclasses import dataclass

from tests.audit.material.worked_once.book import ACTIVATIONS, DERIVATIVES, Area, WorkedBook

LOSSES = ("half", "sum", "mean", "none")  # of squares; none: no cell holds it
FAULTS = (
    "mask",
    "factor",
    "pre-activation",
    "transposition",
    "target",
    "sign",
    "mask of another layer",
)


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
            self.book.arrays[area.text] = text
            return area
        for r in range(area.height):
            for c in range(area.width):
                given = {k: a.cell(r, c if a.width > 1 else 0) for k, a in areas.items()}
                self.book.formulas[area.cell(r, c)] = template.format(**given)
        return area

    def product(self, name: str, a: str, b: str, height: int, width: int, more: str = "") -> Area:
        area = self.area(name, height, width)
        self.book.arrays[area.text] = f"MMULT({a},{b}){more}"
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
        self.book.losses = [area.cell(0, 0)]
        squares = f"SUMXMY2({out.text},{target.text})"
        text = {"half": f"{squares}/2", "sum": squares, "mean": f"{squares}/{self.plan.samples}/2"}
        if self.plan.entropy:
            share = f"/{self.plan.samples}" if self.plan.mean else ""
            log = f"-SUM({target.text}*LN({out.text})){share}"
            self.book.arrays[area.text] = log
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
        for weight, slope in ((w, d_w), (b, d_b)):
            self.book.slopes |= dict(zip(weight.each(), slope.each(), strict=True))
        if self.plan.updates:
            for name, weight, slope in (("W", w, d_w), ("b", b, d_b)):
                new = self.area(f"{name}{k + 1} new", weight.height, weight.width)
                self.book.arrays[new.text] = f"{weight.text}-0.5*{slope.text}"


def _fit(a: Area, b: Area) -> bool:
    return (a.height, a.width) == (b.height, b.width)


def matrix_book(number: int, fault: str = "") -> WorkedBook:
    """A network in matrices; with a fault, unless its plan has no place for it."""
    draw = random.Random(f"matrices {number}")
    return MatrixSheet(matrix_plan(draw), draw, fault).book
