from __future__ import annotations

import re

import pytest

from gradbook.builtin_networks import SCENES
from gradbook.cli.main import main
from gradbook.engine import compilers
from gradbook.lab.recipes import RECIPES
from gradbook.lab.recipes.recipe_text import recipe
from tests.cases import for_each

LETTERS = "input tokens 16 of {0}; embed 16; conv1d {0} 1; softmax; loss cross-entropy"


def test_a_page_is_written(tmp_path, capsys):
    page = tmp_path / "worked.html"
    assert main(["play", "-o", str(page)]) == 0
    assert f"wrote {page}" in capsys.readouterr().out
    assert page.read_text("utf-8").startswith("<!DOCTYPE html>")


def test_samples_come_from_a_table(tmp_path):
    (tmp_path / "line.csv").write_text("x,y\n1,0.25\n2,0.75\n", encoding="utf-8")
    net, page = "input 1; dense 1; loss half squared error", tmp_path / "line.html"
    assert main(["play", net, "--data", str(tmp_path / "line.csv"), "-o", str(page)]) == 0
    assert '"samples":[[[1.0],[0.25]],[[2.0],[0.75]]]' in page.read_text("utf-8")


def test_a_network_of_letters_gets_a_page_that_writes_without_a_compiler(
    tmp_path, capsys, monkeypatch
):
    def none(*_):
        raise compilers.CompilerError("no compiler here")

    monkeypatch.setattr("gradbook.engine.wasm.for_browsers", none)
    page = tmp_path / "names.html"
    assert main(["play", "microgpt", "-o", str(page)]) == 0
    assert "watch what it writes" in capsys.readouterr().out
    assert "microgpt learns to write" in page.read_text("utf-8")
    small = tmp_path / "small.html"
    assert main(["play", "input tokens 3 of 3; embed 2; unembed 3; softmax", "-o", str(small)]) == 0
    assert "every-slope" in small.read_text("utf-8")


def test_the_scenes_are_known_to_play_and_their_points_to_data(tmp_path, capsys):
    for name in SCENES:
        assert main(["play", name, "-o", str(tmp_path / f"{name}.html")]) == 0
        capsys.readouterr()
        assert main(["data", name]) == 0
        head, *rows = capsys.readouterr().out.splitlines()
        assert (head, len(rows)) == ("x,y,class", 100)
    assert main(["data", "spiral", "--show", "4"]) == 2
    assert "leave out --show" in capsys.readouterr().err


@pytest.mark.witness("zig")
def test_a_network_that_reads_pictures_gets_a_page_to_draw_on(tmp_path, capsys):
    page = tmp_path / "tiny.html"
    assert main(["play", "tiny", "-o", str(page)]) == 0
    assert "draw a digit" in capsys.readouterr().out
    text = page.read_text("utf-8")
    assert "script-src 'sha256-" in text
    assert "'wasm-unsafe-eval'" in text
    assert "'unsafe-" not in text


@pytest.mark.witness("zig")
def test_a_network_that_isnt_trained_brings_images_along(tmp_path):
    page = tmp_path / "own.html"
    net = "input 1x28x28; conv 4 3x3 stride 2; relu; flatten; dense 10; log softmax"
    assert main(["play", net, "--train", "300", "-o", str(page)]) == 0
    assert "The page contains 300 images" in page.read_text("utf-8")


@for_each("said", ["schedule plateau 0.1", "rate find", "early stop 2", "keep best"])
def test_a_page_says_what_it_does_not_train_by(said, tmp_path, refused):
    mine = tmp_path / "mine.txt"
    mine.write_text(f"{said}\ninput 1x28x28\nflatten\ndense 10\nlog softmax\n")
    words = said.removesuffix(" 2").removesuffix(" 0.1")
    refusal = refused(["play", str(mine), "--train", "-o", str(tmp_path / "mine.html")])
    assert f"a page can't train with '{words}'" in refusal


@pytest.fixture
def without_zig(monkeypatch):
    """As on a machine that has nothing to compile for browsers with."""
    monkeypatch.setattr(compilers, "_zigs", lambda: iter(()))


def test_the_page_of_a_network_that_comes_trained_needs_no_zig(without_zig, tmp_path):
    assert main(["play", "tiny", "-o", str(tmp_path / "page.html")]) == 0


@pytest.mark.parametrize("name", RECIPES)
def test_pages_that_train_built_in_recipes_need_no_zig(name, without_zig, tmp_path):
    """Under names of their own, too, and with a schedule that a page trains by."""
    mine = tmp_path / "mine.txt"
    text = re.sub(r"schedule plateau.*", "schedule constant 0.01", str(recipe(name)))
    mine.write_text(text.replace(f"recipe {name}", "recipe mine"), "utf-8")
    assert main(["play", str(mine), "--train", "300", "-o", str(tmp_path / "page.html")]) == 0


def test_without_zig_a_line_says_how_to_get_it(without_zig, refused):
    net = "input 1x28x28; flatten; dense 10; log softmax"
    refusal = refused(["play", net, "-o", "page.html"])
    assert "there is no zig to compile it: pip install" in refusal
