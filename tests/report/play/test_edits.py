"""Changes that clicks make to a network's text, held against the command's own reader."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradbook.errors import NetTextError
from gradbook.net import parse
from gradbook.report.play_page import building_table
from tests.cases import for_each
from tests.targets.page.machine import asked

pytestmark = pytest.mark.witness("node")

REMARKED = """# what it is
name remarked   # a name
input 2

  dense 3  # the hidden one
tanh       # bent
dropout 0.5
dense 2 no bias # the outputs
loss mse # of all
lr: 0.5 # not too fast
"""
IN_A_ROW = "input 2; dense 3; tanh; dropout 0.5; dense 2 no bias; loss mse; lr: 0.5"
MIXED = "input 2 # two\ndense 3; tanh # both\n\tdropout 0.5\ndense 2 no bias; loss mse\nlr: 0.5"
TEXTS = {"remarked": REMARKED, "in a row": IN_A_ROW, "mixed": MIXED}
LAYERS = ["dense 3", "tanh", "dropout 0.5", "dense 2 no bias"]


def edited(text, change, **how):
    grammar = json.loads(json.dumps(building_table()))["grammar"]
    return asked("edit", text=text, grammar=grammar, change=change, **how)


def layers(text):
    return [layer.text for layer in parse(text).layers]


def remarks(text):
    return sorted(line.partition("#")[2].strip() for line in text.splitlines() if "#" in line)


def others(text, own):
    """The lines that don't mention a layer's words."""
    return [line for line in text.splitlines() if own not in line]


@given(st.sampled_from(list(TEXTS)), st.integers(0, 3))
def test_a_layer_is_removed_and_all_other_lines_stay(name, layer):
    text = TEXTS[name]
    made = edited(text, "removed", layer=layer)
    assert layers(made) == LAYERS[:layer] + LAYERS[layer + 1 :]
    assert remarks(made) == remarks(text)
    assert set(others(text, LAYERS[layer])) <= set(made.splitlines())


@given(st.sampled_from(list(TEXTS)), st.integers(0, 3))
def test_a_layer_is_added_behind_another_and_all_other_lines_stay(name, layer):
    text = TEXTS[name]
    made = edited(text, "inserted", layer=layer, words="relu")
    assert layers(made) == [*LAYERS[: layer + 1], "relu", *LAYERS[layer + 1 :]]
    assert remarks(made) == remarks(text)
    assert set(others(text, LAYERS[layer])) <= set(made.splitlines())


@given(st.sampled_from(list(TEXTS)), st.sampled_from([0, 3]), st.integers(1, 999))
def test_a_number_alone_is_changed(name, layer, number):
    text = TEXTS[name]
    old = LAYERS[layer]
    new = " ".join([old.split()[0], str(number), *old.split()[2:]])
    assert edited(text, "numbered", layer=layer, words=str(number)) == text.replace(old, new)
    assert edited(text, "reworded", layer=layer, words=new) == text.replace(old, new)


@for_each("text", TEXTS.values(), ids=TEXTS)
def test_a_setting_is_changed_where_it_stands_or_added(text):
    made = edited(text, "set", words=["loss", "huber loss"])
    assert made == text.replace("loss mse", "loss huber loss")
    assert parse(edited(text, "set", words=["update", "adam"])).update.kind == "adam"
    assert edited(text, "rated", words="0.25") == text.replace("lr: 0.5", "lr: 0.25")


def test_characters_that_take_two_units_shift_nothing():
    text = "\ufeffname 𝔛𝔜 ; input 2 ; dense 3 # 𝔚\r\ntanh; dense 1"
    made = edited(text, "numbered", layer=0, words="7")
    assert made == text.replace("dense 3", "dense 7")


SOMEWHERE = ("input 1x6x6; {}; maxpool all; flatten; dense 1", "input 4; tanh; {}; dense 1")
SOMEWHERE += ("input 2x4x4; relu; {}; maxpool all; flatten; dense 1", "input 4; {}; dense 1")
SOMEWHERE += ("input 4; tanh; {}; add back 1; dense 1", "input 4x2; {}; dense 1")
SOMEWHERE += ("input 300x1; {}; flatten; dense 1", "input 4; {}; flatten; dense 1")
SOMEWHERE += ("input 4x2; {}; flatten; dense 1", "input 4x2; embed 2; {}; flatten; dense 1")


def test_every_layer_that_a_card_makes_can_be_added_with_its_usual_fields():
    grammar = json.loads(json.dumps(building_table()))["grammar"]
    for words in asked("usual", grammar=grammar):
        assert any(stands(net.format(said)) for said in words for net in SOMEWHERE), words


def stands(text):
    try:
        parse(text)
    except NetTextError:
        return False
    return True
