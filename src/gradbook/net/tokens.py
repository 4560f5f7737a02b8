"""Tokens of a sequence: their numbers in texts, and the 0s and 1s that networks read.

If the input is 'tokens 8 of 27', each of 8 steps is one of 27 tokens: a 1 at its place, counted
from 0, among 0s. Targets that are classes are also given by number, one for each step.
"""

from __future__ import annotations

from collections.abc import Sequence

from gradbook.amounts import counted
from gradbook.errors import ShapeError
from gradbook.net.description import Description, Sample
from gradbook.statements import digits

NO_TARGET = -1  # for a step without a target
COUNT = "{given}, but the input takes {wanted}: cut longer ones, and train shorter ones separately"
UNKNOWN = "{what} {value} isn't one of {count}, which are counted from 0 to {last}"
NOT_ALONE = "step {step} isn't a token: give it a single 1 among 0s"


def with_tokens_spelled_out(net: Description, sample: Sample) -> Sample:
    """The sample with 0s and 1s instead of the numbers of tokens and of classes as targets."""
    steps, kinds = net.input
    if len(sample.inputs) != steps:
        count, wanted = counted(len(sample.inputs), "token"), counted(steps, "token")
        raise ShapeError(COUNT.format(given=count, wanted=wanted))
    inputs = [_place("token", value, kinds) for value in sample.inputs]
    targets = sample.targets
    *places, classes = net.wanted
    if net.objective.of_all and classes > 1 and len(targets) == (places or [1])[0]:
        known = [_place("class", value, classes, bool(places)) for value in targets]
        targets = _ones(known, classes)
    return Sample(_ones(inputs, kinds), targets)


def _place(what: str, value: float, count: int, may_be_none: bool = False) -> int | None:
    if may_be_none and value == NO_TARGET:
        return None
    if value not in range(count):
        raise ShapeError(
            UNKNOWN.format(what=what, value=digits(value), count=f"{count:,}", last=count - 1)
        )
    return int(value)


def _ones(places: Sequence[int | None], count: int) -> tuple[float, ...]:
    return tuple(float(place == k) for place in places for k in range(count))


def tokens_in(values: Sequence[float], count: int, may_be_none: bool = False) -> list[int] | None:
    """The places of the 1s in rows of this many 0s and 1s; None if a row is anything else."""
    tokens = []
    for start in range(0, len(values), count):
        row = values[start : start + count]
        if may_be_none and not any(row):
            tokens.append(NO_TARGET)
        elif row.count(1) == 1 and row.count(0) == count - 1:
            tokens.append(row.index(1))
        else:
            return None
    return tokens


def require_tokens(net: Description, sample: Sample) -> None:
    """Refuse a sample with a step that isn't one of the tokens."""
    steps, kinds = net.input
    for step in range(steps):
        if tokens_in(sample.inputs[step * kinds : (step + 1) * kinds], kinds) is None:
            raise ShapeError(NOT_ALONE.format(step=step + 1))


def with_tokens_by_number(net: Description, sample: Sample) -> Sample:
    """The reverse: a sample with the numbers of tokens, and of targets that are classes."""
    *places, classes = net.wanted
    inputs = tokens_in(sample.inputs, net.input[1]) or sample.inputs
    known = None
    if net.objective.of_all and classes > 1:
        known = tokens_in(sample.targets, classes, bool(places))
    return Sample(tuple(inputs), tuple(known or sample.targets))
