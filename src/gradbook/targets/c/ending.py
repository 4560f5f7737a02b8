"""The end of a step: updates that threads share out, and what comes after all of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod

from gradbook.graph.node import Node
from gradbook.targets.c.arrays import Arrays
from gradbook.targets.c.between import Between
from gradbook.targets.c.fields import Scope
from gradbook.targets.c.simplify import reduced
from gradbook.targets.c.syntax import block, loop, task
from gradbook.targets.c.totals import Elements


@dataclass(frozen=True)
class Ending:
    """`following` says what carried values become, `read` which arrays are read from outside."""

    scope: Scope
    arrays: Arrays
    between: Between
    following: Mapping[Node, Node]
    read: Mapping[str, Node]

    def texts(self) -> tuple[dict[str, str], list[str]]:
        """The functions that may run side by side, by name; what one thread does after them."""
        self.arrays.is_late = True
        changing = {leaf: node for leaf, node in self.following.items() if leaf is not node}
        wide = {leaf: node for leaf, node in changing.items() if leaf.shape}
        tasks: dict[str, str] = {}
        for group in self._groups(wide):
            lines = self._task(group, wide)
            if lines:
                name = self.scope.function("update", self._title(group), group[0])
                tasks[name] = task(name, lines)
        elements = Elements(self.arrays.array)
        values = [(name, elements.value(x)) for name, x in self.read.items() if not x.shape]
        values += [
            (self.arrays.states[leaf], elements.value(node))
            for leaf, node in changing.items()
            if not leaf.shape
        ]
        filled = self.arrays.asked_since(self.between.computed)
        stores = [f"at->e->{name}[0] = {value};" for name, value in values]
        return tasks, block([*filled, *elements.lines, *stores])

    def _groups(self, changing: Mapping[Node, Node]) -> list[list[Node]]:
        """Carried values that read each other, or the same late sums, change together."""
        owner: dict[Node, int] = {}
        groups: dict[int, list[Node]] = {}
        roots = [*changing.items(), *((x, x) for x in self.read.values() if x.shape)]
        for number, (leaf, node) in enumerate(roots):
            touched = {leaf} | {
                other
                for other in self._read_late(node)
                if other in changing or reduced(other) is not None
            }
            joined = sorted({owner[other] for other in touched if other in owner})
            groups[number] = [leaf]
            for old in joined:
                groups[number] += groups.pop(old)
            for other, own in list(owner.items()):
                if own in joined:
                    owner[other] = number
            owner.update(dict.fromkeys(touched, number))
        return [sorted(set(group), key=lambda n: n.index) for group in groups.values()]

    def _read_late(self, node: Node) -> list[Node]:
        """The leaves and the late sums that its formula reads."""
        found: dict[Node, None] = {}
        waiting = [node]
        while waiting:
            current = waiting.pop()
            if current in found or current in self.arrays.own:
                continue
            found[current] = None
            if reduced(current) is None:
                waiting.extend(current.inputs)
        return list(found)

    def _title(self, group: list[Node]) -> str:
        names = {**{node: name for name, node in self.read.items()}, **self.arrays.states}
        return min((names[node] for node in group if node in names), key=len)

    def _task(self, group: list[Node], changing: Mapping[Node, Node]) -> list[str]:
        names = {node: name for name, node in self.read.items()}
        states = self.arrays.states
        loops: list[str] = []
        for shape in dict.fromkeys(leaf.shape for leaf in group):
            elements = Elements(self.arrays.array)
            stores = []
            for leaf in group:
                if leaf.shape == shape and leaf in names:
                    stores.append((names[leaf], elements.value(leaf)))
                if leaf.shape == shape and leaf in changing:
                    stores.append((states[leaf], elements.value(changing[leaf])))
            lines = [f"at->e->{name}[k] = {value};" for name, value in stores]
            moved = [line for line in lines if not _stays(line)]
            if moved:
                loops += loop(prod(shape), [*elements.lines, *moved])
        return [*self.arrays.asked_since(self.between.computed), *loops]


def _stays(line: str) -> bool:
    """A value that lies where it is wanted."""
    target, value = line.rstrip(";").split(" = ", 1)
    return target == value
