"""What a study's charts show: its history, cost against accuracy, each thing that varied."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from itertools import combinations

from gradbook.amounts import percent
from gradbook.report import figures
from gradbook.report.charts import EVEN
from gradbook.report.figures import Across, Frame, Point, grid_line, pt, svg_element, words_at
from gradbook.report.study.text import Record, value_words

INKS = ("#BE4C01", "#C27A09", "#879606", "#01A578", "#077DB3")  # from the worst fifth to the best
QUIET_INK = "#8A8C94"
COST = "network_parameters"
MOST_TOLD = 1_000  # trials, the best ones, of which curves and recipe are on the page
MOST_OTHERS = 1_000  # trials beside them that are drawn
MOST_PAIRED = 5  # things that varied, of which each two are shown
WIDE = Frame(width=860.0, height=300.0, left=58.0, right=58.0, top=40.0, bottom=30.0)
SMALL = Frame(width=270.0, height=220.0, left=52.0, right=10.0, top=30.0, bottom=44.0)


def anchor(record: Record) -> str:
    return f"trial-{record['number']}"


def told(record: Record) -> str:
    drawn = ", ".join(f"{n} {value_words(v)}" for n, v in record["parameters"].items())
    return f"trial {record['number']}: {percent(record['value']) or record['state']} ({drawn})"


def best_first(records: Sequence[Record]) -> list[Record]:
    """Those without a score come last."""
    return sorted(records, key=lambda r: (r["value"] is None, -(r["value"] or 0.0), r["number"]))


class Ranked:
    """The trials that have a score, with the colour of the fifth that each belongs to. Of many,
    the best are drawn, and some of the others, evenly."""

    def __init__(self, records: Sequence[Record]) -> None:
        self.records = [record for record in records if record["value"] is not None]
        order = best_first(self.records)
        worst = max(len(order) - 1, 0)
        count = max(len(order), 1)
        self.inks = {
            r["number"]: INKS[len(INKS) * (worst - k) // count] for k, r in enumerate(order)
        }
        best = [*order[:MOST_TOLD], *on_the_front(self.records)]
        self.told = {record["number"] for record in best}
        others = order[MOST_TOLD :: max(-(-(len(order) - MOST_TOLD) // MOST_OTHERS), 1)]
        drawn = {record["number"]: record for record in (*best, *others)}
        self.drawn = [drawn[number] for number in sorted(drawn)]

    def anchor(self, record: Record) -> str:
        """Where the page tells more of it, if it does."""
        return anchor(record) if record["number"] in self.told else ""

    def point(self, record: Record, x: float, y: float | None = None) -> Point:
        height = record["value"] if y is None else y
        ink = self.inks[record["number"]]
        return Point(x, height, told(record), ink, self.anchor(record))


def history(ranked: Ranked) -> str:
    """The score of each trial, and the best so far."""
    best: list[tuple[float, float]] = []
    for record in ranked.records:
        if not best or record["value"] > best[-1][1]:
            best.append((record["number"], record["value"]))
    numbers = [record["number"] for record in ranked.records]
    best.append((numbers[-1], best[-1][1]))
    across = Across("trial", min(numbers), max(numbers))
    shown = [ranked.point(record, record["number"]) for record in ranked.drawn]
    return figures.points_svg(
        "Held-back accuracy, and the best so far", across, shown, path=best, steps=True
    )


def front(ranked: Ranked, key: str = COST, words: str = "parameters") -> str:
    """Accuracy over cost; those that nothing cheaper is as good as are joined."""
    ends = [(record[key], record["value"]) for record in on_the_front(ranked.records, key)]
    costs = [record[key] for record in ranked.records]
    across = Across(words, min(costs), max(costs), log=max(costs) > 8 * min(costs) > 0)
    shown = [ranked.point(record, record[key]) for record in ranked.drawn]
    return figures.points_svg(
        f"Accuracy over {words}: the front", across, shown, path=ends, steps=True
    )


def on_the_front(records: Sequence[Record], key: str = COST) -> list[Record]:
    """Those that nothing cheaper is as good as, from the cheapest on."""
    found: list[Record] = []
    for record in sorted(records, key=lambda r: (r[key], -r["value"])):
        if not found or record["value"] > found[-1]["value"]:
            found.append(record)
    return found


def names_of(records: Sequence[Record]) -> list[str]:
    return list(dict.fromkeys(name for record in records for name in record["parameters"]))


def slices(ranked: Ranked) -> Iterator[str]:
    """The score over each thing that varied."""
    for name in names_of(ranked.drawn):
        own = [record for record in ranked.drawn if name in record["parameters"]]
        across = _axis(name, own)
        shown = [ranked.point(record, _place(across, record, name)) for record in own]
        yield figures.points_svg(name, across, shown, frame=SMALL)


def pairs(ranked: Ranked, names: Sequence[str]) -> Iterator[str]:
    """Each two of the things that matter most: where the good ones lie."""
    for across_name, up_name in combinations(names[:MOST_PAIRED], 2):
        own = [r for r in ranked.drawn if {across_name, up_name} <= r["parameters"].keys()]
        if not own:
            continue
        across, up = _axis(across_name, own), _axis(up_name, own)
        shown = [
            ranked.point(r, _place(across, r, across_name), up.share(_place(up, r, up_name)))
            for r in own
        ]
        title = f"{up_name} over {across_name}"
        yield figures.points_svg(title, across, shown, upwards=_Named(up), frame=SMALL)


class _Named(type(EVEN)):  # type: ignore[misc]  # an axis of what is laid out already
    """From 0 to 1, with the words of another axis."""

    def __init__(self, across: Across) -> None:
        self.across = across

    def ends(self, values: object, firsts: object) -> tuple[float, float]:
        return 0.0, 1.0

    def levels(self, low: float, high: float) -> list[float]:
        return [self.across.share(x) for x, _ in self.across.ticks]

    def tick(self, value: float) -> tuple[str, str]:
        return next(
            (said for x, said in self.across.ticks if self.across.share(x) == value), ""
        ), ""


def _axis(name: str, records: Sequence[Record]) -> Across:
    values = [record["parameters"][name] for record in records]
    if any(isinstance(value, str) for value in values):
        return Across(name, 0, 0, names=tuple(sorted(set(map(str, values)), key=_by_number)))
    low, high = float(min(values)), float(max(values))
    return Across(name, low, high, log=low > 0 and high > 8 * low)


def _by_number(word: str) -> tuple[int, float, str]:
    try:
        return 0, float(word), word
    except ValueError:
        return 1, 0.0, word


def _place(across: Across, record: Record, name: str) -> float:
    value = record["parameters"][name]
    return float(across.names.index(str(value))) if across.names else float(value)


def parallel(ranked: Ranked) -> str:
    """A line for each trial, through all that was chosen to its score."""
    names = names_of(ranked.drawn)
    axes = [_axis(name, [r for r in ranked.drawn if name in r["parameters"]]) for name in names]
    scores = [record["value"] for record in ranked.drawn]
    last = Across("score", min(scores), max(scores))
    columns = [WIDE.x(k / max(len(names), 1)) for k in range(len(names) + 1)]
    parts: list[str] = []
    for x, axis in zip(columns, [*axes, last], strict=True):
        parts.append(grid_line(x, WIDE.y(1), x, WIDE.y(0)))
        parts.append(words_at(x, 16, axis.words, anchor="middle", kind="quiet axis"))
        for value, said in axis.ticks:
            shown = percent(value) if axis is last else said
            parts.append(words_at(x + 5, WIDE.y(axis.share(value)) + 4, shown))
    for record in sorted(ranked.drawn, key=lambda r: r["value"]):
        heights = [
            (x, axis.share(_place(axis, record, name)))
            for x, axis, name in zip(columns, axes, names, strict=False)
            if name in record["parameters"]
        ]
        heights.append((columns[-1], last.share(record["value"])))
        path = "L".join(f"{pt(x)} {pt(WIDE.y(y))}" for x, y in heights)
        drawn = (
            f'<path d="M{path}" fill="none" '
            f'stroke="{ranked.inks[record["number"]]}" stroke-width="1.3" stroke-opacity="0.7">'
            f"<title>{escape(told(record))}</title></path>"
        )
        place = ranked.anchor(record)
        parts.append(f'<a href="#{place}" tabindex="-1">{drawn}</a>' if place else drawn)
    words = f"What was chosen in each of {len(scores)} trials, and its score"
    return svg_element(WIDE, words, parts, alone=False, role="group")
