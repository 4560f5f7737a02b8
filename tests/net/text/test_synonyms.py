"""Words that other libraries use: read as ours, and written as ours."""

import re

import pytest

from gradbook.errors import NetTextError
from gradbook.layers import LOSSES, UPDATES, forms
from gradbook.net import Net
from gradbook.net.text import INSTEAD, TRAINING, UPDATE_WORDS, layer_words, loss_synonyms
from tests.cases import for_each


@for_each(
    ("theirs", "ours"),
    [
        ("input 2; fc 3; relu; Linear 2", "input 2; dense 3; relu; dense 2"),
        (
            "input 1x6x6; Conv2d 2 3x3; bn; MaxPool2d 2; flatten; linear 2",
            "input 1x6x6; conv 2 3x3; batchnorm; maxpool 2; flatten; dense 2",
        ),
        ("input 2; dense 1; loss MSE", "input 2; dense 1; loss mean squared error"),
        ("input 2; dense 2; softmax; loss ce", "input 2; dense 2; softmax; loss cross-entropy"),
        ("input 2; dense 1; optimizer sgd; lr 0.1", "input 2; dense 1; update descent; rate 0.1"),
        ("Input 2; Dense 3; Leaky ReLU; Dense 1", "input 2; dense 3; leaky relu; dense 1"),
        ("input: 2; Dense: 1; Loss: MSE", "input 2; dense 1; loss mean squared error"),
        ("input 2; dense 1; learning rate 0.3", "input 2; dense 1; rate 0.3"),
        ("input 2; dense 1; Learning Rate: 0.3", "input 2; dense 1; rate 0.3"),
        ("input 2; dense 1; learning_rate 0.3", "input 2; dense 1; rate 0.3"),
        ("input 2; dense 1; Update Adam", "input 2; dense 1; update adam"),
    ],
)
def test_a_network_in_other_words_is_the_same_network(theirs, ours):
    assert Net.parse(theirs) == Net.parse(ours)
    assert str(Net.parse(theirs)) == str(Net.parse(ours))


def test_every_word_stands_for_one_that_is_there():
    assert set(layer_words().values()) <= {*forms(), *TRAINING}
    assert not set(layer_words()) & {*forms(), *TRAINING}
    assert set(loss_synonyms().values()) <= set(LOSSES)
    assert set(UPDATE_WORDS.values()) <= set(UPDATES)


@for_each("word", INSTEAD)
@for_each("spell", [str, str.capitalize, "{}:".format])
def test_a_word_that_is_none_says_what_to_write_instead(word, spell):
    with pytest.raises(NetTextError, match=re.escape(f": {INSTEAD[word]}")) as told:
        Net.parse(f"input 2; dense 2; {spell(word)} sigmoid")
    assert (told.value.line, told.value.column) == (1, 19)
