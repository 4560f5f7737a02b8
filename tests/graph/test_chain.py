"""The chain rule, asked about graphs small enough to be worked in the head."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given

from gradbook.graph.chain import LONGEST_FORMULA, gradients
from gradbook.graph.names import Name
from gradbook.graph.node import Graph, ancestors, named_inputs
from gradbook.graph.reference import evaluate
from gradbook.net import builtin, parse
from gradbook.net.lower import scalar_step
from gradbook.net.step import run
from tests.cases import for_each
from tests.families import networks


@pytest.fixture
def graph():
    return Graph()


def leaf(graph, name, each=False):
    return graph.leaf(Name(name), each=each)


def value(node, **given):
    leaves = [found for found in node.graph.nodes if found.op.name == "leaf"]
    return evaluate([node], {x: np.asarray(given[str(x.name)]) for x in leaves})[node]


def test_a_value_used_twice_is_reached_over_both_paths(graph):
    x = leaf(graph, "x")
    slope = gradients(x * x * x, [x])[x]
    assert value(slope, x=3.0) == 27


def test_paths_are_added_in_the_order_in_which_they_are_written(graph):
    a, b, c, x = (leaf(graph, name) for name in "abcx")
    slope = gradients(a * x + b * x + c * x, [x])[x]
    assert value(slope, a=1e16, b=1.0, c=-1e16, x=0) == (1e16 + 1.0) - 1e16


def test_what_is_not_reached_has_the_gradient_zero(graph):
    x, y = leaf(graph, "x"), leaf(graph, "y")
    assert gradients(x * 2, [x, y])[y].is_constant(0)


def test_what_only_decides_has_the_gradient_zero(graph):
    """A choice jumps where its condition does, and doesn't change elsewhere."""
    c, x = leaf(graph, "c"), leaf(graph, "x")
    slopes = gradients(graph.make("choose", c * 2, x, x * 3), [c, x])
    assert slopes[c].is_constant(0)
    assert value(slopes[x], c=1.0, x=5.0) == 1
    assert value(slopes[x], c=-1.0, x=5.0) == 3


def test_the_walk_stops_at_the_values_that_are_held_apart(graph):
    x = leaf(graph, "x")
    h = graph.named(x * x, Name("h"))
    y = h * x
    assert gradients(y, [h, x], stop=[h])[x] is h
    assert value(gradients(y, [x])[x], x=2.0) == 12


def test_a_held_value_can_itself_be_differentiated(graph):
    x = leaf(graph, "x")
    h = graph.named(x * x, Name("h"))
    assert value(gradients(h, [x], stop=[h])[x], x=3.0) == 6


def test_what_serves_all_samples_gathers_from_each(graph):
    w, x = leaf(graph, "w"), leaf(graph, "x", each=True)
    mean = graph.make("total", w * x) / 3
    slope = gradients(mean, [w])[w]
    assert value(slope, w=2.0, x=[1.0, 2.0, 6.0]) == pytest.approx(3)
    assert not slope.each


def test_a_samples_own_value_has_partials_of_its_own(graph):
    w, x = leaf(graph, "w"), leaf(graph, "x", each=True)
    slope = gradients(w * x, [w])[w]
    assert slope.each
    assert value(slope, w=2.0, x=[1.0, 2.0]).tolist() == [1, 2]


def test_a_total_goes_back_to_every_sample(graph):
    x = leaf(graph, "x", each=True)
    total = graph.make("total", x)
    slope = gradients(total * total, [x])[x]
    assert value(slope, x=[1.0, 2.0]).tolist() == [6, 6]


PADDED = """
input 1x1x1
conv 1 3x3 pad 1
flatten
sample 0.5 -> 0.3
weights 9 8 7 6 0.2 4 3 2 1
"""


def test_weights_that_read_only_padding_have_the_gradient_zero_and_stay():
    step = scalar_step(parse(PADDED))
    *_, last = run(step, 5, rate=0.1)
    weights = {str(w.name): float(last[w]) for w in step.weights}
    assert [weights[f"w{k}"] for k in (1, 2, 3, 4, 6, 7, 8, 9)] == [9, 8, 7, 6, 4, 3, 2, 1]
    slopes = {str(w.name): float(last[d]) for w, d in step.gradients.items()}
    assert [name for name, slope in slopes.items() if slope] == ["w5", "b1"]
    assert weights["w5"] != 0.2


def mentions(step, weight):
    (slope,) = [d for w, d in step.gradients.items() if str(w.name) == weight]
    return {str(node.name) for node in named_inputs(slope)}


def backward_names(step):
    order = ancestors([*step.gradients.values()])
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


@for_each("name", ["worked", "mazur", "xor", "strokes"])
def test_no_formula_of_a_built_in_network_is_too_long_to_read(name):
    step = scalar_step(builtin(name))
    for node in ancestors([step.loss, *step.next.values()]):
        if node.name:
            assert len(list(named_inputs(node))) <= LONGEST_FORMULA
