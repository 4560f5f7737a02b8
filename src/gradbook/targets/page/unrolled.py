"""The values inside layers that read sequences: planes of units by steps, and weights.

A recurrent layer is unrolled in time: a row for each unit, a column for each step. Scores of
attention have a row for each step that attends, and a column for each that is attended to.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from gradbook.graph.node import Node, Scalars
from gradbook.layers.sequences import RECURRENT
from gradbook.net.inner import inner_planes, innermost, parameter_plane
from gradbook.net.names import shown_names
from gradbook.net.step import Step


@dataclass(frozen=True)
class StepPlane:
    """Values of one kind, row by row; None for values that nothing reads."""

    title: str
    rows: Scalars


def step_planes(step: Step, index: int) -> list[list[StepPlane]]:
    """A layer's planes: a gate's sums beside its activations, then other kinds, then weights; those
    of the same size are side by side."""
    gates: dict[str, list[StepPlane]] = {}
    for planes in inner_planes(step, index, _values_of(step, index)):
        heads = gates.setdefault(innermost(planes.name).word, [])
        for number, rows in enumerate(planes.nodes, 1):
            title = f"{planes.name} {number}" if len(planes.nodes) > 1 else str(planes.name)
            heads.append(StepPlane(title, rows))
    weights: dict[str, list[StepPlane]] = {}
    for parameter in step.net.taken(index):
        gate = parameter.part.partition(RECURRENT)[0].rstrip("_")
        title = f"{parameter.role} {parameter.part.replace('_', ' ')}".rstrip()
        plane = parameter_plane(step, parameter, step.net.shapes[index + 1])
        weights.setdefault(gate, []).append(StepPlane(title, plane))
    return [*_merged(gates.values()), *_merged(weights.values())]


def _merged(groups: Iterable[list[StepPlane]]) -> list[list[StepPlane]]:
    lines: list[list[StepPlane]] = []
    is_open = False  # whether the last group had one plane
    for planes in groups:
        is_alone = len(planes) == 1
        if is_alone and is_open and lines[-1][0].rows.shape == planes[0].rows.shape:
            lines[-1] += planes
        else:
            lines.append(planes)
        is_open = is_alone
    return lines


def inside(step: Step, index: int) -> list[Node]:
    """The named values between the layer's input and its output."""
    planes = inner_planes(step, index, _values_of(step, index))
    nodes = {node for plane in planes for node in plane.nodes.flat if node}
    return sorted(nodes, key=lambda node: node.index)


def _values_of(step: Step, index: int) -> list[Node]:
    """All outputs of a layer, whether another layer reads them or not."""
    names = shown_names(step.net)[index + 1].elements(step.net.shapes[index + 1])
    return [step.graph.by_name[str(name)] for name in names.values()]
