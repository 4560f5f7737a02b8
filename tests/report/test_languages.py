"""Derivations and handouts in another language: nothing stays English but names and signs."""

from __future__ import annotations

import json
import re

import pytest

import gradbook as gb
from gradbook.data.sources import load
from gradbook.lab.classroom import personalise
from gradbook.lab.models.model import untrained_model
from gradbook.net import Net
from gradbook.report.derivation import explain_image
from gradbook.report.handout import handout, handouts_page
from gradbook.targets.drawing.shapes import ems
from gradbook.targets.excel.plan.column_order import KINDS, Exercise
from tests.cases import for_each
from tests.pseudo import PLAIN_WORD, plain_words, pseudo_language, spelled

WIDE = """\
input 2x4x4; conv 4 3x3 groups 2 pad 1; prelu; groupnorm 2; avgpool 2; upsample 2; flatten
dense 3; leaky relu 0.2; dense 3; add back 1; layernorm; dense 2; softmax
loss cross-entropy smoothing 0.1; update adamw
"""
SEVERAL = """\
input 2; dense 3 no bias; relu6; dense 2; loss huber loss; update momentum 0.9 nesterov
sample 1 2 -> 0 1; sample 1 2 -> 0 2
"""
NETWORKS = {
    **{
        name: gb.builtin(name) for name in ("worked", "xor", "strokes", "echo", "attention-by-hand")
    },
    "wide": Net.parse(WIDE),
    "several": Net.parse(SEVERAL),
}
FUNCTIONS = ("exp", "tanh", "sinh", "cosh", "max", "min", "abs", "softmax", "groupmean", "mean")
GOING_BACK = ("unmaxpool", "unavgpool", "unupsample")
ATTENTION = ("query", "key", "value", "score", "share", "mixed", "output")  # of what names say
NAMES = ("total", "sample", "NUMBER", *FUNCTIONS, *GOING_BACK, *ATTENTION, "only", "all")
INVISIBLE = re.compile(r"<(style|script)\b[^>]*>.*?</\1>", re.DOTALL)
READ_OUT = re.compile(r'(?:aria-label|alt|title|data-\w+|lang)="([^"]*)"')
TEX = re.compile(r"\\(?:begin|end)\{[a-z*]+\}|\{@\{\}[^@]*@\{\}\}|\\[A-Za-z]+")


@pytest.fixture(params=NETWORKS)
def net(request) -> Net:
    return NETWORKS[request.param]


def of_the_text(net: Net) -> set[str]:
    """The words of a network's text and of options, which are typed and not spoken."""
    return {*PLAIN_WORD.findall(str(net)), "format", "json"}


def seen(page: str) -> str:
    """What a page shows and what it is read out as."""
    shown = INVISIBLE.sub("", page)
    return " ".join([re.sub("<[^>]*>", " ", shown), *READ_OUT.findall(shown)])


@pytest.mark.parametrize("everything", [False, True])
def test_a_derivation_is_translated_to_its_last_word(net, everything):
    with pseudo_language():
        text = str(gb.explain(net, everything=everything))
    assert plain_words(text, *NAMES, *of_the_text(net)) == []


def test_its_page_is_too(net):
    with pseudo_language():
        page = gb.explain(net).html("gradbook explain")
    assert plain_words(seen(page), *NAMES, *of_the_text(net), "gradbook", "explain") == []
    assert '<html lang="xx"' in page


def test_so_is_what_latex_sets(net):
    with pseudo_language():
        found = gb.explain(net)
        latex, markdown = found.latex(), found.markdown()
    latex = latex.partition("\\begin{document}")[2]
    for said in (latex, markdown):
        assert plain_words(TEX.sub(" ", said), *NAMES, *of_the_text(net), "math") == []


def test_an_image_is_told_of_in_the_language():
    data = load("digits")
    model = untrained_model(gb.builtin("flat"), data)
    images = data.test_for_reporting
    with pseudo_language():
        found = explain_image(model, images.pixels[0], int(images.labels[0]))
        text, page = str(found), found.html()
    for said in (text, seen(page)):
        assert plain_words(said, *NAMES, *of_the_text(model.net)) == []


def test_for_programs_it_stays_english(net):
    english = gb.explain(net).json()
    with pseudo_language():
        assert gb.explain(net).json() == english
    assert json.loads(english)["network"] == str(net)


@for_each("name", ["worked", "xor"])
@for_each("solved", [False, True])
def test_a_handout_is_translated(name, solved):
    net = personalise(gb.builtin(name), 7)
    with pseudo_language():
        page = handout(net, Exercise("7", seed=7, kinds=KINDS), 0.5)
        said = seen(handouts_page([page], solved=solved))
    assert spelled("Given") in said
    assert plain_words(said, *of_the_text(net), *NAMES) == []
    assert not re.search(r"[0-9]\.[0-9]", said)


def test_a_drawing_has_room_for_letters_that_are_wide():
    assert ems("学习率") > 3 * ems("a")
    assert ems("é") == ems("e")
    assert ems("É") == ems("E")
