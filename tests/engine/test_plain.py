"""Without a compiler an engine trains all the same, and says that it is slow."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from gradbook.engine import compilers
from gradbook.engine.engines import PlainEngine, open_engine
from gradbook.net import parse
from tests.engine.against import a_batch, disagreement
from tests.engine.test_native import MIXED, UPDATES


def test_it_is_taken_where_nothing_compiles(monkeypatch):
    monkeypatch.setattr(compilers, "_candidates", list)
    monkeypatch.delenv("GRADBOOK_CC", raising=False)
    engine = open_engine(parse(MIXED), 8)
    assert isinstance(engine, PlainEngine)
    assert "slower" in engine.remark
    assert "\n" not in engine.remark


def test_its_steps_are_the_references():
    engine = PlainEngine(parse(MIXED + UPDATES["Nesterov"]), 16)
    for draw, size in enumerate((16, 9)):
        assert max(disagreement(engine, a_batch(engine.net, size, draw)).values()) < 1e-12


@pytest.mark.witness("cc")
def test_it_does_what_the_native_one_does():
    from gradbook.engine.native import NativeEngine

    net = parse(MIXED + UPDATES["AdamW"])
    plain, native = PlainEngine(net, 16), NativeEngine(net, 16, 2, "float64", extra=("-O1",))
    random = np.random.default_rng(4)
    images = random.integers(0, 256, (50, 2, 9, 8), dtype=np.uint8)
    labels, order = random.integers(0, 3, 50), random.permutation(50)
    epochs = []
    for engine in (plain, native):
        engine.normalise(0.5, 0.25, 255)
        epochs.append(engine.epoch(images, labels, 0.01, order=order, seed=3, epoch=1))
    assert epochs[0].losses == pytest.approx(epochs[1].losses, rel=1e-9)
    assert epochs[0].right.tolist() == epochs[1].right.tolist()
    assert plain.predict(images) == pytest.approx(native.predict(images), rel=1e-6, abs=1e-9)


ALONE = """
import sys
sys.modules["ziglang"] = None  # as if it weren't installed
import subprocess
import sys

import numpy as np
from gradbook.engine.engines import open_engine
from gradbook.net import parse

engine = open_engine(parse("input 4; dense 3; relu; dense 2; log softmax; rate 0.1"), 8)
images, labels = np.random.default_rng(0).normal(size=(24, 4)), np.arange(24) % 2
losses = [engine.epoch(images, labels).losses.mean() for _ in range(20)]
assert losses[-1] < losses[0]
print(engine.remark)
"""


def test_it_trains_where_no_compiler_is_on_the_path(tmp_path):
    bare = {"PATH": str(tmp_path), "HOME": str(tmp_path)}
    words = [sys.executable, "-c", ALONE]
    done = subprocess.run(words, capture_output=True, text=True, env=bare, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "install gcc or clang" in done.stdout
