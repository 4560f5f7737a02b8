"""`gradbook quiz`: what it writes, what it says, and what it refuses."""

from __future__ import annotations

import json
from zipfile import ZipFile

from gradbook.cli.verbs import quiz as verb
from gradbook.teaching.quiz import KINDS
from gradbook.teaching.quiz.asking import FORMS, TOLERANCE
from gradbook.teaching.quiz.writing import ENDINGS
from tests.cases import for_each

VERB = "quiz"


def test_it_says_how_many_questions_there_are(output_of):
    out = output_of("worked", "-o", "quiz.xml", "--for", "1-2")
    assert out == "wrote quiz.xml: 66 questions on 33 subjects for 2 students\n"


def test_names_come_from_a_list(output_of, tmp_path):
    (tmp_path / "names.csv").write_text("name\nAda Lovelace\nAlan Turing\n")
    output_of("worked", "-o", "quiz.gift", "--for", "names.csv", "--ask", "update")
    assert "Ada Lovelace" in (tmp_path / "quiz.gift").read_text("utf-8")


def test_json_is_printed_without_a_file(output_of, tmp_path):
    record = json.loads(output_of("worked", "--for", "7", "--json", "--ask", "rate, value"))
    assert [one["kind"] for one in record["questions"]] == ["value"] * 11 + ["rate"]
    assert list(tmp_path.iterdir()) == []


def test_the_verb_knows_what_the_quiz_knows():
    """It says them in its help without importing what makes quizzes."""
    assert verb.KINDS == KINDS
    assert verb.QuestionForm.choices == tuple(FORMS)
    assert verb.QuestionForm()("number") == ("number", TOLERANCE)
    assert verb.ENDINGS == ENDINGS


def test_a_zip_is_qti_2_1_with_the_whole_step(output_of, tmp_path):
    output_of("worked", "-o", "quiz.zip", "--for", "7")
    with ZipFile(tmp_path / "quiz.zip") as package:
        assert "items/step-1.xml" in package.namelist()
        assert "QTIv2.1 Package" in package.read("imsmanifest.xml").decode()


@for_each(
    ("words", "told"),
    [
        (["-o", "quiz.md"], "end it in one of .xml, .gift, .zip"),
        (["-o", "quiz.zip", "--qti", "1.2"], "gradbook quiz no longer has --qti: a .zip is QTI"),
    ],
)
def test_formats_that_are_gone_are_one_line(refused, words, told):
    assert told in refused(["quiz", "worked", *words])
