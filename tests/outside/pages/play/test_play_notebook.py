"""The page as a notebook's widget: what stands between the two, with a model of our own."""

from __future__ import annotations

import base64
import json
from contextlib import contextmanager

import pytest

import gradbook as gb
from gradbook.targets.page.page_address import unpack
from tests.outside.pages.play.drawing import number, weights

pytestmark = pytest.mark.witness("chromium")
AROUND = """<!doctype html><meta charset="utf-8"><title>notebook</title><script type="module">
import widget from %s
const heard = new Map()
const values = %s
window.model = {
  saved: 0,
  get: name => values[name],
  set(name, value) { values[name] = value; for (const act of heard.get(`change:${name}`) ?? []) act() },
  save_changes() { this.saved += 1 },
  on(event, act) { heard.set(event, [...heard.get(event) ?? [], act]) },
  off(event, act) { heard.set(event, heard.get(event).filter(it => it !== act)) },
  heard,
}
window.leave = widget.render({ model, el: document.body })
</script>"""  # noqa: E501
EPOCH = "document.querySelector('#epoch').textContent"
STATE = "model.get('state')"


class Notebook:
    """A page with the widget in it; what Python's side of it says is carried over by hand."""

    def __init__(self, chromium, widget):
        self.chromium, self.widget = chromium, widget
        self.outer = chromium.session

    @contextmanager
    def inside(self):
        """In the frame, which the page around it can't reach, but the browser can."""
        ask = self.chromium.ask
        self.chromium.until("document.querySelector('iframe').clientHeight")
        found = [it for it in ask("Target.getTargets")["targetInfos"] if it["type"] == "iframe"]
        attached = ask("Target.attachToTarget", targetId=found[-1]["targetId"], flatten=True)
        self.chromium.session = attached["sessionId"]
        for domain in ("Runtime", "Log"):
            ask(f"{domain}.enable")
        try:
            self.chromium.until("document.querySelector('#share-parts')?.childElementCount")
            yield self.chromium
        finally:
            self.chromium.session = self.outer

    def hear(self):
        """Python is told what the page said."""
        self.widget.state = self.chromium.value(STATE)

    def tell(self):
        """The page is told what Python said."""
        self.chromium.value(f"void model.set('state', {self.widget.state!r})")


def drawn(widget):
    """The weights that the drawing shows."""
    return {name: value for name, value in widget.weights.items() if name[0] in "wb"}


@pytest.fixture
def notebook(chromium, tmp_path):
    def show(net):
        widget = gb.play(net)
        source = base64.b64encode(widget._esm.encode()).decode()
        values = {"_page": widget._page, "state": widget.state, "height": widget.height}
        said = json.dumps(values).replace("</", "<\\/")
        around = AROUND % (json.dumps(f"data:text/javascript;base64,{source}"), said)
        (tmp_path / "notebook.html").write_text(around, "utf-8")
        chromium.show(tmp_path / "notebook.html")
        return Notebook(chromium, widget)

    chromium.said.clear()
    yield show
    assert chromium.said == []


def test_what_is_done_on_the_page_is_heard_by_python(notebook):
    shown = notebook(gb.builtin("xor"))
    with shown.inside() as page:
        page.write("#rate-field", "0.25")
        page.press("#step")
        page.press("#step")
        seen, loss = weights(page), number(page.text("#loss"))
    page.until("model.saved")
    shown.hear()
    widget = shown.widget
    assert (widget.epoch, widget.rate) == (3, 0.25)
    assert widget.weights == seen
    assert "rate 0.25" in widget.text
    assert widget.loss == pytest.approx(loss, rel=1e-3)
    assert widget.net.samples == gb.builtin("xor").samples


TEXTS = [
    "",
    "input 2\ndense 2\ntanh\ndropout 0.5\ndense 1\nupdate momentum 0.9\nseed 4",
    "input 2\ndense 2 no bias\nbatchnorm\nprelu\ndense 1\nupdate adam",
]


@pytest.mark.parametrize("batch", [0, 3])
@pytest.mark.parametrize("text", TEXTS)
def test_what_python_sets_the_page_becomes_and_both_train_alike(text, batch, notebook):
    shown = notebook(gb.builtin("xor"))
    widget = shown.widget
    if text:
        widget.text = text
    widget.rate = 0.2
    widget.batch = batch
    widget.epoch = 5
    widget.weights = {"w2": 0.125}
    with shown.inside():
        pass
    shown.tell()
    with shown.inside() as page:
        page.until(f"{EPOCH} === '000,004'")
        assert weights(page) == drawn(widget)
        assert weights(page)["w2"] == 0.125
        assert page.value("document.querySelector('#rate-field').value") == "0.20"
        if text:
            assert page.value("document.querySelector('#text').value").startswith(text[:30])
        for _ in range(3):
            page.press("#step")
        seen = weights(page)
    widget.epoch = 8
    assert drawn(widget) == pytest.approx(seen, rel=1e-9)


def test_a_widget_that_is_shown_later_begins_where_python_is(chromium, notebook, tmp_path):
    net = gb.builtin("worked")
    shown = notebook(net)
    shown.widget.epoch = 12
    page = (tmp_path / "notebook.html").read_text("utf-8")
    told = page.replace('"state": ""', f'"state": "{shown.widget.state}"')
    assert told != page
    (tmp_path / "notebook.html").write_text(told, "utf-8")
    chromium.show(tmp_path / "notebook.html")
    with shown.inside() as inner:
        inner.until(f"{EPOCH} === '000,011'")


def test_what_is_told_comes_back_as_it_was_and_no_further(notebook):
    shown = notebook(gb.builtin("worked"))
    shown.widget.rate = 0.3
    with shown.inside():
        pass
    shown.tell()
    shown.chromium.until("model.saved")
    said = shown.chromium.value(STATE)
    assert unpack(said).rate == 0.3
    shown.chromium.value("new Promise(done => setTimeout(done, 1500))")
    assert shown.chromium.value("model.saved") == 1
    assert shown.chromium.value(STATE) == said


def test_others_are_not_heard_and_a_page_that_left_hears_nothing(notebook):
    shown = notebook(gb.builtin("worked"))
    with shown.inside():
        pass
    page = shown.chromium
    page.value("void window.postMessage({ gradbook: 'AAAA' }, '*')")
    page.settle()
    assert page.value(STATE) == ""
    page.value("void leave()")
    assert page.value("[...model.heard.values()].flat().length") == 0


def test_a_page_that_is_no_widget_tells_nobody_anything(chromium, pages, tmp_path):
    around = tmp_path / "around.html"
    around.write_text(
        "<script>heard = []; onmessage = it => heard.push(it.data)</script>"
        f"<iframe width=900 height=700 src='{(pages / 'worked.html').as_uri()}'></iframe>",
        "utf-8",
    )
    chromium.show(around)
    chromium.value("new Promise(done => setTimeout(done, 1500))")
    assert chromium.value("heard.length") == 0
