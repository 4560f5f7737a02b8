"""Elements are found in the bytes they stand in, and only those bytes are replaced."""

from __future__ import annotations

from xml.dom.minidom import parseString

import pytest

from gradbook.cells.package import WorkbookError
from gradbook.cells.patch import (
    apply_edits,
    elements,
    only,
    outline,
    place_after,
    plain,
    tag,
    with_attributes,
    with_content,
    words,
)

DATA = b"<x:a n='1>0'>\r\n <x:b k=\"2\" /><!-- <x:b/> --><x:c >t</x:c ></x:a>"


def found(name: str):
    return only(outline(DATA, "part"), name, "part")


def test_each_element_stands_where_its_bytes_are():
    texts = {e.tag: DATA[e.start : e.end] for e in outline(DATA, "part")}
    assert texts == {"a": DATA, "b": b'<x:b k="2" />', "c": b"<x:c >t</x:c >"}
    assert found("b").is_empty()
    assert DATA[found("c").inside : found("c").close] == b"t"


def test_elements_come_in_the_order_in_which_they_begin():
    deep = elements(b"<a><b><c/></b><d/></a>", "part", lambda depth, tag, _: tag != "b")
    assert [(e.tag, e.depth) for e in deep] == [("a", 0), ("c", 2), ("d", 1)]


def test_a_changed_attribute_leaves_all_other_bytes():
    opening = with_attributes(found("b").opening, k="3", new='"<')
    assert opening == b'<x:b new="&quot;&lt;" k="3" />'
    assert with_attributes(opening, new=None, other=None) == b'<x:b k="3" />'


def test_a_start_tag_gets_what_is_in_it():
    assert with_content(b'<x:b k="/" />', b"1") == b'<x:b k="/">1</x:b>'
    assert with_content(b"<b>", b"") == b"<b/>"


def test_a_child_goes_to_the_end_and_opens_an_empty_element():
    child = tag(found("a").prefix, "d", words("ä & b"))
    assert child == b"<x:d>&#228; &amp; b</x:d>"
    assert apply_edits(DATA, found("a").with_child(child)) == DATA[:-6] + child + b"</x:a>"
    inside_b = apply_edits(DATA, found("b").with_child(child))
    assert b'<x:b k="2">' + child + b"</x:b>" in inside_b


def test_edits_of_the_same_bytes_are_refused_and_insertions_keep_their_order():
    assert apply_edits(b"abc", [(1, 1, b"1"), (1, 1, b"2"), (1, 2, b"")]) == b"a12c"
    with pytest.raises(AssertionError):
        apply_edits(b"abc", [(0, 2, b""), (1, 3, b"")])


def test_a_new_child_has_its_place_behind_those_that_come_earlier():
    everything = outline(DATA, "part")
    assert place_after(everything, "z b") == found("b").end
    assert place_after(everything, "z") == found("a").inside


def test_a_part_without_the_element_is_refused():
    with pytest.raises(WorkbookError, match="no <d>"):
        found("d")


def test_what_no_xml_may_hold_is_replaced():
    assert words("a\0b\ud800") == b"a&#65533;b&#65533;"


def test_utf_16_becomes_what_ascii_can_be_put_into():
    wide = '<?xml version="1.0" encoding="UTF-16"?><a>ä</a>'.encode("utf-16")
    assert parseString(plain(wide)).documentElement.firstChild.data == "ä"
    assert plain(DATA) is DATA
