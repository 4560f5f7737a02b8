"""The same makers in integers: weights of 8 bits, sums of 32, and factors that scale the sums.

A sum of products of levels is scaled to the levels of its own map by a factor per channel, in units
of 2^-32, which includes normalisations. Channels are first scaled to similar sizes, so that the few
levels of 8 bits suit all of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import floor, isqrt, log2, prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradbook.errors import TargetError
from gradbook.graph.levels import Bits
from gradbook.graph.node import Array
from gradbook.layers import Layer
from gradbook.net.trained import TrainedNet
from gradbook.targets.portable.makers import (
    GIVING,
    NORMING,
    WEIGHING,
    RowMaker,
    Work,
    row_makers,
)
from gradbook.targets.portable.parabolas import Bends, Parabola, parabolas
from gradbook.targets.portable.reckoning import (
    activate,
    laid_out,
    maps_of,
    scale_sums,
    window_sums,
)
from gradbook.targets.portable.sensor_numbers import SensorNumbers, sensor_numbers
from gradbook.targets.portable.whole_formulas import (
    WholeFormula,
    weighs_inputs,
    whole_formula,
)
from gradbook.targets.portable.whole_hearing import heard_at_once
from gradbook.targets.portable.whole_ops import TOO_UNLIKE, Whole
from gradbook.targets.portable.whole_rules import (
    WholeRule,
    require_whole,
    whole_rule,
    with_rules_inside,
)

# Levels: the integers that stand for a map's values.

LOWEST, HIGHEST = -128, 127
SHARES = np.linspace(0.3, 1, 36)  # shares of the whole range to try; values outside are clipped
MOST_VALUES = 200_000  # the most values of a map in these trials


@dataclass(frozen=True)
class Levels:
    """A level q means `step` · (q − `zero`); `edge` is the level beyond a map's edge.

    Each channel has a step of its own where only a formula reads the map.
    """

    step: Any  # a number, or one for each channel
    zero: float
    edge: int

    def read(self, levels: Array) -> Array:
        return np.asarray(self.step * (levels - self.zero))


def levels_of(makers: Sequence[RowMaker], maps: Sequence[Array], of_bytes: bool) -> list[Levels]:
    """Choose the levels of each map; maps that are added to each other share theirs."""
    levels = dict[int, Levels]()
    for members in _groups(makers):
        fixed = _image_levels(makers[0]) if of_bytes and members == {0} else None
        if len(members) == 1 and (layer := makers[min(members)].activation) and layer.level_step:
            fixed = _steps(layer)
        if _is_for_one_formula(makers, members):
            sizes = _sizes(maps[min(members)])
            fit = _fitting([maps[min(members)] / sizes])
            fixed = replace(fit, step=fit.step * sizes)
        levels |= dict.fromkeys(members, fixed or _fitting([maps[k] for k in members]))
    return [levels[k] for k in range(len(makers))]


def _is_for_one_formula(makers: Sequence[RowMaker], members: set[int]) -> bool:
    """Whether it is a map of sums that one formula reads, which converts each channel by itself."""
    sums = makers[min(members)]
    rules = [
        maker.rule if maker.fed is None else None for maker in makers if members & {*maker.reads}
    ]
    return (
        len(members) == len(rules) == 1
        and (sums.work, sums.activation) == (Work.SUMS, None)
        and rules[0] is not None
        and not weighs_inputs(rules[0])
    )


def _groups(makers: Sequence[RowMaker]) -> list[set[int]]:
    groups = [{k} for k in range(len(makers))]
    for maker in makers:
        if maker.work is Work.BOTH:
            touched = [g for g in groups if g & set(maker.reads)]
            groups = [g for g in groups if g not in touched] + [set().union(*touched)]
    return groups


def _steps(layer: Layer) -> Levels:
    """The levels of values that are already steps: unsigned eight bits begin at the lowest
    level."""
    zero = min(0, HIGHEST - layer.levels[1])
    return Levels(layer.level_step, zero, zero)


def _image_levels(image: RowMaker) -> Levels | None:
    """The levels of unchanged pixels, if all channels are normalised alike."""
    assert image.scale is not None
    assert image.shift is not None
    if np.ptp(image.scale) or np.ptp(image.shift):
        return None
    zero = LOWEST - float(image.shift[0] / image.scale[0])
    return Levels(float(image.scale[0]), zero, round(min(max(zero, LOWEST), HIGHEST)))


def _fitting(maps: Sequence[Array]) -> Levels:
    """Try shares of these values' range; return the levels with the least squared error.

    Many values are represented by a fixed random sample, and by the two outermost.
    """
    samples = []
    for values in (each.ravel() for each in maps):
        places = np.random.default_rng(0).integers(len(values), size=MOST_VALUES)
        some = np.concatenate([values[places], [values.min(), values.max()]])
        samples.append(values if len(values) <= MOST_VALUES else some)
    values = np.concatenate(samples)
    low, high = min(values.min(), 0.0), max(values.max(), 0.0)
    if low == high:
        return Levels(1.0, 0.0, 0)

    def between(share: float) -> Levels:
        step = (high * share - low * share) / (HIGHEST - LOWEST)
        zero = round(LOWEST - low * share / step)
        return Levels(step, zero, zero)

    def square_off(levels: Levels) -> float:
        rounded = np.clip(np.rint(values / levels.step + levels.zero), LOWEST, HIGHEST)
        return float(((levels.read(rounded) - values) ** 2).mean())

    return min(map(between, SHARES), key=square_off)


LEAST = 1e-3  # a smaller channel counts as this part of the largest one's size


def _sizes(values: Array) -> Array:
    """The size of each channel; the largest has 1."""
    sizes = abs(values).max(axis=(0, 1, 2))
    return np.asarray(np.maximum(sizes / (sizes.max() or 1.0), LEAST))


# Channels of similar sizes.


def even_out(makers: Sequence[RowMaker], maps: Sequence[Array], power: float) -> list[RowMaker]:
    """Divide each channel by its size to some power; 0 changes nothing, 1 makes all equal.

    The next maker's weights are multiplied by the same numbers, so the network's result is the
    same. This is possible if only one sum reads a map and its activation, if any, is ReLU; but not
    if several sums share their weights, which are stored once.
    """
    evened = list(makers)
    uses = Counter(maker.weights.tobytes() for maker in makers if maker.weights is not None)
    for number, maker in enumerate(makers):
        readers = [k for k, candidate in enumerate(makers) if number in candidate.reads]
        reader, largest = makers[readers[0]] if readers else maker, abs(maps[number]).max()
        evens = len(readers) == 1 and maker.work is reader.work is Work.SUMS and largest > 0
        evens = evens and (maker.activation is None or cuts_off(maker.activation))
        # weights of few bits would no longer be levels
        if not evens or reader.levels is not None or reader.weights is None:
            continue
        if uses[reader.weights.tobytes()] > 1:
            continue
        by = _sizes(maps[number]) ** power
        evened_maker, number_of_reader = evened[number], readers[0]
        scale = np.ones(len(by)) if evened_maker.scale is None else evened_maker.scale
        shift = None if evened_maker.shift is None else evened_maker.shift / by
        evened[number] = replace(evened_maker, scale=scale / by, shift=shift)
        weights = evened[number_of_reader].weights
        assert weights is not None
        groups = len(by) // weights.shape[-1]  # channels are the last axis
        each = np.repeat(by.reshape(groups, -1), len(weights) // groups, axis=0)
        weights = weights * each[:, None, None, :]
        evened[number_of_reader] = replace(evened[number_of_reader], weights=weights)
    return evened


# Makers in integers.

STORED_BITS = 15  # in factors and biases, without sign
PRODUCT_BITS = 16  # of a product that are dropped before the bias is added
MOST_UP, MOST_TIMES = 15, 128
MOST_BIAS, SMALLEST = 2.0**29, 1e-12
LARGEST = 2**31 - 1
MOST_SCORE = 2.0**28
SCORE_BITS = 16  # fractional bits of the outputs, at most
SPREAD_BITS = 14  # fractional bits of a value's distance from its group's mean, in deviations
ROOT_BITS = 30  # the root of a scaled variance is between 2^30 and 2^31
SHIFT_UNIT = 128  # products per unit of a place's shift
MOST_IN_A_GROUP = 2**23  # values; 255 times as many fit in 31 bits
FROM_ZERO = (Work.PLACED, Work.PRODUCT, Work.SCATTERED)  # works on distances from the level of 0
HALF_SURE = {"sigmoid": 0.0, "": 0.5, "relu": 0.5}  # a single output's value at a probability of ½


@dataclass(frozen=True, eq=False)
class WholeMaker:
    """A maker with the result `offset` + (sum · times · factor / 2^16 + bias) / 2^(16 - up), at
    least `low`: both divisions round down, the second after adding a half."""

    maker: RowMaker
    levels: Levels  # the result's levels
    bias: Whole  # 16 bits, times 2^bias_up
    factor: Whole  # 16 bits
    times: int
    up: int
    bias_up: int
    weights: Whole | None = None
    table: Whole | None = None  # an activation's result for each level,
    pieces: tuple[Parabola, ...] = ()  # and parabolas with the same results
    offset: int = 0
    edges: tuple[int, ...] = ()  # the level beyond each input map's edge
    epsilon: int = 0  # added to a variance, times the squared number of values
    low: int = LOWEST
    high: int = HIGHEST
    rule: WholeRule | None = None
    formula: WholeFormula | None = None

    @property
    def down(self) -> int:
        return PRODUCT_BITS - self.up

    @property
    def half(self) -> int:
        return 1 << self.down - 1

    @property
    def units(self) -> Array:
        """The value of a 1 in a sum, in levels."""
        return self.times * self.factor / 2.0 ** (PRODUCT_BITS + self.down)

    def result(self, sums: Array) -> Array:
        """Compute what C makes of sums, in the same integers."""
        if self.rule is not None:
            return sums
        product = sums.astype(np.int64) * self.times * self.factor >> PRODUCT_BITS
        level = (product + self.bias + self.half >> self.down) + self.offset
        level = np.clip(level, self.low, self.high)
        bent = level if self.table is None else self.table[level - LOWEST]
        return np.asarray(bent, np.float64)


@dataclass(frozen=True, eq=False)
class WholeNumbers:
    """A network's makers in integers; its outputs are in units of 1 / 2^bits.

    A single output from `threshold` on means class 1. The input is bytes, or a sensor's numbers.
    """

    makers: tuple[WholeMaker, ...]
    score_bits: int
    threshold: int
    sensor: SensorNumbers | None = None

    @property
    def finer(self) -> int:
        """The parts in which the input is given."""
        return self.sensor.finer if self.sensor else 1

    def scores(self, images: NDArray[Any]) -> Whole:
        """Compute C's scores of images, (images, outputs)."""
        maps: list[Array] = []
        samples = images * np.int64(self.finer) if self.sensor else images
        for maker in self.makers:
            maps.append(maker.result(_sums(maker, maps, samples)))
        return maps[-1].reshape(len(images), -1).astype(np.int64)

    def classify(self, images: NDArray[Any]) -> Whole:
        scores = self.scores(images)
        alone = scores.shape[1] == 1
        classes = scores[:, 0] >= self.threshold if alone else scores.argmax(axis=1)
        return np.asarray(classes, np.int64)


def bends_of(makers: Sequence[WholeMaker]) -> Bends:
    """The tables of all activations, equal ones once."""
    tables = [(maker.table, maker.pieces) for maker in makers if maker.table is not None]
    return Bends(tuple({table.tobytes(): (table, pieces) for table, pieces in tables}.values()))


def in_whole_numbers(
    makers: Sequence[RowMaker], images: NDArray[Any], sensor: SensorNumbers | None = None
) -> WholeNumbers:
    """Convert makers to integers whose levels suit these typical images, or the inputs made from a
    sensor's numbers."""
    ending = makers[-1].activation.ending if makers[-1].activation else ""
    if makers[-1].shape[2] == 1 and ending not in HALF_SURE:
        raise TargetError(
            f"a single output after {ending} can't be written with --int8: end the network in a "
            "sigmoid"
        )
    makers = _with_tables(with_rules_inside(makers))
    exact = maps_of(makers, images)
    levels = levels_of(makers, exact, of_bytes=sensor is None)
    whole: list[WholeMaker] = []
    maps: list[Array] = []
    for number, maker in enumerate(makers):
        read, formula = [levels[k] for k in maker.reads], None
        if maker.rule is not None and maker.fed is None:
            read_values = exact[maker.reads[0]]
            step = np.atleast_1d(read[0].step)
            formula = whole_formula(maker.rule, step, read[0].zero, read_values)
            read = [Levels(2.0**-formula.point, 0.0, 0)]
        if number == len(makers) - 1:
            bits = _score_bits(maker, _read_levels(maker, read)[0], exact[-1])
            levels[-1] = Levels(2.0**-bits, 0.0, 0)
        if maker.fed is not None:
            rule = whole_rule(maker, read[0].step, read[0].zero, exact[number])
            levels[number] = Levels(2.0 ** (8 - rule.bits[0]), 0.0, 0)
            empty = np.zeros(0, np.int64)
            fit = WholeMaker(maker, levels[number], empty, empty, 1, 0, 0, rule.weights, rule=rule)
            maps.append(rule.evaluate(maps[maker.reads[0]]))
        else:
            fit = _integer_maker(maker, read, levels[number], formula)
            if number == len(makers) - 1:
                low = fit.low if maker.activation else -LARGEST
                fit = replace(fit, low=low, high=LARGEST)
            sums = _sums(fit, maps, images)
            if maker.work in WEIGHING or (sensor and maker.work in GIVING):
                inputs = [exact[k] for k in maker.reads] or [laid_out(maker, images)]
                should = scale_sums(maker, window_sums(maker, inputs)).mean(axis=(0, 1, 2))
                mean = (sums * fit.units + fit.bias / 2.0**fit.down).mean(axis=(0, 1, 2))
                fit = _biased(fit, should / fit.levels.step - mean)  # undo the effect of rounding
            maps.append(fit.result(sums))
        whole.append(fit)
    threshold = round(HALF_SURE.get(ending, 0.0) * 2**bits)
    return WholeNumbers(tuple(_looking_up_at_once(whole)), bits, threshold, sensor)


def cuts_off(layer: Layer) -> bool:
    """Whether integers express an activation by a lowest level."""
    return layer.ending == "relu"


def _ends(layer: Layer | None, levels: Levels) -> tuple[int, int] | None:
    """The lowest and highest level after an activation, if integers can express it so."""
    if layer is None:
        return LOWEST, HIGHEST
    if layer.level_step and levels == _steps(layer):
        lowest, highest = layer.levels
        return levels.edge + lowest, levels.edge + highest
    return (levels.edge, HIGHEST) if cuts_off(layer) else None


def _with_tables(makers: Sequence[RowMaker]) -> list[RowMaker]:
    """Give each activation its own maker, which looks up levels, unless it is a lower limit or
    makes steps that can be levels.

    The last one is left out if it doesn't change which output is largest.
    """
    split: list[RowMaker] = []
    place: list[int] = []
    alone = {k for group in _groups(makers) if len(group) == 1 for k in group}
    for number, maker in enumerate(makers):
        layer, last = maker.activation, maker is makers[-1]
        if last and layer is not None and not layer.rising:
            raise TargetError(
                f"'{layer.text}' as the last layer can't be written with --int8: end the "
                "network in a softmax"
            )
        reads = tuple(place[k] for k in maker.reads)
        steps = layer is not None and layer.level_step != 0 and number in alone and not last
        looked_up = layer is not None and not cuts_off(layer) and not steps
        split.append(replace(maker, reads=reads, activation=None if looked_up else layer))
        if looked_up and not last:
            before = (len(split) - 1,)
            split.append(RowMaker(Work.SAME, before, maker.shape, activation=maker.activation))
        place.append(len(split) - 1)
    return split


def _looking_up_at_once(makers: Sequence[WholeMaker]) -> list[WholeMaker]:
    """Look up a level at once if it would only be looked up afterwards.

    The result is the same, but no map is stored in between and no channel is scaled twice.
    """
    joined: list[WholeMaker] = []
    place: list[int] = []
    for whole in makers:
        reads = tuple(place[k] for k in whole.maker.reads)
        before = (
            whole.maker.reads[0] if whole.table is not None else 0
        )  # neither the input nor a rule
        readers = [other for other in makers if before in other.maker.reads]
        plain = makers[before].table is None and makers[before].rule is None
        if before > 0 and len(readers) == 1 and plain:
            (number,) = reads
            joined[number] = replace(
                joined[number], table=whole.table, pieces=whole.pieces, levels=whole.levels
            )
            place.append(number)
        else:
            joined.append(replace(whole, maker=replace(whole.maker, reads=reads)))
            place.append(len(joined) - 1)
    return joined


def _sums(whole: WholeMaker, maps: Sequence[Array], images: NDArray[Any]) -> Array:
    maker = whole.maker
    if not maker.reads:
        return window_sums(maker, [laid_out(maker, images)])
    if rule := whole.rule or whole.formula:
        return rule.evaluate(maps[maker.reads[0]])
    if maker.work in NORMING:
        return _spreads_off(whole, maps[maker.reads[0]])
    weights = None if whole.weights is None else whole.weights.astype(np.float64)
    if maker.work is Work.PLACED and weights is not None:
        weights[1] *= SHIFT_UNIT
    inputs, edge = [maps[k] for k in maker.reads], whole.edges[0]
    if maker.work in FROM_ZERO:
        inputs = [levels - zero for levels, zero in zip(inputs, whole.edges, strict=True)]
        edge = 0
    sums = window_sums(maker, inputs, edge, weights)
    return np.trunc(sums)  # as C rounds a mean over fewer values than its window has


def _spreads_off(whole: WholeMaker, levels: Array) -> Array:
    """The distance of each level from its group's mean, as `normed` in C computes it."""
    maker = whole.maker
    each, axes = (
        (maker.group_channels, (1, 2, 4)) if maker.group_channels else (maker.shape[2], (4,))
    )
    apart = levels.astype(np.int64).reshape(*levels.shape[:3], -1, each)
    total, squares = (powers.sum(axis=axes, keepdims=True) for powers in (apart, apart**2))
    values = _in_a_group(maker)
    square = values * squares - total**2 + whole.epsilon
    shift = np.full(square.shape, 2 * ROOT_BITS - SPREAD_BITS)
    for _ in range(ROOT_BITS):
        small = square < 1 << 2 * ROOT_BITS
        square, shift = np.where(small, square << 2, square), shift - small
    share = (1 << 2 * ROOT_BITS) // np.vectorize(isqrt, otypes=[np.int64])(square)
    off = (values * apart - total) * share
    return np.asarray(off + (1 << shift - 1) >> shift, np.float64).reshape(levels.shape)


def _in_a_group(maker: RowMaker) -> int:
    rows, columns, channels = maker.shape
    return rows * columns * maker.group_channels or channels


def _score_bits(last: RowMaker, step: Array, outputs: Array) -> int:
    """The outputs' fractional bits, so that neither they nor factors overflow."""
    most = float(abs(outputs).max()) or 1.0
    factor = float(abs(_rounded(last, step).units).max())
    return floor(min(SCORE_BITS, log2(MOST_SCORE / most), log2(MOST_TIMES / 8 / factor)))


@dataclass(frozen=True, eq=False)
class _Rounded:
    """Integer weights, the value of a 1 in their sums, and what is added to these."""

    weights: Whole | None
    weight_sums: NDArray[Any]  # the sum of each channel's weights
    units: Array
    shift: Array


def _read_levels(maker: RowMaker, inputs: Sequence[Levels]) -> tuple[Array, Array]:
    """The step and zero of each channel's input; concatenated channels keep those of their map."""
    if not inputs:
        return np.ones(1), np.zeros(1)
    if maker.work in NORMING:
        return np.array([2.0**-SPREAD_BITS]), np.zeros(1)
    if maker.work in FROM_ZERO:
        steps = [levels.step for levels in inputs]
        return np.array([prod(steps)]), np.zeros(1)
    if maker.work is not Work.BESIDE:
        return np.array([inputs[0].step]), np.array([inputs[0].zero])
    counts = [maker.first_channels, maker.shape[2] - maker.first_channels]
    steps, zeros = ([getattr(levels, name) for levels in inputs] for name in ("step", "zero"))
    return np.repeat(steps, counts), np.repeat(zeros, counts)


def _rounded(maker: RowMaker, step: Array) -> _Rounded:
    """Round the weights of a maker whose input has this step, or one for each channel."""
    channels = maker.shape[2]
    scale = np.ones(channels) if maker.scale is None else maker.scale
    shift = np.zeros(channels) if maker.shift is None else maker.shift
    dead = abs(scale) * step < SMALLEST  # its input has no effect
    by_weights = None if maker.rule else maker.weights  # a rule has its own inside
    if by_weights is None:  # it can't express a scale that small beside a shift
        dead |= abs(shift) > abs(scale) * step * MOST_BIAS
    scale = np.where(dead, 1.0, scale)
    least = np.maximum(abs(shift) / (abs(scale) * step * MOST_BIAS), SMALLEST)
    if by_weights is None:
        steps = np.where(dead, least, 1.0)
        added = {Work.TOTAL: maker.window.area, Work.BOTH: 2}.get(maker.work, 1)  # levels
        return _Rounded(None, np.full(channels, added), scale * steps * step, shift)
    if maker.work is Work.PLACED:
        places = by_weights * ~dead  # their shifts have their own unit
        parts = np.stack([places[0], places[1] / (step * SHIFT_UNIT)])
        steps = np.maximum(abs(parts).max(axis=(0, 1, 2)) / HIGHEST, least)
        weights_whole = np.rint(parts / steps).astype(np.int64)
        return _Rounded(weights_whole, np.zeros(channels), scale * steps * step, shift)
    if maker.levels is not None:
        return _levelled(maker, dead, scale * step, least, shift)
    weights_exact = by_weights * ~dead[:, None, None, None]
    steps = np.maximum(abs(weights_exact).max(axis=(1, 2, 3)) / HIGHEST, least)
    weights = np.rint(weights_exact / steps[:, None, None, None]).astype(np.int64)
    return _Rounded(weights, weights.sum(axis=(1, 2, 3)), scale * steps * step, shift)


def _levelled(
    maker: RowMaker, dead: NDArray[Any], scale: Array, least: Array, shift: Array
) -> _Rounded:
    """Keep weights of few bits as they were trained: each channel's scale becomes part of the
    factor of its sums."""
    assert maker.levels is not None
    assert maker.weights is not None
    levels, axes = maker.levels.astype(np.int64), (1, 2, 3)
    squares = (levels**2).sum(axis=axes)
    steps = (maker.weights * levels).sum(axis=axes) / np.maximum(squares, 1)
    none = dead | (abs(steps) < least)
    weights = levels * ~none[:, None, None, None]
    if maker.bits is Bits.TWO:  # it has no 0
        weights = levels
    return _Rounded(weights, weights.sum(axis=axes), scale * np.where(none, least, steps), shift)


def _integer_maker(
    maker: RowMaker,
    inputs: Sequence[Levels],
    levels: Levels,
    formula: WholeFormula | None = None,
) -> WholeMaker:
    """Convert a maker to integers, given the levels of its inputs and of its result."""
    read = inputs[0] if inputs else Levels(1.0, 0.0, 0)
    ends = _ends(maker.activation, levels)
    if ends is None:
        return _looked_up(maker, read, levels)
    step, zero = _read_levels(maker, inputs)
    rounding = _rounded(maker, step)
    factor, times, up = _factors(rounding.units / levels.step)
    bias = rounding.shift / levels.step - rounding.weight_sums * zero * rounding.units / levels.step
    whole = WholeMaker(
        maker,
        levels,
        np.zeros_like(factor),
        factor,
        times,
        up,
        0,
        formula.weights if formula else rounding.weights,
        offset=levels.edge,
        edges=tuple(level.edge for level in inputs),
        epsilon=_epsilon(maker, read.step) if maker.work in NORMING else 0,
        low=ends[0],
        high=ends[1],
        formula=formula,
    )
    return _biased(whole, bias)


def _biased(whole: WholeMaker, levels: Array) -> WholeMaker:
    """Add these levels to each channel's result."""
    bias = np.clip(np.rint(whole.bias + levels * 2.0**whole.down), -MOST_BIAS, MOST_BIAS)
    up = _bits_beyond(bias)
    return replace(whole, bias=_rounded_by(bias, up) << up, bias_up=up)


def _bits_beyond(numbers: Array) -> int:
    """How many bits the largest has beyond those that are stored."""
    return max(0, int(abs(numbers).max(initial=0)).bit_length() - STORED_BITS)


def _rounded_by(numbers: Array, bits: int) -> Whole:
    most = (1 << STORED_BITS) - 1
    return np.clip(np.rint(numbers / 2.0**bits), -most, most).astype(np.int64)


def _epsilon(maker: RowMaker, step: float) -> int:
    """What is added to the variance of levels of this step, times the squared number of values."""
    values = _in_a_group(maker)
    if values >= MOST_IN_A_GROUP:
        raise TargetError(f"{values:,} values normalised together are too many for --int8")
    epsilon = round(maker.epsilon * (values / step) ** 2)
    if epsilon > 1 << 2 * ROOT_BITS:
        raise TargetError(TOO_UNLIKE)
    return max(epsilon, 1)


def _looked_up(maker: RowMaker, read: Levels, levels: Levels) -> WholeMaker:
    assert maker.activation is not None
    every = read.read(np.arange(LOWEST, HIGHEST + 1, dtype=np.float64))
    exact = activate(maker.activation, every) / levels.step + levels.zero
    table = np.clip(np.rint(exact), LOWEST, HIGHEST).astype(np.int64)
    pieces = parabolas(exact, table, LOWEST)
    factor, times, up = _factors(np.ones(maker.shape[2]))
    none = np.zeros_like(factor)
    edges = (read.edge,)
    return WholeMaker(
        maker, levels, none, factor, times, up, 0, table=table, pieces=pieces, edges=edges
    )


def _factors(scales: Array) -> tuple[Whole, int, int]:
    """Return each as an integer in units of 2^(up - 32), a common multiplier so that none reaches
    ¼, and `up`."""
    times = 1 << max(0, floor(log2(4 * abs(scales).max() + SMALLEST)) + 1)
    if times > MOST_TIMES:
        raise TargetError(TOO_UNLIKE)
    exact = scales / times * 2.0 ** (2 * PRODUCT_BITS)
    up = min(_bits_beyond(exact), MOST_UP)
    return _rounded_by(exact, up), times, up


# From a trained network.

EVENED = 0.75  # the power of a channel's size by which it is divided


def require_classes(trained: TrainedNet) -> None:
    """Refuse what --int8 can't express: it classifies."""
    if not trained.classes or trained.net.tokens or len(trained.output) > 1:
        raise TargetError(
            "--int8 is only for networks that classify images, rows of numbers or windows of "
            "signals: leave it out"
        )

    if len(trained.input) == 3 and not trained.reads_bytes:
        raise TargetError(
            "--int8 reads pictures as bytes, which these weren't: train on bytes, or without --int8"
        )


def quantise(trained: TrainedNet, images: NDArray[np.uint8]) -> WholeNumbers:
    """Convert the network to integers that suit such images."""
    require_classes(trained)
    return _quantised(trained, images, None)


def quantise_windows(trained: TrainedNet, rows: NDArray[Any], channels: int) -> WholeNumbers:
    """Convert it to integers that suit such windows, (windows, steps x channels), of a sensor's own
    numbers, or such rows of a table, as windows of one step."""
    require_classes(trained)
    sensor = sensor_numbers(rows, channels)
    numbers = sensor.of(rows) * np.int64(sensor.finer)
    return _quantised(sensor.scale(trained), numbers, sensor)


def _quantised(
    trained: TrainedNet, samples: NDArray[Any], sensor: SensorNumbers | None
) -> WholeNumbers:
    at_once = heard_at_once(row_makers(trained, by_tables=True), sensor) if sensor else None
    makers = at_once or row_makers(trained)
    for maker in makers:
        if maker.rule is not None:
            require_whole(maker.rule)
    evened = even_out(makers, maps_of(makers, samples), EVENED)
    return in_whole_numbers(evened, samples, sensor)
