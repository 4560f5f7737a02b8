"""Wrong network texts: each is told its line, its column and what to do about it."""

from __future__ import annotations

import time

import pytest

from gradbook.errors import NetTextError
from gradbook.net import parse
from tests.cases import for_each

HEAD = "input 2\ndense 2\n"  # two good lines, so that what follows stands in line 3
IMAGE, MAPS = "input 1x6x6\n", "input 4x6x6\n"
TAIL = "flatten\ndense 2\nlog softmax\nloss cross-entropy\n"
LETTERS = "input tokens 3 of 4\nembed 2\nconv1d 4 1 no bias\nsoftmax\nloss cross-entropy\n"
SHORT = "input 2x1; conv1d 2 1; softmax; loss cross-entropy; sample 1 1 -> "

WRONG = [
    # Words that are none.
    ("input 2\nsigmod", 2, 1, "unknown layer 'sigmod': did you mean 'sigmoid'?"),
    ("input 2\nDens 2", 2, 1, "unknown layer 'Dens': did you mean 'dense'?"),
    ("input 2\n  danse 2", 2, 3, "unknown layer 'danse': did you mean 'dense'?"),
    ("input 1x8x8\nmax pool 2", 2, 1, "no line begins with 'max': write 'maxpool 2', in one word"),
    ("input 1x8x8\naverage pool", 2, 1, "no line begins with 'average': write 'avgpool 2'"),
    ("input 2\nfully connected 3", 2, 1, "no line begins with 'fully': write 'dense 3'"),
    ("input 2\nE = w^2", 2, 1, "E = … is a formula, which has a page of its own"),
    ("input 2\nwombat", 2, 1, "unknown layer 'wombat': see gradbook help networks"),
    ("{'layers': 2}", 1, 1, "see gradbook help networks"),
    (HEAD + "- sigmoid", 3, 1, "unknown layer '-'"),
    # What is missing.
    ("", 1, 1, "no layers: begin with a line such as 'input 2'"),
    ("\n\n# only a remark\n", 1, 1, "no layers: begin with a line such as 'input 2'"),
    ("input 2", 1, 1, "nothing to train: add a layer such as 'dense 2'"),
    ("dense 2", 1, 1, "'dense' before the input: begin with a line such as 'input 2'"),
    ("name x\nloss half squared error\ninput 2", 2, 1, "'loss' before the input: begin with"),
    ("input", 1, 6, "the input is missing: write it like 2 or 1x28x28"),
    ("input 2\ndense", 2, 6, "dense's width is missing: write a whole number here"),
    ("input 2\ndense  # wide", 2, 6, "dense's width is missing"),
    (IMAGE + "conv 2", 2, 7, "conv's window is missing: write it like 3x3"),
    (IMAGE + "conv 2 3x3 stride", 2, 18, "stride is missing: write a whole number here"),
    (HEAD + "leaky", 3, 6, "expected 'leaky relu'"),
    (HEAD + "add 1", 3, 5, "expected 'add back'"),
    (HEAD + "add back 0", 3, 1, "add back's number of layers is a whole number from 1 up, not 0"),
    (HEAD + "add back 2", 3, 1, "goes back over 2 layers, but only 1 is before it"),
    ("input 2\nadd back 1", 2, 1, "goes back over 1 layer, but none is before it"),
    (
        HEAD + "groupnorm 3",
        3,
        1,
        "2 channels can't be split into 3 equal groups: use a number that",
    ),
    (HEAD + "groupnorm 2", 3, 1, "groupnorm needs groups of several values, but those of 2 have"),
    (HEAD + "layernorm 3", 3, 11, "unexpected '3' after 'layernorm': remove it or begin a new"),
    (HEAD + "layernorm epsilon 1", 3, 1, "layernorm's epsilon is between 0 and 1, not 1.0"),
    ("input 1\nlayernorm", 2, 1, "layernorm needs groups of several values, but those of 1 have"),
    (HEAD + "placenorm", 3, 1, "placenorm takes channels x height x width, not 2: use 'layernorm'"),
    (IMAGE + "placenorm", 2, 1, "placenorm needs groups of several values, but those of 1x"),
    (
        HEAD + "concat back 1 x",
        3,
        15,
        "concat back's number of layers is a whole number of at most",
    ),
    (
        HEAD + "concat back 0",
        3,
        1,
        "concat back needs one number of layers or more, each at least 1",
    ),
    (HEAD + "concat back 0 2", 3, 1, "concat back 2 goes back over 2 layers, but only 1 is"),
    (
        "input 1x4x4\nconv 1 3x3\nconcat back 1",
        *(3, 1, "concat back joins 1x4x4 to 1x2x2: all but the number of channels must be the"),
    ),
    (HEAD + "dense 3\nadd back 1", 4, 1, "add back 1 adds 2 to 3: both must have the same shape"),
    (
        "input 1x4x4\nconv 1 3x3\nadd back 1",
        *(3, 1, "add back 1 adds 1x4x4 to 1x2x2: both must have the same shape"),
    ),
    (HEAD + "loss", 3, 5, "which loss: one of half squared error, mean squared error"),
    (HEAD + "update", 3, 7, "which update: one of descent, momentum, adam"),
    (HEAD + "update adam x", 3, 13, "adam's beta1 is a number such as 0.15, not 'x'"),
    (HEAD + "weights", 3, 8, "a start value is missing: write a number here"),
    (HEAD + "sample 1 2", 3, 11, "the targets are missing: write them after '->'"),
    (HEAD + "sample 1 2 ->", 3, 14, "a target is missing: write a number here"),
    (HEAD + "sample -> 1 2", 3, 8, "an input is a number such as 0.15, not '->'"),
    (HEAD + "data", 3, 5, "which file? write 'data samples.csv'"),
    (HEAD + "name", 3, 5, "which name? write 'name worked'"),
    # What is too much.
    ("input 2 3", 1, 9, "unexpected '3' after '2': remove it or begin a new line"),
    ("input 2 dense 2", 1, 9, "unexpected 'dense' after '2': remove it or begin a new line"),
    ("input 2\ndense 2 sigmoid", 2, 9, "unknown 'sigmoid': expected one of no bias, bias"),
    (HEAD + "sigmoid 2", 3, 9, "unexpected '2' after 'sigmoid': remove it"),
    (HEAD + "update adam .9 .9 1e-8 1", 3, 24, "unexpected '1' after '1e-8': remove it"),
    (HEAD + "sample 1 2 -> 1 -> 2", 3, 17, "a target is a number such as 0.15, not '->'"),
    # Said twice.
    ("input 2\ninput 3", 2, 1, "'input' is given twice: write it once"),
    (HEAD + "rate 1\n\nrate 2", 5, 1, "'rate' is given twice: write it once"),
    (
        HEAD + "loss mean squared error\nloss cross-entropy",
        4,
        1,
        "'loss' is given twice: write it once",
    ),
    (IMAGE + "conv 2 3x3 pad 1 pad 2", 2, 18, "'pad' is given twice: write it once"),
    (HEAD + "sample 1 2 -> 1 2\ndata a.csv", 4, 1, "remove the 'sample' lines or this one"),
    (HEAD + "data a.csv\nsample 1 2 -> 1 2", 4, 1, "remove this line or the 'data' line"),
    # Numbers.
    ("input two", 1, 7, "the input is written like 2 or 1x28x28, not 'two'"),
    ("input 1x2x3x4", 1, 7, "the input is written like 2 or 1x28x28"),
    ("input 0", 1, 7, "the input is written like 2 or 1x28x28, not '0'"),
    ("input 2\ndense 2.5", 2, 7, "dense's width is a whole number of at most 9 digits, not '2.5'"),
    ("input 2\ndense 0", 2, 1, "dense's width is a whole number from 1 up, not 0"),
    ("input 2\ndense ٣", 2, 7, "dense's width is a whole number"),
    (HEAD + "rate fast", 3, 6, "the rate is a number such as 0.15, not 'fast'"),
    (HEAD + "rate -1", 3, 1, "the rate must be a number of at least 0, not -1.0"),
    (HEAD + "rate nan", 3, 6, "the rate is a number such as 0.15, not 'nan'"),
    (HEAD + "rate 1e999", 3, 6, "the rate is too large, use less than 1e308"),
    (HEAD + "rate 1_000", 3, 6, "the rate is a number such as 0.15"),
    (HEAD + "weights 0,15", 3, 9, "with a point and spaces between numbers, not '0,15'"),
    (HEAD + "weights 1 2 x 4", 3, 13, "a start value is a number such as 0.15, not 'x'"),
    (HEAD + "seed 1.5", 3, 6, "the seed is a whole number"),
    (HEAD + "seed 12345678901", 3, 6, "the seed is a whole number of at most 9 digits"),
    (HEAD + "sample 1 nan -> 1 2", 3, 10, "an input is a number such as 0.15, not 'nan'"),
    (HEAD + "batchnorm epsilon 0", 3, 1, "batchnorm's epsilon is between 0 and 1, not 0"),
    (HEAD + "update momentum 1", 3, 8, "momentum is at least 0 and below 1, not 1.0"),
    (HEAD + "update adam 0.9 1", 3, 8, "adam's beta2 is at least 0 and below 1, not 1.0"),
    (HEAD + "update adam 0.9 0.9 0", 3, 8, "adam's epsilon is between 0 and 1, not 0"),
    # Kinds.
    ("input 2\ndense 2 no bais", 2, 9, "unknown 'no bais': did you mean 'no bias'?"),
    ("input 2\ndense 2 shared", 2, 9, "unknown 'shared': did you mean 'shared bias'?"),
    (IMAGE + "conv 2 3x3 padd 1", 2, 12, "unknown 'padd 1': did you mean 'pad P'?"),
    (HEAD + "loss sqared error", 3, 6, "did you mean 'mean squared error'?"),
    (HEAD + "loss of time", 3, 6, "unknown loss 'of time': one of half squared error"),
    (HEAD + "update adm", 3, 8, "unknown update 'adm': did you mean 'adam'?"),
    (HEAD + "update rmsprop", 3, 8, "unknown update 'rmsprop': one of descent, momentum, adam"),
    # Shapes and counts that don't fit.
    ("input 1x4x4\ndense 2", 2, 1, "dense takes a flat input, not 1x4x4: put 'flatten' before it"),
    ("input 1x4x4\nsoftmax", 2, 1, "softmax takes a flat input, not 1x4x4: put 'flatten'"),
    (HEAD + "conv 2 3x3", 3, 1, "conv takes channels x height x width, not 2: write the input as"),
    ("input 4x4\nmaxpool 2", 2, 1, "not 4x4: write the input as 'input 1x4x4'"),
    (IMAGE + "conv 2 7x7", 2, 1, "conv's window 7x7 is larger than its input 1x6x6: make it"),
    (IMAGE + "maxpool 7", 2, 1, "maxpool's window 7x7 is larger than its input 1x6x6: make it"),
    (IMAGE + "conv 2 3x3x3", 2, 8, "conv's window is written like 3x3, not '3x3x3'"),
    (IMAGE + "conv 2 3x0", 2, 8, "conv's window is written like 3x3, not '3x0'"),
    (IMAGE + "conv 2 3x3 stride 0", 2, 1, "conv's stride is a whole number from 1 up, not 0"),
    (IMAGE + "conv 2 3x3 stride 2x0", 2, 1, "conv's stride is a whole number from 1 up, not 0"),
    (IMAGE + "conv 2 3x3 stride 1x1x1", 2, 19, "stride is written like 2 or 2x1, not '1x1x1'"),
    (IMAGE + "conv 2 3x3 pad 1x1x1", 2, 16, "pad is written like 1, 1x0 or 0x0x1x1, not '1x1x1'"),
    (IMAGE + "conv 2 3x3 pad sane", 2, 16, "pad is a whole number of at most 9 digits, not 'sane'"),
    (IMAGE + "conv 2 3x3 ceil", 2, 12, "unknown 'ceil'"),
    (IMAGE + "conv 2 3x3 dilation 4", 2, 1, "window 3x3 with dilation 4 is larger than its input"),
    (IMAGE + "maxpool 2 ceil ceil", 2, 16, "'ceil' is given twice: write it once"),
    (IMAGE + "maxpool 2 zeros", 2, 11, "unexpected 'zeros' after '2'"),
    (IMAGE + "maxpool 2 pad same ceil", 2, 1, "'pad same' leaves nothing over"),
    (IMAGE + "avgpool 2 pad 0x2", 2, 1, "with pad 0x2 a window 2x2 may cover only padding"),
    (IMAGE + "conv 2 2x2 pad 2", 2, 1, "may cover only padding: use at most pad 1"),
    (IMAGE + "conv 2 3x3", 2, 1, "the loss needs a flat output, not 2x4x4: put 'flatten'"),
    (IMAGE + "conv 2 3x3\nmaxpool 2", 3, 1, "the loss needs a flat output, not 2x2x2: put"),
    (HEAD + "loss cross-entropy", 3, 1, "end the layers with 'softmax'"),
    (HEAD + "tanh\nloss binary cross-entropy", 4, 1, "end the layers with 'sigmoid'"),
    (HEAD + "weights 1 2 3", 3, 1, "3 start values, but the layers have w1 … w4"),
    (HEAD + "weights 1 2\nweights 3 4 5", 4, 1, "5 start values, but the layers have w1 … w4"),
    (HEAD + "biases 1", 3, 1, "1 start value, but the layers have b1 … b2"),
    (HEAD + "scales 1", 3, 1, "1 start value, but the layers have no γ"),
    (HEAD + "sample 1 -> 1 2", 3, 1, "sample 1 has 1 input, but the network takes 2"),
    (HEAD + "sample 1 2 -> 1", 3, 1, "sample 1 has 1 target, but the network takes 2"),
    (HEAD + "sample 1 2 -> 1 2\nsample 1 -> 1 2", 4, 1, "sample 2 has 1 input"),
    (
        HEAD + "softmax\nloss cross-entropy\nsample 0 0 -> 1 1",
        5,
        1,
        "cross-entropy's targets must sum to 1, not 2: one 1, the rest 0",
    ),
    (
        HEAD + "sigmoid\nloss binary cross-entropy\nsample 0 0 -> 1 2",
        5,
        1,
        "binary cross-entropy's targets must be from 0 to 1",
    ),
    # Counts, groups, dropout, decay and smoothing.
    (MAPS + "conv 8 3x3 groups 0", 2, 1, "conv's number of groups is a whole number from 1 up"),
    (MAPS + "conv 8 3x3 groups 3", 2, 1, "8 channels can't be split into 3 equal groups"),
    (MAPS + "conv 9 3x3 groups 3", 2, 1, "4 input channels can't be split into 3 equal groups"),
    (MAPS + "conv 8 3x3 group 2", 2, 12, "unknown 'group 2': did you mean 'groups G'?"),
    (MAPS + "depthwise 3x3 groups 2", 2, 15, "unknown 'groups 2'"),
    (MAPS + "depthwise 4 3x3", 2, 13, "unknown '3x3'"),
    ("input 4\ndepthwise 3x3", 2, 1, "depthwise takes channels x height x width, not 4"),
    (MAPS + "avgpool all stride 2", 2, 13, "unexpected 'stride' after 'all'"),
    (MAPS + "dropout", 2, 8, "dropout's rate is missing: write a number here"),
    (MAPS + "dropout 1", 2, 1, "dropout's rate is at least 0 and below 1, not 1.0"),
    (MAPS + "dropout 0.1 channel", 2, 13, "unexpected 'channel' after '0.1'"),
    (MAPS + TAIL + "decay -1", 6, 1, "decay must be a number of at least 0, not -1.0"),
    (MAPS + TAIL + "decay 1 wights", 6, 9, "unknown kind of parameter 'wights': did you mean"),
    (MAPS + TAIL + "decay 1 scales", 6, 1, "no γ to decay: the layers have none"),
    (MAPS + TAIL + "decay 1\ndecay 2", 7, 1, "decay is already given for these: write it once"),
    (MAPS + TAIL + "update momentum nestorov", 6, 17, "momentum is a number such as 0.15"),
    (
        MAPS + TAIL.strip() + " smoothing 1",
        5,
        1,
        "smoothing must be at least 0 and below 1, not 1.0",
    ),
    ("input 2; dense 2; loss mean squared error smoothing 0.1", 1, 19, "smoothing is only for"),
    # Layers applied again.
    (HEAD + "again", 3, 6, "again's number of times is missing: write a whole number here"),
    (HEAD + "again 0", 3, 1, "again's number of times is a whole number from 1 up"),
    (HEAD + "again 2 back 2", 3, 1, "again repeats 2 layers, but only 1 is before it"),
    (HEAD + "again 2\nagain 2", 4, 1, "layer 2 is already applied by another 'again': leave"),
    (HEAD + "dense 3\nagain 2", 4, 1, "layer 3: it repeats layer 2, whose input was 2 and is"),
    ("input 2\ntanh\nagain 2", 3, 1, "there is no conv or dense before it: say how many"),
    ("input 2\nagain 2 back 1", 2, 1, "again repeats 1 layer, but none is before it"),
    ("input 1x6x6\nconv 1 3x3\nagain 3", 3, 1, "conv's window 3x3 is larger than its input 1x2x2"),
    # Tokens.
    (LETTERS + "sample 0 1 -> 1 2 3", 6, 1, "sample 1: 2 tokens, but the input takes 3 tokens"),
    (
        LETTERS + "sample 0 1 4 -> 1 2 3",
        6,
        1,
        "token 4 isn't one of 4, which are counted from 0 to",
    ),
    (LETTERS + "sample 0 1 -1 -> 1 2 3", 6, 1, "token -1 isn't one of 4"),
    (LETTERS + "sample 0 1 2 -> 1 2 4", 6, 1, "class 4 isn't one of 4"),
    (LETTERS + "sample 0 1 2 -> -1 -1 -1", 6, 1, "no step has a target"),
    (LETTERS + "sample 0 1 2 -> 1 2", 6, 1, "2 targets, but the network takes 12"),
    ("input tokens 3; embed 2", 1, 15, "how many different tokens are there"),
    ("input tokens 3 of 4; flatten; dense 2", 1, 1, "tokens need a layer for sequences"),
    ("input tokens 0 of 4; embed 2", 1, 1, "from 1 up"),
    ("input 3x4; unembed 4; flatten; dense 1", 1, 12, "the 'embed' before it, but there is none"),
    ("input 3x4; embed 2; unembed 5; flatten; dense 1", 1, 21, "which are 2x4"),
    # Sequences and sounds.
    ("input 4; rnn 2; dense 1", 1, 10, "rnn takes a sequence of two steps or more, not 4: write"),
    ("input 1x3; gru 2; dense 1", 1, 12, "gru takes a sequence of two steps or more, not 3x1x1"),
    ("input 4x3; attention heads 2; flatten; dense 1", 1, 12, "3 features can't be split among 2"),
    ("input 4x3; conv 2 3x3; flatten; dense 1", 1, 12, "conv takes channels x height x width"),
    ("input 4x3; conv1d 2 5; flatten; dense 1", 1, 12, "window 1x5 is larger than its input 3x1x4"),
    (SHORT + "0 0 0 0", 1, 53, "no step has a target"),
    (SHORT + "1 0 1 1", 1, 53, "sum to 1"),
    ("input 2x1; rmsnorm; rnn 2; dense 1", 1, 21, "rmsnorm needs groups of several values"),
    ("input 300x2; mel 4; flatten; dense 2", 1, 14, "mel takes the samples of one signal, such as"),
    ("input 200x1; mel 4; flatten; dense 2", 1, 14, "mel's frame has 256 samples, but there are 2"),
    (
        "input 300x1; mel 4 rate 6000; flatten; dense 2",
        1,
        14,
        "100 to 3800 Hz is out of range at 6000 samples per s",
    ),
    (
        "input 300x1; mel 4 low 900 high 800; flatten; dense 2",
        1,
        14,
        "900 to 800 Hz is out of range at 8000 sampl",
    ),
    ("input 300x1; mel 120; flatten; dense 2", 1, 14, "of 120 contains no frequency that a"),
    ("input 300x1; spectrogram frame 1; flatten; dense 2", 1, 14, "spectrogram's frame has 2 to 1"),
    ("input 9000x1; mel 4 frame 8000; flatten; dense 2", 1, 15, "mel's frame has 2 to 1,024 sampl"),
    # Sizes nobody means.
    ("input 999999999\ndense 2", 1, 1, "999,999,999 values in one layer: the most is 10,000,000"),
    ("input 2\ndense 999999999", 2, 1, "999,999,999 values in one layer: the most is"),
    ("input 9999\ndense 9999", 2, 1, "99,980,001 parameters in one layer: the most is"),
    ("input 9x99999999x99999999\nflatten\ndense 1", 1, 1, "values in one layer: the most is"),
    (IMAGE + "conv 999999999 3x3\nflatten", 2, 1, "values in one layer: the most is"),
    (IMAGE + "conv 1 3x3 pad 999999999", 2, 1, "may cover only padding: use at most pad 2"),
    (HEAD + "dense 2\n" * 1000, 1002, 1, "more than 1,000 layers: use fewer"),
    (HEAD + "tanh\n" * 101, 103, 1, "more than 100 activations in a row: use fewer"),
    # Characters that nobody sees.
    ("\0", 1, 1, r"unknown layer '\x00'"),
    ("input 2\n\x1b[31mred", 2, 1, r"unknown layer '\x1b[31mred'"),
    ("input 2\x07", 1, 7, r"the input is written like 2 or 1x28x28, not '2\x07'"),
    ("\ufeff\ufeffinput 2", 1, 1, r"unknown layer '\ufeffinput': did you mean 'input'?"),
    ("input \u200b2", 1, 7, r"not '\u200b2'"),
    ("name a\x1b]0;b\n" + HEAD, 1, 11, "unknown layer 'b'"),
    ("name \x1b[2J\n" + HEAD, 1, 1, "at most 200 printable characters, without ';' and '#'"),
    ("name \ud800\n" + HEAD, 1, 1, "at most 200 printable characters, without ';' and '#'"),
    (HEAD + "data \x07.csv", 3, 1, "at most 200 printable characters, without ';' and '#'"),
    ("name " + "x" * 201 + "\n" + HEAD, 1, 1, "at most 200 printable characters"),
    # Ends of lines, tabs, remarks.
    ("input 2\r\ndense 2\r\nsigmod\r\n", 3, 1, "unknown layer 'sigmod'"),
    ("input 2\rdense 2\rsigmod", 3, 1, "unknown layer 'sigmod'"),
    ("input 2\n\tdense\ttwo", 2, 8, "dense's width is a whole number"),
    ("input 2 # ok\n\n# ; dense two\ndense two", 4, 7, "dense's width is a whole number"),
    ("\ufeffinput 2\ndense two", 2, 7, "dense's width is a whole number"),
    ("\ufeffinput two", 1, 7, "the input is written like 2 or 1x28x28, not 'two'"),
    (";;; input 2 ;; dense two", 1, 22, "dense's width is a whole number"),
    ("input 2\u2028dense 2", 1, 9, "unexpected 'dense' after '2': remove it or begin a new line"),
]

JUNK = {
    "layers": HEAD + "dense 2;" * 100_000,
    "words": "a " * 499_000,
    "one word": "x" * 999_999,
    "numbers": HEAD + "weights " + "1 " * 490_000,
    "digits": HEAD + "rate " + "9" * 990_000,
    "decimals": HEAD + "weights 0." + "9" * 980_000,
    "semicolons": ";" * 999_999,
    "lines": "\n" * 999_999,
    "loss": HEAD + "loss " + "cross " * 160_000,
    "bias": HEAD + "dense 2 " + "no bias " * 120_000,
    "zeros": "\0" * 999_999,
    "samples": HEAD + "sample 1 1 -> 1 1\n" * 50_000 + "sample 1 -> 1",
}


@for_each(("text", "line", "column", "said"), WRONG)
def test_a_wrong_text_is_told_its_place_and_remedy(text, line, column, said):
    with pytest.raises(NetTextError) as caught:
        parse(text, source="a.net")
    error = caught.value
    assert str(error).startswith(f"a.net, line {line}, column {column}: "), str(error)
    assert said in str(error)
    assert str(error).isprintable()


@for_each("junk", JUNK)
def test_junk_is_refused_within_seconds_and_in_one_line(junk):
    start = time.process_time()
    with pytest.raises(NetTextError) as caught:
        parse(JUNK[junk])
    assert time.process_time() - start < 10  # a busy processor took three and a half
    assert len(str(caught.value)) < 1000
    assert str(caught.value).isprintable()


@for_each("text", ["a " * 2_000_000, HEAD + "# remark\n" * 500_000])
def test_megabytes_are_refused_unread(text):
    start = time.process_time()
    with pytest.raises(NetTextError, match="the most is 1,000,000; keep samples in a CSV file"):
        parse(text)
    assert time.process_time() - start < 0.1


def test_a_mistake_in_text_without_a_file_names_no_file():
    with pytest.raises(NetTextError, match=r"^line 2, column 1: unknown layer"):
        parse("input 2\nsigmod")
