"""What a bench measured, as tables for the terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isnan

from gradbook.lab.race import PREDICTED, Predicted, Race

UNKNOWN = "–"


def training(races: Sequence[Race]) -> str:
    lines = [
        f"{'network':<11}{'threads':>7}  {'mode':<23}{'s an epoch':>10}{'GFLOP/s':>9}{'of peak':>9}"
        f"{'ready after':>13}{'memory':>10}"
    ]
    for race in races:
        lines += [
            f"{time.network:<11}{time.threads:>7}  {time.mode:<23}{time.seconds_per_epoch:>10.2f}"
            f"{time.gflops:>9.0f}{time.peak_share:>9.0%}"
            f"{race.taken[time.mode].ready_after:>11.1f} s"
            f"{_memory(race.taken[time.mode].mebibytes):>10}"
            for time in race.times
        ]
        lines.append("")
    return "\n".join(lines)


def ratios(races: Sequence[Race]) -> str:
    lines = []
    for race in races:
        if race.ratio is not None:
            first, ratio = race.times[0], race.ratio
            threads = "1 thread" if first.threads == 1 else f"{first.threads} threads"
            lines.append(
                f"{first.network}, {threads}: {ratio.value:.1f} times as fast as PyTorch's fastest "
                f"in float32, {ratio.mode} ({ratio.lower:.1f} to {ratio.upper:.1f} in the middle "
                "half of the rounds)"
            )
    return "\n".join(lines)


def prediction(found: Mapping[tuple[str, int], Sequence[Predicted]]) -> str:
    """`found` by network and threads."""
    heads = "".join(f"{_images(images):>18}" for images in PREDICTED)
    lines = [f"{'network':<11}{'threads':>7}  {'mode':<23}{heads}"]
    for (network, threads), times in found.items():
        for mode in dict.fromkeys(time.mode for time in times):
            own = {time.images: time.seconds for time in times if time.mode == mode}
            cells = "".join(f"{_milliseconds(own[images]):>18}" for images in PREDICTED)
            lines.append(f"{network:<11}{threads:>7}  {mode:<23}{cells}")
    return "\n".join(lines)


def _images(count: int) -> str:
    return "one image" if count == 1 else f"{count:,} images"


def _milliseconds(seconds: float) -> str:
    return f"{seconds * 1e3:,.2f} ms" if seconds < 0.1 else f"{seconds * 1e3:,.0f} ms"


def _memory(mebibytes: float) -> str:
    return f"{mebibytes:,.0f} MiB" if not isnan(mebibytes) else UNKNOWN
