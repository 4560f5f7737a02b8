from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradbook.net import Dense, Flatten, Loss, Net, builtin, parse
from gradbook.net.lower import scalar_step
from gradbook.net.step import run
from gradbook.targets.page.page_content import content
from gradbook.targets.page.windows import conv_windows
from tests.cases import for_each
from tests.families import image_shapes, windows


@st.composite
def convolutions(draw):
    shape = draw(image_shapes())
    layers = (draw(windows(shape)), Flatten(), Dense(1))
    return Net(input=shape, layers=layers, loss=Loss.SQUARED, seed=draw(st.integers(0, 99)))


def said(step, name):
    (found,) = (window for window in conv_windows(step) if str(window.value.name) == name)
    return [
        [[read and (str(read[0].name), str(read[1].name)) for read in row] for row in rows]
        for rows in found.channels
    ]


def test_a_window_is_read_where_it_lies():
    (rows,) = said(scalar_step(builtin("strokes")), "c1_1_2")
    assert rows[0] == [("i1_2", "w1"), ("i1_3", "w2"), ("i1_4", "w3")]
    assert rows[2] == [("i3_2", "w7"), ("i3_3", "w8"), ("i3_4", "w9")]


def test_padding_is_left_empty():
    net = parse("input 1x3x3; conv 1 3x3 pad 1; flatten; dense 1")
    (rows,) = said(scalar_step(net), "c1_1")
    assert rows[0] == [None, None, None]
    assert [row[0] for row in rows] == [None, None, None]
    assert rows[1][1] == ("i1_1", "w5")


@given(convolutions())
def test_the_products_of_a_window_and_its_bias_are_the_value(net):
    step = scalar_step(net)
    found = conv_windows(step)
    shown = [node for window in found for node in (*window.products, window.value)]
    biases = [window.bias for window in found if window.bias]
    values = next(run(step, 1, watch=[*shown, *biases]))
    for window in found:
        total = sum(values[product] for product in window.products)
        total = total + (values[window.bias] if window.bias else 0)
        assert np.asarray(total) == pytest.approx(values[window.value], rel=1e-12, abs=1e-12)


@for_each("moves", ["stride 2", "dilation 2x1 stride 3x2", "pad 0x0x2x1 stride 3"])
def test_values_that_no_window_reads_are_shown_too(moves):
    net = parse(f"input 1x7x6; conv 2 1x1; relu; conv 1 3x2 {moves}; flatten; dense 1")
    places = {str(name) for name in scalar_step(net).graph.names.values()}
    shown = {str(node.name) for node in content(net).lines.places if node.name}
    assert places <= shown
