"""One runner of a race: a process of its own that works whenever it is told.

    python -m bench.race.runner train NETWORK MODE BATCH THREADS
    python -m bench.race.runner recipe RECIPE MODE BATCH THREADS
    python -m bench.race.runner predict NETWORK MODE IMAGES THREADS

A piece of work is a training step, on the first digits or as a recipe has it, or what the network
says to all the images. Says `ready` once everything is built and compiled, and the loss of the last
of the first steps, all of them on the same images; reads a count from a line, does so many pieces
and answers with the seconds they took and the most memory the process has had, in MiB.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from math import nan
from time import perf_counter

import numpy as np

from bench.race import others
from bench.race.race import network_of

IMAGES = 6_400
WARM_UP = {
    "train": 50,
    "recipe": 6,
    "predict": 6,
}  # pieces of work; so many steps show that it learns
MEAN, DEVIATION = 0.1307, 0.3081
Work = Callable[[int], float]  # returns the last step's loss


def training(name: str, mode: str, batch: int, threads: int) -> Work:
    from gradbook.data.sources import load

    net = network_of(name)
    digits = load("digits").training_and_validation
    images = digits.pixels[:IMAGES].reshape(-1, *net.input).copy()
    labels = digits.labels[:IMAGES].astype(np.int64)
    if mode in others.MODES:
        return others.trainer(net, mode, batch, threads, images, labels)
    if mode != "engine":
        from bench.race.rivals import trainer

        steps: Work = trainer(net, mode, batch, threads, images, labels)
        return steps
    from gradbook.engine.native import NativeEngine

    engine = NativeEngine(net, batch, threads)
    engine.normalise(MEAN, DEVIATION, 255)
    order = np.random.default_rng(0).permutation(IMAGES)

    def train(count: int) -> float:
        while count > 0:
            losses = engine.epoch(images, labels, order=order[: count * batch]).losses
            count -= IMAGES // batch
        return float(losses[-1])

    return train


def by_recipe(name: str, mode: str, batch: int, threads: int) -> Work:
    """PyTorch's steps on the images of the recipe's data set, each drawn anew as it says."""
    from bench.race.rivals import trainer
    from gradbook.data.sources import load
    from gradbook.lab.recipes.recipe_text import builtin_recipe

    recipe = builtin_recipe(name)
    images = load(recipe.data).training_and_validation
    pixels, labels = images.pixels.copy(), images.labels.astype(np.int64)
    (rate,) = recipe.schedule.rates(0, 1, recipe.epochs, [])
    return trainer(
        recipe.net, mode, batch, threads, pixels, labels, rate=float(rate), warp=recipe.warp
    )


def predicting(name: str, mode: str, count: int, threads: int) -> Work:
    net = network_of(name)
    images = np.random.default_rng(0).integers(0, 256, (count, *net.input), dtype=np.uint8)
    if mode != "engine":
        from bench.race.rivals import predictor

        normal = ((images / 255 - MEAN) / DEVIATION).astype(np.float32)
        say: Callable[[], object] = predictor(net, mode, threads, normal)
    else:
        from gradbook.engine.native import NativeEngine

        engine = NativeEngine(net, min(count, 128), threads)
        engine.normalise(MEAN, DEVIATION, 255)

        def say() -> object:
            return engine.predict(images)

    def work(pieces: int) -> float:
        for _ in range(pieces):
            say()
        return nan

    return work


def most_memory() -> float:
    """MiB that this process has had at once."""
    try:
        import resource
    except ImportError:  # not on Windows
        return float("nan")
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / (1024 if sys.platform != "darwin" else 1024**2)


def main() -> None:
    work, name, mode, size, threads = sys.argv[1:]
    makers = {"train": training, "recipe": by_recipe, "predict": predicting}
    made = makers[work](name, mode, int(size), int(threads))
    print("ready", made(WARM_UP[work]), flush=True)
    for line in sys.stdin:
        began = perf_counter()
        made(int(line))
        print(perf_counter() - began, most_memory(), flush=True)


if __name__ == "__main__":
    main()
