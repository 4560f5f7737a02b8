"""`gradbook write`: what it tells while it learns, what it writes, what it refuses."""

from __future__ import annotations

import json

import pytest

from gradbook.cli.main import main

NET = "input 6x3; gru 4 all; conv1d 3 1; softmax; update adam; rate 0.02"


@pytest.fixture
def words(tmp_path):
    file = tmp_path / "words.txt"
    file.write_text("\n".join("ab" * k + "a" * j for k in range(1, 7) for j in (0, 1)) + "\n")
    return str(file)


def test_it_tells_how_it_learns_and_writes_lines(words, capsys):
    assert main(["write", words, "--network", NET, "--steps", "50", "--count", "3"]) == 0
    first, *learned, held_out, a, b, c = capsys.readouterr().out.splitlines()
    assert "for 12 lines of 2 letters, 8 of them cut after 6 letters" in first
    assert [line.split()[0] for line in learned] == [str(k) for k in range(5, 51, 5)]
    assert "on 2 lines held out the loss is" in held_out
    assert "by guessing 1.099" in held_out
    assert all(set(line.split()[0]) <= set("ab") for line in (a, b, c) if line.split())


def test_a_program_is_told_the_same_each_time(words, capsys):
    told = []
    for _ in range(2):
        assert main(["write", words, "--network", NET, "--steps", "20", "--json"]) == 0
        told.append(json.loads(capsys.readouterr().out))
    assert told[0]["written"] == told[1]["written"]
    assert told[0]["heldOutLoss"] == told[1]["heldOutLoss"]
    assert (told[0]["lines"], told[0]["tokens"], told[0]["steps"]) == (12, 3, 20)
    assert len(told[0]["written"]) == 20


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["nowhere.txt"], "nowhere.txt"),
        (["--network", "xor"], "begin the network with 'input tokens 16 of 27', not 'input 2'"),
        (["--temperature", "-1"], "--temperature: -1 is out of range: 0 to 100"),
        (["--temperature", "nan"], "--temperature"),
        (["--steps", "0"], "--steps"),
    ],
)
def test_what_can_not_be_meant_is_one_line(options, said, capsys):
    assert main(["write", *options]) == 2
    out, error = capsys.readouterr()
    assert out == ""
    assert said in error
    assert error.count("\n") == 1
