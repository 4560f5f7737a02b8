"""The engine in WebAssembly, run in node: it trains to the bits of the command's own C."""

import json
import subprocess
from importlib.resources import files

import numpy as np
import pytest

from gradbook.data.warp_text import parse as warp
from gradbook.engine.native import NativeEngine
from gradbook.engine.wasm import trainer, warping_table
from gradbook.graph.build import inference
from gradbook.lab.training.rows import in_order
from gradbook.net import Net
from gradbook.targets.c.emit.source import source
from gradbook.targets.c.kernels.machine import machine
from tests.outside.systems.emulated import BATCH, EPOCHS, IMAGES, by_zig, carried, samples, trained
from tests.outside.systems.test_run import ALIKE, OWN_FUNCTIONS, differing, started
from tests.outside.witness import program

pytestmark = pytest.mark.witness("zig", "node")

DRIVER = __file__.replace("test_pages.py", "page_driver.mjs")
RATE = 0.0625


def in_node(engine, folder, **settings):
    """All that goes from step to step after 40 steps, bit by bit."""
    made = trainer(engine.net, BATCH)
    pixels, labels = samples(engine)
    channels = engine.net.input[0]
    plan = {
        "batch": BATCH,
        "seed": 0,
        "rates": [[RATE] * (IMAGES // BATCH)] * EPOCHS,
        "scale": [1 / 128] * channels,
        "shift": [-1] * channels,
        "pixels": int(np.prod(engine.net.input)),
        "warp": settings.get("warp"),
    }
    told = {"table": made.table(), "plan": plan, "carried": [*engine.carried()]}
    told["asTheyLie"] = settings.get("as_they_lie", False)
    (folder / "plan.json").write_text(json.dumps(told), encoding="utf-8")
    (folder / "module.wasm").write_bytes(made.code)
    (folder / "start").write_bytes(carried(engine))
    (folder / "pixels").write_bytes(pixels.tobytes())
    (folder / "labels").write_bytes(labels.tobytes())
    words = [program("node"), DRIVER, str(files("gradbook") / "web")]
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == (f"{EPOCHS * IMAGES // BATCH}\n", "")
    return (folder / "end").read_bytes()


@pytest.mark.parametrize("text", [ALIKE, OWN_FUNCTIONS], ids=["sums", "own functions"])
def test_a_page_trains_to_the_bits_of_a_musl_build(text, tmp_path):
    """Of the same C for every x86-64, with the same C library: exp, log and tanh included."""
    engine, _ = started(text)
    made = source(engine.step_graph, inference(engine.net), machine("plain"))
    here = trained(by_zig("x86_64-linux-musl"), made, engine, tmp_path)
    assert differing(in_node(engine, tmp_path, as_they_lie=True), here) == 0
    assert np.isfinite(np.frombuffer(here, np.float32)).all()


def test_a_page_takes_images_in_the_commands_order_and_warps_them_alike(tmp_path):
    """Turned images ask the C library for sines: those differ from system to system."""
    asked = warp("shift 1.5; scale 0.9 1.1; elastic 5 2")
    engine = NativeEngine(Net.parse(ALIKE), BATCH, level="plain")
    there = in_node(engine, tmp_path, warp=warping_table(asked, engine.net.input))
    engine.normalise(1, 1, 128)
    images, labels = samples(engine)
    for epoch in range(EPOCHS):
        order = in_order(0, epoch, np.arange(IMAGES))
        engine.epoch(images, labels, RATE, order=order, epoch=epoch, warp=asked)
    assert differing(there, carried(engine)) == 0
