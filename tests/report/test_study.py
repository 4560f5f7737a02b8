"""Studies: their lines, their charts."""

from __future__ import annotations

import re

from gradbook.report import study
from gradbook.report.markup import report_page
from gradbook.report.study import RankedTrials, study_report
from gradbook.report.styled_text import plain
from tests.report.trials import trials

TRIALS = trials()


def test_a_trial_is_a_line_that_fits_its_heading():
    (head,) = study.study_heading()
    for trial in TRIALS:
        line = plain([study.trial_line(trial)])
        assert line.startswith(f"{trial['number']:>5}")
        said = "conv" if trial["state"] == "done" else f"{trial['state']}: after epoch 2"
        assert line.index(said) == len(plain([head]).rstrip("\n")) + 2


def test_what_was_chosen_is_cut_where_it_is_long():
    many = {**TRIALS[0], "parameters": {f"width {k}": k for k in range(40)}}
    assert len(study.drawn_words(many)) <= study.MOST_DRAWN
    assert study.drawn_words(many).endswith("…")


def test_the_summary_counts_what_was_trained_to_the_end():
    done = [trial for trial in TRIALS if trial["state"] == "done"]
    text = "".join(span.text for span in study.study_summary(TRIALS, done[0]))
    assert f"{len(done)} recipes trained to the end, {len(TRIALS) - len(done)} cut short" in text
    assert "none has a score" in study.study_summary(TRIALS, None)[0].text


DONE = [trial for trial in TRIALS if trial["value"] is not None]


def dots(drawn: str) -> list[tuple[float, float]]:
    return [
        (float(x), float(y)) for x, y in re.findall(r'<circle cx="([\d.]+)" cy="([\d.]+)"', drawn)
    ]


def test_each_trial_that_has_a_score_is_a_point_and_higher_is_better():
    found = dots(study.history(RankedTrials(TRIALS)))
    assert len(found) == len(DONE)
    assert [x for x, _ in found] == sorted(x for x, _ in found)
    by_height = sorted(range(len(DONE)), key=lambda k: -found[k][1])
    assert [DONE[k]["value"] for k in by_height] == sorted(trial["value"] for trial in DONE)


def test_the_front_joins_those_that_nothing_cheaper_is_as_good_as():
    drawn = study.front(RankedTrials(TRIALS))
    path = re.search(r'<path d="M([\d.]+) ([\d.]+)((?:H[\d.]+V[\d.]+)*)"', drawn)
    corners = [(float(path[1]), float(path[2]))]
    corners += [tuple(map(float, pair)) for pair in re.findall(r"H([\d.]+)V([\d.]+)", path[3])]
    points = dots(drawn)
    for x, y in corners:
        assert (x, y) in points
        assert not any(px < x and py <= y for px, py in points)  # y goes down on a page
    for x, y in points:
        assert any(cx <= x and cy <= y for cx, cy in corners)


def test_a_phrase_has_a_place_of_its_own():
    *_, words = study.slices(RankedTrials(TRIALS))
    places = {x for x, _ in dots(words)}
    assert len(places) == len({trial["parameters"]["relu"] for trial in DONE})


def test_of_very_many_the_best_are_drawn():
    many = trials(4_000)
    ranked = RankedTrials(many)
    assert len(dots(study.history(ranked))) == len(ranked.records) == study.MOST_TOLD
    least = min(record["value"] for record in ranked.records)
    better = [trial for trial in many if trial["value"] is not None and trial["value"] > least]
    assert len(better) < study.MOST_TOLD
    page = report_page(study_report("many", many, {}))
    links = set(re.findall(r'href="#(trial-[0-9]+)"', page))
    assert links <= set(re.findall(r'<details id="(trial-[0-9]+)"', page))
    assert "The charts show the best 1,000." in page
