"""LibreOffice computes the derivatives of a copy, and finds the same by changing the inputs."""

from __future__ import annotations

from pathlib import Path

import pytest
from openpyxl import load_workbook

from gradbook.audit.check_book import check
from gradbook.cells.formula.address import name_of, sheet_of
from gradbook.cells.slopes import Slopes
from gradbook.derivatives.sheets import write_derivatives
from tests.derivatives.models import MODELS, slopes_in, written
from tests.outside.witness import read_values, recalculate_all

pytestmark = pytest.mark.witness("libreoffice")

CHANGED = {  # an input of each model, and another number for it
    "pricing": ("Model!B6", 0.35),
    "loan": ("Mortgage!B2", 0.061),
    "regression": ("Data!F1", 2.5),
    "forward": ("'Forward pass'!M3", -0.7),
    "matrices": ("Net!B6", 1.3),
    "cash flow": ("DCF!B4", 0.07),
    "softmax": ("Softmax!A2", 1.4),
    "several": ("'Amounts & more'!B3", 0.2),
}
WEIGHTS = {
    "forward": [f"'Forward pass'!{column}3" for column in "EFGHMNOP"],
    "matrices": [f"Net!{cell}" for cell in ("A5", "A6", "B5", "B6", "A9", "A10", "B9", "B10")],
    "regression": ["Data!F1", "Data!F2"],
    "softmax": [
        f"Softmax!{cell}" for cell in ("A2", "A3", "A5", "B2", "B3", "B5", "C2", "C3", "C5")
    ],
}
RATES = {"forward": 0.5, "matrices": 0.5, "regression": 0.02, "softmax": 0.3}
ERRORS = ("#", "Err:")


def with_number(path: Path, target: Path, cell: str, number: float) -> Path:
    """The workbook with another number in a cell."""
    book = load_workbook(path)
    title, _, place = cell.rpartition("!")
    book[title.strip("'").replace("''", "'")][place] = number
    book.save(target)
    return target


def mirrored(values: dict[str, dict[str, object]], slopes: Slopes) -> dict[str, float]:
    """The slope that a recalculated copy shows for each cell."""
    found = {}
    for cell in slopes.values():
        mirror = f"∂ {slopes.book.sheets[sheet_of(cell)].title}"
        found[slopes.book.name_of(cell)] = values[mirror][name_of(cell)]
    return found


def errors(values: dict[str, dict[str, object]]) -> list[tuple[str, str, object]]:
    return [
        (sheet, cell, value)
        for sheet, cells in values.items()
        for cell, value in cells.items()
        if isinstance(value, str) and value.startswith(ERRORS)
    ]


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Every model, its copy, the copy with another number, and the model with each input nudged."""
    folder = tmp_path_factory.mktemp("derivatives")
    books: list[Path] = []
    for name, (fill, result) in MODELS.items():
        path = written(folder / f"{name}.xlsx", fill)
        slopes = slopes_in(path, result)
        copy = folder / f"{name}-copy.xlsx"
        write_derivatives(path, slopes, copy)
        books += [copy, with_number(copy, folder / f"{name}-changed.xlsx", *CHANGED[name])]
        for number, cell in enumerate(slopes.inputs):
            value = slopes.book.values[cell]
            for sign in (1, -1):
                target = folder / f"{name}-{number}-{sign}.xlsx"
                called = slopes.book.name_of(cell)
                books.append(with_number(path, target, called, value + sign * step(value)))
    recalculate_all(books, folder / "new")
    copies = [book for book in books if "copy" in book.name or "changed" in book.name]
    recalculate_all(copies, folder / "one by one", one_by_one=True)
    return folder


def step(value: float) -> float:
    return abs(value) / 100 or 1.0


@pytest.mark.parametrize("way", ["new", "one by one"])
def test_the_sheets_have_the_slopes_and_no_error(folder, way):
    for name, (_, result) in MODELS.items():
        values = read_values(folder / way / f"{name}-copy.xlsx")
        assert errors(values) == []
        slopes = slopes_in(folder / f"{name}.xlsx", result)
        expected = {slopes.book.name_of(cell): slope for cell, slope in slopes.values().items()}
        assert mirrored(values, slopes) == pytest.approx(expected, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("way", ["new", "one by one"])
def test_the_slopes_follow_an_input(folder, way):
    for name, (_, result) in MODELS.items():
        values = read_values(folder / way / f"{name}-changed.xlsx")
        assert errors(values) == []
        other = with_number(folder / f"{name}.xlsx", folder / "other.xlsx", *CHANGED[name])
        (computed,) = recalculate_all([other], folder / "again")
        slopes = slopes_in(computed, result)
        expected = {slopes.book.name_of(cell): slope for cell, slope in slopes.values().items()}
        assert mirrored(values, slopes) == pytest.approx(expected, rel=1e-9, abs=1e-12)


def test_the_list_is_what_nudges_by_libreoffice_say(folder):
    for name, (_, result) in MODELS.items():
        slopes = slopes_in(folder / f"{name}.xlsx", result)
        title = slopes.book.sheets[sheet_of(slopes.result)].title
        listed = read_values(folder / "new" / f"{name}-copy.xlsx")["Derivatives"]
        rows = {listed[f"B{row}"]: row for row in range(7, 7 + len(slopes.inputs))}
        for number, cell in enumerate(slopes.inputs):
            ends = [
                read_values(folder / "new" / f"{name}-{number}-{sign}.xlsx")[title]
                for sign in (1, -1)
            ]
            size = 2 * step(slopes.book.values[cell])
            place = name_of(slopes.result)
            nudged = (ends[0][place] - ends[1][place]) / size
            row = rows[slopes.book.name_of(cell)]
            close = 6e-3 if name == "loan" else 2e-3  # the first rounds; a nudge is 1 % here
            assert listed[f"D{row}"] == pytest.approx(nudged, rel=close, abs=1e-6)
            direction = "rises by about" if nudged > 0 else "falls by about"
            assert direction in listed[f"F{row}"]


def descent(torch, name: str, epochs: int) -> list[float]:
    """The losses of the same training in PyTorch."""
    real = {"dtype": torch.float64, "requires_grad": True}
    if name == "regression":
        slope, start = (torch.tensor(value, **real) for value in (1.5, 0.4))
        x = torch.arange(1.0, 6.0, dtype=torch.float64)
        y = torch.tensor([2.1, 3.9, 6.2, 7.8, 10.1], dtype=torch.float64)
        weights = [slope, start]

        def loss():
            return ((y - (start + slope * x)) ** 2).mean()
    elif name == "softmax":
        matrix = torch.tensor([[0.2, -0.4, 0.1], [0.5, 0.3, -0.2]], **real)
        bias = torch.tensor([0.1, 0.05, -0.1], **real)
        samples = torch.tensor([[1.0, 0.5], [-0.5, 1.5], [0.3, -0.8], [2.0, 1.0]]).double()
        weights = [matrix, bias]

        def loss():
            scores = torch.relu(samples @ matrix + bias)
            return torch.nn.functional.cross_entropy(scores, torch.tensor([0, 1, 2, 0]))
    else:
        inputs = torch.tensor([0.05, 0.1], dtype=torch.float64)
        first = torch.tensor([[0.15, 0.2], [0.25, 0.3]], **real)
        second = torch.tensor([[0.4, 0.45], [0.5, 0.55]], **real)
        weights = [first, second]

        def loss():
            hidden = torch.sigmoid(first @ inputs)
            return ((0.5 - torch.sigmoid(second @ hidden)) ** 2).sum() / 2

    losses = []
    for _ in range(epochs):
        value = loss()
        losses.append(value.item())
        gradients = torch.autograd.grad(value, weights)
        with torch.no_grad():
            for weight, gradient in zip(weights, gradients, strict=True):
                weight.sub_(RATES[name] * gradient)
    return losses


def test_a_book_that_only_goes_forward_trains_as_in_pytorch(tmp_path, torch):
    copies = []
    for name, weights in WEIGHTS.items():
        fill, result = MODELS[name]
        path = written(tmp_path / f"{name}.xlsx", fill)
        slopes = slopes_in(path, result)
        learn = [slopes.book.reader.cell(weight, 0) for weight in weights]
        copy = tmp_path / f"{name}-trains.xlsx"
        write_derivatives(path, slopes, copy, learn=learn, rate=RATES[name])
        report = check(copy)
        assert report.verdict == "right", (name, report.findings)
        (training,) = (sheet for sheet in report.sheets if sheet.sheet == "Training")
        assert len(training.weights) == len(weights)
        copies.append(copy)
    for way in (False, True):
        for name, path in zip(
            WEIGHTS, recalculate_all(copies, tmp_path / f"{way}", one_by_one=way), strict=True
        ):
            values = read_values(path)
            assert errors(values) == []
            rows = load_workbook(path, data_only=True)["Training"]
            (column,) = (cell.column for cell in rows[5] if cell.value == "loss")
            losses = [rows.cell(row, column).value for row in range(8, 78)]
            assert losses == pytest.approx(descent(torch, name, 70), rel=1e-10)
            cached = load_workbook(tmp_path / f"{name}-trains.xlsx", data_only=True)["Training"]
            stored = [cached.cell(row, column).value for row in range(8, 78)]
            assert stored == pytest.approx(losses, rel=1e-12)
