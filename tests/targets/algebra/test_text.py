"""The derivation in the terminal: brackets, digits, lines, and what it says of known networks."""

from __future__ import annotations

import re

from hypothesis import given, settings

from gradbook.graph.names import Name
from gradbook.net import parse
from gradbook.net.lower import scalar_step
from gradbook.report.derivation import explain
from gradbook.targets.algebra.derive import derive
from gradbook.targets.algebra.forms import (
    BigSum,
    Bracket,
    Cases,
    Comparison,
    Factors,
    Fraction,
    Function,
    Minus,
    Numeral,
    Partial,
    Root,
    Symbol,
    Terms,
    Transposed,
    Words,
    sign_before,
)
from gradbook.targets.algebra.printing import break_line, decimal
from gradbook.targets.algebra.terminal_text import TEXT, spell, write_text
from gradbook.targets.algebra.tex import write_latex, write_markdown
from tests.cases import for_each
from tests.families import networks
from tests.targets.algebra.samples import NAMES, document_of

a, b, c = (Symbol(Name(letter)) for letter in "abc")
w5 = Symbol(Name("w", (5,)))

SPELLINGS = {
    "a + b − c": a + b - c,
    "a − (b + c)": a - (b + c),
    "a − (b − c)": a - (b - c),
    "a·(b + c)": a * (b + c),
    "−a·b": -(a * b),
    "−(a + b)": -(a + b),
    "a − (−b)": Terms((a, Minus(Minus(b)))),
    "a·(−b)": Factors((a, Minus(b))),
    "a·(−0.5)": a * -0.5,
    "a − (−0.5)": a - Numeral(-0.5),
    "(a/b)·c": Factors((Fraction(a, b), c)),
    "a/(b·c)": a / (b * c),
    "a·b/c": a * b / c,
    "(a + b)/c": (a + b) / c,
    "a/(b/c)": a / (b / c),
    "½·a": Fraction(Numeral(1), Numeral(2)) * a,
    "(−a)²": (-a) ** 2,
    "(−0.5)²": Numeral(-0.5) ** 2,
    "−a²": -(a**2),
    "(a·b)²": (a * b) ** 2,
    "(a²)³": (a**2) ** 3,
    "a^b": a**b,
    "a^(b + c)": a ** (b + c),
    "(∂a/∂b)²": Partial(a, b) ** 2,
    "√(a + b)": Root(a + b),
    "√a": Root(a),
    "(a b) ⊙ c": Factors((Factors((a, b), ""), c), "⊙"),
    "(a + b)ᵀ": Transposed(a + b),
    "max(0, a)": Function("max", (Numeral(0), a)),
    "[a > 0]·b": Bracket(Comparison(a, ">", Numeral(0))) * b,
    "{a if b > 0, else c}": Cases(((a, Comparison(b, ">", Numeral(0))), (c, Words("else")))),
    "(1/4)·Σ a·b": Fraction(Numeral(1), Numeral(4)) * BigSum(a * b, "samples"),
    "Σ (a + b)": BigSum(a + b, "samples"),
    "(Σ a)·b": BigSum(a, "samples") * b,
}


@for_each(("said", "form"), SPELLINGS.items(), ids=SPELLINGS)
def test_brackets_stand_where_they_are_needed_and_nowhere_else(said, form):
    assert spell(form) == said


DIGITS = {
    0.0: "0",
    0.5: "0.5",
    1.0: "1",
    -0.3: "−0.3",
    0.1 + 0.2: "0.3",
    0.1496830066: "0.1496830",
    1 / 3: "0.3333333",
    0.01288081863162825: "0.01288082",
    1.2345678e-7: "1.234568·10⁻⁷",
    1e-8: "10⁻⁸",
    -1e-8: "−10⁻⁸",
    123456789.0: "1.234568·10⁸",
    float("inf"): "∞",
    float("nan"): "undefined",
}


@for_each(("value", "said"), DIGITS.items(), ids=map(str, DIGITS))
def test_numbers_have_seven_digits_at_most(value, said):
    assert decimal(value) == said


def test_there_is_no_minus_zero():
    assert decimal(-0.0) == "0"


def test_an_equals_sign_promises_every_digit():
    assert sign_before(Numeral(0.5) + Numeral(0.1 + 0.2)) == "="
    assert sign_before(Numeral(0.5) + Numeral(1 / 3)) == "≈"


def test_lines_break_outside_brackets_if_they_can():
    long = (a + b) * (a + b) + (b + c) * (b + c)
    assert break_line(TEXT.write(long), 30) == ["(a + b)·(a + b)", "+ (b + c)·(b + c)"]


def test_lines_break_within_brackets_if_they_must():
    long = a * Terms((b, c) * 6)
    lines = break_line(TEXT.write(long), 30)
    assert len(lines) == 2
    assert "".join("".join(lines).split()) == "".join(spell(long).split())


@for_each("room", [-2, 0, 1])
def test_where_there_is_no_room_a_line_breaks_wherever_it_can(room):
    assert break_line(TEXT.write(a * b + c), room) == ["a", "·b", "+ c"]


@for_each("everything", [False, True])
@for_each("name", NAMES)
def test_no_line_is_longer_than_80(name, everything):
    lines = write_text(document_of(name, everything=everything)).splitlines()
    assert [line for line in lines if len(line) > 80] == []


@settings(max_examples=30)
@given(networks(depth=3))
def test_no_line_of_any_network_is_longer_than_80(net):
    lines = write_text(derive(scalar_step(net))).splitlines()
    assert [line for line in lines if len(line) > 80] == []


def test_the_worked_example_is_told_as_it_was(golden):
    golden("worked.txt", write_text(document_of("worked")))


def flat(text):
    return " ".join(text.split())


def test_the_chain_of_w5_is_that_of_the_blackboard():
    said = flat(write_text(document_of("worked", only="w5")))
    assert "∂E_total/∂w5 = ∂E1/∂a_o1·∂a_o1/∂o1·∂o1/∂w5" in said
    assert "(a_o1 − t1)·a_o1·(1 − a_o1)·a_h1" in said
    assert "w5 ← w5 − η·∂E_total/∂w5 ≈ 0.4 − 1·0.01288082 ≈ 0.3871192" in said
    assert "w6 ←" not in said


PUBLISHED = {  # Matt Mazur, "A Step by Step Backpropagation Example" (2015)
    "E_total": 0.298371109,
    "w1": 0.149780716,
    "w2": 0.19956143,
    "w3": 0.24975114,
    "w4": 0.29950229,
    "w5": 0.35891648,
    "w6": 0.408666186,
    "w7": 0.511301270,
    "w8": 0.561370121,
}


@for_each(("name", "number"), PUBLISHED.items(), ids=PUBLISHED)
def test_the_figures_of_mazur_appear(name, number):
    text = flat(write_text(document_of("mazur")))
    line = re.search(rf" {name} (?:= E1|←).*? ≈ (0\.\d+) (?:\(|Fixed|-|[A-Z])", text)
    assert abs(float(line[1]) - number) < 6e-8


def test_fixed_biases_are_said_to_stay():
    assert "Fixed, and therefore unchanged: b1 and b2." in flat(write_text(document_of("mazur")))


def test_what_was_said_once_is_referred_to():
    text = write_text(document_of("worked"))
    assert text.count("∂E1/∂a_o1 = ") == 1
    number = re.search(r"\((\d+)\) +∂E1/∂a_o1 = ", text)[1]
    assert f"∂E1/∂a_o1 in ({number})" in flat(text)


def test_every_reference_is_to_an_earlier_equation():
    for name in ("worked", "xor", "deep", "normalised"):
        seen = set()
        for line in write_text(document_of(name, everything=True)).splitlines():
            seen |= set(re.findall(r"^\((\d+)\)", line))
            assert set(re.findall(r" in \((\d+)\)", line)) <= seen


def test_a_wide_network_is_told_in_general_and_one_weight_in_full():
    text = write_text(document_of("wide"))
    assert len(text.splitlines()) < 250
    assert "δ_h = (W_oᵀ δ_o) ⊙ (1 − a_h²)" in text
    assert "∂E_total/∂W_h = (1/N)·Σ δ_h iᵀ" in text
    assert "--only all" in text
    assert text.count("Weight w") == 1


@for_each("kind", ["text", "latex", "markdown", "html"])
def test_the_mean_over_two_samples_is_no_half_beside_that_of_the_squared_error(kind):
    made = explain(parse("input 2; dense 1; sigmoid; sample 0 1 -> 1; sample 1 0 -> 0"))
    told = str(made) if kind == "text" else getattr(made, kind)()
    half = r"(?:½|\\tfrac\{1\}\{2\}|<mrow><mn>1</mn></mrow><mrow><mn>2</mn></mrow></mfrac>)"
    assert re.search(half, told)
    assert not re.search(half + r"(?:[^=]{0,40}?)(?:Σ|∑|\\sum)", told)


def test_all_tells_every_weight():
    text = write_text(document_of("wide", everything=True))
    assert all(f"\nWeight w{k}\n" in text for k in range(1, 57))


def test_a_mean_that_cancels_is_said_to_be_zero():
    """Not 2.8·10⁻¹⁷: the bias before a batch normalisation has no effect at all."""
    text = flat(write_text(document_of("normalised")))
    assert "≈ 0.01207253 − 0.02273864 + 0.01066612 = 0" in text


@for_each(
    ("name", "lines"),
    [
        ("deep", ["v_w1 ← 0.9·v_w1 + ∂E_total/∂w1", "w1 ← w1 − η·v_w1"]),
        (
            "normalised",
            [
                "k ← k + 1 = 0 + 1 = 1",
                "m_w1 ← 0.9·m_w1 + (1 − 0.9)·∂E_total/∂w1",
                "s_w1 ← 0.999·s_w1 + (1 − 0.999)·(∂E_total/∂w1)²",
                "w1 ← w1 − η·(m_w1/(1 − 0.9^k))/(√(s_w1/(1 − 0.999^k)) + 10⁻⁸)",
            ],
        ),
    ],
)
def test_the_update_is_that_of_the_rule(name, lines):
    text = flat(write_text(document_of(name, only="w1")))
    assert all(line in text for line in lines)


@for_each("write", [write_text, write_latex, write_markdown])
def test_a_sum_of_a_thousand_terms_is_no_deeper_than_a_short_one(write):
    document = derive(scalar_step(parse("input 1000; dense 1")), only="w1000")
    assert "1000" in write(document)
