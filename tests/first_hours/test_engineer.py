"""An engineer's first hour: a folder of pictures and a table become models and predictions."""

from __future__ import annotations

import csv
import ctypes
import json
import warnings
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

import gradbook as gb
from gradbook.data.tables import read_columns
from tests.targets.portable.compiled import built

STROKES = {  # of three letters, in tenths of a sheet
    "L": [(2, 1, 2, 9), (2, 9, 8, 9)],
    "T": [(1, 1, 9, 1), (5, 1, 5, 9)],
    "X": [(1, 1, 9, 9), (9, 1, 1, 9)],
}
OFF = 1.5  # tenths of a sheet: how far a letter may lie off the middle


@pytest.fixture
def desk(tmp_path):
    random = np.random.default_rng(0)
    for letter in STROKES:
        (tmp_path / "letters" / letter).mkdir(parents=True)
        for k in range(60):
            _drawn(letter, random).save(tmp_path / "letters" / letter / f"{k}.png")
    return tmp_path


def _drawn(letter: str, random: np.random.Generator) -> Image.Image:
    """Dark on light, on sheets of different sizes."""
    side = int(random.integers(30, 60))
    sheet = Image.new("L", (side, side), int(random.integers(225, 250)))
    right, down = random.uniform(-OFF, OFF, 2)
    for x, y, to_x, to_y in STROKES[letter]:
        ends = np.array([x + right, y + down, to_x + right, to_y + down]) * side / 10
        ImageDraw.Draw(sheet).line(ends.tolist(), fill=40, width=max(side // 12, 2))
    return sheet


@pytest.mark.witness("cc")
def test_a_folder_of_pictures_becomes_a_model_that_reads_others(desk, typed):
    told = typed("gradbook train --data letters/")
    assert told.startswith("quick, adapted to letters: ")
    assert "3 classes" in told
    assert "warped on a background of 2" in told
    result = json.loads(Path("runs/quick/result.json").read_text())
    assert result["test_accuracy"] > 0.95
    assert "<h1>quick, adapted to letters</h1>" in Path("runs/quick/report.html").read_text("utf-8")
    picture = _drawn("T", np.random.default_rng(7))
    picture.save("six.jpg")
    assert typed("gradbook predict runs/quick six.jpg").split()[1] == "T"


def _as_german_excel_writes_it(file: Path, count: int, random: np.random.Generator) -> None:
    """Semicolons, decimal commas, thousands in points, dates, holes, Windows-1252."""
    area, sold = random.uniform(40, 1400, count), random.integers(0, 1500, count)
    towns = random.choice(["Köln", "Düren"], count)
    prices = 2000 * area + 100 * sold + 100_000 * (towns == "Köln")

    def german(number: float) -> str:
        return f"{number:,.2f}".translate(str.maketrans(",.", ".,"))

    rows = [
        [
            "" if random.random() < 0.1 else german(of),
            str(random.choice([town, town, town, town, "NA"])),
            f"{date(2020, 1, 1) + timedelta(days=int(day)):%d.%m.%Y}",
            f"{german(price)} €",
        ]
        for of, town, day, price in zip(area, towns, sold, prices, strict=True)
    ]
    lines = [";".join(row) for row in [["Fläche", "Ort", "verkauft", "Preis"], *rows]]
    file.write_bytes("\r\n".join([*lines, ""]).encode("cp1252"))


@pytest.mark.witness("onnxruntime")
def test_a_table_with_holes_as_excel_exports_it_trains_predicts_and_is_exported(desk, typed):
    random = np.random.default_rng(3)
    _as_german_excel_writes_it(desk / "houses.csv", 300, random)
    _as_german_excel_writes_it(desk / "new.csv", 40, random)
    text = " ".join(typed("gradbook train houses.csv").split())
    assert "learns Preis (numbers from " in text
    for remark in (
        "Windows-1252",
        "dates become days",
        "the € beside",
        "missing values are filled",
    ):
        assert remark in text
    assert json.loads(Path("runs/houses/result.json").read_text())["r2"] > 0.8
    typed("gradbook predict runs/houses new.csv -o predicted.csv")
    with open("predicted.csv", encoding="utf-8") as file:
        rows = list(csv.DictReader(file, delimiter=";"))
    array = np.array([float(row["Preis: predicted"].replace(",", ".")) for row in rows])
    model = gb.load("runs/houses")
    numbers = model.rows_of(read_columns("new.csv"))
    assert np.isnan(numbers).any()
    typed("gradbook export runs/houses -o houses.onnx --with-preparation")
    session = pytest.importorskip("onnxruntime").InferenceSession("houses.onnx")
    (answers,) = session.run(None, {session.get_inputs()[0].name: numbers.astype(np.float32)})
    np.testing.assert_allclose(answers[:, 0], array, rtol=1e-3)


@pytest.mark.witness("torch", "onnx", "cc")
def test_what_pytorch_trained_predicts_rows_and_goes_on_into_c(desk, typed):
    import torch

    module, facts, prices = _priced(torch)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(module, torch.zeros(1, 2), "prices.onnx", dynamo=False)
    _write_new(facts)
    told = typed(
        "gradbook import prices.onnx -o prices.safetensors --columns area rooms --target price"
    )
    assert "it predicts a number: it ends in a plain sum" in told
    rows = list(csv.DictReader(typed("gradbook predict prices.safetensors new.csv").splitlines()))
    said = [float(row["price: predicted"]) for row in rows]
    np.testing.assert_allclose(said, prices, rtol=1e-5)
    assert [row["address"] for row in rows] == [f"{k} High Street" for k in range(len(facts))]

    typed("gradbook export prices.safetensors -o prices.c")
    library = ctypes.CDLL(str(built(Path("prices.c").read_text(), Path("prices.so").absolute())))
    library.prices_predict.restype = ctypes.c_float
    given = np.ascontiguousarray(facts, np.float32)
    found = [library.prices_predict(ctypes.c_void_p(row.ctypes.data)) for row in given]
    np.testing.assert_allclose(found, prices, rtol=1e-5)


def _priced(torch):
    """A network that learned the prices of houses, some houses, and what it says of them."""
    torch.manual_seed(0)
    random = np.random.default_rng(3)
    facts = np.column_stack([random.uniform(40, 200, 30), random.integers(1, 7, 30)])
    module = torch.nn.Sequential(torch.nn.Linear(2, 8), torch.nn.ReLU(), torch.nn.Linear(8, 1))
    inputs, wanted = (torch.tensor(x).float() for x in (facts, facts @ [[2000.0], [10_000.0]]))
    descent = torch.optim.Adam(module.parameters(), 1.0)
    for _ in range(200):
        descent.zero_grad()
        torch.nn.functional.mse_loss(module(inputs), wanted).backward()
        descent.step()
    with torch.no_grad():
        return module.eval(), facts.astype(np.float32), module(inputs).numpy()[:, 0]


def _write_new(facts: np.ndarray) -> None:
    """The houses under their columns' names, in another order and with others beside them."""
    with open("new.csv", "w", newline="", encoding="utf-8") as out:
        rows = csv.writer(out)
        rows.writerow(["address", "rooms", "area"])
        rows.writerows([f"{k} High Street", r, a] for k, (a, r) in enumerate(facts.tolist()))
