"""Scikit-learn's perceptrons, held against what scikit-learn says of the same rows."""

import warnings

import numpy as np
import pytest

import gradbook as gb
from gradbook.errors import GradbookError, UsageError

sklearn = pytest.importorskip("sklearn")


@pytest.fixture(scope="module")
def iris():
    from sklearn.datasets import load_iris

    return load_iris(return_X_y=True)


def fitted(estimator, rows, wanted):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it needn't converge
        return estimator.fit(rows, wanted)


@pytest.mark.parametrize("activation", ["identity", "logistic", "tanh", "relu"])
@pytest.mark.parametrize("classes", [2, 3])
def test_a_classifier_is_as_sure_as_it_was(iris, activation, classes):
    from sklearn.neural_network import MLPClassifier

    rows, wanted = iris[0][iris[1] < classes], iris[1][iris[1] < classes]
    mlp = MLPClassifier((7, 5), activation=activation, max_iter=30, random_state=1)
    model = gb.from_sklearn(fitted(mlp, rows, wanted))
    np.testing.assert_allclose(model.predict(rows), mlp.predict_proba(rows), atol=1e-6)
    assert model.classes == tuple(map(str, range(classes)))
    assert repr(model).endswith(f"4 columns to target ({classes} classes)>")


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([[1, 2, 3]], r"\(1, 3\), but this model takes \(rows, 4\)"),
        ([1, 2, 3, 4], r"\(4,\), but this model takes \(rows, 4\)"),
        ([[1, 2, 3, float("nan")]], "some of the numbers are missing or infinite"),
        ([["a", "b", "c", "d"]], "predict needs a table, or rows of numbers"),
    ],
)
def test_rows_that_are_none_are_refused_in_a_line(iris, rows, said):
    from sklearn.neural_network import MLPClassifier

    model = gb.from_sklearn(fitted(MLPClassifier((2,), max_iter=2), *iris))
    with pytest.raises(GradbookError, match=said):
        model.predict(rows)


def test_a_scaler_before_it_becomes_the_models_own(iris):
    from sklearn.neural_network import MLPRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    rows, wanted = iris[0][:, :3], iris[0][:, 3]
    mlp = MLPRegressor(hidden_layer_sizes=(6,), max_iter=40, random_state=1)
    pipeline = make_pipeline(StandardScaler(), mlp)
    model = gb.from_sklearn(fitted(pipeline, rows, wanted))
    np.testing.assert_allclose(model.predict(rows)[:, 0], pipeline.predict(rows), atol=1e-5)


def test_it_goes_on_as_any_model_does(iris, tmp_path):
    from sklearn.neural_network import MLPClassifier

    from gradbook.data.tables import read_columns
    from gradbook.lab.models.table_model import TableModel

    mlp = fitted(MLPClassifier((4,), max_iter=20, random_state=1), *iris)
    gb.from_sklearn(mlp).save(tmp_path / "iris.safetensors")
    (tmp_path / "rows.csv").write_text("x4,x1,x2,x3\n0.2,5.1,3.5,1.4\n")
    back = TableModel.load(tmp_path / "iris.safetensors")
    said = back.predict(read_columns(tmp_path / "rows.csv"))
    np.testing.assert_allclose(said, mlp.predict_proba([[5.1, 3.5, 1.4, 0.2]]), atol=1e-6)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        ("MLPClassifier()", "isn't fitted yet"),
        ("LogisticRegression()", "give a fitted MLPClassifier or MLPRegressor"),
        ("make_pipeline(MinMaxScaler(), MLPClassifier())", "after a StandardScaler"),
    ],
)
def test_what_isnt_read_is_refused(make, said):
    from sklearn.linear_model import LogisticRegression
    from sklearn.neural_network import MLPClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import MinMaxScaler

    made = {
        "MLPClassifier()": MLPClassifier,
        "LogisticRegression()": LogisticRegression,
    }.get(make, lambda: make_pipeline(MinMaxScaler(), MLPClassifier()))()
    with pytest.raises(UsageError, match=said):
        gb.from_sklearn(made)


def test_several_labels_at_once_are_refused(iris):
    from sklearn.neural_network import MLPClassifier

    labels = np.stack([iris[1] > 0, iris[1] > 1], axis=1).astype(int)
    with pytest.raises(UsageError, match="several labels"):
        gb.from_sklearn(fitted(MLPClassifier((3,), max_iter=5), iris[0], labels))
