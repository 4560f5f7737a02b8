"""Recognises layers written as several operators, by the numbers that these compute.

Every exporter writes GELU, SiLU and normalisations differently, with products and constants in any
order, but the numbers are equal. So a group of operators that begins at one value, and of which
only the last is read elsewhere, is tried on some numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator
from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from itertools import combinations, product

import numpy as np

from gradbook.formats.foreign import Fixed, ForeignOp, Value
from gradbook.graph.node import OPS, Array
from gradbook.layers.activations import ACTIVATIONS, Activation

PLACES = np.linspace(-8, 8, 401)
CLOSE = 1e-5  # 1/50 of the difference between the two forms of GELU
EXACT = 1e-9  # for computations that differ only in their order
MOST_STEPS = 24
MOST_TRIED = 2**20  # values on which a normalisation is tried


@dataclass(frozen=True, eq=False)
class Region:
    """Operators that begin at one value, by their places in the graph, and their result."""

    ops: tuple[int, ...]
    numbers: Array


@dataclass(frozen=True, eq=False)
class Readers:
    """The operators in order, and which of them read which value."""

    ops: tuple[ForeignOp, ...]
    of: dict[str, list[int]]  # by the name of the value
    last: dict[str, int]  # the last operator that reads a value; the end of the list for the output
    output: str

    @staticmethod
    def among(ops: tuple[ForeignOp, ...], output: str, asking: Container[str]) -> Readers:
        """Index the operators, leaving out those that only ask for a value's properties."""
        of: dict[str, list[int]] = {}
        for number, op in enumerate(ops):
            for name in dict.fromkeys(op.reads if op.word not in asking else ()):
                of.setdefault(name, []).append(number)
        last = {name: number for number, op in enumerate(ops) for name in op.reads}
        return Readers(ops, of, {**last, output: len(ops)}, output)

    def count(self, value: str) -> int:
        """Count the operators that read it, and one more if it is the output."""
        return len(self.of.get(value, ())) + (value == self.output)

    def regions(
        self, value: str, start: Array, work_out: Callable[[ForeignOp, dict[str, Value]], Value]
    ) -> Iterator[Region]:
        """Yield regions that begin at a value, shortest first; `start` are numbers to try."""
        numbers: dict[str, Value] = {value: Fixed(start)}
        inside: list[int] = []
        waiting = list(self.of.get(value, ()))
        heapify(waiting)
        while waiting and len(inside) < MOST_STEPS:
            place = heappop(waiting)
            if place in inside:
                continue
            result = work_out(self.ops[place], numbers)
            if result is None:
                continue
            inside.append(place)
            (name,) = self.ops[place].makes
            numbers[name] = result
            for reader in self.of.get(name, ()):
                heappush(waiting, reader)
            if result.array.shape == start.shape and self._is_closed(inside):
                yield Region(tuple(inside), result.array)

    def _is_closed(self, inside: list[int]) -> bool:
        """Whether only the last operator's value is read elsewhere."""
        hidden = [name for place in inside[:-1] for name in self.ops[place].makes]
        return self.output not in hidden and all(
            reader in inside for name in hidden for reader in self.of.get(name, ())
        )


def activation_of(numbers: Array) -> Activation | None:
    """Return the activation that computes these numbers from PLACES."""
    for layer in map(Activation, ACTIVATIONS):
        if layer.is_softmax or layer.idle:
            continue
        ours = OPS[layer.word].value(PLACES, *layer.settings.values())
        if np.allclose(numbers, ours, rtol=CLOSE, atol=CLOSE):
            return layer
    return None


@dataclass(frozen=True)
class Normalising:
    """The axes over which values are divided by their standard deviation or their size."""

    axes: tuple[int, ...]
    epsilon: float
    centred: bool  # the mean is subtracted first


def start_of(shape: tuple[int, ...]) -> Array:
    """Numbers to try a normalisation on, so small that an epsilon makes a difference."""
    return np.random.default_rng(0).normal(0.02, 0.05, shape)


def normalising_of(start: Array, numbers: Array, constants: Iterator[float]) -> Normalising | None:
    """Find the normalisation that computes `numbers`; its epsilon is one of the constants."""
    epsilons = sorted({x for x in constants if 0 < x < 1})
    axes = range(1, start.ndim)
    chosen = (some for count in axes for some in combinations(axes, count))
    for over, epsilon, centred in product([*chosen], epsilons, (True, False)):
        mean = start.mean(over, keepdims=True) if centred else 0
        square = ((start - mean) ** 2).mean(over, keepdims=True)
        if np.allclose(numbers, (start - mean) / np.sqrt(square + epsilon), EXACT, EXACT):
            return Normalising(over, float(str(np.float32(epsilon))), centred)
    return None
