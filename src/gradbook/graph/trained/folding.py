"""Layers that become one: batch normalisation goes into the sums before it, dropout goes away.

folded(trained)      as few layers as compute the same
stripped(trained)    without what does nothing at work, each normalisation as it was trained
prepared(trained)    reads bytes, or a table's numbers as they stand there
answering(trained)   ends in probabilities, or in numbers as the table has them
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from gradbook.graph.node import Array
from gradbook.graph.trained.layers import (
    BothClasses,
    Filling,
    ScaleShift,
    Shares,
    TrainedLayer,
    TrainedNet,
)
from gradbook.net.layers import (
    Activation,
    BatchNorm,
    Conv,
    Dense,
    Dropout,
    Layer,
    Pool,
)


def scale_and_shift(
    scale: Array, shift: Array, mean: Array, variance: Array, epsilon: float
) -> tuple[Array, Array]:
    """What batch normalisation multiplies with and adds: γ/√(σ²+ε) and β − μ·γ/√(σ²+ε)."""
    factor = scale / np.sqrt(variance + epsilon)
    return factor, shift - mean * factor


def stripped(trained: TrainedNet) -> TrainedNet:
    """Without dropout and identity, which pass on what they are given."""
    place = 0
    while place < len(trained.layers):
        layer = trained.layers[place].layer
        if isinstance(layer, Dropout) or layer == Activation("identity"):
            trained = _without(trained, place)
        else:
            place += 1
    return trained


def folded(trained: TrainedNet) -> TrainedNet:
    """Each normalisation part of the weighted sums before it, or else a scale and a shift."""
    trained = stripped(trained)
    place = 0
    while place < len(trained.layers):
        own = trained.layers[place]
        if isinstance(own.layer, BatchNorm | ScaleShift):
            scale, shift = _of(own)
            source = _source(trained, place, scale)
            if source is not None:
                trained = _scaled(trained, source, scale, shift)
                trained = _without(trained, place)
                continue
            tensors = {"scale": scale, "shift": shift}  # which are those of this use alone
            alone = replace(own, layer=ScaleShift(), tensors=tensors, again="")
            trained = _with(trained, place, alone)
        place += 1
    return trained


def _of(own: TrainedLayer) -> tuple[Array, Array]:
    if isinstance(own.layer, BatchNorm):
        return scale_and_shift(**own.tensors, epsilon=own.layer.epsilon)
    return own.tensors["scale"], own.tensors["shift"]


def _source(trained: TrainedNet, place: int, scale: Array) -> int | None:
    """The place of the layer that can take in the scale and shift at `place`.

    An average pool between them changes nothing, and none of the largest values either as long
    as nothing is turned over. What somebody else reads too, such as a residual sum, must stay, and
    so must weights that are applied several times, whose normalisations differ.
    """
    (value,) = trained.layers[place].reads
    while value and len(trained.readers(value)) == 1:
        before = trained.layers[value - 1]
        match before.layer:
            case Conv() | Dense() | ScaleShift():
                return None if trained.is_shared(before) else value - 1
            case Pool(kind) if kind == "avg" or (scale >= 0).all():
                (value,) = before.reads
            case _:
                return None
    return None


def _scaled(trained: TrainedNet, place: int, scale: Array, shift: Array) -> TrainedNet:
    own = trained.layers[place]
    word = "scale" if isinstance(own.layer, ScaleShift) else "weight"
    adds = "shift" if isinstance(own.layer, ScaleShift) else "bias"
    weight, added = own.tensors[word], own.tensors.get(adds, np.zeros_like(scale))
    across = scale.reshape(-1, *(1,) * (weight.ndim - 1))
    made = own.with_tensors(**{word: weight * across, adds: added * scale + shift})
    return _with(trained, place, made)


def _with(trained: TrainedNet, place: int, own: TrainedLayer) -> TrainedNet:
    layers = (*trained.layers[:place], own, *trained.layers[place + 1 :])
    return replace(trained, layers=layers)


def _without(trained: TrainedNet, place: int) -> TrainedNet:
    """What was read of the layer is read of the one before it."""
    gone, instead = place + 1, trained.layers[place].reads[0]

    def renumbered(value: int) -> int:
        return instead if value == gone else value - (value > gone)

    layers = (
        replace(layer, reads=tuple(map(renumbered, layer.reads)))
        for other, layer in enumerate(trained.layers)
        if other != place
    )
    return replace(trained, layers=tuple(layers))


# From what people have to what they ask for.


def prepared(trained: TrainedNet, fills_in: bool = True) -> TrainedNet:
    """With a layer before all others that makes of bytes what the network was trained on; before
    that one, if it `fills_in`, what puts in missing numbers."""
    scaling, shape = trained.scaling, trained.input
    tensors = {
        name: np.broadcast_to(array, shape[:1])
        for name, array in (("scale", scaling.scale), ("shift", scaling.shift))
    }
    first = TrainedLayer(ScaleShift(), (0,), shape, shape, tensors, "preparation")
    later = (
        replace(layer, reads=tuple(value + 1 for value in layer.reads)) for layer in trained.layers
    )
    found = replace(trained, layers=(first, *later))
    if trained.filling is None or not fills_in:
        return found
    tensors = {"filling": trained.filling}
    filling = TrainedLayer(Filling(), (0,), shape, shape, tensors, "missing")
    later = (
        replace(layer, reads=tuple(value + 1 for value in layer.reads)) for layer in found.layers
    )
    return replace(found, layers=(filling, *later))


def answering(trained: TrainedNet) -> TrainedNet:
    """Ending in the probability of each class; without classes, in the table's own numbers."""
    last = trained.layers[-1]
    (outputs,) = trained.output
    if not trained.classes and trained.spread == (1.0, 0.0):
        return trained
    if not trained.classes:
        deviation, mean = (np.full(outputs, number) for number in trained.spread)
        return _ending(trained, ScaleShift(), scale=deviation, shift=mean)
    if outputs == 1:
        return _ending(trained, BothClasses())
    match last.layer:
        case Activation("softmax"):
            return trained
        case Activation("log softmax"):
            softmax = replace(last, layer=Activation("softmax"), name="probabilities")
            return _with(trained, len(trained.layers) - 1, softmax)
        case Activation("sigmoid"):
            return _ending(trained, Shares())
        case _:
            return _ending(trained, Activation("softmax"))


def _ending(trained: TrainedNet, layer: Layer, **tensors: Array) -> TrainedNet:
    given = trained.output
    made = TrainedLayer(
        layer, (len(trained.layers),), given, layer.output(given), tensors, "answer"
    )
    return replace(trained, layers=(*trained.layers, made))
