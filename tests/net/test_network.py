"""The Python form: what it makes of what it is given, and what it draws where nothing is."""

from __future__ import annotations

import copy
import pickle
import random
from dataclasses import FrozenInstanceError, replace
from fractions import Fraction
from math import sqrt

import numpy as np
import pytest
from hypothesis import given

from gradbook.errors import ShapeError
from gradbook.net import (
    BUILTIN,
    Activation,
    Bias,
    Conv,
    Dense,
    Flatten,
    Loss,
    Net,
    Role,
    Sample,
    Update,
    builtin,
    parse,
)
from tests.cases import for_each
from tests.families import networks

SMALL = Net(2, [Dense(2), Activation("sigmoid")])


def net(**parts):
    return replace(SMALL, **parts)


# What is given is settled into one form.


def test_the_same_network_however_it_is_given_is_equal():
    plain = Net(
        (1, 4, 4),
        (Conv(2, (3, 3), bias=Bias.NONE), Flatten(), Dense(1)),
        Loss.HALF_SQUARED,
        samples=(Sample((0.5,) * 16, (1.0,)),),
        start={Role.WEIGHT: (1.0,) * 26, Role.BIAS: (0.0,)},
        update=Update("adam"),
        rate=1.0,
    )
    other = Net(
        input=np.array([1, 4, 4]),
        layers=[Conv(np.int64(2), 3, bias="no bias"), Flatten(), Dense(np.int8(1), "bias")],
        loss="half squared error",
        samples=[Sample(np.full(16, 0.5, np.float32), [True])],
        start={"b": [0], "w": np.ones(26)},
        update="adam",
        rate=Fraction(1),
    )
    assert other == plain
    assert hash(other) == hash(plain)
    assert str(other) == str(plain)
    assert all(type(size) is int for size in other.input)


def test_settings_that_a_rule_has_not_do_not_tell_it_apart():
    assert Update("descent", momentum=0.5) == Update()
    assert Update("momentum", 0.5, beta1=0) == Update("momentum", 0.5)
    assert Update("adam", momentum=0.5) == Update("adam")
    assert Activation("relu", 0.5) == Activation("relu")
    assert Activation("leaky relu", 0.5) != Activation("leaky relu")


def test_no_start_values_are_as_good_as_none_given():
    assert net(start={"w": []}) == SMALL


def test_a_name_has_single_spaces():
    assert net(name="  a\n\tnet ").name == "a net"


def test_one_number_is_a_flat_input_and_a_square_window():
    assert Net(3, [Dense(1)]).input == (3,)
    assert Conv(1, 5).kernel == (5, 5)


@given(networks())
def test_a_network_survives_pickling_copying_and_repr(net):
    for again in (pickle.loads(pickle.dumps(net)), copy.deepcopy(net), replace(net)):
        assert again == net
        assert hash(again) == hash(net)
        assert str(again) == str(net)
    if len(str(net)) < 900:
        assert eval(repr(net)) == net
    assert len(repr(net)) < 1100


def test_a_network_is_told_by_its_text():
    assert repr(SMALL) == "Net.parse('input 2; dense 2; sigmoid')"


def test_a_network_never_changes():
    with pytest.raises(FrozenInstanceError):
        SMALL.rate = 2
    weights = [1.0, 2.0, 3.0, 4.0]
    start = {"w": weights}
    made = net(start=start)
    weights[0], start["b"] = 9.0, [1]
    assert made.start == {Role.WEIGHT: (1.0, 2.0, 3.0, 4.0)}
    with pytest.raises(TypeError):
        made.start[Role.WEIGHT] = ()


def test_replacing_a_part_checks_the_whole():
    assert net(rate=0.25).learning_rate == 0.25
    with pytest.raises(ShapeError, match="nothing to train"):
        replace(SMALL, layers=())


def test_samples_can_be_put_in_later():
    samples = [Sample([0, 1], [1, 0]), Sample([1, 1], [0, 0])]
    filled = SMALL.with_samples(iter(samples), table="and.csv")
    assert filled.samples == tuple(samples)
    assert filled.table == "and.csv"


# Start values that nobody gave.


def test_weights_are_drawn_from_the_seed_within_glorots_reach():
    net = parse("input 50; dense 100; tanh; dense 2; seed 5")
    first, second = sqrt(6 / 150), sqrt(6 / 102)
    drawn = net.start_values()[Role.WEIGHT]
    assert 0.95 * first < max(map(abs, drawn[:5000])) <= first
    assert 0.9 * second < max(map(abs, drawn[5000:])) <= second
    assert drawn == tuple(round(value, 4) for value in drawn)
    assert abs(sum(drawn) / len(drawn)) < 0.01


def test_the_seed_alone_decides_what_is_drawn():
    one, two = (parse(f"input 2; dense 2; seed {seed}") for seed in (1, 2))
    random.seed(3)
    again = parse("input 2; dense 2; seed 1")
    assert one.start_values() == again.start_values() != two.start_values()
    assert one.examples() == again.examples() != two.examples()


def test_drawn_numbers_stay_what_they_are_from_version_to_version():
    net = parse("input 2; dense 1; seed 1")
    assert net.start_values()[Role.WEIGHT] == (-1.0342, 0.9827)
    assert net.examples() == (Sample((0.76, 0.35), (0.86,)),)


def test_usual_scales_are_one_and_usual_shifts_and_biases_zero():
    start = parse("input 2; dense 2; batchnorm").start_values()
    assert start[Role.SCALE] == (1, 1)
    assert start[Role.SHIFT] == start[Role.BIAS] == (0, 0)


@given(networks(samples=0))
def test_a_drawn_sample_fits_its_network(net):
    (sample,) = net.examples()
    assert replace(net, samples=[sample]).examples() == (sample,)


@for_each(("kind", "rate"), [("descent", 1.0), ("momentum", 0.1), ("adam", 0.01)])
def test_each_update_has_its_usual_rate(kind, rate):
    assert net(update=kind).learning_rate == rate
    assert net(update=kind, rate=0).learning_rate == 0


def test_an_unnamed_network_in_a_message_is_one_line():
    assert "\n" not in repr(builtin("strokes"))


@for_each("name", BUILTIN)
def test_built_in_networks_are_equal_only_to_themselves(name):
    assert [other for other in BUILTIN if builtin(other) == builtin(name)] == [name]
    assert len({builtin(name), builtin(name)}) == 1


def test_samples_that_stand_in_a_table_are_not_made_up():
    with pytest.raises(ShapeError, match=r"the samples are in and\.csv: read them"):
        replace(SMALL, samples=(), table="and.csv").examples()


def test_a_layers_role_counts_the_sums_before_the_output():
    net = parse("input 1x4x4; conv 2 3x3; batchnorm; relu; flatten; dense 3; dense 2; softmax")
    roles = {0: "hidden 1", 1: "hidden 1", 4: "hidden 2", 5: "output", 6: "output"}
    assert {index: net.role_of(index) for index in roles} == roles
    assert parse("input 2; dense 3; dense 1").role_of(0) == "hidden"
    assert parse("input 2; batchnorm").role_of(0) == "output"
    assert parse("input 2; batchnorm; dense 1").role_of(0) == "output"
    assert parse("input 2; batchnorm; dense 3; dense 2; dense 1").role_of(0) == "hidden 1"
