"""What several operators of another program come to, known by the numbers that they make.

GELU, SiLU and normalisations are written in as many ways as there are writers, with products and
constants in any order; the numbers are the same. So operators that begin at one value, and of which
only the last is read elsewhere, are tried on some numbers.
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
CLOSE = 1e-5  # a fiftieth of what the two forms of GELU differ by
EXACT = 1e-9  # of what is computed alike but for the order
MOST_STEPS = 24
MOST_TRIED = 2**20  # values that a normalisation is tried on


@dataclass(frozen=True, eq=False)
class Region:
    """Operators that begin at one value, by their places in the graph; what the last one makes."""

    ops: tuple[int, ...]
    numbers: Array


@dataclass(frozen=True, eq=False)
class Readers:
    """The operators in order, and which of them read what."""

    ops: tuple[ForeignOp, ...]
    of: dict[str, list[int]]  # by the names of values
    last: dict[str, int]  # that reads a value or asks about it; none of what comes out
    made: str

    @staticmethod
    def among(ops: tuple[ForeignOp, ...], made: str, asking: Container[str]) -> Readers:
        """Without those that only ask about a value."""
        of: dict[str, list[int]] = {}
        for number, op in enumerate(ops):
            for name in dict.fromkeys(op.reads if op.word not in asking else ()):
                of.setdefault(name, []).append(number)
        last = {name: number for number, op in enumerate(ops) for name in op.reads}
        return Readers(ops, of, {**last, made: len(ops)}, made)

    def count(self, value: str) -> int:
        """How many operators read it, and one more if it comes out."""
        return len(self.of.get(value, ())) + (value == self.made)

    def regions(
        self, value: str, start: Array, work_out: Callable[[ForeignOp, dict[str, Value]], Value]
    ) -> Iterator[Region]:
        """Those that begin at a value, the shortest first; `start` are the numbers to try."""
        numbers: dict[str, Value] = {value: Fixed(start)}
        inside: list[int] = []
        waiting = list(self.of.get(value, ()))
        heapify(waiting)
        while waiting and len(inside) < MOST_STEPS:
            place = heappop(waiting)
            if place in inside:
                continue
            made = work_out(self.ops[place], numbers)
            if made is None:
                continue
            inside.append(place)
            (name,) = self.ops[place].makes
            numbers[name] = made
            for reader in self.of.get(name, ()):
                heappush(waiting, reader)
            if made.array.shape == start.shape and self._is_closed(inside):
                yield Region(tuple(inside), made.array)

    def _is_closed(self, inside: list[int]) -> bool:
        """Whether only what the last one makes is read elsewhere."""
        hidden = [name for place in inside[:-1] for name in self.ops[place].makes]
        return self.made not in hidden and all(
            reader in inside for name in hidden for reader in self.of.get(name, ())
        )


def activation_of(numbers: Array) -> Activation | None:
    """The one that makes these of PLACES."""
    for layer in map(Activation, ACTIVATIONS):
        if layer.is_softmax or layer.idle:
            continue
        ours = OPS[layer.word].value(PLACES, *layer.settings)
        if np.allclose(numbers, ours, rtol=CLOSE, atol=CLOSE):
            return layer
    return None


@dataclass(frozen=True)
class Normalising:
    """Over which axes values are divided by their deviation or by their size."""

    axes: tuple[int, ...]
    epsilon: float
    centred: bool  # the mean is taken off first


def start_of(shape: tuple[int, ...]) -> Array:
    """Numbers to try a normalisation on; as small as an epsilon shows in."""
    return np.random.default_rng(0).normal(0.02, 0.05, shape)


def normalising_of(start: Array, numbers: Array, constants: Iterator[float]) -> Normalising | None:
    """What makes these numbers of those, if one does; its epsilon is one of the constants."""
    epsilons = sorted({x for x in constants if 0 < x < 1})
    axes = range(1, start.ndim)
    chosen = (some for count in axes for some in combinations(axes, count))
    for over, epsilon, centred in product([*chosen], epsilons, (True, False)):
        mean = start.mean(over, keepdims=True) if centred else 0
        square = ((start - mean) ** 2).mean(over, keepdims=True)
        if np.allclose(numbers, (start - mean) / np.sqrt(square + epsilon), EXACT, EXACT):
            return Normalising(over, float(str(np.float32(epsilon))), centred)
    return None
