"""What makers compute, for many images at once: in floats, or in whole numbers within floats."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradbook.graph.node import OPS, Array
from gradbook.graph.tensors import divisors, viewed
from gradbook.graph.window import NOWHERE
from gradbook.net import Activation
from gradbook.targets.portable.row_makers import RowMaker, Work


def maps_of(makers: Sequence[RowMaker], images: NDArray[Any]) -> list[Array]:
    """All maps, (images, rows, columns, channels) each."""
    made: list[Array] = []
    for maker in makers:
        given = [laid_out(maker, images)] if not maker.reads else [made[k] for k in maker.reads]
        value = scaled(maker, worked(maker, given))
        made.append(value if maker.activation is None else activated(maker.activation, value))
    return made


def laid_out(maker: RowMaker, images: NDArray[Any]) -> Array:
    """Images channel by channel, as the first maker reads them: row by row."""
    rows, columns, channels = maker.shape
    planes = np.asarray(images, np.float64).reshape(len(images), channels, rows, columns)
    return np.ascontiguousarray(planes.transpose(0, 2, 3, 1))


def worked(
    maker: RowMaker, given: Sequence[Array], edge: float = 0, weights: Array | None = None
) -> Array:
    """What a maker's window makes of the maps it reads, before it is scaled."""
    return _WORK[maker.work](maker, given, edge, weights)


def scaled(maker: RowMaker, sums: Array) -> Array:
    """Times the maker's scale, plus its shift: what its activation is given."""
    scale = 1 if maker.scale is None else maker.scale
    shift = 0 if maker.shift is None else maker.shift
    return np.asarray(sums * scale + shift)


def activated(layer: Activation, values: Array) -> Array:
    slope = (layer.slope,) if layer.kind == "leaky relu" else ()
    return np.asarray(OPS[layer.word].value(values, *slope))


def _sums(maker: RowMaker, given: Sequence[Array], edge: float, weights: Array | None) -> Array:
    own = maker.weights if weights is None else weights
    assert own is not None
    rows, columns = maker.window.size
    groups = given[0].shape[-1] // own.shape[-1]
    seen = _windows(maker, given[0], edge)
    if groups == 1:
        flat = seen.transpose(0, 1, 2, 4, 5, 3).reshape(*seen.shape[:3], -1)
        sums = flat @ own.reshape(len(own), -1).T
    elif own.shape[-1] == 1:  # a channel each: place by place of the window
        often = len(own) // groups
        sums = np.zeros((*seen.shape[:3], len(own)))
        for row, column in np.ndindex(rows, columns):
            read = np.repeat(seen[..., row, column], often, axis=-1)
            sums += read * own[:, row, column, 0]
    else:
        apart = seen.reshape(*seen.shape[:3], groups, -1, rows, columns)
        kernels = own.reshape(groups, -1, *own.shape[1:])
        sums = np.einsum("nyxgiab,goabi->nyxgo", apart, kernels, optimize=True)
        sums = sums.reshape(*seen.shape[:3], len(own))
    return _largest_neighbours(sums, maker.pooled, maker.shape)


def _windows(maker: RowMaker, given: Array, edge: float) -> Array:
    """(images, rows, columns, channels, rows of the window, its columns)"""
    seen = viewed(given.transpose(0, 3, 1, 2), maker.window, edge).transpose(0, 2, 3, 1, 4, 5)
    rows, columns, _ = maker.shape
    return seen[:, : rows * maker.pooled, : columns * maker.pooled]


def _largest_neighbours(sums: Array, pooled: int, shape: tuple[int, int, int]) -> Array:
    if pooled == 1:
        return sums
    rows, columns, channels = shape
    apart = sums.reshape(-1, rows, pooled, columns, pooled, channels)
    return np.asarray(apart.max(axis=(2, 4)))


def _total(maker: RowMaker, given: Sequence[Array], edge: float, weights: Array | None) -> Array:
    sums = _windows(maker, given[0], edge).sum(axis=(-2, -1))
    if not maker.goes_apart:
        return np.asarray(sums)
    area = given[0].shape[1:3]
    read, counts = (divisors(maker.window, area, sides) for sides in (NOWHERE, maker.counted))
    beyond = maker.window.area - read  # what of the sum is edge, of which as much counts
    sums = sums - edge * (beyond - (counts - read))[..., None]
    return np.asarray(sums * maker.window.area / counts[..., None])


def _largest(maker: RowMaker, given: Sequence[Array], edge: float, weights: Array | None) -> Array:
    edge = -np.inf if maker.goes_apart else edge  # which no pool without padding sees
    return np.asarray(_windows(maker, given[0], edge).max(axis=(-2, -1)))


def _both(maker: RowMaker, given: Sequence[Array], edge: float, weights: Array | None) -> Array:
    return given[0] + given[1]


def _beside(maker: RowMaker, given: Sequence[Array], edge: float, weights: Array | None) -> Array:
    return np.concatenate(given, axis=-1)


def _normed(maker: RowMaker, given: Sequence[Array], edge: float, weights: Array | None) -> Array:
    x = given[0]
    apart = x.reshape(*x.shape[:3], -1, maker.each)
    off = apart - apart.mean(axis=(1, 2, 4), keepdims=True)
    variance = apart.var(axis=(1, 2, 4), keepdims=True)
    return np.asarray((off / np.sqrt(variance + maker.epsilon)).reshape(x.shape))


def _alone(maker: RowMaker, given: Sequence[Array], edge: float, weights: Array | None) -> Array:
    x = given[0]
    variance = x.var(axis=3, keepdims=True)
    return np.asarray((x - x.mean(axis=3, keepdims=True)) / np.sqrt(variance + maker.epsilon))


def _placed(maker: RowMaker, given: Sequence[Array], edge: float, weights: Array | None) -> Array:
    own = maker.weights if weights is None else weights
    assert own is not None
    scale, shift = own
    return np.asarray((given[0] - edge) * scale + shift)


def _same(maker: RowMaker, given: Sequence[Array], edge: float, weights: Array | None) -> Array:
    return given[0]


def _flat(maker: RowMaker, given: Sequence[Array], edge: float, weights: Array | None) -> Array:
    return given[0].transpose(0, 3, 1, 2).reshape(-1, 1, 1, maker.shape[2])


_WORK: Mapping[Work, Callable[[RowMaker, Sequence[Array], float, Array | None], Array]] = {
    Work.GIVEN: _same,
    Work.SUMS: _sums,
    Work.TOTAL: _total,
    Work.LARGEST: _largest,
    Work.BOTH: _both,
    Work.SAME: _same,
    Work.FLAT: _flat,
    Work.BESIDE: _beside,
    Work.NORMED: _normed,
    Work.ALONE: _alone,
    Work.PLACED: _placed,
}
