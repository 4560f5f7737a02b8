"""Which normalisation within a sample some nodes of ONNX come to.

There are operators for it from opset 17 and 18 on. Before, and in what PyTorch's exporter writes,
groups of channels are laid out as channels of their own, normalised by InstanceNormalization, laid
out as before, multiplied and added to; or means are taken off and divided by, node by node.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING

import numpy as np

from gradbook.formats.imported import NoLayer
from gradbook.formats.onnx.content import OnnxGraph
from gradbook.formats.onnx.words import settings, whole_numbers
from gradbook.graph.node import Array
from gradbook.graph.window import Shape
from gradbook.layers.norms import GroupNorm, LayerNorm, PlaceNorm, RmsNorm, SampleNorm

if TYPE_CHECKING:
    from onnx import NodeProto


@dataclass(frozen=True, eq=False)
class MeanNodes:
    """What takes the mean off and divides by the deviation, as nodes of which the last makes it."""

    nodes: Sequence[NodeProto]
    axes: frozenset[int]
    epsilon: float


def means_from(content: OnnxGraph, node: NodeProto, dimensions: int) -> MeanNodes | None:
    """Those that begin with a mean, of values with so many axes, the images' own among them."""
    axes = _axes(content, node, dimensions)
    differences = _readers(content, node)
    if axes is None or not differences:
        return None
    if any([*one.input] != [node.input[0], node.output[0]] for one in differences):
        return None
    after = [
        reader for one in differences for reader in _readers(content, one, "Div", "Pow", "Mul")
    ]
    divided = [one for one in after if one.op_type == "Div"]
    squared = [one for one in after if _is_square(content, one)]
    if not squared or len(divided) != 1 or not all(one in (*divided, *squared) for one in after):
        return None
    chain = _chain(content, squared[0], "ReduceMean", "Add", "Sqrt")
    if len(chain) < 3 or _axes(content, chain[0], dimensions) != axes:
        return None
    epsilon = _number(content, chain[1])
    if epsilon is None or divided[0].input[1] != chain[2].output[0]:
        return None
    return MeanNodes([node, *differences, squared[0], *chain, *divided], axes, epsilon)


def _axes(content: OnnxGraph, node: NodeProto, dimensions: int) -> frozenset[int] | None:
    """What a mean that keeps its axes goes over."""
    told = settings(node)
    given = content.constants.get(node.input[1]) if len(node.input) > 1 else None
    axes = told["axes"] if given is None else whole_numbers(given)
    if not axes or not told["keepdims"]:
        return None
    return frozenset(axis % dimensions for axis in axes)


def _readers(content: OnnxGraph, node: NodeProto, *words: str) -> list[NodeProto]:
    """All that read what a node makes, each once, if they are of these kinds."""
    found = list({id(one): one for one in content.readers(node.output[0])}.values())
    usual = words or ("Sub",)
    fitting = node.output[0] != content.made and all(one.op_type in usual for one in found)
    return found if fitting else []


def _is_square(content: OnnxGraph, node: NodeProto) -> bool:
    if node.op_type == "Mul":
        return len({*node.input}) == 1
    return node.op_type == "Pow" and _number(content, node) == 2


def _chain(content: OnnxGraph, node: NodeProto, *words: str) -> list[NodeProto]:
    """One after the other, each read by the next alone."""
    found: list[NodeProto] = []
    for word in words:
        readers = _readers(content, node, word)
        if len(readers) != 1:
            break
        node = readers[0]
        found.append(node)
    return found


def _number(content: OnnxGraph, node: NodeProto) -> float | None:
    """The one that a node is given beside what it reads."""
    given = [content.constants[name] for name in node.input if name in content.constants]
    alone = len(given) == 1 and given[0].size == 1
    return float(str(np.float32(given[0].item()))) if alone else None  # as it was written


INSTANCE = "InstanceNormalization"
SOME = (
    "it normalises some of a sample's values: only normalisation over all of them, or over the "
    "channels of each pixel, can be read"
)


@dataclass(frozen=True, eq=False)
class NormNodes:
    """A normalisation with its tensors, and the nodes that it is written with."""

    layer: SampleNorm | RmsNorm
    tensors: Mapping[str, Array]
    nodes: Sequence[NodeProto]


def norm_from(
    content: OnnxGraph, node: NodeProto, size: Shape, channels_last: bool = False
) -> NormNodes | None:
    """Return the normalisation of values of this size that begins with a node, if one does."""
    if channels_last and node.op_type not in ("LayerNormalization", "ReduceMean", "Mul", "Pow"):
        return None
    match node.op_type:
        case "ReduceMean" | "Mul" | "Pow":
            read = _by_means if node.op_type == "ReduceMean" else _by_size
            return read(content, node, size, channels_last)
        case "LayerNormalization":
            axis = settings(node)["axis"] % (len(size) + 1)
            if channels_last and axis == len(size):
                scale, shift = (
                    array.reshape(len(array), -1)[:, 0]
                    for array in _affine(content, node, size, channels_last)
                )
                tensors = {"scale": scale, "shift": shift}
                return NormNodes(PlaceNorm(settings(node)["epsilon"]), tensors, [node])
            if axis != 1 or channels_last:
                raise NoLayer(SOME)
            return _norm(content, [node], size, 1, *_affine(content, node, size))
        case "GroupNormalization":
            groups = settings(node)["num_groups"]
            return _norm(content, [node], size, groups, *_by_channels(content, node, size))
        case "InstanceNormalization":
            return _norm(content, [node], size, size[0], *_by_channels(content, node, size))
        case "Reshape":
            return _grouped(content, node, size)
        case _:
            return None


def _grouped(content: OnnxGraph, node: NodeProto, size: Shape) -> NormNodes | None:
    """Reshape, InstanceNormalization, Reshape, and what is done to each channel or value then."""
    inner = _only_reader(content, node, INSTANCE)
    after = inner and _only_reader(content, inner, "Reshape")
    if inner is None or after is None:
        return None
    asked = _sizes_of(content, node.input[0], after.input[1])
    nodes = [*asked, node, inner, after]
    groups = _constant(content, inner, 1).size
    if size[0] % groups:
        raise NoLayer(f"{size[0]} channels can't be divided into {groups} equal groups")
    shape = _target(content, node)
    back = (0, *size) if asked else _target(content, after)
    if shape[1:2] != (groups,) or len(shape) < 3 or not _lays_out(back, size):
        raise NoLayer("only normalisation of groups of channels can be read")
    scale, shift = (
        np.repeat(each, prod(size) // groups).reshape(size)
        for each in (_constant(content, inner, 1), _constant(content, inner, 2))
    )
    every, scale, shift = _scaled(content, nodes, scale, shift)
    return _norm(content, every, size, groups, scale, shift)


def _by_means(
    content: OnnxGraph, node: NodeProto, size: Shape, channels_last: bool
) -> NormNodes | None:
    means = means_from(content, node, len(size) + 1)
    if means is None:
        return None
    nodes, scale, shift = _scaled(
        content, means.nodes, np.ones(size), np.zeros(size), channels_last=channels_last
    )
    every, channels = frozenset(range(1, len(size) + 1)), len(size) if channels_last else 1
    if len(size) > 1 and means.axes == {channels}:
        each = [array.reshape(len(array), -1) for array in (scale, shift)]
        if any((array != array[:, :1]).any() for array in each):
            raise NoLayer("it scales each pixel by a number of its own")
        tensors = {"scale": each[0][:, 0], "shift": each[1][:, 0]}
        return NormNodes(PlaceNorm(means.epsilon), tensors, nodes)
    if means.axes != every:
        raise NoLayer(SOME)
    tensors = {"scale": scale.ravel(), "shift": shift.ravel()}
    return NormNodes(LayerNorm(means.epsilon), tensors, nodes)


def _by_size(
    content: OnnxGraph, node: NodeProto, size: Shape, channels_last: bool
) -> NormNodes | None:
    """Squares, their mean over the channels, its root, and what is divided by that."""
    if len(size) < 2 or not _is_square(content, node):
        return None
    chain = _chain(content, node, "ReduceMean", "Add", "Sqrt")
    channels = len(size) if channels_last else 1
    if len(chain) < 3 or _axes(content, chain[0], len(size) + 1) != frozenset([channels]):
        return None
    inverse = _chain(content, chain[2], "Reciprocal")
    last = _chain(content, *inverse, "Mul") if inverse else _chain(content, chain[2], "Div")
    epsilon, value = _number(content, chain[1]), node.input[0]
    if not last or epsilon is None or value not in last[0].input:
        return None
    if not inverse and last[0].input[0] != value:
        return None
    nodes, scale, shift = _scaled(
        content,
        [node, *chain, *inverse, *last],
        np.ones(size),
        np.zeros(size),
        channels_last=channels_last,
    )
    each = scale.reshape(len(scale), -1)
    if shift.any() or (each != each[:, :1]).any():
        raise NoLayer("it shifts what it normalises, or scales each place by a number of its own")
    return NormNodes(RmsNorm(epsilon), {"scale": each[:, 0]}, nodes)


def _scaled(
    content: OnnxGraph,
    nodes: Sequence[NodeProto],
    scale: Array,
    shift: Array,
    channels_last: bool = False,
) -> tuple[Sequence[NodeProto], Array, Array]:
    """With what is done to each channel or value then."""
    found = list(nodes)
    for word in ("Mul", "Add"):
        further = _only_reader(content, found[-1], word)
        number = further and _beside(content, further, scale.shape, channels_last)
        if further is None or number is None:
            break
        found.append(further)
        if word == "Mul":
            scale, shift = scale * number, shift * number
        else:
            shift = shift + number
    return found, scale, shift


def _norm(
    content: OnnxGraph,
    nodes: Sequence[NodeProto],
    size: Shape,
    groups: int,
    scale: Array,
    shift: Array,
) -> NormNodes:
    """With a scale for each channel, if that is enough."""
    normalising = next(n for n in nodes if n.op_type.endswith("Normalization"))
    epsilon = settings(normalising)["epsilon"]
    first = (slice(None), *(slice(1),) * (len(size) - 1))
    if all((array == array[first]).all() for array in (scale, shift)) and len(size) > 1:
        tensors = {"scale": scale[first].ravel(), "shift": shift[first].ravel()}
        return NormNodes(GroupNorm(groups, epsilon), tensors, nodes)
    tensors = {"scale": scale.ravel(), "shift": shift.ravel()}
    if len(size) == 1 and groups > 1:
        return NormNodes(GroupNorm(groups, epsilon), tensors, nodes)
    if groups > 1:
        raise NoLayer("it normalises groups but scales each pixel by a number of its own")
    return NormNodes(LayerNorm(epsilon), tensors, nodes)


# What nodes are given.


def _only_reader(content: OnnxGraph, node: NodeProto, word: str) -> NodeProto | None:
    """The one node of this kind that reads what another makes, if nothing else does."""
    made = node.output[0]
    readers = content.readers(made)
    alone = len(readers) == 1 and made != content.made
    return readers[0] if alone and readers[0].op_type == word else None


def _constant(content: OnnxGraph, node: NodeProto, place: int) -> Array:
    name = node.input[place] if place < len(node.input) else ""
    if name not in content.constants:
        raise NoLayer(
            "its scale, shift or shape is missing or computed: only constants can be read"
        )
    return np.asarray(content.constants[name], np.float64)


def _sizes_of(content: OnnxGraph, value: str, made: str) -> list[NodeProto]:
    """The node that asks for a value's own sizes, if that is what made this."""
    nodes = (node for node in content.nodes if node.op_type == "Shape" and not node.attribute)
    return [node for node in nodes if node.input[0] == value and node.output[0] == made]


def _target(content: OnnxGraph, node: NodeProto) -> Shape:
    return whole_numbers(_constant(content, node, 1))


def _lays_out(target: Shape, size: Shape) -> bool:
    """Whether values come to lie as they did."""
    told = target[1:]
    return len(told) == len(size) and all(a in (-1, 0, b) for a, b in zip(told, size, strict=True))


def _beside(
    content: OnnxGraph, node: NodeProto, size: Shape, channels_last: bool = False
) -> Array | None:
    """A number for each value, where a node has constants beside what it reads."""
    given = [content.constants[name] for name in node.input if name in content.constants]
    if len(given) != 1:
        return None
    theirs = (*size[1:], size[0]) if channels_last else size
    try:
        found = np.broadcast_to(np.asarray(given[0], np.float64), (1, *theirs))[0]
    except ValueError:
        return None
    return np.asarray(np.moveaxis(found, -1, 0) if channels_last else found)


def _by_channels(content: OnnxGraph, node: NodeProto, size: Shape) -> tuple[Array, Array]:
    """A number for each channel or for each group of them, at all their places."""
    scale, shift = (_constant(content, node, place).ravel() for place in (1, 2))
    if not scale.size or scale.size != shift.size or size[0] % scale.size:
        raise NoLayer(
            f"it scales {size[0]} channels by {scale.size} numbers: the counts must be equal"
        )
    each = prod(size) // scale.size
    return np.repeat(scale, each).reshape(size), np.repeat(shift, each).reshape(size)


def _affine(
    content: OnnxGraph, node: NodeProto, size: Shape, channels_last: bool = False
) -> tuple[Array, Array]:
    has_shift = len(node.input) > 2 and node.input[2]
    scale = _constant(content, node, 1)
    shift = _constant(content, node, 2) if has_shift else np.zeros(1)
    if channels_last:
        along = (-1, *(1,) * (len(size) - 1))
        scale, shift = scale.reshape(along), shift.reshape(along)
    return np.broadcast_to(scale, size), np.broadcast_to(shift, size)
