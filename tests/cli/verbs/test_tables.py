"""`gradbook train` and `predict` on tables: what is said, kept and refused."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path

import pytest

from gradbook.cli.main import main
from gradbook.data import digits
from gradbook.errors import UsageError
from gradbook.lab.training.run_folder import load
from tests.lab.tables import made


@pytest.fixture
def said(tmp_path, monkeypatch, capsys):
    """`said(words)` is what `gradbook` prints in a folder with two tables."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    made.table(tmp_path, "area")
    made.table(tmp_path, "side")

    def say(*words, code=0):
        capsys.readouterr()
        assert main(list(map(str, words))) == code
        printed = capsys.readouterr()
        return printed.err if code else printed.out

    return say


def test_what_is_learned_from_what_is_said_first(said):
    lines = said("train", "side-0.csv").splitlines()
    assert lines[0].startswith("side-0: 258 parameters, at most 200 epochs of 167 rows")
    assert lines[1] == "learns side (2 classes: large, small) from width, colour, height"
    assert "cross-entropy" in lines[2]
    told = " ".join(lines)
    assert "test rows right (mean F1 " in told
    assert "gradbook predict runs/side-0 new.csv -o predicted.csv" in told
    assert max(map(len, lines)) <= 80
    kept = {path.name for path in Path("runs/side-0").iterdir()}
    assert kept >= {"recipe.txt", "model.safetensors", "metrics.csv", "result.json", "report.html"}


def test_numbers_are_told_with_r_squared_and_errors(said):
    told = " ".join(said("train", "area-0.csv", "--epochs", "30").split())
    assert "learns area (numbers from " in told
    assert "reaches R² = 0." in told
    assert "mean absolute error" in told


def test_a_table_by_its_name_unpacks_no_digits(said):
    begun = set(digits._begun)
    said("train", "iris", "--epochs", "1")
    assert set(digits._begun) == begun


def test_the_last_epoch_and_the_one_that_is_kept_have_lines(said):
    lines = said("train", "area-0.csv", "--update", "adam", "--schedule", "constant 0.02")
    numbers = [line.split()[0] for line in lines.splitlines() if line.endswith(" s")]
    told = " ".join(lines.split())
    done, kept = re.search(r"after (\d+) epochs in .* weights of epoch (\d+)", told).groups()
    assert {done, kept} <= set(numbers[-2:])


def test_a_program_gets_events(said):
    told = [json.loads(line) for line in said("train", "area-0.csv", "--json").splitlines()]
    started, *epochs, done = told
    assert (started["event"], started["target"], started["task"]) == ("started", "area", "numbers")
    assert all(epoch["event"] == "epoch" for epoch in epochs)
    assert done["event"] == "done"
    assert done["epochs"] == len(epochs)
    assert done["r2"] > 0.9
    assert Path(done["model"]).exists()


def test_new_rows_are_predicted_beside_their_own_cells(said):
    said("train", "area-0.csv", "-o", "run")
    assert said("predict", "run", "area-0.csv", "-o", "out.csv") == "wrote out.csv: 240 rows\n"
    with open("out.csv", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    off = [abs(float(row["area"]) - float(row["area: predicted"])) for row in rows]
    assert sum(off) / len(off) < 10
    assert [*rows[0]] == ["width", "colour", "height", "area", "area: predicted"]


def test_a_class_is_predicted_with_how_sure_it_is(said):
    said("train", "side-0.csv", "-o", "run")
    rows = list(csv.DictReader(io.StringIO(said("predict", "run", "side-0.csv"))))
    right = [row["side"] == row["side: predicted"] for row in rows]
    assert sum(right) > 0.9 * len(right)
    assert all(0.5 <= float(row["side: confidence"]) <= 1 for row in rows)
    found = json.loads(said("predict", "run", "side-0.csv", "--json"))
    assert found["rows"][0]["predicted"] == rows[0]["side: predicted"]
    assert sum(found["rows"][0]["probabilities"].values()) == pytest.approx(1)


def test_the_recipe_of_a_run_trains_it_again(said):
    first = json.loads(said("train", "side-0.csv", "-o", "a", "--json").splitlines()[-1])
    again = json.loads(said("train", "a/recipe.txt", "-o", "b", "--json").splitlines()[-1])
    known = ("test_accuracy", "macro_f1", "epochs", "kept_epoch")
    assert [first[name] for name in known] == [again[name] for name in known]


def test_a_network_of_ones_own_is_trained_as_the_usual_one_is(said):
    said("train", "side-0.csv", "--network", "input 5; dense 2; softmax", "-o", "run")
    recipe = Path("run/recipe.txt").read_text()
    assert "loss cross-entropy" in recipe
    assert "update adam" in recipe


def test_nothing_held_back_means_nothing_to_stop_by(said):
    said("train", "side-0.csv", "--hold-back", "none", "--epochs", "3", "-o", "run")
    assert "early stop" not in Path("run/recipe.txt").read_text()


def test_a_table_of_pixels_is_images(said):
    rows = [f"{k % 2}," + ",".join(str((k * p) % 256) for p in range(16)) for k in range(60)]
    Path("pixels.csv").write_text("\n".join(rows))
    net = "input 1x4x4; flatten; dense 2; softmax"
    told = said("train", net, "--data", "pixels.csv", "--epochs", "1")
    assert "images of pixels" in " ".join(told.split())


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["side-0.csv", "--target", "sde"], "no column 'sde': did you mean 'side'?"),
        (["side-0.csv", "--ignore", "width,colour,height"], "no column is left to learn 'side'"),
        (["side-0.csv", "--ignore", "width,side"], "'side' is what is to be learned"),
        (["side-0.csv", "--threads", "1"], "a table is trained on one core: leave --threads out"),
        (["side-0.csv", "--task", "numbers"], "has words: they can only be classes"),
        (["side-0.csv", "--seeds", "3"], "one seed at a time: leave --seeds out"),
        (["side-0.csv", "--network", "input 4; dense 2; softmax"], "'input 5'"),
        (["quick", "--target", "side"], "--target is for tables"),
        (["area-0.csv", "--loss", "cross-entropy"], "reads probabilities"),
    ],
)
def test_what_cannot_be_is_one_line(said, words, problem):
    told = said("train", *words, code=2)
    assert problem in told
    assert told.count("\n") == 1
    assert not Path("runs").exists()


def test_models_of_tables_and_of_pictures_are_told_apart(said):
    said("train", "side-0.csv", "-o", "run", "--epochs", "2")
    for flag in ("--show", "--many"):
        assert f"{flag} is for pictures" in said("predict", "run", "side-0.csv", flag, code=2)
    words = ("side-0.csv", "--json", "-o", "out.csv")
    assert "leave --json out" in said("predict", "run", *words, code=2)
    assert "one file at a time" in said("predict", "run", "side-0.csv", "area-0.csv", code=2)
    for verb in (["compare", "run"], ["explain"], ["sheet"]):
        told = said(*verb, "run", code=2)
        assert "run is of a table: gradbook predict run new.csv (in Python load_table" in told
    with pytest.raises(UsageError, match="run is of a table"):
        load("run")
    Path("bad.csv").write_text("width,colour,height\n1,r,NA\n2,g,3\n")
    problem = said("predict", "run", "bad.csv", "-o", "out.csv", code=2)
    assert "bad.csv, row 2, column height: a missing value" in problem
    assert not Path("out.csv").exists()


def test_the_page_names_what_it_is_about(said):
    for name in ("side", "area"):
        said("train", f"{name}-0.csv", "-o", name)
        page = Path(name, "report.html").read_text("utf-8")
        assert f"<h1>{name}-0: {name}</h1>" in page
        assert "Where it is off" in page
        assert (
            f"train recipe.txt -o again --task {'classes' if name == 'side' else 'numbers'}" in page
        )
