from __future__ import annotations

import pytest

from gradbook.report.play_page import play_page
from tests.outside.pages.play.drawing import NETS


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    folder = tmp_path_factory.mktemp("play")
    for name, net in NETS.items():
        (folder / f"{name}.html").write_text(play_page(net), encoding="utf-8")
    return folder


@pytest.fixture
def shown(chromium, pages):
    """`shown(name)`: the page, freshly loaded; it must not have complained in the end."""

    def show(name, width=1280, **features):
        chromium.show(pages / f"{name}.html", width, **features)
        return chromium

    chromium.said.clear()
    yield show
    assert chromium.said == []
