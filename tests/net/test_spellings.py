"""Formulas as people type them: their values and slopes are SymPy's."""

from __future__ import annotations

import pytest
import sympy

from gradbook.net.formulas import Formulas, parse_formulas
from gradbook.net.lower import scalar_step
from gradbook.net.step import run
from tests.net.spellings import NUMBERS, SPELLINGS

IN_SYMPY = {"λ": "lam", "μ": "mu", "σ": "sig", "φ": "phi"}


def complete(text: str) -> str:
    """The text with numbers for those of its names that have none."""
    if text in ("e^x", "x^2 + 3*x", "f(x) = x^2 + 3x"):
        return text
    used = {symbol.name for symbol in symbolic(SPELLINGS[text]).free_symbols}
    lines = NUMBERS.strip("; ").split("; ")
    missing = [it for it in lines if it[0] in used and f"; {it[:4]}" not in text]
    return "; ".join([text, *missing])


def symbolic(meaning: str) -> sympy.Expr:
    for letter, word in IN_SYMPY.items():
        meaning = meaning.replace(letter, word)
    names = {name: sympy.Symbol(name) for name in ("N", "e", "c", "sum")}
    return sympy.sympify(meaning, names)


def numbers(formulas: Formulas) -> tuple[float, dict[str, float]]:
    """The result, and its slope for each number."""
    step = scalar_step(formulas)
    values = next(run(step, 1))
    slopes = {str(leaf.name): float(values[step.gradients[leaf]]) for leaf in step.trained}
    return float(values[step.loss]), slopes


def expected(meaning: str, starts: dict[str, float]) -> tuple[float, dict[str, float]]:
    value = symbolic(meaning)
    at = {sympy.Symbol(IN_SYMPY.get(name, name)): start for name, start in starts.items()}

    def number(it: sympy.Expr) -> float:
        smooth = it.replace(lambda part: isinstance(part, sympy.Subs), lambda _: 0)  # floor's
        return float(smooth.subs(at).evalf())

    names = {name: sympy.Symbol(IN_SYMPY.get(name, name)) for name in starts}
    return number(value), {name: number(_slope(value, symbol)) for name, symbol in names.items()}


def _slope(value: sympy.Expr, symbol: sympy.Symbol) -> sympy.Expr:
    real = sympy.Symbol(symbol.name, real=True)
    at = {it: sympy.Symbol(it.name, real=True) for it in value.free_symbols}
    back = {new: old for old, new in at.items()}
    return sympy.diff(value.subs(at), real).subs(back)


def test_what_people_type_has_the_values_and_slopes_of_sympy():
    wrong = {}
    for text, meaning in SPELLINGS.items():
        try:
            formulas = parse_formulas(complete(text))
            starts = {name: it[0] for name, it in formulas.numbers.items()}
            value, slopes = numbers(formulas)
            right, slopes_of_sympy = expected(meaning, starts)
            if value != pytest.approx(right, rel=1e-12) or slopes != pytest.approx(
                {name: slopes_of_sympy[name] for name in slopes}, rel=1e-11, abs=1e-12
            ):
                wrong[text] = value, right, slopes, slopes_of_sympy
        except Exception as error:
            wrong[text] = repr(error)
    assert wrong == {}
