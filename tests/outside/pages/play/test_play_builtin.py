"""A built-in network is the same on its page as in every other command."""

from __future__ import annotations

import json

import pytest

from gradbook.builtin_networks import LESSONS, SCENES
from gradbook.cli.main import main
from gradbook.net import parse
from tests.outside.pages.play.drawing import CAUGHT, number

pytestmark = pytest.mark.witness("chromium")


@pytest.mark.parametrize("name", [*LESSONS, *SCENES])
def test_a_page_begins_with_the_numbers_that_a_derivation_has(name, chromium, tmp_path, capsys):
    page = tmp_path / "page.html"
    assert main(["play", name, "-o", str(page)]) == 0
    capsys.readouterr()
    assert main(["explain", name, "--json"]) == 0
    derived = json.loads(capsys.readouterr().out)
    chromium.show(page)
    shown = parse(chromium.value(CAUGHT))
    assert shown.samples == parse(derived["network"]).samples
    values = [value for own in shown.start_values().values() for value in own]
    assert sorted(values) == sorted(derived["start"].values())
    assert number(chromium.text("#loss")) == pytest.approx(derived["error"], abs=5e-5)


@pytest.mark.parametrize("name", ["xor", *SCENES])
def test_what_opens_on_a_plane_trains_well(name, chromium, tmp_path):
    page = tmp_path / "page.html"
    assert main(["play", name, "-o", str(page)]) == 0
    chromium.show(page, 1280, 800)
    assert chromium.until("document.querySelector('#badge').textContent") == "good"
