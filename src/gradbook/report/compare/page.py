"""Runs side by side as one page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from gradbook.amounts import counted, sureness
from gradbook.lab.runs import Compared, Misread, differences
from gradbook.palette import curve_colours
from gradbook.report import figures
from gradbook.report.compare.text import table as columns_of_runs
from gradbook.report.figures import swatch
from gradbook.report.images import card, cards, line
from gradbook.report.page import Section, columns_of_words, made_with, page, table, text, wide
from gradbook.report.run.charts import of_several
from gradbook.report.run.page import style

MOST_NAMES = 4  # in a title
MOST_CARDS = 40  # of a group


def compare_page(
    runs: Sequence[Compared], misread: Misread | None = None, command: str = ""
) -> str:
    """The page; `misread` brings the images, and `command` is what makes it again."""
    sections = [Section("runs", "At a glance", _table(runs))]
    if all(run.history for run in runs):
        charts = of_several([(run.name, run.recipe, run.history) for run in runs])
        sections.append(
            Section("training", "How they trained", figures.figure(charts, "How they trained"))
        )
    if len(runs) > 1:
        sections.append(Section("recipes", "How their recipes differ", _differences(runs)))
    if misread is not None and len(runs) > 1:
        sections.append(Section("misread", "Misread images", _misread(runs, misread)))
    data = " and ".join(dict.fromkeys(Path(run.recipe.data).name for run in runs))
    lead = f"{counted(len(runs), 'run')} on {data}, side by side."
    return page(
        " · ".join(run.name for run in runs) if len(runs) <= MOST_NAMES else "Runs compared",
        sections,
        lead=f'<p class="lead">{text(lead)}</p>',
        foot=made_with(command),
        style=style(),
        script=figures.figure_script(),
    )


def _table(runs: Sequence[Compared]) -> str:
    """A row for each run, which begins with the colour of its curves."""
    shown, best = columns_of_runs(runs), _best(runs)
    rows = []
    for cells, ink in zip(shown.texts, curve_colours(len(runs)), strict=True):
        first, *others = map(text, cells)
        rows.append([swatch(ink) + first, *others])
    head = [text(column.title) for column in shown.columns]
    kinds = ["best" if k == best else "" for k in range(len(runs))]
    return wide(table(head, rows, columns_of_words(shown), kind="runs", row_kinds=kinds))


def _best(runs: Sequence[Compared]) -> int | None:
    """Where there is one: figures of different data sets can't be compared."""
    if len(runs) == 1 or len({run.recipe.data for run in runs}) > 1:
        return None
    return max(range(len(runs)), key=lambda k: runs[k].test.mean)


def _differences(runs: Sequence[Compared]) -> str:
    found = differences(runs)
    if not found:
        return "<p>Their recipes are the same.</p>"
    head = ["", *(text(run.name) for run in runs)]
    rows = [[text(word), *(_said(word, words) for words in said)] for word, said in found.items()]
    shown = table(head, rows, range(len(head)), kind="differences", headed=True)
    return f"<figure>{wide(shown)}</figure>"


def _said(word: str, words: str) -> str:
    """One recipe's side; layers one below the other."""
    if word == "layers":
        return "<br>".join(map(text, words.split("; ")))
    return text(words) or "–"


def _misread(runs: Sequence[Compared], misread: Misread) -> str:
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
