"""What a network costs and sees, worked by hand and against published figures."""

from __future__ import annotations

from math import prod

from hypothesis import given

from gradbook.net import Role, builtin, parse
from gradbook.net.measure import measure
from tests.cases import for_each
from tests.families import networks

ADDED = {Role.WEIGHT, Role.BIAS}

FIELDS = {"reference": (-2, 30), "blocks": (-5, 32), "flat": (-4, 24)}  # which layer, pixels


@for_each("name", FIELDS)
def test_receptive_fields_are_the_published_ones(name):
    """`blocks` counts 32 before its average pool, `reference` 30 with it."""
    measured = measure(builtin(name))
    place, pixels = FIELDS[name]
    assert measured.layers[place].field.size == (pixels, pixels)


@for_each(
    ("layers", "field", "jump"),
    [
        ("conv 2 3x3", (3, 3), (1, 1)),
        ("conv 2 3x3; conv 2 3x3; conv 2 3x3", (7, 7), (1, 1)),
        ("conv 2 3x3 stride 2; conv 2 3x3 stride 2", (7, 7), (4, 4)),
        ("maxpool 2; conv 2 3x5", (6, 10), (2, 2)),
        ("conv 2 3x2 dilation 2x3", (5, 4), (1, 1)),
        ("conv 2 3x3 stride 2x1; maxpool 2x3 stride 1x2 dilation 1x2", (5, 7), (2, 2)),
        ("conv 2 3x3; maxpool 3 stride 2; avgpool 2", (7, 7), (4, 4)),
        ("conv 2 1x1; relu; dropout 0.1; batchnorm", (1, 1), (1, 1)),
        ("conv 2 3x3 stride 2; avgpool all", (13, 19), (2, 2)),
        ("maxpool 2; upsample 2; conv 2 3x3", (4, 4), (1, 1)),
        ("upsample 2; conv 2 3x3", (2, 2), (0.5, 0.5)),
        ("maxpool 2; convtranspose 2 4x4 stride 2 pad 1", (4, 4), (1, 1)),
        ("maxpool 2; avgpool all; conv 1 1x1; multiply back 2; conv 2 3x3", (16, 22), (2, 2)),
    ],
)
def test_fields_and_jumps_worked_by_hand(layers, field, jump):
    measured = measure(parse(f"input 1x13x19; {layers}; flatten; dense 1"))
    found = measured.layers[-3].field
    assert (found.size, found.jump) == (field, jump)


def test_a_dense_layer_sees_the_whole_of_what_is_laid_out():
    net = parse("input 1x10x8; conv 2 3x3; maxpool 2; flatten; dense 3; relu; dense 1")
    assert measure(net).layers[-1].field.size == (10, 8)


def test_without_a_picture_nothing_is_seen():
    assert measure(builtin("worked")).layers[0].field is None


def test_work_and_memory_worked_by_hand():
    net = parse(
        """input 2x5x5; conv 4 3x3 groups 2; relu; flatten; dense 3 no bias; dense 2
        update adam"""
    )
    conv, relu, _, first, last = measure(net, batch=10).layers
    sums = 4 * 3 * 3  # each of 1 x 3 x 3 products
    assert (conv.parameters, conv.bytes) == (4 * 9 + 4, 160)
    assert (conv.macs, conv.training_macs) == (sums * 9 + sums, 2 * (sums * 9 + sums))
    assert (relu.parameters, relu.macs, relu.training_macs) == (0, 0, 0)
    assert (first.macs, first.training_macs) == (108, 3 * 108)
    assert (last.macs, last.training_macs) == (6 + 2, 3 * 6 + 2 * 2)

    whole = measure(net, batch=10)
    values = 50 + 36 + 36 + 36 + 3 + 2
    assert whole.activations == 4 * 10 * values
    assert whole.training_memory == 4 * (10 * values + 4 * whole.parameters)
    assert measure(net).activations == 4 * values


def test_a_layer_before_which_nothing_is_trained_needs_no_gradient_of_its_inputs():
    net = parse("input 1x6x6; maxpool 2; conv 2 2x2 no bias; conv 3 2x2 no bias; flatten; dense 1")
    _, first, second, *_ = measure(net).layers
    assert first.training_macs == 2 * first.macs
    assert second.training_macs == 3 * second.macs


def test_a_residual_sum_costs_no_products_and_sees_the_larger_field():
    net = parse(
        "input 2x9x9; conv 2 3x3 pad 1; relu; conv 2 5x5 pad 2; add back 2; add back 4; flatten; "
        "dense 1"
    )
    first, _, second, *sums, _, _ = measure(net).layers
    assert (first.field.size, second.field.size) == ((3, 3), (7, 7))
    assert [layer.field for layer in sums] == [second.field] * 2
    assert [(layer.parameters, layer.macs, layer.training_macs) for layer in sums] == [
        (0, 0, 0)
    ] * 2


def test_fixed_parameters_are_counted_apart():
    measured = measure(builtin("mazur"))
    assert (measured.parameters, measured.trained) == (10, 8)


@for_each(
    ("name", "macs", "training"),
    [("reference", 2_252_914, 6_661_508), ("blocks", 1_929_130, 5_730_452)],
)
def test_the_digit_networks_work(name, macs, training):
    measured = measure(builtin(name))
    assert (measured.macs, measured.training_macs) == (macs, training)


@given(networks(dropout=True))
def test_sums_and_shapes_hold_for_any_network(net):
    measured = measure(net, batch=3)
    assert measured.parameters == net.count()
    assert [layer.output for layer in measured.layers] == list(net.shapes[1:])
    for index, layer in enumerate(measured.layers):
        assert bool(layer.macs) == bool(ADDED.intersection(p.role for p in net.taken(index)))
        assert layer.macs <= layer.training_macs <= 3 * layer.macs
        assert measured.memory(layer) == 12 * prod(layer.output)
        if layer.field:
            assert min(layer.field.size) >= 1
