"""The same tasks with scikit-learn; None where it has no way."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
from data import Part
from sklearn.metrics import confusion_matrix as matrix
from sklearn.metrics import f1_score, recall_score
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler


def mlp(**settings: object) -> MLPClassifier:
    """The network of most tasks; its lines aren't counted."""
    return MLPClassifier((32,), learning_rate_init=0.01, max_iter=30, batch_size=32, **settings)


def classes(d: Part, t: Part) -> float:
    return mlp().fit(d.x, d.y).score(t.x, t.y)


def network_by_itself(d: Part, t: Part) -> float:
    return MLPClassifier().fit(d.x, d.y).score(t.x, t.y)


def a_number(d: Part, t: Part) -> float:
    model = MLPRegressor(
        hidden_layer_sizes=(32,), learning_rate_init=0.01, max_iter=60, batch_size=32
    )
    return model.fit(d.x, d.number).score(t.x, t.number)


def several_numbers(d: Part, t: Part) -> float:
    model = MLPRegressor(
        hidden_layer_sizes=(32,), learning_rate_init=0.01, max_iter=60, batch_size=32
    )
    return model.fit(d.x, d.numbers).score(t.x, t.numbers)


def several_labels(d: Part, t: Part) -> float:
    answers = mlp().fit(d.x, d.labels).predict(t.x)
    return float((answers == t.labels).mean())


def a_frame_with_words(d: Part, t: Part) -> float:
    towns = np.unique(d.frame["town"])
    rows = [
        np.column_stack([f["age"], f["pay"], f["town"][:, None] == towns]).astype(float)
        for f in (d.frame, t.frame)
    ]
    model = make_pipeline(StandardScaler(), MLPClassifier((32,), max_iter=300))
    return model.fit(rows[0], d.frame["buys"]).score(rows[1], t.frame["buys"])


def class_weights(d: Part, t: Part) -> float:
    counts = np.bincount(d.rare)
    weights = len(d) / (2 * counts[d.rare])
    return recall_score(t.rare, mlp().fit(d.x, d.rare, weights).predict(t.x))


def row_weights(d: Part, t: Part) -> float:
    model = mlp().fit(d.x, d.y, sample_weight=d.weights)
    return recall_score(t.y, model.predict(t.x), average=None)[2]


def early_stopping(d: Part, t: Part) -> float:
    model = mlp(early_stopping=True, validation_fraction=0.2).set_params(max_iter=300)
    return model.fit(d.x, d.y).score(t.x, t.y)


def own_validation(d: Part, t: Part) -> None:
    """It divides by itself."""


def confusion_matrix(d: Part, t: Part) -> float:
    answers = mlp().fit(d.x, d.y).predict(t.x)
    print(matrix(t.y, answers))
    return f1_score(t.y, answers, average="macro")


def save_and_load(d: Part, t: Part) -> float:
    Path("kinds.pickle").write_bytes(pickle.dumps(mlp().fit(d.x, d.y)))
    return pickle.loads(Path("kinds.pickle").read_bytes()).score(t.x, t.y)


def export_onnx(d: Part, t: Part) -> None:
    """It needs another package."""


def pictures(d: Part, t: Part) -> None:
    """It has no convolutions."""


def sequences(d: Part, t: Part) -> None:
    """It has no recurrent layers."""


def tokens(d: Part, t: Part) -> None:
    """It has no embeddings."""


def fine_tuning(d: Part, t: Part) -> None:
    """It can go on, but not freeze."""


def step_by_step(d: Part, t: Part) -> float:
    model = mlp()
    for _ in range(30):
        for rows in np.random.permutation(len(d)).reshape(-1, 30):
            model.partial_fit(d.x[rows], d.y[rows], classes=[0, 1, 2])
    return model.score(t.x, t.y)


def cross_validation(d: Part, t: Part) -> float:
    return float(cross_val_score(mlp(), d.x, d.y, cv=5).mean())


def best_width(d: Part, t: Part) -> float:
    search = GridSearchCV(mlp(), {"hidden_layer_sizes": [(4,), (16,), (64,)]})
    return search.fit(d.x, d.y).score(t.x, t.y)
