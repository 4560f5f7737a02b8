"""A step of a program as a workbook: LibreOffice computes what the program does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from openpyxl import load_workbook

from gradbook.cli.main import main
from tests.cases import for_each
from tests.outside.witness import recalculate_all

XOR = """\
import numpy as np

X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
y = np.array([[0], [1], [1], [0]])
W1, b1 = np.array([[0.3, 0.8, -0.6], [-1.3, 0.9, 0.4]]), np.zeros(3)
W2, b2 = np.array([[-0.5], [0.6], [0.2]]), np.zeros(1)
m, rate = len(X), 0.5
# changed here
for epoch in range(EPOCHS):
    z1 = X @ W1 + b1
    a1 = np.tanh(z1)
    a2 = 1 / (1 + np.exp(-(a1 @ W2 + b2)))
    loss = -np.mean(y * np.log(a2) + (1 - y) * np.log(1 - a2))
    dz2 = (a2 - y) / m
    dW2 = a1.T @ dz2
    db2 = dz2.sum(axis=0)
    dz1 = dz2 @ W2.T * a1 * (1 - a1)
    dW1 = X.T @ dz1
    db1 = dz1.sum(axis=0)
    W1, b1 = W1 - rate * dW1, b1 - rate * db1
    W2, b2 = W2 - rate * dW2, b2 - rate * db2
"""
LISTS = """\
import math

samples = [([0.0, 0.0], 0.0), ([0.0, 1.0], 1.0), ([1.0, 0.0], 1.0), ([1.0, 1.0], 1.0)]
w = [-0.5, 0.1]
b = 0.1
rate = 0.5
# changed here
for epoch in range(EPOCHS):
    loss = 0.0
    dw, db = [0.0, 0.0], 0.0
    for x, t in samples:
        z = sum(wi * xi for wi, xi in zip(w, x)) + b
        p = 1 / (1 + math.exp(-z))
        loss += (p - t) ** 2 / 2
        delta = (p - t) * p * (1 - p)
        for i in range(2):
            dw[i] += delta * x[i]
        db += delta
    for i in range(2):
        w[i] -= rate * dw[i]
    b -= rate * db
"""
MASKS = """\
import numpy as np

X = np.array([[0.5, -1.0], [1.5, 2.0], [-1.0, 0.5]])
y = np.array([0, 1, 2])
W1 = np.array([[0.4, -0.7, 0.2, 0.9], [-0.2, 0.8, 0.6, -0.1]])
W2 = np.array([[0.1, -0.2, 0.3], [0.5, 0.4, -0.6], [-0.1, 0.2, 0.7], [0.3, -0.4, 0.2]])
rate = 0.1
# changed here
for epoch in range(EPOCHS):
    h = np.maximum(0, X @ W1)
    s = h @ W2
    e = np.exp(s - s.max(axis=1, keepdims=True))
    p = e / e.sum(axis=1, keepdims=True)
    loss = -np.mean(np.log(p[range(3), y])) + 0.01 * np.sum(W2**2)
    ds = p.copy()
    ds[range(3), y] -= 1
    ds /= 3
    dW2 = h.T @ ds + 0.02 * W2
    dh = (ds @ W2.T) * (h > 0)
    dW1 = X.T @ dh
    W1 -= rate * dW1
    W2 -= rate * dW2
"""
Rows = dict[str, list[list[float]]]


def written(folder: Path, program: str) -> Path:
    train = folder / "train.py"
    train.write_text(program.replace("EPOCHS", "30"))
    assert main(["sheet", str(train), "-o", str(folder / "train.xlsx")]) == 0
    return folder / "train.xlsx"


def changed(book: Path, label: str, column: int, number: float) -> Path:
    """The workbook with another number in a cell, and without any stored results."""
    content = load_workbook(book)
    sheet = content.active
    row = next(row for row in range(1, 200) if sheet.cell(row, 2).value == label)
    sheet.cell(row, column).value = number
    content.save(book.with_stem("changed"))
    return book.with_stem("changed")


def rows_of(book: Path) -> Rows:
    """The rows of numbers behind each label, on the left and on the right."""
    rows: Rows = {}
    for row in load_workbook(book, data_only=True).active.iter_rows(values_only=True):
        for cell in filter(lambda cell: cell is not None, row):
            if isinstance(cell, str):
                behind = rows.setdefault(cell, [])
                behind.append([])
            else:
                behind[-1].append(float(cell))
    return rows


def run(program: str, change: str = "") -> dict[str, Any]:
    """What the program has computed after one epoch."""
    text = program.replace("EPOCHS", "1").replace("# changed here", change)
    names: dict[str, Any] = {}
    exec(compile(text, "train.py", "exec"), names)
    return names


def numbers(rows: Rows, name: str) -> list[float]:
    """All numbers of a name, where it stands last."""
    labels = [label for label in rows if label == name or label.startswith(f"{name}[")]
    return [number for label in labels for number in rows[label][-1]]


PROGRAMS = [
    (XOR, "W1[1]", 4, 0.25, "W1[1, 1] = 0.25"),
    (LISTS, "wi", 3, 0.7, "w[0] = 0.7"),
    (MASKS, "W2[1]", 5, 0.35, "W2[1, 2] = 0.35"),
]
NAMES = {
    XOR: [
        "z1",
        "a1",
        "a2",
        "loss",
        "dz2",
        "dW2",
        "db2",
        "dz1",
        "dW1",
        "db1",
        "W1",
        "b1",
        "W2",
        "b2",
    ],
    LISTS: ["loss", "db", "b"],
    MASKS: ["h", "s", "e", "p", "loss", "dW2", "dh", "dW1", "W1", "W2"],
}


@for_each("program, label, column, number, change", PROGRAMS)
@pytest.mark.witness("libreoffice")
def test_libreoffice_computes_what_the_program_does_before_and_after_a_change(
    program, label, column, number, change, tmp_path
):
    book = written(tmp_path, program)
    other = changed(book, label, column, number)
    recalculated = recalculate_all([book, other], tmp_path / "recalculated")
    losses = []
    for path, words in zip(recalculated, ("", change), strict=True):
        rows = rows_of(path)
        assert [label for label in rows if label.startswith("#")] == []
        names = run(program, words)
        for name in NAMES[program]:
            expected = np.ravel(names[name])
            assert numbers(rows, name) == pytest.approx(expected, rel=1e-9, abs=1e-12), name
        losses.append(names["loss"])
    assert losses[0] != pytest.approx(losses[1], rel=1e-4)


@pytest.mark.witness("libreoffice")
def test_exact_slopes_are_what_a_nudge_shows_and_part_from_the_wrong_line_on(tmp_path):
    book = written(tmp_path, XOR)
    (path,) = recalculate_all([book], tmp_path / "recalculated")
    rows = rows_of(path)
    for weight, label, place in (
        ("W1[0, 2]", "W1[0]", 2),
        ("W2[1, 0]", "W2[1]", 0),
        ("b1[0]", "b1", 0),
    ):
        up, down = (run(XOR, f"{weight} += {size}")["loss"] for size in (1e-5, -1e-5))
        assert rows[f"∂loss/∂{label}"][0][place] == pytest.approx((up - down) / 2e-5, rel=1e-6)
    sheet = load_workbook(path, data_only=True).active
    verdicts = {}
    for row in sheet.iter_rows(values_only=True):
        said = [cell for cell in row if cell in ("agrees", "differs")]
        if said:
            verdicts[str(row[1]).partition(" ")[0]] = said[0]
    right, wrong = dict.fromkeys(("dW2", "db2"), "agrees"), ("dz1", "dW1", "db1")
    assert verdicts == right | dict.fromkeys(wrong, "differs")
