"""What nodes make of a few constants, and of shapes in which the number of images is left open.

An open number is worked out twice, for batches of two sizes: what comes out the same both times is
a constant, and what comes out as the sizes themselves is the number of images.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gradbook.graph.window import Shape
from gradbook.models.imported import NoLayer

if TYPE_CHECKING:
    from onnx import NodeProto

MOST_FOLDED = 64  # numbers that such a node may read, and make
FOLDED = ("Cast", "Concat", "ConstantOfShape", "Reshape", "Slice", "Transpose", "Unsqueeze")
OF_SHAPES = (
    *FOLDED,
    *("Gather", "Squeeze", "Identity", "Mul", "Add", "Sub", "Div", "Floor", "ReduceProd"),
)
BATCHES = (7919, 7907)  # both prime, so that a product with another size is neither
Constants = Mapping[str, NDArray[Any]]


def worked_out(node: NodeProto, constants: Constants) -> Constants:
    """What a node makes of constants alone, if these are few: names and arrays, or nothing."""
    from onnx.reference import ReferenceEvaluator

    given = {name: constants[name] for name in node.input if name in constants}
    sizes = [array.size for array in given.values()]
    if node.op_type == "ConstantOfShape":  # as many as they multiply to
        sizes += [prod(map(int, array.ravel())) for array in given.values()]
    missing = {name for name in node.input if name} - given.keys()
    if missing or max(sizes, default=MOST_FOLDED + 1) > MOST_FOLDED:
        return {}
    try:
        made = ReferenceEvaluator(node).run(None, given)
    except Exception:  # whatever a hostile node brings up; it is then a node like any other
        return {}
    return dict(zip(node.output, map(np.asarray, made), strict=False))


@dataclass(frozen=True, eq=False)
class OpenShape:
    """Whole numbers in which the number of images may stand, for batches of both sizes."""

    each: tuple[NDArray[Any], NDArray[Any]]

    def constant(self) -> NDArray[Any]:
        first, second = self.each
        if not np.array_equal(first, second):
            raise NoLayer("it depends on how many images there are")
        return first


def shape_of(node: NodeProto, shape: Shape) -> OpenShape:
    """What a Shape node makes of images of this shape."""
    from onnx.reference import ReferenceEvaluator

    nothing = np.zeros((), np.float32)
    made = [
        ReferenceEvaluator(node).run(
            None, {node.input[0]: np.broadcast_to(nothing, (batch, *shape))}
        )[0]
        for batch in BATCHES
    ]
    return OpenShape((np.asarray(made[0]), np.asarray(made[1])))


def reckoned(
    node: NodeProto, constants: Constants, shapes: Mapping[str, OpenShape]
) -> dict[str, OpenShape]:
    """What a node makes of such shapes, or nothing if it makes values of images."""
    if node.op_type not in OF_SHAPES or not any(name in shapes for name in node.input):
        return {}
    made = [
        worked_out(node, {**constants, **{name: one.each[k] for name, one in shapes.items()}})
        for k in (0, 1)
    ]
    return {name: OpenShape((made[0][name], made[1][name])) for name in made[0] if name in made[1]}


def layout(told: OpenShape, size: Shape) -> Shape:
    """The shape of each image that a Reshape to this makes of one of this size."""
    first, second = ([int(x) for x in numbers.ravel()] for numbers in told.each)
    if not first or len(first) != len(second):
        raise NoLayer("it is laid out as a shape that nothing says")
    rest = [a if a == b else None for a, b in zip(first[1:], second[1:], strict=True)]
    is_open = (first[0], second[0]) == BATCHES or first[0] in (0, -1) or first[0] == second[0]
    if None in rest or not is_open:
        raise NoLayer("values of several images are laid out together")
    return _filled([size[k] if x == 0 and k < len(size) else x for k, x in enumerate(rest)], size)


def _filled(wanted: Sequence[int | None], size: Shape) -> Shape:
    """With what −1 stands for."""
    known = [x for x in wanted if x is not None and x != -1]
    rest = prod(size) // max(prod(known), 1)
    return tuple(rest if x == -1 else int(x or 0) for x in wanted)
