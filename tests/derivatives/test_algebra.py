"""Formulas of cells in mathematics."""

from __future__ import annotations

from gradbook.cells.formula.syntax import read
from gradbook.derivatives.algebra import as_algebra
from gradbook.targets.algebra.forms import Words
from gradbook.targets.algebra.terminal_text import spell
from gradbook.targets.algebra.tex import spell as tex
from tests.cases import for_each


def algebra(formula):
    return as_algebra(read(formula), lambda part: Words(part.text))


@for_each(
    ("formula", "text"),
    [
        ("=A1*B1+C1/D1", "A1·B1 + C1/D1"),
        ("=A1-(B1-C1)", "A1 − (B1 − C1)"),
        ("=-A1^2", "(−A1)²"),  # Excel negates first
        ("=(A1+B1)^0.5", "(A1 + B1)^0.5"),
        ("=2^A1^B1", "(2^A1)^B1"),
        ("=EXP(-B4*B5)", "exp(−B4·B5)"),
        ("=SQRT(A1+1)", "√(A1 + 1)"),
        ("=SUM(A1:A9)", "Σ A1:A9"),
        ("=SUM(A1,B1)", "A1 + B1"),
        ("=SUMPRODUCT(A1:A3,B1:B3)", "Σ A1:A3·B1:B3"),
        ("=_xlfn.NORM.S.DIST(B8,TRUE)", "Φ(B8)"),
        ("=NORM.S.DIST(B8,FALSE)", "φ(B8)"),
        ("=NORMDIST(B8,0,1,0)", "φ(B8)"),
        ("=NORM.DIST(B8,A1,B1,FALSE)", "φ((B8 − A1)/B1)/B1"),
        ("=5%*A1", "0.05·A1"),
        ("=A1%", "A1/100"),
        ("=IF(A1>0,A1,0)", "{A1 if A1 > 0, else 0}"),
        ("=(A1>0)*B1", "[A1 > 0]·B1"),
        ("=NPV(A1,B1:B9)", "NPV(A1, B1:B9)"),
        ("=ROUND(A1,)", "round(A1, )"),
        ("=PI()*A1^2", "π·A1²"),
    ],
)
def test_a_formula_reads_as_mathematics(formula, text):
    assert spell(algebra(formula)) == text


def test_a_fraction_is_set_as_one():
    assert tex(algebra("=(A1+B1)/C1")) == r"\frac{\text{A1} + \text{B1}}{\text{C1}}"


def test_a_very_long_sum_is_shortened_and_a_long_formula_shown_as_typed():
    total = "+".join(f"A{k}" for k in range(1, 900))
    assert spell(algebra(f"={total}")) == "A1 + A2 + A3 + … + A898 + A899"
    nested = "*".join(f"(A{k}+B{k}/C{k})" for k in range(1, 90))
    assert spell(algebra(f"={nested}")).endswith("…")
