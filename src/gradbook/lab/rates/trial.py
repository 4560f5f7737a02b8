"""One network trained at one learning rate, and what is kept of it to judge the rate by."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from gradbook.graph.node import Array, Node, needed
from gradbook.graph.reference import Values, run
from gradbook.graph.step import Step

Flags = NDArray[np.bool_]

SHUT = 0.01  # of what pulls at a result gets through its slope
TUG = 0.01  # of the strongest pull: less than that is not worth a word


@dataclass(frozen=True, eq=False)
class Gate:
    """An activation between the loss and some weights, as it stands in one epoch.

    What pulls at its results, ∂E/∂a, goes through its slopes and leaves as ∂E/∂h. The arrays
    have a row for each sample and a column for each unit.
    """

    name: str  # a_h
    op: str  # sigmoid
    is_output: bool
    covers: bool  # whether every weight's gradient must pass it
    results: Array
    arriving: Array
    passing: Array

    @cached_property
    def openness(self) -> float:
        """The share of the pull that gets through; 1 where nothing pulls."""
        arriving = float(np.abs(self.arriving).sum())
        return float(np.abs(self.passing).sum()) / arriving if arriving else 1.0

    @cached_property
    def pulled(self) -> Flags:
        """The results at which something pulls worth a word."""
        pull = np.abs(self.arriving)
        return np.asarray(pull >= TUG * pull.max())

    @cached_property
    def held(self) -> Flags:
        """Those of them at which nearly all of it is in vain."""
        held = self.pulled & (np.abs(self.passing) <= SHUT * np.abs(self.arriving))
        return held if held.any() else self.pulled

    @cached_property
    def steepest(self) -> float:
        """The largest slope of what is held."""
        arriving, passing = (np.abs(d[self.held]) for d in (self.arriving, self.passing))
        return float((passing / np.where(arriving > 0, arriving, 1)).max(initial=0.0))


@dataclass(frozen=True, eq=False)
class RateTrial:
    """What happened at one rate, epoch by epoch; the values of an epoch are before its update."""

    rate: float
    losses: Array
    slopes: Array  # ‖∂E/∂w‖, over all weights
    turns: Array  # the cosine between each epoch's gradient and the one before; first nan
    gates: tuple[Gate, ...]  # in the last epoch, from the inputs to the outputs

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


def trial(step: Step, epochs: int, rate: float) -> RateTrial:
    """Train for so many epochs at this rate, and keep what tells how it went."""
    doors = _doors(step)
    watch = [d for door in doors for d in (door.arriving, door.passing)]
    gradients = list(step.gradients.values())
    losses, slopes, turns = np.empty(epochs), np.empty(epochs), np.full(epochs, np.nan)
    before: Array | None = None
    values: Values = {}
    with np.errstate(all="ignore"):  # a gradient of 0 has no direction
        for epoch, values in enumerate(run(step, epochs, rate, watch)):
            gradient = np.concatenate([np.ravel(values[node]) for node in gradients])
            losses[epoch] = values[step.loss]
            slopes[epoch] = np.linalg.norm(gradient)
            if before is not None:
                turns[epoch] = gradient @ before / slopes[epoch] / slopes[epoch - 1]
            before = gradient
        gates = tuple(_gate(step, door, values) for door in doors)
    return RateTrial(rate, losses, slopes, turns, gates)


@dataclass(frozen=True)
class _Door:
    """Where a gate's numbers are found in the graph."""

    given: Node
    made: Node
    arriving: Node
    passing: Node
    covers: bool


def _doors(step: Step) -> list[_Door]:
    """The activations through which a gradient must pass, from the inputs to the outputs."""
    nodes = {name: node for node, name in step.graph.names.items()}
    behind = [set(needed([slope])) for slope in step.gradients.values()]
    doors = []
    for made in sorted(step.adjoints, key=lambda node: node.index):
        name = made.name
        given = nodes.get(name.of) if name and name.stem == "a" and name.of else None
        if given is not None and given in step.adjoints:
            passing = step.adjoints[given]
            covers = all(passing in parts for parts in behind)
            doors.append(_Door(given, made, step.adjoints[made], passing, covers))
    return doors


def _gate(step: Step, door: _Door, values: Values) -> Gate:
    made = door.made
    results, arriving = (_table(step, made, values[node]) for node in (made, door.arriving))
    passing = _table(step, door.given, values[door.passing])
    is_output = made in step.outputs
    return Gate(str(made.name), made.op.name, is_output, door.covers, results, arriving, passing)


def _table(step: Step, node: Node, values: Array) -> Array:
    """A row for each sample, where the graph may hold one value for all."""
    samples = step.samples if node.each else 1
    return np.broadcast_to(values, (samples, *node.shape)).reshape(samples, -1)
