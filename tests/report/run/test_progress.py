from __future__ import annotations

from math import inf, nan

from hypothesis import given
from hypothesis import strategies as st

from gradbook.lab.training.epochs import Progress
from gradbook.report.styled_text import plain
from gradbook.report.training_text import Trace, bar, progress_in_a_line, progress_lines, spark
from tests.cases import for_each

NOW = Progress(2, 20, 98, 196, 28_123.4, 12.0, 97.1, 0.0123, (2.0, 1.0, 0.5, 0.25))


def trace(*losses):
    found = Trace()
    found.add(losses)
    return found


LOSSES = trace(*NOW.recent_losses)


def said(lines):
    return plain(lines).splitlines()


def test_letters_do_where_there_is_nothing_else():
    assert plain(progress_lines(NOW, LOSSES, 60, ascii_only=True)).isascii()


def test_what_runs_is_a_bar_of_all_one_of_the_epoch_and_the_latest_losses():
    assert said(progress_lines(NOW, LOSSES, 60)) == [
        "epoch 2/20     ━━───────────────────────           1:37 left",
        "step 98/196    ━━━━━━━━━━━━╸────────────     28,123 images/s",
        "loss 0.9375    █▆▃▁                              rate 0.0123",
    ]


def test_in_a_narrow_terminal_the_figures_stand_beneath():
    assert said(progress_lines(NOW, LOSSES, 30)) == [
        "epoch 2/20     ━──────────────",
        "step 98/196    ━━━━━━━╸───────",
        "loss 0.9375    █▆▃▁",
        "1:37 left  28,123 images/s",
        "rate 0.0123",
    ]


def test_before_the_first_step_there_is_nothing_to_divide_by():
    lines = said(progress_lines(Progress(1, 5, 0, 0, 0.0, 0.0, inf, 0.1, ()), Trace(), 60))
    assert lines[0].endswith("? left")
    assert lines[2].startswith("loss  ")


def test_one_line_will_do():
    assert plain([progress_in_a_line(NOW, 80)]) == "epoch 2/20, step 98/196, 1:37 left\n"
    assert plain([progress_in_a_line(NOW, 10)]) == "epoch 2/20\n"


@for_each(
    ("share", "drawn"),
    [(0, "────"), (0.125, "╸───"), (0.5, "━━──"), (1, "━━━━"), (1.5, "━━━━"), (-1, "────")],
)
def test_a_bar_is_exact_to_half_a_character(share, drawn):
    assert "".join(piece.text for piece in bar(share, 4)) == drawn


@for_each(
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


@for_each(
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
