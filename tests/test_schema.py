"""A record is read only if it is what it has to be; else it is said which part isn't, and why."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as some

from gradbook.schema import (
    AnyNumber,
    AnyOf,
    Choice,
    FiniteNumber,
    IfThere,
    InTurn,
    ListOf,
    Maybe,
    OneOrMore,
    PlainText,
    Schema,
    SchemaError,
    TrueOrFalse,
    Usually,
    WholeNumber,
    read_json,
)
from tests.cases import for_each

EPOCH = Schema(
    epoch=WholeNumber(1),
    loss=AnyNumber(),
    share=Maybe(FiniteNumber(0, 1)),
    rates=ListOf(FiniteNumber(), least=1, most=3),
    size=IfThere(InTurn((WholeNumber(), PlainText(5)))),
    kind=Choice("train", "test"),
)
GOOD = {"epoch": 3, "loss": float("nan"), "share": None, "rates": [0.5, 1], "kind": "test"}


def test_a_good_record_is_read_with_what_it_says_besides():
    found = EPOCH.read({**GOOD, "size": [28, "rows"], "later": {"more": 1}})
    assert found["rates"] == [0.5, 1.0]
    assert found["size"] == [28, "rows"]
    assert found["later"] == {"more": 1}


@for_each(
    ("wrong", "why"),
    [
        ({"epoch": 0}, "its epoch is a whole number from 1 to "),
        ({"epoch": True}, "its epoch is a whole number from 1 to "),
        ({"epoch": 10**400}, "its epoch is a whole number from 1 to "),
        ({"loss": "3"}, "its loss is a number, not '3'"),
        ({"loss": 10**400}, "its loss is a number, not a larger one"),
        ({"share": 1.5}, "its share is a number from 0 to 1, not 1.5"),
        ({"share": float("nan")}, "its share is a number from 0 to 1, not nan"),
        ({"share": 10**400}, "its share is a number from 0 to 1, not a larger one"),
        ({"rates": []}, "its rates is a list of 1 to 3, not a list of 0"),
        ({"rates": [1, 2, None]}, "its rates, entry 3 is a number, not None"),
        ({"rates": {"1": 1}}, "its rates is a list of 1 to 3, not a record"),
        ({"size": [1]}, "its size is a list of 2, not a list of 1"),
        ({"size": [1, "\ud800"]}, "its size, entry 2 is a text of at most 5 characters"),
        ({"size": [1, "longer"]}, "its size, entry 2 is a text of at most 5 characters"),
        ({"kind": "neither"}, "its kind is one of train, test, not 'neither'"),
        ({"kind": ["test"]}, "its kind is one of train, test, not a list of 1"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(wrong, why):
    with pytest.raises(SchemaError) as error:
        EPOCH.read({**GOOD, **wrong})
    assert error.value.message.startswith(why)


@for_each("missing", GOOD)
def test_what_is_missing_is_named(missing):
    with pytest.raises(SchemaError, match=f"its {missing} is missing"):
        EPOCH.read({name: value for name, value in GOOD.items() if name != missing})


@for_each("text", ["", "{", "[" * 100_000, '{"a": 1'])
def test_what_is_no_json_is_said(text):
    with pytest.raises(SchemaError, match="no JSON"):
        read_json(text, EPOCH)


WINDOW = Schema(
    size=OneOrMore(WholeNumber(1, 9), 2),
    padding=Usually(AnyOf(Choice("same", "valid"), WholeNumber(0, 9)), "valid"),
    flat=Usually(TrueOrFalse(), False),
)


def test_what_is_usual_may_be_missing_or_null():
    usual = {"size": [3], "padding": "valid", "flat": False}
    assert WINDOW.read({"size": 3}) == usual
    assert WINDOW.read({"size": [3], "padding": None, "flat": None}) == usual
    other = {"size": [3, 2], "padding": 4, "flat": True}
    assert WINDOW.read(other) == other


@for_each(
    ("wrong", "why"),
    [
        ({"size": "3"}, "its size is a whole number from 1 to 9 or a list of 1 to 2, not '3'"),
        ({"size": [3, 0]}, "its size, entry 2 is a whole number from 1 to 9, not 0"),
        ({"size": [1, 2, 3]}, "its size is a whole number from 1 to 9 or a list of 1 to 2, not a "),
        (
            {"padding": "all"},
            "its padding is one of same, valid or a whole number from 0 to 9, not",
        ),
        ({"flat": 1}, "its flat is true or false, not 1"),
    ],
)
def test_what_is_none_of_several_kinds_is_told_all_of_them(wrong, why):
    with pytest.raises(SchemaError) as error:
        WINDOW.read({"size": 3, **wrong})
    assert error.value.message.startswith(why)


ANYTHING = some.recursive(
    some.none() | some.booleans() | some.integers() | some.floats() | some.text(max_size=8),
    lambda inner: some.lists(inner, max_size=4) | some.dictionaries(some.text(max_size=8), inner),
)


@given(some.dictionaries(some.sampled_from([*GOOD, "size", "later"]), ANYTHING))
def test_any_record_is_read_whole_or_refused(fields):
    text = json.dumps({**GOOD, **fields})
    try:
        found = read_json(text, EPOCH)
    except SchemaError as error:
        said = error.message
    else:
        assert type(found["epoch"]) is int
        assert all(type(rate) is float for rate in found["rates"])
        assert found["kind"] in ("train", "test")
        said = ""
    assert "\n" not in said
    assert len(said) < 200
