"""One runner of a race: a process of its own that trains so many steps whenever it is told.

    python -m gradbook.lab.runner NETWORK MODE BATCH THREADS

Reads a number of steps from a line, does them and answers with the seconds they took.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from time import perf_counter

import numpy as np

from gradbook.net import builtin

IMAGES = 6_400  # made up: what they show doesn't matter to the clock


def steps_of(name: str, mode: str, batch: int, threads: int) -> Callable[[int], None]:
    net = builtin(name)
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (IMAGES, *net.input), dtype=np.uint8)
    labels = random.integers(0, net.outputs, IMAGES)
    if mode != "engine":
        from gradbook.lab.rivals import trainer

        steps: Callable[[int], None] = trainer(net, mode, batch, threads, images, labels)
        return steps
    from gradbook.engine.native import NativeEngine

    engine = NativeEngine(net, batch, threads)
    engine.normalise(0.1307, 0.3081, 255)

    def train(count: int) -> None:
        order = random.permutation(IMAGES)
        while count > 0:
            engine.epoch(images, labels, order=order[: count * batch])
            count -= IMAGES // batch

    return train


def main() -> None:
    name, mode, batch, threads = sys.argv[1:]
    run = steps_of(name, mode, int(batch), int(threads))
    run(6)
    print("ready", flush=True)
    for line in sys.stdin:
        began = perf_counter()
        run(int(line))
        print(perf_counter() - began, flush=True)


if __name__ == "__main__":
    main()
