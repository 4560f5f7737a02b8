"""The derivation: in every format, and as a page."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings

from gradbook.graph.names import Name
from gradbook.net import LESSONS, builtin, parse
from gradbook.net.lower import scalar_step
from gradbook.report.derivation import explain
from gradbook.report.derivation_page import derivation_page
from gradbook.report.explanation import Explanation
from gradbook.targets.algebra.derive import derive
from gradbook.targets.algebra.forms import (
    Code,
    Document,
    Equation,
    EquationLine,
    EquationNumber,
    Heading,
    Numeral,
    Paragraph,
    Symbol,
    TableBlock,
)
from tests.cases import for_each
from tests.families import networks
from tests.report.html import words
from tests.report.test_page import HOSTILE, Outline

LARGE = parse("input 4; dense 8; tanh; dense 3; softmax; loss cross-entropy")


def test_one_derivation_is_written_in_every_format():
    explanation = explain(builtin("worked"))
    assert str(explanation).startswith("Backpropagation step by step: worked\n===")
    assert explanation.html().startswith("<!DOCTYPE html>")
    assert explanation.latex().startswith("\\documentclass")
    assert explanation.markdown().startswith("# Backpropagation step by step: worked")


def test_one_weight_can_be_asked_for():
    text = str(explain(builtin("worked"), "w5"))
    assert "Weight w5" in text
    assert "Weight w6" not in text


def test_everything_of_a_large_network_only_where_it_is_asked_for():
    assert "Weight w56" not in str(explain(LARGE))
    assert "Weight w56" in str(explain(LARGE, everything=True))


THREE_LAYERS = "input 2; dense 3; tanh; dense 3; sigmoid; dense 2; sigmoid"
SAMPLE = f"{THREE_LAYERS}; sample 0.05 0.1 -> 0.01 0.99; seed 7"
NINE = "".join(f"; sample 0.{k} 0.5 -> 0.{9 - k} 1" for k in range(9))
SHAPES = [(3, 2), (3, 3), (2, 3)]
MEDIA = {
    "text": str,
    "markdown": Explanation.markdown,
    "latex": Explanation.latex,
    "notebook": Explanation._repr_markdown_,
    "html": lambda said: words(said.html()),
}
GIVEN = re.compile(r"\b([itwb])(?:_[{(])? ?(\d+)[})]? ?= ?([−-]? ?\d+(?:\.\d+)?(?:e-\d+)?)")


def number_count(said: str) -> dict[str, float]:
    """What a reader takes from "w1 = 0.15", however a medium sets it."""
    given: dict[str, float] = {}
    for stem, index, number in GIVEN.findall(said):
        given.setdefault(stem + index, float(number.replace("−", "-").replace(" ", "")))
    return given


def error_by_hand(given: Mapping[str, float]) -> float:
    """E_total of the three layers, from these numbers and nothing else."""

    def of(stem: str, count: int, first: int) -> np.ndarray:
        return np.array([given[f"{stem}{first + k + 1}"] for k in range(count)])

    values, weights, biases = of("i", 2, 0), 0, 0
    for squash, (wide, long) in zip((np.tanh, logistic, logistic), SHAPES, strict=True):
        matrix = of("w", wide * long, weights).reshape(wide, long)
        values = squash(matrix @ values + of("b", wide, biases))
        weights, biases = weights + wide * long, biases + wide
    return float(((of("t", 2, 0) - values) ** 2).sum() / 2)


def logistic(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


@for_each("medium", MEDIA)
def test_all_that_a_reader_needs_to_work_it_out_again_stands_in_it(medium):
    derivation = explain(parse(SAMPLE))
    given = number_count(MEDIA[medium](derivation))
    known = json.loads(derivation.json())
    assert error_by_hand(given) == pytest.approx(known["error"], rel=1e-6)
    for weight in known["weights"]:
        more = given | {weight["name"]: given[weight["name"]] + 1e-4}
        less = given | {weight["name"]: given[weight["name"]] - 1e-4}
        slope = (error_by_hand(more) - error_by_hand(less)) / 2e-4
        assert slope == pytest.approx(weight["gradient"], rel=1e-4, abs=1e-8)


def test_inputs_and_targets_of_several_samples_stand_in_their_table():
    text = str(explain(parse(f"{SAMPLE}; sample 0.3 -0.2 -> 0.5 0.25"), "b8"))
    given = number_count(text)
    errors = []
    for k in range(2):
        of_sample = {
            line.split()[0]: float(line.split()[1 + k].replace("−", "-"))
            for line in text.splitlines()
            if re.match(r" +[it]\d ", line) and len(line.split()) == 3
        }
        errors.append(error_by_hand(given | of_sample))
    total = json.loads(explain(parse(f"{SAMPLE}; sample 0.3 -0.2 -> 0.5 0.25")).json())["error"]
    assert sum(errors) / 2 == pytest.approx(total, rel=1e-6)


@for_each("many", ["input 12; dense 20; tanh; dense 2", f"{THREE_LAYERS}{NINE}"])
def test_where_more_numbers_stand_than_can_be_listed_is_said(many):
    derivation = explain(parse(many))
    assert "--json gives all of them" in " ".join(str(derivation).split())
    step, known = scalar_step(derivation.net), json.loads(derivation.json())
    assert known["start"] == {str(w.name): float(step.start[w]) for w in step.weights}
    given = {str(x.name): step.data[x].tolist() for x in (*step.inputs, *step.targets)}
    assert known["samples"] == given


W1 = Symbol(Name("w", (1,)))
NET = builtin("worked")


def written(*blocks, net=NET, command=""):
    return derivation_page(Document("Backpropagation", blocks), net, command)


def ids(html: str) -> list[str]:
    return [attributes["id"] for _, attributes in Outline(html).tags if "id" in attributes]


def links(html: str) -> list[str]:
    return [attributes["href"] for tag, attributes in Outline(html).tags if tag == "a"]


def whole(name: str) -> str:
    net = builtin(name)
    return derivation_page(derive(scalar_step(net)), net)


@for_each("name", LESSONS)
def test_every_link_of_a_page_leads_somewhere(name):
    html = whole(name)
    anchors = [f"#{anchor}" for anchor in ids(html)]
    assert len(anchors) == len(set(anchors))
    assert links(html)
    assert set(links(html)) <= set(anchors)


@for_each("name", LESSONS)
def test_pages_are_well_nested_and_headings_step_by_one(name):
    outline = Outline(whole(name))
    assert (outline.open, outline.misnested) == ([], [])
    levels = [int(tag[1]) for tag, _ in outline.tags if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


@settings(max_examples=30)
@given(networks(depth=2, width=2, samples=2))
def test_any_network_s_page_is_well_nested(net):
    outline = Outline(derivation_page(derive(scalar_step(net)), net))
    assert (outline.open, outline.misnested) == ([], [])


def test_no_element_has_a_style_of_its_own_which_the_page_would_not_obey():
    assert not any("style" in attributes for _, attributes in Outline(whole("worked")).tags)


def test_every_weight_can_be_jumped_to():
    html = whole("worked")
    assert {f"#weight-w{k}" for k in range(1, 9)} <= set(links(html))


def test_the_network_is_drawn_before_anything_is_said():
    html = whole("xor")
    assert html.index("<svg") < html.index("<h2")
    assert "The network xor: input 2, dense 3, tanh" in html


def test_references_lead_to_their_equations():
    html = written(
        Equation((EquationLine(W1, "=", Numeral(1)),), 7),
        Paragraph(("As in ", EquationNumber(7), ".")),
    )
    assert 'id="equation-7"' in html
    assert 'As in <a href="#equation-7">(7)</a>.' in html


def test_equal_headings_have_anchors_that_differ():
    html = written(Heading(("Sums",)), Heading(("Sums",)), Heading(("Sums", W1), 2))
    assert {"sums", "sums-2", "sumsw1"} <= set(ids(html))


def test_columns_of_numbers_stand_right_and_words_left():
    html = written(TableBlock((("what",), ("value",)), ((("rate",), (Numeral(1),)),)))
    assert '<th scope="col" class="words">what</th><th scope="col">value</th>' in html
    assert '<td class="words">rate</td><td><math>' in html


def test_an_aside_is_told_from_the_rest():
    html = written(Paragraph(("main",)), Paragraph(("why",), aside=True))
    assert "<p>main</p>" in html
    assert '<p class="aside">why</p>' in html


def test_whatever_somebody_wrote_stays_words():
    net = parse("input 1; dense 1")
    said = Document(
        HOSTILE, (Heading((HOSTILE,)), Paragraph((HOSTILE, Code(HOSTILE))), Heading((HOSTILE,), 2))
    )
    html = derivation_page(said, net, HOSTILE)
    assert "script" not in {tag for tag, _ in Outline(html).tags}
    named = parse("name <script>alert(1)</script>\ninput 1\ndense 1")
    html = derivation_page(derive(scalar_step(named)), named)
    assert "script" not in {tag for tag, _ in Outline(html).tags}


def test_the_foot_says_how_the_page_was_made():
    assert "<code>gradbook explain worked</code>" in written(command="gradbook explain worked")
    assert "<footer>" not in written()
