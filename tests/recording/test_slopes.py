"""The slope of every rule, compared with central differences and with PyTorch's."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from gradbook.recording.arrays import fresh, index_of
from gradbook.recording.call_slopes import MIXING, REARRANGING, RULES, exact_slopes
from gradbook.recording.calls import (
    Masked,
    Ref,
    Replay,
    Tape,
    getitem,
    item_of,
    put_flat,
    setitem,
    substitute,
)
from tests.cases import for_each

STEP = 1e-5
SEEDS = st.integers(0, 10_000)


def slopes_of(function, operands, *arguments, part=None, **options):
    """The slopes of a randomly weighted sum of the result by every operand, and that sum."""
    tape = Tape()
    for operand in operands:
        tape.add(None, (), {}, np.asarray(operand), ())
    value = function(*_with(arguments, operands), **_with(options, operands))
    end = tape.add(function, arguments, options, value, ())
    if part is not None:
        value = value[part]
        end = tape.add(item_of, (Ref(end), part), {}, value, ())
    weights = np.random.default_rng(1).uniform(0.5, 1.5, np.shape(value))
    replay = Replay(tape.calls, range(len(operands)), len(operands), end)
    order = replay.needed([end])

    def total(*moved):
        numbers = replay.run(order, dict(enumerate(moved)))
        return float(np.sum(numbers[end] * weights))

    numbers = replay.run(order, dict(enumerate(operands)))
    slopes = exact_slopes(replay, {end: weights}, numbers, order)
    return [slopes.get(n, np.zeros(np.shape(operands[n]))) for n in range(len(operands))], total


def _with(structure, operands):
    return substitute(structure, lambda index: operands[index])


def check(function, operands, *arguments, part=None, **options):
    operands = [np.asarray(each, float) for each in operands]
    slopes, total = slopes_of(function, operands, *arguments, part=part, **options)
    for n, operand in enumerate(operands):
        expected = np.zeros(operand.shape)
        for place in np.ndindex(operand.shape):
            up, down = operand.copy(), operand.copy()
            up[place] += STEP
            down[place] -= STEP
            values = [total(*operands[:n], moved, *operands[n + 1 :]) for moved in (up, down)]
            expected[place] = (values[0] - values[1]) / (2 * STEP)
        assert np.shape(slopes[n]) == operand.shape
        np.testing.assert_allclose(slopes[n], expected, rtol=2e-5, atol=2e-6)


def numbers(seed, *shape, low=0.3, high=2.0):
    """Far apart from one another and from all that rules have corners at."""
    rng = np.random.default_rng(seed)
    count = int(np.prod(shape))
    steps = np.linspace(low, high, count + 2)[1:-1] + rng.uniform(0, 1e-3, count)
    return rng.permutation(steps).reshape(shape)


UFUNCS_OF_ONE = sorted(
    name
    for name in RULES
    if isinstance(getattr(np, name, None), np.ufunc) and getattr(np, name).nin == 1
)
UFUNCS_OF_TWO = sorted(
    name
    for name in RULES
    if isinstance(getattr(np, name, None), np.ufunc)
    and getattr(np, name).nin == 2
    and getattr(np, name).signature is None
)


@for_each("name", UFUNCS_OF_ONE)
def test_a_ufunc_of_one(name):
    check(getattr(np, name), [numbers(1, 3, 4)], Ref(0))
    check(getattr(np, name), [np.float64(0.7)], Ref(0))


@for_each("name", [*UFUNCS_OF_TWO, "arctan2", "hypot", "remainder"])
@given(arrays.mutually_broadcastable_shapes(num_shapes=2, max_dims=3, max_side=3), SEEDS)
def test_a_ufunc_of_two_broadcasts(name, shapes, seed):
    left, right = shapes.input_shapes
    check(
        getattr(np, name),
        [numbers(seed, *left), numbers(seed, *right, low=0.35, high=2.2)],
        Ref(0),
        Ref(1),
    )


REDUCTIONS = ("sum", "mean", "max", "min", "amax", "amin", "var", "std", "prod", "average", "ptp")


@for_each("name", REDUCTIONS)
@given(st.data(), SEEDS)
def test_a_reduction_over_any_axes(name, data, seed):
    shape = data.draw(arrays.array_shapes(min_dims=1, max_dims=3, min_side=2, max_side=3))
    axis = data.draw(st.none() | st.integers(-len(shape), len(shape) - 1))
    options = {"axis": axis, "keepdims": data.draw(st.booleans())}
    if name in ("var", "std") and data.draw(st.booleans()):
        options["ddof"] = 1
    if name in ("sum", "mean", "max") and data.draw(st.booleans()):
        options["axis"] = tuple(range(len(shape)))[:2]
    check(getattr(np, name), [numbers(seed, *shape)], Ref(0), **options)


@for_each("name", ["matmul", "dot"])
@for_each(
    ("left", "right"),
    [
        ((2, 3), (3, 4)),
        ((3,), (3, 4)),
        ((2, 3), (3,)),
        ((3,), (3,)),
        ((2, 4, 3), (3, 2)),
        ((2, 4, 3), (3,)),
    ],
)
def test_a_product(name, left, right):
    check(getattr(np, name), [numbers(1, *left), numbers(2, *right)], Ref(0), Ref(1))


@for_each(
    ("left", "right"),
    [((2, 1, 2, 3), (4, 3, 2)), ((4, 2, 3), (4, 3, 1)), ((3,), (2, 3, 4)), ((2, 3), (5, 3, 4))],
)
def test_a_product_of_stacks(left, right):
    check(np.matmul, [numbers(1, *left), numbers(2, *right)], Ref(0), Ref(1))


@for_each(
    ("function", "shapes", "arguments", "options"),
    [
        (np.dot, [(), (2, 3)], (Ref(0), Ref(1)), {}),
        (np.dot, [(2, 2, 3), (4, 3, 2)], (Ref(0), Ref(1)), {}),
        (np.outer, [(2, 3), (4,)], (Ref(0), Ref(1)), {}),
        (np.inner, [(2, 3), (4, 3)], (Ref(0), Ref(1)), {}),
        (np.inner, [(3,), (3,)], (Ref(0), Ref(1)), {}),
        (np.vdot, [(3,), (3,)], (Ref(0), Ref(1)), {}),
        (np.kron, [(2, 2), (2, 3)], (Ref(0), Ref(1)), {}),
        (np.tensordot, [(2, 3, 4), (3, 4, 2)], (Ref(0), Ref(1)), {}),
        (np.tensordot, [(2, 3, 4), (4, 2, 3)], (Ref(0), Ref(1), ([1, 2], [2, 0])), {}),
        (np.tensordot, [(2, 3), (4, 3)], (Ref(0), Ref(1)), {"axes": ([1], [1])}),
        (np.tensordot, [(2, 3), (4, 3)], (Ref(0), Ref(1)), {"axes": (1, 1)}),
        (np.tensordot, [(2, 3), (4,)], (Ref(0), Ref(1), 0), {}),
        (np.einsum, [(2, 3), (3, 4)], ("ij,jk->ik", Ref(0), Ref(1)), {}),
        (np.einsum, [(2, 3), (3, 4)], ("ij,jk", Ref(0), Ref(1)), {}),
        (np.einsum, [(2, 3), (2, 3)], ("ij,ij->", Ref(0), Ref(1)), {}),
        (np.einsum, [(2, 3)], ("ij->j", Ref(0)), {}),
        (np.einsum, [(3, 3)], ("ii->i", Ref(0)), {}),
        (np.einsum, [(2, 2, 3), (3, 2)], ("...ij,jk->...ik", Ref(0), Ref(1)), {}),
        (np.einsum, [(2,), (3,), (4,)], ("i,j,k->kj", Ref(0), Ref(1), Ref(2)), {}),
        (np.cross, [(3,), (3,)], (Ref(0), Ref(1)), {}),
        (np.convolve, [(5,), (3,)], (Ref(0), Ref(1)), {}),
        (np.linalg.inv, [(3, 3)], (Ref(0),), {}),
        (np.linalg.solve, [(3, 3), (3,)], (Ref(0), Ref(1)), {}),
        (np.linalg.norm, [(3, 4)], (Ref(0),), {}),
        (np.linalg.norm, [(3, 4)], (Ref(0),), {"axis": 1, "keepdims": True}),
        (np.linalg.norm, [(4,)], (Ref(0), 1), {}),
        (np.linalg.norm, [(3, 4)], (Ref(0), 2, 0), {}),
        (np.linalg.norm, [(3, 4)], (Ref(0), np.inf), {}),
        (np.average, [(3, 4), (4,)], (Ref(0), 1, Ref(1)), {}),
        (np.average, [(3, 4)], (Ref(0),), {"weights": np.ones((3, 4)), "axis": 0}),
        (np.sum, [(3, 4)], (Ref(0),), {"where": np.eye(3, 4) > 0}),
        (np.mean, [(3, 4)], (Ref(0), 0), {"where": np.ones((3, 4)) > 0}),
        (np.max, [(3, 4)], (Ref(0),), {"initial": 0.0}),
        (np.cumsum, [(3, 4)], (Ref(0),), {}),
        (np.cumsum, [(3, 4)], (Ref(0), 1), {}),
        (np.cumsum, [(3, 4)], (Ref(0),), {"axis": -2}),
        (np.cumprod, [(3, 4)], (Ref(0), 1), {}),
        (np.clip, [(3, 4)], (Ref(0), 0.8, 1.5), {}),
        (np.clip, [(3, 4)], (Ref(0), None, 1.5), {}),
        (np.clip, [(3, 4)], (Ref(0),), {"a_min": 0.8, "a_max": None}),
        (np.clip, [(3, 4), (), (4,)], (Ref(0), Ref(1), Ref(2)), {}),
        (np.where, [(3, 4), (4,)], (np.eye(3, 4) > 0, Ref(0), Ref(1)), {}),
        (np.where, [(3, 1), ()], (np.eye(3, 4) > 0, Ref(0), Ref(1)), {}),
        (np.diff, [(3, 4)], (Ref(0),), {}),
        (np.median, [(3, 5)], (Ref(0), 1), {}),
        (np.sort, [(3, 4)], (Ref(0),), {}),
        (np.add.reduce, [(3, 4)], (Ref(0),), {"axis": 1}),
        (np.maximum.reduce, [(3, 4)], (Ref(0),), {"axis": 1}),
        (np.nan_to_num, [(3, 4)], (Ref(0),), {}),
    ],
)
def test_a_function(function, shapes, arguments, options):
    check(function, [numbers(n, *each) for n, each in enumerate(shapes)], *arguments, **options)


INDICES = [
    1,
    -1,
    np.s_[1:],
    np.s_[:, 1],
    np.s_[::-1, ::2],
    np.s_[..., None, 1],
    np.array([2, 0, 2]),
    ([0, 2, 2], [1, 1, 3]),
    np.eye(3, 4) > 0,
    np.s_[:, np.array([3, 3, 0])],
]


@for_each("index", INDICES, ids=str)
def test_parts_are_read_and_written(index):
    a = numbers(1, 3, 4)
    check(getitem, [a], Ref(0), index)
    check(setitem, [a, np.float64(3.0)], Ref(0), index, Ref(1))
    if len(np.unique(np.arange(12).reshape(3, 4)[index])) == np.size(a[index]):
        check(setitem, [a, numbers(2, *a[index].shape)], Ref(0), index, Ref(1))
    places = np.arange(12).reshape(3, 4)[:2].T
    check(put_flat, [a, numbers(2, 4, 2)], Ref(0), places, Ref(1))


@for_each(("ufunc", "name"), [(np.add, "add_at"), (np.subtract, "subtract_at")])
def test_what_is_added_at_places_counts_as_often_as_they_come(ufunc, name):
    def at(array, *rest):
        array = np.array(array)
        ufunc.at(array, *rest)
        return array

    at.__name__ = name
    assert name in RULES
    check(at, [numbers(1, 3, 2), numbers(2, 4, 2)], Ref(0), np.array([0, 2, 2, 0]), Ref(1))


@for_each(
    ("function", "shapes", "arguments", "options"),
    [
        (np.reshape, [(3, 4)], (Ref(0), (2, -1)), {}),
        (np.transpose, [(2, 3, 4)], (Ref(0), (2, 0, 1)), {}),
        (np.moveaxis, [(2, 3, 4)], (Ref(0), 0, -1), {}),
        (np.concatenate, [(2, 3), (1, 3)], ([Ref(0), Ref(1)],), {}),
        (np.concatenate, [(2, 3), (2, 1)], ([Ref(0), Ref(1)],), {"axis": 1}),
        (np.concatenate, [(2,)], ([np.array([1.0, 2.0]), Ref(0), [1]],), {}),
        (np.concatenate, [(2, 3)], ([Ref(0), Ref(0)],), {}),
        (np.stack, [(3,), (3,)], ([Ref(0), Ref(1)],), {"axis": -1}),
        (np.vstack, [(3,), (2, 3)], ([Ref(0), Ref(1)],), {}),
        (np.hstack, [(3, 1)], ([np.ones((3, 1)), Ref(0)],), {}),
        (np.column_stack, [(3,)], ((np.arange(3), Ref(0)),), {}),
        (np.array, [(), ()], ([Ref(0), 1, Ref(1), 2.0],), {}),
        (np.array, [(2,), (2,)], ([Ref(0), [1, 2], Ref(1)],), {"dtype": float}),
        (np.pad, [(2, 3)], (Ref(0), 1), {}),
        (np.pad, [(2, 3)], (Ref(0), ((0, 1), (2, 0))), {"constant_values": 1}),
        (np.pad, [(2, 3)], (Ref(0), 1), {"mode": "edge"}),
        (np.pad, [(2, 3)], (Ref(0), 1, "mean"), {}),
        (np.insert, [(2, 3)], (Ref(0), 0, 1), {"axis": 1}),
        (np.append, [(3,)], (Ref(0), 1), {}),
        (np.append, [(3,), ()], (Ref(0), Ref(1)), {}),
        (np.delete, [(3,)], (Ref(0), 1), {}),
        (np.roll, [(3, 4)], (Ref(0), 1), {"axis": 1}),
        (np.take, [(3, 4)], (Ref(0), [0, 0, 2]), {"axis": 1}),
        (np.take_along_axis, [(3, 4)], (Ref(0), np.array([[0], [1], [1]]), 1), {}),
        (np.repeat, [(3, 2)], (Ref(0), 2), {"axis": 0}),
        (np.tile, [(3, 2)], (Ref(0), (2, 2)), {}),
        (np.diag, [(3,)], (Ref(0),), {}),
        (np.diag, [(3, 3)], (Ref(0),), {}),
        (np.tril, [(3, 3)], (Ref(0),), {}),
        (np.rot90, [(3, 2)], (Ref(0),), {}),
        (np.broadcast_to, [(3, 1)], (Ref(0), (2, 3, 4)), {}),
        (np.lib.stride_tricks.sliding_window_view, [(4, 4)], (Ref(0), (2, 2)), {}),
    ],
)
def test_a_rearrangement(function, shapes, arguments, options):
    assert function.__name__ in REARRANGING
    check(function, [numbers(n, *each) for n, each in enumerate(shapes)], *arguments, **options)


@for_each("part", [0, 2])
def test_one_of_several_results(part):
    check(np.split, [numbers(1, 6, 2)], Ref(0), 3, part=part)
    check(np.array_split, [numbers(1, 7)], Ref(0), 3, part=part)
    check(np.linalg.svd, [numbers(1, 3, 3)], Ref(0), part=1)


def test_what_mixes_rearranges():
    assert MIXING <= REARRANGING


@for_each("ufunc", [np.divide, np.log, np.exp, np.multiply, np.remainder])
def test_a_mask_leaves_the_slope_to_the_array_behind(ufunc):
    a = numbers(1, 3, 4)
    inputs = [a] if ufunc.nin == 1 else [a, np.where(np.eye(3, 4) > 0, 0.7, 1e-300)]
    mask = np.eye(3, 4) > 0
    slopes, _ = slopes_of(Masked(ufunc), [a * 2, a], Ref(0), mask, Ref(1), *inputs[1:])
    weights = np.random.default_rng(1).uniform(0.5, 1.5, a.shape)
    np.testing.assert_allclose(slopes[0], np.where(mask, 0, weights), rtol=1e-8)
    assert np.all(slopes[1][~mask] == 0)
    assert np.all(slopes[1][mask] != 0)


def test_no_slope_is_made_up_at_corners():
    zero = np.zeros(3)
    assert np.all(slopes_of(np.linalg.norm, [zero], Ref(0))[0][0] == 0)
    assert np.all(slopes_of(np.power, [zero], Ref(0), 0)[0][0] == 0)
    halves = slopes_of(np.maximum, [zero, zero], Ref(0), Ref(1))[0]
    np.testing.assert_array_equal(*halves)


CHAINS = {
    "softmax and cross-entropy": lambda m, x, w: (
        -m.log((m.exp(x @ w) / m.exp(x @ w).sum(1)[:, None])[[0, 1, 2], [1, 0, 1]]).mean()
    ),
    "batch norm": lambda m, x, w: (
        ((x @ w - (x @ w).mean(0)) / m.sqrt(((x @ w - (x @ w).mean(0)) ** 2).mean(0) + 1e-5)) ** 3
    ).sum(),
    "attention": lambda m, x, w: m.tanh((x @ w) @ (x @ w).T / 2.0).sum(0).max(),
    "used twice": lambda m, x, w: (m.maximum(x @ w, x[:, :2] * 0.9) * w[0] - w.T[1, 2]).mean(),
}


@for_each("name", CHAINS)
def test_a_chain_has_pytorchs_slopes(name, recording):
    torch = pytest.importorskip("torch")
    x, w = numbers(1, 3, 4), numbers(2, 4, 2)
    leaves = [fresh(x.copy()), fresh(w.copy())]
    end = index_of(CHAINS[name](np, *leaves))
    calls = recording.tape.calls
    first, second = map(index_of, leaves)
    replay = Replay(calls, [first, second], second + 1, end)
    order = replay.needed([end])
    values = replay.run(order, {first: x, second: w})
    slopes = exact_slopes(replay, {end: 1.0}, values, order)
    twins = [torch.tensor(each, requires_grad=True) for each in (x, w)]
    result = CHAINS[name](torch, *twins)
    result.backward()
    assert float(values[end]) == pytest.approx(result.item(), rel=1e-13)
    for n, twin in zip((first, second), twins, strict=True):
        np.testing.assert_allclose(slopes[n], twin.grad.numpy(), rtol=1e-9, atol=1e-13)
