from __future__ import annotations

import csv
import json
import os
import sys

import pytest
from PIL import Image

from gradbook.cli.main import main
from gradbook.data.sources import load
from tests.cases import for_each
from tests.lab.reader import reader


@pytest.fixture
def desk(tmp_path, monkeypatch):
    """A folder with a model, two digits and a blank sheet, to work in."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    reader().save("model.safetensors")
    test = load("digits").test_for_reporting
    for name, number in (("seven.png", 0), ("two.jpg", 1)):
        Image.fromarray(255 - test.pixels[number, 0]).resize((140, 140)).save(name)
    Image.new("L", (80, 60), 240).save("blank.png")
    return tmp_path


@pytest.fixture
def predict(desk, capsys):
    """`predict(words, code)`: what is printed, and what is complained of."""

    def run(*words, code=0):
        assert main(["predict", "model.safetensors", *words]) == code
        output = capsys.readouterr()
        return output.out, output.err

    return run


def test_a_line_for_each_picture(predict):
    out, err = predict("seven.png", "two.jpg")
    first, second = out.splitlines()
    assert first.startswith("seven.png  7  ")
    assert second.startswith("two.jpg    2  ")
    assert " %   or " in first
    assert err == ""


def rows_of(file):
    with open(file, newline="", encoding="utf-8") as table:
        return list(csv.DictReader(table))


def test_what_shows_no_digit_is_said_and_exits_1(predict):
    out, err = predict("blank.png", "seven.png", code=1)
    assert out.startswith("blank.png  blank: nothing is drawn on it\nseven.png  7  ")
    assert err == ""


def test_what_cannot_be_opened_is_complained_of_and_exits_2(predict, desk):
    (desk / "cut.png").write_bytes((desk / "seven.png").read_bytes()[:300])
    out, err = predict("cut.png", "seven.png", "nowhere.png", "blank.png", code=2)
    assert len(out.splitlines()) == 2
    first, second = err.splitlines()
    assert first.startswith("gradbook: cut.png: a damaged picture (")
    assert first.endswith("): use another copy")
    assert second == "gradbook: can't read nowhere.png: it doesn't exist"


def test_what_the_network_saw_can_be_shown(predict):
    out, _ = predict("seven.png", "two.jpg", "--show")
    page = out.splitlines()
    assert "7: seven.png" in page[-1]
    assert "2: two.jpg" in page[-1]
    assert sum("█" in line for line in page) >= 9


def test_a_program_reads_json(predict):
    out, _ = predict("seven.png", "blank.png", "--json", code=1)
    record = json.loads(out)
    assert record["model"] == "model.safetensors"
    assert [one.get("reading") for one in record["readings"]] == ["7", None]
    assert record["readings"][1]["problem"].startswith("blank")


def test_a_table_has_a_row_for_each_picture(predict):
    assert predict(".", "-o", "read.csv", code=1)[0] == "wrote read.csv: 3 rows\n"
    assert [(row["file"], row["reading"]) for row in rows_of("read.csv")] == [
        ("blank.png", ""),
        ("seven.png", "7"),
        ("two.jpg", "2"),
    ]


@pytest.mark.skipif(sys.platform != "linux", reason="needs names of any bytes")
def test_hostile_names_do_nothing_to_terminal_or_table(predict, desk):
    name = os.fsdecode(b"=\x1b[31m\n\xff.png")
    (desk / "seven.png").rename(desk / name)
    out, _ = predict(name)
    assert out.count("\n") == 1
    assert "\x1b" not in out
    predict(name, "-o", "read.csv")
    assert rows_of("read.csv")[0]["file"].startswith("./=")
    out, _ = predict(name, "--json")
    assert json.loads(out)["readings"][0]["file"] == name


@for_each(
    ("words", "line"),
    [
        (["nowhere", "a.png"], "can't read nowhere: it doesn't exist"),
        (["a.png", "a.png"], "a.png: damaged (incomplete, or not a safetensors file)"),
        (
            ["cut.safetensors", "a.png"],
            "cut.safetensors: damaged (incomplete, or not a safetensors",
        ),
        (["flat.safetensors", "a.png"], "this model reads no images: its network takes 5 numbers"),
        (["empty", "a.png"], "can't read empty/model.safetensors: it doesn't exist"),
        ([], "the following arguments are required: MODEL, FILE"),
        (["a.png", "b.png", "--json", "-o", "x.csv"], "-o, which writes CSV, and --json don't go"),
        (["a.png", "b.png", "--csv"], "gradbook predict no longer has --csv: write -o FILE.csv"),
        (["flat.safetensors", "a.png", "--set", "colour red"], "--set 'colour red': the known"),
    ],
)
def test_a_wrong_word_is_one_line_with_a_remedy(words, line, refused, tmp_path):
    from tests.lab.models.test_predict import made

    Image.new("L", (8, 8)).save(tmp_path / "a.png")
    made("input 5; dense 3; softmax; loss cross-entropy").save(tmp_path / "flat.safetensors")
    content = (tmp_path / "flat.safetensors").read_bytes()
    (tmp_path / "cut.safetensors").write_bytes(content[:-40])
    (tmp_path / "empty").mkdir()
    assert refused(["predict", *words]).startswith(line)
