"""How fast a page trains: its module in Node and in Chromium, beside the engine and TensorFlow.js.

    python bench/browser.py                  the engine on one thread, Node and Chromium
    python bench/browser.py --tfjs FOLDER    beside TensorFlow.js, which is installed in FOLDER
                                             (@tensorflow/tfjs and @tensorflow/tfjs-backend-wasm)

The network of `quick` on batches of 256 unwarped digits (of 32 in TensorFlow.js, which takes long
enough for those). Each is a process of its own and they take turns; the median of the turns is
given. Needs zig, node and chromium.
"""

from __future__ import annotations

import json
import subprocess
import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from importlib.resources import files
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np

from gradbook.data.sources import load
from gradbook.data.warp import Warp
from gradbook.engine.native import NativeEngine
from gradbook.lab.models.model import untrained
from gradbook.lab.recipes.builtin import recipe
from gradbook.report.digits.packing import TrainingPack, scales
from gradbook.report.digits.page import digits_page
from tests.outside.browser import browser
from tests.outside.witness import program

HERE = Path(__file__).parent / "browser"
IMAGES, TESTED = 5_120, 10
SECONDS = 3  # of a turn
BATCH, THEIRS = 256, 32

Racer = Callable[[], float]


def main(words: list[str]) -> None:
    parser = ArgumentParser(description=__doc__, formatter_class=RawDescriptionHelpFormatter)
    parser.add_argument("--tfjs", metavar="FOLDER", help="where its node_modules are")
    parser.add_argument("--rounds", type=int, default=5, help="turns (default: 5)")
    options = parser.parse_args(words)
    with TemporaryDirectory() as name:
        racers = dict(_racers(Path(name), options.tfjs))
        speeds: dict[str, list[float]] = {who: [] for who in racers}
        for _ in range(options.rounds):
            for who, racer in racers.items():
                speeds[who].append(racer())
    for who, found in speeds.items():
        print(f"{who:34} {median(found):10,.0f} images/s ({min(found):,.0f} to {max(found):,.0f})")


def _racers(folder: Path, tfjs: str | None) -> Iterator[tuple[str, Racer]]:
    data = load("digits")
    asked = replace(recipe("quick"), warp=Warp(), batch=BATCH, epochs=400)
    train = data.training_and_validation[:IMAGES]
    pack = TrainingPack(asked, train, data.test_for_reporting[:TESTED])
    model = untrained(asked.net, data)
    (folder / "pack.json").write_text(json.dumps(pack.table(model.net, scales(model))))
    (folder / "page.html").write_text(digits_page(model, pack), encoding="utf-8")
    for level, words in (("native", "its own vectors"), ("plain", "four lanes")):
        yield (
            f"engine, {words}",
            partial(_native, NativeEngine(asked.net, BATCH, level=level), pack),
        )
    web = str(files("gradbook") / "web")
    yield "page in Node", partial(_node, "ours.mjs", web, str(folder / "pack.json"), str(SECONDS))
    yield "page in Chromium", partial(_chromium, folder / "page.html")
    for backend in ("wasm", "cpu") if tfjs else ():
        asked_of_it = (str(Path(tfjs or "").resolve()), backend, str(THEIRS), str(SECONDS))
        yield f"TensorFlow.js in Node, {backend}", partial(_node, "tfjs.mjs", *asked_of_it)


def _native(engine: NativeEngine, pack: TrainingPack) -> float:
    pixels, labels = pack.images.pixels, pack.images.labels
    engine.normalise(0.13, 0.31, 255)
    seen, began = 0, perf_counter()
    while perf_counter() - began < SECONDS:
        engine.epoch(pixels, labels, 0.01, order=np.arange(IMAGES))
        seen += IMAGES
    return seen / (perf_counter() - began)


def _node(script: str, *words: str) -> float:
    command = [program("node"), str(HERE / script), *words]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    last = said.strip().splitlines()[-1]
    if last.startswith("can't"):
        print(f"{script} {words[1]}: {last}", file=sys.stderr)
        return float("nan")
    return float(last)


def _chromium(page: Path) -> float:
    """What the page itself says while it trains."""
    with browser() as opened:
        opened.show(page)
        waiting = "document.querySelector('#go').disabled ? setTimeout(look, 20) : done(1)"
        opened.value(f"new Promise(done => {{ const look = () => {waiting}; look() }})")
        opened.value("document.querySelector('#go').click()")
        opened.value(f"new Promise(done => setTimeout(done, {1000 * SECONDS}))")
        return float(opened.text("#speed").replace(",", ""))


if __name__ == "__main__":
    main(sys.argv[1:])
