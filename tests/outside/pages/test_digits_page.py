"""The page to draw on, as its reader has it: drawn on, clicked, trained, without a complaint."""

from __future__ import annotations

import re

import numpy as np
import pytest
from PIL import Image

from gradbook.data.sources import load
from gradbook.errors import TargetError
from gradbook.lab.models.model import load_shipped, untrained_model
from gradbook.lab.recipes.recipe_text import parse
from gradbook.report.digits_page import digits_page
from tests.outside.pages.drawn import OVER, READY, aim, answer, draw, give, number, rewrite, until
from tests.outside.pages.strokes import strokes
from tests.runs import pictures, text_for

pytestmark = pytest.mark.witness("chromium", "zig")
DRAWN, READ_RIGHT = 50, 45
LARGEST_WAY = """(() => {
  const ways = [...document.querySelectorAll('#sum .way')]
  const size = way => Math.abs(parseFloat(way.textContent.replace('−', '-')))
  ways.reduce((most, way) => (size(way) > size(most) ? way : most)).click()
})()"""


def test_drawn_digits_are_read(shown):
    test = load("digits").test_for_reporting
    page, right = shown("tiny"), 0
    for place in range(DRAWN):
        page.press("#clear")
        draw(page, strokes(test.pixels[place, 0]))
        right += answer(page) == str(test.labels[place])
    assert right >= READ_RIGHT


def test_an_offered_image_is_read_as_the_model_reads_it(shown):
    page = shown("tiny")
    page.click("#samples button:nth-child(4)")
    until(page, "document.querySelector('#answer b')")
    seen = page.value(
        "[...document.querySelector('#seen').getContext('2d').getImageData(0, 0, 28, 28).data]"
    )
    image = np.array(seen, np.uint8).reshape(28, 28, 4)[None, None, :, :, 0]
    shares = page.value("[...document.querySelectorAll('.share')].map(e => e.textContent)")
    expected = load_shipped("tiny").predict(image)[0] * 100
    assert [float(share.split()[0]) for share in shares] == pytest.approx(expected, abs=0.51)


def test_a_drawing_is_not_taken_for_the_class_of_the_image_before_it(shown):
    page = shown("tiny")
    target = "document.querySelector('#target')"
    page.click("#samples button:nth-child(4)")
    assert page.value(f"{target}.value") == "3"
    page.press("#clear")
    draw(page, strokes(load("digits").test_for_reporting.pixels[0, 0]))
    answer(page)
    assert page.value(f"{target}.value") == ""
    page.value(f"{target}.value = '4'; {target}.dispatchEvent(new Event('change'))")
    page.press("#clear")
    assert page.value(f"{target}.value") == "4"


def test_keys_draw_as_well(shown):
    page = shown("tiny")
    page.value("document.querySelector('#pad').focus()")
    for _ in range(8):
        page.key("ArrowUp")
    page.key(" ")
    for _ in range(16):
        page.key("ArrowDown")
    assert answer(page) == "1"


def test_a_place_of_a_map_shows_its_sum_and_leads_on(shown):
    page = shown("tiny")
    page.click("#samples button:nth-child(4)")
    until(page, "document.querySelector('#answer b')")
    page.click(".map[data-stage='3'][data-channel='2']")  # c3, of 1×1 windows
    value, total = page.text(".value-of b"), page.text("#sum .result")
    assert total == f"sum {value}"
    assert page.value("document.querySelectorAll('#maps .frame.read:not([hidden])').length") == 8
    page.click("#sum .way")
    assert page.value("document.querySelector('.picker select').value") == "3"  # c2
    assert page.text("#sum .result") == f"sum {page.text('.value-of b')}"


def test_a_page_begins_with_an_image_that_is_read(shown):
    page = shown("tiny")
    until(page, "document.querySelector('#answer b')")
    assert page.text("#answer b") == str(load("digits").test_for_reporting.labels.min())
    inked = "getContext('2d').getImageData(0, 0, 280, 280).data.some(it => it)"
    assert page.value(f"document.querySelector('#pad').{inked}")


def test_a_gradient_is_followed_from_the_image_to_the_error(shown):
    """From value to value that it feeds, each number the sum of its own products."""
    page = shown("tiny")
    until(page, "document.querySelector('#answer b')")
    aim(page, 3)
    page.click("#paint-slopes")
    page.click(".map[data-stage='0']")  # the image
    visited = []
    while not page.value("!!document.querySelector('#sum .formula-of')"):
        arrived, total = page.text("#sum .value-of b"), page.text("#sum .result").split()[-1]
        assert number(total) == pytest.approx(number(arrived), rel=0.06, abs=1.1e-4)
        visited.append(page.value("document.querySelector('.picker select').value"))
        page.value(LARGEST_WAY)
        page.settle()
    assert visited[0] == "-1"
    assert len(visited) == 29  # the image, and every layer of tiny before the last sums
    said, wanted = page.text("#sum .formula-of").split(" − ")
    arrived = number(page.text("#sum .value-of b"))
    assert number(said) - number(wanted) == pytest.approx(arrived, abs=1.1e-4)
    assert "for the target class 3 is" in page.text("#sum")


def test_sums_are_followed_by_keys_alone(shown):
    page = shown("tiny")
    until(page, "document.querySelector('#answer b')")
    page.click(".map[data-stage='3'][data-channel='2']")  # c3, of 1×1 windows
    page.value("document.querySelector('#sum .way').focus()")
    followed = []
    for _ in range(4):
        page.key("Enter")
        page.settle()
        followed.append(page.value("document.querySelector('.picker select').value"))
    assert followed == ["3", "2", "1", "0"]  # c2, its activation, what that is of, c1
    assert page.value("document.activeElement.className") == "way"


def test_the_error_of_another_class_is_larger(shown):
    page = shown("tiny")
    until(page, "document.querySelector('#error').textContent !== '–'")
    own = float(page.text("#error"))
    aim(page, 7)
    until(page, f"parseFloat(document.querySelector('#error').textContent) > {own + 1}")


def test_images_of_ones_own_are_read(shown, tmp_path):
    test = load("digits").test_for_reporting
    rows = [
        [label, *image.ravel()] for image, label in zip(test.pixels[:3], test.labels, strict=False)
    ]
    text = "\n".join(",".join(map(str, row)) for row in [["label", *range(784)], *rows])
    (tmp_path / "three.csv").write_text(text, encoding="utf-8")
    large = Image.fromarray(255 - test.pixels[3, 0]).resize((560, 560), Image.Resampling.BICUBIC)
    large.save(tmp_path / "paper.png")
    (tmp_path / "notes.png").write_text("no picture", encoding="utf-8")
    page = shown("tiny")
    give(page, "#files", tmp_path / "three.csv", tmp_path / "paper.png", tmp_path / "notes.png")
    until(page, "document.querySelectorAll('#cards li').length === 4")
    read = page.value("[...document.querySelectorAll('#cards li')].map(e => e.textContent[0])")
    assert read == [str(label) for label in test.labels[:4]]
    assert "notes.png: not a picture that this browser can open" in page.text("#said")


def test_a_table_of_another_size_is_refused_with_its_row(shown, tmp_path):
    (tmp_path / "small.csv").write_text("1,2,3\n4,5,6\n", encoding="utf-8")
    page = shown("tiny")
    give(page, "#files", tmp_path / "small.csv")
    until(page, "document.querySelector('#said').textContent")
    assert "small.csv: row 1 has 3 columns: 784 pixels are expected" in page.text("#said")


@pytest.fixture
def in_colours(chromium, tmp_path):
    """The page of a network for small pictures in colours; three classes, one for each colour."""
    data = pictures(("red", "green", "blue"), (3, 12, 12), 40)
    layers = "conv 4 3x3; relu; maxpool 2; flatten; dense {classes}; log softmax"
    model = untrained_model(parse(text_for(data, layers)).net, data)
    page = tmp_path / "colours.html"
    page.write_text(digits_page(model, None, data.test_for_reporting[:6]), encoding="utf-8")
    chromium.show(page)
    until(chromium, READY)
    yield chromium, data.test_for_reporting.pixels
    assert chromium.text("#problem") == ""


def seen(page, side):
    got = f"getContext('2d').getImageData(0, 0, {side}, {side}).data"
    shown = page.value(f"[...document.querySelector('#seen').{got}]")
    return np.array(shown, np.uint8).reshape(side, side, 4)[..., :3].transpose(2, 0, 1)


def test_pictures_in_colours_are_taken_but_not_drawn(in_colours, tmp_path):
    page, pixels = in_colours
    assert page.value("document.querySelector('#pad')") is None
    assert "which can't be drawn here" in page.text("#draw")
    until(page, "document.querySelector('#answer strong')")
    Image.fromarray(pixels[5].transpose(1, 2, 0)).save(tmp_path / "own.png")
    row = ",".join(map(str, pixels[4].transpose(1, 2, 0).ravel()))
    (tmp_path / "own.csv").write_text(row + "\n", encoding="utf-8")
    give(page, "#files", tmp_path / "own.png", tmp_path / "own.csv")
    until(page, "document.querySelectorAll('#cards li').length === 2")
    for place, expected in ((1, pixels[5]), (2, pixels[4])):
        page.click(f"#cards li:nth-child({place}) button")
        page.value("new Promise(done => setTimeout(done, 200))")
        assert (seen(page, 12) == expected).all()


def test_a_recipe_is_changed_in_its_text_and_trained_so(shown):
    page = shown("quick")
    until(page, "!document.querySelector('#go').disabled")
    page.click("#train summary")
    rewrite(page, "schedule one", "schedule won")
    assert page.text("#text-said").startswith("line 5, column 10: unknown schedule 'won'")
    assert page.value("document.querySelector('#text').getAttribute('aria-invalid')") == "true"
    page.click("#text-said .place")
    assert page.value("getSelection().toString()") == "won"
    rewrite(page, "schedule won cycle", "schedule one cycle")
    rewrite(page, "epochs 3", "epochs 1")
    own = re.search(r"batch \d+", page.value("document.querySelector('#text').value"))
    rewrite(page, own[0], "batch 16")
    assert page.text("#text-said") == "no mistakes: 625 steps"
    assert page.text("#settings").startswith("1 epoch in batches of 16, one cycle")
    page.click("#go")
    until(page, OVER, 240)
    assert page.text("#epoch") == "1.0 of 1"
    assert float(page.text("#tested").split()[0]) >= 95
    page.click("#text-as-written")
    page.settle()
    assert (page.text("#epoch"), page.text("#go")) == ("–", "Train")


def test_a_recipe_s_changes_are_undone_and_done_again(shown):
    page = shown("quick")
    until(page, "!document.querySelector('#go').disabled")
    page.click("#train summary")
    text = "document.querySelector('#text').value"
    written = page.value(text)
    rewrite(page, "epochs 3", "epochs 1")
    changed = page.value(text)
    rewrite(page, "epochs 1", "epics 1")
    page.click("#undo")
    assert page.value(text) == changed
    page.key("z", control=True)
    assert page.value(text) == written
    assert page.text("#settings").startswith("3 epochs")
    page.click("#redo")
    assert page.value(text) == changed
    assert page.text("#settings").startswith("1 epoch ")


def test_it_trains_in_the_page(shown):
    page = shown("quick")
    until(page, "!document.querySelector('#go').disabled")
    page.click("#go")
    until(page, "parseFloat(document.querySelector('#epoch').textContent) > 0.1")
    page.click("#go")
    page.value("new Promise(done => setTimeout(done, 400))")
    assert page.text("#go") == "Continue"
    stood = page.text("#epoch")
    page.value("new Promise(done => setTimeout(done, 300))")
    assert page.text("#epoch") == stood
    page.click("#go")
    until(page, OVER, 240)
    page.settle()
    assert float(page.text("#tested").split()[0]) >= 98.5
    assert page.value("document.querySelectorAll('#misread li').length") > 0


@pytest.mark.parametrize("width", [390, 1600])
@pytest.mark.parametrize("name", ["tiny", "quick"])
def test_a_page_is_as_wide_as_its_window(name, width, shown):
    page = shown(name, width, prefers_color_scheme="dark", prefers_reduced_motion="reduce")
    page.click("#samples button:nth-child(4)")
    until(page, "document.querySelector('#answer :is(b, strong)')")
    assert page.value("document.documentElement.scrollWidth") == width


def test_pages_are_small_enough_to_be_mailed(digit_pages):
    assert (digit_pages / "tiny.html").stat().st_size < 400_000
    assert (digit_pages / "quick.html").stat().st_size < 3_000_000


def test_a_browser_without_vectors_gets_a_sentence(chromium, digit_pages):
    text = (digit_pages / "tiny.html").read_text("utf-8")
    start = text.index('"module":{"code":"') + len('"module":{"code":"')
    broken = text[:start] + "eJwDAAAAAAE=" + text[text.index('"', start) :]
    (digit_pages / "old.html").write_text(broken, encoding="utf-8")
    chromium.show(digit_pages / "old.html")
    until(chromium, "document.querySelector('#problem').textContent")
    assert "open it in a newer one" in chromium.text("#problem")


@pytest.mark.parametrize(
    "layer",
    [
        "conv 2 3x3; upsample 2",
        "conv 2 3x3; avgpool all; multiply back 1",
        "maxpool 28x1; rnn 2",
        "conv 2 3x3 bits 4",
        "conv 2 3x3; quantize 4",
    ],
)
def test_a_layer_that_a_page_cannot_explain_is_refused(layer):
    net = f"input 1x28x28; {layer}; flatten; dense 10; softmax; loss cross-entropy"
    with pytest.raises(TargetError, match=f"can't explain '{layer.split('; ')[-1]}'"):
        digits_page(untrained_model(parse(net).net, load("digits")))
