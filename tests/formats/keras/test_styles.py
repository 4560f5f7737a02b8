"""Keras's wrappers and joins come in and say the same, or are refused with a remedy."""

from __future__ import annotations

import numpy as np
import pytest

from gradbook.errors import GradbookError
from gradbook.formats.keras.read import read_keras
from tests.trained import by_the_graph

pytestmark = pytest.mark.witness("keras", "torch")
WAVE, ROW, MAPS = (7, 3), (5,), (6, 6, 2)


def _both(layers, kind, **more):
    return layers.Bidirectional(getattr(layers, kind)(4, **more))


def _joined(layers, kind, count=2):
    def join(x):
        parts = [layers.Dense(4, activation="tanh")(x) for _ in range(count)]
        return getattr(layers, kind)()(parts)

    return join


def styles(keras):
    """What each makes of the input, before a last dense layer."""
    la = keras.layers

    def merged(mode):
        rnn = la.SimpleRNN(3, return_sequences=True)
        return lambda x: la.Flatten()(la.Bidirectional(rnn, merge_mode=mode)(x))

    def all_steps(x):
        both = la.Bidirectional(la.LSTM(3, return_sequences=True))(x)
        return la.GlobalMaxPooling1D()(la.TimeDistributed(la.Dense(4, activation="relu"))(both))

    def own_backward(x):
        back = la.GRU(3, go_backwards=True, reset_after=False)
        return la.Bidirectional(la.GRU(3, reset_after=False), backward_layer=back)(x)

    def backwards(x):
        return la.Flatten()(la.LSTM(3, go_backwards=True, return_sequences=True)(x))

    def separable(**more):
        return lambda x: la.Flatten()(la.SeparableConv1D(4, 3, **more)(x))

    def steps(x):
        x = la.Cropping1D((1, 2))(la.ZeroPadding1D((2, 1))(la.Conv1D(3, 2)(x)))
        return la.Flatten()(la.UpSampling1D(2)(x))

    def repeated(x):
        return la.LSTM(3)(la.RepeatVector(4)(la.Dense(3)(x)))

    def cropped(x):
        return la.Flatten()(la.Conv2D(2, 2)(la.Cropping2D(((1, 0), (0, 2)))(la.Conv2D(3, 2)(x))))

    def beside_by_rows(x):
        both = la.Concatenate(axis=1)([la.Conv2D(2, 3)(x), la.Conv2D(2, 2, strides=2)(x)[:, :, :]])
        return la.Flatten()(both)

    def bent(x):
        x = la.ReLU(max_value=0.4)(la.Dense(4, activation="selu")(x))
        return la.ELU(0.6)(la.Dense(4)(la.ReLU(max_value=1.5, negative_slope=0.1)(x)))

    return {
        "LSTM both ways": (WAVE, _both(la, "LSTM")),
        "GRU both ways": (WAVE, _both(la, "GRU")),
        "both ways, summed": (WAVE, merged("sum")),
        "both ways, their mean": (WAVE, merged("ave")),
        "both ways, multiplied": (WAVE, merged("mul")),
        "both ways at all steps": (WAVE, all_steps),
        "its own backward layer": (WAVE, own_backward),
        "backwards": (WAVE, backwards),
        "separable along steps": (WAVE, separable(depth_multiplier=2, activation="tanh")),
        "separable, padded": (WAVE, separable(padding="same", use_bias=False)),
        "separable, in strides": (WAVE, separable(padding="same", strides=2)),
        "steps": (WAVE, steps),
        "repeated": (ROW, repeated),
        "cropped": (MAPS, cropped),
        "bent": (ROW, bent),
        "average": (ROW, _joined(la, "Average", 3)),
        "maximum": (ROW, _joined(la, "Maximum", 3)),
        "minimum": (ROW, _joined(la, "Minimum")),
        "difference": (ROW, _joined(la, "Subtract")),
        "sum of three": (ROW, _joined(la, "Add", 3)),
        "product of three": (ROW, _joined(la, "Multiply", 3)),
    }


def saved(keras, folder, shape, make):
    keras.utils.set_random_seed(2)
    inputs = keras.Input(shape)
    model = keras.Model(inputs, keras.layers.Dense(2)(make(inputs)))
    weights = model.get_weights()
    model.set_weights([w + 0.3 * np.cos(np.arange(w.size)).reshape(w.shape) for w in weights])
    model.save(folder / "net.keras")
    return model, read_keras(folder / "net.keras")


@pytest.fixture
def keras(monkeypatch, tmp_path):
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    return pytest.importorskip("keras")


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # Keras's own
def test_each_says_what_keras_says(keras, tmp_path):
    wrong = {}
    for name, (shape, make) in styles(keras).items():
        try:
            model, found = saved(keras, tmp_path, shape, make)
        except GradbookError as error:
            wrong[name] = error.message
            continue
        inputs = np.random.default_rng(1).normal(size=(3, *shape)).astype(np.float32)
        expected = np.asarray(model.predict(inputs, verbose=0))
        given = inputs.transpose(0, 3, 1, 2) if len(shape) == 3 else inputs
        outputs = by_the_graph(found.net, dict(found.values), given.astype(float))
        off = abs(outputs - expected).max()
        if off > 1e-5 * max(1, abs(expected).max()):
            wrong[name] = f"it differs by {off:.1e}"
    assert wrong == {}


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # Keras's own
def test_what_cant_be_read_says_what_would_work(keras, tmp_path):
    la = keras.layers
    with pytest.raises(GradbookError, match="give sequences of one length"):
        saved(keras, tmp_path, WAVE, lambda x: la.LSTM(3)(la.Masking()(x)))
    inside = la.TimeDistributed(la.Normalization(axis=None, mean=0, variance=1))
    with pytest.raises(GradbookError, match="at each step only Dense, .* can be read"):
        saved(keras, tmp_path, WAVE, lambda x: la.Flatten()(inside(x)))
