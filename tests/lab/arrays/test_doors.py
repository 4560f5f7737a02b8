"""One table by every door of Python: the same columns, the same task, the same answers."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np
import pytest

import gradbook as gb
from gradbook.errors import GradbookError
from gradbook.lab.tables import usual_recipe
from gradbook.lab.training.asked import TrainingAsked
from tests.cases import for_each

HOW = {"epochs": 1, "seed": 2, "show": False}
Columns = Mapping[str, list[Any]]


def as_file(columns: Columns, path: Any) -> Any:
    with open(path, "w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(columns)
        rows.writerows(zip(*columns.values(), strict=True))  # None is written as nothing
    return path


def as_arrow(columns: Columns) -> Any:
    return import_module("pyarrow").table(dict(columns))


def arrays(columns: Columns) -> Any:
    found = {name: np.array(cells) for name, cells in columns.items()}
    return {
        name: array.astype(float) if set(map(type, columns[name])) == {int, type(None)} else array
        for name, array in found.items()
    }


FRAMES: dict[str, Callable[[Columns], Any]] = {"mapping": dict, "arrays": arrays}
FRAMES["numbers of NumPy"] = lambda columns: {
    name: [value if value is None else np.array([value])[0] for value in cells]
    for name, cells in columns.items()
}
if find_spec("pyarrow"):
    FRAMES["arrow"] = as_arrow
if find_spec("polars"):
    FRAMES["polars"] = lambda columns: import_module("polars").DataFrame(dict(columns))
if find_spec("pandas"):
    FRAMES["pandas"] = lambda columns: import_module("pandas").DataFrame(dict(columns))
    FRAMES["pandas, nullable"] = lambda columns: FRAMES["pandas"](columns).convert_dtypes()
FILES: dict[str, Callable[[Columns, Any], Any]] = {".csv": as_file}

RANDOM = np.random.default_rng(3)
COUNT = 60
INPUTS: Columns = {
    "open": (RANDOM.random(COUNT) > 0.4).tolist(),
    "size": RANDOM.random(COUNT).round(3).tolist(),
    "town": RANDOM.choice(["north", "south"], COUNT).tolist(),
    "day": RANDOM.choice(
        np.array(["2024-03-31", "2025-01-02", "2025-11-05"], "datetime64[D]"), COUNT
    ).tolist(),
    "rooms": RANDOM.integers(1, 4, COUNT).tolist(),
    "width": [f"{number:.2f}" for number in RANDOM.random(COUNT)],
}
TARGETS: Columns = {
    "sold": (RANDOM.random(COUNT) > 0.5).tolist(),
    "price": (RANDOM.random(COUNT) * 1000).tolist(),
    "kind": RANDOM.choice(["flat", "house"], COUNT).tolist(),
    "stars": RANDOM.integers(0, 3, COUNT).tolist(),
}
SETS = (["size", "rooms"], ["open", "town"], ["day"], ["width", "size"])


def with_gaps(cells: list[Any], places: range) -> list[Any]:
    return [None if k in places else cell for k, cell in enumerate(cells)]


def problem_of(source: Any, target: Any, **asked: Any) -> Any:
    """What is learned, before it is."""
    file = source if isinstance(source, str) else None
    how = {"recipe": file, "target": target} if file else {"inputs": source, "targets": target}
    usual = {"recipe": None, "lines": "", "data": None}
    return TrainingAsked(**{**usual, **how, **asked}).settled(None)[1]


def told(problem: Any) -> str:
    columns = [(column.name, column.words, column.dates) for column in problem.inputs]
    what = columns, problem.task, problem.classes, np.round(problem.rows, 9).tolist()
    targets = np.round(problem.targets.astype(float), 9).tolist()
    filling = problem.filling(0)
    parts = [part.tolist() for part in (*problem.parts(0), problem.scored_rows)]
    return repr((*what, targets, parts, None if filling is None else np.round(filling, 9).tolist()))


@for_each("inputs", [*SETS, list(INPUTS)], ids=str)
@for_each("gaps", ["none", "inputs", "target", "both"])
def test_a_table_is_the_same_thing_by_every_door(inputs, gaps, tmp_path):
    for target in TARGETS:
        columns = {name: INPUTS[name] for name in inputs} | {target: TARGETS[target]}
        if gaps in ("inputs", "both"):
            columns[inputs[0]] = with_gaps(columns[inputs[0]], range(4, 40, 9))
        if gaps in ("target", "both"):
            columns[target] = with_gaps(columns[target], range(7, 30, 11))
        found = {name: problem_of(make(columns), target) for name, make in FRAMES.items()}
        for ending, write in FILES.items():
            file = write(columns, tmp_path / f"table{ending}")
            found[ending] = problem_of(str(file), target)
        first = told(found["mapping"])
        for name, problem in found.items():
            assert told(problem) == first, (target, name)


def test_each_model_reads_the_table_by_every_other_door(tmp_path):
    columns = dict(INPUTS) | {"price": TARGETS["price"]}
    files = [str(write(columns, tmp_path / f"all{ending}")) for ending, write in FILES.items()]
    ways = [make(INPUTS) for make in FRAMES.values()] + files
    trained = [gb.train(None, make(columns), "price", **HOW) for make in FRAMES.values()]
    trained += [gb.train(file, target="price", **HOW) for file in files]
    for one in trained:
        one.model.save(tmp_path / "all.safetensors")
        for model in (one.model, gb.load(tmp_path / "all.safetensors")):
            expected = model.predict(ways[0])
            for way in ways[1:]:
                np.testing.assert_array_equal(model.predict(way), expected)


def test_an_older_model_reads_what_it_learned_as_words_or_as_seconds(tmp_path):
    columns = {"open": INPUTS["open"], "size": INPUTS["size"], "price": TARGETS["price"]}
    words = {**columns, "open": ["True!" if it else "False!" for it in columns["open"]]}
    trained = gb.train(None, words, "price", **HOW)
    model = trained.model
    first, *others = model.columns.inputs
    old = model.columns.__class__(
        (first.__class__("open", ("False", "True")), *others), model.columns.target, 500.0, 300.0
    )
    model.columns = old
    for make in FRAMES.values():
        np.testing.assert_array_equal(model.predict(make(columns)), model.predict(dict(columns)))


@for_each("names", [["price"], ["price", "rooms"], ["rooms", "price", "size"]], ids=str)
def test_rows_without_a_target_are_left_out_whether_one_or_several_are_learned(names):
    for inputs in (["width"], ["town", "width"], ["open"]):
        columns = {name: INPUTS[name] for name in inputs} | {
            name: (TARGETS | INPUTS)[name] for name in names
        }
        for k, name in enumerate(names):
            columns[name] = with_gaps(columns[name], range(3 + k, 20, 8))
        columns[inputs[0]] = with_gaps(columns[inputs[0]], range(30, 34))
        gone = len({k + row for k in range(len(names)) for row in (3, 11, 19) if k + row < 20})
        asked = names if len(names) > 1 else names[0]
        for name, make in FRAMES.items():
            weights = np.arange(COUNT) + 1.0
            problem = problem_of(make(columns), asked, task="numbers", sample_weight=weights)
            remarks = problem.remarks_for(usual_recipe(problem, "arrays"))
            said = f"{gone} rows have no {', '.join(names)}: left out"
            assert said in remarks, (name, remarks)
            assert any("4 missing values are filled in" in it for it in remarks), name
            assert len(problem) == len(problem.weights) == COUNT - gone
            left = {k + row + 1 for k in range(len(names)) for row in (3, 11, 19) if k + row < 20}
            assert not left & {*problem.weights.astype(int).tolist()}


def test_frames_for_validation_and_test_may_lack_what_the_others_may():
    columns = {"size": INPUTS["size"], "rooms": INPUTS["rooms"], "price": TARGETS["price"]}
    lacking = dict(columns)
    lacking["size"] = with_gaps(lacking["size"], range(2, 4))
    lacking["price"] = with_gaps(lacking["price"], range(9, 12))
    for make in FRAMES.values():
        for asked in ("price", ["price", "rooms"]):
            problem = problem_of(make(columns), asked, test=make(lacking))
            assert len(problem.scored_rows) == COUNT - 3
            assert np.isnan(problem.rows).any()
            assert not np.isnan(problem.filling(0)).any()


MISSING = np.array([[0.2, np.nan, 0.1], [0.3, 0.4, 0.5]])


def test_a_model_of_arrays_refuses_missing_values_as_its_training_did(tmp_path):
    rows = RANDOM.random((COUNT, 3))
    labels = (rows[:, 0] > 0.5).astype(int)
    pictures = RANDOM.random((COUNT, 4, 4))
    pairs = [
        (gb.train(None, rows, labels, **HOW).model, MISSING),
        (gb.train(None, rows, rows[:, :2], **HOW).model, MISSING),
        (gb.train("input 2x3; lstm 3; dense 2", rows.repeat(2, 0).reshape(-1, 2, 3), labels, **HOW)
         .model, np.stack([MISSING, MISSING])),
        (gb.train("input 1x4x4; flatten; dense 2", pictures, labels, **HOW).model,
         np.full((2, 4, 4), np.nan)),
    ]  # fmt: skip
    for kept, given in pairs:
        kept.save(tmp_path / "rows.safetensors")
        for model in (kept, gb.load(tmp_path / "rows.safetensors")):
            with pytest.raises(GradbookError, match="not numbers|isn't a finite number"):
                model.predict(given)
            with pytest.raises(GradbookError, match="not numbers|isn't a finite number"):
                model.evaluate(given, np.zeros((2, model.net.outputs)))


def test_a_model_of_a_table_says_what_it_fills_in_unless_it_was_refused(tmp_path):
    columns = {"size": INPUTS["size"], "rooms": INPUTS["rooms"], "price": TARGETS["price"]}
    file = str(as_file(columns, tmp_path / "table.csv"))
    lacking = {"size": [None, 0.5], "rooms": [2, 3]}
    lacking_file = as_file(lacking, tmp_path / "lacking.csv")
    filled = [gb.train(file, target="price", **HOW), gb.train(None, columns, "price", **HOW)]
    for model in (trained.model for trained in filled):
        mean = float(model.mean[0])
        expected = model.predict({"size": [mean, 0.5], "rooms": [2, 3]})
        for given in (lacking, lacking_file, [[np.nan, 2.0], [0.5, 3.0]]):
            with pytest.warns(gb.Assumption, match="1 missing value is filled in: 1 of size with"):
                np.testing.assert_allclose(model.predict(given), expected, rtol=1e-5)
    strict = gb.train(file, target="price", set="missing refuse", **HOW).model
    strict.save(tmp_path / "strict.safetensors")
    for model in (strict, gb.load(tmp_path / "strict.safetensors")):
        for given in (lacking, lacking_file, [[np.nan, 2.0], [0.5, 3.0]]):
            with pytest.raises(GradbookError, match="row 1|row 2"):
                model.predict(given)


def test_a_classifier_of_scikit_learn_refuses_them_by_its_model_too():
    from gradbook.sklearn import NetClassifier

    rows = RANDOM.random((COUNT, 3))
    fitted = NetClassifier(epochs=2, random_state=0).fit(rows, rows[:, 0] > 0.5)
    for door in (fitted.predict, fitted.predict_proba, fitted.model_.predict):
        with pytest.raises((ValueError, GradbookError), match="NaN|isn't a finite number"):
            door(MISSING)


@for_each(
    ("targets", "said"),
    [
        (np.array([1.0, np.nan]), "row 2: not a finite number, so there is nothing to score"),
        (np.array([1.0, np.inf]), "row 2: not a finite number"),
        (np.ones((2, 2)).T[:1], r"are float64 \(1, 2\): give 1 number for each of the 2 inputs"),
    ],
)
def test_what_cannot_be_scored_is_refused(targets, said):
    model = gb.train(None, RANDOM.random((COUNT, 2)), RANDOM.random(COUNT), **HOW).model
    with pytest.raises(GradbookError, match=said):
        model.evaluate([[1.0, 2.0], [2.0, 3.0]], targets)


@for_each("given", [np.array(["2024-01-01"] * COUNT, "datetime64[D]"), np.full(COUNT, 1j)])
def test_dates_and_complex_numbers_are_no_targets(given):
    with pytest.raises(GradbookError, match="the targets are (dates|complex numbers): give"):
        gb.train(None, RANDOM.random((COUNT, 2)), given, **HOW)
