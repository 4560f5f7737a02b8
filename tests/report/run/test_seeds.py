from __future__ import annotations

import re
from xml.etree import ElementTree

import numpy as np
import pytest

from gradbook.lab.runs import gather
from gradbook.lab.training.train import Spread
from gradbook.report.markup import report_page
from gradbook.report.run_report import LEFT, MOST_LABELS, RIGHT, dots, seeds_report
from tests.report.html import cells, words
from tests.runs import pictures, several

DATA = pictures(each=24)


@pytest.mark.parametrize(
    "values", [(0.9952, 0.9941, 0.9947), (1.0, 1.0), (0.5,), (0.0, 0.3), (0.99, 0.9901)]
)
def test_every_seed_has_its_dot_in_the_order_of_the_values(values):
    picture = ElementTree.fromstring(dots(Spread(values), list(map(str, values)), 10_000))
    places = [float(dot.get("cx")) for dot in picture.iter("circle")]
    assert len(places) == len(values)
    assert all(LEFT <= place <= RIGHT for place in places)
    assert sorted(values) == [value for _, value in sorted(zip(places, values, strict=True))]


def test_the_mean_stands_between_them():
    drawn = dots(Spread((0.98, 0.99)), ["0", "1"], 1000)
    places = [float(x) for x in re.findall(r'cx="([\d.]+)"', drawn)]
    mean = float(re.search(r'class="mean" d="M([\d.]+)', drawn)[1])
    assert mean == pytest.approx(sum(places) / 2, abs=0.2)


def test_the_line_names_round_shares():
    drawn = dots(Spread((0.9952, 0.9941, 0.9947)), list("012"), 10_000)
    named = re.findall(r">(99\.\d+ %)</text>", drawn)
    assert named == ["99.40 %", "99.45 %", "99.50 %"]


def test_many_seeds_go_without_their_names():
    values = tuple(0.9 + k / 1000 for k in range(MOST_LABELS + 1))
    drawn = dots(Spread(values), [f"s{k}" for k in range(len(values))], 10_000)
    assert drawn.count("<circle") == len(values)
    assert ">s3</text>" not in drawn


def test_the_page_of_several_seeds_tells_mean_spread_and_lowest(tmp_path):
    above = several(tmp_path / "seeds", DATA)
    accuracies = [above.run(k).result()["test_accuracy"] for k in (0, 1, 2)]
    html = report_page(seeds_report(above, DATA))
    assert (
        f"{100 * np.mean(accuracies):.1f} % of 120 test images read correctly, "
        "the mean of 3 seeds; "
        f"deviation {100 * np.std(accuracies, ddof=1):.3f} points, "
        f"lowest {100 * min(accuracies):.1f} %" in words(html)
    )
    _, *rows = cells(html.partition('id="seeds"')[2].partition("</table>")[0])
    assert [row[0] for row in rows] == ["0", "1", "2"]
    assert [row[1] for row in rows] == [f"{100 * a:.1f} %" for a in accuracies]
    for seed in (0, 1, 2):
        assert f'href="seed-{seed}/report.html"' in html
    assert "gradbook train seed-0/recipe.txt --seeds 3 -o again" in words(html)
    assert (tmp_path / "seeds" / "seed-0" / "recipe.txt").exists()


def test_what_most_seeds_misread_is_counted(tmp_path):
    above = several(tmp_path / "seeds", DATA)
    answers = [gather(above.run(k), DATA).answers for k in (0, 1, 2)]
    missed = np.sum([~seed.right for seed in answers], axis=0)
    html = report_page(seeds_report(above, DATA))
    everyone, anyone = int((missed == 3).sum()), int((missed > 0).sum())
    assert f"{everyone} test images are misread by every seed, {anyone} by at least one" in words(
        html
    )
