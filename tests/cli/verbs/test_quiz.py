"""`gradbook quiz`: what it writes, what it says, and what it refuses."""

from __future__ import annotations

import json

import pytest

from gradbook.cli.main import main
from gradbook.cli.verbs import quiz as verb
from gradbook.teaching.quiz.questions import KINDS
from gradbook.teaching.quiz.writing import ENDINGS


@pytest.fixture
def said(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def run(*words):
        capsys.readouterr()
        assert main(["quiz", *words]) == 0
        return capsys.readouterr().out

    return run


def test_it_says_how_many_questions_there_are(said):
    out = said("worked", "-o", "quiz.xml", "--for", "1-2")
    assert out == "wrote quiz.xml: 66 questions on 33 subjects for 2 students\n"


def test_names_come_from_a_list(said, tmp_path):
    (tmp_path / "names.csv").write_text("name\nAda Lovelace\nAlan Turing\n")
    said("worked", "-o", "quiz.md", "--for", "names.csv", "--ask", "update")
    assert "## Ada Lovelace" in (tmp_path / "quiz.md").read_text("utf-8")


def test_json_is_printed_without_a_file(said, tmp_path):
    record = json.loads(said("worked", "--for", "7", "--json", "--ask", "rate, value"))
    assert [one["kind"] for one in record["questions"]] == ["value"] * 11 + ["rate"]
    assert list(tmp_path.iterdir()) == []


def test_the_verb_knows_what_the_quiz_knows():
    """It says them in its help without importing what makes quizzes."""
    assert verb.KINDS == KINDS
    assert verb.ENDINGS == ENDINGS


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["quiz", "worked"], "name the file with -o"),
        (["quiz", "-o", "quiz.pdf"], "has no ending that says what to write"),
        (["quiz", "-o", "quiz.xml", "--ask", "valeu"], "did you mean 'value'?"),
        (["quiz", "-o", "quiz.zip", "--qti", "3"], "it is one of 1.2, 2.1"),
        (["quiz", "-o", "quiz.xml", "--qti", "2.1"], "end the file's name in .zip"),
        (["quiz", "-o", "quiz.xml", "--form", "essay"], "unknown 'essay'"),
        (["quiz", "-o", "quiz.xml", "--tolerance", "0"], "must be above 0"),
        (["quiz", "-o", "quiz.xml", "--tolerance", "50"], "at most 10"),
        (["quiz", "-o", "quiz.xml", "--rate", "0"], "a rate above 0"),
        (["quiz", "-o", "quiz.xml", "--for", "x"], "'x' isn't a whole number"),
        (["quiz", "-o", "quiz.xml", "--for", "none.csv"], "none.csv"),
        (["quiz", "-o", "no/such/quiz.xml", "--for", "1"], "no/such/quiz.xml"),
        (["quiz", "digits", "-o", "quiz.xml"], "no network or file called 'digits'"),
    ],
)
def test_what_cant_be_meant_is_refused(words, complaint, refused):
    assert complaint in refused(words)
