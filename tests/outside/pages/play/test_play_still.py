"""The page stands still: while it trains and a hand hovers, nothing moves that isn't data."""

from __future__ import annotations

import pytest

from gradbook.builtin_networks import SCENES
from gradbook.language import LANGUAGES, in_language
from gradbook.net import builtin, parse
from gradbook.report.play_page import play_page

pytestmark = pytest.mark.witness("chromium")
FIXED = (
    "header, #run, #step, #reset, #reached, #rate, #badge, .loss, #speed, #looks, #help, #data,"
    " .set, #features, #open-more, #network, #drawing, .stage, .stage svg, .net .unit .shape,"
    " .net .line, .head, #depth, #output, #surface, #aim-words, #wrong, #tools, #curve,"
    " #loss-words, #line, .who, .fac, .op"
)
BOXES = f"""(() => [...document.querySelectorAll({FIXED!r})].filter(e => e.checkVisibility())
  .map(e => [e.id || e.tagName, e.matches("path, rect") ? e.getBBox() : e.getBoundingClientRect()])
  .map(([name, b]) => [name, b.x, b.y, b.width, b.height]))()"""
NUMBERS = """(() => [...document.querySelectorAll(
  "#epoch, #loss, .card p, #line .fac b, .who b")].map(e => e.textContent))()"""
WATCHED = f"""new Promise(done => {{
  const frames = []
  const look = () => {{
    frames.push({NUMBERS})
    if (frames.length < 60) requestAnimationFrame(look)
    else done(frames)
  }}
  requestAnimationFrame(look)
}})"""


def scene(name):
    return play_page(parse(SCENES[name]), points_of=name)


@pytest.fixture
def at(chromium, tmp_path):
    """`at(page, width, height)`: a page's text, in a window of that size."""

    def show(page, width=1280, height=800, **features):
        (tmp_path / "still.html").write_text(page, encoding="utf-8")
        chromium.show(tmp_path / "still.html", width, height, **features)
        return chromium

    chromium.said.clear()
    yield show
    assert chromium.said == []


def hover(page, x, y):
    page.ask("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)


def epoch(page):
    return int(page.text("#epoch").replace(",", ""))


@pytest.mark.parametrize("name", SCENES)
def test_nothing_moves_in_200_epochs_with_hovering(name, at):
    page = at(scene(name))
    before = page.value(BOXES)
    assert len(before) > 40
    page.value("document.querySelector('#pace').value = '50'")
    page.press("#run")
    k = 0
    while epoch(page) < 200:
        k += 1
        hover(page, 200 + (37 * k) % 700, 120 + (53 * k) % 560)
        assert page.value(BOXES) == before
    page.press("#run")
    hover(page, 600, 10)
    page.settle()
    assert page.value(BOXES) == before
    assert page.value("[document.documentElement.scrollHeight, innerHeight]") == [800, 800]


def test_every_number_of_a_frame_is_of_one_epoch(at):
    page = at(scene("quadrants"))
    page.press(".turn:last-child")  # so that the sample stays
    page.value("document.querySelector('.net .edge[tabindex]').focus()")
    page.value("document.querySelector('#pace').value = '50'")
    page.press("#run")
    seen = {frame[0]: frame for frame in page.value(WATCHED)}
    page.press("#run")
    page.press("#reset")
    last = max(int(reached.replace(",", "")) for reached in seen)
    assert len(seen) > 5
    for _ in range(last):
        page.press("#step")
        alone = page.value(NUMBERS)
        assert seen.get(alone[0], alone) == alone


def test_what_is_pointed_at_is_said_at_once_also_between_two_epochs(at):
    page = at(scene("quadrants"))
    page.value("document.querySelector('#pace').value = '2'")
    page.press("#run")
    for k in (0, 3, 6):
        way = f"document.querySelectorAll('.net .edge .line')[{k}]"
        x, y = page.value(
            f"""(way => {{
              const box = way.ownerSVGElement.getBoundingClientRect()
              const at = way.getPointAtLength(way.getTotalLength() * 0.2)
              return [box.x + at.x, box.y + at.y]
            }})({way})"""
        )
        hover(page, x, y)
        page.settle()
        name = page.value(f"{way}.parentElement.getAttribute('aria-label')")
        assert page.text(".card .value").startswith(name[0])
        assert name in page.value("document.querySelector('.edge.chosen').ariaLabel")
        assert page.text("#line .fp math") == f"∂E/∂{name}"
    page.press("#run")


OPENED = "document.querySelector('.opened').checkVisibility()"
CUT = """(() => {
  const found = []
  const nodes = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
  const boxes = []
  while (nodes.nextNode()) {
    const holder = nodes.currentNode.parentElement
    const isSeen = holder.checkVisibility({visibilityProperty: true})
    if (!nodes.currentNode.data.trim() || !isSeen || holder.clientWidth === 1) continue
    if (holder.closest("select, script, .side, math, .legend input")) continue
    const range = document.createRange()
    range.selectNodeContents(nodes.currentNode)
    const lines = [...range.getClientRects()].filter(it => it.width >= 1)
    for (const box of lines) boxes.push([nodes.currentNode.data.trim(), box, holder])
    for (let around = holder; around !== document.body; around = around.parentElement) {
      const style = getComputedStyle(around)
      if (style.overflowX === "visible" || around.namespaceURI.endsWith("svg")) continue
      const own = around.getBoundingClientRect()
      for (const box of lines) {
        const across = Math.max(own.left - box.left, box.right - own.right)
        const out = Math.max(across, own.top - box.top - 3, box.bottom - own.bottom - 3)
        if (out > 1) found.push(["cut", nodes.currentNode.data.trim(), Math.round(out)])
      }
    }
  }
  const above = it => it.closest(".opened, .card") // which cover what is below them
  boxes.forEach(([words, a, one], k) => boxes.slice(k + 1).forEach(([others, b, other]) => {
    const across = Math.min(a.right, b.right) - Math.max(a.left, b.left)
    const down = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top)
    const isInside = one.contains(other) || other.contains(one)
    const isOver = across > 1 && down > 4 && above(one) === above(other)
    if (isOver && !isInside) found.push(["over", words, others])
  }))
  return found
})()"""


@pytest.mark.parametrize("code", LANGUAGES)
def test_no_label_is_cut_or_covered(code, at):
    with in_language(code):
        pages = {name: scene(name) for name in SCENES}
        pages |= {name: play_page(builtin(name)) for name in ("worked", "xor", "strokes")}
    for name, text in pages.items():
        for width, height in ((1280, 800), (1920, 1080), (1024, 768), (390, 844)):
            page = at(text, width, height)
            assert (name, width, page.value(CUT)) == (name, width, [])
            if page.value("!document.querySelector('#looks').hidden"):
                page.press("#look-numbers")
                assert (name, width, "numbers", page.value(CUT)) == (name, width, "numbers", [])


@pytest.mark.parametrize("width", [1180, 1121, 900, 830, 768])
def test_no_label_is_cut_or_covered_in_a_narrower_window(width, at):
    assert at(scene("quadrants"), width, 768).value(CUT) == []


@pytest.mark.parametrize(("width", "height"), [(1366, 657), (1280, 640), (390, 664)])
def test_no_label_is_cut_or_covered_in_a_lower_window(width, height, at):
    page = at(scene("quadrants"), width, height)
    assert page.value(CUT) == []
    page.press("#look-numbers")
    assert page.value(CUT) == []


def test_a_unit_that_is_tapped_opens_on_a_phone_until_something_else_is(at):
    page = at(scene("quadrants"), 390, 844)
    assert not page.value(OPENED)
    page.click(".net .unit:nth-last-child(4)")
    assert page.value(OPENED)
    page.click("#aim-words")
    assert not page.value(OPENED)


def test_nothing_covers_the_tools_of_a_phone_s_drawer(at):
    page = at(scene("quadrants"), 390, 844)
    page.press(".grab")
    for control in ("#step", "#reset", "#help", "#tool-erase"):
        assert page.value(
            f"""(it => {{
              const {{x, y, width, height}} = it.getBoundingClientRect()
              return it.contains(document.elementFromPoint(x + width / 2, y + height / 2))
            }})(document.querySelector({control!r}))"""
        ), control


def restyled(page, style):
    """The page with other styles, which its policy wouldn't allow."""
    page = page.replace('http-equiv="Content-Security-Policy"', 'name="policy"')
    return page.replace("</style>", f"{style}</style>", 1)


TALL = """@font-face { font-family: Tall; src: local("DejaVu Sans"), local("Liberation Sans");
  size-adjust: 105%; ascent-override: 107%; descent-override: 30% }"""
FONTS = {  # where one isn't installed, the usual one is shown
    "wide": "DejaVu Sans",
    "narrow": "Liberation Sans",
    "of one width": "DejaVu Sans Mono",
    "hinted": "Liberation Mono",
    "tall": "Tall",
}


@pytest.mark.parametrize("font", FONTS)
def test_no_label_is_cut_or_covered_in_any_font(font, at):
    """Numbers have the digits that fit, and words the size."""
    named = f"'{FONTS[font]}', sans-serif !important"
    for name in ("spiral", "quadrants"):
        text = restyled(scene(name), f"{TALL} body {{ --sans: {named}; --serif: {named} }}")
        for width, height in ((1024, 768), (1280, 800)):
            page = at(text, width, height)
            assert (name, width, page.value(CUT)) == (name, width, [])
            page.press("#look-numbers")
            assert (name, width, "numbers", page.value(CUT)) == (name, width, "numbers", [])


def test_fewer_decimals_are_written_where_a_font_is_wide(at):
    decimals = {}
    for size in ("16px", "24px"):
        page = at(
            restyled(scene("quadrants"), f"#line .fac .value {{ font-size: {size} !important }}")
        )
        decimals[size] = len(page.text("#line .fe .value").partition(".")[2])
    assert decimals["24px"] < decimals["16px"] == 6


def test_a_set_that_is_pressed_once_more_has_other_points(at):
    page = at(scene("quadrants"))
    points = "[...document.querySelectorAll('#samples input')].map(e => e.value)"
    before = page.value(points)
    page.press(".set[data-kind='quadrants'] input")
    page.settle()
    after = page.value(points)
    assert len(after) == len(before) > 40
    assert after != before
    page.press(".set[data-kind='circle'] input")
    assert page.value("document.querySelector('#data-seed').value") == "1"


def test_a_page_has_at_most_350_kb():
    assert len(scene("spiral").encode()) < 350_000
