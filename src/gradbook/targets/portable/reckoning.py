"""What makers of rows compute for many images at once: in floats, or in integers stored as floats.

A map is (images, rows, columns, channels).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradbook.graph.node import OPS, Array
from gradbook.graph.reference import evaluate
from gradbook.graph.tensors import divisors, view_windows
from gradbook.graph.window import NOWHERE
from gradbook.layers import Layer
from gradbook.lowering import function_of_x
from gradbook.targets.portable.makers import RowMaker, Work


def maps_of(makers: Sequence[RowMaker], images: NDArray[Any]) -> list[Array]:
    """Compute all maps, one after the other."""
    maps: list[Array] = []
    for maker in makers:
        inputs = [laid_out(maker, images)] if not maker.reads else [maps[k] for k in maker.reads]
        value = scale_sums(maker, window_sums(maker, inputs))
        maps.append(value if maker.activation is None else activate(maker.activation, value))
    return maps


def laid_out(maker: RowMaker, images: NDArray[Any]) -> Array:
    """Arrange the input, which comes by channel or by step, as the first maker reads it."""
    if maker.work is Work.HEARD:
        return images
    rows, columns, channels = maker.shape
    if maker.work is Work.STEPWISE:
        return np.asarray(images, np.float64).reshape(len(images), *maker.shape)
    planes = np.asarray(images, np.float64).reshape(len(images), channels, rows, columns)
    return np.ascontiguousarray(planes.transpose(0, 2, 3, 1))


def scale_sums(maker: RowMaker, sums: Array) -> Array:
    """Multiply by the maker's scale and add its shift; the result is its activation's input."""
    scale = 1 if maker.scale is None else maker.scale
    shift = 0 if maker.shift is None else maker.shift
    return np.asarray(sums * scale + shift)


def activate(layer: Layer, values: Array) -> Array:
    x, result = function_of_x(layer)
    return np.asarray(evaluate([result], {x: values})[result])


def window_sums(
    maker: RowMaker, inputs: Sequence[Array], edge: float = 0, weights: Array | None = None
) -> Array:
    """Apply a maker's window to its maps, before scaling; `edge` is the value beyond them, and
    other `weights` may replace its own."""
    x, weights = inputs[0], maker.weights if weights is None else weights
    match maker.work:
        case Work.SUMS:
            sums = _sums(maker, x, edge, weights)
        case Work.SCATTERED:
            sums = _scattered(maker, x, weights)
        case Work.TOTAL:
            sums = _total(maker, x, edge)
        case Work.LARGEST:  # a pool without padding sees no edge
            sums = _windows(maker, x, -np.inf if maker.is_irregular else edge).max(axis=(-2, -1))
        case Work.WAVES:
            frame = maker.window.size[0]
            hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(frame) / frame)
            framed = _windows(maker, x, edge)[:, :, 0, 0, :, 0] * hann
            transform = np.fft.rfft(framed, axis=-1) / np.sqrt(frame)
            sums = np.concatenate([transform.real, -transform.imag], axis=-1)[:, :, None]
        case Work.HEARD if maker.hearing is not None:
            sums = maker.hearing.sums(x)
        case Work.RULED if maker.rule is not None:
            if maker.fed is None:
                return maker.rule.evaluate(x)
            states = maker.rule.evaluate(scale_sums(maker.fed, window_sums(maker.fed, [x])))
            sums = np.concatenate([states, np.zeros_like(states)], axis=-1)
        case _:
            sums = _of_places(maker, inputs, weights)
    return np.asarray(sums)


def _of_places(maker: RowMaker, inputs: Sequence[Array], weights: Array | None) -> Array:
    """Compute works that read each place alone, or rearrange places."""
    x = inputs[0]
    match maker.work:
        case Work.BOTH:
            return x + inputs[1]
        case Work.PRODUCT:
            return x * inputs[1]
        case Work.BESIDE:
            return np.concatenate(inputs, axis=-1)
        case Work.PLACED if weights is not None:
            x = x * weights[0] + weights[1]
        case Work.REPEATED:
            rows, columns = maker.window.size
            x = x.repeat(rows, axis=1).repeat(columns, axis=2)
        case Work.FLAT:
            x = x.transpose(0, 3, 1, 2).reshape(-1, 1, 1, maker.shape[2])
        case Work.LATEST:
            x = x[:, -maker.shape[0] :, :, : maker.shape[2]]
        case Work.NORMED:
            apart = x.reshape(*x.shape[:3], -1, maker.group_channels)
            x = _centred(apart, (1, 2, 4), maker.epsilon).reshape(x.shape)
        case Work.ALONE:
            x = _centred(x, (3,), maker.epsilon)
    return x


def _sums(maker: RowMaker, values: Array, edge: float, weights: Array | None) -> Array:
    assert weights is not None
    rows, columns = maker.window.size
    groups = values.shape[-1] // weights.shape[-1]
    seen = _windows(maker, values, edge)
    if groups == 1:
        flat = seen.transpose(0, 1, 2, 4, 5, 3).reshape(*seen.shape[:3], -1)
        sums = flat @ weights.reshape(len(weights), -1).T
    elif weights.shape[-1] == 1:  # one channel each: place by place of the window
        often = len(weights) // groups
        sums = np.zeros((*seen.shape[:3], len(weights)))
        for row, column in np.ndindex(rows, columns):
            read = np.repeat(seen[..., row, column], often, axis=-1)
            sums += read * weights[:, row, column, 0]
    else:
        apart = seen.reshape(*seen.shape[:3], groups, -1, rows, columns)
        kernels = weights.reshape(groups, -1, *weights.shape[1:])
        sums = np.einsum("nyxgiab,goabi->nyxgo", apart, kernels, optimize=True)
        sums = sums.reshape(*seen.shape[:3], len(weights))
    if maker.pool == 1:
        return sums
    down, across, channels = maker.shape
    apart = sums.reshape(-1, down, maker.pool, across, maker.pool, channels)
    return np.asarray(apart.max(axis=(2, 4)))


def _windows(maker: RowMaker, values: Array, edge: float) -> Array:
    """View each window: (images, rows, columns, channels, window rows, window columns)."""
    windows = view_windows(values.transpose(0, 3, 1, 2), maker.window, edge)
    rows, columns, _ = maker.shape
    return windows.transpose(0, 2, 3, 1, 4, 5)[:, : rows * maker.pool, : columns * maker.pool]


def _centred(x: Array, axes: tuple[int, ...], epsilon: float) -> Array:
    off = x - x.mean(axis=axes, keepdims=True)
    return np.asarray(off / np.sqrt(x.var(axis=axes, keepdims=True) + epsilon))


def _total(maker: RowMaker, values: Array, edge: float) -> Array:
    sums = _windows(maker, values, edge).sum(axis=(-2, -1))
    if not maker.is_irregular:
        return np.asarray(sums)
    area = values.shape[1:3]
    read, counts = (divisors(maker.window, area, sides) for sides in (NOWHERE, maker.counted_sides))
    beyond = maker.window.area - read  # the part of the sum that is edge, and counts
    sums = sums - edge * (beyond - (counts - read))[..., None]
    return np.asarray(sums * maker.window.area / counts[..., None])


def _scattered(maker: RowMaker, values: Array, weights: Array | None) -> Array:
    """Scatter like the op, whose weights are by input channel, with channels first."""
    assert weights is not None
    groups = values.shape[-1] // weights.shape[-1]
    apart = weights.reshape(groups, -1, *weights.shape[1:]).transpose(0, 4, 1, 2, 3)
    kernels = apart.reshape(values.shape[-1], -1, *weights.shape[1:3])
    area = maker.shape[:2]
    spread = OPS["conv_back"].value(
        kernels, values.transpose(0, 3, 1, 2), area, maker.window, groups
    )
    return np.asarray(spread.transpose(0, 2, 3, 1))
