"""Networks in a few words, as the rooms of the C target are asked about them."""

from __future__ import annotations

from gradbook.graph.node import Node
from gradbook.net import parse
from gradbook.net.build import training_step
from gradbook.net.step import Step
from gradbook.targets.c.pass_plan import Plan, Results, plan
from gradbook.targets.c.rewrite import simplify

END = ("flatten", "dense 2", "log softmax", "loss cross-entropy")


def text(*lines: str, channels: int = 8, side: int = 9) -> str:
    return "\n".join([f"input {channels}x{side}x{side}", *lines, *END])


def wanted(step: Step) -> list[Node]:
    """What a training step is for."""
    return [step.loss, *step.next.values(), *step.gradients.values()]


def planned(network: str, batch: int = 32) -> Plan:
    step = training_step(parse(network), batch=batch)
    new = simplify(wanted(step))
    following = {new[leaf]: new[node] for leaf, node in step.next.items()}
    return plan([], [new[node] for node in wanted(step)], Results(following, {}))
