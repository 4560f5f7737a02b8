"""Killed at any point and run again, a class has lost nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from random import Random
from zipfile import ZipFile

import pytest

from gradbook.teaching.classes.collecting import collect
from gradbook.teaching.classes.marking import mark_class
from tests.teaching.classes.made import NAMES, begun, negated, solved

KILLS = 20
OWN = "student,changed to,days late,remark\nAda Lovelace,18.5,,asked her\nEmmy Noether,12,,spoken\n"


def files(folder: Path) -> dict[str, object]:
    """All but what is only kept, in any order, between runs."""
    return {
        str(path.relative_to(folder)): content(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and ".gradbook/" not in str(path)
    }


def content(path: Path) -> object:
    """A workbook's without the moment at which it was made."""
    if path.suffix != ".xlsx":
        return path.read_bytes()
    with ZipFile(path) as book:
        return {name: book.read(name) for name in book.namelist() if "core.xml" not in name}


@pytest.mark.skipif(sys.platform == "win32", reason="it forks")
def test_a_class_that_is_killed_again_and_again_loses_nothing(tmp_path):
    undisturbed = tmp_path / "undisturbed"
    undisturbed.mkdir()
    folder = begun(undisturbed)
    sent = tmp_path / "sent.zip"
    with ZipFile(sent, "w") as archive:
        for number, student in enumerate(folder.students[:2]):
            change = negated("∂E/∂w6") if number else lambda name, formula: formula
            book = solved(folder, student, tmp_path / "book.xlsx", change)
            archive.write(book, f"{student}_{number}_assignsubmission_file_b.xlsx")
    (Path(folder.path) / "marks.csv").write_text(OWN)
    collect(folder, [str(sent)])
    mark_class(folder, 1)

    killed = tmp_path / "class"
    killed.mkdir()
    (killed / "marks.csv").write_text(OWN)
    (tmp_path / "names.csv").write_text(NAMES)
    draw = Random(4)
    kills = [str(draw.randrange(25)) for _ in range(KILLS)]
    program = Path(__file__).with_name("killed.py")
    words = [sys.executable, str(program), str(killed), *kills]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) == KILLS
    expected, found = files(Path(folder.path)), files(killed)
    assert found.keys() == expected.keys()
    assert [name for name in found if found[name] != expected[name]] == []
