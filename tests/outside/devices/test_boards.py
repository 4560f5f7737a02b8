"""Exported C on boards of small processors, emulated: the same answers as on this machine."""

from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

import numpy as np
import pytest

from gradbook.data.sources import load
from gradbook.lab.recipes.recipe_text import recipe
from gradbook.net.network import builtin
from gradbook.net.trained import Scaling, TrainedNet, trained_net
from gradbook.targets.portable.c_file import c_file
from gradbook.targets.portable.whole_makers import WholeNumbers, quantise, quantise_windows
from tests.outside.devices.boards import BOARDS, Asked, Question, checksum
from tests.targets.portable.test_hearing import of_sound
from tests.trained import model_of

pytestmark = pytest.mark.witness(
    "qemu-system-arm", "qemu-system-riscv32", "arm-none-eabi-gcc", "riscv64-unknown-elf-gcc"
)
CURVE = Path(__file__).parents[3] / "bench" / "curve"
TEXT = """
input 1x28x28
conv 4 3x3 stride 2
groupnorm 2
relu
depthwise 3x3 pad 1
conv 8 1x1
maxpool 2
batchnorm
relu
conv 8 3x3
layernorm
gelu
flatten
dense 10
log softmax
"""


@pytest.fixture(scope="module")
def digits():
    return load("digits").test_for_reporting.pixels[:1000]


@dataclass(frozen=True, eq=False)
class Reckoned:
    """A network in whole numbers, what it is given, and what it answers as reckoned here."""

    trained: TrainedNet
    whole: WholeNumbers
    given: np.ndarray

    @cached_property
    def classes(self) -> np.ndarray:
        return self.whole.classify(self.given)

    @cached_property
    def checksums(self) -> list[int]:
        return list(map(checksum, self.whole.scores(self.given).astype(np.int32)))

    def require_same(self, found: Asked, count: int) -> None:
        """That a board answers the first ones so."""
        np.testing.assert_array_equal(found.classes, self.classes[:count])
        np.testing.assert_array_equal(found.checksums, self.checksums[:count])


@pytest.fixture(scope="module")
def reckoned(digits):
    """`reckoned(text, images)`: once for all boards."""

    @cache
    def reckon(text: str, images: tuple[int, ...] | None, fitting: int, count: int) -> Reckoned:
        trained = model_of(text, images=images).trained()
        return Reckoned(trained, quantise(trained, digits[:fitting]), digits[:count])

    return reckon


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.name)
def test_a_board_reads_1000_images_as_this_machine_does(board, digits, reckoned):
    here = reckoned(TEXT, None, 200, 1000)
    made = c_file(here.trained, "net", here.whole)
    digits = digits[: board.patience]
    found = board.ask(Question(made.text, digits.reshape(len(digits), -1), 10))
    assert made.memory <= found.memory < made.memory + 12  # a pointer, and gaps between arrays
    here.require_same(found, len(digits))
    products = 4 * 13 * 13 * 9 + 4 * 13 * 13 * 9 + 8 * 13 * 13 * 4 + 8 * 16 * 72 + 10 * 128
    assert products < found.effort < (30 if board.patience > 30 else 300) * products


ROWS = {
    "gru": "gru 8; dense 10; softmax",
    "lstm": "lstm 6 all; lstm 5; dense 10; softmax",
    "attention": "conv1d 8 1; positions; attention heads 2 causal; add back 1; rmsnorm; "
    "avgpool1d all; flatten; dense 10; softmax",
}


@pytest.mark.parametrize("layers", ROWS.values(), ids=ROWS)
def test_a_board_reads_images_row_by_row_as_sequences(layers, digits):
    model = model_of(f"input 28x28; {layers}", images=(1, 28, 28))
    m4 = next(board for board in BOARDS if board.name == "Cortex-M4")
    made = c_file(model.trained(), "net", None)
    found = m4.ask(Question(made.text, digits[:20].reshape(20, -1), 10, kind="float"))
    assert made.memory <= found.memory < made.memory + 12
    expected = np.sort(model.predict(digits[:20]), axis=1)
    sure = expected[:, -1] > expected[:, -2] + 1e-4
    np.testing.assert_array_equal(found.classes[sure], model.classify(digits[:20])[sure])
    assert sure.sum() > 15


WHOLE = {
    "weights of few bits": (
        "input 1x28x28; conv 4 3x3 stride 2; relu; quantize 4; depthwise 3x3 bits 4; "
        "conv 8 1x1 ternary; maxpool 2; relu; conv 6 3x3 bits 2; flatten; dense 10 ternary; "
        "softmax",
        None,
    ),
    "straight lines and squares": (
        "input 1x28x28; conv 4 3x3 stride 2; hard swish; conv 4 3x3 groups 2; maxpool 2; "
        "leaky relu 0.1; depthwise 3x3; hardsigmoid; avgpool 2; flatten; dense 10; softmax",
        None,
    ),
    "sequences": (
        "input 28x28; conv1d 6 3; relu; maxpool1d 2; gru 8 all; lstm 6; dense 10; softmax",
        (1, 28, 28),
    ),
    "gates and larger maps": (
        "input 1x28x28; conv 6 3x3 stride 2 pad 1; relu; avgpool all; flatten; dense 3; relu; "
        "dense 6; sigmoid; multiply back 6; maxpool 2; upsample 2; concat back 2; tanh; "
        "convtranspose 4 3x3 stride 2x1 pad 1 groups 2; relu; avgpool 3; flatten; "
        "dense 10; softmax",
        None,
    ),
}


@pytest.mark.parametrize("small", [False, True], ids=["fast", "small"])
@pytest.mark.parametrize(("text", "images"), WHOLE.values(), ids=WHOLE)
@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.name)
def test_a_board_reads_others_in_whole_numbers_as_this_machine_does(
    board, text, images, small, digits, reckoned
):
    here = reckoned(text, images, 100, 200)
    made = c_file(here.trained, "net", here.whole, small=small)
    some = digits[: min(board.patience, 30 if small else 200)]
    level = "-Os" if small else "-O2"
    found = board.ask(Question(made.text, some.reshape(len(some), -1), 10, level=level))
    assert made.memory <= found.memory < made.memory + 12
    here.require_same(found, len(some))


@pytest.mark.parametrize(
    ("name", "small", "level", "most"),
    [("1000", True, "-Os", 3000), ("4000", False, "-O2", 9000), ("4000", True, "-O2", 6600)],
)
@pytest.mark.parametrize("board", [BOARDS[0], BOARDS[4]], ids=lambda board: board.name)
def test_networks_fit_into_so_much_flash(board, name, small, level, most, digits):
    """Untrained: what they take hardly depends on their weights."""
    trained = model_of(str(recipe(CURVE / f"{name}.txt").net)).trained()
    whole = quantise(trained, digits[:20])
    text = c_file(trained, "net", whole, small=small).text
    found = board.ask(Question(text, digits[:2].reshape(2, -1), 10, level=level))
    np.testing.assert_array_equal(found.classes, whole.classify(digits[:2]))
    assert found.flash <= most


def test_floats_are_read_by_a_board_that_has_them(digits):
    model = model_of(TEXT)
    m4 = next(board for board in BOARDS if board.name == "Cortex-M4")
    text = c_file(model.trained(), "net", None).text
    found = m4.ask(Question(text, digits[:40].reshape(40, -1), 10, kind="float"))
    sure = model.predict(digits[:40]).max(axis=1) > 0.5 + 1e-5
    np.testing.assert_array_equal(found.classes[sure], model.classify(digits[:40])[sure])
    assert sure.sum() > 30


@pytest.fixture(scope="module")
def gestures() -> Reckoned:
    turns = np.random.default_rng(1).uniform(0, 6, (50, 1, 3)) + np.arange(128)[:, None]
    middle = np.array([0, 1, -0.2])
    rows = np.round(np.sin(turns * [0.1, 0.3, 0.7]) + middle, 3).reshape(50, -1)
    model = model_of(str(builtin("gestures")))
    scaling = Scaling(1, np.tile(middle, 128), np.full(384, 0.7))
    trained = trained_net(model.net, model.values, scaling, classes=tuple("abcde"))
    whole = quantise_windows(trained, rows, 3)
    return Reckoned(trained, whole, whole.sensor.of(rows))


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.name)
def test_a_board_hears_windows_of_whole_numbers_as_this_machine_does(board, gestures):
    made = c_file(gestures.trained, "net", gestures.whole)
    found = board.ask(Question(made.text, gestures.given, 5))
    assert made.memory <= found.memory < made.memory + 12
    gestures.require_same(found, len(gestures.given))


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.name)
def test_a_board_hears_samples_of_sound_as_this_machine_does(board):
    trained, whole, given = of_sound(1200, "mel 12 frame 256 step 160")
    made = c_file(trained, "net", whole)
    found = board.ask(Question(made.text, given, 3))
    assert made.memory <= found.memory < made.memory + 12
    np.testing.assert_array_equal(found.classes, whole.classify(given))
    scores = whole.scores(given).astype(np.int32)
    np.testing.assert_array_equal(found.checksums, [checksum(row) for row in scores])
