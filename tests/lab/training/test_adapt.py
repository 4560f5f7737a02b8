"""Recipes that fit the data they are given, and what is said of it."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradbook.data.dataset import TEST, TRAINING, Dataset, Part, assemble
from gradbook.data.sources import load
from gradbook.data.warp import write_warp
from gradbook.errors import ShapeError
from gradbook.lab.recipes import RECIPES
from gradbook.lab.recipes.builtin import recipe
from gradbook.lab.recipes.recipe import Recipe
from gradbook.lab.recipes.text import changed
from gradbook.lab.training.adapt import _batch, adapted, fitted_net
from gradbook.lab.training.material import material
from gradbook.lab.training.train import train
from gradbook.net import Loss, parse
from gradbook.net.builtin import DIGITS
from tests.lab import made

ENDS = "input 1x8x8; flatten; dense 4"


def asked(changes: str = "") -> Recipe:
    """The recipe `quick` for other images than its own."""
    found = replace(recipe("quick"), data="letters")
    return changed(found, changes) if changes else found


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
    found = fitted_net(recipe(name).net, (channels, rows, columns), classes)
    assert found.input == (channels, rows, columns)
    assert found.outputs == classes
    assert len(found.layers) == len(recipe(name).net.layers)


@pytest.mark.parametrize("name", RECIPES)
def test_on_its_own_data_a_built_in_recipe_stays_as_it_is(name):
    own = recipe(name)
    assert fitted_net(own.net, (1, 28, 28), 10).shapes == own.net.shapes
    assert adapted(own).recipe == own
    assert adapted(own).remarks == ()


def test_what_is_gone_around_or_applied_again_fits_other_images_too():
    net = parse(
        "input 1x28x28; conv 4 3x3 pad 1; relu; conv 4 3x3 pad 1; again 2; add back 2; flatten; "
        "dense 10; log softmax"
    )
    found = fitted_net(net, (1, 9, 9), 5)
    assert (found.again, found.shapes[-1]) == (net.again, (5,))


def test_last_sums_that_are_applied_again_are_not_made_others():
    net = parse("input 1x28x28; flatten; dense 10; dense 10; again 2; log softmax")
    assert fitted_net(net, (1, 28, 28), 10) == net
    with pytest.raises(ShapeError, match="layer 4 is applied again, so it can't make 5 values"):
        fitted_net(net, (1, 28, 28), 5)


def test_whose_data_it_was_adapted_to_is_said_and_stands_in_the_title():
    found = adapted(asked(), data((3, 20, 12), 7))
    assert found.recipe.title == "quick, adapted to letters"
    assert found.recipe.net.name == found.recipe.title
    assert found.remarks[0] == (
        "quick is adapted to letters: input 3x20x12, 7 classes, "
        "warp rotate 2.143, shift 0.429, scale 0.979 1.021, batches of 32, 100 epochs"
    )
    assert adapted(found.recipe, data((3, 20, 12), 7)).recipe == found.recipe


@pytest.mark.parametrize(
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
    found = adapted(asked, data((1, side, side), 10))
    assert write_warp(found.recipe.warp) == expected
    is_another = found.recipe.warp != asked.warp
    assert (f"warp {expected.replace(';', ',')}" in " ".join(found.remarks)) == is_another


def test_a_warp_that_is_said_is_kept_on_images_of_any_size():
    said = adapted(asked("warp shift 2, crop 7"), data((1, 8, 8), 10)).recipe
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
    found = adapted(asked("epochs 2; batch 16; rate 0.3"), data((1, 28, 28), 10)).recipe
    assert (found.epochs, found.batch, found.schedule.rate) == (2, 16, 0.3)
    assert found.title == "quick on letters"


@given(st.integers(2, 6000))
def test_no_batch_has_one_image_alone(images):
    batch = _batch(256, images)
    assert 32 <= batch <= 260
    assert images % batch != 1


def test_a_network_of_ones_own_is_never_changed():
    own = recipe("input 1x9x9; flatten; dense 4; softmax")
    assert adapted(own, data((1, 8, 8), 5)).recipe.net.layers == own.net.layers
    with pytest.raises(ShapeError, match="begin it with 'input 1x8x8'"):
        material(own, data((1, 8, 8), 5))


def test_an_adapted_recipe_trains_on_few_small_images():
    found = train("tiny", "epochs 20", data=made.dataset(300))
    assert found.recipe.title == "tiny, adapted to made"
    assert found.test_accuracy > 0.9


# The background.


def test_a_warp_fills_with_the_brightness_at_the_edges_of_the_images_trained_on():
    found = adapted(asked(), data((1, 28, 28), 10, dark=245))
    assert found.recipe.warp.background == 245
    assert "warped on a background of 245, as the images have at their edges" in found.remarks


def test_a_background_that_is_said_is_kept_and_a_black_one_goes_without_saying():
    said = asked("warp rotate 5, background 9")
    assert adapted(said, data((1, 28, 28), 10, dark=245)).recipe.warp.background == 9
    black = adapted(asked(), data((1, 28, 28), 10, dark=0))
    assert black.recipe.warp == recipe("quick").warp


def test_images_held_back_have_no_say_in_the_background():
    held = replace(asked(), held_back=2)
    images = data((1, 28, 28), 2, images=12)
    images.training_and_validation.pixels.flags.writeable = True
    images.training_and_validation.pixels[images.folds == 2] = 255
    assert adapted(held, images).recipe.warp.background is None


# The loss.


@pytest.mark.parametrize(
    ("end", "loss"),
    [("softmax", Loss.CROSS), ("log softmax", Loss.CROSS), ("sigmoid", Loss.BINARY)],
)
def test_a_network_without_its_loss_gets_the_one_that_its_end_means(end, loss):
    found = adapted(recipe(f"{ENDS}; {end}"), made.dataset())
    assert found.recipe.net.loss is loss
    assert found.remarks == (f"no loss is said, so it is {loss}: the network ends in {end}",)


def test_a_plain_end_learns_by_half_squared_error_and_a_better_one_is_named():
    found = adapted(recipe(ENDS), made.dataset())
    assert found.recipe.net.loss is Loss.HALF_SQUARED
    assert "end it in softmax for cross-entropy" in found.remarks[0]


def test_a_loss_that_is_said_needs_no_word():
    found = adapted(recipe(f"{ENDS}; softmax; loss half squared error"), made.dataset())
    assert (found.recipe.net.loss, found.remarks) == (Loss.HALF_SQUARED, ())
