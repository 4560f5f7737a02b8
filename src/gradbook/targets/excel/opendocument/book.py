"""Writes the file: the parts of an OpenDocument spreadsheet, of what its sheets were told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import Any
from xml.sax.saxutils import escape
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

from gradbook.archives import FIRST_DAY
from gradbook.targets.excel.opendocument.charts import OpenChart
from gradbook.targets.excel.opendocument.formulas import open_range
from gradbook.targets.excel.opendocument.rules import conditional_formats, validations
from gradbook.targets.excel.opendocument.sheet import OpenFormat, OpenPicture, OpenSheet
from gradbook.targets.excel.opendocument.styles import cell_style, number_style, tag
from gradbook.targets.excel.opendocument.table import SheetTable, SheetWords

KIND = "application/vnd.oasis.opendocument.spreadsheet"
CHART_KIND = "application/vnd.oasis.opendocument.chart"
VERSION = "1.3"
USUAL_HEIGHT = 15.0  # points
_OASIS = "urn:oasis:names:tc:opendocument:xmlns:"
_SPACES = {
    "office": f"{_OASIS}office:1.0",
    "table": f"{_OASIS}table:1.0",
    "text": f"{_OASIS}text:1.0",
    "style": f"{_OASIS}style:1.0",
    "draw": f"{_OASIS}drawing:1.0",
    "number": f"{_OASIS}datastyle:1.0",
    "chart": f"{_OASIS}chart:1.0",
    "config": f"{_OASIS}config:1.0",
    "meta": f"{_OASIS}meta:1.0",
    "manifest": f"{_OASIS}manifest:1.0",
    "fo": f"{_OASIS}xsl-fo-compatible:1.0",
    "svg": f"{_OASIS}svg-compatible:1.0",
    "of": f"{_OASIS}of:1.2",
    "xlink": "http://www.w3.org/1999/xlink",
    "dc": "http://purl.org/dc/elements/1.1/",
    "calcext": "urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0",
}
_DECLARED = "".join(f' xmlns:{prefix}="{name}"' for prefix, name in _SPACES.items())
_XML = '<?xml version="1.0" encoding="UTF-8"?>\n'


def _begin(root: str) -> str:
    return f'{_XML}<office:{root}{_DECLARED} office:version="{VERSION}">'


class OpenBook:
    """A workbook that is told like xlsxwriter's, and becomes an OpenDocument spreadsheet."""

    def __init__(self) -> None:
        self.sheets: list[OpenSheet] = []
        self.formats: list[OpenFormat] = []
        self.names: dict[str, str] = {}
        self.properties: Mapping[str, str] = {}

    def add_worksheet(self, name: str) -> OpenSheet:
        self.sheets.append(OpenSheet(name))
        return self.sheets[-1]

    def get_worksheet_by_name(self, name: str) -> OpenSheet:
        return next(sheet for sheet in self.sheets if sheet.name == name)

    def add_format(self, properties: Mapping[str, Any]) -> OpenFormat:
        self.formats.append(OpenFormat(properties, len(self.formats)))
        return self.formats[-1]

    def add_chart(self, wanted: dict[str, Any]) -> OpenChart:
        return OpenChart(wanted)

    def define_name(self, name: str, place: str) -> None:
        self.names[name] = place

    def set_properties(self, properties: Mapping[str, str]) -> None:
        self.properties = properties

    def content(self) -> bytes:
        return _Package(self).content()


class _Package:
    """The parts of one file."""

    def __init__(self, book: OpenBook) -> None:
        self.book = book
        self.objects: dict[str, OpenChart] = {}
        self.pictures: dict[str, bytes] = {}
        self.lines: dict[tuple[str, float | None, bool], str] = {}
        self.digits: dict[str, str] = {}

    def content(self) -> bytes:
        memory = BytesIO()
        with ZipFile(memory, "w", ZIP_DEFLATED) as file:
            self._add(file, "mimetype", KIND, ZIP_STORED)  # first and as it is, to be known by
            self._add(file, "content.xml", self._content())
            self._add(file, "styles.xml", self._styles())
            self._add(file, "settings.xml", self._settings())
            self._add(file, "meta.xml", self._meta())
            for name, chart in self.objects.items():
                self._add(file, f"{name}/content.xml", chart.content(_begin("document-content")))
            for name, picture in self.pictures.items():
                self._add(file, name, picture, ZIP_STORED)
            self._add(file, "META-INF/manifest.xml", self._manifest())
        return memory.getvalue()

    @staticmethod
    def _add(file: ZipFile, name: str, content: str | bytes, packing: int = ZIP_DEFLATED) -> None:
        file.writestr(ZipInfo(name, FIRST_DAY), content, packing)

    # Cells -------------------------------------------------------------------

    def _content(self) -> str:
        asked, named = validations(self.book.sheets)
        tables = [
            self._table(*each) for each in enumerate(zip(self.book.sheets, named, strict=True))
        ]
        used = "".join(map(self._cell_style, self.book.formats))
        sheets = "".join(self._sheet_style(k, sheet) for k, sheet in enumerate(self.book.sheets))
        styles = "".join(self._line_style(*said) for said in self.lines.items())
        numbers = "".join(number_style(name, shown) for shown, name in self.digits.items())
        return (
            f"{_begin('document-content')}"
            f"<office:automatic-styles>{numbers}{used}{sheets}{styles}</office:automatic-styles>"
            f"<office:body><office:spreadsheet>{asked}{''.join(tables)}{self._names()}"
            "</office:spreadsheet></office:body></office:document-content>"
        )

    def _table(self, number: int, told: tuple[OpenSheet, Mapping[tuple[int, int], str]]) -> str:
        sheet, asked = told
        words = SheetWords(_own_style, self._line, self._part, asked, f"page{number}")
        table = SheetTable(sheet, words)
        content = f"{table.columns()}{''.join(table.rows())}"
        rules = conditional_formats(sheet, _shared_style)
        named = {"table:name": sheet.name, "table:style-name": f"sheet{number}"}
        return tag("table:table", named, content + rules)

    def _line(self, way: str, size: float | None, is_first: bool) -> str:
        """The style of a column or a row, by its size and whether a page begins with it."""
        return self.lines.setdefault((way, size, is_first), f"{way}{len(self.lines)}")

    def _part(self, over: OpenChart | OpenPicture) -> str:
        if isinstance(over, OpenChart):
            name = f"Object {len(self.objects) + 1}"
            self.objects[name] = over
            return f"./{name}"
        name = f"Pictures/{len(self.pictures) + 1}.png"
        self.pictures[name] = over.content
        return name

    def _names(self) -> str:
        ranges = "".join(
            tag(
                "table:named-range",
                {
                    "table:name": name,
                    "table:cell-range-address": open_range(place),
                    "table:base-cell-address": open_range(place).partition(":")[0],
                },
            )
            for name, place in self.book.names.items()
        )
        return tag("table:named-expressions", {}, ranges) if ranges else ""

    # Styles ------------------------------------------------------------------

    def _cell_style(self, style: OpenFormat, name: str = "") -> str:
        shown = style.properties.get("num_format")
        digits = self.digits.setdefault(shown, f"digits{len(self.digits)}") if shown else None
        return cell_style(name or _own_style(style), style.properties, digits)

    def _sheet_style(self, number: int, sheet: OpenSheet) -> str:
        named = {
            "style:name": f"sheet{number}",
            "style:family": "table",
            "style:master-page-name": f"page{number}",
        }
        shown = {"table:display": "false" if sheet.is_hidden else "true"}
        return tag("style:style", named, tag("style:table-properties", shown))

    @staticmethod
    def _line_style(told: tuple[str, float | None, bool], name: str) -> str:
        way, size, is_first = told
        said: dict[str, object] = {"fo:break-before": "page" if is_first else "auto"}
        if way == "column":
            said["style:column-width"] = f"{size:.4f}in"
        else:
            said["style:row-height"] = f"{USUAL_HEIGHT if size is None else size:g}pt"
            said["style:use-optimal-row-height"] = "false"
        named = {"style:name": name, "style:family": f"table-{way}"}
        return tag("style:style", named, tag(f"style:table-{way}-properties", said))

    def _styles(self) -> str:
        """The styles that rules mention, and the pages: all that has to have a name for all."""
        ruled = [
            rule["format"]
            for sheet in self.book.sheets
            for rules in sheet.rules.values()
            for rule in rules
            if "format" in rule
        ]
        shared = [self._cell_style(style, _shared_style(style)) for style in dict.fromkeys(ruled)]
        numbers = "".join(
            number_style(self.digits[shown], shown)
            for shown in dict.fromkeys(style.properties.get("num_format") for style in ruled)
            if shown
        )
        pages = [sheet.page for sheet in self.book.sheets]
        layouts = "".join(page.layout(f"layout{k}") for k, page in enumerate(pages))
        masters = "".join(page.master(f"page{k}", f"layout{k}") for k, page in enumerate(pages))
        return (
            f"{_begin('document-styles')}<office:styles>{_DEFAULT}{numbers}{''.join(shared)}"
            f"</office:styles><office:automatic-styles>{layouts}</office:automatic-styles>"
            f"<office:master-styles>{masters}</office:master-styles></office:document-styles>"
        )

    # Beside the cells --------------------------------------------------------

    def _settings(self) -> str:
        """What is shown first, and which rows and columns stay where they are."""
        tables = "".join(
            tag("config:config-item-map-entry", {"config:name": sheet.name}, _view(sheet))
            for sheet in self.book.sheets
        )
        views = tag("config:config-item-map-named", {"config:name": "Tables"}, tables)
        first = next(sheet.name for sheet in self.book.sheets if not sheet.is_hidden)
        active = _setting("ActiveTable", "string", first)
        entry = tag("config:config-item-map-entry", {}, active + views)
        indexed = tag("config:config-item-map-indexed", {"config:name": "Views"}, entry)
        whole = tag("config:config-item-set", {"config:name": "ooo:view-settings"}, indexed)
        return (
            f"{_begin('document-settings')}<office:settings>{whole}</office:settings>"
            "</office:document-settings>"
        )

    def _meta(self) -> str:
        words = {
            "title": "dc:title",
            "subject": "dc:subject",
            "comments": "dc:description",
            "keywords": "meta:keyword",
        }
        said = "".join(
            f"<{words[key]}>{escape(text)}</{words[key]}>"
            for key, text in self.book.properties.items()
        )
        return (
            f"{_begin('document-meta')}<office:meta><meta:generator>gradbook</meta:generator>"
            f"{said}</office:meta></office:document-meta>"
        )

    def _manifest(self) -> str:
        parts = {"/": KIND}
        parts |= dict.fromkeys(
            ("content.xml", "styles.xml", "settings.xml", "meta.xml"), "text/xml"
        )
        for name in self.objects:
            parts |= {f"{name}/": CHART_KIND, f"{name}/content.xml": "text/xml"}
        parts |= dict.fromkeys(self.pictures, "image/png")
        entries = (
            tag(
                "manifest:file-entry",
                {
                    "manifest:full-path": path,
                    "manifest:version": VERSION if path.endswith("/") else None,
                    "manifest:media-type": kind,
                },
            )
            for path, kind in parts.items()
        )
        said = f'xmlns:manifest="{_SPACES["manifest"]}" manifest:version="{VERSION}"'
        return f"{_XML}<manifest:manifest {said}>{''.join(entries)}</manifest:manifest>"


_DEFAULT = tag(
    "style:style",
    {"style:name": "Default", "style:family": "table-cell"},
    tag("style:text-properties", {"fo:font-family": "Calibri", "fo:font-size": "11pt"}),
)


def _own_style(style: OpenFormat) -> str:
    return f"cell{style.number}"


def _shared_style(style: OpenFormat) -> str:
    return f"rule{style.number}"


def _setting(name: str, kind: str, value: object) -> str:
    return tag("config:config-item", {"config:name": name, "config:type": kind}, escape(str(value)))


def _view(sheet: OpenSheet) -> str:
    """How a sheet stands in its window."""
    said: Sequence[tuple[str, str, object]] = (
        ("ZoomType", "short", 0),
        ("ZoomValue", "int", sheet.zoom),
        ("ShowGrid", "boolean", str(sheet.has_grid).lower()),
    )
    content = "".join(_setting(*each) for each in said)
    if sheet.frozen is None:
        return content
    row, column = sheet.frozen
    frozen: Sequence[tuple[str, str, object]] = (
        ("HorizontalSplitMode", "short", 2 * bool(column)),
        ("VerticalSplitMode", "short", 2 * bool(row)),
        ("HorizontalSplitPosition", "int", column),
        ("VerticalSplitPosition", "int", row),
        ("ActiveSplitRange", "short", 3 if row and column else 2 if row else 1),
        ("PositionLeft", "int", 0),
        ("PositionRight", "int", column),
        ("PositionTop", "int", 0),
        ("PositionBottom", "int", row),
    )
    return content + "".join(_setting(*each) for each in frozen)
