"""Charts as the objects that OpenDocument embeds: what they draw are cells, so they follow them."""

from __future__ import annotations

from typing import Any
from xml.sax.saxutils import escape

from xlsxwriter.utility import quote_sheetname, xl_range_abs

from gradbook.targets.excel.opendocument.formulas import open_range
from gradbook.targets.excel.opendocument.styles import tag

AN_INCH = 96  # pixels
KINDS = {"scatter": "chart:scatter", "bar": "chart:bar"}


class OpenChart:
    """A chart, told as xlsxwriter is told of one."""

    def __init__(self, wanted: dict[str, Any]) -> None:
        self.kind = str(wanted["type"])
        self.series: list[dict[str, Any]] = []
        self.title: dict[str, Any] = {}
        self.axes: dict[str, dict[str, Any]] = {"x": {}, "y": {}}
        self.legend: dict[str, Any] = {}
        self.border = ""
        self.size = {"width": 480, "height": 288}

    def add_series(self, wanted: dict[str, Any]) -> None:
        self.series.append(wanted)

    def set_title(self, wanted: dict[str, Any]) -> None:
        self.title = wanted

    def set_x_axis(self, wanted: dict[str, Any]) -> None:
        self.axes["x"] = wanted

    def set_y_axis(self, wanted: dict[str, Any]) -> None:
        self.axes["y"] = wanted

    def set_legend(self, wanted: dict[str, Any]) -> None:
        self.legend = wanted

    def set_size(self, wanted: dict[str, int]) -> None:
        self.size = wanted

    def set_chartarea(self, wanted: dict[str, Any]) -> None:
        self.border = wanted["border"]["color"]

    def show_na_as_empty_cell(self) -> None:
        """Nothing else is done with it here."""

    # What it says ------------------------------------------------------------

    @property
    def extent(self) -> dict[str, str]:
        return {f"svg:{way}": f"{pixels / AN_INCH:g}in" for way, pixels in self.size.items()}

    def cells(self) -> list[str]:
        """All that it draws."""
        return [_cells(each[which]) for each in self.series for which in ("values", "categories")]

    def content(self, begin: str) -> str:
        """The part of the file in which it stands."""
        styles = [self._frame_style(), self._title_style(), self._plot_style()]
        styles += [self._axis_style(way) for way in self.axes] + [self._grid_style()]
        styles += [self._series_style(number) for number in range(len(self.series))]
        parts = [self._title(), self._legend(), self._plot()]
        chart = tag(
            "chart:chart",
            {"chart:class": KINDS[self.kind], "chart:style-name": "frame", **self.extent},
            "".join(parts),
        )
        return (
            f"{begin}<office:automatic-styles>{''.join(styles)}</office:automatic-styles>"
            f"<office:body><office:chart>{chart}</office:chart></office:body>"
            "</office:document-content>"
        )

    def _title(self) -> str:
        words = f"<text:p>{escape(self.title['name'])}</text:p>"
        return tag("chart:title", {"chart:style-name": "title"}, words)

    def _legend(self) -> str:
        if self.legend.get("none"):
            return ""
        return tag("chart:legend", {"chart:legend-position": "end", "chart:style-name": "words"})

    def _plot(self) -> str:
        series = "".join(map(self._one, self.series))
        axes = "".join(map(self._axis, self.axes))
        wall = tag("chart:wall", {"chart:style-name": "wall"})
        return tag("chart:plot-area", {"chart:style-name": "plot"}, axes + series + wall)

    def _axis(self, way: str) -> str:
        wanted, content = self.axes[way], ""
        if "name" in wanted:
            words = f"<text:p>{escape(wanted['name'])}</text:p>"
            content += tag("chart:title", {"chart:style-name": "words"}, words)
        if way == "x" and self.kind != "scatter":
            cells = _cells(self.series[0]["categories"])
            content += tag("chart:categories", {"table:cell-range-address": cells})
        if wanted.get("major_gridlines", {}).get("visible", way == "y"):
            content += tag("chart:grid", {"chart:class": "major", "chart:style-name": "grid"})
        named = {"chart:dimension": way, "chart:name": f"primary-{way}"}
        return tag("chart:axis", {**named, "chart:style-name": way}, content)

    def _one(self, wanted: dict[str, Any]) -> str:
        name = wanted.get("name", "")
        said = {
            "chart:style-name": f"series{self.series.index(wanted)}",
            "chart:values-cell-range-address": _cells(wanted["values"]),
            "chart:label-cell-address": _cells(name) if name.startswith("=") else None,
            "chart:class": KINDS[self.kind],
        }
        if self.kind != "scatter":
            return tag("chart:series", said)
        across = {"table:cell-range-address": _cells(wanted["categories"])}
        return tag("chart:series", said, tag("chart:domain", across))

    # How it looks ------------------------------------------------------------

    def _frame_style(self) -> str:
        line = {"draw:stroke": "solid", "svg:stroke-color": self.border} if self.border else {}
        filled = {"draw:fill": "solid", "draw:fill-color": "#FFFFFF"}
        return _style("frame", {}, {**(line or {"draw:stroke": "none"}), **filled})

    def _title_style(self) -> str:
        font = self.title.get("name_font", {})
        axis = self.axes["y"].get("name_font", {})
        return _style("title", {}, {}, _font(font)) + _style("words", {}, {}, _font(axis))

    def _plot_style(self) -> str:
        said = {"chart:include-hidden-cells": "true", "chart:treat-empty-cells": "leave-gap"}
        if self.kind == "scatter":
            said |= {"chart:symbol-type": "none", "chart:interpolation": "none"}
        else:
            said["chart:vertical"] = "true"  # bars lie
        wall = _style("wall", {}, {"draw:stroke": "none", "draw:fill": "none"})
        return _style("plot", said, {}) + wall

    def _axis_style(self, way: str) -> str:
        # A chart of lying bars calls the axis of its values y.
        other = {"x": "y", "y": "x"}[way]
        wanted = self.axes[way if self.kind == "scatter" else other]
        said: dict[str, object] = {
            "chart:display-label": "true",
            "chart:tick-marks-major-outer": "true",
            "chart:logarithmic": "true" if "log_base" in wanted else "false",
            "chart:axis-position": "start",
            "chart:link-data-style-to-source": "false",
        }
        said |= {f"chart:{end}imum": wanted[end] for end in ("min", "max") if end in wanted}
        if wanted.get("reverse"):
            said["chart:reverse-direction"] = "true"
        ink = wanted.get("line", {}).get("color")
        line = {"draw:stroke": "solid", "svg:stroke-color": ink} if ink else {}
        return _style(way, said, line, _font(wanted.get("num_font", {})))

    def _grid_style(self) -> str:
        line = self.axes["y"].get("major_gridlines", {}).get("line", {})
        ink, width = line.get("color", "#D9D9D9"), line.get("width", 0.75)
        return _style("grid", {}, {"svg:stroke-color": ink, "svg:stroke-width": f"{width}pt"})

    def _series_style(self, number: int) -> str:
        wanted, name = self.series[number], f"series{number}"
        if "fill" in wanted:
            return _style(name, {"chart:gap-width": wanted.get("gap", 100)}, _filled(wanted))
        line = {
            "draw:stroke": "solid",
            "svg:stroke-color": wanted["line"]["color"],
            "svg:stroke-width": f"{wanted['line']['width']}pt",
        }
        return _style(name, {"chart:symbol-type": "none"}, line)


def _filled(wanted: dict[str, Any]) -> dict[str, object]:
    ink = wanted["fill"]["color"]
    return {"draw:fill": "solid", "draw:fill-color": ink, "draw:stroke": "none"}


def _style(
    name: str,
    chart: dict[str, Any],
    graphic: dict[str, Any],
    letters: dict[str, object] | None = None,
) -> str:
    parts = {
        "style:chart-properties": chart,
        "style:graphic-properties": graphic,
        "style:text-properties": letters,
    }
    content = "".join(tag(word, said) for word, said in parts.items() if said)
    return tag("style:style", {"style:name": name, "style:family": "chart"}, content)


def _font(wanted: dict[str, Any]) -> dict[str, object]:
    said: dict[str, object] = {}
    if "size" in wanted:
        said["fo:font-size"] = f"{wanted['size']}pt"
    if "color" in wanted:
        said["fo:color"] = wanted["color"]
    return said


def _cells(said: str | list[Any]) -> str:
    """Cells that are named in words, or by their sheet and corners."""
    if isinstance(said, list):
        sheet, *corners = said
        said = f"{quote_sheetname(sheet)}!{xl_range_abs(*corners)}"
    return open_range(said).replace("$", "")
