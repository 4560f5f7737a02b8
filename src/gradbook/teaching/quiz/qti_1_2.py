"""A quiz as IMS QTI 1.2, the way Canvas and others import it: a group of questions each subject."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from gradbook.teaching.quiz.packages import (
    HEAD,
    PackageFile,
    answers_of,
    element,
    pack_quiz,
    plain,
)
from gradbook.teaching.quiz.questions import (
    Question,
    Quiz,
    QuizAnswer,
    html_of,
    number_of,
    paragraph,
    picture_path,
)

SPACE = "http://www.imsglobal.org/xsd/ims_qtiasiv1p2"
ASSESSMENT = "imsqti_xmlv1p2"
PATH = "quiz/quiz.xml"
RESPONSE, GENERAL = "response1", "general_fb"
DRAWN = element(  # one question of a section
    "selection_ordering",
    element(
        "selection",
        element("selection_number", "1"),
        element("selection_extension", element("points_per_item", "1.0")),
    ),
)


def qti_1_2(quiz: Quiz) -> bytes:
    """The package: of each subject a platform draws one question for each student."""
    pictures = {
        f"quiz/{picture_path(question)}": question.picture.svg
        for question in quiz.questions
        if question.picture
    }
    content = "".join(_assessment(quiz))
    files = [PackageFile(PATH, content, ASSESSMENT, tuple(pictures))]
    return pack_quiz(files, pictures.items(), "IMS Content", "1.1.3")


def _assessment(quiz: Quiz) -> Iterator[str]:
    yield f'{HEAD}<questestinterop xmlns="{SPACE}">\n'
    yield f'<assessment ident="gradbook" title="{escape(f"gradbook: {quiz.name}")}">\n'
    yield '<section ident="root_section">\n'
    for number, (subject, questions) in enumerate(quiz.subjects, 1):
        yield f'<section ident="subject{number}" title="{escape(subject)}">\n{DRAWN}\n'
        for place, question in enumerate(questions, 1):
            yield _item(quiz, question, f"q{number}_{place}")
        yield "</section>\n"
    yield "</section>\n</assessment>\n</questestinterop>\n"


def _item(quiz: Quiz, question: Question, ident: str) -> str:
    by_choice = quiz.by_choice(question)
    kind = "multiple_choice_question" if by_choice else "numerical_question"
    fields = _field("question_type", kind), _field("points_possible", "1.0")
    named = [(f"a{number}", one) for number, one in enumerate(answers_of(quiz, question), 1)]
    score = {"maxvalue": "100", "minvalue": "0", "varname": "SCORE", "vartype": "Decimal"}
    return "\n".join(
        [
            f'<item ident="{ident}" title="{escape(question.title)}">',
            element("itemmetadata", element("qtimetadata", *fields)),
            f"<presentation>{_html(html_of(quiz, question, picture_path(question)))}",
            _choices(named) if by_choice else ENTRY,
            "</presentation>",
            "<resprocessing>",
            element("outcomes", element("decvar", **score)),
            _when(element("other"), GENERAL),
            *(_condition(question, name, answer, by_choice) for name, answer in named),
            "</resprocessing>",
            *(_feedback(f"{name}_fb", answer.why) for name, answer in named),
            _feedback(GENERAL, question.solution),
            "</item>\n",
        ]
    )


def _field(label: str, entry: str) -> str:
    parts = element("fieldlabel", label), element("fieldentry", entry)
    return element("qtimetadatafield", *parts)


def _html(content: str) -> str:
    return element("material", element("mattext", plain(content), texttype="text/html"))


def _choices(named: list[tuple[str, QuizAnswer]]) -> str:
    labels = []
    for name, answer in named:
        text = element("mattext", escape(answer.shown), texttype="text/plain")
        labels.append(element("response_label", element("material", text), ident=name))
    shown = element("render_choice", *labels)
    return element("response_lid", shown, ident=RESPONSE, rcardinality="Single")


ENTRY = element(
    "response_str",
    element("render_fib", element("response_label", ident="answer1"), fibtype="Decimal"),
    ident=RESPONSE,
    rcardinality="Single",
)


def _condition(question: Question, name: str, answer: QuizAnswer, by_choice: bool) -> str:
    """What an answer earns, and which feedback it gets."""
    is_right = answer is question.right
    if by_choice:
        met = element("varequal", name, respident=RESPONSE)
    else:
        assert answer.number is not None
        exact, least, most = (number_of(answer.number + k * question.tolerance) for k in (0, -1, 1))
        between = (
            element("vargte", least, respident=RESPONSE),
            element("varlte", most, respident=RESPONSE),
        )
        met = element(
            "or", element("varequal", exact, respident=RESPONSE), element("and", *between)
        )
    worth = element("setvar", "100", action="Set", varname="SCORE") if is_right else ""
    return _when(met, f"{name}_fb", worth, goes_on=not is_right)


def _when(met: str, feedback: str, worth: str = "", goes_on: bool = True) -> str:
    shown = element("displayfeedback", feedbacktype="Response", linkrefid=feedback)
    parts = element("conditionvar", met), worth, shown
    return element("respcondition", *parts, **{"continue": "Yes" if goes_on else "No"})


def _feedback(ident: str, words: str) -> str:
    return element("itemfeedback", element("flow_mat", _html(paragraph(words))), ident=ident)
