"""The stand-in for NumPy says what NumPy says, and the audit says the same with it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import gradbook as gb
from gradbook.arrays.array import array, ndarray
from gradbook.arrays.stand_in import NAMES
from gradbook.audit.findings import record_of
from tests.audit.material.kinds.catalogue import KINDS, saved
from tests.cases import for_each

NUMBERS = st.one_of(
    st.sampled_from([0.0, 1.0, -1.0, 0.5, 2.0, -3.0, 700.0, 1e300, np.inf, -np.inf, np.nan]),
    st.floats(-5, 5),
)
SHAPES = [(), (3,), (1,), (2, 3), (2, 1), (1, 3), (4, 1, 3)]
OF_EACH = ["negative", "abs", "exp", "sqrt", "tanh", "log", "log1p", "floor", "sign", "isfinite"]
OF_EACH += ["expm1", "log10", "sin", "cos"]
OF_PAIRS = ["add", "subtract", "multiply", "divide", "power", "maximum", "minimum", "greater"]
OF_ALL = ["sum", "max", "min", "mean", "median", "ptp", "any", "all", "count_nonzero", "prod"]


def drawn(data, shape):
    count = int(np.prod(shape))
    return np.reshape(data.draw(st.lists(NUMBERS, min_size=count, max_size=count)), shape)


def same(ours, numpys):
    numpys = np.asarray(numpys)
    assert np.shape(ours.tolist() if isinstance(ours, ndarray) else ours) == numpys.shape
    mine = np.asarray(ours.tolist() if isinstance(ours, ndarray) else ours)
    np.testing.assert_allclose(mine, numpys, rtol=1e-12, atol=1e-300)
    assert mine.size == 0 or mine.dtype.kind == numpys.dtype.kind


def ours_of(given):
    return array(np.asarray(given).tolist())


@pytest.mark.parametrize("name", OF_EACH)
@given(data=st.data())
@settings(max_examples=60)
def test_functions_of_each_number(name, data):
    x = drawn(data, data.draw(st.sampled_from(SHAPES)))
    with np.errstate(all="ignore"):
        same(NAMES[name](ours_of(x)), getattr(np, name)(x))


@pytest.mark.parametrize("name", OF_PAIRS)
@given(data=st.data())
@settings(max_examples=60)
def test_functions_of_two_arrays_of_different_shapes(name, data):
    a, b = (drawn(data, data.draw(st.sampled_from(SHAPES))) for _ in range(2))
    try:
        with np.errstate(all="ignore"):
            wanted = getattr(np, name)(a, b)
    except ValueError:
        with pytest.raises(ValueError, match="fit"):
            NAMES[name](ours_of(a), ours_of(b))
        return
    same(NAMES[name](ours_of(a), ours_of(b)), wanted)


def test_a_float_may_stand_on_either_side():
    x = np.array([[1.0, -2.0], [3.0, 0.5]])
    ours = ours_of(x)
    with np.errstate(all="ignore"):
        same(2.0 - ours, 2.0 - x)
        same(ours - 2.0, x - 2.0)
        same(0.0 / ours, 0.0 / x)
        same(ours / 0.0, x / 0.0)
        same((ours * 1e200) ** 3, (x * 1e200) ** 3)


@pytest.mark.parametrize("name", OF_ALL)
@given(data=st.data())
@settings(max_examples=60)
def test_functions_of_all_numbers_and_of_each_line(name, data):
    shape = data.draw(st.sampled_from(SHAPES[1:]))
    x = drawn(data, shape)
    axis = data.draw(st.sampled_from([None, *range(-len(shape), len(shape))]))
    with np.errstate(all="ignore"):
        same(NAMES[name](ours_of(x), axis=axis), getattr(np, name)(x, axis=axis))


@given(data=st.data())
def test_complex_numbers_carry_slopes(data):
    x, y = (drawn(data, (3,)) for _ in range(2))
    x, y = np.where(np.isfinite(x), np.clip(x, -20, 20), 0), np.where(np.isfinite(y), y, 0)
    given = x + 1j * np.clip(y, -1, 1)
    for name in ("exp", "tanh", "real", "imag", "abs", "negative", "isfinite"):
        same(NAMES[name](ours_of(given)), getattr(np, name)(given))


KEYS = [
    0,
    -1,
    slice(1, None),
    slice(None, None, -1),
    (slice(None), 1),
    (..., -1),
    (slice(None), None),
    (None, ..., 0),
    [1, 0, 1],
    (slice(None), [2, 0]),
    (1, 2),
]


@for_each("key", KEYS, ids=str)
def test_parts_are_the_same_and_can_be_replaced(key):
    x = np.arange(6.0).reshape(2, 3)
    y = ours_of(x)
    same(y[key], x[key])
    x[key] = y[key] = -1.0
    same(y, x)


def test_masks_and_places_in_pairs_are_keys():
    x = np.arange(6.0).reshape(2, 3)
    y = ours_of(x)
    same(y[y > 2], x[x > 2])
    same(y[:, ours_of([True, False, True])], x[:, [True, False, True]])
    same(y[tuple(NAMES["argwhere"](y > 3).T)], x[tuple(np.argwhere(x > 3).T)])
    same(NAMES["flatnonzero"](y > 3), np.flatnonzero(x > 3))
    for number in (2.0, np.inf):
        x, y = np.array(number), ours_of(number)
        same(y[NAMES["isfinite"](y)], x[np.isfinite(x)])


@for_each(
    "made",
    [
        lambda n, x: n.stack([x, 2 * x], axis=-1),
        lambda n, x: n.concatenate([x, x], axis=1),
        lambda n, x: n.moveaxis(x, 0, -1),
        lambda n, x: n.where(x > 2, x, 0),
        lambda n, x: n.repeat(x[None], 3, axis=0),
        lambda n, x: n.resize(x[0], 8),
        lambda n, x: n.isin(x, [1.0, 4.0]),
        lambda n, x: n.unique(n.round(x / 2)),
        lambda n, x: n.nanmedian(n.sqrt(x - 1)),
        lambda n, x: x @ x[0],
        lambda n, x: n.linalg.lstsq(n.stack([x[0], x[1] ** 2], axis=-1), x[1], rcond=None)[0],
        lambda n, x: n.isclose(x, x + 1e-9),
        lambda n, x: n.searchsorted(x[0], x),
        lambda n, x: n.sum(x, axis=(0, 1), keepdims=True),
        lambda n, x: n.outer(x[0], x[1]),
        lambda n, x: n.tril(x),
        lambda n, x: n.tile(x, 2),
        lambda n, x: n.roll(x[0], 1),
        lambda n, x: n.eye(3),
        lambda n, x: n.linspace(1.0, 2.0, 5),
        lambda n, x: n.divide(x, x[0], out=n.zeros(n.broadcast(x, x[0]).shape), where=x[0] > 0),
        lambda n, x: x[None].swapaxes(0, 2),
        lambda n, x: x.repeat(2, 1) % 2,
    ],
)
def test_other_functions(made):
    x = np.arange(6.0).reshape(2, 3)

    class Numbers:
        def __getattr__(self, name):
            return NAMES[name]

    with np.errstate(all="ignore"):
        wanted = made(np, x)
    same(made(Numbers(), ours_of(x)), wanted)


@for_each("given", [np.arange(6.0).reshape(2, 3), np.arange(3), np.arange(3) > 1, np.zeros(0)])
def test_bytes(given):
    assert ours_of(given).tobytes() == given.tobytes()


WITHOUT = """
import sys
class Nothing:
    def find_spec(self, name, *more):
        if name.partition(".")[0] == "numpy":
            raise ImportError(name)
sys.meta_path.insert(0, Nothing())
from gradbook.arrays import stand_in
stand_in()
import json
from gradbook.audit.check_book import check
from gradbook.audit.findings import record_of
print(json.dumps([record_of(check(path)) for path in sys.argv[1:]]))
"""
SPOILT = [
    ("logistic regression, across", "dw 1"),
    ("RMSprop, factors typed", None),
    ("an autoencoder", "dcode 1"),
    ("a convolution, backward", "range"),
    ("a line by SUMPRODUCT", None),
]


def test_the_audit_says_the_same_without_numpy(tmp_path):
    books = []
    for name, mistake in SPOILT:
        kind = KINDS[name]
        book = kind.mistakes[mistake] if mistake else kind.table
        books.append(str(tmp_path / f"{len(books)}.xlsx"))
        saved(kind, book, Path(books[-1]))
    books.append(str(gb.write_workbook("worked", tmp_path / "worked.xlsx").path))
    process = subprocess.run(
        [sys.executable, "-c", WITHOUT, *books], capture_output=True, text=True, check=True
    )
    assert json.loads(process.stdout) == json.loads(
        json.dumps([record_of(gb.check(path)) for path in books])
    )


# Every kind of layer, as an exercise may have it, and every loss and update.
EXERCISES = [
    "input 2; dense 2 bits 4; elu; dense 2 ternary; sigmoid; sample 0.3 0.7 -> 0.2 0.9",
    "input 2; dense 2; gelu; add back 2; prelu; dense 1; loss huber loss; sample 0.3 0.7 -> 0.2",
    "input 2; dense 2; mish; layernorm; multiply back 2; dense 1; sample 0.3 0.7 -> 0.2",
    "input 2; dense 2; softmax; update adam; loss cross-entropy smoothing 0.1; "
    "sample 0.3 0.7 -> 0 1",
    "input 2; dense 1; quantize 4; dense 1; sigmoid; update momentum 0.9 nesterov; "
    "loss binary cross-entropy; sample 0.3 0.7 -> 1",
    "input 1x3x3; conv 2 3x3 pad same; relu; groupnorm 1; avgpool 2 pad 1 zeros; flatten; "
    "dense 1; sample 0.3 0.7 0.1 0.9 0.3 0.7 0.1 0.9 0.2 -> 0.5",
    "input 1x2x2; convtranspose 2 2x2 groups 1 bits 4; upsample 2; maxpool 2; batchnorm; "
    "concat back 1; flatten; dense 1; sample 0.3 0.7 0.1 0.9 -> 0.5",
    "input 2x2; sinusoids; positions; attention heads 2 causal; rmsnorm; gru 1 reset_before; "
    "dense 1; sample 0.3 0.7 0.1 0.9 -> 0.5",
    "input 3x1; lstm 1 all; rnn 1; dense 1; sample 0.3 0.7 0.1 -> 0.5",
    "input tokens 2 of 3; embed 2; unembed 3; softmax; sample 0 2 -> 0 1",
    "input 8x1; spectrogram frame 4 step 2; flatten; dense 1; "
    "sample 0.3 0.7 0.1 0.9 0.2 0.3 0.4 0.5 -> 0.5",
    "input 8x1; mel 1 frame 8 step 4 rate 800 low 50 high 350; flatten; dense 1; "
    "sample 0.3 0.7 0.1 0.9 0.2 0.3 0.4 0.5 -> 0.5",
]
WITHOUT_BY_ITSELF = WITHOUT.partition("import json")[0]
OWN_NUMBERS = """
import json, sys
from gradbook.audit.exercise.cell_verdicts import StepNumbers
from gradbook.net import parse
from gradbook.targets.excel.plan.workbook_plan import WorkbookContents
for text in sys.argv[1:]:
    solution = WorkbookContents(parse(text.replace("; ", "\\n")))
    numbers = StepNumbers(solution, 3)
    own = {name: numbers.array(node)[..., -1].tolist() for name, node in solution.nodes.items()}
    print(json.dumps(own))
"""


def test_an_exercise_of_any_layer_has_the_same_numbers_without_numpy():
    both = [
        subprocess.run(
            [sys.executable, "-c", f"{before}{OWN_NUMBERS}", *EXERCISES],
            capture_output=True,
            text=True,
            check=True,
        ).stdout.splitlines()
        for before in (WITHOUT_BY_ITSELF, "")
    ]
    for text, ours, numpys in zip(EXERCISES, *both, strict=True):
        mine, wanted = json.loads(ours), json.loads(numpys)
        assert mine.keys() == wanted.keys()
        for name, numbers in wanted.items():
            assert np.allclose(mine[name], numbers, rtol=1e-9, equal_nan=True), (text, name)


@for_each("count", [1, 3, 7])
def test_what_charts_ask_of_a_curve(count):
    x = np.array([3.0, np.nan, -2.0, 1e9, 0.5, 0.25, 7.0])
    for ours, numpys in zip(
        NAMES["array_split"](ours_of(x), count), np.array_split(x, count), strict=True
    ):
        same(ours, numpys)
        known = NAMES["nan_to_num"](ours, nan=1.0)
        same(known, np.nan_to_num(numpys, nan=1.0))
        assert known.argmin() == np.nan_to_num(numpys, nan=1.0).argmin()
    same(NAMES["clip"](ours_of(x), 0.0, 5.0), np.clip(x, 0.0, 5.0))


def test_an_array_may_hold_anything():
    made = NAMES["empty"]((2, 2), dtype=object)
    made[0, 1] = "a name"
    made[1, 0] = "another"
    assert made.tolist() == [[None, "a name"], ["another", None]]
    assert made.item(2) == "another"
