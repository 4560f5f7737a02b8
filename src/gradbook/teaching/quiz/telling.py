"""What every format says of a question: its text as HTML or plain, and the numbers of a format."""

from __future__ import annotations

from decimal import Decimal
from html import escape

from gradbook.amounts import rough_percent
from gradbook.language import mark, numeral, tr
from gradbook.teaching.quiz.questions import Question, Quiz

LETTERS = "abcdefghijklmnopqrstuvwxyz"


def html_of(quiz: Quiz, question: Question, picture: str = "") -> str:
    """The question as HTML that is XML too; `picture` is where the picture lies, if it is shown."""
    parts = [f"<p>{escape(quiz.about)}</p>"]
    if picture and question.picture:
        parts.append(
            f'<p><img src="{escape(picture)}" alt="{escape(question.picture.words)}"/></p>'
        )
    elif question.picture and not question.given:
        parts.append(f"<p>{escape(question.picture.words)}</p>")
    if question.given:
        parts.append(f"<p>{escape(given_said(question.told))}</p>")
    parts.append(f"<p><strong>{escape(question.ask)}</strong>{escape(_how(quiz, question))}</p>")
    return "\n".join(parts)


def given_said(values: str) -> str:
    return tr("Given: {values}", values=values)


def picture_path(question: Question) -> str:
    """Where a package has the picture; nothing where there is none."""
    return f"pictures/{question.picture.stem}.svg" if question.picture else ""


def paragraph(text: str) -> str:
    return f"<p>{escape(text, quote=False)}</p>"


def _how(quiz: Quiz, question: Question) -> str:
    """How exactly a number has to be right."""
    if quiz.by_choice(question):
        return ""
    return f" ({tolerance_said(quiz, question)})"


def tolerance_said(quiz: Quiz, question: Question) -> str:
    whole = abs(question.right.number or 0.0) * quiz.tolerance
    of_number = mark("right to within {share}")
    of_step = mark("right to within {share} of the step")
    share = numeral(rough_percent(quiz.tolerance))
    return tr(of_number if question.tolerance == whole else of_step, share=share)


def number_of(value: float) -> str:
    """The shortest digits that are this number, without a power of ten, which GIFT doesn't have."""
    return f"{Decimal(repr(float(value))):f}"
