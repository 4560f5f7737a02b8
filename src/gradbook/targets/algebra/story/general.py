"""The general lines as a part of the document, with what their letters and signs mean."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from gradbook.graph.chain import gradients
from gradbook.graph.layer_ops import element_by_element
from gradbook.graph.names import SAMPLE_ERROR, TOTAL_ERROR, Name, layer_names
from gradbook.graph.node import Graph
from gradbook.net.layers import Activation, BatchNorm, Conv, Dense, Layer, Pool, spell
from gradbook.net.network import Net
from gradbook.net.parameters import Parameter, Role
from gradbook.net.task import Loss
from gradbook.targets.algebra.notation.document import Cell, Inline
from gradbook.targets.algebra.notation.forms import (
    HALF,
    BigSum,
    Factors,
    Form,
    Fraction,
    Function,
    Minus,
    Numeral,
    Partial,
    Power,
    Root,
    Symbol,
    Terms,
    Transposed,
    added,
    as_form,
    exp,
    ln,
    mean,
    multiplied,
    softmax,
)
from gradbook.targets.algebra.notation.formula import formula
from gradbook.targets.algebra.story.story import Story, listed


def tell_in_general(story: Story, net: Net) -> None:
    """Every layer's lines, forward and backward."""
    story.heading("The lines in general")
    story.say(
        "In vectors and matrices the network is a few lines, however wide it is. A bold letter "
        "holds all values of a layer, ⊙ multiplies element by element, ᵀ swaps rows and columns."
    )
    story.table((("letter",), ("holds",), ("size",)), [_holding(net, p) for p in net.parameters])
    for left, right in forward(net):
        story.equation(left, ("=", right))
    story.say(*_what_delta_is(net))
    for left, right in backward(net):
        story.equation(left, ("=", right))
    for remark in _remarks(net):
        story.say(remark)


def _holding(net: Net, parameter: Parameter) -> tuple[Cell, ...]:
    names = [Name(str(parameter.role), (parameter.first + k,)) for k in range(parameter.size)]
    held = listed([Symbol(name) for name in names], most=2)
    return (parameter_symbol(net, parameter),), held, (spell(parameter.shape).replace("x", " × "),)


def _what_delta_is(net: Net) -> tuple[Inline, ...]:
    x = Name("x")
    of = Partial(sample_error(net), Symbol(x, bold=True))
    whose = "the error" if len(net.examples()) == 1 else "a sample's error"
    return (
        *(
            "Backward, ",
            delta(x),
            " is ",
            of,
            f": how {whose} changes with each value of a layer. ",
        ),
        "It goes from layer to layer, the last one first.",
    )


def _remarks(net: Net) -> Iterator[str]:
    kinds = {type(layer) for layer in net.layers}
    pools = {layer.kind for layer in net.layers if isinstance(layer, Pool)}
    if Conv in kinds:
        yield (
            "W ⋆ x slides each of W's windows over x and adds the products in it; δ ⋆ x does the "
            "same with δ as the window; W ∗ δ sends each δ back over the window that it came from."
        )
    if "max" in pools:
        yield "unmaxpool puts each δ where the largest value of its window stood, 0 elsewhere."
    if "avg" in pools:
        yield "unavgpool gives every place of a window the same share of its δ."
    if BatchNorm in kinds:
        yield (
            "The mean is taken over all samples, and over all places of a plane, for each value or "
            "plane by itself. Since that mixes the samples, δ before it is the number of samples "
            "times the derivative of the error of all."
        )


Rule = tuple[Form, Form]  # left = right


def forward(net: Net) -> Iterator[Rule]:
    """Each layer's line, and the error's."""
    for index in range(len(net.layers)):
        yield from _forward(NetLayer(net, index))
    yield sample_error(net), error(net)
    if len(net.examples()) > 1:
        yield Symbol(TOTAL_ERROR), over_samples(net, sample_error(net))


def _forward(place: NetLayer) -> Iterator[Rule]:
    match place.layer:
        case Dense():
            yield place.y, _shifted(place, Factors((place.own(Role.WEIGHT), place.x), ""))
        case Conv():
            yield place.y, _shifted(place, Factors((place.own(Role.WEIGHT), place.x), "⋆"))
        case Pool(kind):
            yield place.y, Function(f"{kind}pool", (place.x,))
        case BatchNorm(epsilon):
            middle, spread, normal = map(place.named, "μsn")
            yield middle, mean(place.x)
            yield spread, Root(mean((place.x - middle) ** 2) + epsilon)
            yield normal, (place.x - middle) / spread
            yield place.y, each(place.own(Role.SCALE), normal) + place.own(Role.SHIFT)
        case Activation(kind) if place.layer.is_softmax:
            yield place.y, softmax(place.x) if kind == "softmax" else ln(softmax(place.x))
        case _ if not place.layer.passes_on:
            yield place.y, _element_by_element(place)[0]


def _shifted(place: NetLayer, sums: Form) -> Form:
    has_bias = any(p.role is Role.BIAS for p in place.parameters)
    return sums + place.own(Role.BIAS) if has_bias else sums


def backward(net: Net) -> Iterator[Rule]:
    """From the error to the first layer that is trained: every δ, and every gradient."""
    first_trained = min(p.layer for p in net.parameters if not p.fixed)
    from_loss, last = from_error(net)
    arriving = defaultdict(list, {last + 1: [from_loss]})  # at each value, from those it feeds
    for index in range(last, first_trained - 1, -1):
        sent = yield from _backward(NetLayer(net, index), added(arriving[index + 1]))
        for value, form in zip(net.layers[index].reads(index), sent, strict=True):
            arriving[value].append(form)


def _backward(place: NetLayer, arriving: Form) -> Generator[Rule, None, Sequence[Form]]:
    """The layer's δ and gradients, from what arrives at its values.

    Returns what it sends to each of the values that it reads.
    """
    layer = place.layer
    if layer.passes_on:
        return [arriving]
    if isinstance(layer, Dense | Conv | Pool | BatchNorm) or place.is_softmax:
        yield place.delta, arriving
        yield from _gradients(place)
        return [(yield from _sent_on(place))]
    if len(place.read) > 1:  # said once, since several values are sent it
        yield place.delta, arriving
        arriving = place.delta
    _, slopes = _element_by_element(place)
    return [each(arriving, *factors) if factors else arriving for factors in slopes]


def _sent_on(place: NetLayer) -> Generator[Rule, None, Form]:
    match place.layer:
        case Dense():
            return Factors((Transposed(place.own(Role.WEIGHT)), place.delta), "")
        case Conv():
            return Factors((place.own(Role.WEIGHT), place.delta), "∗")
        case Pool(kind):
            return Function(f"un{kind}pool", (place.delta,))
        case BatchNorm():
            return (yield from _through_normalisation(place))
        case _:
            return _through_softmax(place)


def _through_softmax(place: NetLayer) -> Form:
    d, a = place.delta, place.y
    if place.layer == Activation("softmax"):
        return each(a, d - BigSum(each(a, d), "outputs"))
    return d - each(exp(a), BigSum(d, "outputs"))


def _through_normalisation(place: NetLayer) -> Generator[Rule, None, Form]:
    normal = place.named("n")
    d = delta(place.normal)
    yield d, each(place.own(Role.SCALE), place.delta)
    return (d - mean(d) - each(normal, mean(each(normal, d)))) / place.named("s")


def _gradients(place: NetLayer) -> Iterator[Rule]:
    for parameter in place.parameters:
        if not parameter.fixed:
            symbol = parameter_symbol(place.net, parameter)
            gradient = over_samples(place.net, _of_one_sample(place, parameter.role))
            yield Partial(Symbol(TOTAL_ERROR), symbol), gradient


def _of_one_sample(place: NetLayer, role: Role) -> Form:
    d, in_planes = place.delta, len(place.net.shapes[place.index]) == 3
    match role:
        case Role.WEIGHT if isinstance(place.layer, Conv):
            return Factors((d, place.x), "⋆")
        case Role.WEIGHT:
            return Factors((d, Transposed(place.x)), "")
        case Role.SCALE:
            d = each(d, place.named("n"))
    if role is Role.BIAS and is_shared(place.layer):
        return BigSum(d, "units")
    return BigSum(d, "places") if in_planes else d


def _element_by_element(place: NetLayer) -> tuple[Form, list[tuple[Form, ...]]]:
    """What a layer makes of each place's values, and the factors of its slope towards each.

    Both come from the layer's own ops.
    """
    graph = Graph()
    read = [graph.leaf(Name("x", (k,))) for k, _ in enumerate(place.read)]
    made = element_by_element(place.layer, read)
    said = dict(zip(read, place.read, strict=True))
    known = {made: place.y, **said}
    slopes = gradients(made, read)
    factors = [_factors(_by_element(formula(slopes[x], known.get))) for x in read]
    return _by_element(formula(made, said.get)), factors


def _by_element(form: Form) -> Form:
    """Products of several values are taken element by element; numbers stand before them."""
    match form:
        case Factors(factors, "·"):
            numbers = [factor for factor in factors if isinstance(factor, Numeral | Root)]
            values = [_by_element(factor) for factor in factors if factor not in numbers]
            return multiplied([*numbers, *([each(*values)] if len(values) > 1 else values)])
        case Terms(terms):
            return Terms(tuple(map(_by_element, terms)))
        case Power(base, exponent):
            return Power(_by_element(base), exponent)
        case Minus(of):
            return Minus(_by_element(of))
        case Function(function, arguments):
            return Function(function, tuple(map(_by_element, arguments)))
        case _:
            return form


def _factors(form: Form) -> tuple[Form, ...]:
    """None where it is 1."""
    if isinstance(form, Factors):
        return form.factors
    return () if form == Numeral(1) else (form,)


def sample_error(net: Net) -> Form:
    if len(net.examples()) == 1:
        return Symbol(TOTAL_ERROR)
    return Symbol(
        Name("E", (1,)) if net.outputs == 1 and net.loss is not Loss.CROSS else SAMPLE_ERROR
    )


def error(net: Net) -> Form:
    """Of one sample, over its outputs."""
    a, t = Symbol(layer_names(net)[-1], bold=True), Symbol(Name("t"), bold=True)
    share = Fraction(Numeral(1), Numeral(net.outputs)) if net.outputs > 1 else None

    def over_outputs(each_error: Form) -> Form:
        return BigSum(each_error, "outputs")

    match net.loss:
        case Loss.HALF_SQUARED:
            return HALF * over_outputs((t - a) ** 2)
        case Loss.SQUARED:
            total = over_outputs((t - a) ** 2)
        case Loss.CROSS:
            return -over_outputs(each(_wanted(net), a if _is_log(net) else ln(a)))
        case Loss.BINARY:
            total = -over_outputs(each(t, ln(a)) + each(1 - t, ln(1 - a)))
    return multiplied([share, total]) if share else total


def from_error(net: Net) -> tuple[Form, int]:
    """What the error sends back, and to the values of which layer."""
    a, t = Symbol(layer_names(net)[-1], bold=True), Symbol(Name("t"), bold=True)
    end, outputs = len(net.layers) - 1, Numeral(net.outputs)
    match net.loss:
        case Loss.HALF_SQUARED:
            return a - t, end
        case Loss.SQUARED:
            return multiplied([Fraction(Numeral(2), outputs), a - t]), end
        case Loss.CROSS:
            return (exp(a) if _is_log(net) else a) - _wanted(net), end - 1
        case Loss.BINARY:
            return (a - t if net.outputs == 1 else (a - t) / outputs), end - 1


def over_samples(net: Net, gradient: Form) -> Form:
    samples = len(net.examples())
    if samples == 1:
        return gradient
    return multiplied([Fraction(Numeral(1), Numeral(samples)), BigSum(gradient, "samples")])


def _wanted(net: Net) -> Form:
    """The targets, smoothed where the loss asks for it."""
    t, smoothing = Symbol(Name("t"), bold=True), net.smoothing
    if not smoothing:
        return t
    return (1 - as_form(smoothing)) * t + Fraction(Numeral(smoothing), Numeral(net.outputs))


def _is_log(net: Net) -> bool:
    return net.layers[-1] == Activation("log softmax")


LETTERS = {Role.WEIGHT: "W", Role.BIAS: "b", Role.SCALE: "γ", Role.SHIFT: "β"}


def each(*factors: Form) -> Form:
    """Multiplied element by element."""
    return Factors(factors, "⊙")


@dataclass(frozen=True)
class NetLayer:
    """One layer in its network: what it is given (x), what it makes of it (y), what it owns."""

    net: Net
    index: int

    @property
    def layer(self) -> Layer:
        return self.net.layers[self.index]

    @cached_property
    def names(self) -> tuple[Name, Name]:
        before, after = layer_names(self.net)[self.index : self.index + 2]
        return before, after

    @property
    def is_softmax(self) -> bool:
        return isinstance(self.layer, Activation) and self.layer.is_softmax

    @property
    def read(self) -> list[Form]:
        """All values that it is given, x first."""
        names = layer_names(self.net)
        return [Symbol(names[value], bold=True) for value in self.layer.reads(self.index)]

    @property
    def x(self) -> Form:
        return Symbol(self.names[0], bold=True)

    @property
    def y(self) -> Form:
        return Symbol(self.names[1], bold=True)

    @property
    def delta(self) -> Form:
        """How the error changes with y."""
        return delta(self.names[1])

    @property
    def parameters(self) -> list[Parameter]:
        return [p for p in self.net.parameters if p.layer == self.index]

    def own(self, role: Role) -> Form:
        return parameter_symbol(self.net, next(p for p in self.parameters if p.role is role))

    @property
    def normal(self) -> Name:
        return Name("n", layer=self.names[1].layer)

    def named(self, stem: str) -> Form:
        """A value within the layer: n, μ, s of batch normalisation."""
        return Symbol(Name(stem, layer=self.names[1].layer), bold=True)


def delta(name: Name) -> Form:
    return Symbol(Name("δ", of=name), bold=True)


def parameter_symbol(net: Net, parameter: Parameter) -> Form:
    """W_h of the layer that makes h; a bias for all of a layer is a plain number."""
    shared = parameter.role is Role.BIAS and is_shared(net.layers[parameter.layer])
    name = Name(LETTERS[parameter.role], of=layer_names(net)[parameter.layer + 1])
    return Symbol(name, bold=not shared)


def is_shared(layer: Layer) -> bool:
    return isinstance(layer, Dense | Conv) and layer.bias.shared
