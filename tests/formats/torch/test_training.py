"""The training loops that are written: rates, decay and loss are the recipe's."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gradbook.errors import TargetError
from gradbook.formats.torch.training_loop import training_source
from gradbook.lab.models.exporting import torch_training
from gradbook.lab.recipes.recipe import Recipe, Schedule
from gradbook.net import Net
from tests.cases import for_each
from tests.families import networks
from tests.formats.torch.test_module import module_of
from tests.trained import trained_of

SMALL = Net.parse("input 2; dense 2; softmax")


def functions(net: Net, schedule: Schedule, epochs: int = 3) -> dict[str, Any]:
    """What the text of a training loop defines."""
    space: dict[str, Any] = {"math": math}
    training = torch_training(Recipe(net, schedule, epochs=epochs))
    exec(training_source(trained_of(net), training), space)
    return space


@st.composite
def schedules(draw) -> Schedule:
    kind = draw(st.sampled_from(["constant", "step", "cosine", "one cycle"]))
    return Schedule(
        kind,
        draw(st.sampled_from([0.6, 0.1])),
        factor=draw(st.sampled_from([0.1, 0.5])),
        every=draw(st.integers(1, 3)),
        warm=draw(st.sampled_from([None, 0.0, 0.1, 0.25])),
        end=draw(st.sampled_from([0.0, 0.01])),
    )


@given(schedules(), st.integers(1, 20), st.integers(1, 6))
def test_each_step_takes_the_rate_that_the_schedule_says(schedule, steps, epochs):
    share = functions(SMALL, schedule, epochs).get("share_of_rate", lambda step, steps: 1.0)
    found = [schedule.rate * share(step, steps) for step in range(steps * epochs)]
    expected = np.concatenate([schedule.rates(epoch, steps, epochs) for epoch in range(epochs)])
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)


def test_a_plateau_is_pytorchs_own():
    said = training_source(
        trained_of(SMALL), torch_training(Recipe(SMALL, Schedule("plateau", 0.1, patience=2)))
    )
    assert "ReduceLROnPlateau(\n        optimizer, factor=0.1, patience=2\n    )" in said


@pytest.mark.usefixtures("toys")
def test_a_loss_without_a_word_in_pytorch_is_refused():
    net = Net.parse("input 2; dense 2; loss toy error")
    training = torch_training(Recipe(net, Schedule("constant", 0.1)))
    with pytest.raises(TargetError, match="no loss 'toy error': leave out --train"):
        training_source(trained_of(net), training)


def test_a_plateau_that_is_warmed_up_is_refused():
    warmed = torch_training(Recipe(SMALL, Schedule("plateau", 0.1, warm=0.1)))
    with pytest.raises(TargetError, match="can't warm up a plateau schedule"):
        training_source(trained_of(SMALL), warmed)


@pytest.mark.witness("torch")
@given(networks(recurrent=False))
@example(Net.parse("input 1x2x2; layernorm; flatten; dense 2; decay 0.1"))
def test_every_parameter_decays_as_its_kind_does(net):
    net = Net(input=net.input, layers=net.layers, loss=net.loss, decay=net.decay, update=net.update)
    made = module_of(trained_of(net))
    grouped = functions(net, Schedule("constant", 0.1))["groups"](made)
    decay = {id(p): group["weight_decay"] for group in grouped for p in group["params"]}
    kinds = {
        "conv": "wb",
        "convtranspose": "wb",
        "fc": "wb",
        "bn": "γβ",
        "gn": "γβ",
        "ln": "γβ",
        "pn": "γβ",
        "prelu": "αα",
        "quantize": "ρρ",
    }
    for name, parameter in made.named_parameters():
        layer, *_, kind = name.split(".")
        role = kinds[layer.rstrip("0123456789")][kind == "bias"]
        assert decay.pop(id(parameter)) == net.decay_of(role)
    assert not decay


@pytest.mark.witness("torch")
@for_each(
    ("ending", "loss"),
    [
        ("log softmax", "cross-entropy"),
        ("log softmax", "cross-entropy smoothing 0.2"),
        ("softmax", "cross-entropy smoothing 0.1"),
        ("sigmoid", "binary cross-entropy"),
        ("sigmoid", "mean squared error"),
        ("sigmoid", "mean absolute error"),
        ("sigmoid", "half squared error"),
    ],
)
@for_each("outputs", [1, 3])
def test_the_loss_is_the_networks(ending, loss, outputs):
    import torch

    from gradbook.graph.reference import evaluate
    from gradbook.net.build import training_step

    if outputs == 1 and "softmax" in ending:
        return
    net = Net.parse(f"input 4; dense {outputs}; {ending}; loss {loss}")
    labels = np.array([0, 1, 1, 0]) if outputs == 1 else np.array([0, 2, 1, 2])
    targets = labels[:, None].astype(float) if outputs == 1 else np.eye(outputs)[labels]
    given = np.random.default_rng(0).uniform(-1, 1, (4, 4))
    step = training_step(net, batch=4)
    leaves = {step.inputs[0]: given, step.targets[0]: targets, step.count: np.asarray(4.0)}
    values = evaluate([step.loss, step.outputs[0]], {**step.start, **leaves})
    loss_of = functions(net, Schedule("constant", 0.1))
    loss_of["F"] = torch.nn.functional
    said = loss_of["loss_of"](torch.tensor(values[step.outputs[0]]).float(), torch.tensor(labels))
    assert float(said) == pytest.approx(float(values[step.loss]), rel=1e-6)
