"""Files that are no workbooks, broken ones and hostile ones, by what is odd about them."""

from __future__ import annotations

import os
import random
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

from xlsxwriter import Workbook

from gradbook.cells.formula.address import MOST_ROWS
from tests.audit.material import opendocument
from tests.audit.material.copies import WRONG
from tests.audit.material.lookalikes import book

OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
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
    f'<Relationship Id="rId1" Type="{OFFICE}/worksheet" Target="{{target}}" {{mode}}/>'
    f'<Relationship Id="rId2" Type="{OFFICE}/sharedStrings" Target="sharedStrings.xml"/>'
    "</Relationships>"
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
    "zip bomb": {"sheet": b"<worksheet>" + b" " * 60_000_000},
    "bomb of strings": {"strings": "<sst>" + "<si><t>a</t></si>" * 300_000 + "</sst>"},
}

ODD = {
    "a cell beyond the sheet": SHEET.format(rows='<row r="1"><c r="ZZZ9999999"><v>1</v></c></row>'),
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
    "array off the sheet": SHEET.format(
        rows='<row r="1048576"><c r="A1048576"><f t="array" ref="A1:B2">A1:B2*2</f></c></row>'
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
    "LET of nothing": formula("LET()"),
    "LET of a pair": formula("LET(x,1)"),
    "runs a program": formula("cmd|'/c calc'!A1"),
    "refers to itself": formula("A1+1"),
    "errors": formula("#REF!+#N/A"),
    "unknown function": formula("LAMBDA(x,x+1)(2)"),
    "unclosed text": formula('"abc'),
    "control characters": formula("1+&#1;"),
}

HOSTILE_WORDS = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "\x1b[2J\x1b]0;owned\x07",
    "\u202egnp.exe\u2066",
    "=cmd|'/c calc'!A0",
    "@SUM(1+1)*cmd|'/c calc'!A0",
    "two\nlines\r\nand\ttabs",
    "\U0001f600" * 500,
    "../../../../etc/passwd",
    "%s%s%n{0.__class__}",
)


def _with_a_long_attribute() -> str:
    """A reader of pieces begins it anew with each; it isn't packed as tightly as a bomb."""
    return f'<sst xmlns="{random.Random(1).randbytes(2**23).hex()}"/>'


def _row_of_tiny_elements() -> str:
    """Two million elements that say nothing, and don't pack as tightly as a bomb."""
    draw = random.Random(1)
    return "".join(f"<a{draw.getrandbits(18)}/>" for _ in range(1_500_000))


def _deep(count: int) -> str:
    draw = random.Random(2)
    return "".join(f"<a{draw.getrandbits(18)}>" for _ in range(count))


def _million_rows(path: Path) -> None:
    rows = "".join(f'<row r="{r}"><c r="A{r}"><v>1</v></c></row>' for r in range(1, 1_048_577))
    package(path, sheet=SHEET.format(rows=rows))


def _many_names(text: Callable[[int], str]) -> str:
    names = "".join(f'<definedName name="n{k}">{text(k)}</definedName>' for k in range(20_000))
    return BOOK.format(title="S", more=f"<definedNames>{names}</definedNames>")


def _overlapping(path: Path) -> None:
    """A zip whose entries all unpack the same bytes."""
    package(path, sheet=SHEET.format(rows=" " * 60_000_000))
    data = path.read_bytes()
    entry = data.index(b"PK\x01\x02", data.index(b"sheet1.xml") + 1)
    path.write_bytes(data[:entry] + data[entry:] * 3)


def _twice(path: Path) -> None:
    """A zip with two parts of one name."""
    package(path, sheet=formula("1+1"))
    with zipfile.ZipFile(path, "a") as archive:
        import warnings

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            archive.writestr("xl/worksheets/sheet1.xml", SHEET.format(rows="<row"))


def _encrypted_part(path: Path) -> None:
    """A zip whose parts say that they are encrypted."""
    package(path, sheet=formula("1+1"))
    data = bytearray(path.read_bytes())
    for mark, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = data.find(mark)
        while at >= 0:
            data[at + flags] |= 1
            at = data.find(mark, at + 4)
    path.write_bytes(bytes(data))


def _wrong_sum(path: Path) -> None:
    """A part whose checksum is another one."""
    package(path, sheet=formula("1+1"))
    data = bytearray(path.read_bytes())
    at = data.rindex(b"PK\x01\x02")
    data[at + 16] ^= 0xFF
    path.write_bytes(bytes(data))


def _cut(path: Path) -> None:
    book(path, WRONG)
    path.write_bytes(path.read_bytes()[:-2000])


def _in_a_circle(path: Path) -> None:
    written(
        path,
        *((f"A{k}", f"=A{k % 500 + 1}-0.1*B{k}") for k in range(1, 501)),
        *((f"B{k}", f"=A{k}^2") for k in range(1, 501)),
    )


def _open_document(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("content.xml", "<office:document-content/>")


def _hostile_words(words: str) -> Callable[[Path], object]:
    """A wrong book whose headings, title and names are these words, as far as a file takes them."""

    def make(path: Path) -> None:
        plain = {name: f"{words} {name}" for name in ("w3", "\u2202E/\u2202w3", "a_h1", "a_h2")}
        try:
            book(path, WRONG, headings=plain)
        except (UnicodeEncodeError, ValueError):
            book(path, WRONG)

    return make


def _long_line(path: Path) -> None:
    """One weight after the other for as long as a sheet is wide, each a sum over all before."""
    with Workbook(str(path)) as workbook:
        sheet = workbook.add_worksheet()
        sheet.write(0, 0, 1.0)
        for k in range(1, 3000):
            sheet.write_formula(0, k, f"=A1-SUM($A$1:$A${k})", None, 1)


def _named_pipe(path: Path) -> None:
    os.mkfifo(path)


def _repeated(cell: str, rows: int = MOST_ROWS) -> Callable[[Path], object]:
    """One cell that fills a sheet."""
    return lambda path: opendocument.saved(
        path, opendocument.content(opendocument.sheet(opendocument.row(cell, repeated=rows)))
    )


FULL_ROW = ' table:number-columns-repeated="16384"'
FULL_MATRIX = (
    ' table:number-matrix-columns-spanned="16384" table:number-matrix-rows-spanned="1048576"'
)
FILES: dict[str, Callable[[Path], object]] = {
    "a million rows": _million_rows,
    "a million cells": lambda path: package(
        path,
        sheet=SHEET.format(
            rows="".join(f'<row r="{r}"><c r="A{r}"><v>1</v></c></row>' for r in range(1, 260_000))
        ),
    ),
    "entries on top of each other": _overlapping,
    "a part that is there twice": _twice,
    "encrypted parts": _encrypted_part,
    "a wrong checksum": _wrong_sum,
    "the end is missing": _cut,
    "cells in a circle": _in_a_circle,
    "ods": _open_document,
    "ods of one number": _repeated(opendocument.number(1, more=FULL_ROW)),
    "ods of one text": _repeated(
        opendocument.text(f"<text:p>{'word' * 5000}</text:p>", more=FULL_ROW)
    ),
    "ods of one formula": _repeated(opendocument.number(1, "of:=[.A1]+[.B2]*2", FULL_ROW)),
    "ods of one long formula": _repeated(
        opendocument.number(1, "of:=" + "+".join(["[$S.A1]"] * 2000), FULL_ROW)
    ),
    "ods of one matrix": _repeated(opendocument.number(1, "of:=[.A1:.B2]*2", FULL_MATRIX)),
    "ods of spaces": _repeated(
        opendocument.text('<text:p><text:s text:c="99999999"/></text:p>', more=FULL_ROW)
    ),
    "ods with numbers that are none": lambda path: opendocument.saved(
        path,
        opendocument.content(
            opendocument.sheet(
                "".join(opendocument.row(opendocument.number(n, "of:=1")) for n in NUMBERS)
            )
        ),
    ),
    "ods of very many names": lambda path: opendocument.saved(
        path,
        opendocument.content(
            opendocument.sheet(opendocument.row(opendocument.number(1, "of:=n1+n19999")))
            + "".join(
                f'<table:named-expression table:name="n{k}" '
                f'table:expression="of:={"[$S.A1];" * 500}{k}"/>'
                for k in range(20_000)
            )
        ),
    ),
    "a line of sums": _long_line,
    "a named pipe": _named_pipe,
    "one long attribute": lambda path: package(path, strings=_with_a_long_attribute()),
    "tiny elements": lambda path: package(path, sheet=SHEET.format(rows=_row_of_tiny_elements())),
    "very deep XML": lambda path: package(path, sheet=_deep(1_500_000)),
    "attributes without end": lambda path: package(
        path, sheet="<worksheet " + " ".join(f'a{k}="{k}"' for k in range(200_000)) + "/>"
    ),
    "one endless attribute": lambda path: package(
        path,
        sheet=SHEET.format(rows=f'<row r="1" x="{random.Random(3).randbytes(4 << 20).hex()}"/>'),
    ),
    "twenty thousand names": lambda path: package(
        path, book=_many_names(lambda k: f"S!$A${k + 1}"), sheet=formula("n1+n19999")
    ),
    "names in a circle": lambda path: package(
        path, book=_many_names(lambda k: f"n{(k + 1) % 20_000}"), sheet=formula("n0+1")
    ),
    "thousands of sheets": lambda path: package(
        path,
        book=BOOK.format(title="S", more="").replace(
            "<sheets>",
            "<sheets>" + "".join(f'<sheet name="S{k}" r:id="rId1"/>' for k in range(3000)),
        ),
        sheet=formula("1+1"),
    ),
    "arrays over arrays": lambda path: package(
        path,
        sheet=SHEET.format(
            rows="".join(
                f'<row r="{r}"><c r="A{r}"><f t="array" ref="A{r}:ZZ{r + 20}">B1:C2*2</f></c></row>'
                for r in range(1, 400)
            )
        ),
    ),
    "a matrix product of everything": lambda path: package(
        path, sheet=formula("MMULT(A1:ALL1000,A1:ALL1000)")
    ),
    "IF in IF": lambda path: package(path, sheet=formula("IF(A2," * 1000 + "1" + ",0)" * 1000)),
    "LET in LET": lambda path: package(path, sheet=formula("LET(x,1," * 500 + "x" + ")" * 500)),
    "powers of powers": lambda path: package(path, sheet=formula("9^9" * 1 + "^9" * 3000)),
    "numbers that are none": lambda path: package(
        path,
        sheet=SHEET.format(
            rows='<row r="1">'
            + "".join(f'<c r="{c}1"><v>{v}</v></c>' for c, v in zip("ABCDEF", NUMBERS, strict=True))
            + '<c r="G1"><f>A1+B1+C1+D1+E1+F1</f></c></row>'
        ),
    ),
    **{f"words {k}": _hostile_words(words) for k, words in enumerate(HOSTILE_WORDS)},
}
NUMBERS = ("1e999", "nan", "-inf", "0x10", "1_000", "\u0661")
