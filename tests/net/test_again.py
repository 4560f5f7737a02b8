"""Layers that are applied several times: which ones, what they cost, what doesn't fit."""

from __future__ import annotations

import pickle

import pytest
from hypothesis import assume, given

from gradbook.errors import GradbookError
from gradbook.net import Activation, Again, Bias, Conv, Dense, Net, Role, parse
from gradbook.net.measure import measure
from tests.cases import for_each
from tests.families import networks

SEPARABLE = "depthwise 3x3 pad 1 no bias; conv 4 1x1; batchnorm; relu"


@for_each(
    ("lines", "found"),
    [
        ("dense 2; tanh; again 3", Again(0, 2, 3)),
        ("dense 2; tanh; dense 2; again 2", Again(2, 1, 2)),
        ("dense 2; batchnorm; relu; add back 3; again 2", Again(0, 4, 2)),
        ("dense 2; dense 2; tanh; again 4 back 3", Again(0, 3, 4)),
        ("tanh; again 2 back 1", Again(0, 1, 2)),
    ],
)
def test_again_goes_back_to_the_last_sums_or_as_far_as_it_says(lines, found):
    net = parse(f"input 2; {lines}; dense 1")
    assert net.again == (found,)
    block = net.layers[found.first : found.first + found.layers]
    assert net.layers[found.first : found.end] == block * found.times


def test_two_blocks_may_stand_one_after_the_other():
    net = parse("input 2; dense 2; tanh; again 2; dense 2; relu; again 3; dense 1")
    assert net.again == (Again(0, 2, 2), Again(4, 2, 3))
    assert net.owners == (0, 1, 0, 1, 4, 5, 4, 5, 4, 5, 10)


def test_once_is_as_if_it_were_not_said():
    assert parse("input 2; dense 2; tanh; again 1") == parse("input 2; dense 2; tanh")


def test_it_is_written_as_short_as_it_can_be_read():
    text = f"input 4x5x5; {SEPARABLE}; again 3 back 4; conv 2 3x3; relu; again 2 back 1"
    net = parse(f"{text}; flatten; dense 2")
    assert "again 3 back 4\nconv 2 3x3\nrelu\nagain 2 back 1\n" in str(net)
    assert "relu\nagain 3\n" in str(parse("input 2; dense 2; relu; again 3 back 2"))


def test_weights_count_once_and_work_counts_each_time():
    net = parse(f"input 4x9x9; {SEPARABLE}; again 3 back 4; flatten; dense 1 no bias")
    measured = measure(net)
    once = 4 * 9 + (4 * 4 + 4) + 2 * 4
    assert net.count() == measured.parameters == once + 4 * 81
    assert measured.macs == 3 * 81 * (4 * 9 + 4 * 4 + 4) + 4 * 81
    assert [layer.again for layer in measured.layers] == [None] * 4 + [1, 2, 3, 4] * 2 + [None] * 2


def test_receptive_fields_grow_with_every_use():
    net = parse("input 1x12x12; conv 1 3x3; again 4; flatten; dense 1")
    assert [layer.field.size[0] for layer in measure(net).layers[:4]] == [3, 5, 7, 9]
    assert net.shapes[4] == (1, 4, 4)


@given(networks())
def test_a_network_has_as_many_parameters_as_its_first_uses(net):
    assume(net.again)
    plain = Net(net.input, net.layers, net.loss)
    owned = {p.layer for p in net.parameters}
    assert all(net.owners[index] == index for index in owned)
    for role in Role:
        parts = (p.size for p in plain.parameters if p.role is role and p.layer in owned)
        assert net.count(role) == sum(parts)
    assert all(
        [(p.role, p.shape) for p in net.taken(index)]
        == [(p.role, p.shape) for p in plain.taken(index)]
        for index in range(len(net.layers))
    )
    assert pickle.loads(pickle.dumps(net)) == net


SUMS = (Dense(2, Bias.NONE), Activation("tanh"))


@for_each(
    ("layers", "again", "message"),
    [
        ((*SUMS, *SUMS), [Again(0, 2, 3)], "layers up to 6, but there are only 4"),
        ((*SUMS, Dense(2)), [Again(0, 1, 2)], "layer 2: 'again' repeats layer 1 here"),
        ((*SUMS * 3,), [Again(0, 2, 2), Again(2, 2, 2)], "layer 3 is already applied by"),
        ((Conv(2, 1), Conv(2, 1)), [Again(0, 1, 2)], "it repeats layer 1, whose input was 1x2x2"),
        (SUMS, [(0, 2, 3)], r"block 1 must be a block, such as Again\(0, 2, times=3\)"),
        (SUMS, 3, "the blocks: expected a list"),
    ],
)
def test_what_cannot_be_applied_again_is_refused(layers, again, message):
    shape = (1, 2, 2) if isinstance(layers[0], Conv) else 2
    with pytest.raises(GradbookError, match=message):
        Net(shape, layers, again=again)


def test_how_often_is_a_whole_number():
    with pytest.raises(GradbookError, match="again's number of times is a whole number from 1 up"):
        Again(0, 1, 0)
