"""From graph to graph: the same values with fewer passes over the data, in ops that C can express.

Each rewrite keeps the meaning; the tests compare both graphs in the reference:

- ops that C can't express are expanded;
- weighted sums with one weight a channel are collected: batch normalisation is nothing else,
  forward and backward, and a chain of its steps becomes one multiply-add;
- a sum over the batch of a weighted sum is the weighted sum of the sums, and the sum of what was
  centred by its own mean is 0; so the two sums of batch normalisation's backward part are known
  before either is used;
- a choice by x is a choice by relu(x) if that exists, so that x needn't be kept;
- d · (1 where c > 0, else 0) is d where c > 0, else 0;
- if windows lie side by side, each window's gradient goes to its first largest value: so only the
place of that value must be kept.

Doesn't know passes, memory or text.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import prod

from gradbook.graph.node import Graph, Node, ancestors
from gradbook.graph.tensors import spread, sum_last
from gradbook.graph.window import Window
from gradbook.targets.c.c_ops import SAYS, WORDS

# Parts of a value -----------------------------------------------------------------


def channelwise(node: Node) -> Node | None:
    """The values that a node repeats for every sample: one per channel, or a single one."""
    if node.op.name == "repeat":
        return channelwise(node.inputs[0])
    if node.op.name == "spread":
        source = channelwise(node.inputs[0])
        return source if source is not None and len(source.shape) <= 1 else None
    if node.each:
        return None
    if len(node.shape) <= 1:
        return node
    if node.op.name in WORDS:
        sources = [channelwise(source) for source in node.inputs]
        if None not in sources:
            inputs: list[Node | float] = [source for source in sources if source is not None]
            return node.graph.make(node.op.name, *inputs, attributes=node.attributes)
    return None


def sum_input(node: Node) -> Node | None:
    """Return x if the node is the sum of x over the samples, and over its places if it has any."""
    if node.op.name == "total":
        return node.inputs[0]
    if node.op.name == "sum" and node.inputs[0].op.name == "total":
        x = node.inputs[0].inputs[0]
        return x if (len(x.shape), len(node.shape)) == (3, 1) else None
    return None


def mean_of(node: Node) -> Node | None:
    """Return x if the node is the mean of x over the samples and all places of a channel."""
    if node.op.name != "divide":
        return None
    total, count = node.inputs
    x = sum_input(total)
    if x is None or len(x.shape) > 1 != (total.op.name == "sum"):
        return None
    places = prod(x.shape[1:])
    counted: Node | None = count
    if places != 1:
        pairs = [count.inputs, count.inputs[::-1]] if count.op.name == "multiply" else []
        counted = next((a for a, b in pairs if b.is_constant(places)), None)
    return x if counted is not None and str(counted.name) == "N" else None


def deviation_input(node: Node) -> Node | None:
    """Return x if the node is x less its mean."""
    if node.op.name != "subtract":
        return None
    x, mean = node.inputs
    source = channelwise(mean)
    return x if source is not None and mean_of(source) is x else None


def is_switch(node: Node) -> bool:
    """Whether a node is 1 where a value is positive, else 0."""
    return (
        node.op.name == "choose" and node.inputs[1].is_constant(1) and node.inputs[2].is_constant(0)
    )


def lies_side_by_side(pool_back: Node) -> bool:
    """Whether a pool's windows cover each place of the whole once."""
    (window,) = pool_back.attributes
    side, _ = window.stride if isinstance(window, Window) else (0, 0)
    plain = window == Window((side, side), (side, side))
    return plain and not any(length % side for length in pool_back.shape[1:])


# Weighted sums, with one weight a channel: Σ coefficient·base + constant ----------

MOST_TERMS = 4  # three batch normalisations side by side


@dataclass(frozen=True)
class Linear:
    """Σ coefficient·base + constant; a coefficient is one per channel or for all, None is 1."""

    terms: Mapping[Node, Node | None] = field(default_factory=dict)
    constant: Node | None = None

    def times(self, by: Node) -> Linear:
        terms = {base: product(coefficient, by) for base, coefficient in self.terms.items()}
        return Linear(terms, self.constant and product(self.constant, by))

    def plus(self, other: Linear) -> Linear:
        terms = dict(self.terms)
        for base, coefficient in other.terms.items():
            unit = base.graph.constant(1)
            terms[base] = (
                sum_of(terms[base] or unit, coefficient or unit) if base in terms else coefficient
            )
        if self.constant is None or other.constant is None:
            return Linear(terms, self.constant or other.constant)
        return Linear(terms, sum_of(self.constant, other.constant))

    @property
    def single(self) -> tuple[Node, Node | None] | None:
        """The base and its coefficient, if there is nothing else."""
        if len(self.terms) != 1 or self.constant is not None:
            return None
        ((base, coefficient),) = self.terms.items()
        return base, coefficient

    @property
    def stands_alone(self) -> bool:
        """Whether sums of the whole are cheaper than sums of its terms.

        Taken apart, values that are only added up gain nothing; and after many skip connections
        each sum would repeat all the terms of those before it.
        """
        added = set(self.terms.values()) == {None}
        return (added and (self.constant is None or len(self.terms) == 1)) or (
            len(self.terms) > MOST_TERMS
        )


def product(a: Node | None, b: Node | None) -> Node | None:
    if a is None or b is None:
        return b if a is None else a
    if a.is_constant() and b.is_constant():
        return a.graph.constant(a.number * b.number)
    if a.is_constant(-1):
        return -b
    return -a if b.is_constant(-1) else a * b


def sum_of(a: Node, b: Node) -> Node:
    if a.is_constant() and b.is_constant():
        return a.graph.constant(a.number + b.number)
    return a + b


def over(graph: Graph, coefficient: Node, shape: tuple[int, ...]) -> Node:
    """Spread a coefficient per channel over values of this shape; single values go with any."""
    return spread(coefficient, shape[1:]) if coefficient.shape else coefficient


def build_sum(linear: Linear, graph: Graph, shape: tuple[int, ...]) -> Node:
    """Make the nodes that compute a weighted sum, term by term."""
    total: Node | None = None
    for base, coefficient in linear.terms.items():
        if total is not None and coefficient is not None and coefficient.is_constant(-1):
            total = total - base
            continue
        term = base if coefficient is None else base * over(graph, coefficient, shape)
        total = term if total is None else total + term
    if linear.constant is None:
        assert total is not None
        return total
    if total is None:
        constant = linear.constant
        tail = shape if not constant.shape else shape[1:]
        return graph.make("repeat", spread(constant, tail))
    return total + over(graph, linear.constant, shape)


# Rewriting ------------------------------------------------------------------------

LINEAR = {"add", "subtract", "negate", "multiply", "divide"}  # may be collected in weighted sums


def simplify(outputs: Iterable[Node]) -> dict[Node, Node]:
    """Map each node that the outputs need to the node of a new graph that has its value."""
    return _Rewriter(list(outputs)).rewrite_all()


def labels(done: Mapping[Node, Node]) -> dict[Node, str]:
    """The name of each new node: that of the first original node with its value."""
    names: dict[Node, str] = {}
    for old, new in done.items():
        if old.name is not None and not new.is_constant():
            names.setdefault(new, str(old.name))
    return names


class _Rewriter:
    def __init__(self, outputs: list[Node]) -> None:
        self.order = ancestors(outputs)
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
        name, simpler = node.op.name, SAYS.simpler(node, inputs)
        if simpler is not None:
            self.done.update({source: source for source in inputs})
            return self.visit(simpler)
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

    # Sums over the batch.

    def rewrite_sum(self, x: Node, axes: object) -> Node:
        assert isinstance(axes, int)
        if x.op.name == "total" and len(x.inputs[0].shape) == 3:
            return sum_last(self.reduce(x.inputs[0]), axes - 2)
        return sum_last(x, axes)

    def rewrite_total(self, x: Node) -> Node:
        if x.op.name == "sum" and len(x.inputs[0].shape) in (1, 3):
            total = self.reduce(x.inputs[0])
            return sum_last(total, len(total.shape) - len(x.shape))
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
            total = sum_last(self.graph.make("total", base), max(len(x.shape) - 1, 0))
            term = total if coefficient is None else total * coefficient
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
