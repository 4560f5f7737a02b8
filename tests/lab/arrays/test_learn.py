"""What `gb.train` makes of arrays and data frames: what is learned, kept, and refused."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

import gradbook as gb
from gradbook.lab.tables import TableProblem
from tests.cases import for_each

NET = "input 4; dense 8; tanh; dense 3; softmax"
Array = NDArray[np.float64]


def flowers(seed: int = 0, count: int = 120) -> tuple[Array, NDArray[np.int64]]:
    """Three kinds, told apart by two of four numbers."""
    random = np.random.default_rng(seed)
    kinds = np.arange(count) % 3
    x = random.normal(size=(count, 4))
    x[:, 0] += 3 * kinds
    x[:, 2] -= 2 * (kinds == 1)
    return x * [1, 10, 1, 100] + [0, 5, 0, 1000], kinds


X, Y = flowers()
NAMES = np.array(["iris", "rose", "tulip"])[Y]


def scaled(model: gb.Model, x: Array) -> Array:
    return np.asarray((x - np.asarray(model.mean)) / np.asarray(model.deviation))


@pytest.mark.witness("torch")
def test_arrays_are_learned_and_what_the_network_says_is_what_pytorch_computes():
    import torch

    trained = gb.train(NET, X, Y, validation=0.2, epochs=40)
    assert trained.test.score > 0.8
    first, second = torch.nn.Linear(4, 8).double(), torch.nn.Linear(8, 3).double()
    for layer, number in ((first, 0), (second, 2)):
        layer.weight.data = torch.from_numpy(trained.model.values[f"w_layer_{number}"]).double()
        layer.bias.data = torch.from_numpy(trained.model.values[f"b_layer_{number}"]).double()
    hidden = torch.tanh(first(torch.from_numpy(scaled(trained.model, X))))
    sure = torch.softmax(second(hidden), 1).detach().numpy()
    np.testing.assert_allclose(trained.model.predict(X), sure, atol=1e-6)
    assert trained.model.predict(X, names=True).tolist() == list(map(str, sure.argmax(1)))


def test_lists_and_arrays_give_the_same_bits():
    one, other = (gb.train(NET, *given, epochs=3) for given in ((X, Y), (X.tolist(), Y.tolist())))
    for name, values in one.model.values.items():
        assert values.tobytes() == other.model.values[name].tobytes()


def test_words_are_classes_and_their_names_go_into_the_file(tmp_path):
    trained = gb.train(None, X, NAMES, epochs=40)
    assert trained.model.classes == ("iris", "rose", "tulip")
    trained.model.save(tmp_path / "kinds.safetensors")
    again = gb.load(tmp_path / "kinds.safetensors")
    assert (again.predict(X, names=True) == trained.model.predict(X, names=True)).all()
    assert (again.predict(X, names=True) == NAMES).mean() > 0.8


def test_the_figures_of_an_evaluation_are_those_of_scikit_learn():
    from sklearn import metrics

    model = gb.train(NET, X, NAMES, epochs=10).model
    x, y = flowers(1)
    names = np.array(["iris", "rose", "tulip"])[y]
    found, said = model.evaluate(x, names), model.predict(x, names=True)
    assert found.score == pytest.approx(metrics.accuracy_score(names, said))
    assert found.confusion is not None
    assert (found.confusion == metrics.confusion_matrix(names, said)).all()
    recalls = [score.recall or 0.0 for score in found.classes.values()]
    assert recalls == pytest.approx(metrics.recall_score(names, said, average=None).tolist())
    assert found.loss == pytest.approx(metrics.log_loss(names, model.predict(x)))
    assert model.evaluate(x, y).score == found.score
    assert model.evaluate(x, np.eye(3)[y]).score == found.score


def test_the_parts_are_as_large_as_asked_with_each_class_in_equal_shares():
    problem = gb.train(NET, X, Y, validation=0.25, test=0.1, epochs=1).problem
    assert isinstance(problem, TableProblem)
    training, held_back = problem.parts(0)
    assert (len(training), len(held_back), len(problem.test_rows)) == (78, 30, 12)
    assert sorted([*training, *held_back, *problem.test_rows]) == list(range(120))
    assert np.bincount(problem.targets[held_back]).tolist() == [10, 10, 10]
    whole = gb.train(NET, X, Y, validation=0, test=0, epochs=1)
    assert len(whole.problem.parts(None)[0]) == 120
    assert whole.history[0].validation_loss is None
    assert whole.problem.everything


def test_samples_of_their_own_are_for_validation_and_test_alone():
    others, more = flowers(1, 30), flowers(2, 60)
    trained = gb.train(NET, X, Y, validation=others, test=more, epochs=5)
    model, last = trained.model, trained.history[-1]
    assert last.validation_accuracy == pytest.approx(model.evaluate(*others).score)
    assert trained.test.score == pytest.approx(model.evaluate(*more).score)
    np.testing.assert_allclose(model.mean, X.mean(axis=0))


def test_a_number_and_several_numbers_are_predicted_in_their_own_units():
    from sklearn.metrics import r2_score

    wanted = np.stack([X[:, 0] * 2 + 1, X[:, 3] * -1000, X[:, 1] / 100], axis=1)
    one = gb.train("input 4; dense 1; update adam; rate 0.05", X, wanted[:, 0], epochs=150)
    assert one.test.score > 0.99
    assert one.model.evaluate(X, wanted[:, 0]).score == pytest.approx(
        r2_score(wanted[:, 0], one.model.predict(X)[:, 0])
    )
    several = gb.train("input 4; dense 3; update adam; rate 0.05", X, wanted, epochs=300)
    said = several.model.predict(X)
    assert (abs(said - wanted).max(axis=0) < 0.2 * wanted.std(axis=0)).all()
    assert several.model.evaluate(X, wanted).score == pytest.approx(r2_score(wanted, said))
    assert several.test.loss == pytest.approx(several.history[-1].validation_loss, abs=0.05)


def test_labels_of_which_several_apply_have_a_probability_each():
    wanted = np.stack([X[:, 0] > 3, X[:, 1] > 5], axis=1)
    trained = gb.train(
        "input 4; dense 8; tanh; dense 2; sigmoid; update adam", X, wanted, epochs=80
    )
    assert trained.model.labels == ("y1", "y2")
    assert str(trained.recipe.net.loss) == "binary cross-entropy"
    assert trained.model.evaluate(X, wanted).score > 0.95
    assert trained.test.score > 0.9


def test_sequences_and_tokens_are_read_as_they_come():
    random = np.random.default_rng(0)
    waves = random.normal(size=(90, 6, 2)) + (np.arange(90) % 2)[:, None, None]
    trained = gb.train("input 6x2; rnn 4; dense 2; softmax; update adam", waves, np.arange(90) % 2)
    assert trained.model.predict(waves[:3]).shape == (3, 2)
    np.testing.assert_allclose(trained.model.mean[:2], trained.model.mean[-2:])
    tokens = random.integers(0, 5, (90, 4))
    wanted = np.where((tokens == 3).any(axis=1), "yes", "no")
    text = "input tokens 4 of 5; embed 3; rnn 4; dense 2; softmax; update adam"
    spelled = gb.train(text, tokens, wanted, epochs=2).model
    assert spelled.predict(tokens[:2]).shape == (2, 2)
    assert not np.any(spelled.mean)


# Data frames.


class Series:
    """A column as pandas has it."""

    def __init__(self, name: str, values: list[object]) -> None:
        self.name, self._values = name, values

    def __array__(self, dtype: object = None, copy: object = None) -> NDArray[np.object_]:
        return np.array(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def tolist(self) -> list[object]:
        return self._values


def frame(count: int = 120) -> dict[str, object]:
    x, y = flowers(count=count)
    named: dict[str, object] = {f"size {k}": x[:, k] for k in range(4)}
    return named | {"kind": np.array(["iris", "rose", "tulip"])[y]}


@pytest.mark.witness("onnxruntime")
def test_a_frame_is_learned_as_its_arrays_are_and_its_names_are_kept(tmp_path):
    import onnxruntime

    by_name = gb.train(NET, frame(), "kind", epochs=3)
    by_place = gb.train(NET, X, NAMES, epochs=3)
    for name, values in by_name.model.values.items():
        assert values.tobytes() == by_place.model.values[name].tobytes()
    assert by_name.model.predicts == ("kind",)
    (file,) = by_name.model.export(tmp_path / "kinds.onnx", with_preparation=True).files
    runtime = onnxruntime.InferenceSession(str(file))
    (sure,) = runtime.run(None, {"input": X.astype(np.float32)})
    np.testing.assert_allclose(sure, by_name.model.predict(frame()), atol=1e-5)
    again = gb.load(file)
    assert (again.predict(frame(), names=True) == by_name.model.predict(X, names=True)).all()


def test_words_and_missing_numbers_of_a_frame_are_read_like_those_of_a_file(tmp_path):
    given = frame()
    given["size 1"] = [None, *X[1:, 1].tolist()]
    given["colour"] = np.where(X[:, 0] > 3, "red", "blue")
    lines = [",".join(map(str, row)) for row in zip(*given.values(), strict=True)]
    text = "\n".join([",".join(given), *lines]).replace("None", "")
    (tmp_path / "kinds.csv").write_text(text)
    changes = {"set": "epochs 3"}
    frames = gb.train(None, given, "kind", **changes)
    files = gb.train(str(tmp_path / "kinds.csv"), target="kind", **changes)
    for name, values in frames.model.values.items():
        assert values.tobytes() == files.model.values[name].tobytes()
    assert frames.problem.remarks_for(frames.recipe) == files.problem.remarks_for(files.recipe)


def test_targets_may_be_a_column_with_a_name_or_several_columns_of_the_frame():
    inputs = {name: values for name, values in frame().items() if name != "kind"}
    named = gb.train(NET, inputs, Series("kind", NAMES.tolist()), epochs=1)
    assert named.model.predicts == ("kind",)
    several = gb.train("input 2; dense 2", inputs, ["size 1", "size 3"], epochs=1)
    assert several.model.predicts == ("size 1", "size 3")


@pytest.mark.witness("pyarrow")
def test_arrow_tables_are_frames():
    import pyarrow

    table, others = pyarrow.table(frame()), pyarrow.table(frame(60))
    trained = gb.train(NET, table, "kind", validation=others, epochs=2)
    columns = trained.model.require_columns().inputs
    assert [column.name for column in columns] == [f"size {k}" for k in range(4)]
    assert trained.history[-1].validation_loss


def test_the_recipe_that_is_picked_is_a_public_function(tmp_path):
    picked = gb.recipe_for(frame(), "kind")
    assert str(picked.net) == str(gb.train(None, frame(), "kind", epochs=1).recipe.net)
    (tmp_path / "t.csv").write_text("\n".join(["a,b", *(f"{k},{k % 3}" for k in range(60))]))
    assert gb.recipe_for(tmp_path / "t.csv").net.outputs == 3
    assert gb.recipe_for(tmp_path / "t.csv", "a").net.outputs == 1
    with pytest.raises(gb.GradbookError, match="isn't the file of a table"):
        gb.recipe_for("t.txt")


# Weights.


def test_a_weight_of_two_is_a_row_twice_if_a_step_sees_all_rows():
    net = "input 4; dense 3; softmax; update descent; rate 0.5"
    often = np.where(Y == 2, 2, 1)
    every = {"validation": 0, "test": 0, "epochs": 20}
    x, y = np.repeat(X, often, axis=0), np.repeat(Y, often)
    weighed = gb.train(net, X, Y, sample_weight=often, set="batch 120", **every).model
    repeated = gb.train(net, x, y, set="batch 160", **every).model
    np.testing.assert_allclose(weighed.mean, repeated.mean)
    np.testing.assert_allclose(weighed.predict(X), repeated.predict(X), atol=1e-6)


def test_a_weight_of_two_is_a_row_twice_for_numbers_too():
    wanted = np.stack([X[:, 0] * 2 + 1, X[:, 3]], axis=1)
    often = np.where(Y == 2, 2, 1)
    every = {"validation": 0, "test": 0, "epochs": 20}
    x = np.repeat(X, often, axis=0)
    for net, y in (("input 4; dense 1", wanted[:, 0]), ("input 4; dense 4; tanh; dense 2", wanted)):
        weighed = gb.train(net, X, y, sample_weight=often, set="batch 120", **every).model
        repeated = gb.train(net, x, y.repeat(often, axis=0), set="batch 160", **every).model
        np.testing.assert_allclose(weighed.predict(X), repeated.predict(X), rtol=1e-9)


def test_rows_of_weight_0_are_not_trained_on():
    wrong = X.copy()
    wrong[::5] = 1e6
    weights = np.where(np.arange(120) % 5, 1, 0)
    kept = weights > 0
    every = {"validation": 0, "test": 0, "epochs": 5}
    weighed = gb.train(NET, wrong, Y, sample_weight=weights, **every).model
    np.testing.assert_allclose(weighed.mean, X[kept].mean(axis=0))


# The end.


def test_a_listener_that_returns_false_ends_the_training_and_the_model_is_kept():
    seen: list[int] = []

    def three(epoch: object) -> bool:
        seen.append(epoch.epoch)  # type: ignore[attr-defined]
        return len(seen) < 3

    trained = gb.train(NET, X, Y, epochs=50, listener=three)
    assert seen == [1, 2, 3] == [epoch.epoch for epoch in trained.history]
    assert not trained.stopped
    assert trained.test.score >= 0
    same = gb.train(NET, X, Y, epochs=50, listener=lambda epoch: epoch.epoch < 3)
    assert same.model.values["w_layer_0"].tobytes() == trained.model.values["w_layer_0"].tobytes()


def test_patience_keeps_the_best_epoch():
    trained = gb.train(NET, X, Y, epochs=300, patience=5)
    best = min(trained.history, key=lambda epoch: epoch.validation_loss or 0.0)
    assert trained.kept_epoch == best
    assert len(trained.history) in (best.epoch + 5, 300)


def test_a_history_is_a_table_and_a_frame(monkeypatch):
    trained = gb.train(NET, X, Y, epochs=2)
    assert str(trained.history).splitlines()[1].split()[:2] == ["epoch", "loss"]
    assert len(str(trained.history).splitlines()) == 5
    monkeypatch.setattr("gradbook.lab.training.epochs.find_spec", lambda name: None)
    with pytest.raises(gb.GradbookError, match="pip install pandas"):
        trained.history.to_frame()

    class Library:
        DataFrame = staticmethod(lambda records: records)

    monkeypatch.setattr("gradbook.lab.training.epochs.find_spec", lambda name: name == "polars")
    monkeypatch.setattr("gradbook.lab.training.epochs.import_module", lambda name: Library)
    assert [record["epoch"] for record in trained.history.to_frame()] == [1, 2]
    assert "of 20 samples are predicted correctly" in str(trained.test)


def test_a_run_of_arrays_is_written_and_goes_on_with_the_same_arrays(tmp_path):
    folder = tmp_path / "run"
    gb.train(NET, X, Y, epochs=3, folder=folder)
    assert gb.load(folder).predict(X).shape == (120, 3)
    again = gb.train(None, X, Y, folder=folder, resume=True)
    assert len(again.history) == 3
    with pytest.raises(gb.GradbookError, match=r"on arrays, not on images: print\(trained.hist"):
        gb.write_report(folder)
    with pytest.raises(gb.GradbookError, match="give its arrays again"):
        gb.train(folder=folder, resume=True)
    with pytest.raises(gb.GradbookError, match="have changed since"):
        gb.train(None, X + 1, Y, folder=folder, resume=True)


# Refusals.


def with_value(value: float) -> Array:
    spoilt = X.copy()
    spoilt[3, 1] = value
    return spoilt


TOKENS = "input tokens 3 of 9; embedding 2; gru 3; dense 2"
ONCE = np.where(np.arange(120) == 7, 9, Y)
REFUSED = {
    "the inputs, row 4, column 2: nan isn't a finite number": (NET, with_value(np.nan), Y),
    "the inputs, row 4, column 2: inf isn't a finite number": (NET, with_value(np.inf), Y),
    "119 targets for 120 rows of inputs": (NET, X, Y[:-1]),
    "the targets, row 8: the class '9' occurs once": (None, X, ONCE),
    "the targets are missing": (NET, X),
    "a row for each sample, as X.reshape": (NET, X[:, 0], Y),
    "begin the network with 'input 3'": (NET, X[:, :3], Y),
    "end it with 'dense 3'": ("input 4; dense 2; softmax", X, Y),
    "train it on samples of its own": (
        "input 2x2; rnn 3 all; conv1d 2 1; softmax",
        X.reshape(-1, 2, 2),
        np.stack([Y, Y], axis=1) % 2,
    ),
    "give numbers, as many for each sample": (NET, [[1, 2, 3, 4], [1, 2, 3]], [0, 1]),
    "have words in them: give numbers, a data frame": (
        NET,
        [["a", 1], ["b", 2]],
        [0, 1],
    ),
    "the inputs have dates in them": (NET, np.full((120, 4), "2024-02-29", "M8[D]"), Y),
    "some of the inputs are masked": (NET, np.ma.masked_less(X, 0), Y),
    "the inputs are 2x3 for each sample, but the network takes 3x2: transpose": (
        "input 3x2; lstm 4; dense 3",
        np.zeros((6, 2, 3)),
        [0, 1, 2] * 2,
    ),
    "begin it with 'input tokens 4 of 9'": (TOKENS, np.ones((6, 4), int), [0, 1] * 3),
    "the inputs, row 2, column 3: tokens are whole numbers from 0 to 8, not 9": (
        TOKENS,
        [[0, 8, 8], [1, 2, 9]],
        [0, 1],
    ),
    "the network comes first": (X, Y),
    "no column 'kin': did you mean 'kind'": (NET, frame(), "kin"),
    "all are 'a': there is nothing to learn": (NET, X, ["a"] * 120),
    "the targets, row 1: a label is missing": (NET, X, [None, *NAMES[1:]]),
    "only 4 rows to train on, hold back and test": ("input 4; dense 3", X[:4], X[:4, :3]),
    "no file is called 'houses.csv'": ("houses.csv",),
    "pictures have classes: give one label": (None, np.full((9, 8, 3), 0.5), np.arange(9) / 2),
    "the inputs go from -": ("quick", X.reshape(-1, 2, 2), Y),
}


@for_each(("message", "given"), list(REFUSED.items()))
def test_what_cannot_be_learned_is_refused_with_its_place(message, given):
    with pytest.raises(gb.GradbookError) as refused:
        gb.train(*given)
    assert message in str(refused.value)


class Sparse:
    def toarray(self) -> Array:
        return X


def test_settings_that_cannot_be_meant_are_refused():
    cases = {
        "validation=1.5: write a share such as validation=0.2": {"validation": 1.5},
        "the validation's inputs have 2 numbers for each sample": {"validation": (X[:, :2], Y)},
        "row 3: '3' isn't one of the classes": {"validation": (X, Y + 1)},
        "no class '7': the classes are 0, 1, 2": {"class_weight": {7: 2}},
        "the sample weights, row 2: a weight below 0": {"sample_weight": -Y},
        "the sample weights are an array of shape (5,)": {"sample_weight": Y[:5]},
        "patience needs samples that are held back": {"patience": 3, "validation": 0},
        "unknown task 'class': did you mean 'classes'": {"task": "class"},
        "leave out data and target": {"data": "digits"},
    }
    for message, settings in cases.items():
        with pytest.raises(gb.GradbookError) as refused:
            gb.train(NET, X, Y, **settings)
        assert message in str(refused.value)
    with pytest.raises(gb.GradbookError, match=r"sparse: give their .toarray"):
        gb.train(NET, Sparse(), Y)
