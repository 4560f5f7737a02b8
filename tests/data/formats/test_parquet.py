"""Tables in Parquet: what is read of those that Arrow writes, and what is refused."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import datetime

import numpy as np
import pytest

from gradbook import limits
from gradbook.data.formats.parquet import read_parquet
from gradbook.data.signals import read_signals
from gradbook.data.tables import read_columns
from gradbook.errors import DataError, LimitError
from gradbook.limits import BYTES, ReadLimit
from tests.cases import for_each
from tests.hostile import launch

reads = pytest.mark.witness("pyarrow")


def write(path, **columns):
    arrow = pytest.importorskip("pyarrow")
    pytest.importorskip("pyarrow.parquet").write_table(arrow.table(columns), path)
    return path


@reads
def test_numbers_words_and_what_is_missing_are_those_that_were_written(tmp_path):
    file = write(
        tmp_path / "t.parquet",
        x=[0.1, None, float("nan")],
        n=[1, -2, 3],
        word=["a, b", None, "c"],
        yes=[True, False, None],
    )
    names, rows = read_parquet(file)
    assert names == ["x", "n", "word", "yes"]
    assert [row.cells for row in rows] == [
        ("0.1", "1", "a, b", "True"),
        ("", "-2", "", "False"),
        ("", "3", "c", ""),
    ]
    assert [row.number for row in rows] == [1, 2, 3]


@reads
def test_no_digit_is_lost_and_a_point_is_a_point(tmp_path):
    """1.234 might be a thousand in a text, where others decide; here it is what it is."""
    numbers = np.array([1.234, 5.678, 1 / 3, 1e-12])
    table = read_columns(write(tmp_path / "t.parquet", x=numbers, y=["a", "b", "a", "b"]))
    np.testing.assert_array_equal(table.values(table.column("x")), numbers)


@reads
def test_times_are_seconds(tmp_path):
    times = [datetime(2026, 1, 1, 0, 0, k // 10, k % 10 * 100_000) for k in range(40)]
    file = write(
        tmp_path / "t.parquet",
        time=times,
        x=np.arange(40.0),
        label=["up"] * 20 + ["down"] * 20,
        recording=np.repeat(["one", "two"], 20),
    )
    found = read_signals(file)
    assert found.rate == pytest.approx(10)
    assert found.channels == ("x",)
    assert [(one.label, len(one.values)) for one in found.recordings] == [("up", 20), ("down", 20)]


@reads
def test_a_column_of_lists_is_refused_by_its_name(tmp_path):
    with pytest.raises(DataError, match=r"list.*only numbers, words and times are read") as caught:
        read_parquet(write(tmp_path / "t.parquet", x=[1.0], pair=[[1, 2]]))
    assert "pair" in str(caught.value)


@reads
@for_each("cut", [0, 4, 60, -9, -1])
def test_a_file_cut_short_is_refused_in_a_line(tmp_path, cut):
    whole = write(tmp_path / "t.parquet", x=np.arange(100.0), y=["a", "b"] * 50).read_bytes()
    (tmp_path / "cut.parquet").write_bytes(whole[:cut])
    with pytest.raises(DataError, match="not a Parquet file that can be read") as caught:
        read_parquet(tmp_path / "cut.parquet")
    assert "\n" not in str(caught.value)


@reads
def test_damage_anywhere_is_read_or_refused(tmp_path):
    whole = write(tmp_path / "t.parquet", x=np.arange(100.0), y=["a", "b"] * 50).read_bytes()
    random = np.random.default_rng(5)
    for _ in range(60):
        damaged = bytearray(whole)
        damaged[random.integers(len(whole))] ^= 1 << random.integers(8)
        (tmp_path / "d.parquet").write_bytes(damaged)
        try:
            read_parquet(tmp_path / "d.parquet")
        except (DataError, LimitError):
            continue


@reads
def test_much_in_a_small_file_is_refused(tmp_path, monkeypatch):
    """A million equal numbers pack well."""
    file = write(tmp_path / "t.parquet", **{f"x{k}": np.zeros(200_000) for k in range(3)})
    assert file.stat().st_size < 100_000
    monkeypatch.setattr(limits, "UNPACKED_TABLE", ReadLimit(10**6, BYTES, "a table"))
    with pytest.raises(LimitError, match="bytes unpacked are too many"):
        read_parquet(file)
    monkeypatch.setattr(limits, "CELLS", ReadLimit(1000, "", "cells"))
    with pytest.raises(LimitError, match="600,000 cells: at most 1,000 are read"):
        read_parquet(file)
    monkeypatch.setattr(limits, "ROWS", ReadLimit(1000, "", "rows"))
    with pytest.raises(LimitError, match="200,000 rows: at most 1,000 are read"):
        read_parquet(file)


def _shared(path):
    """One long text that every row has."""
    arrow = pytest.importorskip("pyarrow")
    words = arrow.DictionaryArray.from_arrays(np.zeros(40_000, np.int32), ["x" * 100_000])
    write(path, x=np.arange(40_000.0), word=words)


def _fronts(path):
    """Texts of which each is the one before and a digit."""
    arrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    texts = ["x" * 1_000_000 + str(k % 10) for k in range(600)]
    how = {"word": "DELTA_BYTE_ARRAY", "x": "PLAIN"}
    table = arrow.table({"x": np.arange(600.0), "word": texts})
    parquet.write_table(table, path, compression="zstd", use_dictionary=False, column_encoding=how)


def _lying(path):
    """A page of 200 MB, of which the footer says that it is one of 500 bytes."""
    arrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    table = arrow.table({"x": np.arange(2000.0), "word": ["x" * 100_000] * 2000})
    options = {"use_dictionary": ["x"], "data_page_size": 2**31 - 1, "compression": "zstd"}
    parquet.write_table(table, path, **options)
    group = parquet.ParquetFile(path).metadata.row_group(0)
    sizes = group.total_byte_size, group.column(1).total_uncompressed_size
    data = path.read_bytes()
    for size in sizes:
        said = _varint(2 * size)
        small = bytes([0x80 | 1000 & 127, 0x80 | 1000 >> 7, *[0x80] * (len(said) - 3), 0])
        head, found, tail = data.rpartition(said)
        assert found
        data = head + small + tail
    path.write_bytes(data)


def _varint(number):
    digits = []
    while number:
        digits.append(number & 127 | 128)
        number >>= 7
    return bytes([*digits[:-1], digits[-1] & 127])


READER = """
import sys
from gradbook.data.tables import read_columns
from gradbook.errors import GradbookError
try:
    print(len(read_columns(sys.argv[1])), "rows")
except GradbookError as error:
    print(error)
"""


@reads
@pytest.mark.skipif(sys.platform != "linux", reason="what a process took")
@for_each(
    ("make", "said"),
    [
        (_shared, "40000 rows"),
        (_fronts, "a text of 1,000,001 bytes: at most 131,072 in a cell"),
        (_lying, "bytes unpacked are too many"),
    ],
)
def test_a_small_file_of_much_text_takes_little(tmp_path, make, said):
    """4 GB were taken by a file of 188 KB."""
    file = tmp_path / "t.parquet"
    make(file)
    assert file.stat().st_size < 300_000
    streams = tmp_path / "out", tmp_path / "err"
    command = [sys.executable, "-S", launch.__file__, *streams, sys.executable, "-c", READER, file]
    done = subprocess.run(command, capture_output=True, check=True)
    code, seconds, megabytes = json.loads(done.stdout)
    assert said in streams[0].read_text(), streams[1].read_text()
    assert (code, megabytes < 400, seconds < 10) == (0, True, True)


@reads
def test_a_text_that_rows_share_is_the_text_of_each(tmp_path):
    words = [f"number {k % 7} of some" for k in range(25_000)]
    words[3] = None
    _, rows = read_parquet(write(tmp_path / "t.parquet", x=np.arange(25_000), word=words))
    assert [row.cells[1] for row in rows] == [word or "" for word in words]


def test_without_arrow_the_remedy_is_told(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(DataError, match=r"pip install 'gradbook\[parquet\]', or save .* as CSV"):
        read_columns(tmp_path / "t.parquet")
