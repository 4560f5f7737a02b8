"""A student's first hour: the exercise worked, and digits read by less than 20,000 parameters."""

from __future__ import annotations

import json
import re

import pytest

from tests.outside.witness import read_values, recalculate


@pytest.mark.witness("libreoffice", "cc")
def test_a_student_works_the_exercise_and_reads_digits(typed, tmp_path):
    assert "0.01288082" in typed("gradbook explain")
    typed("gradbook explain mazur --only w5")
    typed("gradbook sheet")
    values = read_values(recalculate(tmp_path / "worked.xlsx", tmp_path / "again"))
    training = values["Training"]
    epochs = [training[cell] for cell in training if re.fullmatch(r"A[0-9]+", cell)]
    assert [epoch for epoch in epochs if isinstance(epoch, int | float)] == list(range(1, 71))
    assert "saturated" in typed("gradbook sweep xor") + typed("gradbook sweep worked")
    typed("gradbook train")
    result = json.loads((tmp_path / "runs" / "quick" / "result.json").read_text("utf-8"))
    assert result["parameters"] < 20_000
    assert result["test_accuracy"] > 0.994
    assert result["epochs"] < 20
    typed('gradbook explain runs/quick --only "conv2 3,1,0,2" --image 7')
