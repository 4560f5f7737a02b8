"""All data of a network for a page: its lines, what they mean, and its initial numbers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from gradbook.data.made_points import points
from gradbook.errors import TargetError
from gradbook.graph.node import Node, ancestors
from gradbook.layers.card import Mask
from gradbook.net import Net, Sample
from gradbook.net.derivation import Derivation, Local, derivation
from gradbook.net.formulas import Formulas
from gradbook.net.lower import formula_step, scalar_step
from gradbook.net.names import layer_names
from gradbook.net.step import Step
from gradbook.rates import USUAL_EPOCHS
from gradbook.rates.trial import LayerGate, layer_gates
from gradbook.targets.page.chains import ChainLines, to_the_inputs
from gradbook.targets.page.criteria import (
    criteria_table,
    gate_table,
    least_loss,
    least_of_formulas,
)
from gradbook.targets.page.lines import Lines, write_lines
from gradbook.targets.page.plane import (
    CLASSES,
    USUAL_SET,
    class_targets,
    share_of,
    tells_points_apart,
)
from gradbook.targets.page.unrolled import inside
from gradbook.targets.page.windows import ConvWindow, conv_windows

MOST_SAMPLES = 1_000  # that a page trains on


@dataclass(frozen=True)
class PageContent:
    """A network's step and what is derived from it, with a line for each value that is shown."""

    source: Net | Formulas
    step: Step
    derivation: Derivation
    chains: ChainLines
    gates: tuple[LayerGate, ...]
    windows: tuple[ConvWindow, ...]
    least: Node | None  # the loss of perfect outputs; None if it isn't known
    share: Node | None  # how much a point on the plane belongs to the second class, from 0 to 1

    @property
    def net(self) -> Net:
        """The network, if it has layers."""
        assert isinstance(self.source, Net), "formulas have no layers"
        return self.source

    @cached_property
    def lines(self) -> Lines:
        step = self.step
        results = [step.loss, *step.outputs, *step.next.values(), *step.gradients.values()]
        extra = [node for node in (self.least, self.share) if node]
        gates = [node for gate in self.gates for node in gate.nodes]
        products = [node for window in self.windows for node in window.products]
        masks = [mask.leaf for mask in step.masks]
        leaves = [*step.inputs, *step.targets, *step.start, *masks, step.rate]
        shown = [*self.chains.nodes, *self.named_values, *products]
        return write_lines([*leaves, *results, *extra, *gates, *shown])

    @cached_property
    def named_values(self) -> list[Node]:
        """The values that the algebra names, and all values in the drawing."""
        nodes, net = self.step.graph.by_name, self.source
        if isinstance(net, Formulas):
            named = {*self.derivation.spoken, *self.step.inputs, *self.step.weights}
            return sorted(named, key=lambda node: node.index)
        layers = zip(layer_names(net)[1:], net.shapes[1:], net.layers, strict=True)
        names_of_layers = [
            name.elements(shape) for name, shape, layer in layers if not layer.passes_on
        ]
        drawn = {nodes[str(name)] for names in names_of_layers for name in names.values()}
        drawn.update(node for mask in self.step.masks for node in (mask.leaf, *mask.kept))
        drawn.update((*self.step.inputs, *self.step.weights))
        for index, layer in enumerate(net.layers):
            if layer.has_inner_steps:
                drawn.update(inside(self.step, index))
        return sorted({*self.derivation.spoken, *drawn}, key=lambda node: node.index)

    @property
    def locals(self) -> list[Local]:
        return [local for partials in self.derivation.locals.values() for local in partials]

    def table(self) -> dict[str, Any]:
        """Everything but how names and formulas are written."""
        step, places = self.step, self.lines.places
        return {
            "lines": self.lines.lines,
            "each": self.lines.sample_lines,
            "inputs": self._places(step.inputs),
            "targets": self._places(step.targets),
            "outputs": self._places(step.outputs),
            "weights": self._places(step.weights),
            "trained": [[places[w], places[d]] for w, d in step.gradients.items()],
            "state": [
                [places[leaf], places[step.next[leaf]], float(start)]
                for leaf, start in step.start.items()
            ],
            "rate": places[step.rate],
            "count": places[step.count] if step.count else None,
            "seed": self.source.seed if isinstance(self.source, Net) else 0,
            "masks": self._masks(),
            "loss": places[step.loss],
            "sampleLoss": places[self._sample_loss],
            "least": places[self.least or self.step.loss],
            "startRate": self.source.learning_rate,
            "epochs": USUAL_EPOCHS,
            "samples": self._samples(),
            "most": MOST_SAMPLES if step.batch else 1,
            "chains": [
                [
                    places[value],
                    self.chains.tree(chain, places),
                    places[self.derivation.roots[value]],
                ]
                for value, chain in self.derivation.chains.items()
            ],
            "windows": [window.table(places) for window in self.windows],
            "gates": [gate_table(gate, places) for gate in self.gates],
            "criteria": criteria_table(),
            "plane": self._plane(),
        }

    @property
    def _sample_loss(self) -> Node:
        """One sample's own error; if there is one sample, the whole error."""
        if self.step.samples == 1:
            return self.step.loss
        (share,) = self.derivation.locals[self.step.loss]
        return share.to

    def _places(self, nodes: Iterable[Node]) -> list[int]:
        return [self.lines.places[node] for node in nodes]

    def _masks(self) -> list[dict[str, Any]]:
        """Each layer of dropout: its masks in drawing order, and the values they apply to."""
        layers: dict[int, list[Mask]] = {}
        for mask in self.step.masks:
            layers.setdefault(mask.layer, []).append(mask)
        return [
            {
                "layer": layer,
                "rate": masks[0].rate,
                "lines": self._places(mask.leaf for mask in masks),
                "kept": [self._places(mask.kept) for mask in masks],
            }
            for layer, masks in layers.items()
        ]

    @property
    def start_net(self) -> Net:
        """The network with the samples that the page begins with."""
        return self.net.with_samples(Sample(*map(tuple, pair)) for pair in self._samples())

    def _samples(self) -> list[list[list[float]]]:
        """Inputs and targets of each sample; points of the plane if the network has no samples."""
        if isinstance(self.source, Formulas):
            data = [self.step.data[leaf] for leaf in self.step.inputs]
            rows = np.column_stack([*data, np.zeros(max(map(np.size, data), default=1))])
            return [[row, []] for row in rows[:, :-1].tolist()]
        if self.step.batch and not self.net.samples and tells_points_apart(self.net):
            return [[[x, y], self._classes[which]] for x, y, which in points(USUAL_SET)]
        return [[list(sample.inputs), list(sample.targets)] for sample in self.net.examples()]

    def _plane(self) -> dict[str, Any] | None:
        if self.share is None:
            return None
        return {
            "share": self.lines.places[self.share],
            "classes": self._classes,
        }

    @property
    def _classes(self) -> list[list[float]]:
        return [class_targets(self.net.outputs, self.net.ending, k) for k in range(CLASSES)]


def content(net: Net) -> PageContent:
    """Collect the data of this network for a page."""
    on_plane = tells_points_apart(net)
    drops = any(layer.draws for layer in net.layers)
    several = len(net.samples) > 1 or drops or (on_plane and not net.samples)
    if len(net.samples) > MOST_SAMPLES:
        raise TargetError(f"a page takes at most {MOST_SAMPLES:,} samples: give it fewer")
    step = scalar_step(net, MOST_SAMPLES if several else None)
    share = None
    if on_plane and several:
        known = {*step.inputs, *step.weights, *(mask.leaf for mask in step.masks)}
        if all(node in known for node in ancestors(step.outputs) if node.op.name == "leaf"):
            share = share_of(step.outputs, net.ending, net.objective)
    derived = to_the_inputs(derivation(step))
    return PageContent(
        net,
        step,
        derived,
        ChainLines.of(derived),
        layer_gates(step),
        conv_windows(step),
        least_loss(step),
        share,
    )


def formula_content(formulas: Formulas, *, every_operation: bool) -> PageContent:
    """The same for formulas, whole or split into single operations on named values."""
    batch = MOST_SAMPLES if any(len(values) > 1 for values in formulas.numbers.values()) else None
    step = formula_step(formulas, batch, every_operation=every_operation)
    derived = to_the_inputs(derivation(step))
    gates = layer_gates(step)
    chains = ChainLines.of(derived)
    return PageContent(formulas, step, derived, chains, gates, (), least_of_formulas(step), None)
