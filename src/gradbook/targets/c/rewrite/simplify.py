"""The same values with fewer passes over the data: rewrites from graph to graph.

Each keeps the meaning, and `tests/targets/c/rewrite/test_simplify.py` holds the rewritten graph
against the original with the reference:

- what C has no word for is expanded;
- weighted sums with one weight a channel are collected (see linear.py);
- a sum over the batch of a weighted sum is the weighted sum of the sums, and the sum of what was
  centred by its own mean is 0; so the two sums of batch normalisation's backward part are known
  before either is used;
- a choice by x is a choice by relu(x) where that is there, so that x needn't be kept;
- d · (1 where c > 0, else 0) is d where c > 0, else 0;
- where windows lie side by side, a maximum's gradient is what each window was given, at its first
  largest value: so only where that stood has to be kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import prod

from gradbook.errors import TargetError
from gradbook.graph.node import Graph, Node, needed
from gradbook.graph.tensors import spread, sum_last
from gradbook.targets.c.rewrite.linear import Linear, build_sum, product
from gradbook.targets.c.rewrite.patterns import (
    channelwise,
    deviation_input,
    is_switch,
    lies_side_by_side,
)
from gradbook.targets.c.words import LOOPS, PLACED, WORDS

LINEAR = {"add", "subtract", "negate", "multiply", "divide"}  # may be collected in weighted sums


def simplify(outputs: Iterable[Node]) -> dict[Node, Node]:
    """Each node that the outputs need → the node of a new graph that has its value."""
    return _Rewriter(list(outputs)).rewrite_all()


def labels(done: Mapping[Node, Node]) -> dict[Node, str]:
    """New node → what the first of the original nodes with this value is called."""
    found: dict[Node, str] = {}
    for old, new in done.items():
        if old.name is not None and not new.is_constant():
            found.setdefault(new, str(old.name))
    return found


class _Rewriter:
    def __init__(self, outputs: list[Node]) -> None:
        self.order = needed(outputs)
        self.graph = Graph()
        self.done: dict[Node, Node] = {}
        self.forms: dict[Node, Linear] = {}
        self.relus = {node.inputs[0]: node for node in self.order if node.op.name == "relu"}
        self.count: Node | None = None

    def rewrite_all(self) -> dict[Node, Node]:
        for node in self.order:
            if str(node.name) == "N" and node.op.name == "leaf":
                self.count = self.visit(node)
        for node in self.order:
            self.visit(node)
        return self.done

    def visit(self, node: Node) -> Node:
        if node not in self.done:
            if node.op.name == "leaf":
                assert node.name is not None
                new = self.graph.leaf(node.name, node.shape, node.each)
            elif node.is_constant():
                new = self.graph.constant(node.number)
            else:
                new = self.rewrite(node, [self.visit(source) for source in node.inputs])
            self.done[node] = new
        return self.done[node]

    def rewrite(self, node: Node, inputs: list[Node]) -> Node:
        name = node.op.name
        if name not in LOOPS and name not in WORDS and name not in PLACED:
            return self.expand(node, inputs)
        if name == "copy":
            return inputs[0]
        if name == "sum":
            return self.rewrite_sum(inputs[0], *node.attributes)
        if name == "total":
            return self.rewrite_total(inputs[0])
        if name == "choose" and node.inputs[0] in self.relus:
            inputs = [self.visit(self.relus[node.inputs[0]]), *inputs[1:]]
        if name == "maxpool_back" and lies_side_by_side(node):
            d, x = inputs
            everywhere = self.graph.make("unpooled", d, attributes=node.attributes[:1])
            winners = self.graph.make("winners", x, attributes=node.attributes[:1])
            return self.graph.make("multiply", everywhere, winners)
        if node.each and name in LINEAR:
            return self.collect(node, inputs)
        return self.graph.make(name, *inputs, attributes=node.attributes)

    def expand(self, node: Node, inputs: list[Node]) -> Node:
        if node.op.expansion is None:
            raise TargetError(
                f"C has no words for '{node.op.name}': use another activation or loss"
            )
        self.done.update({source: source for source in inputs})
        return self.visit(node.op.expansion(*inputs, *node.attributes))

    # Sums over the batch.

    def rewrite_sum(self, x: Node, axes: object) -> Node:
        assert isinstance(axes, int)
        if x.op.name == "total" and len(x.inputs[0].shape) == 3:
            return sum_last(self.reduce(x.inputs[0]), axes - 2)
        return sum_last(x, axes)

    def rewrite_total(self, x: Node) -> Node:
        if x.op.name == "sum" and len(x.inputs[0].shape) in (1, 3):
            whole = self.reduce(x.inputs[0])
            return sum_last(whole, len(whole.shape) - len(x.shape))
        if len(x.shape) <= 1:
            return self.reduce(x)
        return self.graph.make("total", x)

    def reduce(self, x: Node) -> Node:
        """The sum over the samples and all places, for each channel."""
        form = self.form(x)
        result: Node | None = None
        for base, coefficient in form.terms.items():
            if deviation_input(base) is not None:
                continue
            whole = sum_last(self.graph.make("total", base), max(len(x.shape) - 1, 0))
            term = whole if coefficient is None else whole * coefficient
            result = term if result is None else result + term
        if form.constant is not None:
            assert self.count is not None, "batches come from outside"
            term = form.constant * (self.count * prod(x.shape[1:]))
            result = self.widen(term, x.shape[:1]) if result is None else result + term
        return self.widen(self.graph.constant(0), x.shape[:1]) if result is None else result

    def widen(self, node: Node, shape: tuple[int, ...]) -> Node:
        return node if node.shape == shape else spread(node, shape)

    # Weighted sums.

    def form(self, node: Node) -> Linear:
        if node in self.forms:
            return self.forms[node]
        source = channelwise(node)
        return Linear({}, source) if source is not None else Linear({node: None})

    def collect(self, node: Node, inputs: list[Node]) -> Node:
        linear = self.combine(node.op.name, inputs)
        if linear and linear.single and linear.single[1] is None:
            return linear.single[0]
        if linear is None or linear.stands_alone:
            return self.graph.make(node.op.name, *inputs)
        new = build_sum(linear, self.graph, node.shape)
        self.forms[new] = linear
        return new

    def combine(self, name: str, inputs: list[Node]) -> Linear | None:
        minus_one = self.graph.constant(-1)
        forms = [self.form(x) for x in inputs]
        if name == "negate":
            return forms[0].times(minus_one)
        if name == "add":
            return forms[0].plus(forms[1])
        if name == "subtract":
            return forms[0].plus(forms[1].times(minus_one))
        factors = [channelwise(x) for x in inputs]
        if name == "divide":
            return None if factors[1] is None else forms[0].times(1 / factors[1])
        if factors[0] is not None:
            return forms[1].times(factors[0])
        if factors[1] is not None:
            return forms[0].times(factors[1])
        return self.multiply(inputs, forms)

    def multiply(self, inputs: list[Node], forms: list[Linear]) -> Linear | None:
        for switch, other in ((inputs[1], forms[0]), (inputs[0], forms[1])):
            if is_switch(switch) and other.single:
                base, coefficient = other.single
                return Linear({self.graph.make("choose", switch.inputs[0], base, 0): coefficient})
        for switch, value in (inputs[::-1], inputs):
            if is_switch(switch):
                return Linear({self.graph.make("choose", switch.inputs[0], value, 0): None})
        if forms[0].single and forms[1].single:
            bases = sorted((forms[0].single[0], forms[1].single[0]), key=lambda x: x.index)
            coefficient = product(forms[0].single[1], forms[1].single[1])
            return Linear({self.graph.make("multiply", *bases): coefficient})
        return None
