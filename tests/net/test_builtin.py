"""The three digit networks, and the words that they and their relatives need."""

from __future__ import annotations

import pytest

from gradbook.errors import UsageError
from gradbook.net import Conv, Dropout, Net, Pool, Role, Update, builtin, parse, write
from tests.cases import for_each

IMAGE = "input 4x6x6\n"
TAIL = "flatten\ndense 2\nlog softmax\nloss cross-entropy\n"

SIZES = {  # of the first layer's output, then of what follows wherever it changes
    "reference": "10x28x28 20x26x26 20x13x13 20x11x11 20x9x9 16x7x7 16x5x5 10x3x3 10x1x1 10",
    "blocks": "8x28x28 8x14x14 16x14x14 16x7x7 32x7x7 10x7x7 10x1x1 10",
    "flat": "16x28x28 16x14x14 16x4x4 256 10",
}
PARAMETERS = {"reference": 16_050, "blocks": 19_570, "flat": 14_522}


def kinds(net: Net) -> str:
    """One letter a layer: C conv, B batchnorm, R relu, D dropout, M and A pools."""
    letters = {"Conv": "C", "BatchNorm": "B", "Dropout": "D", "Flatten": "F", "Dense": "L"}
    return "".join(
        {"max": "M", "avg": "A"}[layer.kind]
        if isinstance(layer, Pool)
        else letters.get(type(layer).__name__) or layer.kind[0].upper()
        for layer in net.layers
    )


@for_each("name", PARAMETERS)
def test_the_digit_networks_have_their_parameters(name):
    assert builtin(name).count() == PARAMETERS[name]


@for_each("name", SIZES)
def test_the_digit_networks_have_their_shapes(name):
    shapes = list(dict.fromkeys("x".join(map(str, shape)) for shape in builtin(name).shapes[1:]))
    assert shapes == SIZES[name].split()


def test_the_digit_networks_keep_their_order_of_layers():
    assert kinds(builtin("reference")) == "CBR CBRM CBRD CBR CBRD CBRD CBR AL".replace(" ", "")
    assert kinds(builtin("blocks")) == "CDRB CDRMB CDRB CDRMB CDRB CDRB CDRB CR AL".replace(" ", "")
    assert kinds(builtin("flat")) == "CRB CRB CRBM CRB CRB CRB AFLL".replace(" ", "")


@for_each("name", PARAMETERS)
def test_the_digit_networks_train_by_momentum(name):
    net = builtin(name)
    assert (net.update, net.learning_rate) == (Update("momentum", 0.9), 0.01)


def test_depthwise_has_as_many_groups_as_channels():
    net = parse(IMAGE + "depthwise 5x5 stride 2 pad 1\n" + TAIL)
    assert net.layers[0] == Conv(4, (5, 5), stride=2, pad=1, groups=4)
    assert net.parameters[0].shape == (4, 1, 5, 5)


def test_weights_alone_decay_where_nothing_is_said():
    net = parse("input 2; dense 2; decay 0.1")
    assert [net.decay_of(role) for role in (Role.WEIGHT, Role.BIAS)] == [0.1, 0]


def test_every_kind_of_parameter_has_its_own_decay():
    net = parse("input 2; dense 2; batchnorm; decay 0.1 weights scales; decay 0.2 biases")
    decays = {role: net.decay_of(role) for role in Role}
    assert decays == {
        Role.WEIGHT: 0.1,
        Role.BIAS: 0.2,
        Role.SCALE: 0.1,
        Role.SHIFT: 0,
        Role.SLOPE: 0,
        Role.RANGE: 0,
    }


def test_adamw_has_a_usual_decay_that_can_be_turned_off():
    usual = parse("input 2; dense 2; update adamw")
    assert (usual.decay_of(Role.WEIGHT), usual.decay_of(Role.BIAS)) == (0.01, 0)
    assert parse("input 2; dense 2; update adamw; decay 0").decay_of(Role.WEIGHT) == 0


@for_each(
    "words",
    [
        "conv 8 3x3 stride 2 pad 1 groups 4 no bias\n" + TAIL,
        "conv 8 3x3\navgpool all\nlog softmax\nloss cross-entropy smoothing 0.1\n",
        "dropout 0.25\nconv 4 3x3\ndropout 0.5 channels\n" + TAIL,
        "conv 4 3x3\nmaxpool all\nlog softmax\nloss cross-entropy\nupdate momentum 0.8 nesterov\n",
        "conv 4 3x3\n" + TAIL + "update adamw 0.8 0.99 1e-06\ndecay 0.05 weights\n",
        "conv 4 3x3\nbatchnorm\n" + TAIL + "decay 0 weights\ndecay 0.1 scales\n",
    ],
)
def test_what_is_written_reads_back(words):
    text = IMAGE + words
    assert write(parse(text)) == text


@for_each(
    ("make", "said"),
    [
        (lambda: Dropout("0.5"), "dropout's rate is a number such as 0.15, not '0.5'"),
        (lambda: Pool("avg", None, 2), "a window over everything can't move"),
        (lambda: Net(2, [], decay=0.1), "decay must be a mapping such as {'w': 0.0005}, not 0.1"),
        (lambda: Net(2, [], decay={"weights": 1}), "no parameter is called 'weights'"),
        (lambda: Net(2, [], smoothing="x"), "smoothing is a number such as 0.15, not 'x'"),
    ],
)
def test_what_python_hands_in_is_checked(make, said):
    with pytest.raises(UsageError) as caught:
        make()
    assert said in str(caught.value)
