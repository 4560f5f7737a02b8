"""What bench/doors.md says of a wide list of architectures, and by which doors each comes in."""

import pytest

from tests.cases import for_each
from tests.formats.wide.table import FIGURE, PAGE, figure, rows

ROWS = rows()


def test_the_figure_is_that_of_the_table():
    assert FIGURE.findall(PAGE.read_text("utf-8")) == [figure(ROWS)]


@pytest.mark.witness("torch")
def test_the_table_has_the_whole_list():
    from tests.formats.wide.listed import ARCHITECTURES

    assert [*ROWS] == [*ARCHITECTURES]


@pytest.mark.witness("onnx", "torch")
@for_each("name", ROWS)
def test_an_architecture_comes_in_by_the_doors_that_the_page_says(name, tmp_path):
    from tests.formats.wide.doors import HERE, judged

    whys = {door: judged(name, door, tmp_path) for door in HERE}
    assert [door for door, why in whys.items() if not why] == [
        door for door in ROWS[name] if door in HERE
    ], whys
