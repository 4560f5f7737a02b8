"""The value of a formula is put together from the values of its pieces."""

from __future__ import annotations

import numpy as np
import pytest

from gradbook.audit.repair.formula_edits import EvaluatedFormula, combine
from gradbook.targets.excel.language.grammar import read

GIVEN = np.array([0.5, 2.0])


def value(text):
    part = read(text)
    return combine(part, [GIVEN.copy() for _ in range(len(part.arguments))])


@pytest.mark.parametrize(
    "text", ["TANH()", "TANH(A1,A2)", "EXP(A1,A2)", "MAX()", "POWER(A1)", "IF(A1)"]
)
def test_functions_of_other_numbers_of_arguments_are_not_known(text):
    assert value(text) is None


@pytest.mark.parametrize(
    ("text", "worth"),
    [("TANH(A1)", np.tanh(GIVEN)), ("POWER(A1,A2)", GIVEN**GIVEN), ("MAX(A1,A2,A3)", GIVEN)],
)
def test_functions_are_computed_of_their_arguments(text, worth):
    np.testing.assert_array_equal(value(text), worth)


def test_what_other_numbers_make_of_a_function_that_is_not_computed_is_no_number():
    formula = EvaluatedFormula(read("1+AVERAGE(2,3)"), lambda part: np.array(2.5))
    others = np.array([[1.0], [2.0]])
    np.testing.assert_array_equal(formula.with_({(1, 0): others}), np.full((2, 1), np.nan))
    np.testing.assert_array_equal(formula.with_({(0,): others}), others + 2.5)
