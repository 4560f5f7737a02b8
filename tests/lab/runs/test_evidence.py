from __future__ import annotations

import numpy as np
import pytest

from gradbook.data.warp import warped
from gradbook.errors import GradbookError
from gradbook.lab.recipes.recipe import Recipe
from gradbook.lab.runs.evidence import gather
from tests.runs import finished, pictures

WARP = "warp rotate 20, shift 1"


def test_the_warped_images_are_those_that_training_saw(tmp_path):
    data = pictures(each=12)
    found = gather(finished(tmp_path / "run", data, changes=WARP, seed=3), data)
    recipe: Recipe = found.recipe
    all_images = data.training_and_validation
    original = found.warped[0]
    for epoch, images in enumerate(found.warped[1:]):
        for image, before in zip(images.pixels, original.pixels, strict=True):
            same = (all_images.pixels == before).all((1, 2, 3)) & (data.folds != 0)
            (number,) = np.flatnonzero(same)
            seen = warped(
                all_images.pixels[number], recipe.warp, seed=3, epoch=epoch, image=int(number)
            )
            assert np.array_equal(image, seen.round().astype(np.uint8))


def test_images_that_are_not_warped_are_shown_once(tmp_path):
    data = pictures()
    assert len(gather(finished(tmp_path / "run", data), data).warped) == 1


def test_the_answers_are_the_models(tmp_path):
    data = pictures()
    run = finished(tmp_path / "run", data)
    found = gather(run, data)
    assert found.answers.accuracy == run.result()["test_accuracy"]
    assert found.answers.right[found.example] or not found.answers.right.any()


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (pictures(shape=(1, 9, 8)), "the images of spots are 1x9x8, but the network takes 1x8x8"),
        (pictures(tuple("abc")), "spots has 3 classes, but the network has 10 outputs"),
        (pictures(tuple("abcdefghij")), "name the data set that it was trained on"),
    ],
)
def test_another_data_set_is_refused(other, said, tmp_path):
    run = finished(tmp_path / "run", pictures())
    with pytest.raises(GradbookError, match=said):
        gather(run, other)
