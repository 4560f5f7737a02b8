"""Normalisation within a sample, as Keras says it: by groups, place by place, or of all values."""

from __future__ import annotations

import numpy as np

from gradbook.graph.node import Array
from gradbook.graph.window import Shape
from gradbook.models.imported import NoLayer
from gradbook.models.keras.content import KerasEntry
from gradbook.models.keras.held import Held, ours
from gradbook.net.norms import GroupNorm, LayerNorm, PlaceNorm, SampleNorm


def sample_norm(entry: KerasEntry, held: Held, size: Shape) -> tuple[SampleNorm, dict[str, Array]]:
    """The layer and its tensors, for values of this size."""
    layer = _layer(entry, held, size)
    given = _given(entry)
    (count,) = layer.parameters(size)[0].shape
    tensors = {"scale": np.ones(count), "shift": np.zeros(count)}
    for name, array in given.items():
        if array.size != count:
            raise NoLayer(f"it scales {count} values by {array.size} numbers")
        tensors[name] = ours(_channels_first(array), held)
    return layer, tensors


def _layer(entry: KerasEntry, held: Held, size: Shape) -> SampleNorm:
    told = entry.settings
    epsilon, axes = told["epsilon"], set(told["axis"])
    if entry.kind == "GroupNormalization":
        groups = size[0] if told["groups"] == -1 else told["groups"]
        if axes not in ({-1}, {len(size)}):
            raise NoLayer("groups are of channels, which stand last (axis -1)")
        if held.order is not None and groups > 1:
            raise NoLayer("its groups are of values with channels last: put it before Flatten")
        return GroupNorm(groups, epsilon)
    if told["rms_scaling"]:
        raise NoLayer("it leaves out the mean (rms_scaling)")
    if len(size) == 3 and axes in ({-1}, {3}) and size[0] > 1:
        return PlaceNorm(epsilon)
    whole = ({1, 2, 3}, {-1, -2, -3}, *(({1, 2},) if size[0] == 1 else ()))
    if axes not in (whole if len(size) == 3 else ({-1}, {1})):
        raise NoLayer(
            "it normalises rows or columns by themselves: channels or all values are read"
        )
    return LayerNorm(epsilon)


def _given(entry: KerasEntry) -> dict[str, Array]:
    told = entry.settings
    names = [w for w, by in (("scale", "scale"), ("shift", "center")) if told[by]]
    if len(entry.weights) != len(names):
        raise NoLayer(f"{len(entry.weights)} tensors in its place, and {len(names)} belong there")
    return dict(zip(names, entry.weights, strict=True))


def _channels_first(array: Array) -> Array:
    """In one line, channel by channel."""
    return (array.transpose(2, 0, 1) if array.ndim == 3 else array).ravel()
