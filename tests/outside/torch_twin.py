"""Any network as a PyTorch module in float64: same start values, loss and update, other hands.

history(net, 30)      what each epoch begins with: the loss and every weight by its name
gradients(net)        every gradient at the start, by the weight's name
Twin(net)             the module itself, which can be fed other samples, with masks for dropout
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from torch.nn import functional

from gradbook.graph.levels import Bits
from gradbook.layers.sequences import Recurrent
from gradbook.net import (
    Activation,
    Attention,
    BatchNorm,
    Concat,
    Conv,
    Dense,
    Dropout,
    Flatten,
    GoBack,
    GroupNorm,
    Layer,
    LayerNorm,
    MelBands,
    Net,
    Parameter,
    Pick,
    PlaceNorm,
    Pool,
    PositionEmbedding,
    PRelu,
    Product,
    Quantize,
    Reshape,
    Residual,
    RmsNorm,
    Transpose,
    TransposedConv,
    Unembedding,
    Upsample,
)
from tests.agree.runs import Epoch
from tests.graph.cards import CARDS, rounded, straight_through
from tests.outside.torch_sequences import laid_out, over_steps, over_steps_loss
from tests.outside.torch_windows import convolved, enlarged, pooled, spread

Tensor = torch.Tensor


def history(net: Net, epochs: int, rate: float | None = None) -> Iterator[Epoch]:
    """Train with PyTorch's own optimizer."""
    twin = Twin(net)
    optimizer = twin.optimizer(net.learning_rate if rate is None else rate)
    for _ in range(epochs):
        optimizer.zero_grad()
        loss = twin.loss()
        yield Epoch(loss.item(), twin.named([w.detach() for w in twin.weights]))
        loss.backward()
        optimizer.step()


def gradients(net: Net) -> dict[str, float]:
    """∂E_total/∂w of every weight that is trained, at the start."""
    twin = Twin(net)
    twin.loss().backward()
    return twin.named([w.grad for w in twin.weights])


def loss(net: Net) -> float:
    """E_total at the start."""
    return Twin(net).loss().item()


def outputs(net: Net) -> Any:
    """What comes out at the start, as an array with a row a sample."""
    made = Twin(net).run(net.layers).detach()
    return (made[:, :, 0].movedim(1, 2).flatten(1) if len(net.wanted) > 1 else made).numpy()


class Twin:
    """The samples as tensors, one Parameter of PyTorch's for each of the net's.

    Once it is fed it carries running statistics, as a training step on batches does.
    """

    training = True

    def __init__(self, net: Net) -> None:
        self.net = net
        samples = net.examples()
        self.inputs = _tensor([s.inputs for s in samples]).reshape(-1, *net.input)
        self.targets = _tensor([s.targets for s in samples])
        start = net.start_values()
        self.weights = [self._weight(p, start[p.role]) for p in net.parameters]
        self.masks: Mapping[int, Any] = {}
        self.running: dict[int, tuple[Tensor, Tensor]] = {}

    def feed(self, inputs: Any, targets: Any, masks: Mapping[int, Any]) -> None:
        """A batch from outside; `masks` are by the dropout's place among the layers."""
        self.inputs, self.targets = _tensor(inputs), _tensor(targets)
        self.masks = {index: _tensor(mask) for index, mask in masks.items()}
        for index, layer in enumerate(self.net.layers):
            if isinstance(layer, BatchNorm) and index not in self.running:
                channels = self.net.shapes[index][0]
                self.running[index] = (_tensor([0.0] * channels), _tensor([1.0] * channels))

    @staticmethod
    def _weight(p: Parameter, values: Sequence[float]) -> torch.nn.Parameter:
        own = _tensor(values[p.first - 1 : p.first - 1 + p.size]).reshape(p.shape)
        return torch.nn.Parameter(own, requires_grad=not p.fixed)

    def named(self, tensors: Sequence[Tensor | None]) -> dict[str, float]:
        pairs = zip(self.net.parameters, tensors, strict=True)
        return {
            name: value
            for p, tensor in pairs
            if tensor is not None
            for name, value in zip(p.names, tensor.flatten().tolist(), strict=True)
        }

    def run(self, layers: Sequence[Layer]) -> Tensor:
        values = [x := laid_out(self.net, self.inputs)]
        for index, layer in enumerate(layers):
            pairs = zip(self.net.parameters, self.weights, strict=True)
            own = [w for p, w in pairs if p.layer == self.net.owners[index]]
            own[:1] = [few_bits(w, layer) if layer.bits else w for w in own[:1]]
            match layer:
                case BatchNorm(epsilon):  # the function of torch.nn refuses a single value
                    running = self.running.get(index, (None, None))
                    x = torch.batch_norm(x, *own, *running, self.training, 0.1, epsilon, False)
                case GroupNorm(groups, epsilon):
                    x = functional.group_norm(x, groups, *own, epsilon)
                case LayerNorm(epsilon):
                    shape = x.shape[1:]
                    x = functional.layer_norm(x, shape, *(w.reshape(shape) for w in own), epsilon)
                case PlaceNorm(epsilon):
                    last = functional.layer_norm(x.movedim(1, -1), x.shape[1:2], *own, epsilon)
                    x = last.movedim(-1, 1)
                case PRelu():
                    x = functional.prelu(x, *own)
                case Dropout():
                    x = self._dropped(x, self.masks.get(index))
                case GoBack(back):
                    x = values[-1 - back]
                case Residual(back):
                    x = x + values[-1 - back]
                case Product(back):
                    x = torch.mul(*_by_channel(x, values[-1 - back]))
                case Concat(back):
                    x = torch.cat([values[-1 - number] for number in back], 1)
                case _:
                    x = _apply(layer, x, *own)
            values.append(x)
        return x

    def _dropped(self, x: Tensor, mask: Tensor | None) -> Tensor:
        if mask is None or not self.training:
            return x
        return x * (mask[..., None, None] if mask.ndim < x.ndim else mask)

    def loss(self) -> Tensor:
        """The cross-entropies of PyTorch read what softmax and sigmoid are given."""
        net, t, loss = self.net, self.targets, self.net.objective
        outputs = self.run(net.layers[:-1] if loss.ending else net.layers)
        if loss.of_all:
            if outputs.ndim == 4:
                return over_steps_loss(net, outputs[:, :, 0], t)
            sums = outputs.flatten(1)
            return functional.cross_entropy(sums, t, label_smoothing=net.smoothing)
        error = CARDS[loss.op].torch
        assert error
        if outputs.ndim == 4:  # the targets come step by step
            outputs = outputs[:, :, 0].movedim(1, 2)
        errors = [error(torch, *pair) for pair in zip(t.flatten(), outputs.flatten(), strict=True)]
        total = torch.stack(errors).sum()
        return total / (len(t) if loss.summed else t.numel())

    def optimizer(self, rate: float) -> torch.optim.Optimizer:
        rule, net, optim = self.net.update, self.net, torch.optim
        groups = [
            {"params": [w], "weight_decay": net.decay_of(p.role)}
            for p, w in zip(net.parameters, self.weights, strict=True)
            if w.requires_grad
        ]
        match rule.kind:
            case "descent":
                return optim.SGD(groups, rate)
            case "momentum":
                # PyTorch refuses Nesterov's look ahead where there is no momentum to look along
                ahead = rule.nesterov and rule.momentum > 0
                return optim.SGD(groups, rate, momentum=rule.momentum, nesterov=ahead)
            case "adam":
                return optim.Adam(groups, rate, betas=(rule.beta1, rule.beta2), eps=rule.epsilon)
            case "adamw":
                return optim.AdamW(groups, rate, betas=(rule.beta1, rule.beta2), eps=rule.epsilon)
            case _:
                raise AssertionError(rule)


def few_bits(w: Tensor, layer: Layer) -> Tensor:
    """As straight-through estimators are usually written, a channel at a time."""
    rows = w
    if isinstance(layer, TransposedConv):
        rows = torch.cat(w.chunk(layer.groups), 1).transpose(0, 1)
    rows = rows.flatten(1)
    sizes = rows.detach().abs()
    most, share = {"bits 8": (127, 0), "bits 4": (7, 0), "bits 2": (3, TWO), "ternary": (1, THREE)}[
        layer.bits
    ]
    scale = sizes.mean(1) * share if share else sizes.amax(1) / most
    over = scale[:, None].expand(rows.shape)
    if isinstance(layer, TransposedConv):
        back = over.reshape(-1, len(w) // layer.groups, *w.shape[2:]).transpose(0, 1)
        over = torch.cat(back.chunk(layer.groups, 1))
    return straight_through(torch, w, over.reshape(w.shape), Bits(layer.bits))


TWO, THREE = Bits.TWO.of_mean, Bits.TERNARY.of_mean


def _by_channel(*values: Tensor) -> list[Tensor]:
    """With as many axes each, so that a value of each channel is for the whole channel."""
    axes = max(x.ndim for x in values)
    return [x.reshape(*x.shape, *(1,) * (axes - x.ndim)) for x in values]


def _apply(layer: Layer, x: Tensor, *weights: Tensor) -> Tensor:  # noqa: PLR0911
    match layer:
        case Dense():
            return functional.linear(x, weights[0]) + sum(weights[1:])
        case Conv() | TransposedConv():
            sums = (convolved if isinstance(layer, Conv) else spread)(layer, x, weights[0])
            return sums + sum(b.reshape(-1, 1, 1) for b in weights[1:])
        case Pool() | Upsample():
            return (pooled if isinstance(layer, Pool) else enlarged)(layer, x)
        case (
            Recurrent() | Attention() | PositionEmbedding() | RmsNorm() | Unembedding() | MelBands()
        ):
            return over_steps(layer, x, weights)
        case Pick() | Transpose() | Reshape():
            return _moved(layer, x)
        case Quantize():
            return rounded(torch, x, *weights, *layer.levels)
        case Flatten():
            return x.flatten(1)
        case Activation() if layer.is_softmax:
            return getattr(torch, layer.word)(x if x.shape[2:3] == (1,) else x.flatten(1), 1)
        case Activation("identity"):
            return x
        case Activation():
            bend = CARDS[layer.word].torch
            assert bend
            return bend(torch, x, *layer.settings.values())
        case _:
            raise AssertionError(layer)


def _moved(layer: Layer, x: Tensor) -> Tensor:
    match layer:
        case Pick(numbers) if layer.is_one_step:
            return x[:, :, 0, numbers[0] - 1]
        case Pick(numbers, along):
            axis = {"channels": 1, "rows": 2}.get(along, 3)
            padded = torch.cat([torch.zeros_like(x.narrow(axis, 0, 1)), x], axis)
            return padded.index_select(axis, torch.tensor(numbers))
        case Transpose():
            return x.transpose(1, 3)
        case _:
            return x.reshape(len(x), *layer.shape)


def _tensor(values: Any) -> Tensor:
    return torch.tensor(values, dtype=torch.float64)
