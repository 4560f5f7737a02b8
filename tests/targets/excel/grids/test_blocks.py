"""Where the cells of blocks stand."""

from __future__ import annotations

from gradbook.targets.excel.grids.blocks import Grids


def test_many_channels_stand_in_several_lines_and_single_values_in_one():
    pictures, values = Grids((10, 5, 5), 3), Grids((10, 1, 1), 3)
    assert (pictures.across, pictures.height) == (8, 11)
    assert pictures.place(8, 0, 0) == (9, 1)
    assert (values.height, values.cell(9, 0, 0)) == (1, "K4")


def test_a_place_that_cells_tell_is_looked_up_in_its_line_and_channel():
    several, one = Grids((10, 5, 5), 3), Grids((1, 5, 5), 3)
    assert several.at("$A$1", "$B$1", "$C$1") == (
        "INDEX($B$4:$AW$14,INT(($A$1-1)/8)*6+$B$1,MOD($A$1-1,8)*6+$C$1)"
    )
    assert one.at("$A$1", "$B$1", "$C$1") == "INDEX($B$4:$F$8,$B$1,$C$1)"
    assert several.at(9, "$B$1", "$C$1") == "INDEX($H$10:$L$14,$B$1,$C$1)"
    assert Grids((4, 1, 1), 3).at("$A$1", "1", "1") == "INDEX($B$4:$E$4,1,$A$1)"
