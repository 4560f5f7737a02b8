"""A network's twin in PyTorch: the same layers, the same values, PyTorch's own derivatives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import Any

import numpy as np

from gradbook.net import (
    Activation,
    BatchNorm,
    Bias,
    Conv,
    Dense,
    Dropout,
    Flatten,
    Layer,
    Loss,
    Net,
    Pool,
    Shape,
)


class Twin:
    """`values` are the parameters in the order of `net.parameters`, fixed ones included."""

    def __init__(self, net: Net, torch: ModuleType, values: Sequence[np.ndarray]) -> None:
        self.net, self.torch = net, torch
        self.values = [torch.tensor(np.asarray(v), requires_grad=True) for v in values]
        self.running: dict[int, tuple[Any, Any]] = {
            index: (
                torch.zeros(shape[0], dtype=torch.float64),
                torch.ones(shape[0], dtype=torch.float64),
            )
            for index, (layer, shape) in enumerate(zip(net.layers, net.shapes, strict=False))
            if isinstance(layer, BatchNorm)
        }
        self.training = True

    def outputs(self, x: np.ndarray, masks: Mapping[int, np.ndarray]) -> tuple[Any, Any]:
        """The last layer's values and what went into it; `masks` by the layer's place."""
        value = before = self.torch.tensor(x)
        for index, (layer, shape) in enumerate(zip(self.net.layers, self.net.shapes, strict=False)):
            own = [
                v for p, v in zip(self.net.parameters, self.values, strict=True) if p.layer == index
            ]
            before, value = value, self._layer(layer, index, shape, value, own, masks)
        return value, before

    def _layer(
        self, layer: Layer, index: int, shape: Shape, x: Any, own: list[Any], masks: Any
    ) -> Any:
        f = self.torch.nn.functional
        match layer:
            case Dense():
                return f.linear(x, own[0], *_biases(layer.bias, own, layer.width))
            case Conv():
                bias = _biases(layer.bias, own, layer.channels) or [None]
                return f.conv2d(x, own[0], *bias, layer.stride, layer.pad, 1, layer.groups)
            case Pool():
                pool = f.max_pool2d if layer.kind == "max" else f.avg_pool2d
                return pool(x, layer.size or shape[1:], layer.step)
            case BatchNorm():
                return f.batch_norm(
                    x, *self.running[index], *own, self.training, 0.1, layer.epsilon
                )
            case Dropout():
                if index not in masks or not self.training:
                    return x
                mask = self.torch.tensor(masks[index])
                return x * (mask[..., None, None] if mask.ndim < x.ndim else mask)
            case Flatten():
                return x.flatten(1)
            case Activation():
                return self._activation(layer, x)

    def _activation(self, layer: Activation, x: Any) -> Any:
        f = self.torch.nn.functional
        match layer.kind:
            case "softmax" | "log softmax":
                return getattr(f, layer.kind.replace(" ", "_"))(x.flatten(1), dim=1)
            case "leaky relu":
                return f.leaky_relu(x, layer.slope)
            case "identity":
                return x
            case _:
                return getattr(f, layer.kind)(x)

    def loss(self, x: np.ndarray, t: np.ndarray, masks: Mapping[int, np.ndarray]) -> Any:
        f = self.torch.nn.functional
        value, before = self.outputs(x, masks)
        wanted = self.torch.tensor(t)
        match self.net.loss:
            case Loss.CROSS:
                return f.cross_entropy(
                    before.flatten(1), wanted, label_smoothing=self.net.smoothing
                )
            case Loss.BINARY:
                return f.binary_cross_entropy_with_logits(before, wanted)
            case Loss.SQUARED:
                return f.mse_loss(value, wanted)
            case Loss.HALF_SQUARED:
                return 0.5 * f.mse_loss(value, wanted, reduction="sum") / len(x)

    def gradients(self, *batch: Any) -> list[np.ndarray]:
        loss = self.loss(*batch)
        found = self.torch.autograd.grad(
            loss, self.values, allow_unused=True, materialize_grads=True
        )
        return [g.numpy() for g in found]

    def optimiser(self) -> Any:
        """PyTorch's own update of the parameters that are trained."""
        rule, rate, optim = self.net.update, self.net.learning_rate, self.torch.optim
        groups = [
            {"params": [value], "weight_decay": self.net.decay_of(p.role)}
            for p, value in zip(self.net.parameters, self.values, strict=True)
            if not p.want.fixed
        ]
        match rule.kind:
            case "adam" | "adamw":
                kind = optim.Adam if rule.kind == "adam" else optim.AdamW
                return kind(groups, lr=rate, betas=rule.betas, eps=rule.epsilon)
            case "momentum":
                return optim.SGD(groups, lr=rate, momentum=rule.momentum, nesterov=rule.nesterov)
            case _:
                return optim.SGD(groups, lr=rate)


def _biases(bias: Bias, own: list[Any], width: int) -> list[Any]:
    return [] if bias is Bias.NONE else [own[1].expand(width)]
