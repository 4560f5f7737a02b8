"""A training as quantities with formulas, before anybody has said where each of them stands.

{w1} is a quantity of the same step, {w1<} what it was one step ago, {x1@2} the second sample's,
{g_w1@*} that of every sample.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

MENTION = re.compile(r"\{([^{}@<]+)(@[0-9*]+)?(<?)\}")

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
            replace(quantity, formula=formula) if quantity.called == called
            else quantity
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

    def number(self, name: str, kind: str, sample: int = 0, count: int = 1) -> str:
        given = [round(self.draw.uniform(0.1, 0.9), 2) for _ in range(count)]
        quantity = Quantity(name, kind=kind, sample=sample, given=given)
        self.found.append(quantity)
        return quantity.called

    def weight(self, stem: str) -> str:
        name = f"{stem}{1 + sum(w.startswith(stem) for w in self.weights)}"
        self.weights.append(name)
        return name


def sketched(shape: Shape, draw: random.Random) -> tuple[list[Quantity], list[str]]:
    """The forward and backward pass, and the weights in their order."""
    pencil = _Pencil(shape, draw)
    each = range(1, shape.samples + 1) if shape.samples > 1 else (0,)
    turns = 5 if shape.in_turn else 1
    xs = {s: [pencil.number(f"x{i + 1}", "input", s, turns) for i in range(shape.inputs)] for s in each}
    ts = {s: [pencil.number(f"t{k + 1}", "input", s, turns) for k in range(shape.outputs)] for s in each}
    layers = [(shape.hidden, shape.inside, "h")] if shape.hidden else []
    layers.append((shape.outputs, shape.ending, "o"))
    before, made = xs, []
    for size, activation, stem in layers:
        width = len(before[each[0]])
        rows = [[pencil.weight("w") for _ in range(width)] for _ in range(size)]
        biases = [pencil.weight("b") if shape.bias else "" for _ in range(size)]
        after = {s: _layer(pencil, s, before[s], rows, biases, activation, stem) for s in each}
        made.append((rows, biases, activation, before, after))
        before = {s: [a for _, a in after[s]] for s in each}
    _losses(pencil, each, before, ts)
    _backwards(pencil, each, made, ts)
    return pencil.found, pencil.weights


Units = list[tuple[str, str]]  # each unit's sum and activation


def _layer(
    pencil: _Pencil,
    sample: int,
    before: Sequence[str],
    rows: Sequence[Sequence[str]],
    biases: Sequence[str],
    activation: str,
    stem: str,
) -> Units:
    found = []
    for j, (row, bias) in enumerate(zip(rows, biases, strict=True), 1):
        terms = [f"{{{w}}}*{{{x}}}" for w, x in zip(row, before, strict=True)]
        terms += [f"{{{bias}}}"] if bias else []
        z = pencil.add(f"{stem}{j}", "+".join(terms), sample=sample)
        a = z
        if activation != "line":
            word = ACTIVATIONS[activation][0].replace("{z}", f"{{{z}}}")
            a = pencil.add(f"a_{stem}{j}", word, sample=sample)
        found.append((z, a))
    return found


def _losses(pencil: _Pencil, each, outputs, targets) -> None:  # type: ignore[no-untyped-def]
    errors = [
        pencil.add(f"E{k}", f"({{{t}}}-{{{a}}})^2/2", "error", s)
        for s in each
        for k, (a, t) in enumerate(zip(outputs[s], targets[s], strict=True), 1)
    ]
    total = "+".join(f"{{{e}}}" for e in errors)
    share = f"/{len(each)}" if len(each) > 1 else ""
    pencil.add("E_total", f"({total}){share}" if share else total, "loss")


def _backwards(pencil: _Pencil, each, made, targets) -> None:  # type: ignore[no-untyped-def]
    shares: dict[str, list[str]] = {}
    for s in each:
        above: list[str] = []
        for depth, (rows, biases, activation, before, after) in enumerate(reversed(made)):
            deltas = []
            for j, (z, a) in enumerate(after[s]):
                slope = ACTIVATIONS[activation][1].replace("{z}", f"{{{z}}}").replace("{a}", f"{{{a}}}")
                if depth == 0:
                    start = f"({{{a}}}-{{{targets[s][j]}}})"
                else:
                    following = made[len(made) - depth][0]
                    paths = [f"{{{d}}}*{{{following[k][j]}}}" for k, d in enumerate(above)]
                    start = f"({'+'.join(paths)})" if len(paths) > 1 else paths[0]
                formula = start if slope == "1" else f"{start}*{slope}"
                stem = "o" if depth == 0 else "h"
                deltas.append(pencil.add(f"δ{stem}{j + 1}", formula, "delta", s))
            for j, (row, bias) in enumerate(zip(rows, biases, strict=True)):
                for w, x in zip(row, before[s], strict=True):
                    shares.setdefault(w, []).append(f"{{{deltas[j]}}}*{{{x}}}")
                if bias:
                    shares.setdefault(bias, []).append(f"{{{deltas[j]}}}")
            above = deltas
    for w in pencil.weights:
        if len(each) == 1:
            pencil.add(f"∂E/∂{w}", shares[w][0], "gradient")
            continue
        for s, share in zip(each, shares[w], strict=True):
            pencil.add(f"g_{w}", share, "share", s)
    if len(each) > 1:
        for w in pencil.weights:
            pencil.add(f"∂E/∂{w}", f"SUM({{g_{w}@*}})/{len(each)}", "gradient")
