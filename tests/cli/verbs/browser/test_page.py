from __future__ import annotations

import pytest

from gradbook.cli.main import main


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
        (["page", "reference", "-o", "page.html"], "layer 2: a page doesn't show 'batchnorm' yet"),
        (["page", "input 2; dense 2; batchnorm; dense 1", "-o", "page.html"], "layer 2"),
    ],
)
def test_what_cannot_be_is_refused(words, said, refused):
    assert said in refused(words)
