"""The gradients of one step: those of a network that came in, and those that another program took.

What another program took is the difference between two networks read from it, before and after
one step at rate 1: so whatever a reader turns over or lays out anew is turned in both.
"""

from __future__ import annotations

import numpy as np

from gradbook.formats.imported import ImportedNet
from gradbook.graph.reference import evaluate
from gradbook.layers.activations import Activation
from gradbook.net import Loss, Net
from gradbook.net.build import training_step


def slopes(found: Net, inputs: np.ndarray, labels: np.ndarray) -> dict[str, np.ndarray]:
    """By the leaves' names, of the cross-entropy of the shares that its outputs have."""
    ends = found.layers[-1] == Activation("log softmax")
    layers = found.layers if ends else (*found.layers, Activation("log softmax"))
    net = Net(
        input=found.input, layers=layers, loss=Loss.CROSS, start=found.start, again=found.again
    )
    step = training_step(net, len(inputs))
    wanted = np.eye(net.outputs)[labels]
    given = {step.inputs[0]: np.asarray(inputs, float), step.targets[0]: wanted}
    given |= {**step.start, step.count: float(len(inputs))}
    names = {str(node.name): slope for node, slope in step.gradients.items()}
    values = evaluate(list(names.values()), given)
    return {name: values[slope] for name, slope in names.items()}


def require_step(
    before: ImportedNet, after: ImportedNet, inputs: np.ndarray, labels: np.ndarray
) -> list[str]:
    """Each value that the other program changed is less by its slope; the names of the others."""
    ours, kept = slopes(before.net, inputs, labels), []
    for parameter in before.net.parameters:
        name = str(parameter.leaf)
        taken = before.values[name] - after.values[name]
        if taken.any():
            np.testing.assert_allclose(ours[name], taken, rtol=1e-4, atol=2e-6, err_msg=name)
        else:
            kept.append(name)
    return kept
