"""Whatever a caller of Python holds is copied and pickled: a cluster, a cache and a notebook do."""

from __future__ import annotations

import copy
import pickle
import re
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest

import gradbook as gb
from gradbook.errors import GradbookError
from gradbook.lab.models.predict import Reading
from gradbook.lab.texts import LineProblem, lines_of
from gradbook.lab.training.train import Spread
from gradbook.sklearn import NetClassifier, NetRegressor

WAYS: tuple[Callable[[Any], Any], ...] = (
    copy.copy,
    copy.deepcopy,
    lambda value: pickle.loads(pickle.dumps(value)),
)


def things_of_networks() -> Mapping[str, Any]:
    net = gb.builtin("xor")
    a, b = gb.values(a=2.0, b=-1.0)
    return {
        "net": net,
        "sample": net.samples[0],
        "layers": (gb.Dense(2), gb.Conv(2, (3, 3)), gb.Pool("max", (2, 2)), gb.BatchNorm()),
        "more layers": (gb.Activation("relu"), gb.Flatten(), gb.Dropout(0.5), gb.Bias.NONE),
        "value": (a * b).tanh(),
        "explanation": gb.explain(net),
        "explained value": gb.explain(a * b + 1),
        "sweep": gb.sweep(net),
        "recipe": gb.recipe("quick"),
        "error": GradbookError("that can't be"),
        "assumption": gb.Assumption("the columns are read in their order"),
        "spread": Spread((0.5, 0.75)),
        "reading": Reading("a.png", probabilities=(0.5, 0.5)),
    }


def things_of_books(folder: Any) -> Mapping[str, Any]:
    gb.write_workbook(gb.builtin("xor"), folder / "xor.xlsx", epochs=3)
    book = gb.read_book(folder / "xor.xlsx")
    cell = book["Training!I5"]
    return {
        "checked": gb.check(folder / "xor.xlsx"),
        "book": book,
        "cell": cell,
        "explained cell": gb.explain(cell),
    }


def things_of_trainings(folder: Any) -> Mapping[str, Any]:
    random = np.random.default_rng(0)
    rows, labels = random.random((40, 3)), np.arange(40) % 2
    columns = {"size": rows[:, 0], "kind": ["round", "flat"] * 20, "price": rows[:, 1]}
    how = {"epochs": 2, "seed": 1, "show": False}
    lines = LineProblem(lines_of("\n".join(f"a{k}b" for k in range(30)), "words"), steps=2)
    words = "input tokens 4 of 13; conv1d 13 1; softmax; loss cross-entropy"
    trained = {
        "rows": gb.train("input 3; dense 4; tanh; dense 2; softmax", rows, labels, **how),
        "numbers": gb.train(None, rows, rows[:, :2], **how),
        "frame": gb.train(None, columns, "price", **how),
        "samples": gb.train(gb.builtin("xor"), epochs=2),
        "lines": gb.train(lines.recipe(gb.Net.parse(words)), data=lines, show=False),
    }
    model = trained["rows"].model
    parts = {
        f"{name} {part}": getattr(each, part)
        for name, each in trained.items()
        for part in ("model", "history", "test", "recipe", "problem", "kept_epoch")
    }
    step = gb.steps("input 3; dense 2; tanh; dense 1", rate=0.1)
    step(rows, rows[:, :1])
    return {
        **trained,
        **parts,
        "summary": model.summary(),
        "exported": model.export(folder / "rows.npz"),
        "steps": step,
        "weights": step.weights,
        "gradients": step.gradients,
        "classifier": NetClassifier(epochs=2, random_state=0).fit(rows, labels),
        "regressor": NetRegressor(epochs=2, random_state=0).fit(rows, rows[:, 0]),
        "unfitted": NetClassifier(),
    }


@pytest.fixture(scope="module")
def things(tmp_path_factory):
    folder = tmp_path_factory.mktemp("copies")
    return {**things_of_networks(), **things_of_books(folder), **things_of_trainings(folder)}


def test_each_is_copied_and_pickled_as_it_was(things):
    wrong = []
    for name, thing in things.items():
        for way in WAYS:
            try:
                again = way(thing)
            except Exception as error:  # whatever any of them raises is what is looked for
                wrong.append(f"{name}: {error!r}")
                continue
            if type(again) is not type(thing) or _shown(again) != _shown(thing):
                wrong.append(f"{name} comes back as {again!r}")
    assert not wrong, "\n".join(wrong)


def _shown(thing: Any) -> str:
    words = str(thing) if isinstance(thing, Exception) else re.sub("0x[0-9a-f]+", "", repr(thing))
    return "".join(sorted(words))  # a set may show its members in another order


def test_each_public_class_is_among_them(things):
    held = [
        part for thing in things.values() for part in (thing if type(thing) is tuple else [thing])
    ]
    for name in gb.__all__:
        if isinstance(kind := getattr(gb, name), type) and name != "Derivatives":
            assert any(isinstance(thing, kind) for thing in held), name


@pytest.mark.witness("cc")
def test_what_comes_back_goes_on_alike(things, tmp_path):
    rows = np.random.default_rng(1).random((9, 3))
    for kind in ("plain", "native"):
        step = gb.steps("input 3; dense 2; tanh; dense 1; update adam", rate=0.1, engine=kind)
        step(rows, rows[:, :1])
        again = [way(step) for way in WAYS[1:]]
        losses = [each(rows, rows[:, :1]) for each in (step, *again)]
        assert losses[0] == losses[1] == losses[2]
        for each in again:
            assert each.gradients["dense1.weight"].tobytes() == (
                step.gradients["dense1.weight"].tobytes()
            )
    trained = WAYS[2](things["rows"])
    assert (trained.model.predict(rows) == things["rows"].model.predict(rows)).all()
    assert trained.event == things["rows"].event
    for door in ("html", "json", "latex", "markdown"):
        explained = things["explanation"]
        assert getattr(WAYS[2](explained), door)() == getattr(explained, door)()
