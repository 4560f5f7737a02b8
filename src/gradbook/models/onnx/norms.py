"""Which normalisation within a sample some nodes of ONNX come to.

There are operators for it from opset 17 and 18 on. Before, and in what PyTorch's exporter writes,
groups of channels are laid out as channels of their own, normalised by InstanceNormalization, laid
out as before, multiplied and added to.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING

import numpy as np

from gradbook.graph.node import Array
from gradbook.models.imported import PLACE_BY_PLACE, NoLayer
from gradbook.models.onnx.content import OnnxGraph
from gradbook.models.onnx.settings import settings, whole_numbers
from gradbook.net.norms import GroupNorm, LayerNorm, SampleNorm
from gradbook.net.parameters import Shape

if TYPE_CHECKING:
    from onnx import NodeProto

INSTANCE = "InstanceNormalization"


@dataclass(frozen=True, eq=False)
class NormNodes:
    """A normalisation with its tensors, and the nodes that it is written with."""

    layer: SampleNorm
    tensors: Mapping[str, Array]
    nodes: Sequence[NodeProto]


def norm_from(content: OnnxGraph, node: NodeProto, size: Shape) -> NormNodes | None:
    """The normalisation that begins with a node, of values of this size, if one does."""
    match node.op_type:
        case "LayerNormalization":
            axis = settings(node)["axis"] % (len(size) + 1)
            if axis != 1 and axis == len(size):
                raise NoLayer(PLACE_BY_PLACE.format("a GroupNormalization of one group"))
            if axis != 1:
                raise NoLayer("it normalises some of a sample's values: all of them are read")
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
        raise NoLayer(f"{size[0]} channels don't fall into {groups} equal groups")
    shape = _target(content, node)
    back = (0, *size) if asked else _target(content, after)
    if shape[1:2] != (groups,) or len(shape) < 3 or not _lays_out(back, size):
        raise NoLayer("it normalises something else than groups of channels")
    scale, shift = (
        np.repeat(each, prod(size) // groups).reshape(size)
        for each in (_constant(content, inner, 1), _constant(content, inner, 2))
    )
    for word in ("Mul", "Add"):
        further = _only_reader(content, nodes[-1], word)
        number = further and _beside(content, further, size)
        if further is None or number is None:
            break
        nodes.append(further)
        if word == "Mul":
            scale, shift = scale * number, shift * number
        else:
            shift = shift + number
    return _norm(content, nodes, size, groups, scale, shift)


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
        raise NoLayer("it scales each place by a number of its own, and normalises by groups")
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
        raise NoLayer("its scale, shift or shape is reckoned or missing: only constants are read")
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


def _beside(content: OnnxGraph, node: NodeProto, size: Shape) -> Array | None:
    """A number for each value, where a node has constants beside what it reads."""
    given = [content.constants[name] for name in node.input if name in content.constants]
    if len(given) != 1:
        return None
    try:
        found = np.broadcast_to(np.asarray(given[0], np.float64), (1, *size))
    except ValueError:
        return None
    return np.asarray(found[0])


def _by_channels(content: OnnxGraph, node: NodeProto, size: Shape) -> tuple[Array, Array]:
    """A number for each channel or for each group of them, at all their places."""
    scale, shift = (_constant(content, node, place).ravel() for place in (1, 2))
    if not scale.size or scale.size != shift.size or size[0] % scale.size:
        raise NoLayer(f"it scales {size[0]} channels by {scale.size} numbers")
    each = prod(size) // scale.size
    return np.repeat(scale, each).reshape(size), np.repeat(shift, each).reshape(size)


def _affine(content: OnnxGraph, node: NodeProto, size: Shape) -> tuple[Array, Array]:
    has_shift = len(node.input) > 2 and node.input[2]
    scale = _constant(content, node, 1)
    shift = _constant(content, node, 2) if has_shift else np.zeros(1)
    return np.broadcast_to(scale, size), np.broadcast_to(shift, size)
