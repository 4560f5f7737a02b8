from __future__ import annotations

import numpy as np
import pytest

from gradbook.lab.models.insides import first_filters, stages
from gradbook.net import parse
from tests.runs import finished, pictures, text_for

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
    told = stages(trained.net, trained.values, trained.given(data.test_for_reporting.pixels[0]))
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
    image = trained.given(data.test_for_reporting.pixels[3])
    kernels = first_filters(trained.net, trained.values, data.shape)
    (first, second, *_) = stages(trained.net, trained.values, image)
    windows = np.lib.stride_tricks.sliding_window_view(image[0], (3, 3))
    bias = trained.values["b_layer_0"][:, None, None]
    expected = np.einsum("yxab,oab->oyx", windows, kernels[:, 0]) + bias
    assert first.values == pytest.approx(expected)
    assert second.values.min() >= 0


def test_the_last_stage_leads_to_what_the_model_says(model):
    trained, data = model
    image = trained.given(data.test_for_reporting.pixels[5])
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


def test_a_network_that_is_given_no_picture_has_no_stages():
    net = parse("input 12; dense 3; relu; dense 2; softmax; loss cross-entropy")
    assert stages(net, {}, np.zeros(12)) == ()
