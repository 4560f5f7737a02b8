"""How accuracy grows with parameters: tables and a picture of the recipes in bench/curve.

    python bench/curve.py [--runs runs/accuracy] [-o docs/pictures/parameters.svg]

Enters the runs that `python bench/accuracy.py bench/curve/*.txt tiny small best` left in `--runs`
into bench/curve/reached.json; recipes without such runs keep their earlier figures. Prints the
table of bench/curve.md and draws the picture: the mean, the lowest and the highest of each recipe's
seeds over its parameters, beside the figures that others reported, from bench/records.
"""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from math import log10
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench.recorded.entry import Entry, read_all
from gradbook.files import write_whole
from gradbook.lab.training.train import SeedsFolder, Spread
from gradbook.palette import PAPER, QUIET
from gradbook.report.figures import FONT
from gradbook.report.training_report import DOT

ROOT = Path(__file__).parents[1]
REACHED = ROOT / "bench" / "curve" / "reached.json"
RECIPES = (
    *sorted(file.stem for file in (ROOT / "bench" / "curve").glob("*.txt")),
    "tiny",
    "small",
    "best",
)
WIDTH, HEIGHT = 760.0, 420.0  # points
LEFT, RIGHT, TOP, BOTTOM = 70.0, 735.0, 24.0, 360.0
PARAMETERS = (250, 500, 1_000, 2_000, 4_000, 8_000, 16_000, 20_000)
WRONG = (0.05, 0.03, 0.02, 0.01, 0.007, 0.005, 0.003)  # shares of the test images


@dataclass(frozen=True)
class Point:
    """A network and the accuracies of its seeds."""

    name: str
    parameters: int
    epochs: int
    seeds: int
    mean: float
    deviation: float
    lowest: float
    highest: float


def main() -> None:
    parser = ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=Path, default=Path("runs", "accuracy"))
    parser.add_argument(
        "-o", "--out", type=Path, default=ROOT / "docs" / "pictures" / "parameters.svg"
    )
    options = parser.parse_args()
    found = {**_kept(), **{point.name: point for point in _points(options.runs)}}
    points = sorted(found.values(), key=lambda point: point.parameters)
    write_whole(REACHED, json.dumps([asdict(point) for point in points], indent=1) + "\n")
    print("| parameters | recipe | epochs | seeds | test, final epoch | lowest |")
    print("|---|---|---|---|---|---|")
    for point in points:
        print(_row(point))
    print("\n| parameters | reported | what it is | source |")
    print("|---|---|---|---|")
    for one in _others():
        claim = one.claim
        cells = (f"{claim.parameters:,}", f"{claim.accuracy:.2%}".replace("%", " %"), one.chosen)
        print(f"| {' | '.join(cells)} | <{one.source}> |")
    write_whole(options.out, picture(points))
    print(f"\n{options.out}")


def _others() -> list[Entry]:
    """Reported figures of networks that aren't gradbook's."""
    found = (entry for entry in read_all() if not entry.is_verifiable)
    return sorted(found, key=lambda entry: entry.claim.parameters)


def _kept() -> dict[str, Point]:
    points = (Point(**row) for row in json.loads(REACHED.read_text("utf-8")))
    return {point.name: point for point in points if point.name in RECIPES}


def _points(runs: Path) -> Iterable[Point]:
    for name in RECIPES:
        folder = SeedsFolder(runs / name)
        found = [folder.run(seed) for seed in range(100) if folder.run(seed).is_done]
        results = [run.result() for run in found]
        if results:
            test = Spread(tuple(result["test_accuracy"] for result in results))
            size = results[0]["parameters"], results[0]["epochs"], len(results)
            yield Point(name, *size, test.mean, test.deviation, test.lowest, max(test.values))


def _row(point: Point) -> str:
    cells = (
        f"{point.parameters:,}",
        f"`{point.name}`",
        str(point.epochs),
        str(point.seeds),
        f"{100 * point.mean:.3f} % ± {100 * point.deviation:.3f}",
        f"{100 * point.lowest:.2f} %",
    )
    return f"| {' | '.join(cells)} |"


# The picture.


def picture(points: list[Point]) -> str:
    """Draw with two logarithmic axes; the one for accuracy shows the share of errors."""
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH:g} {HEIGHT:g}" '
        f'font-family="{FONT}" font-size="13" role="img" '
        'aria-label="Test accuracy over parameters">',
        f'<rect width="{WIDTH:g}" height="{HEIGHT:g}" rx="8" fill="{PAPER.fill}"/>',
        *map(_level, WRONG),
        *map(_column, PARAMETERS[1:-1]),
        _text((LEFT + RIGHT) / 2, BOTTOM + 46, "parameters"),
        _path([(_x(parameters), _y(mean)) for parameters, mean in _heights(points).items()]),
        *(_ring(_x(one.claim.parameters), _y(one.claim.accuracy)) for one in _others()),
        *map(_seeds, points),
        *_legend(),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _heights(points: list[Point]) -> dict[int, float]:
    """The accuracy of the best network up to each size, if it beats all smaller ones."""
    found: dict[int, float] = {}
    for parameters, mean in sorted((point.parameters, point.mean) for point in points):
        if mean > max((one for size, one in found.items() if size < parameters), default=0.0):
            found[parameters] = mean
    return found


def _x(parameters: float) -> float:
    first, last = log10(PARAMETERS[0]), log10(PARAMETERS[-1])
    return round(LEFT + (RIGHT - LEFT) * (log10(parameters) - first) / (last - first), 1)


def _y(accuracy: float) -> float:
    most, least = log10(WRONG[0]), log10(WRONG[-1])
    return round(TOP + (BOTTOM - TOP) * (log10(1 - accuracy) - least) / (most - least), 1)


def _level(wrong: float) -> str:
    y = _y(1 - wrong)
    line = f'<path stroke="{QUIET.fill}" d="M{LEFT} {y}H{RIGHT}"/>'
    return line + _text(LEFT - 8, y + 4, f"{1 - wrong:.1%}".replace("%", " %"), "end")


def _column(parameters: int) -> str:
    x = _x(parameters)
    line = f'<path stroke="{QUIET.fill}" d="M{x} {TOP}V{BOTTOM}"/>'
    return line + _text(x, BOTTOM + 20, f"{parameters:,}")


def _path(places: list[tuple[float, float]]) -> str:
    way = "L".join(f"{x} {y}" for x, y in places)
    return f'<path fill="none" stroke="{DOT}" stroke-width="2" stroke-opacity=".5" d="M{way}"/>'


def _seeds(point: Point) -> str:
    x = _x(point.parameters)
    span = f"{point.lowest:.2%} to {point.highest:.2%}"
    return (
        f"<g><title>{point.name}: {point.mean:.2%}, {span}</title>"
        f'<path stroke="{DOT}" stroke-width="2" d="M{x} {_y(point.lowest)}V{_y(point.highest)}"/>'
        f'<circle cx="{x}" cy="{_y(point.mean)}" r="5" fill="{DOT}"/></g>'
    )


def _ring(x: float, y: float) -> str:
    return (
        f'<circle cx="{x}" cy="{y}" r="4.5" fill="none" stroke="{QUIET.ink}" stroke-width="1.5"/>'
    )


def _legend() -> tuple[str, ...]:
    x, y = RIGHT - 360, BOTTOM - 46
    return (
        f'<circle cx="{x}" cy="{y}" r="5" fill="{DOT}"/>',
        _text(x + 14, y + 4, "gradbook: the final epoch, mean and range of seeds", "start"),
        _ring(x, y + 24),
        _text(x + 14, y + 28, "others: one run each, most of them its best epoch", "start"),
    )


def _text(x: float, y: float, words: str, anchor: str = "middle") -> str:
    return f'<text fill="{QUIET.ink}" x="{x:g}" y="{y:g}" text-anchor="{anchor}">{words}</text>'


if __name__ == "__main__":
    main()
