"""What a curve of errors is called."""

from __future__ import annotations

import numpy as np
import pytest

from gradbook.targets.excel.sheets.rates import CurveCells, CurveErrors

STEPS = np.arange(50)


@pytest.mark.parametrize(
    ("errors", "name"),
    [
        (np.exp(-STEPS / 10), "falls"),
        (np.exp(-STEPS / 200), "falls slowly"),
        (np.exp(-STEPS), "falls to nothing"),
        (0.1 + np.exp(-STEPS), "falls, then flat"),
        (np.full(50, 0.7), "falls slowly, then flat"),
        (np.r_[1, 3, np.exp(-STEPS / 10)], "leaps up, then falls"),
        (np.r_[0.01, np.full(49, 0.25)], "leaps up, then flat"),
        (1 + STEPS / 10, "leaps up and swings"),
        (np.r_[1, 5, np.linspace(4, 3, 48)], "leaps up"),
        (np.exp(-STEPS / 20) * (1 + 0.1 * (-1.0) ** STEPS), "falls in zigzags"),
        (1 + 0.04 * (STEPS % 2), "swings"),
        (np.r_[1, 2, np.full(48, np.nan)], "breaks: the numbers grow too large"),
    ],
)
def test_a_curve_is_called_by_its_shape(errors, name):
    assert CurveErrors(np.asarray(errors)).verdict() == name


def test_rounding_is_no_rise():
    assert CurveErrors(np.array([1.0, 0.5, 0.5 + 1e-12, 0.4])).rises() == 0


def test_the_formulas_look_at_the_curves_own_cells():
    cells = CurveCells("B", 29, 70)
    assert cells.between(0, -1) == "B$29:B$98"
    assert cells.rises() == "=SUMPRODUCT(--(B$30:B$98>1.000001*B$29:B$97+1E-09*B$29))"
    assert "ABS(B$91-B$98)<=0.0001*B$98" in cells.verdict("C5", "E5")
