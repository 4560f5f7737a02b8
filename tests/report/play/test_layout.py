"""Where the page's own drawing has everything: nothing lies on anything else or is cut off."""

from __future__ import annotations

import json
from functools import cache
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradbook.net import builtin, parse
from gradbook.report.play_page import building_table, builds
from tests.cases import for_each
from tests.families import networks
from tests.targets.drawing.overlaps import small_network
from tests.targets.page.machine import asked

pytestmark = pytest.mark.witness("node")

FIELDS = {"desk": (776, 632), "wide": (1300, 900), "phone": (390, 344)}


@cache
def building():
    return json.loads(json.dumps(building_table()))


def field(net, room, as_numbers, has_pictures=True):
    width, height = FIELDS[room]
    size = {"width": width, "height": height, "isNarrow": room == "phone"}
    words = {"text": str(net), "building": building(), "room": size}
    return asked("field", **words, asNumbers=as_numbers, hasPictures=has_pictures)


def rectangle(box):
    left, top = box["left"], box["top"]
    return left, top, left + box["width"], top + box["height"]


def in_field(found):
    """What is drawn of units, maps and labels, by what it is."""
    for number, spot in enumerate(found["spots"]):
        boxes = [*spot["halves"], *([spot["small"]] if spot["small"] else [])]
        yield from ((f"box {number} {k}", rectangle(box)) for k, box in enumerate(boxes))
    for number, way in enumerate(found["ways"]):
        if way["label"]:
            yield f"label {number}", rectangle(way["label"])
    yield from ((f"map {k}", rectangle(it["box"])) for k, it in enumerate(found["maps"]))


def faults(found, room, hasty=0.05):
    """What lies on what, and what lies outside; `hasty` pixels don't count."""
    boxes, (width, height) = dict(in_field(found)), FIELDS[room]
    assert boxes
    for (one, a), (other, b) in combinations(boxes.items(), 2):
        across, down = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
        if across > hasty and down > hasty:
            yield one, other
    for name, box in boxes.items():
        if min(box[:2]) < -hasty or box[2] > width + hasty or box[3] > height + hasty:
            yield name, box


@for_each("room", FIELDS)
@for_each("as_numbers", [True, False])
@for_each("name", ["worked", "mazur", "xor", "2-4-2-1", "2-8-8-1", "2-3-3-3-2"])
def test_nothing_lies_on_anything_else_in_a_field(name, as_numbers, room):
    widths = list(map(int, name.split("-"))) if "-" in name else []
    hidden = "; ".join(f"dense {width}; tanh" for width in widths[1:-1])
    text = f"input 2; {hidden}; dense {widths[-1]}; sigmoid; seed 1" if widths else ""
    found = field(parse(text) if text else builtin(name), room, as_numbers)
    assert not list(faults(found, room))
    if room == "phone" and "8" in name:
        assert found["isPicture"]
    if room == "wide" or name == "worked" or (name == "xor" and room != "phone"):
        assert found["isPicture"] != as_numbers


@pytest.mark.parametrize("room", ["desk", "wide"])
@pytest.mark.parametrize("tens", range(20))
def test_nothing_of_a_small_network_lies_on_anything_else(tens, room):
    for seed in range(10 * tens, 10 * tens + 10):
        if builds(net := small_network(seed)):
            found = field(net, room, as_numbers=True, has_pictures=False)
            assert (seed, list(faults(found, room))) == (seed, [])


@given(networks(dropout=True, recurrent=False).filter(builds), st.sampled_from(("desk", "wide")))
def test_nothing_of_any_network_lies_on_anything_else(net, room):
    assert not list(faults(field(net, room, as_numbers=True, has_pictures=False), room))


@for_each("name", ["strokes", "echo", "counter", "attention-by-hand"])
def test_maps_fit_beside_each_other(name):
    for room in FIELDS:
        assert not list(faults(field(builtin(name), room, True, False), room)), room


def test_weights_have_their_numbers_where_the_lines_of_a_column_have_room():
    found = field(builtin("xor"), "wide", as_numbers=True)
    assert all(way["label"] for way in found["ways"] if way["weight"] is not None)
