"""The cost of gradbook before it does anything: its start, and the download of its core install.

    python bench/startup.py [--pairs 41]

The start of `gradbook --version` and of `python -c pass` are timed in turn, so that
other work on the machine affects both, and the median of the pairs' ratios is printed
with the quartiles. For verbs on the worked example it prints the processor time, the
least of five runs.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import median, quantiles
from time import perf_counter

ROOT = Path(__file__).resolve().parent.parent
BARE = (sys.executable, "-c", "pass")
OURS = (str(Path(sys.executable).with_name("gradbook")), "--version")
ENVIRONMENT = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}


def seconds(words: Sequence[str]) -> float:
    began = perf_counter()
    subprocess.run(words, stdout=subprocess.DEVNULL, check=True, env=ENVIRONMENT)
    return perf_counter() - began


def start(pairs: int) -> str:
    seconds(BARE), seconds(OURS)  # the first of each reads the disk
    timed = [(seconds(BARE), seconds(OURS)) for _ in range(pairs)]
    ratios = [ours / bare for bare, ours in timed]
    low, _, high = quantiles(ratios, n=4)
    return (
        f"start: gradbook --version takes {median(ratios):.2f} × python -c pass "
        f"(quartiles {low:.2f} to {high:.2f}, {pairs} pairs; "
        f"{median(ours for _, ours in timed) * 1000:.0f} ms and "
        f"{median(bare for bare, _ in timed) * 1000:.0f} ms)"
    )


VERBS = (
    ("explain", "worked"),
    ("sheet", "worked", "-o", "worked.xlsx", "--force"),
    ("play", "worked", "-o", "worked.html", "--force"),
    ("check", "worked.xlsx"),
)


def verbs() -> str:
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        said = (f"{words[0]} {min(work(words) for _ in range(5)):.2f} s" for words in VERBS)
        return f"processor time of the worked example: {', '.join(said)}"


def work(words: Sequence[str]) -> float:
    """The processor time of a verb: of its process and of those that it starts."""
    before = os.times()
    seconds((OURS[0], *words))
    after = os.times()
    return sum(after[2:4]) - sum(before[2:4])


def download() -> str:
    sizes = wheel_sizes()
    parts = ", ".join(f"{name} {size / 2**20:.1f}" for name, size in sizes.items())
    return f"download: {sum(sizes.values()) / 2**20:.1f} MiB for the core install ({parts})"


def wheel_sizes() -> dict[str, int]:
    """Package → bytes of its wheel, largest first, as pip would fetch them for a bare machine."""
    with tempfile.TemporaryDirectory() as folder:
        said = subprocess.run(
            [sys.executable, "-m", "pip", "wheel", "-qq", "--wheel-dir", folder, str(ROOT)],
            capture_output=True,
            text=True,
            check=False,
        )
        if said.returncode:
            raise SystemExit(f"download: pip can't say: {said.stderr.strip().splitlines()[-1]}")
        wheels = {file.name.partition("-")[0]: file.stat().st_size for file in files(folder)}
    return dict(sorted(wheels.items(), key=lambda item: -item[1]))


def files(folder: str) -> list[Path]:
    return list(Path(folder).glob("*.whl"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=41)
    options = parser.parse_args()
    print(start(options.pairs))
    print(verbs())
    print(download())


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        main()
