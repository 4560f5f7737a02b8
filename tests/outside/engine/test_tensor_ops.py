"""Every op on tensors has PyTorch's value and PyTorch's gradients, whatever the shapes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.strategies import DataObject

from gradbook.graph.chain import gradients
from gradbook.graph.names import Name
from gradbook.graph.node import Graph, Node
from gradbook.graph.reference import evaluate
from gradbook.graph.tensors import spread
from tests.families import pools, windows

CLOSE = 1e-12  # relative, of whole tensors
SIZE = st.integers(1, 7)


@pytest.fixture(scope="module")
def torch_module(twin):
    """The whole of PyTorch."""
    return twin.torch


@pytest.fixture(scope="module")
def functional(twin):
    return twin.functional


def agree(
    torch,
    random: np.random.Generator,
    shapes: list[tuple[tuple[int, ...], bool]],
    ours: Callable[..., Node],
    theirs: Callable,
    samples: int,
    fixed: int = 0,
) -> None:
    """The same value, and the same gradients of a weighted sum of it; the first `fixed` inputs
    have none. `shapes` tells for each input whether there is one for every sample.
    """
    graph = Graph()
    leaves = [graph.leaf(Name(f"x{k}"), shape, each) for k, (shape, each) in enumerate(shapes)]
    arrays = [random.normal(size=(samples, *shape) if each else shape) for shape, each in shapes]
    y = ours(*leaves)
    weights = graph.leaf(Name("weights"), y.shape, each=True)
    loss = graph.make("total", graph.make("sum", y * weights, attributes=(len(y.shape),)))
    wanted = leaves[fixed:]
    slopes = gradients(loss, wanted)

    tensors = [torch.tensor(a, requires_grad=k >= fixed) for k, a in enumerate(arrays)]
    value = theirs(*tensors)
    pull = random.normal(size=tuple(value.shape))
    expected = torch.autograd.grad((value * torch.tensor(pull)).sum(), tensors[fixed:])
    given = {**dict(zip(leaves, arrays, strict=True)), weights: pull}
    found = evaluate([y, *(slopes[leaf] for leaf in wanted)], given)
    assert_close(found[y], value.detach().numpy())
    for leaf, slope in zip(wanted, expected, strict=True):
        assert_close(found[slopes[leaf]], slope.numpy())


def assert_close(found: np.ndarray, expected: np.ndarray) -> None:
    assert np.shape(found) == np.shape(expected)
    size = np.linalg.norm(np.ravel(expected))
    assert np.linalg.norm(np.ravel(found - expected)) <= CLOSE * size


RANDOM = st.integers(0, 2**32 - 1).map(np.random.default_rng)


@given(st.data(), RANDOM, st.integers(1, 3))
def test_convolutions(torch_module, twin, data: DataObject, random, samples):
    shape = (data.draw(st.integers(1, 6)), data.draw(SIZE), data.draw(SIZE))
    conv = data.draw(windows(shape))
    weight = (conv.channels, shape[0] // conv.groups, *conv.kernel)
    agree(
        torch_module,
        random,
        [(weight, False), (shape, True)],
        lambda w, x: w.graph.make("conv", w, x, attributes=(conv.window(shape), conv.groups)),
        lambda w, x: twin.convolved(conv, x, w),
        samples,
    )


@given(st.data(), RANDOM, st.integers(1, 3))
def test_pools(torch_module, twin, data: DataObject, random, samples):
    shape = (data.draw(st.integers(1, 3)), data.draw(SIZE), data.draw(SIZE))
    pool = data.draw(pools(shape, smooth=False))
    counted = () if pool.kind == "max" else (pool.counted_padding(shape),)
    agree(
        torch_module,
        random,
        [(shape, True)],
        lambda x: x.graph.make(f"{pool.kind}pool", x, attributes=(pool.window(shape), *counted)),
        lambda x: twin.pooled(pool, x),
        samples,
    )


@given(RANDOM, st.tuples(SIZE, SIZE, SIZE), st.booleans(), st.integers(1, 3))
def test_dropout_is_multiplying_by_a_mask(torch_module, random, shape, channels, samples):
    own = shape[:1] if channels else shape
    agree(
        torch_module,
        random,
        [(own, True), (shape, True)],
        lambda mask, x: x * spread(mask, shape[len(own) :]),
        lambda mask, x: x * (mask[..., None, None] if channels else mask),
        samples,
        fixed=1,
    )


@given(RANDOM, SIZE, SIZE, st.integers(1, 3))
def test_weighted_sums(torch_module, functional, random, inputs, outputs, samples):
    agree(
        torch_module,
        random,
        [((outputs, inputs), False), ((inputs,), True)],
        lambda w, x: w.graph.make("linear", w, x),
        lambda w, x: functional.linear(x, w),
        samples,
    )


@given(RANDOM, st.integers(2, 7), st.integers(1, 3), st.floats(0, 0.9))
def test_smoothed_cross_entropy(torch_module, functional, random, classes, samples, smoothing):
    """PyTorch takes targets that needn't sum to 1 as well; ours do."""
    share = random.dirichlet(np.ones(classes), samples)

    def ours(o: Node) -> Node:
        t = o.graph.leaf(Name("t"), (classes,), each=True)
        smooth = t * (1 - smoothing) + smoothing / classes
        return o.graph.make("cross_entropy", smooth, o)

    agree_with_targets(torch_module, functional, random, share, ours, smoothing)


def agree_with_targets(torch, functional, random, share, ours, smoothing) -> None:
    graph = Graph()
    samples, classes = share.shape
    o = graph.leaf(Name("o"), (classes,), each=True)
    loss = graph.make("total", ours(o)) / samples
    slope = gradients(loss, [o])[o]
    sums = random.normal(size=share.shape) * 5
    (t,) = (node for node in graph.nodes if node.name == Name("t"))
    found = evaluate([loss, slope], {o: sums, t: share})
    tensor = torch.tensor(sums, requires_grad=True)
    value = functional.cross_entropy(tensor, torch.tensor(share), label_smoothing=smoothing)
    (expected,) = torch.autograd.grad(value, [tensor])
    assert_close(found[loss], value.detach().numpy())
    assert_close(found[slope], expected.numpy())
