"""The text form reads back what it writes, and takes what people type."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gradbook.errors import NetTextError
from gradbook.net import (
    BUILTIN,
    Activation,
    BatchNorm,
    Bias,
    Concat,
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
    grammar,
    parse,
)
from gradbook.net.text import known_words
from tests.cases import for_each
from tests.families import networks

WORKED = """\
name worked
input 2
dense 2 no bias
sigmoid
dense 2 no bias
sigmoid
loss half squared error
rate 1
weights 0.15 0.2 0.25 0.3 0.4 0.45 0.5 0.55
sample 0.05 0.1 -> 0.5 0.5
"""


def test_worked_is_written_as_people_would():
    assert str(builtin("worked")) == WORKED


@given(networks())
def test_a_network_is_read_back_as_it_was_written(net):
    again = parse(str(net))
    assert again == net
    assert hash(again) == hash(net)
    assert str(again) == str(net)


@for_each("name", BUILTIN)
def test_a_built_in_network_is_read_back_as_it_was_written(name):
    net = builtin(name)
    assert net.name == name
    assert parse(str(net)) == net


def test_every_kind_of_line_is_read():
    net = parse(
        """\
        name all of it
        input 1x9x9
        conv 2 3x2 stride 1 pad 1 fixed shared bias
        batchnorm epsilon 0.001
        leaky relu 0.2
        maxpool 2
        avgpool 2 stride 1
        flatten
        dense 3 shared bias
        gelu
        dense 3
        silu
        add back 2
        softplus
        concat back 1
        concat back 3 0 2
        concat back 0 1 1
        concat back 0 0
        dense 2
        log softmax
        loss cross-entropy
        update adam 0.8 0.99 1e-6
        rate 0.5
        seed 7
        shifts 0.1 0.2
        """
    )
    assert net.layers == (
        Conv(2, (3, 2), pad=1, bias=Bias.FIXED_SHARED),
        BatchNorm(0.001),
        Activation("leaky relu", 0.2),
        Pool("max", 2),
        Pool("avg", 2, 1),
        Flatten(),
        Dense(3, Bias.SHARED),
        Activation("gelu"),
        Dense(3),
        Activation("silu"),
        Residual(2),
        Activation("softplus"),
        Concat((0, 1)),
        Concat((3, 0, 2)),
        Concat((0, 1, 1)),
        Concat((0, 0)),
        Dense(2),
        Activation("log softmax"),
    )
    assert net.update == Update("adam", beta1=0.8, beta2=0.99, epsilon=1e-6)
    assert (net.name, net.loss, net.rate, net.seed) == ("all of it", Loss.CROSS, 0.5, 7)
    assert net.start == {Role.SHIFT: (0.1, 0.2)}


@for_each(
    "text",
    [
        WORKED.replace("\n", "\r\n"),
        WORKED.replace("\n", "\r"),
        WORKED.replace("\n", ";"),
        WORKED.replace("\n", "   # a remark; with more\n\n"),
        WORKED.replace(" ", "\t\t"),
        WORKED.replace(" ", "\u00a0"),
        "\ufeff" + WORKED,
        WORKED.rstrip(),
        WORKED.replace("weights 0.15 0.2", "weights .15 2e-1\n  weights"),
        WORKED.replace("0.15", "+0.150"),
        "".join(reversed(WORKED.splitlines(keepends=True)[6:])).join(
            [WORKED[: WORKED.index("loss")], ""]
        ),
    ],
)
def test_however_it_is_laid_out_it_is_the_same_network(text):
    assert parse(text) == parse(WORKED)


def test_a_minus_from_a_printed_page_is_a_minus():
    assert parse("input 1; dense 1; biases −0.5").start[Role.BIAS] == (-0.5,)


def test_zero_and_minus_zero_are_equal_and_hash_alike():
    zero, minus_zero = (parse(f"input 1; dense 1; biases {text}") for text in ("0", "-0"))
    assert zero == minus_zero
    assert hash(zero) == hash(minus_zero)


@for_each("value", [5e-324, 1.7976931348623157e308, 0.1 + 0.2, 1e16, 123456.0])
def test_numbers_are_kept_to_the_last_bit(value):
    net = Net(1, [Dense(1)], start={"b": [value]}, samples=[Sample([-value], [value])])
    assert parse(str(net)) == net


def test_the_grammar_tells_of_every_word():
    told = grammar().replace(",", " ").split()
    assert set(known_words()) <= set(told)


def test_the_grammars_example_is_a_network():
    example = grammar().split("The worked example:\n")[1]
    assert parse(example) == Net(
        2,
        [Dense(2, Bias.NONE), Activation("sigmoid")] * 2,
        Loss.HALF_SQUARED,
        start={"w": [0.15, 0.2, 0.25, 0.3, 0.4, 0.45, 0.5, 0.55]},
        samples=[Sample([0.05, 0.1], [0.5, 0.5])],
    )


def test_a_name_may_be_long_and_in_any_script():
    for name in ("x" * 200, "la rétropropagation", "逆伝播 №1", "∂E/∂w"):
        assert parse(f"name {name}\ninput 1; dense 1").name == name


def test_a_table_is_kept_by_its_name():
    net = parse("input 2; dense 1; data my iris.csv")
    assert net.table == "my iris.csv"
    assert parse(str(net)) == net


# Fuzz: either a network that is read back, or one line.


def read_or_refused(text):
    try:
        net = parse(text)
    except NetTextError as error:
        refusal = error
    else:
        assert parse(str(net)) == net
        return
    assert refusal.line is not None
    assert str(refusal).isprintable()
    assert len(str(refusal)) < 1000


WORDS = sorted(
    {*" ".join([*BUILTIN.values(), grammar()]).split(), "->", "\n", ";", "-1", "0", "1e400"}
)


@given(st.lists(st.sampled_from(WORDS), max_size=30).map(" ".join))
def test_the_grammars_own_words_in_any_order_are_read_or_refused(text):
    read_or_refused("input 2\n" + text)
