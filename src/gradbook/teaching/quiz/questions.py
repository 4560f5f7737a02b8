"""A quiz: questions, each with its right answer and typical wrong ones.

Below that are the texts that all formats share, as HTML, XML and numbers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from html import escape
from itertools import groupby

from gradbook.amounts import rough_percent
from gradbook.graph.node import Node
from gradbook.language import mark, numeral, tr
from gradbook.teaching.quiz import CELL, CHOICE, DERIVATIVE, RATE, UPDATE, VALUE


@dataclass(frozen=True)
class QuizAnswer:
    """A possible answer as it is shown, and the feedback for it."""

    shown: str
    why: str
    number: float | None = None  # None where the answer is a cell


@dataclass(frozen=True)
class QuizPicture:
    """An SVG, its description in words, and its file's name without the ending."""

    svg: str
    words: str
    stem: str


@dataclass(frozen=True)
class Question:
    """One question for one student."""

    kind: str
    subject: str  # the same in every student's quiz: h1, ∂E_total/∂w5, η
    student: str  # a number, or a name
    ask: str
    givens: tuple[tuple[str, str], ...]  # names with their numbers
    right: QuizAnswer
    wrong: tuple[QuizAnswer, ...]  # the likeliest first
    choices: tuple[QuizAnswer, ...]  # the right one and some wrong ones, as they are shown
    tolerance: float  # how far a number may lie from the right one
    solution: str  # how the right answer comes about
    picture: QuizPicture | None = None

    @property
    def title(self) -> str:
        about = tr(TITLES[self.kind], subject=self.subject)
        return f"{about} ({student_name(self.student)})"

    @property
    def is_number(self) -> bool:
        """Whether it can be asked for as a number."""
        return self.right.number is not None

    @property
    def printed_line(self) -> str:
        """The given values on one line; empty if a picture shows them."""
        return ", ".join(f"{name} = {number}" for name, number in self.givens)


@dataclass(frozen=True)
class CarriedValue:
    """A value that is asked for: its name, its number, the formula that it follows from."""

    name: str
    number: float
    node: Node


@dataclass(frozen=True)
class WholeStep:
    """All values of one student's step, all asked for; an error in one is carried into others."""

    student: str
    givens: tuple[tuple[str, str], ...]
    numbers: Mapping[Node, float]  # the given ones
    values: tuple[CarriedValue, ...]


TITLES = {
    VALUE: mark("The value of {subject}"),
    DERIVATIVE: mark("The derivative {subject}"),
    UPDATE: mark("The weight {subject} after one step"),
    RATE: mark("Which learning rate {subject}"),
    CELL: mark("Which cell is wrong"),
}


def student_name(student: str) -> str:
    """A student's number, or the name."""
    return tr("no. {number}", number=student) if student.isdecimal() else student


@dataclass(frozen=True)
class Quiz:
    """All questions, grouped by subject, with one per student in each group."""

    name: str  # the network's
    about: str  # the network in a sentence
    form: str  # one of FORMS: how numbers are asked for
    tolerance: float  # as a share of the right number
    questions: tuple[Question, ...]
    steps: tuple[WholeStep, ...] = ()  # for formats that carry errors forward

    @property
    def subjects(self) -> Iterator[tuple[str, list[Question]]]:
        """The title of each subject, with every student's question."""
        for (kind, subject), same in groupby(
            self.questions, lambda question: (question.kind, question.subject)
        ):
            yield tr(TITLES[kind], subject=subject), list(same)

    @property
    def students(self) -> Sequence[str]:
        return list(dict.fromkeys(question.student for question in self.questions))

    def by_choice(self, question: Question) -> bool:
        """Whether it is multiple choice."""
        return self.form == CHOICE or not question.is_number


# Texts that all formats share ----------------------------------------------------------


def html_of(quiz: Quiz, question: Question, picture: str = "") -> str:
    """The question as HTML that is XML too; `picture` is the picture's path, if it is shown."""
    parts = [f"<p>{escape(quiz.about)}</p>"]
    if picture and question.picture:
        parts.append(
            f'<p><img src="{escape(picture)}" alt="{escape(question.picture.words)}"/></p>'
        )
    elif question.picture and not question.givens:
        parts.append(f"<p>{escape(question.picture.words)}</p>")
    if question.givens:
        parts.append(f"<p>{escape(givens_in_words(question.printed_line))}</p>")
    exact = "" if quiz.by_choice(question) else f" ({tolerance_in_words(quiz, question)})"
    parts.append(f"<p><strong>{escape(question.ask)}</strong>{escape(exact)}</p>")
    return "\n".join(parts)


def givens_in_words(values: str) -> str:
    return tr("Given: {values}", values=values)


def picture_path(question: Question) -> str:
    """The picture's path in a package; empty without a picture."""
    return f"pictures/{question.picture.stem}.svg" if question.picture else ""


def paragraph(text: str) -> str:
    return f"<p>{escape(text, quote=False)}</p>"


def tolerance_in_words(quiz: Quiz, question: Question) -> str:
    of_right = abs(question.right.number or 0.0) * quiz.tolerance
    of_number = mark("right to within {share}")
    of_step = mark("right to within {share} of the step")
    share = numeral(rough_percent(quiz.tolerance))
    return tr(of_number if question.tolerance == of_right else of_step, share=share)


def number_of(value: float) -> str:
    """The shortest digits of this number, without an exponent, which GIFT doesn't have."""
    return f"{Decimal(repr(float(value))):f}"


# As XML ---------------------------------------------------------------------------------

HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'


def element(tag: str, *content: str, **attributes: str) -> str:
    """An XML element around content that is already XML; attributes are escaped here."""
    opening = tag + "".join(f' {name}="{escape(value)}"' for name, value in attributes.items())
    return f"<{opening}>{''.join(content)}</{tag}>" if content else f"<{opening}/>"


def plain(words: str) -> str:
    """Words as the content of an element, where quotation marks need no escape."""
    return escape(words, quote=False)


def answers_of(quiz: Quiz, question: Question) -> Sequence[QuizAnswer]:
    """The choices that are shown, or else the numbers that are recognised."""
    return question.choices if quiz.by_choice(question) else (question.right, *question.wrong)
