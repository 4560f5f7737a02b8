"""Which convolutions go Winograd's way, and that his tiles cover every plane with little."""

from __future__ import annotations

from gradbook.targets.c.convolutions import ROOM, Tiling, cut, forward, tiling
from tests.cases import for_each
from tests.targets.c.networks import planned, text


def by_winograd(line: str, **sizes: int) -> bool:
    """Whether the only convolution goes his way."""
    made = planned(text(line, **sizes))
    (node,) = [p.heavy for p in made.passes if p.heavy and p.heavy.op.name == "conv"]
    return tiling(forward(node)) is not None


def test_winograd_takes_small_windows_that_slide_by_one():
    assert by_winograd("conv 8 3x3 pad 1", side=8)
    assert by_winograd("conv 8 3x3", side=5)
    assert not by_winograd("conv 8 5x5")
    assert not by_winograd("conv 8 3x3 stride 2")
    assert not by_winograd("depthwise 3x3")
    assert not by_winograd("conv 8 1x1")
    assert not by_winograd("conv 8 3x3", channels=1)


def pairs(network: str) -> list[bool]:
    """Of each gradient of a convolution's weights: whether the input's comes with it."""
    made = planned(network)
    return [
        p.beside is not None for p in made.passes if p.heavy and p.heavy.op.name == "conv_weights"
    ]


def test_both_gradients_share_a_loop_where_winograd_is_used():
    network = text("conv 8 3x3", "relu", "conv 8 3x3", "relu", "conv 8 1x1", side=16)
    assert pairs(network) == [
        False,  # 1×1
        True,
        False,  # nobody asks for the gradient of the images
    ]


def test_the_input_s_gradient_is_made_once():
    made = planned(text("conv 8 3x3", "relu", "conv 8 3x3", side=16))
    heavy = [x for p in made.passes for x in (p.heavy, p.beside) if x]
    back = [x for x in heavy if x.op.name == "conv_back"]
    assert len(back) == len(set(back)) == 1


@for_each("length", range(3, 60))
def test_a_side_is_covered_and_no_place_is_without_need(length):
    fours, threes = cut(length)
    assert length <= 4 * fours + 3 * threes <= length + (1 if length == 5 else 0)


def test_a_point_that_only_tiles_of_4_have_is_reckoned_for_them_alone():
    tiles = Tiling(tall=2, low=1, broad=3, narrow=2)
    assert tiles.products == (6 * 2 + 5 * 1) * (6 * 3 + 5 * 2)
    assert tiles.products == sum(count * points for count, points in tiles.shares.items())


@for_each("side", [3, 5, 7, 11, 14, 26, 28, 57])
@for_each("channels", [8, 32, 200])
def test_groups_of_bands_leave_none_over_and_fit_where_one_band_does(side, channels):
    tiles = Tiling(*cut(side), *cut(side))
    groups = tiles.groups(channels)
    if groups != [tiles]:
        assert all((g.tall and tiles.tall % g.tall) == 0 for g in groups)
        assert all((g.low and tiles.low % g.low) == 0 for g in groups)
        assert {bool(tiles.tall), bool(tiles.low)} - {False} == {True}
        assert len(groups) == bool(tiles.tall) + bool(tiles.low)
    for g in groups:
        assert g.products * channels <= ROOM or g.tall + g.low == 1
