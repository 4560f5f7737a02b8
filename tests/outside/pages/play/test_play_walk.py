"""Whatever is pressed, the line at the foot is true of the network that is drawn.

A walk presses any control of the page, in any order. After each press the page says its network
as text; of this text the reference knows every name, and a nudge that it computes by itself is
the slope. The factors on the page have to multiply to the product, and the product has to be it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from itertools import chain

import numpy as np
import pytest

from gradbook.builtin_networks import SCENES
from gradbook.graph.node import Node
from gradbook.net import Net, builtin, parse
from gradbook.net.build import training_step
from gradbook.net.lower import scalar_step
from gradbook.net.step import losses, run
from gradbook.report.play_page import play_page
from tests.outside.pages.play.drawing import CAUGHT
from tests.outside.pages.walking import walk

pytestmark = pytest.mark.witness("chromium")
PAGES = {
    "worked": lambda: play_page(builtin("worked")),
    "quadrants": lambda: play_page(parse(SCENES["quadrants"]), points_of="quadrants"),
    "spiral": lambda: play_page(parse(SCENES["spiral"]), points_of="spiral"),
    "mazur": lambda: play_page(builtin("mazur")),
    "echo": lambda: play_page(builtin("echo")),
    "counter": lambda: play_page(builtin("counter")),
    "attention": lambda: play_page(builtin("attention-by-hand")),
}
SAID = """(() => {
  const line = document.querySelector("#line")
  const isShown = it => !it.closest(".update, .nudge")
  const found = kind => [...line.querySelectorAll(kind)].filter(isShown)
  const halves = it => [...it.children].map(half => half.textContent.replace("∂", ""))
  const bySlash = it => it.textContent.split("/").map(half => half.replace("∂", ""))
  const chips = [...found(".fac.fp"), ...found(".fac:not(.fp, .nudge)")] // the whole first
  const isAlone = line.querySelector(".who").hidden
  const other = line.querySelector(".parts.other")
  return {
    running: document.querySelector("#run").getAttribute("aria-pressed") === "true",
    loss: document.querySelector("#loss").textContent,
    isOfOneStep: Boolean(document.querySelector("#aim")?.value),
    other: other && [other.querySelector("math").textContent.replace("=", ""),
      ...[...other.querySelectorAll(".value")].map(it => it.textContent)],
    partials: other ? [] : chips.length ? chips.map(it => bySlash(it.querySelector("small math")))
      : found(".parts mfrac").map(halves),
    numbers: found(".equation b, .fac .value").map(it => it.textContent),
    sample: isAlone ? 1 : Number(line.querySelector(".who b").textContent.replace(/\\D/g, "")),
    confirmed: line.querySelector(".nudged, .nudge")?.textContent.includes("✓"),
  }
})()"""


def check_line(page) -> None:
    value = page.value(SAID)
    if value["running"]:
        check_product(value)  # of a frame of its own; the text is of a later one
        page.press("#run")
        page.settle()
        value = page.value(SAID)
    net = parse(page.value(CAUGHT))
    check_loss(value, net)
    if value["partials"]:
        check_product(value)
        check_path(value, net)
        check_nudge(value, net)
    elif value["other"]:
        check_alone(value, net)


def check_loss(said, net: Net) -> None:
    """The error of all samples, of the weights that are saved."""
    if said["isOfOneStep"]:
        return
    shown, loss = number(said["loss"]), losses(training_step(net), 1)[0]
    if np.isfinite([shown, loss]).all():
        assert shown == pytest.approx(loss, abs=1.01 * half_a_digit(said["loss"])), "the loss"


def check_alone(said, net: Net) -> None:
    """A value without a chain of three: if it is learned, its slope is that of a nudge."""
    name, value, *slopes = said["other"]
    start = net.start_values()
    names = {role: [it.names for it in net.parameters if it.role == role] for role in start}
    known = {
        bare(own): it
        for role, values in start.items()
        for own, it in zip(chain.from_iterable(names[role]), values, strict=True)
    }
    if bare(name) not in known:
        return
    assert number(value) == pytest.approx(known[bare(name)], abs=1.01 * half_a_digit(value)), name
    if said["isOfOneStep"] or not slopes:  # which a fixed weight hasn't
        return
    (slope,) = map(number, slopes)
    sample = net.examples()[said["sample"] - 1]
    share = nudge(net.with_samples([sample]), bare(name))
    if np.isfinite([slope, share]).all():
        allowed = 2 * half_a_digit(slopes[0]) + 1e-4 * abs(share) + 1e-9
        assert slope == pytest.approx(share, abs=allowed), name


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


@pytest.mark.parametrize("name", PAGES)
def test_whatever_is_pressed_the_chain_is_that_of_the_network_drawn(name, chromium, tmp_path):
    file = tmp_path / f"{name}.html"
    file.write_text(PAGES[name](), encoding="utf-8")
    walk(chromium, file, check_line)
