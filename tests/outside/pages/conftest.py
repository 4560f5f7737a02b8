from __future__ import annotations

import pytest

from gradbook.cli.main import main
from gradbook.lab.recipes.recipe_text import change_recipe, recipe
from tests.outside.browser import browser
from tests.outside.pages.drawn import READY, until


@pytest.fixture(scope="module")
def chromium():
    with browser() as opened:
        yield opened


@pytest.fixture(scope="session")
def digit_pages(tmp_path_factory):
    """Pages to draw on: of a trained network, of one to be trained, of one to be trained on."""
    folder = tmp_path_factory.mktemp("digits")
    assert main(["play", "tiny", "-o", str(folder / "tiny.html")]) == 0
    assert main(["play", "tiny", "--train", "500", "-o", str(folder / "on.html")]) == 0
    settling = change_recipe(
        recipe("quick"), "statistics unwarped"
    )  # while the page's memory grows
    (folder / "quick.txt").write_text(str(settling))
    written = ["play", str(folder / "quick.txt"), "--train", "-o", str(folder / "quick.html")]
    assert main(written) == 0
    return folder


@pytest.fixture
def shown(chromium, digit_pages):
    """`shown(name)`: the page, ready; it must not have complained in the end."""

    def show(name, width=1280, height=900, **features):
        # windows slide by themselves only for readers who like motion
        moving = {"prefers_reduced_motion": "no-preference"} | features
        chromium.show(digit_pages / f"{name}.html", width, height, **moving)
        until(chromium, READY)
        return chromium

    chromium.said.clear()
    yield show
    assert chromium.said == []
    assert chromium.text("#problem") == ""
