"""One network trained at one learning rate, and the values kept for the verdict on the rate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np

from gradbook.graph.chain import gradients
from gradbook.graph.node import Array, Node, ancestors
from gradbook.graph.reference import Values
from gradbook.net.step import Step, run


@dataclass(frozen=True, eq=False)
class Gate:
    """How much of the gradient an activation passes on, in one epoch.

    The gradient ∂E/∂a that arrives at its results is multiplied by its slopes and passed on as
    ∂E/∂h. The arrays have a row per sample and a column per unit; there are no slopes if a
    result depends on several sums, as in a softmax.
    """

    name: str  # a_h
    op: str  # sigmoid
    is_output: bool
    covers: bool  # whether every weight's gradient passes through it
    results: Array
    arriving: Array
    passing: Array
    own_slopes: Array | None = None

    @property
    def is_hidden(self) -> bool:
        return not self.is_output

    @cached_property
    def steepest_of_all(self) -> float:
        """The largest slope of any of its units for any sample; 1 if there are none."""
        return 1.0 if self.own_slopes is None else float(np.abs(self.own_slopes).max())

    @cached_property
    def openness(self) -> float:
        """The share of the gradient that is passed on; 1 if none arrives."""
        arriving = float(np.abs(self.arriving).sum())
        return float(np.abs(self.passing).sum()) / arriving if arriving else 1.0


@dataclass(frozen=True, eq=False)
class RateTrial:
    """What happened at one rate, epoch by epoch; an epoch's values precede its update."""

    step: Step
    rate: float
    losses: Array
    slopes: Array  # ‖∂E/∂w‖, over all weights
    turns: Array  # each epoch's gradient times the previous one, negative if it reversed; first NaN
    gates: tuple[Gate, ...]  # in the last epoch, from the inputs to the outputs

    @property
    def epochs(self) -> int:
        return len(self.losses)

    @property
    def end(self) -> float:
        return float(self.losses[-1])

    @cached_property
    def lowest(self) -> float:
        """The lowest loss so far; NaN if no loss is a number."""
        finite = self.losses[np.isfinite(self.losses)]
        return float(finite.min()) if finite.size else float("nan")


def trial(step: Step, epochs: int, rate: float) -> RateTrial:
    """Train for so many epochs at this rate, and keep the values that show what happened."""
    towards = list(step.gradients.values())
    losses, gradients, values = [], list[Array](), Values()
    for values in run(step, epochs, rate, gate_values(step)):
        losses.append(values[step.loss])
        gradients.append(np.concatenate([np.ravel(values[node]) for node in towards]))
    return trial_of(step, rate, np.array(losses), gradients, values)


def gate_values(step: Step) -> list[Node]:
    """What the verdict needs of the last epoch besides the step's own values."""
    pairs = activations(step)
    slopes = [slope for pair in pairs if (slope := slope_of_its_sum(*pair))]
    return [step.adjoints[node] for pair in pairs for node in pair] + slopes


def trial_of(
    step: Step,
    rate: float,
    losses: Array,
    gradients: Sequence[Array] | Array,
    last: Values,
) -> RateTrial:
    """A trial from the losses and gradients of its epochs, and the values of the last one."""
    with np.errstate(all="ignore"):  # a diverging network overflows
        slopes = np.array([np.linalg.norm(gradient) for gradient in gradients])
        turns = np.array([np.nan, *(now @ before for before, now in pairwise(gradients))])
        layers = _by_layer(activations(step)).items()
        gates = tuple(_gate(step, name, pairs, last) for name, pairs in layers)
    return RateTrial(step, rate, losses, slopes, turns, gates)


Pair = tuple[Node, Node]  # an activation's input and output


def activations(step: Step) -> list[Pair]:
    """Each activation's h and a, from the inputs to the outputs."""
    nodes = step.graph.by_name
    pairs = []
    for result in sorted(step.adjoints, key=lambda node: node.index):
        name = result.name
        h = nodes.get(str(name.of)) if name and name.stem == "a" and name.of else None
        if h is not None and h in step.adjoints:
            pairs.append((h, result))
    return pairs


def slope_of_its_sum(before: Node, made: Node) -> Node | None:
    """∂a/∂h of an activation whose results each depend on one sum; else None."""
    return gradients(made, [before], stop={before})[before] if made.inputs == (before,) else None


def covers(step: Step, sums: Sequence[Node]) -> bool:
    """Whether the gradient of every weight passes through one of these sums."""
    passing = {step.adjoints[node] for node in sums}
    return all(passing & set(ancestors([slope])) for slope in step.gradients.values())


def _by_layer(pairs: Sequence[Pair]) -> dict[str, list[Pair]]:
    """Group activations by their layer's name; all steps of a sequence belong together."""
    layers: dict[str, list[Pair]] = {}
    for h, a in pairs:
        name = str(a.name.at().at_step(None)) if a.name else ""
        layers.setdefault(name, []).append((h, a))
    return layers


def _gate(step: Step, name: str, pairs: Sequence[Pair], values: Values) -> Gate:
    slopes = [slope_of_its_sum(h, a) for h, a in pairs]
    results, sums = [a for _, a in pairs], [h for h, _ in pairs]

    def table(nodes: Sequence[Node], shown: Sequence[Node]) -> Array:
        """A row per sample, also if the graph has one value for all samples."""
        parts = []
        for node, its in zip(nodes, shown, strict=True):
            samples = step.samples if node.each else 1
            part = np.broadcast_to(values[its], (samples, *node.shape))
            parts.append(part.reshape(samples, -1))
        return np.hstack(parts)

    return Gate(
        name,
        results[0].op.name,
        is_output=any(a in step.outputs for a in results),
        covers=covers(step, sums),
        results=table(results, results),
        arriving=table(results, [step.adjoints[a] for a in results]),
        passing=table(sums, [step.adjoints[h] for h in sums]),
        own_slopes=table(sums, [it for it in slopes if it]) if all(slopes) else None,
    )


# The gates as nodes ------------------------------------------------------------


@dataclass(frozen=True)
class LayerGate:
    """A layer's activations: each unit's slope, and the gradients that arrive and are passed on."""

    name: str
    units: tuple[tuple[Node, Node], ...]  # each unit's input and output
    slopes: tuple[Node, ...]  # empty if a result depends on several sums
    arriving: tuple[Node, ...]
    passing: tuple[Node, ...]
    covers: bool  # whether every weight's gradient passes through it
    is_hidden: bool

    @property
    def nodes(self) -> tuple[Node, ...]:
        """All nodes, kind by kind."""
        return (*self.slopes, *self.arriving, *self.passing)


def layer_gates(step: Step) -> tuple[LayerGate, ...]:
    """One for each layer with activations in a scalar step, from the inputs to the outputs."""
    layers = _by_layer(activations(step)).items()
    return tuple(_layer_gate(step, name, pairs) for name, pairs in layers)


def _layer_gate(step: Step, name: str, pairs: Sequence[Pair]) -> LayerGate:
    slopes = [slope_of_its_sum(h, a) for h, a in pairs]
    return LayerGate(
        name,
        tuple(pairs),
        tuple(slope for slope in slopes if slope is not None) if all(slopes) else (),
        tuple(step.adjoints[a] for _, a in pairs),
        tuple(step.adjoints[h] for h, _ in pairs),
        covers(step, [h for h, _ in pairs]),
        not any(a in step.outputs for _, a in pairs),
    )
