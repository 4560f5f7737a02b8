"""Pools as Keras says them: by its own, or by other layers where those have no such window."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from gradbook.graph.node import Array
from gradbook.graph.tensors import divisors
from gradbook.graph.window import Shape, Window, same_pad
from gradbook.net.layers import Pool
from gradbook.net.trained import TrainedLayer
from gradbook.targets.keras.row import KerasLayer, KerasRow, channels_last

LOWEST = -1e30  # beside which nothing is larger in the padding of a maxpool


def pooled(row: KerasRow, own: TrainedLayer, pool: Pool, x: KerasLayer) -> KerasLayer:
    """What a pool makes of a value."""
    word, shape = {"max": "Max", "avg": "Average"}[pool.kind], channels_last(own.makes)
    if pool.size is None:
        return row.add(f"Global{word}Pooling2D", own.name, {"keepdims": True}, [x], shape)
    window = pool.window(own.given)
    if window.dilation == (1, 1) and _is_same(pool, window, own.given):
        return row.add(f"{word}Pooling2D", own.name, _settings(window, "same"), [x], shape)
    if pool.kind == "avg":
        return _averaged(row, own, pool, row.framed(own.name, x, window.pad))
    x = row.framed(own.name, x, window.pad, 0.0 if _is_positive(x) else LOWEST)
    if window.dilation == (1, 1):
        return row.add("MaxPooling2D", own.name, _settings(window), [x], shape)
    return _largest_with_gaps(row, own, window, x)


def _settings(window: Window, padding: str = "valid") -> dict[str, Any]:
    return {
        "pool_size": list(window.size),
        "strides": list(window.stride),
        "padding": padding,
    }


def _averaged(row: KerasRow, own: TrainedLayer, pool: Pool, x: KerasLayer) -> KerasLayer:
    """Of zeros too, then scaled up where some of them don't count."""
    window, shape = pool.window(own.given), channels_last(own.makes)
    if window.dilation != (1, 1):
        return _averaged_with_gaps(row, own, pool, x)
    scale = _scale(window, own, pool)
    if scale is None:
        return row.add("AveragePooling2D", own.name, _settings(window), [x], shape)
    mean = row.add("AveragePooling2D", f"{own.name}_of_all", _settings(window), [x], shape)
    return _rescaled(row, own.name, mean, scale)


def _averaged_with_gaps(row: KerasRow, own: TrainedLayer, pool: Pool, x: KerasLayer) -> KerasLayer:
    """By weights that are all the same and that no training changes, at every place; of these
    places then only those that are asked for."""
    window, channels = pool.window(own.given), own.given[0]
    every = replace(window, stride=(1, 1))
    scale, stepping = _scale(every, own, pool), window.stride != (1, 1)
    settings = {
        "kernel_size": list(window.size),
        "strides": [1, 1],
        "padding": "valid",
        "dilation_rate": list(window.dilation),
        "depth_multiplier": 1,
        "use_bias": False,
        "trainable": False,
    }
    words = [
        f"{own.name}_of_all" if scale is not None or stepping else own.name,
        f"{own.name}_every" if stepping else own.name,
    ]
    shape = (*every.places(own.given[1:]), channels)
    shares = np.full((*window.size, channels, 1), 1 / window.area)
    made = row.add("DepthwiseConv2D", words[0], settings, [x], shape, [shares])
    if scale is not None:
        made = _rescaled(row, words[1], made, scale)
    return (
        row.stepped(own.name, made, window.stride, channels_last(own.makes)) if stepping else made
    )


def _scale(window: Window, own: TrainedLayer, pool: Pool) -> Array | None:
    """How many values a window has for each that counts, if it is ever more than one."""
    counts = divisors(window, own.given[1:], pool.counted(own.given))
    return None if (counts == window.area).all() else window.area / np.maximum(counts, 1)


def _rescaled(row: KerasRow, name: str, x: KerasLayer, scale: Array) -> KerasLayer:
    told = {"scale": scale[..., None].tolist(), "offset": 0.0}
    return row.add("Rescaling", name, told, [x], x.shape)


def _largest_with_gaps(
    row: KerasRow, own: TrainedLayer, window: Window, x: KerasLayer
) -> KerasLayer:
    """Of x and x moved: by rows first, then by columns; and of these places those asked for."""
    stepping = window.stride != (1, 1)
    axes = [axis for axis in (0, 1) if window.size[axis] > 1]
    for axis in axes:
        last = axis == axes[-1] and not stepping
        name = own.name if last else f"{own.name}_{('rows', 'columns')[axis]}"
        x = _largest_along(row, name, window, axis, x)
    if stepping:
        x = row.stepped(own.name, x, window.stride, channels_last(own.makes))
    return x


def _largest_along(
    row: KerasRow, name: str, window: Window, axis: int, x: KerasLayer
) -> KerasLayer:
    count, gap = window.size[axis], window.dilation[axis]
    shape = tuple(n - (axis == k) * (count - 1) * gap for k, n in enumerate(x.shape))
    moved = []
    for number in range(count):
        cut = [[0, 0], [0, 0]]
        cut[axis] = [number * gap, (count - 1 - number) * gap]
        word = f"{name}_{number + 1}"
        moved.append(row.add("Cropping2D", word, {"cropping": cut}, [x], shape))
    return row.add("Maximum", name, {}, moved, shape)


def _is_same(pool: Pool, window: Window, given: Shape) -> bool:
    """Whether its padding is what Keras's 'same' is: none of it counts there."""
    same = same_pad(window.size, window.stride, window.dilation, given[1:])
    return any(same) and window.pad == same and not pool.zeros


def _is_positive(x: KerasLayer) -> bool:
    return x.settings.get("activation") in ("relu", "sigmoid", "softplus", "softmax")
