"""Scenes of documents: their numbers are the network's, also when a weight is dragged."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from math import exp
from pathlib import Path

import pytest

from gradbook.net import builtin
from scripts.embedded import Embedded
from scripts.front import front
from scripts.mathematics import formulas, mathml, plain
from scripts.scenes import SCENE, Scene, scene_script
from tests.cases import for_each
from tests.outside.browser import browser
from tests.outside.firefox import firefox

ROOT = Path(__file__).parent.parent
DOCUMENTS = [*sorted((ROOT / "docs").rglob("*.md")), *sorted((ROOT / "site").glob("*.md"))]
WITH_SCENES = [path for path in DOCUMENTS if SCENE.search(path.read_text("utf-8"))]
MOST = 40_000  # bytes of a scene, and of the script that all share
BY_HAND = 'net="worked" boxes="i1 i2 | a_h1 a_h2 | a_o1 a_o2 | E1 E2" lit="E1 a_o1" '
CHAIN = 'factors="E1/a_o1 a_o1/o1 o1/w5" step="1" control="w5"'
PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Scenes</title>
<meta name="viewport" content="width=device-width"><style>
@media (prefers-color-scheme: dark) {{ body {{ background: #17181c; color: #e4e3de }} }}
body {{ margin: 12px }} {style}</style><body class="md-typeset"><main><h1>Scenes</h1>
<h2>All</h2>{scenes}
</main><script>if (matchMedia("(prefers-color-scheme: dark)").matches)
document.body.dataset.mdColorScheme = "slate"</script><script>{script}</script>"""
SHOWN = """Object.fromEntries([...document.querySelectorAll("#{place} [data-of]:not(line)")].map(
part => [part.dataset.of + " " + part.dataset.digits, part.textContent]))"""
OUTSIDE = """[...document.querySelectorAll(".scene-net text, .scene-net rect")].filter(part => {
  const box = part.getBoundingClientRect(), all = part.closest("svg").getBoundingClientRect()
  return box.width && (box.left < all.left - 2 || box.right > all.right + 2
    || box.top < all.top - 2 || box.bottom > all.bottom + 2)
}).map(part => part.textContent || part.outerHTML)"""
BESIDE = """[...document.querySelectorAll(".scene-net :is(.box, .chip, .link)")].filter(group => {
  const box = group.querySelector("rect").getBoundingClientRect()
  return box.width && [...group.querySelectorAll("text")].some(text => {
    const { left, right } = text.getBoundingClientRect()
    return left < box.left - 0.5 || right > box.right + 0.5
  })
}).map(group => group.textContent)"""
PAPER = 640  # pixels between a sheet's margins
BEYOND = """[...document.querySelectorAll(".scene-words math")].filter(part =>
part.scrollWidth > part.clientWidth + 1).map(part =>
part.textContent)"""
CLIPPED = """[...document.querySelectorAll("gb-scene, gb-scene math, gb-scene p")].filter(part =>
part.scrollWidth > part.clientWidth + 1 && part.clientWidth).map(part => part.textContent)"""


def all_scenes() -> str:
    """Those of all documents, as they stand in pages, one below the other."""
    shown = []
    for path in WITH_SCENES:
        embedded = Embedded()
        embedded.kept_apart(path.read_text("utf-8"))
        texts = [text for _, text in SCENE.findall(path.read_text("utf-8"))]
        for (scene, place, _), text in zip(embedded.scenes, texts, strict=True):
            shown.append(scene.html(_as_html(text), f"{path.stem}-{place}", ""))
    return "".join(shown)


def _as_html(text: str) -> str:
    for written, tex, alone in list(formulas(text)):
        text = text.replace(written, mathml(tex, display=alone), 1)
    text = re.sub(r"\*\*(.+?)\*\*", r"<strong>\1</strong>", text)
    blocks = [block for block in text.split("\n\n") if block.strip()]
    titled = (re.sub(r"^\s*### (.+)", r"<h3>\1</h3>", block) for block in blocks)
    return "".join(it if it.startswith("<h3>") else f"<p>{it}</p>" for it in titled)


@pytest.fixture(scope="module")
def page(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("scenes") / "scenes.html"
    style = (ROOT / "site/scene.css").read_text("utf-8")
    scenes = all_scenes() + front()
    path.write_text(PAGE.format(style=style, scenes=scenes, script=scene_script()), "utf-8")
    return path


def test_the_factors_of_a_scene_are_those_of_a_calculator():
    values = Scene.of(BY_HAND + CHAIN, "").values
    a_h1 = 1 / (1 + exp(-0.0275))
    a_o1 = 1 / (1 + exp(-(0.4 * a_h1 + 0.45 / (1 + exp(-0.0425)))))
    factors = a_o1 - 0.5, a_o1 * (1 - a_o1), a_h1
    names = "E1/a_o1", "a_o1/o1", "o1/w5"
    assert [values[name] for name in names] == pytest.approx(factors, abs=1e-15)
    assert values["chain"] == pytest.approx(factors[0] * factors[1] * factors[2], abs=1e-15)
    assert values["chain"] == pytest.approx(values["∂E/∂w5"], abs=1e-15)


def test_a_number_that_is_none_of_the_networks_is_refused():
    scene = Scene.of(BY_HAND + CHAIN, "")
    assert 'data-of="E1/a_o1"' in scene.with_numbers("<p>0.1065</p>")
    assert scene.with_numbers("<p>0.50 <code>0.1066</code></p>").count("data-of") == 0
    with pytest.raises(AssertionError, match=r"0\.1066 is no value"):
        scene.with_numbers("<p>0.1066</p>")


def test_scenes_and_their_script_are_small():
    scenes = re.findall(r"<gb-scene.*?</gb-scene>", all_scenes() + front(), re.DOTALL)
    assert (
        len(scenes) == sum(len(SCENE.findall(path.read_text("utf-8"))) for path in WITH_SCENES) + 1
    )
    assert max(len(scene.encode()) for scene in scenes) < MOST
    assert len(scene_script().encode()) < MOST


@pytest.mark.witness("chromium")
def test_dragging_a_weight_changes_every_number_that_follows_from_it(page):
    place = "by-hand-scene-2"
    with browser() as chromium:
        chromium.show(page, width=1000)
        before = chromium.value(SHOWN.format(place=place))
        slider = f"document.querySelector('#{place} input')"
        chromium.value(f"{slider}.scrollIntoView({{ block: 'center' }})")
        box = chromium.value(f"{slider}.getBoundingClientRect().toJSON()")
        at = box["left"] + 8 + (box["width"] - 16) * 0.6, box["top"] + box["height"] / 2
        to = box["left"] + box["width"] * 0.9, at[1]
        for kind, (x, y) in (("mousePressed", at), ("mouseMoved", to), ("mouseReleased", to)):
            button = {"button": "left", "buttons": 1, "clickCount": 1}
            chromium.ask("Input.dispatchMouseEvent", type=kind, x=x, y=y, **button)
        chromium.settle()
        weight = float(chromium.value(f"{slider}.value"))
        after = chromium.value(SHOWN.format(place=place))
        others = [chromium.value(SHOWN.format(place=f"by-hand-scene-{k}")) for k in (1, 3, 4, 5)]
        assert chromium.said == []
    assert weight > 1
    assert {other["E1 4"] for other in others} == {after["E1 4"]}
    assert [other["w5 4"] for other in others if "w5 4" in other] == [after["w5 4"]] * 2
    weights = f"0.15 0.2 0.25 0.3 {weight} 0.45 0.5 0.55"
    text = str(builtin("worked")).replace("0.15 0.2 0.25 0.3 0.4 0.45 0.5 0.55", weights)
    assert weights in text
    document = f'```text title="moved.txt"\n{text}\n```'
    values = Scene.of(BY_HAND.replace("worked", "moved.txt") + CHAIN, document).values
    shown = {key: f"{values[key.split()[0]]:.{key.split()[1]}f}".replace("-", "−") for key in after}
    assert after == shown
    changed = {key.split()[0] for key in after if after[key] != before[key]}
    assert changed == {"w5", "a_o1", "E1", "E1/a_o1"}


@pytest.mark.witness("chromium")
@for_each("width", [390, 768, 1280])
def test_nothing_of_a_scene_is_clipped(page, width):
    with browser() as chromium:
        chromium.show(page, width=width)
        assert chromium.value("document.documentElement.scrollWidth") <= width
        for question in (OUTSIDE, BESIDE, CLIPPED):
            assert chromium.value(question) == []


@pytest.mark.witness("firefox")
def test_scenes_are_the_same_in_firefox(page):
    place = "by-hand-scene-2"
    with firefox() as fox:
        for width in (390, 768, 1280):
            fox.show(page, width)
            assert fox.value("document.documentElement.scrollWidth") <= width
            for question in (OUTSIDE, BESIDE, CLIPPED):
                assert (width, fox.value(question)) == (width, [])
        before = fox.value(SHOWN.format(place=place))
        slider = f"document.querySelector('#{place} input')"
        fox.value(f"{slider}.focus()")
        for _ in range(5):
            fox.key("\ue014")  # to the right
        after = fox.value(SHOWN.format(place=place))
        assert fox.said == []
    changed = {key.split()[0] for key in after if after[key] != before[key]}
    assert changed == {"w5", "a_o1", "E1", "E1/a_o1"}


@pytest.mark.witness("chromium", "axe")
@for_each("scheme", ["light", "dark"])
def test_scenes_are_there_for_everybody(page, scheme):
    with browser() as chromium:
        chromium.show(page, width=1280, prefers_color_scheme=scheme)
        assert chromium.objections() == []


@pytest.mark.witness("chromium")
def test_on_paper_a_scene_is_whole_and_has_no_slider(page):
    with browser() as chromium:
        chromium.show(page, width=720)
        chromium.ask("Emulation.setEmulatedMedia", media="print")
        feet = "[...document.querySelectorAll('.scene-foot')].every(it => !it.offsetHeight)"
        assert chromium.value(feet)
        size = {"width": PAPER, "height": 900, "deviceScaleFactor": 1, "mobile": False}
        chromium.ask("Emulation.setDeviceMetricsOverride", **size)
        chromium.settle()
        assert chromium.value(BEYOND) == []


class Elements(HTMLParser):
    """Whether each element is closed, and the text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_startendtag(self, tag: str, attrs: object) -> None:
        pass

    def handle_data(self, data: str) -> None:
        self.text += data


def test_every_formula_of_the_documents_is_typeset():
    found = [it for path in DOCUMENTS for it in formulas(path.read_text("utf-8"))]
    assert len(found) > 60
    for _, tex, alone in found:
        elements = Elements(mathml(tex, display=alone))
        assert elements.open == []
        assert not set(elements.text) & set("\\{}$&"), tex


@for_each(
    ("tex", "expected"),
    [
        ("a_{h1}^2", "<msubsup><mi>a</mi><mrow><mi>h</mi><mn>1</mn></mrow><mn>2</mn></msubsup>"),
        ("x < -1", "<mi>x</mi><mo>&lt;</mo><mo>−</mo><mn>1</mn>"),
        (r"\sqrt{2}", "<msqrt><mrow><mn>2</mn></mrow></msqrt>"),
        (r"\exp x", "<mi>exp</mi><mo>&#x2061;</mo><mi>x</mi>"),
    ],
)
def test_formulas_become_elements(tex, expected):
    assert mathml(tex) == f"<math>{expected}</math>"


@for_each("tex", [r"\unheard x", "a}", "{a"])
def test_a_formula_with_a_mistake_is_refused(tex):
    with pytest.raises((AssertionError, IndexError)):
        mathml(tex)


def test_code_is_no_formula():
    text = "costs $5 and `$x$`\n\n```\n$ gradbook check\n$y$\n```\n\nbut $z$ is one"
    assert [tex for _, tex, _ in formulas(text)] == ["z"]
    assert plain(r"\frac{\partial E}{\partial w_5} \approx 1") == "∂ E/∂ w_5 ≈ 1"
