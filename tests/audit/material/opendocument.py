"""OpenDocument spreadsheets of a few lines of XML, as LibreOffice writes them."""

from __future__ import annotations

from pathlib import Path
from xml.sax.saxutils import quoteattr
from zipfile import ZIP_DEFLATED, ZipFile

TYPE = "application/vnd.oasis.opendocument.spreadsheet"
_SPACE = "urn:oasis:names:tc:opendocument:xmlns:"
SPACES = " ".join(
    f'xmlns:{short}="{_SPACE}{name}:1.0"'
    for short, name in {
        **{name: name for name in ("office", "table", "text", "style", "meta")},
        "draw": "drawing",
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
