"""How fast a page trains: its module in Node and in Chromium, beside the engine and TensorFlow.js.

    python bench/browser.py                  the engine on one thread, Node and Chromium
    python bench/browser.py --tfjs FOLDER    beside TensorFlow.js, which is installed in FOLDER
                                             (npm install @tensorflow/tfjs and
                                             @tensorflow/tfjs-backend-wasm)

There are two networks: that of `quick`, on batches of 256 unwarped digits (32 in TensorFlow.js,
which is slow), and `dense`, with 64 hidden units and no convolutions, on batches of 256, because
TensorFlow.js can't train convolutions in WebAssembly. All take turns, with the pages in one
browser, and the median is shown. The last figure is the time from opening a page with a trained
network until one can draw on it and it has read its first image. Needs zig, node and chromium.
"""

from __future__ import annotations

import json
import subprocess
import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from base64 import b64encode
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
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
from gradbook.lab.models.model import untrained_model
from gradbook.lab.recipes.recipe_text import recipe
from gradbook.net import parse
from gradbook.report.digits_page import digits_page
from gradbook.report.digits_tables import TrainingPack, scales
from tests.outside.browser import Browser, browser
from tests.outside.witness import program

HERE = Path(__file__).parent / "browser"
IMAGES, TESTED = 5_120, 10
SECONDS = 3  # per turn
READY = ("tiny", "quick", "best")
BATCH = 256
THEIRS = {"quick": 32, "dense": BATCH}
DENSE = "input 1x28x28; flatten; dense 64; relu; dense 10; softmax; update momentum nesterov"
WASM = "tfjs-backend-wasm"

Racer = Callable[[], float]


@dataclass(frozen=True)
class Race:
    """One network, with the paths of its files and of TensorFlow.js."""

    name: str
    folder: Path
    opened: Browser
    tfjs: Path | None

    def racers(self) -> Iterator[tuple[str, Racer]]:
        net = recipe("quick").net if self.name == "quick" else parse(DENSE)
        data = load("digits")
        asked = replace(recipe("quick"), net=net, warp=Warp(), batch=BATCH, epochs=400)
        train = data.training_and_validation[:IMAGES]
        pack = TrainingPack(asked, train, data.test_for_reporting[:TESTED])
        model = untrained_model(asked.net, data)
        table = self.folder / f"{self.name}.json"
        table.write_text(json.dumps(pack.table(model.net, scales(model))))
        page = self.folder / f"{self.name}.html"
        page.write_text(digits_page(model, pack), encoding="utf-8")
        for level, words in (("native", "its own vectors"), ("plain", "four lanes")):
            engine = NativeEngine(asked.net, BATCH, level=level)
            yield f"engine, {words}", partial(_native, engine, pack)
        web = str(files("gradbook") / "web")
        yield "page in Node", partial(_node, "ours.mjs", web, str(table), str(SECONDS))
        yield "page in Chromium", partial(_page, self.opened, page)
        if self.tfjs:
            yield from self._theirs(self.tfjs)

    def _theirs(self, tfjs: Path) -> Iterator[tuple[str, Racer]]:
        batch = THEIRS[self.name]
        for backend in ("wasm", "cpu"):
            asked = (str(tfjs.resolve()), backend, self.name, str(batch), str(SECONDS))
            yield f"TensorFlow.js in Node, {backend}", partial(_node, "tfjs.mjs", *asked)
            page = self.folder / f"tfjs_{backend}.html"
            page.write_text(_their_page(tfjs, backend), encoding="utf-8")
            run = f"run({json.dumps(self.name)}, {batch}, {SECONDS})"
            yield f"TensorFlow.js in Chromium, {backend}", partial(_run, self.opened, page, run)


def main(words: list[str]) -> None:
    parser = ArgumentParser(description=__doc__, formatter_class=RawDescriptionHelpFormatter)
    parser.add_argument("--tfjs", metavar="FOLDER", type=Path, help="has its node_modules")
    parser.add_argument("--rounds", type=int, default=5, help="turns (default: 5)")
    options = parser.parse_args(words)
    with TemporaryDirectory() as name, browser() as opened:
        for network in THEIRS:
            race = Race(network, Path(name), opened, options.tfjs)
            _tell(network, dict(race.racers()), options.rounds)
        _tell_ready(opened, Path(name), options.rounds)


def _tell(network: str, racers: dict[str, Racer], rounds: int) -> None:
    speeds: dict[str, list[float]] = {who: [] for who in racers}
    for _ in range(rounds):
        for who, racer in racers.items():
            speeds[who].append(racer())
    print(network)
    for who, found in speeds.items():
        spread = f"({min(found):,.0f} to {max(found):,.0f})"
        print(f"  {who:34} {median(found):10,.0f} images/s {spread}", flush=True)


def _tell_ready(opened: Browser, folder: Path, rounds: int) -> None:
    """Milliseconds from the opening of each built-in page until it can be drawn on."""
    print("ready to draw")
    for name in READY:
        page = folder / f"{name}.html"
        subprocess.run([sys.executable, "-m", "gradbook", "play", name, "-o", page], check=True)
        waits = [_ready(opened, page) for _ in range(rounds)]
        print(f"  {name:34} {median(waits):10,.0f} ms ({min(waits):,.0f} to {max(waits):,.0f})")


def _ready(opened: Browser, page: Path) -> float:
    opened.show(page)
    return float(opened.until("performance.getEntriesByName('ready')[0]?.startTime"))


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
    return _speed(f"{script} {words[1]}", said.strip().splitlines()[-1])


def _speed(who: str, said: object) -> float:
    if str(said).startswith("can't"):
        print(f"{who}: {said}", file=sys.stderr)
        return float("nan")
    return float(str(said))


def _page(opened: Browser, page: Path) -> float:
    """The speed that the page itself shows while it trains."""
    opened.show(page)
    waiting = "document.querySelector('#go').disabled ? setTimeout(look, 20) : done(1)"
    opened.value(f"new Promise(done => {{ const look = () => {waiting}; look() }})")
    opened.value("document.querySelector('#go').click()")
    opened.value(f"new Promise(done => setTimeout(done, {1000 * SECONDS}))")
    speed = float(opened.text("#speed").replace(",", ""))
    opened.show("about:blank")  # so that it doesn't train on in another's turn
    return speed


def _run(opened: Browser, page: Path, run: str) -> float:
    opened.show(page)
    said = opened.value(run)
    opened.show("about:blank")
    return _speed(page.name, said)


def _their_page(tfjs: Path, backend: str) -> str:
    """TensorFlow.js on a page of its own, with its scripts inline, as a file can't load modules."""
    folder = tfjs.resolve() / "node_modules" / "@tensorflow"
    scripts = [folder / "tfjs" / "dist" / "tf.min.js"]
    modules = {}
    if backend == "wasm":
        built = folder / WASM / "dist"
        scripts.append(built / "tf-backend-wasm.min.js")
        for file in built.glob("*.wasm"):
            modules[file.name] = (
                f"data:application/wasm;base64,{b64encode(file.read_bytes()).decode()}"
            )
    sources = "".join(f'<script src="{it.as_uri()}"></script>' for it in scripts)
    paths = f"tf.wasm.setWasmPaths({json.dumps(modules)})" if modules else ""
    return f"""<!DOCTYPE html><meta charset="utf-8"><title>TensorFlow.js</title>{sources}
<script>{(HERE / "tfjs_networks.js").read_text("utf-8")}
async function run(...asked) {{
  {paths}
  await tf.setBackend({json.dumps(backend)})
  await tf.ready()
  return tfjsSpeed(tf, ...asked)
}}</script>"""


if __name__ == "__main__":
    main(sys.argv[1:])
