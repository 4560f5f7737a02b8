"""The rules that compute the next weights from a gradient: one block each.

A rule's memory of a weight is a value of its own that continues from step to step.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from gradbook.arguments import one_of, settle
from gradbook.graph.names import Name
from gradbook.graph.node import Array, Node
from gradbook.language import mark
from gradbook.layers.card import Change
from gradbook.layers.fields import Configured, FlagField, ShareField, StatementForm


@dataclass(frozen=True, init=False)
class Update(Configured):
    """How a gradient changes its weight, with the rule's settings; the rate belongs to the net.

    >>> from gradbook.net import Update
    >>> print(Update("momentum", 0.5, nesterov=True))
    momentum 0.5 nesterov
    """

    kind: str
    settings: Mapping[str, Any] = field(hash=False)

    def __init__(self, kind: str = "descent", *values: Any, **by_name: Any) -> None:
        settle(self, kind=one_of("update", kind, UPDATES))
        for name in by_name:
            one_of("setting of an update", name, SETTINGS)
        self.configure(self.card.form, values, by_name)

    def __str__(self) -> str:
        return self.card.form.write(self)

    @property
    def card(self) -> UpdateCard:
        return UPDATES[self.kind]

    @property
    def words(self) -> str:
        """Its name in a sentence, with gaps for its settings."""
        is_ahead = self.settings.get("nesterov", False)
        return self.card.words_ahead if is_ahead else self.card.words


@dataclass(frozen=True)
class WeightStep:
    """One weight, its gradient, and the strength of its decay."""

    settings: Mapping[str, Any]  # of the rule: numbers, or values of the graph
    weight: Node
    start: Array
    slope: Node
    rate: Node
    decay: float

    def memory(self, stem: str) -> Node:
        """A leaf for the rule's memory of the weight."""
        return self.weight.graph.leaf(Name(stem, of=self.weight.name), self.weight.shape)

    def zeros(self) -> Array:
        return np.zeros(self.weight.shape)

    @property
    def pulled(self) -> Node:
        """The gradient, including that of ½·decay·w²."""
        return self.slope + self.decay * self.weight if self.decay else self.slope


@dataclass(frozen=True)
class UpdateCard:
    """A rule: its default rate and decay, its statement, and how it changes weights."""

    rate: float
    changes: Callable[[WeightStep], list[Change]]
    words: str  # its name in a sentence, with gaps for its settings
    form: StatementForm
    words_ahead: str = ""  # with Nesterov's step ahead
    memories: Mapping[str, str] = field(default_factory=dict)  # descriptions by stem
    remarks: tuple[str, ...] = ()  # on what it does besides following the gradient
    decay: float = 0.0  # of weights, by default
    counts_steps: bool = False  # in k, besides the memories of each weight


def _descent(step: WeightStep) -> list[Change]:
    return [Change(step.weight, step.start, step.weight - step.rate * step.pulled)]


def _momentum(step: WeightStep) -> list[Change]:
    share, slope, velocity = step.settings["momentum"], step.pulled, step.memory("v")
    faster = share * velocity + slope
    ahead = slope + share * faster if step.settings["nesterov"] else faster
    return [
        Change(velocity, step.zeros(), faster),
        Change(step.weight, step.start, step.weight - step.rate * ahead),
    ]


def _adam(step: WeightStep) -> list[Change]:
    """Kingma and Ba (2015): k counts the steps, m and s are running means of g and g²."""
    return _by_moments(step, step.pulled, step.weight)


def _adamw(step: WeightStep) -> list[Change]:
    """Loshchilov and Hutter (2019): the decay is kept out of the running means."""
    weight = step.weight
    return _by_moments(
        step, step.slope, weight * (1 - step.rate * step.decay) if step.decay else weight
    )


def _by_moments(step: WeightStep, slope: Node, from_here: Node) -> list[Change]:
    graph = step.weight.graph
    beta1, beta2, epsilon = (step.settings[name] for name in ("beta1", "beta2", "epsilon"))
    count = graph.leaf(Name("k"))
    mean, spread = step.memory("m"), step.memory("s")
    next_count = count + 1
    next_mean = beta1 * mean + (graph.constant(1) - beta1) * slope
    next_spread = beta2 * spread + (graph.constant(1) - beta2) * slope**2
    unbiased_mean = next_mean / (1 - beta1**next_count)
    unbiased_spread = next_spread / (1 - beta2**next_count)
    move = step.rate * unbiased_mean / (graph.make("sqrt", unbiased_spread) + epsilon)
    return [
        Change(count, np.zeros(()), next_count),
        Change(mean, step.zeros(), next_mean),
        Change(spread, step.zeros(), next_spread),
        Change(step.weight, step.start, from_here - move),
    ]


ADAM = UpdateCard(
    0.01,
    _adam,
    mark("Adam ({beta1}, {beta2})"),
    StatementForm(
        "adam",
        (
            ShareField("beta1", "BETA1", "beta1", usual=0.9, always=True),
            ShareField("beta2", "BETA2", "beta2", usual=0.999, always=True),
            ShareField("epsilon", "EPSILON", "epsilon", usual=1e-8, always=True, above_0=True),
        ),
    ),
    counts_steps=True,
    memories={
        "m": mark("Adam's running mean of the gradient."),
        "s": mark("Adam's running mean of the gradient's square."),
    },
    remarks=(
        mark(
            "Adam counts the steps in k and keeps running means of the gradient in m and of its "
            "square in s; all start at 0. Dividing by 1 minus a power with exponent k corrects for "
            "that start. The new k, m and s update the weight."
        ),
    ),
)
UPDATES = {
    "descent": UpdateCard(
        1.0, _descent, mark("gradient descent"), StatementForm("descent", synonyms=("sgd",))
    ),
    "momentum": UpdateCard(
        0.1,
        _momentum,
        mark("gradient descent with momentum {momentum}"),
        StatementForm(
            "momentum",
            (
                ShareField("momentum", "M", usual=0.9, always=True, label="momentum"),
                FlagField("nesterov"),
            ),
        ),
        mark("gradient descent with Nesterov momentum {momentum}"),
        memories={"v": mark("The velocity of the weight: a fading memory of its gradients.")},
        remarks=(
            mark(
                "With momentum, v remembers which way a weight has been moving; it starts at 0, "
                "and the new v updates the weight."
            ),
        ),
    ),
    "adam": ADAM,
    "adamw": replace(
        ADAM,
        changes=_adamw,
        words=mark("AdamW ({beta1}, {beta2})"),
        form=replace(ADAM.form, words="adamw"),
        decay=0.01,
        remarks=(*ADAM.remarks, mark("In addition, decay shrinks the weight itself.")),
    ),
}
SETTINGS = {part.name for card in UPDATES.values() for part in card.form.fields}
DESCENT = Update()
