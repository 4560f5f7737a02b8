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
"""

from __future__ import annotations

from math import isfinite
from typing import Any

import numpy as np

from gradbook.graph.node import Array, Node
from gradbook.net.derivation import derivation
from gradbook.net.step import Step
from gradbook.targets.algebra.derive import asked
from gradbook.targets.algebra.notation.chains import Algebra, algebra
from gradbook.targets.algebra.notation.formula import definition
from gradbook.targets.algebra.writers.text import spell

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
