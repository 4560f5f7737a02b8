from gradbook.cli.main import main
from gradbook.net import LESSONS


def test_the_demo_writes_what_it_says_and_says_where_to_look(tmp_path, capsys):
    assert main(["demo", "-o", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    written = {path.name for path in tmp_path.iterdir()}
    for name in LESSONS:
        assert {f"{name}.html", f"{name}.xlsx", f"{name}-rates.html"} <= written
    assert {"worked.tex", "worked.md"} <= written
    assert all(f"  {name} " in said for name in written)
    assert str(tmp_path / "worked.html") in said.splitlines()[-2]


def test_the_demo_does_not_write_over_a_file_that_is_no_folder(tmp_path, refused):
    (tmp_path / "out").write_text("mine")
    assert "out" in refused(["demo", "-o", str(tmp_path / "out")])
    assert (tmp_path / "out").read_text() == "mine"
