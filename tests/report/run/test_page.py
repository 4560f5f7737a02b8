from __future__ import annotations

import re
from dataclasses import replace
from html import unescape

import numpy as np
import pytest

from gradbook.lab.models.answers import Answers
from gradbook.lab.runs.evidence import gather
from gradbook.net.measure import measure
from gradbook.report.run.charts import of_run, of_several
from gradbook.report.run.mistakes import MOST_CLASSES, by_class, confusion, gallery
from gradbook.report.run.page import MOST_MISREAD, run_page, told
from gradbook.report.run.seeds import seeds_page
from tests.runs import curve, finished, pictures, several

DATA = pictures(each=24)
WARP = "warp rotate 20, shift 1"


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return gather(finished(tmp_path_factory.mktemp("runs") / "run", DATA, changes=WARP), DATA)


def words(html: str) -> str:
    return " ".join(unescape(re.sub("<[^>]*>", " ", html)).split())


def cells(html: str) -> list[list[str]]:
    """What stands in each row of a table."""
    rows = re.findall("<tr.*?</tr>", html, re.S)
    return [[words(cell) for cell in re.findall(r"<t[hd].*?</t[hd]>", row, re.S)] for row in rows]


# The numbers.


def test_the_page_begins_with_what_was_reached(run):
    html = told(run)
    missed = int((~run.answers.right).sum())
    share = f"{100 * run.answers.accuracy:.1f} %"
    assert f"{share} of 120 test images read correctly; {missed} misread" in words(html)
    assert f"parameters {measure(run.model.net).parameters:,} epochs 5" in words(html)


def test_the_table_holds_every_count(run):
    counts = run.answers.confusion()
    head, *rows = cells(confusion(counts, DATA.classes))
    assert head == ["", *DATA.classes]
    for shown, row in enumerate(rows):
        assert row[0] == DATA.classes[shown]
        assert [0 if cell == "·" else int(cell) for cell in row[1:]] == counts[shown].tolist()


def test_each_class_has_its_row(run):
    counts = run.answers.confusion()
    _, *rows = cells(by_class(counts, DATA.classes))
    for shown, (name, images, missed, share, mostly) in enumerate(rows):
        wrong = int(counts[shown].sum() - counts[shown, shown])
        assert (name, int(images), int(missed)) == (DATA.classes[shown], 12, wrong)
        assert share == f"{100 * counts[shown, shown] / 12:.0f} %"
        others = np.where(np.arange(10) == shown, 0, counts[shown])
        assert mostly == (DATA.classes[others.argmax()] if wrong else "")


def test_the_gallery_tells_what_was_read_what_it_is_and_the_runner_up(run):
    answers, wrong = run.answers, run.answers.wrong()
    cards = re.findall(
        "<li.*?</li>", gallery(DATA.test_for_reporting, answers, wrong, DATA.classes), re.S
    )
    assert len(cards) == len(wrong)
    for place, card in zip(wrong, cards, strict=True):
        said = words(card)
        read, shown = int(answers.read[place]), int(answers.labels[place])
        assert said.startswith(f"read {read} ")
        assert f" is {shown} " in said
        runner_up = int(answers.runner_up[place])
        assert (f" next {runner_up} " in said) == (runner_up != shown)
        assert f'title="image {place + 1}"' in card


def test_being_sure_is_held_against_being_right(run):
    sure = run.answers.sure >= 0.99
    wrong = int((sure & ~run.answers.right).sum())
    assert (
        f"Of the {sure.sum()} images it was at least 99 % sure of, {wrong} are wrong."
        if sure.any()
        else "It was never 99 % sure."
    ) in words(told(run))


def test_a_link_of_the_table_leads_to_a_card(run):
    html = told(run)
    shown = run.answers.wrong()[:MOST_MISREAD]
    links = set(re.findall(r'href="#(is-\d+-read-\d+)"', html))
    kinds = {f"is-{run.answers.labels[k]}-read-{run.answers.read[k]}" for k in shown}
    assert kinds <= links
    for kind in kinds:
        assert html.count(f'id="{kind}"') == 1


def test_every_filter_and_every_channel_is_there(run):
    html = told(run)
    section = html.partition('id="insides"')[2].partition("</section>")[0]
    # 4 filters with what they make of the image, then relu's 4 channels and the pool's 4
    assert section.count("<img") == 1 + 2 * 4 + 4 + 4


def test_the_recipe_and_the_machine_are_told(run):
    said = words(told(run))
    assert "rotate 20, shift 1" in said
    assert "compiler cc <1>" in said
    assert "gradbook train recipe.txt" in said


def test_every_epoch_stands_in_the_table(run):
    html = told(run)
    table = html.partition("Every epoch in numbers")[2].partition("</details>")[0]
    assert [row[0] for row in cells(table)] == ["epoch", "1", "2", "3", "4", "5"]


# Odd ones.


def test_where_all_is_right_nothing_is_misread(tmp_path):
    data = pictures(("one", "two"), each=12)
    found = gather(finished(tmp_path / "run", data), data)
    labels = found.answers.labels
    html = told(replace(found, answers=Answers(np.eye(2)[labels], labels)))
    assert "100 % of 12 test images read correctly; 0 misread" in words(html)
    assert "None." in words(html.partition('id="misread"')[2])


def test_where_nothing_was_held_back_there_is_no_validation(tmp_path):
    run = finished(tmp_path / "run", DATA, changes="hold back none")
    html = run_page(run, DATA)
    assert "No images were held back: the figures of all 240" in words(html)
    assert "validation" not in words(html)


def test_many_classes_are_a_list_of_the_commonest_mistakes():
    classes = [f"class {k}" for k in range(MOST_CLASSES + 1)]
    counts = np.eye(len(classes), dtype=np.int64) * 3
    counts[7, 9] = 5
    counts[2, 1] = 4
    head, *rows = cells(confusion(counts, classes))
    assert head == ["is", "read as", "images"]
    assert rows == [["class 7", "class 9", "5"], ["class 2", "class 1", "4"]]
    assert cells(by_class(counts, classes))[1][:3] == ["class 7", "8", "5"]


def test_strange_names_are_words(tmp_path):
    data = pictures(("<script>alert(1)</script>", 'a"b', "ok"), each=20)
    html = run_page(finished(tmp_path / "run", data), data)
    assert "<script>alert" not in html
    assert 'a"b' not in html


# The charts.


def test_the_charts_show_the_history():
    history = curve(6)
    loss, right, rate = of_run(history)
    assert [c.label for c in loss.curves] == ["training", "validation"]
    assert loss.curves[1].values.tolist() == [epoch.validation_loss for epoch in history]
    assert right.curves[0].values.tolist() == [epoch.train_accuracy for epoch in history]
    assert rate.curves[0].values.tolist() == [epoch.rate for epoch in history]


def test_runs_that_share_their_rates_share_the_curve():
    several_runs = [("a", curve(4)), ("b", curve(4, start=2))]
    loss, _, rate = of_several(several_runs)
    assert [c.label for c in loss.curves] == ["a", "b"]
    assert [c.label for c in rate.curves] == ["all"]


def test_training_speaks_for_runs_that_held_nothing_back():
    loss, right, _ = of_several([("a", curve(4)), ("b", curve(5, validated=False))])
    assert (loss.title, right.title) == ("Training loss", "Training accuracy")
    assert len(loss.curves[1].values) == 5


# Several seeds.


def test_the_page_of_several_seeds_tells_mean_spread_and_lowest(tmp_path):
    above = several(tmp_path / "seeds", DATA)
    accuracies = [above.run(k).result()["test_accuracy"] for k in (0, 1, 2)]
    html = seeds_page(above, DATA)
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
    html = seeds_page(above, DATA)
    everyone, anyone = int((missed == 3).sum()), int((missed > 0).sum())
    assert f"{everyone} test images are misread by every seed, {anyone} by at least one" in words(
        html
    )
