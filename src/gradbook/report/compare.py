"""Runs side by side: for a terminal, for programs, as a page.

Knows several runs at once; it doesn't know how one was trained.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

from gradbook.amounts import counted, duration, percent, sureness
from gradbook.lab.runs import Compared, Misread, differences
from gradbook.palette import curve_colours
from gradbook.report.document import (
    Block,
    Chapter,
    Charts,
    Figure,
    PageOnly,
    Passage,
    Report,
    Subheading,
    made_with,
)
from gradbook.report.figures import swatch
from gradbook.report.images import card, cards, line
from gradbook.report.page import text
from gradbook.report.run_report import STYLES
from gradbook.report.training import runs_charts
from gradbook.report.words import Span, TableColumn, TextTable

VERSION = 1  # of the JSON
LEAST_HEIGHT = 10  # rows of a chart
MOST_NAMES = 4  # in a title
MOST_CARDS = 40  # of a group
SAME = "Their recipes are identical."
TRAINED = "How they trained"
LONGEST_WORDS = 3  # lines of what a recipe says


def _points(share: float | None) -> str:
    return "" if share is None else f"{100 * share:.3f}"


COLUMNS = (  # a key is that of a run's record
    TableColumn("run", "run", words=True),
    TableColumn("recipe", "name", words=True, spare=3),
    TableColumn("parameters", "parameters"),
    TableColumn("epochs", "epochs", spare=1),
    TableColumn("validation", "validation_accuracy", spell=percent, spare=2),
    TableColumn("test", "test_accuracy", spell=percent),
    TableColumn("±", "test_deviation", spell=_points),
    TableColumn("lowest", "test_lowest", spell=percent),
    TableColumn("seeds", "seeds", spell=lambda seeds: str(len(seeds)), spare=4),
    TableColumn("time", "seconds", spell=duration, spare=1),
)
OF_SEVERAL = ("test_deviation", "test_lowest", "seeds")


def runs_table(runs: Sequence[Compared]) -> TextTable:
    """A row for each run; the spread where any has several seeds."""
    several = any(len(run.seeds) > 1 for run in runs)
    columns = (column for column in COLUMNS if several or column.key not in OF_SEVERAL)
    return TextTable.of(columns, map(record, runs))


def compare_report(
    runs: Sequence[Compared], misread: Misread | None = None, command: str = ""
) -> Report:
    """All of it; `misread` brings the images, and `command` is what makes the page again."""
    data = " and ".join(dict.fromkeys(Path(run.recipe.data).name for run in runs))
    chapters = [Chapter("runs", "At a glance", [_glance(runs)])]
    brief = [_glance(runs), *_differences_in_short(runs)]
    trained: list[Block] = []
    if all(run.history for run in runs):
        charts = runs_charts([(run.name, run.recipe, run.history) for run in runs])
        chapters.append(Chapter("training", TRAINED, [Charts(charts, TRAINED)]))
        trained = [Charts([charts[1]], TRAINED, rows=LEAST_HEIGHT)]  # the accuracy
    if len(runs) > 1:
        chapters.append(Chapter("recipes", "How their recipes differ", [_differences(runs)]))
    if len(runs) > 1 and misread is not None:
        images = PageOnly(partial(_misread_images, runs, misread))
        chapters.append(Chapter("misread", "Misread images", [images]))
        brief += _misread_in_short(runs, misread)
    return Report(
        " · ".join(run.name for run in runs) if len(runs) <= MOST_NAMES else "Runs compared",
        chapters,
        lead=[Passage(f"{counted(len(runs), 'run')} on {data}, side by side.", "lead")],
        foot=made_with(command),
        brief=[*brief, *trained],
        rows=_figures(runs),
        record=_record(runs, misread),
        styles=STYLES,
    )


def _glance(runs: Sequence[Compared]) -> Block:
    """A row for each run, which begins with the colour of its curves."""
    best = _best(runs)
    kinds = tuple("best" if k == best else "" for k in range(len(runs)))
    inks = tuple(curve_colours(len(runs)))
    return replace(runs_table(runs), inks=inks, kind="runs", row_kinds=kinds)


def _best(runs: Sequence[Compared]) -> int | None:
    """Where there is one: figures of different data sets can't be compared."""
    if len(runs) == 1 or len({run.recipe.data for run in runs}) > 1:
        return None
    return max(range(len(runs)), key=lambda k: runs[k].test.mean)


def _differences_in_short(runs: Sequence[Compared]) -> Iterator[Block]:
    """Each line of the recipes that differs, and who says what."""
    found = differences(runs)
    if found:
        yield Subheading("Where their recipes differ:")
    elif len(runs) > 1:
        yield Passage(SAME)
    for word, said in found.items():
        yield Passage((Span(word, "cyan"),), indent=2)
        for words in dict.fromkeys(said):
            whose = [run.name for run, other in zip(runs, said, strict=True) if other == words]
            of_these = f"{', '.join(whose)}: {words or '-'}"
            yield Passage(of_these, indent=4, hang=6, most=LONGEST_WORDS)


def _differences(runs: Sequence[Compared]) -> Block:
    """The same as a table; layers stand one below the other."""
    found = differences(runs)
    if not found:
        return Passage(SAME)
    columns = (TableColumn(title, words=True) for title in ("", *(run.name for run in runs)))
    rows = [(word, *(_recipe_words(word, words) for words in said)) for word, said in found.items()]
    return Figure(TextTable(tuple(columns), tuple(rows), kind="differences", has_row_heads=True))


def _recipe_words(word: str, words: str) -> str:
    return words.replace("; ", "\n") if word == "layers" else words or "–"


def _misread_in_short(runs: Sequence[Compared], misread: Misread) -> Iterator[Block]:
    yield Subheading("Test images misread:")
    yield Passage(f"by {'both' if len(runs) == 2 else 'all'}: {len(misread.by_all):,}", indent=2)
    for k, run in enumerate(runs):
        yield Passage(f"only by {run.name}: {len(misread.only_by(k)):,}", indent=2)


# For programs -----------------------------------------------------------------


def _figures(runs: Sequence[Compared]) -> TextTable:
    """A row for each run."""
    records = [record(run) for run in runs]
    keys = [key for key, value in records[0].items() if not isinstance(value, list | dict)]
    return TextTable.of([TableColumn("", key) for key in keys], records)


def _record(runs: Sequence[Compared], misread: Misread | None) -> dict[str, Any]:
    return {
        "version": VERSION,
        "runs": [
            {**record(run), "recipe": str(run.recipe), "history": list(map(asdict, run.history))}
            for run in runs
        ],
        "differences": differences(runs),
        "misread": misread
        and {
            "by_all": misread.by_all.tolist(),
            "only_by": {run.name: misread.only_by(k).tolist() for k, run in enumerate(runs)},
        },
    }


def record(run: Compared) -> dict[str, Any]:
    """A run's figures."""
    several = len(run.seeds) > 1
    return {
        "run": run.name,
        "name": run.recipe.title,
        "data": run.recipe.data,
        "parameters": run.parameters,
        "epochs": run.recipe.epochs,
        "batch": run.recipe.batch,
        "seconds": run.seconds,
        "validation_accuracy": run.validation,
        "test_accuracy": run.test.mean,
        "test_deviation": run.test.deviation if several else None,
        "test_lowest": run.test.lowest if several else None,
        "seeds": list(run.seeds),
        "test_accuracies": list(run.test.values),
    }


# Images -----------------------------------------------------------------------


def _misread_images(runs: Sequence[Compared], misread: Misread) -> str:
    every = "both" if len(runs) == 2 else f"all {len(runs)}"
    groups = [(f"Only by {run.name}", misread.only_by(k)) for k, run in enumerate(runs)]
    parts: list[str] = []
    for heading, places in [*groups, (f"By {every}", misread.by_all)]:
        part = f", the first {MOST_CARDS}" if len(places) > MOST_CARDS else ""
        shown = cards(_card(runs, misread, int(place)) for place in places[:MOST_CARDS])
        parts.append(
            f"<h3>{text(heading)}: {counted(len(places), 'test image')}{part}</h3>\n"
            + (f"<figure>{shown}</figure>" if shown else "")
        )
    return "\n".join(parts)


def _card(runs: Sequence[Compared], misread: Misread, place: int) -> str:
    test, classes = misread.dataset.test_for_reporting, misread.dataset.classes
    shown = classes[int(test.labels[place])]
    lines = [line("is", shown), *_lines(runs, misread, place)]
    return card(test.pixels[place], place, shown, lines)


def _lines(runs: Sequence[Compared], misread: Misread, place: int) -> Iterator[str]:
    """What each run read, and how sure it was."""
    inks = curve_colours(len(runs))
    for run, ink, vote in zip(runs, inks, misread.majorities, strict=True):
        read = misread.dataset.classes[int(vote.read[place])]
        mark = f'<span title="{text(run.name)}">{swatch(ink)}</span> '
        yield line("read", read, sureness(float(vote.sure[place])), mark)
