"""The network changed by clicks and by keys alone, and every change undone and done again."""

from __future__ import annotations

import random
from itertools import pairwise

import numpy as np
import pytest

from gradbook.engine.engines import PlainEngine
from gradbook.lab.problem import order_samples
from gradbook.layers import ACTIVATIONS, LOSSES, UPDATES, forms
from gradbook.net import parse
from gradbook.net.build import training_step
from gradbook.targets.page.grammar import BUILT
from tests.agree.runs import by_name, reference_run
from tests.outside.pages.play.drawing import CAUGHT, NETS, choose, weights
from tests.outside.pages.play.test_play_text import BOX, typed

pytestmark = pytest.mark.witness("chromium")

SAID = "document.querySelector('#builder-said').textContent"


def click(page, key):
    page.click(f'[data-key="{key}"]')


def layers(page):
    """As the command reads them."""
    return [layer.text for layer in parse(page.value(BOX)).layers]


def shape(page):
    return [page.value("document.querySelectorAll('.net .edge .hit').length"), len(weights(page))]


def test_units_grow_and_shrink_and_those_that_stay_keep_their_weights(shown):
    page = shown("xor")
    page.press("#step")
    before = weights(page)
    click(page, "more 0")
    assert layers(page) == ["dense 4", "tanh", "dense 1", "sigmoid"]
    now = weights(page)
    assert len(now) == 4 * 2 + 4 + 4 + 1
    for hidden in (1, 2, 3):
        for own in (2 * hidden - 1, 2 * hidden):
            assert now[f"w{own}"] == before[f"w{own}"]
        assert now[f"w{8 + hidden}"] == before[f"w{6 + hidden}"]
    click(page, "less 0")
    assert weights(page) == before
    assert page.text("#epoch") == "000,000"


def test_layers_are_added_and_taken_away_and_the_others_keep_their_weights(shown):
    page = shown("xor")
    before = weights(page)
    click(page, "more hidden")
    assert layers(page) == ["dense 3", "tanh", "dense 3", "tanh", "dense 1", "sigmoid"]
    now = weights(page)
    assert [now[f"w{k}"] for k in range(1, 7)] == [before[f"w{k}"] for k in range(1, 7)]
    assert [now[f"w{k}"] for k in (16, 17, 18)] == [before[f"w{k}"] for k in (7, 8, 9)]
    click(page, "less hidden")
    click(page, "less hidden")
    assert layers(page) == ["dense 1", "sigmoid"]
    click(page, "more hidden")
    assert layers(page) == ["dense 4", "tanh", "dense 1", "sigmoid"]


def test_menus_are_made_of_the_cards(shown):
    page = shown("xor")
    options = "[...document.querySelector('[data-key={}]').options].map(e => e.textContent)"
    assert page.value(options.format('"kind 1"'))[: len(ACTIVATIONS)] == list(ACTIVATIONS)
    assert page.value(options.format("loss")) == list(LOSSES)
    assert page.value(options.format("update")) == list(UPDATES)
    built = [form.words for kind, form in forms().values() if kind.__name__.lower() in BUILT]
    offered = page.value(options.format("add"))[1:]
    assert offered[: len(ACTIVATIONS) + 1] == ["dense", *ACTIVATIONS]
    assert sorted(offered) == sorted(built)
    left = {form.words for _, form in forms().values()} - {*built}
    assert left == {
        *("mel", "quantize", "spectrogram", "convtranspose", "upsample"),
        *("reshape", "transpose", "channels", "rows", "columns", "steps"),
    }
    assert len(built) == len({*built})


def test_activation_loss_and_update_are_chosen_from_menus_and_train_as_the_command_does(shown):
    page = shown("xor")
    typed(page, page.value(BOX).replace("tanh", "tanh # the bend"))
    choose(page, "kind 1", "softplus")
    choose(page, "loss", "mean squared error")
    choose(page, "update", "adam")
    assert "softplus # the bend\n" in page.value(BOX)
    wanted = parse(page.value(CAUGHT))
    assert wanted.layers[1].text == "softplus"
    assert (str(wanted.loss), wanted.update.kind) == ("mean squared error", "adam")
    for epoch in reference_run(training_step(wanted), 10):
        assert weights(page) == pytest.approx(epoch.weights, rel=1e-12)
        page.press("#step")


@pytest.mark.parametrize("word", ["dropout", "batchnorm", "prelu", "add", "leaky", "layernorm"])
def test_a_layer_of_any_kind_is_added_with_its_usual_fields(word, shown):
    page = shown("xor")
    choose(page, "add", word)
    added = layers(page)[2]
    assert added.split()[0] == word
    assert len(layers(page)) == 5
    assert page.value(SAID) == ""
    page.press("#step")
    assert page.text("#epoch") == "000,001"


def test_what_cannot_stand_is_refused_as_the_text_refuses_it(shown):
    page = shown("xor")
    before, text = weights(page), page.value(BOX)
    choose(page, "kind 3", "tanh")
    value = page.value(SAID)
    assert value.startswith("line 7, column 1: binary cross-entropy")
    assert page.value("document.querySelector('[data-key=\"kind 3\"]').value") == "sigmoid"
    choose(page, "add", "conv")
    assert "conv" in page.value(SAID)
    assert (weights(page), page.value(BOX)) == (before, text)
    assert page.value("document.querySelector('#undo').disabled") is True
    typed(page, text.replace("3\ntanh", "3\ntahn"))
    wrong = page.text("#text-said")
    click(page, "more 0")
    assert page.value(SAID) == wrong
    typed(page, text.replace("sigmoid", "tanh"))
    assert page.text("#text-said") == value


def test_a_layer_and_its_activation_are_removed_by_the_menu_above_its_column(shown):
    page = shown("xor")
    before = weights(page)
    choose(page, "kind 1", "bare")
    assert layers(page) == ["dense 3", "dense 1", "sigmoid"]
    assert weights(page) == before
    choose(page, "kind 0", "tanh")
    assert layers(page) == ["dense 3", "tanh", "dense 1", "sigmoid"]
    choose(page, "kind 1", "more")
    assert layers(page)[0] == "dense 4"
    choose(page, "kind 1", "remove")
    assert layers(page) == ["dense 1", "sigmoid"]


def test_keys_alone_change_a_column(shown):
    page = shown("worked")
    page.value("document.querySelector('[data-key=\"less 0\"]').focus()")
    focused = "document.activeElement.dataset.key"
    page.key("Tab")
    assert page.value(focused) == "kind 1"
    page.key("Tab")
    assert page.value(focused) == "more 0"
    page.key("Enter")
    assert layers(page)[0] == "dense 3 no bias"
    assert page.value(focused) == "more 0"


KEYS = """[...document.querySelectorAll("#run, #epoch, #look-numbers")]
  .map(e => e.ariaPressed ?? (e.checked ?? e.textContent))"""


def test_keys_run_step_and_reset_from_anywhere_but_a_field(shown):
    page = shown("xor")
    page.key("ArrowRight")
    assert page.text("#epoch") == "000,001"
    page.value("document.querySelector('.net [role=slider]').focus()")
    page.key(" ")
    assert page.value(KEYS)[0] == "true"
    page.key(" ")
    page.type("r")
    assert page.value(KEYS) == ["false", "000,000", False]
    page.type("n")
    assert page.value(KEYS)[2] is True
    page.type("?")
    assert page.value("document.querySelector('#help').open") is True
    page.key("Escape")
    assert page.value("document.querySelector('#help').open") is False
    page.write("#rate-field", "1")
    page.key("ArrowRight")
    page.type("r")
    assert page.text("#epoch") == "000,000"


def test_undo_and_redo_go_over_text_weights_and_samples(shown):
    page = shown("xor")
    states = []

    def remember():
        page.settle()
        targets = "[...document.querySelectorAll('[aria-label^=\"t1 of\"]')].map(e => e.value)"
        states.append((page.value(BOX), weights(page), page.value(targets), page.text("#epoch")))

    remember()
    page.value("document.querySelector('[aria-label=w1]').focus()")
    page.key("PageUp")
    remember()
    page.write('[aria-label="t1 of sample 2"]', "0.25")
    remember()
    click(page, "more 0")
    remember()
    click(page, "more samples")
    remember()
    page.press("#step")
    states[-1] = (*states[-1][:1], weights(page), *states[-1][2:3], page.text("#epoch"))
    choose(page, "loss", "half squared error")
    remember()
    for k in reversed(range(len(states) - 1)):
        page.key("z", control=True)
        page.settle()
        remember()
        assert states.pop() == states[k]
    assert page.value("document.querySelector('#undo').disabled") is True
    for k in range(1, len(states)):
        page.key("z", control=True, shift=True)
        page.settle()
        remember()
        assert states.pop() == states[k]
    assert page.value("document.querySelector('#redo').disabled") is True
    page.press("#undo")
    page.key("y", control=True)
    assert page.value("document.querySelector('#redo').disabled") is True


def test_a_key_that_is_held_is_one_step_and_a_text_astray_is_undone_first(shown):
    page = shown("worked")
    text = page.value(BOX)
    page.value("document.querySelector('[aria-label=w5]').focus()")
    before = weights(page)
    for _ in range(5):
        page.key("ArrowUp")
    typed(page, "input 2\nnonsense")
    page.key("z", control=True)
    assert page.value(BOX) == text
    assert weights(page)["w5"] == pytest.approx(before["w5"] + 0.05)
    page.key("z", control=True)
    assert weights(page) == before


def test_samples_are_added_and_taken_away_also_where_one_was_written(shown):
    page = shown("worked")
    rows = "document.querySelectorAll('#samples tbody tr').length"
    page.press("#step")
    before = weights(page)
    click(page, "more samples")
    assert page.value(rows) == 2
    assert weights(page) == before
    page.write('[aria-label="t1 of sample 2"]', "0.9")
    wanted = parse(page.value(CAUGHT))
    assert len(wanted.samples) == 2
    for epoch in reference_run(training_step(wanted), 5):
        assert weights(page) == pytest.approx(epoch.weights, rel=1e-12)
        page.press("#step")
    click(page, "less samples")
    assert page.value(rows) == 1
    assert (
        page.value("document.querySelector('[data-key=\"less samples\"]').ariaDisabled") == "true"
    )


def test_a_batch_is_chosen_beside_the_update_and_trains_as_the_command_does(shown):
    page = shown("xor")
    before = page.text("#loss")
    page.write("#batch", "3")
    said = "An epoch is 2 updates, shuffled anew. Numbers are those of all 4 samples."
    assert page.text("#batch-said") == said
    assert page.text("#loss") == before  # of all samples, whatever comes next
    start = weights(page)
    page.press("#step")
    net = NETS["xor"]
    engine = PlainEngine(net, 3)
    inputs, targets = (
        np.array([getattr(it, part) for it in net.samples]) for part in ("inputs", "targets")
    )
    engine.epoch(inputs, targets, order=order_samples(net.seed, 0, np.arange(len(inputs))))
    own = {weight: weight for weight in engine.step_graph.weights}
    arrays = {weight: engine.arrays[str(weight.name)] for weight in own}
    after = by_name(engine.step_graph, own, arrays)
    assert weights(page) == pytest.approx(after, rel=1e-12)
    page.value("document.activeElement.blur()")
    page.press("#undo")
    assert weights(page) == start
    page.press("#undo")
    assert page.value("document.querySelector('#batch').value") == ""
    assert page.text("#batch-said") == ""


def test_samples_that_are_drawn_are_no_oscillation(shown):
    page = shown("play")
    page.press("[name=sets][value=spiral]")
    page.write("#batch", "1")
    page.write("#rate-field", "0.3")
    page.until("document.querySelector('#badge').textContent")
    losses = page.value("document.querySelector('.foreseen').getAttribute('d')").split("L")
    heights = [float(point.split(" ")[1]) for point in losses]
    assert sum(b > a for a, b in pairwise(heights)) > 3  # goes to and fro
    assert page.text("#badge") != "oscillates"


def test_a_batch_that_leaves_one_sample_alone_is_refused_where_samples_are_compared(shown):
    page = shown("xor")
    choose(page, "add", "batchnorm")
    page.write("#batch", "3")
    assert "would leave one alone" in page.text("#batch-said")
    page.press("#step")
    all_at_once = weights(page)
    page.press("#reset")
    page.write("#batch", "")
    page.press("#step")
    assert weights(page) == all_at_once


TARGETS = """[...document.querySelectorAll(
  "button, select, input:not([type=radio], [type=range], [type=file])")]
  .filter(e => e.checkVisibility() && !e.matches(".place"))
  .map(e => e.closest(".pace, .kind") ?? e)
  .map(e => [e.dataset.key || e.id || e.textContent, e.getBoundingClientRect()])
  .filter(([, box]) => box.height < {least} || box.width < {least}).map(([name]) => name)"""


@pytest.mark.parametrize(("width", "least"), [(390, 32), (1440, 24)])
def test_whatever_is_touched_is_large_enough(width, least, shown):
    page = shown("xor", width)
    assert page.value(TARGETS.replace("{least}", str(least))) == []


def test_the_first_view_has_the_drawing_one_run_and_the_loss(shown):
    page = shown("xor", 1440)
    seen = "(b => b.top >= 0 && b.bottom <= 900 && b.height > 0)"
    for selector in ("#drawing svg", "#run", "#loss", "#rate", "#curve svg", ".head"):
        box = f"document.querySelector({selector!r}).getBoundingClientRect()"
        assert page.value(f"{seen}({box})"), selector
    runs = "[...document.querySelectorAll('button')].filter(e => e.textContent === 'Run').length"
    assert page.value(runs) == 1


def test_the_curve_is_told_in_words_too(shown):
    page = shown("worked")
    page.press("#step")
    value = page.value("document.querySelector('#curve svg').ariaLabel")
    loss = page.text("#loss")
    assert value.endswith(f"trained so far to {loss} at epoch 2")
    assert "in 70 epochs" in value


CLICKS = """[...document.querySelectorAll('[data-key]')]
  .map(e => [e.dataset.key, [...e.options ?? []].map(o => o.value)])"""


@pytest.mark.parametrize("name", ["xor", "strokes", "worked"])
@pytest.mark.parametrize("seed", range(2))
def test_whatever_is_clicked_the_text_stays_one_that_the_command_reads(name, seed, shown):
    page, chance = shown(name), random.Random(seed)
    texts = [page.value(BOX)]
    for _ in range(25):
        key, options = chance.choice(page.value(CLICKS))
        if options:
            choose(page, key, chance.choice(options))
        else:
            page.press(f'[data-key="{key}"]')
        texts.append(page.value(BOX))
        assert layers(page) or page.value(SAID)
        assert weights(page).keys() <= {
            f"{role}{k}"
            for role, own in parse(texts[-1]).start_values().items()
            for k in range(1, len(own) + 1)
        }
    while page.value("!document.querySelector('#undo').disabled"):
        page.press("#undo")
    assert page.value(BOX) == texts[0]
    page.press("#step")
    assert page.text("#epoch") == "000,001"
