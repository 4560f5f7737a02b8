"""Losses: one block each, with the op of a target and an output, and the activation before it.

A call `loss(words, formula, op, …)` is all that a loss needs. Each is averaged over the samples.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any, ClassVar, cast

import numpy as np

from gradbook.graph.names import SAMPLE_ERROR, Name
from gradbook.graph.node import OPS, Array, Node, define
from gradbook.graph.ops import sigmoid_of
from gradbook.graph.tensors import array_of, reshape, softmax, spread, sum_last, sum_of
from gradbook.language import mark

HALF_SURE = 0.5  # a single output at or above it means class 1, below it class 0


class Loss(str):
    """A measure of the distance between outputs and targets, by its words in the text form."""

    HALF_SQUARED: ClassVar[Loss]
    SQUARED: ClassVar[Loss]
    ABSOLUTE: ClassVar[Loss]
    BINARY: ClassVar[Loss]
    CROSS: ClassVar[Loss]

    op: str  # of targets and outputs, or of targets and the ending activation's input
    ending: str  # the activation whose probabilities it measures, in terms of their input
    summed: bool  # over the outputs; otherwise averaged
    of_all: bool  # whether the op depends on all outputs at once
    formula: str
    synonyms: tuple[str, ...]
    reader: Callable[[str], Loss]  # by which it is made again where it arrives

    def __new__(cls, words: str) -> Loss:
        if words not in LOSSES:
            raise ValueError(f"no loss {words!r}")
        return LOSSES[words]

    def __reduce__(self) -> tuple[Callable[[str], Loss], tuple[str]]:
        return self.reader, (str(self),)

    def __repr__(self) -> str:
        return f"Loss({str(self)!r})"

    @property
    def is_entropy(self) -> bool:
        """Whether it measures probabilities by their logarithms."""
        return bool(self.ending)

    @property
    def over_outputs(self) -> str:
        """How the errors of several outputs are combined."""
        return "of all" if self.of_all else "summed" if self.summed else "averaged"

    @property
    def usage(self) -> str:
        """The formula, how outputs are combined, and the activation that it requires."""
        together = "" if self.of_all else f", {self.over_outputs}"
        return self.formula + together + (f"; after {self.ending}" if self.ending else "")


LOSSES: dict[str, Loss] = {}


def loss(
    words: str,
    formula: str,
    op: str,
    value: Callable[..., Any],
    ending: str = "",
    summed: bool = False,
    of_all: bool = False,
    synonyms: tuple[str, ...] = (),
    **parts: Callable[..., Any],
) -> Loss:
    """Register a loss and its op."""
    new = LOSSES[words] = unlisted_loss(words, formula, op, value, **parts)
    new.ending, new.summed, new.of_all, new.synonyms = ending, summed, of_all, synonyms
    return new


def unlisted_loss(
    words: str, formula: str, op: str, value: Callable[..., Any], **parts: Callable[..., Any]
) -> Loss:
    """A loss that stands in no table, of each output alone; its op is registered."""
    define(op, value, **parts)
    new = str.__new__(Loss, words)
    new.op, new.formula, new.reader = op, formula, Loss
    new.ending, new.summed, new.of_all, new.synonyms = "", False, False, ()
    return new


# Of numbers ----------------------------------------------------------------------


def _is_positive(x: Node) -> Node:
    return x.graph.make("choose", x, 1, 0)


Loss.HALF_SQUARED = loss(
    mark("half squared error"),
    "½(t − a)²",
    "half_square",
    lambda t, a: 0.5 * (t - a) ** 2,
    summed=True,
    derivative=lambda d, y, t, a: (d * (t - a), d * (a - t)),
    expansion=lambda t, a: 0.5 * (t - a) ** 2,
)
Loss.SQUARED = loss(
    mark("mean squared error"),
    "(t − a)²",
    "square",
    lambda t, a: (t - a) ** 2,
    synonyms=("mse",),
    derivative=lambda d, y, t, a: (d * 2 * (t - a), d * 2 * (a - t)),
    expansion=lambda t, a: (t - a) ** 2,
)
Loss.ABSOLUTE = loss(
    mark("mean absolute error"),  # its slope at 0, its corner, is 0
    "|t − a|",
    "absolute_error",
    lambda t, a: np.abs(t - a),
    synonyms=("mae",),
    derivative=lambda d, y, t, a: (
        d * (_is_positive(t - a) - _is_positive(a - t)),
        d * (_is_positive(a - t) - _is_positive(t - a)),
    ),
    expansion=lambda t, a: t.graph.make("relu", t - a) + t.graph.make("relu", a - t),
)


def _huber(t: Node, a: Node) -> Node:
    size = t.graph.make("absolute_error", t, a)
    return t.graph.make("choose", size - 1, size - 0.5, 0.5 * (t - a) ** 2)


def _at_most_one(off: Node) -> Node:
    """An output's error, limited to the range from −1 to 1."""
    make = off.graph.make
    return make("choose", off - 1, 1, make("choose", -1 - off, -1, off))


loss(
    mark("huber loss"),  # Huber (1964): outliers count by their distance, not by its square
    "½(t − a)² up to a distance of 1, then |t − a| − ½",
    "huber",
    lambda t, a: np.where(np.abs(t - a) <= 1, 0.5 * (t - a) ** 2, np.abs(t - a) - 0.5),
    synonyms=("huber", "smooth l1"),
    derivative=lambda d, y, t, a: (d * _at_most_one(t - a), d * _at_most_one(a - t)),
    expansion=_huber,
)

# Of probabilities ----------------------------------------------------------------

Loss.BINARY = loss(
    mark("binary cross-entropy"),  # in a form in which no logarithm overflows
    "−t·ln a − (1−t)·ln(1−a)",
    "binary_cross_entropy",
    lambda t, o: np.maximum(o, 0) + np.log1p(np.exp(-np.abs(o))) - t * o,
    ending="sigmoid",
    synonyms=("bce",),
    derivative=lambda d, y, t, o: (-d * o, d * (sigmoid_of(o) - t)),
    expansion=lambda t, o: o.graph.make("softplus", o) - t * o,
)
Loss.CROSS = loss(
    mark("cross-entropy"),  # for targets that sum to 1
    "−Σ t·ln a",
    "cross_entropy",
    lambda t, o: np.logaddexp.reduce(o, axis=-1) - (t * o).sum(axis=-1),
    ending="softmax",
    of_all=True,
    synonyms=("ce", "crossentropy", "cross entropy"),
    shape=lambda t, o: o[:-1],
    derivative=lambda d, y, t, o: (
        -spread(d, o.shape[-1:]) * o,
        spread(d, o.shape[-1:]) * (softmax(o) - t),
    ),
    elements=lambda t, o: array_of(
        o.shape[:-1], lambda *at: o.item(0).graph.make("cross_entropy_of", *t[at], *o[at])
    ),
)


def _halves(values: tuple[Any, ...]) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    return values[: len(values) // 2], values[len(values) // 2 :]


def _cross_entropy_of(*values: Array) -> Any:
    ts, os = _halves(values)
    return reduce(np.logaddexp, os) - sum(t * o for t, o in zip(ts, os, strict=True))


def _cross_entropy_of_derivative(d: Node, y: Node, *values: Node) -> tuple[Node, ...]:
    ts, os = _halves(values)
    total = d.graph.make("log_sum_exp", *os)
    shares = (d.graph.make("exp", o - total) - t for t, o in zip(ts, os, strict=True))
    return (*(-d * o for o in os), *(d * share for share in shares))


def _cross_entropy_of_expansion(*values: Node) -> Node:
    ts, os = _halves(values)
    total: Node = os[0].graph.make("log_sum_exp", *os)
    return total - sum_of(t * o for t, o in zip(ts, os, strict=True))


define(
    "cross_entropy_of",  # the cross-entropy of single values: t1, t2, …, o1, o2, …
    _cross_entropy_of,
    derivative=_cross_entropy_of_derivative,
    expansion=_cross_entropy_of_expansion,
)

# The error of a sample -----------------------------------------------------------


@dataclass(frozen=True)
class SampleError:
    """One sample's error, given the last layer's output and input."""

    loss: Loss
    outputs: int
    smoothing: float = 0.0  # the share of the targets that is spread over all outputs
    weighted: bool = False  # whether each sample's weight is behind its targets
    masked: bool = False  # whether some steps of a sequence may have no target: zeros only

    def of(self, value: Node, before: Node, targets: Node) -> Node:
        if not self.weighted:
            return self._once(value, before, targets)
        weight, targets = (
            value.graph.make("part", targets, attributes=(first, count, 1))
            for first, count in ((self.outputs, 1), (0, self.outputs))
        )
        return reshape(weight, ()) * self._once(value, before, targets)

    def _once(self, value: Node, before: Node, targets: Node) -> Node:
        measured = reshape(before, value.shape) if self.loss.ending else value
        wanted = targets
        if self.smoothing:
            share = value.graph.constant(self.smoothing)
            wanted = smooth(targets, share, targets.shape[-1])
        errors = value.graph.make(self.loss.op, wanted, measured)
        if self.loss.of_all:
            return self._named(errors if not errors.shape else self._over_steps(errors, targets))
        errors = value.graph.named(errors, Name("E"))
        if self.outputs == 1:
            return reshape(errors, ())
        total = sum_last(errors, len(errors.shape))
        return self._named(total if self.loss.summed else total / self.outputs)

    def _over_steps(self, errors: Node, targets: Node) -> Node:
        """The mean over the steps; if some may have no target, over those that have one."""
        errors = errors.graph.named(errors, Name("E"))
        if not self.masked:
            return sum_last(errors, 1) / errors.shape[0]
        counts = sum_last(targets, 1)
        return sum_last(counts * errors, 1) / sum_last(counts, 1)

    @staticmethod
    def _named(error: Node) -> Node:
        return error.graph.named(error, SAMPLE_ERROR) if error.each else error


def smooth(targets: Node, share: Node, outputs: int) -> Node:
    """Targets of which a share is spread over all outputs."""
    return (1 - share) * targets + share / outputs


def op_of_all(loss: Loss, targets: Sequence[Node], outputs: Sequence[Node]) -> Node:
    """The error that a loss computes from all outputs at once, each a single value."""
    take_apart = OPS[loss.op].elements
    assert take_apart
    arrays = (array_of((len(nodes),), nodes.__getitem__) for nodes in (targets, outputs))
    return cast(Node, take_apart(*arrays).item())


def weighed_targets(targets: Array, weights: Array) -> Array:
    """Targets (samples, outputs) with each sample's weight behind them."""
    return np.concatenate([targets, weights[:, None]], axis=1)
