"""What a line of a program computed, and the loss's slope by it: that of a right program's own."""

from __future__ import annotations

import pytest

from gradbook.audit.programs.check_program import check_program
from tests.report.checked_programs import XOR

RIGHT = XOR.replace("a1 * (1 - a1)", "(1 - a1**2)").replace("dz1.sum()", "dz1.sum(axis=0)")
SLOPES = {"z1": "dz1", "b1": "db1", "W2": "dW2", "b2": "db2"}  # the gradients by their values


@pytest.fixture(scope="module")
def values(tmp_path_factory):
    path = tmp_path_factory.mktemp("program") / "xor.py"
    path.write_text(RIGHT, "utf-8")
    (model,) = check_program(str(path)).models
    return model.values


def test_a_value_stands_at_its_line_with_its_shape(values):
    lines = {(value.span.line, value.name): value.shape for value in values}
    assert lines[(12, "z1")] == (4, 3)
    assert lines[(15, "loss")] == ()
    assert lines[(22, "db1")] == (3,)


def test_the_slope_of_a_value_is_what_a_right_program_computes_for_it(values):
    first = {}
    for value in values:
        first.setdefault(value.name, value)
    for name, slope in SLOPES.items():
        assert first[name].slopes == pytest.approx(first[slope].numbers, rel=1e-9), name


def test_what_the_loss_doesnt_depend_on_has_no_slope(values):
    assert all(value.slopes == () for value in values if value.name.startswith("d"))
