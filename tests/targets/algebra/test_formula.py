"""Every op in the notation that people use for it."""

from __future__ import annotations

import pytest

from gradbook.errors import TargetError
from gradbook.graph.node import ancestors
from gradbook.net import builtin, parse
from gradbook.net.build import training_step
from gradbook.net.lower import scalar_step
from gradbook.targets.algebra.derive import records
from gradbook.targets.algebra.forms import Numeral
from gradbook.targets.algebra.formula import definition
from tests.cases import for_each


def said(text, part="forward"):
    found = records(scalar_step(parse(text)))
    return {value["name"]: value["formula"] for value in found[part]}


ACTIVATIONS = {
    "sigmoid": ("σ(h1)", "a_h1·(1 − a_h1)"),
    "tanh": ("tanh(h1)", "1 − a_h1²"),
    "relu": ("max(0, h1)", "[h1 > 0]"),
    "leaky relu 0.1": ("{h1 if h1 > 0, else 0.1·h1}", "{1 if h1 > 0, else 0.1}"),
    "softplus": ("ln(1 + exp(h1))", "σ(h1)"),
    "gelu": (
        "0.5·h1·(1 + tanh(√(2/π)·h1·(1 + 0.044715·h1²)))",
        "(0.5·(1 + tanh(√(2/π)·h1·(1 + 0.044715·h1²))) + 0.5·h1"
        "·(1 − tanh(√(2/π)·h1·(1 + 0.044715·h1²))²)·√(2/π)·(1 + 0.134145·h1²))",
    ),
    "exact gelu": (
        "h1·Φ(h1)",
        "(Φ(h1) + h1·(1/√(2·π))·exp(−h1²/2))",
    ),
    "logrelu": ("ln(1 + max(0, h1))", "(1/(1 + max(0, h1)))·[h1 > 0]"),
    "relu6": ("min(6, max(0, h1))", "[h1 < 6]·[h1 > 0]"),
    "elu": ("{h1 if h1 > 0, else exp(h1) − 1}", "{1 if h1 > 0, else a_h1 + 1}"),
    "hardsigmoid": ("min(6, max(0, h1 + 3))/6", "([h1 + 3 < 6]·[h1 + 3 > 0]/6)"),
    "hard swish": (
        "h1·min(6, max(0, h1 + 3))/6",
        "(min(6, max(0, h1 + 3))/6 + h1·[h1 + 3 < 6]·[h1 + 3 > 0]/6)",
    ),
    "silu": ("h1·σ(h1)", "(σ(h1) + a_h1·(1 − σ(h1)))"),
    "identity": ("h1", None),
}


@for_each(("word", "formulas"), ACTIVATIONS.items(), ids=ACTIVATIONS)
def test_an_activation_and_its_slope(word, formulas):
    text = f"input 1; dense 1 no bias; {word}; dense 1 no bias"
    formula, slope = formulas
    assert said(text)["a_h1"] == formula
    chain = "·".join(filter(None, ["(o1 − t1)·w2", slope and grouped(slope), "i1"]))
    assert said(text, "weights")["w1"] == chain


def grouped(slope):
    return f"({slope})" if slope.startswith("1 −") else slope


LOSSES = {
    "half squared error": ("dense 1", "½·(t1 − o1)²", "(o1 − t1)·i1"),
    "mean squared error": ("dense 1", "(t1 − o1)²", "2·(o1 − t1)·i1"),
    "binary cross-entropy": (
        "dense 1; sigmoid",
        "−t1·ln(a_o1) − (1 − t1)·ln(1 − a_o1)",
        "(a_o1 − t1)·i1",
    ),
}


@for_each(("loss", "expected"), LOSSES.items(), ids=LOSSES)
def test_a_loss_and_its_slope(loss, expected):
    layers, formula, slope = expected
    text = f"input 1; {layers}; loss {loss}"
    assert said(text)["E1"] == formula
    assert said(text, "weights")["w1"] == slope


@for_each(
    ("ending", "formulas"),
    [
        (
            "softmax",
            ["exp(o1 − L_o)", "−t1·ln(a_o1) − t2·ln(a_o2)", "(a_o1 − t1)·i1"],
        ),
        ("log softmax", ["o1 − L_o", "−t1·a_o1 − t2·a_o2", "(exp(a_o1) − t1)·i1"]),
    ],
)
def test_softmax_is_measured_from_the_logarithm_of_its_sum(ending, formulas):
    text = f"input 1; dense 2; {ending}; loss cross-entropy"
    forward = said(text)
    assert forward["L_o"] == "ln(exp(o1) + exp(o2))"
    slope = said(text, "weights")["w1"]
    assert [forward["a_o1"], forward["E_total"], slope] == formulas


def test_batch_normalisation_adds_over_the_samples():
    forward = said("input 1; dense 1; batchnorm; sample 1 -> 0; sample 2 -> 1; sample 0 -> 1")
    assert [forward[name] for name in ("μ1", "σ²1", "s1", "n1", "y1", "E_total")] == [
        "(1/3)·Σ o1",
        "(1/3)·Σ (o1 − μ1)²",
        "√(σ²1 + 10⁻⁵)",
        "(o1 − μ1)/s1",
        "γ1·n1 + β1",
        "(1/N)·Σ E1",
    ]


def test_pools_take_the_largest_or_the_average():
    text = "input 1x2x2; conv 1 1x1 no bias; {}; flatten; dense 1 no bias"
    assert said(text.format("maxpool 2"))["p1_1"] == "max(c1_1, c1_2, c2_1, c2_2)"
    assert said(text.format("avgpool 2"))["p1_1"] == "(c1_1 + c1_2 + c2_1 + c2_2)/4"
    assert "·[p1_1 is c1_2]·i1_2" in said(text.format("maxpool 2"), "weights")["w1"]


def test_what_cannot_be_said_is_refused_with_a_remedy():
    step = training_step(builtin("worked"))
    whole = next(node for node in ancestors([step.loss]) if node.op.name == "linear")
    with pytest.raises(TargetError, match=r"can't write the op 'linear': .*formula\.py"):
        definition(whole, lambda node: Numeral(0))
