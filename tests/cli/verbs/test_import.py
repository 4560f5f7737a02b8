"""`gradbook import`, and files of other programs wherever a network or a model is asked for."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import gradbook as gb
from gradbook.cli.main import main
from gradbook.lab.models.model import Model
from gradbook.net import Net
from tests.cases import for_each
from tests.trained import model_of

pytestmark = pytest.mark.witness("onnx")
TEXT = "input 1x8x8; conv 2 3x3; batchnorm; relu; flatten; dense 3; softmax"


@pytest.fixture
def model(tmp_path, monkeypatch) -> Model:
    monkeypatch.chdir(tmp_path)
    made = model_of(TEXT)
    made.export("net.onnx", fold=False)
    return made


def test_a_text_has_the_trained_weights_to_begin_with(model, capsys):
    assert main(["import", "net.onnx", "-o", "net.txt"]) == 0
    assert "wrote net.txt: 6 layers" in capsys.readouterr().out
    net = Net.parse(Path("net.txt").read_text("utf-8"))
    weights = np.concatenate([model.values[f"w_layer_{k}"].ravel() for k in (0, 4)])
    np.testing.assert_array_equal(np.float32(net.start["w"]), weights)


def test_a_model_reads_what_the_first_one_read(model):
    assert main(["import", "net.onnx", "-o", "net.safetensors"]) == 0
    images = np.random.default_rng(0).integers(0, 256, (9, 1, 8, 8), np.uint8)
    back = Model.load("net.safetensors")
    np.testing.assert_allclose(back.predict(images), model.predict(images), atol=1e-9)


def test_the_file_is_taken_where_a_model_is(model, capsys):
    Image.fromarray(np.random.default_rng(1).integers(0, 256, (8, 8), np.uint8)).save("one.png")
    for words in (
        ["summary", "net.onnx"],
        ["predict", "net.onnx", "one.png"],
        ["export", "net.onnx", "-o", "net.c"],
    ):
        assert main(words) == 0, capsys.readouterr().err
    assert "conv 2 3x3" in capsys.readouterr().out


def test_names_and_scales_are_as_asked(model):
    words = ["--mean", "0.1", "--deviation", "0.5", "--classes", "a", "b", "c"]
    assert main(["import", "net.onnx", "-o", "net.safetensors", *words]) == 0
    back = Model.load("net.safetensors")
    assert (back.mean, back.deviation, back.classes) == ((0.1,), (0.5,), ("a", "b", "c"))


def test_plain_sums_end_in_softmax_where_that_is_asked_for(model, capsys):
    sums = model_of(TEXT.removesuffix("; softmax"))
    sums.export("sums.onnx")
    assert main(["import", "sums.onnx", "-o", "net.safetensors", "--softmax"]) == 0
    images = np.random.default_rng(0).integers(0, 256, (9, 1, 8, 8), np.uint8)
    back = Model.load("net.safetensors")
    assert back.net.ending == "softmax"
    np.testing.assert_allclose(back.predict(images), sums.predict(images), atol=1e-6)
    capsys.readouterr()
    assert main(["import", "net.onnx", "-o", "again.txt", "--softmax"]) == 2
    assert "without an activation, and the network ends in softmax" in capsys.readouterr().err
    assert not Path("again.txt").exists()


def test_training_goes_on_with_the_weights_of_the_file(tmp_path, monkeypatch, capsys):
    pytest.importorskip("sklearn")
    monkeypatch.chdir(tmp_path)
    model = model_of("input 1x8x8; conv 4 3x3; relu; flatten; dense 10; log softmax")
    model.export("net.onnx")
    words = ["--data", "digits8", "--epochs", "1", "--set", "schedule constant 1e-9", "-o", "run"]
    assert main(["train", "net.onnx", *words]) == 0
    trained = gb.load("run")
    np.testing.assert_allclose(trained.values["w_layer_0"], model.values["w_layer_0"], atol=1e-5)
    assert main(["train", "net.onnx", "--network", "strokes"]) == 2
    assert "both name a network: leave one out" in capsys.readouterr().err


def test_plain_sums_of_classes_are_trained_by_cross_entropy(tmp_path, monkeypatch, capsys):
    pytest.importorskip("sklearn")
    monkeypatch.chdir(tmp_path)
    model_of("input 1x8x8; flatten; dense 10").export("net.onnx", with_preparation=False)
    assert main(["train", "net.onnx", "--data", "digits8", "--epochs", "4", "-o", "run"]) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "plain sums, so a softmax is added and the loss is cross-entropy: name another" in text
    trained = gb.load("run")
    assert (trained.net.ending, str(trained.net.loss)) == ("softmax", "cross-entropy")
    assert trained.about["test_accuracy"] > 0.8


@for_each(
    ("words", "said"),
    [
        (["net.onnx", "-o", "net.pdf"], "end it in .txt for the text or .safetensors"),
        (["none.onnx", "-o", "net.txt"], "none.onnx"),
        (["net.pt", "-o", "net.txt"], "is a pickle"),
        (["net.csv", "-o", "net.txt"], "networks are read from .onnx"),
        (["net.onnx", "-o", "net.txt", "--classes", "a"], "1 classes for a network of 3 outputs"),
        (["net.onnx", "-o", "net.txt", "--deviation", "0"], "a deviation must be above 0"),
        (["cut.onnx", "-o", "net.txt"], "cut.onnx: it is cut short, or it isn't an ONNX file"),
    ],
)
def test_what_cant_be_read_is_told_in_a_line_and_nothing_is_written(
    model, tmp_path, capsys, words, said
):
    (tmp_path / "cut.onnx").write_bytes((tmp_path / "net.onnx").read_bytes()[:-40])
    (tmp_path / "net.pt").write_bytes(b"\x80\x04.")
    before = sorted(tmp_path.iterdir())
    assert main(["import", *words]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
    assert sorted(tmp_path.iterdir()) == before
