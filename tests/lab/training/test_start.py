"""A training that starts from a trained network: what is taken over, what frozen, what said."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

import gradbook as gb
from gradbook.engine.compilers import find_compiler
from gradbook.engine.engines import PlainEngine
from gradbook.lab.models.model import Model
from tests.cases import for_each

RANDOM = np.random.default_rng(0)
IMAGES = RANDOM.integers(0, 256, (120, 1, 8, 8)).astype(np.uint8)
LABELS = (IMAGES[:, 0, :4].mean((1, 2)) > 127) + 2 * (IMAGES[:, 0, :, :4].mean((1, 2)) > 127)
BODY = "input 1x8x8; conv 4 3x3; batchnorm; relu; flatten; "
FOUR, TWO = BODY + "dense 4; softmax", BODY + "dense 2; softmax"
ROWS = RANDOM.normal(size=(80, 3))


@pytest.fixture(scope="module")
def first(tmp_path_factory):
    folder = tmp_path_factory.mktemp("first") / "run"
    return gb.train(FOUR, IMAGES, LABELS, epochs=2, folder=folder)


def same(one: Model, other: Model) -> dict[str, bool]:
    return {name: np.array_equal(values, other.values[name]) for name, values in one.values.items()}


@for_each("what", ["run", "model", "folder"])
def test_what_agrees_is_taken_over_and_the_rest_is_named(what, first):
    start = {"run": first, "model": first.model, "folder": str(first.folder)}[what]
    again = gb.train(TWO, IMAGES, LABELS // 2, epochs=1, start=start, set="freeze conv1 bn1")
    assert again.remarks[-1] == (
        "start: 6 of 8 arrays are taken over, not dense1.weight (4x144 there, 2x144 here), "
        "dense1.bias (4 there, 2 here)"
    )
    kept = same(again.model, first.model)
    assert [name for name, is_same in kept.items() if not is_same] == ["w_layer_4", "b_layer_4"]
    assert list(again.model.mean) == list(first.model.mean)


def test_without_a_network_it_is_the_same_one_that_goes_on(first):
    more = gb.train(None, IMAGES, LABELS, epochs=1, start=first)
    assert more.recipe.net.layers == first.recipe.net.layers
    assert not any(same(more.model, first.model).values())


def test_rows_are_scaled_as_they_were():
    wanted = ROWS[:, 0] * 1000 + 5
    first = gb.train("input 3; dense 4; tanh; dense 1", ROWS, wanted, epochs=3)
    more = gb.train(None, ROWS * 5, wanted * 2, epochs=1, start=first).model
    assert np.array_equal(more.mean, first.model.mean)
    assert more.columns
    assert first.model.columns
    assert more.columns.target_deviation == first.model.columns.target_deviation


def test_a_run_that_starts_from_another_goes_on_after_a_break(first, tmp_path):
    folder = tmp_path / "run"
    given = {"set": "freeze conv1", "start": str(first.folder), "folder": folder}
    whole = gb.train(TWO, IMAGES, LABELS // 2, epochs=3, **given | {"folder": None})
    gb.train(TWO, IMAGES, LABELS // 2, epochs=3, listener=lambda epoch: False, **given)
    for part in ("result.json", "report.html"):
        (folder / part).unlink(missing_ok=True)
    resumed = gb.train(None, IMAGES, LABELS // 2, folder=folder, resume=True)
    assert resumed.recipe.start == str(first.folder)
    assert all(same(resumed.model, whole.model).values())


@pytest.mark.witness("cc")
@pytest.mark.skipif(not find_compiler(), reason="no compiler")
def test_frozen_layers_are_the_same_to_c_and_numpy():
    from gradbook.engine.native import NativeEngine

    net = gb.Net.parse(BODY + "dense 4; softmax; loss cross-entropy; update adam; rate 0.01")
    frozen = frozenset({0, 1})
    engines = [PlainEngine(net, 16, frozen=frozen)]
    engines.append(NativeEngine(net, 16, precision="float64", frozen=frozen))  # type: ignore[arg-type]
    states: list[dict[str, NDArray[np.float64]]] = []
    start = engines[0].state() | {"r_σ²": np.full(4, 3.0)}
    for engine in engines:
        engine.restore(start)
        engine.normalise(0.5, 0.3, 255)
        engine.epoch(IMAGES, LABELS.astype(np.int32), 0.01)
        for name in ("w_layer_0", "b_layer_0", "γ_layer_1", "β_layer_1", "r_μ", "r_σ²"):
            assert np.array_equal(engine.state()[name], start[name])
        states.append(engine.state())
    for name, values in states[0].items():
        np.testing.assert_allclose(states[1][name], values, rtol=1e-9, atol=1e-12)


@pytest.mark.witness("torch")
def test_a_network_of_pytorchs_goes_on_by_the_loss_that_it_was_trained_by():
    import torch

    module = torch.nn.Sequential(torch.nn.Linear(3, 5), torch.nn.Tanh(), torch.nn.Linear(5, 2))
    labels = (ROWS[:, 1] > 0).astype(int)
    model = gb.from_torch(module, torch.zeros(1, 3), classes=["no", "yes"])
    every = {"validation": 0, "test": 0, "epochs": 1, "set": "batch 80; rate 1e-9; seed 3"}
    seen = gb.train(None, ROWS, labels, start=model, **every)
    outputs = module(torch.tensor(ROWS).float())
    loss = torch.nn.functional.cross_entropy(outputs, torch.tensor(labels))
    assert seen.history[0].train_loss == pytest.approx(loss.item(), rel=1e-5)
    better = gb.train(None, ROWS, labels, start=model, epochs=40, set="adam; rate 0.02")
    assert better.model.evaluate(ROWS, labels).score > 0.9


@for_each(
    ("words", "given"),
    [
        ("no layer 'conv2' with weights: did you mean 'conv1'?", {"set": "freeze conv2"}),
        ("leaves no layer that learns", {"set": "freeze conv1 batchnorm1 dense1"}),
        ("'conv1' is given twice", {"set": "freeze conv1 conv1"}),
        ("start is a model, a finished training, or the path", {"start": 5}),
        ("can't read nowhere: it doesn't exist", {"start": "nowhere"}),
    ],
)
def test_what_cannot_be_meant_is_refused_in_a_line(words, given):
    with pytest.raises(gb.GradbookError) as refused:
        gb.train(TWO, IMAGES, LABELS // 2, **given)
    assert words in str(refused.value)


def test_a_start_of_which_nothing_fits_is_refused(first):
    with pytest.raises(gb.GradbookError, match="nothing has the same name and shape there: dense1"):
        gb.train("input 1x8x8; flatten; dense 2", IMAGES, LABELS // 2, start=first)


def test_a_recipe_says_both(first, tmp_path):
    text = f"network own.txt\nfreeze conv1\nstart {first.folder}\n"
    (tmp_path / "own.txt").write_text(TWO)
    (tmp_path / "recipe.txt").write_text(text)
    recipe = gb.recipe(tmp_path / "recipe.txt")
    assert (recipe.frozen, recipe.start) == (("conv1",), str(first.folder))
    assert gb.recipe(str(recipe)) == recipe
