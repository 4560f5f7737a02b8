"""Networks of two inputs and one or two outputs: points of a plane in two classes."""

from __future__ import annotations

from collections.abc import Sequence

from gradbook.graph.node import Node
from gradbook.layers.activations import ANSWER_KINDS
from gradbook.layers.card import AnswerKind
from gradbook.net import Loss, Net

CLASSES = 2
USUAL_SET = "circle"


def tells_points_apart(net: Net) -> bool:
    """Whether it classifies points of a plane into two classes."""
    one_says_all = net.outputs == 1 and not net.objective.of_all
    return net.input == (2,) and (net.outputs == CLASSES or one_says_all)


def class_targets(outputs: int, ending: str, which: int) -> list[float]:
    """The targets of so many outputs for a point of that class."""
    if outputs > 1:
        return [float(k == which) for k in range(outputs)]
    return [float(which) if _lowest(ending) == 0 else 2.0 * which - 1]


def _lowest(ending: str) -> int:
    """The target of a single output for the first class: −1 for a tanh, else 0."""
    return -1 if ending == "tanh" else 0


def share_of(outputs: Sequence[Node], ending: str, loss: Loss) -> Node:
    """How much a point belongs to the second class: 0 for the first class, 1 for the second."""
    if loss.of_all and ANSWER_KINDS.get(ending) is AnswerKind.LOGARITHMS:
        outputs = [output.graph.make("exp", output) for output in outputs]
    if len(outputs) > 1:
        return (1 + outputs[1] - outputs[0]) / 2
    low = _lowest(ending)
    return (outputs[0] - low) / (1 - low)
