"""A recipe that is changed on its page means there what it means to the command."""

from __future__ import annotations

import json
from dataclasses import replace
from math import ceil

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gradbook.errors import NetTextError
from gradbook.lab.images import adapt
from gradbook.lab.recipes.recipe import Recipe, Schedule
from gradbook.lab.recipes.recipe_text import parse
from gradbook.lab.recipes.recipe_text import recipe as builtin_recipe
from gradbook.net.build import training_step
from gradbook.report.digits_tables import recipe_table
from tests.cases import for_each
from tests.web.looking import in_node

pytestmark = pytest.mark.witness("node")
IMAGES = 1_001
RATES = st.floats(1e-4, 2).map(lambda rate: float(f"{rate:.3g}"))
SHARES = st.sampled_from([0.0, 0.1, 0.25, 0.6])


def made(name: str = "quick") -> Recipe:
    return adapt(builtin_recipe(name)).recipe


def on_the_page(recipe: Recipe, texts: list[str], folder):
    text = json.dumps({"table": recipe_table(recipe, IMAGES), "texts": texts})
    return [json.loads(line) for line in in_node("recipe.mjs", folder, text).splitlines()]


@st.composite
def schedules(draw):
    kind, rate = draw(st.sampled_from(["constant", "step", "cosine", "one cycle"])), draw(RATES)
    return Schedule(
        kind,
        rate,
        factor=draw(st.sampled_from([0.1, 0.5])),
        every=draw(st.integers(1, 4)),
        warm=draw(SHARES),
        end=rate * draw(SHARES),
    )


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    schedule=schedules(),
    epochs=st.integers(1, 6),
    batch=st.integers(2, 128).filter(lambda batch: IMAGES % batch != 1),
    seed=st.integers(0, 10**9 - 1),
)
def test_a_changed_recipe_trains_by_the_rates_and_the_start_of_the_command(
    schedule, epochs, batch, seed, tmp_path
):
    recipe = made()
    other = replace(
        recipe,
        schedule=schedule,
        epochs=epochs,
        batch=batch,
        net=replace(recipe.net, seed=seed),
    )
    (found,) = on_the_page(recipe, [str(other)], tmp_path)
    meant = parse(str(other))
    assert (found["changes"]["epochs"], found["changes"]["batch"]) == (meant.epochs, meant.batch)
    steps = ceil(IMAGES / batch)
    for epoch, rates in enumerate(found["plan"]["rates"]):
        expected = meant.schedule.rates(epoch, steps, epochs)
        assert rates == pytest.approx(expected, rel=1e-13, abs=1e-16)
    start = training_step(meant.net, batch).start
    drawn = {str(leaf.name): values for leaf, values in start.items()}
    for name, values in found["start"].items():
        assert np.array_equal(np.float32(values), drawn[name].astype(np.float32).ravel())
    assert len(found["start"]) == sum(name.startswith("w") for name in drawn)


WRONG = [
    ("schedule one cycle", "schedule cosin"),
    ("schedule one cycle", "schedule one"),
    ("schedule one cycle", "schedule"),
    ("schedule one cycle", "schedule constant 1 to 2 #"),
    ("schedule one cycle", "schedule one cycle 1 wram 2 #"),
    ("schedule one cycle", "schedule one cycle 1 warm 0.2 warm 0.3 #"),
    ("schedule one cycle", "schedule step 1 every 2.5 #"),
    ("schedule one cycle", "schedule step 1 every 0 #"),
    ("schedule one cycle", "schedule step 1 by 1 #"),
    ("schedule one cycle", "schedule constant -1 #"),
    ("schedule one cycle", "schedule constant 0,1 #"),
    ("schedule one cycle", "schedule cosine 0.1 to 0.2 #"),
    ("epochs", "epochs\nepochs"),
    ("epochs", "epochs x"),
    ("epochs", "epochs 0 #"),
    ("epochs", "epochs 2 3"),
    ("update", "rate 0.1\nupdate"),
    ("batch", "batch -"),
]


@for_each(("words", "others"), WRONG)
def test_a_mistake_is_told_where_and_as_the_command_tells_it(words, others, tmp_path):
    recipe = made()
    text = str(recipe).replace(words, others, 1)
    (found,) = on_the_page(recipe, [text], tmp_path)
    with pytest.raises(NetTextError) as caught:
        parse(text)
    assert (found["line"], found["column"]) == (caught.value.line, caught.value.column)
    assert caught.value.message.endswith(found["message"]), caught.value.message


def test_what_is_compiled_is_not_changed_but_sent_to_the_command(tmp_path):
    recipe = made()
    lines = str(recipe).splitlines()
    conv = next(k for k, line in enumerate(lines) if line.startswith("conv"))
    texts = {
        "another layer": str(recipe).replace("conv", "conv 3 3x3 #", 1),
        "one more": str(recipe) + "dense 10\n",
        "one less": "\n".join([*lines[:-1]]),
        "early stop": str(recipe) + "early stop 3\n",
    }
    for found in on_the_page(recipe, list(texts.values()), tmp_path):
        assert f"gradbook play FILE.txt --train {IMAGES} -o page.html" in found["message"]
    other, *_ = on_the_page(recipe, list(texts.values()), tmp_path)
    assert (other["line"], other["column"]) == (conv + 1, 1)
    assert f"compiled for '{lines[conv]}'" in other["message"]


def test_limits_of_the_page_are_its_own(tmp_path):
    recipe = made()
    batch, warp = f"batch {recipe.batch}", next(w for w in str(recipe).splitlines() if "warp" in w)
    changes = {
        str(recipe).replace(
            batch, f"batch {recipe.batch + 1}"
        ): f"this page allows at most {recipe.batch}",
        str(recipe).replace("epochs", "epochs 1001 #"): "this page allows at most 1,000",
        str(recipe).replace(warp, "warp rotate 45"): f"write '{warp}' or 'warp none'",
        str(recipe).replace(batch, "batch 8").replace("epochs", "# "): "'epochs' is missing",
        str(recipe).replace("schedule", "schedule plateau 1 #"): "with 'schedule plateau'",
    }
    for found, said in zip(
        on_the_page(recipe, list(changes), tmp_path), changes.values(), strict=True
    ):
        assert said in found["message"]
    (without,) = on_the_page(recipe, [str(recipe).replace(warp, "warp none")], tmp_path)
    assert without["plan"]["warp"] is None


def test_a_last_batch_of_one_image_is_refused_where_a_normalisation_cant_have_it(tmp_path):
    layers = "input 1x28x28; flatten; dense 8; {}relu; dense 10; log softmax; batch 100"
    for words, is_refused in (("batchnorm; ", True), ("", False)):
        recipe = parse(layers.format(words))
        (found,) = on_the_page(recipe, [str(recipe)], tmp_path)
        assert ("1,001 in batches of 100 leave one over" in str(found)) is is_refused
