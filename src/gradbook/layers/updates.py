"""The rules that compute the next weights from a gradient: one block each.

A rule's memory of a weight is a value of its own that continues from step to step.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace

import numpy as np

from gradbook.arguments import number, numbers, one_of, settle
from gradbook.errors import UsageError
from gradbook.graph.names import Name
from gradbook.graph.node import Array, Node
from gradbook.language import mark
from gradbook.layers.card import Change

MOMENTUM_RANGE = "momentum is at least 0 and below 1, not {value!r}"
BETAS_RANGE = "adam's betas are two numbers, at least 0 and below 1, not {value}"
EPSILON_RANGE = "adam's epsilon is between 0 and 1, not {value!r}"


@dataclass(frozen=True)
class Update:
    """How a gradient changes its weight, with the rule's settings; the rate belongs to the net."""

    kind: str = "descent"
    momentum: float = 0.9
    betas: tuple[float, float] = (0.9, 0.999)
    epsilon: float = 1e-8
    nesterov: bool = False  # momentum that looks one step ahead

    def __post_init__(self) -> None:
        one_of("update", self.kind, UPDATES)
        settle(
            self,
            momentum=number("momentum", self.momentum),
            betas=numbers("adam's beta", self.betas),
            epsilon=number("adam's epsilon", self.epsilon),
            nesterov=bool(self.nesterov),
        )
        if not 0 <= self.momentum < 1:
            raise UsageError(MOMENTUM_RANGE.format(value=self.momentum))
        if len(self.betas) != 2 or not all(0 <= beta < 1 for beta in self.betas):
            raise UsageError(BETAS_RANGE.format(value=self.betas))
        if not 0 < self.epsilon < 1:
            raise UsageError(EPSILON_RANGE.format(value=self.epsilon))
        for setting in fields(self)[1:]:
            if setting.name not in self.card.settings:
                settle(self, **{setting.name: setting.default})

    @property
    def card(self) -> UpdateCard:
        return UPDATES[self.kind]

    @property
    def words(self) -> str:
        """Its name in a sentence, with gaps for its settings."""
        return self.card.words_ahead if self.nesterov else self.card.words


@dataclass(frozen=True)
class WeightStep:
    """One weight, its gradient, and the strength of its decay."""

    rule: Update
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
    """A rule: its default rate and decay, its settings, and how it changes weights."""

    rate: float
    changes: Callable[[WeightStep], list[Change]]
    words: str  # its name in a sentence, with gaps for {momentum}, {first} and {second}
    words_ahead: str = ""  # with Nesterov's step ahead
    settings: tuple[str, ...] = ()
    memories: Mapping[str, str] = field(default_factory=dict)  # descriptions by stem
    remarks: tuple[str, ...] = ()  # on what it does besides following the gradient
    decay: float = 0.0  # of weights, by default
    synonyms: tuple[str, ...] = ()


def _descent(step: WeightStep) -> list[Change]:
    return [Change(step.weight, step.start, step.weight - step.rate * step.pulled)]


def _momentum(step: WeightStep) -> list[Change]:
    rule, slope, velocity = step.rule, step.pulled, step.memory("v")
    faster = rule.momentum * velocity + slope
    ahead = slope + rule.momentum * faster if rule.nesterov else faster
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
    graph, rule = step.weight.graph, step.rule
    count = graph.leaf(Name("k"))
    mean, spread = step.memory("m"), step.memory("s")
    next_count = count + 1
    beta1, beta2 = rule.betas
    next_mean = beta1 * mean + (graph.constant(1) - beta1) * slope
    next_spread = beta2 * spread + (graph.constant(1) - beta2) * slope**2
    unbiased_mean = next_mean / (1 - beta1**next_count)
    unbiased_spread = next_spread / (1 - beta2**next_count)
    move = step.rate * unbiased_mean / (graph.make("sqrt", unbiased_spread) + rule.epsilon)
    return [
        Change(count, np.zeros(()), next_count),
        Change(mean, step.zeros(), next_mean),
        Change(spread, step.zeros(), next_spread),
        Change(step.weight, step.start, from_here - move),
    ]


ADAM = UpdateCard(
    0.01,
    _adam,
    mark("Adam ({first}, {second})"),
    settings=("betas", "epsilon"),
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
    "descent": UpdateCard(1.0, _descent, mark("gradient descent"), synonyms=("sgd",)),
    "momentum": UpdateCard(
        0.1,
        _momentum,
        mark("gradient descent with momentum {momentum}"),
        mark("gradient descent with Nesterov momentum {momentum}"),
        settings=("momentum", "nesterov"),
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
        words=mark("AdamW ({first}, {second})"),
        decay=0.01,
        remarks=(*ADAM.remarks, mark("In addition, decay shrinks the weight itself.")),
    ),
}
DESCENT = Update()
