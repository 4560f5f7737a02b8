"""How each op is said in a cell, and that each one can be said."""

from __future__ import annotations

import pytest

from gradbook.cells.formula.syntax import Reference, write
from gradbook.errors import TargetError
from gradbook.graph.names import Name
from gradbook.graph.node import OPS, Graph
from gradbook.targets.excel.spellings import PHRASES, Speller
from tests.cases import for_each

NAMES = Speller(
    lambda node: Reference(str(node.name)) if node.name else None,
    lambda node: Reference(f"{node.name}5:{node.name}8"),
)


@pytest.fixture
def graph():
    return Graph()


def leaves(graph, *names, each=False):
    return [graph.leaf(Name(name), each=each) for name in names]


def said(node, guarded=()):
    return write(Speller(NAMES.refer, NAMES.block, guarded).formula(node))


@for_each(
    ("op", "count", "attributes", "formula"),
    [
        ("add", 2, (), "x+y"),
        ("subtract", 2, (), "x-y"),
        ("multiply", 2, (), "x*y"),
        ("divide", 2, (), "x/y"),
        ("negate", 1, (), "-x"),
        ("power", 2, (), "x^y"),
        ("exp", 1, (), "EXP(x)"),
        ("log", 1, (), "LN(x)"),
        ("sqrt", 1, (), "SQRT(x)"),
        ("tanh", 1, (), "TANH(x)"),
        ("copy", 1, ("z",), "x"),
        ("repeat", 1, (), "x"),
        ("relu", 1, (), "MAX(0,x)"),
        ("leaky_relu", 1, (0.1,), "IF(x>0,x,0.1*x)"),
        ("sigmoid", 1, (), "1/(1+EXP(-x))"),
        ("softplus", 1, (), "MAX(x,0)+LN(1+EXP(-ABS(x)))"),
        ("choose", 3, (), "IF(x>0,y,z)"),
        ("largest", 3, (), "MAX(x,y,z)"),
        ("is_largest", 3, (0,), "IF(AND(x>=y,x>=z),1,0)"),
        ("is_largest", 3, (1,), "IF(AND(y>x,y>=z),1,0)"),
        ("is_largest", 3, (2,), "IF(AND(z>x,z>y),1,0)"),
        ("log_sum_exp", 2, (), "MAX(x,y)+LN(EXP(x-MAX(x,y))+EXP(y-MAX(x,y)))"),
        ("half_square", 2, (), "0.5*(x-y)^2"),
        ("square", 2, (), "(x-y)^2"),
        ("binary_cross_entropy", 2, (), "MAX(y,0)+LN(1+EXP(-ABS(y)))-x*y"),
        (
            "cross_entropy_of",
            4,
            (),
            "MAX(z,u)+LN(EXP(z-MAX(z,u))+EXP(u-MAX(z,u)))-(x*z+y*u)",
        ),
    ],
)
def test_an_op_is_said_as_a_person_would(graph, op, count, attributes, formula):
    inputs = leaves(graph, *"xyzu"[:count])
    assert said(graph.make(op, *inputs, attributes=attributes)) == formula


BACKWARD_ON_TENSORS = {
    "only_step",
    "shares_back",
    "linear_back",
    "outer",
    "conv_back",
    "conv_weights",
    "maxpool_back",
    "winners",
    "avgpool_back",
}


def test_every_op_on_single_values_can_be_said():
    on_tensors = {name for name, op in OPS.items() if op.elements is not None}
    for name in set(OPS) - on_tensors - BACKWARD_ON_TENSORS - {"leaf"}:
        assert name in PHRASES or OPS[name].expansion, name


def test_an_op_without_words_is_refused_with_its_name(graph):
    (x,) = leaves(graph, "x")
    outer = graph.make("outer", x, x)
    with pytest.raises(TargetError, match="can't write the op 'outer'"):
        said(outer)


def test_a_value_with_a_cell_is_referred_to_and_one_without_is_written_out(graph):
    x, y = leaves(graph, "x", "y")
    h = graph.named(x * y, Name("h"))
    assert said((h + x) * y) == "(h+x)*y"
    assert said(h) == "x*y"


def test_nothing_is_reassociated(graph):
    x, y, z = leaves(graph, "x", "y", "z")
    assert said(x + (y + z)) == "x+(y+z)"
    assert said(x + y + z) == "x+y+z"


def test_a_total_is_the_sum_of_the_samples_cells(graph):
    (x,) = leaves(graph, "x", each=True)
    assert said(graph.make("total", x) / 4) == "SUM(x5:x8)/4"


def test_a_long_sum_is_said_without_falling_into_it(graph):
    x, y = leaves(graph, "x", "y")
    total = x
    for _ in range(3000):
        total = total + y
        y = graph.make("copy", y, attributes=(str(len(graph.nodes)),))
    assert said(total).count("+") == 3000


def test_extreme_values_get_a_spelling_that_holds(graph):
    x, y = leaves(graph, "x", "y")
    assert said(graph.make("sigmoid", x), {"sigmoid"}) == "IF(x<-709,0,1/(1+EXP(-x)))"
    assert said(x**2, {"power"}) == "x*x"
    assert said((x - y) ** 2, {"power"}) == "SUMSQ(x-y)"
    assert said(0.9**x, {"power"}) == "EXP(x*LN(0.9))"
