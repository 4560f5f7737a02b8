"""Rows read at once are those that XML would give, and nothing else is read so."""

from gradbook.cells.sheet_rows import usual_row
from tests.cases import for_each

USUAL = (
    '<row r="2" spans="1:3"><c r="A2" s="1"><v>1.5</v></c><c r="B2" t="str"><f>A2&lt;2</f>'
    '<v>x</v></c><c r="C2"/><c r="AA2" t="inlineStr"><is><t>a &amp; b</t></is></c></row>'
)


def test_a_usual_row_is_read_with_its_entities_resolved():
    row = usual_row("  " + USUAL + "<row/>", 2)
    assert row.cells == [
        (1, 0, "n", None, "", "1.5"),
        (1, 1, "str", {}, "A2<2", "x"),
        (1, 2, "n", None, "", None),
        (1, 26, "inlineStr", None, "", "a & b"),
    ]
    assert row.attributes["r"] == "2"
    assert row.end == 2 + len(USUAL)


def test_an_empty_formula_and_an_empty_value_are_told_from_none():
    row = usual_row('<row><c r="A1"><f t="shared" si="0"/><v></v></c></row>', 0)
    assert row.cells == [(0, 0, "n", {"t": "shared", "si": "0"}, "", "")]


@for_each(
    "change",
    [
        ('r="2" spans', 'r="2" r="3" spans'),
        ('<c r="A2" s="1">', '<c r="A2" s="1" s="2">'),
        ('<c r="A2" s="1">', '<c s="1" r="A2">'),
        ("&lt;", "&nothing;"),
        ("&lt;", "&#60;"),
        ("<v>1.5</v>", "<v>1.5</v><v>2</v>"),
        ("<v>1.5</v>", "<!-- <v>1.5</v> -->"),
        ("<c r=\"C2\"/>", " text "),
    ],
)  # fmt: skip
def test_whatever_is_unusual_is_left_to_the_parser(change):
    assert usual_row(USUAL, 0) is not None
    assert usual_row(USUAL.replace(*change), 0) is None
