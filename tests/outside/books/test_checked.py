"""Sheets of every kind of network, recalculated by LibreOffice, are right when they are checked."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import pytest

from gradbook.audit.check_book import check
from gradbook.builtin_networks import LESSONS
from gradbook.graph.levels import Bits
from gradbook.layers import ACTIVATIONS, LOSSES
from gradbook.net import Net, builtin, parse
from gradbook.report.workbook import write_workbook
from tests.outside.witness import recalculate_all

EPOCHS = 5
ENDS = "sample 0.3 -0.7 -> 0.4; sample -0.2 0.9 -> 0.6; seed 3"
BETWEEN = f"input 2; dense 2; {{}}; dense 1; loss half squared error; {ENDS}"
OF_BITS = f"input 2; dense 2 {{}}; tanh; dense 1; loss half squared error; {ENDS}"
AFTER = {"cross-entropy": "softmax", "binary cross-entropy": "sigmoid"}  # what a loss comes after
PIXELS = " ".join(str(k * 7 % 16 / 16) for k in range(16))
PICTURE = f"input 1x4x4; {{}}; flatten; dense 1; loss half squared error; sample {PIXELS} -> 0.5"
STEPS = "input 3x2; {}; dense 1; loss half squared error; sample 0.3 -0.7 0.4 0.1 -0.2 0.9 -> 0.6"
SIGNAL = "input 8x1; {}; flatten; dense 1; sample 0.1 0.5 -0.3 0.8 -0.9 0.2 0.4 -0.1 -> 0.6"
UPDATES = ("momentum", "momentum 0.8 nesterov", "adam", "adam 0.8 0.9 1e-3", "adamw")
DECAYS = ("decay 0.1", "decay 0.2 biases", "update momentum; decay 0.1", "update adam; decay 0.1")
LAYERS = (
    *("batchnorm", "layernorm", "rmsnorm", "rmsnorm plain", "groupnorm 1"),
    *("prelu", "prelu shared"),
)
WINDOWS = (
    *("conv 2 2x2 stride 2; relu", "conv 1 3x3 pad 1; maxpool 2", "conv 1 3x3 pad same; avgpool 2"),
    *("conv 2 3x3; batchnorm; relu", "conv 2 3x3 no bias; groupnorm 2", "conv 2 3x3; instancenorm"),
    *("conv 1 2x2 dilation 2", "depthwise 3x3", "convtranspose 1 2x2", "maxpool 3 stride 2 ceil"),
    *("maxpool 2; upsample 2; conv 1 3x3", "avgpool 2 pad 1 zeros", "conv 2 2x2; avgpool all"),
    *(
        "conv 2 3x3 shared bias; placenorm",
        "conv 2 3x3; rmsnorm",
        "conv 4 3x3; conv 2 1x1 groups 2",
    ),
    *("conv 2 2x2 bits 4; relu", "depthwise 3x3 bits 2"),
    "conv 2 3x3; convtranspose 2 2x2 groups 2 ternary",
)
BRANCHES = (
    *("dense 2; tanh; add back 2", "dense 2; sigmoid; multiply back 2", "dense 3; concat back 1"),
    "dense 2; tanh; again 2",
)
SEQUENCES = (
    *("rnn 2", "gru 2", "gru 2 reset_before", "lstm 2", "rnn 2 all; rnn 2", "rnn 2 all; flatten"),
    *("attention; flatten", "attention causal; flatten", "attention heads 2 no bias; flatten"),
    *("positions; attention; flatten", "sinusoids; rnn 2", "conv1d 2 2 bits 8; relu; flatten"),
    *("conv1d 2 2; maxpool1d 2; flatten", "conv1d 2 2; avgpool1d all; flatten"),
    *("rmsnorm; rnn 2", "layernorm; flatten"),
)
HEARD = ("spectrogram frame 4 step 2", "conv1d 1 1; spectrogram frame 4 step 2")
OTHERS = {
    "tokens": "input tokens 3 of 4; embed 2; rnn 2; dense 4; softmax; sample 0 1 2 -> 0 0 0 1",
    "tied": "input tokens 3 of 4; embed 2; positions; attention causal; add back 1; rmsnorm"
    "; unembed 4; softmax; sample 0 1 2 -> 1 2 3",
    "mel": "input 8x1; mel 1 frame 8 step 8 rate 8000; flatten; dense 1; sample"
    " 0.1 0.5 -0.3 0.8 -0.9 0.2 0.4 -0.1 -> 0.6",
    "smoothing": "input 2; dense 2; softmax; loss cross-entropy smoothing 0.1; sample 1 2 -> 0 1",
    "few bits twice": "input 2; dense 3 bits 4; tanh; dense 2 ternary; sigmoid"
    "; loss half squared error; sample 0.3 -0.7 -> 0.4 0.1; sample 0.9 0.2 -> 0.3 0.8",
    "few bits and Adam": f"{OF_BITS.format('bits 2')}; update adam; decay 0.1",
}
FEW = ("worked", "bits 4", "adam", "batchnorm", "rnn 2", "tied", "huber loss")  # in a quick run


def losses() -> dict[str, str]:
    """A network for each loss, with one sample and with two."""
    found = {}
    for word in LOSSES:
        net = f"input 2; dense 2; {AFTER.get(word, 'tanh')}; loss {word}; sample 0.3 -0.7 -> 1 0"
        found |= {word: net, f"{word} of two": f"{net}; sample -0.2 0.9 -> 0 1"}
    return found


TEXTS = {
    **{word: BETWEEN.format(word) for word in (*ACTIVATIONS, *LAYERS)},
    **losses(),
    **{word: f"{BETWEEN.format('tanh')}; update {word}" for word in UPDATES},
    **{word: f"{BETWEEN.format('tanh')}; {word}" for word in DECAYS},
    **{str(bits): OF_BITS.format(bits) for bits in Bits if bits},
    **{word: PICTURE.format(word) for word in WINDOWS},
    **{word: f"input 2; dense 2; tanh; {word}; dense 1; {ENDS}" for word in BRANCHES},
    **{word: STEPS.format(word) for word in SEQUENCES},
    **{word: SIGNAL.format(word) for word in HEARD},
    **OTHERS,
}
NETWORKS: dict[str, Net] = {
    **{name: builtin(name) for name in LESSONS},
    **{name: parse(text) for name, text in TEXTS.items()},
}

pytestmark = pytest.mark.witness("libreoffice")


def recalculated(folder: Path, names: Iterable[str]) -> Path:
    """A folder of sheets, computed anew; one start of LibreOffice for all."""
    written, done = folder / "written", folder / "recalculated"
    written.mkdir()
    nets = {called(name): NETWORKS[name] for name in names}
    paths = [
        write_workbook(net, written / file, epochs=EPOCHS, rates=()).path
        for file, net in nets.items()
    ]
    recalculate_all(paths, done)
    return done


@pytest.fixture(scope="module")
def few(tmp_path_factory) -> Path:
    return recalculated(tmp_path_factory.mktemp("few"), FEW)


@pytest.fixture(scope="module")
def others(tmp_path_factory) -> Path:
    return recalculated(tmp_path_factory.mktemp("others"), NETWORKS.keys() - {*FEW})


def called(name: str) -> str:
    return f"{re.sub(r'[^a-z0-9]+', '-', name.lower())}.xlsx"


def assert_right(path: Path) -> None:
    report = check(path)
    assert (report.verdict, report.findings) == ("right", ()), str(report)
    assert any(sheet.weights for sheet in report.sheets)


@pytest.mark.parametrize("name", FEW)
def test_the_sheet_of_a_network_is_right(few, name):
    assert_right(few / called(name))


@pytest.mark.parametrize("name", [name for name in NETWORKS if name not in FEW])
def test_the_sheet_of_every_kind_of_network_is_right(others, name):
    assert_right(others / called(name))
