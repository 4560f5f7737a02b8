"""What doesn't fit together, or is no part of a network at all, is refused in one line."""

from __future__ import annotations

from dataclasses import replace
from math import inf, nan

import numpy as np
import pytest

from gradbook import net as networks
from gradbook.errors import GradbookError, UsageError
from gradbook.net import Activation, Dense, Net, Residual, builtin
from tests.cases import for_each

SMALL = Net(2, [Dense(2), Activation("sigmoid")])

WRONG = {
    # Layers.
    "Dense('2')": "dense's width is a whole number from 1 up, not '2'",
    "Dense(2.0)": "dense's width is a whole number from 1 up, not 2.0",
    "Dense(True)": "dense's width is a whole number from 1 up, not True",
    "Dense(0)": "dense's width is a whole number from 1 up, not 0",
    "Dense(2, 'none')": "unknown bias 'none': one of no bias, bias, shared bias",
    "Dense(2, bias=[])": "unknown bias []: one of",
    "Conv('2', 3)": "conv's number of channels is a whole number from 1 up, not '2'",
    "Conv(2, '3x3')": "conv's window is a whole number from 1 up, not '3x3'",
    "Conv(2, ())": "conv's window has two sizes such as 3x3, not ()",
    "Conv(2, 3, stride=0)": "conv's stride is a whole number from 1 up, not 0",
    "Conv(2, 3, pad=-1)": "conv's pad is a whole number from 0 up, not -1",
    "Conv(2, 3, pad=(1, 0, 1))": "conv's pad is one, two or four numbers, or 'same', not (1, 0, 1)",
    "Conv(2, 3, pad=(0, 0, 3, 0))": "may cover only padding: use at most pad 2",
    "Pool('max', 2, zeros=True)": "the padding of a maxpool is below every value",
    "Pool('avg', 2, pad='same', ceil=True)": "'pad same' leaves nothing over: leave out 'ceil'",
    "Pool('avg', None, ceil=True)": "a window over everything can't move",
    "Conv(2, (3, 1), pad=1)": "may cover only padding: use at most pad 0",
    "Pool('median', 2)": "pooling is 'max' or 'avg', not 'median'",
    "Pool([], 2)": "pooling is 'max' or 'avg', not []",
    "Pool('avg', 2, 0)": "avgpool's stride is a whole number from 1 up, not 0",
    "BatchNorm('x')": "batchnorm's epsilon is a number such as 0.15, not 'x'",
    "BatchNorm(1)": "batchnorm's epsilon is between 0 and 1, not 1.0",
    "BatchNorm(nan)": "batchnorm's epsilon is between 0 and 1, not nan",
    "Activation('sigmod')": "unknown activation 'sigmod': did you mean 'sigmoid'?",
    "Activation([])": "unknown activation []: one of sigmoid, tanh",
    "Activation('leaky relu', 'x')": "the slope is a number such as 0.15, not 'x'",
    "Activation('leaky relu', inf)": "the slope of leaky relu is a finite number, not inf",
    "Residual(0)": "add back's number of layers is a whole number from 1 up, not 0",
    "Concat(2)": "concat back's numbers of layers: expected a list, not 2",
    "Concat([])": "concat back needs one number of layers or more, each at least 1",
    # Updates and samples.
    "Update('sgd')": "unknown update 'sgd': one of descent, momentum, adam",
    "Update('Adam')": "unknown update 'Adam': did you mean 'adam'?",
    "Update([])": "unknown update []: one of",
    "Update('momentum', '0.9')": "momentum is a number such as 0.15, not '0.9'",
    "Update('momentum', 1)": "momentum is at least 0 and below 1, not 1.0",
    "Update('adam', betas=0.9)": "unknown setting of an update 'betas': did you mean 'beta2'?",
    "Update('adam', 0.9, None)": "adam's beta2 is a number such as 0.15, not None",
    "Update('adam', epsilon=1)": "adam's epsilon is between 0 and 1, not 1.0",
    "Update('adam', beta2=1)": "adam's beta2 is at least 0 and below 1, not 1.0",
    "Sample('12', [1])": "input: expected a list, not '12'",
    "Sample([1, '2'], [1])": "input 2 is a number such as 0.15, not '2'",
    "Sample([[1, 2]], [1])": "input 1 is a number such as 0.15, not [1, 2]",
    "Sample([1, 2], [1j])": "target 1 is a number such as 0.15, not 1j",
    "Sample([10**400], [1])": "input 1 is a number such as 0.15, not 1000",
    # Networks: their parts.
    "Net('2', [Dense(2)])": "the input's size is a whole number from 1 up, not '2'",
    "Net((2, 'x'), [Dense(2)])": "the input's size is a whole number from 1 up, not 'x'",
    "Net((), [Dense(2)])": "the input must have 1 to 3 sizes above 0, such as 2 or 1x28x28",
    "Net(2, Dense(2))": "the layers: expected a list, not Dense(width=2",
    "Net(2, 'dense 2')": "the layers: expected a list, not 'dense 2'",
    "Net(2, ['dens 2'])": "layer 1, line 1, column 1: unknown layer 'dens'",
    "Net(2, [Dense(2), 3])": "layer 2 must be a layer, such as Dense(2), not 3",
    "Net(2, [Dense])": "layer 1 must be a layer, such as Dense(2), not <class",
    "net(loss='squared error')": "unknown loss 'squared error': did you mean 'mean squared error'?",
    "net(loss=[])": "unknown loss []: one of half squared error",
    "net(update='sgd')": "unknown update 'sgd': one of descent, momentum, adam",
    "net(update=0.9)": "the update must be one such as Update('adam'), not 0.9",
    "net(rate='fast')": "the rate is a number such as 0.15, not 'fast'",
    "net(rate=-1)": "the rate must be a number of at least 0, not -1.0",
    "net(rate=nan)": "the rate must be a number of at least 0, not nan",
    "net(seed='x')": "the seed is a whole number from 0 up, not 'x'",
    "net(seed=-1)": "the seed is a whole number from 0 up, not -1",
    "net(seed=10**9)": "the seed must be at most 999999999, not 1000000000",
    "net(name=3)": "the name is a text, not 3",
    "net(name='a; b')": "at most 200 printable characters, without ';' and '#'",
    "net(table='a#.csv')": "at most 200 printable characters, without ';' and '#'",
    "net(samples=None)": "the samples: expected a list, not None",
    "net(samples=Sample([1, 2], [1, 2]))": "the samples: expected a list, not Sample(",
    "net(samples=[([1, 2], [1, 2])])": "sample 1 must be a sample, Sample(inputs, targets), not (",
    "net(start=[1, 2])": "start must be a mapping such as {'w': weights}, not [1, 2]",
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
    "Net((1, 3, 3), [Conv(1, 3, pad=1)])": "the loss needs a flat output, not 1x3x3",
    "Net(2, [Dense(2)] * 1001)": "more than 1,000 layers: use fewer",
    "Net(2, [Dense(2), *[Activation('tanh')] * 101])": "more than 100 activations in a row: use",
    "Net((1, 2000, 2000), [Conv(1, 1)] * 30 + [Flatten(), Dense(1)])": "values in all layers: the",
    "Net(10**8, [Dense(1)])": "100,000,000 values in one layer: the most is 10,000,000",
    "Net(10**4, [Dense(10**4)])": "100,000,000 parameters in one layer: the most is 10,000,000",
    "Net(10**30, [Dense(1)])": "values in one layer: the most is 10,000,000",
    "net(loss='cross-entropy')": "cross-entropy needs probabilities: end the layers with 'softmax'",
    "net(start={'w': [1, 2, 3]})": "3 start values, but the layers have w1 … w4",
    "net(start={'γ': [1]})": "1 start value, but the layers have no γ",
    "net(start={'w': [1, 2, 3, nan]})": "start values must be finite numbers",
    "net(samples=[Sample([1], [1, 2])])": "sample 1 has 1 input, but the network takes 2",
    "net(samples=[Sample([1, 2], [1, inf])])": "samples must be finite numbers",
}


def net(**parts):
    return replace(SMALL, **parts)


@for_each("code", WRONG)
def test_what_is_wrong_in_python_is_told_in_one_line(code):
    with pytest.raises(GradbookError) as caught:
        eval(code, {**vars(networks), "net": net, "np": np, "inf": inf, "nan": nan})
    assert WRONG[code] in str(caught.value)
    assert str(caught.value).isprintable()


def test_text_in_place_of_text_is_required():
    with pytest.raises(UsageError, match="a network is written as a text, not b'input 2'"):
        Net.parse(b"input 2")


def test_an_unknown_built_in_network_is_refused():
    with pytest.raises(UsageError, match="no built-in network 'wroked': did you mean 'worked'"):
        builtin("wroked")


def test_channels_stand_side_by_side_in_the_order_that_is_asked_for():
    net = Net.parse(
        "input 2x3x3; conv 3 1x1; conv 4 1x1; concat back 2; concat back 2 0; flatten; dense 1"
    )
    assert [net.layers[index].reads(index) for index in (2, 3)] == [(2, 0), (1, 3)]
    assert net.shapes[3:5] == ((6, 3, 3), (9, 3, 3))
    said = [layer.words(net.shapes[0]) for layer in net.layers[2:4]]
    assert said == [
        "joined: those, then the input of the last 2 layers",
        "joined: the input of the last 2 layers, then those",
    ]


def test_a_residual_sum_reads_what_went_into_the_layers_before_it():
    net = Net(2, [Dense(3), Activation("gelu"), Dense(3), Residual(2), Residual(1)])
    assert [layer.reads(index) for index, layer in enumerate(net.layers)] == [
        (0,),
        (1,),
        (2,),
        (3, 1),
        (4, 3),
    ]
