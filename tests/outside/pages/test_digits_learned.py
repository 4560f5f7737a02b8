"""The page to draw on as it learns: what it claims, gets wrong and is taught, and its windows."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from gradbook.data.sources import load
from gradbook.lab.models.model import load_shipped, untrained_model
from gradbook.lab.recipes.recipe_text import recipe
from gradbook.net.work.at_work import values_of
from tests.outside.pages.drawn import (
    OVER,
    answer,
    choose,
    draw,
    give,
    number,
    open_tab,
    rewrite,
    until,
)

pytestmark = pytest.mark.witness("chromium", "zig")
FIRST_VIEWS = [(1440, 900), (390, 844)]
INSIDE = "r => r.top >= 0 && r.bottom <= innerHeight && r.right <= innerWidth"
IN_VIEW = f"({INSIDE})(e.getBoundingClientRect())"
LIKELIEST = "document.querySelector('#answer b')"
MEASURED = "document.querySelector('#tested').textContent !== '–'"
SQUARE = [(0.3, 0.25), (0.7, 0.25), (0.7, 0.75), (0.3, 0.75), (0.3, 0.25)]
PLACE = "[...document.querySelectorAll('.picker input')].map(e => Number(e.value))"


def waits(page, milliseconds):
    page.value(f"new Promise(done => setTimeout(done, {milliseconds}))")


def line(points, steps=20):
    """A line through these points, as a mouse goes over it."""
    pairs = pairwise(points)
    return [
        (x + (u - x) * k / steps, y + (v - y) * k / steps)
        for (x, y), (u, v) in pairs
        for k in range(steps + 1)
    ]


def trained(page):
    """The page of `quick` after its three epochs."""
    until(page, MEASURED)
    page.press("#go")
    until(page, OVER, 240)
    waits(page, 300)
    return page


def held_out():
    """The labels of the images that come along to be tested with, as many as 1,500 at most."""
    labels = load("digits").test_for_reporting.labels
    return labels[:: -(-len(labels) // 1_500)]


@pytest.mark.parametrize("size", FIRST_VIEWS)
def test_training_begins_from_the_first_view(size, shown):
    page = shown("quick", *size)
    found = "[...document.querySelectorAll('button')].filter(e => e.textContent === 'Train')"
    assert page.value(f"{found}.length") == 1
    assert page.value(f"(e => e.id === 'go' && {IN_VIEW})({found}[0])")
    assert page.value(f"(e => {IN_VIEW})(document.querySelector('#loss'))")


def test_a_network_names_nothing_before_it_has_learned_to_read(shown, tmp_path):
    page = shown("quick")
    until(page, MEASURED)
    page.click("#samples button:nth-child(4)")
    waits(page, 200)
    assert "held-out images correctly" in page.text("#answer")
    assert page.value(LIKELIEST) is None
    assert page.value("[...document.querySelectorAll('.share')].every(e => !e.textContent)")
    row = ",".join(map(str, load("digits").test_for_reporting.pixels[0].ravel()))
    (tmp_path / "one.csv").write_text(row, encoding="utf-8")
    give(page, "#files", tmp_path / "one.csv")
    until(page, "document.querySelector('#cards li')")
    assert page.text("#cards li") == "not yet"
    assert page.text("#target option") == "the predicted class"
    page.press("#go")
    seen = page.value("""new Promise(done => {
        const seen = []
        const look = () => {
            const right = parseFloat(document.querySelector('#tested').textContent)
            seen.push([right, !!document.querySelector('#answer b')])
            const isOver = document.querySelector('#go').textContent === 'Train on'
            isOver ? done(seen) : setTimeout(look, 20)
        }
        look()
    })""")
    assert all(claims == (right >= 55) for right, claims in seen), seen
    assert {claims for _, claims in seen} == {False, True}


def test_a_trained_network_is_measured_and_trained_on(shown):
    page = shown("on")
    until(page, MEASURED)
    assert page.text("#go") == "Train on"
    assert number(page.text("#tested").split()[0]) > 99
    page.press("#go")
    until(page, "document.querySelector('#epoch').textContent === '1.0 of 1'")
    waits(page, 300)
    assert number(page.text("#tested").split()[0]) > 98
    page.press("#again")
    until(page, "document.querySelector('#answer strong')")
    assert page.text("#go") == "Train"


def test_the_confusion_matrix_counts_every_held_out_image(shown):
    page = trained(shown("quick"))
    counts = np.array(
        page.value(
            "[...document.querySelectorAll('.confusion tbody tr')]"
            ".map(row => [...row.querySelectorAll('button')].map(e => Number(e.textContent)))"
        )
    )
    assert counts.sum(axis=1).tolist() == np.bincount(held_out()).tolist()
    right = 100 * np.trace(counts) / counts.sum()
    assert number(page.text("#tested").split()[0]) == pytest.approx(right, abs=0.006)
    wrong = counts.sum() - np.trace(counts)
    assert page.text("#misread p").startswith(f"{wrong} of 1,429")
    assert page.value("document.querySelectorAll('#misread li').length") == min(wrong, 24)
    page.press("#misread button")
    waits(page, 300)
    actual, _, _, read = page.text("#misread li").split()
    assert page.text("#answer b") == read
    assert page.value("document.querySelector('#target').value") == actual


def test_one_kind_of_mistake_is_chosen_by_keys_alone(shown):
    page = trained(shown("quick"))
    open_tab(page, "wrong")
    page.value("document.querySelector('.confusion [tabindex=\"0\"]').focus()")
    page.key("ArrowDown")
    page.key("ArrowRight")
    label = "document.activeElement.getAttribute('aria-label')"
    assert page.value(label).startswith("1 read as 1: ")
    for _ in range(8):
        page.key("ArrowRight")
    value = page.value(label)
    assert value.startswith("1 read as 9: ")
    page.key("Enter")
    assert page.text("#misread p").startswith(f"{value.split()[-1]} times a 1 is read as 9")
    assert page.value("document.activeElement.getAttribute('aria-pressed')") == "true"
    page.key("Enter")
    assert "of 1,429" in page.text("#misread p")


def test_handwriting_is_taught_and_read(shown):
    """A square, read as 0 before, is a 7 to a network that was told so."""
    page = trained(shown("quick"))
    page.press("#clear")
    open_tab(page, "teach")  # which covers neither paper nor answer
    draw(page, [line(SQUARE)])
    assert answer(page) != "7"
    choose(page, "#teach-class", 7)
    page.press("#teach-add")
    assert page.text("#teach-said").startswith("Added: 100 images of your 7. Press Train on")
    until(page, "document.querySelector('#taught .read')?.textContent")
    assert page.text("#taught .read") != "read as 7"
    page.press("#go")
    until(page, OVER, 120)
    until(page, "document.querySelector('#taught .read')?.textContent === 'read as 7'")
    assert page.text("#epoch") == "4.0 of 4"
    assert answer(page) == "7"
    assert number(page.text("#tested").split()[0]) >= 97
    page.press("#taught li > :last-child")
    assert page.value("document.querySelectorAll('#taught li').length") == 0
    assert "no longer among the training images" in page.text("#teach-said")
    assert page.value("document.activeElement.id") == "teach-add"


def test_taught_images_are_saved_and_opened_again(shown, tmp_path):
    page = shown("on")
    until(page, MEASURED)
    page.save_to(tmp_path)
    page.click("#samples button:nth-child(4)")
    waits(page, 300)
    choose(page, "#teach-class", 3)
    page.write("#teach-copies", "5")
    page.press("#teach-add")
    page.press("#teach-save")
    saved = tmp_path / "my-images.csv"
    for _ in range(100):
        if saved.exists() and saved.stat().st_size:
            break
        waits(page, 50)
    row = [int(cell) for cell in saved.read_text("utf-8").split(",")]
    test = load("digits").test_for_reporting
    assert row[0] == 3
    of_threes = test.pixels[test.labels == 3]
    assert any((np.array(row[1:]) == image.ravel()).all() for image in of_threes)
    several = tmp_path / "several.csv"
    several.write_text("\n".join([saved.read_text("utf-8").strip()] * 12), encoding="utf-8")
    assert load(several).shape == (1, 28, 28)  # as --data reads it
    page = shown("on")
    until(page, MEASURED)
    give(page, "#teach-open", saved)
    until(page, "document.querySelectorAll('#taught li').length === 1")
    until(page, "document.querySelector('#taught .read')?.textContent === 'read as 3'")


@pytest.mark.parametrize(
    ("copies", "said"),
    [("0", "from 1 to 2,000"), ("2001", "from 1 to 2,000"), ("1.5", "from 1 to 2,000")],
)
def test_a_count_of_copies_that_won_t_do_is_refused(copies, said, shown):
    page = shown("on")
    until(page, MEASURED)
    page.click("#samples button:nth-child(4)")
    waits(page, 200)
    page.write("#teach-copies", copies)
    page.press("#teach-add")
    assert said in page.text("#teach-said")
    assert page.value("document.querySelectorAll('#taught li').length") == 0


def test_a_saved_file_that_won_t_do_is_refused_with_its_row(shown, tmp_path):
    page = shown("on")
    until(page, MEASURED)
    plain = ",".join(["0"] * 784)
    for text, said in ((plain, "row 1 has no label"), (f"12,{plain}", "from 0 to 9")):
        (tmp_path / "bad.csv").write_text(text, encoding="utf-8")
        give(page, "#teach-open", tmp_path / "bad.csv")
        until(page, f"document.querySelector('#teach-said').textContent.includes({said!r})")
    page.press("#clear")
    page.press("#teach-add")
    assert page.text("#teach-said").startswith("Draw something first")


def test_a_training_that_diverges_says_so_and_begins_again(shown):
    page = shown("quick")
    until(page, MEASURED)
    page.click("#train summary")
    rewrite(page, "schedule one cycle 0.125 warm 0.2", "schedule constant 0.9")
    rewrite(page, "constant 0.9", "constant 90000")
    page.press("#go")
    until(page, "document.querySelector('#problem').textContent")
    assert page.text("#problem").startswith("The loss is no longer a number: use a lower rate")
    assert page.text("#go") == "Train"
    assert page.value(LIKELIEST) is None
    rewrite(page, "constant 90000", "constant 0.05")
    page.press("#go")
    until(page, LIKELIEST)
    assert page.text("#problem") == ""
    page.press("#go")


# The window ---------------------------------------------------------------------


def titles(page, selector):
    """The numbers behind these elements, to seven digits."""
    value = page.value(f"[...document.querySelectorAll({selector!r})].map(e => e.title)")
    return np.array([number(each) for each in value])


def look_at(page, layer, channel, row, column):
    choose(page, ".picker select", layer)
    for k, value in enumerate((channel, row, column), 1):
        choose(page, f".picker label:nth-of-type({k}) input", value + 1)


def untrained_quick():
    net = recipe("quick").net
    return untrained_model(net, load("digits"))


@pytest.mark.parametrize(
    ("name", "model", "layer", "place"),
    [
        ("tiny", lambda: load_shipped("tiny"), 0, (3, 9, 12)),
        ("tiny", lambda: load_shipped("tiny"), 0, (2, 0, 27)),  # at the edge
        ("tiny", lambda: load_shipped("tiny"), 3, (5, 14, 11)),  # each channel by itself
        ("quick", untrained_quick, 4, (7, 6, 5)),  # six channels
    ],
)
def test_a_window_s_numbers_are_those_of_numpy(name, model, layer, place, shown):
    model = model()
    page = shown(name, 1440)
    page.click("#samples button:nth-child(4)")
    waits(page, 300)
    look_at(page, layer, *place)
    channels = page.value("document.querySelectorAll('.channels button').length") or 1
    image = np.array(
        page.value(
            "[...document.querySelector('#seen').getContext('2d').getImageData(0, 0, 28, 28).data]"
        ),
        np.uint8,
    ).reshape(28, 28, 4)[None, None, :, :, 0]
    made = values_of(model.net, model.values, model.prepare(image))
    made = [
        np.asarray(values, float).reshape(-1, *values.shape[-2:]) for values in made[: layer + 4]
    ]
    weights = np.asarray(model.values[f"w_layer_{layer}"], float)
    pad = 1 if "pad 1" in model.net.layers[layer].text else 0
    read = np.pad(made[layer], ((0, 0), (pad, pad), (pad, pad)))
    own, row, column = place
    first = own if len(weights) == len(read) and weights.shape[1] == 1 else 0
    sums = []
    for k in range(channels):
        if channels > 1:
            page.press(f".channels button:nth-child({k + 1})")
        window = read[first + k, row : row + 3, column : column + 3].ravel()
        kernel = weights[own, k].ravel()
        grids = [titles(page, f"#sum .slide table:nth-child({n}) td") for n in (1, 2, 3)]
        for shown_numbers, expected in zip(grids, (window, kernel, window * kernel), strict=True):
            assert shown_numbers == pytest.approx(expected, abs=1e-5)
        sums.append(window @ kernel)
        assert titles(page, "#sum caption .exact")[0] == pytest.approx(sums[-1], abs=1e-5)
    if channels > 1:
        assert titles(page, ".channels .exact") == pytest.approx(sums, abs=1e-5)
    assert titles(page, "#sum .result .exact")[0] == pytest.approx(sum(sums), abs=1e-5)
    assert titles(page, ".value-of b")[0] == pytest.approx(made[layer + 1][place], abs=1e-5)
    if "batchnorm" not in model.net.layers[layer + 1].text:
        return
    normal = titles(page, "#sum .then:nth-last-child(2) :is(.exact, .way)")
    scale, value, mean, deviation, shift, result = normal
    assert scale * (value - mean) / deviation + shift == pytest.approx(result, abs=1e-5)
    assert result == pytest.approx(made[layer + 2][place], abs=1e-5)
    given, ending = titles(page, "#sum .then:last-child :is(.exact, .way)")
    assert (given, ending) == pytest.approx((result, made[layer + 3][place]), abs=1e-5)


def test_a_window_slides_by_itself_until_it_is_stopped(shown):
    page = shown("tiny", 1440)
    waits(page, 200)
    began = page.value(PLACE)
    page.click(".by-itself")
    until(page, f"{PLACE}[2] >= {began[2] + 2}")
    page.click(".by-itself")
    stood = page.value(PLACE)
    waits(page, 900)
    assert page.value(PLACE) == stood
    page.press(".by-itself")
    page.click(".map[data-stage='1'][data-channel='2']")  # whoever looks elsewhere
    stood = page.value(PLACE)
    waits(page, 900)
    assert page.value(PLACE) == stood
    assert page.text(".by-itself") == "Slide"


def test_a_window_goes_on_step_by_step_where_motion_is_unwanted(shown):
    page = shown("tiny", 1440, prefers_reduced_motion="reduce")
    waits(page, 200)
    assert page.value("getComputedStyle(document.querySelector('.by-itself')).display") == "none"
    look_at(page, 0, 0, 3, 27)
    page.press("[aria-label='the next place']")
    assert page.value(PLACE) == [1, 5, 1]  # the next row begins
    page.press("[aria-label='the previous place']")
    assert page.value(PLACE) == [1, 4, 28]


# For everybody ------------------------------------------------------------------


def test_a_finger_draws(shown):
    page = shown("tiny", 390, 844)
    page.press("#clear")
    page.value("document.querySelector('#pad').scrollIntoView({block: 'center'})")
    left, top, side = page.value(
        "(r => [r.x, r.y, r.width])(document.querySelector('#pad').getBoundingClientRect())"
    )
    scrolled = page.value("scrollY")
    for k in range(21):
        point = {"x": left + side / 2, "y": top + side * (0.2 + 0.03 * k)}
        kind = "touchMove" if k else "touchStart"
        page.ask("Input.dispatchTouchEvent", type=kind, touchPoints=[point])
    page.ask("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])
    assert answer(page) == "1"
    assert page.value("scrollY") == scrolled


@pytest.mark.witness("axe")
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", FIRST_VIEWS)
def test_everybody_can_use_it_while_it_learns(size, scheme, shown):
    page = shown("quick", *size, prefers_color_scheme=scheme)
    until(page, MEASURED)
    assert page.objections() == []
    page.press("#teach-add")
    page.press("#go")
    until(page, LIKELIEST)
    page.press("#go")
    page.press(".confusion .right button")
    look_at(page, 4, 2, 4, 4)
    waits(page, 300)
    assert page.objections() == []
    assert page.value("document.documentElement.scrollWidth") == size[0]


@pytest.mark.parametrize("width", [760, 1200, 2560])
def test_it_has_room_at_any_width(width, shown):
    page = shown("quick", width)
    assert page.value("document.documentElement.scrollWidth") == width


def test_the_keyboard_reaches_all_that_trains_and_teaches(shown):
    page = shown("quick")
    until(page, MEASURED)

    def reached(order):
        passed = []
        for _ in range(60):
            page.key("Tab")
            passed.append(page.value("document.activeElement.id"))
        return [each for each in passed if each in order][: len(order)]

    for order in (
        ["go", "again", "open-more", "pad", "clear", "target"],
        ["teach-class", "teach-copies", "teach-add"],
    ):
        assert reached(order) == order
        open_tab(page, "teach")
        page.value("document.querySelector('[aria-controls=teach]').focus()")
