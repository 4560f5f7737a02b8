import pytest

from gradbook.net import builtin, parse
from gradbook.net.lower import scalar_step
from gradbook.report.derivation_page import derivation_page
from gradbook.targets.algebra.derive import derive
from gradbook.targets.drawing import draw, svg
from tests.outside.pages.framed import asked, paper_and_ink
from tests.outside.witness import (
    console_messages,
    page_text,
    page_to_pdf,
    pdf_to_png,
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


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pages")
    for name, net in NETS.items():
        derivation = derivation_page(derive(scalar_step(net)), net, "gradbook explain")
        (folder / f"{name}.html").write_text(derivation, encoding="utf-8")
    return folder


@pytest.mark.parametrize("name", NETS)
def test_a_phone_shows_every_formula_and_the_page_does_not_scroll_sideways(name, pages, tmp_path):
    found = asked((pages / f"{name}.html").read_text("utf-8"), PHONE, MEASURES, tmp_path)
    assert found["room"] == found["page"] == PHONE
    assert found["formulas"] > 20
    assert found["unseen"] == 0


@pytest.mark.parametrize("name", NETS)
def test_a_desk_shows_every_formula_whole(name, pages, tmp_path):
    found = asked((pages / f"{name}.html").read_text("utf-8"), 1100, MEASURES, tmp_path)
    assert found["page"] == 1100
    assert found["cut"] == 0


def test_a_formula_that_cannot_be_broken_is_noticed(tmp_path):
    wide = '<div class="equation"><div class="wide"><math><mn>1</mn></math></div></div>'
    html = f"<style>.wide{{overflow:auto}} math{{width:3000px;display:block}}</style>{wide}</body>"
    assert asked(html, 1100, MEASURES, tmp_path)["cut"] == 1


@pytest.mark.parametrize("name", ["worked", "hostile"])
def test_a_page_has_nothing_to_complain_of_and_asks_nobody(name, pages):
    assert console_messages(pages / f"{name}.html") == []


def test_a_page_that_asks_for_something_or_runs_a_strange_script_is_noticed(pages, tmp_path):
    html = (pages / "worked.html").read_text("utf-8")
    for strange in ("<img src='https://nowhere.invalid/a.png'>", "<script>let a</script>"):
        (tmp_path / "page.html").write_text(html.replace("</body>", strange), "utf-8")
        assert console_messages(tmp_path / "page.html") != []


def test_a_hostile_name_is_read_as_words(pages):
    assert '"><script>document.title = 1</script>' in page_text(pages / "hostile.html")


@pytest.mark.parametrize(("dark", "low", "high"), [(False, 235, 255), (True, 0, 45)])
def test_the_paper_is_light_or_dark_as_the_reader_asks(dark, low, high, pages, tmp_path):
    from PIL import Image

    shot = screenshot(pages / "xor.html", tmp_path / "page.png", dark=dark)
    picture = Image.open(shot)
    for place in ((2, 2), (2, 700), (1000, 700)):
        assert all(low <= part <= high for part in picture.convert("RGB").getpixel(place))
    _, ink = paper_and_ink(shot)
    assert ink > 0.01


@pytest.mark.witness("pdftoppm")
def test_print_is_on_white_whatever_the_screen(pages, tmp_path):
    from PIL import Image

    sheets = pdf_to_png(page_to_pdf(pages / "worked.html", tmp_path / "p.pdf"), tmp_path, dpi=40)
    assert 4 < len(sheets) < 14
    for sheet in sheets:
        tones = Image.open(sheet).convert("L").getcolors()
        assert max(tones)[1] == 255


@pytest.mark.parametrize("dark", [False, True])
def test_a_drawing_by_itself_has_its_own_paper(dark, tmp_path):
    from PIL import Image

    (tmp_path / "net.svg").write_text(svg(draw(NETS["strokes"], numbers=True)), encoding="utf-8")
    picture = screenshot(tmp_path / "net.svg", tmp_path / "net.png", dark=dark)
    middle = Image.open(picture).convert("L").getpixel((400, 12))
    assert middle < 45 if dark else middle > 235
