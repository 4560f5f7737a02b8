"""Whatever is pressed, the line at the foot is true of the network that is drawn.

A walk presses any control of the page, in any order. After each press the page says its network
as text; of this text the reference knows every name, and a nudge that it computes by itself is
the slope. The factors on the page have to multiply to the product, and the product has to be it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from functools import cache

import numpy as np
import pytest
from hypothesis import Phase, note, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from gradbook.builtin_networks import SCENES
from gradbook.graph.node import Node
from gradbook.net import Net, builtin, parse
from gradbook.net.build import training_step
from gradbook.net.lower import scalar_step
from gradbook.net.step import run
from gradbook.report.play_page import play_page
from tests.conftest import THOROUGH
from tests.outside.pages.play.drawing import CAUGHT

pytestmark = pytest.mark.witness("chromium")
PAGES = {
    "worked": lambda: play_page(builtin("worked")),
    "xor": lambda: play_page(parse(SCENES["xor"]), points_of="xor"),
    "spiral": lambda: play_page(parse(SCENES["spiral"]), points_of="spiral"),
    "mazur": lambda: play_page(builtin("mazur")),
}
PRESSES, WALKS = (125, 4) if THOROUGH else (50, 2)  # of each page
TYPED = ("0", "1", "-2", "0,5", "3", "1.25", "", "abc")
KEYS = ("", "ArrowUp", "ArrowDown", "PageUp")
# What saves or sends is left out: it leaves the page.
PRESS = """((number, way, typed, key) => {
  const kinds = "button, select, summary, input:not([type=file]), .net [tabindex]"
  const all = [...document.querySelectorAll(kinds)].filter(it =>
    it.checkVisibility({visibilityProperty: true}) && !it.disabled && !it.closest("#share, #save"))
  const control = all[number % all.length]
  const happen = kind => control.dispatchEvent(new Event(kind, {bubbles: true}))
  const put = value => {
    control.focus()
    control.value = value
    for (const kind of ["input", "change"]) happen(kind)
    control.blur()
  }
  if (control.matches("select")) {
    const options = [...control.options].filter(it => !it.disabled)
    put(options[way % options.length].value)
  } else if (control.type === "range") {
    const [low, high] = [Number(control.min), Number(control.max)]
    put(low + (high - low) * (way % 97) / 96)
  } else if (control.matches("input:not([type=radio], [type=checkbox])")) put(typed)
  else if (control.matches(".net *")) {
    control.focus()
    if (key) control.dispatchEvent(new KeyboardEvent("keydown", {key, bubbles: true}))
  } else control.click()
  return control.id || control.dataset.key || control.ariaLabel || control.textContent
})"""
SAID = """(() => {
  const line = document.querySelector("#line")
  const running = document.querySelector("#run").getAttribute("aria-pressed") === "true"
  if (line.querySelector(".parts.other")) return {running, partials: []}
  const isShown = it => !it.closest(".update, .nudge")
  const found = kind => [...line.querySelectorAll(kind)].filter(isShown)
  const halves = it => [...it.children].map(half => half.textContent.replace("∂", ""))
  const bySlash = it => it.textContent.split("/").map(half => half.replace("∂", ""))
  const chips = [...found(".fac.fp"), ...found(".fac:not(.fp, .nudge)")] // the whole first
  const isAlone = line.querySelector(".who").hidden
  return {
    running,
    partials: chips.length ? chips.map(it => bySlash(it.querySelector("small math")))
      : found(".parts mfrac").map(halves),
    numbers: found(".equation b, .fac .value").map(it => it.textContent),
    sample: isAlone ? 1 : Number(line.querySelector(".who b").textContent.replace(/\\D/g, "")),
    confirmed: line.querySelector(".nudged, .nudge").textContent.includes("✓"),
  }
})()"""


class Walk(RuleBasedStateMachine):
    def __init__(self, page, file):
        super().__init__()
        self.page = page
        page.said.clear()
        page.show(file, 1280, 800)

    @rule(
        number=st.sampled_from(range(9973)),
        way=st.sampled_from(range(97)),
        typed=st.sampled_from(TYPED),
        key=st.sampled_from(KEYS),
    )
    def press(self, number, way, typed, key):
        note(self.page.value(f"{PRESS}({number}, {way}, {typed!r}, {key!r})"))
        self.page.settle()

    @invariant()
    def what_is_said_is_true(self):
        said = self.page.value(SAID)
        if said["running"]:
            check_product(said)  # of a frame of its own; the text is of a later one
            self.page.press("#run")
            self.page.settle()
            said = self.page.value(SAID)
        assert self.page.said == []
        net = parse(self.page.value(CAUGHT))
        if said["partials"]:
            check_product(said)
            check_path(said, net)
            check_nudge(said, net)


def check_product(said) -> None:
    if not said["partials"]:
        return
    *factors, product = map(number, said["numbers"])
    *digits, last = map(half_a_digit, said["numbers"])
    allowed = last + sum(
        half * abs(math.prod(factors[:k] + factors[k + 1 :])) for k, half in enumerate(digits)
    )
    if np.isfinite([product, *factors]).all():
        assert math.prod(factors) == pytest.approx(product, rel=1e-12, abs=1.01 * allowed)


def check_path(said, net: Net) -> None:
    (_, weight), *partials = said["partials"]
    ends = [above for above, _ in partials[1:]] + [weight]
    assert [below for _, below in partials] == ends, "a chain has no gap"
    named = {}
    for node in scalar_step(net).graph.names:
        named.setdefault(bare(str(node.name)), []).append(node)
    for above, below in partials:
        nodes = named["Etotal" if above == "E" else bare(above)]
        assert any(bare(below) in names_behind(node) for node in nodes), f"∂{above}/∂{below}"


def names_behind(node: Node) -> set[str]:
    """The names of all that a value is computed from."""
    seen = {node}
    waiting = [node]
    while waiting:
        fresh = [it for it in waiting.pop().inputs if it not in seen]
        seen.update(fresh)
        waiting += fresh
    return {bare(str(it.name)) for it in seen if it.name}


def check_nudge(said, net: Net) -> None:
    product = number(said["numbers"][-1])
    sample = net.examples()[said["sample"] - 1]
    slope = nudge(net.with_samples([sample]), said["partials"][0][1])
    if np.isfinite([product, slope]).all():
        allowed = 2 * half_a_digit(said["numbers"][-1]) + 1e-4 * abs(slope) + 1e-9
        is_same = abs(slope - product) <= allowed
        assert said["confirmed"] == is_same, (slope, product)
        assert is_same or abs(slope) > 1e5, (slope, product)  # where a difference has few digits


def nudge(net: Net, weight: str, size: float = 1e-5) -> float:
    """How the error changes with a weight, by the reference's error alone."""
    step = training_step(net)
    (place,) = [
        (leaf, k)
        for leaf, parameter in zip(step.weights, net.parameters, strict=True)
        for k, name in enumerate(parameter.names)
        if bare(name) == weight
    ]

    def errors() -> Iterator[float]:
        for by in (size, -size):
            start = {leaf: np.array(value, float) for leaf, value in step.start.items()}
            start[place[0]].flat[place[1]] += by
            yield float(next(run(step, 1, start=start))[step.loss])

    above, below = errors()
    return (above - below) / (2 * size)


def bare(name: str) -> str:
    """A name as letters and digits, however it is set."""
    return re.sub(r"[^\w∂/]|_", "", name)


def number(text: str) -> float:
    return float(text.replace("−", "-").replace("∞", "inf"))


def half_a_digit(text: str) -> float:
    """Half a unit of the last digit that is printed."""
    digits, _, power = text.partition("e")
    decimals = len(digits.partition(".")[2])
    return 0.5 * 10 ** (int(power.replace("−", "-") or 0) - decimals)


@cache
def written(name: str) -> str:
    return PAGES[name]()


@pytest.mark.parametrize("name", PAGES)
def test_whatever_is_pressed_the_chain_is_that_of_the_network_drawn(name, chromium, tmp_path):
    file = tmp_path / f"{name}.html"
    file.write_text(written(name), encoding="utf-8")
    run_state_machine_as_test(
        lambda: Walk(chromium, file),
        settings=settings(
            stateful_step_count=PRESSES,
            max_examples=WALKS,
            phases=[Phase.generate],  # to make a walk shorter takes minutes
        ),
    )
