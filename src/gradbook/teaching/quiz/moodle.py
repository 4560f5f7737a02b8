"""A quiz as Moodle XML, a category for each subject: a random question of it for each student."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from html import escape

from gradbook.teaching.quiz.questions import Question, Quiz, QuizAnswer
from gradbook.teaching.quiz.telling import html_of, number_of, paragraph

PENALTY = 1 / 3  # of a try that was wrong, as Moodle has it


def moodle_xml(quiz: Quiz) -> Iterator[str]:
    """The file in pieces."""
    yield '<?xml version="1.0" encoding="UTF-8"?>\n<quiz>\n'
    for subject, questions in quiz.subjects:
        yield _category(quiz, subject)
        yield from (_question(quiz, question) for question in questions)
    yield "</quiz>\n"


def category_path(quiz: Quiz, subject: str) -> str:
    """Where the questions go: a slash in a name is written twice."""
    names = ["$course$", "top", f"gradbook: {quiz.name}", subject]
    return "/".join(name.replace("/", "//") for name in names)


def _category(quiz: Quiz, subject: str) -> str:
    return (
        f'<question type="category">\n<category>{_text(category_path(quiz, subject))}</category>\n'
        f'<info format="html">{_text(paragraph(quiz.about))}</info>\n</question>\n'
    )


def _question(quiz: Quiz, question: Question) -> str:
    by_choice = quiz.by_choice(question)
    kind = "multichoice" if by_choice else "numerical"
    picture = question.picture
    file = f"{picture.stem}.svg" if picture else ""
    content = b64encode(picture.svg.encode()).decode() if picture else ""
    shown = html_of(quiz, question, f"@@PLUGINFILE@@/{file}" if picture else "")
    inside = f'<file name="{file}" path="/" encoding="base64">{content}</file>' if picture else ""
    return "\n".join(
        [
            f'<question type="{kind}">',
            f"<name>{_text(question.title)}</name>",
            f'<questiontext format="html">{_text(shown)}{inside}</questiontext>',
            _feedback("generalfeedback", question.solution),
            "<defaultgrade>1</defaultgrade>",
            f"<penalty>{PENALTY:.7f}</penalty>",
            "<hidden>0</hidden>",
            *(_choices(question) if by_choice else _numbers(question)),
            "</question>\n",
        ]
    )


def _choices(question: Question) -> Iterator[str]:
    yield "<single>true</single>\n<shuffleanswers>true</shuffleanswers>"
    yield "<answernumbering>abc</answernumbering>"
    for choice in question.choices:
        yield _answer(question, choice, "html", paragraph(choice.shown))


def _numbers(question: Question) -> Iterator[str]:
    """The right number, and those that tell which mistake was made."""
    for answer in (question.right, *question.wrong):
        assert answer.number is not None
        tolerance = f"<tolerance>{number_of(question.tolerance)}</tolerance>"
        yield _answer(question, answer, "moodle_auto_format", number_of(answer.number), tolerance)
    yield "<unitgradingtype>0</unitgradingtype>\n<unitpenalty>0.1</unitpenalty>"
    yield "<showunits>3</showunits>\n<unitsleft>0</unitsleft>"


def _answer(question: Question, answer: QuizAnswer, form: str, shown: str, more: str = "") -> str:
    worth = 100 if answer is question.right else 0
    said = _feedback("feedback", answer.why)
    return f'<answer fraction="{worth}" format="{form}">{_text(shown)}{said}{more}</answer>'


def _feedback(tag: str, said: str) -> str:
    return f'<{tag} format="html">{_text(paragraph(said))}</{tag}>'


def _text(said: str) -> str:
    return f"<text>{escape(said, quote=False)}</text>"
