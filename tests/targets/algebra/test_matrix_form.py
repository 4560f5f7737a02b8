"""The matrix form, worked out, comes to the same gradients."""

from __future__ import annotations

from functools import reduce
from itertools import product
from types import MappingProxyType

import numpy as np
import pytest

from gradbook.layers import Pool, Role, SampleNorm
from gradbook.layers.sequences import Recurrent
from gradbook.net import LESSONS, builtin, parse
from gradbook.net.build import training_step
from gradbook.net.step import run
from gradbook.targets.algebra import forms as m
from gradbook.targets.algebra.layer_form import parameter_symbol
from gradbook.targets.algebra.matrix_form import (
    backward,
    forward,
    tell_in_general,
)
from gradbook.targets.algebra.terminal_text import spell, write_text
from tests.cases import for_each


def slid(windows, x):
    """⋆: each of the windows slid over x, the products in it added."""
    (rows, columns), (height, width) = windows.shape[-2:], x.shape[-2:]
    out = np.zeros((*windows.shape[:-2], height - rows + 1, width - columns + 1))
    for i, j in product(range(rows), range(columns)):
        out += windows[..., i, j, None, None] * x[..., i : i + out.shape[-2], j : j + out.shape[-1]]
    return out


def star(left, right):
    """Weights over an input, or δ over an input, for each pair of planes."""
    if left.ndim == 4:
        return slid(left, right).sum(axis=1)
    return np.array([[slid(d, plane) for plane in right] for d in left])


def sent_back(weights, d):
    """∗: every δ goes back over the window that it came from."""
    _, planes, rows, columns = weights.shape
    out = np.zeros((planes, d.shape[1] + rows - 1, d.shape[2] + columns - 1))
    for i, j in product(range(rows), range(columns)):
        out[:, i : i + d.shape[1], j : j + d.shape[2]] += np.einsum(
            "oc,ohw->chw", weights[:, :, i, j], d
        )
    return out


def over_steps(work, left, right):
    """The same of a sequence, which is a matrix here and a single row there."""
    if right.ndim == 3:
        return work(left, right)
    done = work(left if left.ndim == 4 else left[:, None], right[:, None])
    return done[:, 0] if left.ndim == 4 else done


def laid_out(net, numbers, shape):
    """In the network's own shape; of steps x features a column for each step."""
    values = np.reshape(numbers, shape)
    return values.T if net.laid_out and values.ndim == 2 else values


def is_recurrent(layer):
    return isinstance(layer, Recurrent)


class Worked:
    """The values of every line, one for each sample."""

    def __init__(self, net):
        self.net, self.samples = net, len(net.examples())
        self.pool = next((layer.size[0] for layer in net.layers if isinstance(layer, Pool)), 0)
        norms = (k for k, layer in enumerate(net.layers) if isinstance(layer, SampleNorm))
        self.groups = next((net.layers[k].groups_in(net.shapes[k]) for k in norms), 1)
        targets = [laid_out(net, sample.targets, net.wanted) for sample in net.examples()]
        self.values = {
            "i": [laid_out(net, sample.inputs, net.input) for sample in net.examples()],
            "t": targets,
            "π": [np.pi] * self.samples,
            "N": [self.samples] * self.samples,
            "n": [np.any(t, axis=0).sum() for t in targets],
            "m": [np.any(t, axis=0).astype(float) for t in targets],
        }
        starts = {role: np.array(values) for role, values in net.start_values().items()}
        for p in net.parameters:
            value = starts[p.role][p.first - 1 : p.first - 1 + p.size].reshape(p.shape)
            layer = net.layers[p.layer]
            if layer.reads_sequences:  # matrices, and of all steps at once a column
                slides = np.prod(value.shape[2:]) > 1
                matrix = value.shape if slides else value.shape[:2]
                shape = matrix if p.role is Role.WEIGHT else (-1, 1)
                value = value.reshape((-1,) if value.ndim == 1 and is_recurrent(layer) else shape)
            elif p.role is not Role.WEIGHT and len(net.shapes[p.layer + 1]) == 3:
                value = value.reshape((-1, 1) if net.laid_out else (-1, 1, 1))
            self.values[spell(parameter_symbol(net, p))] = [value] * self.samples
        for left, right in (*forward(net), *backward(net)):
            name = spell(left)
            found = [np.asarray(self.of(right, k)) for k in range(self.samples)]
            if name.startswith("δ_"):  # what a dense layer sends back is laid out flat
                like = self.values.get(name.removeprefix("δ_"), found)
                found = [one.reshape(np.shape(x)) for one, x in zip(found, like, strict=True)]
            self.values[name] = found

    def all(self, form):
        return np.array([self.of(form, k) for k in range(self.samples)])

    def of(self, form, k):
        """The value of a form for one sample."""
        method = getattr(self, f"_{type(form).__name__.lower()}")
        return method(form, k)

    def _symbol(self, form, k):
        name = spell(form)
        if name in self.values:
            return self.values[name][k]
        innermost = form.name
        while innermost.of:
            innermost = innermost.of
        if innermost.step is not None:
            whole = m.Symbol(form.name.at_step(None), form.bold)
            return self._symbol(whole, k)[:, innermost.step - 1]
        steps = range(1, self.net.shapes[0][2] + 1)
        columns = [self.values.get(f"{name}({step})") for step in steps]
        like = next(column for column in columns if column is not None)[k]
        return np.stack([np.zeros_like(like) if c is None else c[k] for c in columns], axis=1)

    def _numeral(self, form, k):
        return form.value

    def _minus(self, form, k):
        return -self.of(form.of, k)

    def _terms(self, form, k):
        return sum(self.of(term, k) for term in form.terms)

    def _fraction(self, form, k):
        return self.of(form.top, k) / self.of(form.bottom, k)

    def _power(self, form, k):
        return self.of(form.base, k) ** self.of(form.exponent, k)

    def _root(self, form, k):
        return np.sqrt(self.of(form.of, k))

    def _factors(self, form, k):
        if form.sign in ("·", "⊙"):
            return reduce(by_element, [np.asarray(self.of(f, k)) for f in form.factors])
        left, right = form.factors
        one = self.of(left, k)
        if form.sign in ("⋆", "∗"):
            work = star if form.sign == "⋆" else sent_back
            return over_steps(work, one, self.of(right, k))
        turned = isinstance(right, m.Transposed)
        other = self.of(right.of if turned else right, k)
        if self.net.laid_out and np.ndim(other) == 2:
            return one @ (other.T if turned else other)
        return np.outer(one, other.ravel()) if turned else one @ other.ravel()

    def _transposed(self, form, k):
        return self.of(form.of, k).T

    def _bracket(self, form, k):
        return (self.of(form.relation.left, k) > 0).astype(float)

    def _cases(self, form, k):
        (yes, condition), (no, _) = form.rows
        return np.where(self.of(condition.left, k) > 0, self.of(yes, k), self.of(no, k))

    def _bigsum(self, form, k):
        if form.over == "samples":
            return sum(self.of(form.of, other) for other in range(self.samples))
        value = self.of(form.of, k)
        if form.over == "channels":
            return value.sum(axis=0, keepdims=True)
        if form.over in ("steps", "keys"):
            return value.sum(axis=1, keepdims=form.over == "keys")
        return value.sum(axis=(1, 2)) if form.over == "places" else value.sum()

    def _function(self, form, k):
        x = form.arguments[-1]
        if form.function in self.of_arguments:
            return self.of_arguments[form.function]([self.of(one, k) for one in form.arguments])
        if form.function == "groupmean":
            value = np.asarray(self.of(x, k))
            apart = value.reshape(self.groups, -1)
            every = np.broadcast_to(apart.mean(axis=1, keepdims=True), apart.shape)
            return every.reshape(value.shape)
        if form.function == "placemean":
            value = np.asarray(self.of(x, k))
            return np.broadcast_to(value.mean(axis=0), value.shape)
        if form.function == "part":
            whole, first, last = (self.of(one, k) for one in form.arguments)
            return whole[int(first) - 1 : int(last)]
        if form.function == "mean":
            return self._mean(self.all(x))
        if form.function.startswith("un"):
            return self._unpooled(form.function, self.of(x, k), k)
        if form.function.endswith("pool"):
            windows = self._pooled(self.of(x, k))
            return windows.max((3, 4)) if form.function == "maxpool" else windows.mean((3, 4))
        return self._simple(form.function, x, self.of(x, k))

    def _simple(self, function, form, x):
        """Softmax is that of each row of scores, where no step sees those after it, or of each
        step."""
        if function != "softmax" or not self.net.laid_out:
            return self.functions[function](x)
        if spell(form).startswith("h_score"):
            seen = np.exp(x) * np.tril(np.ones_like(x))
            return seen / seen.sum(axis=1, keepdims=True)
        return np.exp(x) / np.exp(x).sum(axis=0)

    def _mean(self, every):
        return every.mean(axis=(0, 2, 3), keepdims=True)[0] if every.ndim == 4 else every.mean(0)

    def _unpooled(self, function, d, k):
        spread = np.kron(d, np.ones((self.pool, self.pool)))
        if function == "unavgpool":
            return spread / self.pool**2
        return spread * self._first_largest(self.values["a_c"][k])

    def _first_largest(self, x):
        """1 at the largest value of each window, the first of equal ones."""
        windows = self._pooled(x)
        flat = windows.reshape(*windows.shape[:3], -1)
        chosen = np.arange(flat.shape[-1]) == flat.argmax(-1)[..., None]
        return chosen.reshape(windows.shape).swapaxes(2, 3).reshape(x.shape)

    of_arguments = MappingProxyType(
        {
            "concat": np.concatenate,
            "max": lambda values: reduce(np.maximum, values),
            "min": lambda values: reduce(np.minimum, values),
            "rowmax": lambda values: by_row(np.max, *values),
            "rowmean": lambda values: by_row(np.mean, *values),
        }
    )
    functions = MappingProxyType(
        {
            "σ": lambda x: 1 / (1 + np.exp(-x)),
            "tanh": np.tanh,
            "exp": np.exp,
            "ln": np.log,
            "abs": np.abs,
            "sgn": np.sign,
            "round": lambda x: np.floor(x + 0.5),
            "floor": np.floor,
            "softmax": lambda x: np.exp(x) / np.exp(x).sum(),
        }
    )

    def _pooled(self, x):
        planes, height, width = x.shape
        size = self.pool
        return x.reshape(planes, height // size, size, width // size, size).swapaxes(2, 3)


def by_row(work, values):
    return work(values, axis=tuple(range(1, values.ndim)), keepdims=True)


def by_element(one, other):
    if one.ndim == 1 and one.size == other.size:
        one = one.reshape(other.shape)
    return one * other


TWO = "; sample 0.3 -0.2 -> 0.5 0.1; sample -0.4 0.8 -> 0.2 0.9; sample 0.1 0.6 -> 0.4 0.3"
NINE = "; sample 1 2 0 3 1 2 -1 1 0 -> 1 0; sample 0 1 1 -2 1 0 2 1 1 -> 0 1"
SIXTEEN = (
    "; seed 5; loss mean squared error; sample "
    + " ".join(f"{(7 * k) % 5 - 2}" for k in range(16))
    + " -> 0.3; sample "
    + " ".join(f"{(3 * k) % 7 - 3}" for k in range(16))
    + " -> 0.9"
)

NETWORKS = {
    "sigmoid": "input 2; dense 3; sigmoid; dense 2; sigmoid" + TWO,
    "one sample": "input 2; dense 3; sigmoid; dense 2; sigmoid; loss mean squared error",
    "biases for all": "input 2; dense 3 shared bias; tanh; dense 2 fixed bias" + TWO,
    "leaky": "input 2; dense 3; leaky relu 0.1; dense 2; softplus; dense 2; identity" + TWO,
    "softmax within": "input 2; dense 3; softmax; dense 2; log softmax; loss half squared error"
    + TWO,
    "binary": "input 2; dense 3; relu; dense 2; sigmoid; loss binary cross-entropy" + TWO,
    "log softmax": "input 2; dense 3; tanh; dense 2; log softmax; loss cross-entropy; "
    "sample 0.3 0.1 -> 0.25 0.75; sample 0.5 0.2 -> 1 0",
    "normalised": "input 2; dense 3; batchnorm; tanh; dense 2; batchnorm; sigmoid" + TWO,
    "windows": "input 1x3x3; conv 2 2x2; tanh; flatten; dense 2; softmax; loss cross-entropy"
    + NINE,
    "two windows": "input 1x3x3; conv 2 2x2 no bias; relu; conv 1 2x2; flatten; dense 2" + NINE,
    "skipping": "input 2; dense 3; gelu; dense 3; silu; add back 2; dense 2; add back 6" + TWO,
    "skipping planes": "input 1x3x3; conv 1 1x1; tanh; conv 1 1x1; dropout 0; add back 2; gelu; "
    "flatten; tanh; add back 1; dense 2" + NINE,
    "side by side": "input 2; dense 3; gelu; concat back 2; dense 2; concat back 1 0 3; dense 2"
    + TWO,
    "planes side by side": "input 1x3x3; conv 2 1x1; tanh; concat back 2 0; conv 1 2x2; flatten; "
    "dense 2" + NINE,
    "normalised by layers": "input 2; dense 4; layernorm; tanh; dense 2; layernorm; sigmoid" + TWO,
    "normalised by groups": "input 2; dense 6; groupnorm 2; tanh; dense 2" + TWO,
    "planes by groups": "input 1x4x4; conv 4 3x3; groupnorm 2; tanh; flatten; dense 1" + SIXTEEN,
    "planes by places": "input 1x4x4; conv 3 3x3; placenorm; tanh; flatten; dense 1" + SIXTEEN,
    "weights of few bits": "input 2; dense 3 bits 8; tanh; dense 3 bits 4; tanh; again 2; "
    "dense 4 ternary; tanh; dense 2 no bias bits 2" + TWO,
    "windows of few bits": "input 1x3x3; conv 2 2x2 ternary; tanh; conv 2 1x1 bits 4; flatten; "
    "dense 2" + NINE,
    "windows over steps": "input 5x2; conv1d 3 2; tanh; conv1d 2 3 no bias; tanh; conv1d 1 1; "
    "seed 3; sample 1 -1 0.5 2 0.3 0 1 0.2 -0.4 0.6 -> 1 0.5",
    "frames": "input 8x1; conv1d 1 3; tanh; spectrogram frame 4 step 1; conv1d 1 1; seed 3; "
    "sample 1 -1 0.5 2 0.3 0 1 -0.5 -> 1 0.5 0",
    "values over their size": "input 2; dense 4; rmsnorm; tanh; dense 3; rmsnorm plain; dense 2"
    + TWO,
    "planes over their size": "input 1x4x4; conv 3 3x3; rmsnorm; tanh; conv 2 1x1; rmsnorm plain; "
    "flatten; dense 1" + SIXTEEN,
    "steps over their size": "input 3x2; rnn 2 all; rmsnorm; conv1d 3 1; rmsnorm plain; "
    "conv1d 1 1; seed 3; sample 1 -1 0.5 2 0.3 0 -> 1 0 0.5",
    "planes by themselves": "input 1x4x4; conv 2 3x3; instancenorm; silu; flatten; dense 1"
    + SIXTEEN,
    "pooled": "input 1x4x4; conv 2 3x3 shared bias; relu; avgpool 2; flatten; dense 1" + SIXTEEN,
    "gates": "input 3x2; gru 2; tanh; dense 1; seed 3; sample 1 -1 0.5 2 0.3 0 -> 1",
    "a cell": "input 2x2; lstm 2 all; conv1d 2 1; tanh; loss mean squared error; seed 2; "
    "sample 1 -1 0.5 2 -> 1 0 0.5 0.2; sample 0 1 2 0 -> 1 1 0.5 0.1",
    "steps without a target": "input 3x2; rnn 2 all; conv1d 2 1; softmax; loss cross-entropy; "
    "sample 1 -1 0.5 2 0.3 0 -> 1 0 0 1 0 0; sample 0 1 2 0 0.3 1 -> 0 1 0 1 1 0",
    "normalised planes": "input 1x4x4; conv 2 3x3; batchnorm; relu; flatten; dense 1" + SIXTEEN,
}


@for_each(
    "net",
    [*map(builtin, LESSONS), *map(parse, NETWORKS.values())],
    ids=[*LESSONS, *NETWORKS],
)
def test_the_general_lines_come_to_the_error_and_the_gradients(net):
    worked, step = Worked(net), training_step(net)
    truth = next(run(step, 1))
    assert worked.values["E_total"][0] == pytest.approx(float(truth[step.loss]), rel=1e-12)
    by_parameter = dict(zip(step.weights, net.parameters, strict=True))
    for weight, gradient in step.gradients.items():
        name = f"∂E_total/∂{spell(parameter_symbol(net, by_parameter[weight]))}"
        said = np.reshape(worked.values[name][0], weight.shape)
        assert said == pytest.approx(truth[gradient], rel=1e-10, abs=1e-13), name


def test_what_slides_over_a_signal_is_said_to_slide():
    net = parse("input 8x1; spectrogram frame 4 step 1; conv1d 1 1")
    story = m.Story("frames")
    tell_in_general(story, net)
    told = write_text(story.document())
    assert "h_wave = W_wave ⋆ i" in told
    assert "slides each of W's windows over x" in told
    assert "6 × 1 × 1 × 4" in told
