"""A book with all that people put beside a table, and what its package holds."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

from openpyxl import load_workbook
from PIL import Image
from xlsxwriter import Workbook

from tests.audit.material.lookalikes import FORMULAS, TOP, book, letter

WRONG = {"∂E/∂w3": FORMULAS["∂E/∂w3"].replace("{a_h2}*(1-{a_h2})", "{a_h1}*(1-{a_h1})")}
COLUMN = letter("∂E/∂w3")
FIRST, NOTED = f"{COLUMN}{TOP + 2}", f"{COLUMN}{TOP + 3}"  # wrong cells; the second has a note
SHEET = "xl/worksheets/sheet1.xml"


def rich(path: Path, changed: dict[str, str] = WRONG, **named: object) -> Path:
    """A book with a chart, a picture, notes, sparklines, colours by rule and another sheet."""
    return book(path, changed, dressed=_dress, **named)  # type: ignore[arg-type]


def _dress(workbook: Workbook) -> None:
    sheet = workbook.worksheets()[0]
    chart = workbook.add_chart({"type": "line"})
    chart.add_series({"values": f"=Sheet1!$X${TOP + 2}:$X${TOP + 7}"})
    sheet.insert_chart("B20", chart)
    picture = BytesIO()
    Image.new("RGB", (8, 8), "teal").save(picture, "PNG")
    sheet.insert_image("K20", "teal.png", {"image_data": picture})
    sheet.write_comment(NOTED, "is this right?", {"author": "Ada"})
    sheet.write_comment("B2", "the rate", {"author": "Ada"})
    sheet.conditional_format("B6:AF11", {"type": "3_color_scale"})
    sheet.add_sparkline("A6", {"range": "Sheet1!X6:X11"})
    sheet.insert_textbox("P20", "a shape with words")
    sheet.data_validation("C2", {"validate": "decimal", "criteria": ">", "value": 0})
    sheet.write_url("A40", "https://example.org/", string="where it comes from")
    sheet.merge_range("A42:D42", "one heading over four columns")
    sheet.set_row(43, 30)
    sheet.freeze_panes(5, 1)
    sheet.print_area("A1:AF12")
    workbook.define_name("rate", "=Sheet1!$C$2")
    sheet.set_column("B:AF", 9, workbook.add_format({"num_format": "0.0000", "italic": True}))
    workbook.add_worksheet("Remarks").write("A1", "<b>nothing & else</b>")


def with_parts_nobody_knows(content: dict[str, bytes]) -> None:
    """What other programs put into a package: programs, people, their own data."""
    content["xl/vbaProject.bin"] = bytes(range(256)) * 20
    content["customXml/item1.xml"] = b'<own xmlns="urn:x">\r\n <data/>  </own>'
    content["xl/persons/person.xml"] = b'<?xml version="1.0"?>\n<personList xmlns="urn:p"/>'
    content["xl/threadedComments/threadedComment1.xml"] = b"<ThreadedComments/>"
    put(
        "[Content_Types].xml",
        "</Types>",
        '<Default Extension="bin" ContentType="application/vnd.ms-office.vbaProject"/></Types>',
    )(content)


def parts(path: Path) -> dict[str, bytes]:
    with ZipFile(path) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def repacked(path: Path, change: Callable[[dict[str, bytes]], None]) -> Path:
    """The book with some of its parts changed by hand."""
    content = parts(path)
    change(content)
    with ZipFile(path, "w", ZIP_DEFLATED) as archive:
        for name, data in content.items():
            archive.writestr(name, data)
    return path


def put(name: str, pattern: str, instead: str) -> Callable[[dict[str, bytes]], None]:
    """A change of one part: a pattern that has to be there, and what comes in its place."""

    def change(content: dict[str, bytes]) -> None:
        new, count = re.subn(pattern, instead, content[name].decode())
        assert count, pattern
        content[name] = new.encode()

    return change


def opened(path: Path, values: bool = False) -> Any:
    """The book in openpyxl, which says what it doesn't know."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return load_workbook(path, data_only=values)
