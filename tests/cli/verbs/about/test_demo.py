import pytest

from gradbook.cli.main import main
from gradbook.cli.verbs import about
from gradbook.lab.recipes.recipe_text import recipe
from gradbook.net import LESSONS

MOMENT = "data digits8; input 1x8x8; flatten; dense 10; softmax; loss cross-entropy; epochs 1"

pytestmark = pytest.mark.witness("cc")


@pytest.fixture
def output_of(tmp_path, capsys, monkeypatch):
    """What the demo prints; its digits are smaller ones, and learnt in a moment."""
    monkeypatch.setattr(about, "DIGITS", MOMENT)

    def run():
        assert main(["demo", "-o", str(tmp_path)]) == 0
        return capsys.readouterr().out

    return run


def test_the_demo_writes_what_it_says_and_says_where_to_look(tmp_path, output_of):
    page = output_of()
    written = {path.name for path in tmp_path.iterdir()}
    for name in LESSONS:
        assert f"{name}-play.html" in written
        assert {f"{name}.html", f"{name}.xlsx", f"{name}-rates.html"} <= written
    assert {"worked.tex", "worked.md", "tiny-draw.html", "digits"} <= written
    assert all(f"  {name} " in page for name in written - {"digits"})
    first, drawn, _, digits = page.splitlines()[-4:]
    assert str(tmp_path / "worked-play.html") in first
    assert str(tmp_path / "tiny-draw.html") in drawn
    assert digits.startswith(f"{tmp_path / 'digits' / 'report.html'} shows")
    assert (tmp_path / "digits" / "report.html").exists()


def test_the_demo_writes_a_page_to_draw_on_without_a_compiler_for_browsers(
    tmp_path, output_of, monkeypatch
):
    monkeypatch.setattr("gradbook.net.LESSONS", {})
    monkeypatch.setattr("gradbook.engine.compilers._zigs", lambda: iter(()))
    assert "  tiny-draw.html       a page that reads the digits you draw" in output_of()
    assert (tmp_path / "tiny-draw.html").exists()


def test_digits_that_are_learnt_are_not_learnt_again(tmp_path, output_of, monkeypatch):
    monkeypatch.setattr("gradbook.net.LESSONS", {})
    page = output_of()
    assert "is already finished" not in page
    again = output_of()
    assert f"{tmp_path / 'digits'} is already finished" in " ".join(again.split())
    assert again.splitlines()[-4:] == page.splitlines()[-4:]


def test_the_digits_of_the_demo_are_learnt_by_quick():
    found = recipe(about.DIGITS)
    assert (found.name, found.data) == ("quick", "digits")
