"""What was sent is held against what was asked for, whatever it is."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradbook.language.message import translate
from gradbook.serve.requests import Field, RefusalError, options, record
from tests.cases import for_each
from tests.pseudo import plain_words, pseudo_language

FIELDS = {
    "text": Field(str, 1, 10, is_needed=True),
    "count": Field(int, 0, 5, usual=2),
    "rate": Field(float, 0, 1),
    "yes": Field(bool, usual=False),
    "many": Field(list, 0, 3),
}
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inside: st.lists(inside) | st.dictionaries(st.text(), inside),
    max_leaves=6,
)


def test_what_is_given_is_kept_and_the_rest_is_as_usual():
    found = record(b'{"text": "abc", "rate": 1}', FIELDS)
    assert found == {"text": "abc", "count": 2, "rate": 1, "yes": False, "many": None}


@for_each(
    ("sent", "why"),
    [
        ({}, "text is missing"),
        ({"text": ""}, "text is out of range: at least 1 and at most 10"),
        ({"text": "x" * 11}, "text is out of range"),
        ({"text": 1}, "text must be text"),
        ({"text": "a\0b"}, "text contains a null character"),
        ({"text": "a", "count": True}, "count must be a whole number"),
        ({"text": "a", "count": 1.0}, "count must be a whole number"),
        ({"text": "a", "rate": "1"}, "rate must be a number"),
        ({"text": "a", "rate": 10**400}, "rate is out of range"),
        ({"text": "a", "many": [1] * 4}, "many is out of range"),
        ({"text": "a", "more": 1}, "there is no field 'more' here"),
    ],
)
def test_what_wont_do_is_said(sent, why):
    with pytest.raises(RefusalError, match=why):
        record(json.dumps(sent).encode(), FIELDS)


def test_a_field_is_asked_for_once():
    assert options("text=a&count=3", FIELDS)["count"] == 3
    with pytest.raises(RefusalError, match="twice"):
        options("text=a&count=3&count=4", FIELDS)


def test_what_a_teacher_may_type_wrongly_is_said_in_her_language():
    for sent in ({"text": "a", "rate": -1}, {"text": "a", "count": 0.5}, {"text": "a", "count": 9}):
        with pseudo_language(), pytest.raises(RefusalError) as refused:
            record(json.dumps(sent).encode(), FIELDS)
        with pseudo_language():
            assert plain_words(translate(refused.value.why), *sent) == []


def refusal(read, *words):
    """The status with which something is refused; nothing where it isn't, and what was read."""
    try:
        return None, read(*words)
    except RefusalError as refused:
        return refused.status, refused.why


@given(st.dictionaries(st.sampled_from([*FIELDS, "other"]), VALUES) | VALUES)
def test_whatever_is_sent_is_kept_to_its_kind_or_refused(sent):
    status, found = refusal(record, json.dumps(sent).encode(), FIELDS)
    assert status in (None, 400, 422)
    assert found
    if status is None:
        assert 1 <= len(found["text"]) <= 10
        assert 0 <= found["count"] <= 5
        assert found["rate"] is None or 0 <= found["rate"] <= 1


@given(st.binary(max_size=40))
def test_bytes_are_a_record_or_refused(sent):
    assert refusal(record, sent, FIELDS)[0] in (400, 422)


@given(st.text(max_size=40))
def test_queries_are_options_or_refused(query):
    fields = FIELDS | {"text": Field(str, 0, 10, usual="")}
    status, found = refusal(options, query, fields)
    assert status in (400, 422) or found.keys() == fields.keys()


def test_a_query_says_yes_with_a_1():
    fields = {"yes": FIELDS["yes"], "rate": FIELDS["rate"]}
    assert options("yes=1&rate=0.5", fields) == {"yes": True, "rate": 0.5}
    assert options("", fields) == {"yes": False, "rate": None}
