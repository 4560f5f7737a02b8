"""Sequences by PyTorch's own modules: recurrent layers, batch first."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from gradbook.layers import (
    Attention,
    Gru,
    Layer,
    Lstm,
    MelBands,
    PositionEmbedding,
    RmsNorm,
    Rnn,
    Role,
)
from gradbook.layers.sequences import Recurrent, Unembedding
from gradbook.net import Net

Tensor = torch.Tensor


def laid_out(net: Net, x: Tensor) -> Tensor:
    """Steps x features as features of one row, where the layers read them so."""
    return x.movedim(1, 2)[:, :, None] if net.laid_out else x


def over_steps_loss(net: Net, outputs: Tensor, targets: Tensor) -> Tensor:
    """The mean over the samples of the mean over their steps, of those that have a target."""
    t = targets.reshape(len(targets), -1, outputs.shape[1]).movedim(1, 2)
    counted = t.sum(1)
    errors = torch.nn.functional.cross_entropy(
        outputs, t, label_smoothing=net.smoothing, reduction="none"
    )
    return ((errors * counted).sum(1) / counted.sum(1)).mean()


def over_steps(layer: Layer, x: Tensor, own: Sequence[Tensor]) -> Tensor:
    """What the layer makes of samples of features x 1 x steps."""
    match layer:
        case Attention():
            return attention(layer, x[:, :, 0], own)
        case Recurrent():
            return recurrent(layer, x[:, :, 0], own)
        case MelBands():
            return heard(layer, x)
        case Unembedding():
            return torch.einsum("dv,ndot->nvot", own[0][..., 0, 0], x)
        case PositionEmbedding():
            return x + own[0].reshape(x.shape[1:])
        case RmsNorm(epsilon):
            last = torch.nn.functional.rms_norm(x.movedim(1, -1), x.shape[1:2], *own, eps=epsilon)
            return last.movedim(-1, 1)
        case _:
            raise AssertionError(layer)


def recurrent(layer: Recurrent, x: Tensor, own: Sequence[Tensor]) -> Tensor:
    """By PyTorch's own module, whose tensors have the gates one below the other."""
    kind = {Rnn: torch.nn.RNN, Gru: torch.nn.GRU, Lstm: torch.nn.LSTM}[type(layer)]
    wide, features = layer.width, x.shape[1]
    specs = layer.parameters((features, 1, x.shape[2]))
    known = {(it.role, it.part): w for it, w in zip(specs, own, strict=True)}

    def gates(role: Role, words: str = "{}") -> Tensor:
        parts = [words.format(gate).lstrip("_") for gate in layer.gates]
        none = torch.zeros(wide if role is Role.BIAS else (wide, wide), dtype=x.dtype)
        found = [known.get((role, part), none) for part in parts]
        return torch.cat([it.expand(wide) if role is Role.BIAS else it.flatten(1) for it in found])

    if isinstance(layer, Gru) and layer.reset_before:
        states = reset_before(
            x, gates(Role.WEIGHT), gates(Role.WEIGHT, "{}_recurrent"), gates(Role.BIAS)
        )
    else:
        module = kind(features, wide, batch_first=True, dtype=x.dtype)
        tensors = {
            "weight_ih_l0": gates(Role.WEIGHT),
            "weight_hh_l0": gates(Role.WEIGHT, "{}_recurrent"),
            "bias_ih_l0": gates(Role.BIAS),
            "bias_hh_l0": gates(Role.BIAS, "{}_recurrent"),
        }
        states, _ = torch.func.functional_call(module, tensors, x.movedim(1, 2))
    return states.movedim(1, 2)[:, :, None] if layer.all else states[:, -1]


def reset_before(x: Tensor, fed: Tensor, back: Tensor, bias: Tensor) -> Tensor:
    """The GRU that PyTorch doesn't have: the reset gate weighs the state, not what it adds."""
    wide, state, found = len(bias) // 3, x.new_zeros(len(x), len(bias) // 3), []
    for step in range(x.shape[2]):
        sums = x[:, :, step] @ fed.T + bias
        gates = torch.sigmoid(sums[:, : 2 * wide] + state @ back[: 2 * wide].T)
        reset, update = gates[:, :wide], gates[:, wide:]
        new = torch.tanh(sums[:, 2 * wide :] + (reset * state) @ back[2 * wide :].T)
        state = (1 - update) * new + update * state
        found.append(state)
    return torch.stack(found, 1)


def attention(layer: Attention, x: Tensor, own: Sequence[Tensor]) -> Tensor:
    """By PyTorch's own function, which has queries, keys and values in one tensor."""
    features, steps = x.shape[1:]
    specs = layer.parameters((features, 1, steps))
    weights = [w.flatten(1) for spec, w in zip(specs, own, strict=True) if spec.role is Role.WEIGHT]
    biases = [w for spec, w in zip(specs, own, strict=True) if spec.role is Role.BIAS]
    wide = [bias.expand(features) for bias in biases] or [x.new_zeros(features)] * 4
    rows = x.movedim(1, 2).movedim(0, 1)  # steps, samples, features
    mask = torch.ones(steps, steps, dtype=torch.bool).triu(1) if layer.causal else None
    made, _ = torch.nn.functional.multi_head_attention_forward(
        rows,
        rows,
        rows,
        features,
        layer.heads,
        torch.cat(weights[:3]),
        torch.cat(wide[:3]),
        None,
        None,
        False,
        0.0,
        weights[3],
        wide[3],
        attn_mask=mask,
        need_weights=False,
    )
    return made.movedim(0, 1).movedim(1, 2)[:, :, None]


def heard(layer: MelBands, x: Tensor) -> Tensor:
    """By PyTorch's Fourier transform; the triangles as torchaudio has them, on HTK's scale."""
    frame = layer.frame
    window = torch.hann_window(frame, dtype=x.dtype)
    made = torch.stft(
        x[:, 0, 0], frame, layer.step, frame, window, center=False, return_complex=True
    )
    power = (made.real**2 + made.imag**2) / frame
    if layer.bands:
        ends = [2595 * torch.log10(torch.tensor(1 + f / 700)) for f in (layer.low, layer.high)]
        marks = torch.linspace(*(end.item() for end in ends), layer.bands + 2, dtype=x.dtype)
        edges = 700 * (10 ** (marks / 2595) - 1)
        at = torch.arange(frame // 2 + 1, dtype=x.dtype) * layer.rate / frame
        wide = edges.diff()[:, None]
        off = (edges[:, None] - at) / torch.cat([wide, wide[-1:]])
        rising = -off[:-2]
        falling = (edges[2:, None] - at) / wide[1:]
        power = torch.clamp(torch.minimum(rising, falling), min=0) @ power
    return torch.log1p(1e6 * power)[:, :, None]
