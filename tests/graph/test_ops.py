"""Every op by its card: value, slopes, what it is made of, its elements, its corners."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from gradbook.graph.chain import gradients
from gradbook.graph.names import Name
from gradbook.graph.node import OPS, Graph
from gradbook.graph.reference import evaluate
from gradbook.graph.tensors import sum_last
from gradbook.net.lower import _elements
from tests.cases import for_each
from tests.graph.cards import CARDS

BETWEEN_SAMPLES = {"repeat", "total"}  # have tests of their own below
VALUELESS = {"constant", "leaf"}
OF_WEIGHTS = {"scales", "levelled"}  # which no sample has of its own
WEIGHTED = ("linear", "linear_back", "conv", "conv_back")  # weights serve all samples
SLIGHT = 1e-3


class Trial:
    """An op on leaves of its own, ready to be evaluated and differentiated."""

    def __init__(self, name, each=False):
        self.name, self.card, self.graph, self.each = name, CARDS[name], Graph(), each
        self.leaves = [
            self.graph.leaf(Name("x", (k,)), shape, each)
            for k, shape in enumerate(self.card.shapes)
        ]
        inputs = (*self.leaves, *self.card.constant)
        self.node = self.graph.make(name, *inputs, attributes=self.card.attributes)
        self.d = self.graph.leaf(Name("d"), self.node.shape, each)
        self.whole = self.weighed(self.node)

    def weighed(self, node):
        return sum_last(node * self.d, len(self.d.shape))

    def random(self, seed):
        low, high = self.card.reach
        draw = np.random.default_rng(seed)
        given = {leaf: draw.uniform(low, high, leaf.shape) for leaf in self.leaves}
        return {**given, self.d: draw.uniform(-1, 1, self.d.shape)}

    def at(self, inputs, d=None):
        given = {leaf: np.asarray(x, float) for leaf, x in zip(self.leaves, inputs, strict=True)}
        return {**given, self.d: np.ones(self.d.shape) if d is None else d}

    def value(self, given, node=None):
        node = node or self.node
        return np.asarray(evaluate([node], given)[node])

    def slopes(self, given, of=None):
        slopes = gradients(of or self.whole, self.leaves)
        return [np.broadcast_to(self.value(given, slopes[x]), x.shape) for x in self.leaves]


def named(predicate):
    return [name for name, card in CARDS.items() if predicate(OPS[name], card)]


def known():
    return [
        pytest.param(name, point, id=f"{name} at {point.inputs}")
        for name, card in CARDS.items()
        for point in card.known
    ]


def exactly(expected):
    return pytest.approx(np.asarray(expected, float), rel=1e-14, abs=1e-300)


def test_every_op_has_a_card():
    lasting = {name for name in OPS if not name.startswith("loss ")}  # not what a test wrote itself
    assert {*CARDS} | BETWEEN_SAMPLES | VALUELESS == lasting


@for_each(("name", "point"), known())
def test_values_at_known_points(name, point):
    trial = Trial(name)
    assert trial.value(trial.at(point.inputs)) == exactly(point.value)


@for_each(("name", "point"), [p for p in known() if p.values[1].slopes])
def test_slopes_at_known_points_and_corners(name, point):
    trial = Trial(name)
    for slope, expected in zip(trial.slopes(trial.at(point.inputs)), point.slopes, strict=True):
        assert slope == pytest.approx(np.asarray(expected, float), rel=1e-14, abs=1e-17)


@for_each("name", CARDS)
def test_its_shape_is_the_shape_of_its_value(name):
    trial = Trial(name)
    assert trial.value(trial.random(0)).shape == trial.node.shape


@for_each("name", named(lambda op, card: card.differentiable and not card.straight))
@for_each("seed", range(3))
def test_slopes_are_what_the_value_does_when_an_input_is_moved(name, seed):
    trial = Trial(name)
    given = trial.random(seed)
    for leaf, slope in zip(trial.leaves, trial.slopes(given), strict=True):
        for place in product(*map(range, leaf.shape)):

            def moved(by, leaf=leaf, place=place):
                x = np.array(given[leaf])
                x[place] += by
                return float(trial.value({**given, leaf: x}, trial.whole))

            near = moved(SLIGHT) - moved(-SLIGHT)
            far = moved(2 * SLIGHT) - moved(-2 * SLIGHT)
            tried = (8 * near - far) / (12 * SLIGHT)
            assert slope[place] == pytest.approx(tried, rel=1e-9, abs=1e-10)


@for_each("name", named(lambda op, card: not card.differentiable))
def test_what_has_no_derivative_says_so_instead_of_zero(name):
    trial = Trial(name)
    with pytest.raises(AssertionError, match=f"{name} has no derivative"):
        gradients(trial.whole, trial.leaves)


@for_each("name", named(lambda op, card: op.expansion))
def test_what_it_is_made_of_is_worth_the_same(name):
    trial = Trial(name)
    expansion = trial.node.op.expansion(*trial.node.inputs, *trial.node.attributes)
    points = [trial.random(seed) for seed in range(5)]
    points += [trial.at(point.inputs) for point in trial.card.known]
    for given in points:
        assert trial.value(given, expansion) == exactly(trial.value(given))


@for_each("name", named(lambda op, card: op.expansion and not card.straight))
def test_what_it_is_made_of_has_the_same_slopes(name):
    trial = Trial(name)
    expansion = trial.node.op.expansion(*trial.node.inputs, *trial.node.attributes)
    for seed in range(5):
        given = trial.random(seed)
        found = trial.slopes(given, trial.weighed(expansion))
        for slope, other in zip(found, trial.slopes(given), strict=True):
            assert slope == pytest.approx(other, rel=1e-13, abs=1e-15)


@for_each("name", named(lambda op, card: op.elements))
@for_each("seed", range(3))
def test_taken_apart_it_is_worth_the_same(name, seed):
    trial = Trial(name)
    given = trial.random(seed)
    apart, scalars, parts = Graph(), {}, {}
    for leaf in trial.leaves:
        parts[leaf] = np.empty(leaf.shape, dtype=object)
        for place in product(*map(range, leaf.shape)):
            parts[leaf][place] = apart.leaf(Name(str(leaf.name), place))
            scalars[parts[leaf][place]] = given[leaf][place]
    made = _elements(apart, trial.node, parts)
    assert made.shape == trial.node.shape
    values = evaluate(list(made.flat), scalars)
    found = np.reshape([values[node] for node in made.flat], made.shape)
    assert found == pytest.approx(trial.value(given), rel=1e-14, abs=1e-15)


@for_each("name", [name for name in CARDS if name not in {*WEIGHTED, *OF_WEIGHTS}])
def test_for_several_samples_it_is_worth_for_each_what_it_is_worth_alone(name):
    alone, together = Trial(name), Trial(name, each=True)
    samples = [alone.random(seed) for seed in range(3)]
    stacked = {
        leaf: np.stack([given[mine] for given in samples])
        for leaf, mine in zip((*together.leaves, together.d), samples[0], strict=True)
    }
    found = together.value(stacked)
    for sample, given in enumerate(samples):
        assert found[sample] == pytest.approx(alone.value(given), rel=1e-14, abs=1e-15)


@for_each("name", WEIGHTED)
def test_weights_serve_all_samples(name):
    alone = Trial(name)
    samples = [alone.random(seed) for seed in range(3)]
    w, x = alone.leaves
    graph = Graph()
    weight, each = graph.leaf(Name("w"), w.shape), graph.leaf(Name("x"), x.shape, each=True)
    node = graph.make(name, weight, each, attributes=alone.card.attributes)
    given = {weight: samples[0][w], each: np.stack([sample[x] for sample in samples])}
    found = evaluate([node], given)[node]
    for k, sample in enumerate(samples):
        expected = alone.value({**sample, w: samples[0][w]})
        assert found[k] == pytest.approx(expected, rel=1e-14, abs=1e-15)


@for_each("name", named(lambda op, card: len(card.shapes) > 1 and not card.shapes[0]))
def test_a_samples_value_goes_with_one_of_the_step(name):
    """As in MAX(h1, 0), where h1 has a value for each sample and 0 has one."""
    alone = Trial(name)
    samples = [alone.random(seed) for seed in range(3)]
    graph = Graph()
    leaves = [graph.leaf(Name("x", (k,)), each=k == 0) for k in range(len(alone.leaves))]
    node = graph.make(name, *leaves, attributes=alone.card.attributes)
    given = {x: samples[0][mine] for x, mine in zip(leaves, alone.leaves, strict=True)}
    given[leaves[0]] = np.array([sample[alone.leaves[0]] for sample in samples])
    found = evaluate([node], given)[node]
    assert np.shape(found) == (3,)
    for k, sample in enumerate(samples):
        mixed = {**samples[0], alone.leaves[0]: sample[alone.leaves[0]]}
        assert found[k] == pytest.approx(float(alone.value(mixed)), rel=1e-14)


@for_each("name", named(lambda op, card: card.torch and card.differentiable))
@for_each("seed", range(3))
def test_pytorch_finds_the_same_value_and_slopes(name, seed, torch):
    trial = Trial(name)
    given = trial.random(seed)
    tensors = [torch.tensor(given[leaf], requires_grad=True) for leaf in trial.leaves]
    numbers = (*trial.card.constant, *trial.card.attributes)
    value = trial.card.torch(torch, *tensors, *numbers)
    assert trial.value(given) == pytest.approx(value.detach().numpy(), rel=1e-14)
    value.backward(torch.tensor(given[trial.d]))
    for slope, tensor in zip(trial.slopes(given), tensors, strict=True):
        expected = np.zeros(tensor.shape) if tensor.grad is None else tensor.grad.numpy()
        assert slope == pytest.approx(expected, rel=1e-13, abs=1e-14)


def test_the_largest_of_one_value_is_it():
    """As in windows of 1 by 1."""
    graph = Graph()
    x = graph.leaf(Name("x"), each=True)
    y = graph.make("largest", x)
    slope = gradients(y, [x])[x]
    values = evaluate([y, slope], {x: np.array([3.0, -4.0])})
    assert values[y].tolist() == [3, -4]
    assert values[slope].tolist() == [1, 1]


# Between samples.


def test_a_total_adds_over_the_samples():
    graph = Graph()
    x = graph.leaf(Name("x"), (2,), each=True)
    total = graph.make("total", x)
    assert (total.each, total.shape) == (False, (2,))
    assert evaluate([total], {x: np.array([[1, 2], [3, 5]])})[total].tolist() == [4, 7]


def test_a_repeated_value_is_every_samples():
    graph = Graph()
    x, y = graph.leaf(Name("x")), graph.leaf(Name("y"), each=True)
    repeated = graph.make("repeat", x)
    assert (repeated.each, repeated.shape) == (True, ())
    values = evaluate([repeated, y], {x: np.array(7.0), y: np.zeros(3)})
    assert values[repeated].tolist() == [7, 7, 7]


def test_a_leaf_that_was_not_given_is_an_error():
    graph = Graph()
    with pytest.raises(AssertionError, match="no value is given for w1"):
        evaluate([graph.leaf(Name("w", (1,))) * 2], {})
