"""One network trained at one learning rate, and what is kept of it to judge the rate by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice

import numpy as np

from gradbook.graph.chain import gradients
from gradbook.graph.node import Array, Node, ancestors
from gradbook.graph.reference import Values
from gradbook.net.step import Step, run


@dataclass(frozen=True, eq=False)
class Gate:
    """How much of the gradient an activation lets through, in one epoch.

    What arrives at its results, ∂E/∂a, is multiplied by its slopes and passes on as ∂E/∂h. The
    arrays have a row for each sample and a column for each unit; there are no slopes where a
    result is made of several sums, as of softmax.
    """

    name: str  # a_h
    op: str  # sigmoid
    is_output: bool
    covers: bool  # whether every weight's gradient must pass it
    results: Array
    arriving: Array
    passing: Array
    own_slopes: Array | None = None

    @property
    def is_hidden(self) -> bool:
        return not self.is_output

    @cached_property
    def steepest_of_all(self) -> float:
        """The largest slope of any of its units at any sample; 1 where there are none."""
        return 1.0 if self.own_slopes is None else float(np.abs(self.own_slopes).max())

    @cached_property
    def openness(self) -> float:
        """The share of the gradient that gets through; 1 where none arrives."""
        arriving = float(np.abs(self.arriving).sum())
        return float(np.abs(self.passing).sum()) / arriving if arriving else 1.0


@dataclass(frozen=True, eq=False)
class RateTrial:
    """What happened at one rate, epoch by epoch; the values of an epoch are before its update."""

    step: Step
    rate: float
    losses: Array
    slopes: Array  # ‖∂E/∂w‖, over all weights
    turns: Array  # each epoch's gradient times the one before: below 0 it turned round; first nan
    gates: tuple[Gate, ...]  # in the last epoch, from the inputs to the outputs
    most_epochs: int  # how far it may be gone on with, to see when a loss is reached

    @property
    def epochs(self) -> int:
        return len(self.losses)

    @property
    def end(self) -> float:
        return float(self.losses[-1])

    @cached_property
    def lowest(self) -> float:
        """The lowest loss on the way: nan where there was none that is a number."""
        finite = self.losses[np.isfinite(self.losses)]
        return float(finite.min()) if finite.size else float("nan")

    def epoch_below(self, loss: float) -> int | None:
        """The first epoch after the trial whose loss is below that; None if none soon is."""
        with np.errstate(all="ignore"):
            further = islice(run(self.step, self.most_epochs, self.rate), self.epochs, None)
            for epoch, values in enumerate(further, self.epochs + 1):
                if values[self.step.loss] < loss:
                    return epoch
        return None


def trial(step: Step, epochs: int, rate: float, most_epochs: int = 0) -> RateTrial:
    """Train for so many epochs at this rate, and keep what tells how it went."""
    found = activations(step)
    watch = [step.adjoints[node] for pair in found for node in pair]
    watch += [slope for pair in found if (slope := own_slope(*pair))]
    towards = list(step.gradients.values())
    losses, slopes, turns = np.empty(epochs), np.empty(epochs), np.full(epochs, np.nan)
    before: Array | None = None
    values: Values = {}
    with np.errstate(all="ignore"):  # what diverges overflows
        for epoch, values in enumerate(run(step, epochs, rate, watch)):
            gradient = np.concatenate([np.ravel(values[node]) for node in towards])
            losses[epoch] = values[step.loss]
            slopes[epoch] = np.linalg.norm(gradient)
            if before is not None:
                turns[epoch] = gradient @ before
            before = gradient
        layers = _by_layer(found).items()
        gates = tuple(_gate(step, name, pairs, values) for name, pairs in layers)
    return RateTrial(step, rate, losses, slopes, turns, gates, max(epochs, most_epochs))


Pair = tuple[Node, Node]  # what an activation is given, and what it makes


def activations(step: Step) -> list[Pair]:
    """Of each activation its h and a, from the inputs to the outputs."""
    nodes = step.graph.by_name
    found = []
    for made in sorted(step.adjoints, key=lambda node: node.index):
        name = made.name
        given = nodes.get(str(name.of)) if name and name.stem == "a" and name.of else None
        if given is not None and given in step.adjoints:
            found.append((given, made))
    return found


def own_slope(given: Node, made: Node) -> Node | None:
    """∂a/∂h of an activation that makes each result of one sum alone."""
    return gradients(made, [given], stop={given})[given] if made.inputs == (given,) else None


def covers(step: Step, given: Sequence[Node]) -> bool:
    """Whether the gradient of every weight must pass one of these sums."""
    passing = {step.adjoints[node] for node in given}
    return all(passing & set(ancestors([slope])) for slope in step.gradients.values())


def _by_layer(found: Sequence[Pair]) -> dict[str, list[Pair]]:
    """By what the layer's values are called; those of all steps of a sequence are its own."""
    layers: dict[str, list[Pair]] = {}
    for given, made in found:
        name = str(made.name.at().at_step(None)) if made.name else ""
        layers.setdefault(name, []).append((given, made))
    return layers


def _gate(step: Step, name: str, pairs: Sequence[Pair], values: Values) -> Gate:
    slopes = [own_slope(given, made) for given, made in pairs]
    results, sums = [made for _, made in pairs], [given for given, _ in pairs]

    def table(nodes: Sequence[Node], found: Sequence[Node]) -> Array:
        """A row for each sample, where the graph may hold one value for all."""
        parts = []
        for node, own in zip(nodes, found, strict=True):
            samples = step.samples if node.each else 1
            part = np.broadcast_to(values[own], (samples, *node.shape))
            parts.append(part.reshape(samples, -1))
        return np.hstack(parts)

    return Gate(
        name,
        results[0].op.name,
        is_output=any(made in step.outputs for made in results),
        covers=covers(step, sums),
        results=table(results, results),
        arriving=table(results, [step.adjoints[made] for made in results]),
        passing=table(sums, [step.adjoints[given] for given in sums]),
        own_slopes=table(sums, [it for it in slopes if it]) if all(slopes) else None,
    )


# What an activation lets through, as nodes ------------------------------------


@dataclass(frozen=True)
class LayerGate:
    """A layer's activations: for each unit its slope, the gradient that arrives and what passes."""

    name: str
    units: tuple[tuple[Node, Node], ...]  # what each is given and makes
    slopes: tuple[Node, ...]  # none where a result is made of several sums
    arriving: tuple[Node, ...]
    passing: tuple[Node, ...]
    covers: bool  # whether every weight's gradient must pass
    is_hidden: bool

    @property
    def nodes(self) -> tuple[Node, ...]:
        """Each kind stands together."""
        return (*self.slopes, *self.arriving, *self.passing)


def layer_gates(step: Step) -> tuple[LayerGate, ...]:
    """One for each layer with activations of a scalar step, from the inputs to the outputs."""
    layers = _by_layer(activations(step)).items()
    return tuple(_layer_gate(step, name, pairs) for name, pairs in layers)


def _layer_gate(step: Step, name: str, pairs: Sequence[Pair]) -> LayerGate:
    slopes = [own_slope(given, made) for given, made in pairs]
    return LayerGate(
        name,
        tuple(pairs),
        tuple(slope for slope in slopes if slope is not None) if all(slopes) else (),
        tuple(step.adjoints[made] for _, made in pairs),
        tuple(step.adjoints[given] for given, _ in pairs),
        covers(step, [given for given, _ in pairs]),
        not any(made in step.outputs for _, made in pairs),
    )
