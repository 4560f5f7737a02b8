from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from gradbook.data.dataset import TRAINING, Part, assemble, statistics
from gradbook.errors import DataError, ShapeError
from gradbook.lab.recipes.builtin import recipe
from gradbook.lab.training.material import Material, material, placed
from gradbook.lab.training.train import train
from tests.lab import made

SET = made.dataset()


@pytest.mark.parametrize("fold", [0, 3, None])
def test_the_images_trained_on_are_all_but_those_held_back(fold):
    found = Material(SET, fold)
    if fold is None:
        assert found.numbers.tolist() == list(range(600))
        assert found.validation is None
    else:
        training, held_back = SET.split(fold)
        np.testing.assert_array_equal(found.images.pixels[found.numbers], training.pixels)
        np.testing.assert_array_equal(found.validation.pixels, held_back.pixels)


@pytest.mark.parametrize("fold", [2, None])
def test_brightness_is_that_of_the_images_trained_on(fold):
    found = Material(SET, fold)
    wanted = statistics(found.images[found.numbers])
    assert found.brightness[0] == pytest.approx(wanted.mean, rel=1e-12)
    assert found.brightness[1] == pytest.approx(wanted.deviation, rel=1e-9)


def test_images_of_one_shade_have_a_deviation_to_divide_by():
    data = made.dataset()
    data.training_and_validation.pixels.flags.writeable = True
    data.training_and_validation.pixels[:] = 77
    assert Material(data, 0).brightness == ((pytest.approx(77 / 255),), (1.0,))


def test_the_mark_is_another_one_for_other_images_labels_or_folds():
    marks = {Material(SET, 0).mark}
    for part in ("pixels", "labels", "folds"):
        data = made.dataset()
        arrays = {"folds": data.folds, **vars(data.training_and_validation)}
        arrays[part].flags.writeable = True
        arrays[part][5] += 1
        marks.add(Material(data, 0).mark)
    assert len(marks) == 4
    assert Material(made.dataset(), 3).mark in marks


def test_a_recipe_loads_its_own_data(tmp_path):
    path = made.archive(tmp_path)
    found = material(made.recipe(f"data {path}"))
    assert len(found.images) == 600
    with pytest.raises(DataError, match="did you mean 'digits'"):
        material(made.recipe("data digist"))


def test_a_data_file_is_found_from_anywhere(tmp_path, monkeypatch):
    made.archive(tmp_path)
    monkeypatch.chdir(tmp_path)
    assert placed(made.recipe()).data == str(tmp_path / "made.npz")
    assert placed(recipe("quick")).data == "digits"


def test_two_classes_may_be_told_apart_by_one_output():
    one = made.recipe().net.parse("input 1x8x8; flatten; dense 1; sigmoid")
    with pytest.raises(ShapeError, match="made has 4 classes, but the network has 1 output:"):
        material(recipe(one), SET)


@pytest.mark.parametrize(
    ("count", "fold", "said"),
    [
        (5, None, "few has too few images to keep any for the test: give more"),
        (6, 0, "few has too few images to hold fold 0 back: hold back none"),
        (1, None, "all images of few are of one class: give some of another"),
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
    asked = recipe(f"input 1x8x6; flatten; dense 2; softmax; data {tmp_path / 'letters'}")
    assert material(asked).images.shape == (1, 8, 6)


def test_rows_of_a_table_are_laid_out_as_the_network_takes_them(tmp_path):
    rows = [f"{k % 2},{','.join(str(9 * k + p) for p in range(6))}" for k in range(24)]
    (tmp_path / "bars.csv").write_text("\n".join(rows))
    asked = recipe(f"input 1x2x3; flatten; dense 2; softmax; data {tmp_path / 'bars.csv'}")
    assert material(asked).images.shape == (1, 2, 3)


def test_images_of_a_size_of_their_own_keep_it_and_the_network_is_told(tmp_path):
    asked = recipe(f"input 1x9x9; flatten; dense 4; softmax; data {made.archive(tmp_path)}")
    with pytest.raises(ShapeError, match="the images of made are 1x8x8, but the network takes"):
        material(asked)


def test_a_batch_size_that_leaves_one_image_over_is_refused_where_that_has_no_variance():
    text = "input 1x8x8; flatten; dense 4; batchnorm; softmax; batch 499"
    with pytest.raises(ShapeError, match="of 500 in batches of 499 one is left over"):
        material(recipe(text), SET)
    material(recipe(text.replace("batch 499", "batch 498")), SET)


# Classes that count differently.


def uneven():
    pixels, labels = made.arrays(400)
    kept = (labels != 2) | (np.arange(400) % 8 == 2)
    data = made.dataset()
    part = Part(pixels[kept][:, None], labels[kept], "uneven", "uneven", str)
    return assemble("uneven", data.source, {TRAINING: part})


@pytest.mark.parametrize("fold", [0, None])
def test_balanced_weights_are_scikit_learns(fold):
    witness = pytest.importorskip("sklearn.utils.class_weight")
    found = Material(uneven(), fold)
    weights = made.recipe("class weights balanced").weights_for(found.counts)
    labels = found.images.labels[found.numbers]
    wanted = witness.compute_class_weight("balanced", classes=np.arange(4), y=labels)
    np.testing.assert_allclose(weights, wanted)


def test_weights_that_are_said_keep_their_ratios_and_are_1_on_average():
    found = Material(uneven(), 0)
    weights = made.recipe("class weights 1 1 6 2").weights_for(found.counts)
    np.testing.assert_allclose(weights / weights[0], (1, 1, 6, 2))
    assert weights[found.images.labels[found.numbers]].mean() == pytest.approx(1)


def test_there_is_a_weight_for_each_class():
    asked = made.recipe("class weights 1 2")
    with pytest.raises(ShapeError, match="2 class weights for 4 classes: say one for each"):
        material(asked, SET)


def test_balanced_classes_are_read_alike_where_images_are_few_of_one():
    shares = {}
    for weights in ("", "class weights balanced"):
        trained = train(made.recipe(), f"epochs 1; {weights}", data=uneven())
        test = made.dataset(600, 5).training_and_validation
        rare = test.labels == 2
        shares[weights] = (trained.model.classify(test.pixels[rare]) == 2).mean()
    assert shares["class weights balanced"] > shares[""]
