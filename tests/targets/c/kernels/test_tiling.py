"""Tiles of 4 and 3 cover every plane, with as few points and as little memory as they may."""

from __future__ import annotations

import pytest

from gradbook.targets.c.kernels.tiling import ROOM, Tiling, cut


@pytest.mark.parametrize("length", range(3, 60))
def test_a_side_is_covered_and_no_place_is_without_need(length):
    fours, threes = cut(length)
    assert length <= 4 * fours + 3 * threes <= length + (1 if length == 5 else 0)


def test_a_point_that_only_tiles_of_4_have_is_reckoned_for_them_alone():
    tiles = Tiling(tall=2, low=1, broad=3, narrow=2)
    assert tiles.products == (6 * 2 + 5 * 1) * (6 * 3 + 5 * 2)
    assert tiles.products == sum(count * points for count, points in tiles.shares.items())


@pytest.mark.parametrize("side", [3, 5, 7, 11, 14, 26, 28, 57])
@pytest.mark.parametrize("channels", [8, 32, 200])
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
