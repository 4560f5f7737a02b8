"""Tensors of single values, for taking ops on whole ones apart."""

from __future__ import annotations

from collections.abc import Iterable
from functools import reduce
from itertools import product
from operator import add
from typing import Any

import numpy as np

from gradbook.graph.node import Node
from gradbook.graph.op import Scalars
from gradbook.net.wants import Shape


def added(terms: Iterable[Node]) -> Node:
    """x1 + x2 + …, added from the left."""
    return reduce(add, terms)


def array_of(shape: Shape, element: Any) -> Scalars:
    """The tensor of scalars whose value at each place is element(*place)."""
    made = np.empty(shape, dtype=object)
    for place in product(*map(range, shape)):
        made[place] = element(*place)
    return made
