"""One layer in its network, in vectors and matrices: its values and the gradients it passes back.

The lines follow the layer's own ops: one for each named value, and backward what the chain rule
yields for it. A sequence is a matrix with a column for each step; x(2) is the second.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import prod

from gradbook.graph.chain import gradients
from gradbook.graph.names import Name, is_sequence
from gradbook.graph.node import Node, ancestors
from gradbook.graph.tensors import sum_last
from gradbook.language import mark
from gradbook.layers import Parameter, Role
from gradbook.layers.sequences import RECURRENT
from gradbook.net.inner import LayerAlone
from gradbook.net.names import layer_names, number
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
LETTERS = {role: "W" if role is Role.WEIGHT else str(role) for role in Role}
FEW = "Ŵ"  # the rounded values of weights of few bits
OF_FEW = ("scales", "levelled")  # the ops that compute them
SUMS = {"linear", "conv", "linear_back", "conv_back", "outer", "conv_weights"}
MOST_RULES = 40  # of a layer: if there are more, only the first and the last are written


def delta(name: Name) -> Symbol:
    """The gradient of the error with respect to the value with that name."""
    return Symbol(Name("δ", of=name), bold=True)


def parameter_symbol(net: Net, parameter: Parameter) -> Symbol:
    """W_h of the layer that computes h; a bias or a slope that a whole layer shares is a scalar."""
    layer = net.layers[parameter.layer]
    shared = layer.elementwise and parameter.size == 1
    shared |= parameter.role is Role.BIAS and layer.bias.shared
    letter = LETTERS[parameter.role]
    if layer.has_inner_values or parameter.part:
        part = parameter.part
        if parameter.role is Role.WEIGHT and part.endswith(RECURRENT):
            letter, part = "U", part.removesuffix(RECURRENT).rstrip("_")
        word = part.replace("_", " ") or layer.letter
        return Symbol(Name(letter, word=word, layer=number(net, parameter.layer)), bold=not shared)
    name = Name(letter, of=layer_names(net)[parameter.layer + 1])
    return Symbol(name, bold=not shared)


class NetLayer:
    """A layer's input (x), its output (y) and its parameters."""

    def __init__(self, net: Net, index: int) -> None:
        names = layer_names(net)
        self.net, self.layer, self.index = net, net.layers[index], index
        self.name = names[index + 1]
        self.inputs = [Symbol(names[value], bold=True) for value in self.layer.reads(index)]
        self.x, self.y = self.inputs[0], Symbol(self.name, bold=True)
        self.parameters = net.taken(index)

    @property
    def is_written_in_ops(self) -> bool:
        """Whether its ops are written; otherwise it is a function with the layer's name."""
        weighs = any(parameter.role is Role.WEIGHT for parameter in self.parameters)
        return weighs or self.layer.elementwise or self.layer.has_inner_values

    def parameter(self, role: Role) -> Symbol:
        return parameter_symbol(self.net, next(p for p in self.parameters if p.role is role))

    @property
    def few(self) -> Symbol:
        """The rounded weights that its sums use."""
        return Symbol(replace(self.parameter(Role.WEIGHT).name, stem=FEW), bold=True)

    @cached_property
    def alone(self) -> LayerAlone:
        return LayerAlone.of(self.net, self.index)

    @cached_property
    def arriving(self) -> Node:
        """The gradient of the error with respect to the layer's output."""
        output = self.alone.output
        stem = "d" if output.op.name == "stack" else "δ"  # δ also includes later steps
        return output.graph.leaf(Name(stem, of=output.name), output.shape)

    @property
    def delta(self) -> Form:
        return _symbol(self.arriving)

    @cached_property
    def values(self) -> list[Node]:
        """The values that it names, in the order of computation."""
        return [node for node in self.alone.values if node.op.name not in OF_FEW]

    @cached_property
    def _leaves(self) -> dict[Node, Form]:
        """The symbols of its inputs and parameters."""
        alone = self.alone
        forms: dict[Node, Form] = dict(zip(alone.inputs, self.inputs, strict=True))
        for leaf, parameter in zip(alone.parameters, self.parameters, strict=True):
            forms[leaf] = parameter_symbol(self.net, parameter)
        if self.layer.bits:
            every = ancestors([alone.output])
            levelled = (node for node in every if node.op.name == "levelled")
            forms |= dict.fromkeys(levelled, self.few)
        return forms

    @cached_property
    def _adjoints(self) -> Mapping[Node, Node]:
        output = self.alone.output
        total = sum_last(output * self.arriving, len(output.shape))
        return gradients(total, [*self.alone.inputs, *self.alone.parameters])

    def _sayer(self, known: Mapping[Node, Form]) -> _Sayer:
        layer, shape = self.layer, self.net.shapes[self.index]
        slides = layer.window(shape) or layer.spreads(shape)
        return _Sayer({**self._leaves, **known}, bool(slides) and not layer.reads_sequences)

    def forward(self) -> list[Rule]:
        say = self._sayer({})
        return _shortened([(_symbol(node), say.define(node)) for node in self.values])

    def backward(self, arrives: Form) -> list[Rule]:
        """Each value's δ, from the last to the first, except for the δ that arrives."""
        rules = [(self.delta, arrives)]
        known = {self._adjoints[self.alone.output]: self.delta}
        for node in reversed(self.values):
            slope = self._adjoints.get(node)
            if slope is not None and slope not in known:
                form = self._sayer(known).define(slope)
                known[slope] = _delta(node)
                rules.append((known[slope], form))
        return _shortened(rules)

    def gradient(self, parameter: int) -> Form:
        """A sample's contribution to the gradient of the parameter with that number."""
        return self._sent(self.alone.parameters[parameter], self.delta)

    def sent_back(self, arriving: Form) -> list[Form]:
        """The gradients with respect to each of its inputs."""
        return [self._sent(leaf, arriving) for leaf in self.alone.inputs]

    def _sent(self, leaf: Node, arriving: Form) -> Form:
        slopes = self._adjoints
        known = {slopes[value]: _delta(value) for value in self.values if value in slopes}
        known |= {slopes[self.alone.output]: arriving, self.arriving: arriving}
        return formula(slopes[leaf], self._sayer(known))


def _symbol(node: Node) -> Form:
    assert node.name is not None
    return Symbol(node.name, bold=True)


def _delta(node: Node) -> Form:
    assert node.name is not None
    return delta(node.name)


def _shortened(rules: list[Rule]) -> list[Rule]:
    if len(rules) <= MOST_RULES:
        return rules
    half = MOST_RULES // 2
    return [*rules[:half], (Words("…"), Words("…")), *rules[-half:]]


@dataclass(frozen=True)
class _Sayer:
    """Writes known and named values by name, and ops on whole tensors as matrices."""

    known: Mapping[Node, Form]
    slides: bool  # windows over planes, even those of one place

    def __call__(self, node: Node) -> Form | None:
        if node in self.known:
            return self.known[node]
        if node.name is not None and node.name.stem != "∂":
            return _symbol(node)
        return self.tensor(node)

    def define(self, node: Node) -> Form:
        """The value's formula, even if it has a name."""
        return self.tensor(node) or definition(node, self)

    def tensor(self, node: Node) -> Form | None:
        """An op on a whole tensor; None if it is written like an op on single values."""
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
        """Weighted sums or their gradients: products of matrices, or sliding windows."""
        op, (left, right) = node.op.name, node.inputs
        first, second = self.say(left), self.say(right)
        windows = node if op == "conv_weights" else left
        if self.slides or prod(windows.shape[2:]) > 1:
            return Factors((first, second), "∗" if op == "conv_back" else "⋆")
        if op in ("linear", "conv"):
            return _matrices(first, second)
        back = op in ("linear_back", "conv_back")
        return (
            _matrices(Transposed(first), second) if back else _matrices(first, Transposed(second))
        )

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
        """One column: of a sum, the sum of the columns; of a product, the product with a column."""
        form = self.known.get(x) or (_symbol(x) if x.name is not None else None)
        if isinstance(form, Symbol):
            return Symbol(form.name.at_step(step + 1), bold=True)
        if x.op.name == "add":
            return add_up([self.step(part, step) for part in x.inputs])
        if x.op.name == "conv":
            return _matrices(self.say(x.inputs[0]), self.step(x.inputs[1], step))
        return self.say(x)

    def stack(self, steps: Sequence[Node]) -> Form:
        """All columns of one letter are written as that letter; a missing column is 0."""
        columns = tuple(map(self.say, steps))
        names = [form.name for form in columns if isinstance(form, Symbol)]
        letters = {name.at_step(None) for name in names}
        if len(letters) == 1 and len(names) == len(columns):
            return Symbol(letters.pop(), bold=True)
        return Function("columns", columns)


def _summed_over(total: Node) -> str:
    """What a sum ranges over: the channels of each place, or all values of a channel or a layer."""
    shape = total.inputs[0].shape
    if total.op.name == "sum_channels":
        return mark("channels")
    if len(shape) == 1 or not total.shape:
        return mark("values")
    return mark("steps") if is_sequence(shape) else mark("places")


def _single_steps(node: Node) -> list[Node]:
    """The steps that a sum of sequences consists of, each of which is 0 at all other steps."""
    if node.op.name == "only_step":
        return list(node.inputs)
    if node.op.name != "add":
        return []
    parts = [_single_steps(part) for part in node.inputs]
    return [step for part in parts for step in part] if all(parts) else []


def _matrices(*factors: Form) -> Form:
    return Factors(factors, "")
