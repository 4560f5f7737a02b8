"""A PyTorch training loop for a recipe: its optimizer, learning rates, batches and loss."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gradbook.data.warp import Warp
from gradbook.errors import TargetError
from gradbook.formats.torch.write import WIDEST, WORDS, few_bits, function_source, write_assignment
from gradbook.layers import LayerNorm, Loss, Role
from gradbook.layers.card import AnswerKind
from gradbook.net.network import Net
from gradbook.net.trained import TrainedNet

# How a recipe warps images: equal to the pictures of data/warp.py.


def warp_source(warp: Warp) -> str:
    """Return `warped(images)` and what it calls; empty if the images stay as they are.

    It computes where each place comes from, so the last change of a place is undone first.
    """
    if not warp.changes_images:
        return ""
    parts = [function_source("between")]
    if warp.elastic:
        parts.append(function_source("spline", spacing=warp.elastic.spacing))
    low, high = warp.scale
    crop = warp.crop
    chance = crop.chance if crop and crop.chance != 1 else 0
    settings: dict[str, object] = {
        "shift": warp.shift,
        "rotate": warp.rotate,
        "shear": warp.shear,
        "scale": warp.scale != (1.0, 1.0),
        "chance": chance,
        "flip": warp.flip and warp.flip.chance,
        "cut": warp.cutout and warp.cutout.size,
    }
    settings["each"] = any(settings.values())
    settings |= {"low": low, "high": high, "always": crop and not chance, "ground": warp.background}
    settings |= {"cropped": crop and crop.size, "bends": warp.elastic and warp.elastic.most}
    settings |= {"cut_chance": warp.cutout and warp.cutout.chance, "fill": warp.background or 0}
    return "\n\n".join((*parts, function_source("warped", **settings)))


# The loop: its optimizer, its rates, its batches, its loss.

NORMS = ("batchnorm", "groupnorm", "layernorm", "placenorm")
NO_LOSS = (
    "PyTorch has no loss '{loss}': leave out --train, or train the network with 'mean squared "
    "error'"
)
NO_OPTIMIZER = (
    "PyTorch has no optimizer '{update}': leave out --train, or train the network with 'adam'"
)
OPTIMIZERS = {"adam": "Adam", "adamw": "AdamW"}  # with betas; SGD has none
LOSS_FUNCTIONS = {  # in torch.nn.functional, by the op; each averages over the outputs
    "absolute_error": "l1_loss",
    "binary_cross_entropy": "binary_cross_entropy",
    "huber": "huber_loss",
    "square": "mse_loss",
}
CONDITIONS = {  # tests for the names of a kind's parameters; others contain their tensor's name
    Role.WEIGHT: 'n[:2] not in norms and "weight" in n',
    Role.BIAS: 'n[:2] not in norms and "bias" in n',
    Role.SCALE: 'n[:2] in norms and "weight" in n',
    Role.SHIFT: 'n[:2] in norms and "bias" in n',
    Role.SLOPE: 'n[:2] == "pr"',
}


@dataclass(frozen=True)
class TorchTraining:
    """A recipe as plain numbers; `kind` is the kind of the schedule."""

    epochs: int
    batch: int
    kind: str
    rate: float
    factor: float
    every: int
    patience: int
    warm: float
    end: float
    rise: float  # a rising rate begins with this share of itself
    warp: Warp
    settling: int  # batches at the end that update batchnorm's statistics on unwarped images
    holds_back: bool  # a sixth of the images, for validation
    leaves_out: str  # the parts of the recipe that aren't written

    @property
    def changes_each_step(self) -> bool:
        return self.kind not in ("constant", "plateau") or self.warm > 0


def training_source(trained: TrainedNet, training: TorchTraining) -> str:
    """Return the functions that train the network, as they are written to the file."""
    net = trained.net
    if net.laid_out:
        raise TargetError(
            "a training loop can't be written yet for networks that read sequences: leave out "
            "--train"
        )
    weight = "learned(layer)" if few_bits(trained) else "layer.weight"
    parts = [
        f"EPOCHS, BATCH = {training.epochs}, {training.batch}\n",
        function_source("initialise", weight=weight),
        _loss(net),
        _groups(net),
    ]
    if training.changes_each_step:
        parts.append(rate_source(training))
    if warping := warp_source(training.warp):
        parts.append(warping)
    if training.kind == "plateau" and training.holds_back:
        parts.append(function_source("lost"))
    if training.settling:
        parts.append(function_source("settle", batches=training.settling))
    parts.append(_train(net, training))
    return "\n\n".join(parts)


def _loss(net: Net) -> str:
    if net.objective is Loss.CROSS:
        are_logs = net.answer_kind is AnswerKind.LOGARITHMS
        logs = "outputs" if are_logs else "outputs.clamp_min(1e-30).log()"
        if not net.smoothing:
            return function_source("loss", loss=f"F.nll_loss({logs}, labels)")
        smoothed = f"label_smoothing={net.smoothing!r}"
        return function_source("loss", loss=f"F.cross_entropy({logs}, labels, {smoothed})")
    targets = f"F.one_hot(labels, {net.outputs}).float()"
    targets = "labels.float()[:, None]" if net.outputs == 1 else targets
    loss = "((outputs - targets) ** 2).sum(1).mean() / 2"
    if net.objective is not Loss.HALF_SQUARED:
        if net.objective.op not in LOSS_FUNCTIONS:
            raise TargetError(NO_LOSS.format(loss=net.objective))
        loss = f"F.{LOSS_FUNCTIONS[net.objective.op]}(outputs, targets)"
    return function_source("loss", targets=targets, loss=loss)


def _groups(net: Net) -> str:
    decays = {role: net.decay_of(role) for role in Role if net.count(role)}
    if len(set(decays.values())) == 1:
        return function_source("groups", decay=repr(next(iter(decays.values()))))
    conditions = _conditions(net, decays)
    named = any("in n" in condition for condition in conditions)
    loop, every = "n, p" if named else "p", f"network.{'named_' * named}parameters()"
    norms = ", ".join(f'"{WORDS[kind]}"' for kind in NORMS)
    lines = []
    for condition, decay in conditions.items():
        parts = [f'"params": [p for {loop} in every if {condition}]', f'"weight_decay": {decay!r}']
        line = f"        {{{', '.join(parts)}}},"
        spread = ["        {", *(f"            {part}," for part in parts), "        },"]
        lines += [line] if len(line) <= WIDEST else spread
    names = {"norms": named and f"({norms})", "own": named and Role.SLOPE in decays}
    return function_source("groups", **names, every=every, lines="\n".join(lines))


def _conditions(net: Net, decays: Mapping[Role, float]) -> dict[str, float]:
    """Separate weights from all others, and the others from each other if they differ."""
    others = {decay for role, decay in decays.items() if role is not Role.WEIGHT}
    pairs = zip(net.layers, net.shapes, strict=False)
    scaled = [shape for layer, shape in pairs if isinstance(layer, LayerNorm)]
    if len(others) == 1 and all(len(shape) == 1 for shape in scaled):  # else not of weights alone
        return {"p.ndim > 1": decays[Role.WEIGHT], "p.ndim == 1": others.pop()}
    conditions = {
        CONDITIONS.get(role, f'"{role.tensor}" in n'): decay for role, decay in decays.items()
    }
    if Role.SLOPE in decays:  # not a weight of sums, though its name contains "weight"
        weights = conditions.pop(CONDITIONS[Role.WEIGHT])
        conditions['n[:2] not in own and "weight" in n'] = weights
    return conditions


def rate_source(training: TorchTraining) -> str:
    """Return a function from the step to the share of the highest rate."""
    if training.kind == "plateau":
        raise TargetError(
            "a training loop can't warm up a plateau schedule: leave out --train, or train with "
            "another schedule"
        )
    kind, warm, low = training.kind, training.warm, training.end / training.rate
    curve = kind in ("cosine", "one cycle")
    return function_source(
        "share of rate",
        step=kind == "step",
        constant=kind == "constant",
        factor=training.factor,
        every=training.every,
        done=kind != "step" or warm,
        curve=curve,
        way=f"max(0.0, done - {warm!r}) / (1 - {warm!r})" if warm else "done",
        share="(1 + math.cos(math.pi * way)) / 2" if kind == "cosine" else "1 - way",
        ends=curve and training.end,
        low=low,
        warm=warm,
        first=1 / training.rise,
        rising=" * rising" if warm else "",
    )


def _optimizer(net: Net, rate: float) -> str:
    update = net.update
    match update.kind:
        case "descent":
            words = f"SGD(groups(network), lr={rate!r})"
        case "momentum":
            ahead = ", nesterov=True" if update.nesterov and update.momentum else ""
            words = f"SGD(groups(network), lr={rate!r}, momentum={update.momentum!r}{ahead})"
        case kind if kind in OPTIMIZERS:
            name = OPTIMIZERS[kind]
            numbers = f"betas={(update.beta1, update.beta2)!r}, eps={update.epsilon!r}"
            words = f"{name}(groups(network), lr={rate!r}, {numbers})"
        case kind:
            raise TargetError(NO_OPTIMIZER.format(update=kind))
    return f"torch.optim.{words}"


def _train(net: Net, training: TorchTraining) -> str:
    """Write the loop; each epoch ends by reporting the accuracy on the images held back."""
    plateau, held = training.kind == "plateau", training.holds_back
    batch = "images[chosen]"
    return function_source(
        "train",
        holds_back=held,
        optimizer=write_assignment("optimizer", _optimizer(net, training.rate), 4),
        steps=training.changes_each_step,
        plateau=plateau,
        factor=training.factor,
        patience=training.patience,
        batch=f"warped({batch})" if training.warp.changes_images else batch,
        settles=training.settling,
        measured="lost(network, *unseen)" if held else "total",
        text="{mean:.4f}, {right:.2%} of the others right" if held else "{total / len(images):.4f}",
    )
