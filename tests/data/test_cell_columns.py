"""Tables are read in blocks, and what is kept of them doesn't depend on the blocks."""

from __future__ import annotations

import csv
import io
import tracemalloc
from contextlib import contextmanager
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradbook import limits
from gradbook.data import cell_columns, tables
from gradbook.data.cell_columns import CellColumns, plain_numbers
from gradbook.data.formats.cells import PLAIN, CellEvidence, CellRow, NumberStyle, is_missing
from gradbook.data.tables import Column, encode, read_columns, read_table, table_remarks
from gradbook.errors import DataError, FileError, GradbookError, LimitError
from gradbook.net import parse
from tests.cases import for_each

SMALL = 1, 1, 1, 0  # rows at once, texts of a column, numbers at once, numbers that are kept
USUAL = 5_000, 200, 2**22, 2**23


@contextmanager
def sizes(rows=5_000, texts=200, numbers=2**22, kept=2**23):
    """As if so many rows were read at once, and a column of more texts than these had many."""
    with (
        patch.object(cell_columns, "ROWS_AT_ONCE", rows),
        patch.object(cell_columns, "FEW_TEXTS", texts),
        patch.object(cell_columns, "NUMBERS_AT_ONCE", numbers),
        patch.object(tables, "KEPT_NUMBERS", kept),
    ):
        yield


# Columns in the styles of many countries ------------------------------------------------------

whole = st.integers(-(10**7), 10**7)
NUMBERS = {
    "point": lambda cents: f"{cents / 100:.2f}",
    "comma": lambda cents: f"{cents / 100:.2f}".replace(".", ","),
    "German": lambda cents: f"{cents / 100:,.2f}".translate(str.maketrans(",.", ".,")),
    "English": lambda cents: f"{cents / 100:,.2f}",
    "Swiss": lambda cents: f"{cents / 100:,.2f}".replace(",", "'"),
    "euros": lambda cents: f"{cents / 100:.2f} €",
    "shares": lambda cents: f"{cents / 100:.2f}%",
}
ODD = [
    "1_0",
    "inf",
    "nan",
    "1e0005",
    "1e999",
    "١٢",
    "−3",
    "+5",
    "1.",
    ".5",
    "12.500",
    "1,234",
    "5 €",
]
ODD += ["five", "12 kg", "true", "2024-03-31", "3.4.24", "3/4/2024", "two\nlines", 'a "b"', "x;y"]
MISSING = st.sampled_from(["", "NA", "?", "-", ".", "none", "NaN"])


@st.composite
def columns_of_cells(draw, count):
    """The cells of a column: mostly of one style."""
    kind = draw(st.sampled_from([*NUMBERS, "dates", "words", "anything"]))
    if kind in NUMBERS:
        usual = whole.map(NUMBERS[kind])
    elif kind == "dates":
        usual = st.dates().map(draw(st.sampled_from(["{:%Y-%m-%d}", "{:%d.%m.%Y}"])).format)
    elif kind == "words":
        usual = st.sampled_from(["red", "blue", "none", "5"])
    else:
        usual = st.sampled_from(ODD)
    other = draw(st.sampled_from([usual, MISSING, st.sampled_from(ODD)]))
    return draw(st.lists(st.one_of(usual, usual, other), min_size=count, max_size=count))


@st.composite
def files(draw):
    """The content of a table's file, however it is written."""
    count, width = draw(st.integers(0, 12)), draw(st.integers(1, 4))
    columns = [draw(columns_of_cells(count)) for _ in range(width)]
    names = [[f"c{k}" for k in range(width)]] if draw(st.booleans()) else []
    if draw(st.booleans()) and names:  # as spreadsheets leave it at the right
        columns.append([""] * count)
        names[0].append("")
    text = io.StringIO()
    how = {
        "delimiter": draw(st.sampled_from(",;\t")),
        "lineterminator": draw(st.sampled_from(["\n", "\r\n", "\r"])),
        "quoting": draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL])),
    }
    csv.writer(text, **how).writerows([*names, *zip(*columns, strict=True)])
    encoding = draw(st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "cp1252"]))
    return text.getvalue().encode(encoding, "replace")


def said_or(work):
    try:
        return work()
    except GradbookError as error:
        return str(error)


def everything_of(path):
    """All that is read of a table's file, or said of it."""
    table = said_or(lambda: read_columns(path, least=1))
    if isinstance(table, str):
        return [table]
    found, columns = [table.names, table.separator, len(table), *map(str, table.remarks)], []
    for place, name in enumerate(table.names):
        evidence, column = table.evidence(place), said_or(lambda: table.column(name))  # noqa: B023
        doubtful = evidence.doubtful if len(evidence.marks) > 1 else ""  # only then it matters
        found += [evidence.present, evidence.numbers, evidence.truths, evidence.dates]
        found += [evidence.marks, evidence.orders, [*evidence.decided.items()], doubtful]
        found += [column, evidence.measured, table.missing(place).tolist()]
        found.append(said_or(lambda: table.require_complete([Column(name)])))  # noqa: B023
        if isinstance(column, Column):
            columns.append(column)
            read = table.words if column.words else table.values
            found.append(repr(said_or(lambda: read(column).tolist())))  # noqa: B023
    for chosen in (columns, columns[::-1]):  # the second ones after the first are let go
        found.append(repr(said_or(lambda: encode(table, chosen).tolist())))  # noqa: B023
    return [*found, *table_remarks(table, columns, trained=True)]


@given(content=files(), rows=st.sampled_from([1, 3, 7]), texts=st.sampled_from([1, 2, 200]))
def test_blocks_make_no_difference(tmp_path_factory, content, rows, texts):
    path = tmp_path_factory.mktemp("read") / "t.csv"
    path.write_bytes(content)
    with sizes(*USUAL):
        whole_table = everything_of(path)
    with sizes(rows, texts, *SMALL[2:]):
        assert everything_of(path) == whole_table


@for_each("style", list(NUMBERS))
@given(cents=st.lists(whole, min_size=1, max_size=30), data=st.data())
def test_what_is_written_is_read(tmp_path_factory, style, cents, data):
    cents += [100_050]  # which leaves no mark open
    gaps = data.draw(st.lists(st.booleans(), min_size=len(cents) - 1, max_size=len(cents) - 1))
    cells = [*(NUMBERS[style](each) for each in cents)]
    some = [cell if gap else "NA" for cell, gap in zip(cells, [*gaps, True], strict=True)]
    path = tmp_path_factory.mktemp("written") / "t.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("a", "b"), *zip(cells, some, strict=True)])
    for size in (SMALL, USUAL):
        with sizes(*size):
            table = read_columns(path)
            columns = [table.column(name) for name in "ab"]
            read = encode(table, columns)
        assert read[:, 0].tolist() == [each / 100 for each in cents]
        missing = np.isnan(read[:, 1]).tolist()
        assert missing == [not gap for gap in gaps] + [False]
        assert read[~np.isnan(read[:, 1]), 1].tolist() == read[~np.isnan(read[:, 1]), 0].tolist()


@given(
    st.lists(st.one_of(whole.map(NUMBERS["point"]), MISSING, st.sampled_from(ODD), st.text()))
    | st.lists(st.one_of(whole.map(NUMBERS["comma"]), MISSING))
)
def test_a_block_is_plain_if_each_of_its_cells_is(cells):
    cells = [cell.strip() for cell in cells]
    if (plain := plain_numbers(cells)) is not None:
        numbers, mark = plain
        value = NumberStyle(mark or PLAIN.decimal).value
        each = [np.nan if is_missing(cell) else float(value(cell)) for cell in cells]
        assert repr(numbers.tolist()) == repr(each)
    rows = [CellRow(number, (cell,)) for number, cell in enumerate(cells, 2)]
    expected, found = CellEvidence(), CellColumns(rows, 1).columns[0].evidence
    for row in rows:
        expected.add(row.number, row.cells[0])
    assert found == expected


# Files ----------------------------------------------------------------------------------------


@pytest.fixture
def written(tmp_path):
    def write(content):
        path = tmp_path / "t.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def test_text_in_windows_1252_is_found_far_down(written):
    path = written(b"a,b\n" + b"1,x\n" * 300_000 + "2,größe\n".encode("cp1252"))
    table = read_columns(path)
    assert table.column("b").words == ("größe", "x")
    assert "isn't UTF-8: it is read as Windows-1252" in table.remarks[0]
    with pytest.raises(FileError, match=r"isn't UTF-8 text \(byte 1200005\)"):
        read_columns(written(b"a,b\n" + b"1,x\n" * 300_000 + b"\x81,2\n"))


def test_a_file_that_changes_while_it_is_read_is_said(written):
    path = written("a,b\n1,x\n2,y\n3,z\n")
    table = read_columns(path)
    path.write_text("a,b\n1,x\n")
    with pytest.raises(FileError, match="t.csv changed while it was read: read it again"):
        table.rows_at([2])


def test_a_wrong_cell_far_down_is_named_with_its_row(written):
    rows = [f"{k / 7},{k}.1.2024" for k in range(1, 29)] * 40
    path = written("\n".join(["a,day", *rows, "5,30.2.2024", "five,1.1.2024"]))
    table = read_columns(path)
    with pytest.raises(DataError, match="row 1123, column a: 'five' isn't a number"):
        table.column("a")
    with pytest.raises(DataError, match=r"row 1122, column day: '30.2.2024' isn't a date like"):
        table.column("day")


def test_columns_that_are_needed_are_read_again_in_one_pass(written):
    rows = (f'"{k},5";{k},25 €;{k % 28 + 1}.1.{1990 + k % 30};{k}' for k in range(1, 900))
    table = read_columns(written("\n".join(["a;b;day;n", *rows])))
    with patch.object(
        CellColumns, "read_again", autospec=True, side_effect=CellColumns.read_again
    ) as again:
        columns = [table.column(name) for name in table.names]
        numbers = encode(table, columns)
    assert again.call_count == 1
    assert numbers[9].tolist() == [10.5, 10.25, 10_967, 10]


def test_columns_that_were_let_go_are_read_again(written):
    path = written("\n".join(["a,b,c", *(f"{k},{k / 2},{k / 4}" for k in range(999))]))
    with sizes(kept=0, numbers=100):
        table = read_columns(path)
        assert encode(table, [Column("c"), Column("a")])[8].tolist() == [2, 8]
        assert table.values(Column("b"))[8] == 4  # which is still there
        assert table.values(Column("a"))[8] == 8


def test_a_column_of_names_takes_no_memory(written):
    path = written("\n".join(["who,n", *(f"name {k},{k}" for k in range(20_000))]))
    tracemalloc.start()
    table = read_columns(path)
    kept = tracemalloc.get_traced_memory()[0] - 8 * cell_columns.NUMBERS_AT_ONCE
    tracemalloc.stop()
    assert kept < 300_000
    with pytest.raises(DataError, match="column who: 20,000 different words are too many"):
        table.column("who")


def test_rows_and_columns_are_bounded(written, monkeypatch):
    monkeypatch.setattr(limits.ROW, "most", 20)
    with pytest.raises(LimitError, match=r"t\.csv: a row of more than 20 characters"):
        read_columns(written("a,b\n" + "1," * 20))
    with pytest.raises(LimitError, match="a row of more than 20 characters"):
        read_columns(written('a,b\n1,"' + "\n" * 30 + '"\n'))
    monkeypatch.setattr(limits.COLUMNS, "most", 2)
    with pytest.raises(LimitError, match="more than 2 columns: use a smaller table"):
        read_columns(written("a,b,c\n1,2,3\n"))
    monkeypatch.setattr(limits.CELLS, "most", 5)
    with pytest.raises(LimitError, match="more than 5 cells: use a smaller table"):
        read_columns(written("a,b\n1,2\n3,4\n"))
    monkeypatch.setattr(limits.SAMPLE_CELLS, "most", 4)
    with pytest.raises(LimitError, match="more than 4 cells: use a smaller table"):
        read_table(written("a,b\n1,2\n3,4\n"), parse("input 1; dense 1; sigmoid"))
