from __future__ import annotations

from math import inf, nan

from gradbook.lab.images import ImageProblem
from gradbook.lab.training.epochs import Epoch
from gradbook.report.styled_text import plain
from gradbook.report.training_text import epoch_table
from tests.cases import for_each

EPOCH = Epoch(3, 0.2, 0.31245, 0.9041, 0.0712, 0.97815, 65.2, 28_123.4)


def said(lines):
    return plain(lines).splitlines()


def test_an_epoch_is_a_row_under_its_headings():
    table = epoch_table(ImageProblem, 80)
    assert said([*table.heading(), table.row(EPOCH)]) == [
        "       ──── training ────  ─── validation ───",
        "epoch      loss     right      loss     right       rate  images/s     time",
        "─" * 75,
        "    3    0.3125   90.41 %    0.0712   97.81 %        0.2    28,123     1:05",
    ]


def test_the_most_right_so_far_is_marked():
    inks = {piece.colour for piece in epoch_table(ImageProblem, 80).row(EPOCH, best=True)}
    assert inks == {"", "green"}
    assert {piece.colour for piece in epoch_table(ImageProblem, 80).row(EPOCH)} == {""}


@for_each(
    ("width", "titles"),
    [
        (74, "epoch loss right loss right rate time"),
        (63, "epoch loss right loss right time"),
        (53, "epoch loss loss right time"),
        (43, "epoch loss loss right"),
        (34, "epoch loss right"),
        (1, "epoch loss right"),
    ],
)
def test_columns_go_where_space_is_short(width, titles):
    table = epoch_table(ImageProblem, width)
    assert said(table.heading())[1].split() == titles.split()
    assert table.table.width <= max(width, 27)


def test_where_nothing_is_held_back_nothing_is_said_of_it():
    table = epoch_table(ImageProblem, 80, validated=False)
    assert "validation" not in plain(table.heading())
    assert " ".join(said([table.row(EPOCH)])[0].split()) == "3 0.3125 90.41 % 0.2 28,123 1:05"


def test_under_one_column_there_is_no_room_for_a_line_beside_its_group():
    assert said(epoch_table(ImageProblem, 30).heading())[0] == "       training  validation"


def test_letters_do_where_there_is_nothing_else():
    assert plain(epoch_table(ImageProblem, 80, ascii_only=True).heading()).isascii()


@for_each(
    ("loss", "spelled"), [(0.00004, "0.0000"), (12_345.6, "1.2e+04"), (nan, "NaN"), (inf, "∞")]
)
def test_a_loss_fits_its_column_whatever_it_is(loss, spelled):
    table = epoch_table(ImageProblem, 80)
    row = said([table.row(Epoch(1, 1.0, loss, 0.1, None, None, 1.0, 1.0))])[0]
    assert row.split()[1] == spelled
