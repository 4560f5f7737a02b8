"""Tables of columns: what each holds, and what is said of cells that don't belong there."""

from __future__ import annotations

import numpy as np
import pytest

from gradbook import limits
from gradbook.data.tables import (
    Column,
    attach,
    encode,
    named_table,
    read_columns,
    read_table,
    table_remarks,
)
from gradbook.errors import DataError, FileError, LimitError, UsageError
from gradbook.net import Sample, parse
from tests.cases import for_each

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
    np.testing.assert_array_equal(encode(table(), columns), wanted)


def test_columns_are_found_by_name_wherever_they_stand(table):
    columns = (Column("size"), Column("colour", ("blue", "red")))
    turned = table("kind;colour;size\na;red;1.5\nb;blue;2.5\na;red;3.5\n", "turned.csv")
    np.testing.assert_array_equal(encode(turned, columns), encode(table(), columns))


def test_without_headings_columns_go_by_their_places(table):
    found = table("1.5,10,a\n2.5,20,b\n")
    assert found.names == ("column 1", "column 2", "column 3")
    assert found.numbers("column 2").tolist() == [10, 20]


@for_each(
    ("text", "said"),
    [
        ("a,b\n1,2\n3,4\nfive,6\n", "row 4, column a: 'five' isn't a number"),
        ("a,a\n1,2\n", "two columns are called 'a': give each column its own name"),
        ("a,\nx,2\n", "column 2 has no name"),
        ("a,b\n", "only a line of headings"),
        ("a\n1\n2\n", "the table has one column, and nothing to predict it from"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(table, text, said):
    with pytest.raises(DataError) as caught:
        found = table(text)
        for name in found.names:
            found.column(name)
    assert said in str(caught.value)


def test_a_word_that_was_not_there_is_named_with_its_place(table):
    with pytest.raises(DataError, match="row 3, column colour: 'blue' isn't one of the 2 words"):
        table().words(Column("colour", ("green", "red")))


def test_an_unknown_word_is_none_of_a_columns_words_and_said(table):
    found, columns = table("colour,n\nred,1\nRed,2\n?,3\n"), [Column("colour", ("green", "red"))]
    np.testing.assert_array_equal(encode(found, columns), [[0, 1], [0, 0], [np.nan, np.nan]])
    (remark,) = table_remarks(found, columns)
    assert remark.startswith("colour: unknown words in 1 row ('Red': did you mean 'red'?)")
    assert not list(table_remarks(table(), [Column("colour", ("blue", "red"))]))


def test_a_column_of_one_word_may_meet_another(table):
    found, columns = table("colour,n\nred,1\nblue,2\n?,3\n"), [Column("colour", ("red",))]
    np.testing.assert_array_equal(encode(found, columns), [[1], [0], [np.nan]])


def test_too_many_different_words_are_no_column(table):
    rows = "".join(f"name {k},{k}\n" for k in range(150))
    with pytest.raises(DataError, match="150 different words .* --set 'ignore who'"):
        table(f"who,n\n{rows}").column("who")


def test_a_table_that_would_fill_the_memory_is_refused(table, monkeypatch):
    monkeypatch.setattr("gradbook.data.tables.MOST_NUMBERS", 8)
    columns = (Column("size"), Column("colour", ("blue", "red")))
    with pytest.raises(LimitError, match="3 rows of 3 numbers .* are too many: at most 8"):
        encode(table(), columns)


def test_a_column_that_is_not_there_is_missed_by_name(table):
    with pytest.raises(DataError, match="no column 'sise': did you mean 'size'"):
        table().place("sise")


def test_iris_comes_with_scikit_learn():
    from sklearn.datasets import load_iris

    found, known = named_table("iris"), load_iris()
    assert found.names[0] == "sepal length"
    columns = [Column(name) for name in found.names[:4]]
    np.testing.assert_array_equal(encode(found, columns), known.data)
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
    np.testing.assert_array_equal(encode(found, columns), wanted)
    assert columns[4].style.unit == "€"
    told = list(table_remarks(found, columns, trained=True))
    assert told == [
        f"{file} isn't UTF-8: it is read as Windows-1252, as Excel writes it in western Europe",
        "verkauft: dates become days since 1970-01-01",
        "Preis: the € beside its numbers is ignored",
    ]


@for_each("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@for_each("separator", [";", "\t"])
def test_an_encoding_and_a_separator_make_no_difference(tmp_path, encoding, separator):
    file = tmp_path / "t.csv"
    file.write_bytes("größe;art\n1,5;ä\n2,5;ö\n".replace(";", separator).encode(encoding))
    columns = read_columns(file)
    assert columns.names == ("größe", "art")
    assert columns.numbers("größe").tolist() == [1.5, 2.5]
    assert columns.column("art").words == ("ä", "ö")


@for_each(
    ("text", "value", "said"),
    [
        ('a,b\n"1,234",2.5\n', 1234, "--set 'decimal ,' reads it as 1.234"),
        ("a;b\n1,234;2\n", 1.234, "--set 'decimal .' reads it as 1234"),
        ("a;b\n1.234;2,5\n", 1234, "--set 'decimal .' reads it as 1.234"),
        ("a;b\n1.234;2\n", 1.234, "--set 'decimal ,' reads it as 1234"),
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
        columns = read_columns(file, decimal, dates)
        assert encode(columns, [columns.column(name) for name in "ab"]).tolist() == [wanted]
        assert not list(table_remarks(columns, [columns.column("a")]))


def test_another_tables_column_is_read_as_it_was_where_its_own_cells_leave_it_open(table):
    trained = table("a;b\n1,5;x\n", "trained.csv").column("a")
    assert trained.style.decimal == ","
    for text, value in (("a;b\n1.234;x\n", 1234), ("a,b\n1.5,x\n", 1.5), ("a;b\n2,5;x\n", 2.5)):
        assert encode(table(text, "new.csv"), [trained]).tolist() == [[value]]


def test_words_that_hold_numbers_are_told(table):
    found = table("a,b,c\n12 kg,1,1\n13 kg,x,2\n14 kg,y,3\n")
    told = list(table_remarks(found, [found.column(n) for n in "abc"], trained=True))
    assert told == [
        "a: '12 kg' and the like are read as words: to learn numbers, write only the numbers",
        "b: 1 of 3 are numbers, but most aren't: all are read as words",
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


ONE_OUTPUT = parse("input 2; dense 1; sigmoid; loss half squared error")
BINARY = parse("input 2; dense 1; sigmoid; loss binary cross-entropy")
TWO_OUTPUTS = parse("input 2; dense 2; sigmoid; loss half squared error")
CLASSES = parse("input 2; dense 3; softmax; loss cross-entropy")
AND = (Sample((0, 1), (0,)), Sample((1, 1), (1,)))


@pytest.fixture
def written(tmp_path):
    """`written(content)` is the path of a file with that content."""

    def write(content, name="t.csv"):
        file = tmp_path / name
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        return file

    return write


@for_each(
    "content",
    [
        "0,1,0\n1,1,1\n",
        "a,b,both\n0,1,0\n1,1,1\n",
        '"a","b, too","both"\n"0","1","0"\n"1","1","1"\n',
        "a;b;both\n0;1;0\n1;1;1",
        '"a";"b";"both"\n"0";"1";"0"\n1;1;1\n',
        "a\tb\tboth\n0\t1\t0\n1\t1\t1\n",
        "0,1,0\r\n1,1,1\r\n",
        "0,1,0\r1,1,1\r",
        "\ufeffa,b,both\n0,1,0\n1,1,1\n",
        " 0 , 1.0 , 0e0 \n\n +1 ,1., 1\n,,\n",
        "sep=;\na;b;both\n0;1;0\n1;1;1\n",
        "sep=|\n0|1|0\n1|1|1\n",
        '"two\nlines",b,both\n0,1,0\n1,1,1\n',
        "0,0;1,0;0,0\n1,0;1,0;1,0\n",
        "a;b;beides\n0,0;1;0\n1,0;1;1\n",
        '"0,0","1,0","0"\n"1,0","1,0","1"\n',
        "größe;b;t\n0,0 €;1 %;0\n1 €;1 %;1\n".encode("cp1252"),
        "a\tb\tt\n0\t1\t0\n1\t1\t1\n".encode("utf-16"),
    ],
)
def test_samples_are_read_however_the_table_is_written(written, content):
    assert read_table(written(content), ONE_OUTPUT).samples == AND


def test_minus_signs_and_powers_of_ten_are_numbers(written):
    (sample,) = read_table(written("-.5,1e-3,−2E+2\n"), ONE_OUTPUT).samples
    assert sample == Sample((-0.5, 0.001), (-200,))


def test_what_a_table_leaves_open_is_told_and_may_be_said(written):
    told = []
    file = written("a;b;t\n1,234;1;0\n")
    (sample,) = read_table(file, ONE_OUTPUT, tell=told.append).samples
    assert sample.inputs == (1.234, 1)
    assert told == [
        "a: 1,234 is read as 1.234, with a decimal comma: --set 'decimal .' reads it as 1234"
    ]
    assert read_table(file, ONE_OUTPUT, ".").samples[0].inputs == (1234, 1)
    told.clear()
    read_table(
        written("größe,b,t\n1,1,0\n".encode("cp1252"), "latin.csv"), ONE_OUTPUT, tell=told.append
    )
    assert len(told) == 1
    assert "isn't UTF-8: it is read as Windows-1252" in told[0]


def test_a_convolution_takes_its_input_flat(written):
    net = parse("input 1x2x2; flatten; dense 1; loss half squared error")
    (sample,) = read_table(written("1,2,3,4,5\n"), net).samples
    assert sample == Sample((1, 2, 3, 4), (5,))


@for_each(
    ("labels", "outputs"),
    [
        ("0 1 2", "0 1 2"),
        ("2 0 2", "2 0 2"),
        ("0 0 1", "0 0 1"),
        ("1 2 3", "0 1 2"),
        ("3.0 1 3", "2 0 2"),
        ("setosa virginica versicolor", "0 2 1"),
        ("9 ten 8", "1 2 0"),
    ],
)
def test_a_class_becomes_a_1_among_0s(written, labels, outputs):
    content = "".join(f"0.5,1,{label}\n" for label in labels.split())
    samples = read_table(written(content), CLASSES).samples
    assert [sample.targets.index(1) for sample in samples] == list(map(int, outputs.split()))
    assert all(sum(sample.targets) == 1 for sample in samples)


def test_targets_may_be_written_out_for_a_softmax_too(written):
    (sample,) = read_table(written("0.5,1,0.2,0.3,0.5\n"), CLASSES).samples
    assert sample.targets == (0.2, 0.3, 0.5)


BAD = [
    (ONE_OUTPUT, "", "t.csv: the file is empty"),
    (ONE_OUTPUT, "\n \n,,\n", "t.csv: the file is empty"),
    (ONE_OUTPUT, "a,b,both\n", "t.csv: the table has only a header"),
    (ONE_OUTPUT, "sep=;\n", "t.csv: the file is empty"),
    (ONE_OUTPUT, "a,b,t\n1,2\n", "t.csv, row 2: 2 columns, but row 1 has 3"),
    (ONE_OUTPUT, "a,b,t\n1\n", "t.csv, row 2: 1 column, but row 1 has 3"),
    (ONE_OUTPUT, "1,2,3\n\n1,2,3,4\n", "t.csv, row 3: 4 columns, but row 1 has 3"),
    (ONE_OUTPUT, "1,2,3,4\n", "row 1: 4 columns, but the network takes 3: 2 inputs and 1 target"),
    (ONE_OUTPUT, "1 2 3\n", "1 column, .*; separate the cells by commas, semicolons or tabs"),
    (ONE_OUTPUT, "0,5,1,0,0,5\n", "6 columns, .*; if commas are decimal marks"),
    (ONE_OUTPUT, "a;b;t\n0,5;1;0\n0.5;1;0\n", "column a: a decimal point in row 3 and a decimal "),
    (ONE_OUTPUT, "a,b,t\n1,,3\n", "t.csv, row 2, column b: an empty cell: fill it in or remove"),
    (ONE_OUTPUT, "1,2,\n", "row 1, column 3: an empty cell"),
    (ONE_OUTPUT, "1,NA,3\n", r"column 2: a missing value \('NA'\): fill it in"),
    (ONE_OUTPUT, "1,2,nan\n", "column 3: a missing value"),
    (ONE_OUTPUT, "NaN,NaN,NaN\n", "row 1, column 1: a missing value"),
    (ONE_OUTPUT, "1,?,3\n", "a missing value"),
    (ONE_OUTPUT, "1,null,3\n", "a missing value"),
    (ONE_OUTPUT, "1,inf,3\n", "'inf' isn't a finite number"),
    (ONE_OUTPUT, "1,-Infinity,3\n", "'-Infinity' isn't a finite number"),
    (ONE_OUTPUT, "1,1e999,3\n", "'1e999' isn't a finite number"),
    (ONE_OUTPUT, "1,1e9999,3\n", "'1e9999' isn't a number"),
    (ONE_OUTPUT, "1,0x1F,3\n", "'0x1F' isn't a number"),
    (ONE_OUTPUT, "1,1_000,3\n", "'1_000' isn't a number"),
    (ONE_OUTPUT, "1,50%,3\n1,2,3\n", "column 2: numbers with different units"),
    (ONE_OUTPUT, "1,½,3\n", "'½' isn't a number"),
    (ONE_OUTPUT, "1,=A1,3\n", "'=A1' isn't a number"),
    (ONE_OUTPUT, "a,b,t\n1,2,3\nc,d,u\n", "row 3, column a: 'c' isn't a number"),
    (ONE_OUTPUT, "1,b,3\n", "row 1, column 2: 'b' isn't a number"),
    (ONE_OUTPUT, "1,2,\x00\n", r"'\\x00' isn't a number"),
    (ONE_OUTPUT, '1,2,"3\n4,5,6\n', "can't be read as a table .*: check for an unclosed quot"),
    (ONE_OUTPUT, '"1"2,2,3\n', "t.csv, row 1: can't be read as a table"),
    (ONE_OUTPUT, "1,2," + "3" * 200_000, "row 1: can't be read as a table"),
    (TWO_OUTPUTS, "1,2,0\n", "3 columns, but the network takes 4: 2 inputs and 2 targets"),
    (
        BINARY,
        "1,2,0\n1,2,1.5\n",
        "t.csv, row 2: binary cross-entropy's targets must be from 0 to 1",
    ),
    (
        CLASSES,
        "1,2\n",
        "2 columns, but the network takes 5 or 3: 2 inputs and 3 targets or a class",
    ),
    (
        CLASSES,
        "a,b,t,t,t\n\n1,2,1,1,0\n",
        "t.csv, row 3: cross-entropy's targets must sum to 1, not 2",
    ),
    (
        CLASSES,
        "1,2,0\n1,2,3\n",
        "t.csv, column 3: class labels from 0 to 3: with 3 outputs, labels must be",
    ),
    (
        CLASSES,
        "1,2,1\n1,2,2\n",
        "class labels from 1 to 2: with 3 outputs, labels must be whole numbers from 0",
    ),
    (CLASSES, "1,2,-1\n", "class labels from -1 to -1"),
    (CLASSES, "1,2,0.5\n", "class labels from 0.5 to 0.5"),
    (CLASSES, "x,y,kind\n1,2,a\n1,2,b\n", r"column kind: 2 different classes \(a, b\), but .* 3"),
    (CLASSES, "1,2,a\n1,2,b\n1,2,c\n1,2,C\n", "4 different classes"),
    (CLASSES, "1,2,a\n1,2,\n", "t.csv, row 2, column 3: an empty cell"),
    (CLASSES, "1,2,0\n1,2,nan\n", "a missing value"),
]


@for_each(("net", "content", "said"), BAD)
def test_a_bad_table_is_refused_in_one_line_that_names_the_place(
    written, net, content, said, monkeypatch
):
    monkeypatch.chdir(written(content).parent)
    with pytest.raises(DataError, match=said) as caught:
        read_table("t.csv", net)
    assert "\n" not in str(caught.value)


def test_bytes_that_are_no_text_are_refused(written):
    with pytest.raises(FileError, match="isn't UTF-8 text"):
        read_table(written(b"PK\x03\x04\xff\xfe"), ONE_OUTPUT)


def test_a_table_that_is_not_there_is_said(tmp_path):
    with pytest.raises(FileError, match="it doesn't exist"):
        read_table(tmp_path / "none.csv", ONE_OUTPUT)


def test_a_table_is_bounded_in_bytes_and_rows(written, monkeypatch):
    file = written("1,2,3\n" * 10)
    monkeypatch.setattr(limits.SAMPLES, "most", 9)
    with pytest.raises(LimitError, match="more than 9 rows"):
        read_table(file, ONE_OUTPUT)
    monkeypatch.setattr(limits.TABLE, "most", 50)
    with pytest.raises(LimitError, match="larger than 50 bytes"):
        read_table(file, ONE_OUTPUT)


def test_the_text_form_names_the_table_it_came_from(written, tmp_path):
    file = written("0,1,0\n")
    assert f"data {file}\n" in str(read_table(file, ONE_OUTPUT))


def test_a_name_the_text_form_has_no_place_for_leaves_the_samples_in_it(written):
    assert "sample 0 1 -> 0\n" in str(read_table(written("0,1,0\n", "#1.csv"), ONE_OUTPUT))


def test_a_table_is_looked_for_beside_the_network_that_names_it(written, tmp_path):
    written("0,1,0\n1,1,1\n", "and.csv")
    net = parse("input 2; dense 1; sigmoid; loss half squared error; data and.csv")
    attached = attach(net, tmp_path)
    assert (attached.samples, attached.table) == (AND, "and.csv")
    assert attach(attached, "/nowhere") is attached


def test_controls_in_names_are_shown_so_that_no_sheet_or_page_meets_them(written):
    said = "a\x9b31m,\u202eb,c\n0,1,x\x85x\n1,0,\u2066y\n0,0,z\n"
    net = read_table(written(said), CLASSES)
    assert net.columns == ("a\\x9b31m", "\\u202eb", "c")
    assert net.classes == ("x\\x85x", "z", "\\u2066y")
