"""The value of a formula is put together from the values of its pieces."""

from __future__ import annotations

import numpy as np
import pytest

from gradbook.audit.repair.edits.alternatives import combined
from gradbook.targets.excel.language.reader import read

GIVEN = np.array([0.5, 2.0])


def value(text):
    part = read(text)
    return combined(part, [GIVEN.copy() for _ in range(len(part.arguments))])


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
