"""The same tasks with Keras."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
from data import Part
from keras import layers
from sklearn.metrics import confusion_matrix as matrix
from sklearn.metrics import f1_score, recall_score
from sklearn.utils.class_weight import compute_class_weight

CROSS = "sparse_categorical_crossentropy"


def mlp(width: int = 32) -> keras.Model:
    """The network of most tasks; its lines aren't counted."""
    ends = layers.Dense(3, activation="softmax")
    model = keras.Sequential([keras.Input((6,)), layers.Dense(width, activation="relu"), ends])
    model.compile(keras.optimizers.Adam(0.01), CROSS, metrics=["accuracy"])
    return model


def classes(d: Part, t: Part) -> float:
    model = mlp()
    model.fit(d.x, d.y, epochs=30, verbose=0)
    return model.evaluate(t.x, t.y, verbose=0)[1]


def network_by_itself(d: Part, t: Part) -> None:
    """Keras has none."""


def a_number(d: Part, t: Part) -> float:
    model = keras.Sequential([layers.Dense(32, activation="relu"), layers.Dense(1)])
    model.compile(keras.optimizers.Adam(0.01), "mse", metrics=["r2_score"])
    model.fit(d.x, d.number, epochs=60, verbose=0)
    return model.evaluate(t.x, t.number, verbose=0)[1]


def several_numbers(d: Part, t: Part) -> float:
    model = keras.Sequential([layers.Dense(32, activation="relu"), layers.Dense(2)])
    model.compile(keras.optimizers.Adam(0.01), "mse", metrics=["r2_score"])
    model.fit(d.x, d.numbers, epochs=60, verbose=0)
    return model.evaluate(t.x, t.numbers, verbose=0)[1]


def several_labels(d: Part, t: Part) -> float:
    ends = layers.Dense(3, activation="sigmoid")
    model = keras.Sequential([layers.Dense(32, activation="relu"), ends])
    model.compile(keras.optimizers.Adam(0.01), "binary_crossentropy", metrics=["binary_accuracy"])
    model.fit(d.x, d.labels, epochs=30, verbose=0)
    return model.evaluate(t.x, t.labels, verbose=0)[1]


def a_frame_with_words(d: Part, t: Part) -> float:
    towns = np.unique(d.frame["town"])
    rows = [
        np.column_stack([f["age"], f["pay"], f["town"][:, None] == towns]).astype(float)
        for f in (d.frame, t.frame)
    ]
    scale = layers.Normalization()
    scale.adapt(rows[0])
    model = keras.Sequential(
        [scale, layers.Dense(32, activation="relu"), layers.Dense(1, activation="sigmoid")]
    )
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    model.fit(rows[0], d.frame["buys"] == "yes", epochs=100, verbose=0)
    return model.evaluate(rows[1], t.frame["buys"] == "yes", verbose=0)[1]


def class_weights(d: Part, t: Part) -> float:
    ends = layers.Dense(2, activation="softmax")
    model = keras.Sequential([layers.Dense(16, activation="relu"), ends])
    model.compile(keras.optimizers.Adam(0.01), CROSS)
    weights = compute_class_weight("balanced", classes=np.unique(d.rare), y=d.rare)
    model.fit(d.x, d.rare, epochs=30, class_weight=dict(enumerate(weights)), verbose=0)
    return recall_score(t.rare, model.predict(t.x, verbose=0).argmax(1))


def row_weights(d: Part, t: Part) -> float:
    model = mlp()
    model.fit(d.x, d.y, epochs=30, sample_weight=d.weights, verbose=0)
    return recall_score(t.y, model.predict(t.x, verbose=0).argmax(1), average=None)[2]


def early_stopping(d: Part, t: Part) -> float:
    model = mlp()
    stop = keras.callbacks.EarlyStopping(patience=10, restore_best_weights=True)
    model.fit(d.x, d.y, epochs=300, validation_split=0.2, callbacks=[stop], verbose=0)
    return model.evaluate(t.x, t.y, verbose=0)[1]


def own_validation(d: Part, t: Part) -> float:
    model, others = mlp(), (d.x[500:], d.y[500:])
    history = model.fit(d.x[:500], d.y[:500], epochs=30, validation_data=others, verbose=0)
    return history.history["val_accuracy"][-1]


def confusion_matrix(d: Part, t: Part) -> float:
    model = mlp()
    model.fit(d.x, d.y, epochs=30, verbose=0)
    answers = model.predict(t.x, verbose=0).argmax(1)
    print(matrix(t.y, answers))
    return f1_score(t.y, answers, average="macro")


def save_and_load(d: Part, t: Part) -> float:
    model = mlp()
    model.fit(d.x, d.y, epochs=30, verbose=0)
    model.save("kinds.keras")
    return keras.saving.load_model("kinds.keras").evaluate(t.x, t.y, verbose=0)[1]


def export_onnx(d: Part, t: Part) -> float:
    model = mlp()
    model.fit(d.x, d.y, epochs=30, verbose=0)
    model.export("kinds.onnx", format="onnx", verbose=False)
    return float(Path("kinds.onnx").stat().st_size > 0)


def pictures(d: Part, t: Part) -> float:
    body = [layers.Rescaling(1 / 255), layers.Conv2D(8, 3, activation="relu"), layers.MaxPool2D()]
    ends = [layers.Flatten(), layers.Dense(4, activation="softmax")]
    model = keras.Sequential([*body, *ends])
    model.compile(keras.optimizers.Adam(0.01), CROSS, metrics=["accuracy"])
    model.fit(d.pictures[..., None], d.which, epochs=20, verbose=0)
    return model.evaluate(t.pictures[..., None], t.which, verbose=0)[1]


def sequences(d: Part, t: Part) -> float:
    model = keras.Sequential([layers.LSTM(16), layers.Dense(2, activation="softmax")])
    model.compile(keras.optimizers.Adam(0.01), CROSS, metrics=["accuracy"])
    model.fit(d.sequences, d.rises, epochs=20, verbose=0)
    return model.evaluate(t.sequences, t.rises, verbose=0)[1]


def tokens(d: Part, t: Part) -> float:
    ends = layers.Dense(2, activation="softmax")
    model = keras.Sequential([layers.Embedding(20, 8), layers.GRU(16), ends])
    model.compile(keras.optimizers.Adam(0.01), CROSS, metrics=["accuracy"])
    model.fit(d.tokens, d.early, epochs=20, verbose=0)
    return model.evaluate(t.tokens, t.early, verbose=0)[1]


def fine_tuning(d: Part, t: Part) -> float:
    model = mlp()
    model.fit(d.x, d.y, epochs=30, verbose=0)
    model.layers[0].trainable = False
    model.compile(keras.optimizers.Adam(0.01), CROSS, metrics=["accuracy"])
    model.fit(d.x, (d.y + 1) % 3, epochs=30, verbose=0)
    return model.evaluate(t.x, (t.y + 1) % 3, verbose=0)[1]


def step_by_step(d: Part, t: Part) -> float:
    model = mlp()
    for _ in range(30):
        for rows in np.random.permutation(len(d)).reshape(-1, 30):
            model.train_on_batch(d.x[rows], d.y[rows])
    return float((model.predict(t.x, verbose=0).argmax(1) == t.y).mean())


def cross_validation(d: Part, t: Part) -> float:
    scores = []
    for rows in np.arange(len(d)).reshape(5, -1):
        rest = np.setdiff1d(np.arange(len(d)), rows)
        model = mlp()
        model.fit(d.x[rest], d.y[rest], epochs=30, verbose=0)
        scores.append(model.evaluate(d.x[rows], d.y[rows], verbose=0)[1])
    return float(np.mean(scores))


def best_width(d: Part, t: Part) -> float:
    runs = []
    for width in (4, 16, 64):
        model = mlp(width)
        history = model.fit(d.x, d.y, validation_split=0.2, epochs=30, verbose=0)
        runs.append((history.history["val_loss"][-1], model))
    best = min(runs, key=lambda run: run[0])[1]
    return best.evaluate(t.x, t.y, verbose=0)[1]
