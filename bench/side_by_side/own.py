"""Twenty tasks with gradbook."""

from __future__ import annotations

from pathlib import Path
from statistics import fmean

import numpy as np
from data import Part

import gradbook as gb

MLP = "input 6; dense 32; relu; dense 3; softmax; update adam; rate 0.01"


def classes(d: Part, t: Part) -> float:
    trained = gb.train(MLP, d.x, d.y, epochs=30)
    return trained.model.evaluate(t.x, t.y).score


def network_by_itself(d: Part, t: Part) -> float:
    return gb.train(None, d.x, d.y).model.evaluate(t.x, t.y).score


def a_number(d: Part, t: Part) -> float:
    net = "input 6; dense 32; relu; dense 1; update adam; rate 0.01"
    trained = gb.train(net, d.x, d.number, epochs=60)
    return trained.model.evaluate(t.x, t.number).score


def several_numbers(d: Part, t: Part) -> float:
    net = "input 6; dense 32; relu; dense 2; update adam; rate 0.01"
    trained = gb.train(net, d.x, d.numbers, epochs=60)
    return trained.model.evaluate(t.x, t.numbers).score


def several_labels(d: Part, t: Part) -> float:
    net = "input 6; dense 32; relu; dense 3; sigmoid; update adam; rate 0.01"
    trained = gb.train(net, d.x, d.labels, epochs=30)
    return trained.model.evaluate(t.x, t.labels).score


def a_frame_with_words(d: Part, t: Part) -> float:
    trained = gb.train(None, d.frame, "buys")
    return trained.model.evaluate(t.frame, t.frame["buys"]).score


def class_weights(d: Part, t: Part) -> float:
    net = "input 6; dense 16; relu; dense 2; softmax; update adam; rate 0.01"
    trained = gb.train(net, d.x, d.rare, epochs=30, class_weight="balanced")
    return trained.model.evaluate(t.x, t.rare).classes["1"].recall or 0.0


def row_weights(d: Part, t: Part) -> float:
    trained = gb.train(MLP, d.x, d.y, epochs=30, sample_weight=d.weights)
    return trained.model.evaluate(t.x, t.y).classes["2"].recall or 0.0


def early_stopping(d: Part, t: Part) -> float:
    trained = gb.train(MLP, d.x, d.y, epochs=300, validation=0.2, patience=10)
    return trained.model.evaluate(t.x, t.y).score


def own_validation(d: Part, t: Part) -> float:
    trained = gb.train(MLP, d.x[:500], d.y[:500], epochs=30, validation=(d.x[500:], d.y[500:]))
    return trained.history[-1].validation_accuracy or 0.0


def confusion_matrix(d: Part, t: Part) -> float:
    found = gb.train(MLP, d.x, d.y, epochs=30).model.evaluate(t.x, t.y)
    print(found)
    return fmean(score.f1 or 0.0 for score in found.classes.values())


def save_and_load(d: Part, t: Part) -> float:
    gb.train(MLP, d.x, d.y, epochs=30).model.save("kinds.safetensors")
    return gb.load("kinds.safetensors").evaluate(t.x, t.y).score


def export_onnx(d: Part, t: Part) -> float:
    model = gb.train(MLP, d.x, d.y, epochs=30).model
    model.export("kinds.onnx", with_preparation=True)
    return float(Path("kinds.onnx").stat().st_size > 0)


def pictures(d: Part, t: Part) -> float:
    net = "input 1x8x8; conv 8 3x3; relu; maxpool 2; flatten; dense 4; softmax; update adam"
    trained = gb.train(net, d.pictures, d.which, epochs=20)
    return trained.model.evaluate(t.pictures, t.which).score


def sequences(d: Part, t: Part) -> float:
    net = "input 12x3; lstm 16; dense 2; softmax; update adam; rate 0.01"
    trained = gb.train(net, d.sequences, d.rises, epochs=20)
    return trained.model.evaluate(t.sequences, t.rises).score


def tokens(d: Part, t: Part) -> float:
    net = "input tokens 8 of 20; embed 8; gru 16; dense 2; softmax; update adam; rate 0.01"
    trained = gb.train(net, d.tokens, d.early, epochs=20)
    return trained.model.evaluate(t.tokens, t.early).score


def fine_tuning(d: Part, t: Part) -> float:
    first = gb.train(MLP, d.x, d.y, epochs=30)
    head = gb.train(MLP, d.x, (d.y + 1) % 3, start=first, set="freeze dense1", epochs=30)
    return head.model.evaluate(t.x, (t.y + 1) % 3).score


def step_by_step(d: Part, t: Part) -> float:
    step = gb.steps(MLP, rate=0.01)
    for _ in range(30):
        for rows in np.random.permutation(len(d)).reshape(-1, 30):
            step(d.x[rows], d.y[rows])
    return float((step.predict(t.x).argmax(1) == t.y).mean())


def cross_validation(d: Part, t: Part) -> float:
    scores = list[float]()
    for rows in np.arange(len(d)).reshape(5, -1):
        rest = np.setdiff1d(np.arange(len(d)), rows)
        trained = gb.train(MLP, d.x[rest], d.y[rest], epochs=30, test=(d.x[rows], d.y[rows]))
        scores.append(trained.test.score)
    return fmean(scores)


def best_width(d: Part, t: Part) -> float:
    runs = [
        gb.train(MLP.replace("32", str(width)), d.x, d.y, validation=0.2, epochs=30)
        for width in (4, 16, 64)
    ]
    best = min(runs, key=lambda run: run.kept_epoch.validation_loss or 0.0)
    return best.model.evaluate(t.x, t.y).score
