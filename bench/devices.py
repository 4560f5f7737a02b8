"""Trained networks as C on emulated boards: instructions, flash, memory, the cost of rounding.

    python bench/devices.py [RUN...] [--images N] [--board NAME]... [--level -O2] [--small]
                            [--floats] [--onnx2c PROGRAM] [--emlearn FOLDER]
                            [--bitnetmcu FOLDER] [--tinymaix FOLDER]

For each run it prints the accuracy on the 10,000 test images, of the network and of its C in whole
numbers, which is computed here as C computes it. For each board it prints whether the first N
images get the same answers as here, the instructions per image, and the bytes of code, constants
and memory of the exported file, plus the image and the stack that was used. QEMU counts
instructions; it has no model of cycles. AVRs are emulated by simavr, which counts cycles; they read
20 images. Needs the emulators and cross compilers that CONTRIBUTING.md lists.

A run on signals reads test windows instead, on boards with room for one.

With --floats the C in floats is measured, too, on 20 images. With --onnx2c so is the C that this
program (https://github.com/kraiskil/onnx2c) makes from the exported ONNX model, and with --emlearn
the C that https://emlearn.org makes from dense layers (`pip install --target FOLDER emlearn`). The
code that a library adds for floats isn't counted; that of RISC-V is picolibc, from the package
picolibc-riscv64-unknown-elf.

--bitnetmcu and --tinymaix name folders with https://github.com/cpldcpu/BitNetMCU and
https://github.com/sipeed/TinyMaix: their networks, with the weights included there, run on the same
boards (among AVRs on the one with most memory, into which their constants are copied). All other C
also runs on this machine, on all test images.
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path
from statistics import fmean

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench.peers import bitnetmcu, tinymaix
from bench.peers.floats import by_emlearn, by_onnx2c
from bench.peers.peer import Peer, asked_on, with_floats
from gradbook.data.dataset import Images
from gradbook.data.sources import load
from gradbook.lab.models.exporting import accuracy_in_c, fitting_images, in_places
from gradbook.lab.models.model import Model
from gradbook.lab.recipes.recipe import USUAL_DATA
from gradbook.lab.training.run_folder import load as load_run
from gradbook.targets.portable.c_file import c_file
from gradbook.targets.portable.whole_makers import WholeNumbers, quantise, quantise_windows
from tests.outside.devices import avr, boards
from tests.outside.devices.boards import Asked, Question, checksum

AVRS = (avr.MEGA, avr.LARGE, avr.UNO)
FEW = 20  # images, if one takes long


def main() -> None:
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("runs", nargs="*", metavar="RUN")
    parser.add_argument("--images", type=int, default=1000, help="images that boards read")
    known = [board.name for board in (*boards.BOARDS, *AVRS)]
    parser.add_argument("--board", action="append", choices=known)
    parser.add_argument("--level", default="-O2", help="the level of optimisation")
    parser.add_argument("--small", action="store_true", help="choose the smallest code")
    parser.add_argument("--floats", action="store_true", help="measure the C in floats, too")
    parser.add_argument("--onnx2c", metavar="PROGRAM", help="measure its C, too")
    parser.add_argument("--emlearn", metavar="FOLDER", type=Path, help="measure its C, too")
    parser.add_argument("--bitnetmcu", metavar="FOLDER", type=Path, help="measure its networks")
    parser.add_argument("--tinymaix", metavar="FOLDER", type=Path, help="measure its network, too")
    options = parser.parse_args()
    costs = []
    for run in options.runs:
        model = load_run(run)
        if model.columns:
            costs.append(_ask_about_windows(run, model, options))
            continue
        data = load(model.data)
        whole = quantise(model.trained(), fitting_images(data))
        costs.append(_accuracies(run, model, whole, data.test_for_reporting))
        for board in _boards(options):
            _ask(board, model, whole, data.test_for_reporting.pixels, options)
        for peer in _makers(options, model, data.test_for_reporting.pixels):
            _ask_peer(peer, data.test_for_reporting, options)
    if len(costs) > 1:
        print(f"rounding costs {100 * fmean(costs):.3f} points in the mean of {len(costs)} runs")
    test = load(USUAL_DATA).test_for_reporting
    for peer in _peers(options, test.pixels):
        _ask_peer(peer, test, options)


def _ask_about_windows(run: str, model: Model, options: Namespace) -> float:
    """The cost of rounding for a run on signals, whose test windows the boards read."""
    windows = model.recorded_windows()
    whole = quantise_windows(
        model.trained(), in_places(windows.fitting), len(model.windows.channels)
    )
    given = whole.sensor.of(windows.scored)
    exact, rounded = (
        float((found == windows.labels).mean())
        for found in (model.answers(windows.scored).argmax(axis=1), whole.classify(given))
    )
    print(
        f"{run}: {model.trained().net.count():,} parameters, {exact:.2%} of {len(given)} windows, "
        f"in whole numbers {rounded:.2%}",
        flush=True,
    )
    made = c_file(model.trained(), "net", whole, small=options.small)
    for board in _boards(options):
        small = isinstance(board, avr.Avr)
        if small and made.memory + made.input > board.memory:
            print(f"  {board.name:<12}has no room for a window of {made.input:,} bytes")
            continue
        some = given[: min(options.images, FEW) if small else options.images]
        outputs = model.trained().net.outputs
        found = board.ask(Question(made.text, some, outputs, level=options.level))
        scores = whole.scores(some).astype(np.int32)
        same = [checksum(row) for row in scores] == found.checksums.tolist()
        _tell(board.name, "whole numbers", found, same, some[0].nbytes, "window")
        floats = options.floats and isinstance(board, boards.Board) and with_floats(board)
        if floats:
            rows = windows.scored[:FEW].astype(np.float32)
            text = c_file(model.trained(), "net", None).text
            many, level = len(model.classes), options.level
            found = floats.ask(Question(text, rows, many, "float", level, strict=False))
            same = bool((found.classes == model.answers(rows).argmax(axis=1)).all())
            _tell(board.name, "floats", found, same, rows[0].nbytes, "window")
    return exact - rounded


def _boards(options: Namespace) -> list[boards.Board | avr.Avr]:
    known = (*boards.BOARDS, *AVRS)
    usual = [board.name for board in known if board != avr.UNO]  # too small for most networks
    return [board for board in known if board.name in (options.board or usual)]


def _makers(options: Namespace, model: Model, images: np.ndarray) -> list[Peer]:
    """The same network as C made by other programs."""
    rows = images.reshape(len(images), -1)
    found = [by_onnx2c(options.onnx2c, model, rows)] if options.onnx2c else []
    return found + ([by_emlearn(options.emlearn, model, rows)] if options.emlearn else [])


def _peers(options: Namespace, images: np.ndarray) -> list[Peer]:
    own = images.reshape(len(images), *images.shape[-2:])
    found = bitnetmcu.peers(options.bitnetmcu, own) if options.bitnetmcu else []
    return found + (tinymaix.peers(options.tinymaix, own) if options.tinymaix else [])


def _ask_peer(peer: Peer, test: Images, options: Namespace) -> None:
    classes = peer.classify()
    right = float((classes == np.asarray(test.labels)).mean())
    print(f"{peer.name}: {right:.2%} by its C", flush=True)
    for board in _boards(options):
        if isinstance(board, avr.Avr) and (board != avr.LARGE or not peer.on_avrs):
            continue
        slow = peer.floats or isinstance(board, avr.Avr)
        count = min(options.images, FEW) if slow else options.images
        found = asked_on(board, peer, peer.images[:count], options.level)
        if not found:
            print(f"  {board.name:<12}has no room for it, or no library", flush=True)
            continue
        same = bool((found.classes == classes[:count]).all())
        _tell(board.name, "", found, same, peer.image_bytes)


def _accuracies(run: str, model: Model, whole: WholeNumbers, test: Images) -> float:
    exact = model.score(test.pixels, test.labels)
    rounded = accuracy_in_c(whole, test)
    print(
        f"{run}: {model.parameters:,} parameters, {exact:.2%}, in whole numbers {rounded:.2%}",
        flush=True,
    )
    return exact - rounded


def _ask(
    board: boards.Board | avr.Avr,
    model: Model,
    whole: WholeNumbers,
    images: np.ndarray,
    options: Namespace,
) -> None:
    trained, outputs = model.trained(), model.net.outputs
    small = isinstance(board, avr.Avr)
    some = images[: min(options.images, FEW) if small else options.images]
    rows = some.reshape(len(some), -1)
    text = c_file(trained, "net", whole, small=options.small).text
    found = board.ask(Question(text, rows, outputs, level=options.level))
    scores = whole.scores(some).astype(np.int32)
    same = [checksum(row) for row in scores] == found.checksums.tolist()
    image_bytes = rows[0].nbytes
    _tell(board.name, "whole numbers", found, same, image_bytes)
    floats = options.floats and isinstance(board, boards.Board) and with_floats(board)
    if not floats:
        return
    text = c_file(trained, "net", None).text
    found = floats.ask(Question(text, rows[:FEW], outputs, "float", options.level, strict=False))
    same = bool((found.classes == model.classify(some[:FEW])).all())
    _tell(board.name, "floats", found, same, image_bytes)


def _tell(board: str, kind: str, found: Asked, same: bool, size: int, what: str = "image") -> None:
    answers = "as here" if same else "NOT as here"
    unit = "cycles" if board.startswith("atmega") else "instructions"
    print(
        f"  {board:<12}{kind:<16}{len(found.classes):>6,} {what}s {answers}, "
        f"{found.effort / 1e6:.2f} M {unit} each, "
        f"{found.flash:,} bytes of flash, {found.memory:,} of memory, with the {what} ({size:,}) "
        f"and the stack ({found.stack:,}) {found.memory + size + found.stack:,}",
        flush=True,
    )


if __name__ == "__main__":
    main()
