"""Means, sums over the batch and what is the same along a channel are known by their making."""

from __future__ import annotations

from gradbook.graph.names import Name
from gradbook.graph.node import Graph, Node
from gradbook.graph.tensors import spread, sum_last
from gradbook.targets.c.rewrite.linear import MOST_TERMS, Linear
from gradbook.targets.c.rewrite.patterns import (
    channelwise,
    deviation_input,
    is_switch,
    mean_of,
    sum_input,
)


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
