"""A quiz as IMS QTI 1.2, the way Canvas and others import it: a group of questions each subject."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from gradbook.teaching.quiz.package import PackageFile, pack_quiz, pictures_of
from gradbook.teaching.quiz.questions import Question, Quiz, QuizAnswer
from gradbook.teaching.quiz.telling import html_of, number_of, paragraph, picture_path

SPACE = "http://www.imsglobal.org/xsd/ims_qtiasiv1p2"
ASSESSMENT = "imsqti_xmlv1p2"
PATH = "quiz/quiz.xml"
RESPONSE, GENERAL = "response1", "general_fb"


def qti_1_2(quiz: Quiz) -> bytes:
    """The package: of each subject a platform draws one question for each student."""
    shown = [
        (f"quiz/{picture_path(question)}", question.picture.svg)
        for question in quiz.questions
        if question.picture
    ]
    content = "".join(_assessment(quiz))
    needs = tuple(dict.fromkeys(path for path, _ in shown))
    files = [PackageFile(PATH, content, ASSESSMENT, needs), *pictures_of(shown)]
    return pack_quiz(files, "IMS Content", "1.1.3")


def _assessment(quiz: Quiz) -> Iterator[str]:
    yield '<?xml version="1.0" encoding="UTF-8"?>\n'
    yield f'<questestinterop xmlns="{SPACE}">\n'
    yield f'<assessment ident="gradbook" title="{escape(f"gradbook: {quiz.name}")}">\n'
    yield '<section ident="root_section">\n'
    for number, (subject, questions) in enumerate(quiz.subjects, 1):
        yield f'<section ident="subject{number}" title="{escape(subject)}">\n'
        yield "<selection_ordering><selection><selection_number>1</selection_number>"
        yield "<selection_extension><points_per_item>1.0</points_per_item></selection_extension>"
        yield "</selection></selection_ordering>\n"
        for place, question in enumerate(questions, 1):
            yield _item(quiz, question, f"q{number}_{place}", picture_path(question))
        yield "</section>\n"
    yield "</section>\n</assessment>\n</questestinterop>\n"


def _item(quiz: Quiz, question: Question, ident: str, picture: str) -> str:
    by_choice = quiz.by_choice(question)
    kind = "multiple_choice_question" if by_choice else "numerical_question"
    answers = question.choices if by_choice else (question.right, *question.wrong)
    named = [(f"a{number}", answer) for number, answer in enumerate(answers, 1)]
    return "\n".join(
        [
            f'<item ident="{ident}" title="{escape(question.title)}">',
            f"<itemmetadata><qtimetadata>{_field('question_type', kind)}"
            f"{_field('points_possible', '1.0')}</qtimetadata></itemmetadata>",
            f"<presentation>{_html(html_of(quiz, question, picture))}",
            _choices(named) if by_choice else _entry(),
            "</presentation>",
            "<resprocessing>",
            '<outcomes><decvar maxvalue="100" minvalue="0" varname="SCORE" vartype="Decimal"/>'
            "</outcomes>",
            _always(),
            *(_condition(question, name, answer, by_choice) for name, answer in named),
            "</resprocessing>",
            *(_feedback(f"{name}_fb", answer.why) for name, answer in named),
            _feedback(GENERAL, question.solution),
            "</item>\n",
        ]
    )


def _field(label: str, entry: str) -> str:
    return (
        f"<qtimetadatafield><fieldlabel>{label}</fieldlabel><fieldentry>{entry}</fieldentry>"
        "</qtimetadatafield>"
    )


def _html(content: str) -> str:
    said = escape(content, quote=False)
    return f'<material><mattext texttype="text/html">{said}</mattext></material>'


def _choices(named: list[tuple[str, QuizAnswer]]) -> str:
    labels = "".join(
        f'<response_label ident="{name}"><material><mattext texttype="text/plain">'
        f"{escape(answer.shown)}</mattext></material></response_label>"
        for name, answer in named
    )
    return (
        f'<response_lid ident="{RESPONSE}" rcardinality="Single"><render_choice>{labels}'
        "</render_choice></response_lid>"
    )


def _entry() -> str:
    return (
        f'<response_str ident="{RESPONSE}" rcardinality="Single"><render_fib fibtype="Decimal">'
        '<response_label ident="answer1"/></render_fib></response_str>'
    )


def _always() -> str:
    return (
        '<respcondition continue="Yes"><conditionvar><other/></conditionvar>'
        f'<displayfeedback feedbacktype="Response" linkrefid="{GENERAL}"/></respcondition>'
    )


def _condition(question: Question, name: str, answer: QuizAnswer, by_choice: bool) -> str:
    """What an answer earns, and which feedback it gets."""
    is_right = answer is question.right
    worth = '<setvar action="Set" varname="SCORE">100</setvar>' if is_right else ""
    met = _equals(name) if by_choice else _near(question, answer)
    return (
        f'<respcondition continue="{"No" if is_right else "Yes"}"><conditionvar>{met}'
        f"</conditionvar>{worth}"
        f'<displayfeedback feedbacktype="Response" linkrefid="{name}_fb"/></respcondition>'
    )


def _equals(said: str) -> str:
    return f'<varequal respident="{RESPONSE}">{said}</varequal>'


def _near(question: Question, answer: QuizAnswer) -> str:
    assert answer.number is not None
    low, high = answer.number - question.tolerance, answer.number + question.tolerance
    return (
        f"<or>{_equals(number_of(answer.number))}<and>"
        f'<vargte respident="{RESPONSE}">{number_of(low)}</vargte>'
        f'<varlte respident="{RESPONSE}">{number_of(high)}</varlte></and></or>'
    )


def _feedback(ident: str, said: str) -> str:
    return (
        f'<itemfeedback ident="{ident}"><flow_mat>{_html(paragraph(said))}</flow_mat>'
        "</itemfeedback>"
    )
