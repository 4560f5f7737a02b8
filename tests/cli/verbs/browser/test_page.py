from __future__ import annotations

import pytest

from gradbook.cli.main import main
from gradbook.engine import compilers, wasm
from scripts import pack_modules


def test_a_page_is_written(tmp_path, capsys):
    page = tmp_path / "worked.html"
    assert main(["page", "-o", str(page)]) == 0
    assert f"wrote {page}" in capsys.readouterr().out
    assert page.read_text("utf-8").startswith("<!DOCTYPE html>")


def test_samples_come_from_a_table(tmp_path):
    (tmp_path / "line.csv").write_text("x,y\n1,0.25\n2,0.75\n", encoding="utf-8")
    net, page = "input 1; dense 1; loss half squared error", tmp_path / "line.html"
    assert main(["page", net, "--data", str(tmp_path / "line.csv"), "-o", str(page)]) == 0
    assert '"samples":[[[1.0],[0.25]],[[2.0],[0.75]]]' in page.read_text("utf-8")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["page", "worked"], "-o"),
        (["page", "worked", "-o", "page.pdf"], "end it in one of .html, .htm"),
        (["page", "xor", "--train", "-o", "page.html"], "trains on its page anyhow"),
        (["page", "tiny", "--train", "3", "-o", "page.html"], "--train"),
        (["page", "tiny", "--data", "nowhere", "-o", "page.html"], "nowhere"),
    ],
)
def test_what_cannot_be_is_refused(words, said, refused):
    assert said in refused(words)


@pytest.mark.witness("zig")
def test_a_network_that_reads_pictures_gets_a_page_to_draw_on(tmp_path, capsys):
    page = tmp_path / "tiny.html"
    assert main(["page", "tiny", "-o", str(page)]) == 0
    assert "draw a digit" in capsys.readouterr().out
    text = page.read_text("utf-8")
    assert "script-src 'sha256-" in text
    assert "'wasm-unsafe-eval'" in text
    assert "'unsafe-" not in text


@pytest.mark.witness("zig")
def test_a_network_that_isnt_trained_brings_images_along(tmp_path):
    page = tmp_path / "own.html"
    net = "input 1x28x28; conv 4 3x3 stride 2; relu; flatten; dense 10; log softmax"
    assert main(["page", net, "--train", "300", "-o", str(page)]) == 0
    assert "300 images come along" in page.read_text("utf-8")


@pytest.mark.parametrize("said", ["schedule plateau 0.1", "rate find", "early stop 2", "keep best"])
def test_a_page_says_what_it_does_not_train_by(said, tmp_path, refused):
    mine = tmp_path / "mine.txt"
    mine.write_text(f"{said}\ninput 1x28x28\nflatten\ndense 10\nlog softmax\n")
    words = said.removesuffix(" 2").removesuffix(" 0.1")
    told = refused(["page", str(mine), "--train", "-o", str(tmp_path / "mine.html")])
    assert f"a page doesn't train by '{words}'" in told


@pytest.mark.witness("zig")
def test_what_a_wheel_brings_along_needs_no_zig(tmp_path, monkeypatch, refused):
    pack_modules.main(["tiny"], tmp_path / "modules")
    monkeypatch.setattr(wasm, "PACKED", tmp_path / "modules")
    monkeypatch.setattr(compilers, "_zigs", lambda: iter(()))
    for words in ([], ["--train"]):
        assert main(["page", "tiny", *words, "-o", str(tmp_path / "tiny.html")]) == 0
    assert "no zig here" in refused(["page", "small", "-o", "page.html"])


def test_without_zig_a_line_says_how_to_get_it(monkeypatch, refused):
    monkeypatch.setattr(compilers, "_zigs", lambda: iter(()))
    net = "input 1x28x28; flatten; dense 10; log softmax"
    assert "no zig here, which compiles for browsers: pip install" in refused(
        ["page", net, "-o", "page.html"]
    )
