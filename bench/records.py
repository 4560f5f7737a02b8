"""The board of records: verify one entry by training it, or write the board of all entries.

    python -m bench.records ENTRY [--quick] [--keep] [--seeds 10] [--threads N] [-o runs/records]
    python -m bench.records [--quick] [--keep]

ENTRY is a file like those in bench/records, or the name of one there. Its recipe is trained with
the seeds 0 to 9 on all training images, and the test images are read at the end; its parameters are
counted, its C is compiled for a Cortex-M3 if that compiler is installed, and a training is timed
beside one of `quick`. The figures are printed beside the claim, and as the lines of a claim; if the
claim doesn't hold, it exits with 1. With --quick nothing is trained; with --keep the file then
claims these figures. Without ENTRY, bench/records/board.md is written, and with --quick every entry
is checked. Finished seeds are kept in --out and not trained again.
"""

from __future__ import annotations

import re
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
from bench.recorded.entry import RECORDS, SEEDS, Entry, find_entry, read_all
from bench.recorded.table import BOARD, GOOD, LEVEL, PAGE, page
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
from gradbook.targets.portable.whole_makers import quantise
from tests.outside.devices import boards

ROUNDS = 3  # of timed trainings
SLOWER = 1.15  # the factor by which a time beside `quick` may differ
LARGER = 1.02  # the same for bytes, for compilers differ
FEW = 4  # images to find the ranges of values, on which hardly a byte depends
SPREAD = 3  # times as far as when untrained, normalised values reach: to where activations bend
ROUNDING = 0.001  # the most that whole numbers may cost


@dataclass(frozen=True)
class Finding:
    """One figure of a claim, and whether it holds."""

    what: str
    said: str
    holds: bool | None = True  # None: it isn't claimed, or couldn't be checked
    lines: tuple[str, ...] = ()  # as a claim says it

    def __str__(self) -> str:
        mark = {True: "holds", False: "DOESN'T HOLD", None: "not judged"}[self.holds]
        return f"  {self.what}: {self.said}: {mark}"


def main(arguments: list[str] | None = None) -> int:
    parser = ArgumentParser(prog="python -m bench.records", description=__doc__.splitlines()[0])
    parser.add_argument(
        "entry", nargs="?", metavar="ENTRY", help="a file, or a name in bench/records"
    )
    parser.add_argument("--quick", action="store_true", help="train nothing")
    parser.add_argument("--keep", action="store_true", help="write the results into the file")
    parser.add_argument("--seeds", type=int, default=SEEDS, help="number of seeds, from 0")
    parser.add_argument("--threads", type=int, default=cores())
    parser.add_argument("-o", "--out", type=Path, default=Path("runs", "records"))
    options = parser.parse_args(arguments)
    if options.seeds < 2:
        parser.error("two seeds at least, so that they have a deviation")
    try:
        if options.entry or options.quick:
            entries = [find_entry(options.entry)] if options.entry else read_all()
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
    found = []
    for finding in findings(entry, options):
        print(finding, flush=True)
        found.append(finding)
    wrong = sum(finding.holds is False for finding in found)
    if not options.quick:
        print("", "[claim]", *(line for one in found for line in one.lines), "", sep="\n")
    if options.keep:
        _keep(Path(options.entry or entry.name), found)
    print(f"{entry.name}: {'the claim holds' if not wrong else f'{wrong} figures do not hold'}")
    return min(wrong, 1)


def findings(entry: Entry, options: Namespace) -> Iterator[Finding]:
    """Check each figure, one after the other."""
    yield _parameters(entry)
    yield from _bytes(entry)
    if not options.quick:
        mean, *found = _trained(entry, options)
        yield from found
        if mean >= GOOD or entry.claim.times_quick is not None:
            yield _timed(entry, options.threads)


def _keep(named: Path, found: list[Finding]) -> None:
    """The entry's file with its figures replaced by the measured ones; none are added."""
    file = named if named.is_file() else RECORDS / f"{named}.toml"
    text = file.read_text("utf-8")
    for line in (line for one in found for line in one.lines):
        key = line.split(" = ")[0]
        text = re.sub(rf"^{key} = [^#\n]*?(?=\s*(#|$))", line, text, flags=re.MULTILINE)
    write_whole(file, text)


@cache
def _digits() -> Dataset:
    return load(USUAL_DATA)


def _parameters(entry: Entry) -> Finding:
    found = entry.recipe.net.count()
    said = f"{found:,}, claimed {entry.claim.parameters:,}"
    lines = (f"parameters = {found}",)
    return Finding("parameters", said, found == entry.claim.parameters, lines)


# On a board.


def _bytes(entry: Entry) -> Iterator[Finding]:
    claims = {"flash": entry.claim.flash, "memory": entry.claim.memory}
    try:
        found = board_bytes(_as_if_trained(entry))
    except GradbookError:  # the network isn't exported in whole numbers
        if any(claims.values()):
            raise
        return
    for what, claimed in claims.items():
        if found:
            holds = found[what] <= LARGER * claimed if claimed else None
            said = f"{found[what]:,} bytes, {_claimed(claimed and f'{claimed:,}')}"
            yield Finding(what, said, holds, (f"{what} = {found[what]}",))
        elif claimed:
            yield Finding(what, f"claimed {claimed:,} bytes, but no compiler for a {BOARD}", None)


def _claimed(what: object) -> str:
    return f"claimed {what}" if what else "not claimed"


def _as_if_trained(entry: Entry) -> Model:
    model = untrained_model(entry.recipe.net, _digits())
    wide = {name: SPREAD * value for name, value in model.values.items() if name.startswith("γ")}
    model.values.update(wide)
    return model


def board_bytes(model: Model) -> dict[str, int] | None:
    """The bytes of the network's C in whole numbers: code and constants, and static memory."""
    board = next(one for one in boards.BOARDS if one.name == BOARD)
    compiler = f"{board.tools}-gcc"
    if not which(compiler):
        return None
    whole = quantise(model.trained(), fitting_images(_digits())[:FEW])
    text = c_file(model.trained(), "net", whole, small=True).text
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


def _trained(entry: Entry, options: Namespace) -> tuple[float, *tuple[Finding, ...]]:
    """The mean of all seeds, and whether the claim holds."""
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
    shares = {"accuracy": test.mean, "deviation": test.deviation, "lowest": test.lowest}
    lines = [f"{name} = {100 * value:.3f}" for name, value in shares.items()]
    found = [Finding("test images read", said, holds, (*lines, f"seeds = {options.seeds}"))]
    if claim.flash or claim.memory:
        cost = fmean(map(_rounding, (run.model() for run in runs)))
        said = f"{100 * cost:.3f} points, at most {100 * ROUNDING:g}"
        found.append(Finding("rounding costs", said, cost <= ROUNDING))
    return test.mean, *found


def _with(mean: float, deviation: float) -> str:
    return f"{100 * mean:.3f} % ± {100 * deviation:.3f}"


def _rounding(model: Model) -> float:
    """The accuracy on test images that whole numbers lose."""
    test = _digits().test_for_reporting
    whole = quantise(model.trained(), fitting_images(_digits()))
    return model.score(test.pixels, test.labels) - accuracy_in_c(whole, test)


def _timed(entry: Entry, threads: int) -> Finding:
    """Time trainings in turn with `quick`, so that other work affects both."""
    claimed = entry.claim.times_quick
    seconds_of("quick", threads)  # compiles
    seconds_of(entry.text, threads)
    pairs = [(seconds_of(entry.text, threads), seconds_of("quick", threads)) for _ in range(ROUNDS)]
    found = median(own / quick for own, quick in pairs)
    own, quick = (median(one) for one in zip(*pairs, strict=True))
    machine = surroundings(threads)["processor"]
    said = f"{own:.1f} s beside {quick:.1f} s of quick on {machine}, {found:.2f} times as long"
    holds = None if claimed is None else found <= SLOWER * claimed
    lines = (f"times_quick = {found:.2f}", f"seconds = {own:.1f}", f'machine = "{machine}"')
    return Finding("time", f"{said}, {_claimed(claimed)}", holds, lines)


if __name__ == "__main__":
    sys.exit(main())
