"""A convnet learns five digits, then the other five with all but its last layer frozen.

python bench/fine_tuning.py      # beside the same in PyTorch, five seeds of each; about two minutes

Both see the same images, scaled alike, in batches of 32 by the same rule at the same rates. Start
weights and orders are each program's own, so that only means over seeds can be compared.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from statistics import fmean, stdev
from time import perf_counter

import numpy as np
import torch
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).parents[1]))

import gradbook as gb
from gradbook.data.sources import load

NET = (
    "input 1x28x28; conv 6 5x5; relu; maxpool 2; conv 12 5x5; relu; maxpool 2; flatten; dense 5; "
    "log softmax; loss cross-entropy; update momentum 0.9"
)
RATE, BATCH, FIRST, SECOND = 0.01, 32, 3, 3  # epochs of each training
LEARNED, TESTED = 2_000, 2_000  # images of each five digits
Part = tuple[NDArray[np.uint8], NDArray[np.int64]]


def five(images: NDArray[np.uint8], labels: NDArray[np.int32], first: int, count: int) -> Part:
    """The first images of five digits, with the labels 0 to 4."""
    chosen = np.flatnonzero((labels >= first) & (labels < first + 5))[:count]
    return images[chosen], labels[chosen].astype(np.int64) - first


def own_scores(low: Part, high: Part, test: Part, seed: int) -> tuple[float, float, float]:
    """gradbook: right with the last layer alone learned, with everything, and from anew."""
    every = {"validation": 0, "seed": seed, "test": test, "epochs": SECOND}
    how = f"schedule constant {RATE}; batch {BATCH}"
    first = gb.train(NET, *low, set=how, **every | {"epochs": FIRST, "test": 0})
    frozen = gb.train(NET, *high, set=f"{how}; freeze conv1 conv2", start=first, **every)
    for name in ("w_layer_0", "b_layer_0", "w_layer_3", "b_layer_3"):
        assert np.array_equal(frozen.model.values[name], first.model.values[name])
    free = gb.train(NET, *high, set=how, start=first, **every)
    anew = gb.train(NET, *high, set=how, **every)
    return frozen.test.score, free.test.score, anew.test.score


def module() -> torch.nn.Sequential:
    layers = torch.nn
    return layers.Sequential(
        *(layers.Conv2d(1, 6, 5), layers.ReLU(), layers.MaxPool2d(2)),
        *(layers.Conv2d(6, 12, 5), layers.ReLU(), layers.MaxPool2d(2)),
        *(layers.Flatten(), layers.Linear(192, 5)),
    )


def their_scores(low: Part, high: Part, test: Part, seed: int) -> tuple[float, float, float]:
    torch.manual_seed(seed)
    mean, deviation = float(low[0].mean()), float(low[0].std())

    def scaled(part: Part, on: Part | None = None) -> tuple[torch.Tensor, torch.Tensor]:
        own = (mean, deviation) if on is None else (float(on[0].mean()), float(on[0].std()))
        pixels = (part[0].astype(np.float32) - own[0]) / own[1]
        return torch.from_numpy(pixels.astype(np.float32)), torch.from_numpy(part[1])

    def learned(net: torch.nn.Module, x: torch.Tensor, y: torch.Tensor, epochs: int) -> None:
        learning = [weights for weights in net.parameters() if weights.requires_grad]
        optimizer = torch.optim.SGD(learning, RATE, momentum=0.9)
        for _ in range(epochs):
            for chosen in torch.randperm(len(x)).split(BATCH):
                optimizer.zero_grad()
                torch.nn.functional.cross_entropy(net(x[chosen]), y[chosen]).backward()
                optimizer.step()

    def right(net: torch.nn.Module, x: torch.Tensor, y: torch.Tensor) -> float:
        with torch.no_grad():
            return float((net(x).argmax(1) == y).float().mean())

    first = module()
    learned(first, *scaled(low), FIRST)
    frozen, free, anew = module(), module(), module()
    for net in (frozen, free):
        net.load_state_dict(first.state_dict())
    for weights in [*frozen.parameters()][:4]:
        weights.requires_grad_(False)
    for net in (frozen, free):
        learned(net, *scaled(high), SECOND)
    learned(anew, *scaled(high, high), SECOND)
    return (
        right(frozen, *scaled(test)),
        right(free, *scaled(test)),
        right(anew, *scaled(test, high)),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=5)
    seeds = parser.parse_args().seeds
    torch.set_num_threads(1)
    digits = load("digits")
    training, tested = digits.training_and_validation, digits.test_for_reporting
    low = five(training.pixels, training.labels, 0, LEARNED)
    high = five(training.pixels, training.labels, 5, LEARNED)
    test = five(tested.pixels, tested.labels, 5, TESTED)
    for name, scores in (("gradbook", own_scores), ("PyTorch", their_scores)):
        began = perf_counter()
        found = [scores(low, high, test, seed) for seed in range(seeds)]
        print(f"{name}, {perf_counter() - began:.0f} s")
        by_kind = zip(*found, strict=True)
        for what, values in zip(("last layer", "all layers", "anew"), by_kind, strict=True):
            each = " ".join(f"{100 * value:.2f}" for value in values)
            spread = 100 * stdev(values) if seeds > 1 else 0.0
            print(f"  {what:11}{100 * fmean(values):.2f} ± {spread:.2f} % right: {each}")


if __name__ == "__main__":
    main()
