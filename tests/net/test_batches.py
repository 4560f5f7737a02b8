"""Steps on batches from outside: their leaves, dropout's masks, running statistics, inference."""

from __future__ import annotations

import numpy as np
import pytest

from gradbook.errors import ShapeError, TargetError
from gradbook.graph.node import ancestors
from gradbook.graph.reference import evaluate
from gradbook.net import builtin, parse
from gradbook.net.build import inference, training_step
from gradbook.net.lower import scalar_step
from gradbook.net.step import drawn, follow, losses
from tests.cases import for_each

NET = """\
input 2x4x4
conv 4 3x3 pad 1
batchnorm
dropout 0.5
relu
dropout 0.25 channels
avgpool all
log softmax
loss cross-entropy
"""
SPOKEN = "take it out or write 'dropout 0'"


@for_each("step_of", [scalar_step, training_step])
def test_dropout_is_refused_where_no_masks_come_from_outside(step_of):
    with pytest.raises(
        TargetError, match="dropout 0.5 draws new random numbers at every step"
    ) as caught:
        step_of(parse("input 2; dense 3; dropout 0.5; dense 1"))
    assert SPOKEN in str(caught.value)


def test_dropout_of_nothing_is_as_if_it_were_not_there():
    plain = parse("input 2; dense 3; tanh; dense 1")
    with_dropout = parse("input 2; dense 3; tanh; dropout 0; dense 1")
    for step_of in (scalar_step, training_step):
        assert np.array_equal(losses(step_of(plain), 5), losses(step_of(with_dropout), 5))


def test_a_batch_comes_from_outside():
    step = training_step(parse(NET), batch=3)
    assert not step.data
    assert step.samples == 3
    assert step.inputs[0].each
    assert str(step.count.name) == "N"
    assert [(m.leaf.shape, m.rate, m.layer) for m in step.masks] == [
        ((4, 4, 4), 0.5, 2),
        ((4,), 0.25, 4),
    ]
    leaves = {node for node in ancestors(list(step.next.values())) if node.op.name == "leaf"}
    given = {*step.inputs, *step.targets, *(m.leaf for m in step.masks), step.count, step.rate}
    assert leaves == given | set(step.start)


def test_a_network_without_chance_or_statistics_trains_alike_on_its_samples_and_on_a_batch():
    net = builtin("xor")
    own, step = training_step(net), training_step(net, batch=4)
    batch = {
        step.inputs[0]: own.data[own.inputs[0]],
        step.targets[0]: own.data[own.targets[0]],
    }
    followed = [float(values[step.loss]) for values in follow(step, [batch] * 20)]
    assert followed == losses(own, 20).tolist()


def test_masks_are_the_same_in_any_company():
    step = training_step(parse(NET), batch=4)
    together = drawn(step.masks, 9, 2, [0, 7, 59_999])
    alone = drawn(step.masks, 9, 2, [7])
    for mask in step.masks:
        assert together[mask.leaf].shape == (3, *mask.leaf.shape)
        assert np.array_equal(together[mask.leaf][1:2], alone[mask.leaf])
        assert set(np.unique(together[mask.leaf])) <= {0, mask.scale}


@for_each("other", [(8, 2), (9, 3)])
def test_masks_change_with_the_seed_and_the_epoch(other):
    step = training_step(parse(NET), batch=4)
    first, second = drawn(step.masks, 9, 2, range(50)), drawn(step.masks, *other, range(50))
    for mask in step.masks:
        same = np.mean(first[mask.leaf] == second[mask.leaf])
        assert abs(same - (mask.rate**2 + (1 - mask.rate) ** 2)) < 0.1


def test_two_layers_of_dropout_draw_apart():
    step = training_step(parse("input 8; dropout 0.5; dropout 0.5; dense 1"), batch=9)
    first, second = drawn(step.masks, 1, 1, range(60)).values()
    assert 0.4 < np.mean(first == second) < 0.6


def test_a_known_mask():
    """What the engine must draw too."""
    step = training_step(parse("input 12; dropout 0.5; dense 1"), batch=1)
    (mask,) = drawn(step.masks, 3, 2, [59_999]).values()
    assert "".join("x" if value else "." for value in mask[0]) == ".xxx....xx.x"


def test_running_statistics_begin_as_no_change_and_move_by_a_tenth():
    step = training_step(parse(NET), batch=3)
    random = np.random.default_rng(0)
    batch = {
        step.inputs[0]: random.normal(size=(3, 2, 4, 4)),
        step.targets[0]: np.eye(4)[:3],
        **drawn(step.masks, 0, 0, range(3)),
    }
    (values,) = follow(step, [batch])
    named = {str(node.name): node for node in step.start}
    mean, variance = named["r_μ"], named["r_σ²"]
    before_norm = next(node for node in values if str(node.name) == "c")
    sums = values[before_norm]
    assert (values[mean] == 0).all()
    assert (values[variance] == 1).all()
    after = values[step.next[mean]], values[step.next[variance]]
    assert after[0] == pytest.approx(0.1 * sums.mean(axis=(0, 2, 3)))
    assert after[1] == pytest.approx(0.9 + 0.1 * sums.var(axis=(0, 2, 3), ddof=1))


def test_a_single_value_has_no_variance_to_keep():
    net = parse("input 2; dense 3; batchnorm; dense 1")
    with pytest.raises(ShapeError, match="layer 2: batchnorm needs batches of at least 2 samples"):
        training_step(net, batch=1)
    training_step(net, batch=2)
    training_step(parse(NET), batch=1)


def test_inference_asks_for_running_statistics_and_no_masks():
    forward = inference(parse(NET))
    leaves = {str(n.name) for n in ancestors([forward.outputs]) if n.op.name == "leaf"}
    assert leaves == {"i", "r_μ", "r_σ²", *(str(weight.name) for weight in forward.weights)}
    assert not forward.masks


def test_inference_judges_each_sample_alone():
    forward = inference(parse(NET))
    pictures = np.random.default_rng(0).normal(size=(5, 2, 4, 4))
    start = {leaf: values for leaf, (_, values) in forward.weights.items()}
    start |= {change.leaf: change.start for change in forward.statistics}
    together = evaluate([forward.outputs], {**start, forward.inputs: pictures})[forward.outputs]
    for k in range(5):
        alone = evaluate([forward.outputs], {**start, forward.inputs: pictures[k : k + 1]})
        assert np.array_equal(together[k], alone[forward.outputs][0])


def test_the_same_names_stand_in_training_and_at_inference():
    net = builtin("blocks")
    step, forward = training_step(net, batch=2), inference(net)
    there = {str(leaf.name) for leaf in step.start}
    assert {str(leaf.name) for leaf in forward.weights} <= there
    assert {str(change.leaf.name) for change in forward.statistics} <= there


def test_groups_read_their_own_channels():
    """Written out value by value."""
    text = "input 2x2x2; conv 4 2x2 groups 2 no bias; flatten; loss mean squared error"
    step = scalar_step(parse(text))
    formulas = {
        str(node.name): sorted(
            str(leaf.name) for leaf in ancestors([node]) if leaf.op.name == "leaf"
        )
        for node in step.outputs
    }
    assert [[name for name in row if name[0] == "i"] for row in formulas.values()] == [
        [f"i{channel}_{place}" for place in ("1_1", "1_2", "2_1", "2_2")]
        for channel in (1, 1, 2, 2)
    ]
