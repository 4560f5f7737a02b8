"""The lines in general: the whole network in vectors and matrices, forward and backward."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass
from functools import cached_property

from gradbook.graph.layer_names import layer_names
from gradbook.graph.name import SAMPLE_ERROR, TOTAL_ERROR, Name
from gradbook.net.layers import (
    Activation,
    BatchNorm,
    Conv,
    Dense,
    Dropout,
    Flatten,
    Layer,
    Pool,
    Role,
)
from gradbook.net.network import Net, Parameter
from gradbook.net.task import Loss
from gradbook.targets.algebra.math import (
    HALF,
    BigSum,
    Bracket,
    Call,
    Cases,
    Form,
    Fraction,
    Number,
    Partial,
    Product,
    Relation,
    Root,
    Symbol,
    Transposed,
    Words,
    as_form,
    exp,
    ln,
    mean,
    multiplied,
    sigmoid,
    softmax,
    tanh,
)

LETTERS = {Role.WEIGHT: "W", Role.BIAS: "b", Role.SCALE: "γ", Role.SHIFT: "β"}

Rule = tuple[Form, Form]  # left = right


def each(*factors: Form) -> Form:
    """Multiplied element by element."""
    return Product(factors, "⊙")


@dataclass(frozen=True)
class Place:
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


def sample_error(net: Net) -> Form:
    if len(net.examples()) == 1:
        return Symbol(TOTAL_ERROR)
    return Symbol(
        Name("E", (1,)) if net.outputs == 1 and net.loss is not Loss.CROSS else SAMPLE_ERROR
    )


# Forward ---------------------------------------------------------------------


def forward(net: Net) -> Iterator[Rule]:
    """Each layer's line, and the error's."""
    for index in range(len(net.layers)):
        yield from _forward(Place(net, index))
    yield sample_error(net), error(net)
    if len(net.examples()) > 1:
        yield Symbol(TOTAL_ERROR), _over_samples(net, sample_error(net))


def _forward(place: Place) -> Iterator[Rule]:
    match place.layer:
        case Dense():
            yield place.y, _shifted(place, Product((place.own(Role.WEIGHT), place.x), ""))
        case Conv():
            yield place.y, _shifted(place, Product((place.own(Role.WEIGHT), place.x), "⋆"))
        case Pool(kind):
            yield place.y, Call(f"{kind}pool", (place.x,))
        case BatchNorm(epsilon):
            middle, spread, normal = map(place.named, "μsn")
            yield middle, mean(place.x)
            yield spread, Root(mean((place.x - middle) ** 2) + epsilon)
            yield normal, (place.x - middle) / spread
            yield place.y, each(place.own(Role.SCALE), normal) + place.own(Role.SHIFT)
        case Activation(kind, slope):
            yield place.y, activated(kind, slope, place.x)


def _shifted(place: Place, sums: Form) -> Form:
    has_bias = any(p.role is Role.BIAS for p in place.parameters)
    return sums + place.own(Role.BIAS) if has_bias else sums


def activated(kind: str, slope: float, x: Form) -> Form:
    zero, positive = as_form(0), Relation(x, ">", Number(0))
    return {
        "sigmoid": sigmoid(x),
        "tanh": tanh(x),
        "relu": Call("max", (zero, x)),
        "leaky relu": Cases(((x, positive), (slope * x, Words("else")))),
        "softplus": ln(1 + exp(x)),
        "identity": x,
        "softmax": softmax(x),
        "log softmax": ln(softmax(x)),
    }[kind]


def error(net: Net) -> Form:
    """Of one sample, over its outputs."""
    a, t = Symbol(layer_names(net)[-1], bold=True), Symbol(Name("t"), bold=True)
    share = Fraction(Number(1), Number(net.outputs)) if net.outputs > 1 else None

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


def _wanted(net: Net) -> Form:
    """The targets, smoothed where the loss asks for it."""
    t, smoothing = Symbol(Name("t"), bold=True), net.smoothing
    if not smoothing:
        return t
    return (1 - as_form(smoothing)) * t + Fraction(Number(smoothing), Number(net.outputs))


def _is_log(net: Net) -> bool:
    return net.layers[-1] == Activation("log softmax")


# Backward --------------------------------------------------------------------


def backward(net: Net) -> Iterator[Rule]:
    """From the error to the first layer that is trained: every δ, and every gradient."""
    last = min(p.layer for p in net.parameters if not p.want.fixed)
    arriving, index = _from_error(net)
    while index >= last:
        arriving = yield from _backward(Place(net, index), arriving, index > last)
        index -= 1


def _from_error(net: Net) -> tuple[Form, int]:
    """What the error sends back, and to the values of which layer."""
    a, t = Symbol(layer_names(net)[-1], bold=True), Symbol(Name("t"), bold=True)
    end, outputs = len(net.layers) - 1, Number(net.outputs)
    match net.loss:
        case Loss.HALF_SQUARED:
            return a - t, end
        case Loss.SQUARED:
            return multiplied([Fraction(Number(2), outputs), a - t]), end
        case Loss.CROSS:
            return (exp(a) if _is_log(net) else a) - _wanted(net), end - 1
        case Loss.BINARY:
            return (a - t if net.outputs == 1 else (a - t) / outputs), end - 1


def _backward(place: Place, arriving: Form, goes_on: bool) -> Generator[Rule, None, Form]:
    """The layer's δ and gradients, from what arrives at its values; returns what it sends on."""
    match place.layer:
        case Flatten() | Dropout():
            return arriving
        case Activation(kind, slope) if not kind.endswith("softmax"):
            slopes = _slopes(kind, slope, place.x, place.y)
            return each(arriving, *slopes) if slopes else arriving
    yield place.delta, arriving
    yield from _gradients(place)
    match place.layer:
        case Dense():
            return Product((Transposed(place.own(Role.WEIGHT)), place.delta), "")
        case Conv():
            return Product((place.own(Role.WEIGHT), place.delta), "∗")
        case Pool(kind):
            return Call(f"un{kind}pool", (place.delta,))
        case BatchNorm():
            return (yield from _through_normalisation(place))
        case _:
            return _through_softmax(place)


def _slopes(kind: str, slope: float, x: Form, y: Form) -> tuple[Form, ...]:
    """The factors of an activation's derivative."""
    positive = Relation(x, ">", Number(0))
    return {
        "sigmoid": (y, 1 - y),
        "tanh": (1 - y**2,),
        "relu": (Bracket(positive),),
        "leaky relu": (Cases(((Number(1), positive), (Number(slope), Words("else")))),),
        "softplus": (sigmoid(x),),
        "identity": (),
    }[kind]


def _through_softmax(place: Place) -> Form:
    d, a = place.delta, place.y
    if place.layer == Activation("softmax"):
        return each(a, d - BigSum(each(a, d), "outputs"))
    return d - each(exp(a), BigSum(d, "outputs"))


def _through_normalisation(place: Place) -> Generator[Rule, None, Form]:
    normal = place.named("n")
    d = delta(place.normal)
    yield d, each(place.own(Role.SCALE), place.delta)
    return (d - mean(d) - each(normal, mean(each(normal, d)))) / place.named("s")


def _gradients(place: Place) -> Iterator[Rule]:
    for parameter in place.parameters:
        if not parameter.want.fixed:
            symbol = parameter_symbol(place.net, parameter)
            gradient = _over_samples(place.net, _of_one_sample(place, parameter.role))
            yield Partial(Symbol(TOTAL_ERROR), symbol), gradient


def _of_one_sample(place: Place, role: Role) -> Form:
    d, in_planes = place.delta, len(place.net.shapes[place.index]) == 3
    match role:
        case Role.WEIGHT if isinstance(place.layer, Conv):
            return Product((d, place.x), "⋆")
        case Role.WEIGHT:
            return Product((d, Transposed(place.x)), "")
        case Role.SCALE:
            d = each(d, place.named("n"))
    if role is Role.BIAS and is_shared(place.layer):
        return BigSum(d, "units")
    return BigSum(d, "places") if in_planes else d


def _over_samples(net: Net, gradient: Form) -> Form:
    samples = len(net.examples())
    if samples == 1:
        return gradient
    return multiplied([Fraction(Number(1), Number(samples)), BigSum(gradient, "samples")])
