"""The benefit of learning on the device, and its cost there.

    python bench/learning.py [--seeds 3] [--rate 0.01] [--boards]

A network of the recipe `quick` with ten outputs is trained for 3 epochs on the digits 0 to 7 only.
Its exported C then learns from training images of all ten digits, one step each, in whole numbers
(computed here as C does, to the last bit) and in floats. It prints the share of the 10,000 test
images that are read correctly after several numbers of steps, averaged over the seeds, which choose
the images. With --boards the C of the included `tiny` runs on emulated boards with and without
learning: it prints bytes, and the instructions (cycles of an AVR) of a learning step with its
answer.
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from gradbook.data.dataset import Dataset
from gradbook.data.sources import load
from gradbook.engine.engines import open_engine
from gradbook.lab.models.exporting import fitting_images
from gradbook.lab.models.model import Model, load_shipped, trained_shapes
from gradbook.lab.recipes.recipe_text import builtin_recipe
from gradbook.system import cores
from gradbook.targets.portable.c_file import c_file
from gradbook.targets.portable.learning import LastLayer, last_layer
from gradbook.targets.portable.reckoning import maps_of
from gradbook.targets.portable.whole_learning import WholeLast, WholeLearner, whole_last
from gradbook.targets.portable.whole_makers import quantise
from tests.outside.devices import avr, boards
from tests.outside.devices.boards import Question

TOLD = (0, 50, 100, 200, 500, 1000, 2000)  # numbers of images learnt from
KNOWN = 8  # digits that the network was trained on
EPOCHS, RATE, RISE = 3, 0.2, 0.2
AT_ONCE = 500


def main() -> None:
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--rate", type=float, default=0.01, help="the rate on the device")
    parser.add_argument("--boards", action="store_true", help="run emulated boards, too")
    options = parser.parse_args()
    data = load("digits")
    if options.boards:
        _ask_boards(data)
    model = _trained_on_some(data)
    print("learnt from | whole numbers: all, 8 and 9, 0 to 7 | floats: the same", flush=True)
    found = [_learn(model, data, seed, options.rate) for seed in range(options.seeds)]
    for count, shares in zip(TOLD, np.mean(found, axis=0), strict=True):
        print(f"{count:>6,} " + "  ".join(f"{share:.2%}" for share in shares.ravel()))


def _trained_on_some(data: Dataset) -> Model:
    """Train with a rate that rises and falls, without warps."""
    chosen, recipe = data.training.labels < KNOWN, builtin_recipe("quick")
    images, labels = data.training.pixels[chosen], data.training.labels[chosen].astype(np.int32)
    mean, deviation = images.mean() / 255, images.std() / 255
    engine = open_engine(recipe.net, recipe.batch, cores())
    engine.normalise([mean], [deviation], 255)
    steps = -(-len(images) // recipe.batch)
    part = np.arange(EPOCHS * steps) / (EPOCHS * steps)
    fall = (1 + np.cos(np.pi * np.maximum(0, (part - RISE) / (1 - RISE)))) / 2
    rates = (RATE * np.minimum(part / RISE, 1) * fall).reshape(EPOCHS, steps)
    random = np.random.default_rng(0)
    for epoch, own in enumerate(rates):
        order = random.permutation(len(images))
        engine.epoch(images, labels, own, order=order, epoch=epoch)
    values = {name: engine.state()[name] for name in trained_shapes(recipe.net)}
    return Model(recipe.net, values, [mean], [deviation], tuple("0123456789"), {})


def _learn(model: Model, data: Dataset, seed: int, rate: float) -> np.ndarray:
    """Shares of the test images that are read right: (counts, whole numbers and floats, of all, of
    the new digits, of the known)."""
    trained = model.trained()
    last = last_layer(trained)
    own = whole_last(last, quantise(trained, fitting_images(data), learns=True))
    chosen = np.random.default_rng(seed).permutation(len(data.training))[: TOLD[-1]]
    images, labels = data.training.pixels[chosen], data.training.labels[chosen]
    test = data.test_for_reporting
    (levels, exact), (test_levels, test_exact) = (
        _features(last, own, pixels) for pixels in (images, test.pixels)
    )
    learner, weights, bias = WholeLearner(own), last.weights.copy(), last.bias
    assert bias is not None
    found = []
    for number in range(TOLD[-1] + 1):
        if number in TOLD:
            said = [learner.scores(test_levels), test_exact @ weights.T + bias]
            right = [scores.argmax(axis=1) == test.labels for scores in said]
            new = test.labels >= KNOWN
            found.append([[one.mean(), one[new].mean(), one[~new].mean()] for one in right])
        if number == len(labels):
            break
        label = int(labels[number])
        learner.learn(levels[number], label, round(rate * 2**15))
        sums = weights @ exact[number] + bias
        slopes = np.exp(sums - np.logaddexp.reduce(sums)) - (np.arange(len(sums)) == label)
        weights -= rate * np.outer(slopes, exact[number])
        bias = bias - rate * slopes
    return np.array(found)


def _features(last: LastLayer, own: WholeLast, pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The inputs of the last layer, as levels and exactly."""
    parts = [pixels[k : k + AT_ONCE] for k in range(0, len(pixels), AT_ONCE)]
    levels = [own.features.scores(part) for part in parts]
    exact = [maps_of(last.features, part)[-1].reshape(len(part), -1) for part in parts]
    return np.concatenate(levels), np.concatenate(exact)


def _ask_boards(data: Dataset) -> None:
    model = load_shipped("tiny")
    assert model is not None
    trained, test = model.trained(), data.test_for_reporting[:20]
    last, rows = last_layer(trained), test.pixels.reshape(20, -1)
    fitting = fitting_images(data)
    for kind in ("int32_t", "float"):
        whole = kind == "int32_t"
        own = [quantise(trained, fitting, learns) if whole else None for learns in (False, True)]
        plain = c_file(trained, "net", own[0]).text
        learns = c_file(trained, "own", own[1], last=last).text
        rate = "328" if whole else "0.01f"
        learning = boards.that_learns(learns, test.labels.tolist(), rate, kind)
        for board in (boards.BOARDS[0], boards.BOARDS[1], avr.MEGA):
            if isinstance(board, avr.Avr) and kind == "float":  # it has too little memory
                continue
            first, then = (board.ask(Question(text, rows, 10, kind)) for text in (plain, learning))
            print(
                f"{board.name} {kind}: {first.flash:,} → {then.flash:,} bytes of flash, "
                f"{first.memory:,} → {then.memory:,} of memory, "
                f"{first.effort / 1e6:.3f} M → {then.effort / 1e6:.3f} M for a step and the answer",
                flush=True,
            )


if __name__ == "__main__":
    main()
