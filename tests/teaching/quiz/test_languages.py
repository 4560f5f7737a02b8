"""A quiz in another language: every word of it, and the numbers as its formats ask for them."""

from __future__ import annotations

import re
from html import unescape
from io import BytesIO
from xml.etree import ElementTree
from zipfile import ZipFile

import gradbook as gb
from gradbook.net import Net, parse
from gradbook.teaching.quiz import FORMS, NUMBER
from gradbook.teaching.quiz.asking import QuizPlan, make_quiz
from gradbook.teaching.quiz.moodle import gift, moodle_xml
from gradbook.teaching.quiz.qti_2_1 import qti_2_1
from gradbook.teaching.quiz.questions import Quiz
from tests.cases import for_each
from tests.pseudo import PLAIN_WORD, plain_words, pseudo_language, spelled

NETWORKS = {
    **{name: gb.builtin(name) for name in ("worked", "xor", "echo")},
    "relu": parse(
        "input 2; dense 3; relu; dense 2; softmax; loss cross-entropy; sample 1 -2 -> 1 0"
    ),
    "adam": parse("input 2; dense 2; tanh; dense 1; update adamw; rate 0.1; sample 1 2 -> 1"),
}
NAMES = ("total", "exp", "tanh", "max", "softmax", "gradbook", "network")
MARKUP = ("strong", "CATEGORY", "course", "top", "html", "img", "src", "alt", "svg", "pictures")
NUMERIC = re.compile(r"<answer fraction=[^>]*format=\"moodle_auto_format\"><text>([^<]*)</text>")


def quiz_of(net: Net, form: str) -> Quiz:
    return make_quiz(net, QuizPlan((3, "Ada"), form=form, whole=True))


def known(net: Net) -> set[str]:
    return {*NAMES, "Ada", *PLAIN_WORD.findall(f"{net} loss {net.objective}")}


def texts(xml: str) -> str:
    """What an XML file says; HTML in it without its tags."""
    root = ElementTree.fromstring(xml)
    kept = ("category", "file")  # paths and pictures
    own = {part for name in kept for one in root.iter(name) for part in one.iter()}
    said = [one.text or "" for one in root.iter() if one not in own]
    read_out = re.findall(r'alt="([^"]*)"', " ".join(said))
    return unescape(re.sub("<[^>]*>", " ", " ".join([*said, *read_out])))


@for_each("form", FORMS)
@for_each("name", NETWORKS)
def test_every_format_is_translated(name, form):
    net = NETWORKS[name]
    with pseudo_language():
        quiz = quiz_of(net, form)
        lines = re.sub("<[^>]*>", " ", "".join(gift(quiz)))
        moodle = texts("".join(moodle_xml(quiz)))
    assert spelled("Which cell is wrong") in moodle
    said = moodle.replace("moodle_auto_format", "")
    assert plain_words(said, *known(net), "true", "abc") == []
    assert plain_words(lines, *known(net), *MARKUP) == []


@for_each("name", NETWORKS)
def test_packages_are_translated(name):
    net = NETWORKS[name]
    with pseudo_language():
        quiz = quiz_of(net, NUMBER)
        package = qti_2_1(quiz)
    archive = ZipFile(BytesIO(package))
    files = [it for it in archive.namelist() if it.endswith(".xml") and "manifest" not in it]
    for file in files:
        content = archive.read(file).decode()
        shown = " ".join(re.findall(r">([^<>]+)<", content))
        titles = " ".join(re.findall(r'title="([^"]*)"', content))
        text = re.sub("<[^>]*>", " ", unescape(unescape(f"{shown} {titles}")))
        assert plain_words(text, *known(net), "SCORE", "RIGHT") == [], file


def test_what_a_platform_reads_has_points_and_what_a_student_reads_has_the_language_s_sign():
    with pseudo_language():
        quiz = quiz_of(NETWORKS["worked"], NUMBER)
        xml, lines = "".join(moodle_xml(quiz)), "".join(gift(quiz))
    answers = NUMERIC.findall(xml)
    assert answers
    assert all(float(one) is not None for one in answers)
    assert all(float(one) for one in re.findall(r"<tolerance>([^<]*)</tolerance>", xml))
    assert re.search(r"\n=-?[0-9]+\.[0-9]+:0\.[0-9]+#", lines)
    prose = " ".join(
        one for question in quiz.questions for one in (question.printed_line, question.solution)
    )
    assert re.search("[0-9],[0-9]", prose)
    assert not re.search(r"[0-9]\.[0-9]", prose)


def test_the_same_is_asked_in_every_language():
    english = quiz_of(NETWORKS["worked"], NUMBER)
    with pseudo_language():
        translated = quiz_of(NETWORKS["worked"], NUMBER)
    for one, other in zip(english.questions, translated.questions, strict=True):
        assert one.right.number == other.right.number
        assert [wrong.number for wrong in one.wrong] == [wrong.number for wrong in other.wrong]
        assert one.subject == other.subject
