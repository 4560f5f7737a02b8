"""The page to draw on is one still screen: nothing moves, and what is pointed at shows its sum."""

from __future__ import annotations

import numpy as np
import pytest

from gradbook.cli.verbs.browser import picture_page, picture_reader
from gradbook.data.sources import load
from gradbook.lab.models.model import load_shipped
from gradbook.language import LANGUAGES, in_language
from tests.cases import for_each
from tests.outside.pages.drawn import CLIPPED, answer, draw, number, until
from tests.outside.pages.strokes import strokes

pytestmark = pytest.mark.witness("chromium", "zig")
ONE_SCREEN = [(1280, 800), (1366, 768), (1440, 900), (1920, 1080)]
READ = "document.querySelector('#answer :is(b, strong)')"
PARTS = (
    "header > *, section, #pad, #clear, #seen, #samples button, #answer, #bars li, .bar-of, .work,"
    " #target, #losses, .head, .columns .map, .top > *, .picker > *, .work > figure, .channels"
)
BOXES = f"""[...document.querySelectorAll({PARTS!r})].map(e => {{
  const {{ x, y, width, height }} = e.getBoundingClientRect()
  return [e.id || e.tagName, x, y, width, height]
}})"""
TOO_LONG = """[...document.querySelectorAll('section, #maps, .work, #answer, #sum, .side')]
  .filter(e => e.clientHeight && e.scrollHeight > e.clientHeight + 1)
  .map(e => [e.id || e.className, e.scrollHeight])"""
FIELDS = "[...document.querySelectorAll('.picker :is(select, input)')].map(e => Number(e.value))"


def wait(page, milliseconds):
    page.value(f"new Promise(done => setTimeout(done, {milliseconds}))")


def begun(page, digit=4):
    page.press(f"#samples button:nth-child({digit})")
    until(page, READ)
    wait(page, 200)
    return page


def hover(page, stage, channel, at=(0.5, 0.5)):
    """Move the mouse over a map."""
    x, y = page.value(
        f"(r => [r.x + {at[0]} * r.width, r.y + {at[1]} * r.height])(document.querySelector("
        f"\"[data-stage='{stage}'][data-channel='{channel}']\").getBoundingClientRect())"
    )
    page.ask("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)
    page.settle()


def exact(page, selector):
    value = page.value(f"[...document.querySelectorAll({selector!r})].map(e => e.title)")
    return np.array([number(each) for each in value])


@for_each("size", ONE_SCREEN)
@for_each("name", ["tiny", "quick"])
def test_all_of_it_is_on_one_screen(size, name, shown):
    page = begun(shown(name, *size))
    whole = page.value("[document.documentElement.scrollHeight, document.body.scrollHeight]")
    assert whole == [size[1]] * 2
    assert page.value(TOO_LONG) == []
    assert page.value("(e => e.scrollWidth - e.clientWidth)(document.querySelector('#maps'))") == 0


def test_nothing_moves_but_data(shown):
    page = begun(shown("tiny", 1280, 800))
    still = page.value(BOXES)
    page.press("#clear")
    assert page.value(BOXES) == still
    digits = load("digits").test_for_reporting
    draw(page, strokes(digits.pixels[0, 0]))
    answer(page)
    assert page.value(BOXES) == still
    for stage, channel in [(1, 2), (3, 9), (5, 0), (9, 17), (11, 4), (12, 0), (13, 0), (0, 0)]:
        hover(page, stage, channel)
        assert page.value(BOXES) == still, (stage, channel)
    page.click("#paint-slopes")
    for stage, channel in [(1, 2), (8, 9), (12, 0), (13, 0)]:
        hover(page, stage, channel)
        assert page.value(BOXES) == still, (stage, channel)


def test_nothing_moves_as_it_learns(shown):
    page = begun(shown("quick", 1280, 800))
    until(page, "document.querySelector('#tested').textContent !== '–'")
    still = page.value(BOXES)
    page.click("#go")
    until(page, "document.querySelector('#answer b')", 120)
    assert page.value(BOXES) == still
    page.click("#go")
    assert page.value(BOXES) == still


def test_the_map_that_is_pointed_at_shows_its_window_as_pytorch_computes_it(shown):
    torch = pytest.importorskip("torch")
    model = load_shipped("tiny")
    page = begun(shown("tiny", 1280, 800))
    seen = page.value(
        "[...document.querySelector('#seen').getContext('2d').getImageData(0, 0, 28, 28).data]"
    )
    image = model.prepare(np.array(seen, np.uint8).reshape(28, 28, 4)[None, None, :, :, 0])
    weights = {
        name: torch.tensor(np.asarray(values, float)) for name, values in model.values.items()
    }
    kernel = weights["w_layer_0"]
    given = torch.tensor(np.asarray(image, float)).reshape(1, 1, 28, 28)
    sums = torch.nn.functional.conv2d(given, kernel, padding=1)[0]
    for channel, (row, column) in ((2, (9, 12)), (5, (14, 8)), (7, (0, 27))):
        hover(page, 1, channel, ((column + 0.5) / 28, (row + 0.5) / 28))
        window, factors, products = [
            exact(page, f"#sum .slide table:nth-child({n}) td") for n in (1, 2, 3)
        ]
        assert factors == pytest.approx(kernel[channel].ravel().numpy(), abs=1e-6)
        assert products == pytest.approx(window * factors, abs=1e-5)
        expected = float(sums[channel, row, column])
        assert products.sum() == pytest.approx(expected, abs=1e-5)
        assert exact(page, "#sum .result .exact")[0] == pytest.approx(expected, abs=1e-5)
        chain = exact(page, "#sum .then:last-child :is(.exact, .way)")
        assert chain[-1] == pytest.approx(max(chain[0], 0), abs=1e-6)
    page.ask("Input.dispatchMouseEvent", type="mouseMoved", x=640, y=10)
    page.settle()
    assert page.value("document.querySelectorAll('.columns .map.chosen').length") == 1


def test_a_click_keeps_a_value_and_a_finger_chooses_one(shown):
    page = begun(shown("quick", 1280, 800))
    page.click(".map[data-stage='3'][data-channel='7']")
    kept = page.value(FIELDS)
    assert kept[:2] == [7, 8]  # c3
    hover(page, 5, 11)
    assert page.value(FIELDS)[:2] == [14, 12]
    page.ask("Input.dispatchMouseEvent", type="mouseMoved", x=640, y=20)
    page.settle()
    assert page.value(FIELDS) == kept
    page = begun(shown("quick", 390, 844))
    page.value("document.querySelector('#maps').scrollIntoView({ block: 'center' })")
    x, y = page.value(
        "(r => [r.x + 13, r.y + 13])(document.querySelector(\"[data-stage='2'][data-channel='4']\")"
        ".getBoundingClientRect())"
    )
    page.ask("Input.dispatchTouchEvent", type="touchStart", touchPoints=[{"x": x, "y": y}])
    page.ask("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])
    wait(page, 400)
    assert page.value(FIELDS)[:2] == [4, 5]  # c2


def test_the_sums_of_all_channels_add_up_to_the_value(shown):
    page = begun(shown("quick", 1280, 800))
    for stage, channel in ((2, 3), (3, 15), (4, 20), (5, 33)):
        hover(page, stage, channel, (0.4, 0.6))
        every = exact(page, ".channels .exact")
        assert len(every) == [6, 10, 16, 24][stage - 2]
        value = exact(page, ".value-of b")[0]
        assert every.sum() == pytest.approx(value, abs=1e-5)
        products = exact(page, "#sum .slide table:nth-child(3) td")
        assert products.sum() == pytest.approx(exact(page, "#sum caption .exact")[0], abs=1e-5)


def test_keys_go_from_map_to_map_and_from_value_to_value(shown):
    page = begun(shown("tiny", 1280, 800))
    page.value("document.querySelector('.columns .map[tabindex=\"0\"]').focus()")
    _, channel, row, column = page.value(FIELDS)
    page.key("ArrowDown")
    below = min(channel + 1, 8)
    assert page.value(FIELDS) == [0, below, row, column]
    page.key("ArrowRight")
    assert page.value(FIELDS)[:2] == [3, below]  # c2, of as many maps
    assert page.value("document.activeElement.classList.contains('chosen')")
    page.key("ArrowLeft", shift=True)
    assert page.value(FIELDS) == [3, below, row, column - 1]
    page.key("ArrowLeft")
    page.key("ArrowLeft")
    assert page.value(FIELDS)[:2] == [-1, 1]


def test_a_column_shows_another_of_its_layers(shown):
    page = begun(shown("quick", 1280, 800))
    heads = "[...document.querySelectorAll('.head .name')].map(e => e.textContent)"
    assert page.value(heads) == ["i", "ay1", "ay2", "ay3", "ay4", "ay5", "o"]
    page.value("""(e => { e.value = 0; e.dispatchEvent(new Event('change')) })(
        document.querySelector('.head select'))""")
    assert page.value(heads)[1] == "c1"
    side = "document.querySelector('.map[data-stage=\"1\"] canvas').width"
    assert page.value(side) == 28


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [(390, 844), (1280, 800), (1920, 1080)])
@pytest.mark.parametrize("name", ["tiny", "quick"])
def test_no_label_is_clipped(name, size, scheme, shown):
    page = begun(shown(name, *size, prefers_color_scheme=scheme))
    for stage, channel in ((1, 1), (3, 5), (5, 9)):
        if size[0] > 600:
            hover(page, stage, channel)
        assert page.value(CLIPPED) == []
    assert page.value("document.documentElement.scrollWidth") == size[0]


@for_each("code", LANGUAGES)
def test_labels_fit_in_every_language(code, chromium, tmp_path):
    with in_language(code):
        page = picture_page(picture_reader("quick", None), 500, "")
    (tmp_path / f"{code}.html").write_text(page, encoding="utf-8")
    chromium.show(tmp_path / f"{code}.html", 1280, 800)
    until(chromium, "document.querySelector('#tested').textContent !== '–'")
    assert chromium.value(CLIPPED) == []
    assert chromium.value(TOO_LONG) == []


def test_a_phone_shows_paper_and_answers_first(shown):
    page = begun(shown("tiny", 390, 844))
    inside = "(({ bottom, right }) => bottom <= innerHeight && right <= innerWidth)"
    for part in ("#pad", "#answer", "#bars", "#clear"):
        assert page.value(f"{inside}(document.querySelector('{part}').getBoundingClientRect())")
    page.press(".map[data-stage='2'][data-channel='3']")
    assert page.value("document.querySelector('#maps').scrollWidth") > 390


@pytest.mark.witness("axe")
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everybody_can_read_one_value(scheme, shown):
    page = begun(shown("tiny", 1280, 800, prefers_color_scheme=scheme))
    hover(page, 3, 4)
    assert page.objections() == []
    page.click("#paint-slopes")
    hover(page, 5, 4)
    page.press("#open-more")
    assert page.objections() == []
    assert page.value("document.querySelector('#open-more').ariaExpanded") == "true"
    page.key("Escape")
    assert page.value("document.querySelector('#open-more').ariaExpanded") == "false"
    assert page.value("document.querySelector('.side').hidden")
