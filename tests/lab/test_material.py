import numpy as np
import pytest

from gradbook.data.images import statistics
from gradbook.errors import DataError, ShapeError
from gradbook.lab.material import Material, material, placed
from gradbook.lab.recipe import recipe
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
    with pytest.raises(ShapeError, match="made has 4 classes, but the network 1 outputs"):
        material(recipe(one), SET)
