"""A trained network as layers with their tensors, for languages of layers rather than ops.

It knows the meaning of a layer's tensors and which layers can be merged. It doesn't know how any
language or file writes them, nor how they were trained.

fold_norms          with as few layers as possible: normalisations merged into the sums before them
strip_idle          without layers that have no effect in use; normalisations stay as trained
with_input_scaling  for bytes, or for a table's numbers as they are in the table
with_tokens         for the numbers of tokens, if it reads tokens
with_answers        ends in probabilities, or in numbers in the table's own units
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import prod
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from gradbook.errors import UsageError, did_you_mean
from gradbook.graph.levels import Levels, levelled, levels
from gradbook.graph.node import Array, Node, ancestors
from gradbook.graph.sequences import by_feature, by_step
from gradbook.graph.tensors import concat, spread, sum_last
from gradbook.graph.window import Shape
from gradbook.layers import Activation, Bias, Composed, Flatten, Layer
from gradbook.layers.card import AnswerKind, LayerSite, spread_over
from gradbook.layers.spectra import readings
from gradbook.net.names import statistics_names
from gradbook.net.network import Net
from gradbook.net.text import ours

# Layers that no text names, but that a network in use needs.


@dataclass(frozen=True)
class ScaleShift(Layer):
    """Each channel times a number plus another, such as a trained batch normalisation."""

    def ops(self, site: LayerSite, inputs: Sequence[Node], parameters: Sequence[Node]) -> Node:
        (x,) = inputs
        scale, shift = (p if p.shape == x.shape else spread_over(p, x.shape) for p in parameters)
        return x * scale + shift


@dataclass(frozen=True)
class ByFeature(Layer):
    """Turns steps x features into a row of steps for each feature, as layers read sequences."""

    word: ClassVar[str] = "by_feature"

    def output(self, shape: Shape, *others: Shape) -> Shape:
        steps, features = shape
        return (features, 1, steps)

    def ops(self, site: LayerSite, inputs: Sequence[Node], parameters: Sequence[Node]) -> Node:
        return by_feature(inputs[0])


@dataclass(frozen=True)
class ByStep(Layer):
    """Turns a row of steps for each feature into steps x features, as sequences are written."""

    word: ClassVar[str] = "by_step"

    def output(self, shape: Shape, *others: Shape) -> Shape:
        features, _, steps = shape
        return (steps, features)

    def ops(self, site: LayerSite, inputs: Sequence[Node], parameters: Sequence[Node]) -> Node:
        return by_step(inputs[0])


@dataclass(frozen=True)
class OneHot(Layer):
    """Puts a 1 at the place of each step's token, counted from 0, among as many 0s as there are
    other tokens."""

    tokens: int = 0
    word: ClassVar[str] = "one_hot"

    def output(self, shape: Shape, *others: Shape) -> Shape:
        return (*shape, self.tokens)


@dataclass(frozen=True)
class Shares(Layer):
    """Divides each output by the sum of all, so that sigmoids add up to 1 like probabilities."""

    def ops(self, site: LayerSite, inputs: Sequence[Node], parameters: Sequence[Node]) -> Node:
        (x,) = inputs
        return x / spread(sum_last(x, 1), x.shape)


@dataclass(frozen=True)
class BothClasses(Layer):
    """Turns one probability p into two: 1 − p of the first class, p of the second."""

    def output(self, shape: Shape, *others: Shape) -> Shape:
        return (2,)

    def ops(self, site: LayerSite, inputs: Sequence[Node], parameters: Sequence[Node]) -> Node:
        return concat([1 - inputs[0], inputs[0]])


@dataclass(frozen=True)
class Filling(Layer):
    """Replaces a missing number (NaN) by the filling of its column."""


@dataclass(frozen=True, eq=False)
class TrainedLayer:
    """A layer, the values that it reads, and its tensors in double precision.

    dense, conv  weight, and bias if it has one: a number for each output, also where one is shared
    rnn, gru, lstm, attention  the same for each gate, or part, under its name: reset_weight
    batchnorm    scale, shift, mean, variance
    groupnorm    scale, shift: a number for each channel
    layernorm    scale, shift: a number for each value
    placenorm    scale, shift: a number for each channel
    prelu        slope: a number for each channel, or one for all
    quantize     range: one for all
    ScaleShift   scale, shift: a number for each channel, or for each value
    Filling      filling: a number for each value
    """

    layer: Layer
    reads: tuple[int, ...]  # the numbers of its input values
    input: Shape  # of the latest of these
    output: Shape
    tensors: Mapping[str, Array]
    name: str = ""  # conv1, relu2
    again: str = ""  # the earlier layer with its weights, if this one is a further use
    floats: Array | None = None  # the weights before rounding to few bits
    levels: Levels | None = None  # the whole numbers of its weights, if they have few bits:
    # each output channel's weights are these times its scale, also if one was folded in

    @property
    def is_plain_sum(self) -> bool:
        """Whether each of its values is a weighted sum and nothing more."""
        return self.layer.sums and not self.layer.has_inner_values and "weight" in self.tensors

    def tensor_name(self, tensor: str) -> str:
        """The name of a tensor of this layer, or of the layer that it repeats: conv1.weight."""
        of_this_use = tensor in self.layer.statistics  # each use has its own
        return f"{self.name if of_this_use else self.again or self.name}.{tensor}"

    def with_tensors(self, **tensors: Array) -> TrainedLayer:
        return replace(self, tensors={**self.tensors, **tensors})


@dataclass(frozen=True, eq=False)
class Scaling:
    """Scales a network's input: (x / most − mean) / deviation, for each of its channels."""

    most: float
    mean: Array
    deviation: Array

    @property
    def scale(self) -> Array:
        return np.asarray(1 / (self.most * self.deviation))

    @property
    def shift(self) -> Array:
        return np.asarray(-self.mean / self.deviation)

    @property
    def noted(self) -> dict[str, Any]:
        """The scaling as files record it."""
        mean, deviation = self.mean.tolist(), self.deviation.tolist()
        return {"most": self.most, "mean": mean, "deviation": deviation}


@dataclass(frozen=True, eq=False)
class TrainedNet:
    """A complete network for use. Value 0 is its input, value k the result of `layers[k - 1]`.

    `picture` is the shape of the images that it reads as bytes; for a table's rows it is None.
    `classes` are the meanings of its outputs; a network for numbers has none, and its outputs
    are scaled by `spread`, (deviation, mean), instead. `columns` are those of a table with the
    words of each, in the order of the inputs; a column of numbers has no words.
    `targets` are the names of what is predicted: a table's class, or each number. `filling`
    contains the replacement of a missing number for each input, if the table had any missing.
    """

    net: Net
    layers: tuple[TrainedLayer, ...]
    scaling: Scaling
    picture: tuple[int, int, int] | None = None
    classes: tuple[str, ...] = ()
    spread: tuple[float, float] = (1.0, 0.0)
    columns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    targets: tuple[str, ...] = ()
    filling: Array | None = None
    labels: bool = False  # whether each target is a separate yes or no
    range: tuple[float, float] | None = None  # of pictures' numbers in training, as files take them

    @property
    def input(self) -> Shape:
        return self.layers[0].input if self.layers else self.net.input

    @property
    def tokens(self) -> int:
        """How many different tokens its first layer takes, if it takes their numbers; else 0."""
        first = self.layers[0].layer if self.layers else None
        return first.tokens if isinstance(first, OneHot) else 0

    @property
    def token_count(self) -> int:
        """How many different tokens there are, if other programs give it the numbers of tokens and
        not the named columns of a table; else 0."""
        is_table = bool(self.columns) or self.filling is not None
        return self.net.input[1] if self.net.tokens and not is_table else 0

    @property
    def number_count(self) -> int:
        """How many numbers other programs give it for a sample."""
        return self.net.input[0] if self.token_count else prod(self.net.input)

    @property
    def output(self) -> Shape:
        return self.layers[-1].output if self.layers else self.input

    def shape(self, value: int) -> Shape:
        """The shape of the value with this number."""
        return self.layers[value - 1].output if value else self.input

    @property
    def reads_bytes(self) -> bool:
        """Whether the inputs are the bytes of images, and not a table's numbers."""
        return self.scaling.most != 1

    @property
    def input_names(self) -> list[str]:
        """For a table: each column of numbers, and each word of the others as 'colour = red'."""
        return [
            f"{name} = {word}" if words else name
            for name, words in self.columns.items()
            for word in words or ("",)
        ]

    def notes(self, with_preparation: bool) -> dict[str, Any]:
        """Metadata for a file; without the scaling if the file's network does that itself."""
        notes: dict[str, Any] = {"classes": list(self.classes)}
        if self.columns:
            notes["columns"] = self.input_names
            notes["inputs"] = [[name, list(words)] for name, words in self.columns.items()]
        if self.filling is not None:
            notes["missing"] = self.filling.tolist()
        if self.targets:
            notes["targets"] = list(self.targets)
        if self.labels:
            notes["labels"] = True
        if self.spread != (1.0, 0.0) and not with_preparation:
            notes["spread"] = list(self.spread)
        return notes if with_preparation else notes | {"preparation": self.scaling.noted}

    def is_shared(self, layer: TrainedLayer) -> bool:
        """Whether other layers use the same weights."""
        return bool(layer.again) or any(other.again == layer.name for other in self.layers)

    def readers(self, value: int) -> list[int]:
        """The places of the layers that read a value."""
        return [place for place, layer in enumerate(self.layers) if value in layer.reads]

    def tensors(self) -> dict[str, Array]:
        """All tensors by layer and name: conv1.weight."""
        return {
            layer.tensor_name(name): array
            for layer in self.layers
            for name, array in layer.tensors.items()
        }


def trained_net(
    net: Net,
    values: Mapping[str, NDArray[Any]],
    scaling: Scaling,
    picture: tuple[int, int, int] | None = None,
    classes: tuple[str, ...] = (),
    spread: tuple[float, float] = (1.0, 0.0),
    targets: tuple[str, ...] = (),
) -> TrainedNet:
    """The network with its trained values, which are keyed by the names of the graph's leaves."""
    pairs = list(_layers(net, values))
    layers = _named(tuple(layer for _, layer in pairs))
    layers = _shared(net, [index for index, _ in pairs], layers)
    return TrainedNet(net, layers, scaling, picture, classes, spread, {}, targets)


def _layers(
    net: Net, values: Mapping[str, NDArray[Any]]
) -> Iterator[tuple[int | None, TrainedLayer]]:
    """The layers of the text, each with its place there; a flatten is added before a softmax of
    10x1x1 values, a branch reads the value that it goes back to, and a composed layer is replaced
    by its parts. Sequences are read and written step by step."""
    became = [0]  # for each value of the network, its number here
    latest = 0
    if net.laid_out:
        yield None, TrainedLayer(ByFeature(), (0,), net.input, net.shapes[0], {})
        became, latest = [1], 1
    for index, layer in enumerate(net.layers):
        reads = tuple(became[value] for value in layer.reads(index))
        if layer.begins_branch:
            became += reads
            continue
        input, output = net.shapes[index], net.shapes[index + 1]
        if layer.is_softmax and input != output:
            yield None, TrainedLayer(Flatten(), reads, input, output, {})
            latest += 1
            reads, input = (latest,), output
        trained = TrainedLayer(layer, reads, input, output, _tensors(net, values, index))
        if layer.bits:  # its sums read other weights
            weight, groups = trained.tensors["weight"], layer.level_groups
            numbers, _ = levels(weight, layer.bits, groups)
            trained = trained.with_tensors(weight=levelled(weight, layer.bits, groups))
            trained = replace(trained, floats=weight, levels=numbers)
        for part in _apart(trained, latest + 1):
            yield index, part
            latest += 1
        became.append(latest)
    if len(output := net.shapes[-1]) > 1:
        yield None, TrainedLayer(ByStep(), (became[-1],), output, ByStep().output(output), {})


def _apart(trained: TrainedLayer, first: int) -> Iterator[TrainedLayer]:
    """The layer itself, or its parts; the first one makes the value with this number."""
    if not isinstance(trained.layer, Composed):
        yield trained
        return
    shapes, reads = trained.layer.shapes(trained.input), trained.reads
    for k, (name, layer) in enumerate(trained.layer.parts.items()):
        of = f"{name}_"
        tensors = {t.removeprefix(of): x for t, x in trained.tensors.items() if t.startswith(of)}
        reads = (reads[0] if k == 0 else first + k - 1,) * len(readings(layer))
        yield TrainedLayer(layer, reads, shapes[k], shapes[k + 1], tensors)


def _named(layers: tuple[TrainedLayer, ...]) -> tuple[TrainedLayer, ...]:
    """The layers, each named by its word and its number among those of that word."""
    counts = Counter[str]()
    named = []
    for layer in layers:
        word = layer.layer.word
        counts[word] += 1
        named.append(replace(layer, name=f"{word}{counts[word]}"))
    return tuple(named)


def _shared(
    net: Net, places: Sequence[int | None], layers: tuple[TrainedLayer, ...]
) -> tuple[TrainedLayer, ...]:
    """The layers, with each repeated one given the name of the layer that it repeats; `places`
    are their places in the text."""
    names: dict[int, list[str]] = {}
    for index, layer in zip(places, layers, strict=True):
        if index is not None and layer.tensors:
            names.setdefault(index, []).append(layer.name)
    first = {index: net.owners[index] for index in names}
    again = {
        name: owner
        for index, layer in names.items()
        if first[index] != index
        for name, owner in zip(layer, names[first[index]], strict=True)
    }
    return tuple(replace(layer, again=again.get(layer.name, "")) for layer in layers)


# Tensors.


def _tensors(net: Net, values: Mapping[str, NDArray[Any]], index: int) -> dict[str, Array]:
    layer = net.layers[index]
    tensors = {p.tensor: np.asarray(values[str(p.leaf)], np.float64) for p in net.taken(index)}
    if layer.bias is not Bias.NONE:
        for name in [name for name in tensors if name.endswith("bias")]:
            sums = tensors[name.removesuffix("bias") + "weight"].shape[:1]
            shape = sums if layer.sums else net.shapes[index + 1][:1]
            tensors[name] = np.array(np.broadcast_to(tensors[name], shape))
    if layer.statistics:
        names = zip(layer.statistics, statistics_names(net, index), strict=True)
        tensors |= {word: np.asarray(values[name], np.float64) for word, name in names}
    return tensors


# Fewer layers ------------------------------------------------------------------


def scale_and_shift(
    scale: Array, shift: Array, mean: Array, variance: Array, epsilon: float
) -> tuple[Array, Array]:
    """The factor and the term of batch normalisation: γ/√(σ²+ε) and β − μ·γ/√(σ²+ε)."""
    factor = scale / np.sqrt(variance + epsilon)
    return factor, shift - mean * factor


def strip_idle(trained: TrainedNet) -> TrainedNet:
    """The network without dropout and identity, which only pass values on."""
    place = 0
    while place < len(trained.layers):
        if trained.layers[place].layer.idle:
            trained = _without(trained, place)
        else:
            place += 1
    return trained


def fold_norms(trained: TrainedNet) -> TrainedNet:
    """Merge each normalisation into the weighted sums before it, or make a ScaleShift of it."""
    trained = strip_idle(trained)
    place = 0
    while place < len(trained.layers):
        layer = trained.layers[place]
        if layer.layer.statistics or isinstance(layer.layer, ScaleShift):
            if layer.layer.statistics:
                scale, shift = scale_and_shift(**layer.tensors, epsilon=layer.layer.epsilon)
            else:
                scale, shift = layer.tensors["scale"], layer.tensors["shift"]
            source = _source(trained, place, scale)
            if source is not None:
                trained = _scaled(trained, source, scale, shift)
                trained = _without(trained, place)
                continue
            tensors = {"scale": scale, "shift": shift}  # they belong to this use alone
            alone = replace(layer, layer=ScaleShift(), tensors=tensors, again="")
            trained = _with(trained, place, alone)
        place += 1
    return trained


def _source(trained: TrainedNet, place: int, scale: Array) -> int | None:
    """The place of the layer that can absorb the scale and shift at `place`.

    An average pool between them doesn't matter, nor does a maximum pool as long as no sign
    changes. A value that other layers read too, such as a residual sum, must stay, and so must
    weights that are used several times, since their normalisations differ.
    """
    (value,) = trained.layers[place].reads
    while value and len(trained.readers(value)) == 1:
        before = trained.layers[value - 1]
        if before.is_plain_sum or isinstance(before.layer, ScaleShift):
            return None if trained.is_shared(before) else value - 1
        if not before.layer.allows_scale(scale):
            return None
        (value,) = before.reads
    return None


def _scaled(trained: TrainedNet, place: int, scale: Array, shift: Array) -> TrainedNet:
    layer = trained.layers[place]
    word = "scale" if isinstance(layer.layer, ScaleShift) else "weight"
    adds = "shift" if isinstance(layer.layer, ScaleShift) else "bias"
    weight, added = layer.tensors[word], layer.tensors.get(adds, np.zeros_like(scale))
    across = scale.reshape(-1, *(1,) * (weight.ndim - 1))
    along = (-1, *(1,) * (added.ndim - 1))  # a shift may differ from place to place
    moved = added * scale.reshape(along) + shift.reshape(along)
    scaled = layer.with_tensors(**{word: weight * across, adds: moved})
    return _with(trained, place, scaled)


def _with(trained: TrainedNet, place: int, layer: TrainedLayer) -> TrainedNet:
    layers = (*trained.layers[:place], layer, *trained.layers[place + 1 :])
    return replace(trained, layers=layers)


def _without(trained: TrainedNet, place: int) -> TrainedNet:
    """Remove a layer: those that read it now read the one before it."""
    gone, instead = place + 1, trained.layers[place].reads[0]

    def renumber(value: int) -> int:
        return instead if value == gone else value - (value > gone)

    layers = (
        replace(layer, reads=tuple(map(renumber, layer.reads)))
        for other, layer in enumerate(trained.layers)
        if other != place
    )
    return replace(trained, layers=tuple(layers))


# From the user's data to the answers.


def with_input_scaling(trained: TrainedNet, fills_in: bool = True) -> TrainedNet:
    """Add a first layer that scales bytes as in training and, if it `fills_in`, a layer before it
    that replaces missing numbers. What `with_tokens` made is complete."""
    if trained.tokens:
        return trained
    shape, factors = trained.input, {"scale": trained.scaling.scale, "shift": trained.scaling.shift}
    tensors = {name: spread_over_values(array, shape) for name, array in factors.items()}
    scaled = _before(trained, ScaleShift(), "preparation", tensors)
    if trained.filling is None or not fills_in:
        return scaled
    return _before(scaled, Filling(), "missing", {"filling": trained.filling.reshape(shape)})


def with_tokens(trained: TrainedNet) -> TrainedNet:
    """Add a first layer that takes the numbers of tokens, with all scaling after it, if these are
    what is given."""
    tokens, scaling = trained.token_count, trained.scaling
    if not tokens or trained.tokens:
        return trained
    if scaling.mean.any() or (scaling.deviation != 1).any() or scaling.most != 1:
        trained = with_input_scaling(trained)
    unscaled = replace(trained, scaling=Scaling(1, np.zeros(1), np.ones(1)), range=None)
    return _before(unscaled, OneHot(tokens), "one_hot", {}, trained.net.input[:1])


def _before(
    trained: TrainedNet,
    layer: Layer,
    name: str,
    tensors: Mapping[str, Array],
    shape: Shape | None = None,
) -> TrainedNet:
    """Add a layer before all others."""
    output = trained.input
    first = TrainedLayer(layer, (0,), shape or output, output, tensors, name)
    moved = (replace(old, reads=tuple(value + 1 for value in old.reads)) for old in trained.layers)
    return replace(trained, layers=(first, *moved))


def spread_over_values(array: Array, shape: Shape) -> Array:
    """One number per channel; per value, if a table's columns are steps x features."""
    if array.size == prod(shape):
        return array.reshape(shape)
    return np.broadcast_to(array, shape[:1])


def with_answers(trained: TrainedNet) -> TrainedNet:
    """End in the probability of each class or, without classes, in the table's own numbers."""
    if len(trained.output) > 1:  # an answer at each step needs no change
        return trained
    last = trained.layers[-1]
    (outputs,) = trained.output
    if not trained.classes and trained.spread == (1.0, 0.0):
        return trained
    if not trained.classes:
        deviation, mean = (np.full(outputs, number) for number in trained.spread)
        return _ending(trained, ScaleShift(), scale=deviation, shift=mean)
    if outputs == 1:
        return _ending(trained, BothClasses())
    match last.layer.answer_kind:
        case AnswerKind.SHARES:
            return trained
        case AnswerKind.LOGARITHMS:
            softmax = replace(last, layer=Activation("softmax"), name="probabilities")
            return _with(trained, len(trained.layers) - 1, softmax)
        case AnswerKind.CHANCES:
            return _ending(trained, Shares())
        case _:
            return _ending(trained, Activation("softmax"))


def _ending(trained: TrainedNet, layer: Layer, **tensors: Array) -> TrainedNet:
    shape = trained.output
    ending = TrainedLayer(
        layer, (len(trained.layers),), shape, layer.output(shape), tensors, "answer"
    )
    return replace(trained, layers=(*trained.layers, ending))


def require_layers(net: Net, names: Sequence[str]) -> frozenset[int]:
    """The places of the layers with these names, as exports have them: conv1, bn1."""
    parameters = {str(parameter.leaf): parameter.layer for parameter in net.parameters}
    known = {
        name.rpartition(".")[0]: parameters[leaf]
        for name, leaf in leaves_of_tensors(net).items()
        if leaf in parameters
    }
    places = set[int]()
    for name in names:
        word = name.rstrip("0123456789")
        full_name = name if name in known else ours(word) + name[len(word) :]
        if full_name not in known:
            hint = did_you_mean(full_name, known) or f": there are {', '.join(known)}"
            raise UsageError(f"no layer '{name}' with weights{hint}")
        places.add(known[full_name])
    return frozenset(places)


def leaves_of_tensors(net: Net) -> dict[str, str]:
    """The leaf of the graph that each tensor is: dense1.weight is w_layer_0. One that is made from
    several, or repeated for several sums, is left out."""
    from gradbook.net.build import inference

    nodes = ancestors([inference(net).outputs])
    leaves = [node for node in nodes if node.op.name == "leaf" and not node.each]
    values = {str(leaf.name): np.full(leaf.shape, k) for k, leaf in enumerate(leaves, 1)}
    tensors = trained_net(net, values, Scaling(1, np.zeros(1), np.ones(1))).tensors()
    return {
        name: leaf
        for name, tensor in tensors.items()
        for leaf, array in values.items()
        if np.array_equal(tensor, array)
    }
