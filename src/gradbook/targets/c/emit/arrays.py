"""Values of the step as a whole: where each lies, and in which phase it can be computed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from math import prod

from gradbook.graph.node import Node
from gradbook.targets.c.emit.names import Scope
from gradbook.targets.c.kernels.slides import places
from gradbook.targets.c.plan.plan import Plan
from gradbook.targets.c.rewrite.simplify import reduced


class Arrays:
    """A value gets an array when it is first asked for, and is computed as soon as it can be."""

    def __init__(
        self,
        scope: Scope,
        plan: Plan,
        states: Mapping[Node, str],
        read: Mapping[Node, str],
    ) -> None:
        self.scope = scope
        self.plan = plan
        self.states = states  # leaves that every program shares → the name of the array
        self.read = read  # values that are read from outside → the same
        self.own: dict[Node, str] = {}
        self.sections: defaultdict[int, list[Node]] = defaultdict(list)  # phase → computed before
        self.late: list[Node] = []  # computed with the update
        self.is_late = False

    def element(self, node: Node) -> str:
        """In a hook: for channel c, or the only one."""
        array = self.required(node)
        if not node.shape:
            return f"{array}[0]"
        if len(node.shape) == 1:
            return f"{array}[c]"
        _, height, width = places(node)
        return f"{array}[(c * {height} + h) * {width} + w]"

    def required(self, node: Node) -> str:
        return self.array(node) or self._new(node)

    def array(self, node: Node) -> str | None:
        """Where it lies, if it lies anywhere; sums always do."""
        name = self.states.get(node) or self.own.get(node)
        if name is not None:
            return f"at->e->{name}"
        if reduced(node) is not None or node.op.name == "sum":
            return self._new(node)
        return None

    def _new(self, node: Node) -> str:
        name = self.read.get(node)
        if name is None:
            name = self.scope.member("array", node)
            self.scope.fields.engine.append(f"real {name}[{prod(node.shape)}];")
        self.own[node] = name
        if self.is_late:
            self.late.append(node)
        else:
            self.sections[self.plan.ready[node]].append(node)
        return f"at->e->{name}"

    def between(self, computed: Callable[[Node], list[str]]) -> dict[int, list[str]]:
        """What is computed before each phase, by one thread. One value may ask for others."""
        texts: dict[Node, list[str]] = {}
        while waiting := [n for nodes in self.sections.values() for n in nodes if n not in texts]:
            for node in waiting:
                texts[node] = computed(node)
        return {
            phase: [line for node in sorted(nodes, key=lambda n: n.index) for line in texts[node]]
            for phase, nodes in self.sections.items()
        }

    def asked_since(self, computed: Callable[[Node], list[str]]) -> list[str]:
        """What fills the late arrays that were asked for since the last time."""
        lines: dict[Node, list[str]] = {}
        while waiting := [node for node in self.late if node not in lines]:
            for node in waiting:
                lines[node] = computed(node)
        self.late.clear()
        return [line for node in sorted(lines, key=lambda n: n.index) for line in lines[node]]
