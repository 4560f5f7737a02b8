"""What the page to play with draws: networks it is asked for, and what is read in it."""

from __future__ import annotations

import numpy as np

from gradbook.net import builtin, parse
from gradbook.net.build import training_step
from gradbook.net.step import drawn, follow
from tests.agree.runs import by_name

PLAY = "input 2; dense 8; tanh; dense 1; sigmoid; loss binary cross-entropy; rate 1"
NETS = {
    "strokes": builtin("strokes"),
    "worked": builtin("worked"),
    "xor": builtin("xor"),
    "play": parse(PLAY),
    "echo": parse(
        "input 4x1; rnn 3; dense 1; loss half squared error; rate 0.2; seed 4; "
        "sample 1 0 0 0 -> 1; sample 0 1 0 0 -> 0.5; sample 0 0 1 0 -> 0.25"
    ),
    "look back": parse(
        "input 3x2; attention causal; flatten; dense 1; loss half squared error; seed 2; "
        "sample 1 0 0 1 1 1 -> 1"
    ),
    "tokens": parse(
        "input tokens 3 of 4; embed 2; positions; attention causal no bias; add back 1; unembed 4; "
        "softmax; rate 0.5; seed 3; sample 0 3 1 -> 3 1 -1; sample 2 2 0 -> 2 0 0"
    ),
    "again": parse("input 2; dense 2; tanh; again 3; dense 1; seed 3; sample 0.5 0.1 -> 0.4"),
}
VALUES = """[...document.querySelectorAll('.net [role=slider]')].map(
  e => [e.getAttribute('aria-label'), Number(e.getAttribute('aria-valuenow'))])"""


CAUGHT = """new Promise(done => {
  URL.createObjectURL = blob => (blob.text().then(done), "#")
  HTMLAnchorElement.prototype.click = () => {} // nothing is saved
  document.querySelector("#save").click()
  delete HTMLAnchorElement.prototype.click
})"""


def weights(page):
    """As it saves them, with those that a picture doesn't show."""
    start = parse(page.value(CAUGHT)).start_values()
    found = {f"{role}{k}": value for role, own in start.items() for k, value in enumerate(own, 1)}
    return {name: value for name, value in found.items() if name[0] in "wb"}


def number(text):
    return float(text.replace("−", "-"))


def named(name):
    """The element of a value in the drawing."""
    return (
        "[...document.querySelectorAll('.net [role]')]"
        f".find(e => e.getAttribute('aria-label').split(' ')[0] === '{name}')"
    )


def learned(text, steps):
    """The weights after so many steps of the reference, whose masks are drawn from the seed."""
    net = parse(text)
    samples = net.examples()
    step = training_step(net, batch=len(samples))
    batch = {
        leaf: np.array([getattr(sample, part) for sample in samples]).reshape(-1, *leaf.shape)
        for leaf, part in ((step.inputs[0], "inputs"), (step.targets[0], "targets"))
    }
    batches = (
        {**batch, **drawn(step.masks, net.seed, k, range(len(samples)))} for k in range(steps + 1)
    )
    for values in follow(step, batches):
        yield by_name(step, {weight: weight for weight in step.weights}, values)


CHOOSE = """((key, word) => {
  const menu = document.querySelector(`[data-key="${key}"]`)
  menu.value = word
  menu.dispatchEvent(new Event("change", {bubbles: true}))
})"""


def choose(page, key, word):
    """A word of a menu of layers."""
    page.value(f"{CHOOSE}({key!r}, {word!r})")
    page.settle()
