"""What goes on inside a layer with values of its own, in vectors and matrices.

The lines are those of the layer's own ops: each value that it names, and going back what the chain
rule makes of each. A sequence is a matrix with a column for each step; x(2) is the second.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod

from gradbook.graph.chain import gradients
from gradbook.graph.names import Name, is_sequence
from gradbook.graph.node import Node
from gradbook.graph.tensors import sum_last
from gradbook.language import mark
from gradbook.layers import Parameter
from gradbook.net.inner import LayerAlone
from gradbook.net.network import Net
from gradbook.targets.algebra.forms import (
    BigSum,
    Factors,
    Form,
    Function,
    Minus,
    Symbol,
    Terms,
    Transposed,
    Words,
    add_up,
    multiply,
)
from gradbook.targets.algebra.formula import definition, formula

Rule = tuple[Form, Form]  # left = right
SUMS = {"linear", "conv", "linear_back", "conv_back", "outer", "conv_weights"}
MOST_RULES = 40  # of a layer: of more the first and the last ones are told


@dataclass(frozen=True)
class InnerLayer:
    """A layer's ops on a graph of its own, and what the chain rule makes of them."""

    given: Node
    made: Node
    arriving: Node  # what the error sends to what it makes
    adjoints: Mapping[Node, Node]
    parameters: Mapping[Node, Form]  # its leaves, as they are written
    values: Sequence[Node]  # those that it names, in an order to compute in

    @classmethod
    def of(cls, net: Net, index: int, symbols: Mapping[Parameter, Form]) -> InnerLayer:
        layer = LayerAlone.of(net, index)
        made, own = layer.made, dict(zip(layer.parameters, symbols.values(), strict=True))
        stem = "d" if made.op.name == "stack" else "δ"  # which then adds what goes back in time
        arriving = made.graph.leaf(Name(stem, of=made.name), made.shape)
        whole = sum_last(made * arriving, len(made.shape))
        adjoints = gradients(whole, [layer.given, *own])
        return cls(layer.given, made, arriving, adjoints, own, layer.values)

    def forward(self) -> list[Rule]:
        say = self._sayer({})
        return _shortened([(_symbol(node), say.define(node)) for node in self.values])

    def backward(self, arrives: Form) -> list[Rule]:
        """Each value's δ, from the last on, where it isn't what arrives."""
        rules = [(_symbol(self.arriving), arrives)]
        known = {self.adjoints[self.made]: _symbol(self.arriving)}
        for node in reversed(self.values):
            slope = self.adjoints.get(node)
            if slope is None or slope in known:
                continue
            left = _delta(node)
            rules.append((left, self._sayer(known).define(slope)))
            known[slope] = left
        return _shortened(rules)

    def gradient(self, parameter: int) -> Form:
        """What a sample adds to the gradient of its parameter of that number."""
        return formula(self.adjoints[list(self.parameters)[parameter]], self._sayer(self._deltas))

    def sent_back(self) -> Form:
        return formula(self.adjoints[self.given], self._sayer(self._deltas))

    @property
    def _deltas(self) -> dict[Node, Form]:
        every = {self.adjoints[it]: _delta(it) for it in self.values if it in self.adjoints}
        return {**every, self.adjoints[self.made]: _symbol(self.arriving)}

    def _sayer(self, known: Mapping[Node, Form]) -> _Sayer:
        return _Sayer({**self.parameters, **known})


def _symbol(node: Node) -> Form:
    assert node.name is not None
    return Symbol(node.name, bold=True)


def _delta(node: Node) -> Form:
    return Symbol(Name("δ", of=node.name), bold=True)


def _shortened(rules: list[Rule]) -> list[Rule]:
    if len(rules) <= MOST_RULES:
        return rules
    half = MOST_RULES // 2
    return [*rules[:half], (Words("…"), Words("…")), *rules[-half:]]


@dataclass(frozen=True)
class _Sayer:
    """Says known and named values by their names, and ops on whole tensors as matrices."""

    known: Mapping[Node, Form]

    def __call__(self, node: Node) -> Form | None:
        if node in self.known:
            return self.known[node]
        if node.name is not None and node.name.stem != "∂":
            return _symbol(node)
        return self.tensor(node)

    def define(self, node: Node) -> Form:
        """What a value is made of, even where it has a name."""
        return self.tensor(node) or definition(node, self)

    def tensor(self, node: Node) -> Form | None:
        """An op on whole tensors; the rest is written as it is of single values."""
        op, inputs = node.op.name, node.inputs
        if op in ("copy", "spread", "spread_channels", "reshape", "repeat"):
            return self.say(inputs[0])
        if op in SUMS:
            return self.sums(node)
        if op in ("sum", "sum_channels"):
            return BigSum(self.say(inputs[0]), _summed_over(node))
        if op == "step":
            return self.step(inputs[0], int(str(node.attributes[0])))
        if op == "stack":
            return self.stack(inputs)
        alone = _single_steps(node)
        return self.stack(alone) if alone else self.attention(node)

    def sums(self, node: Node) -> Form:
        """Weighted sums, or what goes back through them: products of matrices, or of windows that
        slide."""
        op, (left, right) = node.op.name, node.inputs
        one, other = self.say(left), self.say(right)
        windows = node if op == "conv_weights" else left
        if prod(windows.shape[2:]) > 1:
            return Factors((one, other), "∗" if op == "conv_back" else "⋆")
        if op in ("linear", "conv"):
            return _matrices(one, other)
        back = op in ("linear_back", "conv_back")
        return _matrices(Transposed(one), other) if back else _matrices(one, Transposed(other))

    def attention(self, node: Node) -> Form | None:
        op, inputs = node.op.name, node.inputs
        if op == "scores":
            return _matrices(Transposed(self.say(inputs[0])), self.say(inputs[1]))
        if op == "weigh":
            share, value = map(self.say, inputs)
            return _matrices(value, share if node.attributes[0] else Transposed(share))
        if op == "shares":
            return Function("softmax", (self.say(inputs[0]),))
        if op == "shares_back":
            d, share = map(self.say, inputs)
            return multiply([share, Terms((d, Minus(BigSum(multiply([d, share]), mark("keys")))))])
        return None

    def say(self, node: Node) -> Form:
        return formula(node, self)

    def step(self, x: Node, step: int) -> Form:
        """One column: of sums the sums of columns, of a product the product with a column."""
        whole = self.known.get(x) or (_symbol(x) if x.name is not None else None)
        if isinstance(whole, Symbol):
            return Symbol(whole.name.at_step(step + 1), bold=True)
        if x.op.name == "add":
            return add_up([self.step(part, step) for part in x.inputs])
        if x.op.name == "conv":
            return _matrices(self.say(x.inputs[0]), self.step(x.inputs[1], step))
        return self.say(x)

    def stack(self, steps: Sequence[Node]) -> Form:
        """All columns of one letter are that letter; a column that isn't among them is 0."""
        columns = tuple(map(self.say, steps))
        names = [form.name for form in columns if isinstance(form, Symbol)]
        whole = {name.at_step(None) for name in names}
        if len(whole) == 1 and len(names) == len(columns):
            return Symbol(whole.pop(), bold=True)
        return Function("columns", columns)


def _summed_over(total: Node) -> str:
    """What a sum goes over: the channels of each place, or all that a channel or a layer has."""
    shape = total.inputs[0].shape
    if total.op.name == "sum_channels":
        return mark("channels")
    if len(shape) == 1:
        return mark("values")
    return mark("steps") if is_sequence(shape) else mark("places")


def _single_steps(node: Node) -> list[Node]:
    """The steps of which a sum of sequences is made, each of which is 0 at all others."""
    if node.op.name == "only_step":
        return list(node.inputs)
    if node.op.name != "add":
        return []
    parts = [_single_steps(part) for part in node.inputs]
    return [step for part in parts for step in part] if all(parts) else []


def _matrices(*factors: Form) -> Form:
    return Factors(factors, "")
