"""What every cell will show: the reference run, with the errors that a sheet makes of overflow."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from gradbook.graph.node import Array, Node, needed
from gradbook.graph.reference import Values
from gradbook.net.step import Step, run
from gradbook.targets.excel.language.spelling import spelled_out

Mask = Any  # an array of True and False

NUMBER_ERROR = "#NUM!"
LOWEST_EXP = -700.0  # below it EXP(-x) in a sigmoid overflows, or nearly
SMALLEST_POWER = 1e-300  # below it floats lose digits (denormal numbers)


@dataclass(frozen=True)
class RecordedRun:
    """Each named value over the epochs (and samples); NaN where a sheet shows an error."""

    values: Mapping[Node, Array]
    extreme: frozenset[str]  # ops that met values at which their usual spelling fails
    last: Mapping[Node, Array]  # what was asked for besides, in the last epoch


def record(
    step: Step,
    epochs: int,
    rate: float,
    blank: Collection[Node] = (),
    last: Sequence[Node] = (),
) -> RecordedRun:
    """Run the step; values of `blank` count as 0, as empty cells do.

    Of `last`, which the step itself needn't need, the values of the last epoch are kept.
    """
    zeros = {
        node: np.zeros(step.samples if node.each else ()) for node in blank if node not in step.next
    }
    order = needed([*step.inputs, *step.targets, step.loss, *step.outputs, *step.next.values()])
    kept = [node for node in order if node.name is not None]
    delicate = [node for node in spelled_out(order) if node.op.name in EXTREME]
    rows: dict[Node, list[Array]] = {node: [] for node in kept}
    extreme: set[str] = set()
    broken = _Errors(step)
    nothing = step.graph.constant(0.0)
    stopped = {leaf: nothing for leaf in blank if leaf in step.next}
    filled = replace(step, data={**step.data, **zeros}, next={**step.next, **stopped})
    values: Values = {}
    for values in run(filled, epochs, rate, watch=[*delicate, *order, *last]):
        errors = broken.after(order, values)
        for node in delicate:
            if node.op.name not in extreme and EXTREME[node.op.name](node, values):
                extreme.add(node.op.name)
        for node in kept:
            value = values[node]
            rows[node].append(np.where(errors[node], np.nan, value) if errors else value)
    return RecordedRun(
        {node: np.array(found) for node, found in rows.items()},
        frozenset(extreme),
        {node: values[node] for node in last},
    )


EXTREME: dict[str, Callable[[Node, Values], bool]] = {  # when the usual spelling of an op fails
    "sigmoid": lambda node, values: bool(np.any(values[node.inputs[0]] < LOWEST_EXP)),
    "power": lambda node, values: bool(np.any(np.abs(values[node]) < SMALLEST_POWER)),
}


class _Errors:
    """Which values are errors in a sheet, where an error spreads to all that refers to it."""

    def __init__(self, step: Step) -> None:
        self.step = step
        self.state: dict[Node, Mask] = {}  # of leaves, from the step before

    def after(self, order: list[Node], values: Values) -> dict[Node, Mask]:
        """Of this step's values; empty where all is well."""
        every = np.concatenate([np.ravel(values[node]) for node in order])
        if not self.state and np.isfinite(every).all():
            return {}
        errors: dict[Node, Mask] = {}
        for node in order:
            errors[node] = self._error(node, values, errors)
        self.state = {leaf: errors[following] for leaf, following in self.step.next.items()}
        return errors

    def _error(self, node: Node, values: Values, errors: Mapping[Node, Mask]) -> Mask:
        own: Mask = ~np.isfinite(values[node])
        if node.op.name == "leaf":
            return own | self.state.get(node, np.False_)
        if node.op.name == "choose":
            condition, then, otherwise = node.inputs
            taken = np.where(values[condition] > 0, errors[then], errors[otherwise])
            return own | errors[condition] | taken
        if node.op.name == "total":
            return own | errors[node.inputs[0]].any()
        found = own
        for source in node.inputs:
            found = found | errors[source]
        return found


def shown(value: Any) -> float | str:
    """A number as a formula's result."""
    return float(value) if np.isfinite(value) else NUMBER_ERROR
