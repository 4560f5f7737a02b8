"""Rules of recurrent layers in integers: values for the next step have 16 bits, sums 32.

Sums have weights of 8 bits and inputs of 8 bits: the levels of the row, and the upper bytes of the
previous step's result. A rule's result is stored as its upper bytes, which others read, followed by
its lower bytes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from math import ceil, log2

import numpy as np

from gradbook.graph.node import Array, Node
from gradbook.targets.portable.makers import RowMaker, Work
from gradbook.targets.portable.rules import Rule, source_of
from gradbook.targets.portable.whole_ops import (
    SAYS,
    UNIT_BITS,
    Whole,
    factors_of,
    reckon,
    rounded,
    scaled,
)

LEVEL_BITS = 8  # per byte
MOST_KEPT = 127 * 256 + 127  # 16 bits, so that each byte has its own sign
MOST_BIAS, SMALLEST, HIGHEST = 2.0**29, 1e-12, 127


# Makers with such rules.


def with_rules_inside(makers: Sequence[RowMaker]) -> list[RowMaker]:
    """Make the sums that a recurrent rule reads part of it, so that they aren't rounded to a byte;
    readers of its map read only the upper bytes."""
    inside: list[RowMaker] = []
    place: list[int] = []
    for number, maker in enumerate(makers):
        reads = tuple(place[k] for k in maker.reads)
        if maker.looks_back:
            fed = makers[maker.reads[0]]
            rows, columns, channels = maker.shape
            reads = tuple(place[k] for k in fed.reads)
            inside.append(replace(maker, reads=reads, fed=fed, shape=(rows, columns, 2 * channels)))
            if not all(m.work is Work.LATEST for m in makers if number in m.reads):
                assert maker.rule
                shape = (rows, columns, maker.rule.results[0].shape[0])
                inside.append(RowMaker(Work.LATEST, (len(inside) - 1,), shape))
            place.append(len(inside) - 1)
        elif any(reader.looks_back for reader in makers if number in reader.reads):
            place.append(-1)
        else:
            inside.append(replace(maker, reads=reads))
            place.append(len(inside) - 1)
    return inside


def require_whole(rule: Rule) -> None:
    """Refuse a rule with memory that integers can't express."""
    for node in rule.order if rule.before else ():
        tensor = node.op.elements or node.op.name in ("leaf", "constant", "copy")
        if not tensor and node not in rule.reads:
            SAYS.simpler(node)


# Rules in integers.


@dataclass(frozen=True, eq=False)
class WholeSum:
    """Weighted sums of levels, in the units of a rule: (sum + bias) · factor / 2^shift."""

    weights: Whole
    bias: Whole
    factor: Whole
    shift: int

    def of(self, levels: Whole) -> Whole:
        return np.asarray(scaled(levels @ self.weights.T + self.bias, self.factor, self.shift))


@dataclass(frozen=True, eq=False)
class WholeRule:
    """The sums of the input, those of the previous result, and constants; and the fractional bits
    of each value for the next step."""

    rule: Rule
    fed: WholeSum
    back: Mapping[Node, WholeSum]  # by their weights
    constants: Mapping[Node, Whole]
    bits: tuple[int, ...]

    @property
    def weights(self) -> Whole:
        """All weights, flattened and concatenated."""
        sums = (self.fed, *self.back.values())
        return np.concatenate([each.weights.ravel() for each in sums]).reshape(-1, 1)

    def evaluate(self, levels: Array) -> Array:
        """Compute what C makes of a map of levels, (images, steps, 1, channels)."""
        images, steps = levels.shape[:2]
        state = [np.zeros((images, node.shape[0]), np.int64) for node in self.rule.results]
        rows = []
        for step in range(steps):
            state = self._step(levels[:, step, 0].astype(np.int64), state)
            highs = [upper(value) for value in state]
            lows = [value - 256 * high for value, high in zip(state, highs, strict=True)]
            rows.append(np.concatenate([*highs, *lows], axis=1))
        return np.stack(rows, axis=1)[:, :, None].astype(np.float64)

    def _step(self, row: Whole, before: Sequence[Whole]) -> list[Whole]:
        """Compute a step from the levels of a row, in 16 bits."""
        rule, fed = self.rule, self.fed.of(row)
        values: dict[Node, Whole] = {
            node: fed[:, first : first + node.shape[0]] for node, first in rule.reads.items()
        }
        for node, state, bits in zip(rule.before, before, self.bits, strict=True):
            values[node] = state << UNIT_BITS - bits
        values |= self.constants

        def linear(node: Node) -> Whole:
            weights, x = map(source_of, node.inputs)
            at = rule.before.index(x) if x in rule.before else None
            levels = upper(reckon(x, values, linear) if at is None else before[at])
            return self.back[weights].of(levels)

        results = [reckon(node, values, linear) for node in rule.results]
        return [
            np.clip(rounded(value, UNIT_BITS - bits), -MOST_KEPT - 129, MOST_KEPT)
            for value, bits in zip(results, self.bits, strict=True)
        ]


def upper(value: Whole) -> Whole:
    """The upper byte, rounded."""
    return np.asarray(np.clip(value + 128 >> LEVEL_BITS, -HIGHEST - 1, HIGHEST))


# Conversion from floats.


def whole_rule(maker: RowMaker, step: float, zero: float, exact: Array) -> WholeRule:
    """Convert a recurrent maker that reads levels of this step; `exact` is its result in floats."""
    rule, fed = maker.rule, maker.fed
    assert rule
    assert fed
    assert fed.weights is not None
    ends = np.cumsum([0, *(node.shape[0] for node in rule.results)]).tolist()
    bits = tuple(
        UNIT_BITS - max(0, ceil(log2(max(abs(exact[..., low:high]).max(), SMALLEST))))
        for low, high in pairwise(ends)
    )
    flat = fed.weights.reshape(len(fed.weights), -1)
    scale = np.ones(len(flat)) if fed.scale is None else fed.scale
    shift = np.zeros(len(flat)) if fed.shift is None else fed.shift
    back = {}
    for node in rule.order:
        if node.op.name == "linear":
            weights, x = (source_of(source) for source in node.inputs)
            bits_of_source = bits[rule.before.index(x)] if x in rule.before else UNIT_BITS
            matrix = rule.tensors[weights]
            back[weights] = whole_sum(
                matrix, np.zeros(len(matrix)), 2.0 ** (LEVEL_BITS - bits_of_source), 0
            )
    constants = {
        leaf: np.rint(array.ravel() * 2**UNIT_BITS).astype(np.int64)
        for leaf, array in rule.tensors.items()
        if leaf not in back
    }
    return WholeRule(
        rule, whole_sum(flat * scale[:, None], shift, step, zero), back, constants, bits
    )


def whole_sum(
    weights: Array, shift: Array, step: float, zero: float, point: int = UNIT_BITS
) -> WholeSum:
    """Convert sums of numbers of this step to this many fractional bits."""
    least = np.maximum(abs(shift) / (step * MOST_BIAS), SMALLEST)
    steps = np.maximum(abs(weights).max(axis=1) / HIGHEST, least)
    whole = np.rint(weights / steps[:, None]).astype(np.int64)
    bias = np.rint(shift / (steps * step) - zero * whole.sum(axis=1)).astype(np.int64)
    factors, shift_bits = factors_of(steps * step * 2.0**point)
    return WholeSum(whole, bias, factors, shift_bits)
