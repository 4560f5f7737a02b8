from __future__ import annotations

import pytest

import gradbook as gb
from tests.runs import finished, pictures, several

DATA = pictures()


def test_a_runs_report_lies_in_its_folder(tmp_path):
    finished(tmp_path / "run", DATA)
    written = gb.write_report(tmp_path / "run", DATA)
    assert written == tmp_path / "run" / "report.html"
    assert "of 30 test images read correctly" in written.read_text("utf-8")


def test_several_seeds_have_theirs_above(tmp_path):
    several(tmp_path / "seeds", DATA)
    written = gb.write_report(str(tmp_path / "seeds"), DATA)
    assert written == tmp_path / "seeds" / "report.html"
    assert "the mean of 3 seeds" in written.read_text("utf-8")


def test_images_that_are_not_there_are_asked_for(tmp_path):
    finished(tmp_path / "run", DATA)
    with pytest.raises(gb.GradbookError, match="spots"):
        gb.write_report(tmp_path / "run")
    assert not (tmp_path / "run" / "report.html").exists()
