"""Where a network ends in an ONNX graph: which output is its own, and what its classes are called.

Writers put more behind a network than it is: the label of the likeliest class beside the
probabilities, a map from names to them, 1 − p beside p, shares of several sigmoids.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gradbook import limits
from gradbook.errors import DataError

if TYPE_CHECKING:
    from onnx import GraphProto, NodeProto

Constants = Mapping[str, NDArray[Any]]
FLOATS = (1, 10, 11)  # of 32, 16 and 64 bits, as ONNX numbers its types
LABELS = ("classlabels_strings", "classlabels_ints", "classlabels_int64s")
PASSING = ("Identity", "Cast")
SURE = ("SOFTMAX", "LOGISTIC")  # how a LinearClassifier makes probabilities of its sums


@dataclass(frozen=True)
class NetworkEnd:
    """The network's own last value; whether probabilities are made of it; the classes, if told."""

    made: str
    probabilities: bool = False
    both: bool = False  # 1 − p and p of one output
    classes: tuple[str, ...] = ()


def end_of(graph: GraphProto, constants: Constants) -> NetworkEnd:
    makers = {made: node for node in graph.node for made in node.output}
    values: list[str] = []
    labels: list[str] = []
    for output in graph.output:
        kind = output.type.tensor_type.elem_type
        is_map = output.type.WhichOneof("value") == "sequence_type"
        (values if is_map or kind in FLOATS else labels).append(output.name)
    if len(values) != 1:
        said = ", ".join(values or labels)
        which = "numbers" if values else "labels and no numbers"
        raise DataError(
            f"{len(values or labels)} outputs of {which} ({said}): one of numbers is read, "
            "with or without the label of a class"
        )
    classes = [_names(node, constants) for name in labels for node in _path(name, makers)]
    name = values[0]
    last = makers.get(name)
    if last is not None and last.op_type == "ZipMap":
        classes.append(_names(last, constants))
        name = last.input[0]
    found = _probabilities(name, makers, constants)
    classes += [_names(node, constants) for node in _path(found.made, makers)]
    known = next((names for names in classes if names), ())
    return NetworkEnd(found.made, found.probabilities or bool(known), found.both, known)


def _path(name: str, makers: Mapping[str, NodeProto]) -> Iterator[NodeProto]:
    """The nodes that lead to a label, the last first."""
    for _ in range(limits.SIDES.most):
        node = makers.get(name)
        if node is None:
            return
        yield node
        if node.op_type not in (*PASSING, "Reshape"):
            return
        name = node.input[0]


def _names(node: NodeProto, constants: Constants) -> tuple[str, ...]:
    """The classes that a node names: a map, a linear classifier, or what looks labels up."""
    from onnx import helper

    if node.op_type == "ArrayFeatureExtractor":
        found = constants.get(node.input[0], np.zeros(0)).ravel()[: limits.CLASSES.most]
        return tuple(_name(one) for one in found.tolist())
    told = (helper.get_attribute_value(one) for one in node.attribute if one.name in LABELS)
    return next((tuple(map(_name, names)) for names in told if names), ())


def _name(told: object) -> str:
    return told.decode("utf-8", "replace") if isinstance(told, bytes) else str(told)


def _probabilities(name: str, makers: Mapping[str, NodeProto], constants: Constants) -> NetworkEnd:
    """What is before nodes that make probabilities of classes of it."""
    last = _maker(name, makers)
    if last is None or not last.input:
        return NetworkEnd(name)
    told = {one.name: one.s or one.i for one in last.attribute}
    source = _maker(last.input[0], makers)
    if last.op_type == "Concat" and len(last.input) == 2 and source is not None:
        one = (
            constants.get(source.input[0], np.zeros(1)) if source.op_type == "Sub" else np.zeros(1)
        )
        if (one == 1).all() and source.input[1] == last.input[1]:
            return NetworkEnd(str(last.input[1]), probabilities=True, both=True)
    shares = (last.op_type, told.get("p"), told.get("axis")) == ("LpNormalization", 1, 1)
    shares = shares or (last.op_type, told.get("norm")) == ("Normalizer", b"L1")
    if shares and source is not None and _is_sure(source):
        return NetworkEnd(str(last.input[0]), probabilities=True)
    return NetworkEnd(name)


def _maker(name: str, makers: Mapping[str, NodeProto]) -> NodeProto | None:
    """The node that makes a value, those that pass it on aside."""
    node = makers.get(name)
    for _ in range(limits.SIDES.most):
        if node is None or node.op_type not in PASSING:
            return node
        node = makers.get(node.input[0])
    return node


def _is_sure(node: NodeProto) -> bool:
    """Whether it makes probabilities, of which shares are shares."""
    ends = (
        one.s.decode("utf-8", "replace") for one in node.attribute if one.name == "post_transform"
    )
    return node.op_type in ("Sigmoid", "Softmax") or next(ends, "") in SURE
