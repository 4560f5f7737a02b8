"""OpenDocument spreadsheets of a few lines of XML, as LibreOffice writes them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from xml.sax.saxutils import quoteattr
from zipfile import ZIP_DEFLATED, ZipFile

from tests.audit.material.made import Content
from tests.audit.material.small import filled

TYPE = "application/vnd.oasis.opendocument.spreadsheet"
_SPACE = "urn:oasis:names:tc:opendocument:xmlns:"
SPACES = " ".join(
    f'xmlns:{short}="{_SPACE}{name}:1.0"'
    for short, name in {
        **{name: name for name in ("office", "table", "text", "style", "meta")},
        "draw": "drawing",
        "fo": "xsl-fo-compatible",
    }.items()
) + (
    ' xmlns:calcext="urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0"'
    ' xmlns:dc="http://purl.org/dc/elements/1.1/"'
)


def content(tables: str, styles: str = "", after: str = "", document: str = "") -> str:
    """The part with the sheets, from what stands in the spreadsheet."""
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>{document}<office:document-content {SPACES}>'
        f"<office:automatic-styles>{styles}</office:automatic-styles>"
        f"<office:body><office:spreadsheet>{tables}{after}</office:spreadsheet></office:body>"
        "</office:document-content>"
    )


def sheet(rows: str, title: str = "S", more: str = "") -> str:
    return f"<table:table table:name={quoteattr(title)}{more}>{rows}</table:table>"


def row(*cells: str, repeated: int = 1) -> str:
    times = f' table:number-rows-repeated="{repeated}"' * (repeated > 1)
    return f"<table:table-row{times}>{''.join(cells)}</table:table-row>"


def number(value: float | str, formula: str = "", more: str = "") -> str:
    said = f" table:formula={quoteattr(formula)}" if formula else ""
    return (
        f'<table:table-cell{said} office:value-type="float" office:value="{value}"{more}>'
        f"<text:p>{value}</text:p></table:table-cell>"
    )


def text(words: str, more: str = "") -> str:
    return f'<table:table-cell office:value-type="string"{more}>{words}</table:table-cell>'


def saved(path: Path, whole: str | bytes, **parts: str | bytes) -> Path:
    """The package with this content; other parts have names of their own."""
    with ZipFile(path, "w", ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", TYPE)
        archive.writestr("content.xml", whole)
        for name, data in parts.items():
            archive.writestr(name, data)
    return path


CELLS = re.compile(r"\$?[A-Z]{1,2}\$?\d+(?::\$?[A-Z]{1,2}\$?\d+)?")


def opened(path: Path, *sheets: Mapping[str, Content]) -> Path:
    """A book of these sheets; what its formulas come to is left to whoever reads them."""
    tables = (_sheet_of(filled(cells), f"Sheet{k}") for k, cells in enumerate(sheets, 1))
    return saved(path, content("".join(tables)))


def _sheet_of(cells: Mapping[tuple[int, int], Content], title: str) -> str:
    rows, columns = (max(place[k] for place in cells) + 1 for k in (0, 1))
    lines = ([_open_cell(cells.get((r, c))) for c in range(columns)] for r in range(rows))
    return sheet("".join(row(*line) for line in lines), title)


def _open_cell(content: Content | None) -> str:
    if content is None:
        return "<table:table-cell/>"
    if not isinstance(content, str):
        return number(content)
    if not content.startswith("="):
        return text(f"<text:p>{content}</text:p>")
    said = CELLS.sub(lambda found: f"[.{found[0].replace(':', ':.')}]", content[1:])
    return number(0.5, f"of:={said.replace(',', ';')}")
