"""The same network in JAX and in tinygrad, run as people run them: one compiled training step.

What each is given is what PyTorch is given in `rivals.py`: bytes, the rate, momentum, batches in
the same order. The processor's other cores are hidden from them, because both take all that they
see.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import partial
from math import sqrt
from typing import Any

import numpy as np

from bench.race.rivals import batches
from gradbook.errors import UsageError
from gradbook.graph.window import Shape
from gradbook.layers import Activation, BatchNorm, Bias, Conv, Dense, Dropout, Flatten, Layer, Pool
from gradbook.net import Net

MODES = {  # mode → what it needs
    "JAX": ("jax",),
    "tinygrad": ("tinygrad",),
    "tinygrad, BEAM": ("tinygrad",),
}
BEAM = "2"  # how many kernels its search keeps: what its own examples take
MEAN, DEVIATION = 0.1307, 0.3081
Steps = Callable[[int], float]


def trainer(net: Net, mode: str, batch: int, threads: int, images: Any, labels: Any) -> Steps:
    """A function that does some training steps, and returns the last one's loss."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])
    make = _in_jax if mode == "JAX" else _in_tinygrad
    if make is _in_tinygrad:
        beam = BEAM if mode.endswith("BEAM") else "0"
        os.environ.update(DEV="CPU", BEAM=beam, CPU_COUNT=str(threads), CACHELEVEL="0")
    step, next_batch = make(net), batches(len(images), batch)

    def steps(count: int) -> float:
        loss: Any = 0.0
        for _ in range(count):
            chosen = next_batch()
            loss = step(images[chosen], labels[chosen].astype(np.int32))
        return float(loss)

    return steps


def _start(random: np.random.Generator, *shape: int) -> Any:
    """Uniform, as PyTorch draws a layer's weights; the last size counts the outputs."""
    reach = 1 / sqrt(np.prod(shape[:-1]))
    return random.uniform(-reach, reach, shape).astype(np.float32)


def _refuse(layer: Layer) -> UsageError:
    return UsageError(f"the bench has no twin of {layer}")


# JAX ----------------------------------------------------------------------------------


def _in_jax(net: Net) -> Callable[[Any, Any], Any]:
    import jax
    from jax import numpy as jnp

    random, rate, momentum = np.random.default_rng(0), net.learning_rate, net.update.momentum
    layers = list(zip(net.layers, net.shapes, strict=False))
    weights = [_jax_weights(layer, shape, random) for layer, shape in layers]

    def loss(weights: Any, x: Any, classes: Any, key: Any) -> Any:
        statistics = []
        for k, ((layer, shape), own) in enumerate(zip(layers, weights, strict=True)):
            x, seen = _jax_layer(layer, shape, own, x, jax.random.fold_in(key, k))
            statistics += seen
        picked = jnp.take_along_axis(x, classes[:, None], 1)
        return -picked.mean(), statistics

    def update(weights: Any, speeds: Any, running: Any, pixels: Any, classes: Any, key: Any) -> Any:
        x = (pixels.transpose(0, 2, 3, 1).astype(jnp.float32) / 255 - MEAN) / DEVIATION
        key, now = jax.random.split(key)
        gradient = jax.value_and_grad(loss, has_aux=True)
        (value, seen), slopes = gradient(weights, x, classes, now)
        running = [0.9 * old + 0.1 * new for old, new in zip(running, seen, strict=True)]
        speeds = jax.tree.map(lambda v, g: momentum * v + g, speeds, slopes)
        return jax.tree.map(lambda w, v: w - rate * v, weights, speeds), speeds, running, value, key

    compiled = jax.jit(update)
    norms = [shape[0] for layer, shape in layers if isinstance(layer, BatchNorm)]
    running = [np.zeros(size, np.float32) for size in norms for _ in range(2)]
    state = [weights, jax.tree.map(jnp.zeros_like, weights), running, 0.0, jax.random.key(0)]

    def step(pixels: Any, classes: Any) -> Any:
        state[:] = compiled(*state[:3], pixels, classes, state[4])
        return state[3]

    return step


def _jax_weights(layer: Layer, shape: Shape, random: np.random.Generator) -> dict[str, Any]:
    match layer:
        case Conv():
            size = layer.window(shape).size
            own = {"w": _start(random, *size, shape[0] // layer.groups, layer.channels)}
        case Dense():
            own = {"w": _start(random, shape[0], layer.width)}
        case BatchNorm():
            return {"g": np.ones(shape[0], np.float32), "b": np.zeros(shape[0], np.float32)}
        case _:
            return {}
    if layer.bias is not Bias.NONE:
        own["b"] = np.zeros(own["w"].shape[-1], np.float32)
    return own


def _jax_layer(layer: Layer, shape: Shape, own: Any, x: Any, key: Any) -> tuple[Any, list[Any]]:
    """What the layer computes, channels innermost, and the statistics that it saw."""
    import jax
    from jax import lax
    from jax import numpy as jnp

    seen: list[Any] = []
    match layer:
        case Conv():
            window = layer.window(shape)
            down, across = zip(window.pad[:2], window.pad[2:], strict=True)
            order = ("NHWC", "HWIO", "NHWC")
            sums = lax.conv_general_dilated(
                x, own["w"], window.stride, (down, across), dimension_numbers=order
            )
            x = sums + own.get("b", 0)
        case Dense():
            x = x @ own["w"] + own.get("b", 0)
        case BatchNorm():
            along = tuple(range(x.ndim - 1))
            seen = [x.mean(along), x.var(along)]
            x = (x - seen[0]) * lax.rsqrt(seen[1] + layer.epsilon) * own["g"] + own["b"]
        case Dropout():
            drawn = (len(x), *(1,) * (x.ndim - 2), x.shape[-1]) if layer.channels else x.shape
            kept = jax.random.bernoulli(key, 1 - layer.rate, drawn)
            x = jnp.where(kept, x / (1 - layer.rate), 0)
        case Pool() if not any(layer.window(shape).pad):
            window = layer.window(shape)
            sizes, strides = (1, *window.size, 1), (1, *window.stride, 1)
            if layer.kind == "max":
                x = lax.reduce_window(x, -jnp.inf, lax.max, sizes, strides, "VALID")
            else:
                total = lax.reduce_window(x, 0.0, lax.add, sizes, strides, "VALID")
                x = total / np.prod(window.size)
        case Flatten():
            x = x.transpose(0, 3, 1, 2).reshape(len(x), -1)
        case Activation(kind="relu"):
            x = jnp.maximum(x, 0)
        case Activation(kind="log softmax"):
            x = jax.nn.log_softmax(x.reshape(len(x), -1))
        case _:
            raise _refuse(layer)
    return x, seen


# tinygrad -----------------------------------------------------------------------------


def _in_tinygrad(net: Net) -> Callable[[Any, Any], Any]:
    from tinygrad import Context, Tensor, TinyJit, nn

    Tensor.manual_seed(0)
    layers = zip(net.layers, net.shapes, strict=False)
    made: Sequence[Any] = [_tinygrad_layer(layer, shape) for layer, shape in layers]
    learned = nn.state.get_parameters([one for one in made if type(one).__module__ == nn.__name__])
    update = nn.optim.SGD(learned, lr=net.learning_rate, momentum=net.update.momentum)

    def train(pixels: Any, classes: Any) -> Any:
        update.zero_grad()
        x = (pixels.float() / 255 - MEAN) / DEVIATION
        for layer in made:
            x = layer(x)
        loss = x.sparse_categorical_crossentropy(classes).backward()
        return loss.realize(*update.schedule_step())

    compiled = TinyJit(train)

    def step(pixels: Any, classes: Any) -> Any:
        with Context(TRAINING=1):
            return compiled(Tensor(pixels), Tensor(classes)).item()

    return step


def _tinygrad_layer(layer: Layer, shape: Shape) -> Any:
    from tinygrad import Tensor, nn

    made: Any
    match layer:
        case Conv():
            window = layer.window(shape)
            words = {"padding": window.pad[:2], "bias": layer.bias is not Bias.NONE}
            made = nn.Conv2d(shape[0], layer.channels, window.size, window.stride, **words)
        case Dense():
            made = nn.Linear(shape[0], layer.width, bias=layer.bias is not Bias.NONE)
        case BatchNorm():
            made = nn.BatchNorm(shape[0], eps=layer.epsilon)
        case Dropout(rate=rate) if layer.channels:
            made = partial(_drop_channels, rate)
        case Dropout(rate=rate):
            made = partial(Tensor.dropout, p=rate)
        case Pool() if not any(layer.window(shape).pad):
            window = layer.window(shape)
            pool = Tensor.max_pool2d if layer.kind == "max" else Tensor.avg_pool2d
            made = partial(pool, kernel_size=window.size, stride=window.stride)
        case Activation(kind="relu"):
            made = Tensor.relu
        case Flatten() | Activation(kind="log softmax"):  # which the loss computes
            made = partial(Tensor.flatten, start_dim=1)
        case _:
            raise _refuse(layer)
    return made


def _drop_channels(rate: float, x: Any) -> Any:
    from tinygrad import Tensor

    return x * (Tensor.rand(*x.shape[:2], 1, 1) >= rate) / (1 - rate)
