"""`gradbook class`: what it does, what it says, and what it refuses."""

from __future__ import annotations

import sys

import pytest

from gradbook.cli.main import main


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "names.csv").write_text("name\nAda Lovelace\nAlan Turing\n")
    return tmp_path


INIT = ["class", "init", "c", "--names", "names.csv", "--epochs", "3", "--paper", "none"]


def test_a_class_is_made_and_marked(place, capsys):
    assert main(INIT) == 0
    assert capsys.readouterr().out.startswith("c: 2 students, 2 exercises made\n")
    book = place / "c/exercises/Ada-Lovelace.xlsx"
    assert main(["class", "collect", "c", str(book)]) == 0
    assert capsys.readouterr().out == "1 new book in c/handed-in\n"
    assert main(["class", "mark", "c", "--workers", "1"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("c: 1 of 2 students marked, feedback for 1 written\n")
    assert (place / "c/feedback/Ada-Lovelace.html").is_file()


def test_points_may_be_out_of_another_number_than_the_rubric_says(place):
    assert main(INIT) == 0
    assert main(["class", "collect", "c", "c/exercises/Ada-Lovelace.xlsx"]) == 0
    assert "/ 20" in marked(place) or "of 20" in marked(place)
    assert "of 7" in marked(place, "--out-of", "7")


def marked(place, *words):
    assert main(["class", "mark", "c", "--workers", "1", *words]) == 0
    return (place / "c/feedback/Ada-Lovelace.html").read_text("utf-8")


def test_another_process_knows_what_is_done(place, gradbook):
    """Nothing depends on the order that a process happens to have its sets in."""
    gradbook(*INIT)
    gradbook("class", "collect", "c", "c/exercises")
    done = [gradbook("class", "mark", "c", environment={"PYTHONHASHSEED": s}) for s in "123"]
    assert ["feedback for 2 written" in one.stdout for one in done] == [True, False, False]
    assert "feedback for 0 written" in done[2].stdout


def test_what_is_odd_is_said_on_the_side(place, capsys):
    main(INIT)
    (place / "c/handed-in/who.xlsx").write_bytes(b"no book")
    assert main(["class", "mark", "c", "--workers", "1"]) == 1
    assert "whose is who.xlsx?" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["class", "mrak", "c"], "did you mean 'mark'?"),
        (["class", "init", "c"], "the following arguments are required: --names"),
        (["class", "init", "c", "--names", "none.csv", "--paper", "none"], "none.csv"),
        (["class", "init", "c", "--names", "names.csv", "--net", "wroked"], "'worked'"),
        (["class", "init", "c", "--names", "names.csv", "--blank", "all"], "can't be left blank"),
        (["class", "init", "c", "--names", "names.csv", "--paper", "a3"], "unknown 'a3'"),
        (["class", "mark", "c"], "begin one with gradbook class init c"),
        (["class", "mark", "c", "--net", "worked"], "unknown option '--net'"),
        (["class", "collect", "c", "--hints"], "unknown option '--hints'"),
        (["class", "--hints"], "class isn't known: class does init, collect, mark, serve"),
    ],
)
def test_what_cant_be_meant_is_refused(words, complaint, place, refused):
    assert complaint in refused(words)


def test_a_network_without_room_on_paper_is_refused_before_anything_is_made(place, refused):
    net = "input 2; dense 200; dense 1; sample 1 2 -> 1"
    words = ["class", "init", "c", "--names", "names.csv", "--net", net, "--paper", "a4"]
    assert "--paper none" in refused(words)


def test_without_typst_no_class_is_begun(place, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "typst", None)
    assert main(INIT[:-2]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "pip install 'gradbook[pdf]'" in said
    assert said.endswith("or give --paper none\n")
    assert not (place / "c").exists()
