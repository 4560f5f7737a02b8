"""An exercise on paper: what it asks for, what it gives, and its key."""

from __future__ import annotations

import numpy as np
import pytest

import gradbook as gb
from gradbook.errors import LimitError
from gradbook.graph.node import ancestors
from gradbook.lab.classroom import personalise
from gradbook.net.lower import scalar_step
from gradbook.report.handout import Handout, handout
from gradbook.targets.algebra.terminal_text import spell
from gradbook.targets.excel.plan.column_order import KINDS, UPDATE, Exercise
from tests.cases import for_each

RATE = 0.5


def page(name: str, seed: int = 7, **asked: object) -> Handout:
    net = personalise(gb.builtin(name), seed)
    return handout(net, Exercise(str(seed), seed=seed, **asked), RATE)


def numbers(quantities) -> dict[str, tuple[float, ...]]:
    return {spell(one.name): one.numbers for one in quantities}


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def error(given: dict[str, float], weights: np.ndarray) -> float:
    """The 2-2-2 network, written down once more."""
    i, t = ([given[f"{stem}{k}"] for k in (1, 2)] for stem in "it")
    hidden = sigmoid(weights[:4].reshape(2, 2) @ i)
    output = sigmoid(weights[4:].reshape(2, 2) @ hidden)
    return float(((np.array(t) - output) ** 2).sum() / 2)


def test_the_key_has_the_slopes_that_a_nudge_measures_and_the_weights_that_follow():
    made = page("worked", kinds=("gradients", UPDATE))
    given = {name: value[0] for name, value in numbers(made.printed).items()}
    weights = np.array([given[f"w{k}"] for k in range(1, 9)])
    assert error(given, weights) == pytest.approx(given["E_total"], rel=1e-12)
    nudge = 1e-6
    slopes = [
        (error(given, weights + nudge * one) - error(given, weights - nudge * one)) / 2 / nudge
        for one in np.eye(8)
    ]
    key = numbers(made.asked["gradients"])
    assert [key[f"∂E_total/∂w{k}"][0] for k in range(1, 9)] == pytest.approx(slopes, abs=1e-9)
    following = numbers(made.asked[UPDATE])
    moved = weights - RATE * np.array(slopes)
    assert [following[f"w{k}"][0] for k in range(1, 9)] == pytest.approx(moved, abs=1e-9)


@for_each("name", ["worked", "mazur", "xor"])
@for_each("kinds", [(kind,) for kind in KINDS] + [KINDS])
@for_each("places", [None, 1])
def test_it_asks_for_what_the_workbook_leaves_blank_and_gives_nothing_made_of_that(
    name, kinds, places
):
    made = page(name, kinds=kinds, places=places)
    step = scalar_step(made.net)
    blank = Exercise(seed=7, kinds=kinds, places=places).blank(step)
    named = {spell(one.name) for part in made.asked.values() for one in part}
    assert len(named) == len(blank) == sum(map(len, made.asked.values()))
    given = {spell(one.name) for one in made.printed}
    inside = {node for node in blank if node not in step.weights}
    for node in ancestors([step.loss]):
        if node.name and inside & set(ancestors([node])):
            assert str(node.name) not in given
    assert {f"w{k}" for k in range(1, 9)} <= given


def test_the_rule_of_an_update_is_told_with_what_it_remembers():
    net = gb.Net.parse("input 1; dense 1 no bias; sample 1 -> 0; update momentum 0.9")
    made = handout(net, Exercise(kinds=(UPDATE,)), RATE)
    rules = [spell(rule) for rule in made.rules]
    assert rules[-2:] == ["v_w1 ← 0.9·v_w1 + ∂E_total/∂w1", "w1 ← w1 − η·v_w1"]
    assert numbers(made.printed)["v_w1"] == (0.0,)
    assert spell(page("worked", kinds=(UPDATE,)).rules[-1]) == "w1 ← w1 − η·∂E_total/∂w1"


def test_several_samples_have_a_number_each():
    made = page("xor", kinds=("loss",))
    assert [len(one.numbers) for one in made.asked["loss"]] == [4, 1]
    assert made.blanks == 5


def test_the_same_seed_gives_the_same_page_and_another_seed_another():
    assert page("worked") == page("worked")
    assert numbers(page("worked").printed) != numbers(page("worked", 8).printed)


def test_what_has_no_room_is_refused_with_a_remedy():
    with pytest.raises(LimitError, match="room for 8 samples, this network has 9"):
        handout(gb.Net.parse("input 1; dense 1" + "; sample 1 -> 0" * 9), Exercise(), RATE)
    with pytest.raises(LimitError, match="one page, and this network has 420 weights"):
        handout(gb.Net.parse("input 20; dense 20"), Exercise(), RATE)
