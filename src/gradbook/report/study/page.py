"""A study as one page: how it went, what mattered, and every trial's curves and recipe."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from gradbook.amounts import counted, duration, percent
from gradbook.lab.study.study import best_trial
from gradbook.palette import curve_colours
from gradbook.report import figures
from gradbook.report.charts import TOWARDS, Chart, Curve
from gradbook.report.page import Section, bar, made_with, page, resource, table, text, wide
from gradbook.report.study import charts
from gradbook.report.study.charts import MOST_TOLD, Ranked, anchor, best_first
from gradbook.report.study.text import Record, drawn_words, value_words

LONG = 10_000  # characters of what was chosen
SMALL = figures.Frame(width=420.0, height=220.0, left=62.0, right=20.0, top=34.0, bottom=46.0)


def study_page(
    name: str,
    records: Sequence[Record],
    importance: Mapping[str, float],
    tests: Sequence[Record],
    command: str = "",
) -> str:
    """The page of a study that has come so far."""
    ranked = Ranked(records)
    sections = [Section("result", "What it found", _result(records, tests))]
    if ranked.records:
        drawn = [charts.history(ranked), charts.front(ranked)]
        sections.append(Section("history", "How it went", _figures(drawn)))
        sections.append(Section("importance", "What mattered", _importance(importance)))
        one = charts.slices(ranked)
        sections.append(Section("slices", "Each thing that varied", _figures(one, "small")))
        by_weight = sorted(charts.names_of(ranked.drawn), key=lambda n: -importance.get(n, 0.0))
        two = list(charts.pairs(ranked, by_weight))
        if two:
            sections.append(Section("pairs", "Each two", _figures(two, "small")))
        sections.append(Section("parallel", "All at once", wide(charts.parallel(ranked))))
    sections.append(Section("trials", "Every trial", _trials(records, ranked)))
    return page(
        f"Study {name}",
        sections,
        lead=f'<p class="lead">{text(_lead(records, ranked))}</p>',
        foot=made_with(command),
        style=figures.chart_style() + resource("study.css"),
    )


def _lead(records: Sequence[Record], ranked: Ranked) -> str:
    spent = duration(sum(record["seconds"] for record in records))
    said = f"{counted(len(records), 'recipe')} drawn, {spent} of training."
    if len(ranked.drawn) == len(ranked.records):
        return said
    others = len(ranked.drawn) - MOST_TOLD
    return f"{said} The charts show the best {MOST_TOLD:,} and {others:,} of the others."


def _result(records: Sequence[Record], tests: Sequence[Record]) -> str:
    looked = (
        "Validation images alone chose. The test images were scored "
        f"{counted(len(tests), 'time')}." if tests else
        "Validation images alone chose; the test images were never scored."
    )  # fmt: skip
    scored = "".join(f"<li>{text(_score(test))}</li>" for test in tests)
    said = f"<p>{looked}</p>" + (f"<ul>{scored}</ul>" if scored else "")
    best = best_trial(records)
    if best is None:
        return f"<p>No recipe was trained to its end.</p>{said}"
    return (
        f'<p class="headline"><b>{percent(best["value"])}</b> of the images held back, by '
        f'<a href="#{anchor(best)}">trial {best["number"]}</a> with '
        f"{best['network_parameters']:,} parameters</p>\n{said}"
    )


def _score(test: Record) -> str:
    spread = f"{percent(test['mean'])} ± {100 * test['deviation']:.3f}"
    return f"trial {test['trial']}: {spread} of the test images, {counted(test['seeds'], 'seed')}"


def _figures(drawn: Iterable[str], kind: str = "") -> str:
    shown = "".join(f"<figure>{one}</figure>" for one in drawn)
    return f'<div class="study-charts {kind}">{shown}</div>'


def _importance(importance: Mapping[str, float]) -> str:
    if not importance:
        return "<p>Too few trials, or trials too different, to say.</p>"
    rows = [
        [text(name), f"{100 * share:.0f} %", bar(share, "importance")]
        for name, share in sorted(importance.items(), key=lambda one: -one[1])
    ]
    said = (
        "<p>How much of what sets the best tenth apart each has, by Optuna's PED-ANOVA; "
        "of what stands in every trial.</p>"
    )
    return said + wide(table(["", "share", ""], rows, [0], headed=True))


def _trials(records: Sequence[Record], ranked: Ranked) -> str:
    order = best_first(records)
    shown = [r for k, r in enumerate(order) if k < MOST_TOLD or r["number"] in ranked.told]
    more = len(records) - len(shown)
    left = f"<p>{more:,} more are in trials.csv.</p>" if more > 0 else ""
    return "\n".join(map(_trial, shown)) + left


def _trial(record: Record) -> str:
    """A line that opens."""
    cost = record["network_parameters"]
    size = f"{cost:,} parameters" if cost is not None else ""
    said = percent(record["value"]) if record["value"] is not None else text(record["state"])
    head = (
        f"<summary><b>trial {record['number']}</b> <span>{said}</span> <span>{size}</span> "
        f"<small>{text(drawn_words(record))}</small></summary>"
    )
    drawn = ", ".join(f"{n} {value_words(v)}" for n, v in record["parameters"].items())
    parts = [f"<p>{text(drawn[:LONG])}</p>"]
    if record["why"]:
        parts.append(f"<p>{text(record['why'])}</p>")
    if record["accuracies"]:
        parts.append(f"<figure>{_curve(record['accuracies'])}</figure>")
    parts.append(f"<pre>{text(record['recipe'])}</pre>")
    return f'<details id="{anchor(record)}">{head}{"".join(parts)}</details>'


def _curve(accuracies: Sequence[float]) -> str:
    curve = Curve("held back", np.array(accuracies), curve_colours(1)[0])
    drawn = Chart("Held-back accuracy", (curve,), scale=TOWARDS, measure="accuracy", spell=percent)
    return figures.chart_svg(drawn, SMALL, alone=False, labelled=False)
