"""The board of records: verify one entry by training it, or write docs/records.md of all entries.

    python -m bench.records ENTRY [--quick] [--seeds 10] [--threads N] [-o runs/records]
    python -m bench.records [--quick]

ENTRY is a file like those in bench/records, or the name of one there. Its recipe is trained with
the seeds 0 to 9 on all training images, the test images are read at the end; its parameters are
counted, its C is compiled for a Cortex-M3 where that compiler is found, a training is timed beside
one of `quick`. What is found is printed, beside the claim and as the lines of one; if the claim
doesn't hold it exits with 1. With --quick nothing is trained. Without ENTRY docs/records.md is
written, with --quick every entry is checked. Seeds that are done are kept in --out and not
trained again.
"""

from __future__ import annotations

import subprocess
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from shutil import which
from statistics import fmean, median
from tempfile import TemporaryDirectory

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench.accuracy import result_of, seconds_of
from bench.recorded.entry import SEEDS, Entry, found_entry, read_all
from bench.recorded.table import BOARD, LEVEL, PAGE, page
from gradbook.data.dataset import Dataset
from gradbook.data.sources import load
from gradbook.engine.compilers import surroundings
from gradbook.errors import GradbookError
from gradbook.files import write_whole
from gradbook.lab.models.exporting import accuracy_in_c, fitting_images
from gradbook.lab.models.model import Model, untrained_model
from gradbook.lab.recipes.recipe import USUAL_DATA
from gradbook.lab.training.train import SeedsFolder, Spread
from gradbook.system import cores
from gradbook.targets.portable.c_file import c_file
from gradbook.targets.portable.in_whole_numbers import quantise
from tests.outside.devices import boards

ROUNDS = 3  # of trainings that are timed
SLOWER = 1.15  # what a time beside `quick` may differ by
LARGER = 1.02  # so may bytes: compilers differ
FEW = 4  # images to learn from how large values get: no byte hangs on it
ROUNDING = 0.001  # what whole numbers may cost


@dataclass(frozen=True)
class Finding:
    """One figure of a claim, and what became of it."""

    what: str
    said: str
    holds: bool | None = True  # None: it wasn't looked at

    def __str__(self) -> str:
        mark = {True: "holds", False: "DOESN'T HOLD", None: "not looked at"}[self.holds]
        return f"  {self.what}: {self.said}: {mark}"


def main(arguments: list[str] | None = None) -> int:
    parser = ArgumentParser(prog="python -m bench.records", description=__doc__.splitlines()[0])
    parser.add_argument(
        "entry", nargs="?", metavar="ENTRY", help="a file, or a name in bench/records"
    )
    parser.add_argument("--quick", action="store_true", help="train nothing")
    parser.add_argument("--seeds", type=int, default=SEEDS, help="how many, from 0 on")
    parser.add_argument("--threads", type=int, default=cores())
    parser.add_argument("-o", "--out", type=Path, default=Path("runs", "records"))
    options = parser.parse_args(arguments)
    if options.seeds < 2:
        parser.error("two seeds at least, so that they have a deviation")
    try:
        if options.entry or options.quick:
            entries = [found_entry(options.entry)] if options.entry else read_all()
            return max(_tell(entry, options) for entry in entries)
        write_whole(PAGE, page(read_all()))
    except GradbookError as error:
        print(error, file=sys.stderr)
        return 2
    print(PAGE)
    return 0


def _tell(entry: Entry, options: Namespace) -> int:
    if not entry.is_verifiable:
        print(f"{entry.name}: claimed, not verified: {entry.source}")
        return 0
    print(f"{entry.name}, by {entry.who}", flush=True)
    wrong = 0
    for finding in findings(entry, options):
        print(finding, flush=True)
        wrong += finding.holds is False
    print(f"{entry.name}: {'the claim holds' if not wrong else f'{wrong} figures do not hold'}")
    return min(wrong, 1)


def findings(entry: Entry, options: Namespace) -> Iterator[Finding]:
    """What is found of each figure, one after the other."""
    yield _parameters(entry)
    yield from _bytes(entry)
    if not options.quick:
        yield from _trained(entry, options)
        yield from _timed(entry, options.threads)


@cache
def _digits() -> Dataset:
    return load(USUAL_DATA)


def _parameters(entry: Entry) -> Finding:
    found = entry.recipe.net.count()
    said = f"{found:,}, claimed {entry.claim.parameters:,}"
    return Finding("parameters", said, found == entry.claim.parameters)


# On a board.


def _bytes(entry: Entry) -> Iterator[Finding]:
    claims = {"flash": entry.claim.flash, "memory": entry.claim.memory}
    if not any(claims.values()):
        return
    found = board_bytes(untrained_model(entry.recipe.net, _digits()))
    for what, claimed in claims.items():
        if claimed and found:
            said = f"{found[what]:,} bytes, claimed {claimed:,}"
            yield Finding(what, said, found[what] <= LARGER * claimed)
        elif claimed:
            yield Finding(what, f"claimed {claimed:,} bytes, but no compiler for a {BOARD}", None)


def board_bytes(model: Model) -> dict[str, int] | None:
    """Of the network's C in whole numbers: code and constants, and static memory."""
    board = next(one for one in boards.BOARDS if one.name == BOARD)
    compiler = f"{board.tools}-gcc"
    if not which(compiler):
        return None
    whole = quantise(model.trained(), fitting_images(_digits())[:FEW])
    text = c_file(model.trained(), "net", whole).text
    with TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "net.c").write_text(text)
        flags = [*board.flags, LEVEL, "-std=c99", "-ffreestanding"]
        subprocess.run([compiler, *flags, "-c", "net.c"], cwd=folder, check=True)
        said = subprocess.run(
            [f"{board.tools}-size", "net.o"], cwd=folder, check=True, capture_output=True, text=True
        ).stdout
    code, data, zeroed = map(int, said.splitlines()[1].split()[:3])
    return {"flash": code + data, "memory": data + zeroed}


# By training.


def _trained(entry: Entry, options: Namespace) -> Iterator[Finding]:
    claim, folder = entry.claim, SeedsFolder(options.out / entry.name)
    runs = [folder.run(seed) for seed in range(options.seeds)]
    accuracies = []
    for seed, run in enumerate(runs):
        result = result_of(run, entry.text, seed, options.threads)
        accuracies.append(result["test_accuracy"])
        print(f"  seed {seed}: {accuracies[-1]:.2%}", flush=True)
    test = Spread(tuple(accuracies))
    said = f"{_with(test.mean, test.deviation)}, claimed {_with(claim.accuracy, claim.deviation)}"
    holds = claim.within(test.mean, test.deviation, options.seeds)
    yield Finding("test images read", said, holds)
    if claim.flash or claim.memory:
        cost = fmean(map(_rounding, (run.model() for run in runs)))
        said = f"{100 * cost:.3f} points, at most {100 * ROUNDING:g}"
        yield Finding("rounding costs", said, cost <= ROUNDING)
    print(
        f"\n[claim]\naccuracy = {100 * test.mean:.3f}\ndeviation = {100 * test.deviation:.3f}\n"
        f"lowest = {100 * test.lowest:.2f}\nseeds = {options.seeds}\n"
    )


def _with(mean: float, deviation: float) -> str:
    return f"{100 * mean:.3f} % ± {100 * deviation:.3f}"


def _rounding(model: Model) -> float:
    """What whole numbers read less of the test images."""
    test = _digits().test_for_reporting
    whole = quantise(model.trained(), fitting_images(_digits()))
    return model.score(test.pixels, test.labels) - accuracy_in_c(whole, test)


def _timed(entry: Entry, threads: int) -> Iterator[Finding]:
    """Trainings in turn with those of `quick`, so that other work falls on both."""
    claimed = entry.claim.times_quick
    if claimed is None:
        return
    seconds_of("quick", threads)  # compiles
    seconds_of(entry.text, threads)
    pairs = [(seconds_of(entry.text, threads), seconds_of("quick", threads)) for _ in range(ROUNDS)]
    found = median(own / quick for own, quick in pairs)
    own, quick = (median(one) for one in zip(*pairs, strict=True))
    here = f"{own:.1f} s beside {quick:.1f} s on {surroundings(threads)['processor']}"
    said = f"{found:.2f} of quick's, claimed {claimed:.2f} ({here})"
    yield Finding("time", said, found <= SLOWER * claimed)


if __name__ == "__main__":
    sys.exit(main())
