"""Rules without memory in integers, where each value has its own number of fractional bits.

Numbers are in units of 2^-point. The point follows from the largest value of the samples; up to
four times as much fits, and larger values are clipped. Constants are computed in advance.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, reduce
from math import ceil, exp, log2
from typing import Any

import numpy as np

from gradbook.errors import TargetError
from gradbook.graph.node import OPS, Array, Node, ancestors, same_shape
from gradbook.graph.reference import Values, evaluate_in_order
from gradbook.lowering import Vocabulary
from gradbook.targets.portable.rules import Rule, source_of
from gradbook.targets.portable.whole_ops import (
    MOST_SUM,
    OF_RULES,
    PASSED_ON,
    SAYS,
    TOO_UNLIKE,
    UNIT_BITS,
    Whole,
    WholeOp,
    exp_of,
    factors_of,
    rounded,
    scaled,
)
from gradbook.targets.portable.whole_rules import WholeSum, whole_sum

PRECISE, MADE, MOST_POINT = 26, 16, 40  # bits of values and results; largest point
MOST_MADE = 1 << 23
MOST_UP = 34  # bits by which 2^28 may be shifted up in 64 bits
SAMPLES = 256  # on which points are based
PIECES = 128  # linear segments of a curve
ALIGNED = {  # ops on values with the same point
    "add": WholeOp("within({0} + {1}, 268435456)", lambda a, b: within(a + b)),
    "subtract": WholeOp("within({0} - {1}, 268435456)", lambda a, b: within(a - b)),
    "negate": OF_RULES["negate"],
    "relu": WholeOp("larger({0}, 0)", lambda x: np.maximum(x, 0)),
    "largest": WholeOp("larger({0}, {1})", lambda *xs: reduce(np.maximum, xs)),
    "choose": WholeOp("{0} > 0 ? {1} : {2}", lambda c, a, b: np.where(c > 0, a, b)),
}
TOTALS = ("sum", "sum_channels", "scores", "weigh")


def within(number: Any, most: int = MOST_SUM) -> Any:
    return np.clip(number, -most, most)


def moved(number: Any, by: int) -> Any:
    """Shift by this many bits; to the right with rounding."""
    return within(number << by if by > 0 else rounded(number, -by))


def quotient(a: Whole, b: Whole, by: int) -> Whole:
    """Divide, shifted up by this many bits; rounded towards 0."""
    up = a << by if by > 0 else rounded(a, -by)
    share = np.sign(up) * np.sign(b) * (abs(up) // np.maximum(abs(b), 1))
    return np.asarray(np.where(b == 0, np.sign(a) * MOST_SUM, within(share)))


def root(x: Whole, by: int) -> Whole:
    """The square root of a number that is shifted up, rounded down."""
    square = np.maximum(x, 0) << by
    near = np.sqrt(square.astype(np.float64)).astype(np.int64)
    near = near - (near * near > square)
    return np.asarray(within(near + ((near + 1) * (near + 1) <= square)))


def shares(each: Whole, by: int, causal: bool) -> Whole:
    """The softmax, in units of 2^-15."""
    hidden = np.triu(np.ones(each.shape[-2:], bool), 1) & causal
    each = np.where(hidden, -4 * MOST_SUM, each)
    below = each - each.max(axis=-1, keepdims=True)
    parts = np.where(hidden, 0, exp_of(moved(below, by)))
    whole = parts.sum(axis=-1, keepdims=True)
    return np.asarray(((parts << UNIT_BITS) + whole // 2) // whole)


@dataclass(frozen=True, eq=False)
class SampledCurve:
    """A function of one value: its numbers at places 2^width apart, from the lowest."""

    numbers: Whole
    low: int
    width: int

    def of(self, x: Whole) -> Whole:
        place = np.clip(x - self.low, 0, (PIECES << self.width) - 1)
        at, rest = place >> self.width, place & (1 << self.width) - 1
        step = self.numbers[at + 1] - self.numbers[at]
        return np.asarray(self.numbers[at] + rounded(step * rest, self.width))


@dataclass(frozen=True, eq=False)
class WholeFormula:
    """A rule in integer ops; `read` converts the levels of a row to numbers."""

    rule: Rule
    read: WholeSum  # for a single level, or a level of each channel
    points: Mapping[Node, int]
    ops: Mapping[Node, WholeOp]  # elementwise
    shifts: Mapping[Node, int]  # for totals and shares
    sums: Mapping[Node, WholeSum]  # sums weighted by tensors
    constants: Mapping[object, Whole]  # by their node, or by a node and curve, bias or factor
    point: int  # the result's point

    @property
    def weights(self) -> Whole | None:
        """All weights, flattened and concatenated."""
        every = [sums.weights.ravel() for sums in self.sums.values()]
        return np.concatenate(every).reshape(-1, 1) if every else None

    @cached_property
    def stored(self) -> dict[object, Whole]:
        """The constants except single numbers, which are written where they are used."""
        every = self.constants.items()
        return {key: x for key, x in every if not isinstance(key, Node) or x.size > 1}

    @cached_property
    def begins(self) -> dict[object, int]:
        """The index at which each stored constant begins."""
        ends = np.cumsum([0, *(x.size for x in self.stored.values())]).tolist()
        return dict(zip(self.stored, ends, strict=False))

    def evaluate(self, levels: Array) -> Array:
        """Compute what C makes of a map of levels."""
        row = self.rule.inputs(levels.astype(np.int64))
        values = {node: self._number(node, x) for node, x in row.items()}
        for node in self.rule.order:
            if node not in values and node not in self.rule.tensors:
                values[node] = self._value(node, values, row)
            elif node in self.constants:
                values[node] = self.constants[node]
        (result,) = self.rule.results
        made_values = within(moved(values[result], self.point - self.points[result]), MOST_MADE)
        wide = np.broadcast_to(made_values, (len(levels), *result.shape))
        return self.rule.as_rows([wide], levels).astype(np.float64)

    def _number(self, node: Node, levels: Whole) -> Whole:
        first, read = self.rule.reads[node], self.read
        channels = slice(first, first + node.shape[0]) if read.factor.size > 1 else slice(1)
        factor, bias = (
            x[channels].reshape(-1, *[1] * (len(node.shape) - 1)) for x in (read.factor, read.bias)
        )
        return np.asarray(scaled(levels, factor, read.shift) + bias)

    def _value(self, node: Node, values: Mapping[Node, Whole], row: Mapping[Node, Whole]) -> Whole:
        inputs = [values[x] for x in node.inputs if x in values]
        match node.op.name:
            case "linear":
                sums, x = self.sums[node], source_of(node.inputs[1])
                if x in row:
                    return sums.of(row[x])
                total = moved(inputs[-1] @ sums.weights.T, self.shifts[node])
                return np.asarray(scaled(total, sums.factor, sums.shift))
            case "shares":
                return shares(inputs[0], self.shifts[node], bool(node.attributes[0]))
            case name if name in TOTALS:
                return np.asarray(
                    moved(node.op.value(*inputs, *node.attributes), self.shifts[node])
                )
            case name if name in PASSED_ON:
                return node.op.value(*inputs, *node.attributes)  # type: ignore[return-value]
        return np.asarray(self.ops[node].of(*inputs))


# Conversion from floats.


def weighs_inputs(rule: Rule) -> bool:
    """Whether sums inside the rule read its channels, which must then have one step."""
    weighed = {source_of(x) for node in rule.order for x in node.inputs if node.op.name == "linear"}
    return not weighed.isdisjoint(rule.reads)


def whole_formula(rule: Rule, step: Array, zero: float, rows: Array) -> WholeFormula:
    """Convert a rule that reads levels of this step, or of one for each channel; `rows` is its
    input in floats."""
    known = frozenset(n for n, op in OPS.items() if n in ("sigmoid", *ALIGNED) or not op.expansion)
    says = Vocabulary(SAYS.target, known, SAYS.remedy)
    rewritten = says.rewrite(rule.results[0], rule.name, rule.name, rule.reads)
    order = ancestors([rewritten], stop=rule.reads)
    fixed = evaluate_in_order([node for node in order if not node.each], rule.tensors, 1)
    read = [x for node in order if node.each and node not in rule.reads for x in node.inputs]
    tensors = {node: np.asarray(fixed[node]) for node in map(_beneath, read) if not node.each}
    rule = Rule(rule.name, (rewritten,), rule.reads, (), tensors, rule.steps)
    return _Settling(rule, step, zero, rule.values(rows[:SAMPLES], [rewritten])).formula()


def _beneath(node: Node) -> Node:
    """Find the part of a constant that is stored."""
    return _beneath(node.inputs[0]) if not node.each and node.op.name in PASSED_ON else node


def _point(numbers: Array, bits: int = PRECISE) -> int:
    most = float(abs(numbers).max(initial=0))
    if not np.isfinite(most):
        raise TargetError(TOO_UNLIKE)
    return min(bits - ceil(log2(max(most, 2.0**-MOST_POINT))), MOST_POINT)


class _Settling:
    """Goes through a rule's values and sets their points."""

    def __init__(self, rule: Rule, step: Array, zero: float, values: Values) -> None:
        self.rule, self.step, self.zero, self.values = rule, step, zero, values
        self.points: dict[Node, int] = {}
        self.ops: dict[Node, WholeOp] = {}
        self.shifts: dict[Node, int] = {}
        self.sums: dict[Node, WholeSum] = {}
        self.constants: dict[object, Whole] = {}

    def formula(self) -> WholeFormula:
        ends = self.step.max() * (np.array([-128, 127]) - self.zero)
        of_levels = _point(ends)
        weights = {node.inputs[0] for node in self.rule.order if node.op.name == "linear"}
        for node in self.rule.order:
            if node in self.rule.reads:
                self.points[node] = of_levels
            elif node in weights:
                self.points[node] = 0
            elif node in self.rule.tensors:
                self.points[node] = _point(self.rule.tensors[node])
                exact = self.rule.tensors[node] * 2.0 ** self.points[node]
                self.constants[node] = np.rint(exact).astype(np.int64)
            else:
                self.points[node] = self._settle(node)
        (result,) = self.rule.results
        point = min(_point(self.values[result], MADE), self.points[result])
        read = self._level_read(of_levels)
        return WholeFormula(
            self.rule, read, self.points, self.ops, self.shifts, self.sums, self.constants, point
        )

    def _level_read(self, point: int) -> WholeSum:
        """The conversion of a level to a number."""
        factor, shift = factors_of(self.step * 2.0**point)
        bias = np.rint(-self.zero * self.step * 2.0**point).astype(np.int64)
        if len(factor) > 1:
            self.constants |= {"factors of levels": factor, "biases of levels": bias}
        return WholeSum(np.ones((1, 1), np.int64), bias, factor, shift)

    def _settle(self, node: Node) -> int:
        """Return the point of a value, and record how it is computed."""
        best, points = _point(self.values[node]), [self.points[x] for x in node.inputs]
        match node.op.name:
            case name if name in PASSED_ON:
                point = points[0]
            case name if name in ALIGNED:
                point = self._align(node, min(best, *points[name == "choose" :]))
            case name if name in TOTALS:
                point = min(best, sum(points))
                self.shifts[node] = point - sum(points)
            case "shares":
                self.shifts[node] = UNIT_BITS - points[0]
                point = UNIT_BITS
            case "linear":
                point = self._weigh(node, best)
            case "multiply":
                point = self._product(node, best, points, "(int64_t){0} * {1}", np.multiply)
            case "power" if node.inputs[1].is_constant(2):
                squared = "(int64_t){0} * {0}"
                point = self._product(node, best, 2 * points[:1], squared, lambda x, _: x * x)
            case "divide":
                point = min(best, points[0] - points[1] + MOST_UP)
                by = point + points[1] - points[0]
                self._note(node, f"quotient({{0}}, {{1}}, {by})", lambda a, b: quotient(a, b, by))
            case "sqrt":
                point = max(min(best, (MOST_UP + points[0]) // 2), (points[0] + 1) // 2)
                by = 2 * point - points[0]
                self._note(node, f"root({{0}}, {by})", lambda x: root(x, by))
            case "exp":
                point = self._exponential(node, best, UNIT_BITS - points[0])
            case "sigmoid" | "tanh":
                point, by, op = UNIT_BITS, UNIT_BITS - points[0], OF_RULES[node.op.name]
                words = op.words.format(f"moved({{0}}, {by})")
                self._note(node, words, lambda x: op.of(moved(x, by)))
            case _:
                point = self._curve(node, best)
        return point

    def _note(self, node: Node, words: str, of: Callable[..., Any]) -> None:
        self.ops[node] = WholeOp(words, of)

    def _product(
        self, node: Node, best: int, points: Sequence[int], words: str, of: Callable[..., Any]
    ) -> int:
        point = min(best, sum(points))
        by = point - sum(points)
        self._note(node, f"moved({words}, {by})", lambda *xs: moved(of(*xs), by))
        return point

    def _align(self, node: Node, point: int) -> int:
        """Write an op on values that are shifted to the same point first."""
        op, condition = ALIGNED[node.op.name], node.op.name == "choose"
        points = (self.points[x] for x in node.inputs)
        by = [0 if condition and k == 0 else point - before for k, before in enumerate(points)]
        terms = [f"moved({{{k}}}, {bits})" if bits else f"{{{k}}}" for k, bits in enumerate(by)]
        words = op.words.format(*terms)
        for term in terms[2:] if node.op.name == "largest" else ():
            words = op.words.format(words, term)

        def of(*xs: Whole) -> Any:
            return op.of(*(moved(x, k) if k else x for x, k in zip(xs, by, strict=True)))

        self._note(node, words, of)
        return point

    def _exponential(self, node: Node, best: int, by: int) -> int:
        """Write it as a fraction of the largest power."""
        top = round(float(self.values[node.inputs[0]].max()) * 2**UNIT_BITS)
        factor, shift = factors_of(np.array([exp(top / 2**UNIT_BITS) * 2.0 ** (best - UNIT_BITS)]))
        words = f"scaled(exp_of(moved({{0}}, {by}) - ({top})), {factor[0]}, {shift})"
        self._note(node, words, lambda x: scaled(exp_of(moved(x, by) - top), factor[0], shift))
        return best

    def _weigh(self, node: Node, point: int) -> int:
        """Write sums of levels, or of numbers that are shifted down to fit 32 bits."""
        tensor, x = node.inputs[0], source_of(node.inputs[1])
        weights = self.rule.tensors[tensor]
        none = np.zeros(len(weights))
        if x in self.rule.reads:
            sums = whole_sum(weights, none, self.step.item(), self.zero, point)
        else:
            self.shifts[node] = down = -(7 + weights.shape[1].bit_length())
            sums = whole_sum(weights, none, 2.0 ** -(self.points[x] + down), 0, point)
        self.sums[node] = sums
        self.constants |= {(node, "bias"): sums.bias, (node, "factor"): sums.factor}
        return point

    def _curve(self, node: Node, point: int) -> int:
        """Write a function as a table over the samples' values and half as much again."""
        each = [x for x in node.inputs if x.each]
        if len(each) != 1 or node.op.shape is not same_shape:
            raise TargetError(
                f"{self.rule.name} can't be written with --int8, which has no words for "
                f"{node.op.name}: leave out --int8"
            )
        (x,) = each
        unit = 2.0 ** -self.points[x]
        low, high = self.values[x].min() / unit, self.values[x].max() / unit
        first = round(low - (high - low) / 4)
        width = max(0, ceil(log2(max((high - low) * 1.5 / PIECES, 1))))
        places = (first + (np.arange(PIECES + 1) << width)) * unit
        inputs = [
            places if source is x else np.asarray(self.rule.tensors[source])
            for source in node.inputs
        ]
        with np.errstate(all="ignore"):
            exact = np.nan_to_num(node.op.value(*inputs, *node.attributes) * 2.0**point)
        curve = SampledCurve(within(np.rint(exact)).astype(np.int64), first, width)
        self.constants[node, "curve"] = curve.numbers
        place = node.inputs.index(x)
        words = f"looked_up({{table}}, {{{place}}}, {first}, {width})"
        self._note(node, words, lambda *xs: curve.of(xs[place]))
        return point
