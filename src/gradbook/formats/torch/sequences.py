"""How PyTorch says layers that read sequences: its own modules, batch first, steps x features."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from gradbook.errors import TargetError
from gradbook.formats.gates import PYTORCH, stack_gates
from gradbook.graph.node import Array
from gradbook.graph.window import NOWHERE
from gradbook.layers import Attention, PositionEmbedding
from gradbook.layers.card import Bias
from gradbook.layers.norms import PlaceNorm, RmsNorm
from gradbook.layers.sequences import Gru, Lstm, Recurrent, Rnn, Sinusoids, Unembedding
from gradbook.layers.sums import Conv
from gradbook.layers.wiring import Dropout, Product
from gradbook.net.trained import TrainedLayer

MODULES = {Rnn: "RNN", Gru: "GRU", Lstm: "LSTM"}
RESET_BEFORE = (
    "{name} can't be written in PyTorch, whose reset gate weighs what the state before adds: leave "
    "out 'reset_before'"
)
FLOATS = "parametrizations.weight.original"  # what PyTorch makes a parametrised weight of
TO_STEPS, TO_ROW = ".squeeze(2).movedim(1, 2)", ".movedim(1, 2).unsqueeze(2)"


def goes_over_steps(own: TrainedLayer) -> bool:
    """Whether PyTorch says it of steps x features alone; a window of one step is a Linear there."""
    match own.layer:
        case Recurrent() | Attention() | PositionEmbedding() | Unembedding():
            return True
        case Conv(row=True, kernel=(1, 1), stride=(1, 1), groups=1):
            return own.layer.window(own.given).pad == NOWHERE
    return False


def fits_steps(own: TrainedLayer) -> bool:
    """Whether PyTorch says it in the same words of steps x features."""
    match own.layer:
        case PlaceNorm() | RmsNorm():
            return True
        case Dropout(channels=channels):
            return not channels
        case Product():
            return False
    return own.layer.elementwise and not own.tensors


def module_made(own: TrainedLayer) -> str:
    """How the module of a layer over steps is made."""
    features, _, steps = own.given
    none = "" if any(name.endswith("bias") for name in own.tensors) else ", bias=False"
    match own.layer:
        case Conv(channels):
            return f"nn.Linear({features}, {channels}{none})"
        case Gru(reset_before=True):
            raise TargetError(RESET_BEFORE.format(name=own.name))
        case Recurrent() as layer:
            word = MODULES[type(layer)]
            return f"nn.{word}({features}, {layer.width}, batch_first=True{none})"
        case Attention(heads):
            return f"nn.MultiheadAttention({features}, {heads}{none}, batch_first=True)"
    fixed = ", requires_grad=False" if isinstance(own.layer, Sinusoids) else ""
    return f"nn.Parameter(torch.zeros({steps}, {features}){fixed})"


def buffers_made(own: TrainedLayer) -> Iterator[str]:
    """What isn't trained: which steps come after each, where attention doesn't see them."""
    if isinstance(own.layer, Attention) and own.layer.causal:
        steps = own.given[2]
        yield "self.register_buffer("
        yield f'    "{own.name}_later", torch.ones({steps}, {steps}).triu(1) > 0, persistent=False'
        yield ")"


def fixed_in(own: TrainedLayer) -> Iterator[str]:
    """What no training changes: of two biases that are only added one does."""
    match own.layer:
        case Recurrent() if own.layer.bias is not Bias.NONE:
            fixed = Bias(own.layer.bias).fixed
            yield from ["bias_ih_l0"] * fixed
            yield from ["bias_hh_l0"] * (fixed or not isinstance(own.layer, Gru))
        case Attention() if Bias(own.layer.bias).fixed:
            yield from ("in_proj_bias", "out_proj.bias")
        case Conv(learns=False):
            yield "weight"


def call_of(own: TrainedLayer, module: str, x: str) -> str:
    """The call of a module; a sequence is its own queries, keys and values, and positions are
    added to it."""
    match own.layer:
        case Attention(causal=causal):
            masked = f", attn_mask=self.{own.name}_later" if causal else ""
            return f"{module}({x}, {x}, {x}, need_weights=False{masked})"
        case PositionEmbedding():
            return f"{x} + {module}"
        case Unembedding():
            return f"{f'({x})' if ' ' in x else x} @ {module}.weight"
    return f"{module}({x})"


def tensors_of(own: TrainedLayer) -> dict[str, Array]:
    """By what follows the module's name in PyTorch."""
    match own.layer:
        case Recurrent() as layer:
            stack = stack_gates(own, PYTORCH.of(layer))
            found = {"weight_ih_l0": stack.fed, "weight_hh_l0": stack.back}
            if stack.bias is not None and stack.late is not None:
                found |= {"bias_ih_l0": stack.bias, "bias_hh_l0": stack.late}
            return {f".{name}": array for name, array in found.items()}
        case Attention() as layer:
            return dict(_projections(own, layer))
        case PositionEmbedding():
            return {"": own.tensors["bias"].reshape(own.given)[:, 0].T}
    return {f".{name}": array for name, array in with_floats(own).items()}


def with_floats(own: TrainedLayer) -> dict[str, Array]:
    """Its tensors, with what weights of few bits are made of in their place; at each step they are
    a matrix."""
    others = dict(own.tensors)
    weight = others.pop("weight", None)
    if weight is None:
        return others
    name, weight = ("weight", weight) if own.floats is None else (FLOATS, own.floats)
    return {name: weight[..., 0, 0] if goes_over_steps(own) else weight, **others}


def _projections(own: TrainedLayer, layer: Attention) -> Iterator[tuple[str, Array]]:
    for role in ("weight", "bias"):
        words = [f"{part}_{role}" for part in layer.parts]
        if words[0] in own.tensors:
            parts = [own.tensors[word] for word in words]
            *first, last = (part[..., 0, 0] if role == "weight" else part for part in parts)
            yield f".in_proj_{role}", np.concatenate(first)
            yield f".out_proj.{role}", last
