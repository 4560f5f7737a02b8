"""What of the gradient that arrives at a layer's activations passes their slopes, as nodes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gradbook.graph.node import Node
from gradbook.net.step import Step
from gradbook.rates.trial import activations, covers, own_slope


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
    layers: dict[str, list[tuple[Node, Node]]] = {}
    for given, made in activations(step):
        layers.setdefault(str(made.name.at()) if made.name else "", []).append((given, made))
    return tuple(_gate(step, name, pairs) for name, pairs in layers.items())


def _gate(step: Step, name: str, pairs: Sequence[tuple[Node, Node]]) -> LayerGate:
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
