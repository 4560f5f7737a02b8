"""One table says how C says an op; whatever isn't in it is expanded, or refused."""

from __future__ import annotations

import pytest

from gradbook.errors import TargetError
from gradbook.graph.names import Name
from gradbook.graph.node import OPS, Graph, Node, ancestors
from gradbook.graph.window import Shape
from gradbook.targets.c.c_ops import LOOPS, PLACED, WEIGHED, WORDS, word
from gradbook.targets.c.rewrite import simplify
from tests.cases import for_each
from tests.graph.cards import CARDS

SAID = {*LOOPS, *PLACED, *WEIGHED, *WORDS}
SILENT = {"log_sum_exp"}
SCALARS = SILENT | {"cross_entropy_of", "level"}  # in scalar graphs


def leaf(graph: Graph, name: str, shape: Shape = ()) -> Node:
    return graph.leaf(Name(name), shape or (3,), each=True)


def test_every_op_of_a_network_is_said_or_can_be_expanded():
    silent = {name for name, op in OPS.items() if name not in SAID and op.expansion is None}
    assert silent == SILENT


@for_each("name", sorted({*OPS} - SAID - SCALARS))
def test_an_op_without_a_word_is_expanded_into_words(name):
    graph, card = Graph(), CARDS[name]
    inputs = [leaf(graph, f"x{k}", shape) for k, shape in enumerate(card.shapes)]
    node = graph.make(name, *inputs, *card.constant, attributes=card.attributes)
    ops = {x.op.name for x in ancestors([simplify([node])[node]])}
    assert ops <= SAID
    assert ops & {*WORDS}


def test_what_cannot_be_said_is_refused_by_name():
    graph = Graph()
    node = graph.make("log_sum_exp", leaf(graph, "x"), leaf(graph, "y"))
    with pytest.raises(TargetError, match="C can't write the op 'log_sum_exp'"):
        simplify([node])


def test_a_square_is_a_product():
    x = leaf(Graph(), "x")
    assert word(x**2).vectors == "{0} * {0}"
    assert word(x**3).vectors == "raised({0.lanes}, {1})"
