"""Scikit-learn's perceptrons, held against what scikit-learn says of the same rows."""

import warnings
from contextlib import nullcontext

import numpy as np
import pytest

import gradbook as gb
from gradbook.errors import GradbookError, UsageError
from tests.cases import for_each


@pytest.fixture(scope="module")
def iris():
    from sklearn.datasets import load_iris

    return load_iris(return_X_y=True)


def fitted(estimator, rows, wanted):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it needn't converge
        return estimator.fit(rows, wanted)


@for_each("activation", ["identity", "logistic", "tanh", "relu"])
@for_each("classes", [2, 3])
def test_a_classifier_is_as_sure_as_it_was(iris, activation, classes):
    from sklearn.neural_network import MLPClassifier

    rows, wanted = iris[0][iris[1] < classes], iris[1][iris[1] < classes]
    mlp = MLPClassifier((7, 5), activation=activation, max_iter=30, random_state=1)
    model = gb.from_sklearn(fitted(mlp, rows, wanted))
    np.testing.assert_allclose(model.predict(rows), mlp.predict_proba(rows), atol=1e-6)
    assert model.classes == tuple(map(str, range(classes)))
    assert repr(model).endswith(f"4 columns to target ({classes} classes)>")


@for_each(
    ("rows", "said"),
    [
        ([[1, 2, 3]], r"\(1, 3\), but this model takes \(rows, 4\)"),
        ([1, 2, 3, 4], r"\(4,\), but this model takes \(rows, 4\)"),
        ([[1, 2, 3, float("nan")]], "row 1, column 4: nan isn't a finite number"),
        ([["a", "b", "c", "d"]], "predict needs a table, or rows of numbers"),
    ],
)
def test_rows_that_are_none_are_refused_in_a_line(iris, rows, said):
    from sklearn.neural_network import MLPClassifier

    model = gb.from_sklearn(fitted(MLPClassifier((2,), max_iter=2), *iris))
    with pytest.raises(GradbookError, match=said):
        model.predict(rows)


@for_each(
    ("make", "said"),
    [
        ("MLPClassifier()", "isn't fitted yet"),
        ("DecisionTreeClassifier()", "DecisionTreeClassifier can't be read: give a fitted MLPCl"),
        ("make_pipeline(RobustScaler(), MLPClassifier())", "RobustScaler can't be read: .* after"),
        ("make_pipeline(MinMaxScaler(clip=True), MLPClassifier())", "its MinMaxScaler clips"),
        ("SimpleImputer(add_indicator=True)", "adds columns"),
    ],
)
def test_what_isnt_read_is_refused(iris, make, said):
    from sklearn.impute import SimpleImputer
    from sklearn.neural_network import MLPClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import MinMaxScaler, RobustScaler
    from sklearn.tree import DecisionTreeClassifier

    mlp = MLPClassifier((2,), max_iter=2)
    made = {
        "MLPClassifier()": mlp,
        "DecisionTreeClassifier()": DecisionTreeClassifier(),
        "make_pipeline(RobustScaler(), MLPClassifier())": make_pipeline(RobustScaler(), mlp),
        "make_pipeline(MinMaxScaler(clip=True), MLPClassifier())": make_pipeline(
            MinMaxScaler(clip=True), mlp
        ),
        "SimpleImputer(add_indicator=True)": make_pipeline(SimpleImputer(add_indicator=True), mlp),
    }[make]
    if make != "MLPClassifier()":
        rows = np.where(iris[0] < 0.15, np.nan, iris[0]) if "Imputer" in make else iris[0]
        fitted(made, rows, iris[1])
    with pytest.raises(UsageError, match=said):
        gb.from_sklearn(made)


def with_holes(rows):
    found = rows.copy()
    found[np.random.default_rng(0).random(rows.shape) < 0.1] = np.nan
    return found


def estimators():
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LinearRegression, LogisticRegression
    from sklearn.neural_network import MLPClassifier, MLPRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import MinMaxScaler, StandardScaler

    logistic = LogisticRegression(max_iter=200)
    mlp = MLPRegressor(hidden_layer_sizes=(5,), max_iter=20)
    return {
        "logistic": logistic,
        "linear": LinearRegression(),
        "linear without intercept": LinearRegression(fit_intercept=False),
        "several numbers": LinearRegression(),
        "several numbers of a perceptron": mlp,
        "labels": MLPClassifier((5,), max_iter=20),
        "scaled to a range": make_pipeline(MinMaxScaler((-1, 2)), logistic),
        "with holes": make_pipeline(SimpleImputer(), StandardScaler(), logistic),
        "with holes filled late": make_pipeline(
            StandardScaler(), SimpleImputer(strategy="median"), MinMaxScaler(), mlp
        ),
    }


NAMES = (
    *("logistic", "linear", "linear without intercept", "several numbers"),
    *("several numbers of a perceptron", "labels", "scaled to a range", "with holes"),
    "with holes filled late",
)  # known without scikit-learn, which takes a second to import


def test_each_estimator_is_named():
    assert (*estimators(),) == NAMES


@for_each("name", NAMES)
@for_each("classes", [2, 3])
def test_it_says_what_scikit_learn_says(iris, name, classes, tmp_path):
    rows, wanted = iris[0][iris[1] < classes], iris[1][iris[1] < classes]
    rows, numbers = rows[:, :3], rows[:, 3]
    if "holes" in name:
        rows = with_holes(rows)
    if name == "labels":
        wanted = np.stack([rows[:, 0] > 5.5, rows[:, 1] > 3, rows[:, 2] > 2], axis=1).astype(int)
    if "several" in name:
        numbers = np.stack([numbers, numbers**2], axis=1)
    estimator = estimators()[name]
    is_sure = hasattr(estimator, "predict_proba")
    fitted(estimator, rows, wanted if is_sure else numbers)
    expected = estimator.predict_proba(rows) if is_sure else estimator.predict(rows)
    model = gb.from_sklearn(estimator)
    assert bool(model.labels) == (name == "labels")
    fills = (
        pytest.warns(gb.Assumption, match="filled in") if np.isnan(rows).any() else nullcontext()
    )
    with fills:
        predicted = model.predict(rows)
    np.testing.assert_allclose(predicted, expected.reshape(predicted.shape), rtol=0, atol=1e-12)
    model.save(tmp_path / "net.safetensors")
    with fills:
        again = gb.load(tmp_path / "net.safetensors").predict(rows)
    np.testing.assert_allclose(again, predicted, rtol=0, atol=1e-5)
