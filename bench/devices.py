"""Trained networks as C on emulated boards: instructions, flash, memory, what rounding costs.

    python bench/devices.py RUN... [--images N] [--board NAME]... [--level -O2]

For each run it tells the accuracy on the 10,000 test images, of the network and of its C in whole
numbers, which is reckoned as C reckons it; then, board by board, whether the first N images are
answered as here, the instructions an image takes, and the bytes of code, constants and memory of
the exported file. QEMU counts instructions; it has no model of cycles. Needs the emulators and
cross compilers that CONTRIBUTING.md lists.
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from pathlib import Path
from statistics import fmean

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from gradbook.data.images import Images
from gradbook.data.sources import load
from gradbook.lab.models.model import Model
from gradbook.lab.models.on_devices import accuracy_in_c, learned_from
from gradbook.lab.training.run_folder import load as load_run
from gradbook.targets.portable.c_file import c_file
from gradbook.targets.portable.in_whole_numbers import quantised
from gradbook.targets.portable.whole_makers import WholeNumbers
from tests.outside.devices.boards import BOARDS, Board, asked, checksum


def main() -> None:
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("runs", nargs="+", metavar="RUN")
    parser.add_argument("--images", type=int, default=1000, help="that boards are asked about")
    parser.add_argument("--board", action="append", choices=[board.name for board in BOARDS])
    parser.add_argument("--level", default="-O2", help="of optimisation")
    options = parser.parse_args()
    boards = [board for board in BOARDS if not options.board or board.name in options.board]
    costs = []
    for run in options.runs:
        model = load_run(run)
        data = load(model.data)
        whole = quantised(model.trained(), learned_from(data))
        costs.append(_accuracies(run, model, whole, data.test_for_reporting))
        for board in boards:
            _ask(
                board, model, whole, data.test_for_reporting.pixels[: options.images], options.level
            )
    if len(costs) > 1:
        print(f"rounding costs {100 * fmean(costs):.3f} points in the mean of {len(costs)} runs")


def _accuracies(run: str, model: Model, whole: WholeNumbers, test: Images) -> float:
    exact = model.score(test.pixels, test.labels)
    rounded = accuracy_in_c(whole, test)
    print(f"{run}: {model.parameters:,} parameters, {exact:.2%}, in whole numbers {rounded:.2%}")
    return exact - rounded


def _ask(board: Board, model: Model, whole: WholeNumbers, images: np.ndarray, level: str) -> None:
    text = c_file(model.trained(), "net", whole).text
    found = asked(board, text, images.reshape(len(images), -1), model.net.outputs, level=level)
    scores = whole.scores(images).astype(np.int32)
    same = [checksum(row) for row in scores] == found.checksums.tolist()
    answers = "as here" if same else "NOT as here"
    print(
        f"  {board.name:<11}{len(images):>6,} images {answers}, "
        f"{found.effort / 1e6:.2f} M instructions each, "
        f"{found.flash:,} bytes of flash, {found.memory:,} of memory",
        flush=True,
    )


if __name__ == "__main__":
    main()
