"""Scalarising: every value of a small network under the name that people use."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given

from gradbook.errors import LimitError
from gradbook.graph.node import ancestors
from gradbook.net import builtin, parse
from gradbook.net.lower import MOST_SCALARS, scalar_step
from gradbook.net.step import run
from tests.cases import for_each
from tests.families import networks


def names(step):
    order = ancestors([step.loss, *step.outputs, *step.next.values()])
    return [str(node.name) for node in order if node.name]


def test_the_names_of_the_worked_example_are_those_of_its_table():
    expected = """
        t1 t2 i1 i2 w1 w2 w3 w4 h1 a_h1 h2 a_h2 w5 w6 w7 w8 o1 a_o1 o2 a_o2 E1 E2 E_total
        ∂E/∂w1 ∂E/∂w2 ∂E/∂w3 ∂E/∂w4 ∂E/∂w5 ∂E/∂w6 ∂E/∂w7 ∂E/∂w8 η
    """
    assert sorted(names(scalar_step(builtin("worked")))) == sorted(expected.split())


def test_layers_and_places_are_counted_where_there_are_several():
    text = """
        input 1x5x5; conv 2 2x2 no bias; relu; conv 1 2x2; maxpool 3; flatten
        dense 2; tanh; dense 2; tanh; dense 1
    """
    found = set(names(scalar_step(parse(text))))
    assert {"i1_1", "i5_5", "c1_2_4_4", "a_c1_1_1_1", "c2_3_3", "p1_1"} <= found
    assert {"h1_1", "h1_2", "a_h1_2", "h2_2", "a_h2_2", "o1", "E1", "E_total"} <= found


def test_batch_normalisation_has_its_own_letters():
    found = set(names(scalar_step(parse("input 2; dense 2; batchnorm; sample 1 2 -> 0 1"))))
    assert {"μ1", "σ²1", "s1", "n1", "y1", "γ2", "β2", "∂E/∂γ1", "∂E/∂β2"} <= found


def test_an_update_rules_memory_is_named_after_its_weight():
    momentum = set(names(scalar_step(parse("input 1; dense 1; update momentum"))))
    assert {"v_w1", "v_b1"} <= momentum
    adam = set(names(scalar_step(parse("input 1; dense 1; update adam"))))
    assert {"k", "m_w1", "s_w1", "m_b1", "s_b1"} <= adam


@given(networks())
def test_every_name_is_given_once_and_every_named_value_is_a_number(net):
    step = scalar_step(net)
    found = names(step)
    assert len(found) == len(set(found))
    values = next(run(step, 1))
    for node, value in values.items():
        assert np.isfinite(value).all(), node.name
        assert np.shape(value) == ((step.samples,) if node.each else ()), node.name


@given(networks())
def test_weights_come_in_the_order_of_their_numbers(net):
    step = scalar_step(net)
    told = [str(weight.name) for weight in step.weights]
    assert told == [name for parameter in net.parameters for name in parameter.names]
    start = [float(step.start[weight]) for weight in step.weights]
    given_ = net.start_values()
    expected = [
        value
        for p in net.parameters
        for value in given_[p.role][p.first - 1 : p.first - 1 + p.size]
    ]
    assert start == expected


@given(networks())
def test_only_trained_weights_have_gradients_and_fixed_ones_stay(net):
    step = scalar_step(net)
    fixed = [name for p in net.parameters if p.fixed for name in p.names]
    assert [str(w.name) for w in step.weights if w not in step.gradients] == fixed
    assert [str(w.name) for w in step.weights if step.next[w] is w] == fixed


@given(networks())
def test_what_is_added_over_samples_has_a_name(net):
    """A sheet adds a column, so there must be one."""
    step = scalar_step(net)
    for node in ancestors([step.loss, *step.next.values()]):
        if node.op.name == "total":
            share = node.inputs[0].name
            assert share is not None
            assert share.stem != "g" or share.of is not None, share


@for_each(
    ("text", "counted"),
    [
        ("input 9000000; dense 1", "27,000,002"),
        ("input 2; dense 4000000; dense 1", "28,000,004"),
        ("input 3000; dense 3000; dense 1", "18,012,002"),
        ("input 1x50x50; conv 1 25x25; flatten", "426,978"),  # few values, many products
        ("input 10x12x12; conv 10 3x3 pad 1; flatten; dense 1", "136,272"),
        ("input 1x100x100; maxpool 50 stride 1; flatten; dense 1", "6,520,305"),
    ],
)
def test_what_is_too_large_to_be_written_out_is_refused_before_it_is_built(text, counted):
    net = parse(text)
    start = time.process_time()
    with pytest.raises(LimitError, match="would fit$") as caught:
        scalar_step(net)
    assert time.process_time() - start < 0.2
    assert str(caught.value).startswith(f"{counted} single values and products are too many")
    assert f"the most is {MOST_SCALARS:,}" in str(caught.value)


def test_a_hundred_layers_are_no_trouble():
    step = scalar_step(parse("input 2; " + "dense 2; tanh; " * 49 + "dense 1"))
    assert np.isfinite(next(run(step, 1))[step.loss])


def test_a_hundred_activations_in_a_row_are_no_trouble():
    step = scalar_step(parse("input 2; dense 2; " + "tanh; " * 99))
    assert np.isfinite(next(run(step, 1))[step.loss])
