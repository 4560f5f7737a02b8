"""A quiz as GIFT, the text form that Moodle and others read."""

from __future__ import annotations

import re
from collections.abc import Iterator

from gradbook.teaching.quiz.moodle import category_path
from gradbook.teaching.quiz.questions import Question, Quiz, QuizAnswer
from gradbook.teaching.quiz.telling import html_of, number_of

SPECIAL = re.compile(r"[\\~=#{}:]")  # what a text has a backslash before


def gift(quiz: Quiz) -> Iterator[str]:
    """The file in pieces. It can't hold pictures: what is on them is said in words."""
    yield f"// {_line(quiz.about)}\n"
    for subject, questions in quiz.subjects:
        yield f"\n$CATEGORY: {category_path(quiz, subject)}\n"
        yield from (_question(quiz, question) for question in questions)


def _question(quiz: Quiz, question: Question) -> str:
    by_choice = quiz.by_choice(question)
    answers = question.choices if by_choice else (question.right, *question.wrong)
    say = _choice if by_choice else _number
    return "\n".join(
        [
            f"\n::{_said(question.title)}::[html]{_said(html_of(quiz, question))}{{"
            f"{'' if by_choice else '#'}",
            *(say(question, answer) for answer in answers),
            f"####{_said(question.solution)}",
            "}\n",
        ]
    )


def _choice(question: Question, answer: QuizAnswer) -> str:
    mark = "=" if answer is question.right else "~"
    return f"{mark}{_said(answer.shown)}#{_said(answer.why)}"


def _number(question: Question, answer: QuizAnswer) -> str:
    """Wrong ones are worth nothing, and are recognised."""
    assert answer.number is not None
    worth = "" if answer is question.right else "%0%"
    near = f"{number_of(answer.number)}:{number_of(question.tolerance)}"
    return f"={worth}{near}#{_said(answer.why)}"


def _said(text: str) -> str:
    return SPECIAL.sub(lambda found: f"\\{found[0]}", _line(text))


def _line(text: str) -> str:
    return " ".join(text.split())
