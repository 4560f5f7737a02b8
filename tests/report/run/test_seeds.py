from __future__ import annotations

import re
from xml.etree import ElementTree

import numpy as np
import pytest

from gradbook.lab.runs import gather
from gradbook.lab.training.train import Spread
from gradbook.report.markup import report_page
from gradbook.report.training_report import SEEDS, seeds_report, seeds_svg
from tests.cases import for_each
from tests.report.html import cells, words
from tests.runs import pictures, several

DATA = pictures(each=24)
SVG = "{http://www.w3.org/2000/svg}"


@for_each("values", [(0.9952, 0.9941, 0.9947), (1.0, 1.0), (0.5,), (0.0, 0.3), (0.99, 0.9901)])
def test_every_seed_has_its_dot_at_the_height_of_its_value(values):
    picture = ElementTree.fromstring(seeds_svg(Spread(values), range(len(values)), 10_000))
    heights = [float(dot.get("cy")) for dot in picture.iter(f"{SVG}circle")]
    assert len(heights) == len(values)
    assert all(SEEDS.top < height < SEEDS.y(0) for height in heights)
    by_height = sorted(zip(heights, values, strict=True), reverse=True)
    assert sorted(values) == [value for _, value in by_height]


def test_the_mean_is_a_line_between_them():
    drawn = seeds_svg(Spread((0.98, 0.99)), range(2), 1000)
    heights = [float(y) for y in re.findall(r'cy="([\d.]+)"', drawn)]
    mean = float(re.search(r'<path d="M[\d.]+ ([\d.]+)L', drawn)[1])
    assert mean == pytest.approx(sum(heights) / 2, abs=0.2)
    assert "the mean, 98.5 %" in drawn


def test_the_axis_names_round_shares():
    drawn = seeds_svg(Spread((0.9952, 0.9941, 0.9947)), range(3), 10_000)
    assert re.findall(r">(99\.\d+ %)</text>", drawn) == ["99.40 %", "99.45 %", "99.50 %"]


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
