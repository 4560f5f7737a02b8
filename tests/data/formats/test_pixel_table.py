from __future__ import annotations

import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from gradbook import limits
from gradbook.data.formats import pixel_table
from gradbook.data.sources import load
from gradbook.errors import DataError
from tests.cases import for_each
from tests.data.made import PACK, pixels, said_of, table

GREY = pixels(7, 9)
NAMES = list("0120120")
HEADING = "label," + ",".join(f"pixel{i}" for i in range(9))


@pytest.fixture
def read(tmp_path):
    """`read(text)` is all that is found in a table of that text, in its order."""

    def reading(text, name="tiny.csv", size=None):
        file = tmp_path / name
        file.write_bytes(text.encode() if isinstance(text, str) else text)
        part = pixel_table._part(file, size)
        return part.labels.tolist(), part.pixels

    return reading


@pytest.fixture
def refusal(tmp_path):
    """`refusal(text)` is the one line that is said of a table of that text."""

    def refuse(text, size=None, name="tiny.csv"):
        file = tmp_path / name
        file.write_bytes(text.encode() if isinstance(text, str) else text)
        return said_of(file, size)

    return refuse


@for_each("separator", [",", ";", "\t"])
@for_each("heading", ["", "label", "digit", "numbered"])
def test_a_label_and_its_pixels_are_read(read, separator, heading):
    text = table(GREY, NAMES, separator)
    if heading == "numbered":
        text = separator.join(["label", *map(str, range(9))]) + "\n" + text
    elif heading:
        text = HEADING.replace("label", heading).replace(",", separator) + "\n" + text
    labels, found = read(text)
    assert labels == NAMES
    assert found.shape == (7, 1, 3, 3)
    assert found.tobytes() == GREY.tobytes()


@given(arrays.arrays("u1", st.tuples(st.integers(1, 5), st.sampled_from([1, 4, 9]))))
def test_what_a_table_says_is_read(tmp_path_factory, array):
    file = tmp_path_factory.mktemp("table") / "a.csv"
    file.write_text(table(array, ["7"] * len(array)))
    part = pixel_table._part(file, None)
    assert part.pixels.tobytes() == array.tobytes()


def test_many_rows_go_by_blocks(read):
    many = pixels(2500, 4)
    labels, found = read(table(many, [str(i % 10) for i in range(2500)]))
    assert len(labels) == 2500
    assert found.tobytes() == many.tobytes()


@for_each("packing", PACK)
def test_a_packed_table_is_read(read, packing):
    packed = PACK[packing](table(GREY, NAMES).encode())
    assert read(packed, f"a.csv{packing}")[0] == NAMES


def test_the_label_may_come_last(read):
    rows = [",".join([*map(str, row), name]) for row, name in zip(GREY, NAMES, strict=True)]
    heading = HEADING.partition(",")[2] + ",class"
    labels, found = read("\n".join([heading, *rows]))
    assert labels == NAMES
    assert found.tobytes() == GREY.tobytes()


def test_labels_may_be_words_in_quotes(read):
    labels, found = read('"cat",1,2,3,4\n"dog","5","6","7","8"\n')
    assert labels == ["cat", "dog"]
    assert found.ravel().tolist() == [1, 2, 3, 4, 5, 6, 7, 8]


def test_a_byte_order_mark_windows_lines_and_empty_ones_do_not_matter(read):
    labels, found = read("\ufefflabel,a,b,c,d\r\n\r\n3,1,2,3,4\r\n\r\n")
    assert (labels, found.ravel().tolist()) == (["3"], [1, 2, 3, 4])


def test_whole_numbers_may_be_written_with_a_point(read):
    assert read("1,0.0,255.0,7.,1e1\n")[1].ravel().tolist() == [0, 255, 7, 10]


def test_three_times_a_square_is_colour_by_turns(read):
    found = read("1," + ",".join(map(str, range(12))) + "\n")[1]
    assert found.shape == (1, 3, 2, 2)
    assert found[0, 0].ravel().tolist() == [0, 3, 6, 9]


@for_each(("size", "shape"), [((2, 3), (1, 1, 2, 3)), ((1, 2), (1, 3, 1, 2))])
def test_a_size_can_be_said(read, size, shape):
    assert read("1,1,2,3,4,5,6\n", size=size)[1].shape == shape


def test_a_folder_may_have_a_table_for_each_part(tmp_path):
    (tmp_path / "mnist_train.csv").write_text(table(GREY, NAMES))
    (tmp_path / "mnist_test.csv").write_text(table(GREY[:2], NAMES[:2]))
    loaded = load(tmp_path)
    assert len(loaded.training_and_validation) == 7
    assert loaded.test_for_reporting.pixels.tobytes() == GREY[:2].tobytes()


# Damage ----------------------------------------------------------------------


@for_each(
    ("text", "said"),
    [
        ("", "it has no rows"),
        ("\n\n\n", "it has no rows"),
        ("label,a,b,c,d\n", "it contains no images"),
        (
            "7\n",
            "row 1: each row must be a label and its pixels, separated by commas, semicolons or "
            "tabs",
        ),
        ("1,1,2,3,4\n1,1,2,3\n", "row 2: 4 columns, but the first row has 5"),
        ("1,1,2,3,4\n1\n", "row 2: 1 column, but the first row has 5"),
        ("1,1,2,3,4\n\n1,1,2,3,4,5\n", "row 3: 6 columns, but the first row has 5"),
        ("1,1,2,3,4\n1,1,x,3,4\n", "row 2, column 3: 'x' isn't a whole number from 0 to 255"),
        ("a,b,c,d,label\n1,2,x,4,1\n", "row 2, column 3: 'x' isn't a whole number from 0 to 255"),
        ("1,1,2,3,4\n1,1,,3,4\n", "row 2, column 3: '' isn't a whole number from 0 to 255"),
        ("1,1,2,3,256\n", "row 1, column 5: '256' isn't a whole number from 0 to 255"),
        ("1,1,2,3,-1\n", "row 1, column 5: '-1' isn't a whole number from 0 to 255"),
        ("1,1,2,3,0.5\n", "row 1, column 5: '0.5' isn't a whole number from 0 to 255"),
        ("1,1,2,3,nan\n", "row 1, column 5: 'nan' isn't a whole number from 0 to 255"),
        ("1,1,2,3,1e999\n", "row 1, column 5: '1e999' isn't a whole number from 0 to 255"),
        ("1,1,2,3,0x10\n", "row 1, column 5: '0x10' isn't a whole number from 0 to 255"),
        ("1,1,2,3,1_0\n", "row 1, column 5: '1_0' isn't a whole number from 0 to 255"),
        ("1,1,2,3,٣\n", "row 1, column 5: '٣' isn't a whole number from 0 to 255"),
        ("1,1,2,3,\x1b[31m\n", r"row 1, column 5: '\x1b[31m' isn't a whole number from 0 to 255"),
        ("1,1,2,3,cat\n", "row 1, column 5: 'cat' isn't a whole number from 0 to 255"),
        ("1,1,2,3,4\n,1,2,3,4\n", "row 2: no label: give it 1 to 100"),
        (f"{'a' * 101},1,2,3,4\n", "row 1: a label of 101 characters: give it 1 to 100"),
        ("1,1,2,3,4,5\n", "5 pixels a row make no square: give the size, in grey or in colour"),
        (b"1,1,2,3,4\n\x81,1,2,3,4\n", "row 2: isn't text: save the table as UTF-8"),
        (b"1," + b"0," * 2**20, "row 1: longer than 1 MiB"),
        (gzip.compress(b"1,1,2,3,4\n" * 99, mtime=0)[:-9], "damaged at or before byte"),
    ],
)
def test_what_is_wrong_is_named_with_its_row(refusal, text, said):
    assert refusal(text).startswith(said)


def test_a_size_that_does_not_fit_is_refused(refusal):
    refused_text = refusal("1,1,2,3,4,5\n", size=(3, 3))
    assert refused_text == "5 pixels a row aren't 3x3, in grey or in colour"


def test_a_label_that_training_lacks_is_named_with_its_row(tmp_path):
    (tmp_path / "train.csv").write_text("label,a\n1,1\n2,2\n")
    (tmp_path / "test.csv").write_text("label,a\n\n2,1\n3,2\n")
    with pytest.raises(DataError, match=r"test\.csv: row 4: label '3' isn't one of the 2 classes"):
        load(tmp_path)


def test_two_tables_that_say_no_part_are_not_mixed(tmp_path):
    for name in "ab":
        (tmp_path / f"{name}.csv").write_text("1,1\n")
    with pytest.raises(DataError, match=r"a\.csv and b\.csv could both be the training part"):
        load(tmp_path)


def test_a_table_of_everything_is_refused_when_it_is_too_much(refusal, monkeypatch):
    monkeypatch.setattr(limits.IMAGES, "most", 20)
    assert (
        refusal("1,1,2,3,4\n" * 6)
        == "6 x 4 bytes of pixels are too many: at most 20 bytes are read"
    )


def test_a_table_with_many_kinds_of_damage_is_refused_at_the_first(refusal):
    rows = ["1,1,2,3,4"] * 1500 + ["1,1,2,y,4"] + ["1"] * 500
    assert refusal("\n".join(rows)).startswith("row 1502: 1 column, ")
    assert refusal("\n".join(rows[:1501])).startswith("row 1501, column 4: 'y'")
