"""Trainings on tables: what is reached, kept and told, against scikit-learn's figures."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from gradbook.data.formats.cells import NumberStyle
from gradbook.data.tables import read_columns
from gradbook.errors import Assumption, DataError, GradbookError, UsageError
from gradbook.lab.models.answers import r_squared
from gradbook.lab.models.model import Model
from gradbook.lab.recipes.recipe_text import change_recipe
from gradbook.lab.runs import open_run
from gradbook.lab.tables import (
    problem,
    usual_recipe,
)
from gradbook.lab.training.run_folder import RunFolder
from gradbook.lab.training.train import train
from gradbook.net import Loss
from tests.cases import for_each
from tests.lab import made_tables as made

VALIDATION = "validation_loss"


def trained(table, changes="", **asked):
    learned = problem(table, **asked)
    return train(change_recipe(usual_recipe(learned, "made"), changes), data=learned)


@pytest.fixture(scope="module")
def area(tmp_path_factory):
    """A training on numbers."""
    return trained(made.table(tmp_path_factory.mktemp("area"), "area"))


@pytest.fixture(scope="module")
def side(tmp_path_factory):
    """A training on classes."""
    return trained(made.table(tmp_path_factory.mktemp("side"), "side"))


def test_numbers_are_learned_and_scored_as_scikit_learn_scores_them(area):
    from sklearn import metrics

    wanted = area.problem.targets[area.problem.test_rows]
    said = area.model.answers(area.problem.rows[area.problem.test_rows])[:, 0]
    assert area.test.score > 0.95
    assert area.test.score == pytest.approx(metrics.r2_score(wanted, said))
    figures = area.event
    assert figures["mean_absolute_error"] == pytest.approx(
        metrics.mean_absolute_error(wanted, said)
    )
    root = metrics.root_mean_squared_error(wanted, said)
    assert figures["root_mean_squared_error"] == pytest.approx(root)


def test_classes_are_learned_and_scored_as_scikit_learn_scores_them(side):
    from sklearn import metrics

    names = np.array(side.model.classes)
    wanted = names[side.problem.targets[side.problem.test_rows].astype(int)]
    read = names[side.test.answers.argmax(axis=1)]
    assert side.test.score > 0.9
    assert side.test.score == pytest.approx(metrics.accuracy_score(wanted, read))
    assert side.event["macro_f1"] == pytest.approx(metrics.f1_score(wanted, read, average="macro"))


def test_columns_are_normalised_by_the_rows_trained_on_alone(area):
    training, _ = area.problem.parts(0)
    rows = area.problem.rows[training]
    np.testing.assert_allclose(area.model.mean, rows.mean(axis=0))
    np.testing.assert_allclose(area.model.deviation, rows.std(axis=0))
    wanted = area.problem.targets[training]
    assert area.model.columns.target_mean == pytest.approx(wanted.mean())


def test_the_best_epoch_is_kept_and_it_stops_early(area):
    best = min(area.history, key=lambda epoch: epoch.validation_loss)
    assert area.kept_epoch == best
    held_back = area.problem.parts(0)[1]
    said = area.model.answers(area.problem.rows[held_back])[:, 0]
    found = r_squared(area.problem.targets[held_back], said)
    assert found == pytest.approx(best.validation_accuracy, rel=1e-5)
    last = area.history[-1].epoch
    assert last == min(best.epoch + area.recipe.early_stop, area.recipe.epochs)


def test_a_plateau_goes_by_the_rows_held_back(tmp_path):
    table = made.table(tmp_path, "area", 60)
    random = np.random.default_rng(3)
    noise = [r._replace(cells=(*r.cells[:-1], f"{random.normal():.4f}")) for r in table.rows]
    changes = "schedule plateau 0.01 by 0.5 patience 2; epochs 30; early stop 30"
    model = trained(replace(table, rows=tuple(noise)), changes)
    plateau, history = model.recipe.schedule, model.history
    losses, held_back = ([getattr(e, n) for e in history] for n in ("train_loss", VALIDATION))
    by_training, by_held_back = (
        [float(plateau.rates(k, 1, 30, some[:k])[0]) for k in range(len(history))]
        for some in (losses, held_back)
    )
    assert [epoch.rate for epoch in history] == by_held_back != by_training


def test_a_loss_of_the_rows_held_back_that_is_no_number_ends_the_training(tmp_path):
    changes = "schedule constant 1e5; update descent; batch 256"
    said = "no longer a number at epoch .*, on the rows held back: use"
    with pytest.raises(GradbookError, match=said):
        trained(made.table(tmp_path, "area"), changes)


def test_the_absolute_error_minds_outliers_less(tmp_path):
    table = made.table(tmp_path, "area")
    spoilt = [
        row._replace(cells=(*row.cells[:-1], "9000")) if k % 8 == 0 else row
        for k, row in enumerate(table.rows)
    ]
    table = replace(table, rows=tuple(spoilt))
    middles = {}
    for loss in ("mean squared error", "mean absolute error"):
        model = trained(table, f"loss {loss}")
        off = model.test.answers[:, 0] - model.problem.targets[model.problem.test_rows]
        middles[loss] = float(np.median(np.abs(off)))
    assert middles["mean absolute error"] < middles["mean squared error"]


def test_a_network_of_ones_own_with_one_output_tells_two_classes_apart(tmp_path):
    learned = problem(made.table(tmp_path, "side"))
    net = usual_recipe(learned, "made").net.parse("input 5; dense 1; sigmoid; update adam")
    recipe = replace(usual_recipe(learned, "made"), net=net)
    assert learned.adapt(recipe).recipe.net.loss is Loss.BINARY
    assert train(recipe, data=learned).test.score > 0.9


def test_the_loss_is_the_one_that_the_task_means(area, side):
    assert area.recipe.net.loss is Loss.SQUARED
    assert side.recipe.net.loss is Loss.CROSS


@for_each(
    ("changes", "said"),
    [
        ("class weights balanced", "numbers have no classes to weigh"),
        ("warp rotate 5", "only images can be warped, not the rows of a table"),
        ("statistics unwarped", "the rows of a table are never warped"),
    ],
)
def test_what_tables_of_numbers_have_no_use_for_is_refused(tmp_path, changes, said):
    with pytest.raises(UsageError, match=said):
        trained(made.table(tmp_path, "area"), changes)


# The model.


def test_columns_may_come_in_any_order_and_with_others_beside_them(area, tmp_path):
    table = made.table(tmp_path, "area", 20, seed=5)
    file = tmp_path / "turned.csv"
    order = [3, 2, 0, 1]
    with file.open("w", newline="") as out:
        rows = csv.writer(out)
        rows.writerow([*(table.names[k] for k in order[1:]), "remark"])
        rows.writerows([*(row.cells[k] for k in order[1:]), "x"] for row in table.rows)
    np.testing.assert_array_equal(area.model.predict(read_columns(file)), area.model.predict(table))


def test_a_missing_column_is_refused_and_a_missing_value_filled_in(area, tmp_path):
    file = tmp_path / "new.csv"
    file.write_text("width,height\n1,2\n3,4\n")
    with pytest.raises(DataError, match="no column 'colour'"):
        area.model.predict(read_columns(file))
    file.write_text("width,height,colour\n50,,r\n50,-3,\n")
    commonest = "bgr"[int(area.model.mean[1:4].argmax())]
    file_in_full = tmp_path / "full.csv"
    height = float(area.model.mean[4])
    file_in_full.write_text(f"width,height,colour\n50,{height!r},r\n50,-3,{commonest}\n")
    with pytest.warns(Assumption, match="2 missing values are filled in: 1 of colour with"):
        said = area.model.predict(read_columns(file))
    wanted = area.model.predict(read_columns(file_in_full))
    np.testing.assert_array_equal(said, wanted)


GERMAN = "breite;farbe;am;preis\n" + "".join(
    f"{'' if k % 7 == 0 else f'{k % 50},5'};{'NA' if k % 9 == 0 else 'rgb'[k % 3]};"
    f"{k % 28 + 1}.3.2024;{k % 50 + 100 * (k % 3)},25 €\n"
    for k in range(200)
)


def test_what_was_decided_is_kept_in_the_model(tmp_path):
    file = tmp_path / "preise.csv"
    file.write_text(GERMAN, "utf-8")
    model = trained(read_columns(file), missing="median")
    model.model.save(tmp_path / "m.safetensors")
    again = Model.load(tmp_path / "m.safetensors")
    kept, trained_on = again.columns, model.model.columns
    assert (kept.inputs, kept.target) == (trained_on.inputs, trained_on.target)
    assert [column.style.decimal for column in kept.inputs] == [",", ".", "."]
    assert kept.inputs[2].dates == "dmy"
    assert kept.target.style == NumberStyle(",", "€")
    np.testing.assert_array_equal(kept.filling, model.problem.filling(0))
    new, plain = tmp_path / "new.csv", tmp_path / "plain.csv"
    new.write_text("breite;farbe;am\n12.500;r;1.3.2024\n;?;2.3.2024\n")
    height = float(kept.filling[0])
    word = "bgr"[int(kept.filling[1:4].argmax())]
    plain.write_text(f"breite,farbe,am\n12500.0,r,2024-03-01\n{height!r},{word},2024-03-02\n")
    with pytest.warns(Assumption, match="2 missing values are filled in: 1 of breite with"):
        said = again.predict(read_columns(new))
    np.testing.assert_array_equal(said, again.predict(read_columns(plain)))


def test_with_everything_it_is_scored_by_the_rows_trained_on(tmp_path):
    learned = problem(made.table(tmp_path, "side"), everything=True)
    one = train(change_recipe(usual_recipe(learned, "made", None), "epochs 5"), data=learned)
    assert len(one.test.rows) == len(learned.table)
    assert "test_accuracy" not in one.event
    assert one.event["training_accuracy"] == one.test.score
    assert one.model.about["rows"] == len(learned.table)


def test_the_folder_holds_recipe_problem_model_epochs_and_result(tmp_path):
    learned = problem(made.table(tmp_path, "area"), ignored=["colour"])
    one = train(usual_recipe(learned, "made"), "epochs 3", data=learned, folder=tmp_path / "run")
    run = RunFolder(tmp_path / "run")
    assert run.recipe() == one.recipe
    assert run.recipe().data == str(tmp_path / "area-0.csv")
    again = run.problem(one.recipe)
    assert (again.inputs, again.target, again.task) == (
        learned.inputs,
        learned.target,
        learned.task,
    )
    assert run.result()["r2"] == one.test.score
    head, *rows = Path(run.csv_file).read_text().splitlines()
    assert head == "epoch,rate,train_loss,validation_loss,validation_score,seconds"
    assert len(rows) == len(one.history)
    with pytest.raises(UsageError, match="is a model of a table, not of images: use gradbook"):
        open_run(tmp_path / "run")
