"""A training loop in PyTorch after a recipe: its optimizer, its rates, its batches, its loss."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from gradbook.data.warp import Elastic, Warp
from gradbook.errors import TargetError
from gradbook.formats.torch.write import WIDEST, WORDS, few_bits, function_source, write_assignment
from gradbook.graph.window import Shape
from gradbook.layers import Layer, LayerNorm, Loss, Role
from gradbook.net.network import Net
from gradbook.net.trained import TrainedNet

# A function in PyTorch that warps images as a recipe says: the same pictures as data/warp.py.


def warp_source(warp: Warp) -> str:
    """`warped(images)` and what it calls; nothing if the images stay as they are."""
    if not warp.changes_images:
        return ""
    parts = [function_source("between")]
    if warp.elastic:
        parts.append(function_source("spline", spacing=warp.elastic.spacing))
    return "\n\n".join((*parts, _lines(_warped(warp))))


def _warped(warp: Warp) -> Iterator[str]:
    changes = list(_changes(warp))
    yield "def warped(images):"
    yield '    """Training images, each warped at random."""'
    yield "    count, _, rows, columns = images.shape"
    if any("each" in line for line in changes):
        yield "    each = (count, 1, 1)"
    yield "    # of each pixel: how far from the middle lies what it shows"
    yield "    x = torch.arange(columns) - (columns - 1) / 2"
    yield "    y = torch.arange(rows)[:, None] - (rows - 1) / 2"
    yield from changes
    yield "    x, y = torch.broadcast_tensors(2 * x / columns, 2 * y / rows)"
    yield "    grid = torch.stack([x, y], dim=-1)"
    if ground := warp.background:
        yield f"    shown = F.grid_sample(images.float() - {ground}, grid, align_corners=False)"
        yield f"    return shown + {ground}"
    else:
        yield "    return F.grid_sample(images.float(), grid, align_corners=False)"


def _changes(warp: Warp) -> Iterator[str]:
    """Back from where each place is taken: the last thing that happens to it comes first."""
    yield from _moved(warp)
    if warp.crop:
        yield from _cropped(warp)
    if warp.elastic:
        yield from _bent(warp.elastic)


def _moved(warp: Warp) -> Iterator[str]:
    if warp.shift:
        yield f"    x = x - between(-{warp.shift!r}, {warp.shift!r}, each)"
        yield f"    y = y - between(-{warp.shift!r}, {warp.shift!r}, each)"
    if warp.rotate:
        yield f"    angle = torch.deg2rad(between(-{warp.rotate!r}, {warp.rotate!r}, each))"
        yield "    sine, cosine = angle.sin(), angle.cos()"
        yield "    x, y = x * cosine - y * sine, x * sine + y * cosine"
    if warp.shear:
        yield f"    slant = torch.deg2rad(between(-{warp.shear!r}, {warp.shear!r}, each))"
        yield "    x = x + y * slant.tan()"
    if warp.scale != (1.0, 1.0):
        low, high = warp.scale
        yield f"    size = between({low!r}, {high!r}, each)"
        yield "    x, y = x / size, y / size"


def _cropped(warp: Warp) -> Iterator[str]:
    assert warp.crop
    size, chance = warp.crop.size, warp.crop.chance
    if chance == 1:
        yield f"    x, y = x * {size} / columns, y * {size} / rows"
        return
    yield f"    cropped = between(0, 1, each) < {chance!r}"
    yield f"    x = torch.where(cropped, x * {size} / columns, x)"
    yield f"    y = torch.where(cropped, y * {size} / rows, y)"


def _bent(elastic: Elastic) -> Iterator[str]:
    most = repr(elastic.most)
    yield "    down, across = spline(rows), spline(columns)"
    yield "    points = (count, down.shape[1], across.shape[1])"
    yield f"    x = x + down @ between(-{most}, {most}, points) @ across.T"
    yield f"    y = y + down @ between(-{most}, {most}, points) @ across.T"


# A training loop in PyTorch after a recipe: its optimizer, its rates, its batches, its loss.

NORMS = ("batchnorm", "groupnorm", "layernorm", "placenorm")
NO_LOSS = (
    "PyTorch has no loss '{loss}': leave out --train, or train the network with 'mean squared "
    "error'"
)
LOSS_FUNCTIONS = {  # of torch.nn.functional, by the op; each takes a mean over the outputs
    "absolute_error": "l1_loss",
    "binary_cross_entropy": "binary_cross_entropy",
    "huber": "huber_loss",
    "square": "mse_loss",
}
CONDITIONS = {  # which parameters are of a kind, by their names
    Role.WEIGHT: 'n[:2] not in norms and "weight" in n',
    Role.BIAS: 'n[:2] not in norms and "bias" in n',
    Role.SCALE: 'n[:2] in norms and "weight" in n',
    Role.SHIFT: 'n[:2] in norms and "bias" in n',
    Role.SLOPE: 'n[:2] == "pr"',
    Role.RANGE: '"range" in n',
}


@dataclass(frozen=True)
class TorchTraining:
    """What a recipe says, as plain numbers; `kind` is that of the schedule."""

    epochs: int
    batch: int
    kind: str
    rate: float
    factor: float
    every: int
    patience: int
    warm: float
    end: float
    rise: float  # a rate that rises begins with this part of itself
    warp: Warp
    settling: int  # batches at the end, for batchnorm's statistics of images as they are
    holds_back: bool  # a sixth of the images, to validate on
    leaves_out: str  # what else the recipe says

    @property
    def changes_each_step(self) -> bool:
        return self.kind not in ("constant", "plateau") or self.warm > 0


def training_source(trained: TrainedNet, training: TorchTraining) -> str:
    """The functions that train the network, as they stand in the file."""
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
        _lines(_loss(net)),
        _lines(_groups(net)),
    ]
    if training.changes_each_step:
        parts.append(_lines(rate_source(training)))
    if warping := warp_source(training.warp):
        parts.append(warping)
    if training.kind == "plateau" and training.holds_back:
        parts.append(function_source("lost"))
    if training.settling:
        parts.append(function_source("settle", batches=training.settling))
    parts.append(_lines(_train(net, training)))
    return "\n\n".join(parts)


def _lines(lines: Iterator[str]) -> str:
    return "\n".join(lines) + "\n"


def _loss(net: Net) -> Iterator[str]:
    yield "def loss_of(outputs, labels):"
    match net.objective:
        case Loss.CROSS:
            logs = "outputs" if net.ending == "log softmax" else "outputs.clamp_min(1e-30).log()"
            if net.smoothing:
                smoothed = f"label_smoothing={net.smoothing!r}"
                yield f"    return F.cross_entropy({logs}, labels, {smoothed})"
            else:
                yield f"    return F.nll_loss({logs}, labels)"
            return
        case _ if net.outputs == 1:
            yield "    targets = labels.float()[:, None]"
        case _:
            yield f"    targets = F.one_hot(labels, {net.outputs}).float()"
    if net.objective is Loss.HALF_SQUARED:
        yield "    return ((outputs - targets) ** 2).sum(1).mean() / 2"
    elif net.objective.op in LOSS_FUNCTIONS:
        yield f"    return F.{LOSS_FUNCTIONS[net.objective.op]}(outputs, targets)"
    else:
        raise TargetError(NO_LOSS.format(loss=net.objective))


def _groups(net: Net) -> Iterator[str]:
    decays = {role: net.decay_of(role) for role in Role if net.count(role)}
    yield "def groups(network):"
    yield '    """The parameters, grouped by weight decay."""'
    if len(set(decays.values())) == 1:
        decay = next(iter(decays.values()))
        params = '"params": list(network.parameters())'
        yield f'    return [{{{params}, "weight_decay": {decay!r}}}]'
        return
    conditions = _conditions(net, decays)
    if any("in n" in condition for condition in conditions):
        each, every = "n, p", "network.named_parameters()"
        names = ", ".join(f'"{WORDS[kind]}"' for kind in NORMS)
        yield f"    norms = ({names})"
        if Role.SLOPE in decays:
            yield '    own = (*norms, "pr")'
    else:
        each, every = "p", "network.parameters()"
    yield f"    every = list({every})"
    yield "    return ["
    for condition, decay in conditions.items():
        params = f"[p for {each} in every if {condition}]"
        line = f'        {{"params": {params}, "weight_decay": {decay!r}}},'
        if len(line) <= WIDEST:
            yield line
            continue
        yield "        {"
        yield f'            "params": {params},'
        yield f'            "weight_decay": {decay!r},'
        yield "        },"
    yield "    ]"


def _conditions(net: Net, decays: Mapping[Role, float]) -> dict[str, float]:
    """Weights apart from all others, and these from each other where they differ."""
    others = {decay for role, decay in decays.items() if role is not Role.WEIGHT}
    layers = zip(net.layers, net.shapes, strict=False)
    if len(others) == 1 and not any(_has_scales_of_places(*one) for one in layers):
        return {"p.ndim > 1": decays[Role.WEIGHT], "p.ndim == 1": others.pop()}
    found = {CONDITIONS[role]: decay for role, decay in decays.items()}
    if Role.SLOPE in decays:  # which is no weight of sums, though it is called so there
        weights = found.pop(CONDITIONS[Role.WEIGHT])
        found['n[:2] not in own and "weight" in n'] = weights
    return found


def _has_scales_of_places(layer: Layer, shape: Shape) -> bool:
    """Whether it scales each place of an image by its own: not weights, though no single row."""
    return isinstance(layer, LayerNorm) and len(shape) > 1


def rate_source(training: TorchTraining) -> Iterator[str]:
    """A function of the step: the share of the highest rate that it takes."""
    if training.kind == "plateau":
        raise TargetError(
            "a training loop can't warm up a plateau schedule: leave out --train, or train with "
            "another schedule"
        )
    warm, low = training.warm, training.end / training.rate
    yield "def share_of_rate(step, steps):"
    yield '    """The share of the rate for a step, with so many steps an epoch."""'
    if training.kind == "step":
        yield f"    share = {training.factor!r} ** (step // steps // {training.every})"
    elif training.kind == "constant":
        yield "    share = 1.0"
    if training.kind != "step" or warm:
        yield "    done = step / (EPOCHS * steps)"
    if training.kind in ("cosine", "one cycle"):
        yield f"    way = max(0.0, done - {warm!r}) / (1 - {warm!r})" if warm else "    way = done"
        yield "    share = " + (
            "(1 + math.cos(math.pi * way)) / 2" if training.kind == "cosine" else "1 - way"
        )
        if training.end:
            yield f"    share = {low!r} + (1 - {low!r}) * share"
    if warm:
        first = 1 / training.rise
        yield f"    rising = min(1.0, {first!r} + (1 - {first!r}) * done / {warm!r})"
        yield "    return share * rising"
    else:
        yield "    return share"


def _optimizer(net: Net, rate: float) -> str:
    update = net.update
    match update.kind:
        case "descent":
            words = f"SGD(groups(network), lr={rate!r})"
        case "momentum":
            ahead = ", nesterov=True" if update.nesterov and update.momentum else ""
            words = f"SGD(groups(network), lr={rate!r}, momentum={update.momentum!r}{ahead})"
        case kind:
            name = {"adam": "Adam", "adamw": "AdamW"}[kind]
            numbers = f"betas={update.betas!r}, eps={update.epsilon!r}"
            words = f"{name}(groups(network), lr={rate!r}, {numbers})"
    return f"torch.optim.{words}"


def _train(net: Net, training: TorchTraining) -> Iterator[str]:
    yield "def train(network, images, labels):"
    if training.holds_back:
        yield "    # a sixth is held back"
        yield "    held, own = torch.randperm(len(images)).tensor_split([len(images) // 6])"
        yield "    unseen = images[held], labels[held]"
        yield "    images, labels = images[own], labels[own]"
    yield write_assignment("optimizer", _optimizer(net, training.rate), 4)
    yield from _schedule(training)
    yield "    for epoch in range(EPOCHS):"
    yield "        network.train()"
    yield "        total = 0.0"
    yield "        for chosen in torch.randperm(len(images)).split(BATCH):"
    seen = "warped(images[chosen])" if training.warp.changes_images else "images[chosen]"
    yield f"            loss = loss_of(network(prepared({seen})), labels[chosen])"
    yield "            optimizer.zero_grad()"
    yield "            loss.backward()"
    yield "            optimizer.step()"
    if training.changes_each_step:
        yield "            schedule.step()"
    yield "            total += loss.item() * len(chosen)"
    if training.settling:
        yield "        if epoch + 1 == EPOCHS:"
        yield "            settle(network, images)"
    yield "        network.eval()"
    yield from _told(training)


def _schedule(training: TorchTraining) -> Iterator[str]:
    if training.changes_each_step:
        yield "    steps = math.ceil(len(images) / BATCH)"
        yield "    schedule = torch.optim.lr_scheduler.LambdaLR("
        yield "        optimizer, lambda step: share_of_rate(step, steps)"
        yield "    )"
    elif training.kind == "plateau":
        settings = f"factor={training.factor!r}, patience={training.patience}"
        yield "    schedule = torch.optim.lr_scheduler.ReduceLROnPlateau("
        yield f"        optimizer, {settings}"
        yield "    )"


def _told(training: TorchTraining) -> Iterator[str]:
    """The end of an epoch: how it went, with the images that it hasn't seen."""
    if training.kind == "plateau":
        measured = "lost(network, *unseen)" if training.holds_back else "total"
        yield f"        schedule.step({measured})"
    if training.holds_back:
        yield "        mean, right = total / len(images), score(network, *unseen)"
        told = "loss {mean:.4f}, {right:.2%} of the others right"
    else:
        told = "loss {total / len(images):.4f}"
    yield f'        print(f"epoch {{epoch + 1}}: {told}")'
