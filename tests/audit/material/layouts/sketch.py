"""A training as quantities with formulas, before anybody has said where each of them stands.

{w1} is a quantity of the same step, {w1<} what it was one step ago, {x1@2} the second sample's,
{g_w1@*} that of every sample.
"""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

MENTION = re.compile(r"\{([^{}@<]+)(@[0-9*]+)?(<?)\}")

STEPS = 6
Numbers = Sequence[float]


@dataclass(frozen=True)
class Quantity:
    """One quantity of a training: a number given, or a formula in terms of others."""

    name: str
    formula: str = ""
    first: float | str | None = None  # in the first step, where that differs
    kind: str = "forward"  # or: weight, input, loss, gradient, memory, counter, setting
    sample: int = 0  # of which sample; 0 where it belongs to the whole step
    given: Numbers = ()  # its numbers, step by step, where it has no formula

    @property
    def called(self) -> str:
        return f"{self.name}@{self.sample}" if self.sample else self.name

    def said(self, step: int) -> float | str:
        """What stands in the first step, or in a later one."""
        if self.given:
            return self.given[step % len(self.given)]
        if step == 0 and self.first is not None:
            return self.first
        return self.formula


@dataclass(frozen=True)
class Sketch:
    """All quantities of a training, in the order in which people write them down."""

    quantities: tuple[Quantity, ...]
    samples: int
    words: tuple[str, ...] = field(default=())  # what it is, to be told

    def of(self, *kinds: str) -> list[Quantity]:
        return [quantity for quantity in self.quantities if quantity.kind in kinds]

    def with_formula(self, called: str, formula: str) -> Sketch:
        """The same training with one formula changed."""
        found = tuple(
            replace(quantity, formula=formula) if quantity.called == called else quantity
            for quantity in self.quantities
        )
        return replace(self, quantities=found)


# Networks ---------------------------------------------------------------------------

ACTIVATIONS = {
    "sigmoid": ("1/(1+EXP(-{z}))", "{a}*(1-{a})"),
    "tanh": ("TANH({z})", "(1-{a}^2)"),
    "relu": ("MAX(0,{z})", "IF({z}>0,1,0)"),
    "line": ("{z}", "1"),
}


@dataclass(frozen=True)
class Shape:
    """How large a network is, and what it is made of."""

    inputs: int
    hidden: int  # 0 for none
    outputs: int
    inside: str
    ending: str
    samples: int
    in_turn: bool  # whether each step takes another sample
    bias: bool


def drawn_shape(draw: random.Random) -> Shape:
    """A small network."""
    samples = draw.choice([1, 1, 2, 3])
    return Shape(
        inputs=draw.randint(1, 3),
        hidden=draw.choice([0, 0, 2, 2, 3]),
        outputs=draw.choice([1, 1, 2]),
        inside=draw.choice(["sigmoid", "tanh", "relu"]),
        ending=draw.choice(["sigmoid", "sigmoid", "line"]),
        samples=samples,
        in_turn=samples == 1 and draw.random() < 0.4,
        bias=draw.random() < 0.6,
    )


class _Pencil:
    """Writes quantities down, one after the other."""

    def __init__(self, shape: Shape, draw: random.Random) -> None:
        self.shape, self.draw = shape, draw
        self.found: list[Quantity] = []
        self.weights: list[str] = []

    def add(self, name: str, formula: str, kind: str = "forward", sample: int = 0) -> str:
        quantity = Quantity(name, formula, kind=kind, sample=sample)
        self.found.append(quantity)
        return quantity.called

    def data(self, stem: str, count: int, sample: int) -> list[str]:
        """Inputs or targets of a sample: other ones in each step where samples take turns."""
        turns = STEPS if self.shape.in_turn else 1
        made = [
            Quantity(
                f"{stem}{k + 1}",
                kind="input",
                sample=sample,
                given=[round(self.draw.uniform(0.1, 0.9), 2) for _ in range(turns)],
            )
            for k in range(count)
        ]
        self.found += made
        return [quantity.called for quantity in made]

    def weight(self, stem: str) -> str:
        name = f"{stem}{1 + sum(w.startswith(stem) for w in self.weights)}"
        self.weights.append(name)
        return name


@dataclass
class _Layer:
    """What a layer owns, and its sums and activations of each sample."""

    stem: str
    activation: str
    weights: list[list[str]]  # a row for each unit
    biases: list[str]  # none, or one for each unit
    before: dict[int, list[str]]
    sums: dict[int, list[str]] = field(default_factory=dict)
    after: dict[int, list[str]] = field(default_factory=dict)
    deltas: dict[int, list[str]] = field(default_factory=dict)

    def slope(self, sample: int, unit: int) -> str:
        """What a unit's activation multiplies a delta with."""
        z, a = self.sums[sample][unit], self.after[sample][unit]
        slope = ACTIVATIONS[self.activation][1]
        found = slope.replace("{z}", f"{{{z}}}").replace("{a}", f"{{{a}}}")
        return "" if found == "1" else f"*{found}"


def sketched(shape: Shape, draw: random.Random) -> tuple[list[Quantity], list[str]]:
    """The forward and backward pass, and the weights in their order."""
    pencil = _Pencil(shape, draw)
    each = range(1, shape.samples + 1) if shape.samples > 1 else range(1)
    inputs = {s: pencil.data("x", shape.inputs, s) for s in each}
    targets = {s: pencil.data("t", shape.outputs, s) for s in each}
    sizes = [(shape.hidden, shape.inside, "h")] if shape.hidden else []
    layers: list[_Layer] = []
    for size, activation, stem in [*sizes, (shape.outputs, shape.ending, "o")]:
        before = layers[-1].after if layers else inputs
        rows = [[pencil.weight("w") for _ in before[each[0]]] for _ in range(size)]
        biases = [pencil.weight("b") for _ in rows] if shape.bias else []
        layers.append(_Layer(stem, activation, rows, biases, before))
        for sample in each:
            _forwards(pencil, layers[-1], sample)
    _losses(pencil, each, layers[-1].after, targets)
    shares: dict[str, list[str]] = {weight: [] for weight in pencil.weights}
    for sample in each:
        _backwards(pencil, layers, sample, targets[sample])
        for layer in layers:
            _shares(layer, sample, shares)
    _gradients(pencil, each, shares)
    return pencil.found, pencil.weights


def _forwards(pencil: _Pencil, layer: _Layer, sample: int) -> None:
    layer.sums[sample], layer.after[sample] = [], []
    for j, row in enumerate(layer.weights):
        given = zip(row, layer.before[sample], strict=True)
        terms = [f"{{{w}}}*{{{x}}}" for w, x in given] + [f"{{{b}}}" for b in layer.biases[j:][:1]]
        z = a = pencil.add(f"{layer.stem}{j + 1}", "+".join(terms), sample=sample)
        if layer.activation != "line":
            said = ACTIVATIONS[layer.activation][0].replace("{z}", f"{{{z}}}")
            a = pencil.add(f"a_{layer.stem}{j + 1}", said, sample=sample)
        layer.sums[sample].append(z)
        layer.after[sample].append(a)


def _losses(
    pencil: _Pencil,
    each: range,
    outputs: Mapping[int, Sequence[str]],
    targets: Mapping[int, Sequence[str]],
) -> None:
    errors = [
        pencil.add(f"E{k}", f"({{{t}}}-{{{a}}})^2/2", "error", s)
        for s in each
        for k, (a, t) in enumerate(zip(outputs[s], targets[s], strict=True), 1)
    ]
    total = "+".join(f"{{{error}}}" for error in errors)
    pencil.add("E_total", f"({total})/{len(each)}" if len(each) > 1 else total, "loss")


def _backwards(
    pencil: _Pencil, layers: Sequence[_Layer], sample: int, targets: Sequence[str]
) -> None:
    last = layers[-1]
    starts = [f"({{{a}}}-{{{t}}})" for a, t in zip(last.after[sample], targets, strict=True)]
    for layer, above in zip(reversed(layers), [None, *reversed(layers)], strict=False):
        if above is not None:
            rows = list(zip(above.deltas[sample], above.weights, strict=True))
            starts = [
                "(" + "+".join(f"{{{d}}}*{{{row[j]}}}" for d, row in rows) + ")"
                for j in range(len(layer.weights))
            ]
        layer.deltas[sample] = [
            pencil.add(f"δ{layer.stem}{j + 1}", f"{start}{layer.slope(sample, j)}", "delta", sample)
            for j, start in enumerate(starts)
        ]


def _shares(layer: _Layer, sample: int, shares: Mapping[str, list[str]]) -> None:
    """What each sample adds to each gradient."""
    for j, delta in enumerate(layer.deltas[sample]):
        for w, x in zip(layer.weights[j], layer.before[sample], strict=True):
            shares[w].append(f"{{{delta}}}*{{{x}}}")
        for b in layer.biases[j:][:1]:
            shares[b].append(f"{{{delta}}}")


def _gradients(pencil: _Pencil, each: range, shares: Mapping[str, Sequence[str]]) -> None:
    several = len(each) > 1
    for w, parts in shares.items() if several else ():
        for sample, share in zip(each, parts, strict=True):
            pencil.add(f"g_{w}", share, "share", sample)
    for w, (first, *_) in shares.items():
        said = f"SUM({{g_{w}@*}})/{len(each)}" if several else first
        pencil.add(f"∂E/∂{w}", said, "gradient")
