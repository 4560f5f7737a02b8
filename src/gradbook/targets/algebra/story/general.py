"""The general lines as a part of the document, with what their letters and signs mean."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass
from functools import cached_property

from gradbook.graph.names import SAMPLE_ERROR, TOTAL_ERROR, Name, layer_names
from gradbook.net.layers import (
    Activation,
    BatchNorm,
    Conv,
    Dense,
    Dropout,
    Flatten,
    Layer,
    Pool,
    spell,
)
from gradbook.net.network import Net, Parameter
from gradbook.net.parameters import Role
from gradbook.net.task import Loss
from gradbook.targets.algebra.notation.document import Cell, Inline
from gradbook.targets.algebra.notation.forms import (
    HALF,
    BigSum,
    Bracket,
    Cases,
    Comparison,
    Factors,
    Form,
    Fraction,
    Function,
    Numeral,
    Partial,
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
        case Activation(kind, slope):
            yield place.y, activated(kind, slope, place.x)


def _shifted(place: NetLayer, sums: Form) -> Form:
    has_bias = any(p.role is Role.BIAS for p in place.parameters)
    return sums + place.own(Role.BIAS) if has_bias else sums


def backward(net: Net) -> Iterator[Rule]:
    """From the error to the first layer that is trained: every δ, and every gradient."""
    last = min(p.layer for p in net.parameters if not p.want.fixed)
    arriving, index = from_error(net)
    while index >= last:
        arriving = yield from _backward(NetLayer(net, index), arriving, index > last)
        index -= 1


def _backward(place: NetLayer, arriving: Form, goes_on: bool) -> Generator[Rule, None, Form]:
    """The layer's δ and gradients, from what arrives at its values; returns what it sends on."""
    match place.layer:
        case Flatten() | Dropout():
            return arriving
        case Activation(kind, slope) if not kind.endswith("softmax"):
            factors = slopes(kind, slope, place.x, place.y)
            return each(arriving, *factors) if factors else arriving
    yield place.delta, arriving
    yield from _gradients(place)
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
        if not parameter.want.fixed:
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


def activated(kind: str, slope: float, x: Form) -> Form:
    zero, positive = as_form(0), Comparison(x, ">", Numeral(0))
    return {
        "sigmoid": sigmoid(x),
        "tanh": tanh(x),
        "relu": Function("max", (zero, x)),
        "leaky relu": Cases(((x, positive), (slope * x, Words("else")))),
        "softplus": ln(1 + exp(x)),
        "identity": x,
        "softmax": softmax(x),
        "log softmax": ln(softmax(x)),
    }[kind]


def slopes(kind: str, slope: float, x: Form, y: Form) -> tuple[Form, ...]:
    """The factors of an activation's derivative."""
    positive = Comparison(x, ">", Numeral(0))
    return {
        "sigmoid": (y, 1 - y),
        "tanh": (1 - y**2,),
        "relu": (Bracket(positive),),
        "leaky relu": (Cases(((Numeral(1), positive), (Numeral(slope), Words("else")))),),
        "softplus": (sigmoid(x),),
        "identity": (),
    }[kind]


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
