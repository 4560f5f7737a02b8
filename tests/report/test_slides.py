"""A derivation as slides: what stands on each, and which way through the network is strong."""

from __future__ import annotations

import re

import numpy as np

import gradbook as gb
from gradbook.graph.node import ancestors
from gradbook.graph.reference import evaluate
from gradbook.net.derivation import derivation
from gradbook.net.lower import scalar_step
from gradbook.targets.drawing import draw, shapes_of
from gradbook.targets.drawing.shapes import Label, Polyline, Unit
from tests.cases import for_each

DEEP = (
    "input 2; dense 2; tanh; dense 3; sigmoid; dense 2; softmax; loss cross-entropy; "
    "sample 0.3 0.7 -> 1 0"
)


def names(found) -> set[str]:
    return {str(name) for name in found}


@for_each("text", ["worked", "mazur", "xor", DEEP])
def test_a_way_has_the_values_that_change_with_its_weight_and_no_others(text):
    net = gb.builtin(text) if ";" not in text else gb.Net.parse(text)
    step = scalar_step(net)
    derived = derivation(step)
    given = {**step.data, **step.start}
    before = evaluate(derived.forward, given)
    used = {str(node.name) for node in ancestors([step.loss]) if node.name}
    for weight in step.gradients:
        moved = evaluate(derived.forward, {**given, weight: given[weight] + 0.125})
        changed = {
            str(node.name)
            for node in derived.forward
            if not np.array_equal(before[node], moved[node])
        }
        way = names(derived.way(weight)) - names(one.name for one in step.weights)
        assert changed & used == way  # an output may stand beside the way to the error


def test_the_weights_on_the_way_belong_to_it():
    step = scalar_step(gb.builtin("worked"))
    derived = derivation(step)
    found = {str(weight.name): names(derived.way(weight)) for weight in step.gradients}
    assert found["w5"] == {"w5", "o1", "a_o1", "E1", "E_total"}
    assert {"w1", "w5", "w7", "h1", "a_h1", "o1", "o2"} <= found["w1"]
    assert not {"w6", "w8", "w2", "h2"} & found["w1"]


def test_the_shapes_of_a_way_are_its_units_its_weights_and_the_lines_between():
    net = gb.builtin("worked")
    step = scalar_step(net)
    derived = derivation(step)
    w5 = next(one for one in step.weights if str(one.name) == "w5")
    found = shapes_of(draw(net, numbers=True), derived.way(w5))
    said = [shape.text + shape.subscript for shape in found if isinstance(shape, Label)]
    assert sorted(said) == ["E1", "Etotal", "ao1", "o1", "w5"]
    assert sum(isinstance(shape, Unit) for shape in found) == 3
    # two pieces of the weight's own line, to the error, to the sum
    assert sum(isinstance(shape, Polyline) for shape in found) == 4
    assert shapes_of(draw(net), []) == []


def sections(html: str) -> list[str]:
    return re.findall(r"<section .*?</section>", html, re.DOTALL)


def test_each_weight_has_a_slide_of_its_own_with_its_way():
    html = gb.explain(gb.builtin("worked")).slides("gradbook explain")
    strong = [one for one in sections(html) if 'class="strong"><path' in one]
    titles = [re.search(r"<h2.*?>(.*?)</h2>", one, re.DOTALL)[1] for one in strong]
    assert [title[:7] for title in titles] == ["Weight "] * 8
    assert html.count("<use ") == len(sections(html))
    assert html.count('id="network-drawing"') == 1
    for one in sections(html):
        assert "equation" in one or "<table" in one or "<p" in one


def test_a_model_on_an_image_has_slides_without_a_way():
    from gradbook.data.sources import load
    from gradbook.lab.models.model import untrained_model

    data = load("digits")
    model = untrained_model(
        gb.Net.parse("input 1x28x28; maxpool 4x4; flatten; dense 10; log softmax"), data
    )
    image = data.test_for_reporting
    html = gb.explain(model, image=image.pixels[0], label=int(image.labels[0])).slides()
    assert len(sections(html)) > 2
    assert 'class="strong"><path' not in html


def test_nothing_is_loaded_and_a_hostile_name_is_text():
    hostile = "</script><script>alert(1)</script>"
    html = gb.explain(gb.Net.parse(f"name {hostile}\ninput 1\ndense 1")).slides(hostile)
    assert "alert(1)</script>" not in html
    assert not re.search(r"(src|href)=\"(?!#)", html)
    assert "default-src 'none'" in html
