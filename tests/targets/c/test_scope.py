"""Names in C are those of the graph, each once."""

from __future__ import annotations

from gradbook.graph.names import Name
from gradbook.graph.node import Graph
from gradbook.targets.c.scope import Names, identifier, titles
from tests.cases import for_each


@for_each(
    ("name", "said"),
    [("μ1", "mu1"), ("∂E/∂w3", "dE_dw3"), ("σ²2", "var2"), ("int", "int_"), ("1st", "_1st")],
)
def test_letters_that_c_lacks_are_spelled_out(name, said):
    assert identifier(name) == said


def test_a_name_is_given_once_and_kept():
    names = Names()
    assert [names.of(key, "μ1") for key in ("a", "b", "a")] == ["mu1", "mu1_2", "mu1"]


def test_what_has_no_name_is_called_after_its_making_or_its_purpose():
    graph = Graph()
    x, y = graph.leaf(Name("x"), (3,), each=True), graph.leaf(Name("y"), (3,), each=True)
    less, reached = x - y, graph.make("softplus", x)
    end = less * reached
    found = titles({x: "x", y: "y", end: "E"}, [x, y, less, reached, end])
    assert found == {x: "x", y: "y", less: "x_less_y", reached: "softplus_for_E", end: "E"}
