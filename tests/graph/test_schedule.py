"""Which steps of the backward part get a name, and with it a cell and a line of their own."""

from __future__ import annotations

import pytest
from hypothesis import given

from gradbook.graph.lower import scalar_step
from gradbook.graph.node import named_inputs, needed
from gradbook.graph.schedule import LONGEST_FORMULA
from gradbook.net import builtin, parse
from tests.families import networks


def mentions(step, weight):
    (slope,) = [d for w, d in step.gradients.items() if str(w.name) == weight]
    return {str(node.name) for node in named_inputs(slope)}


def backward_names(step):
    order = needed([*step.gradients.values()])
    return {str(node.name) for node in order if node.name and node.name.stem in "∂gq"}


def test_in_a_small_network_a_gradient_is_one_formula():
    step = scalar_step(builtin("worked"))
    assert mentions(step, "w5") == {"a_o1", "t1", "a_h1"}
    assert mentions(step, "w1") == {"a_o1", "t1", "w5", "a_o2", "t2", "w7", "a_h1", "i1"}
    assert backward_names(step) == {f"∂E/∂w{k}" for k in range(1, 9)}


def test_a_step_that_is_also_a_biass_gradient_is_said_once():
    step = scalar_step(parse("input 2; dense 1; sigmoid; sample 1 0 -> 1"))
    assert mentions(step, "w1") == {"∂E/∂o1", "i1"}
    assert mentions(step, "b1") == {"∂E/∂o1"}


def test_in_a_deep_network_shared_steps_have_names_of_their_own():
    step = scalar_step(parse("input 2; " + "dense 3 no bias; tanh; " * 3 + "dense 2 no bias"))
    assert mentions(step, "w1") == {"∂E/∂h1_1", "i1"}


def test_a_samples_share_of_a_gradient_is_named_after_the_weight():
    step = scalar_step(parse("input 1; dense 1 no bias; sample 1 -> 0; sample 2 -> 1"))
    assert mentions(step, "w1") == {"g_w1"}


@given(networks())
def test_every_trained_weights_gradient_is_named_after_it(net):
    step = scalar_step(net)
    for weight, slope in step.gradients.items():
        assert str(slope.name) == f"∂E/∂{weight.name}"
        assert not slope.each


@pytest.mark.parametrize("name", ["worked", "mazur", "xor", "strokes"])
def test_no_formula_of_a_built_in_network_is_too_long_to_read(name):
    step = scalar_step(builtin(name))
    for node in needed([step.loss, *step.next.values()]):
        if node.name:
            assert len(list(named_inputs(node))) <= LONGEST_FORMULA
