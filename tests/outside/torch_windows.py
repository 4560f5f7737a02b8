"""What PyTorch makes of our windows: its own padding where it has it, a frame put around elsewhere.

convolved(conv, x, weight)   with the same steps, gaps and padding
spread(layer, x, weight)     a transposed convolution
enlarged(layer, x)           each value several times
pooled(pool, x)              likewise; `same` is worked out here once more, as TensorFlow states it
"""

from __future__ import annotations

from math import ceil, inf
from typing import Any

import torch
from torch.nn import functional

from gradbook.net import Conv, Pool, TransposedConv, Upsample

Tensor = torch.Tensor


def convolved(conv: Conv, x: Tensor, weight: Tensor) -> Tensor:
    framed = _framed(x, _sides(conv.kernel, conv.stride, conv, x))
    return functional.conv2d(framed, weight, None, conv.stride, 0, conv.dilation, conv.groups)


def spread(layer: TransposedConv, x: Tensor, weight: Tensor) -> Tensor:
    """Without padding, and then cut; `same` is TensorFlow's: larger by as much as its steps."""
    whole = functional.conv_transpose2d(
        x, weight, None, layer.stride, 0, 0, layer.groups, layer.dilation
    )
    top, left, bottom, right = layer.pad if layer.pad != "same" else (0, 0, 0, 0)
    if layer.pad == "same":
        height, width = (x.shape[2 + k] * layer.stride[k] for k in range(2))
        top, left = (max(whole.shape[2 + k] - n, 0) // 2 for k, n in enumerate((height, width)))
        bottom, right = whole.shape[2] - top - height, whole.shape[3] - left - width
    return functional.pad(whole, (-left, -right, -top, -bottom))


def enlarged(layer: Upsample, x: Tensor) -> Tensor:
    return functional.interpolate(x, scale_factor=layer.size, mode="nearest")


def pooled(pool: Pool, x: Tensor) -> Tensor:
    size = pool.size or (x.shape[2], x.shape[3])
    stride = pool.stride or size
    sides = _sides(size, stride, pool, x)
    even = sides[:2] == sides[2:] and all(s <= n // 2 for s, n in zip(sides, size * 2, strict=True))
    largest = _largest(pool, x, size, stride, sides, even)
    if pool.kind == "max":
        return largest
    if even and pool.dilation == (1, 1):
        return functional.avg_pool2d(x, size, stride, sides[:2], pool.ceil, pool.zeros)
    return _average(pool, x, size, stride, sides)[..., : largest.shape[2], : largest.shape[3]]


def _largest(pool: Pool, x: Tensor, size: Any, stride: Any, sides: Any, even: bool) -> Tensor:
    if even:
        return functional.max_pool2d(x, size, stride, sides[:2], pool.dilation, pool.ceil)
    framed = _framed(x, sides, -inf)
    found = functional.max_pool2d(framed, size, stride, 0, pool.dilation, pool.ceil)
    height, width = (ceil((x.shape[2 + k] + sides[k]) / stride[k]) for k in range(2))
    return found[..., :height, :width]  # what begins in the padding after the input is dropped


def _average(pool: Pool, x: Tensor, size: Any, stride: Any, sides: Any) -> Tensor:
    """The sum of each window over how much of it counts."""
    counted = _framed(torch.ones_like(x), sides, float(pool.zeros))
    beyond = (0, 0, *(n * gap for n, gap in zip(size, pool.dilation, strict=True)))
    kernel = torch.ones((x.shape[1], 1, *size), dtype=x.dtype)

    def summed(values: Tensor) -> Tensor:
        framed = _framed(values, beyond)
        return functional.conv2d(framed, kernel, None, stride, 0, pool.dilation, x.shape[1])

    return summed(_framed(x, sides)) / summed(counted)


def _sides(size: Any, stride: Any, layer: Conv | Pool, x: Tensor) -> tuple[int, ...]:
    """Above, left, below, right."""
    if layer.pad != "same":
        return layer.pad
    missing = [
        max((ceil(n / step) - 1) * step + (k - 1) * gap + 1 - n, 0)
        for n, k, step, gap in zip(x.shape[2:], size, stride, layer.dilation, strict=True)
    ]
    return *(n // 2 for n in missing), *(n - n // 2 for n in missing)


def _framed(x: Tensor, sides: Any, value: float = 0.0) -> Tensor:
    top, left, below, right = sides
    return functional.pad(x, (left, right, top, below), value=value)
