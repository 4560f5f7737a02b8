from __future__ import annotations

from gradbook.report.compare import compare_report
from gradbook.report.media import write
from tests.report.html import cells, words


def test_without_images_nobody_misreads_any(runs):
    assert "Misread images" not in write(compare_report(runs), "html")


def test_the_page_has_a_card_for_each_image_that_only_one_misreads(runs, who):
    html = write(compare_report(runs, who, "gradbook compare plain adam seeds"), "html")
    for k, run in enumerate(runs):
        count = len(who.only_by(k))
        part = html.partition(f"<h3>Only by {run.name}: ")[2].partition("<h3>")[0]
        assert words(part).startswith(f"{count} test image")
        assert part.count("<li>") == count
    assert "Made with gradbook compare plain adam seeds" in words(html)


def test_the_page_shows_the_differences_beside_each_other(runs):
    html = write(compare_report(runs), "html")
    table = html.partition('id="recipes"')[2].partition("</table>")[0]
    head, *rows = cells(table)
    assert head == ["", "plain", "adam", "seeds"]
    assert ["batch", "128", "16", "128"] in rows
    assert ["epochs", "3", "5", "10"] not in rows
