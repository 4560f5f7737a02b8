"""What of the gradient that arrives at a layer's activations passes their slopes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from xlsxwriter.utility import quote_sheetname, xl_range_abs

from gradbook.graph.names import gradient_name
from gradbook.graph.node import Node
from gradbook.graph.step import Step
from gradbook.rates.trial import activations, covers, own_slope
from gradbook.targets.excel.plan.chains import derivative


@dataclass(frozen=True)
class GateColumns:
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
        """In the order of their columns: each kind stands together."""
        return (*self.slopes, *self.arriving, *self.passing)

    @property
    def share_heading(self) -> str:
        """Of the cell that says how much of what arrives it lets through."""
        return f"share that {self.name} lets through"

    @property
    def slope_heading(self) -> str:
        return f"steepest slope of {self.name}"

    @property
    def headings(self) -> tuple[str, ...]:
        slopes = [derivative(made, given) for given, made in self.units]
        arriving = [str(gradient_name(made.name)) for _, made in self.units]
        passing = [str(gradient_name(given.name)) for given, _ in self.units]
        return (*(slopes if self.slopes else ()), *arriving, *passing)

    def cells(self, first: int, top: int, samples: int, sheet: str) -> tuple[str, str, str]:
        """Where slopes, what arrives and what passes stand, if the first column is this one."""
        found = []
        for kind in (self.slopes, self.arriving, self.passing):
            last = first + max(len(kind), 1) - 1
            area = xl_range_abs(top, first, top + samples - 1, last)
            found.append(f"{quote_sheetname(sheet)}!{area}")
            first += len(kind)
        slopes, arriving, passing = found
        return slopes, arriving, passing


def gates_of(step: Step) -> tuple[GateColumns, ...]:
    """One for each layer with activations, from the inputs to the outputs."""
    layers: dict[str, list[tuple[Node, Node]]] = {}
    for given, made in activations(step):
        layers.setdefault(str(made.name.at()) if made.name else "", []).append((given, made))
    return tuple(_gate(step, name, pairs) for name, pairs in layers.items())


def _gate(step: Step, name: str, pairs: Sequence[tuple[Node, Node]]) -> GateColumns:
    slopes = [own_slope(given, made) for given, made in pairs]
    return GateColumns(
        name,
        tuple(pairs),
        tuple(slope for slope in slopes if slope is not None) if all(slopes) else (),
        tuple(step.adjoints[made] for _, made in pairs),
        tuple(step.adjoints[given] for given, _ in pairs),
        covers(step, [given for given, _ in pairs]),
        not any(made in step.outputs for _, made in pairs),
    )
