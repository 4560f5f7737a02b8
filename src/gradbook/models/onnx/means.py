"""Normalisation within a sample that is written with means, differences and a root, node by node.

So it is where ONNX has no operator for it, or none that reads channels as they lie.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from gradbook.models.onnx.content import OnnxGraph
from gradbook.models.onnx.settings import settings, whole_numbers

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
