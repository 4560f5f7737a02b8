"""An op that a target has no words for is said by its own expansion, there and everywhere."""

from __future__ import annotations

import pytest

from gradbook.graph.names import Name
from gradbook.graph.node import OPS, Graph, Op
from gradbook.targets.algebra.formula import definition, symbols
from gradbook.targets.algebra.text import spell
from gradbook.targets.excel.language.grammar import write
from gradbook.targets.excel.language.spelling import NAMES, SAYS


@pytest.fixture
def bent(monkeypatch):
    """x where it is positive, else x·σ(x): an op that no target has heard of."""

    def expansion(x):
        return x.graph.make("choose", x, x, x * x.graph.make("sigmoid", x))

    monkeypatch.setitem(OPS, "bent", Op("bent", lambda x: x, expansion=expansion))
    x = Graph().leaf(Name("x"))
    return x, x.graph.make("bent", x)


def test_a_sheet_says_it_by_what_it_expands_to(bent):
    _, y = bent
    assert write(NAMES.formula(y)) == "IF(x>0,x,x*(1/(1+EXP(-x))))"


def test_so_does_the_algebra(bent):
    x, y = bent
    assert spell(definition(y, symbols([x]))) == "{x if x > 0, else x·σ(x)}"


def test_a_sheet_finds_what_may_overflow_and_what_has_a_corner_within_it(bent):
    _, y = bent
    assert {"sigmoid", "choose"} <= {node.op.name for node in SAYS.complete([y])}
