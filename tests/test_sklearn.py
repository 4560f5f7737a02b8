"""The estimators for scikit-learn: by their own checks, and by what its users do with it."""

from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from gradbook.engine.compilers import find_compiler
from gradbook.errors import GradbookError
from gradbook.net import Net
from tests.cases import for_each

CONV = (
    "input 1x8x8; conv 6 3x3; batchnorm; relu; maxpool 2; dropout 0.1; flatten; "
    "dense 10; log softmax; loss cross-entropy; update momentum; rate 0.1"
)


def classifier(*net, **settings):
    from gradbook.sklearn import NetClassifier  # which takes a second to import scikit-learn

    return NetClassifier(*net, **settings)


@for_each("name", ["NetClassifier", "NetRegressor"])
def test_scikit_learns_own_checks(name):
    from sklearn.utils.estimator_checks import check_estimator

    import gradbook.sklearn

    results = check_estimator(
        getattr(gradbook.sklearn, name)(),
        on_skip=None,
        on_fail=None,
    )
    assert len(results) > 40
    failed = [
        f"{result['check_name']}: {result['exception']}"
        for result in results
        if result["status"] not in ("passed", "skipped")
    ]
    assert not failed, "\n".join(failed)


@pytest.fixture(scope="module")
def iris():
    from sklearn.datasets import load_iris

    return load_iris(return_X_y=True)


@pytest.fixture(scope="module")
def digits():
    """The smaller digits, as bytes."""
    from sklearn.datasets import load_digits

    found = load_digits()
    return np.rint(found.data * 255 / 16).astype(np.uint8), found.target


@pytest.fixture(scope="module")
def fitted(iris):
    return classifier(epochs=20, random_state=0).fit(*iris)


def test_it_learns_flowers_in_cross_validation(iris):
    from sklearn.model_selection import cross_val_score

    flowers = classifier(random_state=0)
    assert cross_val_score(flowers, *iris, cv=3).mean() > 0.93


def test_labels_may_be_words(iris):
    X, y = iris
    names = np.array(["setosa", "versicolor", "virginica"])
    found = classifier(epochs=30, random_state=0).fit(X, names[y])
    assert found.classes_.tolist() == names.tolist()
    assert found.score(X, names[y]) > 0.9


def test_a_pipeline_is_searched_by_grid(iris):
    from sklearn.model_selection import GridSearchCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import MinMaxScaler

    pipe = make_pipeline(MinMaxScaler(), classifier(epochs=3, random_state=0))
    grid = {"netclassifier__hidden": [(), (8,)], "netclassifier__schedule": ["constant 0.1"]}
    found = GridSearchCV(pipe, grid, cv=2).fit(*iris)
    assert found.best_params_["netclassifier__hidden"] in ((), (8,))


def test_the_same_random_state_gives_the_same_bits(iris, fitted):
    again = classifier(epochs=20, random_state=0).fit(*iris)
    other = classifier(epochs=20, random_state=1).fit(*iris)
    for name, value in fitted.model_.values.items():
        assert np.array_equal(value, again.model_.values[name])
    assert not np.array_equal(other.predict_proba(iris[0]), fitted.predict_proba(iris[0]))


def test_a_pickle_holds_arrays_and_reads_the_same(iris, fitted):
    X, _ = iris
    content = pickle.dumps(fitted)
    assert len(content) < 20_000
    assert b"Engine" not in content
    assert np.array_equal(pickle.loads(content).predict_proba(X), fitted.predict_proba(X))


def test_a_clone_is_not_fitted_and_takes_a_net_as_it_is(iris):
    from sklearn.base import clone

    net = Net.parse("input 4; dense 3; softmax; loss cross-entropy; update adam")
    found = clone(classifier(net, epochs=1).fit(*iris))
    assert found.net == net
    assert not hasattr(found, "model_")


def test_one_output_tells_two_classes_apart(iris):
    X, y = iris
    text = "input 4; dense 1; sigmoid; loss binary cross-entropy; update adam; rate 0.1"
    found = classifier(text, random_state=0).fit(X, y == 0)
    assert found.predict_proba(X).shape == (150, 2)
    assert found.score(X, y == 0) == 1


@pytest.mark.parametrize(
    "engine",
    ["plain", pytest.param("native", marks=pytest.mark.skipif(not find_compiler(), reason="cc"))],
)
def test_a_network_of_images_trains_on_bytes_and_numbers_alike(engine, digits):
    X, y = (part[:400] for part in digits)
    learner = classifier(CONV, epochs=3, engine=engine, random_state=0)
    of_bytes = learner.fit(X, y).predict_proba(X)
    of_numbers = learner.fit(X.astype(float), y).predict_proba(X.astype(float))
    assert np.allclose(of_bytes, of_numbers, atol=1e-3)
    assert learner.score(X.astype(float), y) > 0.7


def test_a_warm_start_goes_on_where_the_last_fit_ended(iris):
    X, y = iris
    warm = classifier(epochs=5, schedule="constant 0.01", warm_start=True, random_state=0)
    cold = classifier(epochs=10, schedule="constant 0.01", random_state=0).fit(X, y)
    warm.fit(X, y).fit(X, y)
    assert warm.n_iter_ == 10
    assert warm.loss_curve_ == cold.loss_curve_
    assert len(cold.loss_curve_) == 10
    assert cold.loss_curve_[-1] < cold.loss_curve_[0]
    assert np.array_equal(warm.predict_proba(X), cold.predict_proba(X))


def test_a_warm_start_goes_on_after_a_pickle_too(iris):
    X, y = iris
    warm = classifier(epochs=5, warm_start=True, random_state=0).fit(X, y)
    copy = pickle.loads(pickle.dumps(warm)).fit(X, y)
    assert copy.loss_curve_ == warm.fit(X, y).loss_curve_


def test_a_warm_start_knows_only_its_classes(iris):
    X, y = iris
    warm = classifier(epochs=1, warm_start=True, random_state=0).fit(X[:100], y[:100])
    with pytest.raises(ValueError, match="classes that the first fit didn't have"):
        warm.fit(X, y)


def test_little_work_is_done_in_numpy(fitted):
    assert fitted.engine_ == "plain"


def test_a_column_without_change_does_no_harm(iris):
    X, y = iris
    still = np.column_stack([X, np.full(len(X), 7.0)])
    assert classifier(random_state=0).fit(still, y).score(still, y) > 0.9


def test_columns_far_from_zero_are_told_apart(iris):
    X, y = iris
    assert classifier(random_state=0).fit(X + 1e7, y).score(X + 1e7, y) > 0.9


def test_a_row_of_weight_0_might_as_well_not_be_there(iris):
    X, y = iris
    weights = np.where(np.arange(150) % 3, 2.5, 0.0)
    found = classifier(epochs=3, random_state=0).fit(X, y, sample_weight=weights)
    fewer = classifier(epochs=3, random_state=0).fit(X[weights > 0], y[weights > 0])
    np.testing.assert_allclose(found.predict_proba(X), fewer.predict_proba(X), rtol=1e-6)


def test_weights_move_the_answers_to_the_rows_that_count_more(iris):
    X, y = iris
    X, y = X[y > 0][:, :1], y[y > 0]  # hard to tell apart
    shares = [
        (classifier(random_state=0).fit(X, y, sample_weight=w).predict(X) == 1).mean()
        for w in (np.where(y == 1, 9, 1), np.where(y == 1, 1, 9))
    ]
    assert shares[0] > shares[1] + 0.3


@for_each("kind", ["NetClassifier", "NetRegressor"])
def test_a_weight_of_two_is_the_row_twice_to_the_bit_in_any_order(kind, iris):
    import gradbook.sklearn

    X, y = iris
    counts = np.random.default_rng(0).integers(0, 4, len(X))
    order = np.random.default_rng(1).permutation(counts.sum())
    make = getattr(gradbook.sklearn, kind)
    by_weight = make(epochs=4, random_state=0).fit(X, y, sample_weight=counts)
    twice = X.repeat(counts, axis=0)[order], y.repeat(counts)[order]
    for name, values in make(epochs=4, random_state=0).fit(*twice).model_.values.items():
        assert values.tobytes() == by_weight.model_.values[name].tobytes()


def test_rows_with_the_same_key_are_told_apart():
    """Keys are sums of products modulo 2⁶⁴: these two rows are made to have the same one."""
    from gradbook.data.dataset import scrambled_numbers
    from gradbook.sklearn import _keys, each_once

    first, second, _ = (scrambled_numbers(3) | np.uint64(1)).tolist()
    numbers = np.zeros(2, int)
    for step in range(1, 2000):
        words = [[2**62, 2**61], [(2**62 + step * second) % 2**64, (2**61 - step * first) % 2**64]]
        rows = np.array([[w ^ w >> 32 for w in row] for row in words], np.uint64).view(np.float64)
        if np.isfinite(rows).all() and (abs(rows) > 1e-300).all():
            break
    assert len({*_keys(rows, numbers, 0).tolist()}) == 1
    assert len({*_keys(rows, numbers, 1).tolist()}) == 2
    assert sorted(each_once(rows, numbers, None)[0].tolist()) == [0, 1]
    twice, weights = each_once(np.vstack([rows, rows[:1]]), np.zeros(3, int), None)
    assert len(twice) == 2
    assert sorted(weights[twice].tolist()) == [1, 2]


def test_class_weights_are_those_of_scikit_learn():
    from sklearn.utils.class_weight import compute_sample_weight

    half = np.random.default_rng(1).choice([-1.0, 1.0], (60, 12))  # no gradient is rounding alone
    X = np.vstack([half, -half])  # of mean 0 and deviation 1, however they are weighted
    y = np.tile(np.arange(60) % 5 // 2, 2)  # of the last kind, fewer
    for weight in ("balanced", {0: 1, 1: 5}):
        by_class = classifier(epochs=3, class_weight=weight, random_state=0).fit(X, y)
        each = compute_sample_weight(weight, y)
        by_row = classifier(epochs=3, random_state=0).fit(X, y, sample_weight=each)
        np.testing.assert_allclose(by_class.predict_proba(X), by_row.predict_proba(X), rtol=1e-6)


def test_early_stopping_holds_rows_back_and_keeps_the_best_epoch(iris):
    settings = {"early_stopping": True, "validation_fraction": 0.2, "random_state": 0}
    patient = classifier(epochs=400, n_iter_no_change=5, schedule="constant 0.03", **settings)
    assert patient.fit(*iris).n_iter_ < 400
    assert patient.score(*iris) > 0.9
    for share in (0, 1.0, 0.001):
        with pytest.raises(ValueError, match="^(early_stopping|validation_fraction)"):
            classifier(**settings | {"validation_fraction": share}).fit(*iris)


def test_partial_fit_learns_from_one_piece_after_the_other(iris):
    X, y = iris
    order = np.random.default_rng(0).permutation(len(X))
    step = classifier(batch=8, schedule="constant 0.02", random_state=0)
    with pytest.raises(ValueError, match="give all classes at the first call"):
        step.partial_fit(X, y)
    for _ in range(8):
        for piece in np.array_split(order, 5):
            step.partial_fit(X[piece], y[piece], classes=[0, 1, 2])
    assert step.n_iter_ == 40
    assert step.score(X, y) > 0.93
    step.partial_fit(X[:1], y[:1])  # a single row
    with pytest.raises(ValueError, match="classes that the first fit didn't have"):
        step.partial_fit(X[:5], y[:5] + 7)


def test_what_it_trained_is_a_model_with_the_names_of_classes(iris, tmp_path):
    import gradbook as gb

    X, y = iris
    names = np.array(["setosa", "versicolor", "virginica"])
    found = classifier(epochs=20, random_state=0).fit(X, names[y])
    assert found.model_.classes == tuple(names)
    np.testing.assert_array_equal(found.model_.predict(X), found.predict_proba(X))
    assert found.model_.evaluate(X, names[y]).score == found.score(X, names[y])
    found.model_.save(tmp_path / "kinds.safetensors")
    again = gb.load(tmp_path / "kinds.safetensors")
    assert again.predict(X, names=True).tolist() == found.predict(X).tolist()
    found.model_.export(tmp_path / "kinds.c")


def test_only_zeros_are_no_weights(iris):
    with pytest.raises(ValueError, match="zero"):
        classifier().fit(*iris, sample_weight=np.zeros(150))


@for_each(
    ("settings", "line"),
    [
        ({"net": "input 3; dense 3"}, "X has 4 features, but the network takes 3: begin it with"),
        (
            {"net": "input 4; dense 5"},
            "'y' has 3 classes, but the network has 5 outputs: end it with",
        ),
        ({"net": "input 4; dens 3"}, "line 1, column 10: unknown layer 'dens': did you mean"),
        ({"net": 3}, "net is a network's text, its name or a Net, not 3"),
        ({"hidden": (0,)}, "hidden is a whole number from 1 up, not 0"),
        ({"epochs": 0}, "epochs is a whole number from 1 up, not 0"),
        ({"batch": 1.5}, "the batch is a whole number from 1 up, not 1.5"),
        ({"threads": 0}, "the number of threads is a whole number from 1 up, not 0"),
        ({"engine": "plane"}, "unknown engine 'plane': did you mean 'plain'?"),
        ({"schedule": "cosin 1"}, "schedule, line 1, column 1: unknown schedule 'cosin'"),
        ({"schedule": " "}, "the schedule is missing: write for example 'one cycle 0.05'"),
    ],
)
def test_a_wrong_setting_is_one_line(settings, line, iris):
    with pytest.raises(ValueError, match="^" + line.replace("?", r"\?")) as caught:
        classifier(**settings).fit(*iris)
    assert isinstance(caught.value, GradbookError)


def test_a_loss_that_is_no_number_any_more_is_said(iris):
    X, y = iris
    text = "input 4; dense 8; dense 3; loss half squared error"
    with pytest.raises(ValueError, match="the loss is no longer a number at .*: use a smal"):
        classifier(text, schedule="constant 1e9", random_state=0).fit(X, y)


def test_a_fit_that_says_one_class_to_everything_warns_with_what_to_change(iris):
    from sklearn.exceptions import ConvergenceWarning

    asleep = "input 4; dense 2; relu; dense 3; softmax; biases -99 -99 0 0 0"
    still = classifier(asleep, schedule="constant 0.001", epochs=2, random_state=0)
    with pytest.warns(ConvergenceWarning, match="all 149 rows trained on.*rate"):
        still.fit(*iris)


def test_a_fit_that_learned_says_nothing(iris, recwarn):
    from sklearn.exceptions import ConvergenceWarning

    classifier(random_state=0).fit(*iris)
    assert [it for it in recwarn if it.category is ConvergenceWarning] == []


def test_without_scikit_learn_it_says_what_to_install():
    words = "import sys; sys.modules['sklearn'] = None; import gradbook.sklearn"
    done = subprocess.run(
        [sys.executable, "-c", words], capture_output=True, text=True, check=False
    )
    assert done.stderr.rstrip().endswith("pip install 'gradbook[sklearn]'")


def test_the_example_runs(tmp_path):
    script = Path(__file__).parents[1] / "examples" / "classifier.py"
    done = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    *_, usual, convolutions, again = done.stdout.splitlines()
    assert float(usual.split()[-1]) > 0.95
    assert float(convolutions.split()[1].rstrip(",")) > 0.97
    assert again == "kept and read again: True"


def test_a_regressor_learns_numbers_of_any_size(iris):
    from gradbook.sklearn import NetRegressor

    X, y = iris[0][:, :3], 1000 + 250 * iris[0][:, 3]
    regressor = NetRegressor(epochs=40, random_state=0).fit(X[::2], y[::2])
    assert regressor.score(X[1::2], y[1::2]) > 0.9  # R²
    again = pickle.loads(pickle.dumps(regressor))  # our own bytes
    np.testing.assert_array_equal(again.predict(X), regressor.predict(X))
    with pytest.raises(ValueError, match="'y' has numbers, but the network has 2 outputs"):
        NetRegressor("input 3; dense 2").fit(X, y)
    own = NetRegressor("input 3; dense 8; tanh; dense 1; update adam", epochs=40, random_state=0)
    assert own.fit(X, y).score(X, y) > 0.8
