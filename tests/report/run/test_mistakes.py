from __future__ import annotations

import numpy as np

from gradbook.data.dataset import Images
from gradbook.report.document import Gallery
from gradbook.report.markup import markup
from gradbook.report.mistakes import MOST_CLASSES, by_class, card, confusion, named
from tests.report.html import cells


def test_many_classes_are_a_list_of_the_commonest_mistakes():
    classes = [f"class {k}" for k in range(MOST_CLASSES + 1)]
    counts = np.eye(len(classes), dtype=np.int64) * 3
    counts[7, 9] = 5
    counts[2, 1] = 4
    head, *rows = cells(markup([confusion(counts, classes)]))
    assert head == ["is", "read as", "images"]
    assert rows == [["class 7", "class 9", "5"], ["class 2", "class 1", "4"]]
    assert cells(markup([by_class(counts, classes)]))[1][:3] == ["class 7", "8", "5"]


def test_a_count_leads_to_its_images_and_names_the_mistake():
    html = markup([confusion(np.array([[3, 2], [0, 5]]), ["a", 'b"<'])])
    assert cells(html)[1:] == [["a", "3", "2"], ['b"<', "·", "5"]]
    assert 'href="#is-0-read-1"' in html
    assert 'title="2 images of a read as b&quot;&lt;"' in html


def test_a_long_name_turns_all_the_headings():
    counts = np.eye(2, dtype=np.int64)
    assert "turned" not in confusion(counts, ["one", "two"]).kind
    assert "turned" in confusion(counts, ["one", "three"]).kind


def test_a_class_without_images_has_no_recall():
    assert cells(markup([by_class(np.array([[0, 0], [1, 3]]), ["a", "b"])]))[1][:5] == [
        "a",
        "0",
        "0",
        "0 %",
        "–",
    ]


def test_a_card_says_which_image_it_is_and_what():
    images = Images(np.zeros((42, 1, 4, 4), np.uint8), np.zeros(42, np.int32))
    html = markup([Gallery([card(images, 41, "<six>", [(named("is", "6"), "2 of 3")])])])
    assert 'alt="test image 42: &lt;six&gt;" title="image 42"' in html
    assert '<div><dt title="is 6">is <b>6</b></dt><dd>2 of 3</dd></div>' in html
    assert markup([Gallery([])]) == ""
