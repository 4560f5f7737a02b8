"""`gradbook train names` and `gradbook generate RUN`: lines learned, and others written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gradbook.cli.main import main
from tests.cases import for_each

NET = "input 6x3; gru 4 all; conv1d 3 1; softmax; update adam; rate 0.02"
TRAIN = ("train", "names", "--data", "words.txt", "--network", NET, "--set", "steps 50")


@pytest.fixture
def words(command):
    """A folder with lines of two letters."""
    lines = ["ab" * k + "a" * j for k in range(1, 7) for j in (0, 1)]
    Path("words.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return command


def test_it_tells_how_it_learns_and_what_it_writes_meanwhile(words):
    page = words(*TRAIN)
    assert "words: 115 parameters, 10 epochs of 5 lines of words.txt" in page.replace("\n", " ")
    rows = [line.split() for line in page.splitlines() if line[:5].strip().isdigit()]
    assert [row[0] for row in rows] == [str(k) for k in range(1, 11)]
    assert all(set("".join(row[5:])) <= set("ab") for row in rows)
    assert "per letter on 2 lines held out" in " ".join(page.split())
    assert "gradbook generate runs/words  writes new lines" in page
    report = Path("runs/words/report.html").read_text("utf-8")
    assert "What it writes" in report
    assert "gradbook train names --data" in report


def test_a_run_writes_the_same_lines_each_time(words):
    words(*TRAIN)
    told = words("generate", "runs/words", "--count", "8")
    assert words("generate", "runs/words", "--count", "8") == told
    assert words("generate", "runs/words", "--count", "8", "--seed", "1") != told
    assert len(told.splitlines()) == 8
    assert words("generate", "runs/words", "--count", "8", "-o", "made.txt") == "wrote made.txt\n"
    plain = [line.removesuffix("  (new)") for line in told.splitlines()]
    assert Path("made.txt").read_text("utf-8").splitlines() == plain
    file = words("generate", "runs/words/model.safetensors", "--count", "8")
    assert file.splitlines() == plain  # which doesn't know what it learned from


def test_a_program_is_told_which_lines_are_new(words):
    words(*TRAIN)
    known = set(Path("words.txt").read_text("utf-8").splitlines())
    record = json.loads(words("generate", "runs/words", "--json"))
    assert [one["new"] for one in record["lines"]] == [
        one["line"] not in known for one in record["lines"]
    ]
    Path("words.txt").unlink()
    assert {
        one["new"] for one in json.loads(words("generate", "runs/words", "--json"))["lines"]
    } == {None}


def test_events_are_told_as_of_any_training(words):
    events = [json.loads(line) for line in words(*TRAIN, "--json", "--seed", "3").splitlines()]
    assert [event["event"] for event in events][:2] == ["started", "epoch"]
    done = events[-1]
    assert (done["event"], done["seed"], done["tokens"]) == ("done", 3, 3)
    assert 0 < done["held_out_loss"] < 3
    kept = json.loads(Path("runs/words/result.json").read_text("utf-8"))
    assert kept.items() >= done.items()


def test_a_finished_run_says_so_and_what_it_came_to(words):
    words(*TRAIN)
    page = " ".join(words("train", "--resume", "runs/words").split())
    assert "runs/words is already finished" in page
    assert "per letter on the lines held out" in page


@for_each(
    ("options", "said"),
    [
        (["train", "names", "--data", "nowhere.txt"], "nowhere.txt"),
        (["train", "names", "--network", "xor"], "begin the network with 'input tokens 16 of 27'"),
        (["train", "names", "--set", "steps 0"], "--set 'steps 0': 0 is out of range"),
        (["train", "names", "--epochs", "3"], "--set 'steps 500' says: leave --epochs out"),
        (["train", "names", "--seeds", "3"], "leave --seeds out"),
        (["train", "quick", "--set", "steps 3"], "leave --set 'steps …' out"),
        (["generate", "nowhere"], "it doesn't exist"),
        (["generate", "nowhere", "--temperature", "-1"], "--temperature: -1 is out of range: 0 to"),
        (["generate", "nowhere", "--temperature", "nan"], "--temperature"),
    ],
)
def test_what_can_not_be_meant_is_one_line(options, said, capsys):
    assert main(options) == 2
    out, error = capsys.readouterr()
    assert out == ""
    assert said in error
    assert error.count("\n") == 1


@pytest.mark.parametrize("verb", ["predict runs/words x.png", "explain runs/words"])
def test_a_run_that_writes_reads_nothing(verb, words):
    words(*TRAIN)
    assert "writes lines: gradbook generate runs/words" in words(*verb.split(), code=2)


def test_a_run_that_reads_writes_nothing(words):
    words("train", "iris", "--epochs", "1", "-o", "iris")
    assert "iris reads and doesn't write lines: use gradbook predict iris" in words(
        "generate", "iris", code=2
    )
