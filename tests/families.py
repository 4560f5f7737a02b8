"""Hypothesis strategies for networks: whatever a network can be, small enough to be quick.

`networks()` is any at all, `networks(images=False)` a dense one, `networks(smooth=True)` one
without corners, so that finite differences hold, and so on:
`networks(updates=["adam"], losses=[Loss.CROSS], samples=1)`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from itertools import product
from math import gcd, prod
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from gradbook.errors import ShapeError
from gradbook.graph.levels import Bits
from gradbook.graph.names import Name, is_sequence
from gradbook.graph.node import OPS, Graph, Node
from gradbook.graph.window import SAME
from gradbook.layers import ACTIVATIONS, LOSSES
from gradbook.net import (
    Activation,
    Again,
    Attention,
    BatchNorm,
    Bias,
    Concat,
    Conv,
    Dense,
    Dropout,
    Flatten,
    GoBack,
    GroupNorm,
    Gru,
    Layer,
    LayerNorm,
    Loss,
    Lstm,
    MelBands,
    Net,
    PlaceNorm,
    Pool,
    PositionEmbedding,
    PRelu,
    Product,
    Quantize,
    Residual,
    RmsNorm,
    Rnn,
    Role,
    Sample,
    Shape,
    TransposedConv,
    Update,
    Upsample,
)
from gradbook.net.description import Misfit
from tests.graph.cards import CARDS

CHOICES = {"choose", "relu", "largest"}
BRANCH = 3  # layers: where it begins, its own, where it ends
MOST_ENLARGED = 18  # values
MOST_CHANNELS = 8  # of what is put side by side, so that nothing grows large
UPDATES = ("descent", "momentum", "adam", "adamw")


def thousandths(low: float, high: float) -> SearchStrategy[float]:
    """Numbers that can be read aloud: a good failure is one that can be retyped."""
    return st.integers(round(low * 1000), round(high * 1000)).map(lambda k: k / 1000)


@st.composite
def networks(
    draw: DrawFn,
    *,
    images: bool | None = None,
    smooth: bool = False,
    updates: Sequence[str] = UPDATES,
    losses: Sequence[Loss] = tuple(LOSSES.values()),
    samples: int = 3,
    depth: int = 4,
    width: int = 4,
    dropout: bool = False,
    recurrent: bool = True,
    enlarged: bool = True,
    heard: bool = False,
) -> Net:
    """A network: `images` with or without windows, `smooth` without corners, at most `samples`
    samples, `depth` layers before the last sums and `width` units or channels a layer; `dropout`
    with dropout that draws, which only steps on batches can; `recurrent` with layers that go over
    the steps of a sequence; `enlarged` with layers that make larger maps or multiply values;
    `heard` with mel bands and spectrograms of a single channel, which are steep.
    """
    pictured = draw(st.booleans()) if images is None else images
    shape = draw(image_shapes() if pictured else st.tuples(st.integers(1, width)))
    first, layers, shapes = shape, list[Layer](), [shape]
    if recurrent and depth and draw(st.integers(0, 3)) == 0:
        steps, features = first = draw(st.tuples(st.integers(2, 4), st.integers(1, 2)))
        shapes, layers = [(features, 1, steps)], [draw(recurrents())]
        shapes.append(made_by(layers, shapes))
    again: list[Again] = []
    count = draw(st.integers(0, depth))
    while len(layers) < count:
        fitting = layers_on(
            shapes[-1], width=width, smooth=smooth, dropout=dropout, enlarged=enlarged
        )
        if recurrent and is_sequence(shapes[-1]):
            fitting = fitting | recurrents() | attentions(shapes[-1][0])
        if heard and is_sequence(shapes[-1]) and shapes[-1][0] == 1:
            fitting = fitting | spectra(shapes[-1][2])
        single = st.one_of(fitting, *residuals(shapes, gated=enlarged), *concats(shapes)).map(
            lambda one: [one]
        )
        joined = branches(shapes, smooth=smooth) if len(layers) + BRANCH <= depth else []
        for layer in draw(st.one_of(single, *joined)):
            layers.append(layer)
            shapes.append(made_by(layers, shapes))
        several = draw(st.one_of(st.none(), *agains(layers, shapes, again, depth)))
        if several:
            again.append(several)
            for _, owner in several.uses():
                layers.append(layers[owner])
                shapes.append(made_by(layers, shapes))
    shape = shapes[-1]
    loss = draw(st.sampled_from([it for it in losses if not (smooth and has_corner(it.op, 2))]))
    layers += draw(endings(shape, loss, smooth=smooth, recurrent=recurrent))
    try:
        plain = Net(input=first, layers=tuple(layers), loss=loss, again=tuple(again))
    except Misfit:  # later steps come in: then nothing is causal
        layers = [replace(layer, causal=False) if layer.causal else layer for layer in layers]
        plain = Net(input=first, layers=tuple(layers), loss=loss, again=tuple(again))
    return Net(
        input=first,
        layers=tuple(layers),
        again=tuple(again),
        loss=loss,
        update=draw(update_rules(updates)),
        rate=draw(st.none() | thousandths(0, 0.5)),
        samples=tuple(draw(st.lists(examples(plain), max_size=samples))),
        start=draw(starts(plain)),
        seed=draw(st.integers(0, 10**9 - 1)),
        smoothing=draw(thousandths(0, 0.5)) if loss is Loss.CROSS else 0.0,
        decay=draw(decays(plain)),
    )


def made_by(layers: Sequence[Layer], shapes: Sequence[Shape]) -> Shape:
    """The shape that the last layer makes."""
    return layers[-1].output(*(shapes[value] for value in layers[-1].reads(len(layers) - 1)))


def agains(
    layers: Sequence[Layer], shapes: Sequence[Shape], done: Sequence[Again], depth: int
) -> list[SearchStrategy[Again]]:
    """Any of the last layers two or three times, where the same weights fit each time; with every
    use there are at most `depth` layers, for rounding grows with each."""
    free = len(layers) - max((one.end for one in done), default=0)
    every = (Again(len(layers) - k, k, n) for k in range(1, free + 1) for n in (2, 3))
    fitting = [one for one in every if one.end <= depth and fits_again(one, layers, shapes)]
    return [st.sampled_from(fitting)] if fitting else []


def fits_again(one: Again, layers: Sequence[Layer], shapes: Sequence[Shape]) -> bool:
    """With nothing that grows large, and nothing to normalise that is one value alone."""
    every, made = list(layers), list(shapes)
    for _, owner in one.uses():
        every.append(layers[owner])
        try:
            made.append(made_by(every, made))
        except ShapeError:
            return False
        if every[-1].parameters(made[-2]) != layers[owner].parameters(shapes[owner]):
            return False
        if prod(made[-1]) > prod(made[-2]) > MOST_ENLARGED:
            return False
    return sum(shape[0] for shape in made) <= 3 * MOST_CHANNELS


def image_shapes() -> SearchStrategy[Shape]:
    """Channels x height x width."""
    return st.tuples(st.integers(1, 2), st.integers(1, 5), st.integers(1, 5))


def layers_on(
    shape: Shape, *, width: int, smooth: bool, dropout: bool = False, enlarged: bool = True
) -> SearchStrategy[Layer]:
    """A layer that takes this shape."""
    fitting = [activations(shape, smooth=smooth), batch_norms(), dropouts(draws=dropout)]
    fitting += sample_norms(shape)
    if len(shape) == 1:
        sums = st.builds(Dense, st.integers(1, width), biases(), bits(smooth))
        return st.one_of(sums, *fitting)
    larger = [enlargements(shape, smooth=smooth)] * (enlarged and prod(shape) <= MOST_ENLARGED)
    windowed = [windows(shape, smooth=smooth), pools(shape, smooth=smooth), *larger]
    return st.one_of(*windowed, *fitting, st.just(Flatten()))


@st.composite
def enlargements(draw: DrawFn, shape: Shape, *, smooth: bool) -> Layer:
    """Each value several times, or spread over a window that leaves some of it."""
    if draw(st.booleans()):
        return Upsample(draw(st.sampled_from([(2, 2), (1, 2), (2, 1)])))
    told = draw(moves((1, 3, 3)))
    channels = draw(st.integers(1, 4))
    groups = draw(st.sampled_from(divisors(gcd(shape[0], channels))))
    told |= {"kernel": told.pop("size"), "bias": draw(biases()), "groups": groups}
    told |= {"bits": draw(bits(smooth))}
    layer = TransposedConv(channels, **told)
    try:
        layer.output(shape)
    except ShapeError:
        return replace(layer, pad=SAME)
    return layer


def recurrents() -> SearchStrategy[Layer]:
    """Any that goes over the steps of a sequence."""
    widths, returns = st.integers(1, 2), st.booleans()
    plain = st.one_of(st.builds(kind, widths, returns, biases()) for kind in (Rnn, Lstm))
    return plain | st.builds(Gru, widths, returns, st.booleans(), biases())


def attentions(features: int) -> SearchStrategy[Layer]:
    heads = st.sampled_from(divisors(features))
    every = st.builds(Attention, heads, st.booleans(), biases()) | st.just(PositionEmbedding())
    sized = st.builds(RmsNorm, st.sampled_from([0.001, 0.5]), st.booleans())
    return every | sized if features > 1 else every


def spectra(steps: int) -> SearchStrategy[Layer]:
    """Bands, or every frequency, of frames of so many steps at most."""
    frames, moves = st.integers(2, min(steps, 4)), st.integers(1, 3)
    every = st.builds(MelBands, st.just(0), frames, moves)
    bands = st.builds(MelBands, st.just(1), frames, moves, st.just(8), st.just(1), st.just(4))
    return every | bands


def residuals(shapes: Sequence[Shape], *, gated: bool = True) -> list[SearchStrategy[Layer]]:
    """What went into earlier layers, wherever that has the latest shape, or as many channels."""
    latest = len(shapes) - 1
    back = [latest - k for k, shape in enumerate(shapes[:-1]) if shape == shapes[-1]]
    gates = [latest - k for k, shape in enumerate(shapes[:-1]) if is_gate(shape, shapes[-1])]
    added = [st.builds(Residual, st.sampled_from(back))] if back else []
    return [*added, *([st.builds(Product, st.sampled_from(gates))] if gated and gates else [])]


def is_gate(one: Shape, other: Shape) -> bool:
    """Whether two values can be multiplied: of one shape, or one of them one for each channel."""
    flat = 3 in (len(one), len(other)) and min(prod(one), prod(other)) == one[0]
    return one == other or (one[0] == other[0] and flat)


def concats(shapes: Sequence[Shape]) -> list[SearchStrategy[Layer]]:
    """One or two earlier values that fit beside the latest, which may stand anywhere among them."""
    latest = len(shapes) - 1
    tails = [shape[1:] for shape in shapes]
    back = [latest - k for k, tail in enumerate(tails[:-1]) if tail == tails[-1]]
    if not back or sum(shape[0] for shape in shapes) > MOST_CHANNELS:
        return []
    several = st.lists(st.sampled_from(back), min_size=1, max_size=2)
    orders = several.flatmap(lambda numbers: st.permutations([0, *numbers]))
    return [orders.map(lambda numbers: Concat(tuple(numbers)))]


def branches(shapes: Sequence[Shape], *, smooth: bool) -> list[SearchStrategy[list[Layer]]]:
    """A layer on an earlier value, joined to the latest."""
    latest = len(shapes) - 1
    fitting = [k for k, shape in enumerate(shapes[:-1]) if shape[1:] == shapes[-1][1:]]
    if not fitting or sum(shape[0] for shape in shapes) > MOST_CHANNELS:
        return []
    return [
        branch(latest - value, shapes[value], shapes[-1], smooth=smooth) for value in fitting[-2:]
    ]


@st.composite
def branch(draw: DrawFn, back: int, given: Shape, latest: Shape, *, smooth: bool) -> list[Layer]:
    """Sums or an activation of what lies so far back, added to the latest or put beside it."""
    sums = st.builds(Dense, st.integers(1, 3), biases())
    if len(given) > 1:
        sums = st.builds(Conv, st.integers(1, 3), st.just((1, 1)), bias=biases())
    bent = activations(given, smooth=smooth)
    numbers = draw((sums | bent).filter(lambda layer: layer.output(given)[1:] == latest[1:]))
    joins: list[Layer] = [Concat((2, 0)), Concat((0, 2))]
    joins += [Residual(2)] * (numbers.output(given) == latest)
    return [GoBack(back), numbers, draw(st.sampled_from(joins))]


def activations(shape: Shape, *, smooth: bool) -> SearchStrategy[Layer]:
    flat = prod(shape) == shape[0]  # 3x1x1 counts as flat
    kinds = [kind for kind in ACTIVATIONS if flat or not Activation(kind).is_softmax]
    kinds = [kind for kind in kinds if not (smooth and has_corner(Activation(kind).word, 1))]
    own = [] if smooth else [st.builds(PRelu, st.booleans()), quantizers()]
    plain = st.sampled_from(kinds).flatmap(
        lambda kind: (
            st.builds(Activation, st.just(kind), thousandths(0, 0.5))
            if kind == "leaky relu"
            else st.just(Activation(kind))
        )
    )
    return st.one_of(plain, *own)


def quantizers() -> SearchStrategy[Layer]:
    """Of all bits, with values below 0 as well."""
    return st.builds(Quantize, st.integers(2, 8), st.booleans())


def batch_norms() -> SearchStrategy[Layer]:
    """The larger ε: a channel that hardly varies is then no cliff."""
    return st.sampled_from([BatchNorm(), BatchNorm(0.01), BatchNorm(0.5)])


def sample_norms(shape: Shape) -> list[SearchStrategy[Layer]]:
    """Where there is more than one value to normalise; with large ε as well."""
    if prod(shape) == 1:
        return []
    epsilons = st.sampled_from([0.001, 0.01, 0.5])
    groups = [k for k in divisors(shape[0]) if prod(shape) > k]
    every = [
        st.builds(GroupNorm, st.sampled_from(groups), epsilons),
        st.builds(LayerNorm, epsilons),
    ]
    every += [st.builds(PlaceNorm, epsilons)] * (len(shape) == 3 and shape[0] > 1)
    return [st.one_of(every)]


def dropouts(*, draws: bool) -> SearchStrategy[Layer]:
    return st.builds(Dropout, thousandths(0, 0.6) if draws else st.just(0.0), st.booleans())


def bits(smooth: bool = False) -> SearchStrategy[Bits]:
    """Mostly weights that are any numbers; where few bits jump, finite differences don't hold."""
    return st.just(Bits.ALL) if smooth else st.sampled_from([Bits.ALL] * 4 + list(Bits)[1:])


def biases() -> SearchStrategy[Bias]:
    return st.sampled_from(list(Bias))


PAIRS = st.integers(1, 3).map(lambda n: (n, n)) | st.tuples(st.integers(1, 3), st.integers(1, 3))


@cache
def _fitting(length: int) -> tuple[tuple[int, int, int, int], ...]:
    """Size, gap and padding before and after, of windows that have room along so many values and
    read one of them at every place."""
    every = product(range(1, 4), range(1, min(3, length) + 1), range(3), range(3))
    return tuple(
        (size, gap, before, after)
        for size, gap, before, after in every
        if max(before, after) <= (size - 1) * gap < length + before + after
    )


@st.composite
def moves(draw: DrawFn, shape: Shape) -> dict[str, Any]:
    """How a window goes: as most do, the same both ways, or in any way at all."""
    height, width = shape[1:]
    down = draw(st.sampled_from(_fitting(height)))
    across = draw(st.sampled_from(_fitting(width)))
    if draw(st.booleans()):
        even = [k for k in _fitting(min(height, width)) if k[1] == 1 and k[2] == k[3]]
        down = across = draw(st.sampled_from(even))
    (rows, tall, top, below), (columns, wide, left, right) = down, across
    pad = draw(st.just((top, left, below, right)) | st.just(SAME))
    told = {"stride": draw(PAIRS), "pad": pad, "dilation": (tall, wide)}
    return {"size": (rows, columns), **told}


@st.composite
def windows(draw: DrawFn, shape: Shape, *, smooth: bool = False) -> Layer:
    """A convolution whose window, padding counted, fits; none reads padding alone."""
    numbers = draw(moves(shape))
    channels = draw(st.integers(1, 4))
    groups = draw(st.sampled_from(divisors(gcd(shape[0], channels))))
    own = {"bias": draw(biases()), "bits": draw(bits(smooth)), "groups": groups}
    return Conv(channels, numbers.pop("size"), **numbers, **own)


def divisors(number: int) -> list[int]:
    return [k for k in range(1, number + 1) if number % k == 0]


@st.composite
def pools(draw: DrawFn, shape: Shape, *, smooth: bool) -> Layer:
    kind = "avg" if smooth else draw(st.sampled_from(["max", "avg"]))
    numbers = draw(st.none() | moves(shape))
    if numbers is None:
        return Pool(kind, None)
    numbers["stride"] = draw(st.none() | st.just(numbers["stride"]))
    ceil = numbers["pad"] != SAME and draw(st.booleans())
    return Pool(kind, **numbers, ceil=ceil, zeros=kind == "avg" and draw(st.booleans()))


def averages_with_gaps(net: Net) -> bool:
    """Whether a pool averages what doesn't lie side by side, as no other library's does."""
    pools = (layer for layer in net.layers if isinstance(layer, Pool))
    return any(pool.kind == "avg" and pool.dilation != (1, 1) for pool in pools)


def has_corner(op: str, inputs: int) -> bool:
    """Whether the op, or its slope, changes over from one formula to another somewhere."""
    if op not in OPS:  # of all values, or of none
        return False
    graph = Graph()
    card = CARDS[op]
    given = [graph.leaf(Name("x", (k,))) for k in range(inputs)]
    return _chooses(graph.make(op, *given, attributes=card.attributes))


def _chooses(node: Node) -> bool:
    expansion = node.op.expansion
    parts = [expansion(*node.inputs, *node.attributes)] if expansion else node.inputs
    return node.op.name in CHOICES or any(map(_chooses, parts))


@st.composite
def endings(
    draw: DrawFn, shape: Shape, loss: Loss, *, smooth: bool, recurrent: bool
) -> list[Layer]:
    """What brings a shape to outputs that the loss can read."""
    width, bias = draw(st.integers(1, 3)), draw(biases())
    if recurrent and len(shape) == 3 and is_sequence(shape) and draw(st.booleans()):
        layers: list[Layer] = [Conv(width, (1, 1), bias=bias, row=True)]  # at each step
    else:
        layers = [*([Flatten()] if len(shape) > 1 else []), Dense(width, bias, draw(bits(smooth)))]
    if draw(st.booleans()) and not loss.of_all:
        layers.append(draw(batch_norms()))
    endings = [kind for kind in ACTIVATIONS if kind.removeprefix("log ") == loss.ending]
    if loss.ending:
        layers.append(Activation(draw(st.sampled_from(endings))))
    else:
        layers += draw(st.lists(activations((1,), smooth=smooth), max_size=1))
    return layers


def update_rules(kinds: Sequence[str]) -> SearchStrategy[Update]:
    share = thousandths(0, 0.999)
    rules = {
        "descent": st.just(Update()),
        "momentum": st.builds(Update, st.just("momentum"), share, nesterov=st.booleans()),
        **{
            kind: st.just(Update(kind))
            | st.builds(
                Update,
                st.just(kind),
                beta1=share,
                beta2=share,
                epsilon=st.sampled_from([1e-8, 1e-3]),
            )
            for kind in ("adam", "adamw")
        },
    }
    return st.sampled_from(kinds).flatmap(rules.__getitem__)


def decays(net: Net) -> SearchStrategy[dict[Role, float]]:
    """None as a rule, or one for some kinds of parameter."""
    roles = [role for role in Role if net.count(role)]
    return st.just({}) | st.dictionaries(st.sampled_from(roles), thousandths(0, 0.2))


def steady(net: Net) -> Net:
    """With a large ε for Adam, which else makes a whole step of a gradient's rounding error."""
    update = Update(net.update.kind, **{**net.update.settings, "epsilon": 1e-3})
    return replace(net, update=update)


@st.composite
def examples(draw: DrawFn, net: Net) -> Sample:
    """One sample that fits the network and its loss."""
    inputs = draw(_tuples(thousandths(-1, 1), prod(net.input)))
    match net.loss:
        case Loss.CROSS:
            classes = net.shapes[-1][0]
            steps = [draw(shares(classes)) for _ in range(net.outputs // classes)]
            for step in range(1, len(steps)):
                if draw(st.integers(0, 4)) == 0:
                    steps[step] = (0,) * classes  # which has no target
            return Sample(inputs, tuple(share for step in steps for share in step))
        case Loss.BINARY:
            return Sample(inputs, draw(_tuples(thousandths(0, 1), net.outputs)))
        case _:
            return Sample(inputs, draw(_tuples(thousandths(-1, 1), net.outputs)))


@st.composite
def shares(draw: DrawFn, classes: int) -> tuple[float, ...]:
    """Of each class, which add up to 1."""
    counts = draw(_tuples(st.integers(0, 8), classes))
    counts = counts if sum(counts) else (1,) * classes
    return tuple(count / sum(counts) for count in counts)


@st.composite
def starts(draw: DrawFn, net: Net) -> dict[Role, tuple[float, ...]]:
    """Start values for some kinds of parameter; the others are drawn or usual."""
    reach = {Role.SCALE: thousandths(0.2, 1.5), Role.RANGE: thousandths(0.5, 4)}
    return {
        role: draw(_tuples(reach.get(role, thousandths(-1, 1)), net.count(role)))
        for role in Role
        if net.count(role) and draw(st.booleans())
    }


def _tuples(elements: SearchStrategy[float], size: int) -> SearchStrategy[tuple[float, ...]]:
    return st.lists(elements, min_size=size, max_size=size).map(tuple)
