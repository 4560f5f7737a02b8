"""What an op is: its value, its shape, its derivative and how it is said with simpler ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gradbook.net.wants import Shape

if TYPE_CHECKING:
    from gradbook.graph.node import Node

Array = NDArray[np.float64]
Scalars = NDArray[Any]  # of nodes: the elements of a small tensor
Attribute = float | int | str | tuple[int, ...]


def same_shape(*shapes: Any) -> Shape:
    """The shape of an op that works element by element: a single value goes with any shape."""
    wide = {shape for shape in shapes if isinstance(shape, tuple) and shape}
    assert len(wide) <= 1, f"shapes {wide} side by side"
    return next(iter(wide), ())


def _no_derivative(d: Node, y: Node, *inputs: Node) -> Sequence[Node | None]:
    assert not inputs, f"{y.op.name} has no derivative: it is part of one"
    return ()


@dataclass(frozen=True, eq=False)
class Op:
    """One op. Arrays of a value per sample have the samples as their first axis.

    `value(*arrays, *attributes)` is what it means. `derivative(d, y, *inputs)` gives, from
    d = ∂E/∂y, what each input gets (None: nothing); it may use the result y itself.
    `expansion(*inputs, *attributes)` says it with simpler ops, for targets without a word for it.
    `elements(*arrays of scalar nodes, *attributes)` takes a tensor op apart; an op without it
    works element by element.
    """

    name: str
    value: Callable[..., Array]
    derivative: Callable[..., Sequence[Node | None]] = _no_derivative
    shape: Callable[..., Shape] = same_shape
    expansion: Callable[..., Node] | None = None
    elements: Callable[..., Scalars] | None = None


OPS: dict[str, Op] = {}


def define(name: str, value: Callable[..., Any], **parts: Callable[..., Any]) -> None:
    assert name not in OPS, f"op {name} defined twice"
    OPS[name] = Op(name, value, **parts)
