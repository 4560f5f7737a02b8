"""A quiz as IMS QTI 2.1: a test with a section per subject, from which one question is drawn.

The format can compute, so the whole step is asked for in one question as well, in which errors
are carried forward.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from io import BytesIO
from math import e
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from gradbook.archives import FIRST_DAY
from gradbook.errors import TargetError
from gradbook.graph.node import Node
from gradbook.language import tr
from gradbook.lowering import Vocabulary
from gradbook.teaching.quiz.questions import (
    HEAD,
    CarriedValue,
    Question,
    Quiz,
    QuizAnswer,
    WholeStep,
    answers_of,
    element,
    givens_in_words,
    html_of,
    number_of,
    picture_path,
    plain,
    student_name,
)

SPACE = "http://www.imsglobal.org/xsd/imsqti_v2p1"
PLACE = "http://www.imsglobal.org/xsd/qti/qtiv2p1/imsqti_v2p1.xsd"
CONTENT = "http://www.imsglobal.org/xsd/imscp_v1p1"
LOCATED = (
    f'xmlns="{SPACE}" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
    f'xsi:schemaLocation="{SPACE} {PLACE}"'
)
ITEM, TEST = "imsqti_item_xmlv2p1", "imsqti_test_xmlv2p1"
MANIFEST = "imsmanifest.xml"
RIGHT = "RIGHT"
SMALLEST = 1e-9  # the absolute tolerance of numbers that should be 0


@dataclass(frozen=True)
class PackageFile:
    """A file, its kind if it is a resource of its own, and the files that it shows."""

    path: str
    content: str
    kind: str = ""  # the type of a resource
    needs: tuple[str, ...] = ()  # paths


def qti_2_1(quiz: Quiz) -> bytes:
    """The package: imsmanifest.xml, test.xml, a file for each question, and pictures."""
    items: list[PackageFile] = []
    sections: list[tuple[str, list[str]]] = []
    pictures: list[tuple[str, str]] = []
    for number, (subject, questions) in enumerate(quiz.subjects, 1):
        names = [f"q{number}-{place}" for place in range(1, len(questions) + 1)]
        for name, question in zip(names, questions, strict=True):
            path, picture = f"items/{picture_path(question)}", question.picture
            if picture:
                pictures.append((path, picture.svg))
            content, needs = _item(quiz, question, name), (path,) if picture else ()
            items.append(PackageFile(f"items/{name}.xml", content, ITEM, needs))
        sections.append((subject, names))
    for number, step in enumerate(quiz.steps, 1):
        name = f"step-{number}"
        items.append(PackageFile(f"items/{name}.xml", _whole_step(quiz, step, name), ITEM))
    if quiz.steps:
        names = [f"step-{number}" for number in range(1, len(quiz.steps) + 1)]
        sections.append((tr("The whole step"), names))
    paths = tuple(item.path for item in items)
    test = PackageFile("test.xml", "".join(_test(quiz, sections)), TEST, paths)
    drawings = (PackageFile(path, svg) for path, svg in dict(pictures).items())
    files = [test, *items, *drawings]
    return zip_files((PackageFile(MANIFEST, "".join(_manifest(files))), *files))


def _manifest(files: Sequence[PackageFile]) -> Iterator[str]:
    yield f'{HEAD}<manifest xmlns="{CONTENT}" identifier="gradbook-quiz">\n<metadata>\n'
    yield "<schema>QTIv2.1 Package</schema>\n<schemaversion>1.0.0</schemaversion>\n</metadata>\n"
    yield "<organizations/>\n<resources>\n"
    names = {file.path: f"r{number}" for number, file in enumerate(files) if file.kind}
    for file in files:
        if not file.kind:
            continue
        yield f'<resource identifier="{names[file.path]}" type="{file.kind}" '
        yield f'href="{escape(file.path)}">\n{element("file", href=file.path)}\n'
        for path in sorted(dict.fromkeys(file.needs), key=names.__contains__):  # files come first
            depends = element("dependency", identifierref=names.get(path, ""))
            yield f"{depends if path in names else element('file', href=path)}\n"
        yield "</resource>\n"
    yield "</resources>\n</manifest>\n"


def _test(quiz: Quiz, sections: Sequence[tuple[str, list[str]]]) -> Iterator[str]:
    title = escape(f"gradbook: {quiz.name}")
    yield f'{HEAD}<assessmentTest {LOCATED} identifier="gradbook" title="{title}">\n'
    yield '<testPart identifier="part" navigationMode="nonlinear" submissionMode="individual">\n'
    for number, (subject, names) in enumerate(sections, 1):
        title = escape(subject)
        yield f'<assessmentSection identifier="s{number}" title="{title}" visible="true">\n'
        yield '<selection select="1"/>\n'
        for name in names:
            yield element("assessmentItemRef", identifier=name, href=f"items/{name}.xml") + "\n"
        yield "</assessmentSection>\n"
    yield "</testPart>\n</assessmentTest>\n"


def _assessment_item(name: str, title: str, parts: Sequence[str]) -> str:
    opening = (
        f'{HEAD}<assessmentItem {LOCATED} identifier="{name}" title="{escape(title)}" '
        'adaptive="false" timeDependent="false">'
    )
    return "\n".join([opening, *parts, "</assessmentItem>\n"])


# One answer ---------------------------------------------------------------------------


def _item(quiz: Quiz, question: Question, name: str) -> str:
    by_choice = quiz.by_choice(question)
    named = [
        (RIGHT if answer is question.right else f"W{number}", answer)
        for number, answer in enumerate(answers_of(quiz, question), 1)
    ]
    if by_choice:
        correct, kind = RIGHT, "identifier"
        choices = (element("simpleChoice", escape(x.shown), identifier=key) for key, x in named)
        shuffled = {"responseIdentifier": "RESPONSE", "shuffle": "true", "maxChoices": "1"}
        interaction = element("choiceInteraction", *choices, **shuffled)
        processing = element(
            "responseCondition",
            element(
                "responseIf",
                element("match", _variable("RESPONSE"), element("correct", identifier="RESPONSE")),
                _set("SCORE", _float(1)),
            ),
        ) + _set("FEEDBACK", _variable("RESPONSE"))
    else:
        correct, kind = number_of(question.right.number or 0.0), "float"
        interaction = element("p", _box("RESPONSE"))
        processing = element("responseCondition", *_cases(question, named))
    feedback = {"identifier": "FEEDBACK", "cardinality": "single", "baseType": "identifier"}
    parts = [
        _declared("responseDeclaration", "RESPONSE", kind, "correctResponse", correct),
        _declared("outcomeDeclaration", "SCORE", "float", "defaultValue", "0"),
        element("outcomeDeclaration", **feedback),
        element("itemBody", html_of(quiz, question, picture_path(question)), interaction),
        element("responseProcessing", processing),
    ]
    for key, answer in named:
        why = plain(question.solution if answer is question.right else answer.why)
        shown = {"outcomeIdentifier": "FEEDBACK", "identifier": key, "showHide": "show"}
        parts.append(element("modalFeedback", why, **shown))
    return _assessment_item(name, question.title, parts)


def _declared(tag: str, name: str, kind: str, what: str, value: str) -> str:
    held = element(what, element("value", value))
    return element(tag, held, identifier=name, cardinality="single", baseType=kind)


def _box(name: str) -> str:
    return element("textEntryInteraction", responseIdentifier=name, expectedLength="12")


def _cases(question: Question, named: Sequence[tuple[str, QuizAnswer]]) -> Iterator[str]:
    """A case for the right number and for each typical wrong one."""
    for place, (name, answer) in enumerate(named):
        assert answer.number is not None
        met = _near("RESPONSE", answer.number, question.tolerance)
        score = _set("SCORE", _float(1)) if answer is question.right else ""
        feedback = _set("FEEDBACK", element("baseValue", name, baseType="identifier"))
        yield element("responseElseIf" if place else "responseIf", met, score, feedback)


# The whole step -----------------------------------------------------------------------


def _whole_step(quiz: Quiz, step: WholeStep, name: str) -> str:
    """A question with a box for each value; all earn the same."""
    boxes = {value.node: f"R{number}" for number, value in enumerate(step.values, 1)}
    givens = ", ".join(f"{name} = {number}" for name, number in step.givens)
    rows = (
        element("tr", element("td", escape(value.name)), element("td", _box(boxes[value.node])))
        for value in step.values
    )
    rule = tr(
        "Work through the whole step: forward pass, derivatives, weights after the step. A value "
        "counts as right if it follows from your own values before it."
    )
    lines = (element("p", escape(line)) for line in (quiz.about, givens_in_words(givens), rule))
    parts = [
        *(
            _declared(
                *("responseDeclaration", boxes[value.node], "float", "correctResponse"),
                number_of(value.number),
            )
            for value in step.values
        ),
        _declared("outcomeDeclaration", "SCORE", "float", "defaultValue", "0"),
        element("itemBody", *lines, element("table", element("tbody", *rows))),
        "<responseProcessing>",
        *(_carried(quiz, step, value, boxes) for value in step.values),
        "</responseProcessing>",
    ]
    title = f"{tr('The whole step')} ({student_name(step.student)})"
    return _assessment_item(name, title, parts)


def _carried(quiz: Quiz, step: WholeStep, value: CarriedValue, boxes: Mapping[Node, str]) -> str:
    """A share of the score for the right number, or for what follows from the student's values."""
    name = boxes[value.node]
    met = _near(name, value.number, max(quiz.tolerance * abs(value.number), SMALLEST))
    try:
        formula = _formula(value.node, step.numbers, boxes)
    except TargetError:  # then only the right number counts
        formula = ""
    if formula:
        apart = element("subtract", _variable(name), formula)
        share = _product(_float(quiz.tolerance**2), formula, formula)
        within = element("sum", share, _float(SMALLEST**2))
        met = element("or", met, element("lte", _product(apart, apart), within))
    more = element("sum", _variable("SCORE"), _float(1 / len(step.values)))
    return element("responseCondition", element("responseIf", met, _set("SCORE", more)))


def _formula(node: Node, numbers: Mapping[Node, float], boxes: Mapping[Node, str]) -> str:
    """The formula of a value, in given numbers and the student's answers."""

    def part(source: Node) -> str:
        if source in numbers:
            return _float(numbers[source])
        return _variable(boxes[source]) if source in boxes else _formula(source, numbers, boxes)

    simpler = SAYS.simpler(node)
    if simpler is not None:
        return _formula(simpler, numbers, boxes)
    parts = [part(source) for source in node.inputs]
    if node.op.name in OTHERS:
        return OTHERS[node.op.name](*parts)
    return _float(node.number) if node.is_constant() else element(SIMPLE[node.op.name], *parts)


# Expressions --------------------------------------------------------------------------


def _near(name: str, number: float, within: float) -> str:
    """Compare squares: some readers lack |x|, and each reads tolerances in its own way."""
    apart = element("subtract", _variable(name), _float(number))
    return element("lte", _product(apart, apart), _float(within**2))


def _exp(x: str) -> str:
    """A power of e, which every reader has."""
    return element("power", _float(e), x)


def _tanh(x: str) -> str:
    twice, unit = _exp(_product(_float(2), x)), _float(1)
    return element("divide", element("subtract", twice, unit), element("sum", twice, unit))


def _math_operator(name: str) -> Callable[[str], str]:
    return lambda x: element("mathOperator", x, name=name)


def _variable(name: str) -> str:
    return element("variable", identifier=name)


def _float(value: float) -> str:
    return element("baseValue", number_of(value), baseType="float")


def _product(*factors: str) -> str:
    return element("product", *factors)


def _set(name: str, expression: str) -> str:
    return element("setOutcomeValue", expression, identifier=name)


MATH_OPERATORS = {"log": "ln", **{name: name for name in ("sin", "cos", "atan", "floor")}}
SIMPLE = {"add": "sum", "subtract": "subtract", "multiply": "product", "divide": "divide"}
OTHERS: dict[str, Callable[..., str]] = {
    "copy": lambda x: x,
    "negate": lambda x: _product(_float(-1), x),
    "power": lambda x, n: element("power", x, n),
    "sqrt": lambda x: element("power", x, _float(0.5)),
    "exp": _exp,
    "tanh": _tanh,
    **{op: _math_operator(name) for op, name in MATH_OPERATORS.items()},
}
SAYS = Vocabulary("QTI", {*SIMPLE, *OTHERS, "constant", "leaf"})


# The zip file -----------------------------------------------------------------------------


def zip_files(files: Sequence[PackageFile]) -> bytes:
    """A zip file, identical for the same files."""
    content = BytesIO()
    with ZipFile(content, "w", ZIP_DEFLATED) as archive:
        for file in files:
            info = ZipInfo(file.path, FIRST_DAY)
            info.compress_type = ZIP_DEFLATED
            info.external_attr = 0o644 << 16
            archive.writestr(info, file.content)
    return content.getvalue()
