"""Recipes that fit the data they are given, and what is said of it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from gradbook.builtin_networks import DIGITS
from gradbook.data.dataset import TEST, TRAINING, Dataset, Part, assemble, statistics
from gradbook.data.sources import load
from gradbook.data.warp import write_warp
from gradbook.errors import DataError, ShapeError
from gradbook.lab.images import (
    ImageProblem,
    adapt,
    fit_net,
    with_whole_path,
)
from gradbook.lab.problem import Material
from gradbook.lab.recipes import RECIPES
from gradbook.lab.recipes.recipe import Recipe, fitting_batch
from gradbook.lab.recipes.recipe_text import change_recipe, recipe
from gradbook.lab.training.train import train
from gradbook.net import Loss, parse
from tests.cases import for_each
from tests.lab import made


def material(asked: Recipe, data: Dataset | None = None) -> Material:
    return ImageProblem(asked, data).material(asked)


def of_fold(fold: int | None, data: Dataset) -> Material:
    return material(replace(made.recipe(), held_back=fold), data)


ENDS = "input 1x8x8; flatten; dense 4"


def asked(changes: str = "") -> Recipe:
    """The recipe `quick` for other images than its own."""
    found = replace(recipe("quick"), data="letters")
    return change_recipe(found, changes) if changes else found


def data(shape: tuple[int, int, int], classes: int, images: int = 120, dark: int = 0) -> Dataset:
    random = np.random.default_rng(0)
    pixels = np.full((images, *shape), dark, np.uint8)
    pixels[:, :, 1:-1, 1:-1] = random.integers(0, 255, pixels[:, :, 1:-1, 1:-1].shape)
    part = Part(pixels, np.arange(images) % classes, "letters", "letters", str)
    return assemble("letters", "made for a test", {TRAINING: part})


@given(
    st.sampled_from(RECIPES + tuple(DIGITS)),
    st.sampled_from([1, 3]),
    st.integers(4, 60),
    st.integers(4, 60),
    st.integers(2, 30),
)
def test_a_built_in_recipe_fits_images_of_any_size_and_number_of_classes(
    name, channels, rows, columns, classes
):
    found = fit_net(recipe(name).net, (channels, rows, columns), classes)
    assert found.input == (channels, rows, columns)
    assert found.outputs == classes
    assert len(found.layers) == len(recipe(name).net.layers)


@for_each("name", RECIPES)
def test_on_its_own_data_a_built_in_recipe_stays_as_it_is(name):
    own = recipe(name)
    assert fit_net(own.net, (1, 28, 28), 10).shapes == own.net.shapes
    assert adapt(own).recipe == own
    assert adapt(own).remarks == ()


def test_what_is_gone_around_or_applied_again_fits_other_images_too():
    net = parse(
        "input 1x28x28; conv 4 3x3 pad 1; relu; conv 4 3x3 pad 1; again 2; add back 2; flatten; "
        "dense 10; log softmax"
    )
    found = fit_net(net, (1, 9, 9), 5)
    assert (found.again, found.shapes[-1]) == (net.again, (5,))


def test_last_sums_that_are_applied_again_are_not_made_others():
    net = parse("input 1x28x28; flatten; dense 10; dense 10; again 2; log softmax")
    assert fit_net(net, (1, 28, 28), 10) == net
    with pytest.raises(ShapeError, match="layer 4 is repeated, so it can't have 5 outputs"):
        fit_net(net, (1, 28, 28), 5)


def test_whose_data_it_was_adapted_to_is_said_and_stands_in_the_title():
    adapted = adapt(asked(), data((3, 20, 12), 7))
    assert adapted.recipe.title == "quick, adapted to letters"
    assert adapted.recipe.net.name == adapted.recipe.title
    assert adapted.remarks[0] == (
        "quick is adapted to letters: input 3x20x12, 7 classes, "
        "warp rotate 2.143, shift 0.429, scale 0.979 1.021, batches of 4, 100 epochs"
    )
    assert adapt(adapted.recipe, data((3, 20, 12), 7)).recipe == adapted.recipe


@for_each(
    ("name", "side", "expected"),
    [
        ("quick", 8, "rotate 1.429; shift 0.286; scale 0.986 1.014"),
        ("small", 14, "rotate 4; shift 0.5; scale 0.96 1.04; elastic 4 1"),
        ("tiny", 56, "rotate 5; shift 1; elastic 14 5"),
        ("reference", 8, "rotate 4.286; crop 6 chance 0.1"),
        ("best", 28, "rotate 10; shift 2; scale 0.9 1.1"),
        ("flat", 8, "none"),
    ],
)
def test_a_warp_is_made_for_the_size_of_the_images(name, side, expected):
    asked = replace(recipe(name), data="letters")
    adapted = adapt(asked, data((1, side, side), 10))
    assert write_warp(adapted.recipe.warp) == expected
    is_another = adapted.recipe.warp != asked.warp
    assert (f"warp {expected.replace(';', ',')}" in " ".join(adapted.remarks)) == is_another


def test_a_warp_that_is_said_is_kept_on_images_of_any_size():
    said = adapt(asked("warp shift 2, crop 7"), data((1, 8, 8), 10)).recipe
    assert write_warp(said.warp) == "shift 2; crop 7"


def test_small_digits_are_learned_as_well_as_without_a_warp():
    """1,797 digits of 8 by 8 pixels, each sixth of them read after training on the others."""
    part = load("digits8").training_and_validation, load("digits8").test_for_reporting
    pixels, labels = (
        np.concatenate([getattr(of, what) for of in part]) for what in ("pixels", "labels")
    )
    order = np.random.default_rng(0).permutation(len(labels))
    right = 0.0
    for fold in range(6):
        is_test = order % 6 == fold
        parts = {
            kind: Part(pixels[own], labels[own], "digits8", "digits8", str)
            for kind, own in ((TRAINING, ~is_test), (TEST, is_test))
        }
        found = train("quick", data=assemble("eights", "", parts), held_back=False)
        right += found.test_accuracy * is_test.sum()
    assert right / len(labels) > 0.983  # 97.6 % in the warp of 28 by 28, 98.7 % without any


def test_what_is_said_in_its_place_is_kept():
    found = adapt(asked("epochs 2; batch 16; rate 0.3"), data((1, 28, 28), 10)).recipe
    assert (found.epochs, found.batch, found.schedule.rate) == (2, 16, 0.3)
    assert found.title == "quick on letters"


@given(st.integers(2, 6000))
def test_a_batch_is_a_sixteenth_at_most_and_has_no_image_alone(images):
    batch = fitting_batch(256, images)
    assert images % batch != 1
    assert batch <= max(images // 16, 3)
    assert batch > images // 32 or batch == 256 or images % (batch + 1) == 1


def test_a_network_of_ones_own_takes_a_batch_that_its_images_have_sixteen_of():
    images = data((1, 20, 20), 4, images=240)  # of which 167 are trained on
    cases = {
        "": (8, 0.1 * 8 / 128),
        "update adam": (8, 0.01 * (8 / 128) ** 0.5),
        "rate 0.3": (8, 0.3),
        "schedule constant 0.2": (8, 0.2),
        "batch 64": (64, 0.1),
    }
    for lines, (batch, rate) in cases.items():
        own = recipe(f"input 1x20x20; flatten; dense 4; softmax; {lines}")
        adapted = adapt(replace(own, data="letters"), images)
        assert (adapted.recipe.batch, adapted.recipe.schedule.rate) == (batch, pytest.approx(rate))
        said = [line for line in adapted.remarks if line.startswith("batches of 8")]
        assert len(said) == (batch == 8), (lines, adapted.remarks)
        assert adapted.recipe.title == own.title
        again = adapt(recipe(str(adapted.recipe)), images).recipe
        assert str(again) == str(adapted.recipe), lines


def test_pictures_keep_their_own_size_where_the_network_adapts(tmp_path):
    for name, size in (("small", (20, 18)), ("large", (80, 60))):
        for k, of in enumerate("ab" * 12):
            (tmp_path / name / of).mkdir(parents=True, exist_ok=True)
            Image.new("L", size, 10 * k).save(tmp_path / name / of / f"{k}.png")
    small, large = (str(tmp_path / name) for name in ("small", "large"))
    assert adapt(replace(recipe("quick"), data=small)).recipe.net.input == (1, 18, 20)
    adapted = adapt(replace(recipe("quick"), data=large))
    assert adapted.recipe.net.input == (1, 28, 28)
    assert adapted.remarks[0].startswith("pictures of 60x80 are scaled to 28x28: make them at")
    own = recipe("input 1x12x12; flatten; dense 2; softmax")
    assert adapt(replace(own, data=small)).problem.dataset.shape == (1, 12, 12)


def test_a_network_of_ones_own_is_never_changed():
    own = recipe("input 1x9x9; flatten; dense 4; softmax")
    assert adapt(own, data((1, 8, 8), 5)).recipe.net.layers == own.net.layers
    with pytest.raises(ShapeError, match="begin it with 'input 1x8x8'"):
        material(own, data((1, 8, 8), 5))


def test_an_adapted_recipe_trains_on_few_small_images():
    runs = [train("tiny", f"epochs 20; seed {k}", data=made.dataset(300)) for k in range(3)]
    assert runs[0].recipe.title == "tiny, adapted to made"
    # One random seed may be unlucky on one kind of processor, whose sums round differently.
    assert sorted(run.test_accuracy for run in runs)[1] > 0.9


# The background.


def test_a_warp_fills_with_the_brightness_at_the_edges_of_the_images_trained_on():
    adapted = adapt(asked(), data((1, 28, 28), 10, dark=245))
    assert adapted.recipe.warp.background == 245
    assert "warped on a background of 245, the brightness at the images' edges" in adapted.remarks


def test_a_background_that_is_said_is_kept_and_a_black_one_goes_without_saying():
    said = asked("warp rotate 5, background 9")
    assert adapt(said, data((1, 28, 28), 10, dark=245)).recipe.warp.background == 9
    black = adapt(asked(), data((1, 28, 28), 10, dark=0))
    assert black.recipe.warp == recipe("quick").warp


def test_images_held_back_have_no_say_in_the_background():
    held = replace(asked(), held_back=2)
    images = data((1, 28, 28), 2, images=12)
    images.training_and_validation.pixels.flags.writeable = True
    images.training_and_validation.pixels[images.folds == 2] = 255
    assert adapt(held, images).recipe.warp.background is None


# The loss.


@for_each(
    ("end", "loss"),
    [("softmax", Loss.CROSS), ("log softmax", Loss.CROSS), ("sigmoid", Loss.BINARY)],
)
def test_a_network_without_its_loss_gets_the_one_that_its_end_means(end, loss):
    adapted = adapt(recipe(f"{ENDS}; {end}"), made.dataset())
    assert adapted.recipe.net.loss is loss
    assert adapted.remarks == (f"no loss is named, so it is {loss}: the network ends in {end}",)


def test_plain_ends_of_classes_become_probabilities_and_that_is_said():
    cases = {
        (ENDS, 3): ("plain sums, so a softmax is added and the loss is cross-entropy", Loss.CROSS),
        ("input 1x28x28; flatten; dense 1", 2): ("a plain sum, so a sigmoid is", Loss.BINARY),
    }
    for (text, classes), (said, loss) in cases.items():
        adapted = adapt(recipe(text), made.dataset() if classes == 3 else data((1, 28, 28), 2))
        assert adapted.recipe.net.loss is loss
        assert adapted.recipe.net.ending in said
        assert f"the network ends in {said}" in adapted.remarks[0], adapted.remarks
        assert recipe(str(adapted.recipe)) == adapted.recipe


def test_a_loss_that_is_said_needs_no_word():
    adapted = adapt(recipe(f"{ENDS}; softmax; loss half squared error"), made.dataset())
    assert (adapted.recipe.net.loss, adapted.remarks) == (Loss.HALF_SQUARED, ())


SET = made.dataset()


@for_each("fold", [0, 3, None])
def test_the_images_trained_on_are_all_but_those_held_back(fold):
    found = of_fold(fold, SET)
    if fold is None:
        assert found.numbers.tolist() == list(range(600))
        assert found.held_back is None
    else:
        training, held_back = SET.split(fold)
        np.testing.assert_array_equal(found.samples.inputs[found.numbers], training.pixels)
        np.testing.assert_array_equal(found.held_back.inputs, held_back.pixels)


@for_each("fold", [2, None])
def test_brightness_is_that_of_the_images_trained_on(fold):
    found = of_fold(fold, SET)
    wanted = statistics(SET.training_and_validation[found.numbers])
    assert found.mean == pytest.approx(wanted.mean, rel=1e-12)
    assert found.deviation == pytest.approx(wanted.deviation, rel=1e-9)


def test_images_of_one_shade_have_a_deviation_to_divide_by():
    data = made.dataset()
    data.training_and_validation.pixels.flags.writeable = True
    data.training_and_validation.pixels[:] = 77
    found = of_fold(0, data)
    assert (found.mean, found.deviation) == ((pytest.approx(77 / 255),), (1.0,))


def test_the_mark_is_another_one_for_other_images_labels_or_folds():
    marks = {of_fold(0, SET).mark}
    for part in ("pixels", "labels", "folds"):
        data = made.dataset()
        arrays = {"folds": data.folds, **vars(data.training_and_validation)}
        arrays[part].flags.writeable = True
        arrays[part][5] += 1
        marks.add(of_fold(0, data).mark)
    assert len(marks) == 4
    assert of_fold(3, made.dataset()).mark in marks


def test_a_recipe_loads_its_own_data(tmp_path):
    path = made.archive(tmp_path)
    found = material(made.recipe(f"data {path}"))
    assert len(found.samples) == 600
    with pytest.raises(DataError, match="did you mean 'digits'"):
        material(made.recipe("data digist"))


def test_a_data_file_is_found_from_anywhere(tmp_path, monkeypatch):
    made.archive(tmp_path)
    monkeypatch.chdir(tmp_path)
    assert with_whole_path(made.recipe()).data == str(tmp_path / "made.npz")
    assert with_whole_path(recipe("quick")).data == "digits"


def test_two_classes_may_be_told_apart_by_one_output():
    one = made.recipe().net.parse("input 1x8x8; flatten; dense 1; sigmoid")
    with pytest.raises(ShapeError, match="made has 4 classes, but the network has 1 output:"):
        material(recipe(one), SET)


@for_each(
    ("count", "fold", "said"),
    [
        (5, None, "few has too few images to hold any out for the test: give more"),
        (6, 0, "few has too few images to hold back fold 0: write 'hold back none'"),
        (1, None, "all images of few belong to one class: add images of another"),
    ],
)
def test_a_data_set_that_is_too_small_is_refused_before_any_training(tmp_path, count, fold, said):
    pixels, labels = made.arrays(count)
    np.savez(tmp_path / "few.npz", images=pixels, labels=labels % 2)
    asked = recipe(f"input 1x8x8; flatten; dense 2; softmax; data {tmp_path / 'few.npz'}")
    with pytest.raises(ShapeError, match=said):
        material(replace(asked, held_back=fold))


def test_pictures_are_brought_to_the_size_that_the_network_takes(tmp_path):
    for k in range(24):
        folder = tmp_path / "letters" / "ab"[k % 2]
        folder.mkdir(parents=True, exist_ok=True)
        Image.new("L", (30 + k, 20), 9 * k).save(folder / f"{k}.png")
    for said in ("input 1x8x6; flatten", "input 8x6; gru 2"):
        asked = recipe(f"{said}; dense 2; softmax; data {tmp_path / 'letters'}")
        assert material(asked).samples.inputs.shape[1:] == (1, 8, 6)


def test_rows_of_a_table_are_laid_out_as_the_network_takes_them(tmp_path):
    rows = [f"{k % 2},{','.join(str(9 * k + p) for p in range(6))}" for k in range(24)]
    (tmp_path / "bars.csv").write_text("\n".join(rows))
    asked = recipe(f"input 1x2x3; flatten; dense 2; softmax; data {tmp_path / 'bars.csv'}")
    assert material(asked).samples.inputs.shape[1:] == (1, 2, 3)


def test_a_batch_size_that_leaves_one_image_over_is_refused_where_that_has_no_variance():
    text = "input 1x8x8; flatten; dense 4; batchnorm; softmax; batch 499"
    with pytest.raises(ShapeError, match="500 in batches of 499 leave one over"):
        material(recipe(text), SET)
    material(recipe(text.replace("batch 499", "batch 498")), SET)


# Classes that count differently.


def uneven():
    pixels, labels = made.arrays(400)
    kept = (labels != 2) | (np.arange(400) % 8 == 2)
    data = made.dataset()
    part = Part(pixels[kept][:, None], labels[kept], "uneven", "uneven", str)
    return assemble("uneven", data.source, {TRAINING: part})


@for_each("fold", [0, None])
def test_balanced_weights_are_scikit_learns(fold):
    witness = pytest.importorskip("sklearn.utils.class_weight")
    found = of_fold(fold, uneven())
    weights = made.recipe("class weights balanced").weights_for(found.counts(4))
    labels = found.samples.targets[found.numbers]
    wanted = witness.compute_class_weight("balanced", classes=np.arange(4), y=labels)
    np.testing.assert_allclose(weights, wanted)


def test_weights_that_are_said_keep_their_ratios_and_are_1_on_average():
    found = of_fold(0, uneven())
    weights = made.recipe("class weights 1 1 6 2").weights_for(found.counts(4))
    np.testing.assert_allclose(weights / weights[0], (1, 1, 6, 2))
    assert weights[found.samples.targets[found.numbers]].mean() == pytest.approx(1)


def test_there_is_a_weight_for_each_class():
    asked = made.recipe("class weights 1 2")
    with pytest.raises(ShapeError, match="2 class weights for 4 classes: write one for each"):
        material(asked, SET)


def test_balanced_classes_are_read_alike_where_images_are_few_of_one():
    shares = {}
    for weights in ("", "class weights balanced"):
        trained = train(made.recipe(), f"epochs 1; {weights}", data=uneven())
        test = made.dataset(600, 5).training_and_validation
        rare = test.labels == 2
        shares[weights] = (trained.model.classify(test.pixels[rare]) == 2).mean()
    assert shares["class weights balanced"] > shares[""]
