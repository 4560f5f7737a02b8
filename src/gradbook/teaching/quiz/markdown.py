"""A quiz as Markdown: a part for each student, and the answers with their reasons at the end."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from gradbook.language import tr
from gradbook.teaching.quiz.questions import Question, Quiz, student_name
from gradbook.teaching.quiz.telling import LETTERS, tolerance_said

MARKS = re.compile(r"([\\`*_\[\]<>|#])")


def markdown(quiz: Quiz) -> Iterator[str]:
    """The file in pieces."""
    title = tr("Quiz: {network}", network=quiz.name)
    yield f"# {_said(title)}\n\n{_said(quiz.about)}\n"
    own = {student: [one for one in quiz.questions if one.student == student]
           for student in quiz.students}  # fmt: skip
    for student, questions in own.items():
        yield f"\n## {_said(student_name(student))}\n"
        for number, question in enumerate(questions, 1):
            yield "\n" + "\n".join(_question(quiz, question, number)) + "\n"
    yield f"\n# {_said(tr('Answers'))}\n"
    for student, questions in own.items():
        heading = tr("Answers: {student}", student=student_name(student))
        yield f"\n## {_said(heading)}\n\n"
        for number, question in enumerate(questions, 1):
            yield "\n".join(_answers(quiz, question, number)) + "\n"


def _question(quiz: Quiz, question: Question, number: int) -> Iterator[str]:
    by_choice = quiz.by_choice(question)
    exact = "" if by_choice else tr(" ({remark})", remark=tolerance_said(quiz, question))
    told = tr("Given: {values}.", values=question.told)
    given = f"{_said(told)} " if question.given else ""
    yield f"{number}. {given}**{_said(question.ask)}**{exact}"
    if question.picture and not question.given:
        yield f"\n   {_said(question.picture.words)}\n"
    if by_choice:
        for letter, choice in zip(LETTERS, question.choices, strict=False):
            yield f"    - {letter}) {_said(choice.shown)}"


def _answers(quiz: Quiz, question: Question, number: int) -> Sequence[str]:
    if not quiz.by_choice(question):
        wrong = [f"    - {_said(one.shown)}{tr(': ')}{_said(one.why)}" for one in question.wrong]
        return [
            f"{number}. **{_said(question.right.shown)}**{tr('. ')}{_said(question.solution)}",
            *wrong,
        ]
    lettered = list(zip(LETTERS, question.choices, strict=False))
    (right,) = (letter for letter, choice in lettered if choice is question.right)
    return [
        f"{number}. **{right}) {_said(question.right.shown)}**{tr('. ')}{_said(question.solution)}",
        *(
            f"    - {letter}) {_said(choice.shown)}{tr(': ')}{_said(choice.why)}"
            for letter, choice in lettered
            if choice is not question.right
        ),
    ]


def _said(text: str) -> str:
    return MARKS.sub(r"\\\1", text)
