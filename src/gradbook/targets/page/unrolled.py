"""What goes on inside layers that read sequences: planes of units by steps, and their weights.

A recurrent layer is seen unrolled in time: a row for each unit, a column for each step. What steps
are to each other in attention has a row for each that looks, and a column for each that is seen.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import prod

from gradbook.graph.names import Name
from gradbook.graph.node import Node
from gradbook.graph.window import Shape
from gradbook.layers.sequences import RECURRENT
from gradbook.net import Parameter
from gradbook.net.names import shown_names
from gradbook.net.step import Step

Rows = tuple[tuple[Node | None, ...], ...]


@dataclass(frozen=True)
class StepPlane:
    """Values of one kind, row by row; there is none where nothing reads it."""

    title: str
    rows: Rows

    @property
    def size(self) -> tuple[int, int]:
        return len(self.rows), len(self.rows[0])


def step_planes(step: Step, index: int) -> list[list[StepPlane]]:
    """Those of a layer: what a gate adds up and what it makes of that side by side, then kinds that
    stand alone as long as they are of one size, then weights in the same way."""
    return [*_merged(_by_word(inside(step, index))), *_merged(_weights(step, index))]


def _merged(groups: Iterable[list[StepPlane]]) -> list[list[StepPlane]]:
    found: list[list[StepPlane]] = []
    is_open = False  # whether the last ones stood alone
    for planes in groups:
        is_alone = len(planes) == 1
        if is_alone and is_open and found[-1][0].size == planes[0].size:
            found[-1] += planes
        else:
            found.append(planes)
        is_open = is_alone
    return found


def inside(step: Step, index: int) -> list[Node]:
    """The values with names, from what the layer is given to what it makes."""
    nodes, net = step.graph.by_name, step.net
    given, made = shown_names(net)[index : index + 2]
    before, after = net.shapes[index : index + 2]
    waiting = [nodes[str(name)] for name in made.elements(after).values()]
    seen = {nodes[str(name)] for name in given.elements(before).values()} | {*step.weights}
    found = []
    while waiting:
        node = waiting.pop()
        if node not in seen:
            seen.add(node)
            waiting += node.inputs
            found += [node] if node.name else []
    return sorted(found, key=lambda node: node.index)


def _by_word(nodes: Sequence[Node]) -> list[list[StepPlane]]:
    """Planes of one word together, in the order in which the last of each is computed."""
    kinds: dict[Name, list[Node]] = {}
    for node in nodes:
        assert node.name
        kinds.setdefault(node.name.at().at_step(None), []).append(node)
    found: dict[str, list[StepPlane]] = {}
    for name, own in sorted(kinds.items(), key=lambda item: item[1][-1].index):
        found.setdefault(innermost(name).word, []).extend(_planes(str(name), own))
    return list(found.values())


def innermost(name: Name) -> Name:
    return innermost(name.of) if name.of else name


def _planes(title: str, own: Sequence[Node]) -> Iterator[StepPlane]:
    """One, or one for each head."""
    places = {_place(node): node for node in own}
    heads = sorted({head for head, _, _ in places})
    rows, columns = (max(place[axis] for place in places) for axis in (1, 2))
    for head in heads:
        yield StepPlane(
            f"{title} {head}" if len(heads) > 1 else title,
            tuple(
                tuple(places.get((head, i, j)) for j in range(1, columns + 1))
                for i in range(1, rows + 1)
            ),
        )


def _place(node: Node) -> tuple[int, ...]:
    """Head, row and column: a unit and a step, or a step and the one that it sees."""
    assert node.name
    name = innermost(node.name)
    index = name.index if name.step is None else (*name.index, name.step)
    return index if len(index) == 3 else (1, *index)


def _weights(step: Step, index: int) -> list[list[StepPlane]]:
    """Those of a gate side by side: of the step, of the state before it, and biases."""
    gates: dict[str, list[StepPlane]] = {}
    for parameter in step.net.taken(index):
        gate, _, _ = parameter.part.partition(RECURRENT)
        plane = _weight_plane(step, parameter, step.net.shapes[index + 1])
        gates.setdefault(gate.rstrip("_"), []).append(plane)
    return list(gates.values())


def _weight_plane(step: Step, parameter: Parameter, made: Shape) -> StepPlane:
    """A row for each unit; of what belongs to each step a column for each."""
    nodes = [step.graph.by_name[name] for name in parameter.names]
    across = len(nodes) // (made[0] if parameter.shape == (prod(made),) else parameter.shape[0])
    title = f"{parameter.role} {parameter.part.replace('_', ' ')}".rstrip()
    return StepPlane(
        title, tuple(tuple(nodes[k : k + across]) for k in range(0, len(nodes), across))
    )
