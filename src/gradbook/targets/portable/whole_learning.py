"""A last dense layer that learns in integers: weights of 16 bits, sums of 32.

Slopes are in units of 2^-15. The change of a weight is rounded up or down at random, in proportion
to its distance: otherwise steps below a weight's unit would never change it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from math import floor, log2
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradbook.errors import TargetError
from gradbook.net.trained import TrainedNet
from gradbook.targets.portable.c_text import ConstantArray, piece
from gradbook.targets.portable.learning import LastLayer, learning_in_c, wanted_in_c
from gradbook.targets.portable.rules_in_c import whole_words
from gradbook.targets.portable.whole_makers import HALF_SURE, WholeNumbers
from gradbook.targets.portable.whole_ops import (
    OF_SLOPES,
    SAYS_OF_SLOPES,
    TOO_UNLIKE,
    UNIT_BITS,
    Whole,
    factors_of,
    reckon,
    scaled,
)

HEADROOM = 4  # weights may grow to this many times the largest initial one
MOST_WEIGHT = (1 << 15) - 1
MOST_SUM_BITS = 30  # in the weights' part of a sum, and in a bias
MOST_BIAS = (1 << MOST_SUM_BITS) - 1
MOST_LEVEL = 255  # distance from the level of 0
STEP_BITS = 23  # in a weight's change per level; CHANCES of them are fractional
MOST_SLOPE = (1 << 16) - 1
RATE_BITS = 15
MULTIPLIER, INCREMENT = 1664525, 1013904223  # 32-bit generator of Numerical Recipes
READ_BY_LEARNING = {"last_weight": "int16_t"}  # constants, and their types


@dataclass(frozen=True)
class WholeFactor:
    """A factor for integers: `times` / 2^`shift`."""

    times: int
    shift: int

    @classmethod
    def near(cls, exact: float) -> WholeFactor:
        number, shift = factors_of(np.array(exact))
        return cls(int(number), shift)

    def of(self, number: Any) -> Any:
        return scaled(number, self.times, self.shift)

    def words(self, name: str) -> dict[str, object]:
        return {name: self.times, f"{name}_BITS": self.shift}


@dataclass(frozen=True, eq=False)
class WholeLast:
    """The layer before it learns, and the numbers with which it learns."""

    last: LastLayer
    features: WholeNumbers  # the makers of the levels that it reads
    zero: int  # the level of 0
    unit: float  # the value of 1 in a weight,
    step: float  # and in a level
    weights: Whole
    biases: Whole
    most: int  # limit of a weight
    chances: int  # random bits, which are a change's fractional bits
    threshold: int  # a single output from here on means class 1

    @property
    def sums(self) -> WholeFactor:
        """Converts sums to units of 2^-15."""
        return WholeFactor.near(self.unit * self.step * 2.0**UNIT_BITS)

    @property
    def steps(self) -> WholeFactor:
        """Converts a rate times a slope to a weight's change per level."""
        bits = self.chances - RATE_BITS - UNIT_BITS
        return WholeFactor.near(self.step / self.unit * 2.0**bits)

    @property
    def bias_steps(self) -> WholeFactor:
        return WholeFactor.near(2.0 ** -(RATE_BITS + UNIT_BITS) / (self.unit * self.step))

    def classify(self, images: NDArray[Any]) -> Whole:
        """Classify before anything is learnt."""
        scores = WholeLearner(self).scores(self.features.scores(images))
        alone = scores.shape[1] == 1
        classes = scores[:, 0] >= self.threshold if alone else scores.argmax(axis=1)
        return np.asarray(classes, np.int64)


def whole_last(last: LastLayer, whole: WholeNumbers) -> WholeLast:
    """Convert the last of these makers to a layer that learns."""
    *features, maker = whole.makers
    levels = features[-1].levels
    zero = int(np.clip(round(levels.zero), -128, 127))
    reads = last.weights.shape[1]
    most = min(MOST_WEIGHT, (1 << MOST_SUM_BITS) // (MOST_LEVEL * reads))
    unit = float(HEADROOM * abs(last.weights).max() / most) or 1.0
    weights = np.rint(last.weights / unit).astype(np.int64)
    bias = np.zeros(len(weights)) if last.bias is None else last.bias
    off = weights.sum(axis=1) * (zero - levels.zero)
    chances = floor(STEP_BITS - 1 - log2(levels.step / unit))
    if not 1 <= chances <= 31:
        raise TargetError(TOO_UNLIKE)
    activation = maker.maker.activation or last.maker.activation
    half = HALF_SURE.get(activation.ending if activation else "", 0.0)
    return WholeLast(
        last,
        replace(whole, makers=tuple(features)),
        zero,
        unit,
        levels.step,
        weights,
        np.rint(bias / (unit * levels.step) + off).astype(np.int64),
        most,
        chances,
        round(half * 2**UNIT_BITS),
    )


# The same computation as in C.


@dataclass
class WholeLearner:
    """The layer while it learns."""

    last: WholeLast
    weights: Whole = field(init=False)
    biases: Whole = field(init=False)
    chance: int = 1

    def __post_init__(self) -> None:
        self.weights, self.biases = self.last.weights.copy(), self.last.biases.copy()

    def scores(self, levels: Whole) -> Whole:
        """Compute the scores of levels, (images, inputs)."""
        sums = (levels - self.last.zero) @ self.weights.T + self.biases
        return np.asarray(self.last.sums.of(sums))

    def learn(self, levels: Whole, label: int, rate: int) -> None:
        """Learn from one image."""
        layer, outputs = self.last, len(self.weights)
        sums = self.scores(levels[None])[0]
        truth = np.arange(outputs) == label if outputs > 1 else np.array([label])
        slopes, (slope,) = layer.last.slopes, layer.last.slopes.rule.results
        values = {slopes.sums: sums, slopes.wanted: truth.astype(np.int64) << UNIT_BITS}
        by_score = reckon(slope, values, None, OF_SLOPES, SAYS_OF_SLOPES)
        steps = rate * np.clip(np.broadcast_to(by_score, sums.shape), -MOST_SLOPE, MOST_SLOPE)
        for k, step in enumerate(layer.steps.of(steps)):
            moved = int(step) * (levels - layer.zero) + self._chances(len(levels))
            moves = self.weights[k] - (moved >> layer.chances)
            self.weights[k] = np.clip(moves, -layer.most, layer.most)
        if layer.last.bias is not None:
            self.biases = np.clip(self.biases - layer.bias_steps.of(steps), -MOST_BIAS, MOST_BIAS)

    def _chances(self, count: int) -> Whole:
        chances = []
        for _ in range(count):
            self.chance = (self.chance * MULTIPLIER + INCREMENT) % 2**32
            chances.append(self.chance >> 32 - self.last.chances)
        return np.array(chances, np.int64)


# In C -----------------------------------------------------------------------------


def whole_learning_in_c(layer: WholeLast, trained: TrainedNet, sample: str, argument: str) -> str:
    """Write the layer and its learning, from samples of this type that are `given`."""
    words = {
        "GIVEN": f"const {sample} *{argument}",
        "READY": argument,
        "LAST_ZERO": f"({layer.zero})",
        "LAST_MOST": layer.most,
        "MOST_SLOPE": MOST_SLOPE,
        "MOST_BIAS": MOST_BIAS,
        "MULTIPLIER": f"{MULTIPLIER}u",
        "INCREMENT": f"{INCREMENT}u",
        "CHANCES": layer.chances,
        **layer.sums.words("LAST_UNIT"),
        **layer.steps.words("LAST_STEP"),
        **layer.bias_steps.words("LAST_BIAS"),
    }
    wording = whole_words(OF_SLOPES, SAYS_OF_SLOPES)
    target = wanted_in_c(trained, f"(int32_t)({{}}) * {1 << UNIT_BITS}")
    return learning_in_c(layer.last, piece("learning_whole"), wording, target, words)


def tables_of_learning(layer: WholeLast) -> list[ConstantArray]:
    """Its initial constants."""
    tables = [ConstantArray("int16_t", "last_weights", layer.weights.ravel())]
    if layer.last.bias is not None:
        tables.append(ConstantArray("int32_t", "last_biases", layer.biases))
    return tables
