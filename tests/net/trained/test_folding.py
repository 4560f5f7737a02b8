import numpy as np
from hypothesis import given

from gradbook.net import Activation, BatchNorm, Dropout, Net
from gradbook.net.trained import (
    ScaleShift,
    Scaling,
    TrainedNet,
    fold_norms,
    strip_idle,
    trained_net,
    with_answers,
    with_input_scaling,
)
from tests.cases import for_each
from tests.families import networks
from tests.trained import by_the_graph, drawn, model_of, outputs, trained_of


def inputs(trained: TrainedNet) -> np.ndarray:
    return np.random.default_rng(1).uniform(-2, 2, (3, *trained.input))


def names(trained: TrainedNet) -> list[str]:
    return [layer.name for layer in trained.layers]


def with_scales(trained: TrainedNet, sign: float) -> TrainedNet:
    """All normalisations scale by numbers of this sign."""
    for layer in trained.layers:
        if isinstance(layer.layer, BatchNorm):
            layer.tensors["scale"][...] = sign * abs(layer.tensors["scale"])
    return trained


@given(networks(dropout=True))
def test_folding_changes_no_output(net):
    trained = trained_of(net)
    expected = outputs(trained, inputs(trained))
    for fewer in (
        strip_idle(trained),
        fold_norms(trained),
        fold_norms(with_input_scaling(strip_idle(trained))),
    ):
        given = inputs(trained)
        if fewer.layers and fewer.layers[0].name == "preparation":
            tail = (-1, *(1,) * (given.ndim - 2))
            scaling = trained.scaling
            given = 255 * (given * scaling.deviation.reshape(tail) + scaling.mean.reshape(tail))
        np.testing.assert_allclose(outputs(fewer, given), expected, rtol=1e-6, atol=1e-8)


@given(networks(dropout=True))
def test_nothing_is_left_that_does_nothing_and_no_normalisation_as_such(net):
    kinds = [layer.layer for layer in fold_norms(trained_of(net)).layers]
    assert not any(isinstance(kind, BatchNorm | Dropout) for kind in kinds)
    assert Activation("identity") not in kinds


@for_each(
    ("layers", "left"),
    [
        ("conv 2 3x3; batchnorm; relu", ["conv1", "relu1"]),
        ("conv 2 3x3 no bias; dropout 0.5; batchnorm", ["conv1"]),
        ("conv 2 3x3; batchnorm; batchnorm", ["conv1"]),
        ("conv 2 3x3; avgpool 2; batchnorm", ["conv1", "avgpool1"]),
        ("conv 2 3x3; relu; batchnorm", ["conv1", "relu1", "batchnorm1"]),
        ("batchnorm; conv 2 3x3", ["batchnorm1", "conv1"]),
        ("conv 2 3x3; flatten; batchnorm", ["conv1", "flatten1", "batchnorm1"]),
        ("conv 2 3x3 pad 1; conv 2 3x3 pad 1; batchnorm; add back 2", ["conv1", "conv2", "add1"]),
        (
            "conv 2 3x3 pad 1; batchnorm; concat back 1; batchnorm",  # reads what is normalised
            ["conv1", "batchnorm1", "concat1", "batchnorm2"],
        ),
        (
            "conv 2 3x3 pad 1; batchnorm; relu; add back 2",  # reads what is normalised
            ["conv1", "batchnorm1", "relu1", "add1"],
        ),
    ],
)
def test_a_normalisation_goes_into_the_sums_before_it_if_nobody_else_reads_them(layers, left):
    net = Net.parse(f"input 2x6x6; {layers}; flatten; dense 2")
    assert names(fold_norms(trained_of(net)))[: len(left)] == left


@for_each(
    ("sign", "left"),
    [(1, ["conv1", "maxpool1"]), (-1, ["conv1", "maxpool1", "batchnorm1"])],
)
def test_it_goes_through_a_pool_of_largest_values_unless_it_turns_them_over(sign, left):
    net = Net.parse("input 1x6x6; conv 2 3x3; maxpool 2; batchnorm; flatten; dense 2")
    trained = with_scales(trained_of(net), sign)
    fewer = fold_norms(trained)
    assert names(fewer)[: len(left)] == left
    if sign < 0:
        assert fewer.layers[2].layer == ScaleShift()
    given = inputs(trained)
    np.testing.assert_allclose(outputs(fewer, given), outputs(trained, given), rtol=1e-9)


@for_each("zeros", ["", " zeros"])
def test_it_goes_through_an_average_pool_that_counts_no_zeros(zeros):
    net = Net.parse(f"input 1x6x6; conv 2 3x3; avgpool 2 pad 1{zeros}; batchnorm; flatten; dense 2")
    trained = trained_of(net)
    fewer = fold_norms(trained)
    assert ("batchnorm1" in names(fewer)) == bool(zeros)
    given = inputs(trained)
    np.testing.assert_allclose(outputs(fewer, given), outputs(trained, given), rtol=1e-9)


@for_each(
    "ending",
    [
        "dense 3; softmax",
        "dense 3; log softmax",
        "dense 3; sigmoid; loss binary cross-entropy",
        "dense 3; sigmoid; loss mean squared error",
        "dense 3; loss mean squared error",
        "dense 1; sigmoid; loss binary cross-entropy",
    ],
)
def test_bytes_become_the_probabilities_of_the_model(ending):
    model = model_of(f"input 2x4x4; conv 2 3x3; batchnorm; relu; flatten; {ending}")
    images = np.random.default_rng(0).integers(0, 256, (5, 2, 4, 4), np.uint8)
    found = outputs(fold_norms(with_answers(with_input_scaling(model.trained()))), images)
    np.testing.assert_allclose(found, model.predict(images), rtol=1e-7)


def test_a_norm_is_folded_into_scaling_that_differs_from_place_to_place():
    net = Net.parse("input 3x3x3; batchnorm; flatten; dense 2")  # as many columns as channels
    random = np.random.default_rng(1)
    scaling = Scaling(1, random.normal(size=27), random.uniform(1, 2, 27))
    scaled = with_input_scaling(trained_net(net, drawn(net), scaling))
    rows = random.normal(size=(4, 3, 3, 3))
    folded = fold_norms(scaled)
    assert len(folded.layers) == len(scaled.layers) - 1
    prepared = (rows - scaling.mean.reshape(3, 3, 3)) / scaling.deviation.reshape(3, 3, 3)
    expected = by_the_graph(net, drawn(net), prepared)
    made = rows * folded.layers[0].tensors["scale"] + folded.layers[0].tensors["shift"]
    dense = folded.layers[-1].tensors
    np.testing.assert_allclose(made.reshape(4, -1) @ dense["weight"].T + dense["bias"], expected)
