"""The same values with fewer passes over the data: rewrites from graph to graph.

Each keeps the meaning, and `tests/targets/c/test_simplify.py` holds the rewritten graph against
the original with the reference:

- what has an expansion is expanded;
- weighted sums with one weight a channel are collected (see linear.py);
- a sum over the batch of a weighted sum is the weighted sum of the sums, and the sum of what was
  centred by its own mean is nought; so the two sums of batch normalisation's backward part are
  known before either is used;
- a choice by x is a choice by relu(x) where that is there, so that x needn't be kept;
- d · (1 where c > 0, else 0) is d where c > 0, else 0;
- where windows lie side by side, a maximum's gradient is what each window was given, at its first
  largest value: so only where that stood has to be kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import prod

from gradbook.graph.node import Graph, Node, needed
from gradbook.graph.tensors import spread, sum_last
from gradbook.targets.c.rewrite.linear import Linear, channelwise, product, written

EXPANDED = {"sigmoid", "leaky_relu", "half_square", "square", "binary_cross_entropy"}


def simplified(outputs: Iterable[Node]) -> dict[Node, Node]:
    """Each node that the outputs need → the node of a new graph that has its value."""
    return _Rewriter(list(outputs)).all()


def mean_of(node: Node) -> Node | None:
    """x where the node is the mean of x over the samples and all places of a channel."""
    if node.op.name != "divide":
        return None
    total, count = node.inputs
    x = reduced(total)
    if x is None or len(x.shape) > 1 != (total.op.name == "sum"):
        return None
    places = prod(x.shape[1:])
    counted = count if places == 1 else _factor(count, places)
    return x if counted is not None and str(counted.name) == "N" else None


def _factor(node: Node, other: int) -> Node | None:
    """a where the node is a·other."""
    if node.op.name != "multiply":
        return None
    a, b = node.inputs
    if b.is_constant(other):
        return a
    return b if a.is_constant(other) else None


def reduced(node: Node) -> Node | None:
    """x where the node is the sum of x over the samples, and over its places where it has any."""
    if node.op.name == "total":
        return node.inputs[0]
    if node.op.name == "sum" and node.inputs[0].op.name == "total":
        x = node.inputs[0].inputs[0]
        return x if (len(x.shape), len(node.shape)) == (3, 1) else None
    return None


def centred(node: Node) -> Node | None:
    """x where the node is x less its mean."""
    if node.op.name != "subtract":
        return None
    x, mean = node.inputs
    source = channelwise(mean)
    return x if source is not None and mean_of(source) is x else None


class _Rewriter:
    def __init__(self, outputs: list[Node]) -> None:
        self.order = needed(outputs)
        self.graph = Graph()
        self.done: dict[Node, Node] = {}
        self.forms: dict[Node, Linear] = {}
        self.relus = {node.inputs[0]: node for node in self.order if node.op.name == "relu"}
        self.count: Node | None = None

    def all(self) -> dict[Node, Node]:
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
                made = self.graph.leaf(node.name, node.shape, node.each)
            elif node.is_constant():
                made = self.graph.constant(node.number)
            else:
                made = self.rewritten(node, [self.visit(source) for source in node.inputs])
            self.done[node] = made
        return self.done[node]

    def rewritten(self, node: Node, inputs: list[Node]) -> Node:
        name = node.op.name
        if name in EXPANDED and node.op.expansion:
            expansion = node.op.expansion(*inputs, *node.attributes)
            self.done.update({source: source for source in inputs})
            return self.visit(expansion)
        if name == "copy":
            return inputs[0]
        if name == "sum":
            return self.summed(inputs[0], *node.attributes)
        if name == "total":
            return self.totalled(inputs[0])
        if name == "choose" and node.inputs[0] in self.relus:
            inputs = [self.visit(self.relus[node.inputs[0]]), *inputs[1:]]
        if name == "maxpool_back" and _side_by_side(node):
            return self.given_to_winners(node, *inputs)
        if node.each and name in ("add", "subtract", "negate", "multiply", "divide"):
            return self.collected(node, inputs)
        return self.graph.make(name, *inputs, attributes=node.attributes)

    def given_to_winners(self, node: Node, d: Node, x: Node) -> Node:
        window = node.attributes[:1]
        everywhere = self.graph.make("unpooled", d, attributes=window)
        winners = self.graph.make("winners", x, attributes=window)
        return self.graph.make("multiply", everywhere, winners)

    # Sums over the batch.

    def summed(self, x: Node, axes: object) -> Node:
        assert isinstance(axes, int)
        if x.op.name != "total":
            return sum_last(x, axes)
        inner = x.inputs[0]
        if len(inner.shape) == 3:
            return sum_last(self.reduction(inner), axes - 2)
        return sum_last(x, axes)

    def totalled(self, x: Node) -> Node:
        if x.op.name == "sum" and len(x.inputs[0].shape) in (1, 3):
            inner = x.inputs[0]
            whole = self.reduction(inner)
            return sum_last(whole, len(whole.shape) - len(x.shape))
        if len(x.shape) <= 1:
            return self.reduction(x)
        return self.graph.make("total", x)

    def reduction(self, x: Node) -> Node:
        """The sum over the samples and all places, for each channel."""
        form = self.form(x)
        shape = x.shape[:1]
        result: Node | None = None
        for base, coefficient in form.terms.items():
            if centred(base) is not None:
                continue
            whole = sum_last(self.graph.make("total", base), max(len(x.shape) - 1, 0))
            term = whole if coefficient is None else whole * coefficient
            result = term if result is None else result + term
        if form.constant is not None:
            assert self.count is not None, "batches come from outside"
            term = form.constant * (self.count * prod(x.shape[1:]))
            result = self.widened(term, shape) if result is None else result + term
        if result is None:
            return self.widened(self.graph.constant(0), shape)
        return result

    def widened(self, node: Node, shape: tuple[int, ...]) -> Node:
        return node if node.shape == shape else spread(node, shape)

    # Weighted sums.

    def form(self, node: Node) -> Linear:
        if node in self.forms:
            return self.forms[node]
        source = channelwise(node)
        return Linear({}, source) if source is not None else Linear({node: None})

    def collected(self, node: Node, inputs: list[Node]) -> Node:
        linear = self.combined(node.op.name, inputs)
        if linear is None:
            return self.graph.make(node.op.name, *inputs)
        single = linear.single
        if single and single[1] is None:
            return single[0]
        if linear.is_plain:
            return self.graph.make(node.op.name, *inputs)
        made = written(linear, self.graph, node.shape)
        self.forms[made] = linear
        return made

    def combined(self, name: str, inputs: list[Node]) -> Linear | None:
        minus_one = self.graph.constant(-1)
        forms = [self.form(x) for x in inputs]
        if name == "negate":
            return forms[0].scaled(minus_one)
        if name == "add":
            return forms[0].plus(forms[1])
        if name == "subtract":
            return forms[0].plus(forms[1].scaled(minus_one))
        factors = [channelwise(x) for x in inputs]
        if name == "divide":
            return None if factors[1] is None else forms[0].scaled(1 / factors[1])
        if factors[0] is not None:
            return forms[1].scaled(factors[0])
        if factors[1] is not None:
            return forms[0].scaled(factors[1])
        return self.multiplied(inputs, forms)

    def multiplied(self, inputs: list[Node], forms: list[Linear]) -> Linear | None:
        for switch, other in ((inputs[1], forms[0]), (inputs[0], forms[1])):
            if _is_switch(switch) and other.single:
                base, coefficient = other.single
                return Linear({self.graph.make("choose", switch.inputs[0], base, 0): coefficient})
        for switch, value in (inputs[::-1], inputs):
            if _is_switch(switch):
                return Linear({self.graph.make("choose", switch.inputs[0], value, 0): None})
        if forms[0].single and forms[1].single:
            bases = sorted((forms[0].single[0], forms[1].single[0]), key=lambda x: x.index)
            coefficient = product(forms[0].single[1], forms[1].single[1])
            return Linear({self.graph.make("multiply", *bases): coefficient})
        return None


def _side_by_side(node: Node) -> bool:
    """Whether a pool's windows cover each place of the whole once."""
    window, stride = node.attributes[:2]
    assert isinstance(stride, int)
    return window == (stride, stride) and not any(side % stride for side in node.shape[1:])


def _is_switch(node: Node) -> bool:
    """1 where a value is positive, else 0."""
    return (
        node.op.name == "choose" and node.inputs[1].is_constant(1) and node.inputs[2].is_constant(0)
    )


def labels(done: Mapping[Node, Node]) -> dict[Node, str]:
    """New node → what the first of the original nodes with this value is called."""
    found: dict[Node, str] = {}
    for old, new in done.items():
        if old.name is not None and not new.is_constant():
            found.setdefault(new, str(old.name))
    return found
