"""Exported C whose last layer learns: as the engine does whose other layers stand still."""

import ctypes
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from gradbook.engine.engines import open_engine
from gradbook.errors import TargetError
from gradbook.net import Net
from gradbook.net.trained import Scaling, trained_net
from gradbook.targets.portable.c_file import c_file
from gradbook.targets.portable.learning import last_layer
from gradbook.targets.portable.makers import row_makers
from gradbook.targets.portable.reckoning import maps_of
from gradbook.targets.portable.whole_learning import WholeLearner, whole_last
from gradbook.targets.portable.whole_makers import quantise, quantise_windows
from tests.cases import for_each
from tests.targets.portable.compiled import loaded
from tests.trained import holed_model_of, model_of, sequences_model_of

pytestmark = pytest.mark.witness("cc")
RATE = 0.02


class Device:
    """A network's C as a board has it: it predicts, and it learns."""

    def __init__(self, trained, folder: Path, name: str = "net"):
        self.last = last_layer(trained)
        self.text = c_file(trained, name, None, last=self.last).text
        self.library = loaded(self.text, folder)
        self.trained = trained
        outputs, reads = self.last.weights.shape
        biases = 0 if self.last.bias is None else outputs
        self.layer = (ctypes.c_float * (outputs * reads + biases)).in_dll(self.library, "net_layer")

    def learn(self, given, wanted, rate=RATE):
        said = wanted
        if not self.trained.classes:
            said = ctypes.c_float(wanted[0]) if len(wanted) == 1 else _pointer(wanted)
        self.library.net_learn(_pointer(given), said, ctypes.c_float(rate))

    def predict(self, given):
        found = np.zeros(max(len(self.trained.classes), self.trained.net.outputs), np.float32)
        function = self.library.net_predict
        if len(found) == 1 and not self.trained.classes:
            function.restype = ctypes.c_float
            return np.array([function(_pointer(given))])
        function(_pointer(given), _pointer(found))
        return found

    @property
    def weights(self):
        """Each output's, and its bias after them."""
        flat, (outputs, reads) = np.array(self.layer), self.last.weights.shape
        weights = flat[: outputs * reads].reshape(outputs, reads)
        return np.column_stack([weights, *flat[outputs * reads :].reshape(-1, outputs)])

    def forget(self):
        self.library.net_forget()


def _pointer(array):
    return ctypes.c_void_p(np.ascontiguousarray(array).ctypes.data)


def images_like(model, count):
    random = np.random.default_rng(3)
    return random.integers(0, 256, (count, *model.net.input)).astype(np.uint8)


def by_pytorch(torch, trained, features, wanted, rate=RATE):
    """Yields the last layer's weights after each step, by autograd of the loss in words of its
    own."""
    last = last_layer(trained)
    columns = [last.weights] if last.bias is None else [last.weights, last.bias]
    weights = torch.tensor(np.column_stack(columns), dtype=torch.float64, requires_grad=True)
    for x, target in zip(features, wanted, strict=True):
        reads = torch.tensor(x if last.bias is None else np.append(x, 1))
        error = LOSSES[str(trained.net.objective), trained.net.ending](
            torch, weights @ reads, target
        )
        (slope,) = torch.autograd.grad(error, weights)
        weights = (weights - rate * slope).detach().requires_grad_()
        yield weights.detach().numpy()


def _cross_entropy(torch, sums, target):
    return torch.nn.functional.cross_entropy(sums[None], torch.tensor([target]))


def _binary(torch, sums, target):
    several = torch.arange(len(sums)) == target
    wanted = several if len(sums) > 1 else torch.tensor([target])
    return torch.nn.functional.binary_cross_entropy_with_logits(sums, wanted.double())


def _square_of_shares(torch, sums, target):
    off = torch.softmax(sums, 0) - torch.nn.functional.one_hot(torch.tensor(target), len(sums))
    return (off**2).sum() / 2


LOSSES = {
    ("half squared error", "softmax"): _square_of_shares,
    ("cross-entropy", "softmax"): _cross_entropy,
    ("cross-entropy", "log softmax"): _cross_entropy,
    ("binary cross-entropy", "sigmoid"): _binary,
    ("half squared error", ""): lambda torch, o, t: ((torch.tensor(t) - o) ** 2).sum() / 2,
    ("mean squared error", ""): lambda torch, o, t: ((torch.tensor(t) - o) ** 2).mean(),
    ("huber loss", "tanh"): lambda torch, o, t: torch.nn.functional.huber_loss(
        torch.tanh(o), torch.tensor(t)
    ),
}
CLASSIFIERS = [
    "conv 4 3x3; batchnorm; relu; maxpool 2; flatten; dense 3; log softmax",
    "flatten; dense 3; softmax",
    "conv 4 3x3 pad 1; relu; conv 4 3x3 pad 1; add back 1; flatten; dense 3 no bias; softmax",
    "flatten; dense 6; relu; dropout 0.5; dense 3; sigmoid; loss binary cross-entropy",
    "conv 4 3x3 stride 2; groupnorm 2; relu; flatten; dense 1; sigmoid; loss binary cross-entropy",
]


@for_each("layers", CLASSIFIERS)
def test_steps_on_images_are_pytorchs(layers, torch, tmp_path):
    model = model_of(f"input 2x7x6; {layers}")
    trained = model.trained()
    device, images = Device(trained, tmp_path), images_like(model, 200)
    wanted = np.random.default_rng(4).integers(0, len(trained.classes), 200).tolist()
    before = [device.predict(image) for image in images[:20]]
    np.testing.assert_allclose(before, model.predict(images[:20]), atol=2e-6)
    features = maps_of(device.last.features, images)[-1].reshape(200, -1)
    rate = RATE / (features**2).mean()
    found = by_pytorch(torch, trained, features, wanted, rate)
    for number, weights in enumerate(found):
        device.learn(images[number], wanted[number], rate)
        if number in (0, 19, 199):
            moved = abs(weights - start_of(device)).max()
            np.testing.assert_allclose(device.weights, weights, atol=2e-5 * (1 + moved))
    assert moved > 0.02
    device.forget()
    assert [device.predict(image).tolist() for image in images[:20]] == [p.tolist() for p in before]


def test_a_thousand_steps_are_the_engines(tmp_path):
    """Whose other layers stand still: what they make is its input."""
    layers = "conv 6 3x3 stride 2; batchnorm; relu; flatten; dense 10; softmax"
    model = model_of(f"input 1x12x12; {layers}")
    device, images = Device(model.trained(), tmp_path), images_like(model, 1000)
    features = maps_of(device.last.features, images)[-1].reshape(1000, -1)
    wanted = np.random.default_rng(5).integers(0, 10, 1000)
    engine = open_engine(Net.parse(f"input {features.shape[1]}; dense 10; softmax"), 1)
    names = {array.ndim: name for name, array in engine.weights().items()}
    engine.restore({names[2]: device.last.weights, names[1]: device.last.bias})
    rate = RATE / (features**2).mean()
    for number in range(1000):
        engine.step(features[number : number + 1], wanted[number : number + 1], rate)
        device.learn(images[number], int(wanted[number]), rate)
        if number in (0, 99, 999):
            own = engine.weights()
            expected = np.column_stack([own[names[2]], own[names[1]]])
            np.testing.assert_allclose(device.weights, expected, atol=2e-4)
    assert abs(device.weights - start_of(device)).max() > 0.1


@for_each("ending", ["loss half squared error", "tanh; loss huber loss"])
def test_steps_on_numbers_of_images_are_pytorchs(ending, torch, tmp_path):
    model = model_of(f"input 1x5x5; conv 3 3x3; relu; flatten; dense 3; {ending}")
    trained = replace(model.trained(), classes=(), spread=(2.5, -1.0))
    device, images = Device(trained, tmp_path), images_like(model, 50)
    wanted = np.random.default_rng(4).normal(0, 2, (50, 3)).astype(np.float32)
    features = maps_of(device.last.features, images)[-1].reshape(50, -1)
    rate = RATE / (features**2).mean()
    told = (wanted.astype(float) + 1) / 2.5
    found = by_pytorch(torch, trained, features, told, rate)
    expected = 2.5 * maps_of(row_makers(trained), images[:9])[-1].reshape(9, -1) - 1
    np.testing.assert_allclose([device.predict(x) for x in images[:9]], expected, rtol=1e-5)
    for image, target, weights in zip(images, wanted, found, strict=True):
        device.learn(image, target, rate)
        np.testing.assert_allclose(device.weights, weights, atol=2e-5)
    assert abs(device.weights - start_of(device)).max() > 0.02


@for_each("target", ["side", "area"])
def test_steps_on_a_table_with_missing_values_are_pytorchs(target, torch, tmp_path):
    model, holed, filled = holed_model_of(target)
    trained = model.trained()
    device = Device(trained, tmp_path)
    rows, holed = filled.astype(np.float32), holed.astype(np.float32)
    features = maps_of(device.last.features, rows)[-1].reshape(len(rows), -1)
    random = np.random.default_rng(6)
    if target == "side":
        wanted = told = random.integers(0, 2, len(rows)).tolist()
    else:
        wanted = random.normal(30, 12, (len(rows), 1)).astype(np.float32)
        told = (wanted - trained.spread[1]) / trained.spread[0]
    found = by_pytorch(torch, trained, features, told, 0.1)
    for row, target_of, weights in zip(holed, wanted, found, strict=True):
        device.learn(row, target_of, 0.1)
        np.testing.assert_allclose(device.weights, weights, atol=1e-5)


def test_a_network_of_sequences_learns_and_goes_on_step_by_step(torch, tmp_path):
    model, rows = sequences_model_of("input 6x3; gru 5; dense 4; softmax")
    trained, rows = model.trained(), rows.astype(np.float32)
    device = Device(trained, tmp_path)
    features = maps_of(device.last.features, rows)[-1].reshape(len(rows), -1)
    wanted = (np.arange(len(rows)) % 4).tolist()
    np.testing.assert_allclose(device.predict(rows[0]), model.predict(rows[:1])[0], atol=1e-6)
    for row, target, weights in zip(
        rows, wanted, by_pytorch(torch, trained, features, wanted, 0.1), strict=True
    ):
        device.learn(row, target, 0.1)
        np.testing.assert_allclose(device.weights, weights, atol=1e-5)
    state, said = np.zeros(1 << 12, np.uint8), np.zeros(4, np.float32)
    device.library.net_reset(_pointer(state))
    for step in rows[0].reshape(6, 3):
        device.library.net_step(_pointer(state), _pointer(step), _pointer(said))
    np.testing.assert_array_equal(said, device.predict(rows[0]))


WHOLE = [
    "conv 4 3x3; batchnorm; relu; maxpool 2; flatten; dense 5; log softmax",
    "conv 6 3x3 stride 2; gelu; flatten; dense 6 no bias; softmax",
    "flatten; dense 5; softmax",
    "flatten; dense 6; tanh; dense 4; sigmoid; loss binary cross-entropy",
    "conv 4 3x3 stride 2; relu; flatten; dense 1; sigmoid; loss binary cross-entropy",
    "conv 4 3x3 stride 2; relu; flatten; dense 4; softmax; loss half squared error",
]


@for_each("layers", WHOLE)
def test_whole_numbers_are_as_reckoned_here_and_follow_pytorch(layers, torch, tmp_path):
    model = model_of(f"input 1x8x8; {layers}")
    images, trained = images_like(model, 1000), model.trained()
    last, whole = last_layer(trained), quantise(trained, images, learns=True)
    own = whole_last(last, whole)
    library = loaded(c_file(trained, "net", whole, last=last).text, tmp_path)
    learner, layer = WholeLearner(own), layer_in(library, last)
    levels = own.features.scores(images)
    scores = np.zeros(len(last.weights), np.int32)
    classes = [library.net_predict(_pointer(image), _pointer(scores)) for image in images[:50]]
    np.testing.assert_array_equal(classes, own.classify(images[:50]))
    features = own.step * (levels - own.zero)
    rate = max(round(2**15 * RATE / (features**2).mean()), 33)
    wanted = np.random.default_rng(5).integers(0, len(trained.classes), 1000).tolist()
    found = by_pytorch(torch, trained, features, wanted, rate / 2**15)
    for number, expected in enumerate(found):
        library.net_learn(_pointer(images[number]), wanted[number], rate)
        learner.learn(levels[number], wanted[number], rate)
        np.testing.assert_array_equal(layer.weights, learner.weights.ravel())
        np.testing.assert_array_equal(layer.biases, learner.biases[: len(layer.biases)])
        if number in (0, 99, 999):
            off = own.unit * learner.weights - expected[:, : features.shape[1]]
            assert abs(off).std() < 2 * own.unit * (number + 1) ** 0.5
            assert abs(off).max() < 12 * own.unit * (number + 1) ** 0.5
    moved = expected[:, : features.shape[1]] - last.weights
    assert moved.std() > 5 * off.std()
    library.net_forget()
    np.testing.assert_array_equal(layer.weights, own.weights.ravel())


def test_whole_windows_of_signals_are_learnt_from(tmp_path):
    model = model_of("input 16x2; conv1d 4 3; relu; flatten; dense 3; softmax", images=(1, 16, 2))
    random = np.random.default_rng(7)
    rows = np.round(np.sin(random.uniform(0, 6, (300, 1, 2)) + np.arange(16)[:, None]), 3)
    scaling = Scaling(1, np.zeros(32), np.full(32, 0.7))
    trained = trained_net(model.net, model.values, scaling, classes=("a", "b", "c"))
    last, whole = last_layer(trained), quantise_windows(trained, rows.reshape(300, -1), 2, True)
    text = c_file(trained, "net", whole, last=last, channels=("x", "y")).text
    library = loaded(text, tmp_path)
    learner, layer = WholeLearner(whole_last(last, whole)), layer_in(library, last)
    given = whole.sensor.of(rows.reshape(300, -1))
    levels = learner.last.features.scores(given)
    wanted = random.integers(0, 3, 300).tolist()
    for own, number, target in zip(levels, given, wanted, strict=True):
        library.net_learn(_pointer(number), target, 500)
        learner.learn(own, target, 500)
    np.testing.assert_array_equal(layer.weights, learner.weights.ravel())
    assert abs(learner.weights - learner.last.weights).max() > 100
    scores = np.zeros(3, np.int32)
    library.net_predict(_pointer(given[0]), _pointer(scores))
    np.testing.assert_array_equal(scores, learner.scores(levels[:1])[0])


def layer_in(library, last):
    outputs, reads = last.weights.shape

    class Layer(ctypes.Structure):
        _fields_ = (
            ("weights", ctypes.c_int16 * (outputs * reads)),
            ("biases", ctypes.c_int32 * (0 if last.bias is None else outputs)),
            ("chance", ctypes.c_uint32),
        )

    return Layer.in_dll(library, "net_layer")


def test_steps_smaller_than_a_weights_unit_add_up(torch):
    """Rounded to the nearest they would never move a weight."""
    model = model_of("input 1x8x8; conv 4 3x3; sigmoid; avgpool all; flatten; dense 3; softmax")
    images, trained = images_like(model, 400), model.trained()
    own = whole_last(last_layer(trained), quantise(trained, images, learns=True))
    learner, levels = WholeLearner(own), own.features.scores(images)
    features = own.step * (levels - own.zero)
    steps = [*by_pytorch(torch, trained, features, [0] * 400, 2**-15)]
    first = (steps[0] - np.column_stack([own.last.weights, own.last.bias]))[:, :-1]
    assert abs(first).max() < 0.2 * own.unit
    for each in levels:
        learner.learn(each, 0, 1)
    moved = (steps[-1][:, :-1] - own.last.weights) / own.unit
    assert abs(moved).max() > 30
    np.testing.assert_allclose(learner.weights - own.weights, moved, atol=3 * 400**0.5 * 0.3)


def test_a_loss_that_whole_numbers_have_no_words_for_is_refused():
    model = model_of("input 1x4x4; flatten; dense 3; loss huber loss")
    trained = model.trained()
    whole = quantise(trained, images_like(model, 5), learns=True)
    with pytest.raises(TargetError, match="in whole numbers can't write .* leave out --int8"):
        c_file(trained, "net", whole, last=last_layer(trained))


def start_of(device):
    last = device.last
    return np.column_stack([last.weights] if last.bias is None else [last.weights, last.bias])


def test_a_class_that_there_isnt_teaches_nothing(tmp_path):
    model = model_of("input 1x4x4; flatten; dense 3; softmax")
    device = Device(model.trained(), tmp_path)
    for wanted in (-1, 3):
        device.learn(images_like(model, 1)[0], wanted)
    device.predict(images_like(model, 1)[0])
    np.testing.assert_array_equal(device.weights, start_of(device).astype(np.float32))


REFUSALS = {
    "conv 4 3x3; relu; conv 3 1x1; avgpool all; flatten; softmax": "'conv 3 1x1' is the last one",
    "flatten; dense 3; batchnorm; softmax": "'batchnorm' is the last one with weights",
    "flatten; dense 3 shared bias; softmax": "its outputs share a bias",
}


@for_each(("layers", "why"), REFUSALS.items(), ids=REFUSALS)
def test_what_cant_learn_is_refused(layers, why):
    model = model_of(f"input 1x5x5; {layers}")
    with pytest.raises(TargetError, match=why):
        last_layer(model.trained())
