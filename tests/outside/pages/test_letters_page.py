"""The page that learns lines: it trains as the command does, and writes by temperature and seed."""

from __future__ import annotations

import numpy as np
import pytest

from gradbook.engine.engines import open_faster
from gradbook.lab.texts import LineProblem, LineWriter, arrays, learning_order, usual_lines
from gradbook.lab.training.train import train
from gradbook.net import builtin
from gradbook.net.work.at_work import at_start
from gradbook.report.letters_page import letters_page
from tests.cases import for_each
from tests.outside.pages.drawn import CLIPPED
from tests.outside.pages.play.drawing import number

pytestmark = pytest.mark.witness("chromium")
OVER = "document.querySelector('#go').textContent === 'Train again'"
READY = "!document.querySelector('#go').disabled"
ROWS = """[...document.querySelectorAll('#written li')].map(row => [
  Number(row.dataset.done), row.querySelector('.remark').textContent,
  ...[...row.querySelectorAll('.lines span')].map(it => it.textContent)])"""
BARS = (
    "[...document.querySelectorAll('#bars li')].map(it => [...it.children].map(e => e.textContent))"
)
SET = """((id, value) => {
  const field = document.querySelector(`#${id}`)
  field.value = value
  for (const kind of ["input", "change"]) field.dispatchEvent(new Event(kind, {bubbles: true}))
})"""


@pytest.fixture(scope="module")
def page_of_names(tmp_path_factory):
    path = tmp_path_factory.mktemp("letters") / "microgpt.html"
    path.write_text(letters_page(builtin("microgpt"), usual_lines()), encoding="utf-8")
    return path


@pytest.fixture
def opened(chromium, page_of_names):
    """The page, freshly loaded; it must not have complained in the end."""
    chromium.said.clear()
    chromium.show(page_of_names, 1200)
    chromium.until(READY)
    yield chromium
    assert chromium.said == []
    assert chromium.text("#problem") == ""


def trained(page, pace="100000"):
    page.value(f"{SET}('pace', '{pace}')")
    page.press("#go")
    page.until(OVER)


def test_it_is_small_enough_to_be_mailed_and_asks_nobody(page_of_names):
    html = page_of_names.read_text(encoding="utf-8")
    assert len(html.encode()) < 150_000
    assert "default-src 'none'" in html


@for_each("width", [390, 1280])
def test_nothing_is_wider_than_the_window(width, chromium, page_of_names):
    chromium.show(page_of_names, width)
    chromium.until(READY)
    assert chromium.value("document.documentElement.scrollWidth") == width


def test_before_training_it_says_what_the_command_says(opened):
    writer = LineWriter(usual_lines(), open_faster(builtin("microgpt"), 1, 1000))
    held_out, _ = learning_order(writer.lines)
    assert number(opened.text("#tested")) == pytest.approx(writer.loss(held_out), abs=2e-3)
    opened.value(f"{SET}('begun', 'ma')")
    given, _ = arrays(["ma"], writer.lines, writer.context)
    shares = writer.engine.predict(given).reshape(writer.context, -1)[2] * 100
    order = np.argsort(-shares, kind="stable")[:8]
    letters = ["the end", *writer.lines.alphabet]
    said = opened.value(BARS)
    assert [letter for letter, *_ in said] == [letters[token] for token in order]
    shown = [float(share.removesuffix(" %")) for *_, share in said]
    assert shown == pytest.approx([shares[token] for token in order], abs=0.06)


def test_it_learns_as_the_command_does_and_writes_as_it_learns(opened):
    trained(opened)
    problem = LineProblem(usual_lines(), 1000)
    command = train(problem.recipe(builtin("microgpt")), data=problem)
    assert opened.text("#done") == "1,000"
    assert number(opened.text("#tested")) == pytest.approx(command.test.score, abs=0.01)
    rows = opened.value(ROWS)
    assert [done for done, *_ in rows] == list(range(1000, -1, -100))
    assert rows[0][1] == "after 1,000 lines, temperature 0.5, seed 0"
    learned, untrained = (" ".join(rows[k][2:]) for k in (0, -1))
    assert len(rows[0]) == 2 + 8
    vowels = [sum(map(text.count, "aeiou")) / len(text) for text in (learned, untrained)]
    assert vowels[0] > 0.3 > vowels[1]


def test_temperature_and_seed_say_what_is_written(opened):
    trained(opened)
    first = opened.value(ROWS)[0][2:]
    opened.value(f"{SET}('seed', '7')")
    other = opened.value(ROWS)[0]
    assert other[1].endswith("seed 7")
    assert other[2:] != first
    opened.value(f"{SET}('seed', '0')")
    assert opened.value(ROWS)[0][2:] == first
    opened.value(f"{SET}('temperature', '0')")
    assert len(set(opened.value(ROWS)[0][2:])) == 1
    assert len(opened.value(ROWS)) == 11


def test_a_training_pauses_goes_on_and_starts_over(opened):
    opened.press("#go")
    opened.until("Number(document.querySelector('#done').textContent) > 20")
    opened.press("#go")
    assert opened.text("#go") == "Continue"
    done = opened.text("#done")
    opened.settle()
    assert opened.text("#done") == done
    start = opened.value(ROWS)[-1]
    opened.press("#reset")
    assert opened.value(ROWS) == [start]
    assert (opened.text("#done"), opened.text("#go")) == ("0", "Train")


@pytest.mark.parametrize(
    ("begun", "said"),
    [("né", "‘é’ is in none of the lines"), ("a" * 16, "it sees at most 15 letters"), ("", "")],
)
def test_a_line_that_can_not_go_on_is_told_in_a_line(begun, said, opened):
    opened.value(f"{SET}('begun', '{begun}')")
    assert opened.text("#begun-said") == said
    assert len(opened.value(BARS)) == (0 if said else 8)


def shares(torch, net, values, tokens):
    """Those of each head, as PyTorch computes them from the weights."""
    of = {name: torch.tensor(np.asarray(value, float)) for name, value in values.items()}
    steps = len(tokens)
    features = of["w_layer_0"].shape[0]
    places = of["b_layer_1"].reshape(features, -1)
    vectors = (of["w_layer_0"][:, tokens, 0, 0] + places[:, :steps]).T
    for _ in range(2):
        vectors = vectors / (vectors.square().mean(1, keepdim=True) + 1e-5).sqrt()
    queries, keys = (
        (vectors @ of[f"w_{part}_layer_4"][..., 0, 0].T).reshape(steps, 4, -1).transpose(0, 1)
        for part in ("query", "key")
    )
    scores = queries @ keys.transpose(1, 2) / np.sqrt(queries.shape[-1])
    later = torch.triu(torch.ones(steps, steps, dtype=bool), 1)
    return scores.masked_fill(later, -torch.inf).softmax(-1)


def shown_shares(page):
    rows = page.value(
        "[...document.querySelectorAll('.shares tr')].map(row => [...row.cells].slice(1)"
        ".filter(cell => cell.title).map(cell => cell.title))"
    )
    return np.array([[number(each) for each in row] for row in rows])


def test_arcs_are_the_attention_that_pytorch_computes(opened):
    torch = pytest.importorskip("torch")
    net = builtin("microgpt")
    opened.value(f"{SET}('begun', 'marian')")
    tokens = [0, *(usual_lines().alphabet.index(letter) + 1 for letter in "marian")]
    expected = shares(torch, net, at_start(net), tokens).numpy()
    for place in (6, 3, 0):
        x, y = opened.value(
            f"(r => [r.x + 17, r.y + 17])(document.querySelectorAll('.letters button')[{place}]"
            ".getBoundingClientRect())"
        )
        opened.ask("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)
        opened.settle()
        mean, *heads = shown_shares(opened)
        assert np.array(heads) == pytest.approx(expected[:, place, : place + 1], abs=1e-5)
        assert mean == pytest.approx(np.mean(heads, axis=0), abs=1e-6)
        assert np.sum(heads, axis=1) == pytest.approx(1, abs=1e-5)
        widths = opened.value(
            "[...document.querySelectorAll('#arcs .own')].map(e => +e.getAttribute('stroke-width'))"
        )
        assert widths == pytest.approx(0.4 + 14 * mean, abs=0.06)


def test_each_share_is_below_its_letter(opened):
    middles = """(selector => [...document.querySelectorAll(selector)].map(e => {
      const { x, width } = e.getBoundingClientRect()
      return x + width / 2
    }))"""
    for line in ("o", "anna", "maximilianmaria"):
        opened.value(f"{SET}('begun', '{line}')")
        letters = opened.value(f"{middles}('.letters button')")
        assert len(letters) == len(line) + 1
        assert opened.value(f"{middles}('.shares tr:last-child td')") == pytest.approx(
            letters, abs=2
        )


def test_keys_go_from_letter_to_letter(opened):
    opened.value(f"{SET}('begun', 'anna')")
    opened.value("document.querySelector('.letters .chosen').focus()")
    opened.key("ArrowLeft")
    assert shown_shares(opened).shape == (5, 4)
    assert opened.text("#after") == "after ‘ann’"
    opened.value("document.querySelectorAll('[name=head]')[2].click()")
    assert opened.text(".shares .shown th") == "head 2"


def test_nothing_moves_as_it_learns_and_all_is_on_one_screen(opened, page_of_names):
    opened.show(page_of_names, 1280, 800)
    opened.until(READY)
    parts = "header > *, section, #arcs, #which-heads, #bars, #losses, #begun"
    boxes = f"""[...document.querySelectorAll({parts!r})].map(e => {{
      const {{ x, y, width, height }} = e.getBoundingClientRect()
      return [e.id || e.tagName, x, y, width, height]
    }})"""
    still = opened.value(boxes)
    trained(opened)
    assert opened.value(boxes) == still
    assert opened.value("document.documentElement.scrollHeight") == 800
    opened.press("#written .lines span:nth-child(2)")
    written = opened.value(
        "document.querySelector('#written .lines span:nth-child(2)').textContent"
    )
    letters = "[...document.querySelectorAll('.letters button')].map(e => e.textContent).join('')"
    assert opened.value(letters) == f"·{written}"
    assert opened.value(boxes) == still


@pytest.mark.witness("axe")
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [(390, 844), (1280, 800), (1920, 1080)])
def test_everybody_can_use_it(size, scheme, opened, page_of_names):
    opened.show(page_of_names, *size, prefers_color_scheme=scheme)
    opened.until(READY)
    assert opened.value(CLIPPED) == []
    assert opened.objections() == []
    opened.press("#open-more")
    assert opened.objections() == []
