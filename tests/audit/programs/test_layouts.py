"""Programs in layouts that hide from NumPy, or from the recorder, what a step is."""

from __future__ import annotations

from textwrap import dedent

import numpy as np
import pytest

from gradbook.audit.programs.check_program import check_program
from gradbook.audit.programs.stepping import Watch, find_trainings
from gradbook.recording import recorder
from gradbook.recording.arrays import fresh
from tests.cases import for_each
from tests.recording.conftest import recording  # noqa: F401

OBJECTS = """
import numpy as np


class Cell:
    def __init__(self, n):
        self.weights = np.random.rand(n + 1) * 2 - 1

    def run(self, inputs):
        return 1 / (1 + np.exp(-np.dot(np.append(inputs, 1.0), self.weights)))


np.random.seed(3)
hidden, last = [Cell(2) for _ in range(3)], Cell(3)
values = np.array([np.array([0.0] * n) for n in (2, 3, 1)], dtype=object)


def learn(x, y):
    values[0] = np.array(x, dtype=object)
    for j, cell in enumerate(hidden):
        values[1][j] = cell.run(values[0])
    values[2][0] = out = last.run(values[1])
    error = np.array([y], dtype=object) - values[2]
    d = error[0] * out * (1 - out)
    back = [d * last.weights[j] * values[1][j] * (1 - values[1][j]) for j in range(3)]
    for j in range(4):
        last.weights[j] += 0.5 * d * (values[1][j] if j < 3 else 1.0)
    for j, cell in enumerate(hidden):
        for k in range(3):
            cell.weights[k] += 0.5 * back[j] * (values[0][k] if k < 2 else 1.0)
    return sum(error**2)


for epoch in range(40):
    cost = learn([0.1, 0.4], 1.0)
    cost += learn([0.9, -0.3], 0.0)
    cost += learn([-0.5, 0.6], 1.0)
"""
UNDER_ANOTHER_NAME = """
import random
from math import tanh
from numpy import dot as inner

random.seed(2)
rows = [[random.uniform(-1, 1) for _ in range(3)] for _ in range(6)]
goals = [0.5 * row[0] - 0.3 * row[2] for row in rows]
w, b = [0.2, -0.1, 0.4], 0.0
for epoch in range(30):
    slopes, slope, loss = [0.0] * 3, 0.0, 0.0
    for row, goal in zip(rows, goals):
        y = tanh(inner(row, w) + b)
        loss += (y - goal) ** 2 / 2
        d = (y - goal) * (1 - y * y)
        slopes = [s + d * x for s, x in zip(slopes, row)]
        slope += d
    w = [each - 0.1 * s for each, s in zip(w, slopes)]
    b -= 0.1 * slope
"""
BEGUN_AS_ONE = UNDER_ANOTHER_NAME.replace("[0.2, -0.1, 0.4]", "[0.0] * 3")


@for_each("text", [OBJECTS, UNDER_ANOTHER_NAME, BEGUN_AS_ONE])
def test_a_right_one_is_right(text, tmp_path):
    path = tmp_path / "program.py"
    path.write_text(text, "utf-8")
    report = check_program(str(path), seconds=30)
    assert report.verdict in ("right", "factor"), report.reason
    assert all(it.is_right for model in report.models for it in model.gradients)


def test_a_mistake_behind_another_name_is_found(tmp_path):
    path = tmp_path / "program.py"
    path.write_text(dedent(UNDER_ANOTHER_NAME).replace("(1 - y * y)", "(1 - y)"), "utf-8")
    report = check_program(str(path), seconds=30)
    assert report.verdict == "wrong"
    assert [it.span.line for model in report.models for it in model.findings] == [15]


@pytest.mark.usefixtures("recording")
def test_a_full_tape_is_begun_anew_while_nothing_is_trained(monkeypatch):
    monkeypatch.setattr(recorder, "MOST_CALLS", 500)
    recorder.RECORDER.program_files = {__file__}
    recorder.RECORDER.watch = watch = Watch()
    number = fresh(np.array([1.0, 2.0]))
    for _ in range(400):
        number = number * 0.25 + 1.0
    assert len(recorder.RECORDER.tape) < 600
    weight = fresh(np.array([1.0, 2.0]))
    for _ in range(12):
        weight = weight - 0.1 * (weight - number)
    assert len(find_trainings(watch)) == 1
