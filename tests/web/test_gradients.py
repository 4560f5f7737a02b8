"""What arrives at each value of an image on the page, beside the reference's."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from gradbook.net import Net, parse
from gradbook.net.names import statistics_names
from gradbook.net.work.at_work import AtWork, at_work, last_value, leaf_of
from gradbook.net.work.feeding import Feed, feeds
from gradbook.report.digits_tables import row_numbers
from tests.cases import for_each
from tests.families import networks
from tests.web.looking import FLAT, MIXED, is_shown, looked

pytestmark = pytest.mark.witness("node", "zig")
NETS = {
    "mixed": MIXED,
    "flat": FLAT,
    "strides": parse(
        "input 2x9x8; conv 6 3x2 stride 2 pad 1 dilation 2 groups 2; silu; groupnorm 3; placenorm; "
        "avgpool 2 stride 1 pad 1 zeros; layernorm; flatten; dense 5; log softmax; "
        "loss cross-entropy smoothing 0.1"
    ),
    "side by side": parse(
        "input 1x6x7; conv 3 3x3 pad 1; batchnorm; leaky relu 0.1; conv 2 3x3 pad 1; tanh; "
        "concat back 2 0; maxpool 3 stride 1; flatten; dense 1; sigmoid"
    ),
    "branches": parse(
        "input 1x6x7; conv 3 3x3 pad 1; tanh; conv 2 3x3; relu; go back 2; maxpool 3 stride 1; "
        "conv 2 1x1; add back 3; go back 7; silu; conv 2 3x3; concat back 3 0; flatten; dense 3; "
        "log softmax; loss cross-entropy"
    ),
    "learned slopes": parse(
        "input 1x5x5; conv 2 2x2; prelu; conv 2 2x2; prelu shared; flatten; dense 3; prelu"
    ),
    "squared shares": parse(
        "input 1x5x5; conv 2 2x2; softplus; flatten; dense 3; softmax; loss mean squared error"
    ),
    "squared logarithms": parse(
        "input 1x5x5; conv 2 2x2; gelu; flatten; dense 3; log softmax; loss half squared error"
    ),
}
TARGET = 1


def worked_out(net: Net, folder: Path):
    """The reference's way through the network, the page's, and the places that were looked at."""
    image = np.random.default_rng(5).integers(0, 256, net.input, dtype=np.uint8)
    places = some_places(net)
    rows = row_numbers(net)
    asked = [(rows[value], *(*place, 0, 0)[:3]) for value, place in places]
    model, found = looked(net, folder, image, TARGET, asked)
    targets = np.eye(net.outputs)[TARGET] if net.outputs > 1 else np.array([float(TARGET)])
    return at_work(net, model.values, model.prepare(image), targets), found, places


def some_places(net: Net) -> list[tuple[int, tuple[int, ...]]]:
    """Corners and middles of every value that the error is made of."""
    return [
        (value, tuple(int(at) for at in np.unravel_index(number, net.shapes[value])))
        for value in range(last_value(net) + 1)
        if not (value and net.layers[value - 1].passes_on)
        for number in {0, int(np.prod(net.shapes[value])) // 2, int(np.prod(net.shapes[value])) - 1}
    ]


def spoken(worked: AtWork, value: int, place: tuple[int, ...]) -> Iterator[Feed]:
    """What it feeds, as on the page, where layers that only pass values on aren't shown."""
    for feed in feeds(worked, value, place):
        if worked.net.layers[feed.value - 1].passes_on:
            yield from spoken(worked, feed.value, feed.place)
        else:
            yield feed


def hold_against_the_reference(net: Net, folder: Path) -> None:
    worked, found, places = worked_out(net, folder)
    rows = row_numbers(net)
    assert found["error"] == pytest.approx(worked.error, rel=1e-4, abs=1e-5)
    names = dict(enumerate(found["layers"])) | {-1: "i"}
    for value in range(last_value(net) + 1):
        expected, own = worked.slopes[value].ravel(), found["gradients"][names[rows[value]]]
        assert np.abs(own - expected).max() <= 1e-4 * max(np.abs(expected).max(), 1e-3)
    for (value, place), way in zip(places, found["ways"], strict=True):
        expected: dict[tuple[int, ...], float] = {}
        for feed in spoken(worked, value, place) if value < last_value(net) else ():
            key = (rows[feed.value], *(*feed.place, 0, 0)[:3])
            expected[key] = expected.get(key, 0) + feed.slope
        hold_one(way, expected, at_last=value == last_value(net))


def hold_one(way, expected, *, at_last: bool) -> None:
    """The slopes are the reference's; each product is one of them times the gradient there, and
    all of them come to the gradient here.
    """
    own: dict[tuple[int, ...], float] = {}
    for *key, slope, gradient, product in way["fed"]:
        assert product == slope * gradient
        own[tuple(key)] = own.get(tuple(key), 0) + slope
    for key, slope in expected.items():
        assert own.pop(key, 0) == pytest.approx(slope, rel=1e-3, abs=1e-5), key
    outside = {tuple(key) for *key, _, gradient, _ in way["fed"] if gradient == 0}
    assert all(slope == 0 or key in outside for key, slope in own.items())
    products = [product for *_, product in way["fed"]]
    size = max(1e-3, sum(map(abs, products)))
    if not at_last:
        assert sum(products) == pytest.approx(way["gradient"], abs=2e-4 * size)


@for_each("name", NETS)
def test_gradients_and_what_they_are_the_sum_of_are_the_references(name, tmp_path):
    hold_against_the_reference(NETS[name], tmp_path)


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(net=networks(updates=["descent"], images=True).filter(is_shown))
def test_any_networks_gradients_are_the_references(net, tmp_path):
    hold_against_the_reference(net, tmp_path)


@for_each("name", ["mixed", "strides", "squared shares", "squared logarithms"])
def test_the_pixels_gradients_are_pytorchs(name, tmp_path, torch):
    from tests.outside.torch_twin import Twin

    net = NETS[name]
    image = np.random.default_rng(7).integers(0, 256, net.input, dtype=np.uint8)
    model, found = looked(net, tmp_path, image, 0)
    twin = Twin(net)
    twin.training = False
    wanted = np.eye(net.outputs)[0] if net.outputs > 1 else np.zeros(1)
    twin.feed(model.prepare(image)[None], wanted[None], {})
    for parameter, own in zip(net.parameters, twin.weights, strict=True):
        own.data.copy_(torch.as_tensor(model.values[leaf_of(parameter)]))
    for index in twin.running:
        names = statistics_names(net, index)
        twin.running[index] = tuple(torch.as_tensor(model.values[name]) for name in names)
    twin.inputs.requires_grad_()
    error = twin.loss()
    error.backward()
    assert found["error"] == pytest.approx(error.item(), rel=1e-4)
    expected = twin.inputs.grad.numpy().ravel()
    assert np.abs(found["gradients"]["i"] - expected).max() <= 1e-4 * np.abs(expected).max()


@for_each("name", ["mixed", "strides"])
def test_where_the_error_begins_the_gradient_is_what_is_said_less_what_is_wanted(name, tmp_path):
    net = NETS[name]
    _, found, places = worked_out(net, tmp_path)
    for (value, place), way in zip(places, found["ways"], strict=True):
        if value == last_value(net):
            off = found["said"][place[0]] - found["wanted"][place[0]]
            assert way["gradient"] == pytest.approx(off, abs=1e-5)
