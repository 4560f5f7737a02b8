"""A quiz as IMS QTI 2.1: a test of which each subject is a section that one question is drawn from.

The format can compute, so the whole step is asked for in one question as well, in which errors
are carried forward.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from html import escape
from math import e

from gradbook.errors import TargetError
from gradbook.graph.node import Node
from gradbook.language import tr
from gradbook.lowering import Vocabulary
from gradbook.teaching.quiz.package import PackageFile, pack_quiz, pictures_of
from gradbook.teaching.quiz.questions import (
    CarriedValue,
    Question,
    Quiz,
    QuizAnswer,
    WholeStep,
    student_name,
)
from gradbook.teaching.quiz.telling import given_said, html_of, number_of, picture_path

SPACE = "http://www.imsglobal.org/xsd/imsqti_v2p1"
PLACE = "http://www.imsglobal.org/xsd/qti/qtiv2p1/imsqti_v2p1.xsd"
LOCATED = (
    f'xmlns="{SPACE}" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
    f'xsi:schemaLocation="{SPACE} {PLACE}"'
)
HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'
ITEM, TEST = "imsqti_item_xmlv2p1", "imsqti_test_xmlv2p1"
RIGHT = "RIGHT"
SMALLEST = 1e-9  # how near two numbers that should be 0 have to be
SIMPLE = {"add": "sum", "subtract": "subtract", "multiply": "product", "divide": "divide"}


def qti_2_1(quiz: Quiz) -> bytes:
    """The package: imsmanifest.xml, test.xml, a file for each question, and pictures."""
    items: list[PackageFile] = []
    sections: list[tuple[str, list[str]]] = []
    shown: list[tuple[str, str]] = []
    for number, (subject, questions) in enumerate(quiz.subjects, 1):
        names = [f"q{number}-{place}" for place in range(1, len(questions) + 1)]
        for name, question in zip(names, questions, strict=True):
            picture = picture_path(question)
            if question.picture:
                shown.append((f"items/{picture}", question.picture.svg))
            content = _item(quiz, question, name, picture)
            needs = (f"items/{picture}",) if picture else ()
            items.append(PackageFile(f"items/{name}.xml", content, ITEM, needs))
        sections.append((subject, names))
    steps = [(f"step-{number}", step) for number, step in enumerate(quiz.steps, 1)]
    if steps:
        sections.append((tr("The whole step"), [name for name, _ in steps]))
    for name, step in steps:
        items.append(PackageFile(f"items/{name}.xml", _whole_step(quiz, step, name), ITEM))
    paths = tuple(item.path for item in items)
    test = PackageFile("test.xml", "".join(_test(quiz, sections)), TEST, paths)
    return pack_quiz([test, *items, *pictures_of(shown)], "QTIv2.1 Package", "1.0.0")


def _test(quiz: Quiz, sections: Sequence[tuple[str, list[str]]]) -> Iterator[str]:
    title = escape(f"gradbook: {quiz.name}")
    yield f'{HEAD}<assessmentTest {LOCATED} identifier="gradbook" title="{title}">\n'
    yield '<testPart identifier="part" navigationMode="nonlinear" submissionMode="individual">\n'
    for number, (subject, names) in enumerate(sections, 1):
        said = escape(subject)
        yield f'<assessmentSection identifier="s{number}" title="{said}" visible="true">\n'
        yield '<selection select="1"/>\n'
        for name in names:
            yield f'<assessmentItemRef identifier="{name}" href="items/{name}.xml"/>\n'
        yield "</assessmentSection>\n"
    yield "</testPart>\n</assessmentTest>\n"


# One answer ---------------------------------------------------------------------------


def _item(quiz: Quiz, question: Question, name: str, picture: str) -> str:
    by_choice = quiz.by_choice(question)
    answers = question.choices if by_choice else (question.right, *question.wrong)
    named = [
        (RIGHT if answer is question.right else f"W{number}", answer)
        for number, answer in enumerate(answers, 1)
    ]
    correct = RIGHT if by_choice else number_of(question.right.number or 0.0)
    said = html_of(quiz, question, picture)
    return "\n".join(
        [
            f'{HEAD}<assessmentItem {LOCATED} identifier="{name}" '
            f'title="{escape(question.title)}" adaptive="false" timeDependent="false">',
            _declared("RESPONSE", "identifier" if by_choice else "float", correct),
            _outcome("SCORE", "float", "0"),
            '<outcomeDeclaration identifier="FEEDBACK" cardinality="single" '
            'baseType="identifier"/>',
            f"<itemBody>{said}{_choices(named) if by_choice else _entry('RESPONSE')}</itemBody>",
            f"<responseProcessing>{_by_choice() if by_choice else _by_number(question, named)}"
            "</responseProcessing>",
            *(_feedback(name, _why(question, answer)) for name, answer in named),
            "</assessmentItem>\n",
        ]
    )


def _why(question: Question, answer: QuizAnswer) -> str:
    is_right = answer is question.right
    return question.solution if is_right else answer.why


def _declared(name: str, kind: str, correct: str) -> str:
    return (
        f'<responseDeclaration identifier="{name}" cardinality="single" baseType="{kind}">'
        f"<correctResponse><value>{correct}</value></correctResponse></responseDeclaration>"
    )


def _outcome(name: str, kind: str, value: str) -> str:
    return (
        f'<outcomeDeclaration identifier="{name}" cardinality="single" baseType="{kind}">'
        f"<defaultValue><value>{value}</value></defaultValue></outcomeDeclaration>"
    )


def _choices(named: Sequence[tuple[str, QuizAnswer]]) -> str:
    shown = "".join(
        f'<simpleChoice identifier="{name}">{escape(answer.shown)}</simpleChoice>'
        for name, answer in named
    )
    return (
        f'<choiceInteraction responseIdentifier="RESPONSE" shuffle="true" maxChoices="1">{shown}'
        "</choiceInteraction>"
    )


def _entry(name: str) -> str:
    return f"<p>{_box(name)}</p>"


def _box(name: str) -> str:
    return f'<textEntryInteraction responseIdentifier="{name}" expectedLength="12"/>'


def _by_choice() -> str:
    return (
        "<responseCondition><responseIf><match>"
        f'{_variable("RESPONSE")}<correct identifier="RESPONSE"/></match>{_set("SCORE", _float(1))}'
        f"</responseIf></responseCondition>{_set('FEEDBACK', _variable('RESPONSE'))}"
    )


def _by_number(question: Question, named: Sequence[tuple[str, QuizAnswer]]) -> str:
    """The right number, or one that tells a mistake."""
    cases = []
    for place, (name, answer) in enumerate(named):
        assert answer.number is not None
        tag = "responseElseIf" if place else "responseIf"
        met = _near("RESPONSE", answer.number, question.tolerance)
        score = _set("SCORE", _float(1)) if answer is question.right else ""
        cases.append(f"<{tag}>{met}{score}{_set('FEEDBACK', _identifier(name))}</{tag}>")
    return f"<responseCondition>{''.join(cases)}</responseCondition>"


def _feedback(name: str, said: str) -> str:
    return (
        f'<modalFeedback outcomeIdentifier="FEEDBACK" identifier="{name}" showHide="show">'
        f"{escape(said, quote=False)}</modalFeedback>"
    )


# The whole step -----------------------------------------------------------------------


def _whole_step(quiz: Quiz, step: WholeStep, name: str) -> str:
    """An entry for each value; each earns the same."""
    own = {one.node: f"R{number}" for number, one in enumerate(step.values, 1)}
    given = ", ".join(f"{name} = {number}" for name, number in step.given)
    rows = "".join(
        f"<tr><td>{escape(one.name)}</td><td>{_box(own[one.node])}</td></tr>" for one in step.values
    )
    rule = tr(
        "Work the whole step: the forward pass, the derivatives, the weights after it. A value "
        "counts as right if it follows from your own values before it."
    )
    title = f"{tr('The whole step')} ({student_name(step.student)})"
    return "\n".join(
        [
            f'{HEAD}<assessmentItem {LOCATED} identifier="{name}" '
            f'title="{escape(title)}" adaptive="false" '
            'timeDependent="false">',
            *(_declared(own[one.node], "float", number_of(one.number)) for one in step.values),
            _outcome("SCORE", "float", "0"),
            f"<itemBody><p>{escape(quiz.about)}</p><p>{escape(given_said(given))}</p>"
            f"<p>{escape(rule)}</p>"
            f"<table><tbody>{rows}</tbody></table></itemBody>",
            "<responseProcessing>",
            *(_carried(quiz, step, one, own, len(step.values)) for one in step.values),
            "</responseProcessing>",
            "</assessmentItem>\n",
        ]
    )


def _carried(
    quiz: Quiz, step: WholeStep, one: CarriedValue, own: dict[Node, str], count: int
) -> str:
    """A share of the score for the right number, or for what the student's own values make."""
    name = own[one.node]
    met = _near(name, one.number, max(quiz.tolerance * abs(one.number), SMALLEST))
    try:
        made = _Formulas(step.numbers, own).said(one.node)
    except TargetError:  # then only the right number counts
        made = ""
    if made:
        met = f"<or>{met}{_follows(name, made, quiz.tolerance)}</or>"
    more = f"<sum>{_variable('SCORE')}{_float(1 / count)}</sum>"
    return (
        f"<responseCondition><responseIf>{met}{_set('SCORE', more)}</responseIf>"
        "</responseCondition>"
    )


class _Formulas:
    """Says values by numbers that are given and by what the student answered."""

    def __init__(self, numbers: Mapping[Node, float], own: dict[Node, str]) -> None:
        self.numbers, self.own = numbers, own

    def said(self, formula: Node) -> str:
        """A formula of earlier values; itself is what it is made of."""
        return self._op(formula)

    def _part(self, node: Node) -> str:
        if node in self.numbers:
            return _float(self.numbers[node])
        return _variable(self.own[node]) if node in self.own else self._op(node)

    def _op(self, node: Node) -> str:
        simpler = SAYS.simpler(node)
        if simpler is not None:
            return self._op(simpler)
        parts = [self._part(source) for source in node.inputs]
        say = OTHERS.get(node.op.name)
        if say is None:
            return _float(node.number) if node.is_constant() else _said(node.op.name, *parts)
        return say(*parts)


# Expressions --------------------------------------------------------------------------


def _near(name: str, number: float, within: float) -> str:
    """By squares: some readers lack |x|, and read a tolerance each in its way."""
    apart = f"<subtract>{_variable(name)}{_float(number)}</subtract>"
    return f"<lte>{_product(apart, apart)}{_float(within**2)}</lte>"


def _follows(name: str, made: str, tolerance: float) -> str:
    """Whether an answer differs by no more than a share from what follows from earlier ones."""
    apart = f"<subtract>{_variable(name)}{made}</subtract>"
    within = f"<sum>{_product(_float(tolerance**2), made, made)}{_float(SMALLEST**2)}</sum>"
    return f"<lte>{_product(apart, apart)}{within}</lte>"


def _said(name: str, *parts: str) -> str:
    return f"<{SIMPLE[name]}>{''.join(parts)}</{SIMPLE[name]}>"


def _exp(x: str) -> str:
    """A power of e, which every reader has."""
    return f"<power>{_float(e)}{x}</power>"


def _tanh(x: str) -> str:
    twice = _exp(_product(_float(2), x))
    one = _float(1)
    return f"<divide><subtract>{twice}{one}</subtract><sum>{twice}{one}</sum></divide>"


def _variable(name: str) -> str:
    return f'<variable identifier="{name}"/>'


def _float(value: float) -> str:
    return f'<baseValue baseType="float">{number_of(value)}</baseValue>'


def _identifier(name: str) -> str:
    return f'<baseValue baseType="identifier">{name}</baseValue>'


def _product(*factors: str) -> str:
    return f"<product>{''.join(factors)}</product>"


def _set(name: str, expression: str) -> str:
    return f'<setOutcomeValue identifier="{name}">{expression}</setOutcomeValue>'


OTHERS: dict[str, Callable[..., str]] = {
    "copy": lambda x: x,
    "negate": lambda x: _product(_float(-1), x),
    "power": lambda x, n: f"<power>{x}{n}</power>",
    "sqrt": lambda x: f"<power>{x}{_float(0.5)}</power>",
    "exp": _exp,
    "tanh": _tanh,
    "log": lambda x: f'<mathOperator name="ln">{x}</mathOperator>',
}
SAYS = Vocabulary("QTI", {*SIMPLE, *OTHERS, "constant", "leaf"})
