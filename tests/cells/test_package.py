"""A package is opened within bounds, and what is no workbook is refused in a line."""

from __future__ import annotations

from io import BytesIO
from zipfile import ZIP_BZIP2, ZIP_DEFLATED, ZIP_LZMA, ZIP_STORED, ZipFile

import pytest

from gradbook import limits
from gradbook.archives import SMALL, Archive
from gradbook.cells.package import (
    OLE,
    Package,
    WorkbookError,
    local,
    package,
    parse,
    parser,
    relations_part,
    resolve_target,
)
from tests.cases import for_each


def zipped(how: int = ZIP_DEFLATED, **parts: bytes) -> Package:
    file = BytesIO()
    with ZipFile(file, "w", how) as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    file.seek(0)
    return Package(Archive(file))


def tags(*pieces: bytes) -> list[str]:
    found: list[str] = []
    parse("part", pieces, parser(), lambda tag, attributes: found.append(tag))
    return found


@for_each(
    ("head", "why"),
    [(b"", "empty"), (OLE, "remove the password"), (b"PK\3\4 no zip", "isn't a workbook")],
)
def test_other_files_are_refused_by_how_they_begin(tmp_path, head, why):
    path = tmp_path / "book.xlsx"
    path.write_bytes(head)
    with pytest.raises(WorkbookError, match=why), package(path):
        pass


def test_a_part_comes_whole_from_its_chunks():
    data = bytes(range(256)) * 1000
    parts = zipped(one=data)
    assert len(list(parts.chunks("one"))) > 1
    assert parts.bytes_of("one") == data
    assert (parts.size("one"), parts.size("none")) == (len(data), 0)


def test_a_part_that_unpacks_to_far_more_than_its_size_is_a_bomb():
    with pytest.raises(WorkbookError, match="unpacks to more"):
        zipped(one=b" " * (4 * SMALL)).bytes_of("one")
    assert len(zipped(one=b" " * SMALL).bytes_of("one")) == SMALL


@for_each("how", [ZIP_BZIP2, ZIP_LZMA])
def test_a_part_packed_as_no_program_does_is_refused(how):
    with pytest.raises(WorkbookError, match="packed in an unusual way"):
        zipped(how, one=b"<a/>").bytes_of("one")
    assert zipped(ZIP_STORED, one=b"<a/>").bytes_of("one") == b"<a/>"


def test_a_missing_part_is_named():
    with pytest.raises(WorkbookError, match="two is missing"):
        zipped(one=b"").bytes_of("two")


def test_elements_are_told_even_where_pieces_cut_them():
    assert tags(b"<a><b", b"/><c>", b"</c></a>") == ["a", "b", "c"]


@for_each(
    ("text", "why"),
    [
        (b"<!DOCTYPE a [<!ENTITY e 'x'>]><a>&e;</a>", "entities"),
        (b"<a>" * (limits.DEPTH.most + 1), "too deeply"),
        (b"<a>\n<b></a>", "isn't XML .line 2"),
        (b"<?xml version='1.0' encoding='nonsense'?><a/>", "part"),
    ],
)
def test_what_is_wrong_with_xml_becomes_one_line(text, why):
    with pytest.raises(WorkbookError, match=why):
        tags(text)


def test_elements_are_counted_before_they_are_read(monkeypatch):
    monkeypatch.setattr(limits.ELEMENTS, "most", 10)
    zipped(one=b"<a>" + b"<b/>" * 9 + b"</a>").parse("one", lambda *_: None)
    with pytest.raises(WorkbookError, match="10 elements"):
        zipped(one=b"<a>" + b"<b/>" * 10 + b"</a>").refuse_very_many("one")


def test_relations_lead_from_one_part_to_another():
    assert relations_part("xl/workbook.xml") == "xl/_rels/workbook.xml.rels"
    assert resolve_target("xl/worksheets/sheet1.xml", "../comments1.xml") == "xl/comments1.xml"
    assert resolve_target("xl/workbook.xml", "/xl/styles.xml") == "xl/styles.xml"
    assert resolve_target("xl/workbook.xml", "../../../outside.xml") == "outside.xml"
    assert local("x:row") == local("row") == "row"


@for_each(
    ("name", "content", "remedy"),
    [
        ("a.csv", b"w1,w2\n0.1,0.2\n", "contains values but no formulas"),
        ("a.csv", b'w1,w2\n0.1,"=A2*2"\n', "save it as .xlsx or .ods"),
        ("a.tsv", b"w1\tw2\n0.1\t=A2*2\n", "its formulas only as text"),
        ("a.fods", b"<office:document/>", "Save As, .ods"),
        ("a.gsheet", b'{"url": "https://docs.google.com/"}', "Download, Microsoft Excel"),
        ("a.xls", b"<html><table></table></html>", "save it as .xlsx"),
        ("a.XLS", OLE + bytes(512), "an old .xls"),
        ("a.numbers", b"no archive", "Export To, Excel"),
    ],
)
def test_what_other_programs_save_is_refused_with_what_to_do(name, content, remedy, tmp_path):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(WorkbookError, match=remedy), package(path):
        pass
