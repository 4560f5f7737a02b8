"""The Python form: what it makes of what it is given, and what it refuses."""

from __future__ import annotations

import copy
import pickle
import random
from dataclasses import FrozenInstanceError, replace
from fractions import Fraction
from math import inf, nan, sqrt

import numpy as np
import pytest
from hypothesis import given

from gradbook.errors import GradbookError, ShapeError, UsageError
from gradbook.net import (
    BUILTIN,
    Activation,
    BatchNorm,
    Bias,
    Conv,
    Dense,
    Flatten,
    Loss,
    Net,
    Pool,
    Residual,
    Role,
    Sample,
    Update,
    builtin,
    parse,
)
from tests.families import networks

SMALL = Net(2, [Dense(2), Activation("sigmoid")])

WRONG = {
    # Layers.
    "Dense('2')": "dense's width is a whole number from 1 up, not '2'",
    "Dense(2.0)": "dense's width is a whole number from 1 up, not 2.0",
    "Dense(True)": "dense's width is a whole number from 1 up, not True",
    "Dense(None)": "dense's width is a whole number from 1 up, not None",
    "Dense(0)": "dense's width is a whole number from 1 up, not 0",
    "Dense(-3)": "dense's width is a whole number from 1 up, not -3",
    "Dense(np.float64(2))": "dense's width is a whole number from 1 up",
    "Dense(2, 'none')": "unknown bias 'none': one of no bias, bias, shared bias",
    "Dense(2, bias=False)": "unknown bias False: one of no bias, bias, shared bias",
    "Dense(2, bias=[])": "unknown bias []: one of",
    "Conv('2', 3)": "conv's number of channels is a whole number from 1 up, not '2'",
    "Conv(2, '3x3')": "conv's window is a whole number from 1 up, not '3x3'",
    "Conv(2, 3.5)": "conv's window is a whole number from 1 up, not 3.5",
    "Conv(2, ())": "conv's window has two sizes such as 3x3, not ()",
    "Conv(2, (3, 3, 3))": "conv's window has two sizes such as 3x3",
    "Conv(2, (3, 0))": "conv's window is a whole number from 1 up, not 0",
    "Conv(2, (3, '3'))": "conv's window is a whole number from 1 up, not '3'",
    "Conv(2, 3, stride=0)": "conv's stride is a whole number from 1 up, not 0",
    "Conv(2, 3, pad=-1)": "conv's pad is a whole number from 0 up, not -1",
    "Conv(2, 3, pad='same')": "conv's pad is a whole number from 0 up, not 'same'",
    "Conv(2, (3, 1), pad=1)": "may read nothing but padding: take at most pad 0",
    "Pool('median', 2)": "pooling is 'max' or 'avg', not 'median'",
    "Pool([], 2)": "pooling is 'max' or 'avg', not []",
    "Pool('max', '2')": "maxpool's size is a whole number from 1 up, not '2'",
    "Pool('max', (2, 2))": "maxpool's size is a whole number from 1 up, not (2, 2)",
    "Pool('avg', 2, 0)": "avgpool's stride is a whole number from 1 up, not 0",
    "BatchNorm('x')": "batchnorm's epsilon is a number such as 0.15, not 'x'",
    "BatchNorm(0)": "batchnorm's epsilon lies between 0 and 1, not 0.0",
    "BatchNorm(1)": "batchnorm's epsilon lies between 0 and 1, not 1.0",
    "BatchNorm(nan)": "batchnorm's epsilon lies between 0 and 1, not nan",
    "Activation('sigmod')": "unknown activation 'sigmod': did you mean 'sigmoid'?",
    "Activation('swish')": "unknown activation 'swish': one of sigmoid, tanh",
    "Activation(None)": "unknown activation None: one of sigmoid, tanh",
    "Activation([])": "unknown activation []: one of sigmoid, tanh",
    "Activation('leaky relu', 'x')": "the slope is a number such as 0.15, not 'x'",
    "Activation('leaky relu', inf)": "the slope of leaky relu is a finite number, not inf",
    "Residual(0)": "add back's number of layers is a whole number from 1 up, not 0",
    "Residual('2')": "add back's number of layers is a whole number from 1 up, not '2'",
    # Updates and samples.
    "Update('sgd')": "unknown update 'sgd': one of descent, momentum, adam",
    "Update('Adam')": "unknown update 'Adam': did you mean 'adam'?",
    "Update([])": "unknown update []: one of",
    "Update('momentum', '0.9')": "momentum is a number such as 0.15, not '0.9'",
    "Update('momentum', 1)": "momentum lies from 0 to below 1, not 1.0",
    "Update('momentum', nan)": "momentum lies from 0 to below 1, not nan",
    "Update('adam', betas=0.9)": "adam's beta: expected a list, not 0.9",
    "Update('adam', betas=(0.9,))": "adam's betas are two numbers from 0 to below 1",
    "Update('adam', betas=(0.9, None))": "adam's beta 2 is a number such as 0.15, not None",
    "Update('adam', epsilon=1)": "adam's epsilon lies between 0 and 1, not 1.0",
    "Update('adam', betas=(0.9, 1))": "adam's betas are two numbers from 0 to below 1",
    "Update('momentum', -0.1)": "momentum lies from 0 to below 1, not -0.1",
    "Update('adam', epsilon=0)": "adam's epsilon lies between 0 and 1, not 0.0",
    "Sample('12', [1])": "input: expected a list, not '12'",
    "Sample(1, 2)": "input: expected a list, not 1",
    "Sample([1, '2'], [1])": "input 2 is a number such as 0.15, not '2'",
    "Sample([[1, 2]], [1])": "input 1 is a number such as 0.15, not [1, 2]",
    "Sample([1, 2], [1j])": "target 1 is a number such as 0.15, not 1j",
    "Sample([10**400], [1])": "input 1 is a number such as 0.15, not 1000",
    # Networks: their parts.
    "Net('2', [Dense(2)])": "the input's size is a whole number from 1 up, not '2'",
    "Net(None, [Dense(2)])": "the input's size is a whole number from 1 up, not None",
    "Net(2.0, [Dense(2)])": "the input's size is a whole number from 1 up, not 2.0",
    "Net((2, 'x'), [Dense(2)])": "the input's size is a whole number from 1 up, not 'x'",
    "Net(-2, [Dense(2)])": "the input's size is a whole number from 1 up, not -2",
    "Net((), [Dense(2)])": "the input is one to three sizes from 1 up, such as 2 or 1x28x28",
    "Net((1, 2, 3, 4), [Flatten()])": "the input is one to three sizes from 1 up",
    "Net(2, None)": "the layers: expected a list, not None",
    "Net(2, Dense(2))": "the layers: expected a list, not Dense(width=2",
    "Net(2, 'dense 2')": "the layers: expected a list, not 'dense 2'",
    "Net(2, ['dense 2'])": "layer 1 is a layer, such as Dense(2), not 'dense 2'",
    "Net(2, [Dense(2), 'sigmoid'])": "layer 2 is a layer, such as Dense(2), not 'sigmoid'",
    "Net(2, [Dense])": "layer 1 is a layer, such as Dense(2), not <class",
    "net(loss='squared error')": "unknown loss 'squared error': did you mean 'mean squared error'?",
    "net(loss=None)": "unknown loss None: one of half squared error",
    "net(loss=[])": "unknown loss []: one of half squared error",
    "net(update='sgd')": "unknown update 'sgd': one of descent, momentum, adam",
    "net(update=0.9)": "the update is one such as Update('adam'), not 0.9",
    "net(rate='fast')": "the rate is a number such as 0.15, not 'fast'",
    "net(rate=[1])": "the rate is a number such as 0.15, not [1]",
    "net(rate=-1)": "the rate is a number from 0 up, not -1.0",
    "net(rate=nan)": "the rate is a number from 0 up, not nan",
    "net(seed='x')": "the seed is a whole number from 0 up, not 'x'",
    "net(seed=1.5)": "the seed is a whole number from 0 up, not 1.5",
    "net(seed=-1)": "the seed is a whole number from 0 up, not -1",
    "net(seed=10**9)": "the seed is at most 999999999, not 1000000000",
    "net(name=3)": "the name is a text, not 3",
    "net(name='a; b')": "at most 200 printable characters, without ';' and '#'",
    "net(name='a' * 201)": "at most 200 printable characters, without ';' and '#'",
    "net(table='a#.csv')": "at most 200 printable characters, without ';' and '#'",
    "net(samples=None)": "the samples: expected a list, not None",
    "net(samples=Sample([1, 2], [1, 2]))": "the samples: expected a list, not Sample(",
    "net(samples=[([1, 2], [1, 2])])": "sample 1 is a sample, Sample(inputs, targets), not ([1, 2]",
    "net(start=[1, 2])": "start is a mapping such as {'w': weights}, not [1, 2]",
    "net(start={'weights': [1]})": "no parameter is called 'weights': one of w, b, γ, β",
    "net(start={'w': 1})": "start value w: expected a list, not 1",
    "net(start={'w': '1234'})": "start value w: expected a list, not '1234'",
    "net(start={'w': [1, 2, 3, '4']})": "start value w 4 is a number such as 0.15, not '4'",
    # Networks: what doesn't fit.
    "Net(2, [])": "there is nothing to train: add a layer such as 'dense 2'",
    "Net(2, [Activation('tanh')])": "there is nothing to train",
    "Net((2, 2), [Dense(2)])": "layer 1: dense takes a flat input, not 2x2: put 'flatten' before",
    "Net(2, [Dense(2), Pool('max', 2)])": "layer 2: maxpool takes channels x height x width",
    "Net(2, [Dense(2), Residual(3)])": "layer 2: add back 3 goes back over 3 layers, but only 1",
    "Net(2, [Dense(3), Residual(1)])": "layer 2: add back 1 adds 2 to 3: both must have the same",
    "Net((1, 3, 3), [Conv(1, 3, pad=1)])": "the loss reads a flat output, not 1x3x3",
    "Net(2, [Dense(2)] * 101)": "more than 100 layers: take fewer",
    "Net(10**8, [Dense(1)])": "100,000,000 values in one layer: the most is 10,000,000",
    "Net(10**4, [Dense(10**4)])": "100,000,000 parameters in one layer: the most is 10,000,000",
    "Net(10**30, [Dense(1)])": "values in one layer: the most is 10,000,000",
    "net(loss='cross-entropy')": "cross-entropy reads probabilities: end the layers with 'softmax'",
    "net(start={'w': [1, 2, 3]})": "3 start values, but the layers have w1 … w4",
    "net(start={'γ': [1]})": "1 start value, but the layers have no γ at all",
    "net(start={'w': [1, 2, 3, nan]})": "start values are finite numbers",
    "net(samples=[Sample([1], [1, 2])])": "sample 1 has 1 input, but the network takes 2",
    "net(samples=[Sample([1, 2], [1, inf])])": "samples are finite numbers",
}


def net(**parts):
    return replace(SMALL, **parts)


@pytest.mark.parametrize("code", WRONG)
def test_what_is_wrong_in_python_is_told_in_one_line(code):
    with pytest.raises(GradbookError) as caught:
        eval(code, {**globals(), "inf": inf, "nan": nan})
    assert WRONG[code] in str(caught.value)
    assert str(caught.value).isprintable()


def test_text_in_place_of_text_is_required():
    with pytest.raises(UsageError, match="a network is written as text, not b'input 2'"):
        Net.parse(b"input 2")


def test_an_unknown_built_in_network_is_refused():
    with pytest.raises(UsageError, match="no built-in network 'wroked': did you mean 'worked'"):
        builtin("wroked")


def test_a_residual_sum_reads_what_went_into_the_layers_before_it():
    net = Net(2, [Dense(3), Activation("gelu"), Dense(3), Residual(2), Residual(1)])
    assert [layer.reads(index) for index, layer in enumerate(net.layers)] == [
        (0,),
        (1,),
        (2,),
        (3, 1),
        (4, 3),
    ]


# What is given is settled into one form.


def test_the_same_network_however_it_is_given_is_equal():
    plain = Net(
        (1, 4, 4),
        (Conv(2, (3, 3), bias=Bias.NONE), Flatten(), Dense(1)),
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
    assert Update("momentum", 0.5, betas=(0, 0)) == Update("momentum", 0.5)
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
    assert repr(SMALL) == "Net.parse('input 2; dense 2; sigmoid; loss half squared error')"


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


# Parameters.

IMAGE = parse(
    """input 1x4x4; conv 2 3x3; batchnorm; relu; flatten; dense 3 no bias; tanh
    dense 2 fixed shared bias; batchnorm; loss half squared error"""
)


def test_parameters_are_numbered_through_all_layers():
    told = [
        (p.layer, str(p.role), p.shape, p.names[0], p.names[-1], p.fixed) for p in IMAGE.parameters
    ]
    assert told == [
        (0, "w", (2, 1, 3, 3), "w1", "w18", False),
        (0, "b", (2,), "b1", "b2", False),
        (1, "γ", (2,), "γ1", "γ2", False),
        (1, "β", (2,), "β1", "β2", False),
        (4, "w", (3, 8), "w19", "w42", False),
        (6, "w", (2, 3), "w43", "w48", False),
        (6, "b", (1,), "b3", "b3", True),
        (7, "γ", (2,), "γ3", "γ4", False),
        (7, "β", (2,), "β3", "β4", False),
    ]
    assert (IMAGE.count(), IMAGE.count(Role.WEIGHT), IMAGE.count(Role.SCALE)) == (59, 48, 4)


def test_shapes_are_those_of_every_layer():
    assert IMAGE.shapes == ((1, 4, 4), *[(2, 2, 2)] * 3, (8,), (3,), (3,), (2,), (2,))


@given(networks())
def test_every_parameter_is_numbered_once(net):
    names = [name for parameter in net.parameters for name in parameter.names]
    expected = [f"{role}{k}" for role in Role for k in range(1, net.count(role) + 1)]
    assert sorted(names) == sorted(expected)
    assert {role: len(values) for role, values in net.start_values().items()} == {
        role: net.count(role) for role in Role if net.count(role)
    }


def test_the_16050_parameters_of_the_reference_network():
    layers = [
        *(Conv(10, 3, pad=1), BatchNorm(), Conv(20, 3), BatchNorm(), Pool("max", 2)),
        *(Conv(20, 3), BatchNorm(), Conv(20, 3), BatchNorm(), Conv(16, 3), BatchNorm()),
        *(Conv(16, 3), BatchNorm(), Conv(10, 3), BatchNorm(), Pool("avg", 3), Flatten()),
    ]
    net = Net((1, 28, 28), [*layers, Activation("log softmax")], Loss.CROSS)
    assert net.count() == 16_050
    heights = [shape[1] for shape in net.shapes if len(shape) == 3]
    assert list(dict.fromkeys(heights)) == [28, 26, 13, 11, 9, 7, 5, 3, 1]


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


@pytest.mark.parametrize(("kind", "rate"), [("descent", 1.0), ("momentum", 0.1), ("adam", 0.01)])
def test_each_update_has_its_usual_rate(kind, rate):
    assert net(update=kind).learning_rate == rate
    assert net(update=kind, rate=0).learning_rate == 0


def test_an_unnamed_network_in_a_message_is_one_line():
    assert "\n" not in repr(builtin("strokes"))


@pytest.mark.parametrize("name", BUILTIN)
def test_built_in_networks_are_equal_only_to_themselves(name):
    assert [other for other in BUILTIN if builtin(other) == builtin(name)] == [name]
    assert len({builtin(name), builtin(name)}) == 1


def test_samples_that_stand_in_a_table_are_not_made_up():
    with pytest.raises(ShapeError, match=r"the samples stand in and\.csv: read them"):
        replace(SMALL, samples=(), table="and.csv").examples()
