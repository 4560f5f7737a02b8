"""Quizzes as files: each format's own reader finds every question, answer and reason."""

from __future__ import annotations

import base64
import re
from xml.etree import ElementTree

import pytest

import gradbook as gb
from gradbook.teaching.quiz import CHOICE, FORMS, NUMBER
from gradbook.teaching.quiz.asking import QuizPlan, make_quiz
from gradbook.teaching.quiz.questions import Quiz
from gradbook.teaching.quiz.writing import write_quiz
from tests.cases import for_each


def quiz_of(form: str = CHOICE, students: int = 2) -> Quiz:
    return make_quiz(gb.builtin("worked"), QuizPlan(tuple(range(1, students + 1)), form=form))


def written(quiz: Quiz, path) -> str:
    write_quiz(quiz, str(path))
    return path.read_text("utf-8")


# Moodle -----------------------------------------------------------------------


def asked(text: str) -> list[ElementTree.Element]:
    return [one for one in ElementTree.fromstring(text) if one.get("type") != "category"]


@for_each("form", FORMS)
def test_moodle_has_every_question_with_its_answers(form, tmp_path):
    quiz = quiz_of(form)
    found = asked(written(quiz, tmp_path / "quiz.xml"))
    assert len(found) == len(quiz.questions)
    for element, question in zip(found, quiz.questions, strict=True):
        by_choice = quiz.by_choice(question)
        assert element.get("type") == ("multichoice" if by_choice else "numerical")
        assert element.findtext("name/text") == question.title
        (right,) = (a for a in element.iter("answer") if a.get("fraction") == "100")
        if not by_choice:
            assert float(right.findtext("text")) == question.right.number
            assert float(right.findtext("tolerance")) == question.tolerance
        answers = question.choices if by_choice else (question.right, *question.wrong)
        reasons = [re.sub("<.*?>", "", a.findtext("feedback/text")) for a in element.iter("answer")]
        assert reasons == [one.why.replace("&", "&amp;") for one in answers]


def test_moodle_has_a_category_for_each_subject(tmp_path):
    text = written(quiz_of(), tmp_path / "quiz.xml")
    paths = [one.text for one in ElementTree.fromstring(text).iterfind("question/category/text")]
    assert "$course$/top/gradbook: worked/The derivative ∂E_total//∂w5" in paths
    assert len(paths) == len(list(quiz_of().subjects))


def test_moodle_has_the_picture_of_the_sheet(tmp_path):
    text = written(quiz_of(), tmp_path / "quiz.xml")
    *_, last = asked(text)
    file = last.find("questiontext/file")
    assert f"@@PLUGINFILE@@/{file.get('name')}" in last.findtext("questiontext/text")
    drawing = ElementTree.fromstring(base64.b64decode(file.text))
    letters = [one.text for one in drawing.iter("{http://www.w3.org/2000/svg}text")]
    assert {"A", "B", "w1", "a_h1", "∂E/∂w8"} <= set(letters)


@pytest.mark.witness("moodle-xml-parser")
def test_a_reader_of_moodles_files_finds_the_right_choices(tmp_path):
    from moodle_xml_parser.parser import parse_file

    quiz = quiz_of()
    write_quiz(quiz, str(tmp_path / "quiz.xml"))
    found = [one for same in parse_file(str(tmp_path / "quiz.xml")).values() for one in same]
    assert len(found) == len(quiz.questions)
    for read, question in zip(found, quiz.questions, strict=True):
        (right,) = (one for one in read.options if one.score_fraction == 100)
        assert question.right.shown in right.answer
        assert read.single
        assert len(read.options) == len(question.choices)


# GIFT -------------------------------------------------------------------------


@pytest.mark.witness("pygiftparser")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of its own
def test_a_reader_of_gift_finds_every_choice_and_reason(tmp_path):
    from pygiftparser.parser import parseFile

    quiz = quiz_of()
    write_quiz(quiz, str(tmp_path / "quiz.gift"))
    with (tmp_path / "quiz.gift").open(encoding="utf-8") as file:
        found = parseFile(file)
    assert len(found) == len(quiz.questions)
    for read, question in zip(found, quiz.questions, strict=True):
        assert read.valid
        assert read.title == question.title
        said = [
            (one.answer, re.sub(r"\\(.)", r"\1", one.feedback), one.fraction == 100)
            for one in read.answers.answers  # it leaves a feedback's backslashes where they are
        ]
        right = question.right
        assert said == [(one.shown, one.why, one is right) for one in question.choices]


def test_gift_says_numbers_as_numbers(tmp_path):
    """No power of ten, which GIFT doesn't have."""
    quiz = quiz_of(NUMBER)
    text = written(quiz, tmp_path / "quiz.gift")
    found = re.findall(r"^=(?:%0%)?(-?[0-9.]+):([0-9.]+)#", text, re.MULTILINE)
    expected = [
        (answer.number, question.tolerance)
        for question in quiz.questions
        if not quiz.by_choice(question)
        for answer in (question.right, *question.wrong)
    ]
    assert [(float(a), float(b)) for a, b in found] == expected


def test_gift_keeps_its_signs_out_of_the_text(tmp_path):
    text = written(quiz_of(), tmp_path / "quiz.gift")
    bare = re.sub(r"\\.", "", text)
    assert bare.count("{") == bare.count("}") == len(quiz_of().questions)


def test_the_same_file_is_written_again(tmp_path):
    for ending in ("xml", "gift"):
        one, again = (written(quiz_of(), tmp_path / f"{k}.{ending}") for k in "ab")
        assert one == again
