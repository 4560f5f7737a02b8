from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from gradbook.lab.models.answers import Answers
from gradbook.lab.runs import gather
from gradbook.net.measure import measure
from gradbook.report.markup import markup, report_page
from gradbook.report.mistakes import MOST_MISREAD, by_class, confusion, gallery
from gradbook.report.training_report import run_report
from tests.report.html import cells, words
from tests.runs import finished, pictures

DATA = pictures(each=24)
WARP = "warp rotate 20, shift 1"


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return gather(finished(tmp_path_factory.mktemp("runs") / "run", DATA, changes=WARP), DATA)


# The numbers.


def test_the_page_begins_with_what_was_reached(run):
    html = report_page(run_report(run))
    missed = int((~run.answers.right).sum())
    share = f"{100 * run.answers.accuracy:.1f} %"
    assert f"{share} of 120 test images read correctly; {missed} misread" in words(html)
    assert f"parameters {measure(run.model.net).parameters:,} epochs 5" in words(html)


def test_the_table_holds_every_count(run):
    counts = run.answers.confusion()
    head, *rows = cells(markup([confusion(counts, DATA.classes)]))
    assert head == ["", *DATA.classes]
    for shown, row in enumerate(rows):
        assert row[0] == DATA.classes[shown]
        assert [0 if cell == "·" else int(cell) for cell in row[1:]] == counts[shown].tolist()


def test_each_class_has_its_row(run):
    counts = run.answers.confusion()
    _, *rows = cells(markup([by_class(counts, DATA.classes)]))
    for shown, (name, images, missed, precision, recall, f1, mostly) in enumerate(rows):
        wrong = int(counts[shown].sum() - counts[shown, shown])
        assert (name, int(images), int(missed)) == (DATA.classes[shown], 12, wrong)
        hit, read = counts[shown, shown], counts[:, shown].sum()
        assert recall == f"{100 * hit / 12:.0f} %"
        assert precision == (f"{100 * hit / read:.0f} %" if read else "–")
        assert f1 == f"{100 * 2 * hit / (12 + read):.0f} %"
        others = np.where(np.arange(10) == shown, 0, counts[shown])
        assert mostly == (DATA.classes[others.argmax()] if wrong else "")


def test_the_gallery_tells_what_was_read_what_it_is_and_the_runner_up(run):
    answers, wrong = run.answers, run.answers.wrong()
    html = markup([gallery(DATA.test_for_reporting, answers, wrong, DATA.classes)])
    cards = re.findall("<li.*?</li>", html, re.S)
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
        f"Of the {sure.sum()} images that it was at least 99 % sure of, it misread {wrong}."
        if sure.any()
        else "It was never 99 % sure."
    ) in words(report_page(run_report(run)))


def test_a_link_of_the_table_leads_to_a_card(run):
    html = report_page(run_report(run))
    shown = run.answers.wrong()[:MOST_MISREAD]
    links = set(re.findall(r'href="#(is-\d+-read-\d+)"', html))
    kinds = {f"is-{run.answers.labels[k]}-read-{run.answers.read[k]}" for k in shown}
    assert kinds <= links
    for kind in kinds:
        assert html.count(f'id="{kind}"') == 1


def test_every_filter_and_every_channel_is_there(run):
    html = report_page(run_report(run))
    section = html.partition('id="insides"')[2].partition("</section>")[0]
    # 4 filters with what they make of the image, then relu's 4 channels and the pool's 4
    assert section.count("<img") == 1 + 2 * 4 + 4 + 4


def test_the_recipe_and_the_machine_are_told(run):
    said = words(report_page(run_report(run)))
    assert "rotate 20, shift 1" in said
    assert "compiler cc <1>" in said
    assert "gradbook train recipe.txt" in said


def test_every_epoch_stands_in_the_table(run):
    html = report_page(run_report(run))
    table = html.partition("Every epoch in numbers")[2].partition("</details>")[0]
    assert [row[0] for row in cells(table)] == ["epoch", "1", "2", "3", "4", "5"]


# Odd ones.


def test_where_all_is_right_nothing_is_misread(tmp_path):
    data = pictures(("one", "two"), each=12)
    gathered = gather(finished(tmp_path / "run", data), data)
    labels = gathered.answers.labels
    html = report_page(run_report(replace(gathered, answers=Answers(np.eye(2)[labels], labels))))
    assert "100 % of 12 test images read correctly; 0 misread" in words(html)
    assert "None." in words(html.partition('id="misread"')[2])


def test_where_nothing_was_held_back_there_is_no_validation(tmp_path):
    run = finished(tmp_path / "run", DATA, changes="hold back none")
    html = report_page(run_report(gather(run, DATA)))
    assert "No images were held back: the figures of all 240" in words(html)
    assert "validation" not in words(html)


def test_strange_names_are_words(tmp_path):
    data = pictures(("<script>alert(1)</script>", 'a"b', "ok"), each=20)
    html = report_page(run_report(gather(finished(tmp_path / "run", data), data)))
    assert "<script>alert" not in html
    assert 'a"b' not in html
