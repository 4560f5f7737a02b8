"""Trained networks for exports, made without training, and what each says, worked out slowly.

drawn(net, seed)           values for any network, in both signs, as a training leaves them
model_of(net, classes=…)   the same as a Model for images
outputs(trained, inputs)   what the layers of a TrainedNet come to, one after the other
"""

from __future__ import annotations

from dataclasses import replace
from math import prod
from typing import Any

import numpy as np

from gradbook.data.tables import Column
from gradbook.graph.node import OPS
from gradbook.graph.reference import evaluate
from gradbook.lab.models.model import Model, trained_shapes
from gradbook.lab.models.table_columns import TableColumns
from gradbook.net import (
    Activation,
    BatchNorm,
    Concat,
    Conv,
    Dense,
    Dropout,
    Flatten,
    GroupNorm,
    Layer,
    LayerNorm,
    Net,
    Numbered,
    Pick,
    PlaceNorm,
    Pool,
    PRelu,
    Product,
    Quantize,
    Reshape,
    Residual,
    RmsNorm,
    Transpose,
    TransposedConv,
    Unembedding,
    Upsample,
)
from gradbook.net.build import inference
from gradbook.net.trained import (
    BothClasses,
    ByFeature,
    ByStep,
    Filling,
    ScaleShift,
    Scaling,
    Shares,
    TrainedLayer,
    TrainedNet,
    scale_and_shift,
    trained_net,
)

Array = np.ndarray


ROUNDED = (
    "input 1x6x7; conv 3 3x3; relu; quantize 3; conv 2 2x2; quantize 5 signed; flatten; dense 2"
)
HALFWAY = 1e-5  # of a range: what floats may be off


def drawn(net: Net, seed: int = 0) -> dict[str, Array]:
    """Weights of either sign, variances and ranges above 0, and what a formula says as that says
    it."""
    random = np.random.default_rng(seed)
    values = {
        name: random.uniform(-1 if {*"σρ"}.isdisjoint(name) else 0.3, 1, shape).astype(np.float32)
        for name, shape in trained_shapes(net).items()
    }
    given = (own for own in net.parameters if own.is_constant)
    made = {str(own.leaf): np.array(own.start, np.float32).reshape(own.shape) for own in given}
    return values | made


def trained_of(net: Net, seed: int = 0, classes: tuple[str, ...] = ()) -> TrainedNet:
    """On numbers from 0 to 255, scaled by as many means and deviations as it has channels; tokens
    are as they are."""
    random = np.random.default_rng(seed)
    scaling = Scaling(255, *random.uniform(0.1, 0.6, (2, net.input[0])))
    if net.tokens:
        scaling = Scaling(1, np.zeros(1), np.ones(1))
    return trained_net(net, drawn(net, seed), scaling, classes=classes)


def model_of(text: str, seed: int = 0, images: tuple[int, int, int] | None = None) -> Model:
    """A model of images in grey or in colours; `images` is their shape if they come in flat."""
    net = Net.parse(text)
    about = {"images": images} if images and prod(images) == prod(net.input) else {}
    channels = net.input[0] if len(net.input) == 3 else images[0] if about and images else 1
    means = np.linspace(0.2, 0.4, channels).tolist()
    names = tuple(map(str, range(max(net.outputs, 2))))
    return Model(net, drawn(net, seed), means, [0.3] * channels, names, about)


def with_ranges(values: dict[str, Array], limit: float) -> dict[str, Array]:
    """The same, but for ranges, which are all this one."""
    return {name: np.full_like(v, limit) if "ρ" in name else v for name, v in values.items()}


def by_the_graph(net: Net, values: dict[str, Array], inputs: Array) -> Array:
    """What the graph's own evaluation says, for each sample."""
    forward = inference(net)
    nodes = {str(name): node for node, name in forward.graph.names.items()}
    leaves = {nodes[name]: np.asarray(value, float) for name, value in values.items()}
    found = evaluate([forward.outputs], {forward.inputs: inputs, **leaves})[forward.outputs]
    return np.asarray(found).reshape(len(inputs), *forward.outputs.shape)


def is_rounded_alike(net: Net, values: dict[str, Array], inputs: Array) -> bool:
    """Whether a machine that counts in floats surely rounds each value as the graph does: none lies
    about halfway between two steps."""
    forward = inference(net)
    nodes = {str(name): node for node, name in forward.graph.names.items()}
    leaves = {nodes[name]: np.asarray(value, float) for name, value in values.items()}
    rounded = [node for node in forward.graph.nodes if node.op.name == "stepped"]
    given = [source for node in rounded for source in node.inputs]
    found = evaluate(given, {forward.inputs: inputs, **leaves})
    for node in rounded:
        (x, limit), highest = (found[source] for source in node.inputs), float(node.attributes[1])
        above = x / limit * highest + 0.5
        if np.any(abs(above - np.round(above)) < HALFWAY * highest):
            return False
    return True


def outputs(trained: TrainedNet, inputs: Array) -> Array:
    """Layer by layer: (samples, …) in double precision."""
    values = [np.asarray(inputs, float)]
    for own in trained.layers:
        values.append(_made(own, *(values[k] for k in own.reads)))
        assert values[-1].shape[1:] == own.output, own.name
    return values[-1]


def _made(own: TrainedLayer, x: Array, *others: Array) -> Array:  # noqa: PLR0911, PLR0912, PLR0915
    layer, tensors = own.layer, own.tensors
    match layer:
        case Dense():
            return OPS["linear"].value(tensors["weight"], x) + tensors.get("bias", 0)
        case Conv(groups=groups):
            sums = OPS["conv"].value(tensors["weight"], x, layer.window(own.input), groups)
            return sums + _across(tensors.get("bias", np.zeros(1)), x)
        case Pool(kind):
            counted = () if kind == "max" else (layer.counted_padding(own.input),)
            return OPS[f"{kind}pool"].value(x, layer.window(own.input), *counted)
        case BatchNorm(epsilon):
            scale, shift = scale_and_shift(**tensors, epsilon=epsilon)
            return x * _across(scale, x) + _across(shift, x)
        case GroupNorm(groups, epsilon):
            normal = _normal(x, groups, epsilon)
            return normal * _across(tensors["scale"], x) + _across(tensors["shift"], x)
        case LayerNorm(epsilon):
            scale, shift = (tensors[name].reshape(x.shape[1:]) for name in ("scale", "shift"))
            return _normal(x, 1, epsilon) * scale + shift
        case PlaceNorm(epsilon):
            off = x - x.mean(axis=1, keepdims=True)
            normal = off / np.sqrt(x.var(axis=1, keepdims=True) + epsilon)
            return normal * _across(tensors["scale"], x) + _across(tensors["shift"], x)
        case PRelu():
            return np.where(x > 0, x, x * _across(tensors["slope"], x))
        case Quantize():
            lowest, highest = layer.levels
            step = tensors["range"].item() / highest
            if step <= 0:
                return np.zeros_like(x)
            return step * np.clip(np.floor(x / step + 0.5), lowest, highest)
        case ScaleShift():
            return x * _across(tensors["scale"], x) + _across(tensors["shift"], x)
        case Filling():
            return np.where(np.isnan(x), tensors["filling"], x)
        case Flatten():
            return x.reshape(len(x), -1)
        case ByFeature():
            return x.swapaxes(1, 2)[:, :, None]
        case ByStep():
            return x[:, :, 0].swapaxes(1, 2)
        case Pick(numbers, along):
            axis = {"channels": 1, "rows": 2}.get(along, 3)
            blank = np.concatenate([np.zeros_like(x.take([0], axis)), x], axis)
            return blank.take(list(numbers), axis).reshape(len(x), *own.output)
        case Transpose():
            return x.swapaxes(1, 3)
        case Reshape(shape):
            return x.reshape(len(x), *shape)
        case RmsNorm(epsilon):
            normal = x / np.sqrt((x * x).mean(axis=1, keepdims=True) + epsilon)
            return normal * _across(tensors.get("scale", np.ones(1)), x)
        case Unembedding():
            return np.einsum("dv,ndot->nvot", tensors["weight"][..., 0, 0], x)
        case Layer(reads_sequences=True):
            return _by_itself(own, x)
        case Dropout() | Activation("identity"):
            return x
        case Residual():
            return x + others[0]
        case Product():
            axes = len(own.output) + 1
            return np.multiply(
                *(v.reshape(*v.shape, *(1,) * (axes - v.ndim)) for v in (x, *others))
            )
        case TransposedConv(groups=groups):
            area, window = own.output[1:], layer.spreads(own.input)
            sums = OPS["conv_back"].value(tensors["weight"], x, area, window, groups)
            return sums + _across(tensors.get("bias", np.zeros(1)), x)
        case Upsample(size):
            return x.repeat(size[0], 2).repeat(size[1], 3)
        case Concat():
            return np.concatenate([x, *others], axis=1)
        case Shares():
            return x / x.sum(axis=1, keepdims=True)
        case BothClasses():
            return np.concatenate([1 - x, x], axis=1)
        case Numbered() as numbered:
            return OPS[numbered.word].value(x, *numbered.settings.values())
        case Activation(kind, settings):
            return _activated(kind, settings.get("slope", 0), x)
    raise AssertionError(layer)


def _by_itself(own: TrainedLayer, x: Array) -> Array:
    """A layer that reads sequences, as a network of its own."""
    features, _, steps = own.input
    net = Net(input=(steps, features), layers=(own.layer,))
    values = {
        str(p.leaf): own.tensors[p.tensor].ravel()[: p.size].reshape(p.shape)
        for p in net.parameters
    }
    found = by_the_graph(net, values, x[:, :, 0].swapaxes(1, 2))
    return found.swapaxes(1, 2)[:, :, None] if len(own.output) == 3 else found


def _activated(kind: str, slope: float, x: Array) -> Any:
    if kind.endswith("softmax"):
        logs = x - np.logaddexp.reduce(x, axis=1)[:, None]
        return np.exp(logs) if kind == "softmax" else logs
    attributes = (slope,) if kind == "leaky relu" else ()
    return OPS[kind.replace(" ", "_")].value(x, *attributes)


def _normal(x: Array, groups: int, epsilon: float) -> Array:
    apart = x.reshape(len(x), groups, -1)
    off = apart - apart.mean(axis=2, keepdims=True)
    return np.asarray(off / np.sqrt(apart.var(axis=2, keepdims=True) + epsilon)).reshape(x.shape)


def _across(channels: Array, x: Array) -> Array:
    return channels.reshape(-1, *(1,) * (x.ndim - 2))


def table_model_of(target: str) -> tuple[Model, Array]:
    """A model of three columns, one of words: 'side' is a class, 'area' a number; rows for it."""
    random = np.random.default_rng(0)
    inputs = (Column("width"), Column("colour", ("blue", "green", "red")), Column("height"))
    words = ("large", "small") if target == "side" else ()
    ending = "dense 2; softmax" if words else "dense 1; loss mean squared error"
    net = Net.parse(f"input 5; dense 4; relu; {ending}")
    colours = np.eye(3)[random.integers(0, 3, 20)]
    rows = np.column_stack([random.normal(50, 10, 20), colours, random.normal(-3, 0.1, 20)])
    mean, deviation = rows.mean(axis=0), rows.std(axis=0)
    spread = (0.0, 1.0) if words else (30.0, 12.5)
    columns = TableColumns(inputs, Column(target, words), *spread)
    model = Model(net, drawn(net), mean, deviation, words, columns=columns)
    return model, rows


def holed_model_of(target: str) -> tuple[Model, Array, Array]:
    """The same of a table with missing values: rows with NaN, and those with what stands for it."""
    model, rows = table_model_of(target)
    model.columns = replace(model.columns, filling=np.array([48.5, 0, 1, 0, -3.25]))
    holes = np.random.default_rng(1).random((len(rows), 3)) < 0.3
    missing = holes[:, [0, 1, 1, 1, 2]]
    return model, np.where(missing, np.nan, rows), np.where(missing, model.columns.filling, rows)


def sequences_model_of(text: str) -> tuple[Model, Array]:
    """A model of a table of sequences, each column scaled in its own way, and rows for it."""
    net = Net.parse(text)
    random = np.random.default_rng(0)
    columns = tuple(Column(f"c{number}") for number in range(prod(net.input)))
    middle, spread = random.uniform(-3, 3, len(columns)), random.uniform(0.5, 4, len(columns))
    rows = random.normal(middle, spread, (20, len(columns)))
    words = tuple("abcdefgh"[: net.outputs])
    mean, deviation = rows.mean(axis=0), rows.std(axis=0)
    columns = TableColumns(columns, Column("kind", words))
    model = Model(net, drawn(net), mean, deviation, words, columns=columns)
    return model, rows
