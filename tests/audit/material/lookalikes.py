"""Small books like those people make: the 2-2-2 network by hand, right or with a known mistake."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from xlsxwriter import Workbook

from gradbook.audit.check_book import check
from gradbook.audit.findings import Finding

HEADINGS = [
    *("t1", "t2", "i1", "i2", "w1", "w2", "w3", "w4", "h1", "a_h1", "h2", "a_h2"),
    *("w5", "w6", "w7", "w8", "o1", "a_o1", "o2", "a_o2", "E1", "E2", "E_total"),
    *(f"∂E/∂w{k}" for k in range(1, 9)),
]
D1, D2 = (f"({{a_o{k}}}-{{t{k}}})*{{a_o{k}}}*(1-{{a_o{k}}})" for k in (1, 2))
H1, H2 = (f"{{a_h{k}}}*(1-{{a_h{k}}})" for k in (1, 2))
CONSTANTS = {
    **dict(zip(("t1", "t2", "i1", "i2"), (0.5, 0.5, 0.05, 0.1), strict=True)),
    **dict(
        zip(
            (f"w{k}" for k in range(1, 9)),
            (0.15, 0.2, 0.25, 0.3, 0.4, 0.45, 0.5, 0.55),
            strict=True,
        )
    ),
}
FORMULAS = {
    "h1": "={i1}*{w1}+{i2}*{w2}",
    "a_h1": "=1/(1+EXP(-{h1}))",
    "h2": "={i1}*{w3}+{i2}*{w4}",
    "a_h2": "=1/(1+EXP(-{h2}))",
    "o1": "={a_h1}*{w5}+{a_h2}*{w6}",
    "a_o1": "=1/(1+EXP(-{o1}))",
    "o2": "={a_h1}*{w7}+{a_h2}*{w8}",
    "a_o2": "=1/(1+EXP(-{o2}))",
    "E1": "=0.5*({t1}-{a_o1})^2",
    "E2": "=0.5*({t2}-{a_o2})^2",
    "E_total": "={E1}+{E2}",
    "∂E/∂w1": f"=({D1}*{{w5}}+{D2}*{{w7}})*{H1}*{{i1}}",
    "∂E/∂w2": f"=({D1}*{{w5}}+{D2}*{{w7}})*{H1}*{{i2}}",
    "∂E/∂w3": f"=({D1}*{{w6}}+{D2}*{{w8}})*{H2}*{{i1}}",
    "∂E/∂w4": f"=({D1}*{{w6}}+{D2}*{{w8}})*{H2}*{{i2}}",
    "∂E/∂w5": "=({a_o1}-{t1})*{a_o1}*(1-{a_o1})*{a_h1}",
    "∂E/∂w6": "=({a_o1}-{t1})*{a_o1}*(1-{a_o1})*{a_h2}",
    "∂E/∂w7": "=({a_o2}-{t2})*{a_o2}*(1-{a_o2})*{a_h1}",
    "∂E/∂w8": "=({a_o2}-{t2})*{a_o2}*(1-{a_o2})*{a_h2}",
}
ROWS = 6
TOP, LEFT = 4, 1  # of the headings, counted from 0


def letter(name: str) -> str:
    """The column of a quantity."""
    column = LEFT + HEADINGS.index(name)
    return chr(65 + column) if column < 26 else "A" + chr(65 + column - 26)


def cells(name: str) -> str:
    """Its cells, as findings name them."""
    return f"{letter(name)}{TOP + 2}:{letter(name)}{TOP + 1 + ROWS}"


def book(
    path: Path,
    changed: Mapping[str, str] = {},
    *,
    rows: int = ROWS,
    sheets: tuple[str, ...] = ("Sheet1",),
    headings: Mapping[str, str] = {},
    update: str = "={w}-$C$2*{g}",
    special: Mapping[tuple[str, int], object] = {},
    rate: object = 0.5,
    dressed: Callable[[Workbook], None] = lambda workbook: None,
) -> Path:
    """The book; `changed` has other formulas, `special` other contents of one row (from 0).

    `dressed` adds whatever else people put into books.
    """
    with Workbook(str(path)) as workbook:
        for title in sheets:
            sheet = workbook.add_worksheet(title)
            sheet.write("B2", "η =")
            if rate is not None:
                sheet.write("C2", rate)
            for column, name in enumerate(HEADINGS):
                sheet.write(TOP, LEFT + column, headings.get(name, name))
            for k in range(rows):
                for name, content in _row(k, {**FORMULAS, **changed}, update).items():
                    sheet.write(
                        TOP + 1 + k, LEFT + HEADINGS.index(name), special.get((name, k), content)
                    )
        dressed(workbook)
    return path


def findings(path: Path) -> list[Finding]:
    """Whatever is found in a book, sheet by sheet."""
    return [finding for sheet in check(path).sheets for finding in sheet.findings]


def _row(k: int, formulas: Mapping[str, str], update: str) -> dict[str, object]:
    here = {name: f"{letter(name)}{TOP + 2 + k}" for name in HEADINGS}
    above = {name: f"{letter(name)}{TOP + 1 + k}" for name in HEADINGS}
    found: dict[str, object] = {}
    for name in HEADINGS:
        if name in formulas:
            found[name] = formulas[name].format_map(_Names(here, above, k))
        elif name.startswith("w") and k:
            found[name] = update.format(w=above[name], g=above[f"∂E/∂{name}"], k=TOP + 2 + k)
        else:
            found[name] = CONSTANTS[name]
    return found


class _Names(dict[str, str]):
    """{w5} is the cell in its row, {w5'} the one a row further down."""

    def __init__(self, here: dict[str, str], above: dict[str, str], k: int) -> None:
        super().__init__(here)
        self.k = k

    def __missing__(self, name: str) -> str:
        assert name.endswith("'")
        return f"{letter(name[:-1])}{TOP + 3 + self.k}"
