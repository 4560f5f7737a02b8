"""Where the page's own drawing has everything: held against the rules, and against overlaps."""

from __future__ import annotations

import json
from dataclasses import asdict
from functools import cache
from itertools import combinations, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradbook.net import builtin, parse
from gradbook.report.play_page import building_table, builds
from gradbook.targets.drawing.layout import ColumnSize, SpacingRules, space_out
from gradbook.targets.drawing.shapes import ems, width_table
from tests.cases import for_each
from tests.families import networks
from tests.targets.drawing.overlaps import overlaps, small_network
from tests.targets.page.machine import asked

pytestmark = pytest.mark.witness("node")
TABLET, DESK = 700, 1100  # pixels that a drawing has on a page
WORDS = 12.5  # their size

lengths = st.integers(0, 300).map(float)
rules = st.builds(SpacingRules, *[st.integers(1, 100).map(float)] * 8)


@st.composite
def column_sizes(draw):
    columns = draw(
        st.lists(
            st.builds(
                ColumnSize,
                lengths,
                lengths,
                lengths,
                st.lists(st.booleans(), max_size=5).map(tuple),
                st.booleans(),
                label=st.tuples(lengths, lengths),
                gap=lengths,
                caption=lengths,
            ),
            min_size=1,
            max_size=6,
        )
    )
    fans = [sum(goal.cells) * draw(st.booleans()) for goal in columns[1:]]
    return [
        ColumnSize(**{**asdict(it), "fan": fan})
        for it, fan in zip(columns, [*fans, 0], strict=True)
    ]


@given(column_sizes(), rules, lengths, st.integers(300, 2000).map(float))
def test_the_page_follows_the_rules_of_every_drawing(columns, rules, room, most):
    words = {
        "columns": list(map(asdict, columns)),
        "rules": asdict(rules),
        "room": room,
        "most": most,
    }
    for here, there in zip(
        asked("spaced", **words), space_out(columns, rules, room, most), strict=True
    ):
        for part, value in asdict(there).items():
            assert here[part] == pytest.approx(value), part


@cache
def building():
    return json.loads(json.dumps(building_table()))


def laid_out(net, room):
    words = {"text": str(net), "building": building(), "widths": width_table(), "room": room}
    return asked("layout", **words)


def rectangle(box):
    left, top = box["left"], box["top"]
    return left, top, left + box["width"], top + box["height"]


def found(layout):
    """What lies on what, and what lies outside."""
    names = {int(line): name["said"] for line, name in layout["names"].items()}
    labels, units, lines = {}, {}, {}
    for number, caption in enumerate(layout["captions"]):
        half, y = ems(caption["words"]) * WORDS / 2, caption["y"]
        labels[f"{caption['words']} {number}"] = (
            caption["x"] - half,
            y - 11,
            caption["x"] + half,
            y + 3,
        )
    for number, spot in enumerate(layout["spots"]):
        for line, box in zip(spot["unit"]["values"], spot["halves"], strict=True):
            units[f"{names[line]} {number}"] = rectangle(box)
        if spot["above"]:
            units[f"{names[spot['unit']['above']]} {number}"] = rectangle(spot["above"])
    for number, way in enumerate(layout["ways"]):
        name = f"line {number} {names.get(way['weight'], '')}"
        lines |= {f"{name} {k}": piece for k, piece in enumerate(way["pieces"])}
        if way["label"]:
            labels[f"label of {name}"] = rectangle(way["label"]["box"])
    for column in layout["cells"]:
        for cell in column:
            x, y, size = cell["x"], cell["y"], cell["size"]
            units[f"{names[cell['line']]} cell"] = (x, y, x + size, y + size)
    yield from overlaps(labels, units, lines)
    edges = (0, 0, layout["width"], layout["height"])
    for name, (left, top, right, bottom) in {**labels, **units}.items():
        if left < edges[0] or top < edges[1] or right > edges[2] or bottom > edges[3]:
            yield f"{name} is cut off"


@pytest.mark.parametrize("room", [TABLET, DESK])
@pytest.mark.parametrize("tens", range(20))
def test_nothing_of_a_small_network_lies_on_anything_else(tens, room):
    for seed in range(10 * tens, 10 * tens + 10):
        if builds(net := small_network(seed)):
            assert (seed, list(found(laid_out(net, room)))) == (seed, [])


FIELDS = {"desk": (776, 632), "wide": (1300, 900), "phone": (390, 344)}


def field(net, room, as_numbers):
    width, height = FIELDS[room]
    size = {"width": width, "height": height, "isNarrow": room == "phone"}
    words = {"text": str(net), "building": building(), "room": size, "asNumbers": as_numbers}
    return asked("field", **words)


def in_field(found):
    """What is drawn of units and labels, by what it is."""
    for number, spot in enumerate(found["spots"]):
        boxes = [*spot["halves"], *([spot["small"]] if spot["small"] else [])]
        yield from ((f"box {number} {k}", rectangle(box)) for k, box in enumerate(boxes))
    for number, way in enumerate(found["ways"]):
        if way["label"]:
            yield f"label {number}", rectangle(way["label"])


@for_each("room", FIELDS)
@for_each("as_numbers", [True, False])
@for_each("name", ["worked", "mazur", "xor", "2-4-2-1", "2-8-8-1", "2-3-3-3-2"])
def test_nothing_lies_on_anything_else_in_a_field(name, as_numbers, room):
    widths = list(map(int, name.split("-"))) if "-" in name else []
    hidden = "; ".join(f"dense {width}; tanh" for width in widths[1:-1])
    text = f"input 2; {hidden}; dense {widths[-1]}; sigmoid; seed 1" if widths else ""
    found = field(parse(text) if text else builtin(name), room, as_numbers)
    (width, height), boxes = FIELDS[room], dict(in_field(found))
    assert boxes
    for (one, a), (other, b) in combinations(boxes.items(), 2):
        apart = a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1]
        assert apart, (one, other)
    for box in boxes.values():
        assert min(box[:2]) >= 0
        assert box[2] <= width
        assert box[3] <= height
    if name == "2-8-8-1":
        assert found["isPicture"]
    if name == "worked":
        assert found["isPicture"] != as_numbers


@given(networks(dropout=True, recurrent=False).filter(builds), st.sampled_from((TABLET, DESK)))
def test_nothing_of_any_network_lies_on_anything_else(net, room):
    assert list(found(laid_out(net, room))) == []


def test_every_line_begins_at_its_unit_ends_at_another_and_has_its_label_near_its_start():
    for way in laid_out(builtin("worked"), DESK)["ways"]:
        pieces = way["pieces"]
        if way["weight"] is None:
            continue
        (start, *_, stub), (rest, *_, end) = pieces
        assert stub[1] == rest[1]
        assert 0 < stub[0] - start[0] < rest[0] - stub[0] < end[0] - start[0]


def test_weights_stand_in_the_order_of_the_units_that_they_lead_to():
    layout = laid_out(builtin("worked"), DESK)
    tops = {
        layout["names"][str(way["weight"])]["said"]: way["label"]["box"]["top"]
        for way in layout["ways"]
        if way["label"]
    }
    order = sorted(("w1", "w2", "w3", "w4"), key=tops.__getitem__)
    assert order == ["w1", "w3", "w2", "w4"]
    assert all(one < other for one, other in pairwise(tops[name] for name in order))
