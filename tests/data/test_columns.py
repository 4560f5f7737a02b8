"""Tables of columns: what each holds, and what is said of cells that don't belong there."""

import numpy as np
import pytest

from gradbook.data.columns import Column, encoded, named_table, read_columns, table_remarks
from gradbook.errors import DataError, LimitError, UsageError

CSV = """\
size,colour,weight,kind
1.5,red,10,a
2.5,blue,20,b
3.5,red,30,a
"""


@pytest.fixture
def table(tmp_path):
    def write(text=CSV, name="t.csv"):
        file = tmp_path / name
        file.write_text(text)
        return read_columns(file)

    return write


def test_columns_hold_numbers_or_words(table):
    found = table()
    assert found.column("size") == Column("size")
    assert found.column("colour") == Column("colour", ("blue", "red"))


def test_words_become_a_0_or_1_for_each(table):
    columns = (Column("weight"), Column("colour", ("blue", "red")))
    wanted = [[10, 0, 1], [20, 1, 0], [30, 0, 1]]
    np.testing.assert_array_equal(encoded(table(), columns), wanted)


def test_columns_are_found_by_name_wherever_they_stand(table):
    columns = (Column("size"), Column("colour", ("blue", "red")))
    turned = table("kind;colour;size\na;red;1.5\nb;blue;2.5\na;red;3.5\n", "turned.csv")
    np.testing.assert_array_equal(encoded(turned, columns), encoded(table(), columns))


def test_without_headings_columns_go_by_their_places(table):
    found = table("1.5,10,a\n2.5,20,b\n")
    assert found.names == ("column 1", "column 2", "column 3")
    assert found.numbers("column 2").tolist() == [10, 20]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a,b\n1,2\n3,4\nfive,6\n", "row 4, column a: 'five' isn't a number"),
        ("a,a\n1,2\n", "two columns are called 'a': give each a name of its own"),
        ("a,\nx,2\n", "column 2 has no name"),
        ("a,b\n", "only a line of headings"),
        ("a\n1\n2\n", "one column: there is nothing to predict it from"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(table, text, said):
    with pytest.raises(DataError) as caught:
        found = table(text)
        for name in found.names:
            found.column(name)
    assert said in str(caught.value)


def test_a_word_that_was_not_there_is_named_with_its_place(table):
    with pytest.raises(DataError, match="row 3, column colour: 'blue' is none of the 2 words"):
        table().words(Column("colour", ("green", "red")))


def test_too_many_different_words_are_no_column(table):
    rows = "".join(f"name {k},{k}\n" for k in range(150))
    with pytest.raises(DataError, match="150 different words .* --ignore 'who'"):
        table(f"who,n\n{rows}").column("who")


def test_a_table_that_would_fill_the_memory_is_refused(table, monkeypatch):
    monkeypatch.setattr("gradbook.data.columns.MOST_NUMBERS", 8)
    columns = (Column("size"), Column("colour", ("blue", "red")))
    with pytest.raises(LimitError, match="3 rows of 3 numbers, .* are too many: at most 8"):
        encoded(table(), columns)


def test_a_column_that_is_not_there_is_missed_by_name(table):
    with pytest.raises(DataError, match="no column 'sise': did you mean 'size'"):
        table().place("sise")


def test_iris_comes_with_scikit_learn():
    from sklearn.datasets import load_iris

    found, known = named_table("iris"), load_iris()
    assert found.names[0] == "sepal length"
    columns = [Column(name) for name in found.names[:4]]
    np.testing.assert_array_equal(encoded(found, columns), known.data)
    assert found.column("species").words == ("setosa", "versicolor", "virginica")
    with pytest.raises(UsageError, match="no table 'wine'"):
        named_table("wine")


GERMAN = """\
Fläche;Zimmer;Ort;verkauft;Preis
85,5;3;Köln;01.03.2021;250.000,00 €
120;4;Bonn;15.12.2020;1.200.000,50 €
;;?;;99.000 €
"""


def test_a_table_as_german_excel_writes_it_is_read(tmp_path):
    file = tmp_path / "haus.csv"
    file.write_bytes(GERMAN.replace("\n", "\r\n").encode("cp1252"))
    found = read_columns(file)
    columns = [found.column(name) for name in found.names]
    assert found.separator == ";"
    assert columns[2].words == ("Bonn", "Köln")
    nan = np.nan
    wanted = [
        [85.5, 3, 0, 1, 18687, 250000],
        [120, 4, 1, 0, 18611, 1200000.5],
        [nan, nan, nan, nan, nan, 99000],
    ]
    np.testing.assert_array_equal(encoded(found, columns), wanted)
    assert columns[4].style.unit == "€"
    told = list(table_remarks(found, columns, trained=True))
    assert told == [
        f"{file} isn't UTF-8: it is read as Windows-1252, as Excel writes it in western Europe",
        "verkauft: dates become days since 1970-01-01",
        "Preis: the € beside its numbers is left out",
    ]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("separator", [";", "\t"])
def test_an_encoding_and_a_separator_make_no_difference(tmp_path, encoding, separator):
    file = tmp_path / "t.csv"
    file.write_bytes("größe;art\n1,5;ä\n2,5;ö\n".replace(";", separator).encode(encoding))
    found = read_columns(file)
    assert found.names == ("größe", "art")
    assert found.numbers("größe").tolist() == [1.5, 2.5]
    assert found.column("art").words == ("ä", "ö")


@pytest.mark.parametrize(
    ("text", "value", "said"),
    [
        ('a,b\n"1,234",2.5\n', 1234, "--decimal , reads it as 1.234"),
        ("a;b\n1,234;2\n", 1.234, "--decimal . reads it as 1234"),
        ("a;b\n1.234;2,5\n", 1234, "--decimal . reads it as 1.234"),
        ("a;b\n1.234;2\n", 1.234, "--decimal , reads it as 1234"),
        ("a,b\n1.234,2\n", 1.234, None),
        ('a,b\n"1,234",2\n"1,234,567",3\n', 1234, None),
    ],
)
def test_what_a_column_leaves_open_is_decided_by_the_table_and_told(table, text, value, said):
    found = table(text)
    column = found.column("a")
    assert found.values(column)[0] == value
    told = list(table_remarks(found, [column]))
    assert len(told) == (said is not None)
    assert not said or said in told[0]


def test_what_is_open_can_be_settled(tmp_path):
    file = tmp_path / "t.csv"
    file.write_text('a,b\n"1,234",3/4/2024\n')
    for decimal, dates, wanted in ((",", "dmy", [1.234, 19816]), (".", "mdy", [1234, 19786])):
        found = read_columns(file, decimal, dates)
        assert encoded(found, [found.column(name) for name in "ab"]).tolist() == [wanted]
        assert not list(table_remarks(found, [found.column("a")]))


def test_another_tables_column_is_read_as_it_was_where_its_own_cells_leave_it_open(table):
    trained = table("a;b\n1,5;x\n", "trained.csv").column("a")
    assert trained.style.decimal == ","
    for text, value in (("a;b\n1.234;x\n", 1234), ("a,b\n1.5,x\n", 1.5), ("a;b\n2,5;x\n", 2.5)):
        assert encoded(table(text, "new.csv"), [trained]).tolist() == [[value]]


def test_words_that_hold_numbers_are_told(table):
    found = table("a,b,c\n12 kg,1,1\n13 kg,x,2\n14 kg,y,3\n")
    told = list(table_remarks(found, [found.column(n) for n in "abc"], trained=True))
    assert told == [
        "a: '12 kg' and the like are words: to learn numbers, write them alone",
        "b: 1 of 3 are numbers, but most aren't: all are words",
    ]


def test_a_column_of_nothing_without_a_name_is_none(table):
    assert table("a,b,\n1,2,\n3,4,\n").names == ("a", "b")


def test_a_cell_with_a_semicolon_parts_no_row(table):
    found = table("a,b,c\nx; y,1,2\nz; w,3,4\n")
    assert found.names == ("a", "b", "c")


def test_without_headings_decimal_commas_part_no_row(table):
    found = table("0,5;1,5;0,5\n1,5;2,5;3,5\n")
    assert len(found.names) == 3
    assert found.numbers("column 3").tolist() == [0.5, 3.5]
