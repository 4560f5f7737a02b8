"""The board: the classes in which entries are compared, and the page that is written of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from bench.recorded.entry import ROOT, SEEDS, Claim, Entry
from gradbook.amounts import percent

PAGE = ROOT / "bench" / "records" / "board.md"
WITHIN = (300, 500, 1_000, 2_500, 5_000, 20_000)  # parameters
GOOD, FAIR = 0.994, 0.985  # shares of the test images
BOARD, LEVEL = "Cortex-M3", "-Os"  # what flash and memory are counted on
MOST = 8  # rows of a class
HEAD = f"""\
# The board of records

This page is for people who build small networks for handwritten digits: the networks that reach
the most with the fewest parameters, in the least time, in the least flash and memory. **Anyone can
enter by one file**; [how to enter](README.md) says how, and this page is written
of those files by `python -m bench.records`.

What has a recipe was trained as `python -m bench.records ENTRY` does, on all 60,000 training
images, and read the 10,000 test images after the last step of the last epoch: the mean of {SEEDS}
seeds ± their deviation, and the lowest. Test images choose nothing: no epoch, no seed, no recipe.
The others are **claimed, not verified**: what their authors reported, mostly of one run and its
best epoch, which is higher than the mean of {SEEDS} at the last. A class shows its first {MOST}.
"""
FIGURES = f"""
Bytes of code and constants, and of static memory without the image, of `gradbook export --int8
--small`, compiled for a {BOARD} with `{LEVEL}`. Rounding may cost a tenth of a point.
"""
SPEED = f"""
How long a training takes, from loading the images to its last update, in trainings of `quick` on
the same machine, in turn with it; it counts where the mean of {SEEDS} seeds is {percent(GOOD)} at
least. [How long a training takes](../quick.md) says how long `quick` takes.
"""

Key = Callable[[Entry], float | None]


@dataclass(frozen=True)
class Class:
    """What is compared, the least first where it is a cost; entries without the figure stay out."""

    title: str
    key: Key
    figure: str = ""  # the column's head
    admits: Callable[[Entry], bool] = lambda entry: True
    show: Callable[[Entry], str] = lambda entry: ""

    def of(self, entries: Iterable[Entry]) -> list[Entry]:
        found = [entry for entry in entries if self.admits(entry) and self.key(entry) is not None]
        return sorted(found, key=lambda entry: (self.key(entry) or 0, entry.claim.parameters))


def _wrong(entry: Entry) -> float:
    return 1 - entry.claim.accuracy


def _within(most: int) -> Callable[[Entry], bool]:
    return lambda entry: entry.claim.parameters <= most


def _time(claim: Claim) -> str:
    seconds = f": {claim.seconds:.1f} s on {claim.machine}" if claim.seconds else ""
    return f"{claim.times_quick:.2f}{seconds}"


def _reaches(share: float) -> Callable[[Entry], bool]:
    return lambda entry: entry.claim.accuracy >= share


PARAMETERS = tuple(
    Class(f"At most {most:,} parameters", _wrong, admits=_within(most)) for most in WITHIN
)
FASTEST = Class(
    f"Fastest to {percent(GOOD)}",
    lambda entry: entry.claim.times_quick,
    "times `quick`",
    _reaches(GOOD),
    lambda entry: _time(entry.claim),
)
SMALLEST = tuple(
    Class(
        f"Least {what}, at least {percent(share)}",
        lambda entry, what=what: getattr(entry.claim, what),  # type: ignore[misc]
        what,
        _reaches(share),
        lambda entry, what=what: f"{getattr(entry.claim, what):,}",  # type: ignore[misc]
    )
    for what in ("flash", "memory")
    for share in (GOOD, FAIR)
)


def page(entries: Sequence[Entry]) -> str:
    """The whole board."""
    parts = [HEAD]
    parts += [_section(one, entries) for one in PARAMETERS]
    parts += [_section(FASTEST, entries, SPEED)]
    parts += [_section(one, entries, FIGURES if k == 0 else "") for k, one in enumerate(SMALLEST)]
    return "\n".join(parts)


def _section(one: Class, entries: Sequence[Entry], about: str = "") -> str:
    own = f" {one.figure} |" if one.figure else ""
    columns = 6 + bool(one.figure)
    rows = [_row(one, entry) for entry in one.of(entries)[:MOST]]
    rows = rows or [f"| nobody yet {'|' * columns}"]
    head = f"| network |{own} parameters | test images read | lowest | by | known from |"
    return "\n".join([f"## {one.title}\n{about}", head, f"|{'---|' * columns}", *rows]) + "\n"


def _row(one: Class, entry: Entry) -> str:
    claim = entry.claim
    reads = f"{100 * claim.accuracy:.{3 if entry.is_verifiable else 2}f} %"
    if claim.seeds > 1:
        reads += f" ± {100 * claim.deviation:.3f}"
    cells = (
        f"[`{entry.name}`]({entry.name}.toml)",
        *([one.show(entry)] if one.figure else []),
        f"{claim.parameters:,}",
        reads,
        percent(claim.lowest) if claim.lowest else "",
        entry.who,
        _known_from(entry),
    )
    return f"| {' | '.join(cells)} |"


def _known_from(entry: Entry) -> str:
    if entry.is_verifiable:
        return f"verified, {entry.claim.seeds} seeds"
    return f"claimed: [{entry.chosen}]({entry.source})"
