"""What a page needs to judge a learning rate: the criteria as tables, and the lines of its numbers.

The conditions are those of `gradbook.rates.criteria`. A condition is a list: ["and", …], ["or", …],
["not", condition], ["<=", measure, bound] or ["is", its name]; a bound is a number, a measure's
name, or [factor, measure].
"""

from __future__ import annotations

from collections.abc import Mapping
from math import inf, isfinite
from typing import Any

from gradbook.graph.bounds import bounds
from gradbook.graph.node import Node
from gradbook.language import tr
from gradbook.net import Loss
from gradbook.net.step import Step
from gradbook.rates import criteria as c
from gradbook.rates.criteria import (
    Bound,
    Condition,
    Either,
    Every,
    Inequality,
    Logic,
    Measure,
    Multiple,
    Negated,
)
from gradbook.rates.sweep import limit_table
from gradbook.rates.trial import LayerGate

THRESHOLDS = {
    "late": [c.LATE, c.LEAST_LATE[c.LATE]],
    "latest": [c.LATEST, c.LEAST_LATE[c.LATEST]],
    "rise": c.RISE,
    "bottom": c.BOTTOM,
    "asLow": c.AS_LOW,
    "enough": c.LEFT_AFTER_SUCCESS,
}


def criteria_table() -> dict[str, Any]:
    """The criteria, which are the same for every network."""
    named = [condition for condition in vars(c).values() if isinstance(condition, Condition)]
    names = {str(verdict): tr(verdict) for verdict in c.MEANINGS}
    other_names = {verdict: words for verdict, words in names.items() if words != verdict}
    return {
        **THRESHOLDS,
        "conditions": {condition.name: _as_list(condition.meaning) for condition in named},
        "broken": _as_list(c.BROKEN),
        "sound": _as_list(~c.IS_SATURATED),
        "rests": _as_list(c.SETTLED & ~c.FROZEN),
        "trains": _as_list(c.TRAINS),
        "decisions": [[_as_list(condition), str(verdict)] for condition, verdict in c.DECISIONS],
        "otherwise": str(c.OTHERWISE),
        "meanings": {str(verdict): tr(words) for verdict, words in c.MEANINGS.items()},
        **({"words": other_names} if other_names else {}),
        "limit": limit_table(),
    }


def _as_list(condition: Logic) -> list[Any]:
    match condition:
        case Condition(name):
            return ["is", name]
        case Negated(part):
            return ["not", _as_list(part)]
        case Every(parts):
            return ["and", *map(_as_list, parts)]
        case Either(parts):
            return ["or", *map(_as_list, parts)]
        case Inequality(left, sign, right):
            return [sign, left.name, _bound(right)]
    raise AssertionError(f"no condition: {condition}")


def _bound(bound: Bound) -> Any:
    match bound:
        case Measure(name):
            return name
        case Multiple(factor, measure):
            return [factor, measure.name]
        case _:
            return bound


def gate_table(gate: LayerGate, places: Mapping[Node, int]) -> dict[str, Any]:
    """The lines of the gradients before and after a layer's activations, and of their slopes."""
    kinds = {"slopes": gate.slopes, "arriving": gate.arriving, "passing": gate.passing}
    lines = {kind: [places[node] for node in nodes] for kind, nodes in kinds.items()}
    return {"covers": gate.covers, "hidden": gate.is_hidden, **lines}


def least_loss(step: Step) -> Node:
    """The loss of perfect outputs: 0, or the entropy of targets between 0 and 1."""
    make, graph = step.graph.make, step.graph

    def surprise(chance: Node) -> Node:
        return -chance * make("log", make("choose", chance, chance, 1))

    match step.net.objective:
        case Loss.CROSS:
            parts, share = [surprise(t) for t in step.targets], 1
        case Loss.BINARY:
            parts = [surprise(t) + surprise(1 - t) for t in step.targets]
            share = len(parts)
        case _:
            return graph.constant(0)
    entropy = sum(parts[1:], parts[0]) / share
    return make("total", entropy) / step.count if step.count else entropy


def least_of_formulas(step: Step) -> Node | None:
    """The number below which the result of formulas can't fall; None if none is known."""
    least, _ = bounds(step.loss, {step.count: (1, inf)} if step.count else {})
    return step.graph.constant(least) if isfinite(least) else None
