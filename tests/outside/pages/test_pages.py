import pytest

from gradbook.net import builtin, parse
from gradbook.net.lower import scalar_step
from gradbook.report.derivation_page import derivation_page
from gradbook.targets.algebra.derive import derive
from gradbook.targets.drawing import draw, svg
from tests.outside.pages.framed import asked
from tests.outside.witness import (
    console_messages,
    page_text,
    screenshot,
)

pytestmark = pytest.mark.witness("chromium")

FLOWERS = "name flowers; input 4; dense 8; tanh; dense 3; softmax; loss cross-entropy; seed 2"
NETS = {
    "worked": builtin("worked"),
    "xor": builtin("xor"),
    "strokes": builtin("strokes"),
    "flowers": parse(FLOWERS),
    "hostile": parse('name "><script>document.title = 1</script>\ninput 2\ndense 2'),
}

PHONE = 390
MEASURES = """(() => {
  const shown = element => {
    const box = element.getBoundingClientRect()
    return box.width > 1 && box.height > 1
  }
  const formulas = [...document.querySelectorAll("math")]
  return {
    room: innerWidth,
    page: document.documentElement.scrollWidth,
    formulas: formulas.length,
    unseen: formulas.filter(formula => !shown(formula)).length,
    cut: [...document.querySelectorAll(".equation .wide")]
      .filter(box => box.scrollWidth > box.clientWidth + 1).length,
    title: document.title,
  }
})()"""


def derivation(name: str) -> str:
    return derivation_page(derive(scalar_step(NETS[name])), NETS[name], "gradbook explain")


@pytest.mark.parametrize("name", NETS)
def test_a_phone_shows_every_formula_and_the_page_does_not_scroll_sideways(name, tmp_path):
    found = asked(derivation(name), PHONE, MEASURES, tmp_path)
    assert found["room"] == found["page"] == PHONE
    assert found["formulas"] > 20
    assert found["unseen"] == 0


@pytest.mark.parametrize("name", NETS)
def test_a_desk_shows_every_formula_whole(name, tmp_path):
    found = asked(derivation(name), 1100, MEASURES, tmp_path)
    assert found["page"] == 1100
    assert found["cut"] == 0


def test_a_formula_that_cannot_be_broken_is_noticed(tmp_path):
    wide = '<div class="equation"><div class="wide"><math><mn>1</mn></math></div></div>'
    html = f"<style>.wide{{overflow:auto}} math{{width:3000px;display:block}}</style>{wide}</body>"
    assert asked(html, 1100, MEASURES, tmp_path)["cut"] == 1


def test_a_page_that_asks_for_something_or_runs_a_strange_script_is_noticed(tmp_path):
    html = derivation("worked")
    for strange in ("<img src='https://nowhere.invalid/a.png'>", "<script>let a</script>"):
        (tmp_path / "page.html").write_text(html.replace("</body>", strange), "utf-8")
        assert console_messages(tmp_path / "page.html") != []


def test_a_hostile_name_is_read_as_words(tmp_path):
    (tmp_path / "page.html").write_text(derivation("hostile"), "utf-8")
    assert '"><script>document.title = 1</script>' in page_text(tmp_path / "page.html")


@pytest.mark.parametrize("dark", [False, True])
def test_a_drawing_by_itself_has_its_own_paper(dark, tmp_path):
    from PIL import Image

    (tmp_path / "net.svg").write_text(svg(draw(NETS["strokes"], numbers=True)), encoding="utf-8")
    picture = screenshot(tmp_path / "net.svg", tmp_path / "net.png", dark=dark)
    middle = Image.open(picture).convert("L").getpixel((400, 12))
    assert middle < 45 if dark else middle > 235
