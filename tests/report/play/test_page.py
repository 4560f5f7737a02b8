from __future__ import annotations

import json
import re

import numpy as np
import pytest
from hypothesis import example, given

from gradbook.errors import LimitError
from gradbook.net import builtin, parse
from gradbook.report.play_drawing import columns
from gradbook.report.play_page import MOST_BYTES, page_tables, play_page
from gradbook.report.scripts import script
from gradbook.targets.page.page_content import content
from tests.cases import for_each
from tests.targets.page.networks import shown_networks

PLAY = "input 2; dense 8; tanh; dense 1; sigmoid; loss binary cross-entropy"


def tables(net):
    return json.loads(json.dumps(page_tables(content(net))))


def test_shares_of_maps_of_one_place_are_drawn_in_their_maps():
    text = "input 1x3x3; conv 3 3x3; softmax; sample 1 2 3 4 5 6 7 8 9 -> 1 0 0"
    known = content(parse(text))
    names = {place: str(node.name) for node, place in known.lines.places.items()}
    maps = columns(known)[1]["maps"]
    shown = [[names[value] for ((value,),) in row] for row in maps]
    assert shown == [[f"c{k}_1_1", f"a_c{k}"] for k in (1, 2, 3)]


@for_each("net", [builtin("worked"), builtin("xor"), parse(PLAY)], ids=str)
def test_a_page_is_small_and_asks_nobody(net):
    html = play_page(net)
    assert len(html.encode()) < 0.885 * MOST_BYTES  # 354 kB
    assert "default-src 'none'" in html
    assert not re.search(r"https?://(?!www\.w3\.org|schemas\.openxmlformats\.org)", html)


@given(shown_networks() | shown_networks(images=True, depth=3, width=2))
@example(parse("input 1x1x2; flatten; dropout 0; dense 1 no bias; sigmoid"))
def test_any_network_that_a_page_takes_has_one(net):
    try:
        play_page(net)
    except LimitError:
        return
    table = tables(net)
    names = table["names"].keys()
    for column in table["columns"]:
        units = [line for unit in column["units"] if unit for line in unit["values"]]
        rows = [row for maps in column["maps"] for plane in maps for row in plane]
        cells = [line for row in rows for line in row if line is not None]
        assert {str(line) for line in (*units, *cells)} <= names
        assert units or cells


def test_the_same_network_makes_the_same_page():
    assert play_page(builtin("xor")) == play_page(builtin("xor"))


def test_every_value_of_the_drawing_has_a_name_and_every_chain_its_partials():
    table = tables(builtin("xor"))
    units = [unit for column in table["columns"] for unit in column["units"]]
    assert {str(line) for unit in units for line in unit["values"]} <= table["names"].keys()
    partials = {(of, to) for of, to, _ in table["partials"]}
    waiting = [tree for _, tree, _ in table["chains"]]
    while waiting:
        tree = waiting.pop()
        waiting += tree.get("parts", ())
        if tree["kind"] == "partial":
            assert (tree["of"], tree["to"]) in partials


def test_values_that_nothing_reads_are_drawn_as_well():
    net = parse("input 1x5x5; conv 1 2x2; maxpool 3; flatten; dense 1")
    table = tables(net)
    cells = {line for column in table["columns"] for line in np.ravel(column["maps"]).astype(int)}
    assert len(cells) == 25 + 16 + 1
    assert {str(cell) for cell in cells} <= table["names"].keys()
    assert len(table["windows"]) == 16


def test_a_hostile_name_is_read_as_words():
    html = play_page(parse('name "></script><script>alert(1)</script>\ninput 2\ndense 2'))
    assert "<script>alert" not in html


def test_a_network_that_makes_too_large_a_page_is_refused_in_a_line():
    with pytest.raises(LimitError, match="more than 350 kB: use a smaller network"):
        play_page(parse("input 8; dense 40; tanh; dense 40; tanh; dense 3"))


def test_a_network_too_large_to_be_typed_has_a_page_that_says_so():
    net = parse("input 8; dense 16; tanh; dense 15; tanh; dense 3")
    html = play_page(net)
    assert len(html.encode()) < MOST_BYTES
    assert "This network is too large" in html


def test_a_script_holds_each_module_once_and_nothing_of_their_imports():
    made = script("view/main.js")
    assert all(line.count("`") % 2 == 0 for line in made.splitlines())
    assert made.count("class Machine {") == 1
    assert not re.search(r"^(import|export) ", made, re.MULTILINE)
    assert made.index("const WORDS =") < made.index("class Machine")
