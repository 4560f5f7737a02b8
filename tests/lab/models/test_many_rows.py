"""Many rows of a table: read in pieces, by NumPy or by the code that trained the network."""

from __future__ import annotations

import copy

import numpy as np
import pytest

import gradbook as gb
from gradbook.errors import DataError
from gradbook.lab.models.row_outputs import MANY_AT_ONCE, ROWS_AT_ONCE

X = np.random.default_rng(0).normal([3, -2, 0], [1, 5, 0.1], size=(2 * MANY_AT_ONCE + 77, 3))
Y = (X[:, 0] + X[:, 1] > 1).astype(int)


@pytest.fixture(scope="module")
def compiled() -> gb.Model:
    """Trained long enough to be compiled."""
    net = "input 3; dense 9; tanh; dense 2; softmax; update adam"
    trained = gb.train(net, X[:9000], Y[:9000], epochs=150, set="batch 64")
    model: gb.Model = trained.model
    return model


def test_rows_in_single_precision_are_answered_in_it():
    trained = gb.train("input 3; dense 4; tanh; dense 2; softmax", X[:300], Y[:300], epochs=2)
    rows = X[: ROWS_AT_ONCE + 5]
    double, single = (trained.model.predict(rows.astype(real)) for real in ("f8", "f4"))
    assert (double.dtype, single.dtype) == (np.float64, np.float32)
    np.testing.assert_allclose(single, double, atol=2e-6)


def test_rows_go_through_batch_normalisation_one_by_one():
    net = "input 3; dense 4; batchnorm; relu; dense 2; softmax"
    model = gb.train(net, X[:300], Y[:300], epochs=2).model
    each = np.concatenate([model.predict(row[None]) for row in X[:5]])
    np.testing.assert_allclose(each, model.predict(X[:5]), atol=1e-12)


@pytest.mark.parametrize("outputs", ["dense 2; softmax", "dense 1; sigmoid", "dense 2"])
def test_a_single_row_is_answered_alike_however_it_is_written(outputs):
    model = gb.train(f"input 3; dense 4; relu; {outputs}", X[:300], Y[:300], epochs=2).model
    for row in X[:5, None]:
        answer = model.predict(row)
        for same in (
            row.tolist(),
            np.asfortranarray(row),
            row.astype(">f8"),
            row[:, ::-1][:, ::-1],
        ):
            assert model.predict(same).tobytes() == answer.tobytes()
    for bad in (np.nan, np.inf):
        with pytest.raises(DataError):
            model.predict(np.array([[1, bad, 2]]))


@pytest.mark.witness("cc")
def test_the_code_that_trained_it_reads_many_rows_like_numpy(compiled):
    assert compiled.trained_by
    plain = copy.copy(compiled)  # without the engine
    assert plain.trained_by is None
    for rows in (X, X.astype(np.float32)):
        many = compiled.predict(rows)
        assert many.dtype == rows.dtype
        np.testing.assert_allclose(many, plain.predict(rows), atol=2e-5)
    again = [compiled.predict(X).tobytes() for _ in range(2)]
    assert again[0] == again[1]
    assert compiled.evaluate(X, Y).score == pytest.approx(plain.evaluate(X, Y).score, abs=1e-4)


@pytest.mark.witness("cc")
@pytest.mark.parametrize("number", [np.nan, np.inf])
def test_a_number_that_is_none_among_many_is_refused(compiled, number):
    rows = X.copy()
    rows[-3, 1] = number
    with pytest.raises(DataError):
        compiled.predict(rows)
    with pytest.raises(DataError):
        compiled.predict(rows.astype(np.float32))
