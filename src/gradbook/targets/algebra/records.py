"""A derivation for programs: one record for each value, shared step and weight.

    {
      "network": the text form,
      "made_up": what to say of inputs and targets that are; "" where a sample is given,
      "error": E_total of the first epoch,
      "forward": [{"name", "formula", "value"}, …],
      "shared": [{"name", "chain", "formula", "value"}, …],   the steps that several weights share
      "weights": [{"name", "chain", "formula", "gradient", "value", "next"}, …]
    }

A chain is in partials, a formula in values; both are spelled as the terminal shows them. Σ adds
over the samples. A value that every sample has its own of is a list, in the order of the samples.
A number that is infinite or undefined is null.

On one input the record has one weight, the products that its gradient adds up, and the way from
there to the error:

    {
      "network": the text form,
      "error": E_total of this input,
      "outputs": what the network makes of it,
      "weight": {"name", "layer" (from 0), "place", "value", "gradient", "measured"},
      "products": [{"value", "slope", "factor", "product"}, …],   the largest first
      "way": [{"value", "slope", "feeds": [{"value", "slope", "arriving"}, …]}, …]
    }

Values are called as the derivation calls them. "slope" of a value is ∂E_total/∂it; of what it
feeds it is how that changes with it, and "arriving" how the error changes with that.
"""

from __future__ import annotations

from math import isfinite
from typing import Any

import numpy as np

from gradbook.graph.node import Array, Node
from gradbook.graph.window import Shape
from gradbook.net.derivation import derivation
from gradbook.net.names import weight_name
from gradbook.net.network import Net
from gradbook.net.step import Step
from gradbook.targets.algebra.derive import asked
from gradbook.targets.algebra.formula import Algebra, algebra, definition
from gradbook.targets.algebra.one_weight import OneWeight, value_symbol
from gradbook.targets.algebra.text import spell

Record = dict[str, Any]


def records(step: Step, only: str | None = None) -> Record:
    """The whole derivation, or that of one weight."""
    known = algebra(derivation(step))
    weights = list(step.gradients) if only is None else [asked(step, only)]
    return {
        "network": str(step.net),
        "made_up": step.net.made_up(),
        "error": _plain(known.values[step.loss]),
        "forward": [
            {
                "name": str(value.name),
                "formula": spell(definition(value, known.say_symbols())),
                "value": _plain(known.values[value]),
            }
            for value in known.derived.forward
        ],
        "shared": [_chain(known, value) for value in known.derived.worked],
        "weights": [_weight(known, weight) for weight in weights],
    }


def _chain(known: Algebra, value: Node) -> Record:
    chain = known.derived.chains[value]
    return {
        "name": spell(known.slope(value)),
        "chain": spell(known.in_partials(chain)),
        "formula": spell(known.in_formulas(chain)),
        "value": _plain(known.slopes[value]),
    }


def _weight(known: Algebra, weight: Node) -> Record:
    said, step = _chain(known, weight), known.derived.step
    return {
        "name": str(weight.name),
        "chain": said["chain"],
        "formula": said["formula"],
        "gradient": said["value"],
        "value": _plain(known.values[weight]),
        "next": _plain(known.values[step.next[weight]]),
    }


def _plain(value: Array) -> Any:
    """As JSON has it."""
    if np.ndim(value):
        return [_plain(one) for one in value]
    return float(value) if isfinite(value) else None


# One weight on one input -----------------------------------------------------


def records_of_input(one: OneWeight) -> Record:
    """All that is told of one weight on one input."""
    worked, net = one.worked, one.worked.net
    made = one.parameter.layer + 1
    return {
        "network": str(net),
        "error": worked.error,
        "outputs": worked.said.tolist(),
        "weight": {
            "name": weight_name(one.parameter, one.place),
            "layer": one.parameter.layer,
            "place": list(one.place),
            "value": one.value,
            "gradient": one.gradient,
            "measured": one.measured(),
        },
        "products": [
            {
                "value": _called(net, made, part.place),
                "slope": part.slope,
                "factor": part.factor,
                "product": part.product,
            }
            for part in one.parts
        ],
        "way": [
            {
                "value": _called(net, step.value, step.place),
                "slope": step.slope,
                "feeds": [
                    {
                        "value": _called(net, feed.value, feed.place),
                        "slope": feed.slope,
                        "arriving": feed.arriving,
                    }
                    for feed in step.fed
                ],
            }
            for step in one.way
        ],
    }


def _called(net: Net, value: int, place: Shape) -> str:
    return str(value_symbol(net, value, place).name)
