"""Graphs of any form whose layers have weights, held against Keras's own numbering of them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from gradbook.formats.keras.content import read_content
from gradbook.formats.keras.graph import KerasGraph, keras_file

WIDTH = 2
Call = tuple[str, tuple[int, ...]]  # a layer's name, or a join, and the values that it reads
JOINS = ("Add", "Multiply", "numpy.Subtract")
SHORT_WAY_FIRST: list[Call] = [  # met first, but nearer to the output than the other two
    *(("long1", (0,)), ("long2", (1,)), ("short", (0,)), ("Add", (3, 2)))
]
USED_FAR_AND_NEAR: list[Call] = [
    *(("shared", (0,)), ("once", (1,)), ("other", (0,)), ("Add", (3, 2)), ("shared", (4,)))
]
NEVER_READ: list[Call] = [("dead", (0,)), ("shared", (1,)), ("shared", (0,)), ("alive", (3,))]


@st.composite
def graphs(draw: DrawFn) -> list[Call]:
    """Calls of a few layers, some of them repeatedly, and joins of what any of them made."""
    calls: list[Call] = []
    for latest in range(draw(st.integers(1, 10))):
        values = st.integers(max(0, latest - 4), latest)
        if draw(st.booleans()):
            calls.append((draw(st.sampled_from("abcdefgh")), (draw(values),)))
        else:
            calls.append((draw(st.sampled_from(JOINS)), (draw(values), draw(values))))
    return calls


def graph_of(calls: Sequence[Call]) -> tuple[KerasGraph, np.ndarray, np.ndarray]:
    """The graph, an input and what it makes of that."""
    row = KerasGraph()
    values = [row.add("InputLayer", "input", {}, (), (WIDTH,))]
    known = [np.random.default_rng(0).uniform(-1, 1, (3, WIDTH))]
    settings = {"units": WIDTH, "use_bias": False}
    for kind, reads in calls:
        sources, given = ([every[k] for k in reads] for every in (values, known))
        if kind in JOINS:
            join = {"Add": np.add, "Multiply": np.multiply}.get(kind, np.subtract)
            values.append(row.add(kind, row.unused(kind.lower()[-3:]), {}, sources, (WIDTH,)))
            known.append(join(*given))
        else:
            weight = np.random.default_rng([*kind.encode()]).uniform(-1, 1, (WIDTH, WIDTH))
            values.append(row.add("Dense", kind, settings, sources, (WIDTH,), [weight]))
            known.append(given[0] @ weight)
    return row, known[0], known[-1]


@pytest.mark.witness("keras", "torch")
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # Keras's own
@given(graphs())
@example(SHORT_WAY_FIRST)
@example(USED_FAR_AND_NEAR)
@example(NEVER_READ)
def test_each_layer_gets_its_weights_in_keras_and_from_keras_however_they_are_connected(calls):
    row, inputs, expected = graph_of(calls)
    with TemporaryDirectory() as folder:
        os.environ.update(KERAS_BACKEND="torch", KERAS_HOME=folder)
        import keras

        ours, theirs = Path(folder, "ours.keras"), Path(folder, "theirs.keras")
        ours.write_bytes(keras_file("net", row.layers, {}))
        model = keras.models.load_model(ours)
        model.save(theirs)
        read = [
            {one.name: one.weights for one in read_content(file, "net").ops}
            for file in (ours, theirs)
        ]
    result = np.asarray(model(inputs.astype(np.float32)).detach())
    np.testing.assert_allclose(result, expected, atol=1e-5)
    for layer in model.layers[1:]:
        for weights in read:
            for mine, array in zip(weights[layer.name], layer.get_weights(), strict=True):
                np.testing.assert_array_equal(mine.array, array)
