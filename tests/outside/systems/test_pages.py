"""The engine in WebAssembly, run in node: it trains to the bits of the command's own C."""

import json
import subprocess
from importlib.resources import files

import numpy as np
import pytest

from gradbook.data.dataset import TEST, TRAINING, Part, assemble
from gradbook.data.warp import parse_warp as warp
from gradbook.engine.native import NativeEngine
from gradbook.engine.wasm import trainer, warping_table
from gradbook.lab.images import ImageProblem
from gradbook.lab.problem import order_samples
from gradbook.lab.recipes.recipe_text import parse
from gradbook.lab.training.run_training import TrainingRun, TrainingSetup
from gradbook.net import Net
from gradbook.net.build import inference
from gradbook.report.digits_tables import TrainingPack
from gradbook.targets.c.machine import machine
from gradbook.targets.c.source import source
from tests.outside.systems.emulated import BATCH, EPOCHS, IMAGES, by_zig, carried, samples, trained
from tests.outside.systems.test_run import ALIKE, OWN_FUNCTIONS, differing, started
from tests.outside.witness import program

pytestmark = pytest.mark.witness("zig", "node")

DRIVER = __file__.replace("test_pages.py", "page_driver.mjs")
RATE = 0.0625
NORMALISED = (
    "input 1x10x9; conv 6 3x3; batchnorm; relu; dropout 0.2; conv 6 1x1; batchnorm; relu; flatten; "
    "dense 4; loss half squared error; update momentum 0.9"
)


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
        "settling": settings.get("settling"),
    }
    told = {"table": made.table(), "plan": plan, "carried": [*engine.state()]}
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
        order = order_samples(0, epoch, np.arange(IMAGES))
        engine.epoch(images, labels, RATE, order=order, epoch=epoch, warp=asked)
    assert differing(there, carried(engine)) == 0


def test_a_page_takes_statistics_of_images_as_they_are_as_the_command_does(tmp_path):
    recipe = parse(
        f"warp shift 1.5, elastic 5 2; statistics unwarped; hold back none; batch {BATCH}; "
        f"epochs {EPOCHS}; schedule constant {RATE}; {NORMALISED}"
    )
    engine = NativeEngine(recipe.net, BATCH, level="plain")
    images, labels = samples(engine)
    parts = {part: Part(images, labels, "images", "labels", str) for part in (TRAINING, TEST)}
    dataset = assemble("samples", "", parts)
    pack = TrainingPack.of(recipe, dataset, IMAGES)
    plan = pack.table(recipe.net, {})["plan"]
    there = in_node(engine, tmp_path, warp=plan["warp"], settling=plan["settling"])
    problem = ImageProblem(pack.recipe, dataset)
    ready = TrainingSetup(pack.recipe, problem, problem.material(pack.recipe), engine)
    run = TrainingRun(ready, 0.0)
    engine.normalise(1, 1, 128)
    run.run()
    assert differing(there, carried(engine)) == 0
