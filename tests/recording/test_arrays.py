"""Arrays that remember: what they are read from, what is written into them, what they forget."""

from __future__ import annotations

import copy
import json
import math
import pickle

import numpy as np
import pytest

from gradbook.recording.arrays import RecordedArray, RecordedNumber, fresh, index_of, plain
from gradbook.recording.calls import Replay
from tests.cases import for_each

FORGETFUL = {  # complex numbers, classes of their own, and what has no slope
    *("asmatrix", "bmat", "common_type", "einsum_path", "histogramdd", "is_busday"),
    *("min_scalar_type", "result_type", "roots", "sort_complex"),
}
NO_NUMBERS = {
    *("save", "savez", "savez_compressed", "savetxt", "load", "loadtxt", "fromfile", "test"),
    *("show_config", "show_runtime", "info", "set_printoptions", "get_printoptions", "seterr"),
    *("printoptions", "geterr", "setbufsize", "getbufsize", "seterrcall", "geterrcall"),
    *("get_include", "genfromtxt", "fromregex", "from_dlpack", "shares_memory"),
}
BY_BUFFERS = {  # replaced for a program, so that they look into lists, too
    *("array", "asarray", "asanyarray", "asarray_chkfinite", "asfortranarray", "full"),
    *("ascontiguousarray", "frombuffer"),
}
LEAST = 250  # functions of NumPy that can be called so


def make(*shape, seed=0):
    return fresh(np.random.default_rng(seed).uniform(0.5, 1.5, shape))


def is_remembered(value):
    if isinstance(value, (tuple, list)):
        return all(map(is_remembered, value))
    if isinstance(value, np.generic):
        return isinstance(value, RecordedNumber) or value.dtype.kind in "iub"
    if isinstance(value, np.ndarray):
        return isinstance(value, RecordedArray) and (
            value._index is not None or value._view is not None
        )
    return isinstance(value, (int, bool, str, type(None)))


def test_no_function_of_numpy_forgets(recording):
    asked, forgetful = set(), set()
    for name in sorted(set(dir(np)) - NO_NUMBERS - BY_BUFFERS):
        function = getattr(np, name)
        if name.startswith("_") or not callable(function) or isinstance(function, type):
            continue
        a, b, v = make(4, 4), make(4, 4, seed=1), make(4)
        for arguments in ((a,), (a, b), (v,), (a, 1), (a, 0, 2), (v, v), ([a, b],), (a, [0, 1])):
            try:
                with np.errstate(all="ignore"):
                    value = function(*arguments)
            except Exception:  # takes others
                continue
            asked.add(name)
            if not is_remembered(value):
                forgetful.add(name)
            break
    assert len(asked) > LEAST
    assert forgetful <= FORGETFUL


@for_each("name", ["inv", "det", "svd", "qr", "eigh", "cholesky", "pinv", "norm", "slogdet"])
def test_linear_algebra_remembers(name, recording):
    a = make(3, 3)
    value = getattr(np.linalg, name)(a @ a.T + np.eye(3))
    assert is_remembered(value)
    assert type(value).__name__ not in ("tuple", "list")


@for_each("name", sorted(set(dir(np.ndarray)) - {"tofile", "dump", "resize", "view", "byteswap"}))
def test_a_method_remembers(name, recording):
    if name.startswith("_") or name in ("base", "ctypes", "data", "dtype", "flags", "imag"):
        return
    for arguments in ((), (0,), (make(4),), (1, 0)):
        a = make(4, 4)
        method = getattr(a, name)
        try:
            value = method(*arguments) if callable(method) else method
        except Exception:
            continue
        assert is_remembered(value) or name in ("tolist", "tobytes", "dumps", "setflags")
        return


@for_each(
    "name",
    [
        "clip",
        "round",
        "prod",
        "max",
        "min",
        "cumsum",
        "std",
        "var",
        "mean",
        "sum",
        "item",
        "conj",
        "real",
        "T",
    ],
)
def test_a_number_s_method_remembers(name, recording):
    method = getattr(make(2)[0], name)
    for arguments in ((), (1,), (float,), (0, 1)):
        try:
            value = method(*arguments) if callable(method) else method
        except (TypeError, ValueError):
            continue
        assert is_remembered(value)
        return
    raise AssertionError(name)


# In-place changes ------------------------------------------------------------------


def replayed(calls, inputs, end):
    """The value of a call, computed again from all that others began with."""
    replay = Replay(calls, inputs, min(inputs), end)
    order = replay.needed([end])
    return replay.run(order, {n: np.array(calls[n].value) for n in inputs})[end]


def subtract_part(w):
    w[0] -= 2 * w[1]


def subtract_column(w):
    w[:, 1] -= w[:, 0] * 3


def through_the_transpose(w):
    w.T[...] = w.T * 2 + 1


def through_a_reshape(w):
    flat = w.reshape(-1)
    flat[3] = flat[0] * 5


def through_a_ravel(w):
    w.ravel()[::2] += w.ravel()[1::2]


def slices_of_slices(w):
    part = w[1:][:, ::2]
    part[0, 1] *= w[0, 0]


def a_row_kept(w):
    row = w[2]
    w *= 2
    row += w[0]


def by_mask(w):
    w[w > 1] = w[0, 0] * 0.5


def by_indices(w):
    np.add.at(w, [0, 0, 2], w[1] * 2)


def by_out(w):
    np.multiply(w, w, out=w)


def by_masked_out(w):
    np.divide(w, w[0, 0], out=w, where=w > 1)


def by_swapping(w):
    w[[0, 1]] = w[[1, 0]]


def by_sorting(w):
    w.sort(axis=0)


def by_filling(w):
    w.fill(w[0, 1] * 2)


def by_copyto(w):
    np.copyto(w, w * 3)


def by_diagonal(w):
    np.fill_diagonal(w, w[2, 0])


def by_moveaxis(w):
    np.moveaxis(w, 0, 1)[0] = w[0, 1] * 2


def by_power(w):
    w **= 2
    w /= w[0, 0]


CHANGES = (
    *(subtract_part, subtract_column, through_the_transpose, through_a_reshape, through_a_ravel),
    *(slices_of_slices, a_row_kept, by_mask, by_indices, by_out, by_masked_out, by_swapping),
    *(by_sorting, by_filling, by_copyto, by_diagonal, by_moveaxis, by_power),
)


@for_each("change", CHANGES, ids=lambda change: change.__name__)
def test_a_change_in_place_is_one_of_all_that_share_the_numbers(change, recording):
    start = np.random.default_rng(3).uniform(0.5, 1.5, (4, 4))
    w = fresh(start.copy())
    root, row, column = index_of(w), w[1], w.T[1]
    before = w * 1.0
    expected = start.copy()
    change(expected)
    change(w)
    assert isinstance(w, RecordedArray)
    for value, number in ((w, expected), (row, expected[1]), (column, expected.T[1])):
        index = index_of(value)
        np.testing.assert_array_equal(plain(value), number)
        np.testing.assert_array_equal(recording.tape[index].value, number)
        np.testing.assert_array_equal(replayed(recording.tape.calls, [root], index), number)
    np.testing.assert_array_equal(recording.tape[index_of(before)].value, start)
    np.testing.assert_array_equal(recording.tape[root].value, start)


def test_a_new_array_is_filled_without_a_copy_for_each_number(recording):
    one_hot = fresh(np.zeros((100, 10)))
    for place in range(100):
        one_hot[place, place % 10] = 1
    calls, kept = len(recording.tape), recording.tape.kept_bytes
    assert (calls, kept) == (1, 8000)
    other = one_hot * 2
    one_hot[0] = 7
    np.testing.assert_array_equal(recording.tape[index_of(other)].value[0], [2] + [0] * 9)
    np.testing.assert_array_equal(recording.tape[0].value[0], [1] + [0] * 9)


def test_an_array_from_elsewhere_is_copied_when_it_changes(recording):
    w, x = make(3), np.ones(3)
    first = w * x
    x[0] = 5
    second = w * x
    third = w * x
    constants = [recording.tape[index_of(each)].arguments[1] for each in (first, second, third)]
    assert constants[0][0] == 1
    assert constants[1][0] == 5
    assert constants[1] is constants[2]


# Numbers ---------------------------------------------------------------------------


@pytest.fixture
def number(recording):
    return make(2)[0].item()


def test_a_number_is_a_float_wherever_one_is_wanted(number):
    value = float(number)
    assert isinstance(number, float)
    assert isinstance(number, np.floating)
    assert json.dumps({"a": [number]}) == json.dumps({"a": [value]})
    assert pickle.loads(pickle.dumps(number)) == value
    assert copy.deepcopy([number])[0] is number
    assert f"{number}|{number:.3f}|{number!r}|{number:>9.2e}" == (
        f"{value}|{value:.3f}|{value!r}|{value:>9.2e}"
    )
    form = "%.3f %s %r %d"
    assert form % ((number,) * 4) == form % ((value,) * 4)
    assert str([number, (number,)]) == str([value, (value,)])
    assert {number: 1}[value] == 1
    assert (int(number), round(number), math.floor(number)) == (
        *(int(value), round(value), math.floor(value)),
    )
    assert range(int(number * 10)) == range(int(value * 10))
    assert sorted([number, 0.1, 9]) == [0.1, value, 9]


@for_each(
    "compute",
    [
        lambda x: x + 1,
        lambda x: 2 / x,
        lambda x: x**2,
        lambda x: -abs(x),
        lambda x: sum([x, x, 1]),
        lambda x: max(x, 0.1),
        lambda x: round(x, 2),
        lambda x: x % 0.3,
        lambda x: np.int64(3) * x,
        lambda x: x * np.float64(2),
        np.exp,
        lambda x: np.array(2.0) * x,
        lambda x: np.ones(3) * x,
    ],
)
def test_arithmetic_remembers(compute, number, recording):
    value = compute(number)
    expected = compute(float(number))
    np.testing.assert_array_equal(plain(value), expected)
    calls = recording.tape.calls
    root = index_of(number)
    np.testing.assert_array_equal(replayed(calls, [root], index_of(value)), expected)


def test_pythons_numbers_raise_where_numpys_are_infinite(number, recording):
    with pytest.raises(ZeroDivisionError):
        number / 0
    with pytest.raises(ZeroDivisionError):
        1 / (number * 0)
    of_numpy = make(2)[0]
    with np.errstate(all="ignore"):
        assert of_numpy / 0 == np.inf
        assert np.isnan((-of_numpy) ** 0.5)
    assert isinstance((-number) ** 0.5, complex)
    assert repr(of_numpy) == repr(np.float64(of_numpy))
    assert repr(number) == repr(float(number))
    recording.pause()
    assert number + np.int64(2) == float(number) + 2
    assert np.float32(2) * number == 2 * float(number)
    assert of_numpy / 1 == float(of_numpy)


def test_arrays_are_copied_and_written_as_others_are(recording):
    a = make(2, 2)
    array = plain(a).copy()
    assert isinstance(a, np.ndarray)
    assert type(a) is not np.ndarray  # what can't hold
    assert type(pickle.loads(pickle.dumps(a))) is np.ndarray
    assert (str(a), repr(a)) == (str(array), repr(array))
    assert f"{a}" == f"{array}"
    assert copy.deepcopy({"w": a})["w"] is not a
    assert is_remembered(copy.deepcopy(a))
    assert json.dumps(a.tolist()) == json.dumps(array.tolist())
    assert np.array_equal(a, array)
    assert (a > 1).astype(int).dtype.kind == "i"
    assert is_remembered(a.astype("float32"))
    assert bool((a == array).all())
