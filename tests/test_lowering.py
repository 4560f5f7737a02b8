"""A target without a name for an op writes its expansion, in every target."""

from __future__ import annotations

import re
from importlib import import_module
from inspect import getsource, signature

import pytest

from gradbook.cells.formula.syntax import write
from gradbook.errors import TargetError
from gradbook.graph import ops
from gradbook.graph.names import Name
from gradbook.graph.node import OPS, Graph, Op, ancestors
from gradbook.layers import Activation
from gradbook.lowering import Vocabulary, expansion
from gradbook.targets.algebra.formula import definition, symbols
from gradbook.targets.algebra.terminal_text import spell
from gradbook.targets.excel.spellings import NAMES, SAYS
from tests.cases import for_each


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


def test_a_target_says_what_it_can_and_asks_for_the_rest_to_be_taken_apart(bent):
    x, y = bent
    says = Vocabulary("a slate", {"leaf", "choose", "sigmoid", "multiply"})
    assert says.simpler(x) is None
    assert says.sources(says.simpler(y)) == says.simpler(y).inputs
    assert [node.op.name for node in says.complete([y])][-1] == "choose"


def test_a_square_is_a_product_where_there_are_no_powers(bent):
    x, _ = bent
    says = Vocabulary("a slate", {"multiply"})
    assert says.simpler(x**2) is x * x


def test_what_nothing_is_made_of_is_refused_with_the_target_and_the_remedy(bent):
    x, _ = bent
    with pytest.raises(TargetError, match="^a slate can't write the op 'tanh': take chalk$"):
        Vocabulary("a slate", {"multiply"}, "take chalk").simpler(x.graph.make("tanh", x))


def test_a_layer_is_refused_by_its_name_and_what_it_is_made_with():
    says = Vocabulary("a slate", {"multiply", "add", "constant"}, "take chalk")
    with pytest.raises(TargetError, match="^gelu2: a slate .* gelu, .* needs tanh: take chalk$"):
        says.steps(Activation("gelu"), "gelu2")


def test_the_steps_of_a_layer_come_in_an_order_to_compute_in():
    steps = Vocabulary("a slate", {"multiply", "divide", "add", "exp", "negate"}).steps(
        Activation("silu"), "silu1"
    )
    assert steps[0].op.name == "leaf"
    assert all(one in steps[:place] for place, node in enumerate(steps) for one in node.inputs)


def test_gelu_is_squares_where_a_language_has_no_powers():
    nodes = Vocabulary("any", {"add", "multiply", "tanh"}).steps(Activation("gelu"), "gelu1")
    assert {node.op.name for node in nodes} == {"leaf", "constant", "add", "multiply", "tanh"}


SINGLE_VALUES = "log_sum_exp"  # in steps of single values; tensors have log_sum_exp_all
NO_CHOICES = frozenset({"choose", "relu", "softplus", "normal_share", SINGLE_VALUES})
REFUSED = {  # what a language has no words for; all that is made of these is refused, too
    "gradbook.formats.keras.op_words": {SINGLE_VALUES},
    "gradbook.formats.numpy.op_words": {SINGLE_VALUES},
    "gradbook.formats.onnx.op_words": {SINGLE_VALUES},
    "gradbook.formats.torch.op_words": {SINGLE_VALUES},
    "gradbook.targets.algebra.formula": set(),
    "gradbook.targets.c.c_ops": {SINGLE_VALUES},
    "gradbook.targets.excel.spellings": set(),
    "gradbook.targets.page.lines": set(),
    "gradbook.targets.portable.floats": {SINGLE_VALUES},
    "gradbook.teaching.quiz.qti_2_1": NO_CHOICES,  # readers of QTI can't choose within a formula
}
LEAVES = {"leaf", "constant", "copy"}
BETWEEN_SAMPLES = {"repeat", "total"}


@for_each("module", REFUSED)
def test_what_a_function_of_numbers_is_made_of_is_said_in_every_language(module):
    says = import_module(module).SAYS
    refused = set()
    for name in re.findall(r'\bdefine\(\s*"(\w+)"', getsource(ops)):
        if name not in LEAVES | BETWEEN_SAMPLES:
            waiting = [one_of(name)]
            while waiting:
                node = waiting.pop()
                if node.op.name in says.ops or node.op.name in LEAVES:
                    continue
                simpler = expansion(node)
                if simpler is None:
                    refused.add(node.op.name)
                else:
                    waiting += ancestors([simpler], stop=node.inputs)
    assert refused == REFUSED[module]


def one_of(name):
    """An op on as many values as it takes."""
    graph = Graph()
    value, attributes = OPS[name].value, (0,) * (name == "is_largest")
    count = getattr(value, "nin", 0) or len(signature(value).parameters)
    takes_several = name in ("largest", "is_largest", SINGLE_VALUES)
    inputs = [graph.leaf(Name("x", (k,))) for k in range(2 if takes_several else count)]
    return graph.make(name, *inputs, attributes=attributes)
