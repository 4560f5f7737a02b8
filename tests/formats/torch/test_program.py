"""The files that are written, run as a person would run them."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gradbook.data.sources import load
from gradbook.errors import TargetError
from gradbook.formats.torch.program import torch_source
from gradbook.lab.models.exporting import torch_training
from gradbook.lab.models.model import Model
from gradbook.lab.recipes import recipe_text as text
from gradbook.lab.recipes.recipe import parse_schedule
from gradbook.lab.training.train import train
from tests.cases import for_each
from tests.formats.torch.test_warping import WARPS
from tests.lab import made
from tests.trained import holed_model_of, model_of, sequences_model_of, table_model_of

DIGITS = """
input 1x28x28
conv 4 5x5 stride 2
batchnorm
gelu
maxpool 2
relu6
flatten
dense 8
exact gelu
dense 8
hard swish
dense 8
elu
dense 10
log softmax
"""


def run(*words: str | Path) -> str:
    """What Python prints that runs these words; the program must end well."""
    done = subprocess.run(
        [sys.executable, *map(str, words)],
        capture_output=True,
        check=False,
        env=os.environ | {"PYTHONWARNINGS": "error", "OMP_NUM_THREADS": "1"},
        encoding="utf-8",
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def folder_of(pixels: np.ndarray, labels: np.ndarray, where: Path) -> Path:
    """A folder of pictures for each class."""
    for number, (image, label) in enumerate(zip(pixels, labels, strict=True)):
        place = where / str(label)
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.moveaxis(image, 0, -1).squeeze()).save(place / f"{number:04}.png")
    return where


@pytest.mark.witness("torch")
@for_each("channels", [1, 3])
@for_each("is_flat", [False, True])
def test_a_folder_of_pictures_is_scored_as_the_model_scores_it(channels, is_flat, tmp_path):
    size = f"{64 * channels}" if is_flat else f"{channels}x8x8"
    layers = "dense 5; relu; " if is_flat else "conv 3 3x3; batchnorm; relu; flatten; "
    model = model_of(f"input {size}; {layers}dense 4; softmax", images=(channels, 8, 8))
    model.export(tmp_path / "net.py")
    pixels = np.random.default_rng(0).integers(0, 256, (40, channels, 8, 8), np.uint8)
    labels = np.arange(40) % 4
    said = run(tmp_path / "net.py", folder_of(pixels, labels, tmp_path / "pictures"))
    assert said == f"{model.score(pixels, labels):.2%} of 40 images are classified correctly\n"


@pytest.mark.witness("torch")
def test_the_test_digits_are_scored_as_the_model_scores_them(tmp_path):
    plain = model_of(DIGITS)
    recipe = f"data digits\nschedule constant 0.1\n{plain.net}"
    model = Model(
        plain.net, plain.values, plain.mean, plain.deviation, plain.classes, {"recipe": recipe}
    )
    model.export(tmp_path / "net.py")
    test = load("digits").test_for_reporting
    share = model.score(test.pixels, test.labels)
    assert run(tmp_path / "net.py") == f"{share:.2%} of 10,000 images are classified correctly\n"


@pytest.mark.witness("torch", "cc")
def test_the_training_loop_learns_the_images(tmp_path):
    recipe = made.recipe("statistics unwarped")
    trained = train(recipe, data=made.dataset(), threads=1).model
    exported = trained.export(tmp_path / "net.py", train=True)
    assert not exported.remarks
    pixels, labels = made.arrays()
    said = run(tmp_path / "net.py", folder_of(pixels[:, None], labels, tmp_path / "p"), "--train")
    *epochs, last = said.splitlines()
    assert [line.partition(":")[0] for line in epochs] == ["epoch 1", "epoch 2", "epoch 3"]
    assert float(last.partition("%")[0]) > 90
    assert (tmp_path / "net_trained.safetensors").exists()


@pytest.mark.witness("torch")
@for_each("is_holed", [False, True], ids=["whole", "with empty cells"])
@for_each("target", ["side", "area"])
def test_rows_of_a_table_are_answered_as_the_model_answers_them(target, is_holed, tmp_path):
    model, rows, filled = holed_model_of(target) if is_holed else (*table_model_of(target), None)
    model.export(tmp_path / "table.py")
    colours = np.array(["blue", "green", "red"])

    def cells(row):
        width, *words, height = row.tolist()
        colour = "" if np.isnan(words[0]) else colours[int(np.argmax(words))]
        return ",".join(str(cell).replace("nan", "") for cell in (width, height, colour))

    lines = ["width,height,colour", *map(cells, rows)]
    (tmp_path / "rows.csv").write_text("\n".join(lines), "utf-8")
    said = [line.split() for line in run(tmp_path / "table.py", tmp_path / "rows.csv").splitlines()]
    expected = model.answers(filled if is_holed else rows)
    found = np.array(said)[:, -1].astype(float)
    wanted = expected[:, 0]
    if target == "side":
        assert [name for name, _ in said] == [model.classes[k] for k in expected.argmax(axis=1)]
        wanted = expected.max(axis=1)
    np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-5)


SCHEDULES = ["constant 0.1", "constant 0.1 warm 0.1", "step 0.1 by 0.5 every 2"]
SCHEDULES += ["plateau 0.1 by 0.1 patience 1", "cosine 0.2 to 0.01 warm 0.1", "one cycle 0.6"]


@for_each("schedule", [None, *SCHEDULES])
@for_each(
    "text",
    [
        DIGITS,
        "input 784; dense 8; sigmoid; dense 1; sigmoid; update adam; decay 0.01; decay 0.1 biases",
        "input 32x16x16; conv 128 3x5 stride 2 pad 2 groups 32 no bias; tanh; conv 128 1x1; "
        "softplus; add back 2; relu; avgpool all; batchnorm; silu; flatten; dense 12; softmax; "
        "update adamw; decay 0.01; decay 0.1 scales; decay 0.02 biases",
    ],
)
def test_the_file_is_in_the_form_that_ruff_gives_it(schedule, text, tmp_path):
    model = model_of(text)
    training = None
    if schedule:
        training = torch_training(gb_recipe(model, schedule))
    source = torch_source(model.trained(), "net", "digits", training)
    require_form(source, tmp_path)


@for_each("warp", WARPS)
@for_each("held_back", ["0", "none"])
def test_so_is_a_loop_that_warps_and_holds_back(warp, held_back, tmp_path):
    warp = warp.replace(";", ",")
    said = f"warp {warp}; statistics unwarped; hold back {held_back}; schedule plateau 0.1"
    recipe = text.parse(f"{said}; {DIGITS}")
    source = torch_source(model_of(DIGITS).trained(), "net", "", torch_training(recipe))
    assert "if epoch + 1 == EPOCHS:\n            settle(network, images)\n" in source
    require_form(source, tmp_path)


def test_what_a_loop_leaves_out_stands_at_its_head(tmp_path):
    recipe = text.parse(
        f"class weights balanced; early stop 4; keep best; schedule constant 0.1; {DIGITS}"
    )
    source = torch_source(model_of(DIGITS).trained(), "net", "", torch_training(recipe))
    head = ast.get_docstring(ast.parse(source))
    said = (
        "The training loop leaves out these parts of the recipe: class weights; early stop 4; "
        "keep best."
    )
    assert head.replace("\n", " ").endswith(said)
    require_form(source, tmp_path)


def require_form(source: str, tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(source, "utf-8")
    for words in (["check", "--select", "B,E,F,I,W", "--ignore", "B905"], ["format", "--check"]):
        command = [sys.executable, "-m", "ruff", *words, "--isolated", "--no-cache", "net.py"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False)
        assert done.returncode == 0, (done.stdout + done.stderr).decode() + source


@for_each("target", ["side", "area"])
def test_so_is_that_of_a_table(target, tmp_path):
    model, _ = table_model_of(target)
    require_form(torch_source(model.trained(), "net"), tmp_path)


@pytest.mark.witness("torch")
@for_each(
    "layers",
    [
        "conv1d 4 3 pad same; relu; gru 5 all; attention causal; lstm 4",
        "conv1d 1 3; mel 2 frame 4 step 2 rate 100 low 10 high 45; flatten",
    ],
)
def test_rows_of_sequences_are_answered_as_the_model_answers_them(tmp_path, layers):
    model, rows = sequences_model_of(f"input 8x3; {layers}; dense 3; softmax")
    model.export(tmp_path / "table.py")
    lines = [",".join(map(repr, row)) for row in rows.tolist()]
    names = ",".join(column.name for column in model.columns.inputs)
    (tmp_path / "rows.csv").write_text("\n".join([names, *lines]), "utf-8")
    said = [line.split() for line in run(tmp_path / "table.py", tmp_path / "rows.csv").splitlines()]
    expected = model.answers(rows)
    assert [name for name, _ in said] == [model.classes[k] for k in expected.argmax(axis=1)]
    np.testing.assert_allclose([float(p) for _, p in said], expected.max(axis=1), atol=1e-5)
    require_form(torch_source(model.trained(), "net"), tmp_path)


def test_a_training_loop_over_sequences_is_refused():
    model = model_of("input 8x8; gru 3; dense 3; log softmax", images=(1, 8, 8))
    with pytest.raises(TargetError, match="can't be written yet for networks that read sequences"):
        torch_source(model.trained(), "net", "", torch_training(gb_recipe(model, "constant 0.1")))


def gb_recipe(model: Model, schedule: str):
    from gradbook.lab.recipes.recipe import Recipe

    return Recipe(model.net, parse_schedule(schedule))


def test_class_names_of_any_kind_stand_there_as_they_are(tmp_path):
    names = ("it's", 'a "word"', "back\\slash", "Größe", "\n\udcff")
    plain = model_of("input 1x2x2; flatten; dense 5; softmax")
    model = Model(plain.net, plain.values, plain.mean, plain.deviation, names)
    source = torch_source(model.trained(), 'odd "name"', "")
    (line,) = (line for line in source.split("\n") if line.startswith("CLASSES = "))
    space: dict[str, object] = {}
    exec(line, space)
    assert space["CLASSES"] == names
    compile(source, "odd.py", "exec")


@for_each("channels", [1, 3])
def test_images_laid_flat_are_scaled_by_a_mean_and_a_deviation_for_each_channel(channels):
    model = model_of(f"input {4 * channels}; dense 4; softmax", images=(channels, 2, 2))
    source = torch_source(model.trained(), "net", "")
    space: dict[str, object] = {}
    for line in source.split("\n"):
        if line.startswith(("MEAN = ", "DEVIATION = ")):
            exec(line, space)
    assert np.allclose(space["MEAN"], model.mean)
    assert np.allclose(space["DEVIATION"], model.deviation)
