"""A program of NumPy alone predicts what the model that it was written of predicts."""

from __future__ import annotations

import os
import runpy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import gradbook as gb
from gradbook.cli.main import main
from gradbook.data.sources import load
from gradbook.layers import ACTIVATIONS
from tests.trained import model_of, sequences_model_of, table_model_of

IMAGES = (  # after `input 2x9x8`
    "conv 4 3x3 pad 1; batchnorm; relu; maxpool 2; flatten; dense 3; softmax",
    "conv 4 3x2 stride 2 dilation 2 groups 2 pad 1x0x2x1; avgpool 2 pad 1; flatten; dense 3",
    "conv 4 3x3; avgpool 2 pad 1 zeros; layernorm; flatten; dense 3; log softmax",
    "convtranspose 4 3x3 stride 2 pad 1 groups 2; upsample 2; groupnorm 2; flatten; dense 3",
    "conv 4 3x3 bits 4; quantize 3 signed; placenorm; maxpool all; flatten; dense 1; sigmoid",
    "conv 2 3x3 pad 1; prelu; add back 2; concat back 1; flatten; dropout 0.5; dense 3; softmax",
    *(f"flatten; dense 4; {one}; dense 3; softmax" for one in ACTIVATIONS if "softmax" not in one),
)
SEQUENCES = (  # after `input 8x3`
    "rnn 3; dense 3; softmax",
    "gru 4; dense 3; softmax",
    "lstm 4 all; gru 3 reset_before; dense 3",
    "conv1d 4 3; relu; positions; attention heads 2 causal; add back 1; rmsnorm; gru 3; dense 3",
)


def program_of(model, folder: Path) -> dict:
    """What the written program defines."""
    program, weights = model.export(folder / "net.numpy.py").files
    assert (program.name, weights.name) == ("net.numpy.py", "net_weights.npz")
    assert max(map(len, program.read_text("utf-8").splitlines())) <= 100
    return runpy.run_path(str(program))


def test_images_are_read_as_the_model_reads_them(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (5, 2, 9, 8), np.uint8)
    for text in IMAGES:
        model = model_of(f"input 2x9x8; {text}")
        found = program_of(model, tmp_path)["predict"](images)
        np.testing.assert_allclose(found, model.predict(images), atol=2e-5, err_msg=text)


def test_sequences_are_read_as_the_model_reads_them(tmp_path):
    for text in SEQUENCES:
        model, rows = sequences_model_of(f"input 8x3; {text}")
        found = program_of(model, tmp_path)["predict"](rows)
        np.testing.assert_allclose(found, model.answers(rows), atol=2e-5, err_msg=text)


def test_a_card_of_which_nobody_knows_needs_nothing(toys, tmp_path):
    model = model_of("input 2x4x4; conv 4 3x3; pairnorm; wavy; flatten; dense 3; softmax")
    images = np.random.default_rng(0).integers(0, 256, (5, 2, 4, 4), np.uint8)
    found = program_of(model, tmp_path)["predict"](images)
    np.testing.assert_allclose(found, model.predict(images), atol=1e-5)


def test_a_tables_own_numbers_become_classes_or_numbers(tmp_path):
    for target in ("side", "area"):
        model, rows = table_model_of(target)
        found = program_of(model, tmp_path)["predict"](rows)
        np.testing.assert_allclose(found, model.answers(rows), rtol=1e-5, atol=1e-5)


ROWS = """size,colour,weight,kind
1,red,2.5,apple
9,blue,,plum
2,red,2.25,apple
8,blue,7,plum
1.5,green,3,apple
,blue,7.5,plum
2.5,green,1,apple
8.5,red,6,plum
"""


def test_a_table_with_gaps_is_read_by_a_python_that_has_numpy_alone(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path("rows.csv").write_text(ROWS, "utf-8")
    assert main(["train", "rows.csv", "--target", "kind", "--epochs", "5", "-o", "fruit"]) == 0
    assert main(["export", "fruit", "-o", "fruit.numpy.py"]) == 0
    assert "wrote fruit.numpy.py, fruit_weights.npz" in capsys.readouterr().out
    assert main(["predict", "fruit", "rows.csv", "-o", "predicted.csv"]) == 0
    _, *rows = Path("predicted.csv").read_text("utf-8").splitlines()
    run = run_alone(tmp_path, "fruit.numpy.py", "rows.csv")
    assert not run.stderr
    said = [line.split()[0] for line in run.stdout.splitlines()]
    assert said == [row.split(",")[-2] for row in rows]


def test_an_unknown_word_is_read_alike_by_model_and_program(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("rows.csv").write_text(ROWS, "utf-8")
    assert main(["train", "rows.csv", "--target", "kind", "--epochs", "5", "-o", "fruit"]) == 0
    assert main(["export", "fruit", "-o", "fruit.numpy.py"]) == 0
    Path("new.csv").write_text("size,colour,weight\n1,red,2\n2,pink,3\n3,,4\n", "utf-8")
    run = run_alone(tmp_path, "fruit.numpy.py", "new.csv")
    assert run.stderr == "colour: 1 unknown, such as 'pink'\n"
    with pytest.warns(gb.Assumption) as warned:
        wanted = gb.load("fruit").predict("new.csv")
    assert "colour: unknown words in 1 row ('pink')" in str(warned[0].message)
    frame = {"size": [1, 2], "colour": ["red", "pink"], "weight": [2, 3]}
    with pytest.warns(gb.Assumption, match="colour: unknown words in 1 row"):
        from_frame = gb.load("fruit").predict(frame)
    np.testing.assert_array_equal(from_frame, wanted[:2])
    sure = [float(line.split()[1]) for line in run.stdout.splitlines()]
    np.testing.assert_allclose(sure, wanted.max(axis=1), rtol=1e-5)


def run_alone(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """The program run where nothing but NumPy can be imported."""
    packages = folder / "packages"
    packages.mkdir()
    for part in Path(np.__file__).parents[1].glob("numpy*"):
        (packages / part.name).symlink_to(part)
    alone = {"PYTHONPATH": str(packages), "PATH": os.environ["PATH"]}
    command = [sys.executable, "-S", *words]
    return subprocess.run(
        command, cwd=folder, env=alone, check=True, capture_output=True, text=True
    )


@pytest.mark.parametrize("count", [200, 10_000])
def test_the_digits_are_read_as_the_model_reads_them(count, tmp_path):
    model = model_of(
        "input 1x28x28; conv 6 3x3 stride 2; conv 12 5x5 pad 1 groups 6; maxpool 2; batchnorm; "
        "relu; flatten; dropout 0.2; dense 10; softmax"
    )
    images = load("digits").test_for_reporting.pixels[:count]
    found = program_of(model, tmp_path)["predict"](images)
    np.testing.assert_allclose(found, model.predict(images), atol=1e-5)
    np.testing.assert_array_equal(found.argmax(1), model.classify(images))
