"""Formulas in place of layers: their text, every derivative, and the place of each mistake."""

from __future__ import annotations

import random

import numpy as np
import pytest

import gradbook as gb
from gradbook.errors import GradbookError
from gradbook.graph.names import read_name
from gradbook.net.formulas import parse_formulas, reads_as_formulas
from gradbook.net.lower import scalar_step
from gradbook.net.step import losses, run

NEURON = "h = w*x + b; a = tanh(h); E = (a - t)^2 / 2; w = 0.5; b = 0.1; x = 2; t = 1"
WORKED = """
    h1 = w1*i1 + w2*i2; h2 = w3*i1 + w4*i2; a_h1 = sigmoid(h1); a_h2 = σ(h2)
    o1 = w5*a_h1 + w6*a_h2; o2 = w7*a_h1 + w8*a_h2; a_o1 = sigmoid(o1); a_o2 = sigmoid(o2)
    E = ½ * (t1 - a_o1)^2 + (t2 - a_o2)^2 / 2
    i1 = 0.05; i2 = 0.1; t1 = 0.5; t2 = 0.5; sample i1 i2 t1 t2
    w1 = 0.15; w2 = 0.2; w3 = 0.25; w4 = 0.3; w5 = 0.4; w6 = 0.45; w7 = 0.5; w8 = 0.55
    rate 1
""".replace("½", "0.5")


def gradients(text: str) -> dict[str, float]:
    step = scalar_step(parse_formulas(text))
    values = next(run(step, 1))
    return {str(weight.name): float(values[step.gradients[weight]]) for weight in step.trained}


def test_the_worked_example_as_formulas_has_the_gradients_of_the_network():
    expected = gb.builtin("worked").gradients()
    assert gradients(WORKED) == pytest.approx({name: float(g) for name, g in expected.items()})


def test_it_trains_as_the_network_does():
    formulas = losses(scalar_step(parse_formulas(WORKED)), 70)
    network = losses(scalar_step(gb.builtin("worked")), 70, 1.0)
    np.testing.assert_allclose(formulas, network, rtol=1e-12)


def test_every_number_is_learned_unless_some_are_named():
    assert list(gradients(NEURON)) == ["w", "b", "x", "t"]
    assert list(gradients(f"{NEURON}; sample x t")) == ["w", "b"]
    assert list(gradients(f"{NEURON}; learn b")) == ["b"]


def test_a_list_is_a_number_for_each_sample_and_the_error_their_mean():
    text = "E = (w*x - t)^2; w = 0.5; x = 1, 2, 4; t = 1, -1, 0.5"
    x, t = np.array([1, 2, 4]), np.array([1, -1, 0.5])
    assert gradients(text) == {"w": pytest.approx(np.mean(2 * (0.5 * x - t) * x))}


def test_a_gradient_that_is_part_of_a_formula_keeps_that_formula_s_name():
    """∂L/∂f is a·b + c, which L contains."""
    step = scalar_step(parse_formulas("L = (a*b + c)*f; a = 2; b = -3; c = 10; f = -2"))
    assert [str(node.name) for node in step.loss.inputs] == ["None", "f"]
    names = [str(step.gradients[weight].name) for weight in step.trained]
    assert names == ["∂L/∂a", "∂L/∂b", "∂L/∂c", "∂L/∂f"]


UNARY = ("tanh", "sigmoid", "exp", "sin", "cos", "relu", "abs", "softplus", "gelu", "silu")


def expression(draw: random.Random, depth: int, names: tuple[str, ...] = ("a", "b", "c")) -> str:
    """A formula that is defined everywhere."""
    if not depth:
        return draw.choice((*names, f"{draw.uniform(0.5, 3):.2f}"))
    left, right = (expression(draw, depth - 1, names) for _ in range(2))
    return draw.choice(
        (
            f"({left} {draw.choice('+-*')} {right})",
            f"{draw.choice(UNARY)}({left})",
            f"-{left}^2",
            f"{left} / (1 + ({right})^2)",
            f"sqrt(1 + ({left})^2) - ln(2 + cos({right}))",
            f"(1.5 + sin({left}))^({right})",
            f"max({left}, {right}) + min({left}, 2*{right})",
        )
    )


def test_500_random_formulas_agree_with_autograd(torch):
    functional = torch.nn.functional
    known = {
        **{name: getattr(torch, name) for name in ("tanh", "sigmoid", "exp", "sin", "cos", "abs")},
        **{name: getattr(functional, name) for name in ("relu", "softplus", "silu")},
        "sqrt": torch.sqrt,
        "ln": torch.log,
        "max": torch.maximum,
        "min": torch.minimum,
        "gelu": lambda x: functional.gelu(x, approximate="tanh"),
    }

    def of_tensors(function):
        return lambda *values: function(*map(torch.as_tensor, values))

    functions = {name: of_tensors(function) for name, function in known.items()}
    draw, compared = random.Random(66), 0
    while compared < 500:
        text, starts = expression(draw, 3), {name: draw.uniform(-2, 2) for name in "abc"}
        leaves = {name: torch.tensor(v, requires_grad=True) for name, v in starts.items()}
        result = eval(text.replace("^", "**"), functions, leaves)
        if not isinstance(result, torch.Tensor) or not result.requires_grad:
            continue
        result.backward()
        numbers = "; ".join(f"{name} = {value!r}" for name, value in starts.items())
        slopes = gradients(f"E = {text} + 0*(a + b + c); {numbers}")
        expected = {n: 0.0 if leaf.grad is None else float(leaf.grad) for n, leaf in leaves.items()}
        if not np.isfinite(list(expected.values())).all():
            continue
        assert slopes == pytest.approx(expected, rel=1e-9, abs=1e-12), text
        compared += 1


def test_names_are_read_as_they_are_typed():
    for name in ("w", "w12", "a_h1", "E_total", "c1_2_3", "alpha", "α", "x_", "_x", "lr2_x", "w_1"):
        assert str(read_name(name)) == name


def test_the_text_reads_back_as_the_same_formulas():
    for text in (NEURON, WORKED, "E = w^2; w = 1e-8; update momentum 0.5; rate 0.25; name a b"):
        formulas = parse_formulas(text)
        assert parse_formulas(str(formulas)) == formulas


def test_a_network_is_no_formula():
    assert reads_as_formulas(NEURON)
    assert not any(map(reads_as_formulas, ("input 2; dense 1", "name a = b; input 2", "E == 2")))


MISTAKES = {
    "E = w*y; w = 1": "line 1, column 7: 'y' has no value: add a line such as 'y = 0.5'",
    "E = rate1*3; rate2 = 1": "'rate1' has no value: did you mean 'rate2'?",
    "E = w^2; w = 1; learn v": "line 1, column 23: no number is called 'v'",
    "E = F + w; F = E*2; w = 1": "these formulas depend on each other: F → E → F",
    "E = w +; w = 1": "this formula can't be read",
    "E = w.real; w = 1": "'w.real' isn't allowed in a formula",
    "E = __import__('os'); w = 1": "isn't allowed in a formula",
    "E = __import__(w); w = 1": "unknown function '__import__'",
    "E = w if w else 1; w = 1": "isn't allowed in a formula",
    "E = [w for w in w]; w = 1": "isn't allowed in a formula",
    "E = tahn(w); w = 1": "unknown function 'tahn': did you mean 'tanh'?",
    "E = tanh(w, w); w = 1": "tanh takes 1, not 2 values",
    "E = tanh(w, x=1); w = 1": "isn't allowed in a formula",
    "E = w; E = 2*w; w = 1": "'E' is already defined",
    "E = 2 + 3": "'E' always equals 5: write the number instead",
    "E = w*x; w = 1; x = 1, 2; t = 1": "'E' doesn't depend on 't'",
    "w = 1; x = 2": "there is no formula",
    "E = w^2; w = 1; x = 2; learn x": "'E' doesn't depend on 'x'",
    "E = w*x; w = 1; x = 1, 2; learn x": "'x' is part of the sample",
    "E = w*x - t; w = 1; x = 1, 2; t = 1, 2, 3": "3 numbers, but 'x' has 2",
    "E = 1/0*w; w = 1": "give no finite number",
    "E = w^2 + v_w; w = 1; update momentum; v_w = 3": "the update uses this name",
    "η = 1; E = η^2": "'η' is reserved",
    "tanh = 1; E = tanh(tanh)": "'tanh' is a value here, not a function",
    "E = w^2; w = 1; seed 3": "'seed' isn't a formula",
    "E = " + "(" * 70 + "w" + ")" * 70 + "; w = 1": None,  # parentheses alone are no parts
    "E = " + "-(" * 70 + "w" + ")" * 70 + "; w = 1": "more than 60 nested parts",
    "E = " + "(" * 3000 + "w; w = 1": "can't be read",
    "E = " + "w+" * 3000 + "w; w = 1": "more than 4,000 characters",
    "E = 9" + "9" * 400 + "*w; w = 1": "too large",
}


def test_each_mistake_is_named_with_its_place():
    wrong = {}
    for text, message in MISTAKES.items():
        try:
            parse_formulas(text)
            answer = None
        except GradbookError as error:
            answer = str(error)
        is_expected = answer is None if message is None else answer and message in answer
        if not is_expected or (answer and "line 1" not in answer):
            wrong[text] = answer
    assert wrong == {}
