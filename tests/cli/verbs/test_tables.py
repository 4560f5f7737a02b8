"""`gradbook train` and `predict` on tables: what is said, kept and refused."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import statistics
from pathlib import Path
from types import SimpleNamespace

import pytest

import gradbook as gb
from gradbook.cli.display import AsEvents, AsLines
from gradbook.cli.main import main
from gradbook.data import digits
from gradbook.lab.training.run_folder import load
from tests.cases import for_each
from tests.lab import made_tables as made

PREDICT = ("predict", "run", "--json")


@pytest.fixture
def output_of(tmp_path, command):
    """`output_of(words)` is what `gradbook` prints in a folder with two tables."""
    made.table(tmp_path, "area")
    made.table(tmp_path, "side")
    return command


def test_what_is_learned_from_what_is_said_first(output_of):
    lines = output_of("train", "side-0.csv").splitlines()
    assert lines[0].startswith("side-0: 258 parameters, at most 96 epochs of 167 rows")
    assert lines[1] == "learns side (2 classes: large, small) from width, colour, height"
    assert "cross-entropy" in lines[2]
    text = " ".join(lines)
    assert re.search(r"test rows correctly(, \d+ wrong)? \(mean F1 [01]\.", text), text
    assert "gradbook predict runs/side-0 new.csv -o predicted.csv" in text
    assert max(map(len, lines)) <= 80
    kept = {path.name for path in Path("runs/side-0").iterdir()}
    assert kept >= {"recipe.txt", "model.safetensors", "metrics.csv", "result.json", "report.html"}


def test_numbers_are_told_with_r_squared_and_errors(output_of):
    text = " ".join(output_of("train", "area-0.csv", "--epochs", "30").split())
    assert "learns area (numbers from " in text
    assert "reaches R² = 0." in text
    assert "mean absolute error" in text


def test_a_table_by_its_name_unpacks_no_digits(output_of):
    begun = set(digits._begun)
    output_of("train", "iris", "--epochs", "1")
    assert set(digits._begun) == begun


def test_the_last_epoch_and_the_one_that_is_kept_have_lines(output_of):
    lines = output_of("train", "area-0.csv", "--set", "adam", "--set", "schedule constant 0.02")
    numbers = [line.split()[0] for line in lines.splitlines() if line.endswith(" s")]
    text = " ".join(lines.split())
    done, kept = re.search(r"after (\d+) epochs in .* weights of epoch (\d+)", text).groups()
    assert {done, kept} <= set(numbers[-2:])


def test_a_program_gets_events(output_of):
    told = [json.loads(line) for line in output_of("train", "area-0.csv", "--json").splitlines()]
    started, *epochs, done = (event for event in told if event["event"] != "doubt")
    assert (started["event"], started["target"], started["task"]) == ("started", "area", "numbers")
    assert all(epoch["event"] == "epoch" for epoch in epochs)
    assert done["event"] == "done"
    assert done["epochs"] == len(epochs)
    assert done["r2"] > 0.9
    assert Path(done["model"]).exists()


def test_a_doubt_is_an_event_of_its_own(capsys):
    AsEvents().on_doubt("3 units are dead")
    assert json.loads(capsys.readouterr().out) == {
        "event": "doubt",
        "doubt": "3 units are dead",
    }


def test_lines_say_where_it_stopped_if_it_took_a_step(capsys):
    display = AsLines()
    checkpoint = SimpleNamespace(step=7)
    display.training = SimpleNamespace(checkpoint=lambda: checkpoint, steps=3)
    display.on_stop(Path("run"))
    display.on_stop(Path("run"), trained=object())
    lines = [line for line in capsys.readouterr().out.splitlines() if "saved" in line]
    assert lines == [
        "Stopped and saved. Resume with",
        "Stopped after step 1 of 3 in epoch 3 and saved. Resume with",
    ]


def test_new_rows_are_predicted_beside_their_own_cells(output_of):
    output_of("train", "area-0.csv", "-o", "run")
    assert output_of("predict", "run", "area-0.csv", "-o", "out.csv") == "wrote out.csv: 240 rows\n"
    with open("out.csv", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    off = [abs(float(row["area"]) - float(row["area: predicted"])) for row in rows]
    assert sum(off) / len(off) < 10
    assert [*rows[0]] == ["width", "colour", "height", "area", "area: predicted"]


def test_a_class_is_predicted_with_how_sure_it_is(output_of):
    output_of("train", "side-0.csv", "-o", "run")
    rows = list(csv.DictReader(io.StringIO(output_of("predict", "run", "side-0.csv"))))
    right = [row["side"] == row["side: predicted"] for row in rows]
    assert sum(right) > 0.9 * len(right)
    assert all(0.5 <= float(row["side: confidence"]) <= 1 for row in rows)
    record = json.loads(output_of("predict", "run", "side-0.csv", "--json"))
    assert record["rows"][0]["predicted"] == rows[0]["side: predicted"]
    assert sum(record["rows"][0]["probabilities"].values()) == pytest.approx(1)


def test_an_answer_is_printed_with_six_digits_and_json_has_all(output_of):
    output_of("train", "area-0.csv", "-o", "run", "--epochs", "2")
    rows = csv.DictReader(io.StringIO(output_of("predict", "run", "area-0.csv")))
    shown = [row["area: predicted"] for row in rows]
    assert max(len(word.strip("-0.").replace(".", "")) for word in shown) == 6
    found = json.loads(output_of("predict", "run", "area-0.csv", "--json"))["rows"]
    assert shown == [str(float(f"{row['predicted']:.6g}")) for row in found]
    assert any(len(str(row["predicted"])) > 12 for row in found)


def test_columns_are_found_by_their_names_and_others_are_left_out_aloud(output_of, capsys):
    output_of("train", "side-0.csv", "-o", "run", "--epochs", "2")
    expected = [row["predicted"] for row in json.loads(output_of(*PREDICT, "side-0.csv"))["rows"]]
    with open("side-0.csv", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    lines = [f"{row['height']},{k},{row['colour']},{row['width']}" for k, row in enumerate(rows)]
    Path("new.csv").write_text("\n".join(["height,id,colour,width", *lines]))
    Path("less.csv").write_text("colour,id\nr,1\n")
    capsys.readouterr()
    assert main([*PREDICT, "new.csv"]) == 0
    out, error = capsys.readouterr()
    assert [row["predicted"] for row in json.loads(out)["rows"]] == expected
    assert error == "gradbook: the model doesn't use id\n"
    assert main([*PREDICT, "less.csv"]) == 2
    _, error = capsys.readouterr()
    assert error == "gradbook: less.csv: no columns 'width', 'height': there are 'colour', 'id'\n"


def test_the_recipe_of_a_run_trains_it_again(output_of):
    first = json.loads(output_of("train", "side-0.csv", "-o", "a", "--json").splitlines()[-1])
    again = json.loads(output_of("train", "a/recipe.txt", "-o", "b", "--json").splitlines()[-1])
    known = ("test_accuracy", "macro_f1", "epochs", "kept_epoch")
    assert [first[name] for name in known] == [again[name] for name in known]


def test_a_network_of_ones_own_is_trained_as_the_usual_one_is(output_of):
    output_of("train", "side-0.csv", "--network", "input 5; dense 2; softmax", "-o", "run")
    recipe = Path("run/recipe.txt").read_text()
    assert "loss cross-entropy" in recipe
    assert "update adam" in recipe


def test_nothing_held_back_means_nothing_to_stop_by(output_of):
    output_of("train", "side-0.csv", "--set", "hold back none", "--epochs", "3", "-o", "run")
    assert "early stop" not in Path("run/recipe.txt").read_text()


def test_a_table_of_pixels_is_images(output_of):
    rows = [f"{k % 2}," + ",".join(str((k * p) % 256) for p in range(16)) for k in range(60)]
    Path("pixels.csv").write_text("\n".join(rows))
    net = "input 1x4x4; flatten; dense 2; softmax"
    output = output_of("train", net, "--data", "pixels.csv", "--epochs", "1")
    assert "images of pixels" in " ".join(output.split())


@for_each(
    ("words", "problem"),
    [
        (["side-0.csv", "--target", "sde"], "no column 'sde': did you mean 'side'?"),
        (
            ["side-0.csv", "--set", "ignore width,colour,height"],
            "no column is left to predict 'side'",
        ),
        (["side-0.csv", "--set", "ignore width,side"], "'side' is the target"),
        (
            ["side-0.csv", "--threads", "1"],
            "a table is trained on one core of this computer: leave --threads out",
        ),
        (["side-0.csv", "--set", "task numbers"], "contains words, which can only be classes"),
        (
            ["side-0.csv", "--seeds", "2", "--seed", "999999999"],
            "the seed must be at most 999999999",
        ),
        (["*.csv"], "2 files match '*.csv': name one of them"),
        (["none*.csv"], "no file matches 'none*.csv': check the folder and the ending"),
        (["side-0.csv", "--network", "input 4; dense 2; softmax"], "'input 5'"),
        (["quick", "--target", "side"], "--target is for tables"),
        (["area-0.csv", "--set", "loss cross-entropy"], "needs probabilities"),
    ],
)
def test_what_cannot_be_is_one_line(output_of, words, problem):
    output = output_of("train", *words, code=2)
    assert problem in output
    assert output.count("\n") == 1
    assert not Path("runs").exists()


@for_each(("target", "figure"), [("side", "test_accuracy"), ("area", "r2")])
def test_several_seeds_come_to_a_mean_a_spread_and_a_lowest(output_of, target, figure):
    words = ("train", f"{target}-0.csv", "--seeds", "3", "--seed", "5", "--epochs", "5")
    events = [json.loads(line) for line in output_of(*words, "--json", "-o", "many").splitlines()]
    done = events[-1]
    scores = [json.loads(Path(f"many/seed-{k}/result.json").read_text())[figure] for k in (5, 6, 7)]
    kind = figure.removesuffix("_accuracy")
    assert done["seeds"] == [5, 6, 7]
    assert done["test_accuracies" if kind == "test" else "r2_values"] == scores
    assert done[figure] == pytest.approx(statistics.fmean(scores))
    assert done[f"{kind}_deviation"] == pytest.approx(statistics.stdev(scores))
    assert done[f"{kind}_lowest"] == min(scores)
    assert [event["seed"] for event in events if event["event"] == "seed_done"] == [5, 6, 7]
    assert {key: done[key] for key in done if key != "event"}.items() <= json.loads(
        Path("many/result.json").read_text()
    ).items()
    lines = output_of(*words, "-o", "again").splitlines()
    assert [line.split()[0] for line in lines if line.endswith(" s")] == ["5", "6", "7", "mean"]
    assert any(" ± " in line for line in lines if line.split()[:1] == ["mean"])
    assert "already contains a run" in output_of(*words, "-o", "many", code=2)


def test_a_run_of_a_table_goes_on(output_of):
    words = (
        "train",
        "side-0.csv",
        "--set",
        "ignore colour",
        "--set",
        "missing median",
        "--epochs",
        "3",
    )
    output_of(*words, "-o", "whole")
    assert "is already finished" in output_of("train", "--resume", "whole")
    Path("run").mkdir()
    for name in ("recipe.txt", "problem.json"):
        Path("run", name).write_bytes(Path("whole", name).read_bytes())
    assert "test rows correctly" in " ".join(output_of("train", "--resume", "run").split())
    for name in ("model.safetensors", "problem.json", "recipe.txt"):
        assert Path("run", name).read_bytes() == Path("whole", name).read_bytes()


def test_a_run_of_a_table_that_kept_no_problem_is_named(output_of):
    """As they were before runs kept how a table is read."""
    output_of("train", "side-0.csv", "-o", "run", "--epochs", "2")
    for name in ("problem.json", "result.json"):
        Path("run", name).unlink()
    output = output_of("train", "--resume", "run", code=2)
    wanted = "run is a run on a table, which can't be resumed: train it again with gradbook train "
    assert wanted in output


def test_a_problem_that_no_run_wrote_stays_even_with_force(output_of):
    Path("mine").mkdir()
    Path("mine/problem.json").write_text("mine")
    for words in (["--force"], ["--seeds", "2", "--force"]):
        output = output_of("train", "side-0.csv", "--epochs", "1", "-o", "mine", *words, code=2)
        stays = f"{Path('mine/problem.json')} already exists, and no run wrote it: move it away"
        assert stays in output, words
        there = {path.name: path.read_text() for path in Path("mine").iterdir()}
        assert there == {"problem.json": "mine"}, words


@for_each("kept", ["half", "[]", '{"kind": "table"}', '{"kind": "other"}'])
def test_a_problem_that_is_none_is_refused(output_of, kept):
    output_of("train", "side-0.csv", "-o", "run", "--epochs", "1")
    Path("run/result.json").unlink()
    Path("run/problem.json").write_text(kept)
    output = output_of("train", "--resume", "run", code=2)
    assert output.startswith(f"gradbook: {Path('run/problem.json')}: not the problem of a run (")


def test_a_pattern_that_no_shell_expanded_means_its_files(output_of):
    output = output_of("train", "side*.csv", "--epochs", "2", "-o", "run")
    assert output.startswith("side-0: ")
    assert output_of("predict", "run", "sid?-0.csv") == output_of("predict", "run", "side-0.csv")
    assert "no file matches 'new*.csv'" in output_of("predict", "run", "new*.csv", code=2)


def test_a_path_as_windows_writes_it_is_kept(output_of):
    path = Path("C:\\my data\\sides.csv" if os.name != "nt" else "sides.csv")
    path.write_bytes(Path("side-0.csv").read_bytes())
    output_of("train", str(path), "--epochs", "2", "-o", "run")
    recipe = Path("run/recipe.txt").read_text()
    assert f"data {path.absolute()}\n" in recipe
    assert output_of("train", "run/recipe.txt", "--epochs", "2", "-o", "again").startswith(
        path.stem
    )


def test_models_of_tables_and_of_pictures_are_told_apart(output_of):
    output_of("train", "side-0.csv", "-o", "run", "--epochs", "2")
    assert "--show is for pictures" in output_of("predict", "run", "side-0.csv", "--show", code=2)
    words = ("side-0.csv", "--json", "-o", "out.csv")
    assert "-o, which writes CSV, and --json don't go together" in output_of(
        "predict", "run", *words, code=2
    )
    assert "one file at a time" in output_of("predict", "run", "side-0.csv", "area-0.csv", code=2)
    for verb in (["explain"], ["sheet"]):
        output = output_of(*verb, "run", code=2)
        assert (
            "run is a model of a table, not of images: use gradbook predict run new.csv" in output
        )
    assert load("run").columns
    Path("bad.csv").write_text("width,colour,height\n1,r,NA\n2,g,3\n")
    words = ("bad.csv", "-o", "out.csv", "--set", "missing refuse")
    problem = output_of("predict", "run", *words, code=2)
    assert "bad.csv, row 2, column height: a missing value" in problem
    assert not Path("out.csv").exists()


def test_the_page_names_what_it_is_about(output_of):
    for name in ("side", "area"):
        output_of("train", f"{name}-0.csv", "-o", name)
        page = Path(name, "report.html").read_text("utf-8")
        assert f"<h1>{name}-0: {name}</h1>" in page
        assert "Largest errors" in page
        task = "classes" if name == "side" else "numbers"
        assert f"train recipe.txt -o again --set &#x27;task {task}&#x27;" in page


def holed(name="holed.csv"):
    """A table as a French spreadsheet exports it, with holes, dates and a class that is rare."""
    rows = [
        f"{'' if k % 8 == 0 else f'1 {k % 1000:03},5'};{'NA' if k % 9 == 0 else 'rgb'[k % 3]};"
        f"{k % 28 + 1:02}/{k % 12 + 1:02}/2023;{'rare' if k % 20 == 0 else 'fréquent'}"
        for k in range(240)
    ]
    Path(name).write_bytes("\r\n".join(["prix;couleur;vendu;sorte", *rows]).encode("cp1252"))
    return name


def test_what_was_decided_is_said_by_every_door(output_of):
    words = ("train", holed(), "--epochs", "3", "--set", "missing median")
    text = " ".join(output_of(*words, "-o", "run").split())
    wanted = [
        "isn't UTF-8: it is read as Windows-1252",
        "vendu: dates become days since 1970-01-01",
        "missing values are filled in: 30 of prix with ",
        "(by the median of the training rows, words by",
        "'rare' has 12 rows, 'fréquent' 228: 'class weights balanced'",
    ]
    for one in wanted:
        assert one in text
    started = json.loads(output_of(*words, "--json", "-o", "again").splitlines()[0])
    assert len(started["remarks"]) == 4
    page = Path("run/report.html").read_text("utf-8")
    assert "missing values are filled in: 30 of prix with " in page
    assert "--set &#x27;missing median&#x27;" in page


def test_new_rows_are_written_with_the_tables_own_marks(output_of):
    output_of("train", holed(), "--target", "prix", "--epochs", "3", "-o", "run")
    Path("new.csv").write_text("couleur;vendu;sorte;prix\nr;;rare;1 000,5\n?;03/04/2024;rare;2,5\n")
    out = output_of("predict", "run", "new.csv")
    rows = list(csv.DictReader(io.StringIO(out), delimiter=";"))
    assert rows[0]["prix"] == "1 000,5"
    record = json.loads(output_of("predict", "run", "new.csv", "--json"))
    assert record["remarks"][0].startswith("2 missing values are filled in: 1 of couleur with ")
    assert [row["prix: predicted"] for row in rows] == [
        f"{row['predicted']:.6g}".replace(".", ",") for row in record["rows"]
    ]


def test_with_all_rows_trained_on_nothing_is_said_of_others(output_of):
    words = ("train", "area-0.csv", "--set", "test none", "--epochs", "5")
    text = " ".join(output_of(*words, "-o", "run").split())
    assert "of 240 rows" in text
    assert "none held back, none held out for the test" in text
    assert "its score on others isn't known" in text
    assert "on the 240 rows trained on" in text
    page = Path("run/report.html").read_text("utf-8")
    assert "240 rows trained on" in page
    assert "its score on others isn" in page
    done = json.loads(Path("run/result.json").read_text())
    assert "r2" not in done
    again = output_of("train", "run/recipe.txt", "-o", "again", "--json").splitlines()
    assert json.loads(again[-1])["training_r2"] == done["training_r2"]
    assert "'test none' trains on all samples" in output_of(*words, "--set", "hold back 2", code=2)
    several = json.loads(output_of(*words, "--seeds", "2", "-o", "two", "--json").splitlines()[-1])
    assert len(several["training_r2_values"]) == 2


def test_what_a_table_leaves_open_can_be_settled(output_of):
    rows = "".join(f'"{k + 100},{k * 7 % 900 + 100}",3/{k % 12 + 1}/2024,{k}\n' for k in range(60))
    Path("open.csv").write_text(f"x,when,y\n{rows}")
    assert "use --set 'dates dmy' or --set 'dates mdy'" in output_of("train", "open.csv", code=2)
    words = ("train", "open.csv", "--set", "dates dmy", "--epochs", "1")
    text = " ".join(output_of(*words, "-o", "a").split())
    assert "is read as 100100, with a decimal point: --set 'decimal ,' reads it as 100.1" in text
    text = " ".join(output_of(*words, "--set", "decimal ,", "-o", "b").split())
    assert "is read as" not in text
    assert "--set &#x27;decimal ,&#x27; --set &#x27;dates dmy&#x27;" in Path(
        "b/report.html"
    ).read_text("utf-8")
    Path("new.csv").write_text("x,when\n150,3/4/2024\n")
    first, second = (json.loads(output_of("predict", run, "new.csv", "--json")) for run in "ab")
    assert first["rows"] != second["rows"]
    assert "quick" not in text
    assert "'missing …' is for tables" in output_of(
        "train", "quick", "--set", "missing mean", code=2
    )


def bytes_named(*names):
    """30 rows of 16 whole numbers and a class, which its columns' order tells."""
    lines = [",".join((*names, "label"))]
    for row in range(30):
        numbers = [(row * 7 + column * (1 + row % 3)) % 17 for column in range(16)]
        lines.append(",".join(map(str, (*numbers, row % 3))))
    Path("whole.csv").write_text("\n".join(lines) + "\n")


def trained_on_whole(words, capsys):
    assert main(["train", *words, "--epochs", "1", "--batch", "8"]) == 0
    output = capsys.readouterr()
    return output.out, output.err


def test_whole_numbers_are_measurements_or_pixels_as_their_heading_says(output_of, capsys):
    bytes_named(*(f"p{k}" for k in range(16)))
    out, err = trained_on_whole(["whole.csv"], capsys)
    assert "adapted to whole: input 1x4x4" in " ".join(out.split())
    assert "whole.csv: read as pictures, one per row of pixels: add --target COLUMN if" in err
    out, err = trained_on_whole(["whole.csv", "--target", "label"], capsys)
    assert "learns label (3 classes: 0, 1, 2) from p0, p1" in out
    assert "taken for" not in err
    bytes_named(*(f"sensor{k}" for k in range(16)))
    out, err = trained_on_whole(["whole.csv"], capsys)
    assert "learns label (3 classes: 0, 1, 2) from sensor0" in " ".join(out.split())
    assert "though its columns may be pixels; if so: gradbook train quick --data whole.csv" in err
    out, err = trained_on_whole(["quick", "--data", "whole.csv"], capsys)
    assert "adapted to whole: input 1x4x4" in " ".join(out.split())


def test_train_in_python_takes_tables_as_the_command_does(output_of):
    bytes_named(*(f"p{k}" for k in range(16)))
    for given in ({"recipe": "whole.csv"}, {"data": Path("whole.csv")}):
        assert gb.train(set="epochs 1; batch 8", **given).model.net.input == (1, 4, 4)
    lines = ["ignore height", "missing median", "momentum 0.5"]
    output_of("train", "area-0.csv", *(w for line in lines for w in ("--set", line)), "-o", "run")
    for given in ({"recipe": "area-0.csv"}, {"data": "area-0.csv"}):
        trained = gb.train(**given, set="; ".join(lines))
        for name, values in gb.load("run").values.items():
            assert values.tobytes() == trained.model.values[name].tobytes()
    trained = gb.train("area-0.csv", target="colour", epochs=2, validation=0.25)
    assert trained.model.classes == ("b", "g", "r")
    assert len(trained.problem.parts(0)[1]) == 60
    with pytest.raises(gb.GradbookError, match="no column 'color': did you mean 'colour'"):
        gb.train("area-0.csv", target="color")
