from __future__ import annotations

import numpy as np
import pytest

from gradbook.data.warp import warp_image
from gradbook.errors import GradbookError
from gradbook.lab.recipes.recipe import Recipe
from gradbook.lab.runs import (
    first_filters,
    gather,
    open_run,
    stages,
)
from gradbook.net import parse
from tests.cases import for_each
from tests.runs import finished, pictures, several, text_for

LAYERS = (
    "conv 4 3x3; batchnorm; dropout 0.1 channels; relu; conv 2 3x3 groups 2; relu; maxpool 2; "
    "flatten; dense {classes}; log softmax"
)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    data = pictures()
    run = finished(tmp_path_factory.mktemp("run") / "run", data, text_for(data, LAYERS))
    return run.model(), data


def test_there_is_a_stage_for_what_each_layer_with_weights_is_given(model):
    trained, data = model
    told = stages(trained.net, trained.values, trained.prepare(data.test_for_reporting.pixels[0]))
    assert [stage.layers for stage in told] == [
        "conv 4 3x3",
        "batchnorm, relu",
        "conv 2 3x3 groups 2, relu",
        "maxpool 2",
    ]
    assert [stage.values.shape for stage in told] == [(4, 6, 6), (4, 6, 6), (2, 4, 4), (2, 2, 2)]
    assert [stage.field for stage in told] == [(3, 3), (3, 3), (5, 5), (6, 6)]


def test_the_first_stage_is_the_filters_slid_over_the_image(model):
    trained, data = model
    image = trained.prepare(data.test_for_reporting.pixels[3])
    kernels = first_filters(trained.net, trained.values, data.shape)
    (first, second, *_) = stages(trained.net, trained.values, image)
    windows = np.lib.stride_tricks.sliding_window_view(image[0], (3, 3))
    bias = trained.values["b_layer_0"][:, None, None]
    expected = np.einsum("yxab,oab->oyx", windows, kernels[:, 0]) + bias
    assert first.values == pytest.approx(expected)
    assert second.values.min() >= 0


def test_the_last_stage_leads_to_what_the_model_says(model):
    trained, data = model
    image = trained.prepare(data.test_for_reporting.pixels[5])
    last = stages(trained.net, trained.values, image)[-1].values.ravel()
    weights, bias = (trained.values[f"{role}_layer_8"].astype(float) for role in "wb")
    sums = weights @ last + bias
    shares = np.exp(sums - sums.max())
    said = trained.predict(data.test_for_reporting.pixels[5:6])[0]
    assert said == pytest.approx(shares / shares.sum(), abs=1e-4)


def test_a_dense_layers_weights_are_laid_out_as_the_picture():
    net = parse("input 12; dense 3; relu; dense 2; softmax; loss cross-entropy")
    weights = np.arange(36.0).reshape(3, 12)
    found = first_filters(net, {"w_layer_0": weights}, (1, 3, 4))
    assert found.shape == (3, 1, 3, 4)
    assert found[1, 0, 0].tolist() == [12, 13, 14, 15]


def test_there_are_no_filters_behind_a_pool():
    net = parse("input 1x4x4; maxpool 2; flatten; dense 2; softmax; loss cross-entropy")
    assert first_filters(net, {}, (1, 4, 4)) is None


@for_each("layers", ["gru 3", "conv1d 2 1; flatten"])
def test_there_are_no_filters_where_a_picture_is_read_row_by_row(layers):
    net = parse(f"input 4x4; {layers}; dense 2; softmax; loss cross-entropy")
    assert first_filters(net, {}, (1, 4, 4)) is None


def test_a_network_that_is_given_no_picture_has_no_stages():
    net = parse("input 12; dense 3; relu; dense 2; softmax; loss cross-entropy")
    assert stages(net, {}, np.zeros(12)) == ()


WARP = "warp rotate 20, shift 1"


def test_the_warped_images_are_those_that_training_saw(tmp_path):
    data = pictures(each=12)
    gathered = gather(finished(tmp_path / "run", data, changes=WARP, seed=3), data)
    recipe: Recipe = gathered.recipe
    all_images = data.training_and_validation
    original = gathered.warped[0]
    for epoch, images in enumerate(gathered.warped[1:]):
        for image, before in zip(images.pixels, original.pixels, strict=True):
            same = (all_images.pixels == before).all((1, 2, 3)) & (data.folds != 0)
            (number,) = np.flatnonzero(same)
            seen = warp_image(
                all_images.pixels[number], recipe.warp, seed=3, epoch=epoch, image=int(number)
            )
            assert np.array_equal(image, seen.round().astype(np.uint8))


def test_images_that_are_not_warped_are_shown_once(tmp_path):
    data = pictures()
    assert len(gather(finished(tmp_path / "run", data), data).warped) == 1


def test_the_answers_are_the_models(tmp_path):
    data = pictures()
    run = finished(tmp_path / "run", data)
    gathered = gather(run, data)
    assert gathered.answers.accuracy == run.result()["test_accuracy"]
    assert gathered.answers.right[gathered.example] or not gathered.answers.right.any()


@for_each(
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


DATA = pictures()


def test_several_seeds_are_one_run_with_their_mean(tmp_path):
    above = several(tmp_path / "seeds", DATA)
    run = open_run(above.path)
    accuracies = [above.run(seed).result()["test_accuracy"] for seed in (0, 1, 2)]
    assert run.seeds == (0, 1, 2)
    assert run.test.values == tuple(accuracies)
    assert run.test.mean == pytest.approx(np.mean(accuracies))
    assert run.test.deviation == pytest.approx(np.std(accuracies, ddof=1))
    assert run.seconds == pytest.approx(8.5)
