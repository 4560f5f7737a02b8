"""What is taken along from the page to play with: links, frames, pictures, workbooks."""

from __future__ import annotations

from time import monotonic, sleep
from xml.etree import ElementTree
from zipfile import ZipFile

import pytest

from gradbook.net import parse
from gradbook.report.play_page import play_page
from tests.outside.pages.play.drawing import PLAY, weights
from tests.outside.pages.play.test_play_see import choose

pytestmark = pytest.mark.witness("chromium")
SAID = "document.querySelector('#share-said').textContent"
DATA = {"#data-test": "0.5", "#data-seed": "3", "#data-noise": "0.2", "#sets": "circle"}
SAMPLES = "document.querySelector('#samples').textContent"
NETWORK = "input 2; dense 2; tanh; dense 1; update momentum 0.9; rate 0.3; seed 4"


def linked(page):
    """The address that is offered of this very moment."""
    page.press("#share-moment")
    return page.until("document.querySelector('#share-text').value")


def went_to(page, address):
    page.ask("Page.navigate", url="about:blank")
    page.show(address)


def saved(folder, name, patience=60.0):
    end = monotonic() + patience
    while not (folder / name).exists():
        assert monotonic() < end, f"no {name}"
        sleep(0.05)
    return folder / name


def losses(page, steps):
    """The exact loss after each of so many steps more."""
    found = []
    for _ in range(steps):
        page.press("#step")
        found.append((page.text("#epoch"), page.text("#loss"), weights(page)))
    return found


def test_a_link_brings_back_text_weights_samples_rate_epoch_and_choice(shown):
    page = shown("play")
    page.write("#text", NETWORK.replace("; ", "\n"))
    page.write("#rate-field", "0.123")
    page.write("[aria-label='i1 of sample 3']", "0.7")
    page.value("document.querySelector('[aria-label=w3]').focus()")
    for _ in range(5):
        page.press("#step")
    address = linked(page)
    before = (weights(page), page.value("document.querySelector('#text').value"))
    later = losses(page, 3)
    went_to(page, address)
    page.until("document.querySelector('#epoch').textContent === '000,005'")
    assert (weights(page), page.value("document.querySelector('#text').value")) == before
    assert page.value("document.querySelector('#rate-field').value") == "0.123"
    assert page.value("document.querySelector('[aria-label=\"i1 of sample 3\"]').value") == "0.7"
    assert page.value("document.querySelector('#value').getAttribute('aria-label')") == "w3"
    assert losses(page, 3) == later  # what momentum remembers came along


HOME = "https://example.org/course"
DEEP = parse(PLAY.replace("dense 8; tanh;", "dense 8; tanh; dense 8; tanh;"))


def test_a_link_to_how_it_begins_is_short_and_leads_home(chromium, pages):
    (pages / "home.html").write_text(play_page(DEEP, home=HOME), encoding="utf-8")
    chromium.said.clear()
    chromium.show(pages / "home.html")
    start = weights(chromium)
    for field, value in DATA.items():
        choose(chromium, field, value)
    chromium.write("#rate-field", "0.3")
    chromium.press("#look-numbers")
    first = losses(chromium, 3)
    chromium.press("#share-link")
    link = chromium.until("document.querySelector('#share-text').value")
    assert link.startswith(f"{HOME}/play/#n=")
    assert len(link) <= 400
    assert not chromium.text("#share-said").startswith("This link works only on this computer")
    went_to(chromium, (pages / "xor.html").as_uri() + link[link.index("#") :])
    chromium.until("document.querySelector('#rate-field').value === '0.30'")
    assert weights(chromium) == start
    assert chromium.text("#epoch") == "000,000"
    assert chromium.value("document.querySelector('#look-numbers').checked")
    assert losses(chromium, 3) == first
    assert chromium.said == []


def test_without_a_home_it_says_where_the_link_works(shown):
    page = shown("xor")
    page.press("#share-link")
    page.until(f"{SAID}.startsWith('This link works only on this computer')")


def test_a_link_brings_back_the_data_that_were_drawn_and_what_is_held_out(shown):
    page = shown("play")
    for field, value in DATA.items():
        choose(page, field, value)
    for _ in range(3):
        page.press("#step")
    address = linked(page)
    before = (losses(page, 0), page.text("#loss"), page.text("#test-loss"))
    samples = page.value(SAMPLES)
    went_to(page, address)
    page.until("document.querySelector('#epoch').textContent === '000,003'")
    assert (losses(page, 0), page.text("#loss"), page.text("#test-loss")) == before
    assert page.value(SAMPLES) == samples
    for field, value in DATA.items():
        place = "[name=sets]:checked" if field == "#sets" else field
        assert page.value(f"document.querySelector('{place}').value") == value
    assert page.value("document.querySelector('#data-noise').checkVisibility()")


def held_out(page, share):
    """The samples that are left, with a share of all held out."""
    choose(page, "#data-test", share)
    page.settle()
    return page.value(SAMPLES)


def test_after_a_link_another_share_is_held_out_as_it_would_have_been_before(shown):
    page = shown("play")
    for field, value in DATA.items():
        choose(page, field, value)
    page.settle()
    address, half = linked(page), page.value(SAMPLES)
    wanted = [held_out(page, share) for share in ("0.2", "0", "0.5")]
    assert wanted[-1] == half
    went_to(page, address)
    page.until("document.querySelector('#data-test').value === '0.5'")
    assert [held_out(page, share) for share in ("0.2", "0", "0.5")] == wanted


def test_a_link_brings_back_the_batch_and_goes_on_in_its_order(shown):
    page = shown("xor")
    page.write("#batch", "3")
    page.press("#step")
    address = linked(page)
    later = losses(page, 3)
    went_to(page, address)
    page.until("document.querySelector('#epoch').textContent === '000,001'")
    assert page.value("document.querySelector('#batch').value") == "3"
    assert losses(page, 3) == later


@pytest.mark.parametrize("look", ["numbers", "pictures"])
def test_a_link_brings_back_whether_units_are_numbers_or_pictures(look, shown):
    page = shown("worked")
    checked = "document.querySelector('[name=look]:checked').id"
    page.press(f"#look-{look}")
    page.press("#step")
    went_to(page, linked(page))
    page.until("document.querySelector('#epoch').textContent === '000,001'")
    page.settle()
    assert page.value(checked) == f"look-{look}"
    seen = page.value("document.querySelector('#drawing svg').classList.contains('of-pictures')")
    assert seen == (look == "pictures")


def test_reset_goes_back_to_the_start_that_a_link_brought(shown):
    page = shown("xor")
    start = weights(page)
    page.press("#step")
    address = linked(page)
    went_to(page, address)
    page.until("document.querySelector('#epoch').textContent === '000,001'")
    page.press("#reset")
    assert weights(page) == start


def test_the_address_follows_and_going_to_another_fragment_opens_it(shown):
    page = shown("worked")
    page.press("#step")
    first = page.until("location.hash")
    page.press("#step")
    page.until(f"location.hash !== {first!r}")
    page.value(f"void (location.hash = {first!r})")
    page.until("document.querySelector('#epoch').textContent === '000,001'")


@pytest.mark.parametrize("letters", ["", "AAAA", "%22%3E%3Cimg%20src%3Dx%3E", "9" * 400_000])
def test_a_hostile_fragment_is_refused_in_a_line_and_changes_nothing(letters, shown):
    page = shown("xor")
    start = weights(page)
    page.value(f"void (location.hash = 'n=' + {letters!r})")
    said = page.until(SAID)
    assert said.endswith("nothing was changed.")
    assert weights(page) == start
    page.press("#step")
    assert page.text("#epoch") == "000,001"


def test_a_link_to_what_is_no_network_leaves_the_page_as_it_is(shown):
    page = shown("xor")
    start = (weights(page), page.value("document.querySelector('#text').value"))
    address = linked(page)
    wrong = page.value(
        """(async letters => {
          const inflate = new DecompressionStream("deflate-raw")
          const bytes = Uint8Array.from(atob(letters.replaceAll("-", "+").replaceAll("_", "/")),
            letter => letter.charCodeAt(0))
          const state = JSON.parse(await new Response(
            new Blob([bytes]).stream().pipeThrough(inflate)).text())
          const made = []
          const changes = [{ text: "dense" }, { text: state.text.replace("dense 3", "dense 2") },
            { state: [1] }, { samples: [[[1], [1]]] }, { samples: [] }]
          for (const change of changes) {
            const text = JSON.stringify({ ...state, ...change })
            const deflate = new CompressionStream("deflate-raw")
            const packed = new Uint8Array(await new Response(
              new Blob([text]).stream().pipeThrough(deflate)).arrayBuffer())
            made.push(btoa(String.fromCharCode(...packed)).replaceAll("+", "-")
              .replaceAll("/", "_").replace(/=+$/, ""))
          }
          return made
        })"""
        f"({address.partition('#n=')[2]!r})"
    )
    for letters in wrong:
        page.value("document.querySelector('#share-said').textContent = ''")
        page.value(f"void (location.hash = 'n={letters}')")
        page.until(SAID)
        page.settle()
        assert (weights(page), page.value("document.querySelector('#text').value")) == start


def test_a_page_in_a_frame_shows_drawing_run_and_loss_alone(shown, tmp_path):
    page = shown("xor")
    page.press("#step")
    page.press("#share-frame")
    frame = page.until("document.querySelector('#share-text').value")
    assert frame.startswith('<iframe src="xor.html#embed&amp;n=')
    went_to(
        page,
        page.value("location.href.split('#')[0]")
        + "#embed&"
        + frame.split("embed&amp;")[1].split('"')[0],
    )
    page.until("document.querySelector('#epoch').textContent === '000,001'")
    seen = """['#drawing svg', '#run', '#loss', '#text', '#step', '#rate', '#chain'].map(
      it => document.querySelector(it).getBoundingClientRect().height > 0)"""
    assert page.value(seen) == [True, True, True, False, False, False, False]
    page.click("#run")
    page.until("Number(document.querySelector('#epoch').textContent.replace(',', '')) > 3")


@pytest.mark.parametrize("name", ["worked", "strokes"])
def test_a_picture_stands_by_itself_and_looks_the_same(name, shown, tmp_path):
    page = shown(name)
    page.save_to(tmp_path)
    page.press("#share-svg")
    picture = saved(tmp_path, "network.svg")
    text = picture.read_text("utf-8")
    assert "var(" not in text
    assert "class=" not in text
    root = ElementTree.fromstring(text)
    assert root.attrib["viewBox"].startswith("0 0 ")
    fills = {
        it.attrib["fill"]
        for it in root.iter("{http://www.w3.org/2000/svg}rect")
        if "fill" in it.attrib
    }
    assert len(fills) > 1


def test_a_workbook_is_saved_and_what_it_cannot_hold_is_told(shown, tmp_path):
    page = shown("worked")
    page.save_to(tmp_path)
    page.press("#share-workbook")
    assert saved(tmp_path, "network.xlsx").read_bytes()[:2] == b"PK"
    page.write("#text", "input 2\ndense 2\ndropout 0.5\ndense 1")
    page.press("#share-workbook")
    assert "dropout 0" in page.until(SAID)


@pytest.mark.parametrize(
    "text",
    [
        "input 2\ndense 3\ntanh\ndense 3\nsoftmax\nupdate adam\nloss cross entropy",
        "input 2\ndense 2\ngelu\ndense 1\nsigmoid\nupdate momentum 0.9",
        "input 2\ndense 2\nlayer norm\ndense 1",
    ],
)
def test_every_column_of_the_workbook_has_a_name_of_its_own(text, shown, tmp_path):
    page = shown("xor")
    page.write("#text", text)
    page.save_to(tmp_path)
    page.press("#share-workbook")
    with ZipFile(saved(tmp_path, "network.xlsx")) as book:
        sheet = ElementTree.fromstring(book.read("xl/worksheets/sheet1.xml"))
    row = sheet.find(".//{*}row")
    titles = ["".join(it.itertext()) for it in row]
    assert {"epoch", "w1"} <= set(titles)
    assert any(title.startswith("part 1 of ") for title in titles)
    assert not [title for title in titles if "value" in title or "undefined" in title]
    assert not [title for title in titles if title.endswith("of ")]
    assert len(set(titles)) == len(titles), titles


def test_a_link_of_several_samples_opens_on_a_page_of_one_and_undo_goes_back(shown):
    page = shown("xor")
    page.press("#step")
    letters = linked(page).partition("#")[2]
    xor = weights(page)
    page = shown("worked")
    start = weights(page)
    page.value(f"void (location.hash = {letters!r})")
    page.until("document.querySelector('#epoch').textContent === '000,001'")
    assert weights(page) == xor
    assert page.value("document.querySelectorAll('#samples tbody tr').length") == 4
    page.press("#undo")
    while page.value("!document.querySelector('#undo').disabled"):
        page.press("#undo")
    assert weights(page) == start
