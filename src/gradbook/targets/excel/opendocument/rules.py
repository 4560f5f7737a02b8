"""What cells look like under a condition, and what may be typed into them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from xml.sax.saxutils import escape

from xlsxwriter.utility import xl_range, xl_rowcol_to_cell

from gradbook.targets.excel.opendocument.formulas import open_expression, open_range
from gradbook.targets.excel.opendocument.sheet import Area, OpenFormat, OpenSheet
from gradbook.targets.excel.opendocument.styles import tag

StyleName = Callable[[OpenFormat], str]

# Looks under a condition -----------------------------------------------------
# OpenDocument itself has no scales of colours; this is LibreOffice's extension of it, which other
# programs pass over.

SCALES = ("2_color_scale", "3_color_scale")
KINDS_OF_ENDS = {"num": "number", "formula": "formula", "min": "minimum", "max": "maximum"}


def conditional_formats(sheet: OpenSheet, style_name: StyleName) -> str:
    """All rules of a sheet; of those for the same cells the first that holds counts."""
    content = "".join(
        tag(
            "calcext:conditional-format",
            {"calcext:target-range-address": _target(sheet, area)},
            "".join(_rule(sheet, area, rule, style_name) for rule in _in_order(rules)),
        )
        for area, rules in sheet.rules.items()
    )
    return tag("calcext:conditional-formats", {}, content) if content else ""


def _in_order(rules: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """A scale last: it always holds."""
    return sorted(rules, key=lambda rule: rule["type"] in SCALES)


def _target(sheet: OpenSheet, area: Area) -> str:
    return open_range(xl_range(*area), sheet.name).removeprefix("$").replace(":$", ":")


def _rule(sheet: OpenSheet, area: Area, rule: Mapping[str, Any], style_name: StyleName) -> str:
    if rule["type"] in SCALES:
        return _scale(rule)
    if rule["type"] == "data_bar":
        return _bar(rule)
    said = {
        "calcext:apply-style-name": style_name(rule["format"]),
        "calcext:value": _condition(rule),
        "calcext:base-cell-address": _target(sheet, (*area[:2], *area[:2])),
    }
    return tag("calcext:condition", said)


def _condition(rule: Mapping[str, Any]) -> str:
    match rule["type"]:
        case "cell":
            return f"{rule['criteria'].replace('==', '=')}{rule['value']:g}"
        case "text":
            return f'contains-text("{rule["value"]}")'
        case "formula":
            return f"formula-is({open_expression(rule['criteria'])})"
    raise ValueError(f"no words for a rule of the kind {rule['type']}")


def _scale(rule: Mapping[str, Any]) -> str:
    ends = ("min", "mid", "max") if rule["type"] == "3_color_scale" else ("min", "max")
    entries = (
        tag("calcext:color-scale-entry", {**_end(rule, end), "calcext:color": rule[f"{end}_color"]})
        for end in ends
    )
    return tag("calcext:color-scale", {}, "".join(entries))


def _end(rule: Mapping[str, Any], end: str) -> dict[str, object]:
    value = rule.get(f"{end}_value", 0)
    return {
        "calcext:value": open_expression(value) if isinstance(value, str) else f"{value:g}",
        "calcext:type": KINDS_OF_ENDS[rule.get(f"{end}_type", end)],
    }


def _bar(rule: Mapping[str, Any]) -> str:
    ink = rule["bar_color"]
    ends = (
        tag("calcext:formatting-entry", {"calcext:value": 0, "calcext:type": kind})
        for kind in ("number", "auto-maximum")
    )
    said = {"calcext:positive-color": ink, "calcext:gradient": "false", "calcext:max-length": 100}
    return tag("calcext:data-bar", said, "".join(ends))


# What may be typed -----------------------------------------------------------


def validations(sheets: Sequence[OpenSheet]) -> tuple[str, list[dict[tuple[int, int], str]]]:
    """The rules of all sheets, and for each sheet the cells by the names of their rules."""
    told: list[str] = []
    named: list[dict[tuple[int, int], str]] = []
    for sheet in sheets:
        own: dict[tuple[int, int], str] = {}
        for area, rule in sheet.asked:
            name = f"rule{len(told) + 1}"
            told.append(_validation(name, sheet, area, rule))
            first, left, last, right = area
            own |= {
                (row, column): name
                for row in range(first, last + 1)
                for column in range(left, right + 1)
            }
        named.append(own)
    return tag("table:content-validations", {}, "".join(told)) if told else "", named


def _validation(name: str, sheet: OpenSheet, area: Area, rule: Mapping[str, Any]) -> str:
    said = {
        "table:name": name,
        "table:condition": f"of:{_allowed(rule)}",
        "table:allow-empty-cell": "true",
        "table:base-cell-address": open_range(xl_rowcol_to_cell(*area[:2]), sheet.name),
    }
    content = ""
    if "input_message" in rule:
        shown = {"table:title": rule.get("input_title"), "table:display": "true"}
        content += tag("table:help-message", shown, _paragraph(rule["input_message"]))
    refused = {
        "table:title": rule.get("error_title"),
        "table:display": "true",
        "table:message-type": "stop",
    }
    content += tag("table:error-message", refused, _paragraph(rule.get("error_message", "")))
    return tag("table:content-validation", said, content)


def _allowed(rule: Mapping[str, Any]) -> str:
    if rule["validate"] == "list":
        return f"cell-content-is-in-list({open_expression(rule['source'])})"
    kind = {"integer": "whole", "decimal": "decimal"}[rule["validate"]]
    assert rule["criteria"] == "between"
    least, most = rule["minimum"], rule["maximum"]
    return f"cell-content-is-{kind}-number() and cell-content-is-between({least!r},{most!r})"


def _paragraph(words: str) -> str:
    return f"<text:p>{escape(words)}</text:p>" if words else ""
