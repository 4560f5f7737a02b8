from __future__ import annotations

from itertools import pairwise
from math import inf, isnan, nan
from xml.etree import ElementTree

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from gradbook.report.charts import LOG, Chart, Curve, chart_lines, few, spread_out, thin, tick_text
from gradbook.report.figures import chart_svg, stack_charts
from gradbook.report.styled_text import plain
from tests.cases import for_each

EPOCHS = np.arange(40)


def chart(*values, title="Loss"):
    colours = ("#5088F2", "#008681", "#C27A09", "#C55FBA")
    curves = (Curve(f"{k}", np.array(each, float), colours[k % 4]) for k, each in enumerate(values))
    return Chart(title, tuple(curves), labels="rate")


FALLING = 0.5**EPOCHS
RISING = 2.0**EPOCHS
WAVES = 1 + 0.5 * np.sin(EPOCHS)
DYING = np.where(EPOCHS < 20, 1.5**EPOCHS, nan)
MANY = chart(FALLING, RISING, WAVES, DYING)

LOSSES = st.lists(st.floats() | st.floats(1e-9, 1e3), min_size=1, max_size=30)


def words(picture):
    root = ElementTree.fromstring(picture)
    return [node.text for node in root.iter("{http://www.w3.org/2000/svg}text")]


def test_a_chart_in_dots(golden):
    golden("chart.txt", plain(chart_lines(MANY, 80, 12)))


def test_a_chart_in_letters(golden):
    text = plain(chart_lines(MANY, 72, 12, ascii_only=True))
    assert text.isascii()
    golden("chart-ascii.txt", text)


def test_a_chart_as_a_picture(golden):
    golden("chart.svg", chart_svg(chart([1, 0.1, 0.01, 0.002, 0.001], [1, 5, nan, 2, 1])))


@for_each("width", [60, 80, 120])
@for_each("ascii_only", [False, True])
def test_a_chart_keeps_to_its_width(width, ascii_only):
    lines = plain(chart_lines(MANY, width, 10, ascii_only=ascii_only)).splitlines()
    assert max(map(len, lines)) <= width
    assert len(lines) == 10 + 3


def test_a_curve_stands_in_the_rows_of_its_values():
    text = plain(chart_lines(chart([1, 1, 1], [0.01, 0.01, 0.01]), 40, 9, ascii_only=True))
    rows = {row.count("a"): row for row in text.splitlines() if "a" in row}
    assert rows[max(rows)].lstrip().startswith("1 +")
    assert any(row.lstrip().startswith("0.01 +b") for row in text.splitlines())


def test_each_piece_of_a_curve_has_its_colour():
    inked = {
        piece.colour for line in chart_lines(MANY, 80, 12) for piece in line if piece.text.strip()
    }
    assert inked == {"", *(curve.colour for curve in MANY.curves)}


def test_what_leaves_the_chart_is_told_by_an_arrow():
    far = chart([1, 1e-30], [1, 1e30], [1, 1])
    assert [far.label(curve) for curve in far.curves] == ["0 ↓", "1 ↑", "2"]


def test_labels_do_not_meet():
    crowd = chart(*([1, 0.9 + k / 1000] for k in range(12)))
    heights = sorted(
        float(node.get("y"))
        for node in ElementTree.fromstring(chart_svg(crowd)).iter(
            "{http://www.w3.org/2000/svg}text"
        )
        if "end" in node.get("class").split()
    )
    assert len(heights) == 12
    assert min(b - a for a, b in pairwise(heights)) >= 14.9


def test_a_crowd_too_large_to_name_is_named_in_part():
    crowd = chart(*([1, 1 / (k + 1)] for k in range(300)))
    named = [word for word in words(chart_svg(crowd)) if word.isdigit()]
    assert 10 < len(named) < 60
    assert "299" in named


def test_two_charts_stand_under_each_other():
    picture = stack_charts([chart([1, 2], title="One"), chart([3, 4], title="Two")], "Both")
    assert [word for word in words(picture) if word in ("Both", "One", "Two")] == [
        "Both",
        "One",
        "Two",
    ]


def test_words_from_outside_are_escaped():
    picture = chart_svg(Chart("<script>", (Curve('"&<', np.ones(2), "#000000"),)))
    assert "<script>" not in picture
    assert "<script>" in words(picture)


@given(st.lists(LOSSES, min_size=1, max_size=4))
def test_any_losses_can_be_drawn(values):
    check_drawn(chart(*values))


def check_drawn(drawn):
    ElementTree.fromstring(chart_svg(drawn))
    plain(chart_lines(drawn, 60, 8))
    low, high = drawn.ends
    assert low < high
    assert drawn.levels


@for_each("values", [[0, 0, 0], [nan, nan], [inf], [5e-324] * 3, [1.7e308, inf]])
def test_losses_without_a_scale_can_be_drawn(values):
    check_drawn(chart(values))


@given(st.floats(1e-300, 1e300), st.floats(1e-5, 1e5))
def test_levels_lie_within_the_chart_and_are_few(start, factor):
    drawn = chart([start, start * factor])
    heights = [drawn.height(level) for level in drawn.levels]
    assert all(-1e-6 <= height <= 1 + 1e-6 for height in heights)
    assert 2 <= len(heights) <= 8
    assert heights == sorted(heights)


@for_each(
    ("epochs", "counts"),
    [
        (1, [1]),
        (2, [1, 2]),
        (5, [1, 2, 3, 4, 5]),
        (70, [1, 10, 20, 30, 40, 50, 60, 70]),
        (1000, [1, 200, 400, 600, 800, 1000]),
    ],
)
def test_the_epochs_named_are_the_first_and_round_ones(epochs, counts):
    assert chart(np.ones(epochs)).counts == counts


@for_each(
    ("value", "text", "in_ascii"),
    [
        (0.01, "0.01", "0.01"),
        (1000, "1000", "1000"),
        (1e-6, "10⁻⁶", "1e-06"),
        (2e-6, "2·10⁻⁶", "2e-06"),
        (1e12, "10¹²", "1e+12"),
    ],
)
def test_a_level_is_spelled_as_a_power_where_that_is_shorter(value, text, in_ascii):
    assert (tick_text(LOG, value), tick_text(LOG, value, ascii_only=True)) == (text, in_ascii)


def test_thinning_keeps_the_ends_and_every_spike():
    values = np.ones(100_000)
    values[[333, 77_777]] = 1e6, 1e-6
    epochs, kept = thin(values, 1000)
    assert len(kept) <= 1000
    assert {1, 334, 77_778, 100_000} <= set(epochs)
    assert all(kept[k] == values[epoch - 1] for k, epoch in enumerate(epochs))


@given(st.lists(st.floats(0, 100), max_size=20), st.floats(0.1, 20))
def test_spreading_keeps_order_and_distance_and_stays_inside(wanted, gap):
    places = spread_out(wanted, gap, 0, 100)
    order = sorted(range(len(wanted)), key=lambda k: (wanted[k], k))
    placed = [places[k] for k in order]
    fair = min(gap, 100 / max(len(wanted) - 1, 1))
    assert all(b - a >= fair - 1e-6 for a, b in pairwise(placed))
    assert all(-1e-6 <= place <= 100 + 1e-6 for place in places)


def test_spreading_moves_nothing_that_has_room():
    assert spread_out([10, 50, 30], 5, 0, 100) == [10, 50, 30]


@for_each(("count", "most"), [(0, 5), (3, 5), (5, 5), (100, 7), (100, 1)])
def test_few_takes_the_ends_and_some_between(count, most):
    chosen = few(count, most)
    assert len(chosen) <= most
    assert not count or chosen[0] == 0
    assert most < 2 or not count or chosen[-1] == count - 1


def test_heights_outside_are_told_from_none():
    drawn = chart([1, 0.1])
    assert drawn.height(0) == -inf
    assert drawn.height(inf) == inf
    assert isnan(drawn.height(nan))


def test_a_loss_that_begins_at_nothing_is_drawn_from_its_lowest_on():
    check_drawn(chart([0.0, 2000001.0]))
