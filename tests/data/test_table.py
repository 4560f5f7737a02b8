from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradbook import limits
from gradbook.data.table import attach, read_table
from gradbook.errors import DataError, FileError, GradbookError, LimitError
from gradbook.net import Sample, parse

ONE_OUTPUT = parse("input 2; dense 1; sigmoid; loss half squared error")
BINARY = parse("input 2; dense 1; sigmoid; loss binary cross-entropy")
TWO_OUTPUTS = parse("input 2; dense 2; sigmoid; loss half squared error")
CLASSES = parse("input 2; dense 3; softmax; loss cross-entropy")
AND = (Sample((0, 1), (0,)), Sample((1, 1), (1,)))


@pytest.fixture
def table(tmp_path):
    """`table(content)` is the path of a file with that content."""

    def write(content, name="t.csv"):
        file = tmp_path / name
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        return file

    return write


@pytest.mark.parametrize(
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
def test_samples_are_read_however_the_table_is_written(table, content):
    assert read_table(table(content), ONE_OUTPUT).samples == AND


def test_minus_signs_and_powers_of_ten_are_numbers(table):
    (sample,) = read_table(table("-.5,1e-3,−2E+2\n"), ONE_OUTPUT).samples
    assert sample == Sample((-0.5, 0.001), (-200,))


def test_what_a_table_leaves_open_is_told_and_may_be_said(table):
    told = []
    file = table("a;b;t\n1,234;1;0\n")
    (sample,) = read_table(file, ONE_OUTPUT, tell=told.append).samples
    assert sample.inputs == (1.234, 1)
    assert told == ["a: 1,234 is read as 1.234, with a decimal comma: --decimal . reads it as 1234"]
    assert read_table(file, ONE_OUTPUT, ".").samples[0].inputs == (1234, 1)
    told.clear()
    read_table(
        table("größe,b,t\n1,1,0\n".encode("cp1252"), "latin.csv"), ONE_OUTPUT, tell=told.append
    )
    assert len(told) == 1
    assert "isn't UTF-8: it is read as Windows-1252" in told[0]


def test_a_convolution_takes_its_input_flat(table):
    net = parse("input 1x2x2; flatten; dense 1; loss half squared error")
    (sample,) = read_table(table("1,2,3,4,5\n"), net).samples
    assert sample == Sample((1, 2, 3, 4), (5,))


@pytest.mark.parametrize(
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
def test_a_class_becomes_a_1_among_0s(table, labels, outputs):
    content = "".join(f"0.5,1,{label}\n" for label in labels.split())
    samples = read_table(table(content), CLASSES).samples
    assert [sample.targets.index(1) for sample in samples] == list(map(int, outputs.split()))
    assert all(sum(sample.targets) == 1 for sample in samples)


def test_targets_may_be_written_out_for_a_softmax_too(table):
    (sample,) = read_table(table("0.5,1,0.2,0.3,0.5\n"), CLASSES).samples
    assert sample.targets == (0.2, 0.3, 0.5)


BAD = [
    (ONE_OUTPUT, "", "t.csv: nothing in it"),
    (ONE_OUTPUT, "\n \n,,\n", "t.csv: nothing in it"),
    (ONE_OUTPUT, "a,b,both\n", "t.csv: only a header"),
    (ONE_OUTPUT, "sep=;\n", "t.csv: nothing in it"),
    (ONE_OUTPUT, "a,b,t\n1,2\n", "t.csv, row 2: 2 columns, but row 1 has 3"),
    (ONE_OUTPUT, "1,2,3\n\n1,2,3,4\n", "t.csv, row 3: 4 columns, but row 1 has 3"),
    (ONE_OUTPUT, "1,2,3,4\n", "row 1: 4 columns, but the network takes 3: 2 inputs and 1 target"),
    (ONE_OUTPUT, "1 2 3\n", "1 columns, .*; put commas, semicolons or tabs between"),
    (ONE_OUTPUT, "0,5,1,0,0,5\n", "6 columns, .*; if commas stand for decimal points"),
    (ONE_OUTPUT, "a;b;t\n0,5;1;0\n0.5;1;0\n", "column a: a decimal point in row 3 and a decimal "),
    (ONE_OUTPUT, "a,b,t\n1,,3\n", "t.csv, row 2, column b: an empty cell: fill it in or take"),
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
    (ONE_OUTPUT, "1,50%,3\n1,2,3\n", "column 2: numbers with different signs beside them"),
    (ONE_OUTPUT, "1,½,3\n", "'½' isn't a number"),
    (ONE_OUTPUT, "1,=A1,3\n", "'=A1' isn't a number"),
    (ONE_OUTPUT, "a,b,t\n1,2,3\nc,d,u\n", "row 3, column a: 'c' isn't a number"),
    (ONE_OUTPUT, "1,b,3\n", "row 1, column 2: 'b' isn't a number"),
    (ONE_OUTPUT, "1,2,\x00\n", r"'\\x00' isn't a number"),
    (ONE_OUTPUT, '1,2,"3\n4,5,6\n', "can't be read as a table .*: look for a quote"),
    (ONE_OUTPUT, '"1"2,2,3\n', "t.csv, row 1: can't be read as a table"),
    (ONE_OUTPUT, "1,2," + "3" * 200_000, "row 1: can't be read as a table"),
    (TWO_OUTPUTS, "1,2,0\n", "3 columns, but the network takes 4: 2 inputs and 2 targets"),
    (BINARY, "1,2,0\n1,2,1.5\n", "t.csv, row 2: binary cross-entropy's targets lie from 0 to 1"),
    (
        CLASSES,
        "1,2\n",
        "2 columns, but the network takes 5 or 3: 2 inputs and 3 targets or a class",
    ),
    (CLASSES, "a,b,t,t,t\n\n1,2,1,1,0\n", "t.csv, row 3: cross-entropy's targets sum to 1, not 2"),
    (CLASSES, "1,2,0\n1,2,3\n", "t.csv, column 3: class labels from 0 to 3: 3 outputs take"),
    (CLASSES, "1,2,1\n1,2,2\n", "class labels from 1 to 2: 3 outputs take whole numbers from 0"),
    (CLASSES, "1,2,-1\n", "class labels from -1 to -1"),
    (CLASSES, "1,2,0.5\n", "class labels from 0.5 to 0.5"),
    (CLASSES, "x,y,kind\n1,2,a\n1,2,b\n", r"column kind: 2 different classes \(a, b\), but .* 3"),
    (CLASSES, "1,2,a\n1,2,b\n1,2,c\n1,2,C\n", "4 different classes"),
    (CLASSES, "1,2,a\n1,2,\n", "t.csv, row 2, column 3: an empty cell"),
]


@pytest.mark.parametrize(("net", "content", "said"), BAD)
def test_a_bad_table_is_refused_in_one_line_that_names_the_place(
    table, net, content, said, monkeypatch
):
    monkeypatch.chdir(table(content).parent)
    with pytest.raises(DataError, match=said) as caught:
        read_table("t.csv", net)
    assert "\n" not in str(caught.value)


def test_a_label_that_is_missing_in_words_is_missing(table):
    with pytest.raises(DataError, match="a missing value"):
        read_table(table("1,2,0\n1,2,nan\n"), CLASSES)


def test_bytes_that_are_no_text_are_refused(table):
    with pytest.raises(FileError, match="isn't UTF-8 text"):
        read_table(table(b"PK\x03\x04\xff\xfe"), ONE_OUTPUT)


def test_a_table_that_is_not_there_is_said(tmp_path):
    with pytest.raises(FileError, match="there is no"):
        read_table(tmp_path / "none.csv", ONE_OUTPUT)


def test_a_table_is_bounded_in_bytes_and_rows(table, monkeypatch):
    file = table("1,2,3\n" * 10)
    monkeypatch.setattr(limits.ROWS, "most", 9)
    with pytest.raises(LimitError, match="more than 9 rows"):
        read_table(file, ONE_OUTPUT)
    monkeypatch.setattr(limits.TABLE, "most", 50)
    with pytest.raises(LimitError, match="larger than 50 bytes"):
        read_table(file, ONE_OUTPUT)


def test_the_text_form_names_the_table_it_came_from(table, tmp_path):
    file = table("0,1,0\n")
    assert f"data {file}\n" in str(read_table(file, ONE_OUTPUT))


def test_a_name_the_text_form_has_no_place_for_leaves_the_samples_in_it(table):
    assert "sample 0 1 -> 0\n" in str(read_table(table("0,1,0\n", "#1.csv"), ONE_OUTPUT))


def test_a_table_is_looked_for_beside_the_network_that_names_it(table, tmp_path):
    table("0,1,0\n1,1,1\n", "and.csv")
    net = parse("input 2; dense 1; sigmoid; loss half squared error; data and.csv")
    attached = attach(net, tmp_path)
    assert (attached.samples, attached.table) == (AND, "and.csv")
    assert attach(attached, "/nowhere") is attached


def said_of(file, net):
    """What is wrong with the table; nothing where it gives samples."""
    try:
        return "" if read_table(file, net).samples else None
    except GradbookError as error:
        return str(error)


@given(st.binary(max_size=200) | st.text('0123456789.,;\t\r\n"-ae ', max_size=60))
def test_any_file_is_a_table_or_one_clear_line(tmp_path_factory, content):
    file = tmp_path_factory.getbasetemp() / "any.csv"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    for net in (ONE_OUTPUT, CLASSES):
        assert "\n" not in said_of(file, net)


def test_controls_in_names_are_shown_so_that_no_sheet_or_page_meets_them(table):
    said = "a\x9b31m,\u202eb,c\n0,1,x\x85x\n1,0,\u2066y\n0,0,z\n"
    net = read_table(table(said), CLASSES)
    assert net.columns == ("a\\x9b31m", "\\u202eb", "c")
    assert net.classes == ("x\\x85x", "z", "\\u2066y")
