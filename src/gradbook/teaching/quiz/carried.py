"""A whole step in one question: a value is right, too, if it follows from the student's own.

So a mistake costs one value and not all that come after it. What follows from what is the graph's
own formula of each value, in which the values that are asked for are the student's.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import isfinite

from gradbook.language import tr
from gradbook.targets.algebra.printing import decimal
from gradbook.teaching.quiz.questions import CarriedValue, WholeStep
from gradbook.teaching.quiz.slips import FirstStep


def whole_step(first: FirstStep, student: str) -> WholeStep | None:
    """The forward pass, the derivatives and the weights after it; None for several samples."""
    step = first.step
    if step.samples > 1:
        return None
    weights = set(step.weights)
    memories = [leaf for leaf in step.start if leaf not in weights]
    leaves = [*step.inputs, *step.targets, *step.weights, *memories]
    numbers = {leaf: first.value(leaf, 0) for leaf in leaves} | {step.rate: first.rate}
    given = tuple((str(leaf.name), decimal(number)) for leaf, number in numbers.items())
    values = tuple(_values(first))
    if not all(isfinite(one.number) for one in values):
        return None
    return WholeStep(student, given, numbers, values)


def _values(first: FirstStep) -> Iterator[CarriedValue]:
    step = first.step
    for node in first.known.derived.forward:
        yield CarriedValue(str(node.name), first.value(node, 0), node)
    for weight in step.trained:
        slope = step.gradients[weight]
        yield CarriedValue(str(slope.name), first.value(slope, 0), slope)
    for weight in step.trained:
        after = step.next[weight]
        yield CarriedValue(
            tr("{name} after the step", name=weight.name), first.after(weight), after
        )
