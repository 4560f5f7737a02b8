from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from gradbook.cli.main import main, verb_parser
from gradbook.cli.verbs import train as verb
from gradbook.data import digits
from gradbook.lab.recipes.recipe_text import builtin_recipe
from gradbook.lab.training.run_folder import RunFolder
from gradbook.net import Loss, Update
from tests.cases import for_each
from tests.cli.desk import RECIPE, laid_out

pytestmark = pytest.mark.witness("cc")

VERB = "train"
LAST = {  # what the last event tells at least
    "event",
    "parameters",
    "epochs",
    "seconds",
    "images_per_second",
    "validation_accuracy",
    "test_accuracy",
    "seed",
    "model",
}


@pytest.fixture
def desk(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(laid_out(tmp_path))
    monkeypatch.setenv("COLUMNS", "80")
    return tmp_path


@pytest.fixture
def output_of(desk, output_of):
    return output_of


def events(page: str) -> list[dict]:
    return [json.loads(line) for line in page.splitlines()]


def wanted(*words):
    """The recipe that the words mean."""
    return verb.recipe_of_options(verb_parser("train").read(words))


# What is trained.


def test_without_a_word_it_is_quick():
    assert wanted() == builtin_recipe("quick")


@for_each(
    ("words", "ahead"),
    [
        ([], True),
        (["best", "--seeds", "3"], True),
        (["best", "--data", "digits"], True),
        (["best", "--data", "fashion"], False),
        (["mine.txt"], False),
        (["-"], False),
        (["input 1x28x28; flatten; dense 10; softmax"], False),
        (["--resume", "runs/quick"], False),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_the_digits_are_unpacked_ahead_where_they_will_be_wanted(words, ahead, monkeypatch):
    begun = []
    monkeypatch.setattr(digits, "begin", lambda: begun.append(True))
    monkeypatch.setattr(verb, "_run", lambda options: 0)
    assert main(["train", *words]) == 0
    assert begun == [True] * ahead


@for_each(
    ("words", "found"),
    [
        (["--epochs", "5"], lambda it: it.epochs == 5),
        (["--batch", "64"], lambda it: it.batch == 64),
        (["--data", "my faces"], lambda it: it.data == "my faces"),
        (
            ["--set", "warp rotate 10, shift 2"],
            lambda it: (it.warp.rotate, it.warp.shift) == (10, 2),
        ),
        (["--set", "warp none"], lambda it: not it.warp.changes_images),
        (["--set", "schedule constant 0.01"], lambda it: str(it.schedule) == "constant 0.01"),
        (["--set", "adam"], lambda it: it.net.update.kind == "adam"),
        (["--set", "decay 0.25"], lambda it: set(it.net.decay.values()) == {0.25}),
        (["--set", "loss cross-entropy smoothing 0.1"], lambda it: it.net.smoothing == 0.1),
        (["--set", "hold back 3; epochs 4"], lambda it: it.held_back == 3),
        (["--set", "hold back none"], lambda it: it.held_back is None),
        (["--seed", "7"], lambda it: it.net.seed == 7),
    ],
)
def test_every_line_of_a_recipe_can_be_said_on_the_command_line(words, found):
    assert not found(wanted())
    assert found(wanted(*words))


def test_another_network_is_trained_as_the_recipe_says():
    quick, changed = wanted(), wanted("--network", "flat")
    assert changed.net.layers != quick.net.layers
    assert (changed.net.update, changed.net.decay) == (quick.net.update, quick.net.decay)
    assert (changed.schedule, changed.net.loss) == (quick.schedule, Loss.CROSS)


def test_a_network_alone_is_a_recipe(output_of):
    net = "input 1x8x8; flatten; dense 4; softmax; loss cross-entropy"
    page = output_of(net, "--data", "made.npz", "--epochs", "1")
    assert "a network reads" in page
    assert Path("runs/a-network/model.safetensors").exists()


def test_a_recipe_comes_from_standard_input(output_of, monkeypatch):
    given = io.TextIOWrapper(io.BytesIO(Path(RECIPE).read_bytes()))
    monkeypatch.setattr("sys.stdin", given)
    assert output_of("-", "--epochs", "1").startswith("strokes: ")


@for_each(
    ("flag", "told"),
    [
        ("--lr", "did you mean '--rate'?"),
        ("--learning-rate", "did you mean '--rate'?"),
        ("--optimizer", "write --set 'update …'"),
        ("--patience", "write --set 'early stop N'"),
        ("--decay", "write --set 'decay …'"),
        ("--split-by", "write --set 'split by …'"),
    ],
)
def test_options_of_others_and_of_1_0_say_what_to_write(flag, told, refused):
    assert told in refused(["train", "quick", flag, "3"])


def test_lines_of_a_recipe_are_said_in_its_place(desk):
    words = ["quick", "--rate", "0.05", "--set", "sgd", "--set", "early stop 3; loss CE"]
    found = verb.recipe_of_options(verb_parser("train").read(words))
    assert (found.schedule.rate, found.early_stop) == (0.05, 3)
    assert (found.net.update, found.net.loss) == (Update(), Loss.CROSS)
    assert found.schedule.kind == "one cycle"


# What is said and kept.


def test_a_training_in_plain_lines(output_of):
    lines = output_of(RECIPE).splitlines()
    assert lines[0] == "strokes: 196 parameters, 3 epochs of 500 images of made"
    assert lines[1:3] == [
        "cross-entropy, batches of 32, momentum 0.9 nesterov, one cycle 0.1",
        "warp rotate 5, shift 1, background 0",
    ]
    assert lines[3].startswith("100 more images held back, seed 0, ")
    heading = next(k for k, line in enumerate(lines) if line.startswith("epoch "))
    assert [line.split()[0] for line in lines[heading + 2 : heading + 5]] == ["1", "2", "3"]
    assert " of the 100 test images correctly, " in " ".join(lines)
    assert lines[-1] == "  gradbook predict runs/strokes FILE  reads your pictures"
    assert max(map(len, lines)) <= 80


def test_everything_that_is_named_is_there(output_of):
    page = output_of(RECIPE, "-o", "here")
    named = [line.split()[0] for line in page.splitlines() if line.startswith("  here/")]
    assert named == ["here/report.html", "here/model.safetensors", "here/metrics.csv"]
    assert all(Path(name).exists() for name in named)
    with open("here/metrics.csv", encoding="utf-8") as file:
        assert [row["epoch"] for row in csv.DictReader(file)] == ["1", "2", "3"]


def test_each_run_has_a_folder_of_its_own(output_of):
    for _ in range(3):
        output_of(RECIPE, "--epochs", "1")
    assert sorted(path.name for path in Path("runs").iterdir()) == [
        "strokes",
        "strokes-2",
        "strokes-3",
    ]


def test_a_program_is_told_an_event_a_line(output_of):
    started, *epochs, done = events(output_of(RECIPE, "--json", "-o", "run", "--seed", "5"))
    assert (started["event"], started["seed"], started["steps"]) == ("started", 5, 16)
    assert [epoch["event"] for epoch in epochs] == ["epoch"] * 3
    assert [epoch["epoch"] for epoch in epochs] == [1, 2, 3]
    assert done["event"] == "done"
    assert set(done) >= LAST
    assert (done["seed"], done["epochs"]) == (5, 3)
    assert done["model"] == str(Path("run/model.safetensors"))
    assert done["validation_accuracy"] == epochs[-1]["validation_accuracy"]


def test_the_result_of_a_done_run_is_told_again(output_of):
    first = events(output_of(RECIPE, "--json", "-o", "run"))[-1]
    again = events(output_of("--resume", "run", "--json"))
    assert [first.items() <= event.items() for event in again] == [True]
    assert output_of("--resume", "run").startswith("run is already finished: ")


def test_a_report_that_was_not_written_is_written_when_the_run_is_resumed(output_of):
    output_of(RECIPE, "-o", "run")
    report = Path("run/report.html")
    whole = report.read_bytes()
    report.unlink()
    output_of("--resume", "run")
    assert len(report.read_bytes()) == pytest.approx(len(whole), rel=0.01)


def test_nothing_held_back_leaves_no_column_for_it(output_of):
    page = output_of(RECIPE, "--set", "hold back none", "--epochs", "1")
    assert "600 images" in page
    assert "validation" not in page


@for_each("columns", [24, 40, 80, 200])
def test_it_fits_the_terminal(output_of, monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    page = output_of(RECIPE, "--epochs", "1", "-o", "r")
    assert max(map(len, page.splitlines())) <= max(columns, 40)


# Several seeds.


def test_seeds_are_trained_one_after_the_other(output_of):
    page = output_of(RECIPE, "--seeds", "3", "--seed", "4", "-o", "many", "--epochs", "2")
    rows = [line.split() for line in page.split("\n\n")[-2].splitlines()]
    assert [row[0] for row in rows] == ["seed", "4", "5", "6", "mean", "lowest"]
    assert float(rows[-1][1]) == min(float(row[3]) for row in rows[1:4])
    assert Path("many/report.html").exists()
    for seed in (4, 5, 6):
        assert RunFolder(f"many/seed-{seed}").recipe().net.seed == seed


def test_a_program_is_told_of_each_seed_and_of_all(output_of):
    told = events(output_of(RECIPE, "--seeds", "2", "--json", "-o", "many", "--epochs", "1"))
    assert [event["event"] for event in told] == [*["started", "epoch", "seed_done"] * 2, "done"]
    done, each = (
        told[-1],
        [event["test_accuracy"] for event in told if event["event"] == "seed_done"],
    )
    assert set(done) >= LAST
    assert done["seeds"] == [0, 1]
    assert done["test_accuracy"] == pytest.approx(sum(each) / 2)
    assert done["test_lowest"] == min(each)


def test_seeds_go_on_where_they_were(output_of):
    output_of(RECIPE, "--seeds", "2", "--json", "-o", "many", "--epochs", "1")
    before = Path("many/seed-0/model.safetensors").stat().st_mtime_ns
    Path("many/seed-1/result.json").unlink()
    told = events(output_of("--resume", "many", "--json"))
    assert told[-1]["event"] == "done"
    assert Path("many/seed-0/model.safetensors").stat().st_mtime_ns == before
    assert Path("many/seed-1/result.json").exists()
