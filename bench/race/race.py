"""The engine beside PyTorch and onnxruntime, taking turns at training and at prediction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from statistics import median

from bench.race.turns import Taken, Tell, turns
from gradbook.errors import UsageError
from gradbook.net import Net, builtin
from gradbook.net.measure import measure

IMAGES = 60_000  # in an epoch of the digits
BATCHES = {"reference": 128, "blocks": 64, "flat": 128, "lenet": 128}
LENET = """\
name lenet
input 1x28x28    # LeNet-5 as SimpleChains.jl and others train it: 44,426 parameters
conv 6 5x5
relu
maxpool 2
conv 16 5x5
relu
maxpool 2
flatten
dense 120
relu
dense 84
relu
dense 10
log softmax
update momentum 0.9
rate 0.01
"""
ENGINE = "engine"
FLOAT32 = ("eager", "channels last", "compile", "compile, channels last")
PREDICTED = (1, 10_000)  # images at once


@dataclass(frozen=True)
class Time:
    """One way of training one network."""

    network: str
    batch: int
    mode: str
    threads: int
    seconds_per_epoch: float  # the median of the turns
    gflops: float  # of the multiply-adds that the plain algorithm would need
    peak_share: float


@dataclass(frozen=True)
class Ratio:
    """PyTorch's fastest float32 mode over the engine: of the medians, and of the rounds."""

    mode: str
    value: float
    lower: float  # quartiles of the rounds' own
    upper: float


@dataclass(frozen=True)
class Race:
    """One network in every mode."""

    times: tuple[Time, ...]
    ratio: Ratio | None
    taken: dict[str, Taken]


@dataclass(frozen=True)
class Predicted:
    """How long one mode takes for so many images."""

    mode: str
    images: int
    seconds: float


def network_of(name: str) -> Net:
    return Net.parse(LENET) if name == "lenet" else builtin(name)


def race(
    network: str, modes: Sequence[str], threads: int, rounds: int, peak: float, tell: Tell
) -> Race:
    """`peak` is the machine's, in GFLOP/s for these threads."""
    require_known(network)
    batch = BATCHES[network]
    runners = {mode: ["train", network, mode, str(batch), str(threads)] for mode in modes}
    taken = turns(runners, threads, rounds, lambda said: tell(f"{network}: {said}"))
    times = tuple(_time(network, mode, threads, taken[mode], peak) for mode in modes)
    return Race(times, _ratio(taken), taken)


def require_known(network: str) -> None:
    if network not in BATCHES:
        raise UsageError(f"the bench knows {', '.join(BATCHES)}, not {network!r}")


def _time(network: str, mode: str, threads: int, taken: Taken, peak: float) -> Time:
    batch = BATCHES[network]
    seconds = median(taken.seconds) * ceil(IMAGES / batch)
    gflops = 2 * measure(network_of(network)).training_macs * IMAGES / seconds / 1e9
    return Time(network, batch, mode, threads, seconds, gflops, gflops / peak)


def _ratio(taken: dict[str, Taken]) -> Ratio | None:
    rivals = [mode for mode in FLOAT32 if mode in taken]
    if not rivals or ENGINE not in taken:
        return None
    fastest = min(rivals, key=lambda mode: median(taken[mode].seconds))
    ours, theirs = taken[ENGINE].seconds, taken[fastest].seconds
    of_rounds = sorted(their / our for their, our in zip(theirs, ours, strict=True))
    return Ratio(
        fastest,
        median(theirs) / median(ours),
        of_rounds[len(of_rounds) // 4],
        of_rounds[-1 - len(of_rounds) // 4],
    )


def predictions(
    network: str, modes: Sequence[str], threads: int, rounds: int, tell: Tell
) -> list[Predicted]:
    """One image, and many."""
    require_known(network)
    found = []
    for images in PREDICTED:
        runners = {mode: ["predict", network, mode, str(images), str(threads)] for mode in modes}
        taken = turns(runners, threads, rounds, lambda said: tell(f"{network} predicts: {said}"))
        found += [Predicted(mode, images, median(one.seconds)) for mode, one in taken.items()]
    return found
