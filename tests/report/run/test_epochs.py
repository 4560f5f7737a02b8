from __future__ import annotations

from math import inf, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradbook.lab.training.history import Epoch, Progress
from gradbook.report.run.epochs import (
    Trace,
    bar,
    duration,
    epoch_table,
    in_a_line,
    running,
    spark,
)
from gradbook.report.words.lines import plain

EPOCH = Epoch(3, 0.2, 0.31245, 0.9041, 0.0712, 0.97815, 65.2, 28_123.4)
NOW = Progress(2, 20, 98, 196, 28_123.4, 12.0, 97.1, 0.0123, (2.0, 1.0, 0.5, 0.25))


def trace(*losses):
    found = Trace()
    found.add(losses)
    return found


LOSSES = trace(*NOW.recent_losses)


def said(lines):
    return plain(lines).splitlines()


def test_an_epoch_is_a_row_under_its_headings():
    table = epoch_table(80)
    assert said([*table.heading(), table.row(EPOCH)]) == [
        "       ──── training ────  ─── validation ───",
        "epoch      loss     right      loss     right       rate  images/s     time",
        "─" * 75,
        "    3    0.3125   90.41 %    0.0712   97.81 %        0.2    28,123     1:05",
    ]


def test_the_most_right_so_far_is_marked():
    inks = {piece.colour for piece in epoch_table(80).row(EPOCH, best=True)}
    assert inks == {"", "green"}
    assert {piece.colour for piece in epoch_table(80).row(EPOCH)} == {""}


@pytest.mark.parametrize(
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
    table = epoch_table(width)
    assert said(table.heading())[1].split() == titles.split()
    assert table.width <= max(width, 27)


def test_where_nothing_is_held_back_nothing_is_said_of_it():
    table = epoch_table(80, validated=False)
    assert "validation" not in plain(table.heading())
    assert " ".join(said([table.row(EPOCH)])[0].split()) == "3 0.3125 90.41 % 0.2 28,123 1:05"


def test_under_one_column_there_is_no_room_for_a_line_beside_its_group():
    assert said(epoch_table(30).heading())[0] == "       training  validation"


def test_what_runs_is_a_bar_of_all_one_of_the_epoch_and_the_latest_losses():
    assert said(running(NOW, LOSSES, 60)) == [
        "epoch 2/20     ━━───────────────────────           1:37 left",
        "step 98/196    ━━━━━━━━━━━━╸────────────     28,123 images/s",
        "loss 0.9375    █▆▃▁                              rate 0.0123",
    ]


def test_in_a_narrow_terminal_the_figures_stand_beneath():
    assert said(running(NOW, LOSSES, 30)) == [
        "epoch 2/20     ━──────────────",
        "step 98/196    ━━━━━━━╸───────",
        "loss 0.9375    █▆▃▁",
        "1:37 left  28,123 images/s",
        "rate 0.0123",
    ]


def test_before_the_first_step_there_is_nothing_to_divide_by():
    lines = said(running(Progress(1, 5, 0, 0, 0.0, 0.0, inf, 0.1, ()), Trace(), 60))
    assert lines[0].endswith("? left")
    assert lines[2].startswith("loss  ")


def test_letters_do_where_there_is_nothing_else():
    table = epoch_table(80, ascii_only=True)
    assert plain([*table.heading(), *running(NOW, LOSSES, 60, ascii_only=True)]).isascii()


def test_one_line_will_do():
    assert plain([in_a_line(NOW, 80)]) == "epoch 2/20, step 98/196, 1:37 left\n"
    assert plain([in_a_line(NOW, 10)]) == "epoch 2/20\n"


@pytest.mark.parametrize(
    ("share", "drawn"),
    [(0, "────"), (0.125, "╸───"), (0.5, "━━──"), (1, "━━━━"), (1.5, "━━━━"), (-1, "────")],
)
def test_a_bar_is_exact_to_half_a_character(share, drawn):
    assert "".join(piece.text for piece in bar(share, 4)) == drawn


@pytest.mark.parametrize(
    ("values", "drawn"),
    [
        ((), "    "),
        ((1.0,), "▁   "),
        ((1.0, 10.0, 100.0), "▁▅█ "),
        ((0.0, 0.5, 1.0), "▁▅█ "),
    ],
)
def test_losses_are_heights(values, drawn):
    assert spark(values, 4) == drawn


@pytest.mark.parametrize(
    ("losses", "means"),
    [
        ((), []),
        ((3.0,), [3.0]),
        ((1.0, 1.0, 4.0, 6.0, 2.0, 2.0, 1.0, 3.0), [1.0, 5.0, 2.0, 2.0]),
        ((nan, 1.0, inf, 2.0), [1.0, 2.0]),
    ],
)
def test_many_losses_are_a_few_means(losses, means):
    assert trace(*losses).means(4) == means


@given(count=st.integers(1, 3_000), width=st.integers(1, 60))
def test_however_many_losses_there_are_the_means_go_from_the_first_to_the_last(count, width):
    means = trace(*map(float, range(count))).means(width)
    assert len(means) == min(count, width)
    assert means == sorted(means)
    assert 0 <= means[0] <= means[-1] <= count - 1
    assert means[-1] - means[0] >= 0.7 * (count - 1) * (1 - 1 / len(means)) - 1


@pytest.mark.parametrize(
    ("loss", "spelled"), [(0.00004, "0.0000"), (12_345.6, "1.2e+04"), (nan, "NaN"), (inf, "∞")]
)
def test_a_loss_fits_its_column_whatever_it_is(loss, spelled):
    table = epoch_table(80)
    row = said([table.row(Epoch(1, 1.0, loss, 0.1, None, None, 1.0, 1.0))])[0]
    assert row.split()[1] == spelled


@pytest.mark.parametrize(
    ("seconds", "spelled"),
    [
        (0, "0.0 s"),
        (59.94, "59.9 s"),
        (59.96, "1:00"),
        (61.2, "1:01"),
        (7_384, "2:03:04"),
        (inf, "?"),
    ],
)
def test_time_is_told_as_people_tell_it(seconds, spelled):
    assert duration(seconds) == spelled
