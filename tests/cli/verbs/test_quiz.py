"""`gradbook quiz`: what it writes, what it says, and what it refuses."""

from __future__ import annotations

import json

from gradbook.cli.verbs import quiz as verb
from gradbook.teaching.quiz.questions import KINDS
from gradbook.teaching.quiz.writing import ENDINGS

VERB = "quiz"


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
