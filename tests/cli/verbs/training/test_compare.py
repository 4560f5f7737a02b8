from __future__ import annotations

import json

import pytest

from gradbook.cli.main import main
from tests.cases import for_each
from tests.runs import finished, pictures, several

DATA = pictures(each=12)


@pytest.fixture
def runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    finished(tmp_path / "a", DATA)
    finished(tmp_path / "b", DATA, changes="batch 16")
    return tmp_path


def test_two_runs_are_laid_side_by_side(runs, capsys):
    assert main(["compare", "a", "b"]) == 0
    said = capsys.readouterr().out
    assert "batch\n    a: 128\n    b: 16" in said


def test_files_are_written_and_named(runs, capsys):
    assert main(["compare", "a", "b", "-o", "c.html", "-o", "c.csv"]) == 0
    assert capsys.readouterr().out.endswith("wrote c.html\nwrote c.csv\n")
    assert "gradbook compare a b" in (runs / "c.html").read_text("utf-8")
    assert (runs / "c.csv").read_text("utf-8").startswith("run,name,data,")


def test_a_program_reads_json(runs, capsys):
    assert main(["compare", "a", "b", "--json"]) == 0
    assert [run["run"] for run in json.loads(capsys.readouterr().out)["runs"]] == ["a", "b"]


def test_images_that_are_elsewhere_now_are_left_out(runs, capsys):
    assert main(["compare", "a", "b"]) == 0  # there is no data set 'spots' here
    assert "Test images misread" not in capsys.readouterr().out


def test_a_folder_of_seeds_is_one_run(runs, capsys):
    several(runs / "seeds", DATA)
    assert main(["compare", "seeds"]) == 0
    assert "lowest" in capsys.readouterr().out


@for_each(
    ("words", "said"),
    [
        (["nowhere"], "no run in nowhere: name the folder with its recipe.txt"),
        (
            ["a", "-o", "a.pdf"],
            "'a.pdf' has no ending that selects a format: end it in one of .html, .csv",
        ),
        (["a", "--html", "a.html"], "gradbook compare no longer has --html: write -o FILE.html"),
    ],
)
def test_what_cannot_be_compared_is_refused_in_one_line(words, said, refused, runs):
    assert said in refused(["compare", *words])
