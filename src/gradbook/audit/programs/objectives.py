"""Which recorded number is the loss; where none is, which losses its differences suggest.

Knows how programs write a loss, and no gradient.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import prod
from operator import itemgetter
from typing import Any

import numpy as np

from gradbook.audit.core.implied_losses import loss_of
from gradbook.audit.core.training_step import Objective
from gradbook.audit.programs.loss_words import CLASSES, HINGE, SQUARES, TWO_CLASSES
from gradbook.audit.programs.stepping import StepSpan
from gradbook.recording.calls import RecordedCall, Ref

MOST_STATED = 8
MOST_PAIRS = 6
MOST_PARTS = 64  # of a batch whose gradients are added up
LOSS = re.compile("loss|cost|error|entropy|objective|likelihood|mse|nll", re.IGNORECASE)
TINY = 1e-4  # a constant below it only keeps a logarithm or a root finite


def first_call(calls: list[RecordedCall], span: StepSpan) -> int:
    """Where the step begins: calls before it belong to the step before.

    A number that isn't computed may be first used in the midst of the first step.
    """
    computed = [moved.old for moved in span.moved if calls[moved.old].function is not None]
    return max(computed) + 1 if computed else min(moved.old for moved in span.moved) + 1


class Reach:
    """Which calls depend on the weights of the step, and which on the next ones."""

    def __init__(self, calls: list[RecordedCall], span: StepSpan) -> None:
        self.calls = calls
        self.first = first_call(calls, span)
        self.last = len(calls) - 1
        self.bits: dict[int, int] = {moved.old: 1 << n for n, moved in enumerate(span.moved)}
        self.late: set[int] = {index for moved in span.moved for index in moved.updates}
        for index in range(self.first, self.last + 1):
            if index in self.late:
                continue
            bits = 0
            for operand in calls[index].operands:
                if operand in self.late:
                    self.late.add(index)
                    break
                bits |= self.bits.get(operand, 0)
            if index not in self.late and bits:
                self.bits[index] = self.bits.get(index, 0) | bits

    def count(self, index: int) -> int:
        return self.bits.get(index, 0).bit_count()


def _ones(values: Sequence[Any]) -> list[Any]:
    return [1.0 for _ in values]


def stated_losses(
    calls: list[RecordedCall], span: StepSpan, reach: Reach, inside: set[int]
) -> list[Objective]:
    """Numbers that the program computes from its weights and doesn't need for its updates."""
    scalars = [
        index
        for index in range(reach.first, reach.last + 1)
        if reach.count(index)
        and index not in inside
        and np.size(calls[index].value) == 1
        and getattr(calls[index].value, "dtype", np.dtype(bool)).kind == "f"
    ]
    scalars = [index for index in scalars if calls[index].frames]
    used = _behind(calls, reach.first, set(scalars))
    ends = [index for index in scalars if index not in used] + [i for i in scalars if i in used]
    places: set[Any] = set()
    stated: list[int] = []
    counts = {index: reach.count(index) for index in scalars}
    best = max(counts.values(), default=0)
    for index in sorted(
        ends, key=lambda i: (-counts[i], i in used, not _is_called_loss(calls[i]), -i)
    ):
        place = calls[index].frames[0]
        if counts[index] == best and place not in places:
            places.add(place)
            stated.append(index)
    objectives = []
    within = {
        operand
        for index in scalars
        for operand in calls[index].operands
        if calls[operand].frames
        and calls[operand].frames[0][0] is calls[index].frames[0][0]
        and not any(  # such as a total over samples
            i < reach.first and calls[i].function is not None for i in calls[index].operands
        )
    }
    for index in stated[:MOST_STATED]:
        parts = [i for i in scalars if calls[i].frames == calls[index].frames]
        if 1 < len(parts) <= MOST_PARTS and not any(
            i in calls[j].operands for i in parts for j in parts
        ):
            objectives.append(Objective("", tuple(parts), _ones, False, index, index in within))
        objectives.append(Objective("", (index,), _ones, False, index, index in within))
    return objectives


def _is_called_loss(call: RecordedCall) -> bool:
    """Whether a function computes it that is called so."""
    return any(LOSS.search(code.co_name) for code, *_ in call.frames)


def _behind(calls: list[RecordedCall], first: int, ends: set[int]) -> set[int]:
    """All from which one of the ends is computed, such as a softmax's sum."""
    behind: set[int] = set()
    for index in range(max(ends, default=first), first - 1, -1):
        if index in ends or index in behind:
            behind.update(calls[index].operands)
    return behind


def _picked(values: Sequence[Any]) -> list[Any]:
    return [-1.0 / np.asarray(value) for value in values]


def _hinge(values: Sequence[Any]) -> list[Any]:
    return [(np.asarray(value) > 0) * 1.0 for value in values]


@dataclass
class Comparisons:
    """Where outputs are compared with targets, by the expression that does it."""

    pairs: dict[Any, list[tuple[int, Any]]] = field(default_factory=dict)
    picks: dict[Any, list[int]] = field(default_factory=dict)  # `p[label] - 1`
    margins: dict[Any, list[int]] = field(default_factory=dict)  # `1 - y * f`
    ones: dict[Any, list[tuple[int, Any]]] = field(default_factory=dict)  # `t - y` where t is 1
    subtracted_ones: dict[Any, list[tuple[int, Any]]] = field(default_factory=dict)

    def add(self, calls: list[RecordedCall], reach: Reach, index: int) -> None:
        call = calls[index]
        left, right = call.arguments
        moves = [isinstance(part, Ref) and part.index in reach.bits for part in (left, right)]
        if moves[0] == moves[1] or (call.function is np.divide and moves[0]):
            return
        output, target = (left, right) if moves[0] else (right, left)
        value = calls[target.index].value if isinstance(target, Ref) else target
        shape, place = np.shape(calls[output.index].value), call.frames[:2]
        is_one = call.function is np.subtract and np.size(value) == 1 and np.all(value == 1)
        if is_one and _is_typed(calls, target):
            if calls[output.index].name == "getitem" and moves[0]:
                self.picks.setdefault(place, []).append(output.index)
            elif moves[1]:
                if _is_signed(calls, reach, output.index):
                    self.margins.setdefault(place, []).append(index)
                self.ones.setdefault(place, []).append((output.index, value))
            else:
                self.subtracted_ones.setdefault(place, []).append((output.index, value))
        elif (np.size(value) > 1 or prod(shape) == 1 or shape == np.shape(value)) and _broadcasts(
            np.shape(value), shape
        ):
            self.pairs.setdefault(place, []).append((output.index, value))


def _broadcasts(first: tuple[int, ...], second: tuple[int, ...]) -> bool:
    try:
        np.broadcast_shapes(first, second)
    except ValueError:
        return False
    return True


def implied_losses(calls: list[RecordedCall], reach: Reach) -> list[Objective]:
    """Losses of outputs that are compared with targets, though no line computes a loss."""
    compared = Comparisons()
    for index in range(reach.first, reach.last + 1):
        call = calls[index]
        if index in reach.bits and call.function in (np.subtract, np.divide):
            compared.add(calls, reach, index)
    for place, each in compared.pairs.items():  # of these targets some may be 1
        each += [*compared.ones.pop(place, ()), *compared.subtracted_ones.get(place, ())]
        each.sort(key=itemgetter(0))
        compared.margins.pop(place, None)
    pairs = [*compared.pairs.values(), *compared.ones.values()]
    best = max((reach.count(o) for each in pairs for o, _ in each), default=0)
    objectives: list[Objective] = []
    for each in pairs[:MOST_PAIRS]:
        if max(reach.count(o) for o, _ in each) < best:
            continue
        outputs, targets = [o for o, _ in each], [t for _, t in each]
        objectives += [loss_of(loss, outputs, targets) for loss in (SQUARES, TWO_CLASSES, CLASSES)]
    for picked in compared.picks.values():
        objectives.append(Objective(CLASSES, tuple(picked), _picked, True))
    for margins in compared.margins.values():
        objectives.append(Objective(HINGE, tuple(margins), _hinge, True))
    return objectives


def _is_signed(calls: list[RecordedCall], reach: Reach, index: int) -> bool:
    """Whether the value is another times 1 or -1, as classes are named for a margin."""
    call = calls[index]
    signs = [
        calls[part.index].value if isinstance(part, Ref) else part
        for part in call.arguments
        if not (isinstance(part, Ref) and part.index in reach.bits)
    ]
    return call.function is np.multiply and len(signs) == 1 and bool(np.all(np.abs(signs[0]) == 1))


def _is_typed(calls: list[RecordedCall], part: Any) -> bool:
    """Whether the number stands in the source."""
    return not isinstance(part, Ref) or (
        calls[part.index].function is None and np.shape(calls[part.index].value) == ()
    )


def finite_guards(calls: list[RecordedCall], first: int, last: int) -> frozenset[int]:
    """Calls such as `p + 1e-8` or `clip(p, 1e-7, 1 - 1e-7)`, which change a loss a little."""
    guards = set()
    for index in range(first, last + 1):
        call = calls[index]
        if call.function is np.add and len(call.arguments) == 2:
            if _is_tiny(calls, call.arguments[1]):
                guards.add(index)
        elif call.name in ("clip", "maximum", "minimum") and len(call.arguments) >= 2:
            bounds = [*call.arguments[1:], *call.options.values()]
            if any(_is_tiny(calls, bound) for bound in bounds):
                guards.add(index)
    return frozenset(guards)


def _is_tiny(calls: list[RecordedCall], part: Any) -> bool:
    value = calls[part.index].value if isinstance(part, Ref) else part
    if isinstance(part, Ref) and calls[part.index].function is not None:
        return False
    if not isinstance(value, (float, int, np.floating)) or isinstance(value, bool):
        return False
    return 0 < abs(float(value)) <= TINY
