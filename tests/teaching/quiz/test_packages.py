"""Quizzes as QTI packages: held against the schemas, and answered through a reader of QTI 2.1."""

from __future__ import annotations

import os
from io import BytesIO
from pathlib import Path
from xml.etree import ElementTree
from zipfile import ZipFile

import pytest

import gradbook as gb
from gradbook.net import parse
from gradbook.teaching.quiz import CHOICE, FORMS, NUMBER
from gradbook.teaching.quiz.asking import QuizPlan, make_quiz
from gradbook.teaching.quiz.qti_2_1 import qti_2_1
from gradbook.teaching.quiz.questions import Quiz
from tests.cases import for_each

SCHEMAS = os.environ.get("QTI_SCHEMAS", "")  # a folder with qtiv2p1/ and imscp_v1p1.xsd
NETS = {
    "worked": "worked",
    "xor": "xor",
    "softmax": "input 2; dense 3; relu; dense 2; softmax; loss cross-entropy; sample 1 -2 -> 1 0",
    "momentum": "input 2; dense 2; tanh; dense 1; update momentum 0.9; rate 0.3; sample 1 2 -> 1",
}


def quiz_of(form: str = CHOICE, net: str = "worked", students: int = 2) -> Quiz:
    text = NETS[net]
    asked = parse(text) if ";" in text else gb.builtin(text)
    return make_quiz(asked, QuizPlan(tuple(range(1, students + 1)), form=form, whole=True))


def opened(package: bytes) -> dict[str, bytes]:
    with ZipFile(BytesIO(package)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def local(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2]


def named(root: ElementTree.Element, name: str) -> list[ElementTree.Element]:
    return [one for one in root.iter() if local(one) == name]


# Packages ---------------------------------------------------------------------


@for_each("form", FORMS)
def test_a_package_has_what_its_manifest_lists_and_nothing_else(form):
    files = opened(qti_2_1(quiz_of(form)))
    manifest = ElementTree.fromstring(files["imsmanifest.xml"])
    listed = {one.get("href") for one in named(manifest, "file")}
    assert listed == files.keys() - {"imsmanifest.xml"}
    resources = {one.get("identifier") for one in named(manifest, "resource")}
    assert {one.get("identifierref") for one in named(manifest, "dependency")} <= resources


def test_every_picture_that_is_shown_is_there():
    files = opened(qti_2_1(quiz_of()))
    shown = 0
    for name, content in files.items():
        if name.endswith(".xml"):
            text = " ".join(ElementTree.fromstring(content).itertext()) + content.decode()
            for part in text.split('src="')[1:]:
                shown += 1
                folder = name.rpartition("/")[0]
                assert f"{folder}/{part.partition(chr(34))[0]}" in files
    assert shown > 10


def test_the_same_quiz_is_the_same_package():
    assert qti_2_1(quiz_of()) == qti_2_1(quiz_of())


@pytest.mark.skipif(not SCHEMAS, reason="QTI_SCHEMAS names no folder with the schemas")
@for_each("net", NETS)
@for_each("form", FORMS)
def test_qti_2_1_is_what_the_schemas_say(form, net):
    xmlschema = pytest.importorskip("xmlschema")
    of_items = xmlschema.XMLSchema(str(Path(SCHEMAS, "qtiv2p1/imsqti_v2p1.xsd")))
    of_packages = xmlschema.XMLSchema(str(Path(SCHEMAS, "imscp_v1p1.xsd")))
    for name, content in opened(qti_2_1(quiz_of(form, net))).items():
        if name.endswith(".xml"):
            schema = of_packages if name == "imsmanifest.xml" else of_items
            assert [str(one.reason) for one in schema.iter_errors(content.decode())] == [], name


# QTI 2.1, answered ------------------------------------------------------------


@pytest.fixture
def answered(tmp_path):
    """`answered(content, answers)`: the score, and which feedback is shown."""
    pytest.importorskip("pyslet")
    from pyslet import imsqtiv2p1, rfc2396
    from pyslet.qtiv2 import variables

    def run(content, answers):
        path = tmp_path / "item.xml"
        path.write_bytes(content)
        document = imsqtiv2p1.QTIDocument(base_uri=rfc2396.URI.from_path(str(path)))
        document.read()
        state = variables.ItemSessionState(document.root)
        state.begin_session()
        for declared in document.root.ResponseDeclaration:
            state.map[declared.identifier].set_value(answers.get(declared.identifier))
        state.end_attempt()
        feedback = state.map["FEEDBACK"].value if "FEEDBACK" in state.map else None
        return state.map["SCORE"].value, feedback

    return run


pyslets = pytest.mark.filterwarnings("ignore")  # of the reader's own


@pyslets
@pytest.mark.witness("pyslet")
@pytest.mark.parametrize("form", FORMS)
def test_a_reader_of_qti_2_1_gives_points_to_the_right_answer_alone(form, answered):
    quiz = quiz_of(form, students=1)
    files = opened(qti_2_1(quiz))
    items = [files[name] for name in files if name.startswith("items/q") and ".xml" in name]
    for content, question in zip(items, quiz.questions, strict=True):
        root = ElementTree.fromstring(content)
        said = {one.get("identifier"): one.text for one in named(root, "modalFeedback")}
        by_choice = quiz.by_choice(question)
        idents = {one.text: one.get("identifier") for one in named(root, "simpleChoice")}
        for answer in question.choices if by_choice else (question.right, *question.wrong):
            given = idents[answer.shown] if by_choice else answer.number
            score, feedback = answered(content, {"RESPONSE": given})
            assert score == (1 if answer is question.right else 0)
            right = question.solution
            assert said[feedback] == (right if answer is question.right else answer.why)


def whole_step(net: str = "worked") -> tuple[bytes, dict[str, float], dict[str, str]]:
    """The item, its right answers, and what each is called."""
    content = opened(qti_2_1(quiz_of(NUMBER, net, 1)))["items/step-1.xml"]
    root = ElementTree.fromstring(content)
    right = {
        one.get("identifier"): float(named(one, "value")[0].text)
        for one in named(root, "responseDeclaration")
    }
    names = {
        named(row, "textEntryInteraction")[0].get("responseIdentifier"): named(row, "td")[0].text
        for row in named(root, "tr")
    }
    return content, right, names


@pyslets
@pytest.mark.witness("pyslet")
def test_a_mistake_costs_its_own_value_and_not_what_follows_from_it(answered):
    content, right, names = whole_step()
    assert answered(content, right)[0] == pytest.approx(1)
    assert answered(content, {})[0] == 0
    at = {name: ident for ident, name in names.items()}
    wrong = dict(right)
    wrong[at["a_h1"]] = 0.9  # and everything behind it is worked with that
    weights = {
        f"w{k}": right[at[f"w{k} after the step"]] + right[at[f"∂E/∂w{k}"]] for k in range(1, 9)
    }
    assert _follow(wrong, at, weights) > 10
    count = len(right)
    assert answered(content, wrong)[0] == pytest.approx((count - 1) / count)
    alone = right | {at["a_h1"]: 0.9}  # and nothing behind it follows
    assert answered(content, alone)[0] == pytest.approx((count - 1) / count)
    both = wrong | {at["o1"]: 3.0}
    assert answered(content, both)[0] < (count - 1) / count


def _follow(values, at, weights):
    """The rest of the 2-2-2 network's step (η = 1) from the hidden activations that stand there;
    how many values that changes."""
    from math import exp

    before = dict(values)
    i, t = (0.05, 0.1), (0.5, 0.5)
    a = [values[at["a_h1"]], values[at["a_h2"]]]
    back, slopes = [0.0, 0.0], {}
    for k in (1, 2):
        first, second = f"w{3 + 2 * k}", f"w{4 + 2 * k}"
        o = weights[first] * a[0] + weights[second] * a[1]
        out = 1 / (1 + exp(-o))
        values[at[f"o{k}"]], values[at[f"a_o{k}"]] = o, out
        values[at[f"E{k}"]] = (t[k - 1] - out) ** 2 / 2
        signal = (out - t[k - 1]) * out * (1 - out)
        slopes |= {first: signal * a[0], second: signal * a[1]}
        back = [back[0] + signal * weights[first], back[1] + signal * weights[second]]
    values[at["E_total"]] = values[at["E1"]] + values[at["E2"]]
    for unit in (0, 1):
        for k in (0, 1):
            slopes[f"w{2 * unit + k + 1}"] = back[unit] * a[unit] * (1 - a[unit]) * i[k]
    for name, slope in slopes.items():
        values[at[f"∂E/∂{name}"]] = slope
        values[at[f"{name} after the step"]] = weights[name] - slope
    return sum(abs(values[ident] - before[ident]) > 1e-9 for ident in values)


@pyslets
@pytest.mark.witness("pyslet")
def test_a_rule_with_a_memory_is_carried_too(answered):
    content, right, _ = whole_step("momentum")
    assert answered(content, right)[0] == pytest.approx(1)


def test_several_samples_have_no_whole_step():
    assert [name for name in opened(qti_2_1(quiz_of(net="xor"))) if "step" in name] == []
