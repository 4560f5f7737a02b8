from __future__ import annotations

from itertools import islice, repeat

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradbook.cells.formula.numbers import ON_NUMBERS
from gradbook.graph.chain import gradients
from gradbook.graph.node import OPS
from gradbook.net import builtin, parse
from gradbook.net.build import training_step
from gradbook.net.step import drawn, follow
from gradbook.targets.page.lines import WORDS
from gradbook.targets.page.page_content import content
from tests.agree.runs import Epoch, by_name, compared, doubts, reference_run
from tests.cases import for_each
from tests.families import steady
from tests.targets.page.machine import asked, number
from tests.targets.page.networks import shown_networks

pytestmark = pytest.mark.witness("node")
EPOCHS = 10
NUMBERS = st.floats(-50, 50)
COMPUTING = sorted(WORDS - {"leaf", "constant", "copy", "repeat", "total"})
OPERANDS = {
    "choose": 3,
    "largest": 3,
    "sum_of_all": 3,
    "is_largest": 3,
    "log_sum_exp": 3,
} | dict.fromkeys(("add", "subtract", "multiply", "divide"), 2)


@given(st.sampled_from(COMPUTING), st.data())
def test_a_word_means_what_the_op_means(word, data):
    if word == "power":
        operands = [data.draw(NUMBERS), data.draw(st.integers(-3, 4))]
    else:
        some = NUMBERS.map(abs) if word in ("log", "sqrt") else NUMBERS
        operands = [data.draw(some) for _ in range(OPERANDS.get(word, 1))]
    which = [data.draw(st.integers(0, 2))] if word == "is_largest" else []
    with np.errstate(all="ignore"):
        op = OPS[word].value if word in OPS else ON_NUMBERS[word]  # of workbooks
        meant = float(op(*map(np.float64, operands), *which))
    said = asked("word", word=word, operands=operands, which=which[0] if which else None)
    rel = 1e-14
    if word == "normal_share":  # far below the mean it changes x² times as fast as x
        rel += 2 * np.finfo(float).eps * operands[0] ** 2
    assert number(said) == pytest.approx(meant, rel=rel, abs=1e-300, nan_ok=True)


def batch_of(known):
    """The samples as the reference takes them, with the masks of the first epoch."""
    step, table = known.step, known.table()
    if step.data:
        return step.data
    rows = [np.array(part) for part in zip(*table["samples"], strict=True)]
    return {
        node: values[:, k]
        for nodes, values in zip((step.inputs, step.targets), rows, strict=True)
        for k, node in enumerate(nodes)
    } | drawn(step.masks, known.net.seed, 0, range(len(rows[0])))


@given((shown_networks() | shown_networks(images=True, depth=2, width=2)).map(steady))
def test_every_line_is_the_reference_value_to_the_last_digits(net):
    known = content(net)
    lines = known.lines.places
    values = next(follow(known.step, [batch_of(known)], watch=list(lines)))
    said = asked("lines", table=known.table(), rate=net.learning_rate)
    largest = max(1, *(float(np.max(np.abs(values[node]))) for node in lines))
    for node, line in lines.items():
        wanted = np.broadcast_to(values[node], len(said[line]))
        assert list(map(number, said[line])) == pytest.approx(
            wanted, rel=1e-12, abs=1e-12 * largest, nan_ok=True
        )


def trained(known, epochs, rate=None, batch=0):
    """The page's epochs, with the weights by their names."""
    table = known.table()
    leaves = {place: str(node.name) for node, place in known.lines.places.items() if node.name}
    names = [leaves[leaf] for leaf, _, _ in table["state"]]
    weights = {str(weight.name) for weight in known.step.weights}
    rate = table["startRate"] if rate is None else rate
    said = asked("train", table=table, epochs=epochs, rate=rate, batch=batch)
    return [
        Epoch(
            number(epoch["loss"]),
            {
                name: number(value)
                for name, value in zip(names, epoch["state"], strict=True)
                if name in weights
            },
        )
        for epoch in said
    ]


@given(shown_networks(dropout=False).filter(lambda net: net.samples).map(steady))
def test_a_page_trains_as_the_reference_does(net):
    step = training_step(net)
    compared(reference_run(step, EPOCHS), trained(content(net), EPOCHS), doubts(step, EPOCHS))


@for_each("name", ["worked", "mazur", "xor"])
def test_seventy_epochs_on_a_page_are_those_of_the_reference(name):
    step = training_step(builtin(name))
    for one, other in zip(
        reference_run(step, 70), trained(content(builtin(name)), 70), strict=True
    ):
        assert other.loss == pytest.approx(one.loss, rel=1e-12)
        assert other.weights == pytest.approx(one.weights, rel=1e-12)


MASKED = (
    "input 3; dense 5; tanh; dropout 0.4; dense 4; concat back 2; dropout 0.25; dense 2; "
    "update adam 0.9 0.99 0.001; seed 12; sample 1 0.5 -1 -> 1 0; sample 0 1 0.25 -> 0 1"
)
MASKED_MAPS = (
    "input 1x4x4; conv 3 2x2; relu; dropout 0.5 channels; concat back 2; flatten; dropout 0.1; "
    "dense 2; softmax; seed 5; rate 0.1"
)


@for_each("text", [MASKED, MASKED_MAPS])
def test_dropout_draws_what_the_engines_draw_and_trains_alike(text):
    """Held against the step on whole tensors, whose masks the engines draw."""
    net = parse(text)
    step = training_step(net, batch=len(net.examples()))
    samples = net.examples()
    rows = [np.array([getattr(it, part) for it in samples]) for part in ("inputs", "targets")]
    batch = {
        leaf: values.reshape(-1, *leaf.shape)
        for leaf, values in zip((*step.inputs, *step.targets), rows, strict=True)
    }
    masked = (
        batch | drawn(step.masks, net.seed, epoch, range(len(rows[0]))) for epoch in range(40)
    )
    for values, epoch in zip(follow(step, masked), trained(content(net), 40), strict=True):
        assert epoch.loss == pytest.approx(float(values[step.loss]), rel=1e-12)
        wanted = by_name(step, {weight: weight for weight in step.weights}, values)
        assert epoch.weights == pytest.approx(wanted, rel=1e-11, abs=1e-12)


@given(st.data())
def test_any_masks_are_those_that_the_engines_draw(data):
    count, rate = data.draw(st.integers(1, 9)), data.draw(st.integers(1, 999)) / 1000
    seed, epoch = data.draw(st.integers(0, 999_999_999)), data.draw(st.integers(0, 100_000))
    sample = data.draw(st.integers(0, 999))
    step = training_step(parse(f"input {count}; dropout {rate}; dense 1"), batch=1)
    (wanted,) = drawn(step.masks, seed, epoch, [sample]).values()
    mask = {"layer": 0, "rate": rate, "lines": list(range(count))}
    assert asked("drawn", seed=seed, epoch=epoch, sample=sample, mask=mask) == wanted[0].tolist()


@given(shown_networks(depth=2))
def test_what_a_chain_comes_to_is_the_gradient(net):
    known = content(net)
    places = known.lines.places
    said = asked("lines", table=known.table(), rate=net.learning_rate)
    trees = {value: tree for value, tree, _ in known.table()["chains"]}
    for weight, slope in known.step.gradients.items():
        by_chain = number(said[trees[places[weight]]["value"]][0])
        assert by_chain == pytest.approx(number(said[places[slope]][0]), rel=1e-9, abs=1e-12)


SHOWN = shown_networks(samples=1, dropout=False) | shown_networks(
    images=True, depth=2, width=2, samples=1, dropout=False
)


@given(SHOWN.map(steady))
def test_chains_go_on_to_the_inputs(net):
    """For an input stands what the chain rule says, by way of the values that it feeds."""
    known = content(net)
    if known.step.batch:
        return
    slopes = gradients(known.step.loss, known.step.inputs)
    values = next(
        follow(known.step, [batch_of(known)], watch=[slopes[node] for node in known.step.inputs])
    )
    places = known.lines.places
    said = asked("lines", table=known.table(), rate=net.learning_rate)
    trees = {value: tree for value, tree, _ in known.table()["chains"]}
    for node in known.step.inputs:
        wanted = float(values[slopes[node]])
        if places[node] in trees:
            found = number(said[trees[places[node]]["value"]][0])
            assert found == pytest.approx(wanted, rel=1e-9, abs=1e-12)
        else:
            assert wanted == 0


def test_a_nudge_measures_the_slope():
    known = content(builtin("xor"))
    table, places = known.table(), known.lines.places
    values = next(islice(follow(known.step, repeat(batch_of(known))), 1))
    for weight, slope in known.step.gradients.items():
        said = asked("measured", table=table, rate=1, line=places[weight], size=1e-5)
        assert said["slope"] == pytest.approx(float(values[slope]), rel=1e-6, abs=1e-9)
