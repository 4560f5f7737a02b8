"""The page in a notebook's cell: a frame that works by itself and reaches nothing around it."""

from __future__ import annotations

from contextlib import contextmanager

import pytest

import gradbook as gb

pytestmark = pytest.mark.witness("chromium")
AROUND = """<!doctype html><meta charset="utf-8"><title>notebook</title>
<script>heard = []; onmessage = it => heard.push(it.data)</script>%s"""


@contextmanager
def inside(chromium):
    """In the frame, which the page around it can't reach, but the browser can."""
    ask, outer = chromium.ask, chromium.session
    chromium.until("document.querySelector('iframe').clientHeight")
    found = [it for it in ask("Target.getTargets")["targetInfos"] if it["type"] == "iframe"]
    attached = ask("Target.attachToTarget", targetId=found[-1]["targetId"], flatten=True)
    chromium.session = attached["sessionId"]
    for domain in ("Runtime", "Log"):
        ask(f"{domain}.enable")
    try:
        chromium.until("document.querySelector('#share-parts')?.childElementCount")
        yield chromium
    finally:
        chromium.session = outer


def test_the_page_trains_in_its_cell_and_tells_nobody(chromium, tmp_path):
    cell = gb.play("xor", height=640)._repr_html_()
    (tmp_path / "notebook.html").write_text(AROUND % cell, "utf-8")
    chromium.said.clear()
    chromium.show(tmp_path / "notebook.html")
    with inside(chromium) as page:
        page.write("#rate-field", "0.25")
        page.press("#step")  # it showed by itself how it trains, until now
        epoch, loss = page.text("#epoch"), page.text("#loss")
        page.press("#step")
        assert int(page.text("#epoch").replace(",", "")) == int(epoch.replace(",", "")) + 1
        assert page.text("#loss") != loss
    assert chromium.value("document.querySelector('iframe').clientHeight") == 640
    assert chromium.value("document.querySelector('iframe').contentDocument") is None
    assert chromium.value("heard.length") == 0
    assert chromium.said == []
