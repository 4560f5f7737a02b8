"""What is known of one of Keras's values while layers are read: where it lies among ours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gradbook.graph.node import Array
from gradbook.models.windows import Padding


@dataclass(frozen=True, eq=False)
class Held:
    """One of Keras's values: which of ours it is, and how its places differ from ours."""

    number: int
    order: NDArray[np.intp] | None = None  # of a flat one: where in ours each of its values stands
    turned: bool = False  # it has its channels first already
    frame: Padding | None = None  # zeros around it, which a window takes in


def ours(given: Array, held: Held) -> Array:
    """A number for each channel, in our order."""
    if held.order is None or given.size != held.order.size:
        return given
    found = np.empty_like(given)
    found[held.order] = given
    return found


def order_beside(several: Sequence[Held], sizes: Sequence[int]) -> NDArray[np.intp] | None:
    """The order of values that stand side by side, so many of each."""
    if all(held.order is None for held in several):
        return None
    orders, first = [], 0
    for held, size in zip(several, sizes, strict=True):
        orders.append(first + (np.arange(size) if held.order is None else held.order))
        first += size
    return np.concatenate(orders)
