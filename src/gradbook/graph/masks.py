"""What dropout's masks hold at a step: drawn by counting, so the same wherever they are drawn."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np
from numpy.typing import ArrayLike

from gradbook.chance import Purpose, Words, kept, key
from gradbook.graph.node import Node
from gradbook.graph.op import Array
from gradbook.graph.step import Mask


def drawn(masks: Sequence[Mask], seed: int, epoch: int, images: ArrayLike) -> dict[Node, Array]:
    """Each mask's values for these images, which are known by their numbers in the data set.

    The key is (seed, dropout, epoch, image, layer); a channel's, or an element's, own piece is
    the one of its place, counted channel by channel and row by row.
    """
    return {mask.leaf: _values(mask, key(seed, Purpose.DROPOUT, epoch, images)) for mask in masks}


def _values(mask: Mask, image_keys: Words) -> Array:
    shape = mask.leaf.shape
    keys = key(mask.layer, start=image_keys)
    left = kept(keys, prod(shape), mask.rate)
    return np.where(left, mask.scale, 0.0).reshape(*keys.shape, *shape)
