"""What is handed in: archives, folders and files as learning platforms name them."""

from __future__ import annotations

import io
import os
from datetime import datetime
from pathlib import Path
from random import Random
from zipfile import ZipFile, ZipInfo

import pytest

from gradbook import limits
from gradbook.errors import UsageError
from gradbook.files import inside
from gradbook.teaching.classes.collecting import collect, handed_in, left_out
from gradbook.teaching.classes.folder import ClassFolder, ClassPlan
from tests.cases import for_each
from tests.teaching.classes.test_senders import STUDENTS, sent_by


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "class").mkdir()
    return ClassFolder(inside(tmp_path / "class"), ClassPlan("input 1; dense 1"))


def names(folder):
    return sorted(path.name for path in (Path(folder.path) / "handed-in").iterdir())


def archive(path, **files):
    with ZipFile(path, "w") as made:
        for name, content in files.items():
            made.writestr(ZipInfo(name, (2026, 11, 20, 12, 0, 0)), content)


def test_an_archive_within_an_archive_is_opened(folder, tmp_path):
    archive(tmp_path / "inner.zip", **{"mine.xlsx": b"1", "notes.txt": b"no book"})
    inner = (tmp_path / "inner.zip").read_bytes()
    moodle = "Ada Lovelace_1_assignsubmission_file_/work.zip"
    archive(tmp_path / "all.zip", **{moodle: inner, "b.ods": b"2", "__MACOSX/._b.ods": b"3"})
    collected = collect(folder, [str(tmp_path / "all.zip")])
    assert (collected.new, collected.by_programs) == (2, ["all.zip/__MACOSX/._b.ods"])
    (problem,) = collected.problems
    assert problem.startswith(f"all.zip/{moodle}/notes.txt isn't a workbook")
    first, second = names(folder)
    assert sent_by(first) == ["Ada Lovelace"]
    assert second == "b.ods"


def test_the_time_of_handing_in_is_kept(folder, tmp_path):
    archive(tmp_path / "all.zip", **{"b.xlsx": b"2"})
    collect(folder, [str(tmp_path / "all.zip")])
    moment = (Path(folder.path) / "handed-in" / "b.xlsx").stat().st_mtime
    assert moment == datetime(2026, 11, 20, 12).timestamp()


def test_what_is_there_isnt_collected_again(folder, tmp_path):
    archive(tmp_path / "all.zip", **{"a.xlsx": b"1", "b.xlsx": b"2"})
    assert collect(folder, [str(tmp_path / "all.zip")]).new == 2
    assert collect(folder, [str(tmp_path / "all.zip")]).new == 0
    archive(tmp_path / "all.zip", **{"a.xlsx": b"1", "b.xlsx": b"better"})
    assert collect(folder, [str(tmp_path / "all.zip")]).new == 1
    assert names(folder) == ["a.xlsx", "b (2).xlsx", "b.xlsx"]
    assert collect(folder, [str(tmp_path / "all.zip")]).new == 0


def test_two_students_may_hand_in_the_same_file(folder, tmp_path):
    ada, alan = (f"{name}_1_assignsubmission_file_b.xlsx" for name in STUDENTS[:2])
    archive(tmp_path / "all.zip", **{ada: b"same", alan: b"same"})
    assert collect(folder, [str(tmp_path / "all.zip")]).new == 2


def test_an_archive_that_lies_there_is_opened(folder):
    (Path(folder.path) / "handed-in").mkdir()
    archive(Path(folder.path) / "handed-in" / "download.zip", **{"a.xlsx": b"1"})
    assert collect(folder, []).new == 1
    assert [path.name for path in handed_in(folder)] == ["a.xlsx"]


OUTSIDE = ["../../up.xlsx", "/etc/up.xlsx", "..\\up.xlsx", "a/../../up.xlsx", "C:\\up.xlsx"]


@for_each("name", OUTSIDE)
def test_no_name_leads_out_of_the_folder(name, folder, tmp_path):
    archive(tmp_path / "all.zip", **{name: b"1"})
    collect(folder, [str(tmp_path / "all.zip")])
    assert {path.parent for path in handed_in(folder)} <= {folder.path / "handed-in"}
    assert not (tmp_path / "up.xlsx").exists()
    assert {path.name for path in tmp_path.iterdir()} == {"class", "all.zip"}


def test_a_broken_archive_is_said_and_the_others_are_collected(folder, tmp_path):
    (tmp_path / "broken.zip").write_bytes(b"PK\x03\x04 no more")
    (tmp_path / "good.xlsx").write_bytes(b"1")
    collected = collect(folder, [str(tmp_path / "broken.zip"), str(tmp_path / "good.xlsx")])
    assert (collected.new, collected.problems) == (1, ["can't read broken.zip: it is damaged"])


def test_a_source_that_isnt_there_is_refused(folder):
    with pytest.raises(UsageError, match="no file or folder"):
        collect(folder, ["nowhere.zip"])


def test_a_long_name_keeps_its_end(folder, tmp_path):
    archive(tmp_path / "all.zip", **{f"{'ä' * 200}-end.xlsx": b"1"})
    collect(folder, [str(tmp_path / "all.zip")])
    (name,) = names(folder)
    assert name.endswith("-end.xlsx")
    assert len(os.fsencode(name)) <= 200


def test_archives_within_an_archive_share_what_it_may_unpack_to(tmp_path, monkeypatch):
    """A few bytes that hold archives that hold zeros fill no disk."""
    monkeypatch.setattr(limits.ARCHIVE, "most", 4 * 2**20)
    inner = io.BytesIO()
    with ZipFile(inner, "w", 8) as archive:
        archive.writestr("book.xlsx", bytes(2**20))
    with ZipFile(tmp_path / "all.zip", "w", 8) as archive:
        for number in range(9):
            archive.writestr(f"student {number}.zip", inner.getvalue())
    (tmp_path / "class").mkdir()
    (tmp_path / "class" / "names.csv").write_text("name\nAda Lovelace\n")
    folder = ClassFolder(inside(tmp_path / "class"), ClassPlan("input 1; dense 1"))
    collected = collect(folder, [str(tmp_path / "all.zip")])
    assert collected.new == 3
    assert sum(path.stat().st_size for path in handed_in(folder)) <= 4 * 2**20
    assert len(collected.problems) == 6
    assert all("unpacks to more than the limit" in line for line in collected.problems)


# Every file ---------------------------------------------------------------------------

TAKEN = ("work.xlsx", "work.ODS", "my work.xlsm", "old.xls", ".hidden.xlsx")
BY_PROGRAMS = ("~$work.xlsx", "._work.xlsx", ".DS_Store", "Thumbs.db", "__MACOSX/work.xlsx")
NO_BOOKS = (
    *("report.docx", "answer.pdf", "notes.txt", "photo.jpeg", "work", "work.xlsx.pdf", "a.rar"),
    *("onlinetext.html", "work.zip.txt", ".notes", "xlsx"),
)


@for_each("seed", range(12))
def test_every_file_of_an_archive_is_taken_or_named(seed, tmp_path):
    draw = Random(seed)
    (tmp_path / "class").mkdir()
    folder = ClassFolder(inside(tmp_path / "class"), ClassPlan("input 1; dense 1"))
    (tmp_path / "class" / "names.csv").write_text("name\n" + "\n".join(STUDENTS), "utf-8")
    sent: dict[str, tuple[str, ...]] = {}
    for number, student in enumerate(STUDENTS):
        kind = draw.choice((TAKEN, BY_PROGRAMS, NO_BOOKS))
        place = f"{draw.choice(('', '.', ' '))}{student}_{number}_assignsubmission_file_"
        sent[f"{place}/{draw.choice(kind)}"] = kind
    archive(tmp_path / "all.zip", **{name: name.encode() for name in sent})
    collected = collect(folder, [str(tmp_path / "all.zip")])
    contents = {path.read_bytes().decode() for path in map(Path, map(str, handed_in(folder)))}
    assert contents == {name for name, kind in sent.items() if kind is TAKEN}
    assert collected.new == len(contents)
    assert {name.removeprefix("all.zip/") for name in collected.by_programs} == {
        name for name, kind in sent.items() if kind is BY_PROGRAMS
    }
    named = {file.file.removeprefix("all.zip/") for file in left_out(folder)}
    assert named == {name for name, kind in sent.items() if kind is NO_BOOKS}
    assert all(any(name in problem for problem in collected.problems) for name in named)


def test_an_archive_too_deep_in_others_is_named(folder, tmp_path):
    content = b"1"
    for name in ("book.xlsx", "c.zip", "b.zip", "a.zip"):
        archive(tmp_path / "next.zip", **{name: content})
        content = (tmp_path / "next.zip").read_bytes()
    collected = collect(folder, [str(tmp_path / "next.zip")])
    (problem,) = collected.problems
    assert problem.startswith("can't read next.zip/a.zip/b.zip: it is an archive too deep")


def test_what_lies_in_the_folder_and_is_no_book_is_named_as_long_as_it_lies_there(folder):
    collect(folder, [])
    paper = Path(folder.path) / "handed-in" / ".Ada" / "Ada Lovelace.pdf"
    paper.parent.mkdir()
    paper.write_bytes(b"1")
    for _ in range(2):
        (problem,) = collect(folder, []).problems
        assert problem.startswith("handed-in/.Ada/Ada Lovelace.pdf isn't a workbook")
    paper.unlink()
    assert collect(folder, []).problems == left_out(folder) == []
