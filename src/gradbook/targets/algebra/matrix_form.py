"""The matrix form: the whole network in vectors and matrices, forward and backward."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Generator, Iterator, Mapping, Sequence

from gradbook.graph.chain import gradients
from gradbook.graph.names import SAMPLE_ERROR, TOTAL_ERROR, Name
from gradbook.graph.node import Graph
from gradbook.net.layer_ops import element_by_element
from gradbook.net.layers import Activation, BatchNorm, Conv, Dense, Layer, Pool, spell
from gradbook.net.names import layer_names
from gradbook.net.network import Net
from gradbook.net.norms import LayerNorm, PlaceNorm, SampleNorm
from gradbook.net.parameters import Parameter, Role
from gradbook.net.task import Loss
from gradbook.net.wiring import Concat
from gradbook.targets.algebra.forms import (
    HALF,
    BigSum,
    Cell,
    Factors,
    Form,
    Fraction,
    Function,
    Numeral,
    Partial,
    Root,
    Story,
    Symbol,
    Transposed,
    absolute,
    added,
    as_form,
    exp,
    listed,
    ln,
    mean,
    multiplied,
    sign,
    softmax,
)
from gradbook.targets.algebra.formula import SHARE, formula

LETTERS = {Role.WEIGHT: "W", Role.BIAS: "b", Role.SCALE: "γ", Role.SHIFT: "β"}

Rule = tuple[Form, Form]  # left = right


def tell_in_general(story: Story, net: Net) -> None:
    """Every layer's lines, forward and backward, with what their letters and signs mean."""
    story.heading("Matrix form")
    story.say(
        "In vectors and matrices the network is a few lines, however wide it is. A bold letter "
        "holds all values of a layer, ⊙ multiplies element by element, ᵀ swaps rows and columns."
    )
    story.table((("letter",), ("holds",), ("size",)), [_holding(net, p) for p in net.parameters])
    for left, right in forward(net):
        story.equation(left, ("=", right))
    x = Name("x")
    of = Partial(sample_error(net), Symbol(x, bold=True))
    whose = "the error" if len(net.examples()) == 1 else "a sample's error"
    story.say(
        *("Backward, ", delta(x), " is ", of),
        f": how {whose} changes with each value of a layer. ",
        "It goes from layer to layer, the last one first.",
    )
    for left, right in backward(net):
        story.equation(left, ("=", right))
    for remark in _remarks(net):
        story.say(remark)


def _holding(net: Net, parameter: Parameter) -> tuple[Cell, ...]:
    names = [Name(str(parameter.role), (parameter.first + k,)) for k in range(parameter.size)]
    held = listed([Symbol(name) for name in names], most=2)
    return (parameter_symbol(net, parameter),), held, (spell(parameter.shape).replace("x", " × "),)


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
    if Concat in kinds:
        yield (
            "concat puts the channels of values side by side, in this order; part(δ, a, b) are the "
            "channels a to b of δ."
        )
    if BatchNorm in kinds:
        yield (
            "The mean is taken over all samples, and over all places of a plane, for each value or "
            "plane by itself. Since that mixes the samples, δ before it is the number of samples "
            "times the derivative of the error of all."
        )

    if PlaceNorm in kinds:
        yield "placemean is the mean over the channels of each place of one sample."
    groups = [
        layer.groups_in(shape)
        for layer, shape in zip(net.layers, net.shapes, strict=False)
        if isinstance(layer, SampleNorm) and not isinstance(layer, PlaceNorm)
    ]
    if groups:
        yield (
            "groupmean is the mean over a group of channels of one sample"
            + (", which are all of them where there is one group." if 1 in groups else ".")
        )


# A layer in its network ------------------------------------------------------


def each(*factors: Form) -> Form:
    """Multiplied element by element."""
    return Factors(factors, "⊙")


def delta(name: Name) -> Symbol:
    return Symbol(Name("δ", of=name), bold=True)


def parameter_symbol(net: Net, parameter: Parameter) -> Form:
    """W_h of the layer that makes h; a bias for all of a layer is a plain number."""
    shared = parameter.role is Role.BIAS and _is_shared(net.layers[parameter.layer])
    name = Name(LETTERS[parameter.role], of=layer_names(net)[parameter.layer + 1])
    return Symbol(name, bold=not shared)


def _is_shared(layer: Layer) -> bool:
    return isinstance(layer, Dense | Conv) and layer.bias.shared


class NetLayer:
    """One layer in its network: what it is given (x), what it makes of it (y), what it owns."""

    def __init__(self, net: Net, index: int) -> None:
        names = layer_names(net)
        self.net, self.layer, self.index = net, net.layers[index], index
        self.in_planes = len(net.shapes[index]) == 3
        self.name = names[index + 1]
        self.given = [Symbol(names[value], bold=True) for value in self.layer.reads(index)]
        self.x, self.y = self.given[0], Symbol(self.name, bold=True)
        self.delta = delta(self.name)  # how the error changes with y
        self.parameters = net.taken(index)
        self.is_softmax = isinstance(self.layer, Activation) and self.layer.is_softmax

    def own_mean(self, x: Form) -> Form:
        """What a normalisation within a sample centres by."""
        return Function("placemean" if isinstance(self.layer, PlaceNorm) else "groupmean", (x,))

    def own(self, role: Role) -> Form:
        return parameter_symbol(self.net, next(p for p in self.parameters if p.role is role))

    def named(self, stem: str) -> Symbol:
        """A value within the layer: n, μ, s of batch normalisation."""
        return Symbol(Name(stem, layer=self.name.layer), bold=True)


# Forward ---------------------------------------------------------------------


def forward(net: Net) -> Iterator[Rule]:
    """Each layer's line, and the error's."""
    for index in range(len(net.layers)):
        yield from _forward(NetLayer(net, index))
    yield sample_error(net), _error(net)
    if len(net.examples()) > 1:
        yield Symbol(TOTAL_ERROR), _over_samples(net, sample_error(net))


def _forward(here: NetLayer) -> Iterator[Rule]:
    match here.layer:
        case Dense() | Conv():
            sign = "⋆" if isinstance(here.layer, Conv) else ""
            sums: Form = Factors((here.own(Role.WEIGHT), here.x), sign)
            has_bias = any(p.role is Role.BIAS for p in here.parameters)
            yield here.y, sums + here.own(Role.BIAS) if has_bias else sums
        case Pool(kind):
            yield here.y, Function(f"{kind}pool", (here.x,))
        case Concat():
            yield here.y, Function("concat", tuple(here.given))
        case BatchNorm(epsilon):
            middle, spread, normal = map(here.named, "μsn")
            yield middle, mean(here.x)
            yield spread, Root(mean((here.x - middle) ** 2) + epsilon)
            yield normal, (here.x - middle) / spread
            yield here.y, each(here.own(Role.SCALE), normal) + here.own(Role.SHIFT)
        case SampleNorm():
            middle, spread, normal = map(here.named, "μsn")
            yield middle, here.own_mean(here.x)
            yield spread, Root(here.own_mean((here.x - middle) ** 2) + here.layer.epsilon)
            yield normal, (here.x - middle) / spread
            yield here.y, each(here.own(Role.SCALE), normal) + here.own(Role.SHIFT)
        case Activation(kind) if here.is_softmax:
            yield here.y, softmax(here.x) if kind == "softmax" else ln(softmax(here.x))
        case _ if not here.layer.passes_on:
            yield here.y, _element_by_element(here)[0]


def _element_by_element(here: NetLayer) -> tuple[Form, list[Form]]:
    """What the layer makes of each place's values, and its slope towards each of them.

    Both come from the layer's own ops, on single values.
    """
    graph = Graph()
    given = [graph.leaf(Name("x", (k,))) for k, _ in enumerate(here.given)]
    result = element_by_element(here.layer, given)
    said = dict(zip(given, here.given, strict=True))
    known = {result: here.y, **said}
    slopes = gradients(result, given)
    return formula(result, said.get), [formula(slopes[x], known.get) for x in given]


# Backward --------------------------------------------------------------------


def backward(net: Net) -> Iterator[Rule]:
    """From the error to the first layer that is trained: every δ, and every gradient."""
    first_trained = min(p.layer for p in net.parameters if not p.fixed)
    from_loss, last = _from_error(net)
    arriving = defaultdict(list, {last + 1: [from_loss]})  # at each value, from those it feeds
    shares: dict[Parameter, list[Form]] = defaultdict(list)  # of each gradient, from every use
    for index in range(last, first_trained - 1, -1):
        here = NetLayer(net, index)
        sent = yield from _backward(here, added(arriving[index + 1]), shares)
        for value, form in zip(net.layers[index].reads(index), sent, strict=True):
            arriving[value].append(form)


def _backward(
    here: NetLayer, arriving: Form, shares: Mapping[Parameter, list[Form]]
) -> Generator[Rule, None, Sequence[Form]]:
    """The layer's δ and gradients, from what arrives at its values; those of parameters that are
    taken several times when it is the first that takes them.

    Returns what it sends to each of the values that it reads.
    """
    layer = here.layer
    if layer.passes_on:
        return [arriving]
    mixes = isinstance(layer, Dense | Conv | Pool | BatchNorm | SampleNorm) or here.is_softmax
    if mixes or len(here.given) > 1:  # said once, since several values are sent it
        yield here.delta, arriving
        arriving = here.delta
    if isinstance(layer, Concat):
        return list(_parts(here))
    if not mixes:
        return [_times(arriving, slope) for slope in _element_by_element(here)[1]]
    for parameter in here.parameters:
        if not parameter.fixed:
            symbol = parameter_symbol(here.net, parameter)
            shares[parameter].insert(0, _of_one_sample(here, parameter.role))
            if parameter.layer == here.index:
                gradient = _over_samples(here.net, added(shares[parameter]))
                yield Partial(Symbol(TOTAL_ERROR), symbol), gradient
    return [(yield from _sent_on(here))]


def _parts(here: NetLayer) -> Iterator[Form]:
    """What each of the values that stand side by side is sent: its own channels."""
    last = 0
    for read in here.layer.reads(here.index):
        first, last = last + 1, last + here.net.shapes[read][0]
        yield Function("part", (here.delta, Numeral(first), Numeral(last)))


def _times(arriving: Form, slope: Form) -> Form:
    factors = slope.factors if isinstance(slope, Factors) else (slope,)
    return arriving if slope == Numeral(1) else each(arriving, *factors)


def _sent_on(here: NetLayer) -> Generator[Rule, None, Form]:
    """What a layer that mixes values sends back to them."""
    d, a = here.delta, here.y
    match here.layer:
        case Dense():
            return Factors((Transposed(here.own(Role.WEIGHT)), d), "")
        case Conv():
            return Factors((here.own(Role.WEIGHT), d), "∗")
        case Pool(kind):
            return Function(f"un{kind}pool", (d,))
        case BatchNorm():
            normal = here.named("n")
            d = delta(normal.name)
            yield d, each(here.own(Role.SCALE), here.delta)
            return (d - mean(d) - each(normal, mean(each(normal, d)))) / here.named("s")
        case SampleNorm():
            normal = here.named("n")
            d = delta(normal.name)
            yield d, each(here.own(Role.SCALE), here.delta)
            off = d - here.own_mean(d) - each(normal, here.own_mean(each(normal, d)))
            return off / here.named("s")
        case Activation("softmax"):
            return each(a, d - BigSum(each(a, d), "outputs"))
        case _:  # log softmax
            return d - each(exp(a), BigSum(d, "outputs"))


def _of_one_sample(here: NetLayer, role: Role) -> Form:
    """What one sample adds to a gradient."""
    d: Form = here.delta
    match role:
        case Role.WEIGHT if isinstance(here.layer, Conv):
            return Factors((d, here.x), "⋆")
        case Role.WEIGHT:
            return Factors((d, Transposed(here.x)), "")
        case Role.SCALE:
            d = each(d, here.named("n"))
    if role is Role.BIAS and _is_shared(here.layer):
        return BigSum(d, "units")
    alone = isinstance(here.layer, LayerNorm)
    return BigSum(d, "places") if here.in_planes and not alone else d


# The error -------------------------------------------------------------------


def sample_error(net: Net) -> Form:
    if len(net.examples()) == 1:
        return Symbol(TOTAL_ERROR)
    return Symbol(
        Name("E", (1,)) if net.outputs == 1 and net.objective is not Loss.CROSS else SAMPLE_ERROR
    )


def _outputs(net: Net) -> tuple[Form, Form]:
    """What the network says, and its targets."""
    return Symbol(layer_names(net)[-1], bold=True), Symbol(Name("t"), bold=True)


def _error(net: Net) -> Form:
    """Of one sample, over its outputs."""
    a, t = _outputs(net)
    match net.objective:
        case Loss.HALF_SQUARED:
            return HALF * BigSum((t - a) ** 2, "outputs")
        case Loss.CROSS:
            logs = a if net.ending == "log softmax" else ln(a)
            return -BigSum(each(_wanted(net), logs), "outputs")
        case Loss.SQUARED:
            total: Form = BigSum((t - a) ** 2, "outputs")
        case Loss.ABSOLUTE:
            total = BigSum(absolute(t - a), "outputs")
        case Loss.BINARY:
            total = -BigSum(each(t, ln(a)) + each(1 - t, ln(1 - a)), "outputs")
    if net.outputs == 1:
        return total
    return multiplied([Fraction(Numeral(1), Numeral(net.outputs)), total])


def _from_error(net: Net) -> tuple[Form, int]:
    """What the error sends back, and to the values of which layer."""
    a, t = _outputs(net)
    end, outputs = len(net.layers) - 1, Numeral(net.outputs)
    match net.objective:
        case Loss.HALF_SQUARED:
            return a - t, end
        case Loss.SQUARED:
            return multiplied([Fraction(Numeral(2), outputs), a - t]), end
        case Loss.ABSOLUTE:
            return (sign(a - t) if net.outputs == 1 else sign(a - t) / outputs), end
        case Loss.CROSS:
            return (exp(a) if net.ending == "log softmax" else a) - _wanted(net), end - 1
        case Loss.BINARY:
            return (a - t if net.outputs == 1 else (a - t) / outputs), end - 1


def _over_samples(net: Net, one: Form) -> Form:
    several = len(net.examples()) > 1
    return multiplied([SHARE, BigSum(one, "samples")]) if several else one


def _wanted(net: Net) -> Form:
    """The targets, smoothed where the loss asks for it."""
    t, smoothing = Symbol(Name("t"), bold=True), net.smoothing
    if not smoothing:
        return t
    return (1 - as_form(smoothing)) * t + Fraction(Numeral(smoothing), Numeral(net.outputs))
