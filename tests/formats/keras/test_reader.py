"""Keras models, written by Keras and by us, held against what Keras says of them."""

import os
import warnings
from math import prod

import numpy as np
import pytest
from hypothesis import given, settings

from gradbook.errors import GradbookError
from gradbook.formats.keras.read import read_keras
from gradbook.formats.keras.write import keras_bytes
from gradbook.lab.models.importing import from_keras, import_model
from gradbook.layers.pools import Pool
from gradbook.layers.wiring import Dropout
from gradbook.net import Again, Attention, Net
from tests.cases import for_each
from tests.families import networks
from tests.formats.steps import require_step
from tests.trained import by_the_graph, drawn, model_of, sequences_model_of, trained_of

h5py = pytest.importorskip("h5py")
pytestmark = [
    pytest.mark.filterwarnings("ignore:__array__ implementation"),  # of Keras itself
    pytest.mark.filterwarnings("ignore::gradbook.Assumption"),
]
by_keras = pytest.mark.witness("keras", "torch")


def can_be_read(net: Net) -> bool:
    pools = [layer for layer in net.layers if isinstance(layer, Pool)]
    gaps = any(pool.kind == "max" and pool.dilation != (1, 1) for pool in pools)
    if len(net.shapes[-1]) > 1:  # answers at every step
        return False
    if any(layer.has_few_values for layer in net.layers):
        return False
    return not gaps and not any(pool.ceil and pool.zeros for pool in pools)


@settings(max_examples=25)
@given(networks(dropout=True, depth=6, enlarged=False).filter(can_be_read))
def test_what_we_wrote_comes_back(tmp_path_factory, net):
    path = tmp_path_factory.getbasetemp() / "ours.keras"
    path.write_bytes(keras_bytes(trained_of(net)))
    imported = read_keras(path)
    inputs = np.random.default_rng(1).uniform(-1, 1, (4, *net.input)).astype(np.float32)
    expected = by_the_graph(net, drawn(net), inputs)
    outputs = by_the_graph(imported.net, dict(imported.values), inputs)
    np.testing.assert_allclose(
        outputs, expected, rtol=1e-5, atol=1e-5 * max(1, abs(expected).max())
    )


@for_each("text", ["3x6x6; conv 3 3x3 pad 1; gelu; flatten", "108", "36"])
def test_a_file_of_ours_brings_its_preparation(tmp_path, text):
    model = model_of(f"input {text}; dense 3; softmax", images=(3, 6, 6))
    images = np.random.default_rng(0).integers(0, 256, (5, *model.picture), np.uint8)
    model.export(tmp_path / "net.keras", with_preparation=True)
    back = import_model(tmp_path / "net.keras")
    np.testing.assert_allclose(back.predict(images), model.predict(images), atol=1e-6)


@pytest.fixture(scope="module")
def keras(tmp_path_factory):
    os.environ.update(KERAS_BACKEND="torch", KERAS_HOME=str(tmp_path_factory.mktemp("keras")))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import keras

    keras.utils.set_random_seed(3)
    return keras


@pytest.fixture
def in_double(keras):
    """Normalising what hardly varies makes the rounding of floats large."""
    usual = keras.config.dtype_policy()
    keras.config.set_dtype_policy("float64")
    yield
    keras.config.set_dtype_policy(usual)


def _mnist(layers):
    return [
        *(layers.Input((28, 28, 1)), layers.Rescaling(1 / 255)),
        *(layers.Conv2D(8, 3, activation="relu"), layers.MaxPooling2D(2)),
        *(layers.Conv2D(6, (3, 5), activation="relu"), layers.MaxPooling2D(3, 2)),
        *(layers.Flatten(), layers.Dropout(0.5), layers.Dense(10, activation="softmax")),
    ]


def _mlp(layers):
    hidden = layers.Dense(30, activation="swish")
    return [layers.Input((28, 28)), layers.Flatten(), hidden, layers.Dense(10)]


def _lenet(layers):
    return [
        *(layers.Input((784,)), layers.Reshape((28, 28, 1))),
        *(layers.Conv2D(6, 5, padding="same", activation="tanh"), layers.AveragePooling2D(2)),
        *(layers.Conv2D(16, 5, use_bias=False), layers.BatchNormalization(scale=False)),
        *(layers.Activation("sigmoid"), layers.AveragePooling2D(2), layers.Flatten()),
        *(layers.BatchNormalization(), layers.Dense(10), layers.Softmax()),
    ]


def _separable(layers):
    return [
        *(layers.Input((9, 9, 3)), layers.RandomFlip("horizontal")),
        layers.Normalization(mean=[0.1, 0.4, 0.5], variance=[0.04, 0.09, 0.06]),
        *(layers.SeparableConv2D(8, 3, padding="same", depth_multiplier=2), layers.ReLU()),
        *(layers.ZeroPadding2D(1), layers.DepthwiseConv2D(3, strides=2, depth_multiplier=2)),
        *(layers.LeakyReLU(0.3), layers.BatchNormalization(center=False)),
        *(layers.Conv2D(6, 1, groups=2, activation="leaky_relu"), layers.Rescaling(2.0, -1.0)),
        *(layers.GlobalAveragePooling2D(), layers.Dense(4, activation="log_softmax")),
    ]


def _sloped(layers):
    starts = "random_uniform"
    each = layers.PReLU(alpha_initializer=starts, shared_axes=[1, 2])
    one = layers.PReLU(alpha_initializer=starts, shared_axes=[1, 2, 3])
    return [
        *(layers.Input((6, 8, 2)), layers.Conv2D(3, 3), each, layers.Conv2D(2, 2), one),
        *(layers.Flatten(), layers.PReLU(alpha_initializer=starts), layers.Dense(4)),
    ]


def _wide_pool(layers):
    return [
        *(layers.Input((6, 8, 2)), layers.Conv2D(3, 3, 2, padding="same", name="only")),
        *(layers.SpatialDropout2D(0.2), layers.GlobalMaxPooling2D(keepdims=True)),
        *(layers.Flatten(), layers.Dense(1, activation="sigmoid")),
    ]


def _padded(layers):
    even = layers.AveragePooling2D(3, 1, padding="same")
    return [
        *(layers.Input((11, 10, 2)), layers.Conv2D(4, 3, 2, padding="same"), layers.ReLU()),
        *(layers.MaxPooling2D((3, 2), (2, 1), padding="same"), even),
        *(layers.ZeroPadding2D(((0, 1), (2, 0))), layers.Conv2D(5, (2, 3), dilation_rate=(1, 2))),
        *(layers.Activation("relu"), layers.ZeroPadding2D(1), layers.MaxPooling2D((2, 3), 1)),
        *(layers.ZeroPadding2D(((1, 0), (0, 1))), layers.AveragePooling2D(2, (1, 2))),
        *(layers.DepthwiseConv2D(2, padding="same", activation="tanh"), layers.Flatten()),
        layers.Dense(4),
    ]


def _keyword_spotter(layers):
    """Convolutions over steps, as for keywords or gestures."""
    return [
        *(layers.Input((20, 3)), layers.Conv1D(6, 5, 2, activation="relu")),
        *(layers.BatchNormalization(), layers.Conv1D(4, 3, padding="causal", dilation_rate=2)),
        *(layers.MaxPooling1D(2), layers.SpatialDropout1D(0.1), layers.Conv1D(4, 2, groups=2)),
        *(layers.GlobalAveragePooling1D(), layers.Dense(3, activation="softmax")),
    ]


def _recurrent(layers):
    return [
        *(layers.Input((6, 3)), layers.LSTM(5, return_sequences=True)),
        *(layers.GRU(4, return_sequences=True, use_bias=False), layers.LayerNormalization()),
        *(layers.GRU(3, return_sequences=True, reset_after=False), layers.Dense(4, "relu")),
        *(layers.SimpleRNN(3), layers.Dense(2)),
    ]


def _flattened_steps(layers):
    return [
        *(layers.Input((5, 2)), layers.GRU(3, return_sequences=True), layers.Flatten()),
        *(layers.Dense(4, "tanh"), layers.Dense(2)),
    ]


ROWS = {
    "keyword spotter": _keyword_spotter,
    "recurrent": _recurrent,
    "flattened steps": _flattened_steps,
    "sloped": _sloped,
    "padded": _padded,
    "mnist": _mnist,
    "MLP": _mlp,
    "LeNet-5": _lenet,
    "separable": _separable,
}
BYTES = {"mnist": 255.0}


def settled(keras, model, path):
    """Saved after normalisation has seen something; and what it says of some inputs."""
    random = np.random.default_rng(5)
    for variable in model.variables:
        drawn = random.uniform(0.3, 0.9, variable.shape)
        if "variance" not in variable.name and "seed" not in variable.path:
            drawn = drawn * random.choice([-0.4, 0.4], variable.shape)
        if "seed" not in variable.path and "count" not in variable.name:
            variable.assign(drawn)
    model.save(path)
    return random.uniform(0, 1, (5, *model.input_shape[1:])).astype(np.float32)


def held(keras, model, path, bytes_to=1.0):
    inputs = settled(keras, model, path)
    expected = keras.ops.convert_to_numpy(model(inputs * bytes_to, training=False))
    imported = read_keras(path)
    outputs = by_the_graph(imported.net, dict(imported.values), as_given(imported, inputs))
    np.testing.assert_allclose(outputs, expected.reshape(5, -1), rtol=1e-5, atol=1e-5)
    return imported


def as_given(found, inputs):
    """Inputs of Keras's as the network here takes them."""
    size = found.net.input
    prepared = np.moveaxis(inputs, -1, 1) if inputs.ndim == 4 else inputs
    prepared = prepared.reshape(5, *size).astype(np.float64)
    if found.preparation is not None:
        shape = (-1, *(1,) * (len(size) - 1))
        mean, deviation = (
            np.reshape(numbers, shape)
            for numbers in (found.preparation.mean, found.preparation.deviation)
        )
        prepared = (prepared - mean) / deviation
    return prepared


@by_keras
@pytest.mark.parametrize(
    ("name", "unlearned"), [("mnist", 0), ("MLP", 0), ("LeNet-5", 1), ("separable", 1)]
)
def test_gradients_of_a_step_are_keras_s(keras, in_double, tmp_path, name, unlearned):
    """But for what it doesn't learn: a normalisation without scale or centre."""
    import torch

    layers = ROWS[name](keras.layers)
    other = [keras.layers.Dropout, keras.layers.RandomFlip]  # in training than at work
    if name == "separable":
        other.append(keras.layers.Rescaling)  # in the midst, which is a batchnorm here
    model = keras.Sequential([one for one in layers if not isinstance(one, tuple(other))])
    inputs, labels = settled(keras, model, tmp_path / "net.keras"), np.array([0, 1, 2, 1, 0])
    before = read_keras(tmp_path / "net.keras")
    said = model(inputs * BYTES.get(name, 1.0), training=True).reshape(5, -1)
    torch.nn.functional.cross_entropy(said, torch.tensor(labels)).backward()
    for weight in model.trainable_weights:
        weight.assign(weight.value.detach() - weight.value.grad)
    model.save(tmp_path / "net.keras")
    after = read_keras(tmp_path / "net.keras")
    assert len(require_step(before, after, as_given(before, inputs), labels)) == unlearned


@by_keras
@for_each("name", ROWS)
def test_rows_of_layers_say_what_keras_says(keras, tmp_path, name):
    model = keras.Sequential(ROWS[name](keras.layers))
    found = held(keras, model, tmp_path / "net.keras", BYTES.get(name, 1.0))
    assert any("bytes" in remark for remark in found.remarks) == (name in BYTES)
    assert (name in ("mnist", "separable")) == (found.preparation is not None)


@by_keras
def test_a_model_in_memory_is_read_by_way_of_a_file(keras, tmp_path):
    model = keras.Sequential(ROWS["MLP"](keras.layers))
    inputs = settled(keras, model, tmp_path / "net.keras")
    images = np.asarray(255 * inputs, np.uint8)
    found = from_keras(model, classes=list("abcdefghij"))
    said = keras.ops.convert_to_numpy(model(images / np.float32(255), training=False))
    np.testing.assert_array_equal(found.classify(images[:, None]), said.argmax(axis=1))


@by_keras
def test_even_windows_that_move_by_two_are_padded_on_one_side_only(keras, tmp_path):
    found = held(keras, keras.Sequential(_wide_pool(keras.layers)), tmp_path / "net.keras")
    assert "conv 3 3x3 stride 2 pad same" in str(found.net)
    conv = found.net.layers[0]
    assert conv.window(found.net.input).pad == (0, 0, 1, 1)


@by_keras
def test_what_was_skipped_is_added(keras, tmp_path):
    layers = keras.layers
    given = keras.Input((6, 6, 2))
    first = layers.Conv2D(4, 3, padding="same", activation="relu")(given)
    inner = layers.BatchNormalization()(layers.Conv2D(4, 3, padding="same")(first))
    both = layers.ReLU()(layers.Add()([first, inner]))
    hidden = layers.Dense(7, activation="relu")(layers.Flatten()(both))
    said = layers.Dense(3)(layers.Dropout(0.3)(hidden))
    found = held(keras, keras.Model(given, said), tmp_path / "net.keras")
    assert "add back 2" in str(found.net)
    assert Dropout(0.3) in found.net.layers


@by_keras
def test_channels_side_by_side_keep_their_order_also_when_they_are_flat(keras, tmp_path):
    layers = keras.layers
    given = keras.Input((5, 5, 2))
    first = layers.Conv2D(3, 3, padding="same", activation="tanh")(given)
    made = layers.Conv2D(2, 3, padding="same")(layers.Concatenate()([given, first]))
    flat = layers.Flatten()(layers.Concatenate()([made, first, given]))
    hidden = layers.Dense(4, activation="relu")(flat)
    said = layers.Dense(3)(layers.Concatenate(axis=1)([flat, hidden]))
    found = held(keras, keras.Model(given, said), tmp_path / "net.keras")
    assert "concat back 2 0\n" in str(found.net)
    assert "concat back 2 4\n" in str(found.net)


@by_keras
def test_branches_are_said_one_after_the_other(keras, tmp_path):
    """A shortcut with layers of its own, and convolutions of one map side by side."""
    layers = keras.layers
    given = keras.Input((8, 8, 2))
    first = layers.Conv2D(4, 3, activation="relu")(given)
    inner = layers.BatchNormalization()(layers.Conv2D(5, 3, strides=2, padding="same")(first))
    shortcut = layers.BatchNormalization()(layers.Conv2D(5, 1, strides=2)(first))
    both = layers.ReLU()(layers.Add()([shortcut, inner]))
    parts = [layers.Conv2D(2, n, padding="same")(both) for n in (1, 3)]
    parts.append(layers.Conv2D(2, 1)(layers.MaxPooling2D(3, 1, "same")(both)))
    flat = layers.Flatten()(layers.Concatenate()([layers.ReLU()(one) for one in parts]))
    found = held(keras, keras.Model(given, layers.Dense(3)(flat)), tmp_path / "net.keras")
    words = [layer.text for layer in found.net.layers]
    assert [word for word in words if "back" in word] == [
        *("go back 2", "add back 3", "go back 3", "go back 6", "concat back 3 0 6")
    ]


@by_keras
def test_models_that_are_layers_of_others_are_read_as_their_own_layers(keras, tmp_path):
    layers = keras.layers
    block = [layers.Conv2D(4, 3, padding="same", activation="relu"), layers.BatchNormalization()]
    inner = keras.Input((144,))
    deep = keras.Sequential([layers.Dense(6, name="same name"), layers.ReLU()])
    head = keras.Model(inner, layers.Dense(3, name="same name")(deep(inner)), name="head")
    given = keras.Input((6, 6, 2))
    first = layers.Conv2D(4, 3, padding="same")(given)
    both = layers.Add()([first, keras.Sequential(block)(first)])
    flat = layers.Flatten()(layers.Conv2D(4, 1)(both))
    found = held(keras, keras.Model(given, head(flat)), tmp_path / "net.keras")
    assert "add back 3" in str(found.net)
    nested = keras.Sequential([layers.Input((5,)), keras.Sequential([layers.Dense(3)])])
    assert str(held(keras, nested, tmp_path / "row.keras").net).count("dense") == 1


@for_each("counted", ["", " pad 1", " pad 1 zeros", " pad same"])
def test_an_average_with_gaps_comes_back_as_one(tmp_path, counted):
    text = f"input 2x7x7; avgpool 3x2 stride 1 dilation 2{counted}; flatten; dense 2"
    net = Net.parse(f"{text}; softmax")
    (tmp_path / "net.keras").write_bytes(keras_bytes(trained_of(net)))
    (pool, *_), (asked, *_) = read_keras(tmp_path / "net.keras").net.layers, net.layers
    assert pool.window((2, 7, 7)) == asked.window((2, 7, 7))
    assert pool.counted_padding((2, 7, 7)) == asked.counted_padding((2, 7, 7))


@by_keras
def test_normalisation_of_the_channels_of_each_place(keras, tmp_path):
    layers = keras.layers
    row = [
        *(layers.Input((6, 6, 3)), layers.LayerNormalization(), layers.Conv2D(4, 3)),
        *(layers.LayerNormalization(axis=3, scale=False, epsilon=0.01), layers.Flatten()),
        layers.Dense(2),
    ]
    found = held(keras, keras.Sequential(row), tmp_path / "net.keras")
    assert str(found.net).count("placenorm") == 2


@by_keras
def test_normalisation_of_rows_is_that_of_turned_maps(keras, tmp_path):
    """Keras itself can't call such a layer on PyTorch, so its definition is the witness."""
    layers = keras.layers
    row = [layers.Input((6, 5, 3)), layers.LayerNormalization(axis=1), layers.Flatten()]
    model = keras.Sequential([*row, layers.Dense(2)])
    random = np.random.default_rng(3)
    model.set_weights([random.normal(size=w.shape) for w in model.get_weights()])
    model.save(tmp_path / "net.keras")
    imported = read_keras(tmp_path / "net.keras")
    scale, shift, kernel, bias = model.get_weights()
    x = random.normal(size=(4, 6, 5, 3))
    normal = (x - x.mean(1, keepdims=True)) / np.sqrt(x.var(1, keepdims=True) + 1e-3)
    normal = normal * scale[:, None, None] + shift[:, None, None]
    outputs = by_the_graph(imported.net, dict(imported.values), np.moveaxis(x, -1, 1))
    np.testing.assert_allclose(outputs, normal.reshape(4, -1) @ kernel + bias, rtol=1e-5, atol=1e-5)


@by_keras
def test_what_a_model_within_a_model_has_that_is_no_layer_is_told_with_its_place(keras, tmp_path):
    layers = keras.layers
    inner = keras.Sequential([layers.UnitNormalization(name="mine")], name="inner")
    keras.Sequential([layers.Input((5,)), inner]).save(tmp_path / "net.keras")
    with pytest.raises(GradbookError, match="UnitNormalization 'inner/mine': gradbook has no such"):
        read_keras(tmp_path / "net.keras")


@by_keras
def test_all_that_has_no_layer_is_told_at_once(keras, tmp_path):
    layers = keras.layers
    model = keras.Sequential(
        [
            layers.Input((9, 9, 1)),
            layers.MaxPooling2D(2, padding="same", name="first", data_format="channels_first"),
            layers.Conv2D(2, 3, activation="celu", name="second"),
            layers.ReLU(threshold=5, name="fifth"),
            layers.ZeroPadding2D(((0, 1), (0, 1)), name="sixth"),
        ]
    )
    model.save(tmp_path / "net.keras")
    with pytest.raises(GradbookError) as caught:
        read_keras(tmp_path / "net.keras")
    for said in (
        "MaxPooling2D 'first': only values with channels last",
        "Conv2D 'second': gradbook has no activation celu",
        "ReLU 'fifth': a ReLU with a threshold can't be read",
    ):
        assert said in caught.value.message
    assert "sixth" not in caught.value.message


@by_keras
def test_code_in_a_file_is_never_run(keras, tmp_path):
    layer = keras.layers.Lambda(lambda x: x + 1, name="mine")
    keras.Sequential([keras.layers.Input((3,)), layer]).save(tmp_path / "net.keras")
    with pytest.raises(GradbookError, match="Lambda 'mine': gradbook has no such layer"):
        read_keras(tmp_path / "net.keras")


@by_keras
def test_layers_that_are_called_several_times_are_layers_applied_again(keras, tmp_path):
    layers = keras.layers
    own = [layers.Conv2D(4, 3), layers.BatchNormalization(), layers.ReLU()]
    x = given = keras.Input((10, 10, 4))
    for layer in own * 3:
        x = layer(x)
    made = keras.Model(given, layers.Dense(3)(layers.Flatten()(x)))
    found = held(keras, made, tmp_path / "net.keras").net
    assert found.again == (Again(0, 3, 3),)
    assert found.count() == sum(prod(weights.shape) for weights in made.trainable_weights)


@by_keras
def test_a_model_that_is_called_several_times_is_applied_again_too(keras, tmp_path):
    layers = keras.layers
    inner = keras.Sequential([layers.Dense(4, activation="tanh"), layers.LayerNormalization()])
    given = keras.Input((4,))
    made = keras.Model(given, layers.Dense(2)(inner(inner(inner(given)))))
    assert held(keras, made, tmp_path / "net.keras").net.again == (Again(0, 3, 3),)


@by_keras
@for_each("causal", [False, True])
def test_a_transformers_block_is_read(keras, tmp_path, causal):
    layers = keras.layers
    given = keras.Input((6, 3))
    x = layers.Dense(4)(given)
    seen = layers.MultiHeadAttention(2, 2)(x, x, use_causal_mask=causal)
    x = layers.LayerNormalization(epsilon=1e-5)(layers.Add()([x, seen]))
    wide = layers.Dense(4)(layers.Dense(8, activation="gelu")(x))
    x = layers.RMSNormalization()(layers.Add()([x, wide]))
    model = keras.Model(given, layers.Dense(3)(layers.GlobalAveragePooling1D()(x)))
    found = held(keras, model, tmp_path / "net.keras")
    assert sum(isinstance(layer, Attention) for layer in found.net.layers) == 1


@by_keras
def test_a_gate_for_each_channel_and_larger_maps_are_read(keras, tmp_path):
    """Squeeze-and-excite, and back up again in both ways."""
    layers = keras.layers
    given = keras.Input((8, 6, 2))
    x = layers.Conv2D(4, 3, padding="same", activation="relu")(given)
    gate = layers.Reshape((1, 1, 4))(layers.GlobalAveragePooling2D()(x))
    gate = layers.Dense(4, activation="hard_sigmoid")(layers.Flatten()(gate))
    x = layers.Multiply()([x, layers.Reshape((1, 1, 4))(gate)])
    x = layers.UpSampling2D((1, 2))(layers.MaxPooling2D(2)(x))
    x = layers.Conv2DTranspose(3, 3, strides=2, padding="same", activation="relu")(x)
    x = layers.Cropping2D(((1, 0), (0, 2)))(layers.Conv2DTranspose(2, (2, 3))(x))
    found = held(
        keras, keras.Model(given, layers.Dense(3)(layers.Flatten()(x))), tmp_path / "n.keras"
    )
    words = [layer.word for layer in found.net.layers]
    assert [words.count(word) for word in ("multiply", "upsample", "convtranspose")] == [1, 1, 2]


@by_keras
def test_tokens_are_looked_up(keras, tmp_path):
    layers = keras.layers
    rows = [layers.Input((7,)), layers.Embedding(9, 5), layers.LSTM(4), layers.Dense(3)]
    model = keras.Sequential(rows)
    model.save(tmp_path / "net.keras")
    imported = read_keras(tmp_path / "net.keras")
    tokens = np.random.default_rng(0).integers(9, size=(4, 7))
    outputs = by_the_graph(imported.net, dict(imported.values), np.eye(9)[tokens])
    np.testing.assert_allclose(outputs, np.asarray(model.predict(tokens, verbose=0)), atol=1e-5)
    assert str(imported.net).splitlines()[0] == "input tokens 7 of 9"


@by_keras
@for_each(
    ("layer", "why"),
    [
        (
            lambda layers: layers.GRU(3, activation="relu"),
            "its activation is one of tanh, not 'relu'",
        ),
        (
            lambda layers: layers.Bidirectional(layers.GRU(3, activation="relu")),
            "its activation is one of tanh, not 'relu'",
        ),
    ],
)
def test_a_recurrence_of_another_kind_is_refused_by_name(keras, tmp_path, layer, why):
    layers = keras.layers
    model = keras.Sequential([layers.Input((6, 3)), layer(layers), layers.Dense(2)])
    model.save(tmp_path / "net.keras")
    with pytest.raises(GradbookError, match=why):
        read_keras(tmp_path / "net.keras")


@for_each(
    "layers",
    [
        "conv1d 4 3; relu; gru 3",
        "conv1d 1 3; logrelu; flatten",
    ],
)
def test_a_table_of_sequences_comes_back_with_its_columns(tmp_path, layers):
    model, rows = sequences_model_of(f"input 8x3; {layers}; dense 3; softmax")
    model.export(tmp_path / "net.keras")
    back = import_model(tmp_path / "net.keras")
    np.testing.assert_allclose(back.answers(rows), model.answers(rows), atol=1e-6)
