"""Networks of two inputs and one or two outputs: points of a plane in two classes."""

from __future__ import annotations

from gradbook.data.sources import Point
from gradbook.graph.node import Node
from gradbook.net import Activation, Loss, Net
from gradbook.net.step import Step

CLASSES = 2
USUAL_SET = "circle"


def tells_points_apart(net: Net) -> bool:
    """Whether it says of a point on the plane which of two classes it is of."""
    one_says_all = net.outputs == 1 and net.objective is not Loss.CROSS
    return net.input == (2,) and (net.outputs == CLASSES or one_says_all)


def label_points(found: list[Point], classes: list[list[float]]) -> list[list[list[float]]]:
    """The points as samples, with the targets of their classes."""
    return [[[x, y], classes[which]] for x, y, which in found]


def class_targets(net: Net, which: int) -> list[float]:
    """What the outputs are to be for a point of that class."""
    if net.outputs > 1:
        return [float(k == which) for k in range(net.outputs)]
    return [float(which) if _lowest(net) == 0 else 2.0 * which - 1]


def _lowest(net: Net) -> int:
    """What a single output says to the first class: −1 where it is a tanh, else 0."""
    kind = net.layers[-1].kind if isinstance(net.layers[-1], Activation) else ""
    return -1 if kind == "tanh" else 0


def share_of(step: Step) -> Node:
    """0 where the outputs say the first class, 1 where they say the second, in between between."""
    outputs = list(step.outputs)
    if step.net.objective is Loss.CROSS:
        last = step.net.layers[-1]
        if isinstance(last, Activation) and last.kind == "log softmax":
            outputs = [step.graph.make("exp", output) for output in outputs]
    if len(outputs) > 1:
        return (1 + outputs[1] - outputs[0]) / 2
    low = _lowest(step.net)
    return (outputs[0] - low) / (1 - low)
