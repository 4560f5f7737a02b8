"""What the page draws by seed and what it sees of a plane, against the command and numpy."""

from __future__ import annotations

import json
from math import exp, pi, sin

import numpy as np
import pytest

from gradbook.data.made_points import POINT_SETS, points
from gradbook.net import parse
from gradbook.report.play_page import page_tables
from gradbook.targets.page.page_content import content
from tests.cases import for_each
from tests.targets.page.machine import asked

pytestmark = pytest.mark.witness("node")


@for_each("kind", POINT_SETS)
def test_a_set_is_the_commands(kind):
    assert asked("points", kind=kind) == [list(point) for point in points(kind)]


@for_each("kind", [*POINT_SETS, "slope", "hills", "sine"])
def test_a_seed_draws_others_and_noise_moves_them_no_farther_than_it_says(kind):
    first, other = (np.array(asked("points", kind=kind, seed=seed)) for seed in (0, 7))
    assert not np.array_equal(first, other)
    moved = np.array(asked("points", kind=kind, seed=7, noise=0.25))
    away = np.abs(moved - other)
    assert 0.2 < away.max() <= 0.2515
    kept = slice(0, -1) if kind in ("slope", "hills", "sine") else slice(-1, None)
    assert (away[:, kept] == 0).all()


def hill(x, y):
    middles = [(-0.65, 0.5, 1), (0, 0.5, -1), (0.65, 0.5, 1)]
    all_of_them = [*middles, *((a, -b, -sign) for a, b, sign in middles)]
    return sum(sign * exp(-((x - a) ** 2 + (y - b) ** 2) / 0.08) for a, b, sign in all_of_them)


@for_each(
    ("kind", "value"),
    [
        ("slope", lambda x, y: (x + y) / 2),
        ("hills", hill),
        ("sine", lambda x: sin(pi * x)),
    ],
)
def test_a_value_is_what_its_place_says(kind, value):
    for *place, found in asked("points", kind=kind):
        assert found == pytest.approx(value(*place), abs=4e-3)  # places have three decimals


def test_what_inputs_are_made_of_is_seen_in_them():
    made = [[[x, y, x * y, sin(pi * y)], [0]] for x, y, _ in points("quadrants")]
    assert asked("features", count=4, samples=made) == ["x", "y", "xy", "sin πy"]
    made[5][0][2] += 0.01
    assert asked("features", count=4, samples=made) == []
    assert asked("features", count=2, samples=[]) == ["x", "y"]


def test_units_say_to_every_point_what_numpy_says():
    net = parse("input 2; dense 3; tanh; dense 1; sigmoid; loss binary cross-entropy; seed 5")
    table = json.loads(json.dumps(page_tables(content(net))))
    seen = asked("grid", table=table, rate=1.0)
    across = np.array(seen["across"])
    x, up = np.meshgrid(across, across[::-1])
    start = net.start_values()
    weights = np.array(start["w"])
    hidden, last = weights[:6].reshape(3, 2), weights[6:]
    bias = np.array(start["b"])
    sums = hidden @ np.array([x.ravel(), up.ravel()]) + bias[:3, None]
    output = last @ np.tanh(sums) + bias[3]
    for k in range(3):
        assert seen["values"][f"h{k + 1}"] == pytest.approx(sums[k], rel=1e-12, abs=1e-12)
        assert seen["values"][f"a_h{k + 1}"] == pytest.approx(np.tanh(sums[k]), abs=1e-12)
    assert seen["values"]["a_o1"] == pytest.approx(1 / (1 + np.exp(-output)), rel=1e-12)
    assert across[0] < -1 < 1 < across[-1]
