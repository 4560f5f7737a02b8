import pytest
from gradbook.net import parse
from tests.report.play.test_building import *
from tests.report.play import test_building as tb
TEXTS=[
 open("/tmp/seqdoors/echo.txt").read(), open("/tmp/seqdoors/att.txt").read(), open("/tmp/seqdoors/lstm.txt").read(),
 "input 3x2; gru 2 reset_before no bias; dense 1; loss half squared error; update adam",
 "input 3x2; gru 1 no bias all; tanh; rnn 1; dense 2; loss mse",
 "input 4x2; attention heads 2; positions; conv1d 1 1; loss mse; sample 1 2 3 4 5 6 7 8 -> 1 0 1 0",
 "input 5x2; conv1d 2 3 pad 1; relu; maxpool1d 2; flatten; dense 3; softmax; loss cross-entropy",
 "input 5x1; lstm 1; dense 2; tanh; dense 1; sigmoid; loss binary cross-entropy; sample 1 2 3 4 5 -> 1; sample 1 2 0 4 5 -> 0",
 "input 3x2; conv1d 2 1; softmax; loss cross-entropy; sample 1 2 3 4 5 6 -> 1 0 0 1 1 0",
 "input 3x2; conv1d 2 1; softmax; loss cross-entropy smoothing 0.1; sample 1 2 3 4 5 6 -> 1 0 0 1 1 0;sample 1 2 3 4 5 3 -> 1 0 0 0 1 0",
 "input 3x2; attention heads 1 causal; conv1d 2 1; log softmax; loss cross-entropy; sample 1 2 3 4 5 6 -> 1 0 0 0 1 0",
]
@pytest.mark.parametrize("text", TEXTS)
def test_words(text):
    net=parse(text)
    assert without_memory(Said(built(net)).words()) == Said(given_tables(net)).words()
@pytest.mark.parametrize("text", TEXTS)
def test_numbers(text):
    tb.test_every_value_and_every_chain_is_the_same.hypothesis.inner_test(parse(text))
