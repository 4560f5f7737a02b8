"""A quiz in two formats of Moodle: XML, and GIFT, a text format that others read, too.

Each subject is a category, from which a test draws a random question for each student.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterator

from gradbook.teaching.quiz.questions import (
    HEAD,
    Question,
    Quiz,
    QuizAnswer,
    answers_of,
    element,
    html_of,
    number_of,
    paragraph,
    plain,
)

PENALTY = 1 / 3  # for a wrong try, Moodle's default


def category_path(quiz: Quiz, subject: str) -> str:
    """The category of the questions; a slash in a name is written twice."""
    names = ["$course$", "top", f"gradbook: {quiz.name}", subject]
    return "/".join(name.replace("/", "//") for name in names)


# As XML -------------------------------------------------------------------------------


def moodle_xml(quiz: Quiz) -> Iterator[str]:
    """The file in pieces."""
    yield f"{HEAD}<quiz>\n"
    for subject, questions in quiz.subjects:
        yield '<question type="category">\n'
        yield element("category", _text(category_path(quiz, subject))) + "\n"
        yield _html("info", quiz.about) + "\n</question>\n"
        yield from (_question(quiz, question) for question in questions)
    yield "</quiz>\n"


def _question(quiz: Quiz, question: Question) -> str:
    by_choice, picture = quiz.by_choice(question), question.picture
    address, file = "", ""
    if picture:
        content = b64encode(picture.svg.encode()).decode()
        place = {"name": f"{picture.stem}.svg", "path": "/", "encoding": "base64"}
        address, file = f"@@PLUGINFILE@@/{picture.stem}.svg", element("file", content, **place)
    return "\n".join(
        [
            f'<question type="{"multichoice" if by_choice else "numerical"}">',
            element("name", _text(question.title)),
            element("questiontext", _text(html_of(quiz, question, address)), file, format="html"),
            _html("generalfeedback", question.solution),
            "<defaultgrade>1</defaultgrade>",
            f"<penalty>{PENALTY:.7f}</penalty>",
            "<hidden>0</hidden>",
            *(BY_CHOICE if by_choice else ()),
            *(_answer(question, answer, by_choice) for answer in answers_of(quiz, question)),
            *(() if by_choice else BY_NUMBER),
            "</question>\n",
        ]
    )


BY_CHOICE = (
    "<single>true</single>",
    "<shuffleanswers>true</shuffleanswers>",
    "<answernumbering>abc</answernumbering>",
)
BY_NUMBER = (
    "<unitgradingtype>0</unitgradingtype>",
    "<unitpenalty>0.1</unitpenalty>",
    "<showunits>3</showunits>",
    "<unitsleft>0</unitsleft>",
)


def _answer(question: Question, answer: QuizAnswer, by_choice: bool) -> str:
    """An answer, right or wrong; a wrong number reveals which mistake was made."""
    form, shown, near = "html", paragraph(answer.shown), ""
    if not by_choice:
        assert answer.number is not None
        form, shown = "moodle_auto_format", number_of(answer.number)
        near = element("tolerance", number_of(question.tolerance))
    worth = "100" if answer is question.right else "0"
    parts = _text(shown), _html("feedback", answer.why), near
    return element("answer", *parts, fraction=worth, format=form)


def _html(tag: str, words: str) -> str:
    return element(tag, _text(paragraph(words)), format="html")


def _text(words: str) -> str:
    return element("text", plain(words))


# As GIFT ------------------------------------------------------------------------------

SPECIAL = re.compile(r"[\\~=#{}:]")  # characters to escape with a backslash


def gift(quiz: Quiz) -> Iterator[str]:
    """The file in pieces. GIFT has no pictures: they are described in words."""
    yield f"// {_line(quiz.about)}\n"
    for subject, questions in quiz.subjects:
        yield f"\n$CATEGORY: {category_path(quiz, subject)}\n"
        for question in questions:
            numbers = "" if quiz.by_choice(question) else "#"
            text = _escaped(html_of(quiz, question))
            yield f"\n::{_escaped(question.title)}::[html]{text}{{{numbers}\n"
            for answer in answers_of(quiz, question):
                yield f"{_gift_answer(question, answer, bool(numbers))}#{_escaped(answer.why)}\n"
            yield f"####{_escaped(question.solution)}\n}}\n"


def _gift_answer(question: Question, answer: QuizAnswer, is_number: bool) -> str:
    """An answer in GIFT; a typical wrong number earns nothing but gets its own feedback."""
    is_right = answer is question.right
    if not is_number:
        return f"{'=' if is_right else '~'}{_escaped(answer.shown)}"
    assert answer.number is not None
    near = f"{number_of(answer.number)}:{number_of(question.tolerance)}"
    return f"={'' if is_right else '%0%'}{near}"


def _escaped(text: str) -> str:
    return SPECIAL.sub(r"\\\g<0>", _line(text))


def _line(text: str) -> str:
    return " ".join(text.split())
