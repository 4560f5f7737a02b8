"""gradbook explain: formats, files, one weight, and what it refuses."""

from __future__ import annotations

import json
from itertools import pairwise
from time import process_time

import numpy as np
import pytest

from gradbook.cli.main import main
from gradbook.net import builtin
from gradbook.net.lower import scalar_step
from gradbook.net.step import run
from tests.cases import for_each
from tests.runs import finished, pictures, text_for
from tests.trained import model_of

VERB = "explain"


def test_without_a_word_it_explains_the_worked_example(output_of):
    assert output_of().startswith("Backpropagation step by step: worked\n")


@for_each(
    ("suffix", "begins"),
    [
        (".txt", "Backpropagation"),
        (".html", "<!doctype html>"),
        (".tex", r"\documentclass"),
        (".MD", "# Backpropagation"),
    ],
)
def test_the_files_name_says_the_format(suffix, begins, output_of, tmp_path):
    file = tmp_path / f"worked{suffix}"
    assert output_of("-o", str(file)) == f"wrote {file}\n"
    assert file.read_text(encoding="utf-8").lower().startswith(begins.lower())


def test_a_file_s_ending_says_the_form(refused):
    assert "don't go together" in refused(["explain", "-o", "a.txt", "--json"])
    assert "write --json > a.json" in refused(["explain", "-o", "a.json"])
    assert "no longer has --format" in refused(["explain", "-o", "a.txt", "--format", "latex"])


def test_lines_of_the_network_are_replaced(output_of):
    assert "momentum" not in output_of("xor")
    assert "momentum" in output_of("xor", "--set", "momentum 0.9")


def test_json_holds_every_weight_with_all_its_digits(output_of):
    record = json.loads(output_of("--json"))
    step = scalar_step(builtin("worked"))
    truth = next(run(step, 1))
    assert record["error"] == float(truth[step.loss])
    assert [weight["name"] for weight in record["weights"]] == [f"w{k}" for k in range(1, 9)]
    w5 = record["weights"][4]
    assert w5["chain"] == "∂E1/∂a_o1·∂a_o1/∂o1·∂o1/∂w5"
    assert w5["gradient"] == pytest.approx(0.01288081863162825, rel=1e-14)
    assert w5["next"] == pytest.approx(0.4 - 0.01288081863162825, rel=1e-14)


def test_json_has_a_number_for_each_sample_and_null_for_none(output_of):
    record = json.loads(output_of("xor", "--json", "--only", "b4"))
    assert len(record["forward"][0]["value"]) == 4
    assert [weight["name"] for weight in record["weights"]] == ["b4"]
    huge = "input 1; dense 1; sample 1e200 -> 0; weights 1e200"
    assert json.loads(output_of(huge, "--json"))["error"] is None


def test_a_table_gives_the_samples(output_of, tmp_path):
    table = tmp_path / "two.csv"
    table.write_text("i1,t1\n0.5,1\n-0.5,0\n", encoding="utf-8")
    assert "the N = 2 samples" in " ".join(
        output_of("input 1; dense 1", "--data", str(table)).split()
    )


LAYERS = (
    "conv 4 3x3 pad 1; batchnorm; relu; maxpool 2; dropout 0.1; conv 3 3x3; gelu; flatten; "
    "dense {classes}; log softmax"
)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """The folder of a run, and its data as a file."""
    folder, data = tmp_path_factory.mktemp("explained"), pictures()
    finished(folder / "run", data, text_for(data, LAYERS))
    training, test = data.training_and_validation, data.test_for_reporting
    archive = {
        "x_train": training.pixels,
        "y_train": training.labels,
        "x_test": test.pixels,
        "y_test": test.labels,
    }
    np.savez(folder / "data.npz", **archive)
    return str(folder / "run"), str(folder / "data.npz")


@for_each("weight", ["w5", "conv2 1,2,0,1", "conv1 b 3", "bn 2", "β2", "dense 3,11"])
def test_a_trained_network_is_worked_on_an_image(weight, trained, output_of):
    run, data = trained
    record = json.loads(output_of(run, "--data", data, "--image", "2", "--only", weight, "--json"))
    one, way = record["weight"], record["way"]
    assert sum(part["product"] for part in record["products"]) == pytest.approx(one["gradient"])
    assert one["measured"] == pytest.approx(one["gradient"], rel=1e-5)
    assert way[0]["value"] == record["products"][0]["value"]
    for step, following in pairwise(way):
        assert following["value"] == step["feeds"][0]["value"]
        shares = [feed["slope"] * feed["arriving"] for feed in step["feeds"]]
        assert sum(shares) == pytest.approx(step["slope"])
    wanted = pictures().test_for_reporting.labels[2]
    output = int(way[-1]["value"].removeprefix("o")) - 1
    assert way[-1]["slope"] == pytest.approx(record["outputs"][output] - (output == wanted))


def test_the_way_passes_over_what_only_lays_values_out(output_of, tmp_path):
    model = model_of("input 1x28x28; conv 10 9x9 stride 4; maxpool all; flatten; softmax")
    model.save(tmp_path / "net.safetensors")
    text = output_of(str(tmp_path / "net.safetensors"), "--only", "conv1 0,0,1,1")
    way = text.partition("From there to the error")[2]
    assert "maxpool all: the largest value" in way
    assert "flatten" not in way


def test_a_recipe_is_worked_at_its_start_in_every_format(output_of, tmp_path):
    text = output_of("tiny", "--image", "7")
    assert "test image 7 of digits, of class 9" in text
    assert "One weight in full: w" in text
    for suffix in (".html", ".tex", ".md"):
        output_of("tiny", "--image", "7", "-o", str(tmp_path / f"tiny{suffix}"))
        assert "unmaxpool" in (tmp_path / f"tiny{suffix}").read_text(encoding="utf-8")


@for_each(
    ("words", "complaint"),
    [
        (["--only", "w99999"], "no weight is called 'w99999' (the weights are w1 … w"),
        (["--only", "conv3 1,1,1,1"], "no weight is called 'conv3 1,1,1,1'"),
        (["--only", "conv2 9,0,0,0"], "conv2 has 3 x 4 x 3 x 3 weights, and none at 9,0,0,0"),
        (["--only", "conv2 1,1"], "conv2 has 3 x 4 x 3 x 3 weights: name one"),
        (["--image", "30"], "has 30 test images, from 0"),
        (["--only", "all"], "--only all is for networks of few weights"),
    ],
)
def test_what_is_not_there_is_said(words, complaint, trained, capsys):
    run, data = trained
    assert main(["explain", run, "--data", data, *words]) == 2
    assert complaint in capsys.readouterr().err


def test_images_that_do_not_fit_are_refused(trained, capsys):
    assert main(["explain", "reference", "--data", trained[1]]) == 2
    assert "takes 1x28x28, but the images of data are 1x8x8" in capsys.readouterr().err
    assert main(["explain", trained[0], "--data", "digits"]) == 2
    assert "28x28" in capsys.readouterr().err


@for_each("classes", [2, 12])
def test_a_model_of_other_classes_than_the_images_is_refused(classes, tmp_path, refused):
    model = model_of(f"input 1x28x28; flatten; dense {classes}; softmax")
    model.save(tmp_path / "other.safetensors")
    said = f"digits has 10 classes, but the model has {classes}: name images like those "
    assert refused(["explain", "other.safetensors", "--data", "digits"]).startswith(said)


def test_a_table_of_a_million_samples_is_refused_at_once(tmp_path, capsys):
    """Written out would be the first two and the last, and all were worked out in Python."""
    (tmp_path / "rows.csv").write_text("0.25,0.5,1\n" * 900_000)
    net, began = "input 2; dense 1; sigmoid; loss half squared error", process_time()
    assert main(["explain", net, "--data", str(tmp_path / "rows.csv")]) == 2
    assert process_time() - began < 5
    output = capsys.readouterr().err
    assert output.count("\n") == 1
    assert "rows.csv: more than 100,000 rows: use a smaller table" in output
