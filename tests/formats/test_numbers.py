"""Networks that end in plain sums predict numbers: by every door, and back by every export."""

from __future__ import annotations

import csv
import ctypes
import json
import os
import re
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import gradbook as gb
from gradbook.cli.main import main
from gradbook.errors import UsageError
from gradbook.lab.models.importing import import_model
from tests.cases import for_each
from tests.targets.portable.compiled import built, loaded

pytestmark = pytest.mark.filterwarnings("ignore::gradbook.Assumption")

COUNT = 13
DOORS = ("torch", ".pt2", ".onnx")
LAYERS = {
    "one number": (COUNT, 16, 1),
    "an autoencoder": (COUNT, 4, COUNT),
}


def module_of(torch, name):
    first, hidden, last = LAYERS[name]
    nn = torch.nn
    return nn.Sequential(nn.Linear(first, hidden), nn.ReLU(), nn.Linear(hidden, last)).float()


def by_door(torch, door, module, example, tmp_path, **options):
    """The module as a model, by a file of it or as it lies in memory."""
    path = tmp_path / f"came{door}"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if door == "torch":
            return gb.from_torch(module, example, **options)
        if door == ".pt2":
            torch.export.save(torch.export.export(module, (example,)), path)
        else:
            torch.onnx.export(module, example, path, dynamo=False)
    return import_model(path, **options)


def rows_of(torch):
    """Of any range."""
    rows = torch.randn(20, COUNT).float() * torch.logspace(-2, 3, COUNT).float()
    return rows, rows.numpy()


@pytest.fixture
def numbers(torch, tmp_path):
    """A model of 13 numbers that predicts several, its rows, and what PyTorch says of them."""
    torch.manual_seed(1)
    module, (rows, array) = module_of(torch, "an autoencoder").eval(), rows_of(torch)
    with torch.no_grad():
        expected = module(rows).numpy()
    return gb.from_torch(module, rows[:2]), array, expected


def close(found, expected) -> None:
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5 * abs(expected).max())


@pytest.mark.witness("torch", "onnx")
@for_each("name", LAYERS)
@for_each("door", DOORS)
def test_a_network_of_rows_says_the_numbers_that_it_said(torch, tmp_path, door, name):
    module = module_of(torch, name).eval()
    rows, array = rows_of(torch)
    model = by_door(torch, door, module, rows[:2], tmp_path)
    assert model.columns
    with torch.no_grad():
        close(model.predict(array), module(rows).numpy())
    said = "a number: it ends in a plain sum" if name == "one number" else "13 numbers: it ends in"
    assert any(f"it predicts {said}" in remark for remark in model.about["remarks"])


@pytest.mark.witness("torch", "onnx", "keras")
@for_each("ending", [".onnx", ".keras", ".safetensors"])
@for_each("with_preparation", [False, True])
def test_it_comes_back_as_it_was(numbers, tmp_path, ending, with_preparation):
    model, rows, expected = numbers
    file = tmp_path / f"net{ending}"
    if ending == ".safetensors":
        model.save(file)
    else:
        model.export(file, with_preparation=with_preparation)
    back = gb.load(file)
    assert back.columns
    assert back.predicts == model.predicts
    close(back.predict(rows), expected)


@pytest.mark.witness("torch", "cc")
@for_each("name", LAYERS)
def test_c_returns_one_number_and_writes_several(torch, tmp_path, name):
    module, (rows, array) = module_of(torch, name).eval(), rows_of(torch)
    model = gb.from_torch(module, rows[:2])
    model.export(tmp_path / "net.c")
    library = loaded((tmp_path / "net.c").read_text(), tmp_path)
    predict, count = library.net_predict, len(model.predicts)
    predict.restype = ctypes.c_float if count == 1 else None
    said = np.zeros((len(array), count), np.float32)
    for row, place in zip(np.ascontiguousarray(array), said, strict=True):
        pointers = [ctypes.c_void_p(x.ctypes.data) for x in (row, place)]
        if count == 1:
            place[0] = predict(pointers[0])
        else:
            predict(*pointers)
    with torch.no_grad():
        close(said, module(rows).numpy())


def python(*words) -> str:
    done = subprocess.run(
        [sys.executable, *map(str, words)],
        capture_output=True,
        check=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        encoding="utf-8",
    )
    return done.stdout


@pytest.mark.witness("torch")
def test_plain_data_has_its_tensors_and_no_classes(numbers, tmp_path):
    model, rows, expected = numbers
    model.export(tmp_path / "net.json")
    record = json.loads((tmp_path / "net.json").read_text())
    first, second = (
        [np.array(record["tensors"][f"dense{k}.{kind}"]["values"]) for kind in ("weight", "bias")]
        for k in (1, 2)
    )
    hidden = np.maximum(rows @ first[0].T + first[1], 0)
    close(hidden @ second[0].T + second[1], expected)
    assert record["classes"] == []
    assert record["outputs"] == {"mean": 0.0, "deviation": 1.0}


@pytest.mark.witness("torch", "onnx")
def test_predict_reads_a_csv_by_the_order_of_its_columns(torch, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    module, (rows, array) = module_of(torch, "one number").eval(), rows_of(torch)
    by_door(torch, ".onnx", module, rows[:2], tmp_path)
    headings = ",".join(f"fact {k}" for k in range(COUNT))
    np.savetxt("new.csv", array, delimiter=",", header=headings, comments="", fmt="%.9g")
    assert main(["predict", "came.onnx", "new.csv", "-o", "said.csv"]) == 0
    assert "it predicts a number: it ends in a plain sum" in capsys.readouterr().err
    with torch.no_grad():
        expected = module(rows).numpy()
    close(_column("said.csv", "y: predicted"), expected[:, 0])
    names = [f"fact {k}" for k in reversed(range(COUNT))]
    words = ["--columns", *names[::-1], "--target", "price"]
    assert main(["import", "came.onnx", "-o", "net.safetensors", *words]) == 0
    np.savetxt(
        "turned.csv",
        np.column_stack([array[:, ::-1], array[:, 0]]),
        delimiter=",",
        header=",".join([*names, "further"]),
        comments="",
        fmt="%.9g",
    )
    assert main(["predict", "net.safetensors", "turned.csv", "-o", "said.csv"]) == 0
    close(_column("said.csv", "price: predicted"), expected[:, 0])
    assert main(["predict", "came.onnx", "six.png"]) == 2
    assert "use 'gradbook import … --images CxHxW'" in capsys.readouterr().err
    assert main(["predict", "came.onnx", "turned.csv"]) == 2
    assert "14 columns, but the network takes 13" in capsys.readouterr().err


def _column(file: str, name: str) -> np.ndarray:
    with open(file, encoding="utf-8") as text:
        return np.array([float(row[name]) for row in csv.DictReader(text)])


# Of images.


def of_images(torch, outputs):
    nn = torch.nn
    return nn.Sequential(
        nn.Conv2d(1, 3, 3), nn.ReLU(), nn.Flatten(), nn.Linear(3 * 36, outputs)
    ).float()


def pictures_of(torch, outputs):
    """A network of images, such images, and the numbers that it says of them."""
    module = of_images(torch, outputs).eval()
    pixels = np.random.default_rng(0).integers(0, 256, (5, 1, 8, 8), np.uint8)
    with torch.no_grad():
        return module, pixels, module(torch.tensor(pixels / 255).float()).numpy()


@pytest.mark.witness("torch", "onnx")
@for_each("door", DOORS)
def test_a_network_of_images_says_the_numbers_that_it_said(torch, tmp_path, door):
    module, pixels, expected = pictures_of(torch, 3)
    example = torch.rand(1, 1, 8, 8).float()
    model = by_door(torch, door, module, example, tmp_path, task="numbers")
    assert not model.columns
    close(model.predict(pixels), expected)
    with pytest.raises(UsageError, match="predicts numbers, not classes"):
        model.classify(pixels)


@pytest.mark.witness("torch", "onnx", "cc")
@for_each("outputs", [1, 3])
def test_numbers_of_pictures_are_those_of_the_network(
    torch, tmp_path, monkeypatch, capsys, outputs
):
    monkeypatch.chdir(tmp_path)
    module, pixels, expected = pictures_of(torch, outputs)
    model = gb.from_torch(module, torch.rand(1, 1, 8, 8).float(), task="numbers")
    model.save("net.safetensors")
    for number, image in enumerate(pixels[:, 0]):
        Image.fromarray(image).save(f"{number}.png")
    files = [f"{number}.png" for number in range(5)]
    assert main(["predict", "net.safetensors", *files, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)["readings"]
    close(np.array([list(one["numbers"].values()) for one in told]), expected)
    assert main(["predict", "net.safetensors", *files, "-o", "read.csv"]) == 0
    with open("read.csv", newline="", encoding="utf-8") as table:
        found = list(csv.DictReader(table))
    close(np.array([[float(row[n]) for n in model.predicts] for row in found]), expected)
    model.export("net.onnx", with_preparation=True)
    close(import_model("net.onnx").predict(pixels), expected)
    model.export("net.py")
    said = [line.split() for line in python("net.py", *files).splitlines()]
    close(np.array(said, float), expected)
    model.export("net.c", main=True)
    program = built(Path("net.c").read_text(), tmp_path / "net", (), "-O1")
    Path("0.pgm").write_bytes(b"P5 8 8 255\n" + pixels[0].tobytes())
    text = subprocess.run([program, "0.pgm"], capture_output=True, text=True, check=True).stdout
    np.testing.assert_allclose(
        [float(line.split()[1]) for line in text.splitlines()], expected[0], atol=1e-5
    )


@pytest.mark.witness("torch")
def test_an_image_of_sums_is_laid_out_in_one_line(torch):
    module = torch.nn.Conv2d(1, 1, 3, padding=1).float().eval()
    model = gb.from_torch(module, torch.rand(1, 1, 6, 6).float())
    pixels = np.random.default_rng(0).integers(0, 256, (3, 1, 6, 6), np.uint8)
    with torch.no_grad():
        close(model.predict(pixels), module(torch.tensor(pixels / 255).float()).flatten(1).numpy())
    assert "its 1x6x6 outputs are flattened" in model.about["remarks"]


# What is decided where nothing is said.

CASES = {  # what it takes, its last layer, how many come out → what it is taken for
    "rows, sums": ((4,), "", 3, "it predicts 3 numbers: it ends in plain sums"),
    "rows, one sum": ((4,), "", 1, "it predicts a number: it ends in a plain sum"),
    "rows, several sigmoids": ((4,), "Sigmoid", 3, "it gives the probability of 3 labels"),
    "images, several sigmoids": ((1, 4, 4), "Sigmoid", 3, "it gives the probability of 3 labels"),
    "rows, a sigmoid": ((4,), "Sigmoid", 1, "it predicts 2 classes: it ends in one sigmoid"),
    "rows, softmax": ((4,), "Softmax", 3, "it predicts 3 classes: it ends in softmax"),
    "images, sums": ((1, 4, 4), "", 3, "it probably predicts 3 classes"),
    "images, as many sums": ((1, 4, 4), "", 16, "it predicts 16 numbers"),
    "images, one sum": ((1, 4, 4), "", 1, "it predicts a number"),
    "images, log softmax": ((1, 4, 4), "LogSoftmax", 3, "it predicts 3 classes"),
}


@pytest.mark.witness("torch")
@for_each("case", CASES)
def test_what_is_taken_for_what_is_said_in_a_line(torch, case):
    shape, word, outputs, said = CASES[case]
    nn = torch.nn
    end = [getattr(nn, word)(**({"dim": 1} if "oft" in word else {}))] if word else []
    module = nn.Sequential(nn.Flatten(), nn.Linear(int(np.prod(shape)), outputs), *end).float()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model = gb.from_torch(module.eval(), torch.rand(2, *shape).float())
    told = [str(each.message) for each in caught if each.category is gb.Assumption]
    assert any(one.startswith(said) for one in told) == ("oft" not in word)
    assert all(re.search(r"; use (task|mean)=", one) for one in told), told
    assert {each.filename for each in caught if each.category is gb.Assumption} <= {__file__}
    (remark,) = (one for one in model.about["remarks"] if one.startswith(said))
    assert bool(model.classes) == (" classes" in remark.split(";")[0])
    assert bool(model.labels) == (" labels" in remark)
    assert (model.columns is None) == (len(shape) == 3)
    if not model.classes:
        with warnings.catch_warnings():
            warnings.simplefilter("error", gb.Assumption)
            how = {"mean": [0], "deviation": [1], "task": "numbers"}
            numbers = gb.from_torch(module, torch.rand(2, *shape).float(), **how)
        assert numbers.predicts == model.predicts


@pytest.mark.witness("torch")
def test_one_sum_that_tells_classes_apart_is_a_logit(torch):
    module = torch.nn.Linear(4, 1).float().eval()
    rows = torch.randn(9, 4).float()
    model = gb.from_torch(module, rows, classes=["no", "yes"])
    with torch.no_grad():
        expected = torch.sigmoid(module(rows)).numpy()
    close(model.predict(rows.numpy())[:, 1:], expected)
    assert any("taken as a logit" in remark for remark in model.about["remarks"])


@pytest.mark.witness("torch")
def test_flat_values_are_an_images_if_that_is_said(torch):
    module = torch.nn.Sequential(torch.nn.Linear(64, 3), torch.nn.Softmax(1)).float().eval()
    example = torch.rand(2, 64).float()
    sums = gb.from_torch(module[0], example, images=(8, 8))
    assert sums.about["remarks"][0].startswith("it probably predicts 3 classes")
    rows = gb.from_torch(module, example)
    assert rows.columns
    assert "use --images CxHxW if they are an image" in rows.about["remarks"][-1]
    model = gb.from_torch(module, example, images=(8, 8), mean=[0.5], deviation=[0.5])
    assert not model.columns
    assert model.picture == (1, 8, 8)
    pixels = np.random.default_rng(0).integers(0, 256, (3, 1, 8, 8), np.uint8)
    with torch.no_grad():
        given = torch.tensor((pixels / 255 - 0.5) / 0.5).float().flatten(1)
        close(model.predict(pixels), module(given).numpy())


@pytest.mark.witness("torch")
@for_each(
    ("options", "said"),
    [
        ({"task": "number"}, "task 'number': it is one of numbers, classes"),
        ({"clases": ["a"]}, "an import has no option 'clases'"),
        ({"task": "numbers", "classes": ["a", "b", "c"]}, "numbers have no classes"),
        ({"columns": ["a"]}, "1 columns for a network that takes 4 numbers"),
        ({"target": ["a"]}, "1 names for 3 numbers that it predicts"),
        ({"images": (3, 3)}, "images of 3x3 for a network that takes 4"),
    ],
)
def test_what_cant_be_is_told(torch, options, said):
    with pytest.raises(UsageError, match=said):
        gb.from_torch(torch.nn.Linear(4, 3).float().eval(), torch.rand(2, 4).float(), **options)


@pytest.mark.witness("keras", "torch")
@pytest.mark.filterwarnings("ignore:__array__ implementation")  # of Keras itself
@for_each("outputs", [1, 5])
def test_kerass_dense_sums_are_numbers(tmp_path, outputs):
    os.environ.update(KERAS_BACKEND="torch", KERAS_HOME=str(tmp_path))
    import keras

    layers = [keras.Input((5,)), keras.layers.Dense(8, "tanh"), keras.layers.Dense(outputs)]
    model = keras.Sequential(layers)
    rows = (np.random.default_rng(0).normal(size=(7, 5)) * 40).astype(np.float32)
    found = gb.from_keras(model)
    assert found.columns
    close(found.predict(rows), np.asarray(model(rows).detach()))
    found.export(tmp_path / "back.keras")
    back = keras.models.load_model(tmp_path / "back.keras")
    close(np.asarray(back(rows).detach()), np.asarray(model(rows).detach()))
