"""The rules that make the next weights from a gradient."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gradbook.graph.names import Name
from gradbook.graph.node import Array, Node
from gradbook.net.task import Update


@dataclass(frozen=True)
class Change:
    """What goes from step to step: the value at the start, and the next one."""

    leaf: Node
    start: Array
    next: Node


def changes(
    rule: Update, weight: Node, start: Array, slope: Node, rate: Node, decay: float = 0
) -> list[Change]:
    """How one weight and what the rule remembers of it go on.

    Decay pulls towards 0 as the gradient of ½·decay·w² would; AdamW (Loshchilov and Hutter, 2019)
    keeps that pull out of its running means.
    """
    if decay and rule.kind != "adamw":
        slope = slope + decay * weight
    match rule.kind:
        case "momentum":
            return _momentum(rule, weight, start, slope, rate)
        case "adam":
            return _adam(rule, weight, start, slope, rate)
        case "adamw":
            kept = weight * (1 - rate * decay) if decay else weight
            return _adam(rule, weight, start, slope, rate, kept)
        case _:
            return [Change(weight, start, weight - rate * slope)]


def _momentum(rule: Update, weight: Node, start: Array, slope: Node, rate: Node) -> list[Change]:
    velocity = _memory("v", weight)
    faster = rule.momentum * velocity + slope
    ahead = slope + rule.momentum * faster if rule.nesterov else faster
    return [
        Change(velocity, np.zeros(weight.shape), faster),
        Change(weight, start, weight - rate * ahead),
    ]


def _adam(
    rule: Update, weight: Node, start: Array, slope: Node, rate: Node, kept: Node | None = None
) -> list[Change]:
    """Kingma and Ba (2015): k counts the steps, m and s are running means of g and g²."""
    graph = weight.graph
    count = graph.leaf(Name("k"))
    mean, spread = _memory("m", weight), _memory("s", weight)
    next_count = count + 1
    beta1, beta2 = rule.betas
    next_mean = beta1 * mean + (graph.constant(1) - beta1) * slope
    next_spread = beta2 * spread + (graph.constant(1) - beta2) * slope**2
    unbiased_mean = next_mean / (1 - beta1**next_count)
    unbiased_spread = next_spread / (1 - beta2**next_count)
    step = rate * unbiased_mean / (graph.make("sqrt", unbiased_spread) + rule.epsilon)
    return [
        Change(count, np.zeros(()), next_count),
        Change(mean, np.zeros(weight.shape), next_mean),
        Change(spread, np.zeros(weight.shape), next_spread),
        Change(weight, start, (kept or weight) - step),
    ]


def _memory(stem: str, weight: Node) -> Node:
    """A leaf in which the rule keeps what it remembers of a weight."""
    return weight.graph.leaf(Name(stem, of=weight.name), weight.shape)
