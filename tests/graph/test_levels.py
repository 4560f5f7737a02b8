"""Weights of few bits: their whole numbers, their scales and the slope that is taken as 1."""

import numpy as np

from gradbook.graph.chain import gradients
from gradbook.graph.levels import Bits, levelled, levels, scales_of
from gradbook.graph.names import Name
from gradbook.graph.node import Graph
from gradbook.graph.reference import evaluate
from tests.cases import for_each

FEW = [bits for bits in Bits if bits]
ROWS = np.array([[0.7, -0.2, 0.04, 0.0], [-2.0, 1.9, 0.9, 0.1]])


def test_the_permitted_whole_numbers() -> None:
    assert Bits.TWO.whole_numbers == (-3, -1, 1, 3)
    assert Bits.TERNARY.whole_numbers == (-1, 0, 1)
    assert Bits.FOUR.whole_numbers == tuple(range(-7, 8))
    assert Bits.EIGHT.whole_numbers == tuple(range(-127, 128))


@for_each("bits", FEW)
def test_every_weight_becomes_the_nearest_level(bits: Bits) -> None:
    """Which is asked of all levels, one by one."""
    whole, scale = levels(ROWS, bits)
    away = abs(ROWS[..., None] - scale[:, None, None] * np.array(bits.whole_numbers))
    np.testing.assert_allclose(
        abs(ROWS - scale[:, None] * whole), away.min(axis=-1), rtol=0, atol=1e-15
    )
    assert {*whole.flat} <= {*bits.whole_numbers}
    np.testing.assert_array_equal(levelled(ROWS, bits), scale[:, None] * whole)


@for_each("bits", [Bits.EIGHT, Bits.FOUR])
def test_the_largest_weight_of_a_channel_has_the_highest_level(bits: Bits) -> None:
    whole, scale = levels(ROWS, bits)
    np.testing.assert_array_equal(abs(whole).max(axis=1), bits.highest)
    np.testing.assert_allclose(scale * bits.highest, [0.7, 2.0])


@for_each("bits", FEW)
def test_a_channel_of_zeros_stays_one(bits: Bits) -> None:
    np.testing.assert_array_equal(levelled(np.zeros((2, 3)), bits), np.zeros((2, 3)))


@for_each("bits", FEW)
def test_a_transposed_convolution_has_its_scales_by_output_channel(bits: Bits) -> None:
    weights = np.random.default_rng(0).normal(size=(4, 3, 2, 2))  # 2 groups: 6 outputs
    whole, scale = levels(weights, bits, groups=2)
    assert scale.shape == (scales_of(weights.shape, groups=2),) == (6,)
    for output in range(6):
        group, own = divmod(output, 3)
        rows = weights[group * 2 : group * 2 + 2, own].reshape(1, -1)
        alone, its_scale = levels(rows, bits)
        assert its_scale[0] == scale[output]
        np.testing.assert_array_equal(whole[group * 2 : group * 2 + 2, own].reshape(1, -1), alone)


def test_the_slope_goes_straight_through() -> None:
    """Of E = Σ ŵ² it is 2ŵ by each w, as if ŵ were w; nothing comes by way of the scale."""
    graph = Graph()
    w = graph.leaf(Name("w"), ROWS.shape)
    scales = graph.make("scales", w, attributes=(Bits.TERNARY, 0))
    made = graph.make("levelled", w, scales, attributes=(Bits.TERNARY, 0))
    total = graph.make("sum", made * made, attributes=(2,))
    slope = gradients(total, [w])[w]
    found = evaluate([slope], {w: ROWS})[slope]
    np.testing.assert_allclose(found, 2 * levelled(ROWS, Bits.TERNARY))


@for_each("ends", [(0.0, 3.0), (-4.0, 3.0), (0.0, 255.0)])
def test_every_value_becomes_the_nearest_step_of_its_range(ends):
    """Which is asked of all steps, one by one; slopes are those of the chain rule whose rounding
    has the slope 1."""
    graph, (lowest, highest) = Graph(), ends
    x, limit = graph.leaf(Name("x"), (201,)), graph.leaf(Name("l"), (201,))
    made = graph.make("stepped", x, limit, attributes=ends)
    slopes = gradients(graph.make("sum", made, attributes=(1,)), [x, limit])
    given = {x: np.linspace(-3.01, 3, 201), limit: np.full(201, 2.0)}
    values = evaluate([made, *slopes.values()], given)
    steps = 2 / highest * np.arange(lowest, highest + 1)
    away = abs(given[x][:, None] - steps)
    np.testing.assert_allclose(abs(given[x] - values[made]), away.min(axis=1), rtol=0, atol=1e-12)
    inside = (given[x] > steps[0]) & (given[x] < steps[-1])
    np.testing.assert_array_equal(values[slopes[x]], inside)
    whole = np.rint(values[made] / 2 * highest)
    ratio = given[x] / (2 / highest)
    np.testing.assert_allclose(
        values[slopes[limit]], (whole - inside * ratio) / highest, atol=1e-12
    )
