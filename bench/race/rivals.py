"""The same network in PyTorch and onnxruntime, run as people run it: the engine's measure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradbook.data.warp import Crop, Warp, write_warp
from gradbook.errors import UsageError
from gradbook.graph.window import Shape
from gradbook.layers import Activation, BatchNorm, Bias, Conv, Dense, Dropout, Flatten, Layer, Pool
from gradbook.net import Net

MODES = {
    "eager": "PyTorch as it comes",
    "channels last": "PyTorch with channels innermost",
    "compile": "torch.compile",
    "compile, channels last": "torch.compile with channels innermost",
    "bf16": "PyTorch with bfloat16 products, channels innermost",
}
PREDICTORS = {  # mode → what it needs
    "eager": ("torch",),
    "onnxruntime": ("torch", "onnx", "onnxruntime"),
}
AT_ONCE = (1_000, 100)  # images: whichever is quickest


def model(net: Net) -> Any:
    """A torch.nn.Sequential of the network's layers."""
    from torch import nn

    layers = zip(net.layers, net.shapes, strict=False)
    return nn.Sequential(*(made for layer, shape in layers for made in _module(nn, layer, shape)))


def _module(nn: Any, layer: Layer, shape: Shape) -> list[Any]:
    match layer:
        case Conv():
            plain = layer.bias is not Bias.NONE
            window = layer.window(shape)
            if window.pad[:2] != window.pad[2:]:
                raise UsageError(f"the bench has no PyTorch twin of {layer}")
            words: dict[str, Any] = {"padding": window.pad[:2], "dilation": window.dilation}
            words |= {"groups": layer.groups, "bias": plain}
            return [nn.Conv2d(shape[0], layer.channels, layer.kernel, layer.stride, **words)]
        case Dense():
            return [nn.Linear(shape[0], layer.width, bias=layer.bias is not Bias.NONE)]
        case BatchNorm():
            kind = nn.BatchNorm2d if len(shape) == 3 else nn.BatchNorm1d
            return [kind(shape[0], eps=layer.epsilon)]
        case Dropout():
            return [(nn.Dropout2d if layer.channels else nn.Dropout)(layer.rate)]
        case Pool() if not any(layer.window(shape).pad) and layer.dilation == (1, 1):
            kind = nn.MaxPool2d if layer.kind == "max" else nn.AvgPool2d
            return [kind(layer.window(shape).size, layer.window(shape).stride)]
        case Flatten():
            return [nn.Flatten()]
        case Activation(kind="relu"):
            return [nn.ReLU()]
        case Activation(kind="log softmax"):
            return [nn.Flatten(), nn.LogSoftmax(1)]
        case _:
            raise UsageError(f"the bench has no PyTorch twin of {layer}")


def trainer(
    net: Net,
    mode: str,
    batch: int,
    threads: int,
    images: Any,
    labels: Any,
    *,
    rate: float | None = None,
    warp: Warp | None = None,
) -> Callable[[int], float]:
    """A function that does some training steps, on batches taken from bytes, and returns the last
    one's loss."""
    import torch

    torch.set_num_threads(threads)
    torch.manual_seed(0)
    last = mode not in ("eager", "compile")
    made = model(net).to(memory_format=torch.channels_last) if last else model(net)
    run = torch.compile(made) if mode.startswith("compile") else made
    rate = net.learning_rate if rate is None else rate
    update = torch.optim.SGD(made.parameters(), rate, net.update.momentum)
    draw = drawing(warp or Warp())
    pixels, classes = torch.from_numpy(images), torch.from_numpy(labels)
    next_batch = batches(len(pixels), batch)

    def step() -> Any:
        chosen = torch.from_numpy(next_batch())
        x = (draw(pixels[chosen].float() / 255) - 0.1307) / 0.3081
        x = x.contiguous(memory_format=torch.channels_last) if last else x
        with torch.autocast("cpu", torch.bfloat16, enabled=mode == "bf16"):
            said = run(x)
        loss = torch.nn.functional.nll_loss(said.float(), classes[chosen])
        update.zero_grad(set_to_none=True)
        loss.backward()
        update.step()
        return loss.detach()

    def steps(count: int) -> float:
        loss: Any = 0.0
        for _ in range(count):
            loss = step()
        return float(loss)

    return steps


def batches(count: int, batch: int) -> Callable[[], NDArray[np.intp]]:
    """A function that says which samples come next, in an order that is the same for all rivals."""
    order, place = np.random.default_rng(0).permutation(count), 0

    def following() -> NDArray[np.intp]:
        nonlocal place
        chosen = order[place : place + batch]
        place = (place + batch) % (count - batch + 1)
        return chosen

    return following


def drawing(warp: Warp) -> Callable[[Any], Any]:
    """A function that draws a batch's images anew."""
    import torch

    crop = warp.crop or Crop(1, 0)
    if warp != Warp(rotate=warp.rotate, crop=warp.crop):
        raise UsageError(f"the bench has no PyTorch twin of the warp '{write_warp(warp)}'")

    def draw(x: Any) -> Any:
        angles = torch.deg2rad(warp.rotate * (2 * torch.rand(len(x)) - 1))
        cropped = torch.rand(len(x)) < crop.chance
        return turned(x, angles, torch.where(cropped, crop.size / x.shape[-1], 1.0))

    return draw if warp.changes_images else lambda x: x


def turned(x: Any, angles: Any, shares: Any) -> Any:
    """Each image anticlockwise by its angle, in radians, once its middle share fills it: the whole
    batch at once, as nobody does it who takes images one by one.
    """
    import torch

    c, s = shares * torch.cos(angles), shares * torch.sin(angles)
    back = torch.stack([c, -s, torch.zeros_like(c), s, c, torch.zeros_like(c)], 1).view(-1, 2, 3)
    places = torch.nn.functional.affine_grid(back, list(x.shape), align_corners=False)
    return torch.nn.functional.grid_sample(x, places, align_corners=False)


def predictor(net: Net, mode: str, threads: int, images: Any) -> Callable[[], Any]:
    """A function that says what the network makes of all the images."""
    import torch

    torch.set_num_threads(threads)
    torch.manual_seed(0)
    made = model(net).eval()
    say = _session(made, images[:1], threads) if mode == "onnxruntime" else _eager(made)
    sizes = [size for size in AT_ONCE if size <= len(images)] or [len(images)]
    at_once = min(sizes, key=lambda size: _seconds(say, images, size))

    def all_of_them() -> list[Any]:
        return [say(images[k : k + at_once]) for k in range(0, len(images), at_once)]

    return all_of_them


def _seconds(say: Callable[[Any], Any], images: Any, size: int) -> float:
    from time import perf_counter

    say(images[:size])
    began = perf_counter()
    say(images[:size])
    return (perf_counter() - began) / size


def _eager(made: Any) -> Callable[[Any], Any]:
    import torch

    def say(images: Any) -> Any:
        with torch.inference_mode():
            return made(torch.from_numpy(images)).numpy()

    return say


def _session(made: Any, example: Any, threads: int) -> Callable[[Any], Any]:
    """The same model as PyTorch exports it."""
    import io
    import warnings

    import onnxruntime
    import torch

    file = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that there are newer exporters
        torch.onnx.export(
            made,
            (torch.from_numpy(example),),
            file,
            input_names=["x"],
            dynamic_axes={"x": {0: "images"}},
            dynamo=False,
        )
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(
        file.getvalue(), options, providers=["CPUExecutionProvider"]
    )
    return lambda images: session.run(None, {"x": images})
