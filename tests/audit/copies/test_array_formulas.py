"""Array formulas put right: as one where one is right for all their cells, else cell by cell."""

from __future__ import annotations

from itertools import islice

import pytest

from gradbook.audit.check_book import check
from gradbook.audit.copies.correct import correct
from gradbook.cells.formula.address import cells_of, name_of
from tests.audit.material.copies import COLUMN, SHEET, WRONG, opened, put, repacked
from tests.audit.material.lookalikes import TOP, book
from tests.audit.material.worked_once.matrices import FAULTS, matrix_book
from tests.outside.witness import read_values, recalculate_all

FIRST, SECOND = (f"{COLUMN}{TOP + 2 + k}" for k in range(2))


def copy_of(path):
    result = correct(path, check(path))
    assert not result.leftovers
    copy = path.with_name(f"copy of {path.name}")
    copy.write_bytes(result.content)
    return copy


def in_an_array(path):
    """The first two cells of a column filled by one formula, as it stands in the first."""
    start = rf'(<c r="{FIRST}"[^>]*>)<f>'
    repacked(path, put(SHEET, start, rf'\1<f t="array" ref="{FIRST}:{SECOND}">'))
    return path


def test_the_cells_of_an_array_get_formulas_of_their_own(tmp_path):
    copy = copy_of(in_an_array(book(tmp_path / "book.xlsx", WRONG)))
    assert check(copy).verdict == "right"
    assert [opened(copy)["Sheet1"][cell].value.ref for cell in (FIRST, SECOND)] == [FIRST, SECOND]


def test_a_right_cell_of_an_array_keeps_what_it_says(tmp_path):
    path = in_an_array(book(tmp_path / "book.xlsx", special={("∂E/∂w3", 0): "=1"}))
    copy = copy_of(path)
    assert check(copy).verdict == "right"


def with_spoilt_arrays(fault):
    """Networks in matrices whose mistake stands in an array formula, by their numbers."""
    for number in range(300):
        made = matrix_book(number, fault)
        if made.wrong and any(made.wrong == set(each(area)) for area in made.arrays):
            yield number


def each(area):
    return (name_of(cell) for cell in cells_of(area, 0))


@pytest.mark.witness("libreoffice")
def test_libreoffice_computes_matrices_put_right_like_those_that_never_were_wrong(tmp_path):
    chosen = [(f, n) for f in FAULTS for n in islice(with_spoilt_arrays(f), 2)]
    assert len(chosen) > len(FAULTS)
    right, copies = [], []
    for k, (fault, number) in enumerate(chosen):
        right.append(matrix_book(number).save(tmp_path / f"{k}.xlsx"))
        copies.append(copy_of(matrix_book(number, fault).save(tmp_path / f"wrong {k}.xlsx")))
        sheet = opened(copies[-1])["Network"]
        for area in matrix_book(number).arrays:
            first, *others = each(area)
            assert not others or sheet[first].value.ref == area
    seen = recalculate_all([*right, *copies], tmp_path / "seen")
    for one, other in zip(seen[: len(right)], seen[len(right) :], strict=True):
        assert read_values(other)["Network"] == pytest.approx(read_values(one)["Network"])
