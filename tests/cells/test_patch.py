"""A patched package has the changed parts, the new ones, and every other byte as it was."""

from __future__ import annotations

from io import BytesIO
from zipfile import ZipFile

import pytest

from gradbook.archives import Archive
from gradbook.cells import patch as limits
from gradbook.cells.package import Package, WorkbookError
from gradbook.cells.patch import TYPES, Patch
from tests.audit.material.hostile import package

MAIN, SHEET = "xl/workbook.xml", "xl/worksheets/sheet1.xml"


@pytest.fixture
def patch(tmp_path):
    with open(package(tmp_path / "book.xlsx", odd=b"\0\1"), "rb") as file:
        yield Patch(Package(Archive(file)))


def written(patch: Patch) -> dict[str, bytes]:
    file = BytesIO()
    patch.write(file)
    with ZipFile(file) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_only_what_is_put_changes(patch):
    before = written(patch)
    patch.put(SHEET, b"<other/>")
    patch.put("new.xml", b"<new/>")
    after = written(patch)
    assert list(after) == [*before, "new.xml"]
    assert after == {**before, SHEET: b"<other/>", "new.xml": b"<new/>"}


def test_the_same_copy_comes_out_every_time(patch):
    copies = [BytesIO(), BytesIO()]
    patch.put("new.xml", b"<new/>")
    for copy in copies:
        patch.write(copy)
    assert copies[0].getvalue() == copies[1].getvalue()


def test_a_new_name_is_one_that_no_part_has(patch):
    assert patch.free_name("xl/worksheets/Sheet{}.xml") == "xl/worksheets/Sheet2.xml"
    patch.put("xl/comments1.xml", b"")
    assert patch.free_name("xl/comments{}.xml") == "xl/comments2.xml"


def test_a_relation_gets_an_id_of_its_own(patch):
    sheet, _ = patch.relations(MAIN)
    assert (sheet.id, sheet.part) == ("rId1", SHEET)
    patch.put("xl/styles.xml", b"<styleSheet/>")
    own = patch.relate(MAIN, "styles", "xl/styles.xml")
    assert own != sheet.id
    added = patch.relations(MAIN)[-1]
    assert (added.id, added.kind, added.part) == (own, "styles", "xl/styles.xml")


def test_a_part_without_relations_gets_them(patch):
    assert patch.relations(SHEET) == []
    patch.relate(SHEET, "comments", "xl/comments1.xml")
    assert [r.part for r in patch.relations(SHEET)] == ["xl/comments1.xml"]


def test_a_dropped_part_is_forgotten_by_all_that_name_it(patch):
    added = patch.add(MAIN, "calcChain", "xl/calcChain{}.xml", b"<a/>", "a/b").part
    assert added.encode() in patch.text(TYPES)
    patch.drop(added, MAIN)
    after = written(patch)
    assert [r.kind for r in patch.relations(MAIN)] == ["worksheet", "sharedStrings"]
    assert added.encode() not in after[TYPES]
    patch.drop(SHEET, MAIN)
    assert SHEET not in written(patch)
    assert SHEET not in patch


def test_an_added_part_is_declared_by_its_name_or_once_by_its_ending(patch):
    added = patch.add(SHEET, "comments", "xl/comments{}.xml", b"<a/>", "a/b")
    drawings = [patch.add(SHEET, "d", "xl/d{}.vml", b"<a/>", "c/d") for _ in range(2)]
    assert patch.relations(SHEET) == [added, *drawings]
    types = written(patch)[TYPES]
    assert types.count(b'PartName="/xl/comments1.xml"') == 1
    assert types.count(b'Extension="vml"') == 1


def test_a_package_that_unpacks_to_too_much_is_not_copied(patch, monkeypatch):
    monkeypatch.setattr(limits, "LARGEST", 10)
    with pytest.raises(WorkbookError, match="too large to copy"):
        written(patch)
