"""The three digit networks, and the words that they and their relatives need."""

from __future__ import annotations

import pytest

from gradbook.errors import NetTextError, UsageError
from gradbook.net import Conv, Dropout, Net, Pool, Role, Update, builtin, parse, write

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


@pytest.mark.parametrize("name", PARAMETERS)
def test_the_digit_networks_have_their_parameters(name):
    assert builtin(name).count() == PARAMETERS[name]


@pytest.mark.parametrize("name", SIZES)
def test_the_digit_networks_have_their_shapes(name):
    shapes = list(dict.fromkeys("x".join(map(str, shape)) for shape in builtin(name).shapes[1:]))
    assert shapes == SIZES[name].split()


def test_the_digit_networks_keep_their_order_of_layers():
    assert kinds(builtin("reference")) == "CBR CBRM CBRD CBR CBRD CBRD CBR AL".replace(" ", "")
    assert kinds(builtin("blocks")) == "CDRB CDRMB CDRB CDRMB CDRB CDRB CDRB CR AL".replace(" ", "")
    assert kinds(builtin("flat")) == "CRB CRB CRBM CRB CRB CRB AFLL".replace(" ", "")


@pytest.mark.parametrize("name", PARAMETERS)
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


@pytest.mark.parametrize(
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


WRONG = [
    (IMAGE + "conv 8 3x3 groups", 2, 18, "groups is missing: write a whole number here"),
    (IMAGE + "conv 8 3x3 groups 0", 2, 1, "conv's number of groups is a whole number from 1 up"),
    (IMAGE + "conv 8 3x3 groups 3", 2, 1, "8 channels can't be split into 3 equal groups"),
    (IMAGE + "conv 9 3x3 groups 3", 2, 1, "4 input channels can't be split into 3 equal groups"),
    (IMAGE + "conv 8 3x3 group 2", 2, 12, "unknown 'group 2': did you mean 'groups G'?"),
    (IMAGE + "depthwise 3x3 groups 2", 2, 15, "unknown 'groups 2'"),
    (IMAGE + "depthwise 4 3x3", 2, 13, "unknown '3x3'"),
    ("input 4\ndepthwise 3x3", 2, 1, "depthwise takes channels x height x width, not 4"),
    (IMAGE + "avgpool all stride 2", 2, 13, "unexpected 'stride' after 'all'"),
    (IMAGE + "avgpool every", 2, 9, "avgpool's size is a whole number of at most 9 digits"),
    (IMAGE + "dropout", 2, 8, "dropout's rate is missing: write a number here"),
    (IMAGE + "dropout 1", 2, 1, "dropout's rate is at least 0 and below 1, not 1.0"),
    (IMAGE + "dropout -0.1", 2, 1, "dropout's rate is at least 0 and below 1, not -0.1"),
    (IMAGE + "dropout 0.1 channel", 2, 13, "unexpected 'channel' after '0.1'"),
    (IMAGE + "conv 2 3x3\nlog softmax", 3, 1, "log softmax takes a flat input, not 2x4x4"),
    (IMAGE + TAIL + "decay", 6, 6, "decay is missing: write a number here"),
    (IMAGE + TAIL + "decay -1", 6, 1, "decay is a number from 0 up, not -1.0"),
    (IMAGE + TAIL + "decay 1 wights", 6, 9, "unknown kind of parameter 'wights': did you mean"),
    (IMAGE + TAIL + "decay 1 scales", 6, 1, "no γ to decay: the layers have none"),
    (IMAGE + TAIL + "decay 1\ndecay 2", 7, 1, "decay is already given for these: say it once"),
    (IMAGE + TAIL + "update momentum nestorov", 6, 17, "momentum is a number such as 0.15"),
    (IMAGE + TAIL + "update adamww", 6, 8, "unknown update 'adamww': did you mean 'adamw'?"),
    (IMAGE + TAIL.strip() + " smoothing", 5, 29, "smoothing is missing: write a number here"),
    (IMAGE + TAIL.strip() + " smoothing 1", 5, 1, "smoothing is at least 0 and below 1, not 1.0"),
    (
        "input 2; dense 2; loss mean squared error smoothing 0.1",
        1,
        19,
        "smoothing belongs to cross-entropy, not to mean squared error",
    ),
]


@pytest.mark.parametrize(("text", "line", "column", "said"), WRONG)
def test_a_wrong_text_is_told_its_place_and_remedy(text, line, column, said):
    with pytest.raises(NetTextError) as caught:
        parse(text)
    assert (caught.value.line, caught.value.column) == (line, column), str(caught.value)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: Dropout("0.5"), "dropout's rate is a number such as 0.15, not '0.5'"),
        (lambda: Pool("avg", None, 2), "a window over everything can't move"),
        (lambda: Net(2, [], decay=0.1), "decay is a mapping such as {'w': 0.0005}, not 0.1"),
        (lambda: Net(2, [], decay={"weights": 1}), "no parameter is called 'weights'"),
        (lambda: Net(2, [], smoothing="x"), "smoothing is a number such as 0.15, not 'x'"),
    ],
)
def test_what_python_hands_in_is_checked(make, said):
    with pytest.raises(UsageError) as caught:
        make()
    assert said in str(caught.value)
