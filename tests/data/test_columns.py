"""Tables of columns: what each holds, and what is said of cells that don't belong there."""

import numpy as np
import pytest

from gradbook.data.columns import Column, encoded, named_table, numbered, read_columns
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
        ("a,b\n1,2\n,3\n", "row 3, column a: an empty cell: fill it in or take the row out"),
        ("a,b\n1,2\n3,NA\n", "row 3, column b: a missing value ('NA'): fill it in"),
        ("a,b\n1,x\n2,?\n", "row 3, column b: a missing value ('?')"),
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
        numbered(table(), Column("colour", ("green", "red")))


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
