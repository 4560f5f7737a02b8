"""Channels of a map brought to like sizes, so that few levels of 8 bits serve all of them.

What one maker's channels are divided by, the next maker's weights are multiplied with: the
network computes the same. It can be done where a map is read by one sum alone, and its
activation, if any, is ReLU; not where several sums have the same weights, which are kept once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from gradbook.graph.node import Array
from gradbook.targets.portable.row_makers import RowMaker, Work

LEAST = 1e-3  # of the largest channel's size: smaller ones are left at that


def evened(makers: Sequence[RowMaker], maps: Sequence[Array], power: float) -> list[RowMaker]:
    """Each channel divided by its size to some power; 0 changes nothing, 1 makes all alike."""
    made = list(makers)
    taken = Counter(maker.weights.tobytes() for maker in makers if maker.weights is not None)
    for number, maker in enumerate(makers):
        readers = [k for k, other in enumerate(makers) if number in other.reads]
        if len(readers) != 1 or not _can(maker, makers[readers[0]]):
            continue
        weights = makers[readers[0]].weights
        if weights is not None and taken[weights.tobytes()] > 1:
            continue
        sizes = abs(maps[number]).max(axis=(0, 1, 2))
        largest = sizes.max()
        if not largest:
            continue
        by = np.maximum(sizes / largest, LEAST) ** power
        made[number] = _divided(made[number], by)
        made[readers[0]] = _multiplied(made[readers[0]], by)
    return made


def _can(maker: RowMaker, reader: RowMaker) -> bool:
    keeps = maker.activation is None or maker.activation.kind == "relu"
    return keeps and maker.work is Work.SUMS and reader.work is Work.SUMS


def _divided(maker: RowMaker, by: Array) -> RowMaker:
    scale = np.ones(len(by)) if maker.scale is None else maker.scale
    return replace(maker, scale=scale / by, shift=None if maker.shift is None else maker.shift / by)


def _multiplied(reader: RowMaker, by: Array) -> RowMaker:
    """Its weights, whose last axis is the channels of its group."""
    assert reader.weights is not None
    each = reader.weights.shape[-1]
    groups = len(by) // each
    own = np.repeat(by.reshape(groups, each), len(reader.weights) // groups, axis=0)
    return replace(reader, weights=reader.weights * own[:, None, None, :])
