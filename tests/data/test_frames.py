"""What a model reads of data frames: pandas', Polars' and Arrow's, by what they share."""

from datetime import date, datetime

import numpy as np
import pytest

import gradbook as gb
from gradbook.data.formats.cells import CellRow
from gradbook.data.tables import Column, ColumnTable
from gradbook.lab.models.model import Model
from gradbook.lab.models.table_columns import TableColumns
from gradbook.net.work.at_work import at_start

NET = gb.Net.parse("input 5; dense 2; softmax; seed 3")
COLUMNS = (
    Column("width"),
    Column("colour", ("blue", "red")),
    Column("day", dates="ymd"),
    Column("height"),
)
WIDTH, HEIGHT, COLOUR = (4.0, 5.5, 7.25), (-1.0, 0.125, 3.0), ("red", "blue", "red")
DAY = (date(2024, 1, 2), date(2024, 3, 1), date(2025, 1, 1))
GIVEN = {"width": WIDTH, "colour": COLOUR, "day": DAY, "height": HEIGHT}
ORDER = ("height", "day", "colour", "width")


class Series(list):
    """A column as pandas has one."""

    def tolist(self):
        return list(self)


class Frame:
    """A frame as pandas and Polars have one: names, and a column for each."""

    def __init__(self, given):
        self.given, self.columns = given, list(given)

    def __getitem__(self, name):
        return Series(self.given[name])


class Lazy(Frame):
    def __getitem__(self, name):
        raise TypeError("a lazy frame is not subscriptable")


@pytest.fixture(scope="module")
def model():
    side = Column("side", ("big", "small"))
    mean, deviation = (5.0, 0.5, 0.5, 19800.0, 1.0), (1.0, 0.5, 0.5, 100.0, 2.0)
    values, about = at_start(NET), {"rows": 3}
    columns = TableColumns(COLUMNS, side)
    return Model(NET, values, mean, deviation, side.words, about, columns=columns)


@pytest.fixture(scope="module")
def expected(model):
    rows = zip(*(map(str, GIVEN[name]) for name in GIVEN), strict=True)
    cells = tuple(CellRow(number, row) for number, row in enumerate(rows, 1))
    return model.predict(ColumnTable("", tuple(GIVEN), cells))


def frames(given):
    numbers = [(name, np.array(given[name])) for name in ("width", "height")]
    fields = [("colour", "U4"), ("day", object), ("height", float), ("width", float)]
    rows = list(zip(*(given[name] for name, _ in fields), strict=True))
    yield "mapping", given
    yield "frame", Frame(given)
    yield "arrays", Frame(given | dict(numbers))
    yield "times", Frame(given | {"day": [datetime(*day.timetuple()[:3]) for day in DAY]})
    yield "array with fields", np.array(rows, fields)


def test_names_decide_which_column_is_which(model, expected):
    for order in (tuple(GIVEN), ORDER):
        for kind, frame in frames({name: GIVEN[name] for name in order}):
            assert model.predict(frame).tolist() == expected.tolist(), (kind, order)
            assert model.classify(frame).tolist() == expected.argmax(axis=1).tolist()


def test_arrows_tables_are_frames(model, expected):
    arrow = pytest.importorskip("pyarrow")
    table = arrow.table({name: list(GIVEN[name]) for name in ORDER})
    assert model.predict(table).tolist() == expected.tolist()


def test_columns_that_are_missing_are_refused_by_their_names(model):
    given = dict(GIVEN)
    del given["height"], given["colour"]
    with pytest.raises(gb.GradbookError, match="^no columns 'colour', 'height': there are 'width'"):
        model.predict(Frame(given))
    with pytest.raises(gb.GradbookError, match="^no column 'width': did you mean 'widht'"):
        model.predict(Frame({"widht": WIDTH, **{name: GIVEN[name] for name in ORDER[:3]}}))


def test_further_columns_are_left_out_and_named_once(model, expected):
    given = {"id": [1, 2, 3], **GIVEN, "town": ["x", "y", "z"], "side": ["big"] * 3}
    with pytest.warns(gb.Assumption, match="^the model doesn't use id, town$") as caught:
        assert model.predict(Frame(given)).tolist() == expected.tolist()
    assert [each.filename for each in caught] == [__file__]


WRONG = {
    "row 3, column width: 'inf' isn't a finite number": {"width": [1.0, 2.0, float("inf")]},
    "row 1, column width: 'wide' isn't a number": {"width": ["wide", 2.0, 3.0]},
    "the columns have different lengths": {"width": [1.0, 2.0]},
    "column width: give it as a list of numbers or words": {"width": [[1.0, 2.0, 3.0]]},
}


def test_what_a_column_cant_hold_is_refused_with_its_place(model):
    for said, other in WRONG.items():
        with pytest.raises(gb.GradbookError, match=said):
            model.predict(Frame(GIVEN | other))
    with pytest.raises(gb.GradbookError, match="column width: .* collect a lazy frame first"):
        model.predict(Lazy(GIVEN))


def test_missing_values_are_filled_in_where_the_model_can(model, expected):
    given = GIVEN | {"width": [4.0, None, float("nan")], "colour": ["red", None, "red"]}
    filled = GIVEN | {"width": [4.0, 5.0, 5.0], "colour": ["red", "blue", "red"]}
    with pytest.warns(gb.Assumption, match="3 missing values are filled in: 2 of width with 5, 1"):
        assert model.predict(Frame(given)).tolist() == model.predict(filled).tolist()
    unfilled = Model(NET, model.values, model.mean, model.deviation, model.classes, {})
    unfilled.columns = model.columns
    with pytest.raises(gb.GradbookError, match="^row 2, column width: an empty cell"):
        unfilled.predict(Frame(given))


def test_a_model_that_knows_no_names_takes_the_order_and_says_so(model):
    columns = TableColumns(tuple(map(Column, "abcde")), model.columns.target, by_place=True)
    plain = Model(NET, model.values, model.mean, model.deviation, model.classes, columns=columns)
    given = {name: [0.5, 1.5] for name in ("e1", "d1", "c1", "b1", "a1")}
    with pytest.warns(gb.Assumption, match="^the columns are read in their order: e1, d1, c1"):
        numbers = plain.predict(Frame(given))
    assert numbers.tolist() == plain.predict([[0.5] * 5, [1.5] * 5]).tolist()
    with pytest.raises(gb.GradbookError, match="6 columns, but the network takes 5: name its"):
        plain.predict(Frame(given | {"f1": [0.0, 0.0]}))
