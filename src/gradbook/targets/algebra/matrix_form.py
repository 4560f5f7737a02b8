"""The matrix form: the whole network in vectors and matrices, forward and backward."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import accumulate
from math import prod

from gradbook.graph.chain import gradients
from gradbook.graph.names import SAMPLE_ERROR, TOTAL_ERROR, Name
from gradbook.graph.node import Graph, Node
from gradbook.graph.window import Shape
from gradbook.language import mark, tr
from gradbook.layers.card import AnswerKind, Layer, Parameter, Role, spell
from gradbook.layers.sequences import RECURRENT, Recurrent
from gradbook.net.build import is_masked
from gradbook.net.names import layer_names
from gradbook.net.network import Net
from gradbook.targets.algebra.forms import (
    BigSum,
    Bracket,
    Cell,
    Comparison,
    Factors,
    Form,
    Fraction,
    Function,
    Minus,
    Numeral,
    Partial,
    Root,
    Story,
    Symbol,
    Terms,
    absolute,
    add_up,
    as_form,
    exp,
    list_forms,
    ln,
    multiply,
    sign,
    softmax,
)
from gradbook.targets.algebra.formula import SHARE, formula, level
from gradbook.targets.algebra.layer_form import NetLayer, Rule, delta, parameter_symbol

STEPS, HAS_TARGET = Symbol(Name("n")), Symbol(Name("m"), bold=True)


def tell_in_general(story: Story, net: Net) -> None:
    """Write every layer's lines, forward and backward, and the meaning of letters and signs."""
    story.heading(tr("Matrix form"))
    story.say(
        tr(
            "In vectors and matrices the network takes only a few lines, however wide it is. A "
            "bold letter stands for all the values of a layer, ⊙ multiplies element by element, "
            "ᵀ swaps rows and columns."
        )
    )
    story.table(
        ((tr("letter"),), (tr("holds"),), (tr("size"),)), [_holding(net, p) for p in net.parameters]
    )
    for left, right in forward(net):
        story.equation(left, ("=", right))
    x = Name("x")
    of = Partial(sample_error(net), Symbol(x, bold=True))
    of_one = mark(
        "Backward, {delta} is {slope}: how the error changes with each value of a layer. It is "
        "worked out layer by layer, starting with the last."
    )
    of_several = mark(
        "Backward, {delta} is {slope}: how a sample's error changes with each value of a layer. It "
        "is worked out layer by layer, starting with the last."
    )
    message = tr(of_one if len(net.examples()) == 1 else of_several)
    story.say(message, delta=delta(x), slope=of)
    for left, right in backward(net):
        story.equation(left, ("=", right))
    for remark in _remarks(net):
        story.say(remark)


def _holding(net: Net, parameter: Parameter) -> tuple[Cell, ...]:
    names = [Name(str(parameter.role), (parameter.first + k,)) for k in range(parameter.size)]
    held = list_forms([Symbol(name) for name in names], most=2)
    layer, shape = net.layers[parameter.layer], parameter.shape
    if layer.reads_sequences and prod(shape[2:]) == 1:
        shape = shape[:2]
    return (parameter_symbol(net, parameter),), held, (spell(shape).replace("x", " × "),)


MEAN, GROUP_MEAN, PLACE_MEAN = "mean", "groupmean", "placemean"  # how norms are centred
ROW_MEAN, ROW_LARGEST = "rowmean", "rowmax"  # how scales are computed


def _remarks(net: Net) -> Iterator[str]:
    layers = list(zip(net.layers, net.shapes, strict=False))
    windows = [(layer, layer.window(shape)) for layer, shape in layers if layer.sums]
    spread = any(layer.parameters(shape) and layer.spreads(shape) for layer, shape in layers)
    if spread:
        yield tr(
            "W ⋆ x slides each of W's windows over x and adds up the products; δ ⋆ x does the same "
            "with δ as the window; W ∗ δ sends each δ back over the window it came from, as W ∗ x "
            "spreads x."
        )
    elif any(prod(p.shape[2:]) > 1 for p in net.parameters) or any(
        window and not (layer.reads_sequences and window.area == 1)  # which is a product
        for layer, window in windows
    ):
        yield tr(
            "W ⋆ x slides each of W's windows over x and adds up the products; δ ⋆ x does the same "
            "with δ as the window; W ∗ δ sends each δ back over the window it came from."
        )
    if any(layer.reads_sequences for layer in net.layers):
        yield tr(
            "A sequence has a column for each step: x(2) is that of the second step, and a letter "
            "without a step stands for all columns side by side."
        )
    if len(net.wanted) > 1 and net.objective.of_all:
        yield tr("softmax is taken at each step, and the error is the mean over the steps.")
    if is_masked(net):
        yield tr(
            "Some steps have no target: m is 1 at the steps with a target, else 0, and n is the "
            "number of steps with one."
        )
    if any(it.part.endswith(RECURRENT) for it in net.parameters):
        yield tr("W multiplies the input of a step, U the state before it.")
    if any(isinstance(layer, Recurrent) and layer.all for layer in net.layers):
        yield tr(
            "d_x is the gradient of the states x from later layers; δ_x adds to it what comes back "
            "from the step after it."
        )
    yield from map(tr, dict.fromkeys(layer.remark for layer in net.layers if layer.remark))
    averaged = {bool(layer.bits.of_mean) for layer in net.layers if layer.bits}
    if False in averaged:
        yield tr(
            "rowmax is the maximum over all the weights that lead to one unit or channel, which "
            "share a scale in s."
        )
    if True in averaged:
        yield tr(
            "rowmean is the mean over all the weights that lead to one unit or channel, which "
            "share a scale in s."
        )
    norms = [(layer, shape) for layer, shape in layers if layer.normalises]
    means = {_mean_of(layer, shape) for layer, shape in norms}
    if MEAN in means:
        yield tr(
            "The mean is taken over all samples, and over all places of a plane, for each "
            "value or plane separately. Since that mixes the samples, δ before it is the "
            "number of samples times the derivative of the total error."
        )
    if PLACE_MEAN in means:
        yield tr("placemean is the mean over the channels of each place of one sample.")
    if GROUP_MEAN in means:
        of_all = mark(
            "groupmean is the mean over a group of channels of one sample; a single group has all "
            "channels."
        )
        of_some = mark("groupmean is the mean over a group of channels of one sample.")
        yield tr(of_all if any(it.channel_groups(shape) == 1 for it, shape in norms) else of_some)


def _mean_of(layer: Layer, shape: Shape) -> str:
    """The mean with which a normalisation of values of this shape is centred."""
    if layer.mixes_samples:
        return MEAN
    return GROUP_MEAN if layer.channel_groups(shape) else PLACE_MEAN


# Forward ---------------------------------------------------------------------


def each(*factors: Form) -> Form:
    """The element-wise product."""
    return Factors(factors, "⊙")


def forward(net: Net) -> Iterator[Rule]:
    """Each layer's lines, and the error's."""
    for index in range(len(net.layers)):
        yield from _forward(NetLayer(net, index))
    yield sample_error(net), _error(net)
    if len(net.examples()) > 1:
        yield Symbol(TOTAL_ERROR), _over_samples(net, sample_error(net))


def _forward(here: NetLayer) -> Iterator[Rule]:
    layer = here.layer
    if layer.passes_on:
        return
    if here.is_written_in_ops:
        yield from _few_bits(here)
        yield from here.forward()
    elif layer.normalises:
        middle, spread, normal = (_inside(here, stem) for stem in "μsn")
        yield middle, _mean(here, here.x)
        yield spread, Root(_mean(here, (here.x - middle) ** 2) + layer.epsilon)
        yield normal, (here.x - middle) / spread
        yield here.y, each(here.parameter(Role.SCALE), normal) + here.parameter(Role.SHIFT)
    elif layer.is_softmax:
        shares = softmax(here.x)
        yield here.y, shares if layer.answer_kind is AnswerKind.SHARES else ln(shares)
    else:
        yield here.y, Function(layer.word, tuple(here.inputs))


def _few_bits(here: NetLayer) -> Iterator[Rule]:
    """How Ŵ is computed from the weights, at the first layer that uses them."""
    kind = here.layer.bits
    if not kind or here.parameters[0].layer != here.index:
        return
    weights = here.parameter(Role.WEIGHT)
    scale, sizes = Symbol(replace(weights.name, stem="s"), bold=True), absolute(weights)
    if kind.of_mean:
        mean = Function(ROW_MEAN, (sizes,))
        yield scale, mean if kind.of_mean == 1 else kind.of_mean * mean
    else:
        yield scale, Fraction(Function(ROW_LARGEST, (sizes,)), Numeral(kind.highest))
    yield here.few, each(scale, level(kind, weights, scale))


def _inside(here: NetLayer, stem: str) -> Symbol:
    """A value within the layer: n, μ, s of batch normalisation."""
    return Symbol(Name(stem, layer=here.name.layer), bold=True)


def _mean(here: NetLayer, x: Form) -> Form:
    """The mean with which a normalisation is centred."""
    return Function(_mean_of(here.layer, here.net.shapes[here.index]), (x,))


# Backward --------------------------------------------------------------------


def backward(net: Net) -> Iterator[Rule]:
    """From the error to the first trained layer: every δ, and every gradient."""
    first_trained = min(p.layer for p in net.parameters if not p.fixed)
    from_loss, last = _from_error(net)
    arriving = defaultdict(list, {last + 1: [from_loss]})  # at each value, from those it feeds
    shares: dict[Parameter, list[Form]] = defaultdict(list)  # of each gradient, from every use
    for index in range(last, first_trained - 1, -1):
        here = NetLayer(net, index)
        sent = yield from _backward(here, add_up(arriving[index + 1]), shares)
        for value, form in zip(net.layers[index].reads(index), sent, strict=True):
            arriving[value].append(form)


def _backward(
    here: NetLayer, arriving: Form, shares: Mapping[Parameter, list[Form]]
) -> Generator[Rule, None, Sequence[Form]]:
    """A layer's δ and gradients, from the gradient that arrives at its output; a parameter that is
    used several times gets its gradient at the first layer that uses it.

    Returns the gradients with respect to each of the layer's inputs.
    """
    layer = here.layer
    if layer.passes_on:
        return [arriving]
    if layer.elementwise and not here.parameters and len(here.inputs) == 1:
        return here.sent_back(arriving)
    yield from here.backward(arriving) if here.is_written_in_ops else [(here.delta, arriving)]
    for place, parameter in enumerate(here.parameters):
        if not parameter.fixed:
            shares[parameter].insert(0, here.gradient(place))
            if parameter.layer == here.index:
                gradient = _over_samples(here.net, add_up(shares[parameter]))
                symbol = parameter_symbol(here.net, parameter)
                yield Partial(Symbol(TOTAL_ERROR), symbol), gradient
    if here.is_written_in_ops:
        return here.sent_back(here.delta)
    return (yield from _sent_on(here))


def _sent_on(here: NetLayer) -> Generator[Rule, None, Sequence[Form]]:
    """The gradients that a layer written as a function sends to its inputs."""
    layer, d, a = here.layer, here.delta, here.y
    if layer.normalises:
        normal = _inside(here, "n")
        d = delta(normal.name)
        yield d, each(here.parameter(Role.SCALE), here.delta)
        off = d - _mean(here, d) - each(normal, _mean(here, each(normal, d)))
        return [off / _inside(here, "s")]
    if layer.is_softmax:
        if layer.answer_kind is AnswerKind.SHARES:
            return [each(a, d - BigSum(each(a, d), mark("outputs")))]
        return [d - each(exp(a), BigSum(d, mark("outputs")))]
    if len(here.inputs) == 1:
        return [Function(f"un{layer.word}", (d,))]
    widths = [here.net.shapes[read][0] for read in layer.reads(here.index)]
    ends = list(accumulate(widths))  # the end of each input's own channels
    pairs = zip(ends, widths, strict=True)
    return [Function("part", (d, Numeral(end - wide + 1), Numeral(end))) for end, wide in pairs]


# The error -------------------------------------------------------------------


def sample_error(net: Net) -> Form:
    if len(net.examples()) == 1:
        return Symbol(TOTAL_ERROR)
    return Symbol(
        Name("E", (1,)) if net.outputs == 1 and not net.objective.of_all else SAMPLE_ERROR
    )


def _outputs(net: Net) -> tuple[Form, Form]:
    """The network's outputs, and its targets."""
    return Symbol(layer_names(net)[-1], bold=True), Symbol(Name("t"), bold=True)


def _error(net: Net) -> Form:
    """The error of one sample, over its outputs."""
    a, _ = _outputs(net)
    if net.objective.of_all:
        logs = a if net.answer_kind is AnswerKind.LOGARITHMS else ln(a)
        if len(net.wanted) > 1:
            sums = BigSum(each(_wanted(net), logs), mark("steps and outputs"))
            return -multiply([Fraction(Numeral(1), _steps(net)), sums])
        return -BigSum(each(_wanted(net), logs), mark("outputs"))
    total = _over_outputs(_error_and_slope(net)[0])
    if net.objective.summed or net.outputs == 1:
        return total
    return multiply([Fraction(Numeral(1), Numeral(net.outputs)), total])


def _steps(net: Net) -> Form:
    """The number of steps over which a mean is taken."""
    return STEPS if is_masked(net) else Numeral(net.wanted[0])


def _from_error(net: Net) -> tuple[Form, int]:
    """The gradient of the error, and the number of the layer whose output it belongs to."""
    a, _ = _outputs(net)
    end, outputs = len(net.layers) - 1, Numeral(net.outputs)
    if net.objective.of_all:
        slope = (exp(a) if net.answer_kind is AnswerKind.LOGARITHMS else a) - _wanted(net)
        if is_masked(net):
            slope = each(HAS_TARGET, slope)
        return (slope / _steps(net) if len(net.wanted) > 1 else slope), end - 1
    slope = _error_and_slope(net)[1]
    if net.objective.ending:
        end -= 1
    if net.objective.summed:
        return slope, end
    if isinstance(slope, Factors):
        return multiply([Fraction(slope.factors[0], outputs), *slope.factors[1:]]), end
    return (slope if net.outputs == 1 else slope / outputs), end


def _error_and_slope(net: Net) -> tuple[Form, Form]:
    """One output's error, and its derivative with respect to the input of the loss's op.

    Both are derived from that op.
    """
    a, t = _outputs(net)
    graph, loss = Graph(), net.objective
    target, output = graph.leaf(Name("t")), graph.leaf(Name("o"))
    error = graph.make(loss.op, target, output)
    known: dict[Node, Form] = {target: t, output: a}
    if loss.ending:
        known[graph.make(loss.ending, output)] = a
    slope = gradients(error, [output])[output]
    return formula(error, known.get), _with_signs(formula(slope, known.get))


def _over_outputs(error: Form) -> Form:
    """The sum of one output's error over all outputs, with factor and sign before the Σ."""
    match error:
        case Minus(inner):
            return -_over_outputs(inner)
        case Terms(terms) if all(isinstance(term, Minus) for term in terms):
            return -_over_outputs(add_up(-term for term in terms))
        case Factors((Numeral() | Fraction(Numeral(), Numeral()) as number, *rest), "·"):
            return multiply([number, BigSum(multiply(rest), mark("outputs"))])
        case _:
            return BigSum(error, mark("outputs"))


def _with_signs(slope: Form) -> Form:
    """A function that is 1 above zero and −1 below it, written as a sign."""
    match slope:
        case Terms(
            (
                Bracket(Comparison(Terms((p, Minus(q))) as x, ">", Numeral(0))),
                Minus(Bracket(Comparison(below))),
            )
        ) if below == q - p:
            return sign(x)
        case _:
            return slope


def _over_samples(net: Net, term: Form) -> Form:
    several = len(net.examples()) > 1
    return multiply([SHARE, BigSum(term, mark("samples"))]) if several else term


def _wanted(net: Net) -> Form:
    """The targets, smoothed if the loss requires it."""
    t, smoothing = Symbol(Name("t"), bold=True), net.smoothing
    if not smoothing:
        return t
    return (1 - as_form(smoothing)) * t + Fraction(Numeral(smoothing), Numeral(net.wanted[-1]))
