"""A quiz's numbers: right ones are PyTorch's and the definition's, wrong ones say how."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import numpy as np
import pytest

import gradbook as gb
from gradbook.errors import LimitError, UsageError
from gradbook.graph.reference import evaluate
from gradbook.lab.classroom import personalise
from gradbook.net import parse
from gradbook.net.formulas import parse_formulas
from gradbook.net.lower import scalar_step
from gradbook.teaching.quiz import CELL, DERIVATIVE, KINDS, NUMBER, RATE, UPDATE, VALUE
from gradbook.teaching.quiz.asking import QuizPlan, make_quiz
from gradbook.teaching.quiz.questions import Question, Quiz
from gradbook.teaching.quiz.writing import quiz_json
from tests.cases import for_each

NETS = {
    "worked": "worked",
    "mazur": "mazur",
    "xor": "xor",
    "relu": "input 2; dense 3; relu; dense 2; softmax; loss cross-entropy; sample 1 -2 -> 1 0",
    "momentum": "input 2; dense 2; tanh; dense 1; update momentum 0.9; rate 0.3; sample 1 2 -> 1",
    "adam": "input 2; dense 2; tanh; dense 1; update adamw; rate 0.1; sample 1 2 -> 1",
    "echo": "echo",
}


def net_of(name: str) -> gb.Net:
    text = NETS[name]
    return parse(text) if ";" in text else gb.builtin(text)


def quiz_of(name: str, *students: int | str, **plan: object) -> Quiz:
    return make_quiz(net_of(name), QuizPlan(students or (3,), **plan))


def asked(quiz: Quiz, kind: str) -> dict[str, Question]:
    return {one.subject: one for one in quiz.questions if one.kind == kind}


def read(said: str) -> float:
    """A number as it is shown: −2.5·10⁻⁶."""
    digits, _, power = said.replace("−", "-").partition("·10")
    raised = power.translate(str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")) or "0"
    return float(f"{digits}e{raised}")


def number(question: Question) -> float:
    assert question.right.number is not None
    return question.right.number


# The right numbers ------------------------------------------------------------


@for_each("name", ["worked", "mazur", "relu", "momentum"])
def test_derivatives_are_pytorchs(name, torch):
    from tests.outside.torch_twin import gradients

    expected = gradients(personalise(net_of(name), 3))
    found = {
        subject.partition("/∂")[2]: number(question)
        for subject, question in asked(quiz_of(name), DERIVATIVE).items()
    }
    weights = found.keys() & expected.keys()
    assert len(weights) >= 3
    for weight in weights:
        assert found[weight] == pytest.approx(expected[weight], rel=1e-9)


@for_each("name", ["momentum", "adam", "worked"])
def test_weights_after_a_step_are_pytorchs(name, torch):
    from tests.outside.torch_twin import history

    net = personalise(net_of(name), 3)
    _, after = history(net, 2)
    found = asked(quiz_of(name), UPDATE)
    assert found
    for weight, question in found.items():
        assert number(question) == pytest.approx(after.weights[weight], rel=1e-9)


@for_each("name", NETS)
def test_derivatives_of_sums_are_finite_differences(name):
    """A nudge is added to the value, and the error told again from there."""
    net = personalise(net_of(name), 3)
    step = scalar_step(net)
    given = {**step.data, **step.start}
    values = evaluate([step.loss], given)
    by_name = {str(node.name): node for node in values if node.name}
    found = asked(quiz_of(name), DERIVATIVE)
    assert found
    for question in found.values():
        to = question.subject.partition("/∂")[2]
        node = by_name[to]
        sample = _sample(question)
        losses = [
            float(
                evaluate([step.loss], {**given, node: _nudged(values[node], sample, by)})[step.loss]
            )
            for by in (1e-6, -1e-6)
        ]
        slope = (losses[0] - losses[1]) / 2e-6
        share = 1 if question.subject.startswith("∂E_total") else step.samples  # of the mean
        assert number(question) == pytest.approx(share * slope, rel=1e-5, abs=1e-9), to


def _sample(question: Question) -> int:
    found = re.search(r"for sample (\d+)", question.ask)
    assert found is None or int(found[1]) >= 1
    return int(found[1]) - 1 if found else 0


def _nudged(value, sample, by):
    nudged = np.array(value, float)
    nudged[(sample,) if nudged.ndim else ()] += by
    return nudged


@for_each("name", NETS)
def test_values_are_the_steps_own(name):
    net = personalise(net_of(name), 3)
    step = scalar_step(net)
    values = evaluate([step.loss, *step.outputs], {**step.data, **step.start})
    own = {str(node.name): value for node, value in values.items() if node.name}
    found = asked(quiz_of(name), VALUE)
    assert found
    for subject, question in found.items():
        value = np.asarray(own[subject])
        right = value[_sample(question)] if value.ndim else value
        assert number(question) == pytest.approx(float(right), rel=1e-12)


def test_the_rate_leads_to_the_weight_that_is_given():
    (question,) = asked(quiz_of("worked"), RATE).values()
    (_, before), (_, slope), (_, after) = ((name, read(said)) for name, said in question.givens)
    assert before - number(question) * slope == pytest.approx(after, rel=1e-6)


# Wrong numbers ----------------------------------------------------------------


@for_each("name", NETS)
def test_every_wrong_answer_is_wrong_and_says_why(name):
    for question in quiz_of(name, 1, 2).questions:
        assert len(question.wrong) >= 2
        assert question.choices.count(question.right) == 1
        assert len(question.choices) >= 3
        shown = [one.shown for one in question.choices]
        assert len(set(shown)) == len(shown)
        for wrong in question.wrong:
            assert wrong.why.endswith((".", "?"))
            if wrong.number is not None:
                assert abs(wrong.number - number(question)) > 2 * question.tolerance


def test_a_slope_left_out_is_the_chain_without_it():
    """∂E/∂w5 of the 2-2-2 network, written down once more."""
    question = asked(quiz_of("worked"), DERIVATIVE)["∂E_total/∂w5"]
    given = {name: read(said) for name, said in question.givens}
    error, a, h = given["a_o1"] - given["t1"], given["a_o1"], given["a_h1"]
    wrong = {one.why: one.number for one in question.wrong}
    assert wrong["The slope ∂a_o1/∂o1 of the activation is left out."] == pytest.approx(
        error * h, rel=1e-5
    )
    assert wrong["That is ∂E_total/∂w6."] == pytest.approx(
        error * a * (1 - a) * given["a_h2"], rel=1e-5
    )
    assert wrong["∂a_o1/∂o1 is computed from o1, not from a_o1."] == pytest.approx(
        error * given["o1"] * (1 - given["o1"]) * h, rel=1e-5
    )


def test_a_path_left_out_is_the_sum_without_it():
    question = asked(quiz_of("worked"), DERIVATIVE)["∂E_total/∂h1"]
    given = {name: read(said) for name, said in question.givens}
    a, t = given["a_o2"], given["t2"]
    through_o2 = (a - t) * a * (1 - a) * given["w7"] * given["a_h1"] * (1 - given["a_h1"])
    why = "The path through o1 is missing: here it only goes through o2."
    assert {one.why: one.number for one in question.wrong}[why] == pytest.approx(
        through_o2, rel=1e-5
    )


FORWARD = ("h1", "h2", "a_h1", "a_h2", "o1", "o2", "a_o1", "a_o2")
CELLS = re.compile(r"([A-Z]+2), (\S+): ([^;\s]+)")


@for_each("student", range(1, 9))
def test_the_wrong_cell_is_the_only_one_that_its_own_cells_dont_make(student):
    (question,) = asked(quiz_of("worked", student), CELL).values()
    assert question.picture
    cells = CELLS.findall(question.picture.words)
    numbers = {name: read(said) for _, name, said in cells}
    odd = [name for name in FORWARD if abs(numbers[name] - _again(name, numbers)) > 1e-6]
    (wrong,) = (name for cell, name, _ in cells if cell == question.right.shown)
    assert odd == [name for name in [wrong] if name in FORWARD]


def _again(name, v):
    if name.startswith("a_"):
        return 1 / (1 + np.exp(-v[name[2:]]))
    first = {"h1": 1, "h2": 3, "o1": 5, "o2": 7}[name]
    before = ("i1", "i2") if name[0] == "h" else ("a_h1", "a_h2")
    return v[f"w{first}"] * v[before[0]] + v[f"w{first + 1}"] * v[before[1]]


# Whose they are ---------------------------------------------------------------


def test_the_same_quiz_comes_again_and_others_get_other_numbers():
    one, again, other = (quiz_of("worked", student) for student in ("Ada", "Ada", "Alan"))
    assert one == again
    numbers = [[q.right.number for q in quiz.questions] for quiz in (one, other)]
    differ = [a != b for a, b in zip(*numbers, strict=True)]
    assert sum(differ) > 0.9 * len(differ)


def test_a_students_numbers_dont_depend_on_who_else_there_is():
    alone = quiz_of("worked", 4).questions
    among = [one for one in quiz_of("worked", 3, 4, 5).questions if one.student == "4"]
    assert list(alone) == among


def test_the_numbers_are_those_of_the_exercise():
    """Student 7 has the same start weights in a workbook, on paper and in a quiz."""
    net = personalise(gb.builtin("worked"), 7)
    given = dict(asked(quiz_of("worked", 7), DERIVATIVE)["∂E_total/∂w1"].givens)
    weights = next(iter(net.start.values()))
    assert [read(given[f"w{k}"]) for k in range(1, 9)] == list(weights)


def test_all_kinds_are_asked_for_or_those_that_are_meant():
    assert {one.kind for one in quiz_of("worked").questions} == set(KINDS)
    assert {one.kind for one in quiz_of("worked", kinds=(UPDATE,)).questions} == {UPDATE}


def test_a_weight_is_right_to_a_share_of_its_step():
    """Half a per cent of the weight itself would let it stay where it is."""
    for question in asked(quiz_of("worked", form=NUMBER), UPDATE).values():
        before = read(question.givens[0][1])
        assert question.tolerance == pytest.approx(0.005 * abs(number(question) - before))


def test_a_large_network_is_refused():
    with pytest.raises(LimitError, match="'dense 9' in place of 'dense 30' would fit"):
        make_quiz(parse("input 30; dense 30; dense 1"), QuizPlan((1,)))


@for_each(
    ("plan", "said"),
    [
        ({"kinds": ("weights",)}, "'weights'"),
        ({"form": "essay"}, "'essay'"),
        ({"tolerance": 0.0}, "tolerance"),
        ({"tolerance": 0.5}, "tolerance"),
    ],
)
def test_a_plan_that_cant_be_meant_is_refused(plan, said):
    with pytest.raises(UsageError, match=said):
        QuizPlan((1,), **plan)


def test_json_has_every_question():
    quiz = quiz_of("worked", 1, 2)
    record = json.loads(quiz_json(quiz))
    assert len(record["questions"]) == len(quiz.questions)
    first = record["questions"][0]
    assert first["right"]["number"] == number(quiz.questions[0])
    assert set(first["choices"]) >= {first["right"]["shown"]}
    assert replace(quiz, questions=()).form == record["form"]


def test_the_network_is_told_with_the_loss_that_it_means():
    assert quiz_of("momentum").about.endswith("; loss half squared error.")


def test_formulas_are_asked_about_with_numbers_near_those_given():
    formulas = parse_formulas(
        "h = w*x + b; a = tanh(h); E = (a - t)^2 / 2; w = 0.5; b = -3; x = 2; t = 1; sample x t"
    )
    quiz = make_quiz(formulas, QuizPlan(("Ada", "Bo")))
    assert "h = w*x + b" in quiz.about
    assert {question.kind for question in quiz.questions} == set(KINDS)
    for student in ("Ada", "Bo"):
        own = personalise(formulas, student)
        (w,), (b,) = own.numbers["w"], own.numbers["b"]
        assert 0.25 <= w <= 0.75
        assert -4.5 <= b <= -1.5
        assert (own.numbers["x"], own.numbers["t"]) == ((2,), (1,))
        a = np.tanh(w * 2 + b)
        (asked,) = (
            one for one in quiz.questions if (one.subject, one.student) == ("∂E/∂w", student)
        )
        assert asked.right.number == pytest.approx((a - 1) * (1 - a**2) * 2)
        assert all(one.number != pytest.approx(asked.right.number) for one in asked.wrong)
