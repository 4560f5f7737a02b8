"""Recognises attention that other programs write step by step: scores, shares and mixed values.

Queries, keys and values are sums of the same sequence; heads are side by side in any order. The
result is an attention layer whose output weights are the identity until the next sum replaces
them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import isclose, prod, sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradbook.formats.imported import ImportedLayer, NoLayer
from gradbook.formats.layouts import Live, Order
from gradbook.graph.node import Array
from gradbook.graph.window import Shape
from gradbook.layers.sequences import Attention

MASKED = -1e4  # a score below it gives no share
MOST_STEPS = 2**12  # every step is scored against every other
OTHER_MASK = "its mask isn't the causal one, which hides later steps"
TO_ITSELF = "only attention of a sequence to itself can be read"
NOT_OF_SUMS = "its queries, keys and values must be sums of one sequence"


@dataclass(frozen=True, eq=False)
class Heads:
    """A value's channels, head by head; `lead` gives the sample and head of each row."""

    number: int
    channels: Order  # (heads, features of a head)
    lead: Order  # sample * heads + head
    steps: int

    @property
    def count(self) -> int:
        return len(self.channels)


def heads_of(value: Live, turned: bool = False) -> Heads:
    """Read (…, steps, features of a head), after samples and heads; or turned, with steps last."""
    order, size, samples = value.order, value.size, value.samples
    order = order.swapaxes(-1, -2) if turned and order.ndim > 1 else order
    if len(size) != 3 or order.ndim < 3 or order.shape[-2] != prod(size[1:]):
        raise NoLayer(NOT_OF_SUMS)
    steps, per_sample = order.shape[-2], prod(size)
    rows = order.reshape(-1, steps, order.shape[-1])
    first = rows[:, 0]
    sample, channels = first[:, 0] // per_sample, first % per_sample // steps
    if len(rows) % samples or (rows != first[:, None] + np.arange(steps)[:, None]).any():
        raise NoLayer(NOT_OF_SUMS)
    rank = np.zeros(len(rows), np.intp)
    for number in range(samples):
        is_here = sample == number
        rank[is_here] = np.arange(is_here.sum())
    heads = len(rows) // samples
    table = channels[sample == 0]
    if len(table) != heads or (channels != table[rank]).any() or (first % steps).any():
        raise NoLayer(NOT_OF_SUMS)
    lead = (sample * heads + rank).reshape(order.shape[:-2])
    return Heads(value.number, table, lead, steps)


@dataclass(frozen=True, eq=False)
class Scores:
    """How well queries match keys: scores, or shares once a softmax was taken."""

    queries: Heads
    keys: Heads
    factor: float = 1.0
    causal: bool = False
    shares: bool = False

    @property
    def shape(self) -> Shape:
        """Samples and heads, then query steps and key steps."""
        return (*self.queries.lead.shape, self.queries.steps, self.keys.steps)

    def times(self, factor: float) -> Scores:
        if self.shares or self.causal:
            raise NoLayer("only scores can be scaled, before they are masked")
        return replace(self, factor=self.factor * factor)

    def seen(self, allowed: NDArray[Any]) -> Scores:
        """Mask the steps that aren't allowed."""
        try:
            mask = np.broadcast_to(allowed.astype(bool), self.shape)
        except ValueError:
            raise NoLayer(OTHER_MASK) from None
        if mask.all():
            return self
        if not (mask == np.tril(np.ones(self.shape[-2:], bool))).all():
            raise NoLayer(OTHER_MASK)
        return replace(self, causal=True)

    def plus(self, mask: Array) -> Scores:
        """Add a mask: 0, or a number so low that no share is left."""
        low = mask < MASKED
        if mask[~low].any():
            raise NoLayer(OTHER_MASK)
        return self.seen(~low)

    def softmax(self, axis: int) -> Scores:
        if axis % len(self.shape) != len(self.shape) - 1:
            raise NoLayer("the softmax of attention must be over its last axis")
        return replace(self, shares=True)

    def laid_out(self, shape: Shape) -> Scores:
        """Reshape samples and heads into one axis, or into two."""
        if shape[-2:] != self.shape[-2:]:
            raise NoLayer("it reshapes attention scores so that steps are mixed")

        def anew(heads: Heads) -> Heads:
            return replace(heads, lead=heads.lead.reshape(shape[:-2]))

        return replace(self, queries=anew(self.queries), keys=anew(self.keys))


def scores_of(queries: Heads, keys: Heads) -> Scores:
    if not np.array_equal(queries.lead, keys.lead) or queries.steps != keys.steps:
        raise NoLayer(TO_ITSELF)
    if queries.steps > MOST_STEPS:
        raise NoLayer(f"it attends to {queries.steps:,} steps: at most {MOST_STEPS:,} can be read")
    return Scores(queries, keys)


@dataclass(frozen=True, eq=False)
class Projection:
    """Weighted sums of a value at each step: (sums, features), optionally with a bias."""

    source: int
    weight: Array
    bias: Array | None
    stored: tuple[str, ...]
    factor: float = 1.0  # a common factor of all sums


def attention_of(
    scores: Scores, values: Heads, sums: tuple[Projection, Projection, Projection], features: int
) -> tuple[Attention, dict[str, Array]]:
    """Return the layer and its tensors; its output is the mixed values, head by head."""
    if not scores.shares or not np.array_equal(scores.queries.lead, values.lead):
        raise NoLayer("only values weighted by attention shares can be multiplied")
    heads, width = values.channels.shape
    alike = {part.channels.shape for part in (scores.queries, scores.keys, values)}
    if len(alike) > 1 or heads * width != features:
        raise NoLayer(f"its {heads} heads of {width} must share the {features} features")
    layer = Attention(heads, scores.causal)
    tensors: dict[str, Array] = {}
    has_bias = any(projection.bias is not None for projection in sums)
    queries, keys, mixed = sums
    factors = (scores.factor * queries.factor * keys.factor * sqrt(width), 1.0, mixed.factor)
    parts = (scores.queries, scores.keys, values)
    for word, part, projection, by in zip(layer.parts, parts, sums, factors, strict=False):
        chosen = part.channels.ravel()
        bias = np.zeros(len(projection.weight)) if projection.bias is None else projection.bias
        arrays = {"weight": projection.weight[chosen], "bias": bias[chosen]}
        if not isclose(by, 1, rel_tol=1e-5):
            arrays = {name: array * by for name, array in arrays.items()}
        tensors[f"{word}_weight"] = np.ascontiguousarray(arrays["weight"])[..., None, None]
        if has_bias:
            tensors[f"{word}_bias"] = arrays["bias"]
    return layer, with_output(layer, tensors, np.eye(features), None)


def with_output(
    layer: Attention, tensors: Mapping[str, Array], weight: Array, bias: Array | None
) -> dict[str, Array]:
    """Add the output sums; if one part has a bias, every part gets one."""
    out = layer.parts[-1]
    weighed = {**tensors, f"{out}_weight": np.ascontiguousarray(weight)[..., None, None]}
    if bias is not None or any(name.endswith("bias") for name in tensors):
        for part in layer.parts:
            weighed.setdefault(f"{part}_bias", np.zeros(len(weight)))
    if bias is not None:
        weighed[f"{out}_bias"] = bias
    order = [f"{part}_{role}" for part in layer.parts for role in ("weight", "bias")]
    return {name: weighed[name] for name in order if name in weighed}


def is_unweighed(imported: ImportedLayer) -> bool:
    """Whether it is attention whose output weights are still the identity."""
    if not isinstance(imported.layer, Attention):
        return False
    out = imported.tensors[f"{imported.layer.parts[-1]}_weight"][..., 0, 0]
    return np.array_equal(out, np.eye(len(out)))


def mixed_order(values: Heads) -> Order:
    """The place of each mixed value: (…, steps, features of a head)."""
    heads, width = values.channels.shape
    first = values.lead // heads * heads * width + values.lead % heads * width
    features = first[..., None] + np.arange(width)
    return np.asarray(features[..., None, :] * values.steps + np.arange(values.steps)[:, None])
