"""A quiz as Markdown: a part for each student, and the answers with their reasons at the end."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from gradbook.language import tr
from gradbook.teaching.quiz.questions import LETTERS, Question, Quiz, student_name, tolerance_said

MARKS = re.compile(r"([\\`*_\[\]<>|#])")


def markdown(quiz: Quiz) -> Iterator[str]:
    """The file in pieces."""
    title = tr("Quiz: {network}", network=quiz.name)
    yield f"# {_plain(title)}\n\n{_plain(quiz.about)}\n"
    own = {student: [one for one in quiz.questions if one.student == student]
           for student in quiz.students}  # fmt: skip
    for student, questions in own.items():
        yield f"\n## {_plain(student_name(student))}\n"
        for number, question in enumerate(questions, 1):
            yield "\n" + "\n".join(_question(quiz, question, number)) + "\n"
    yield f"\n# {_plain(tr('Answers'))}\n"
    for student, questions in own.items():
        heading = tr("Answers: {student}", student=student_name(student))
        yield f"\n## {_plain(heading)}\n\n"
        for number, question in enumerate(questions, 1):
            yield "\n".join(_answers(quiz, question, number)) + "\n"


def _question(quiz: Quiz, question: Question, number: int) -> Iterator[str]:
    by_choice = quiz.by_choice(question)
    exact = "" if by_choice else tr(" ({remark})", remark=tolerance_said(quiz, question))
    told = tr("Given: {values}.", values=question.given_line)
    given = f"{_plain(told)} " if question.given else ""
    yield f"{number}. {given}**{_plain(question.ask)}**{exact}"
    if question.picture and not question.given:
        yield f"\n   {_plain(question.picture.words)}\n"
    if by_choice:
        for letter, choice in zip(LETTERS, question.choices, strict=False):
            yield f"    - {letter}) {_plain(choice.shown)}"


def _answers(quiz: Quiz, question: Question, number: int) -> Sequence[str]:
    letters = (f"{letter}) " for letter in LETTERS)
    lettered = list(zip(letters, question.choices, strict=False))
    if not quiz.by_choice(question):
        lettered = [("", answer) for answer in (question.right, *question.wrong)]
    (right,) = (letter for letter, answer in lettered if answer is question.right)
    shown, solution = _plain(question.right.shown), _plain(question.solution)
    return [
        f"{number}. **{right}{shown}**{tr('. ')}{solution}",
        *(
            f"    - {letter}{_plain(answer.shown)}{tr(': ')}{_plain(answer.why)}"
            for letter, answer in lettered
            if answer is not question.right
        ),
    ]


def _plain(text: str) -> str:
    return MARKS.sub(r"\\\1", text)
