"""What a value is made of is recognised, and the rewrites keep every value and save waits."""

from __future__ import annotations

import numpy as np
from hypothesis import assume, given

from gradbook.graph.names import Name
from gradbook.graph.node import Graph, Node, ancestors
from gradbook.graph.reference import evaluate
from gradbook.graph.tensors import spread, sum_last
from gradbook.net import Net, builtin, parse
from gradbook.net.build import training_step
from gradbook.net.step import Step, drawn
from gradbook.targets.c.rewrite import (
    MOST_TERMS,
    Linear,
    channelwise,
    deviation_input,
    is_switch,
    mean_of,
    simplify,
    sum_input,
)
from tests.cases import for_each
from tests.families import networks
from tests.targets.c.networks import planned, wanted
from tests.targets.c.networks import text as network


def images(graph: Graph, name: str = "x") -> Node:
    return graph.leaf(Name(name), (2, 3, 4), each=True)


def over_the_batch(x: Node) -> Node:
    return sum_last(x.graph.make("total", x), 2)


def mean(x: Node, places: int = 12) -> Node:
    return over_the_batch(x) / (x.graph.leaf(Name("N")) * places)


def on_each(node: Node, x: Node) -> Node:
    return x.graph.make("repeat", spread(node, x.shape[1:]))


def test_a_sum_over_the_batch_and_all_places_of_a_channel_is_one():
    x = images(Graph())
    assert sum_input(over_the_batch(x)) is x
    assert sum_input(sum_last(x, 2)) is None  # over the places of each image alone


def test_a_mean_counts_samples_and_places():
    x = images(Graph())
    assert mean_of(mean(x)) is x
    assert mean_of(mean(x, places=11)) is None


def test_a_value_less_its_own_mean_is_centred():
    graph = Graph()
    x, y = images(graph), images(graph, "y")
    assert deviation_input(x - on_each(mean(x), x)) is x
    assert deviation_input(y - on_each(mean(x), x)) is None


def test_what_repeats_a_value_per_channel_is_known_by_it():
    graph = Graph()
    x, gamma = images(graph), graph.leaf(Name("gamma"), (2,))
    assert channelwise(on_each(gamma, x)) is gamma
    assert channelwise(x) is None


def test_a_switch_is_1_where_a_value_is_positive():
    graph = Graph()
    x = images(graph)
    assert is_switch(graph.make("choose", x, 1, 0))
    assert not is_switch(graph.make("choose", x, 0, 1))


def test_values_that_are_only_added_up_are_not_taken_apart():
    graph = Graph()
    x, y, two = images(graph), images(graph, "y"), graph.constant(2)
    assert Linear({x: None, y: None}).stands_alone
    assert not Linear({x: two, y: None}).stands_alone
    many = {images(graph, f"x{k}"): two for k in range(MOST_TERMS + 1)}
    assert Linear(many).stands_alone


def given_to(step: Step, size: int) -> dict:
    random = np.random.default_rng(0)
    targets = random.random((size, *step.targets[0].shape))
    return {
        step.inputs[0]: random.normal(size=(size, *step.inputs[0].shape)),
        step.targets[0]: targets / targets.sum(axis=-1, keepdims=True),
        step.rate: np.asarray(0.1),
        step.count: np.asarray(float(size)),
        **step.start,
        **drawn(step.masks, 1, 0, np.arange(size)),
    }


def furthest(step: Step, size: int = 5) -> float:
    rewritten = simplify(wanted(step))
    values = given_to(step, size)
    before = evaluate(wanted(step), values)
    again = {rewritten[leaf]: value for leaf, value in values.items() if leaf in rewritten}
    after = evaluate([rewritten[node] for node in wanted(step)], again)
    scale = max(np.abs(before[node]).max() for node in wanted(step)) or 1.0  # all may be 0
    return max(np.abs(before[n] - after[rewritten[n]]).max() / scale for n in wanted(step))


def shaken(step: Step, size: int = 5) -> float:
    """How far the values go when the numbers given are off in their last bits."""
    values, random = given_to(step, size), np.random.default_rng(1)
    eps = np.finfo(float).eps
    off = {it: x * (1 + random.choice([-eps, eps], np.shape(x))) for it, x in values.items()}
    before, after = evaluate(wanted(step), values), evaluate(wanted(step), off)
    scale = max(np.abs(before[node]).max() for node in wanted(step)) or 1.0
    return max(np.abs(before[node] - after[node]).max() / scale for node in wanted(step))


@given(networks(updates=["descent", "momentum"]))
def test_any_networks_rewritten_step_has_the_same_values(net: Net):
    step = training_step(net, batch=8)
    assume(shaken(step) < 1e-14)  # where the last bits decide no order of sums is the right one
    assert furthest(step) < 1e-12


def test_so_has_a_step_with_sums_over_many_layers():
    block = "batchnorm; gelu; conv 3 3x3 pad 1; silu; add back 4"
    net = parse(f"input 3x4x4; {block}; {block}; {block}; {block}; relu; flatten; dense 2")
    assert furthest(training_step(net, batch=8)) < 1e-12


@for_each("name", ["reference", "blocks", "flat"])
def test_so_have_the_digit_networks(name):
    assert furthest(training_step(builtin(name), batch=8)) < 1e-12


def image(lines: str) -> str:
    return network(*lines.split("\n"), channels=1, side=6)


def phases(text: str) -> int:
    return len(planned(image(text), batch=8).phases)


@for_each(
    ("text", "count"),
    [
        ("conv 2 3x3\nrelu\n", 1),
        ("conv 2 3x3\nbatchnorm\nrelu\n", 3),
        ("conv 2 3x3\nrelu\nbatchnorm\n", 3),
        ("conv 2 3x3\ndropout 0.1\nrelu\nmaxpool 2\nbatchnorm\n", 3),
        ("conv 2 3x3\nbatchnorm\nrelu\nconv 2 3x3\nbatchnorm\n", 5),
        ("conv 2 3x3\ngelu\nconv 2 3x3 pad 1\nadd back 2\nbatchnorm\nsilu\n", 3),
    ],
)
def test_batch_normalisation_waits_once_forward_and_once_backward_wherever_it_stands(text, count):
    assert phases(text) == count


def ops(text: str) -> set[str]:
    asked = wanted(training_step(parse(image(text)), batch=8))
    rewritten = simplify(asked)
    return {node.op.name for node in ancestors([rewritten[node] for node in asked])}


def test_a_maximums_gradient_asks_where_it_stood_if_windows_lie_side_by_side():
    assert "maxpool_back" not in ops("conv 2 3x3\nmaxpool 2\n")
    assert "winners" in ops("conv 2 3x3 pad 1\nmaxpool 3\n")
    assert "maxpool_back" in ops("conv 2 3x3\nmaxpool 2 stride 1\n")
    assert "maxpool_back" in ops("conv 2 2x2\nmaxpool 2\n")  # a row and a column are left
